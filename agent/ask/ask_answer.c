/* From a question to what is looked up, and from what was found to the answer. */
#include "ask/ask_parts.h"

#include "base/json_writer.h"
#include "flow/lookup.h"
#include "flow/soql.h"
#include "salesforce/rest.h"

const char *ask_status_name(enum ask_status status)
{
    static const char *const names[ASK_STATUSES] = {
        [ASK_OK] = "ok",
        [ASK_NOT_FOUND] = "not_found",
        [ASK_BAD_QUESTION] = "bad_question",
        [ASK_BUSY] = "busy",
        [ASK_BUDGET] = "budget",
        [ASK_UNAVAILABLE] = "unavailable",
        [ASK_TIMEOUT] = "timeout",
        [ASK_FAILED] = "failed",
    };

    return names[status];
}

void ask_settle(struct sfe_ask *ask, struct ask_slot *slot, enum ask_status status)
{
    sfe_mutex_lock(ask->mutex);
    slot->status = status;
    slot->state = ASK_READY;
    sfe_mutex_unlock(ask->mutex);
}

/* The question as a template or a map sees it. */
static void make_subject(struct sfe_ask *ask, const struct ask_slot *slot, struct sfe_slice payload,
                         struct sfe_event *event, struct sfe_map_subject *subject)
{
    const struct sfe_clock *clock = ask->options.clock;
    int64_t unix_ns = 0;

    *event = (struct sfe_event){
        .sequence = slot->number,
        .source = sfe_slice_text(ask->options.input),
        .topic = sfe_slice_make(slot->topic, slot->topic_bytes),
        .payload = payload,
    };
    event->clock_quality = (uint8_t)clock->wall_ns(clock->context, &unix_ns);
    event->received_ns = unix_ns;
    sfe_map_subject_make(event, unix_ns, ask->tokens, ASK_TOKENS_MAX, subject);
}

static struct sfe_slice question_of(const struct ask_slot *slot)
{
    return sfe_slice_make(slot->question, slot->question_bytes);
}

/* In `row` if it is there. */
static enum ask_status look_up_table(struct sfe_ask *ask, const struct sfe_map_subject *subject,
                                     struct sfe_builder *row)
{
    uint8_t memory[ASK_KEY_BYTES_MAX];
    struct sfe_builder key = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(row);
    struct sfe_error ignored;

    if (sfe_template_add(ask->options.key, subject, &key, &ignored) != SFE_OK) {
        return ASK_BAD_QUESTION;
    }
    const struct sfe_lookup_entry *entry =
        sfe_lookup_find(ask->options.table, sfe_builder_slice(&key));
    if (entry == NULL) {
        return ASK_NOT_FOUND;
    }
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "key", sfe_builder_slice(&key));
    sfe_json_put_raw(&writer, "value", entry->json);
    sfe_json_end_object(&writer);
    return row->overflowed ? ASK_FAILED : ASK_OK;
}

/* The path of its query. */
static enum ask_status make_query(struct sfe_ask *ask, struct ask_slot *slot,
                                  const struct sfe_map_subject *subject)
{
    struct sfe_builder *path = &slot->path;
    struct sfe_error ignored;

    sfe_builder_rewind(&ask->text, 0);
    if (sfe_soql_add(ask->options.query, subject, &ask->text, &ignored) != SFE_OK) {
        return ASK_BAD_QUESTION;
    }
    sfe_builder_rewind(path, 0);
    sfe_builder_add_text(path, "/services/data/");
    sfe_builder_add_text(path, sfe_org_api_version(ask->options.org));
    sfe_builder_add_text(path, "/query?q=");
    rest_add_encoded(sfe_builder_slice(&ask->text), path);
    sfe_builder_add_byte(path, 0);
    return path->overflowed ? ASK_BAD_QUESTION : ASK_OK;
}

void ask_look_up(struct sfe_ask *ask, struct ask_slot *slot)
{
    struct sfe_map_subject subject;
    struct sfe_event event;
    enum ask_status status;

    make_subject(ask, slot, question_of(slot), &event, &subject);
    if (ask->options.table != NULL) {
        sfe_builder_rewind(&slot->answer, 0);
        ask_settle(ask, slot, look_up_table(ask, &subject, &slot->answer));
        return;
    }
    status = make_query(ask, slot, &subject);
    if (status != ASK_OK) {
        ask_settle(ask, slot, status);
        return;
    }
    sfe_mutex_lock(ask->mutex);
    slot->state = ASK_WAITING;
    sfe_mutex_unlock(ask->mutex);
    ask->options.http->wake(ask->options.http->context);
}

/* What was found: the first of `rows`, which are empty where it is the only one. */
struct found {
    struct sfe_slice row;
    struct sfe_slice rows;
};

static enum ask_status read_rows(struct sfe_ask *ask, const struct ask_slot *slot,
                                 struct found *found)
{
    struct sfe_json json;
    struct sfe_error ignored;

    if (sfe_json_parse(sfe_builder_slice(&slot->answer), 0, ask->tokens, ASK_TOKENS_MAX, &json,
                       &ignored) != SFE_OK) {
        return ASK_FAILED;
    }
    const uint32_t records = sfe_json_member(&json, 0, SFE_TEXT("records"));
    if (records == SFE_JSON_NONE || sfe_json_kind(&json, records) != SFE_JSON_ARRAY) {
        return ASK_FAILED;
    }
    const uint32_t first = sfe_json_first(&json, records);
    if (first == SFE_JSON_NONE) {
        return ASK_NOT_FOUND;
    }
    *found = (struct found){sfe_json_raw(&json, first), sfe_json_raw(&json, records)};
    return ASK_OK;
}

/* What the map is applied to: {"question":…,"row":…,"rows":…}. A question that is not JSON is a
 * text in it, or null where it is no text. */
static void make_document(struct sfe_ask *ask, const struct ask_slot *slot,
                          const struct found *found)
{
    const struct sfe_slice question = question_of(slot);
    struct sfe_json_writer writer = sfe_json_writer_make(&ask->document);

    sfe_builder_rewind(&ask->document, 0);
    sfe_json_begin_object(&writer, NULL);
    if (sfe_json_is_value(question, SFE_JSON_DEPTH_MAX - 1u)) {
        sfe_json_put_raw(&writer, "question", question);
    } else if (sfe_utf8_valid(question)) {
        sfe_json_put_text(&writer, "question", question);
    } else {
        sfe_json_put_null(&writer, "question");
    }
    sfe_json_put_raw(&writer, "row", found->row);
    if (found->rows.size != 0) {
        sfe_json_put_raw(&writer, "rows", found->rows);
    }
    sfe_json_end_object(&writer);
}

/* A word of what is wrong, and nothing of what was asked or found. */
static void log_misfit(const struct sfe_ask *ask, const struct sfe_error *err)
{
    SFE_LOG(ask->options.log, SFE_WARNING, "an answer could not be made of what was found",
            sfe_text("input", ask->options.input), sfe_text("code", sfe_code_name(err->code)),
            sfe_text("pointer", err->pointer));
}

static enum ask_status apply_map(struct sfe_ask *ask, struct ask_slot *slot)
{
    const struct sfe_map *map = ask->options.map;
    struct sfe_map_subject subject;
    struct sfe_event event;
    struct sfe_error err = {.code = SFE_E_TOO_LARGE};

    make_subject(ask, slot, sfe_builder_slice(&ask->document), &event, &subject);
    sfe_builder_rewind(&slot->answer, 0);
    sfe_builder_add_byte(&slot->answer, '{');
    const uint32_t item = sfe_map_item(map, &subject, 0, SFE_JSON_NONE);
    const enum sfe_code code =
        sfe_map_add_record(map, &subject, 0, item, &slot->answer, NULL, &err);
    sfe_builder_add_byte(&slot->answer, '}');
    if (code != SFE_OK || slot->answer.overflowed) {
        log_misfit(ask, &err);
        return ASK_FAILED;
    }
    return ASK_OK;
}

/* The payload of a question that was answered, in place of what it was made of. */
static enum ask_status make_payload(struct sfe_ask *ask, struct ask_slot *slot)
{
    struct found found = {.row = sfe_builder_slice(&slot->answer)};
    enum ask_status status = ASK_OK;

    if (ask->options.table == NULL) {
        status = read_rows(ask, slot, &found);
    }
    if (status != ASK_OK || (ask->options.map == NULL && ask->options.table != NULL)) {
        return status;
    }
    if (ask->options.map == NULL) {
        memmove(slot->answer.bytes, found.row.bytes, found.row.size);
        sfe_builder_rewind(&slot->answer, found.row.size);
        return ASK_OK;
    }
    make_document(ask, slot, &found);
    return ask->document.overflowed ? ASK_FAILED : apply_map(ask, slot);
}

void ask_make_answer(struct sfe_ask *ask, struct ask_slot *slot)
{
    enum ask_status status = slot->status;

    if (status == ASK_OK && !slot->is_made) {
        status = make_payload(ask, slot);
    }
    if (status != ASK_OK) {
        sfe_builder_rewind(&slot->answer, 0);
        sfe_builder_format(&slot->answer, "{\"error\":\"%s\"}", ask_status_name(status));
    }
    slot->is_made = true;
    ask_settle(ask, slot, status);
}
