/* What a join is made of; shared by the files of this module only. */
#ifndef SFE_JOIN_JOIN_PARTS_H
#define SFE_JOIN_JOIN_PARTS_H

#include "join/decided.h"
#include "join/join.h"
#include "join/table.h"

/* A key is text; a longer one is none. */
#define JOIN_KEY_BYTES 1024u

/* Guarded by the mutex: the cloud thread writes, any thread reads. */
struct join_published {
    struct sfe_cursor cursors[SFE_JOIN_CURSORS];
    struct sfe_join_facts facts;
    uint64_t version; /* Of the cursors. */
    uint64_t taken;   /* The version that was taken for a snapshot, */
    uint64_t saved;   /* and that of a durable one. */
};

struct sfe_join {
    struct sfe_join_options options;
    struct sfe_output_wait wait;
    struct sfe_mutex *mutex;
    struct join_published published;

    struct join_table orders;        /* That wait. */
    struct join_table confirmations; /* That are kept. */
    struct sfe_cursor decided;       /* As it is to be published. */
    struct sfe_json_token *tokens;
    struct sfe_builder key;

    struct sfe_wait_view view;        /* Of the turn under way. */
    const struct sfe_wait_host *host; /* The same. */
    uint64_t next_sequence;           /* Of the confirmations: all below were read. */
    uint64_t order_before;            /* The last order that was read; 0: none. */
    uint64_t swept_ns;                /* When confirmations were last looked through, */
    uint64_t swept_base;              /* and what was settled then. */
    uint64_t round_end;               /* Those due are late once all below was read; 0: none is. */
    uint64_t noted_version;           /* The one with the newest note of a decided order. */
    uint64_t unusable;
    uint32_t early;    /* Confirmations without an order. */
    uint32_t deciding; /* Orders that are decided and not given up yet. */
    bool has_noted;    /* The decided orders are to be published. */
    bool is_noted_full;
    bool is_full;
};

/* Parses an event and finds its key. As sfe_where_judge; SFE_E_UNMAPPED where it has none. */
enum sfe_code join_find_key(struct sfe_join *join, struct sfe_event *event, struct sfe_where *where,
                            const struct sfe_template *key, struct sfe_hash128 *found,
                            struct sfe_error *err);

/* An item of an event that is at hand; the table must have room. */
struct join_item *join_add(const struct sfe_join *join, struct join_table *table,
                           const struct sfe_hash128 *key, const struct sfe_event *event);

/* Did the confirmation arrive within the order's time? */
bool join_is_in_time(const struct sfe_join *join, const struct join_item *order,
                     const struct join_item *confirmation);

/* How long until more than `within_ns` has gone by since the item arrived, by the clock, and by
 * this run alone; 0: it has. */
uint64_t join_left_ns(const struct sfe_join *join, const struct join_item *item);
uint64_t join_run_left_ns(const struct sfe_join *join, const struct join_item *item);

/* An order goes by a confirmation. */
void join_confirm(struct sfe_join *join, struct join_item *confirmation, uint64_t order);

/* Reads confirmations, lets orders go, and drops those that are of no more use; returns when to do
 * so again. */
uint64_t join_confirmations_turn(struct sfe_join *join);

/* Finds, notes and gives up late orders; returns when to do so again. */
uint64_t join_late_turn(struct sfe_join *join);

#endif
