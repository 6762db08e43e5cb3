/* Whatever comes as a result file: the rows are the same in whatever pieces they come, none is told
 * after it was refused, and what a failure says is a part of what came. */
#include "bulk/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t hash;
    uint64_t rows;
};

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static void mix(struct seen *seen, struct sfe_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        seen->hash = (seen->hash ^ text.bytes[i]) * 0x100000001b3u;
    }
    seen->hash = (seen->hash ^ 0x100u) * 0x100000001b3u;
}

static bool is_part(struct sfe_slice part, struct sfe_slice whole)
{
    return part.size == 0 ||
           (part.bytes >= whole.bytes && part.bytes + part.size <= whole.bytes + whole.size);
}

static void on_row(void *owner, const struct bulk_result *result)
{
    struct seen *seen = owner;
    struct bulk_failure failure;

    demand(result->id.size <= BULK_ID_TEXT_BYTES, "an id is no longer than any of ours");
    demand(result->error.size <= BULK_ERROR_BYTES, "so much of an error is kept");
    demand(result->record.size < BULK_RECORD_BYTES, "a record's Id is no longer than any");
    bulk_failure_read(result->error, &failure);
    demand(is_part(failure.code, result->error), "the code is a part of the error");
    demand(is_part(failure.message, result->error), "the message is a part of the error");
    demand(is_part(failure.fields, result->error), "the fields are a part of the error");
    seen->rows++;
    mix(seen, result->id);
    mix(seen, result->record);
    mix(seen, result->error);
}

static bool read_in_pieces(struct sfe_slice text, size_t piece, struct seen *seen)
{
    static struct bulk_results results;
    bool is_good = true;

    *seen = (struct seen){0, 0};
    bulk_results_begin(&results, "Id__c", on_row, seen);
    for (size_t at = 0; at < text.size; at += piece) {
        bool was_good = is_good;
        uint64_t before = seen->rows;
        is_good = bulk_results_take(&results, sfe_slice_part(text, at, piece));
        demand(was_good || (!is_good && seen->rows == before), "what is refused stays so");
    }
    demand(results.rows == seen->rows, "rows are counted");
    bool is_whole = bulk_results_end(&results);
    demand(is_good || !is_whole, "what is refused is not whole");
    return is_whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sfe_slice text = sfe_slice_make(data, size);
    struct seen first;
    struct seen other;
    bool is_whole = read_in_pieces(text, size == 0 ? 1 : size, &first);

    for (size_t piece = 1; piece < 4; piece++) {
        demand(read_in_pieces(text, piece, &other) == is_whole, "pieces change nothing");
        demand(other.rows == first.rows && other.hash == first.hash, "the rows are the same");
    }
    return 0;
}
