/* load/dest_postgres_nested.c: the rows of child tables, with their records' in one
 * transaction.
 *
 * Behind the rows of a unit, or of a piece of it, come those of its parts. Where rows are
 * appended, a part is one more COPY. Where they are put by their key, it is known by then which
 * records were written, are as they were, or are gone: etl_parents has them, locked; of each
 * child table the rows of other records are left out, and what is there becomes what they say.
 * See dest_postgres_lane.h. */
#include "load/dest_postgres_lane.h"

#include "base/fault.h"
#include "load/dest_sql.h"

#include <string.h>

#define SQL_MAX ((size_t)1024 * 1024)

/* ---- which tables there are ------------------------------------------------------------- */

typedef struct find_job {
    const char *schema;
    const char *table;
    eh_arena *arena;
    eh_child_table **children;
    size_t *count;
} find_job;

static bool find_body(eh_pg *pg, void *self, eh_err *err)
{
    find_job *job = self;
    eh_pg_args args = {.count = 0};
    if (!pg->has_books) return true;
    eh_pg_arg_str(&args, job->schema);
    eh_pg_arg_str(&args, job->table);
    if (!eh_pg_run(pg, "child_tables", &args, err)) return false;
    size_t count = (size_t)eh_pgconn_rows(pg->control);
    eh_child_table *list = eh_arena_zalloc(job->arena, count + 1, sizeof *list);
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        list[i].table = eh_arena_strdup(job->arena, eh_pgconn_value(pg->control, (int)i, 0));
        list[i].parent = eh_arena_strdup(job->arena, eh_pgconn_value(pg->control, (int)i, 1));
        list[i].field = eh_arena_strdup(job->arena, eh_pgconn_value(pg->control, (int)i, 2));
        ok = list[i].table != NULL && list[i].parent != NULL && list[i].field != NULL;
    }
    *job->children = list;
    *job->count = count;
    return ok || eh_fail_memory(err, "child tables");
}

bool eh_pg_children(eh_dest *dest, const char *schema, const char *table, eh_arena *arena,
                    eh_child_table **children, size_t *count, eh_err *err)
{
    find_job job = {schema, table, arena, children, count};
    return eh_pg_transact((eh_pg *)dest, 1, find_body, &job, err);
}

/* ---- the parts of a unit, one after the other ------------------------------------------- */

static void next_part(eh_pg_lane *lane);

static const eh_unit_part *part_of(const eh_pg_lane *lane)
{
    return &lane->unit->parts[lane->part];
}

static const eh_pg_encoder *encoder_of(const eh_pg_lane *lane)
{
    return (const eh_pg_encoder *)part_of(lane)->encoder;
}

/* Do the rows follow what became of their records? Otherwise they are appended. */
static bool follows(const eh_unit_part *part)
{
    return part->encoder->put != NULL && part->encoder->put->write == EH_WRITE_CHILDREN;
}

static bool failed(eh_pg_lane *lane)
{
    if (eh_pgconn_error(lane->conn)->class_ == EH_OK) return false;
    lane->done(lane);
    return true;
}

static size_t rows_of(const eh_pg_lane *lane)
{
    return eh_unit_part_rows(part_of(lane), lane->from, lane->from + lane->staged);
}

static void on_part_put(void *self)
{
    eh_pg_lane *lane = self;
    if (failed(lane)) return;
    lane->part++;
    next_part(lane);
}

static void on_part_copied(void *self)
{
    eh_pg_lane *lane = self;
    if (failed(lane) || !eh_pg_lane_copied(lane, rows_of(lane))) return;
    EH_FAULT("nested.copied");
    if (follows(part_of(lane)))
        eh_pg_lane_query(lane, encoder_of(lane)->put->sql[EH_PG_STEP_INSERT], on_part_put);
    else
        on_part_put(lane);
}

static void copy_part(eh_pg_lane *lane)
{
    eh_slice rows = eh_unit_part_bytes(part_of(lane), lane->from, lane->from + lane->staged);
    eh_pgcopy copy = {.sql = encoder_of(lane)->copy, .pieces = {{NULL, 0}, rows, {NULL, 0}}};
    if (!encoder_of(lane)->text) {
        copy.pieces[0] = eh_buf_slice(&lane->header);
        copy.pieces[2] = eh_buf_slice(&lane->trailer);
    }
    eh_pgconn_copy(lane->conn, &copy, on_part_copied, lane);
}

static void on_part_staged(void *self)
{
    eh_pg_lane *lane = self;
    if (failed(lane)) return;
    if (rows_of(lane) > 0)
        copy_part(lane);
    else
        eh_pg_lane_query(lane, encoder_of(lane)->put->sql[EH_PG_STEP_INSERT], on_part_put);
}

static void on_looked(void *self)
{
    eh_pg_lane *lane = self;
    eh_err err = {.class_ = EH_OK};
    if (failed(lane)) return;
    if (!eh_pg_encoder_fits(part_of(lane)->encoder, lane->conn, &err))
        eh_pg_lane_give_up(lane, &err);
    else if (follows(part_of(lane)))
        eh_pg_lane_query(lane, encoder_of(lane)->put->stage, on_part_staged);
    else
        copy_part(lane);
}

static void look(eh_pg_lane *lane)
{
    const eh_unit_part *part = part_of(lane);
    eh_sql_var vars[] = {{"schema", part->schema}, {"table", part->table}};
    eh_err err = {.class_ = EH_OK};
    lane->sql.len = 0;
    if (eh_sql_expand("postgres", "nested_look", vars, 2, &lane->sql, &err))
        eh_pg_lane_query(lane, lane->sql.data, on_looked);
    else
        eh_pg_lane_failed(lane, &err);
}

static void on_end(void *self)
{
    eh_pg_lane *lane = self;
    lane->done(lane);
}

/* Rows that are there may have to go, also where none comes. */
static void next_part(eh_pg_lane *lane)
{
    const eh_unit *unit = lane->unit;
    while (lane->part < unit->part_count && !follows(part_of(lane)) && rows_of(lane) == 0)
        lane->part++;
    EH_FAULT("nested.part");
    if (lane->part < unit->part_count)
        look(lane);
    else if (lane->has_parents)
        eh_pg_lane_query(lane, "DROP TABLE pg_temp.etl_parents", on_end);
    else
        lane->done(lane);
}

static void on_parents(void *self)
{
    eh_pg_lane *lane = self;
    if (failed(lane)) return;
    next_part(lane);
}

static void on_records(void *self)
{
    eh_pg_lane *lane = self;
    const eh_pg_encoder *records = (const eh_pg_encoder *)lane->unit->encoder;
    if (failed(lane)) return;
    if (records->base.put == NULL && !eh_pg_lane_copied(lane, lane->staged)) return;
    lane->part = 0;
    lane->has_parents = records->put != NULL && records->put->parents != NULL;
    if (lane->has_parents)
        eh_pg_lane_query(lane, records->put->parents, on_parents);
    else
        next_part(lane);
}

void eh_pg_lane_send_nested(eh_pg_lane *lane, size_t from, size_t to, eh_pg_done *done)
{
    lane->done = done;
    lane->from = from;
    lane->staged = to - from;
    if (lane->unit->encoder->put != NULL)
        eh_pg_lane_put(lane, from, to, on_records);
    else
        eh_pg_lane_copy(lane, from, to, on_records);
}
