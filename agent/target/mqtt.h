/* The target that publishes: each event is one MQTT message, settled by its PUBACK.
 *
 * One message a slot, so that each is settled by itself; messages of one order key (the topic,
 * unless `order_by` says otherwise) go one after the other. What is under way when the connection
 * ends is published again: a subscriber knows it by its user property "event-id". Cloud thread.
 *
 * Reason codes and user properties: MQTT 5 (OASIS standard), sections 3.4.2.1 and 3.3.2.3.
 */
#ifndef SFE_OUTPUT_MQTT_H
#define SFE_OUTPUT_MQTT_H

#include "flow/map.h"
#include "target/mqtt_link.h"
#include "output/target.h"
#include "port/clock.h"

struct sfe_mqtt_output_options {
    struct sfe_mqtt_link *link; /* Borrowed, as all pointers here. */
    const struct sfe_template *topic;
    const struct sfe_template *payload; /* NULL: `map`, or else the event's payload as it is. */
    const struct sfe_map *map;          /* A JSON object; NULL: none. */
    struct sfe_where *empty_when;       /* Which events have no payload; NULL: none for that. */
    /* MQTT 5 alone; NULL: none. */
    const struct sfe_template *content_type;
    const struct sfe_template *response_topic;
    const struct sfe_template *correlation;
    const struct sfe_map *properties;
    bool has_event_id;                   /* A user property "event-id" with the event's identity. */
    bool is_5;                           /* The broker speaks MQTT 5. */
    uint64_t expiry_ns;                  /* From the event's time on; 0: never. */
    const struct sfe_template *order_by; /* NULL: the topic. */
    struct sfe_where *where;             /* NULL: every event. */
    uint8_t qos;
    bool is_retained;
    uint32_t slot_count; /* Messages in flight. */
    uint32_t event_bytes_max;
    const struct sfe_clock *clock;
};

/* What it takes from the arena. Pure. */
size_t sfe_mqtt_output_memory_bytes(const struct sfe_mqtt_output_options *options);

/* The largest payload of a message, and what all in flight together may have at most. Pure. */
size_t sfe_mqtt_output_payload_bytes_max(uint32_t event_bytes_max);
size_t sfe_mqtt_output_flight_bytes_max(uint32_t event_bytes_max);

/* Fills in `target`. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_mqtt_output_open(const struct sfe_mqtt_output_options *options,
                                                struct sfe_arena *arena, struct sfe_target *target,
                                                struct sfe_error *err);

/* SFE_E_CONFIG where what is written in a topic itself can never be published. */
SFE_MUST_USE enum sfe_code sfe_mqtt_output_check_topic(const struct sfe_template *topic,
                                                       struct sfe_error *err);

#endif
