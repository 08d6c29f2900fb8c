/* main.c: which role am I? */
#include "version.h"

#include <stdio.h>

int main(void)
{
    return puts("etlhost " EH_VERSION) < 0;
}
