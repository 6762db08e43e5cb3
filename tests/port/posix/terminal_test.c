#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int person = -1; /* The other side of the terminal. */

static void open_pair(void)
{
    person = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(person >= 0);
    assert_int_equal(grantpt(person), 0);
    assert_int_equal(unlockpt(person), 0);
    int ours = open(ptsname(person), O_RDWR | O_NOCTTY);
    assert_true(ours >= 0);
    assert_int_equal(dup2(ours, STDIN_FILENO), STDIN_FILENO);
    (void)close(ours);
}

static void a_terminal_is_taken_read_key_by_key_and_given_back(void **state)
{
    const int output = dup(STDOUT_FILENO);
    const struct winsize size = {.ws_col = 100, .ws_row = 30};
    struct sfe_terminal *terminal = NULL;
    struct termios before;
    struct termios now;
    struct sfe_error err;
    char text[128] = "";
    uint32_t columns = 0;
    uint32_t rows = 0;

    (void)state;
    open_pair();
    assert_int_equal(tcgetattr(STDIN_FILENO, &before), 0);
    assert_int_equal(ioctl(person, TIOCSWINSZ, &size), 0);
    assert_int_equal(dup2(STDIN_FILENO, STDOUT_FILENO), STDOUT_FILENO);
    enum sfe_code code = sfe_terminal_open(&terminal, &err);
    if (code == SFE_OK) {
        sfe_terminal_size(terminal, &columns, &rows);
    }
    const int nothing = code == SFE_OK ? sfe_terminal_key(terminal, 0) : -1;
    const ssize_t typed = write(person, "q\x03", 2);
    const int first = code == SFE_OK ? sfe_terminal_key(terminal, 10000) : -1;
    const int second = code == SFE_OK ? sfe_terminal_key(terminal, 10000) : -1;
    const int was_got = tcgetattr(STDIN_FILENO, &now);
    sfe_terminal_close(terminal);
    (void)dup2(output, STDOUT_FILENO); /* From here on a failure can be read. */
    assert_int_equal(code, SFE_OK);
    assert_int_equal(typed, 2);
    assert_int_equal(columns, 100);
    assert_int_equal(rows, 30);
    assert_int_equal(nothing, 0);
    assert_int_equal(first, 'q');
    assert_int_equal(second, 3);
    assert_int_equal(was_got, 0);
    assert_int_equal(now.c_lflag & (tcflag_t)(ICANON | ECHO | ISIG), 0);
    assert_int_equal(tcgetattr(STDIN_FILENO, &now), 0);
    assert_int_equal(now.c_lflag, before.c_lflag);
    for (size_t got = 0; strstr(text, "\x1b[?1049l") == NULL;) {
        const ssize_t count = read(person, text + got, sizeof(text) - 1u - got);
        assert_true(count > 0);
        got += (size_t)count;
    }
    assert_non_null(strstr(text, "\x1b[?1049h"));
    (void)close(person);
    (void)close(output);
}

static void what_is_no_terminal_is_said_so(void **state)
{
    struct sfe_terminal *terminal = NULL;
    struct sfe_error err;
    int nothing = open("/dev/null", O_RDWR);

    (void)state;
    assert_true(nothing >= 0);
    assert_int_equal(dup2(nothing, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(sfe_terminal_open(&terminal, &err), SFE_E_UNSUPPORTED);
    assert_null(terminal);
    sfe_terminal_close(NULL);
    (void)close(nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_is_taken_read_key_by_key_and_given_back),
        cmocka_unit_test(what_is_no_terminal_is_said_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
