/* data/infer_reason.c: why a cell is of its type, in words, for `preview`. Not on the hot path:
 * it looks at the text again and asks what it nearly was. */
#include "data/infer.h"

#include "data/convert.h"
#include "data/convert_number.h"
#include "data/convert_scan.h"

static bool has_any(eh_slice text, const char *set)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr(set, text.data[i]) != NULL && text.data[i] != '\0') return true;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool any_case_word(eh_slice text, const char *const *words)
{
    for (; *words != NULL; words++) {
        size_t len = strlen(*words), i = 0;
        while (i < len && i < text.len && (text.data[i] | 0x20) == (*words)[i]) i++;
        if (i == len && i == text.len) return true;
    }
    return false;
}

/* The reason why a well-formed number is none by inference. */
static const char *why_no_number(const eh_decimal *d, bool json)
{
    if (d->has_exponent)
        return json ? "a double would lose digits" : "scientific notation is not printed back";
    if (d->has_plus) return "a plus sign would be lost";
    if (d->whole.len == 0) return "no digit before the point";
    if (d->whole.len > 1 && d->whole.data[0] == '0') return "a leading zero would be lost";
    if (d->negative && d->is_zero) return "the sign of a negative zero would be lost";
    if (d->whole.len > EH_NUMERIC_WHOLE_MAX) return "longer than 131072 digits";
    return "longer than 16383 digits after the point";
}

/* Digits with marks in between: thousands separators, decimal commas, money. */
static const char *why_no_marked_number(eh_slice text)
{
    if (text.data[text.len - 1] == '%') return "a percent sign";
    if (has_any(text, "$")) return "a currency sign";
    if (has_any(text, ",")) return "a thousands separator or a decimal comma";
    if (has_any(text, " '")) return "a thousands separator";
    return text.data[text.len - 1] == '.' ? "no digit after the point" : "not only digits";
}

/* Text that begins like YYYY-MM-DD. */
static const char *why_no_date(eh_slice text)
{
    bool zone;
    int64_t ignored;
    if (!eh_parse_date(eh_slice_of(text.data, 10), &ignored)) return "no such day";
    if (text.len == 10) return "not a date";
    eh_slice clock = eh_slice_of(text.data, text.len < 19 ? text.len : 19);
    if (text.data[10] != 'T' && text.data[10] != ' ') return "no T or blank after the date";
    if (!eh_parse_timestamp(clock, &zone, &ignored))
        return "no such time: HH:MM:SS, 00:00:00 to 23:59:59";
    size_t digits = 0;
    while (text.len > 20 + digits && text.data[19] == '.' &&
           eh_is_digit(text.data[20 + digits]))
        digits++;
    return digits > 6 ? "more than 6 digits of a second would be rounded"
                      : "not Z and not an offset within 15:59";
}

static const char *why_no_time(eh_slice text)
{
    int64_t ignored;
    if (eh_parse_time(text, &ignored)) return "trailing zeros of the fraction would be lost";
    if (text.len < 8) return "not a time: hours, minutes and seconds are needed";
    return "no such time: HH:MM:SS, 00:00:00 to 23:59:59, at most 6 digits of fraction";
}

static bool begins_like(eh_slice text, const char *shape)
{
    for (size_t i = 0; shape[i] != '\0'; i++) {
        if (i >= text.len) return false;
        if (shape[i] == '0' ? !eh_is_digit(text.data[i]) : text.data[i] != shape[i])
            return false;
    }
    return true;
}

/* Digits around dots, slashes or dashes: dates that are guesses. */
static bool is_other_date(eh_slice text)
{
    size_t marks = 0;
    for (size_t i = 0; i < text.len && i < 10; i++) {
        if (strchr("/.-", text.data[i]) != NULL && text.data[i] != '\0')
            marks++;
        else if (!eh_is_digit(text.data[i]))
            return marks == 2;
    }
    return marks == 2;
}

static const char *why_digits_are_text(eh_slice text)
{
    eh_decimal d;
    if ((unsigned char)text.data[0] >= 0x80) return "a currency sign";
    if (eh_decimal_parse(text, &d)) return why_no_number(&d, false);
    if (begins_like(text, "0000-00-00")) return why_no_date(text);
    if (begins_like(text, "00:00") || begins_like(text, "0:00")) return why_no_time(text);
    if (is_other_date(text)) return "a date that is not YYYY-MM-DD is never guessed";
    return has_any(text, "%$,' .") && !has_any(text, ":/")
               ? why_no_marked_number(text)
               : "letters or marks among the digits";
}

static const char *why_text(eh_slice text)
{
    static const char *const booleans[] = {"true", "false", "yes", "no",  "t", "f",
                                           "y",    "n",     "on",  "off", NULL};
    static const char *const words[] = {"nan", "inf", "infinity", "-inf", "-infinity", NULL};
    if (text.len == 0) return "a quoted empty field is a text, not null";
    if (is_blank(text.data[0]) || is_blank(text.data[text.len - 1]))
        return "a blank before or after";
    if (any_case_word(text, booleans)) return "a boolean is spelt true or false";
    if (any_case_word(text, words)) return "not a number that every type keeps";
    const char *p = text.data, *end = p + text.len;
    while (p < end && (*p == '+' || *p == '-' || *p == '.' || *p == '$' || *p == '(')) p++;
    bool money =
        text.len > 3 && (begins_like(text, "\xe2\x82\xac") || begins_like(text, "\xc2\xa3"));
    if (money || (p < end && eh_is_digit(*p))) return why_digits_are_text(text);
    return "not a number, a date, a time or a boolean";
}

static const char *why_json_number(const eh_cell *cell)
{
    eh_decimal d;
    return eh_decimal_parse(eh_cell_text(cell), &d) ? why_no_number(&d, true) : "not a number";
}

static const char *why_kept_as_text(const eh_cell *cell)
{
    switch ((eh_cell_kind)cell->kind) {
    case EH_CELL_RAW:
        return why_text(eh_cell_text(cell));
    case EH_CELL_NUMBER:
        return why_json_number(cell);
    case EH_CELL_JSON:
        return "a duplicate key or a NUL inside, which json would lose";
    default:
        if (cell->len == 0) return "an empty text is not null";
        return "a text stays a text; only a date or a time in it is seen";
    }
}

const char *eh_infer_reason(const eh_cell *cell)
{
    switch (eh_infer_cell(cell)) {
    case EH_TYPE_UNKNOWN:
        return "no value";
    case EH_TYPE_BOOLEAN:
        return "true or false";
    case EH_TYPE_BIGINT:
        return "a whole number within 64 bits";
    case EH_TYPE_NUMERIC: {
        bool point = eh_cell_has_text(cell) && has_any(eh_cell_text(cell), ".");
        return point ? "a decimal number, every digit kept" : "a whole number past 64 bits";
    }
    case EH_TYPE_DOUBLE:
        return "a number with an exponent";
    case EH_TYPE_DATE:
        return "a day, YYYY-MM-DD";
    case EH_TYPE_TIME:
        return "a time of day, HH:MM:SS";
    case EH_TYPE_TIMESTAMP:
        return "an instant: a time with Z or an offset";
    case EH_TYPE_DATETIME:
        return "a time without Z or an offset";
    case EH_TYPE_JSON:
        return "an array or an object";
    default:
        return why_kept_as_text(cell);
    }
}
