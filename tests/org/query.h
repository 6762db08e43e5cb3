/* A query's text and what it says; between query_read.c and query.c. */
#ifndef SFE_TESTS_ORG_QUERY_H
#define SFE_TESTS_ORG_QUERY_H

#include "org.h"

#define COLUMNS_MAX    64u
#define CONDITIONS_MAX 16u
#define LITERALS_MAX   256u
/* Of what is made for an answer: an Id, or a time. */
#define MADE_BYTES 32u

/* A field that each object has and nobody writes. */
struct own_field {
    const char *name;
    enum field_type type;
};

extern const struct own_field QUERY_IS_DELETED;
extern const struct own_field QUERY_SYSTEM_MODSTAMP;

struct column {
    const struct field *via; /* The reference that leads to the parent; NULL: of the row itself. */
    const struct field *field; /* NULL: Id, or one of those the org keeps by itself. */
    const struct own_field *own;
};

struct condition {
    struct column column;
    struct sfe_slice operator;
    uint32_t first; /* Of its literals. */
    uint32_t count;
};

struct query {
    struct call *call;
    struct object *object;
    struct sfe_slice rest; /* Not read yet. */
    struct column columns[COLUMNS_MAX];
    uint32_t column_count;
    struct condition conditions[CONDITIONS_MAX];
    uint32_t condition_count;
    struct sfe_slice literals[LITERALS_MAX]; /* With their quotes. */
    uint32_t literal_count;
    struct column order;
    bool is_ordered;
    bool is_descending;
    bool is_count;
    bool is_wrong; /* The call has its answer. */
    uint32_t limit;
    uint32_t offset;
};

/* Reads query->rest; sets is_wrong, and answers the call, where it cannot be read. */
void query_read(const struct org *org, struct query *query);

/* True where the word is `text`, but for the case of A-Z. */
bool query_word_is(struct sfe_slice word, const char *text);

#endif
