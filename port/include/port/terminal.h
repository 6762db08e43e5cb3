/* The terminal of a command that redraws itself. Chosen by the linker. Main thread. */
#ifndef SFE_PORT_TERMINAL_H
#define SFE_PORT_TERMINAL_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_terminal;

/* Takes the terminal on standard input and output: keys come one by one and are not shown, Ctrl-C
 * among them; the screen is a second one. SFE_E_UNSUPPORTED where either is no terminal. Signals
 * that stop the process (process.h) end a wait for a key, so that it can be given back. */
SFE_MUST_USE enum sfe_code sfe_terminal_open(struct sfe_terminal **terminal, struct sfe_error *err);

/* Its size in characters, as of now; 80 by 24 where it does not say. */
void sfe_terminal_size(const struct sfe_terminal *terminal, uint32_t *columns, uint32_t *rows);

/* Waits for a key, at most so long. Returns its byte, 3 for Ctrl-C; 0: none came; -1: nobody types
 * there any more. */
int sfe_terminal_key(const struct sfe_terminal *terminal, uint32_t wait_ms);

/* Gives the terminal back as it was. NULL is allowed. */
void sfe_terminal_close(struct sfe_terminal *terminal);

#endif
