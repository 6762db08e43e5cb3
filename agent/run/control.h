/* The local socket of a running agent: a client sends one line, "status" or "reload", and gets one
 * JSON document. Who sends nothing gets the status. Edge thread.
 */
#ifndef SFE_RUN_CONTROL_H
#define SFE_RUN_CONTROL_H

#include "base/bytes.h"
#include "port/poller.h"

struct sfe_arena;
struct sfe_control;

#define SFE_CONTROL_SOCKET    "status.sock" /* In the state directory. */
#define SFE_CONTROL_BYTES_MAX (128u * 1024u)

/* Who answers. */
struct sfe_control_owner {
    void *context;
    /* Writes the status. */
    void (*add_status)(void *context, struct sfe_builder *out);
    /* Begins a reload; sfe_control_answer follows, now or later. */
    void (*begin_reload)(void *context);
};

/* What it takes from the arena. */
size_t sfe_control_memory_bytes(void);

/* Listens on `path`. Memory from `arena`. */
SFE_MUST_USE enum sfe_code sfe_control_open(struct sfe_poller *poller, const char *path,
                                            const struct sfe_control_owner *owner,
                                            struct sfe_arena *arena, struct sfe_control **control,
                                            struct sfe_error *err);

/* Answers who has been silent for a second; returns when to look again. */
uint64_t sfe_control_turn(struct sfe_control *control, uint64_t now_ns);

/* Sends `document` to the client that asked for a reload, if it is still there. Borrowed until the
 * next answer. */
void sfe_control_answer(struct sfe_control *control, struct sfe_slice document);

/* Ends the listening and the conversations under way. NULL is allowed. */
void sfe_control_close(struct sfe_control *control);

/* The client's side: reads the whole status of the agent at `path` into `document`, waiting at
 * most until monotonic time `until_ns`. SFE_E_NOT_FOUND: no agent is running there. Uses `poller`
 * alone. */
SFE_MUST_USE enum sfe_code sfe_control_ask(struct sfe_poller *poller, const char *path,
                                           uint64_t until_ns, struct sfe_builder *document,
                                           struct sfe_error *err);

/* The same with another request than "status". */
SFE_MUST_USE enum sfe_code sfe_control_request(struct sfe_poller *poller, const char *path,
                                               const char *request, uint64_t until_ns,
                                               struct sfe_builder *document, struct sfe_error *err);

#endif
