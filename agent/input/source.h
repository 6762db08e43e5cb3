/* What an input is: something on the edge thread that offers events to the intake and answers its
 * sender when they are durable. */
#ifndef SFE_INPUT_SOURCE_H
#define SFE_INPUT_SOURCE_H

#include "base/error.h"
#include "event/feed.h"

#include <stdbool.h>
#include <stdint.h>

/* What a source of files says of itself besides. Names are borrowed until its next turn. */
struct sfe_source_files {
    const char *current;  /* The file at hand; NULL: none. */
    uint64_t line;        /* In it. */
    uint64_t waiting;     /* Files that match, by the last look, without the one at hand. */
    uint64_t done;        /* Since open, as the next two. */
    uint64_t failed;      /* Files that are none of their format. */
    uint64_t refused;     /* Rows that went to the dead letters. */
    uint64_t grown_after; /* Files that were still written to when they had been taken. */
};

/* What a source that answers questions says of itself besides; counts since open. */
struct sfe_source_ask {
    const char *input;  /* Name. */
    uint64_t questions; /* All that came. */
    uint64_t under_way; /* Now. */
    uint64_t answered;  /* With status ok, as the next ones with theirs (ask/ask.h). */
    uint64_t not_found;
    uint64_t bad_question;
    uint64_t busy;
    uint64_t budget;
    uint64_t unavailable;
    uint64_t timeout;
    uint64_t failed;
    uint64_t refused; /* Without a word. */
    uint64_t lost;    /* Answers that could not be published in time. */
};

/* What a source says of one that it knows as a sender. */
struct sfe_source_identity {
    const char *name;
    uint64_t accepted; /* Events that are on flash. Since open, as the next one. */
    uint64_t refused;  /* Requests outside its scopes, or that the input does not admit. */
};

/* State of a source's link, for `status`. */
struct sfe_source_facts {
    const char *connection;  /* Name. */
    bool is_connected;       /* Connected and subscribed. */
    bool is_blocked;         /* Holds a message back because a stream is full. */
    uint64_t received;       /* Messages taken from the wire since open. */
    uint64_t acknowledged;   /* PUBACK sent. */
    uint64_t unacknowledged; /* Taken and waiting for flash. */
    uint64_t reconnects;
    struct sfe_error last_error;                  /* code SFE_OK: none yet. */
    const struct sfe_source_identity *identities; /* Borrowed until its next turn. */
    uint32_t identity_count;                      /* 0: it knows none apart. */
    uint64_t unknown_senders;                     /* Requests of nobody that it knows. */
    bool has_runs;
    struct sfe_feed_runs runs; /* Where has_runs. */
    bool has_files;
    struct sfe_source_files files; /* Where has_files. */
    bool has_ask;
    struct sfe_source_ask ask; /* Where has_ask. */
};

struct sfe_source {
    void *context;
    /* Does what is due, never waits; returns the monotonic time of its next turn (UINT64_MAX: only
     * when woken). Called also after each rise of a durable sequence. Edge thread. */
    uint64_t (*turn)(void *context, uint64_t now_ns);
    /* Stops taking; what is taken is still acknowledged by later turns. Edge thread. */
    void (*stop)(void *context);
    /* True when nothing taken is left unacknowledged. Edge thread. */
    bool (*is_quiet)(void *context);
    /* Edge thread. */
    void (*facts)(void *context, struct sfe_source_facts *facts);
    /* Says goodbye to the other side and releases. Edge thread, after the last turn. */
    void (*close)(void *context);
    /* Writes and syncs what edge has asked for. NULL: the source keeps nothing. Flash thread. */
    void (*keep)(void *context);
};

#endif
