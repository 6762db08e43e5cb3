/* Whatever the bytes: what is accepted is well-formed, unescapes to UTF-8, reads the same once
 * written again; and cJSON, within its known differences, accepts the same texts. */
#include "base/json_reader.h"
#include "base/json_writer.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#define TOKENS_MAX 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static void check_token(const struct sfe_json *json, uint32_t index)
{
    const struct sfe_json_token *token = &json->tokens[index];

    demand(token->begin <= token->end && token->end <= json->text.size, "a token is in the text");
    demand(token->next > index && token->next <= json->count, "a token's next is behind it");
    if (token->kind == SFE_JSON_STRING) {
        static uint8_t memory[65536];
        struct sfe_builder plain = sfe_builder_make(memory, sizeof(memory));
        sfe_json_add_text(json, index, &plain);
        demand(!plain.overflowed, "unescaping does not lengthen");
        demand(sfe_utf8_valid(sfe_builder_slice(&plain)), "unescaped text is UTF-8");
        demand(sfe_json_text_equal(json, index, sfe_builder_slice(&plain)), "a text equals itself");
    }
}

static void put_value(struct sfe_json_writer *writer, const struct sfe_json *json, uint32_t index)
{
    static uint8_t memory[65536];
    struct sfe_builder plain = sfe_builder_make(memory, sizeof(memory));

    if (sfe_json_kind(json, index) == SFE_JSON_STRING) {
        sfe_json_add_text(json, index, &plain);
        sfe_json_put_text(writer, NULL, sfe_builder_slice(&plain));
    } else if (sfe_json_kind(json, index) < SFE_JSON_STRING) {
        sfe_json_put_raw(writer, NULL, sfe_json_raw(json, index));
    }
}

/* All plain values and names, as one array: it must be read again. */
static void check_written(const struct sfe_json *json)
{
    static uint8_t memory[262144];
    static struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(&out);
    struct sfe_json again;
    struct sfe_error err;
    uint32_t plain_count = 0;

    sfe_json_begin_array(&writer, NULL);
    for (uint32_t index = 0; index < json->count; index++) {
        put_value(&writer, json, index);
        plain_count += sfe_json_kind(json, index) <= SFE_JSON_STRING ? 1 : 0;
    }
    sfe_json_end_array(&writer);
    demand(!out.overflowed, "what was written fits");
    demand(sfe_json_parse(sfe_builder_slice(&out), 0, tokens, TOKENS_MAX, &again, &err) == SFE_OK,
           "what was written is JSON");
    demand(sfe_json_length(&again, 0) == plain_count, "nothing is lost in writing");
}

/* cJSON misses a byte order mark before a text of one byte. */
static struct sfe_slice without_mark(struct sfe_slice text)
{
    bool has_mark = text.size >= 3 && memcmp(text.bytes, "\xEF\xBB\xBF", 3) == 0;
    return sfe_slice_part(text, has_mark ? 3 : 0, text.size);
}

/* Where cJSON is stricter: it refuses "\u0000" and lone surrogates, and numbers over 63 bytes. */
static bool may_refuse(const struct sfe_json *json)
{
    for (uint32_t index = 0; index < json->count; index++) {
        struct sfe_slice raw = sfe_json_raw(json, index);
        bool is_long = sfe_json_kind(json, index) == SFE_JSON_NUMBER && raw.size > 60;
        bool is_escaped = json->tokens[index].escaped != 0;
        if (is_long || (is_escaped && memmem(raw.bytes, raw.size, "\\u", 2) != NULL)) {
            return true;
        }
    }
    return false;
}

static void check_accepted(const struct sfe_json *json)
{
    struct sfe_slice text = without_mark(json->text);
    cJSON *root = cJSON_ParseWithLength((const char *)text.bytes, text.size);

    demand(root != NULL || may_refuse(json), "cJSON accepts it as well");
    if (root != NULL && !may_refuse(json)) {
        bool is_container = sfe_json_kind(json, 0) >= SFE_JSON_ARRAY;
        demand((cJSON_IsArray(root) || cJSON_IsObject(root)) == is_container, "the same kind");
        demand((uint32_t)cJSON_GetArraySize(root) == sfe_json_length(json, 0), "the same length");
    }
    cJSON_Delete(root);
}

/* Where cJSON is laxer: numbers as strtod has them, any control byte as a blank or in a string,
 * \u without four digits, bytes that are not UTF-8, depth, and a second byte order mark. */
static bool may_accept(struct sfe_slice text, const struct sfe_error *err)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < ' ') {
            return true;
        }
    }
    return !sfe_utf8_valid(text) || strstr(err->message, "leading zero") != NULL ||
           strstr(err->message, "expected a digit") != NULL ||
           strstr(err->message, "escape") != NULL || strstr(err->message, "64 deep") != NULL;
}

static void check_refused(struct sfe_slice whole, const struct sfe_error *err)
{
    struct sfe_slice text = without_mark(whole);
    const char *end = NULL;

    if (text.size == 0 || text.bytes[0] == 0xEFu || may_accept(text, err)) {
        return;
    }
    cJSON *root = cJSON_ParseWithLengthOpts((const char *)text.bytes, text.size, &end, 0);
    if (root != NULL) {
        size_t taken = (size_t)(end - (const char *)text.bytes);
        while (taken < text.size && text.bytes[taken] == ' ') {
            taken++;
        }
        demand(taken < text.size, "cJSON refuses it as well");
    }
    cJSON_Delete(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_slice text = sfe_slice_make(data, size);
    struct sfe_json json;
    struct sfe_error err;
    unsigned lax = SFE_JSON_COMMENTS | SFE_JSON_UNIQUE_KEYS;

    if (sfe_json_parse(text, lax, tokens, TOKENS_MAX, &json, &err) != SFE_OK) {
        demand(err.line > 0 && err.column > 0, "an error has a place");
    }
    if (sfe_json_parse(text, 0, tokens, TOKENS_MAX, &json, &err) != SFE_OK) {
        demand(err.code == SFE_E_SYNTAX && err.line > 0 && err.column > 0, "an error has a place");
        check_refused(text, &err);
        return 0;
    }
    demand(sfe_utf8_valid(text), "what is accepted is UTF-8");
    demand(json.count > 0 && tokens[0].next == json.count, "one value only");
    for (uint32_t index = 0; index < json.count; index++) {
        check_token(&json, index);
    }
    (void)sfe_json_find(&json, 0, text);
    check_written(&json);
    check_accepted(&json);
    return 0;
}
