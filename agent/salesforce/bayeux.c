#include "salesforce/bayeux.h"

#include "salesforce/walk.h"

#include <string.h>

/* Advice beyond this is not believed. */
#define ADVICE_MS_MAX INT64_C(600000)

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
    const struct sfe_slice reconnect = walk_text(walk_member(advice, "reconnect"));

    if (bayeux_is(reconnect, "retry")) {
        message->reconnect = BAYEUX_RETRY;
    } else if (bayeux_is(reconnect, "handshake")) {
        message->reconnect = BAYEUX_HANDSHAKE;
    } else if (bayeux_is(reconnect, "none")) {
        message->reconnect = BAYEUX_NONE;
    }
    message->interval_ms = milliseconds_of(walk_member(advice, "interval"));
    message->timeout_ms = milliseconds_of(walk_member(advice, "timeout"));
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
            *texts[i].text = walk_text(value);
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
        const struct sfe_slice reason = walk_text(
            walk_member(walk_member(walk_member(object, "ext"), "sfdc"), "failureReason"));
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
    size_t begin = walk_blank(body, *offset);

    while (begin < body.size && (body.bytes[begin] == '[' || body.bytes[begin] == ',')) {
        begin = walk_blank(body, begin + 1u);
    }
    if (begin >= body.size || body.bytes[begin] != '{') {
        return false;
    }
    const size_t end = walk_value(body, begin);
    if (end == 0) {
        return false;
    }
    *offset = end;
    memset(message, 0, sizeof(*message));
    message->interval_ms = -1;
    message->timeout_ms = -1;
    walk = (struct walk){walk_part(body, begin, end), 0};
    while (walk_next(&walk, &key, &value)) {
        read_member(message, key, value);
    }
    prefer_reason(walk.text, message);
    return true;
}

bool bayeux_is(struct sfe_slice raw, const char *text)
{
    return walk_is(raw, text);
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
    const struct sfe_slice event = walk_member(data, "event");
    const struct sfe_slice payload = walk_member(data, "payload");
    const struct sfe_slice place = walk_member(event, "replayId");
    const struct sfe_slice uuid = walk_text(walk_member(event, "EventUuid"));
    const struct sfe_slice header = walk_member(payload, "ChangeEventHeader");
    const struct sfe_slice transaction = walk_text(walk_member(header, "transactionKey"));

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
        const struct sfe_slice parts[] = {SFE_TEXT("change"), transaction,
                                          walk_member(header, "sequenceNumber"),
                                          walk_text(walk_member(header, "entityName")),
                                          walk_text(walk_member(header, "changeType"))};
        make_identity(marks, parts, sizeof(parts) / sizeof(parts[0]));
    } else if (marks->place.size != 0) {
        const struct sfe_slice created = walk_member(event, "createdDate");
        const struct sfe_slice parts[] = {SFE_TEXT("place"), channel, place,
                                          created.size != 0 ? created
                                                            : walk_member(payload, "CreatedDate")};
        make_identity(marks, parts, sizeof(parts) / sizeof(parts[0]));
    }
    return true;
}
