/* What the files of the JSON reader share. Pure; any thread. */
#ifndef SFE_BASE_JSON_TEXT_H
#define SFE_BASE_JSON_TEXT_H

#include "base/json_reader.h"

/* How the bytes of a text stand for characters. */
enum json_escaping {
    JSON_PLAIN,  /* As they are. */
    JSON_STRING, /* RFC 8259 section 7. */
    JSON_POINTER /* RFC 6901 section 3: ~0 and ~1. */
};

/* A text together with how it is escaped. */
struct json_text {
    struct sfe_slice raw;
    enum json_escaping escaping;
};

/* String token `index` as it stands. */
static inline struct json_text json_text_of(const struct sfe_json *json, uint32_t index)
{
    return (struct json_text){sfe_json_raw(json, index),
                              json->tokens[index].escaped != 0 ? JSON_STRING : JSON_PLAIN};
}

/* True where both stand for the same characters, of which at least one is escaped. */
bool json_text_equal_unescaped(struct json_text a, struct json_text b);

/* True where both stand for the same characters. */
static inline bool json_text_equal(struct json_text a, struct json_text b)
{
    if (a.escaping == JSON_PLAIN && b.escaping == JSON_PLAIN) {
        return sfe_slice_equal(a.raw, b.raw);
    }
    return json_text_equal_unescaped(a, b);
}

/* Size of the UTF-8 byte order mark at the front of `text`: 3 or 0. */
static inline size_t json_mark_size(struct sfe_slice text)
{
    return text.size >= 3 && memcmp(text.bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

#endif
