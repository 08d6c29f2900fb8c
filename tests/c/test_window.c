/* The window: one side writes, the other can only read, and neither can change its size. */
#include "wire/window.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void test_shared(void **state)
{
    (void)state;
    eh_window engine, jail;
    eh_err err = {0};
    assert_true(eh_window_create(&engine, 65536, &err));
    assert_true(eh_window_open(&jail, dup(engine.fd), &err));
    assert_int_equal(jail.size, 65536);
    memcpy(engine.data + 100, "hello", 6);
    assert_string_equal((char *)jail.data + 100, "hello");
    eh_window_close(&jail);
    eh_window_close(&engine);
    eh_window_close(&engine); /* safe twice */
}

/* What a hostile holder of the descriptor could try. */
static void test_sealed(void **state)
{
    (void)state;
    eh_window engine, jail;
    eh_err err = {0};
    assert_true(eh_window_create(&engine, 65536, &err));
    int fd = dup(engine.fd);
    assert_true(eh_window_open(&jail, fd, &err));
    assert_ptr_equal(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_int_equal(mprotect(jail.data, 65536, PROT_READ | PROT_WRITE), -1);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 1 << 20), -1);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    engine.data[0] = 1; /* still writable here */
    eh_window_close(&jail);
    eh_window_close(&engine);
}

static void expect_no_window(int fd)
{
    eh_window window;
    eh_err err = {0};
    assert_true(fd >= 0);
    assert_false(eh_window_open(&window, fd, &err));
    assert_int_not_equal(err.class_, EH_OK);
    assert_int_equal(window.fd, -1);
    assert_null(window.data);
    (void)close(fd);
}

static void test_not_a_window(void **state)
{
    (void)state;
    expect_no_window(memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    int unsealed = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(unsealed, 4096), 0);
    expect_no_window(unsealed);
    expect_no_window(open("/dev/null", O_RDONLY | O_CLOEXEC));
    eh_window window;
    assert_false(eh_window_open(&window, -1, NULL));
    eh_err err = {0};
    assert_false(eh_window_create(&window, 0, &err));
    assert_int_equal(window.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_not_a_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
