/* io/libcurl.h: libcurl, loaded when a first request is made.
 *
 * With what it brings along (SSH, LDAP, Kerberos, HTTP/2: some forty libraries) libcurl takes
 * longer to link than a small file takes to load, so the executable is not linked with it: its
 * functions are called through this table, curl->easy_init() for curl_easy_init(). Included by
 * the .c files of this room only. Floor 2. */
#ifndef EH_IO_LIBCURL_H
#define EH_IO_LIBCURL_H

#include "base/err.h"

#define CURL_DISABLE_TYPECHECK /* its checks are macros over the linked functions */
#include <curl/curl.h>

/* What is used of it, without the curl_. */
#define EH_LIBCURL_FUNCTIONS(X)                                                                \
    X(easy_cleanup)                                                                            \
    X(easy_getinfo)                                                                            \
    X(easy_init)                                                                               \
    X(easy_pause)                                                                              \
    X(easy_setopt)                                                                             \
    X(easy_strerror)                                                                           \
    X(free)                                                                                    \
    X(global_cleanup)                                                                          \
    X(global_init)                                                                             \
    X(multi_add_handle)                                                                        \
    X(multi_assign)                                                                            \
    X(multi_cleanup)                                                                           \
    X(multi_info_read)                                                                         \
    X(multi_init)                                                                              \
    X(multi_remove_handle)                                                                     \
    X(multi_setopt)                                                                            \
    X(multi_socket_action)                                                                     \
    X(multi_strerror)                                                                          \
    X(share_cleanup)                                                                           \
    X(share_init)                                                                              \
    X(share_setopt)                                                                            \
    X(slist_append)                                                                            \
    X(slist_free_all)                                                                          \
    X(url)                                                                                     \
    X(url_cleanup)                                                                             \
    X(url_get)                                                                                 \
    X(url_set)                                                                                 \
    X(url_strerror)

typedef struct eh_libcurl {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration takes none */
#define EH_LIBCURL_MEMBER(name) __typeof__(curl_##name) *name;
    EH_LIBCURL_FUNCTIONS(EH_LIBCURL_MEMBER)
#undef EH_LIBCURL_MEMBER
} eh_libcurl;

/* Fills the table. The library stays loaded for the life of the process; asking again costs
 * some microseconds. Class config when it is not there. */
bool eh_libcurl_load(eh_libcurl *curl, eh_err *err) EH_MUST_USE;

#endif
