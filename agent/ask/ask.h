/* Ask and wait: a message of MQTT 5 that names a response topic is a question, answered there with
 * its correlation data (OASIS MQTT 5, section 4.10), from a table or by a query of the org.
 *
 * A question is no event: nothing of it is kept on flash, and none outlives its connection or its
 * time limit. Within that it is answered, if only with why not: the user property `status` says
 *   ok           the answer is the payload
 *   not_found    the table has no such entry, or the org no such record
 *   bad_question a value is missing in it, or may not stand in a query
 *   busy         as many questions as may be are under way, or they come too fast
 *   budget       the org's API calls for this agent are used up
 *   unavailable  the org cannot be reached, or does not let us in
 *   timeout      the org has not answered in time
 *   failed       the org refuses the query, or its answer fits neither the map nor the limit
 * and a payload {"error":"busy"} the same. What cannot be answered safely is refused without a
 * word, and counted: no response topic, one outside the prefix that the operator allows, one with
 * wildcards, `$` in front or bytes that are not text, too long correlation data, and a retained
 * message. The PUBACK of a question follows the one of its answer.
 *
 * The edge thread takes questions, looks up, and publishes; the cloud thread asks the org. Each
 * question under way has a slot; a few slots more are kept for saying no. Messages are the MQTT
 * input's (input/mqtt.h), by whose connection answers are published too.
 */
#ifndef SFE_ASK_ASK_H
#define SFE_ASK_ASK_H

#include "base/log.h"
#include "flow/map.h"
#include "input/mqtt.h"
#include "port/clock.h"
#include "port/http.h"
#include "salesforce/org.h"

struct sfe_arena;
struct sfe_ask;
struct sfe_lookup_table;
struct sfe_soql;

/* Slots beside those of questions under way. */
#define SFE_ASK_SPARE_SLOTS 8u
/* Messages that the broker may send before the first is acknowledged. They are acknowledged in
 * order, so that one slow answer holds up so many at most. */
#define SFE_ASK_RECEIVE_MAXIMUM 256u

struct sfe_ask_options {
    const char *input; /* Its name. Borrowed, as all pointers here. */
    const char *agent_id;
    const char *prefix; /* Answers go to topics that begin so. */
    uint64_t within_ns;
    uint32_t in_flight;
    uint32_t rate; /* Questions a second; 0: any number. */
    uint32_t question_bytes_max;
    uint32_t answer_bytes_max; /* Of what the org answers, and of the payload made of it. */
    uint8_t qos;               /* Of answers. */
    /* A table and the key, or a query and its org. */
    const struct sfe_lookup_table *table;
    const struct sfe_template *key;
    const struct sfe_soql *query;
    struct sfe_org *org;
    enum sfe_org_need need;
    const struct sfe_map *map; /* The payload as a JSON object; NULL: what was found, as it is. */
    const struct sfe_mqtt *mqtt;
    const struct sfe_http *http; /* To wake the cloud thread. */
    const struct sfe_clock *clock;
    struct sfe_log *log;
    void (*wake_edge)(void *owner); /* Any thread. */
    void *owner;
};

/* What an ask with these sizes takes from the arena, with a query or a table, and without its
 * connection. Pure. */
size_t sfe_ask_memory_bytes(const struct sfe_ask_options *options, bool has_query);

/* Messages that are published at once at most. Pure. */
static inline uint32_t sfe_ask_messages_max(uint32_t in_flight)
{
    return in_flight + SFE_ASK_SPARE_SLOTS;
}

/* Opens it. `taker` and `user` are for the options of its connection, to be borrowed from there.
 * SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_ask_open(const struct sfe_ask_options *options,
                                        struct sfe_arena *arena, struct sfe_ask **ask,
                                        struct sfe_error *err);
const struct sfe_mqtt_taker *sfe_ask_taker(const struct sfe_ask *ask);
const struct sfe_mqtt_user *sfe_ask_user(const struct sfe_ask *ask);

/* Makes one source of the connection and the ask: `link` is copied, and closed with it. */
void sfe_ask_make_source(struct sfe_ask *ask, const struct sfe_source *link,
                         struct sfe_source *source);

/* Asks the org what is to be asked; returns the next turn. Cloud thread, as the next. */
uint64_t sfe_ask_cloud_turn(struct sfe_ask *ask, uint64_t now_ns);

/* True while no request to the org is under way. */
bool sfe_ask_is_quiet(struct sfe_ask *ask);

/* NULL is allowed. Nobody else runs. */
void sfe_ask_close(struct sfe_ask *ask);

#endif
