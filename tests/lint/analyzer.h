/* tests/lint/analyzer.h: what clang's analyzer cannot see from one file: that eh_fail and its
 * kin always return false. Included before each file by tests/lint/tidy only. */
#include "base/err.h"

#define eh_fail(...)        ((void)(eh_fail)(__VA_ARGS__), false)
#define eh_fail_memory(...) ((void)(eh_fail_memory)(__VA_ARGS__), false)
#define eh_fail_errno(...)  ((void)(eh_fail_errno)(__VA_ARGS__), false)
#define eh_err_hint(...)    ((void)(eh_err_hint)(__VA_ARGS__), false)
#define eh_err_place(...)   ((void)(eh_err_place)(__VA_ARGS__), false)
#define eh_err_while(...)   ((void)(eh_err_while)(__VA_ARGS__), false)
