/* tests/support/http_coding.c: gzip(text), deflate(text), zstd(text), brotli(text) for
 * scenarios. */
#include "http_parts.h"

#include <brotli/encode.h>
#include <lauxlib.h>
#include <zlib.h>
#include <zstd.h>

/* window: zlib's, 15 + 16 for gzip. */
static int push_deflated(lua_State *L, int window)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    z_stream z = {0};
    if (deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return luaL_error(L, "zlib");
    size_t most = deflateBound(&z, len);
    char *out = lua_newuserdatauv(L, most, 0);
    z.next_in = (z_const Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)most;
    int result = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    if (result != Z_STREAM_END) return luaL_error(L, "zlib");
    lua_pushlstring(L, out, z.total_out);
    return 1;
}

static int l_gzip(lua_State *L)
{
    return push_deflated(L, 15 + 16);
}

static int l_deflate(lua_State *L)
{
    return push_deflated(L, 15);
}

static int l_zstd(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    size_t most = ZSTD_compressBound(len);
    char *out = lua_newuserdatauv(L, most, 0);
    size_t size = ZSTD_compress(out, most, text, len, 3);
    if (ZSTD_isError(size)) return luaL_error(L, "zstd");
    lua_pushlstring(L, out, size);
    return 1;
}

static int l_brotli(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    size_t size = BrotliEncoderMaxCompressedSize(len);
    char *out = lua_newuserdatauv(L, size, 0);
    if (!BrotliEncoderCompress(5, BROTLI_DEFAULT_WINDOW, BROTLI_DEFAULT_MODE, len,
                               (const uint8_t *)text, &size, (uint8_t *)out))
        return luaL_error(L, "brotli");
    lua_pushlstring(L, out, size);
    return 1;
}

void hs_open_codings(lua_State *L)
{
    lua_register(L, "gzip", l_gzip);
    lua_register(L, "deflate", l_deflate);
    lua_register(L, "zstd", l_zstd);
    lua_register(L, "brotli", l_brotli);
}
