# tests/lint/banned.awk FILE...: calls that the house does not make, with what to do instead. An
# exception stands on the line with its reason: /* banned-ok: why */
BEGIN {
    why["strcpy"] = why["strcat"] = why["stpcpy"] = "no bound: use memcpy with a checked size, or eh_buf"
    why["strncpy"] = why["strncat"] = "leaves text without an end: use memcpy with a checked size"
    why["sprintf"] = why["vsprintf"] = "no bound: use snprintf, or eh_buf"
    why["gets"] = "no bound"
    why["strtok"] = why["strtok_r"] = "changes its input: scan it"
    why["atoi"] = why["atol"] = why["atoll"] = why["atof"] = "hides errors: parse and check"
    why["scanf"] = why["sscanf"] = why["fscanf"] = "hides overflow: parse and check"
    why["alloca"] = "unbounded stack"
    why["system"] = why["popen"] = "runs a shell"
    why["tmpnam"] = why["mktemp"] = why["tempnam"] = "a race: mkstemp, mkdtemp"
    why["rand"] = why["srand"] = "use the generator of base"
    why["localtime"] = why["gmtime"] = why["asctime"] = why["ctime"] = "shared static result"
    why["signal"] = "use sigaction"
    why["setlocale"] = "process-wide: turns 1.5 into 1,5"
    why["sleep"] = why["usleep"] = why["nanosleep"] = "nobody sleeps: wait for a condition in the loop"
    # Only where the process meets the world.
    top["getenv"] = top["setenv"] = top["unsetenv"] = top["exit"] = top["abort"] = 1
}
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
FNR == 1 { comment = 0 }
{
    line = $0
    ok = line ~ /banned-ok: ./
    if (comment) { if (!sub(/^.*\*\//, "", line)) next; comment = 0 }
    gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
    gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
    sub(/\/\/.*/, "", line)
    if (sub(/\/\*.*/, "", line)) comment = 1
    if (ok) next
    while (match(line, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
        before = RSTART > 1 ? substr(line, RSTART - 1, 1) : ""
        name = substr(line, RSTART, RLENGTH)
        sub(/[ \t]*\($/, "", name)
        line = substr(line, RSTART + RLENGTH)
        if (before == "." || before == ">") continue
        if (name == "signal" && line ~ /SIG_(IGN|DFL)/) continue
        if (name in why) complain(name ": " why[name])
        if (name in top && FILENAME !~ /^(host\/main\.c|host\/bind\/|host\/jail\/|tests\/)/)
            complain(name ": only main, bind and the jail's own process do that")
    }
}
END { exit bad }
