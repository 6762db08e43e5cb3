#include "config/keys.h"

#include "base/assert.h"

struct sfe_slice keys_word(const char *words, uint32_t index)
{
    struct sfe_slice rest = sfe_slice_text(words);

    while (rest.size != 0) {
        size_t size = 0;
        while (size < rest.size && rest.bytes[size] != '|') {
            size++;
        }
        if (index == 0) {
            return sfe_slice_part(rest, 0, size);
        }
        index--;
        rest = sfe_slice_part(rest, size + 1, rest.size);
    }
    return (struct sfe_slice){NULL, 0};
}

uint32_t keys_word_index(const char *words, struct sfe_slice word)
{
    struct sfe_slice candidate = keys_word(words, 0);

    for (uint32_t i = 0; candidate.size != 0; i++) {
        if (sfe_slice_equal(candidate, word)) {
            return i;
        }
        candidate = keys_word(words, i + 1);
    }
    return UINT32_MAX;
}

bool keys_fits(const struct config_key *key, struct sfe_slice type)
{
    return key->only == NULL || keys_word_index(key->only, type) != UINT32_MAX;
}

bool keys_is_later(const struct config_key *key)
{
    return key->later != NULL && strcmp(key->later, SFE_LATER) == 0;
}

bool keys_is_later_word(const struct config_key *key, struct sfe_slice word)
{
    return keys_is_later(key) || keys_word_index(key->later, word) != UINT32_MAX;
}

const struct config_key *keys_find(enum config_section section, struct sfe_slice key,
                                   struct sfe_slice type)
{
    const uint32_t count = keys_count();

    for (uint32_t i = 0; i < count; i++) {
        if (keys_row(i)->section == section &&
            sfe_slice_equal(sfe_slice_text(keys_row(i)->key), key) &&
            (type.size == 0 || keys_fits(keys_row(i), type))) {
            return keys_row(i);
        }
    }
    return NULL;
}

const struct config_key *keys_types(enum config_section section)
{
    const struct config_key *types = NULL;

    SFE_ASSERT(keys_form(section)->types != NULL);
    types = keys_find(section, sfe_slice_text(keys_form(section)->types), SFE_TEXT(""));
    SFE_ASSERT(types != NULL);
    return types;
}

bool keys_is_reachable(const struct config_key *row)
{
    struct sfe_slice type = keys_word(row->only, 0);

    if (keys_is_later(row)) {
        return false;
    }
    for (uint32_t i = 0; type.size != 0; i++) {
        if (!keys_is_later_word(keys_types(row->section), type)) {
            return true;
        }
        type = keys_word(row->only, i + 1);
    }
    return row->only == NULL;
}

bool keys_is_used(enum config_section section)
{
    const uint32_t count = keys_count();

    for (uint32_t i = 0; i < count; i++) {
        if (keys_row(i)->of == section && keys_is_reachable(keys_row(i))) {
            return true;
        }
    }
    return false; /* The root is the `of` of all rows that have none. */
}
