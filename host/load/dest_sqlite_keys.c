/* load/dest_sqlite_keys.c: which rows of a unit have the same key; see dest_sqlite_put.h. */
#include "base/map.h"
#include "load/dest_sqlite_put.h"

#include <stdlib.h>

#define KEY_MAX ((size_t)512 * 1024 * 1024)

void eh_lite_read_row(const eh_unit *unit, size_t row, eh_lite_cell *cells)
{
    const char *p = unit->data.data + (row > 0 ? unit->row_ends[row - 1] : 0);
    for (size_t i = 0; i < unit->encoder->count; i++) p = eh_lite_read_cell(p, &cells[i]);
}

void eh_lite_keys_free(eh_lite_keys *keys)
{
    free(keys->before);
    free(keys->surpassed);
}

/* Cells are encoded one way only, so the same bytes are the same value; but for numbers that
 * are kept as text. */
static bool spell_key(const eh_put *put, const eh_type *types, const eh_lite_cell *cells,
                      eh_buf *out, eh_err *err)
{
    out->len = 0;
    for (size_t i = 0; i < put->key_count; i++) {
        const eh_lite_cell *cell = &cells[put->keys[i]];
        bool text = cell->kind >= EH_SQLITE_TEXT;
        eh_slice bytes =
            text ? eh_lite_key_bytes(types[put->keys[i]], cell->bytes) : cell->bytes;
        uint64_t len = bytes.len;
        const void *value = cell->kind == EH_SQLITE_REAL ? (const void *)&cell->real
                            : text                       ? (const void *)&len
                                                         : (const void *)&cell->integer;
        if (!eh_buf_append_byte(out, (char)cell->kind, err) ||
            !eh_buf_append(out, value, 8, err) ||
            (text && !eh_buf_append(out, bytes.data, bytes.len, err)))
            return false;
    }
    return true;
}

static bool note_row(eh_lite_keys *keys, eh_map *map, eh_slice key, size_t row, eh_err *err)
{
    uint64_t before;
    keys->before[row] = SIZE_MAX;
    if (eh_map_get(map, key, &before)) {
        keys->before[row] = (size_t)before;
        keys->surpassed[before] = true;
        keys->any = true;
    }
    return eh_map_put(map, key, row, err);
}

bool eh_lite_keys_gather(eh_lite_keys *keys, const eh_unit *unit, eh_err *err)
{
    *keys = (eh_lite_keys){.before = malloc((unit->rows + 1) * sizeof *keys->before),
                           .surpassed = calloc(unit->rows + 1, sizeof *keys->surpassed)};
    eh_lite_cell *cells = calloc(unit->encoder->count + 1, sizeof *cells);
    eh_map map;
    eh_buf key;
    eh_map_init(&map);
    eh_buf_init(&key, KEY_MAX);
    bool ok = (keys->before != NULL && keys->surpassed != NULL && cells != NULL) ||
              eh_fail_memory(err, "the keys of a unit");
    for (size_t row = 0; ok && row < unit->rows; row++) {
        eh_lite_read_row(unit, row, cells);
        ok = spell_key(unit->encoder->put, eh_lite_encoder_put(unit->encoder)->types, cells,
                       &key, err) &&
             note_row(keys, &map, eh_buf_slice(&key), row, err);
    }
    eh_map_free(&map);
    eh_buf_free(&key);
    free(cells);
    return ok;
}
