/* The typed, immutable configuration: one JSON file, read through one table of keys.
 *
 * All text belongs to the arena given at load. Paths are absolute or made so from the folder of the
 * file that names them. Secrets are not read here: the configuration holds where they are. Main
 * thread.
 */
#ifndef SFE_CONFIG_CONFIG_H
#define SFE_CONFIG_CONFIG_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/time_format.h"
#include "config/config_input.h"
#include "config/config_salesforce.h"

#include <stdbool.h>

struct sfe_arena;

/* Where a value stands, so that who finds it wrong later can say so. */
struct sfe_config_place {
    const char *pointer; /* RFC 6901, into the file. */
    uint32_t line;
    uint32_t column;
    const char *file; /* The main file, or one of conf.d; NULL: the main file. */
};

struct sfe_config_agent {
    const char *id;               /* Names this gateway; default of MQTT client ids. */
    const char *state;            /* State directory. */
    enum sfe_log_level log_level; /* `log`: error warning info debug; default info. */
    uint32_t event_bytes_max;     /* `event_max`; default 256KiB. */
    uint64_t stop_timeout_ns;     /* `stop_timeout`; default 10s. */
};

struct sfe_config_watch {
    uint32_t trace; /* Answers kept for `sfedge trace`; default 1024, 0 to 16384. */
};

enum sfe_connection_type { SFE_CONNECTION_MQTT, SFE_CONNECTION_SALESFORCE };

/* One url: mqtt://host[:1883], mqtts://host[:8883]. */
struct sfe_config_broker {
    const char *host;
    uint16_t port;
    bool tls;
};

enum sfe_config_mqtt_version { SFE_CONFIG_MQTT_5, SFE_CONFIG_MQTT_3_1_1 };

struct sfe_config_will {
    const char *topic;   /* NULL: there is no will. A topic without wildcards. */
    const char *payload; /* NULL: empty. */
    uint8_t qos;         /* 0 or 1; default 1. */
    bool retain;         /* Default false. */
};

struct sfe_config_mqtt {
    const struct sfe_config_broker
        *brokers; /* From `url`, one or a list: the first is preferred. */
    uint32_t broker_count;
    const char *client_id;                /* Default: "sfedge-" and agent.id. */
    const char *username;                 /* NULL: none. */
    const char *password_file;            /* NULL: none. */
    const char *tls_ca_file;              /* `tls`.`ca_file`; NULL: the system's. */
    uint64_t keep_alive_ns;               /* `keep_alive`; default 30s, whole seconds, 5s to 18h. */
    uint64_t session_expiry_ns;           /* `session_expiry`; default 7d. */
    uint16_t receive_maximum;             /* `receive_maximum`; default 1000, 1 to 65535. */
    const char *tls_cert_file;            /* `tls`.`cert_file`; NULL: none. */
    const char *tls_key_file;             /* `tls`.`key_file`; NULL: none. */
    const char *tls_alpn;                 /* `tls`.`alpn`; NULL: none. */
    enum sfe_config_mqtt_version version; /* `version`; default "5". */
    struct sfe_config_will will;
    const char *password; /* "env:NAME" or "credential:NAME"; NULL: none. */
};

struct sfe_config_connection {
    const char *name;
    struct sfe_config_place place;
    enum sfe_connection_type type;
    bool plain; /* Unencrypted transport allowed beyond loopback. */
    struct sfe_config_mqtt mqtt;
    struct sfe_config_salesforce salesforce;
};

enum sfe_when_full { SFE_WHEN_FULL_BLOCK, SFE_WHEN_FULL_DROP_OLDEST, SFE_WHEN_FULL_DROP_NEWEST };

struct sfe_config_stream {
    const char *name; /* "dead" always exists, declared or not. */
    struct sfe_config_place place;
    uint64_t quota_bytes;         /* `quota`; default 64MiB; at least 4 segments. */
    enum sfe_when_full when_full; /* Default block. */
    uint64_t linger_ns;           /* Default 0; at most 10s. */
    uint32_t segment_bytes;       /* `segment`; default 1MiB; power of two, 64KiB to 16MiB. */
    bool encrypt;
    uint32_t priority;                        /* Default 0; higher goes first. */
    const char *encrypt_key_file;             /* 32 bytes, or 64 hexadecimal digits. NULL: none. */
    const char *const *encrypt_old_key_files; /* Keys that were used before. */
    uint32_t encrypt_old_key_count;           /* At most SFE_OLD_KEYS_MAX. */
};

struct sfe_config_input {
    const char *name;
    struct sfe_config_place place;
    enum sfe_input_type type;
    uint32_t connection;        /* Index into connections; UINT32_MAX: of type http. */
    const char *topic;          /* A topic filter (MQTT 5, section 4.7), or http's path. */
    uint8_t qos;                /* 0 or 1; default 1. */
    uint32_t stream;            /* Index into streams. */
    enum sfe_retained retained; /* `retained`: take (default) or ignore. */
    enum sfe_identity_rule identity_rule; /* `identity`: content (default) or arrival. */
    const char *const *mask;              /* Names of members to mask before flash. */
    uint32_t mask_count;
    bool card_guard; /* `card_guard`: looks for card numbers; default: where there is mask. */
    struct sfe_config_http http; /* `topic` is its path without the first slash. */
};

enum sfe_field_type {
    SFE_TYPE_AUTO, /* No `type`: a lone {/pointer} keeps its JSON type, all else is a string. */
    SFE_TYPE_STRING,
    SFE_TYPE_DOUBLE,
    SFE_TYPE_INT,
    SFE_TYPE_BOOLEAN,
    SFE_TYPE_DATE,
    SFE_TYPE_DATETIME
};

/* One entry of `map`: "Field__c": "template", or a number, true, false, null (constants), or
 * {"from": "template or pointer", "type": …, "unit": …, "default": …}. */
struct sfe_config_field {
    const char *name; /* "Value__c", "Parent__r.ExtId__c". */
    struct sfe_config_place place;
    const char *from;          /* The template; NULL with a constant. "/value" is as "{/value}". */
    const char *constant;      /* JSON text of a constant, or NULL. */
    const char *default_value; /* JSON text, or NULL: the event is unmapped without a value. */
    bool is_optional;          /* `optional`: true leaves the field out where there is no value. */
    enum sfe_field_type type;
    enum sfe_time_unit unit; /* `unit`: auto (default) s ms us ns rfc3339; for date and datetime. */
};

struct sfe_config_record {
    const char *object;
    struct sfe_config_place place;
    const char *external_id; /* Must be a field of `map`; NULL: a platform event. */
    const char *each;        /* JSON pointer to an array, or NULL. */
    const struct sfe_config_field *fields;
    uint32_t field_count;
};

/* clang-format off */
enum sfe_output_type {
    SFE_OUTPUT_SALESFORCE_RECORDS, SFE_OUTPUT_MQTT, SFE_OUTPUT_HTTP, SFE_OUTPUT_PLATFORM_EVENTS
};
enum sfe_output_api {
    SFE_API_AUTO, SFE_API_COLLECTIONS, SFE_API_COMPOSITE, SFE_API_GRAPH, SFE_API_BULK
};
/* clang-format on */

struct sfe_config_output {
    const char *name;
    struct sfe_config_place place;
    enum sfe_output_type type;
    uint32_t connection;
    const uint32_t *from; /* Indexes into streams. */
    uint32_t from_count;
    const struct sfe_config_record *records; /* Parents before children. */
    uint32_t record_count;
    struct sfe_config_record event; /* `event` and `map`: then the one of `records`. */
    const char *order_by; /* `order_by`: template; NULL: the first record's external id. */
    struct sfe_config_place order_by_place;
    uint64_t batch_age_ns, bulk_age_ns; /* How long an event may wait for company; 1s and 1m. */
    enum sfe_output_api api;            /* `api`; default auto. */
    bool all_or_none;            /* `all_or_none`; default false. Only with auto and graph. */
    uint32_t batch_records;      /* `batch_records`; default and most 200: of one Collections. */
    uint32_t requests_in_flight; /* `requests_in_flight`; default 4, 1 to 16. */
    bool past_share;             /* `past_share`; default false. */
    uint32_t bulk_from, bulk_records; /* The keys of these names; defaults 2000 and 10000. */
    int32_t on_done;                  /* Stream index or -1. */
};

struct sfe_config {
    const char *path;
    struct sfe_config_agent agent;
    struct sfe_config_watch watch;
    const struct sfe_config_connection *connections;
    uint32_t connection_count;
    const struct sfe_config_stream *streams; /* The last one is "dead" unless it was declared. */
    uint32_t stream_count;
    uint32_t dead_stream; /* Index of "dead". */
    const struct sfe_config_input *inputs;
    uint32_t input_count;
    const struct sfe_config_output *outputs;
    uint32_t output_count;
};

/* Called for each mistake, in the order of the file: where, pointer, line, column, message
 * ("unknown key \"qouta\"; did you mean \"quota\"? allowed: …"). */
typedef void (*sfe_config_report)(void *reader, const struct sfe_error *mistake);

/* Reads and checks `path`, and with it the files conf.d/NAME.json beside it, in the order of their
 * names, as one configuration; what is defined twice is a mistake. Reports every mistake and then
 * fails with SFE_E_CONFIG (*err: how many); a file that cannot be read or parsed is
 * SFE_E_NOT_FOUND, SFE_E_PERMISSION or SFE_E_CONFIG and is reported as well. Keys of the design
 * that this version does not carry out are mistakes too ("… is not available in this version"),
 * never ignored. */
SFE_MUST_USE enum sfe_code sfe_config_load(const char *path, struct sfe_arena *arena,
                                           sfe_config_report report, void *reader,
                                           const struct sfe_config **config, struct sfe_error *err);

/* Adds the configuration of `path` as one file that can be read back: what conf.d says is merged
 * in, defaults are filled in and marked by a comment, paths are absolute, secrets are where they
 * are, never what they are. For a configuration that loads; otherwise as sfe_config_load, told
 * nobody. */
SFE_MUST_USE enum sfe_code sfe_config_print(const char *path, struct sfe_arena *arena,
                                            struct sfe_builder *out, struct sfe_error *err);

#endif
