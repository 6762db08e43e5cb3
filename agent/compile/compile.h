/* Makes what a configuration means: maps and templates compiled, secrets read. `check` and `run`
 * share it, so that what `check` accepts, `run` starts. Main thread.
 */
#ifndef SFE_COMPILE_COMPILE_H
#define SFE_COMPILE_COMPILE_H

#include "config/config.h"
#include "flow/map.h"
#include "flow/shape.h"
#include "flow/soql.h"
#include "flow/where.h"
#include "port/crypto.h"
#include "port/tls.h"

struct sfe_arena;

/* Of an output of type mqtt; what is left out is NULL. */
struct sfe_compiled_message {
    struct sfe_template *topic;
    struct sfe_template *payload;
    struct sfe_where *empty_when;
    struct sfe_template *content_type, *response_topic, *correlation;
    struct sfe_map *properties;
};

struct sfe_compiled_output {
    struct sfe_map *maps[SFE_RECORDS_PER_OUTPUT_MAX];
    struct sfe_template *order_by;                    /* NULL: the first record's external ID. */
    struct sfe_where *where;                          /* NULL: every event. */
    struct sfe_template *waits_key, *waits_their_key; /* NULL: nothing waits. */
    struct sfe_where *waits_where;                    /* NULL: every event is a confirmation. */
    uint64_t tables;                                  /* Of what its lookup tables hold. */
    /* Of type http. */
    struct sfe_template *path;      /* What follows the host. */
    struct sfe_template *body_text; /* NULL: the body is no plain text. */
    struct sfe_shape *body;         /* NULL: it is no JSON of our making. */
    struct sfe_shape *headers;      /* NULL: none. */
    struct sfe_slice secret;        /* Of `auth`. As those of connections. */
    struct sfe_slice tls_key;
    struct sfe_slice proxy_password; /* A NUL stands behind it. */
    char *no_proxy;
    struct sfe_compiled_message message;
};

struct sfe_compiled_connection {
    struct sfe_slice secret; /* MQTT password, private key (PEM) or client secret; empty: none. In
                                the arena, as all of these; wiped by sfe_compiled_wipe. */
    struct sfe_slice refresh_tokens; /* A line each. */
    struct sfe_slice tls_key;        /* Private key of our own certificate (PEM). */
    struct sfe_slice proxy_password; /* A NUL stands behind it. */
    char *no_proxy;                  /* The list, joined by commas; NULL: none. No secret. */
};

/* Of an input of type mqtt-ask; what is left out is NULL. */
struct sfe_compiled_ask {
    const struct sfe_lookup_table *table;
    struct sfe_template *key;
    struct sfe_soql *query;
    struct sfe_map *map;
    uint64_t tables; /* Of what `table` and the tables of the map hold. */
};

struct sfe_compiled_input {
    struct sfe_slice secret; /* Bearer token or signing key of an http input; empty: none. As
                                above. */
    struct sfe_where *admit; /* Of the edge thread; NULL: every event. */
    struct sfe_tls_server_options tls; /* Its certificate, its key and its senders' authorities, as
                                          they were when this was compiled. `cert` empty: none. */
    struct sfe_compiled_ask ask;
};

struct sfe_compiled_identity {
    struct sfe_slice text; /* All that was read, wiped by sfe_compiled_wipe; empty: no secret. */
    struct sfe_slice secrets[SFE_IDENTITY_SECRETS_MAX]; /* Its lines; an empty one is none. */
    struct sfe_where *where;                            /* Of the edge thread; NULL: every event. */
};

struct sfe_compiled_stream {
    uint8_t keys[1u + SFE_OLD_KEYS_MAX][SFE_AEAD_KEY_BYTES]; /* The present one first, if any; wiped
                                                                by sfe_compiled_wipe. */
    uint32_t key_count;
    struct sfe_template *thin_key; /* NULL: it is not thinned. */
};

/* The bounds of an output of type jq, for its worker. In builds with SFE_JQ. */
struct sfe_jq_options;
struct sfe_jq_options sfe_compile_jq_options(const struct sfe_config *config,
                                             const struct sfe_config_output *output);

struct sfe_compiled {
    const struct sfe_config *config;
    struct sfe_compiled_output *outputs;         /* One for each of config->outputs. */
    struct sfe_compiled_connection *connections; /* One for each of config->connections. */
    struct sfe_compiled_input *inputs;           /* One for each of config->inputs. */
    struct sfe_compiled_stream *streams;         /* One for each of config->streams. */
    struct sfe_compiled_identity *identities;    /* One for each of config->identities. */
    /* Set before sfe_compile: secrets are left alone, for who will not connect to anybody. */
    bool without_secrets;
};

/* Reads the keys of the streams alone, for who has nothing to do with connections and outputs.
 * Reports as sfe_compile does. */
SFE_MUST_USE enum sfe_code sfe_compile_keys(const struct sfe_config *config,
                                            struct sfe_arena *arena, sfe_config_report report,
                                            void *reader, struct sfe_compiled *compiled,
                                            struct sfe_error *err);

/* Opens the keys of a stream; `*count` of them are open, after a failure as well. */
SFE_MUST_USE enum sfe_code sfe_compiled_open_keys(const struct sfe_compiled_stream *compiled,
                                                  const struct sfe_crypto *crypto,
                                                  struct sfe_aead_key *keys[1u + SFE_OLD_KEYS_MAX],
                                                  uint32_t *count, struct sfe_error *err);

/* Compiles `config`. Reports every mistake, with its place in the file, and then fails with
 * SFE_E_CONFIG. */
SFE_MUST_USE enum sfe_code sfe_compile(const struct sfe_config *config, struct sfe_arena *arena,
                                       sfe_config_report report, void *reader,
                                       struct sfe_compiled *compiled, struct sfe_error *err);

/* A record of the configuration as the map's options; the fields are in the arena, all else is the
 * configuration's. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_compile_map_options(const struct sfe_config *config,
                                                   const struct sfe_config_record *record,
                                                   struct sfe_arena *arena,
                                                   struct sfe_map_options *options,
                                                   struct sfe_error *err);

/* What TLS to the brokers of a connection reads. */
struct sfe_tls_options sfe_compile_tls_files(const struct sfe_config_mqtt *mqtt);

/* Overwrites the keys of the streams, once these are open. */
void sfe_compiled_wipe_keys(struct sfe_compiled *compiled);

/* Are the identities of both the same, down to their secrets? */
bool sfe_compiled_same_identities(const struct sfe_compiled *a, const struct sfe_compiled *b);

/* Overwrites the secrets. */
void sfe_compiled_wipe(struct sfe_compiled *compiled);

#endif
