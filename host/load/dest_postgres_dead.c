/* load/dest_postgres_dead.c: dead rows, encoded for COPY into the bookkeeping.
 *
 * Binary COPY (manual, "COPY", "Binary Format"): big-endian lengths, -1 for null. Written here
 * and not with data/copyenc.h, since a dead row's bytes are whatever came. */
#include "data/json.h"
#include "load/dest_postgres_lane.h"

#include <string.h>

static bool put_u32(eh_buf *out, uint32_t value, eh_err *err)
{
    unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                              (unsigned char)(value >> 8), (unsigned char)value};
    return eh_buf_append(out, bytes, sizeof bytes, err);
}

static bool put_int(eh_buf *out, int64_t value, eh_err *err)
{
    uint64_t bits = (uint64_t)value;
    return put_u32(out, 8, err) && put_u32(out, (uint32_t)(bits >> 32), err) &&
           put_u32(out, (uint32_t)bits, err);
}

static bool put_bytes(eh_buf *out, eh_slice bytes, eh_err *err)
{
    return put_u32(out, (uint32_t)bytes.len, err) &&
           eh_buf_append(out, bytes.data, bytes.len, err);
}

bool eh_pg_clean_text(eh_buf *out, eh_slice text, eh_err *err)
{
    bool clean = text.len == 0 ||
                 (memchr(text.data, 0, text.len) == NULL && eh_utf8_valid(text.data, text.len));
    if (clean) return eh_buf_append(out, text.data, text.len, err);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (!eh_buf_append_byte(out, c >= 0x20 && c < 0x7f ? (char)c : '?', err)) return false;
    }
    return true;
}

/* The length is known afterwards only. */
static bool put_text(eh_buf *out, eh_slice text, eh_err *err)
{
    size_t length_at = out->len;
    if (!put_u32(out, 0, err) || !eh_pg_clean_text(out, text, err)) return false;
    uint32_t len = (uint32_t)(out->len - length_at - 4);
    for (size_t i = 0; i < 4; i++) out->data[length_at + i] = (char)(len >> (24 - 8 * i));
    return true;
}

static bool put_dead(const eh_unit *unit, const eh_stream_state *state, const char *client,
                     const eh_dead *dead, eh_buf *out, eh_err *err)
{
    static const char eleven[2] = {0, 11}; /* columns */
    return eh_buf_append(out, eleven, 2, err) && put_int(out, state->stream_id, err) &&
           put_text(out, eh_slice_str(client), err) && put_int(out, state->load_id, err) &&
           put_text(out, eh_slice_str(eh_unit_label(unit, &dead->place)), err) &&
           put_int(out, (int64_t)dead->place.row, err) &&
           put_int(out, (int64_t)dead->place.line, err) &&
           put_int(out, (int64_t)dead->place.offset, err) &&
           (dead->column.len > 0 ? put_text(out, dead->column, err)
                                 : put_u32(out, UINT32_MAX, err)) &&
           put_text(out, dead->code, err) && put_text(out, dead->reason, err) &&
           put_bytes(out, dead->raw, err);
}

bool eh_pg_encode_dead(const eh_unit *unit, const eh_stream_state *state, const char *client,
                       eh_buf *out, eh_err *err)
{
    for (size_t i = 0; i < unit->dead_count; i++)
        if (!put_dead(unit, state, client, &unit->dead[i], out, err)) return false;
    return true;
}
