/* A rehearsal: what one message would become, without sending anything or touching any state.
 *
 * The agent's own streams, intake and outputs are opened on a platform that is made up: flash in
 * memory, a clock that jumps to what is due next, and an org that takes every record. So the
 * message goes through the same code as a real one. Main thread.
 */
#ifndef SFE_RUN_REHEARSAL_H
#define SFE_RUN_REHEARSAL_H

#include "config/config.h"
#include "flow/explain.h"
#include "port/platform.h"
#include "compile/compile.h"

/* A message as a broker would deliver it. */
struct sfe_rehearsal_message {
    struct sfe_slice topic;
    struct sfe_slice payload;
    struct sfe_slice identity; /* User property "event-id"; empty: none. */
    bool is_retained;
};

/* Where the message went: into `stream`, as a dead letter where `reason` is not empty. */
struct sfe_rehearsal_route {
    const char *stream;
    struct sfe_slice input;  /* Empty: no input takes it. */
    struct sfe_slice reason; /* The letter's annotation, JSON. */
    struct sfe_slice id;     /* {id}, 32 hexadecimal digits. */
};

/* One step of the mapping; `step` NULL: the record as a whole (its order key, or why there is
 * none). */
struct sfe_rehearsal_step {
    const char *output;
    const char *object;
    uint32_t index; /* Of the record, from 0. */
    const struct sfe_config_field *configured;
    const struct sfe_map_step *step;
    const char *message;                    /* With `step` and `condition` NULL. */
    const struct sfe_where_step *condition; /* One of where, if or a case; NULL: none. */
    uint32_t case_number;                   /* Of the case that it is of, from 1; 0: of none. */
};

struct sfe_rehearsal_request {
    const char *method;
    const char *path; /* With its query; to a server that is no org the whole address. */
    struct sfe_slice body;
    bool is_json;
    const struct sfe_http_header *headers; /* To a server that is no org; secrets are hidden. */
    size_t header_count;
};

/* All texts live for the call. */
struct sfe_rehearsal_audience {
    void *reader;
    void (*on_route)(void *reader, const struct sfe_rehearsal_route *route);
    void (*on_step)(void *reader, const struct sfe_rehearsal_step *step); /* NULL: not wanted. */
    void (*on_request)(void *reader, const struct sfe_rehearsal_request *request);
};

struct sfe_rehearsal_options {
    const struct sfe_config *config;
    const struct sfe_compiled *compiled; /* Secrets are not used. */
    const struct sfe_platform *platform; /* Its clock and entropy are used. */
    struct sfe_arena *arena;
    struct sfe_slice answer; /* Of every server that is no org: the body. */
    struct sfe_rehearsal_audience audience;
};

/* An upper bound of what a rehearsal takes from the arena. */
size_t sfe_rehearsal_bytes_max(const struct sfe_config *config);

/* Rehearses `message`. SFE_OK: every output that reads it settled it, or it is no event.
 * SFE_E_UNMAPPED: at least one dead letter would be written (told by on_route). SFE_E_AGAIN (with
 * text): an output did not come to an end. Other errors: it could not be set up. */
SFE_MUST_USE enum sfe_code sfe_rehearse(const struct sfe_rehearsal_options *options,
                                        const struct sfe_rehearsal_message *message,
                                        struct sfe_error *err);

#endif
