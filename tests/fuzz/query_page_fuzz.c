/* Whatever an org answers to a query: a page that is one leads below the API's path only, its
 * records lie inside the answer one behind the other, and what each says of itself fits into a
 * query, and is the same each time. */
#include "salesforce/query_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static void check_record(struct sfe_slice record)
{
    struct sfe_feed_marks marks;
    struct sfe_feed_marks again;

    demand(query_page_marks("SystemModstamp", record, &marks), "a record is an object");
    demand(query_page_marks("SystemModstamp", record, &again), "each time");
    demand(memcmp(&marks.identity, &again.identity, sizeof(marks.identity)) == 0,
           "an identity stays");
    demand(marks.place.size <= SFE_FEED_PLACE_BYTES_MAX, "a place fits");
    for (uint32_t i = 0; i < marks.place.size; i++) {
        const uint8_t byte = marks.place.bytes[i];
        demand((byte >= '0' && byte <= '9') || byte == '-' || byte == ':' || byte == '.' ||
                   byte == 'T' || byte == 'Z',
               "a place is a time, and nothing else of a query");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sfe_slice body = sfe_slice_make(data, size);
    struct query_page page;
    struct sfe_slice record;
    struct sfe_error err;

    if (query_page_read(body, &page, &err) != SFE_OK) {
        return 0;
    }
    demand(page.is_last == (page.next[0] == '\0'), "it ends, or goes on");
    demand(page.is_last || strncmp(page.next, "/services/data/", 15) == 0, "it goes on in the API");
    size_t offset = page.records;
    size_t before = offset;
    while (query_page_next(body, &offset, &record)) {
        demand(offset > before && offset <= size, "the walk goes forward");
        demand(record.bytes >= body.bytes && record.bytes + record.size <= body.bytes + size,
               "a record is inside the answer");
        before = offset;
        check_record(record);
    }
    return 0;
}
