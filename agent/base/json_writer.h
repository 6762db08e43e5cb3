/* Writes JSON into a builder. Overflow is the builder's, sticky. Any thread, unshared. */
#ifndef SFE_BASE_JSON_WRITER_H
#define SFE_BASE_JSON_WRITER_H

#include "base/bytes.h"

/* Adds `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void sfe_json_add_string(struct sfe_builder *builder, struct sfe_slice text);

/* Adds `text` escaped as inside a JSON string, without quotes. */
void sfe_json_add_escaped(struct sfe_builder *builder, struct sfe_slice text);

/* Nesting and commas are kept here, so that documents read top-down in the code that writes them.
 */
struct sfe_json_writer {
    struct sfe_builder *out; /* Borrowed. */
    uint64_t has_member;     /* One bit a level: a comma is due. */
    uint32_t depth;
};

static inline struct sfe_json_writer sfe_json_writer_make(struct sfe_builder *out)
{
    return (struct sfe_json_writer){out, 0, 0};
}

/* Opens and closes an object or array. `name` is the member's name, or NULL inside an array or at
 * the root. At most 64 levels. */
void sfe_json_begin_object(struct sfe_json_writer *writer, const char *name);
void sfe_json_end_object(struct sfe_json_writer *writer);
void sfe_json_begin_array(struct sfe_json_writer *writer, const char *name);
void sfe_json_end_array(struct sfe_json_writer *writer);

/* Adds one value; `name` as above. */
void sfe_json_put_text(struct sfe_json_writer *writer, const char *name, struct sfe_slice text);
void sfe_json_put_u64(struct sfe_json_writer *writer, const char *name, uint64_t value);
void sfe_json_put_i64(struct sfe_json_writer *writer, const char *name, int64_t value);
void sfe_json_put_bool(struct sfe_json_writer *writer, const char *name, bool value);
void sfe_json_put_null(struct sfe_json_writer *writer, const char *name);
/* `json` is taken as it stands: it must be a whole JSON value. */
void sfe_json_put_raw(struct sfe_json_writer *writer, const char *name, struct sfe_slice json);

#endif
