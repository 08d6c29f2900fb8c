/* io/pgtarget.h: which passwords a connection string has, or was meant to have. */
#include "io/pgtarget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* All of them, parted by blanks. */
static const char *passwords_of(const char *url)
{
    static char text[1024];
    size_t len = 0;
    eh_slice found[EH_PG_PASSWORDS_MAX];
    eh_arena *arena = eh_arena_new(1 << 20);
    assert_non_null(arena);
    size_t count = eh_pg_passwords(url, arena, found);
    assert_true(count <= EH_PG_PASSWORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text[len++] = ' ';
        memcpy(text + len, found[i].data, found[i].len);
        len += found[i].len;
    }
    text[len] = '\0';
    eh_arena_free(arena);
    return text;
}

static void of_a_string(void **state)
{
    (void)state;
    assert_string_equal(passwords_of("postgres://a:b%2Fc@h/d"), "b/c");
    assert_string_equal(passwords_of("postgres://a@h/d?password=p%20q&sslpassword=r"), "p q r");
    assert_string_equal(passwords_of("postgres://a@h:5432/d?application_name=x@y"), "");
    assert_string_equal(passwords_of("postgres://"), "");
    assert_string_equal(passwords_of("postgres://a:pg1@h1:1,h2:2/d"), "pg1");
}

/* It is told anyway. */
static void that_is_a_name(void **state)
{
    (void)state;
    assert_string_equal(passwords_of("postgres://postgres:postgres@h/d"), "");
    assert_string_equal(passwords_of("postgres://a:d@h/d"), "");
}

static void of_the_surroundings(void **state)
{
    (void)state;
    assert_int_equal(setenv("PGPASSWORD", "from outside", 1), 0);
    assert_string_equal(passwords_of("postgres://a@h/d"), "from outside");
    assert_string_equal(passwords_of("postgres://a:own@h/d"), "own");
    assert_string_equal(passwords_of("postgres://a:b%zz@h/d"), "b%zz");
    assert_int_equal(unsetenv("PGPASSWORD"), 0);
}

/* libpq finds none, or half of it, and quotes the rest. */
static void of_what_is_written_wrong(void **state)
{
    (void)state;
    assert_string_equal(passwords_of("postgres://a:one/two@h/d"), "one/two one two");
    assert_string_equal(passwords_of("postgres://a:one@two@h/d"), "one one@two two");
    assert_string_equal(passwords_of("postgres://a:one#[two@h/d"), "one#[two");
    assert_string_equal(passwords_of("postgres://a:one/two?three@h/d"),
                        "one/two?three one two three");
    assert_string_equal(passwords_of("postgres://a@b:one@h/d"), "one");
    assert_string_equal(passwords_of("postgres://a:@h/d"), "");
    char many[200] = "postgres://a:";
    size_t len = strlen(many);
    for (; len < 190; len += 4) memcpy(many + len, "pw-/", 4);
    memcpy(many + len, "@h", 3);
    (void)passwords_of(many);
}

int main(void)
{
    (void)unsetenv("PGPASSWORD");
    (void)setenv("PGPASSFILE", "/nowhere", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_string),
        cmocka_unit_test(that_is_a_name),
        cmocka_unit_test(of_the_surroundings),
        cmocka_unit_test(of_what_is_written_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
