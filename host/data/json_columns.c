/* data/json_columns.c: the columns a JSON input has shown so far; see json_read.h. */
#include "data/json_read.h"

#include <stdlib.h>

bool eh_json_columns_init(eh_json_columns *columns, eh_err *err)
{
    *columns = (eh_json_columns){
        .arena = eh_arena_new((size_t)EH_JSON_MAX_COLUMNS * (EH_JSON_MAX_KEY_BYTES + 1))};
    eh_map_init(&columns->map);
    return columns->arena != NULL || eh_fail_memory(err, "columns");
}

void eh_json_columns_free(eh_json_columns *columns)
{
    eh_map_free(&columns->map);
    eh_arena_free(columns->arena);
    free(columns->names);
    free(columns->follow);
    *columns = (eh_json_columns){.arena = NULL};
}

static bool grow(eh_json_columns *columns, eh_err *err)
{
    size_t cap = columns->cap == 0 ? 32 : columns->cap * 2;
    eh_slice *names = realloc(columns->names, cap * sizeof *names);
    if (names == NULL) return eh_fail_memory(err, "columns");
    columns->names = names;
    uint32_t *follow = realloc(columns->follow, (cap + 1) * sizeof *follow);
    if (follow == NULL) return eh_fail_memory(err, "columns");
    columns->follow = follow;
    columns->cap = cap;
    return true;
}

bool eh_json_columns_add(eh_json_columns *columns, eh_slice name, eh_err *err)
{
    if (eh_map_get(&columns->map, name, NULL)) return true;
    if (columns->count == EH_JSON_MAX_COLUMNS) {
        (void)eh_fail(err, EH_CLASS_LIMIT, "the records have more than %d different keys",
                      EH_JSON_MAX_COLUMNS);
        return eh_err_hint(err, "Keys that are data (ids, dates) belong below the top of a "
                                "record, in one json column.");
    }
    if (columns->count == columns->cap && !grow(columns, err)) return false;
    char *copy = eh_arena_strndup(columns->arena, name.data, name.len);
    if (copy == NULL) return eh_fail_memory(err, "a column name");
    if (!eh_map_put(&columns->map, name, columns->count, err)) return false;
    if (columns->count == 0) columns->follow[0] = 0;
    columns->names[columns->count] = eh_slice_of(copy, name.len);
    columns->follow[columns->count] = (uint32_t)columns->count;
    columns->follow[columns->count + 1] = 0;
    columns->count++;
    return true;
}
