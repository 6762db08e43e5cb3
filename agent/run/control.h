/* The local socket on which `sfedge status` asks: each connection gets one JSON document. Edge
 * thread. */
#ifndef SFE_RUN_CONTROL_H
#define SFE_RUN_CONTROL_H

#include "base/bytes.h"
#include "port/poller.h"

struct sfe_arena;
struct sfe_control;

#define SFE_CONTROL_SOCKET    "status.sock" /* In the state directory. */
#define SFE_CONTROL_BYTES_MAX (128u * 1024u)

/* What it takes from the arena. */
size_t sfe_control_memory_bytes(void);

/* Listens on `path`; `add_document(owner, out)` writes what a client gets. Memory from `arena`. */
SFE_MUST_USE enum sfe_code
sfe_control_open(struct sfe_poller *poller, const char *path,
                 void (*add_document)(void *owner, struct sfe_builder *out), void *owner,
                 struct sfe_arena *arena, struct sfe_control **control, struct sfe_error *err);

/* Ends the listening and the conversation under way. NULL is allowed. */
void sfe_control_close(struct sfe_control *control);

/* The client's side: reads the whole document of the agent at `path` into `document`, waiting at
 * most until monotonic time `until_ns`. SFE_E_NOT_FOUND: no agent is running there. Uses `poller`
 * alone. */
SFE_MUST_USE enum sfe_code sfe_control_ask(struct sfe_poller *poller, const char *path,
                                           uint64_t until_ns, struct sfe_builder *document,
                                           struct sfe_error *err);

#endif
