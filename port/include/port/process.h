/* The process: signals, service notification, files named in the configuration. Chosen by the
 * linker. */
#ifndef SFE_PORT_PROCESS_H
#define SFE_PORT_PROCESS_H

#include "base/bytes.h"
#include "base/error.h"

/* Signals that concern us, as bits of what sfe_process_signals returns. */
#define SFE_SIGNAL_STOP   1u /* SIGTERM, SIGINT */
#define SFE_SIGNAL_RELOAD 2u /* SIGHUP */

/* Keeps what is in our memory (passwords, tokens, events) out of core dumps and from other
 * processes of the same user. Main thread, first of all. */
void sfe_process_keep_memory_private(void);

/* Routes the signals above to a flag and calls `wake(context)` from the signal handler (it must be
 * async-signal-safe: poller wake is). SIGPIPE is ignored. Main thread, once. */
void sfe_process_catch_signals(void (*wake)(void *context), void *context);

/* The signals that came since the last call. */
unsigned sfe_process_signals(void);

/* Tells the service manager (sd_notify(3) protocol over $NOTIFY_SOCKET); does nothing without one.
 * `state` as in "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=...", or several, one a line. */
void sfe_process_notify(const char *state);

/* How often the service manager wants to hear WATCHDOG=1 from this process at least, by
 * $WATCHDOG_USEC and $WATCHDOG_PID (sd_watchdog_enabled(3)); 0: it does not wait for it. */
uint64_t sfe_process_watchdog_ns(void);

/* Reads a whole file of at most builder's room. Errors: SFE_E_NOT_FOUND, SFE_E_PERMISSION,
 * SFE_E_TOO_LARGE, SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code sfe_process_read_file(const char *path, struct sfe_builder *content,
                                                 struct sfe_error *err);

/* As above for a secret: refused (SFE_E_PERMISSION) when others than owner and group can read it.
 */
SFE_MUST_USE enum sfe_code sfe_process_read_secret(const char *path, struct sfe_builder *content,
                                                   struct sfe_error *err);

/* Adds the names of the files in `directory` that end with `suffix` and do not begin with a dot, in
 * the order of their bytes, each with a NUL behind it. A directory that does not exist has none.
 * SFE_E_TOO_LARGE, SFE_E_PERMISSION, SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code sfe_process_list_files(const char *directory, const char *suffix,
                                                  struct sfe_builder *names, struct sfe_error *err);

/* Adds `path`, from the root directory on. SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code sfe_process_add_absolute_path(const char *path, struct sfe_builder *out,
                                                         struct sfe_error *err);

/* Makes `path` a directory (mode 0700) with its parents; one that is there is left as it is.
 * SFE_E_PERMISSION, SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code sfe_process_make_directory(const char *path, struct sfe_error *err);

/* Makes `path` a directory as above, and takes the lock in it that keeps a
 * second agent out; the lock lasts until the process ends. SFE_E_REFUSED when another holds it. */
SFE_MUST_USE enum sfe_code sfe_process_claim_directory(const char *path, struct sfe_error *err);

/* Writes a new file (mode 0644) and makes it durable. SFE_E_REFUSED when `path` exists already:
 * nothing is replaced. */
SFE_MUST_USE enum sfe_code sfe_process_create_file(const char *path, struct sfe_slice content,
                                                   struct sfe_error *err);

/* A file being written (mode 0600), or standard output where `path` is NULL. Nothing can be read at
 * `path` before it is finished. SFE_E_REFUSED: `path` exists, and may not be replaced or is no
 * plain file; or another one is being written to it. SFE_E_USAGE: the path is too long. */
struct sfe_output_file;
SFE_MUST_USE enum sfe_code sfe_process_open_output(const char *path, bool may_replace,
                                                   struct sfe_output_file **file,
                                                   struct sfe_error *err);

/* Adds `bytes`, all of them or not. SFE_E_NO_SPACE, SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code sfe_process_write_output(struct sfe_output_file *file,
                                                    struct sfe_slice bytes, struct sfe_error *err);

/* Makes it durable and lets it stand at its path, whole. Releases `file`, after a failure as well:
 * then nothing has changed at the path, as after the other one. NULL is allowed there. */
SFE_MUST_USE enum sfe_code sfe_process_finish_output(struct sfe_output_file *file,
                                                     struct sfe_error *err);
void sfe_process_abandon_output(struct sfe_output_file *file);

/* Removes a file that was just created. SFE_E_NOT_FOUND, SFE_E_PERMISSION, SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code sfe_process_remove_file(const char *path, struct sfe_error *err);

/* Reads standard input to its end; for commands. SFE_E_TOO_LARGE when it does not fit. */
SFE_MUST_USE enum sfe_code sfe_process_read_input(struct sfe_builder *content,
                                                  struct sfe_error *err);

/* Reads one line of standard input, without its end; false where there is none (more) or it does
 * not fit. For commands that ask. */
bool sfe_process_read_line(struct sfe_builder *line);

/* Adds the addresses of `host` as the system's resolver gives them, parted by blanks; those that do
 * not fit are left out. Blocks as long as the resolver does; for commands. SFE_E_NETWORK. */
SFE_MUST_USE enum sfe_code sfe_process_lookup(const char *host, struct sfe_builder *addresses,
                                              struct sfe_error *err);

/* Adds the local address from which packets to `host` leave, and its interface: "192.0.2.7 (eth0)",
 * as the system's routes say; from `interface` (its name, or an address of ours) where that is not
 * NULL. Sends nothing but the look-up, which blocks; for commands. SFE_E_NETWORK: no such host, or
 * no way there; SFE_E_NOT_FOUND: no such interface. */
SFE_MUST_USE enum sfe_code sfe_process_route(const char *host, const char *interface,
                                             struct sfe_builder *out, struct sfe_error *err);

/* An environment variable, or NULL. */
const char *sfe_process_environment(const char *name);

/* Resident anonymous memory of this process in bytes (RssAnon); 0 where unknown. */
uint64_t sfe_process_memory_bytes(void);

/* All that is resident (VmRSS), files that are mapped included; 0 where unknown. */
uint64_t sfe_process_resident_bytes(void);

/* What malloc has given out, to libraries first of all; 0 where it does not tell. Any thread. */
uint64_t sfe_process_heap_bytes(void);

/* Writes to standard output or standard error; for commands. */
void sfe_process_print(struct sfe_slice text);
void sfe_process_print_error(struct sfe_slice text);

/* True where standard output is a terminal. */
bool sfe_process_is_terminal(void);

#endif
