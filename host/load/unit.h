/* load/unit.h: a unit of work: rows of one input range, encoded, that commit together.
 *
 * A unit holds everything its transaction needs (rows, dead rows, what it covers), so that no
 * transaction waits for anything and the unit can be replayed until COMMIT. The loader fills
 * it, a destination's lane commits it. Floor 3. */
#ifndef EH_LOAD_UNIT_H
#define EH_LOAD_UNIT_H

#include "base/mask.h"
#include "data/batch.h"
#include "load/key_set.h"
#include "load/write.h"

/* Code of dead rows whose bytes are a row as the table has it, in JSON, and no record. */
#define EH_DEAD_IN_STAGE "refused_in_stage"

typedef struct eh_encoder eh_encoder;
typedef struct eh_unit eh_unit;

typedef struct eh_row_fault {
    size_t column;      /* index among the encoder's columns */
    const char *reason; /* constant */
} eh_row_fault;

typedef enum eh_append {
    EH_APPEND_OK,
    EH_APPEND_MISFIT, /* a value does not fit its column: *fault says which; unit unchanged */
    EH_APPEND_FULL,   /* the unit's buffer has no room; unit unchanged */
    EH_APPEND_ERROR
} eh_append;

/* First member of a destination's encoder. */
struct eh_encoder {
    eh_append (*append)(const eh_encoder *encoder, eh_buf *data, const eh_cell *const *pick,
                        eh_row_fault *fault, eh_err *err);
    size_t count;      /* columns */
    const eh_put *put; /* how the rows reach the table; NULL: they are appended */
    /* Of an encoded row: rows whose keys are equal in the table have the same hash. NULL: the
     * bytes do not tell. */
    uint64_t (*key_hash)(const eh_encoder *encoder, const char *row);
};

/* The rows of a child table that come with the unit's records: with row r of the unit those
 * from ends[r - 1] to ends[r]. */
typedef struct eh_unit_part {
    const char *schema;
    const char *table;
    const eh_encoder *encoder;
    eh_buf data;  /* encoded rows */
    size_t *ends; /* as many as the unit has room for rows */
    size_t *rows; /* how many rows there are up to the same places */
    size_t count; /* rows in data */
} eh_unit_part;

struct eh_unit {
    void *owner; /* the loader that has it, to which it goes back when it is done; NULL: free */
    /* identity: which part of which input. Text is borrowed from the loader, alive until done
     */
    const char *input;             /* identity by content: "sha256:<hex>:<size>" */
    const char *input_name;        /* as the person knows it */
    uint64_t input_size;           /* bytes as stored */
    int64_t input_modified;        /* microseconds */
    uint64_t start, end;           /* decoded bytes */
    uint64_t row_start, row_end;   /* records of the input before the start, before the end */
    uint64_t line_start, line_end; /* 1-based line at start, at end */
    bool last;                     /* `end` is the end of the input */
    const char *header;   /* CSV: the delimiter, then the header line; NULL for JSON. With it a
                             dead record can be read again */
    const char *position; /* JSON: where reading goes on behind it; in the arena; NULL: files */
    /* content */
    const char *schema;
    const char *table;
    const eh_encoder *encoder;
    eh_buf data;      /* encoded rows, without header or trailer */
    size_t *row_ends; /* offset in data of each row's end */
    eh_place *places; /* of each row */
    size_t rows;
    size_t row_capacity;
    eh_unit_part *parts; /* of child tables, parents before their children */
    size_t part_count;
    size_t part_capacity;
    int64_t record;   /* the number of the row that is appended next; they grow */
    int64_t *records; /* of each row, where there are parts */
    bool has_absent;  /* some record lacks a field: see eh_put.absent */
    bool repeats;     /* some key may be there twice */
    eh_key_set keys;  /* while it is not known to */
    eh_arena *arena;  /* text of the dead rows */
    eh_dead *dead;    /* refused so far; the destination appends what the server refuses */
    size_t dead_count;
    size_t dead_capacity;
    size_t dead_sent;    /* of them, known when the unit was submitted */
    const eh_mask *mask; /* of the pool: applied to dead rows; NULL: nothing is secret */
    bool stored;         /* its records are such rows: so are those that die again */
    /* The raw bytes of a record, fetched again from the input, for a row that the server
     * refused. */
    bool (*raw)(void *self, const eh_place *place, eh_buf *out, eh_err *err);
    /* What a record's place is called in dead rows: the page it came from. NULL: input_name */
    const char *(*label)(void *self, const eh_place *place);
    void *raw_self;
    const char *settles;   /* ids of the dead rows whose records these are, "12,13": they are
                              resolved with its commit. In the arena; NULL: none */
    double max_dead_ratio; /* both exceeded: the unit rolls back, class data */
    size_t max_dead_rows;
    /* outcome */
    eh_effects effects;
    eh_err err; /* class_ is EH_OK once committed */
};

bool eh_unit_init(eh_unit *unit, size_t data_max, eh_err *err) EH_MUST_USE;
void eh_unit_reset(eh_unit *unit); /* keeps memory; identity and content are cleared */
void eh_unit_free(eh_unit *unit);

/* Encodes one row: all of it or nothing. */
eh_append eh_unit_append(eh_unit *unit, const eh_cell *const *pick, const eh_place *place,
                         eh_row_fault *fault, eh_err *err);

/* Room for the rows of so many child tables; those that are there stay. Only while the unit has
 * no row. */
bool eh_unit_set_parts(eh_unit *unit, size_t count, eh_err *err) EH_MUST_USE;
/* Encodes a row of a child table. It belongs to the row that is appended next; or it goes
 * again. */
eh_append eh_unit_append_part(eh_unit *unit, size_t part, const eh_cell *const *pick,
                              eh_row_fault *fault, eh_err *err);
/* Takes rows of child tables away that belong to no row yet. */
void eh_unit_rewind_parts(eh_unit *unit);
/* The bytes and the rows of a child table that belong to rows [from, to). */
eh_slice eh_unit_part_bytes(const eh_unit_part *part, size_t from, size_t to);
size_t eh_unit_part_rows(const eh_unit_part *part, size_t from, size_t to);
/* The row with this number; unit->rows: none. */
size_t eh_unit_find_record(const eh_unit *unit, int64_t record);
/* Encoded bytes in all. */
size_t eh_unit_bytes(const eh_unit *unit);

/* Copies the dead record into the unit, its texts masked. */
bool eh_unit_add_dead(eh_unit *unit, const eh_dead *dead, eh_err *err) EH_MUST_USE;

/* Removes encoded row `index` (the server refused it): its bytes go, later rows move down. */
void eh_unit_remove_row(eh_unit *unit, size_t index);
/* The same for all whose indexes are listed, ascending, in one pass. */
void eh_unit_remove_rows(eh_unit *unit, const size_t *indexes, size_t count);

/* What a dead row's place is called. */
static inline const char *eh_unit_label(const eh_unit *unit, const eh_place *place)
{
    return unit->label != NULL ? unit->label(unit->raw_self, place) : unit->input_name;
}

/* Are there too many dead rows for the unit to be a success? */
bool eh_unit_is_rotten(const eh_unit *unit);

/* The units of a run, shared by its streams: as many as may be in memory at once. */
typedef struct eh_unit_pool {
    eh_unit *units;
    size_t count;
    size_t unit_bytes; /* a unit is closed at about so many encoded bytes */
    eh_mask mask;      /* set by whoever knows secrets, before units are taken */
} eh_unit_pool;

/* One row may be larger than a unit. */
#define EH_UNIT_SLACK ((size_t)32 * 1024 * 1024)

/* Memory is taken as units fill, up to unit_bytes and one large row each. */
bool eh_unit_pool_init(eh_unit_pool *pool, size_t count, size_t unit_bytes,
                       eh_err *err) EH_MUST_USE;
void eh_unit_pool_free(eh_unit_pool *pool);

/* A free unit, reset, for this owner; NULL when all are taken. */
eh_unit *eh_unit_pool_take(eh_unit_pool *pool, void *owner);

#endif
