/* io/libpq.h: libpq, loaded when a connection is made.
 *
 * With what it brings along (Kerberos, LDAP, TLS: some twenty libraries) libpq takes longer to
 * link than a small file takes to load; who loads into SQLite never needs it. So the executable
 * is not linked with it, and its functions are called through this table: conn->pq.status(...)
 * for PQstatus. Included by pgconn_private.h and pgtarget.c only. Floor 2. */
#ifndef EH_IO_LIBPQ_H
#define EH_IO_LIBPQ_H

#include "base/err.h"

#include <libpq-fe.h>

/* What is used of it, without the PQ. */
#define EH_LIBPQ_FUNCTIONS(X)                                                                  \
    X(clear)                                                                                   \
    X(cmdStatus)                                                                               \
    X(cmdTuples)                                                                               \
    X(connectPoll)                                                                             \
    X(connectStartParams)                                                                      \
    X(conninfo)                                                                                \
    X(conninfoFree)                                                                            \
    X(consumeInput)                                                                            \
    X(db)                                                                                      \
    X(errorMessage)                                                                            \
    X(finish)                                                                                  \
    X(flush)                                                                                   \
    X(fname)                                                                                   \
    X(getResult)                                                                               \
    X(getisnull)                                                                               \
    X(getvalue)                                                                                \
    X(host)                                                                                    \
    X(isBusy)                                                                                  \
    X(nfields)                                                                                 \
    X(ntuples)                                                                                 \
    X(pass)                                                                                    \
    X(port)                                                                                    \
    X(putCopyData)                                                                             \
    X(putCopyEnd)                                                                              \
    X(resStatus)                                                                               \
    X(resultErrorField)                                                                        \
    X(resultStatus)                                                                            \
    X(sendQuery)                                                                               \
    X(sendQueryParams)                                                                         \
    X(setErrorVerbosity)                                                                       \
    X(setNoticeReceiver)                                                                       \
    X(setnonblocking)                                                                          \
    X(socket)                                                                                  \
    X(status)                                                                                  \
    X(user)

typedef struct eh_libpq {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration takes none */
#define EH_LIBPQ_MEMBER(name) __typeof__(PQ##name) *name;
    EH_LIBPQ_FUNCTIONS(EH_LIBPQ_MEMBER)
#undef EH_LIBPQ_MEMBER
} eh_libpq;

/* Fills the table. The library stays loaded for the life of the process. Class config when it
 * is not there. */
bool eh_libpq_load(eh_libpq *pq, eh_err *err) EH_MUST_USE;

#endif
