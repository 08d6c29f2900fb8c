/* io/pgcopy.c: COPY ... FROM STDIN with flow control.
 *
 * libpq copies what it is given into a buffer of its own and would let that grow without bound
 * on a connection that does not block (libpq manual, "Functions for Sending COPY Data"). So a
 * piece is handed over only when the former one has left the buffer. */
#include "base/fault.h"
#include "io/pgconn_private.h"

/* Big enough to keep a server busy for a while, small enough for the socket's buffer. */
#define CHUNK_BYTES ((size_t)128 * 1024)
/* Other watches of the loop get their turn after this much. */
#define TURN_BYTES ((size_t)2 * 1024 * 1024)

static bool next_chunk(eh_pgconn *conn, eh_slice *chunk)
{
    while (conn->piece < EH_PG_PIECES && conn->piece_at == conn->pieces[conn->piece].len) {
        conn->piece++;
        conn->piece_at = 0;
    }
    if (conn->piece == EH_PG_PIECES) return false;
    const eh_slice *piece = &conn->pieces[conn->piece];
    size_t left = piece->len - conn->piece_at;
    *chunk = eh_slice_of(piece->data + conn->piece_at, left < CHUNK_BYTES ? left : CHUNK_BYTES);
    return true;
}

static void advance(eh_pgconn *conn, size_t len)
{
    conn->piece_at += len;
    conn->sent += len;
    if (conn->fault_middle != NULL && conn->sent >= conn->middle) {
        EH_FAULT(conn->fault_middle);
        conn->fault_middle = NULL;
    }
}

/* Queues the end of the data. False when there is nothing to wait for but the server's answer.
 */
static bool put_end(eh_pgconn *conn)
{
    if (conn->fault_end != NULL) EH_FAULT(conn->fault_end);
    conn->fault_end = NULL;
    switch (conn->pq.putCopyEnd(conn->pg, NULL)) {
    case 1:
        conn->ended = true;
        return true;
    case 0:
        return true; /* no room in the buffer: again when it was flushed */
    default:
        return false;
    }
}

/* Hands over one chunk, or the end. False: read results. */
static bool put_next(eh_pgconn *conn)
{
    eh_slice chunk;
    if (!next_chunk(conn, &chunk)) return put_end(conn);
    switch (conn->pq.putCopyData(conn->pg, chunk.data, (int)chunk.len)) {
    case 1:
        advance(conn, chunk.len);
        return true;
    case 0:
        return true; /* nothing was queued: again when it was flushed */
    default:
        return false; /* COPY is over for the server, or the connection is gone */
    }
}

bool eh_pgcopy_feed(eh_pgconn *conn)
{
    size_t start = conn->sent;
    while (conn->sent - start < TURN_BYTES) {
        switch (conn->pq.flush(conn->pg)) {
        case 0:
            break;
        case 1:
            eh_pgconn_want(conn, true);
            return true;
        default:
            return false;
        }
        if (conn->ended) return false;
        if (!put_next(conn)) return false;
    }
    eh_pgconn_want(conn, true);
    return true;
}
