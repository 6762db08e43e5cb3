#include "config/merge.h"

#include "base/assert.h"

struct merge {
    const struct merge_file *files;
    uint32_t file_count;
    struct sfe_json_token *tokens;
    uint32_t count;
};

/* Copies the tokens from `first` up to `end`; whole values only. */
static void copy(struct merge *merge, uint32_t file, uint32_t first, uint32_t end)
{
    const struct merge_file *from = &merge->files[file];

    for (uint32_t i = first; i < end; i++) {
        struct sfe_json_token token = from->json.tokens[i];
        token.begin += from->begin;
        token.end += from->begin;
        token.next = token.next - i + merge->count;
        merge->tokens[merge->count++] = token;
    }
}

static bool is_object(const struct merge *merge, uint32_t file, uint32_t value)
{
    return sfe_json_kind(&merge->files[file].json, value) == SFE_JSON_OBJECT;
}

/* The first member of `file` with the same key as member `key` of `other`; SFE_JSON_NONE. */
static uint32_t find(const struct merge *merge, uint32_t file, uint32_t other, uint32_t key)
{
    const struct sfe_json *json = &merge->files[file].json;
    struct sfe_slice raw = sfe_json_raw(&merge->files[other].json, key);
    uint32_t child = sfe_json_first(json, 0);

    while (child != SFE_JSON_NONE && !sfe_slice_equal(sfe_json_raw(json, child), raw)) {
        child = sfe_json_next(json, 0, child);
    }
    return child;
}

/* True where an earlier file has the member as an object, which this one's went into. */
static bool is_merged(const struct merge *merge, uint32_t file, uint32_t key)
{
    for (uint32_t i = 0; i < file && is_object(merge, file, key + 1); i++) {
        uint32_t earlier = find(merge, i, file, key);
        if (earlier != SFE_JSON_NONE && is_object(merge, i, earlier + 1)) {
            return true;
        }
    }
    return false;
}

static void add_member(struct merge *merge, uint32_t file, uint32_t key)
{
    const struct sfe_json *json = &merge->files[file].json;
    uint32_t value = merge->count + 1;

    copy(merge, file, key, json->tokens[key + 1].next);
    if (!is_object(merge, file, key + 1)) {
        return;
    }
    for (uint32_t i = file + 1; i < merge->file_count; i++) {
        uint32_t later = find(merge, i, file, key);
        if (later != SFE_JSON_NONE && is_object(merge, i, later + 1)) {
            copy(merge, i, later + 2, merge->files[i].json.tokens[later + 1].next);
        }
    }
    merge->tokens[value].next = merge->count;
}

/* Each file may name its schema. */
static bool is_schema(const struct sfe_json *json, uint32_t key)
{
    return sfe_json_text_equal(json, key, SFE_TEXT("$schema"));
}

uint32_t merge_files(const struct merge_file *files, uint32_t count, struct sfe_json_token *tokens)
{
    struct merge merge = {files, count, tokens, 0};

    SFE_ASSERT(count != 0);
    copy(&merge, 0, 0, 1);
    for (uint32_t i = 0; i < count; i++) {
        const struct sfe_json *json = &files[i].json;
        uint32_t key = sfe_json_first(json, 0);
        SFE_ASSERT(sfe_json_kind(json, 0) == SFE_JSON_OBJECT);
        while (key != SFE_JSON_NONE) {
            if ((i == 0 || !is_schema(json, key)) && !is_merged(&merge, i, key)) {
                add_member(&merge, i, key);
            }
            key = sfe_json_next(json, 0, key);
        }
    }
    tokens[0].next = merge.count;
    return merge.count;
}
