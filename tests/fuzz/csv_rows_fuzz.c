/* Whatever comes in a file: cut whole or in pieces it gives the same records, each is inside what
 * was given, every byte of it is consumed, and what is called an event is a JSON object. The first
 * byte says the format, and the second the size of a piece. */
#include "base/hash.h"
#include "input/file_records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_MAX 256u
#define BUFFER    512u
#define TOKENS    512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct csv_columns columns;
static struct sfe_json_token tokens[TOKENS];
static struct sfe_json_token of_event[TOKENS];
static uint8_t event[EVENT_MAX];

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static void check_record(const struct file_record *record)
{
    struct sfe_json json;
    struct sfe_error err;

    demand(record->is_bad || record->event.size <= EVENT_MAX, "an event is within its limit");
    demand(record->line != 0, "a record has its line");
    demand(!record->is_bad || record->is_too_large || record->problem[0] != '\0',
           "what is bad says why");
    if (!record->is_bad) {
        demand(sfe_json_parse(record->event, 0, of_event, TOKENS, &json, &err) == SFE_OK &&
                   sfe_json_kind(&json, 0) == SFE_JSON_OBJECT,
               "an event is a JSON object");
    }
}

/* A sum over all that came. */
static uint64_t cut(const struct file_records_options *options, struct sfe_slice text, size_t piece)
{
    static struct file_records records;
    struct file_record record;
    enum file_step step;
    size_t begin = 0;
    size_t end = 0;
    uint64_t sum = 0;

    file_records_begin(&records, options);
    do {
        step = file_records_next(&records, sfe_slice_part(text, begin, end - begin),
                                 end == text.size, end - begin == BUFFER, &record);
        demand(record.consumed <= end - begin, "no more is consumed than was given");
        begin += record.consumed;
        if (step == FILE_RECORD) {
            check_record(&record);
            sum = sfe_hash64(sum + record.line * 2u + record.is_bad, record.event);
        } else if (step == FILE_MORE) {
            const size_t most = begin + BUFFER < text.size ? begin + BUFFER : text.size;
            demand(end < most, "more is asked for only where there is more");
            end = end + piece < most ? end + piece : most;
        }
    } while (step != FILE_END && step != FILE_BROKEN);
    demand(step == FILE_BROKEN || begin == text.size, "all is consumed");
    return sfe_hash64(sum + (step == FILE_BROKEN ? 1u : 0u), SFE_TEXT("end"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct file_records_options options = {
        .event_bytes_max = EVENT_MAX,
        .event = event,
        .tokens = tokens,
        .token_capacity = TOKENS,
        .columns = &columns,
    };
    uint64_t whole;

    if (size < 2) {
        return 0;
    }
    const struct sfe_slice text = sfe_slice_make(data + 2, size - 2u);
    options.format = data[0] % 4u == 1 ? FILE_JSON : data[0] % 4u == 2 ? FILE_NDJSON : FILE_CSV;
    columns.is_windows_1252 = data[0] % 4u == 3;
    columns.delimiter = (data[0] & 0x40u) != 0 ? ';' : ',';
    whole = cut(&options, text, BUFFER);
    demand(cut(&options, text, 1u + data[1] % 64u) == whole, "pieces make no difference");
    return 0;
}
