/* stub */
#include "load/dest_impl.h"
eh_dest *eh_dest_postgres_open(const char *url, size_t lanes, bool read_only, eh_loop *loop,
                               const eh_clock *clock, eh_err *err)
{
    (void)url;
    (void)lanes;
    (void)read_only;
    (void)loop;
    (void)clock;
    (void)eh_fail(err, EH_CLASS_CONFIG, "not here yet");
    return NULL;
}
