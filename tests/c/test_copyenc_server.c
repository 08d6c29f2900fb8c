/* COPY against a real server: what is loaded, in binary and in text, is what was written.
 *
 * Each type's values stand in a table beside their written text; SQL compares the two. Limits
 * of columns (numeric(p,s), real, timestamp(p)) are checked the other way about: a value is a
 * misfit exactly when the server's own cast would change it. */
#include "data/copyenc.h"
#include "data/infer.h"
#include "data/json.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cells.h"
#include "pg_server.h"
#include "written.h"

enum { ROWS = 4000 };

static pg_server server;
static PGconn *connection;
static int start_server(void **state)
{
    (void)state;
    if (!pg_server_start(&server)) return 1;
    connection = PQconnectdb(server.url);
    if (PQstatus(connection) == CONNECTION_OK) return 0;
    fprintf(stderr, "%s", PQerrorMessage(connection));
    return 1;
}

static int stop_server(void **state)
{
    (void)state;
    PQfinish(connection);
    pg_server_stop(&server);
    return 0;
}

static PGresult *run(const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN)
        fail_msg("%s: %s", sql, PQerrorMessage(connection));
    return result;
}

static void execute(const char *sql)
{
    PQclear(run(sql));
}

static void copy_in(const eh_buf *data, bool binary)
{
    execute(binary ? "copy t from stdin (format binary)" : "copy t from stdin");
    assert_int_equal(PQputCopyData(connection, data->data, (int)data->len), 1);
    assert_int_equal(PQputCopyEnd(connection, NULL), 1);
    for (PGresult *r = PQgetResult(connection); r != NULL; r = PQgetResult(connection)) {
        if (PQresultStatus(r) != PGRES_COMMAND_OK) fail_msg("%s", PQerrorMessage(connection));
        PQclear(r);
    }
}

/* ---- What is loaded is what was written -----------------------------------------------------
 */

typedef struct kind_case {
    const char *sql_type;
    uint32_t oid;
    void (*make)(char *out);
    eh_cell_kind cell_kind;
    bool declared;
    const char *wrong; /* SQL: true for a row that is not as it was written */
} kind_case;

static const kind_case kinds[] = {
    {"bool", 16, make_boolean, EH_CELL_RAW, false, "v::text <> w"},
    {"int2", 21, make_int2, EH_CELL_RAW, false, "v::text <> w"},
    {"int4", 23, make_int4, EH_CELL_RAW, false, "v::text <> w"},
    {"int8", 20, make_bigint, EH_CELL_RAW, false, "v::text <> w"},
    {"int8", 20, make_bigint, EH_CELL_NUMBER, false, "v::text <> w"},
    {"numeric", 1700, make_numeric, EH_CELL_RAW, false, "v::text <> w"},
    {"numeric", 1700, make_numeric, EH_CELL_STRING, true, "v::text <> w"},
    {"numeric", 1700, make_double, EH_CELL_NUMBER, true, "v::text <> w::numeric::text"},
    {"float8", 701, make_double, EH_CELL_RAW, true, "v <> w::float8"},
    {"float8", 701, make_numeric, EH_CELL_RAW, true, "v <> w::float8"},
    {"date", 1082, make_date, EH_CELL_RAW, false, "v::text <> w"},
    {"time", 1083, make_time, EH_CELL_RAW, false, "v::text <> w"},
    {"timestamp", 1114, make_datetime, EH_CELL_RAW, false, "v <> w::timestamp"},
    {"timestamp", 1114, make_date, EH_CELL_STRING, false, "v <> w::timestamp"},
    {"timestamptz", 1184, make_timestamp, EH_CELL_RAW, false, "v <> w::timestamptz"},
    {"text", 25, make_text, EH_CELL_RAW, false, "v <> w"},
    {"varchar(60)", 1043, make_text, EH_CELL_STRING, false, "v <> w"},
    {"bpchar", 1042, make_numeric, EH_CELL_RAW, false, "v <> w"},
    {"json", 114, make_json, EH_CELL_JSON, false, "v::text <> w"},
    {"jsonb", 3802, make_json, EH_CELL_JSON, false, "v <> w::jsonb"},
    {"uuid", 2950, make_uuid, EH_CELL_RAW, false, "v::text <> w"},
    {"bytea", 17, make_bytea, EH_CELL_RAW, false, "v::text <> w"},
};

/* Rows of (written text, value), every 50th value null. */
static void encode_rows(const kind_case *k, bool binary, const written *texts, size_t rows,
                        eh_buf *out)
{
    eh_err err = {.class_ = EH_OK};
    const eh_pg_column columns[3] = {
        {.kind = EH_PG_INT4, .typmod = -1, .not_null = true},
        {.kind = EH_PG_TEXT, .typmod = -1},
        {.kind = eh_pg_kind_of(k->oid), .typmod = -1, .declared = k->declared}};
    if (binary) assert_true(eh_copy_header(out, &err));
    for (size_t i = 0; i < rows; i++) {
        eh_cell text = raw(texts[i]), value = text_cell(k->cell_kind, texts[i]);
        eh_cell row = integer_kind(EH_CELL_INTEGER, (int64_t)i);
        const eh_cell *pick[3] = {&row, &text, i % 50 == 49 ? NULL : &value};
        size_t at = 9;
        const char *reason = "";
        eh_encode outcome = binary
                                ? eh_copy_binary_row(out, columns, 3, pick, &at, &reason, &err)
                                : eh_copy_text_row(out, columns, 3, pick, &at, &reason, &err);
        if (outcome != EH_ENCODE_OK)
            fail_msg("%s: \"%s\": column %zu: %s", k->sql_type, texts[i], at, reason);
    }
    if (binary) assert_true(eh_copy_trailer(out, &err));
}

static void expect_loaded(const kind_case *k, const written *texts, size_t rows)
{
    char sql[256];
    snprintf(sql, sizeof sql, "select w, v::text from t where v is not null and (%s)",
             k->wrong);
    PGresult *wrong = run(sql);
    if (PQntuples(wrong) > 0)
        fail_msg("%s: %d wrong, first: \"%s\" became \"%s\"", k->sql_type, PQntuples(wrong),
                 PQgetvalue(wrong, 0, 0), PQgetvalue(wrong, 0, 1));
    PQclear(wrong);
    PGresult *all = run("select w, v is null from t order by n");
    assert_int_equal(PQntuples(all), (int)rows);
    for (int i = 0; i < (int)rows; i++) {
        if (strcmp(PQgetvalue(all, i, 0), texts[i]) != 0)
            fail_msg("%s: row %d: \"%s\" became \"%s\"", k->sql_type, i, texts[i],
                     PQgetvalue(all, i, 0));
        assert_string_equal(PQgetvalue(all, i, 1), i % 50 == 49 ? "t" : "f");
    }
    PQclear(all);
}

static void test_loaded_as_written(void **state)
{
    (void)state;
    written *texts = malloc(ROWS * sizeof *texts);
    assert_non_null(texts);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (size_t i = 0; i < ROWS; i++) kinds[k].make(texts[i]);
        for (int binary = 0; binary <= 1; binary++) {
            char sql[128];
            eh_buf out;
            eh_buf_init(&out, 64 << 20);
            snprintf(sql, sizeof sql, "create temp table t (n int4, w text, v %s)",
                     kinds[k].sql_type);
            execute(sql);
            encode_rows(&kinds[k], binary, texts, ROWS, &out);
            copy_in(&out, binary);
            expect_loaded(&kinds[k], texts, ROWS);
            execute("drop table t");
            eh_buf_free(&out);
        }
    }
    free(texts);
}

/* The widest numbers that a numeric takes. */
static void test_widest_numeric(void **state)
{
    (void)state;
    enum { WHOLE = 131072, FRACTION = 16383 };
    char *text = malloc(WHOLE + FRACTION + 2);
    assert_non_null(text);
    memset(text, '7', WHOLE + FRACTION + 1);
    text[WHOLE] = '.';
    text[WHOLE + FRACTION + 1] = '\0';
    eh_cell cell = raw(text);
    const eh_cell *pick[] = {&cell};
    const eh_pg_column column = {.kind = EH_PG_NUMERIC, .typmod = -1};
    eh_err err = {.class_ = EH_OK};
    size_t at;
    const char *reason;
    eh_buf out;
    eh_buf_init(&out, 1 << 20);
    assert_true(eh_copy_header(&out, &err));
    assert_int_equal(eh_copy_binary_row(&out, &column, 1, pick, &at, &reason, &err),
                     EH_ENCODE_OK);
    assert_true(eh_copy_trailer(&out, &err));
    execute("create temp table t (v numeric)");
    copy_in(&out, true);
    PGresult *back = run("select v::text from t");
    assert_string_equal(PQgetvalue(back, 0, 0), text);
    PQclear(back);
    execute("drop table t");
    eh_buf_free(&out);
    free(text);
}

/* ---- A misfit exactly where the server would change the value -------------------------------
 */

typedef struct limit_case {
    const char *sql_type;
    uint32_t oid;
    bool existed;
    void (*make)(char *out);
    const char *kept; /* SQL: does the server keep the written value w? */
} limit_case;

#define KEPT_BY(type) "w::" type "::text = w"
#define NUMERIC_KEPT(p, s)                                                                     \
    "case when abs(round(w::numeric, " #s ")) >= 10::numeric ^ (" #p " - (" #s "))::numeric "  \
    "then false else w::numeric(" #p ", " #s ")::text = w end"

static const limit_case limits[] = {
    {"numeric(5,2)", 1700, false, make_small, NUMERIC_KEPT(5, 2)},
    {"numeric(3,0)", 1700, false, make_small, NUMERIC_KEPT(3, 0)},
    {"numeric(2,3)", 1700, false, make_small, NUMERIC_KEPT(2, 3)},
    {"numeric(3,-2)", 1700, false, make_small, NUMERIC_KEPT(3, -2)},
    {"numeric(28,10)", 1700, false, make_numeric, NUMERIC_KEPT(28, 10)},
    {"real", 700, true, make_short_real, "w::real::text::numeric = w::numeric"},
    {"float8", 701, true, make_numeric, "w::float8::text::numeric = w::numeric"},
    {"int2", 21, false, make_int4, "w::int4 between -32768 and 32767"},
    {"int4", 23, false, make_bigint, "w::int8 between -2147483648 and 2147483647"},
    {"time(3)", 1083, false, make_time, KEPT_BY("time(3)")},
    {"time(0)", 1083, false, make_time, KEPT_BY("time(0)")},
    {"timestamp(3)", 1114, false, make_datetime, "w::timestamp(3) = w::timestamp"},
    {"timestamptz(0)", 1184, false, make_timestamp, "w::timestamptz(0) = w::timestamptz"},
    {"varchar(5)", 1043, false, make_text, "length(w) <= 5"},
    {"char(3)", 1042, false, make_text, "length(w) = 3"},
};

static int32_t typmod_of(const char *sql_type)
{
    char sql[128];
    snprintf(sql, sizeof sql, "create temp table t (w text, v %s)", sql_type);
    execute(sql);
    PGresult *r = run("select atttypmod from pg_attribute where attrelid = 't'::regclass and "
                      "attname = 'v'");
    int32_t typmod = (int32_t)strtol(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return typmod;
}

/* Loads what fits; says for each text whether it did. */
static void load_what_fits(const limit_case *l, const written *texts, bool *fits, bool binary)
{
    const eh_pg_column columns[2] = {{.kind = EH_PG_TEXT, .typmod = -1},
                                     {.kind = eh_pg_kind_of(l->oid),
                                      .typmod = typmod_of(l->sql_type),
                                      .existed = l->existed}};
    eh_err err = {.class_ = EH_OK};
    eh_buf out;
    eh_buf_init(&out, 64 << 20);
    if (binary) assert_true(eh_copy_header(&out, &err));
    for (size_t i = 0; i < ROWS; i++) {
        eh_cell cell = raw(texts[i]);
        const eh_cell *pick[2] = {&cell, &cell};
        size_t at = 9, before = out.len;
        const char *reason = NULL;
        eh_encode outcome = binary
                                ? eh_copy_binary_row(&out, columns, 2, pick, &at, &reason, &err)
                                : eh_copy_text_row(&out, columns, 2, pick, &at, &reason, &err);
        fits[i] = outcome == EH_ENCODE_OK;
        if (fits[i]) continue;
        assert_int_equal(outcome, EH_ENCODE_MISFIT);
        assert_int_equal(at, 1);
        assert_non_null(reason);
        out.len = before;
    }
    if (binary) assert_true(eh_copy_trailer(&out, &err));
    copy_in(&out, binary);
    eh_buf_free(&out);
}

/* Asks the server which of the texts it keeps. */
static void expect_same_verdict(const limit_case *l, const written *texts, const bool *fits)
{
    char sql[512];
    eh_err err = {.class_ = EH_OK};
    eh_buf out;
    eh_buf_init(&out, 64 << 20);
    const eh_pg_column columns[2] = {{.kind = EH_PG_INT8, .typmod = -1},
                                     {.kind = EH_PG_TEXT, .typmod = -1}};
    assert_true(eh_copy_header(&out, &err));
    for (size_t i = 0; i < ROWS; i++) {
        eh_cell text = raw(texts[i]), row = integer_kind(EH_CELL_INTEGER, (int64_t)i);
        const eh_cell *pick[2] = {&row, &text};
        size_t at;
        const char *reason;
        assert_int_equal(eh_copy_binary_row(&out, columns, 2, pick, &at, &reason, &err),
                         EH_ENCODE_OK);
    }
    assert_true(eh_copy_trailer(&out, &err));
    execute("create temp table t (n int8, w text)");
    copy_in(&out, true);
    eh_buf_free(&out);
    snprintf(sql, sizeof sql, "select %s from t order by n", l->kept);
    PGresult *r = run(sql);
    size_t kept = 0;
    for (int i = 0; i < ROWS; i++) {
        bool keeps = PQgetvalue(r, i, 0)[0] == 't';
        kept += keeps;
        if (keeps != fits[i])
            fail_msg("%s: \"%s\": the server %s it, we say %s", l->sql_type, texts[i],
                     keeps ? "keeps" : "changes", fits[i] ? "fits" : "misfit");
    }
    assert_in_range(kept, 10, ROWS - 10); /* both verdicts are tried */
    PQclear(r);
    execute("drop table t");
}

static void test_limits_of_columns(void **state)
{
    (void)state;
    written *texts = malloc(ROWS * sizeof *texts);
    bool *fits = malloc(ROWS * sizeof *fits);
    assert_non_null(texts);
    assert_non_null(fits);
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        for (size_t i = 0; i < ROWS; i++) limits[k].make(texts[i]);
        for (int binary = 0; binary <= 1; binary++) {
            load_what_fits(&limits[k], texts, fits, binary);
            char sql[512];
            snprintf(sql, sizeof sql, "select w, v::text from t where not (%s)",
                     limits[k].kept);
            PGresult *r = run(sql);
            if (PQntuples(r) > 0)
                fail_msg("%s: \"%s\" became \"%s\"", limits[k].sql_type, PQgetvalue(r, 0, 0),
                         PQgetvalue(r, 0, 1));
            PQclear(r);
            execute("drop table t");
            expect_same_verdict(&limits[k], texts, fits);
        }
    }
    free(texts);
    free(fits);
}

/* ---- Promise 2, asked of the server
 * ---------------------------------------------------------- */

/* What inference takes for a number, a day, a time of day or a boolean is printed back by the
 * server as it was written; what it takes for an instant the server takes too. */
static void test_inference_prints_back(void **state)
{
    (void)state;
    enum { MUTANTS = 40000 };
    const eh_pg_column columns[2] = {{.kind = EH_PG_TEXT, .typmod = -1},
                                     {.kind = EH_PG_TEXT, .typmod = -1}};
    size_t counts[EH_TYPE_COUNT] = {0}, at;
    eh_err err = {.class_ = EH_OK};
    const char *reason;
    eh_buf out;
    eh_buf_init(&out, 64 << 20);
    for (size_t i = 0; i < MUTANTS; i++) {
        written text;
        make_mutant(text);
        eh_cell cell = raw(text);
        eh_type type = eh_infer_cell(&cell);
        eh_cell name = raw(eh_type_name(type));
        const eh_cell *pick[2] = {&cell, &name};
        counts[type]++;
        assert_int_equal(eh_copy_text_row(&out, columns, 2, pick, &at, &reason, &err),
                         EH_ENCODE_OK);
    }
    for (eh_type type = EH_TYPE_BOOLEAN; type <= EH_TYPE_TEXT; type++)
        if (type != EH_TYPE_DOUBLE && type != EH_TYPE_JSON) assert_true(counts[type] > 500);
    execute("create temp table t (w text, type text)");
    copy_in(&out, false);
    eh_buf_free(&out);
    PGresult *wrong =
        run("select w, type from t where case type when 'boolean' then w::bool::text <> w "
            "when 'bigint' then w::int8::text <> w when 'numeric' then w::numeric::text <> w "
            "when 'date' then w::date::text <> w when 'time' then w::time::text <> w "
            "when 'timestamp' then not isfinite(w::timestamptz) "
            "when 'datetime' then not isfinite(w::timestamp) else false end");
    if (PQntuples(wrong) > 0)
        fail_msg("\"%s\" is no %s to the server", PQgetvalue(wrong, 0, 0),
                 PQgetvalue(wrong, 0, 1));
    PQclear(wrong);
    execute("drop table t");
}

/* ---- Whatever is encoded is loaded, and as it was written -----------------------------------
 */

/* Pieces that mean something to a reader of COPY, of numbers, of times; in any order. */
static void make_anything(char *out)
{
    static const char *const pieces[] = {"\\",
                                         "\t",
                                         "\n",
                                         "\r",
                                         "\\.",
                                         "\\N",
                                         "'",
                                         "\"",
                                         "\x01",
                                         "\x7f",
                                         "\xc3\xa9",
                                         "\xe2\x82\xac",
                                         "\xf0\x9f\x98\x80",

                                         " ",
                                         "0",
                                         "1",
                                         "9",
                                         "12",
                                         "2024-02-29",
                                         "23:59:59",
                                         "T",
                                         "Z",
                                         "+",
                                         "-",
                                         ".",
                                         "e",
                                         "E5",
                                         ":",
                                         ",",
                                         "{",
                                         "}",
                                         "true",
                                         "infinity",
                                         "NaN",
                                         "null",
                                         "\\x",
                                         "ff",
                                         "a"};
    size_t used = 0, count = below(8);
    if (below(3) == 0) { /* or what is nearly right */
        make_mutant(out);
        return;
    }
    for (out[0] = '\0'; count-- > 0;) {
        const char *piece = pieces[below(sizeof pieces / sizeof *pieces)];
        size_t len = strlen(piece);
        if (used + len >= WIDTH) return;
        memcpy(out + used, piece, len + 1);
        used += len;
    }
}

typedef struct both {
    eh_buf binary, text;
    size_t taken;
} both;

/* Both formats take a value, or neither; what they take goes into both buffers. */
static void offer(const kind_case *k, const char *text, both *to)
{
    const eh_pg_column columns[3] = {{.kind = EH_PG_INT8, .typmod = -1},
                                     {.kind = EH_PG_TEXT, .typmod = -1},
                                     {.kind = eh_pg_kind_of(k->oid), .typmod = -1}};
    eh_cell cell = text_cell(k->cell_kind, text), w = raw(text);
    eh_cell n = integer_kind(EH_CELL_INTEGER, (int64_t)to->taken);
    const eh_cell *pick[3] = {&n, &w, &cell};
    size_t at, binary = to->binary.len, plain = to->text.len;
    const char *reason;
    bool twice;
    eh_err err = {.class_ = EH_OK};
    /* A JSON cell has been checked by the time that it is encoded, as text has been for UTF-8.
     */
    if (k->cell_kind == EH_CELL_JSON && strpbrk(text, "eE") != NULL &&
        strlen(strpbrk(text, "eE")) > 5)
        return; /* jsonb's numbers end at numeric's range: the server refuses that one row */
    if (k->cell_kind == EH_CELL_JSON && !eh_json_check(eh_slice_str(text), &twice, NULL))
        return;
    eh_encode one = eh_copy_binary_row(&to->binary, columns, 3, pick, &at, &reason, &err);
    eh_encode other = eh_copy_text_row(&to->text, columns, 3, pick, &at, &reason, &err);
    if (one != other) fail_msg("%s: \"%s\": binary %d, text %d", k->sql_type, text, one, other);
    if (one == EH_ENCODE_OK) {
        to->taken++;
        return;
    }
    to->binary.len = binary;
    to->text.len = plain;
}

/* The two tables are equal, and, where a type's text can be cast, are what was written. */
static void expect_both(const kind_case *k, size_t taken)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "select b.w, b.v::text, t.v::text from b full join t on b.n = t.n where "
             "b.v::text is distinct from t.v::text or b.w is distinct from t.w or "
             "b.v::text is distinct from (b.w::%s)::text",
             k->sql_type);
    PGresult *wrong = run(sql);
    if (PQntuples(wrong) > 0)
        fail_msg("%s: \"%s\" became \"%s\" and \"%s\"", k->sql_type, PQgetvalue(wrong, 0, 0),
                 PQgetvalue(wrong, 0, 1), PQgetvalue(wrong, 0, 2));
    PQclear(wrong);
    PGresult *all = run("select count(*) from t");
    assert_int_equal(strtol(PQgetvalue(all, 0, 0), NULL, 10), (long)taken);
    PQclear(all);
}

static size_t load_anything(const kind_case *k)
{
    char sql[256];
    written text;
    both to = {.taken = 0};
    eh_err err = {.class_ = EH_OK};
    eh_buf_init(&to.binary, 64 << 20);
    eh_buf_init(&to.text, 64 << 20);
    assert_true(eh_copy_header(&to.binary, &err));
    for (int i = 0; i < ROWS; i++) {
        make_anything(text);
        offer(k, text, &to);
    }
    assert_true(eh_copy_trailer(&to.binary, &err));
    snprintf(sql, sizeof sql,
             "create temp table t (n int8, w text, v %s); create temp table b (like t)",
             k->sql_type);
    execute(sql);
    copy_in(&to.text, false);
    execute("alter table t rename to x; alter table b rename to t; alter table x rename to b");
    copy_in(&to.binary, true);
    expect_both(k, to.taken);
    execute("drop table t, b");
    eh_buf_free(&to.binary);
    eh_buf_free(&to.text);
    return to.taken;
}

/* EH_ROUNDS=100 goes on for some minutes, EH_SEED begins elsewhere. */
static void test_anything(void **state)
{
    (void)state;
    const char *rounds = getenv("EH_ROUNDS"), *seed = getenv("EH_SEED");
    if (seed != NULL) random_state = strtoull(seed, NULL, 10) | 1;
    for (long r = rounds != NULL ? strtol(rounds, NULL, 10) : 1; r > 0; r--)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            bool rare = kinds[k].cell_kind == EH_CELL_NUMBER || kinds[k].declared;
            if (!rare) assert_true(load_anything(&kinds[k]) > 0 || kinds[k].oid == 2950);
        }
}

/* A double's text is the server's text. */
static void test_print_of_doubles(void **state)
{
    (void)state;
    eh_scratch scratch;
    for (int i = 0; i < 300; i++) {
        uint64_t bits = next_random();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (i % 2 == 0) value = (double)(int64_t)below(100000000) / 1000;
        eh_cell cell = real(value);
        eh_value v;
        const char *reason;
        if (!eh_convert(&cell, EH_TYPE_TEXT, false, &scratch, &v, &reason)) continue;
        char sql[128];
        snprintf(sql, sizeof sql, "select ('%.17g'::float8)::text", value);
        PGresult *r = run(sql);
        if (!eh_slice_is(v.as.text, PQgetvalue(r, 0, 0)))
            fail_msg("\"%.*s\" is \"%s\" to the server", EH_SLICE_FMT(v.as.text),
                     PQgetvalue(r, 0, 0));
        PQclear(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loaded_as_written), cmocka_unit_test(test_widest_numeric),
        cmocka_unit_test(test_limits_of_columns), cmocka_unit_test(test_inference_prints_back),
        cmocka_unit_test(test_print_of_doubles),  cmocka_unit_test(test_anything),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
