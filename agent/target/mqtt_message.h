/* Makes the message of one event, in memory that holds one at a time. Cloud thread. */
#ifndef SFE_OUTPUT_MQTT_MESSAGE_H
#define SFE_OUTPUT_MQTT_MESSAGE_H

#include "target/mqtt.h"

#define MQTT_TOPIC_BYTES_MAX 1024u
/* Content type, response topic and correlation data together. */
#define MQTT_TEXTS_BYTES_MAX 4096u
/* User properties: as JSON, and as text. */
#define MQTT_PROPERTIES_BYTES_MAX 8192u
#define MQTT_PROPERTIES_MAX       17u /* 16 of the configuration, and the identity. */

struct mqtt_maker {
    const struct sfe_mqtt_output_options *options;
    struct sfe_json_token *tokens; /* SFE_JSON_TOKENS_MAX. */
    struct sfe_map_subject subject;
    struct sfe_builder topic; /* With room for a NUL behind it. */
    struct sfe_builder payload;
    struct sfe_builder texts;
    struct sfe_builder properties_json;
    struct sfe_builder properties_text;
    struct sfe_builder order;
    struct sfe_mqtt_property properties[MQTT_PROPERTIES_MAX];
    struct sfe_mqtt_message message; /* Of the memory above. */
    char identity[33];
};

size_t mqtt_maker_memory_bytes(const struct sfe_mqtt_output_options *options);

/* `options` must outlive the maker. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code mqtt_maker_open(const struct sfe_mqtt_output_options *options,
                                           struct sfe_arena *arena, struct mqtt_maker *maker,
                                           struct sfe_error *err);

/* Parses the event, which is borrowed until the next; judges `where`, makes the topic, and finds
 * the order key. As sfe_target's offer, but for lanes. */
SFE_MUST_USE enum sfe_code mqtt_maker_begin(struct mqtt_maker *maker, struct sfe_event *event,
                                            int64_t time_ns, uint64_t *order_key,
                                            struct sfe_error *err);

/* Makes the rest of the message. Errors as above. */
SFE_MUST_USE enum sfe_code mqtt_maker_finish(struct mqtt_maker *maker,
                                             const struct sfe_mqtt_limits *limits,
                                             struct sfe_error *err);

/* The bytes of its PUBLISH. Pure. */
uint64_t mqtt_message_packet_bytes(const struct sfe_mqtt_message *message, bool is_5);

#endif
