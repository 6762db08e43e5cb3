#include "salesforce/query_page.h"

#include "base/json_reader.h"
#include "base/time_format.h"
#include "salesforce/walk.h"

#include <string.h>

#define DEPTH_MAX 64u

static bool is_of_path(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || (byte != 0 && strchr("/-._~%", byte) != NULL);
}

/* Only what is below the API's own path gets our token. */
static bool copy_path(struct sfe_slice raw, char path[QUERY_NEXT_BYTES_MAX])
{
    static const char begin[] = "/services/data/";
    size_t size = 0;

    for (size_t i = 0; i < raw.size; i++) {
        if (raw.bytes[i] == '\\' && i + 1u < raw.size && raw.bytes[i + 1u] == '/') {
            continue;
        }
        if (!is_of_path(raw.bytes[i]) || size + 1u == QUERY_NEXT_BYTES_MAX) {
            return false;
        }
        path[size++] = (char)raw.bytes[i];
    }
    path[size] = '\0';
    return strncmp(path, begin, sizeof(begin) - 1u) == 0 && strstr(path, "..") == NULL;
}

enum sfe_code query_page_read(struct sfe_slice body, struct query_page *page, struct sfe_error *err)
{
    struct sfe_slice records;
    struct sfe_slice done;
    struct sfe_slice next;

    memset(page, 0, sizeof(*page));
    const uint8_t *const begin = body.bytes;
    body = walk_part(body, walk_blank(body, 0), body.size);
    if (body.size == 0 || body.bytes[0] != '{' || !sfe_json_is_value(body, DEPTH_MAX)) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer to a query is no JSON object");
    }
    records = walk_member(body, "records");
    done = walk_member(body, "done");
    next = walk_text(walk_member(body, "nextRecordsUrl"));
    if (records.size == 0 || records.bytes[0] != '[') {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer to a query has no records");
    }
    page->is_last = sfe_slice_equal(done, SFE_TEXT("true"));
    if (!page->is_last && !copy_path(next, page->next)) {
        return sfe_fail(err, SFE_E_PROTOCOL, "the answer to a query does not say where it goes on");
    }
    page->records = (size_t)(records.bytes - begin);
    return SFE_OK;
}

bool query_page_next(struct sfe_slice body, size_t *offset, struct sfe_slice *record)
{
    size_t begin = walk_blank(body, *offset);

    if (begin < body.size && (body.bytes[begin] == '[' || body.bytes[begin] == ',')) {
        begin = walk_blank(body, begin + 1u);
    }
    if (begin >= body.size || body.bytes[begin] != '{') {
        return false;
    }
    const size_t end = walk_value(body, begin);
    if (end == 0) {
        return false;
    }
    *record = walk_part(body, begin, end);
    *offset = end;
    return true;
}

/* Behind the last slash of attributes.url, where Id was not asked for. */
static struct sfe_slice id_of(struct sfe_slice record, struct sfe_slice attributes)
{
    const struct sfe_slice id = walk_text(walk_member(record, "Id"));
    const struct sfe_slice url = walk_text(walk_member(attributes, "url"));
    size_t begin = url.size;

    if (id.size != 0) {
        return id;
    }
    while (begin > 0 && url.bytes[begin - 1u] != '/') {
        begin--;
    }
    return walk_part(url, begin, url.size);
}

static struct sfe_hash128 identity_of(struct sfe_slice record)
{
    const struct sfe_slice attributes = walk_member(record, "attributes");
    /* Where there are none, all is behind them. */
    const size_t begin = attributes.size == 0 ? 0 : (size_t)(attributes.bytes - record.bytes);
    const struct sfe_slice parts[] = {
        SFE_TEXT("record"), walk_text(walk_member(attributes, "type")), id_of(record, attributes),
        walk_part(record, 0, begin), walk_part(record, begin + attributes.size, record.size)};

    return sfe_hash128(parts, sizeof(parts) / sizeof(parts[0]));
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static bool is_caseless(struct sfe_slice a, struct sfe_slice b)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.bytes[i]) != lower(b.bytes[i])) {
            return false;
        }
    }
    return true;
}

static void read_place(struct sfe_slice field, struct sfe_slice record,
                       struct sfe_feed_place *place)
{
    struct walk walk = {record, 0};
    struct sfe_builder literal = sfe_builder_make(place->bytes, sizeof(place->bytes));
    struct sfe_error ignored;
    struct sfe_slice key;
    struct sfe_slice value;
    int64_t unix_ns = 0;

    while (walk_next(&walk, &key, &value)) {
        if (is_caseless(key, field) && walk_text(value).size != 0 &&
            sfe_time_parse(walk_text(value), SFE_TIME_RFC3339, NULL, &unix_ns, &ignored) ==
                SFE_OK) {
            sfe_builder_rewind(&literal, 0);
            sfe_time_add_datetime(&literal, unix_ns);
        }
    }
    place->size = (uint32_t)literal.size;
}

bool query_page_marks(const char *after, struct sfe_slice record, struct sfe_feed_marks *marks)
{
    memset(marks, 0, sizeof(*marks));
    if (record.size == 0 || record.bytes[0] != '{') {
        return false;
    }
    marks->identity = identity_of(record);
    marks->has_identity = true;
    if (after != NULL) {
        read_place(sfe_slice_text(after), record, &marks->place);
    }
    return true;
}
