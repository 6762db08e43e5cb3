#include "cli/redact.h"

#include "base/arena.h"
#include "base/json_reader.h"
#include "base/limits.h"

#define REMOVED "removed"

/* Texts below these members, at any depth. */
static const char *const wholly_removed[] = {"headers", "body"};
static const char *const removed[] = {"payload", "username", "client_id"};
/* In the names of members, unless they end as below. */
static const char *const secret_words[] = {"password", "secret", "token", "bearer", "hmac", "key"};
/* Members that say where a secret is, or how its header is called. */
static const char *const places[] = {"_file", "_files", "_header", "_window"};

struct redaction {
    struct sfe_json json;
    const uint8_t *is_key; /* For each token. */
    struct sfe_slice name; /* Of the member that is looked at, its elements included. */
    size_t removed_until;  /* The texts before this offset are below one of wholly_removed. */
};

static bool ends_with(struct sfe_slice text, const char *end)
{
    const struct sfe_slice last = sfe_slice_text(end);

    return text.size >= last.size &&
           sfe_slice_equal(sfe_slice_part(text, text.size - last.size, last.size), last);
}

static bool contains(struct sfe_slice text, const char *word)
{
    const struct sfe_slice part = sfe_slice_text(word);

    for (size_t i = 0; i + part.size <= text.size; i++) {
        if (sfe_slice_equal(sfe_slice_part(text, i, part.size), part)) {
            return true;
        }
    }
    return false;
}

static bool is_one_of(struct sfe_slice name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sfe_slice_equal(name, sfe_slice_text(names[i]))) {
            return true;
        }
    }
    return false;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* "env:NAME" and "credential:NAME" tell nothing, and a JSON pointer is none. */
static bool is_place(struct sfe_slice value)
{
    return sfe_slice_equal(sfe_slice_part(value, 0, 4), SFE_TEXT("env:")) ||
           sfe_slice_equal(sfe_slice_part(value, 0, 11), SFE_TEXT("credential:")) ||
           (value.size != 0 && (value.bytes[0] == '/' || value.bytes[0] == '{'));
}

static bool is_secret(const struct redaction *self, struct sfe_slice value)
{
    if (is_one_of(self->name, removed, COUNT(removed))) {
        return true;
    }
    for (size_t i = 0; i < COUNT(places); i++) {
        if (ends_with(self->name, places[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < COUNT(secret_words); i++) {
        if (contains(self->name, secret_words[i])) {
            return !is_place(value);
        }
    }
    return false;
}

static size_t find_byte(struct sfe_slice text, size_t from, const char *bytes)
{
    while (from < text.size && (text.bytes[from] == 0 || strchr(bytes, text.bytes[from]) == NULL)) {
        from++;
    }
    return from;
}

/* A text that is no secret; of an address without what may be one. */
static void add_shown(struct sfe_slice value, struct sfe_builder *out)
{
    size_t host = 0;

    while (host + 3u <= value.size &&
           !sfe_slice_equal(sfe_slice_part(value, host, 3), SFE_TEXT("://"))) {
        host++;
    }
    if (host + 3u > value.size) {
        sfe_builder_add(out, value);
        return;
    }
    host += 3u;
    const size_t host_end = find_byte(value, host, "/?#");
    const size_t user_end = find_byte(sfe_slice_part(value, 0, host_end), host, "@");
    const size_t query = find_byte(value, host, "?#");
    sfe_builder_add(out, sfe_slice_part(value, 0, host));
    if (user_end < host_end) {
        sfe_builder_add_text(out, REMOVED);
        host = user_end;
    }
    sfe_builder_add(out, sfe_slice_part(value, host, query - host));
    if (query < value.size) {
        sfe_builder_add_text(out, "?" REMOVED);
    }
}

/* `index`: a key, whose value is the next. */
static void note_key(struct redaction *self, uint32_t index)
{
    self->name = sfe_json_raw(&self->json, index);
    if (is_one_of(self->name, wholly_removed, COUNT(wholly_removed)) &&
        self->json.tokens[index + 1u].end > self->removed_until) {
        self->removed_until = self->json.tokens[index + 1u].end;
    }
}

static void add_all(struct redaction *self, struct sfe_builder *out)
{
    const struct sfe_slice text = self->json.text;
    size_t shown = 0;

    for (uint32_t i = 0; i < self->json.count; i++) {
        const struct sfe_json_token *token = &self->json.tokens[i];
        if (self->is_key[i] != 0) {
            note_key(self, i);
            continue;
        }
        if (sfe_json_kind(&self->json, i) != SFE_JSON_STRING) {
            continue;
        }
        const struct sfe_slice value = sfe_json_raw(&self->json, i);
        sfe_builder_add(out, sfe_slice_part(text, shown, token->begin - shown));
        if (token->begin < self->removed_until || is_secret(self, value) ||
            (token->escaped != 0 && contains(value, "@"))) { /* An address in disguise. */
            sfe_builder_add_text(out, REMOVED);
        } else {
            add_shown(value, out);
        }
        shown = token->end;
    }
    sfe_builder_add(out, sfe_slice_part(text, shown, text.size));
}

enum sfe_code redact_add(struct sfe_slice text, struct sfe_arena *arena, struct sfe_builder *out,
                         struct sfe_error *err)
{
    struct redaction self = {.removed_until = 0};
    struct sfe_json_token *tokens =
        sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*tokens), err);
    uint8_t *is_key = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX, err);

    if (tokens == NULL || is_key == NULL) {
        return err->code;
    }
    memset(is_key, 0, SFE_JSON_TOKENS_MAX);
    if (sfe_json_parse(text, SFE_JSON_COMMENTS, tokens, SFE_JSON_TOKENS_MAX, &self.json, err) !=
        SFE_OK) {
        return err->code;
    }
    for (uint32_t i = 0; i < self.json.count; i++) {
        uint32_t key = sfe_json_kind(&self.json, i) == SFE_JSON_OBJECT
                           ? sfe_json_first(&self.json, i)
                           : SFE_JSON_NONE;
        while (key != SFE_JSON_NONE) {
            is_key[key] = 1;
            key = sfe_json_next(&self.json, i, key);
        }
    }
    self.is_key = is_key;
    add_all(&self, out);
    return SFE_OK;
}
