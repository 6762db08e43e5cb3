#include "flow/template.h"

#include "base/assert.h"

/* The `level`-th part of `topic` between slashes, from 0. */
static bool topic_level(struct sfe_slice topic, uint32_t level, struct sfe_slice *found)
{
    size_t begin = 0;
    for (;;) {
        size_t end = begin;
        while (end < topic.size && topic.bytes[end] != '/') {
            end++;
        }
        if (level == 0) {
            *found = sfe_slice_part(topic, begin, end - begin);
            return true;
        }
        if (end == topic.size) {
            return false;
        }
        begin = end + 1;
        level--;
    }
}

/* The parser's own message may quote the payload, so only the place is taken from it. */
enum sfe_code flow_fail_not_json(const struct sfe_map_subject *subject, struct sfe_error *err)
{
    const struct sfe_error *cause = &subject->json_error;
    if (subject->event->payload.size == 0) {
        return sfe_fail(err, SFE_E_UNMAPPED, "the payload is empty");
    }
    if (cause->code == SFE_E_TOO_LARGE) {
        return sfe_fail(err, SFE_E_UNMAPPED, "the payload holds more values than are allowed");
    }
    return sfe_fail(err, SFE_E_UNMAPPED, "the payload is not JSON (line %u, column %u)",
                    (unsigned)cause->line, (unsigned)cause->column);
}

static enum sfe_code find_value(const struct flow_part *part, const struct flow_place *place,
                                struct flow_value *value, struct sfe_error *err)
{
    const struct sfe_map_subject *subject = place->subject;
    if (!subject->is_json) {
        return flow_fail_not_json(subject, err);
    }
    const uint32_t from = part->kind == FLOW_PART_ITEM ? place->item : 0;
    *value = flow_value_of(&subject->json, flow_pointer_find(&part->pointer, &subject->json, from));
    return SFE_OK;
}

static struct flow_value text_value(struct sfe_slice text)
{
    return (struct flow_value){.kind = FLOW_VALUE_TEXT, .text = text};
}

static struct flow_value number_value(uint64_t number, struct flow_scratch *scratch)
{
    struct sfe_builder builder = sfe_builder_make(scratch->bytes, sizeof(scratch->bytes));
    sfe_builder_add_u64(&builder, number);
    return (struct flow_value){.kind = FLOW_VALUE_NUMBER, .text = sfe_builder_slice(&builder)};
}

static struct flow_value identity_value(const struct sfe_event *event, struct flow_scratch *scratch)
{
    struct sfe_builder builder = sfe_builder_make(scratch->bytes, sizeof(scratch->bytes));
    sfe_event_add_identity(event, &builder);
    return text_value(sfe_builder_slice(&builder));
}

static enum sfe_code payload_value(const struct sfe_map_subject *subject, struct flow_value *value,
                                   struct sfe_error *err)
{
    /* What is JSON has been found to be UTF-8. */
    if (!subject->is_json && !sfe_utf8_valid(subject->event->payload)) {
        return sfe_fail(err, SFE_E_UNMAPPED,
                        "the payload is not UTF-8; {payload:base64} takes any bytes");
    }
    *value = text_value(subject->event->payload);
    return SFE_OK;
}

static struct flow_value literal_value(const struct flow_part *part)
{
    return (struct flow_value){
        .kind = FLOW_VALUE_STRING,
        .is_escaped = part->inside.size != part->literal.size,
        .text = part->inside,
    };
}

/* What an event has beside its payload. */
static struct flow_value envelope_value(const struct flow_part *part,
                                        const struct flow_place *place,
                                        struct flow_scratch *scratch)
{
    const struct sfe_event *event = place->subject->event;
    struct flow_value value = {.kind = FLOW_VALUE_ABSENT};
    switch (part->kind) {
    case FLOW_PART_TOPIC:
        return text_value(event->topic);
    case FLOW_PART_TOPIC_LEVEL:
        if (topic_level(event->topic, part->level, &value.text)) {
            value.kind = FLOW_VALUE_TEXT;
        }
        return value;
    case FLOW_PART_TIME:
        value.kind = FLOW_VALUE_TIME;
        value.time_ns = place->subject->time_ns;
        return value;
    case FLOW_PART_SEQUENCE:
        return number_value(event->sequence, scratch);
    case FLOW_PART_INDEX:
        return number_value(place->index, scratch);
    case FLOW_PART_IDENTITY:
        return identity_value(event, scratch);
    case FLOW_PART_SENDER:
        return event->sender.size == 0 ? value : text_value(event->sender);
    default:
        SFE_ASSERT(part->kind == FLOW_PART_SOURCE);
        return text_value(event->source);
    }
}

/* Borrows from the subject, the template and `scratch`. */
static enum sfe_code value_itself(const struct flow_part *part, const struct flow_place *place,
                                  struct flow_scratch *scratch, struct flow_value *value,
                                  struct sfe_error *err)
{
    switch (part->kind) {
    case FLOW_PART_POINTER:
    case FLOW_PART_ITEM:
        return find_value(part, place, value, err);
    case FLOW_PART_PAYLOAD:
        return payload_value(place->subject, value, err);
    case FLOW_PART_PAYLOAD_BASE64:
        *value =
            (struct flow_value){.kind = FLOW_VALUE_BASE64, .text = place->subject->event->payload};
        return SFE_OK;
    case FLOW_PART_LITERAL:
        *value = literal_value(part);
        return SFE_OK;
    default:
        *value = envelope_value(part, place, scratch);
        return SFE_OK;
    }
}

/* Puts its text through the functions of the part, into `scratch`. */
static enum sfe_code change_value(const struct flow_part *part, struct flow_scratch *scratch,
                                  struct flow_value *value, struct sfe_error *err)
{
    uint8_t memory[FLOW_FUNCTION_BYTES_MAX];
    struct sfe_builder plain = sfe_builder_make(memory, sizeof(memory));
    struct sfe_builder out = sfe_builder_make(scratch->bytes, sizeof(scratch->bytes));
    bool is_absent = false;

    if (value->kind == FLOW_VALUE_OBJECT || value->kind == FLOW_VALUE_ARRAY) {
        return sfe_fail(err, SFE_E_UNMAPPED, "%s has no functions",
                        value->kind == FLOW_VALUE_OBJECT ? "an object" : "an array");
    }
    flow_value_add_plain(value, &plain);
    if (plain.overflowed) {
        return sfe_fail(err, SFE_E_UNMAPPED, "text of more than %u bytes has no functions",
                        FLOW_FUNCTION_BYTES_MAX);
    }
    const enum sfe_code code =
        flow_functions_apply(&part->functions, sfe_builder_slice(&plain), &out, &is_absent, err);
    *value = text_value(sfe_builder_slice(&out));
    if (is_absent) {
        value->kind = FLOW_VALUE_ABSENT;
    }
    return code;
}

static enum sfe_code part_value(const struct flow_part *part, const struct flow_place *place,
                                struct flow_scratch *scratch, struct flow_value *value,
                                struct sfe_error *err)
{
    const enum sfe_code code = value_itself(part, place, scratch, value, err);

    if (code != SFE_OK || part->functions.count == 0 || value->kind == FLOW_VALUE_ABSENT ||
        value->kind == FLOW_VALUE_NULL) {
        return code;
    }
    return change_value(part, scratch, value, err);
}

static bool is_unreserved(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

/* Encodes what stands from `begin` on, from behind, so that it needs no other room. */
static enum sfe_code encode(struct sfe_builder *out, size_t begin, struct sfe_error *err)
{
    static const char digits[] = "0123456789ABCDEF";
    const size_t end = out->size;
    size_t extra = 0;

    for (size_t i = begin; i < end; i++) {
        extra += is_unreserved(out->bytes[i]) ? 0u : 2u;
    }
    if (end == begin && !out->overflowed) {
        return sfe_fail(err, SFE_E_UNMAPPED, "an empty value cannot stand in an address");
    }
    if (sfe_builder_reserve(out, extra) == NULL || extra == 0) {
        return SFE_OK;
    }
    size_t place = out->size;
    for (size_t i = end; i > begin; i--) {
        const uint8_t byte = out->bytes[i - 1u];
        if (is_unreserved(byte)) {
            out->bytes[--place] = byte;
            continue;
        }
        out->bytes[--place] = (uint8_t)digits[byte & 15u];
        out->bytes[--place] = (uint8_t)digits[byte >> 4];
        out->bytes[--place] = '%';
    }
    return SFE_OK;
}

/* One part among others. */
static enum sfe_code add_part(const struct flow_part *part, const struct flow_place *place,
                              enum flow_form form, struct sfe_builder *out, bool *is_absent,
                              struct sfe_error *err)
{
    struct flow_scratch scratch;
    struct flow_value value;
    enum sfe_code code = part_value(part, place, &scratch, &value, err);
    if (code != SFE_OK) {
        return code;
    }
    if (value.kind == FLOW_VALUE_ABSENT || value.kind == FLOW_VALUE_NULL) {
        *is_absent = true;
        return SFE_OK;
    }
    if (value.kind == FLOW_VALUE_OBJECT || value.kind == FLOW_VALUE_ARRAY) {
        return sfe_fail(err, SFE_E_UNMAPPED, "%s cannot stand within text",
                        value.kind == FLOW_VALUE_OBJECT ? "an object" : "an array");
    }
    const size_t begin = out->size;
    if (form == FLOW_INSIDE_STRING) {
        flow_value_add_inside(&value, out);
    } else {
        flow_value_add_plain(&value, out);
    }
    return form == FLOW_ENCODED ? encode(out, begin, err) : SFE_OK;
}

enum sfe_code flow_template_add(const struct sfe_template *compiled, const struct flow_place *place,
                                enum flow_form form, struct sfe_builder *out, bool *is_absent,
                                struct sfe_error *err)
{
    *is_absent = false;
    for (uint32_t i = 0; i < compiled->count && !*is_absent; i++) {
        const struct flow_part *part = &compiled->parts[i];
        if (part->kind == FLOW_PART_LITERAL) {
            sfe_builder_add(out, form == FLOW_INSIDE_STRING ? part->inside : part->literal);
            continue;
        }
        enum sfe_code code = add_part(part, place, form, out, is_absent, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    return SFE_OK;
}

enum sfe_code flow_template_value(const struct sfe_template *compiled,
                                  const struct flow_place *place, struct flow_scratch *scratch,
                                  struct flow_value *value, struct sfe_error *err)
{
    if (flow_template_is_alone(compiled)) {
        return part_value(&compiled->parts[0], place, scratch, value, err);
    }
    struct sfe_builder text = sfe_builder_make(scratch->bytes, sizeof(scratch->bytes));
    bool is_absent = false;
    enum sfe_code code = flow_template_add(compiled, place, FLOW_PLAIN, &text, &is_absent, err);
    if (code != SFE_OK) {
        return code;
    }
    *value = text_value(sfe_builder_slice(&text));
    if (is_absent) {
        value->kind = FLOW_VALUE_ABSENT;
    } else if (text.overflowed) {
        return sfe_fail(err, SFE_E_UNMAPPED, "text of more than %u bytes is of no such type",
                        FLOW_SCRATCH_BYTES);
    }
    return SFE_OK;
}

static bool points_into_payload(const struct flow_part *part)
{
    return part->kind == FLOW_PART_POINTER || part->kind == FLOW_PART_ITEM;
}

/* Where in the payload the part looks: for an item with the array and its place in front. */
static void describe_place(const struct flow_part *part, const struct flow_place *place, char *text,
                           size_t capacity)
{
    uint8_t memory[160];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
    if (part->kind == FLOW_PART_ITEM && place->each != NULL) {
        sfe_builder_add(&builder, sfe_slice_part(sfe_slice_text(place->each), 0, 60));
        sfe_builder_add_byte(&builder, '/');
        sfe_builder_add_u64(&builder, place->index);
    }
    sfe_builder_add(&builder, sfe_slice_part(part->pointer.text, 0, sfe_builder_room(&builder)));
    sfe_printable(text, capacity, sfe_builder_slice(&builder));
}

void flow_template_locate(const struct sfe_template *compiled, const struct flow_place *place,
                          struct sfe_error *err)
{
    for (uint32_t i = 0; i < compiled->count; i++) {
        if (points_into_payload(&compiled->parts[i])) {
            char pointer[sizeof(err->pointer)];
            describe_place(&compiled->parts[i], place, pointer, sizeof(pointer));
            sfe_error_at(err, "payload", pointer, 0, 0);
            return;
        }
    }
}

/* The first part without a value. */
static const struct flow_part *find_absent(const struct sfe_template *compiled,
                                           const struct flow_place *place)
{
    for (uint32_t i = 0; i < compiled->count; i++) {
        struct flow_scratch scratch;
        struct flow_value value;
        struct sfe_error ignored;
        const struct flow_part *part = &compiled->parts[i];
        enum sfe_code code = part_value(part, place, &scratch, &value, &ignored);
        if (code == SFE_OK && (value.kind == FLOW_VALUE_ABSENT || value.kind == FLOW_VALUE_NULL)) {
            return part;
        }
    }
    return NULL;
}

/* Is it only its functions that leave nothing? */
static bool has_value_itself(const struct flow_part *part, const struct flow_place *place)
{
    struct flow_scratch scratch;
    struct flow_value value;
    struct sfe_error ignored;

    return value_itself(part, place, &scratch, &value, &ignored) == SFE_OK &&
           value.kind != FLOW_VALUE_ABSENT && value.kind != FLOW_VALUE_NULL;
}

enum sfe_code flow_template_absent(const struct sfe_template *compiled,
                                   const struct flow_place *place, struct sfe_error *err)
{
    const struct flow_part *part = find_absent(compiled, place);
    SFE_ASSERT(part != NULL);
    if (part->functions.count > 0 && has_value_itself(part, place)) {
        return sfe_fail(err, SFE_E_UNMAPPED, "its text has not so many pieces");
    }
    if (!points_into_payload(part)) {
        return sfe_fail(err, SFE_E_UNMAPPED, "the topic has no level %u", (unsigned)part->level);
    }
    char pointer[sizeof(err->pointer)];
    describe_place(part, place, pointer, sizeof(pointer));
    enum sfe_code code = sfe_fail(err, SFE_E_UNMAPPED, "no value at %s", pointer);
    sfe_error_at(err, "payload", pointer, 0, 0);
    return code;
}

/* Text alone may be a whole object or array, as with a field of type string. */
static enum sfe_code add_alone(const struct sfe_template *compiled, const struct flow_place *place,
                               struct sfe_builder *out, bool *is_absent, struct sfe_error *err)
{
    struct flow_scratch scratch;
    struct flow_value value;
    enum sfe_code code = flow_template_value(compiled, place, &scratch, &value, err);
    if (code != SFE_OK) {
        return code;
    }
    if (value.kind == FLOW_VALUE_OBJECT || value.kind == FLOW_VALUE_ARRAY) {
        sfe_builder_add(out, value.text);
        return SFE_OK;
    }
    *is_absent = value.kind == FLOW_VALUE_ABSENT || value.kind == FLOW_VALUE_NULL;
    if (!*is_absent) {
        flow_value_add_plain(&value, out);
    }
    return SFE_OK;
}

static enum sfe_code add_form(const struct sfe_template *compiled,
                              const struct sfe_map_subject *subject, enum flow_form form,
                              struct sfe_builder *out, struct sfe_error *err)
{
    const struct flow_place place = {.subject = subject};
    const size_t before = out->size;
    bool is_absent = false;
    enum sfe_code code = SFE_OK;
    if (out->overflowed) {
        return SFE_E_FULL;
    }
    if (form == FLOW_PLAIN && flow_template_is_alone(compiled)) {
        code = add_alone(compiled, &place, out, &is_absent, err);
    } else {
        code = flow_template_add(compiled, &place, form, out, &is_absent, err);
    }
    if (code == SFE_OK && is_absent) {
        code = flow_template_absent(compiled, &place, err);
    } else if (code != SFE_OK) {
        flow_template_locate(compiled, &place, err);
    } else if (out->overflowed) {
        code = SFE_E_FULL;
    }
    if (code != SFE_OK) {
        sfe_builder_rewind(out, before);
    }
    return code;
}

enum sfe_code sfe_template_add(const struct sfe_template *compiled,
                               const struct sfe_map_subject *subject, struct sfe_builder *out,
                               struct sfe_error *err)
{
    return add_form(compiled, subject, FLOW_PLAIN, out, err);
}

enum sfe_code sfe_template_add_encoded(const struct sfe_template *compiled,
                                       const struct sfe_map_subject *subject,
                                       struct sfe_builder *out, struct sfe_error *err)
{
    return add_form(compiled, subject, FLOW_ENCODED, out, err);
}

bool sfe_template_is_of_sender(const struct sfe_template *compiled)
{
    for (uint32_t i = 0; i < compiled->count; i++) {
        const enum flow_part_kind kind = compiled->parts[i].kind;
        if (kind != FLOW_PART_LITERAL && kind != FLOW_PART_TOPIC && kind != FLOW_PART_TOPIC_LEVEL &&
            kind != FLOW_PART_SOURCE && kind != FLOW_PART_SENDER) {
            return false;
        }
    }
    return true;
}
