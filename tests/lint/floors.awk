# tests/lint/floors.awk FILE...: a file includes its own room and lower floors, and the libraries
# that its room is there for (design section 4). Reads host/ROOM/file and host/main.c.
BEGIN {
    split("base 0 data 1 wire 1 io 2 load 3 store 3 vm 3 engine 4 jail 4 bind 4 main.c 5", f, " ")
    for (i = 1; i in f; i += 2) floor_of[f[i]] = f[i + 1]
    # Library headers that only some rooms may see.
    only["lua.h"] = only["lauxlib.h"] = only["lualib.h"] = "vm jail bind"
    only["curl/curl.h"] = only["libpq-fe.h"] = only["sqlite3.h"] = "io"
    only["seccomp.h"] = "jail"
    only["yaml.h"] = only["simdjson.h"] = only["zlib.h"] = only["zstd.h"] = only["zstd_errors.h"] = "data"
    only["brotli/decode.h"] = only["expat.h"] = "data"
    only["histedit.h"] = only["editline/readline.h"] = "bind"
}
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
FNR == 1 {
    split(FILENAME, part, "/")
    room = part[2]
    if (!(room in floor_of)) complain("no such room in the house: " room)
}
/^[ \t]*#[ \t]*include[ \t]*</ {
    match($0, /<[^>]*>/)
    name = substr($0, RSTART + 1, RLENGTH - 2)
    if (name in only && (" " only[name] " ") !~ (" " room " "))
        complain("<" name "> is for " only[name] " only, not for " room)
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    match($0, /"[^"]*"/)
    name = substr($0, RSTART + 1, RLENGTH - 2)
    if (name == "version.h" && room == "main.c") next
    if (split(name, target, "/") != 2) { complain("includes name their room: \"" name "\""); next }
    if (!(target[1] in floor_of)) complain("no such room: \"" name "\"")
    else if (target[1] != room && floor_of[target[1]] >= floor_of[room])
        complain(room " (floor " floor_of[room] ") includes \"" name "\" (floor " floor_of[target[1]] ")")
}
END { exit bad }
