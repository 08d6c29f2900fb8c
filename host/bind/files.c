/* bind/files.c: host.files, the project's own small files and folders. */
#include "bind/bind.h"

#include "io/file.h"
#include "io/fs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_MAX = 64 * 1024 * 1024 };

static int fail_errno(lua_State *L, const char *what, const char *path)
{
    eh_err err = {.class_ = EH_OK};
    eh_fail_errno(&err, EH_CLASS_CONFIG, errno, "cannot %s %s", what, path);
    return eh_bind_fail(L, &err);
}

static int l_buf_gc(lua_State *L)
{
    eh_buf_free(lua_touserdata(L, 1));
    return 0;
}

/* files.read(path, max_bytes) -> text | nil, err */
static int l_read(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_Integer max = luaL_optinteger(L, 2, READ_MAX);
    luaL_argcheck(L, max > 0 && max <= READ_MAX, 2, "out of range");
    eh_buf *buf = lua_newuserdatauv(L, sizeof *buf, 0); /* [path, max, buf] */
    eh_buf_init(buf, (size_t)max + (size_t)64 * 1024);
    eh_bind_box(L, "etlhost file content", l_buf_gc);
    eh_err err = {.class_ = EH_OK};
    if (!eh_fs_read(path, buf, &err)) return eh_bind_fail(L, &err);
    lua_pushlstring(L, buf->data, buf->len);
    eh_buf_free(buf);
    return 1;
}

/* files.write(path, text, mode) -> true | nil, err */
static int l_write(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    eh_slice content;
    content.data = luaL_checklstring(L, 2, &content.len);
    unsigned mode = (unsigned)luaL_optinteger(L, 3, 0644) & 0777U;
    eh_err err = {.class_ = EH_OK};
    if (!eh_fs_write(path, content, mode, &err)) return eh_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* files.hash(text) -> SHA-256 in hexadecimal | nil, err */
static int l_hash(lua_State *L)
{
    eh_slice text;
    text.data = luaL_checklstring(L, 1, &text.len);
    char out[EH_FS_HASH_SIZE];
    eh_err err = {.class_ = EH_OK};
    if (!eh_fs_hash(text, out, &err)) return eh_bind_fail(L, &err);
    lua_pushstring(L, out);
    return 1;
}

/* files.identify(path) -> what the ledger knows a file by, its size, when it was written
 * (microseconds) | nil, err */
static int l_identify(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    eh_file file;
    bool growing = false;
    eh_err err = {.class_ = EH_OK};
    if (!eh_file_open(&file, NULL, path, &err)) return eh_bind_fail(L, &err);
    bool ok = eh_file_identify(&file, &growing, &err);
    if (ok && growing)
        ok = eh_fail(&err, EH_CLASS_TRANSIENT, "somebody is writing to %s", path);
    eh_file_close(&file);
    if (!ok) return eh_bind_fail(L, &err);
    lua_pushstring(L, file.identity);
    lua_pushinteger(L, (lua_Integer)file.size);
    lua_pushinteger(L, file.modified_us);
    return 3;
}

/* files.make_folder(path) -> true | nil, err */
static int l_make_folder(lua_State *L)
{
    eh_err err = {.class_ = EH_OK};
    if (!eh_fs_make_folder(luaL_checkstring(L, 1), &err)) return eh_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

static int l_dir_gc(lua_State *L)
{
    DIR **box = lua_touserdata(L, 1);
    if (*box != NULL) (void)closedir(*box);
    *box = NULL;
    return 0;
}

/* files.list(path) -> names without . and .., in the folder's order | nil, err */
static int l_list(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    DIR **box = lua_newuserdatauv(L, sizeof *box, 0); /* [path, box] */
    *box = NULL;
    eh_bind_box(L, "etlhost folder", l_dir_gc);
    *box = opendir(path);
    if (*box == NULL) return fail_errno(L, "list", path);
    lua_newtable(L); /* [path, box, names] */
    lua_Integer count = 0;
    for (struct dirent *e; (e = readdir(*box)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        lua_pushstring(L, e->d_name);
        lua_rawseti(L, -2, ++count);
    }
    (void)closedir(*box);
    *box = NULL;
    return 1;
}

static const char *type_name(mode_t mode)
{
    if (S_ISREG(mode)) return "file";
    return S_ISDIR(mode) ? "folder" : "other";
}

/* files.stat(path) -> { type, size, mode, modified_us } | nil, err */
static int l_stat(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct stat st;
    if (stat(path, &st) != 0) return fail_errno(L, "find", path);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, type_name(st.st_mode));
    lua_setfield(L, -2, "type");
    lua_pushinteger(L, st.st_size);
    lua_setfield(L, -2, "size");
    lua_pushinteger(L, (lua_Integer)(st.st_mode & 0777));
    lua_setfield(L, -2, "mode");
    lua_pushinteger(L, (lua_Integer)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000);
    lua_setfield(L, -2, "modified_us");
    return 1;
}

/* files.real_path(path) -> absolute path | nil, err */
static int l_real_path(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    char *buffer = lua_newuserdatauv(L, PATH_MAX, 0); /* [path, buffer] */
    if (realpath(path, buffer) == NULL) return fail_errno(L, "find", path);
    lua_pushstring(L, buffer);
    return 1;
}

/* files.current_folder() -> absolute path | nil, err */
static int l_current_folder(lua_State *L)
{
    char *buffer = lua_newuserdatauv(L, PATH_MAX, 0);
    if (getcwd(buffer, PATH_MAX) == NULL) return fail_errno(L, "find", "the current folder");
    lua_pushstring(L, buffer);
    return 1;
}

int luaopen_host_files(lua_State *L)
{
    static const luaL_Reg functions[] = {{"read", l_read},
                                         {"write", l_write},
                                         {"hash", l_hash},
                                         {"identify", l_identify},
                                         {"make_folder", l_make_folder},
                                         {"list", l_list},
                                         {"stat", l_stat},
                                         {"real_path", l_real_path},
                                         {"current_folder", l_current_folder},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
