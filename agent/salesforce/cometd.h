/* Subscribes to channels of one org: the Streaming API, CometD by long polling (API sheet of
 * events, section 2). One session for all channels of a connection, one exchange at a time.
 *
 * An answer that was lost may have held events, and the org takes them for delivered: after any
 * exchange that did not end well the session is given up, and a new one subscribes from the last
 * place that was taken. What an answer holds is handed over whole, and the next one is not asked
 * for before that is taken (event/feed.h): so memory is one answer, and an org that sends faster
 * than flash writes waits. Cloud thread, but for the feed.
 */
#ifndef SFE_SALESFORCE_COMETD_H
#define SFE_SALESFORCE_COMETD_H

#include "event/feed.h"
#include "salesforce/org.h"

struct sfe_arena;
struct sfe_cometd;

struct sfe_cometd_channel {
    const char *name;   /* "/event/DeviceCommand__e"; borrowed, as all pointers here. */
    bool from_earliest; /* Where there is no place that the org takes: from the oldest event that it
                           keeps on; otherwise from now on. */
};

struct sfe_cometd_options {
    const char *connection;
    struct sfe_org *org;
    const struct sfe_cometd_channel *channels; /* Copied. */
    uint32_t channel_count;
    uint32_t answer_bytes_max;   /* Of a longer answer its whole events are taken, and the rest is
                                    asked for anew. */
    const struct sfe_http *http; /* To wake the cloud thread. */
    const struct sfe_entropy *entropy;
    struct sfe_log *log;
    void (*on_change)(void *owner); /* The edge thread has something to look at. Cloud thread. */
    void *owner;
};

/* Opens it; nothing is asked for before the feed is started. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_cometd_open(const struct sfe_cometd_options *options,
                                           struct sfe_arena *arena, struct sfe_cometd **cometd,
                                           struct sfe_feed *feed, struct sfe_error *err);

/* What it takes from the arena. Pure. */
size_t sfe_cometd_memory_bytes(uint32_t channel_count, uint32_t answer_bytes_max);

/* Does what is due; returns the next turn (UINT64_MAX: woken by an answer, or by the feed). */
uint64_t sfe_cometd_turn(struct sfe_cometd *cometd, uint64_t now_ns);

/* True once it has stopped and said goodbye, which frees the org's place for another client. */
bool sfe_cometd_is_quiet(const struct sfe_cometd *cometd);

/* Ends an exchange that is under way. NULL is allowed. Nobody else runs. */
void sfe_cometd_close(struct sfe_cometd *cometd);

#endif
