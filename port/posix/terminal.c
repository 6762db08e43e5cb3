#include "port/terminal.h"

#include "base/assert.h"
#include "port/process.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* ECMA-48 and xterm: the second screen, without a cursor; and back. */
#define SCREEN_BEGIN "\x1b[?1049h\x1b[?25l"
#define SCREEN_END   "\x1b[?25h\x1b[?1049l"

struct sfe_terminal {
    struct termios before;
};

enum sfe_code sfe_terminal_open(struct sfe_terminal **terminal, struct sfe_error *err)
{
    struct sfe_terminal *opened;
    struct termios raw;

    *terminal = NULL;
    if (isatty(STDOUT_FILENO) != 1 || tcgetattr(STDIN_FILENO, &raw) != 0) {
        return sfe_fail(err, SFE_E_UNSUPPORTED, "this is no terminal");
    }
    opened = malloc(sizeof(*opened));
    if (opened == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a terminal");
    }
    opened->before = raw;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0) {
        free(opened);
        return sfe_fail_os(err, SFE_E_UNSUPPORTED, errno, "cannot take the terminal");
    }
    sfe_process_print(SFE_TEXT(SCREEN_BEGIN));
    *terminal = opened;
    return SFE_OK;
}

void sfe_terminal_size(const struct sfe_terminal *terminal, uint32_t *columns, uint32_t *rows)
{
    struct winsize size;

    SFE_ASSERT(terminal != NULL);
    *columns = 80;
    *rows = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 && size.ws_row != 0) {
        *columns = size.ws_col;
        *rows = size.ws_row;
    }
}

int sfe_terminal_key(const struct sfe_terminal *terminal, uint32_t wait_ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    unsigned char key = 0;

    SFE_ASSERT(terminal != NULL);
    const int ready = poll(&input, 1, wait_ms > INT_MAX ? INT_MAX : (int)wait_ms);
    if (ready <= 0) {
        return 0; /* Time is up, or a signal came. */
    }
    const ssize_t count = read(STDIN_FILENO, &key, 1);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
        return 0;
    }
    return count == 1 ? key : -1;
}

void sfe_terminal_close(struct sfe_terminal *terminal)
{
    if (terminal == NULL) {
        return;
    }
    sfe_process_print(SFE_TEXT(SCREEN_END));
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->before);
    free(terminal);
}
