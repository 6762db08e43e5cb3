/* One compilation under way, for its files. Main thread. */
#ifndef SFE_COMPILE_PARTS_H
#define SFE_COMPILE_PARTS_H

#include "compile/compile.h"

struct compiler {
    const struct sfe_config *config;
    struct sfe_arena *arena;
    sfe_config_report report;
    void *reader;
    uint32_t mistakes;
};

/* Reports *err as a mistake at `place`. */
void compile_report(struct compiler *compiler, const struct sfe_config_place *place,
                    struct sfe_error *err);

/* Reads the connection's secrets and looks at its certificates; what is wrong is reported.
 * SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code compile_connection(struct compiler *compiler,
                                              const struct sfe_config_connection *connection,
                                              struct sfe_compiled_connection *compiled,
                                              struct sfe_error *err);

/* The same of an input. */
SFE_MUST_USE enum sfe_code compile_input(struct compiler *compiler,
                                         const struct sfe_config_input *input,
                                         struct sfe_compiled_input *compiled,
                                         struct sfe_error *err);

/* Reads what an identity shows, all lines as one text; what is wrong is reported. */
SFE_MUST_USE enum sfe_code compile_identity_secret(struct compiler *compiler,
                                                   const struct sfe_config_identity *identity,
                                                   struct sfe_slice *text, struct sfe_error *err);

/* Reads the secrets of all identities, and compiles what they may send. */
SFE_MUST_USE enum sfe_code compile_identities(struct compiler *compiler,
                                              struct sfe_compiled *compiled, struct sfe_error *err);

/* As compile_where; what is compared with may be a template of the sender. */
SFE_MUST_USE enum sfe_code compile_admission(struct compiler *compiler,
                                             const struct sfe_config_condition *conditions,
                                             uint32_t count, struct sfe_where **where,
                                             struct sfe_error *err);

/* Conditions that are wrong are reported, and *where stays NULL; as it does without any. */
SFE_MUST_USE enum sfe_code compile_where(struct compiler *compiler,
                                         const struct sfe_config_condition *conditions,
                                         uint32_t count, struct sfe_where **where,
                                         struct sfe_error *err);

/* A field as the map has it, with its zone, its table, its conditions and its cases; what is wrong
 * is reported. What its tables hold is mixed into *tables. */
SFE_MUST_USE enum sfe_code compile_field(struct compiler *compiler,
                                         const struct sfe_config_field *configured,
                                         struct sfe_map_field *field, uint64_t *tables,
                                         struct sfe_error *err);

/* Checks the program of an output of type jq, in its worker. In builds with SFE_JQ. */
SFE_MUST_USE enum sfe_code compile_jq(struct compiler *compiler,
                                      const struct sfe_config_output *output,
                                      struct sfe_error *err);

/* A record's map; one that is wrong is reported, and *map stays NULL. *tables takes up what the
 * tables in it hold. */
SFE_MUST_USE enum sfe_code compile_record(struct compiler *compiler,
                                          const struct sfe_config_record *record,
                                          struct sfe_map **map, uint64_t *tables,
                                          struct sfe_error *err);

/* Compiles what an input of type mqtt-ask answers from. */
SFE_MUST_USE enum sfe_code compile_ask(struct compiler *compiler, const struct sfe_config_ask *ask,
                                       struct sfe_compiled_ask *compiled, struct sfe_error *err);

/* Compiles what an output of type http is made of. */
SFE_MUST_USE enum sfe_code compile_http_output(struct compiler *compiler,
                                               const struct sfe_config_output *output,
                                               struct sfe_compiled_output *compiled,
                                               struct sfe_error *err);

/* Reads an output's secrets and looks at its certificates. */
SFE_MUST_USE enum sfe_code compile_output_secrets(struct compiler *compiler,
                                                  const struct sfe_config_output *output,
                                                  struct sfe_compiled_output *compiled,
                                                  struct sfe_error *err);

/* Compiles a template. One that is left out (NULL) stays NULL, as does one that is wrong, which is
 * reported at `place`. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code compile_text(struct compiler *compiler, const char *text,
                                        const struct sfe_config_place *place,
                                        struct sfe_template **compiled, struct sfe_error *err);

/* The rule of a zone that is written by its name or as a rule; NULL: none. SFE_E_CONFIG;
 * SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code compile_zone(struct compiler *compiler, const char *written,
                                        const char **zone, struct sfe_error *err);

/* The table in a file; NULL: none. SFE_E_CONFIG; SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code compile_lookup(struct compiler *compiler, const char *path,
                                          const struct sfe_lookup_table **lookup,
                                          struct sfe_error *err);

/* Reads the keys of all streams into `compiled`, one for each; what is wrong is reported. */
void compile_stream_keys(struct compiler *compiler, struct sfe_compiled_stream *compiled);

#endif
