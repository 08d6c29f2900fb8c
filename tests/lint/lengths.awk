# tests/lint/lengths.awk FILE...: a C file stays under 600 lines and a Lua file under 300; a C
# function under 80 (clang-format puts its braces in the first column), a Lua function under 80.
function complain(line, text) { printf "%s:%d: %s\n", file, line, text; bad = 1 }
function close_file() {
    if (file == "") return
    limit = file ~ /\.lua$/ ? 300 : 600
    if (lines > limit) complain(lines, lines " lines; the limit is " limit ": this is two rooms")
}
FNR == 1 { close_file(); file = FILENAME; began = 0 }
{ lines = FNR }
file ~ /\.(c|h|cpp)$/ && /^{/ { began = FNR }
file ~ /\.(c|h|cpp)$/ && /^}/ && began {
    if (FNR - began > 80) complain(began, "a function of " FNR - began " lines; the limit is 80")
    began = 0
}
# Lua: a function that starts in the first column ends with an `end` there.
file ~ /\.lua$/ && file !~ /_spec\.lua$/ && /^(local )?function / && !/ end$/ { began = FNR }
file ~ /\.lua$/ && /^end/ && began {
    if (FNR - began > 80) complain(began, "a function of " FNR - began " lines; the limit is 80")
    began = 0
}
END { close_file(); exit bad }
