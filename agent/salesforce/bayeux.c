#include "salesforce/bayeux.h"

#include <string.h>

/* Advice beyond this is not believed. */
#define ADVICE_MS_MAX INT64_C(600000)

/* A walk over the members of an object. */
struct walk {
    struct sfe_slice text; /* From its first byte on. */
    size_t at;
};

static size_t skip_blank(struct sfe_slice text, size_t at)
{
    while (at < text.size && (text.bytes[at] == ' ' || text.bytes[at] == '\t' ||
                              text.bytes[at] == '\n' || text.bytes[at] == '\r')) {
        at++;
    }
    return at;
}

/* Behind the string that begins at `at`; 0: it does not end. */
static size_t skip_string(struct sfe_slice text, size_t at)
{
    for (at++; at < text.size; at++) {
        if (text.bytes[at] == '\\') {
            at++;
        } else if (text.bytes[at] == '"') {
            return at + 1u;
        }
    }
    return 0;
}

static size_t skip_container(struct sfe_slice text, size_t at)
{
    size_t depth = 0;

    while (at < text.size) {
        const uint8_t byte = text.bytes[at];
        if (byte == '"') {
            at = skip_string(text, at);
            if (at == 0) {
                return 0;
            }
            continue;
        }
        at++;
        if (byte == '{' || byte == '[') {
            depth++;
        } else if ((byte == '}' || byte == ']') && --depth == 0) {
            return at;
        }
    }
    return 0;
}

static bool ends_scalar(uint8_t byte)
{
    return byte == ',' || byte == '}' || byte == ']' || byte <= ' ';
}

/* Behind the value that begins at `at`; 0: it does not end, or is none. */
static size_t skip_value(struct sfe_slice text, size_t at)
{
    const size_t begin = at;

    if (at >= text.size) {
        return 0;
    }
    if (text.bytes[at] == '"') {
        return skip_string(text, at);
    }
    if (text.bytes[at] == '{' || text.bytes[at] == '[') {
        return skip_container(text, at);
    }
    while (at < text.size && !ends_scalar(text.bytes[at])) {
        at++;
    }
    return at == begin || at == text.size ? 0 : at;
}

static struct sfe_slice between(struct sfe_slice text, size_t begin, size_t end)
{
    return sfe_slice_part(text, begin, end - begin);
}

/* The next member: its key without quotes, its value as it stands. */
static bool next_member(struct walk *walk, struct sfe_slice *key, struct sfe_slice *value)
{
    size_t at = skip_blank(walk->text, walk->at);

    if (at >= walk->text.size || (walk->text.bytes[at] != '{' && walk->text.bytes[at] != ',')) {
        return false;
    }
    const size_t key_at = skip_blank(walk->text, at + 1u);
    if (key_at >= walk->text.size || walk->text.bytes[key_at] != '"') {
        return false;
    }
    const size_t key_end = skip_string(walk->text, key_at);
    if (key_end == 0) {
        return false;
    }
    at = skip_blank(walk->text, key_end);
    if (at >= walk->text.size || walk->text.bytes[at] != ':') {
        return false;
    }
    at = skip_blank(walk->text, at + 1u);
    const size_t end = skip_value(walk->text, at);
    if (end == 0) {
        return false;
    }
    *key = between(walk->text, key_at + 1u, key_end - 1u);
    *value = between(walk->text, at, end);
    walk->at = end;
    return true;
}

/* The last member of that name, as every look-up in this program; empty: there is none. */
static struct sfe_slice member(struct sfe_slice object, const char *name)
{
    struct walk walk = {object, 0};
    struct sfe_slice key;
    struct sfe_slice value;
    struct sfe_slice found = {NULL, 0};

    while (next_member(&walk, &key, &value)) {
        if (bayeux_is(key, name)) {
            found = value;
        }
    }
    return found;
}

/* Inside the quotes of a text; of all else nothing. */
static struct sfe_slice text_of(struct sfe_slice value)
{
    return value.size >= 2u && value.bytes[0] == '"' ? between(value, 1, value.size - 1u)
                                                     : sfe_slice_make(NULL, 0);
}

static int64_t milliseconds_of(struct sfe_slice value)
{
    int64_t number = 0;

    for (size_t i = 0; i < value.size; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9') {
            return i == 0 ? -1 : number; /* "1.5", "1e3": what stands in front. */
        }
        number = number * 10 + (value.bytes[i] - '0');
        if (number > ADVICE_MS_MAX) {
            return ADVICE_MS_MAX;
        }
    }
    return value.size == 0 ? -1 : number;
}

static void read_advice(struct sfe_slice advice, struct bayeux_message *message)
{
    const struct sfe_slice reconnect = text_of(member(advice, "reconnect"));

    if (bayeux_is(reconnect, "retry")) {
        message->reconnect = BAYEUX_RETRY;
    } else if (bayeux_is(reconnect, "handshake")) {
        message->reconnect = BAYEUX_HANDSHAKE;
    } else if (bayeux_is(reconnect, "none")) {
        message->reconnect = BAYEUX_NONE;
    }
    message->interval_ms = milliseconds_of(member(advice, "interval"));
    message->timeout_ms = milliseconds_of(member(advice, "timeout"));
}

static void read_member(struct bayeux_message *message, struct sfe_slice key,
                        struct sfe_slice value)
{
    struct {
        const char *name;
        struct sfe_slice *text;
    } const texts[] = {{"channel", &message->channel},
                       {"clientId", &message->client_id},
                       {"subscription", &message->subscription},
                       {"error", &message->error}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (bayeux_is(key, texts[i].name)) {
            *texts[i].text = text_of(value);
            return;
        }
    }
    if (bayeux_is(key, "data")) {
        message->data = value;
    } else if (bayeux_is(key, "successful")) {
        message->is_successful = sfe_slice_equal(value, SFE_TEXT("true"));
    } else if (bayeux_is(key, "advice")) {
        read_advice(value, message);
    }
}

/* The last step: `ext` may stand in front of `error`. */
static void prefer_reason(struct sfe_slice object, struct bayeux_message *message)
{
    if (!message->is_successful && message->data.size == 0) {
        const struct sfe_slice reason =
            text_of(member(member(member(object, "ext"), "sfdc"), "failureReason"));
        if (reason.size != 0) {
            message->error = reason;
        }
    }
}

bool bayeux_next(struct sfe_slice body, size_t *offset, struct bayeux_message *message)
{
    struct walk walk;
    struct sfe_slice key;
    struct sfe_slice value;
    size_t begin = skip_blank(body, *offset);

    while (begin < body.size && (body.bytes[begin] == '[' || body.bytes[begin] == ',')) {
        begin = skip_blank(body, begin + 1u);
    }
    if (begin >= body.size || body.bytes[begin] != '{') {
        return false;
    }
    const size_t end = skip_container(body, begin);
    if (end == 0) {
        return false;
    }
    *offset = end;
    memset(message, 0, sizeof(*message));
    message->interval_ms = -1;
    message->timeout_ms = -1;
    walk = (struct walk){between(body, begin, end), 0};
    while (next_member(&walk, &key, &value)) {
        read_member(message, key, value);
    }
    prefer_reason(walk.text, message);
    return true;
}

/* Names are plain, but for a slash that some servers escape; a backslash may stand before anything,
 * as nobody has checked these bytes. */
bool bayeux_is(struct sfe_slice raw, const char *text)
{
    size_t at = 0;

    for (; *text != '\0'; text++) {
        if (at < raw.size && raw.bytes[at] == '\\' && *text == '/') {
            at++;
        }
        if (at >= raw.size || raw.bytes[at] != (uint8_t)*text) {
            return false;
        }
        at++;
    }
    return at == raw.size;
}

uint32_t bayeux_error_number(struct sfe_slice error)
{
    uint32_t number = 0;

    for (size_t i = 0; i < 3u; i++) {
        if (i == error.size || error.bytes[i] < '0' || error.bytes[i] > '9') {
            return 0;
        }
        number = number * 10u + (uint32_t)(error.bytes[i] - '0');
    }
    return number;
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

bool bayeux_error_has(struct sfe_slice error, const char *words)
{
    const struct sfe_slice wanted = sfe_slice_text(words);

    for (size_t i = 0; wanted.size <= error.size && i <= error.size - wanted.size; i++) {
        size_t same = 0;
        while (same < wanted.size && lower(error.bytes[i + same]) == lower(wanted.bytes[same])) {
            same++;
        }
        if (same == wanted.size) {
            return true;
        }
    }
    return false;
}

static void make_identity(struct sfe_feed_marks *marks, const struct sfe_slice *parts, size_t count)
{
    marks->identity = sfe_hash128(parts, count);
    marks->has_identity = true;
}

bool bayeux_read_marks(struct sfe_slice channel, struct sfe_slice data,
                       struct sfe_feed_marks *marks)
{
    const struct sfe_slice event = member(data, "event");
    const struct sfe_slice payload = member(data, "payload");
    const struct sfe_slice place = member(event, "replayId");
    const struct sfe_slice uuid = text_of(member(event, "EventUuid"));
    const struct sfe_slice header = member(payload, "ChangeEventHeader");
    const struct sfe_slice transaction = text_of(member(header, "transactionKey"));

    memset(marks, 0, sizeof(*marks));
    if (data.size == 0 || data.bytes[0] != '{') {
        return false;
    }
    if (place.size != 0 && place.size <= sizeof(marks->place.bytes) && place.bytes[0] != '{' &&
        place.bytes[0] != '[' && place.bytes[0] != 'n') {
        memcpy(marks->place.bytes, place.bytes, place.size);
        marks->place.size = (uint32_t)place.size;
    }
    if (uuid.size != 0) {
        const struct sfe_slice parts[] = {SFE_TEXT("uuid"), uuid};
        make_identity(marks, parts, sizeof(parts) / sizeof(parts[0]));
    } else if (transaction.size != 0) {
        const struct sfe_slice parts[] = {
            SFE_TEXT("change"), transaction, member(header, "sequenceNumber"),
            text_of(member(header, "entityName")), text_of(member(header, "changeType"))};
        make_identity(marks, parts, sizeof(parts) / sizeof(parts[0]));
    } else if (marks->place.size != 0) {
        const struct sfe_slice created = member(event, "createdDate");
        const struct sfe_slice parts[] = {SFE_TEXT("place"), channel, place,
                                          created.size != 0 ? created
                                                            : member(payload, "CreatedDate")};
        make_identity(marks, parts, sizeof(parts) / sizeof(parts[0]));
    }
    return true;
}
