/* JSON pointers (RFC 6901) taken apart once, when the configuration is read, so that a look-up only
 * compares. */
#ifndef SFE_FLOW_POINTER_H
#define SFE_FLOW_POINTER_H

#include "base/error.h"
#include "base/json_reader.h"

struct sfe_arena;

#define FLOW_POINTER_NO_INDEX UINT32_MAX

struct flow_pointer_segment {
    struct sfe_slice key; /* Unescaped. */
    uint32_t index;       /* The key as a place in an array, or FLOW_POINTER_NO_INDEX. */
};

struct flow_pointer {
    struct sfe_slice text; /* As written, for messages. */
    const struct flow_pointer_segment *segments;
    uint32_t count;
};

/* Compiles `text`: empty or beginning with '/'. Everything is copied into the arena. Errors:
 * SFE_E_CONFIG, SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code flow_pointer_compile(struct sfe_slice text, struct sfe_arena *arena,
                                                struct flow_pointer *pointer,
                                                struct sfe_error *err);

/* The token the pointer leads to from token `from`, or SFE_JSON_NONE. Of a key that stands twice
 * the last one counts. */
uint32_t flow_pointer_find(const struct flow_pointer *pointer, const struct sfe_json *json,
                           uint32_t from);

/* Copies `text` into the arena. NULL bytes and `err` filled when it does not fit; an empty text is
 * not NULL. */
struct sfe_slice flow_copy(struct sfe_slice text, struct sfe_arena *arena, struct sfe_error *err);

#endif
