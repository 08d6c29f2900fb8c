/* data/json_scan.c: see json_scan.h. */
#include "data/json_scan.h"

#include "data/json_text.h"

/* Moves past the open string's end, if it is in the data. */
static void leave_string(eh_json_scan *scan, const char *data, size_t len)
{
    while (scan->pos < len) {
        const char *quote = memchr(data + scan->pos, '"', len - scan->pos);
        if (quote == NULL) break;
        size_t at = (size_t)(quote - data), back = at;
        while (back > scan->string && data[back - 1] == '\\') back--;
        scan->pos = at + 1;
        if ((at - back) % 2 == 0) {
            scan->string = 0;
            return;
        }
    }
    scan->pos = len;
}

/* An element ends at pos; false when one found before must stay the last. */
static bool note_end(eh_json_scan *scan, size_t limit)
{
    if (scan->end != 0 && scan->pos > limit) return false;
    scan->end = scan->pos;
    return true;
}

eh_json_scanned eh_json_scan_run(eh_json_scan *scan, const char *data, size_t len, size_t limit)
{
    if (scan->pos == 0 && len > 0 && (data[0] == ',' || data[0] == ']'))
        return EH_JSON_SCAN_EMPTY;
    if (scan->string != 0) leave_string(scan, data, len);
    while (scan->pos < len && (scan->pos <= limit || scan->end == 0)) {
        char c = data[scan->pos];
        if (c == '"') {
            scan->string = ++scan->pos;
            leave_string(scan, data, len);
            continue;
        }
        if (c == '{' || c == '[') scan->depth++;
        if (scan->depth == 0 && (c == ',' || c == ']')) {
            scan->closed = note_end(scan, limit) && c == ']';
            if (c == ']') return EH_JSON_SCAN_FOUND;
        } else if (c == '}' || c == ']') {
            if (scan->depth == 0)
                return scan->end != 0 ? EH_JSON_SCAN_FOUND : EH_JSON_SCAN_BRACE;
            scan->depth--;
        }
        scan->pos++;
    }
    return scan->end != 0 ? EH_JSON_SCAN_FOUND : EH_JSON_SCAN_MORE;
}
