/* jail/row_changes.c: what row functions write, packed into ROWS_DONE frames; the form is in
 * docs/reference/messages.md. The engine takes nothing on trust, so what it would refuse as
 * forged is refused here first, as an error of the row that names the column. */
#include "jail/rows.h"

#include <lauxlib.h>
#include <math.h>

enum {
    FRAME_BYTES = 900 * 1024, /* of packed data and texts; the rest of a frame is small */
    FRAME_LISTED = 20000,     /* entries of lists: a document has at most 100,000 parts */
    LIST_ENTRY_BYTES = 64,    /* what a column or a dropped row takes beside its text */
    FAILED_ENTRY_BYTES = 128
};

/* ---- Writing to the current row ---------------------------------------------------------- */

static int refuse(lua_State *L, const eh_rows *rows, size_t column, const char *why)
{
    return luaL_error(L, "row.%s: %s", rows->columns[column].name, why);
}

/* Most texts are short and plain: looked at here, eight bytes at a time. */
static bool is_ascii(eh_slice text)
{
    uint64_t seen = 0, word;
    size_t i = 0;
    for (; i + sizeof word <= text.len; i += sizeof word) {
        memcpy(&word, text.data + i, sizeof word);
        seen |= word;
    }
    for (; i < text.len; i++) seen |= (unsigned char)text.data[i];
    return (seen & 0x8080808080808080U) == 0;
}

static void write_text(lua_State *L, eh_rows *rows, size_t column, eh_written *out,
                       eh_slice text)
{
    eh_err err = {.class_ = EH_OK};
    if (text.len > EH_ROWS_MAX_VALUE) (void)refuse(L, rows, column, "the text is over 512 KB");
    if (!is_ascii(text) && !eh_utf8_valid(text.data, text.len))
        (void)refuse(L, rows, column, "the text is not UTF-8");
    out->as.offset = rows->texts.len;
    out->len = (uint32_t)text.len;
    if (!eh_buf_append(&rows->texts, text.data, text.len, &err))
        (void)refuse(L, rows, column, err.message);
}

/* JSON has neither, and the conversion would replace them without a word. */
static bool fits_json(const eh_doc *doc)
{
    if (doc->kind == EH_DOC_DOUBLE && !isfinite(doc->as.real)) return false;
    if (doc->kind == EH_DOC_STRING && !eh_utf8_valid(doc->as.string.data, doc->as.string.len))
        return false;
    for (const eh_doc *c = eh_doc_first(doc); c != NULL; c = c->next)
        if (!eh_utf8_valid(c->key.data, c->key.len) || !fits_json(c)) return false;
    return true;
}

static void write_table(lua_State *L, eh_rows *rows, size_t column, eh_written *out)
{
    eh_err err = {.class_ = EH_OK};
    const eh_doc *doc = eh_vm_to_doc(L, 3, eh_link_arena(&rows->jail->link));
    if (!fits_json(doc))
        (void)refuse(L, rows, column, "the table holds text that is not UTF-8, or no number");
    out->as.offset = rows->texts.len;
    if (!eh_doc_to_json(doc, &rows->texts, &err)) (void)refuse(L, rows, column, err.message);
    size_t len = rows->texts.len - out->as.offset;
    if (len > EH_ROWS_MAX_VALUE) (void)refuse(L, rows, column, "the table is over 512 KB");
    out->len = (uint32_t)len;
}

static void write_number(lua_State *L, eh_rows *rows, size_t column, eh_written *out)
{
    if (lua_isinteger(L, 3)) {
        out->kind = EH_CELL_INTEGER;
        out->as.integer = lua_tointeger(L, 3);
        return;
    }
    out->kind = EH_CELL_DOUBLE;
    out->as.real = lua_tonumber(L, 3);
    if (!isfinite(out->as.real)) (void)refuse(L, rows, column, "the result is not a number");
}

void eh_changes_write(lua_State *L, eh_rows *rows, size_t column)
{
    eh_written value = {.stamp = rows->stamp, .kind = EH_CELL_NULL};
    size_t len;
    switch (lua_type(L, 3)) {
    case LUA_TNIL:
        break;
    case LUA_TBOOLEAN:
        value.kind = EH_CELL_BOOLEAN;
        value.as.integer = lua_toboolean(L, 3);
        break;
    case LUA_TNUMBER:
        write_number(L, rows, column, &value);
        break;
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, 3, &len);
        value.kind = EH_CELL_STRING;
        write_text(L, rows, column, &value, eh_slice_of(text, len));
        break;
    }
    case LUA_TTABLE:
        value.kind = EH_CELL_JSON;
        write_table(L, rows, column, &value);
        break;
    default:
        if (!eh_vm_is_null(L, 3)) {
            lua_pushfstring(L, "a %s cannot be stored", luaL_typename(L, 3));
            (void)refuse(L, rows, column, lua_tostring(L, -1));
        }
    }
    if (rows->written[column].stamp != rows->stamp)
        rows->touched[rows->touched_count++] = (uint16_t)column;
    rows->written[column] = value;
}

/* ---- The frame --------------------------------------------------------------------------- */

static void must(lua_State *L, eh_rows *rows, bool ok)
{
    if (ok) return;
    (void)eh_fail(&rows->broken, EH_CLASS_LIMIT, "the answer to a batch of rows is too large");
    (void)luaL_error(L, "%s", rows->broken.message);
}

static void begin_frame(lua_State *L, eh_rows *rows)
{
    rows->frame++;
    rows->data.len = 0;
    rows->listed = rows->listed_bytes = 0;
    eh_arena_reset(rows->arena);
    rows->names = eh_doc_list(rows->arena);
    rows->dropped = eh_doc_list(rows->arena);
    rows->failed = eh_doc_list(rows->arena);
    must(L, rows, rows->names != NULL && rows->dropped != NULL && rows->failed != NULL);
}

static void send_frame(lua_State *L, eh_rows *rows, bool more)
{
    eh_arena *a = rows->arena;
    eh_doc *body = eh_doc_map(a);
    eh_err *err = &rows->broken;
    must(L, rows,
         eh_doc_put(a, body, eh_slice_str("columns"), rows->names, err) &&
             eh_doc_put_str(a, body, "data", eh_buf_slice(&rows->data), err) &&
             eh_doc_put(a, body, eh_slice_str("dropped"), rows->dropped, err) &&
             eh_doc_put(a, body, eh_slice_str("failed"), rows->failed, err) &&
             eh_doc_put_bool(a, body, "more", more, err) &&
             eh_link_send(&rows->jail->link, EH_FRAME_ROWS_DONE, rows->task, body, err));
}

/* Before something of `bytes` is added: sends what is there when it would not fit any more. */
static void make_room(lua_State *L, eh_rows *rows, size_t bytes)
{
    if (rows->data.len + rows->listed_bytes + bytes <= FRAME_BYTES &&
        rows->listed < FRAME_LISTED)
        return;
    send_frame(L, rows, true);
    begin_frame(L, rows);
}

static uint16_t listed_column(lua_State *L, eh_rows *rows, size_t column)
{
    eh_column *c = &rows->columns[column];
    if (c->sent_in == rows->frame) return c->sent_as;
    must(L, rows,
         eh_doc_push(rows->names, eh_doc_string(rows->arena, eh_slice_of(c->name, c->len)),
                     &rows->broken));
    rows->listed_bytes += c->len + LIST_ENTRY_BYTES;
    c->sent_in = rows->frame;
    c->sent_as = (uint16_t)(eh_doc_count(rows->names) - 1);
    return c->sent_as;
}

/* Room was made before. Little-endian, as every machine we build for is. */
static char *pack(char *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

static void pack_value(lua_State *L, eh_rows *rows, size_t column)
{
    const eh_written *w = &rows->written[column];
    make_room(L, rows, w->len + 2 * LIST_ENTRY_BYTES + rows->columns[column].len);
    uint32_t row = (uint32_t)rows->row;
    uint16_t index = listed_column(L, rows, column);
    must(L, rows, eh_buf_reserve(&rows->data, w->len + LIST_ENTRY_BYTES, &rows->broken));
    char *at = rows->data.data + rows->data.len;
    at = pack(at, &row, sizeof row);
    at = pack(at, &index, sizeof index);
    at = pack(at, &w->kind, 1);
    switch (w->kind) {
    case EH_CELL_BOOLEAN:
        at = pack(at, &(uint8_t){w->as.integer != 0}, 1);
        break;
    case EH_CELL_INTEGER:
    case EH_CELL_DOUBLE:
        at = pack(at, &w->as, 8);
        break;
    case EH_CELL_STRING:
    case EH_CELL_JSON:
        at = pack(at, &w->len, 4);
        if (w->len > 0) at = pack(at, rows->texts.data + w->as.offset, w->len);
        break;
    default:
        break;
    }
    rows->data.len = (size_t)(at - rows->data.data);
}

/* ---- The rows ---------------------------------------------------------------------------- */

void eh_changes_begin(lua_State *L, eh_rows *rows)
{
    begin_frame(L, rows);
}

void eh_changes_keep(lua_State *L, eh_rows *rows)
{
    for (size_t i = 0; i < rows->touched_count; i++) pack_value(L, rows, rows->touched[i]);
}

void eh_changes_drop(lua_State *L, eh_rows *rows)
{
    make_room(L, rows, LIST_ENTRY_BYTES);
    must(L, rows,
         eh_doc_push(rows->dropped, eh_doc_integer(rows->arena, (int64_t)rows->row),
                     &rows->broken));
    rows->listed++;
    rows->listed_bytes += LIST_ENTRY_BYTES / 4;
}

/* A message may quote any bytes of a row; it becomes text of the destination. */
static eh_slice as_text(eh_arena *arena, eh_slice message)
{
    char *copy = eh_arena_strndup(arena, message.data, message.len);
    if (copy == NULL) return eh_slice_str("(no memory for the message)");
    if (!eh_utf8_valid(copy, message.len))
        for (size_t i = 0; i < message.len; i++)
            if ((unsigned char)copy[i] >= 0x80) copy[i] = '?';
    return eh_slice_of(copy, message.len);
}

void eh_changes_fail(lua_State *L, eh_rows *rows, eh_slice message)
{
    make_room(L, rows, message.len + FAILED_ENTRY_BYTES);
    eh_doc *one = eh_doc_map(rows->arena);
    eh_slice text = as_text(rows->arena, message);
    must(L, rows,
         eh_doc_put_int(rows->arena, one, "row", (int64_t)rows->row, &rows->broken) &&
             eh_doc_put_str(rows->arena, one, "message", text, &rows->broken) &&
             eh_doc_push(rows->failed, one, &rows->broken));
    rows->listed += 3;
    rows->listed_bytes += message.len + FAILED_ENTRY_BYTES;
}

void eh_changes_end(lua_State *L, eh_rows *rows)
{
    send_frame(L, rows, false);
}
