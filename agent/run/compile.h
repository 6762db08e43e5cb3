/* Makes what a configuration means: maps and templates compiled, secrets read. `check` and `run`
 * share it, so that what `check` accepts, `run` starts. Main thread.
 */
#ifndef SFE_RUN_COMPILE_H
#define SFE_RUN_COMPILE_H

#include "config/config.h"
#include "flow/map.h"
#include "port/crypto.h"

struct sfe_arena;

struct sfe_compiled_output {
    struct sfe_map *maps[SFE_RECORDS_PER_OUTPUT_MAX];
    struct sfe_template *order_by; /* NULL: the first record's external ID. */
};

struct sfe_compiled_connection {
    struct sfe_slice secret; /* MQTT password or private key (PEM); empty: none. In the arena; wiped
                                by sfe_compiled_wipe. */
};

/* Keys of a stream; wiped by sfe_compiled_wipe. */
struct sfe_compiled_stream {
    uint8_t keys[1u + SFE_OLD_KEYS_MAX][SFE_AEAD_KEY_BYTES]; /* The present one first, if any. */
    uint32_t key_count;
};

struct sfe_compiled {
    const struct sfe_config *config;
    struct sfe_compiled_output *outputs;         /* One for each of config->outputs. */
    struct sfe_compiled_connection *connections; /* One for each of config->connections. */
    struct sfe_compiled_stream *streams;         /* One for each of config->streams. */
};

/* Compiles `config`. Reports every mistake, with its place in the file, and then fails with
 * SFE_E_CONFIG. */
SFE_MUST_USE enum sfe_code sfe_compile(const struct sfe_config *config, struct sfe_arena *arena,
                                       sfe_config_report report, void *reader,
                                       struct sfe_compiled *compiled, struct sfe_error *err);

/* Overwrites the secrets. */
void sfe_compiled_wipe(struct sfe_compiled *compiled);

#endif
