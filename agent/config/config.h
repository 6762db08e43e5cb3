/* The typed, immutable configuration: one JSON file, read through one table of keys. Main thread.
 *
 * All text belongs to the arena given at load. Paths are absolute or made so from the folder of the
 * file that names them. Secrets are not read here: the configuration holds where they are.
 */
#ifndef SFE_CONFIG_CONFIG_H
#define SFE_CONFIG_CONFIG_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/config_ask.h"
#include "config/config_input.h"
#include "config/config_salesforce.h"
#include "config/outputs.h"
#include "config/place.h"

#include <stdbool.h>

struct sfe_arena;

struct sfe_config_agent {
    const char *id;               /* Names this gateway; default of MQTT client ids. */
    const char *state;            /* State directory. */
    enum sfe_log_level log_level; /* `log`: error warning info debug; default info. */
    uint32_t event_bytes_max;     /* `event_max`; default 256KiB. */
    uint64_t stop_timeout_ns;     /* `stop_timeout`; default 10s. */
    uint64_t confirm_within_ns;   /* `confirm_within`; 0: nothing is gone back to. */
    uint64_t quota_bytes;         /* `quota`: of all streams together; 0: not bounded. */
    struct sfe_config_place quota_place;
    uint64_t flash_bytes;  /* `flash`.`size`; 0: not said. */
    uint64_t flash_cycles; /* `flash`.`cycles`. */
};

struct sfe_config_watch {
    uint32_t trace;     /* Answers kept for `sfedge trace`; default 512, 0 to 16384. */
    const char *listen; /* Where metrics and health are shown; NULL: nowhere. */
    bool plain;         /* `listen` may be beyond loopback. */
    const char *host;   /* Of `listen`, as the next. */
    uint16_t port;      /* Not 0 where there is a host. */
    uint64_t still_ns;  /* `still`: work that does not move for so long is told; default 5m. */
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

struct sfe_config_thin {
    uint32_t keep_every; /* Each n-th event of a key, before the stream drops; 0: every one. */
    uint32_t from_percent;
    const char *key; /* Template of topic and source. */
    struct sfe_config_place key_place;
};

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
    struct sfe_config_thin thin;              /* `thin`. */
};

struct sfe_config_input {
    const char *name;
    struct sfe_config_place place;
    enum sfe_input_type type;
    uint32_t connection;        /* Index into connections; UINT32_MAX: of no connection. */
    const char *topic;          /* A topic filter (MQTT 5, section 4.7), or http's path. */
    uint8_t qos;                /* 0 or 1; default 1. */
    uint32_t stream;            /* Index into streams. */
    enum sfe_retained retained; /* `retained`: take (default) or ignore. */
    enum sfe_identity_rule identity_rule; /* `identity`: content (default) or arrival. */
    const char *const *mask;              /* Names of members to mask before flash. */
    uint32_t mask_count;
    const struct sfe_config_condition *admit; /* As `where` of an output; a tree. */
    uint32_t admit_count;                     /* 0: every event. */
    bool card_guard; /* `card_guard`: looks for card numbers; default: where there is mask. */
    struct sfe_config_http http;           /* `topic` is its path without the first slash. */
    struct sfe_config_files files;         /* `topic` is "NAME/#". */
    enum sfe_stale_replay on_stale_replay; /* Of type salesforce-events; `topic` is its channel. */
    struct sfe_config_query query;         /* `topic` is "query/NAME". */
    struct sfe_config_ask ask;             /* Of type mqtt-ask, which has no stream. */
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
    const struct sfe_config_identity *identities;
    uint32_t identity_count;
    const struct sfe_config_output *outputs;
    uint32_t output_count;
};

/* Called for each mistake, in the order of the file: where, pointer, line, column, message. */
typedef void (*sfe_config_report)(void *reader, const struct sfe_error *mistake);

/* Reads and checks `path` and the files conf.d/NAME.json beside it, in the order of their names, as
 * one configuration; what is defined twice is a mistake, and so is a key that this version does not
 * carry out. Reports every mistake and then fails with SFE_E_CONFIG (*err: how many); a file that
 * cannot be read or parsed is SFE_E_NOT_FOUND, SFE_E_PERMISSION or SFE_E_CONFIG. */
SFE_MUST_USE enum sfe_code sfe_config_load(const char *path, struct sfe_arena *arena,
                                           sfe_config_report report, void *reader,
                                           const struct sfe_config **config, struct sfe_error *err);

/* The same of a text that sfe_config_print has made, known as `path`. */
SFE_MUST_USE enum sfe_code sfe_config_load_printed(const char *path, struct sfe_slice text,
                                                   struct sfe_arena *arena,
                                                   sfe_config_report report, void *reader,
                                                   const struct sfe_config **config,
                                                   struct sfe_error *err);

/* Adds the configuration of `path` as one file that can be read back: with conf.d, defaults marked
 * by a comment, paths absolute, of secrets where they are only. Fails as sfe_config_load. */
SFE_MUST_USE enum sfe_code sfe_config_print(const char *path, struct sfe_arena *arena,
                                            struct sfe_builder *out, struct sfe_error *err);

#endif
