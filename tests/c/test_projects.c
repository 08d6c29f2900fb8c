/* Patterns of projects.yaml. */
#include "data/projects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void patterns(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pattern;
        bool fits;
    } cases[] = {
        {"", "", true},
        {"", "*", true},
        {"", "?", false},
        {"a", "", false},
        {"abc", "abc", true},
        {"abc", "ABC", false},
        {"abc", "a*", true},
        {"abc", "*c", true},
        {"abc", "a?c", true},
        {"ac", "a?c", false},
        {"aXbXc", "a*X*c", true},
        {"aaab", "*ab", true},
        {"aab", "a*a*a*", false},
        {"a*b", "a*b", true},
        {"a_c", "a_c", true},
        {"abc", "a_c", false},
        {"100%", "100%", true},
        {"1000", "100%", false},
        {"\xc3\xa4x", "?x", true},
        {"\xc3\xa4x", "??x", false},
        {"x\xf0\x9f\x8c\xbb", "x?", true},
        {"abc", "***c***", true},
        {"abc", "*?*?*?*", true},
        {"abc", "*?*?*?*?", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (eh_projects_fits(eh_slice_str(cases[i].text), eh_slice_str(cases[i].pattern)) !=
            cases[i].fits)
            fail_msg("\"%s\" against \"%s\"", cases[i].text, cases[i].pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(patterns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
