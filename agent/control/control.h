/* The local socket on which the commands ask a running agent: a question of one line, then a
 * document, or lines for as long as the client follows. Only processes of our own user get in.
 *
 * Nobody is waited for: a client that does not read is passed by, and put out in the end. Edge
 * thread.
 */
#ifndef SFE_CONTROL_CONTROL_H
#define SFE_CONTROL_CONTROL_H

#include "base/bytes.h"
#include "port/poller.h"

struct sfe_arena;
struct sfe_control;

#define SFE_CONTROL_SOCKET         "status.sock" /* In the state directory. */
#define SFE_CONTROL_BYTES_MAX      (128u * 1024u)
#define SFE_CONTROL_QUESTION_BYTES 1024u
/* At once; more wait in the listener's queue. */
#define SFE_CONTROL_CLIENTS 3u

/* How it goes on with a client whose question was answered. */
enum sfe_control_next {
    SFE_CONTROL_ENDS,    /* The document is all. */
    SFE_CONTROL_FOLLOWS, /* More follows; only one client does so at a time. */
    SFE_CONTROL_WAITS    /* sfe_control_answer brings the document, after this call. */
};

/* Who answers. */
struct sfe_control_service {
    void *owner;
    /* Adds the document that answers `question` (one line, without its end). */
    enum sfe_control_next (*answer)(void *owner, struct sfe_slice question,
                                    struct sfe_builder *out);
    /* Adds what there is for the client that follows; called when all before was sent. Nothing is
     * added once `out` is half full. */
    void (*go_on)(void *owner, struct sfe_builder *out);
    /* The client that followed has gone. */
    void (*gone)(void *owner);
};

/* What it takes from the arena. */
size_t sfe_control_memory_bytes(void);

/* Listens on `path`. Memory from `arena`; `service` is copied. */
SFE_MUST_USE enum sfe_code sfe_control_open(struct sfe_poller *poller, const char *path,
                                            const struct sfe_control_service *service,
                                            struct sfe_arena *arena, struct sfe_control **control,
                                            struct sfe_error *err);

/* Sends on to the client that follows, and puts out those that do not go on. Returns when to be
 * called again. */
uint64_t sfe_control_turn(struct sfe_control *control, uint64_t now_ns);

/* True when the question that is being answered may be followed: nobody follows, or who did has not
 * read for a while, and was put out. */
bool sfe_control_claim(struct sfe_control *control);

/* Sends `document` to each client that waits, if one still does. */
void sfe_control_answer(struct sfe_control *control, struct sfe_slice document);

/* True when a client waits. */
bool sfe_control_has_waiting(const struct sfe_control *control);

/* Ends the listening and the conversations under way. NULL is allowed. */
void sfe_control_close(struct sfe_control *control);

/* The client's side: reads the whole answer to `question` of the agent at `path` into `document`,
 * waiting at most until monotonic time `until_ns`. SFE_E_NOT_FOUND: no agent is running there. Uses
 * `poller` alone. */
SFE_MUST_USE enum sfe_code sfe_control_ask(struct sfe_poller *poller, const char *path,
                                           struct sfe_slice question, uint64_t until_ns,
                                           struct sfe_builder *document, struct sfe_error *err);

/* The same for a client that follows: `visit` gets each line, without its end, until it says false
 * (SFE_OK) or the agent ends (SFE_E_END). `line` holds one line. */
SFE_MUST_USE enum sfe_code sfe_control_follow(struct sfe_poller *poller, const char *path,
                                              struct sfe_slice question, struct sfe_builder *line,
                                              bool (*visit)(void *visitor, struct sfe_slice line),
                                              void *visitor, struct sfe_error *err);

#endif
