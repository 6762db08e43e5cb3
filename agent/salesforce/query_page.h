/* The answer to a query (API sheet, section 2): a page of records. Nothing is copied and no table
 * is built. Pure; any thread. */
#ifndef SFE_SALESFORCE_QUERY_PAGE_H
#define SFE_SALESFORCE_QUERY_PAGE_H

#include "event/feed.h"

#include <stdbool.h>

#define QUERY_NEXT_BYTES_MAX 256u

/* What a page says beside its records. */
struct query_page {
    bool is_last;
    char next[QUERY_NEXT_BYTES_MAX]; /* Path of the next page; empty where it is the last one. */
    size_t records;                  /* Offset of the list of records. */
};

/* Reads it. SFE_E_PROTOCOL: that is no page, or one that names no next page that can be asked for.
 */
SFE_MUST_USE enum sfe_code query_page_read(struct sfe_slice body, struct query_page *page,
                                           struct sfe_error *err);

/* The record at or behind *offset (page.records at first), which is moved behind it. False: there
 * is none. */
bool query_page_next(struct sfe_slice body, size_t *offset, struct sfe_slice *record);

/* What a record says of itself: an identity made of its id and its content, without the version of
 * the API; and as its place the time in field `after` (in any case of letters; NULL: none), as a
 * literal of a query. Without a time there is no place. False where it is no object. */
bool query_page_marks(const char *after, struct sfe_slice record, struct sfe_feed_marks *marks);

#endif
