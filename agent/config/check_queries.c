#include "config/check_inputs.h"

#include "base/limits.h"

#include <stdio.h>

#define MARK        "{after}"
#define TOPIC_BYTES (SFE_NAME_BYTES_MAX + 8u)

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static bool is_of_word(uint8_t byte)
{
    return (lower(byte) >= 'a' && lower(byte) <= 'z') || (byte >= '0' && byte <= '9') ||
           byte == '_';
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Behind the text in quotes that begins at `at`. */
static size_t skip_quoted(struct sfe_slice text, size_t at)
{
    for (at++; at < text.size && text.bytes[at] != '\''; at++) {
        at += text.bytes[at] == '\\' ? 1u : 0;
    }
    return at < text.size ? at + 1u : text.size;
}

/* The next word, text in quotes, or other single byte, at or behind *at, which is moved behind it.
 * Empty: the end. */
static struct sfe_slice next_word(struct sfe_slice text, size_t *at)
{
    while (*at < text.size && is_blank(text.bytes[*at])) {
        (*at)++;
    }
    const size_t begin = *at;
    if (begin == text.size) {
        return sfe_slice_part(text, begin, 0);
    }
    if (text.bytes[begin] == '\'') {
        *at = skip_quoted(text, begin);
        return sfe_slice_part(text, begin, *at - begin);
    }
    while (*at < text.size && is_of_word(text.bytes[*at])) {
        (*at)++;
    }
    *at += *at == begin ? 1u : 0;
    return sfe_slice_part(text, begin, *at - begin);
}

static bool is_word(struct sfe_slice word, const char *text)
{
    const struct sfe_slice wanted = sfe_slice_text(text);

    if (word.size != wanted.size) {
        return false;
    }
    for (size_t i = 0; i < word.size; i++) {
        if (lower(word.bytes[i]) != lower(wanted.bytes[i])) {
            return false;
        }
    }
    return true;
}

/* What a query that goes on must have. */
struct findings {
    bool is_selected;
    bool is_ordered; /* By the field, first and ascending. */
    uint32_t marks;
    uint32_t marks_from; /* Of those, behind ">=". */
};

/* The words seen last, the newest first. */
struct recent {
    struct sfe_slice words[4];
};

static void take_word(const char *after, bool is_list, const struct recent *recent,
                      struct findings *findings)
{
    const struct sfe_slice *words = recent->words;

    if (is_word(words[0], after)) {
        findings->is_selected = findings->is_selected || (is_list && !is_word(words[1], "."));
        findings->is_ordered =
            findings->is_ordered || (is_word(words[1], "by") && is_word(words[2], "order"));
    }
    if (is_word(words[0], "desc") && is_word(words[1], after)) {
        findings->is_ordered = false;
    }
    if (is_word(words[0], "{")) {
        findings->marks++;
        findings->marks_from +=
            is_word(words[1], "=") && is_word(words[2], ">") && is_word(words[3], after) ? 1u : 0;
    }
}

static void look(struct sfe_slice text, const char *after, struct findings *findings)
{
    struct recent recent = {.words = {{NULL, 0}}};
    bool is_list = true;
    size_t at = 0;

    for (;;) {
        const struct sfe_slice word = next_word(text, &at);
        if (word.size == 0) {
            return;
        }
        memmove(&recent.words[1], &recent.words[0], 3u * sizeof(recent.words[0]));
        recent.words[0] = word;
        is_list = is_list && !is_word(word, "from");
        take_word(after, is_list, &recent, findings);
    }
}

static bool is_field(const char *name)
{
    const struct sfe_slice text = sfe_slice_text(name);

    for (size_t i = 0; i < text.size; i++) {
        if (!is_of_word(text.bytes[i])) {
            return false;
        }
    }
    return text.size != 0;
}

static void check_after(struct config_load *load, const struct sfe_config_query *query,
                        uint32_t entry)
{
    const uint32_t at_query = load_member(load, entry, "query");
    const uint32_t at_after = load_member(load, entry, "after");
    struct findings findings = {0};

    if (!is_field(query->after)) {
        load_mistake(load, at_after,
                     "that is no field of the queried object; allowed: such as SystemModstamp");
        return;
    }
    look(sfe_slice_text(query->text), query->after, &findings);
    if (findings.marks == 0 || findings.marks != findings.marks_from) {
        load_mistake(load, at_query,
                     "\"after\" is set, and the query does not go on by it; allowed: WHERE %s >= "
                     "{after}, as records of the same time may come later",
                     query->after);
    } else if (!findings.is_selected) {
        load_mistake(load, at_query, "it does not select %s, which \"after\" names", query->after);
    } else if (!findings.is_ordered) {
        load_mistake(load, at_query,
                     "it is not in the order of \"after\"; allowed: ORDER BY %s, so that a run "
                     "that breaks off goes on there",
                     query->after);
    }
}

/* Nothing else tells the one kind of record from the other. */
static void check_deleted(struct config_load *load, const struct sfe_config_query *query,
                          uint32_t entry)
{
    struct findings findings = {0};

    look(sfe_slice_text(query->text), "IsDeleted", &findings);
    if (!findings.is_selected) {
        load_mistake(load, load_member(load, entry, "query"),
                     "\"with_deleted\" is set, and it does not select IsDeleted, which tells what "
                     "is gone");
    }
}

static size_t encoded_bytes(struct sfe_slice text)
{
    size_t bytes = 0;

    for (size_t i = 0; i < text.size; i++) {
        bytes += is_of_word(text.bytes[i]) ? 1u : 3u;
    }
    return bytes;
}

bool check_is_query(struct sfe_slice text)
{
    size_t at = 0;

    return is_word(next_word(text, &at), "select");
}

static void check_query(struct config_load *load, const struct sfe_config_query *query,
                        uint32_t entry)
{
    const struct sfe_slice text = sfe_slice_text(query->text);
    const uint32_t token = load_member(load, entry, "query");

    if (!check_is_query(text)) {
        load_mistake(load, token, "that is no query; allowed: such as SELECT Sku__c FROM Price__c");
    } else if (encoded_bytes(text) > SFE_QUERY_TEXT_BYTES) {
        load_mistake(load, token,
                     "as a part of an address it has %zu bytes; allowed: at most %u, as an address "
                     "has 16,384",
                     encoded_bytes(text), SFE_QUERY_TEXT_BYTES);
    } else if (query->after != NULL) {
        check_after(load, query, entry);
    } else if (strstr(query->text, MARK) != NULL) {
        load_mistake(load, token,
                     "it has {after} without \"after\"; allowed: a field such as SystemModstamp "
                     "in \"after\"");
    }
    if (query->with_deleted) {
        check_deleted(load, query, entry);
    }
}

static void make_topic(struct config_load *load, struct sfe_config_input *input)
{
    char topic[TOPIC_BYTES];
    const int length = snprintf(topic, sizeof(topic), "query/%s", input->name);

    if (length > 0 && (size_t)length < sizeof(topic)) {
        input->topic = load_keep(load, sfe_slice_text(topic));
    }
}

void check_queries(struct config_load *load)
{
    struct sfe_config_input *inputs = NULL;
    uint32_t object;
    uint32_t key = load_named_first(load, "inputs", &object);

    memcpy(&inputs, &load->config->inputs, sizeof(inputs));
    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->input_count; i++) {
        if (inputs[i].type == SFE_INPUT_SALESFORCE_QUERY) {
            make_topic(load, &inputs[i]);
            if (inputs[i].query.text != NULL) {
                check_query(load, &inputs[i].query, key + 1);
            }
        }
        key = sfe_json_next(&load->json, object, key);
    }
}
