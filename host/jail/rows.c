#include "jail/internal.h"
bool eh_rows_answer(eh_jail *jail, uint32_t task, const eh_doc *body, eh_err *err)
{
    (void)jail;
    (void)task;
    (void)body;
    return eh_fail(err, EH_CLASS_BUG, "rows");
}
