#include "config/reference.h"

#include "base/assert.h"
#include "config/spelling.h"
#include "config/suggest.h"
#include "config/value.h"

#define LIST_BYTES_MAX 120u

/* The section that a name points into. */
struct target {
    const char *section;
    const char *noun;
    const char *implied; /* A name that exists undeclared, or NULL. */
};

static const struct target connections = {"connections", "connection", NULL};
static const struct target streams = {"streams", "stream", "dead"};

/* Index of the entry called `name`, UINT32_MAX without one; *entry is its value, or
 * SFE_JSON_NONE for the implied one. */
static uint32_t find_entry(const struct config_load *load, const struct target *target,
                           struct sfe_slice name, uint32_t *entry)
{
    uint32_t object;
    uint32_t key = load_named_first(load, target->section, &object);
    uint32_t index = 0;

    *entry = SFE_JSON_NONE;
    while (key != SFE_JSON_NONE) {
        if (sfe_json_text_equal(&load->json, key, name)) {
            *entry = key + 1;
            return index;
        }
        key = sfe_json_next(&load->json, object, key);
        index++;
    }
    if (target->implied != NULL && sfe_slice_equal(name, sfe_slice_text(target->implied))) {
        return index;
    }
    return UINT32_MAX;
}

static void name_mistake(struct config_load *load, const struct target *target, uint32_t token)
{
    char shown[SFE_CONFIG_SHOWN_BYTES];
    char list[LIST_BYTES_MAX];
    struct sfe_builder builder = sfe_builder_make(list, sizeof(list) - 1);
    struct suggest suggest = suggest_make(sfe_json_raw(&load->json, token));
    uint32_t object;
    uint32_t key = load_named_first(load, target->section, &object);
    const char *found = load_show(load, token, shown);

    for (; key != SFE_JSON_NONE; key = sfe_json_next(&load->json, object, key)) {
        struct sfe_slice name = sfe_json_raw(&load->json, key);
        if (spelling_is_name(name)) {
            suggest_offer(&suggest, name);
            sfe_builder_add_text(&builder, builder.size == 0 ? "" : ", ");
            sfe_builder_add(&builder, name);
        }
    }
    list[builder.size] = '\0';
    if (suggest.best.size != 0) {
        load_mistake(load, token, "no %s is called %s; did you mean \"%.*s\"? allowed: %s",
                     target->noun, found, (int)suggest.best.size, (const char *)suggest.best.bytes,
                     list);
    } else {
        load_mistake(load, token, "no %s is called %s; allowed: %s", target->noun, found,
                     builder.size == 0 ? "none is declared" : list);
    }
}

/* The index that `token` names, or UINT32_MAX and a mistake. */
static uint32_t read_name(struct config_load *load, const struct config_key *row,
                          const struct target *target, uint32_t token, uint32_t *entry)
{
    uint32_t index = UINT32_MAX;

    if (sfe_json_kind(&load->json, token) != SFE_JSON_STRING) {
        value_mistake(load, row, token, NULL);
        return UINT32_MAX;
    }
    index = find_entry(load, target, load_text(load, token), entry);
    if (index == UINT32_MAX) {
        name_mistake(load, target, token);
    }
    return index;
}

void reference_read_connection(struct config_load *load, const struct config_key *row,
                               uint32_t token, void *base)
{
    char shown[SFE_CONFIG_SHOWN_BYTES];
    char type_shown[SFE_CONFIG_SHOWN_BYTES];
    uint32_t entry = SFE_JSON_NONE;
    uint32_t index = read_name(load, row, &connections, token, &entry);
    uint32_t type;

    if (index == UINT32_MAX) {
        return;
    }
    type = load_member(load, entry, "type");
    if (type != SFE_JSON_NONE && sfe_json_kind(&load->json, type) == SFE_JSON_STRING &&
        !sfe_json_text_equal(&load->json, type, sfe_slice_text(row->allowed))) {
        load_mistake(load, token, "connection %s is of type %s; allowed: one of type \"%s\"",
                     load_show(load, token, shown), load_show(load, type, type_shown),
                     row->allowed);
        return;
    }
    value_store_number(row, base, index);
}

void reference_read_stream(struct config_load *load, const struct config_key *row, uint32_t token,
                           void *base)
{
    uint32_t entry;
    uint32_t index = read_name(load, row, &streams, token, &entry);

    /* Where it names none, and need not, it is as if it were left out. */
    if (index != UINT32_MAX || !row->required) {
        value_store_number(row, base, index);
    }
}

static void store_count(const struct config_key *row, void *base, uint32_t count)
{
    SFE_ASSERT(row->count_offset != 0);
    memcpy((uint8_t *)base + row->count_offset, &count, sizeof(count));
}

static bool holds(const uint32_t *indexes, uint32_t count, uint32_t index)
{
    for (uint32_t i = 0; i < count; i++) {
        if (indexes[i] == index) {
            return true;
        }
    }
    return false;
}

void reference_read_streams(struct config_load *load, const struct config_key *row, uint32_t token,
                            void *base)
{
    char shown[SFE_CONFIG_SHOWN_BYTES];
    bool is_list = sfe_json_kind(&load->json, token) == SFE_JSON_ARRAY;
    uint32_t item = is_list ? sfe_json_first(&load->json, token) : token;
    uint32_t *indexes = (uint32_t *)load_take(load, (size_t)row->max * sizeof(uint32_t));
    uint32_t count = 0;
    uint32_t entry;

    if (item == SFE_JSON_NONE) {
        value_mistake(load, row, token, "empty");
    }
    while (item != SFE_JSON_NONE && indexes != NULL) {
        uint32_t index = read_name(load, row, &streams, item, &entry);
        if (index != UINT32_MAX && holds(indexes, count, index)) {
            load_mistake(load, item, "stream %s stands twice in this list; allowed: each once",
                         load_show(load, item, shown));
        } else if (index != UINT32_MAX && count < row->max) {
            indexes[count++] =
                index; /* More streams than there may be are a mistake of their own. */
        }
        item = is_list ? sfe_json_next(&load->json, token, item) : SFE_JSON_NONE;
    }
    value_store_pointer(row, base, indexes);
    store_count(row, base, count);
}

static bool is_list_for(const struct config_load *load, const struct config_key *row,
                        uint32_t token)
{
    const uint32_t length = sfe_json_length(&load->json, token);

    return sfe_json_kind(&load->json, token) == SFE_JSON_ARRAY && length >= row->min &&
           length <= row->max;
}

void reference_read_texts(struct config_load *load, const struct config_key *row, uint32_t token,
                          void *base)
{
    const char **texts = NULL;
    uint32_t count = 0;
    uint32_t item;

    if (!is_list_for(load, row, token)) {
        value_mistake(load, row, token, NULL);
        return;
    }
    texts = (const char **)load_take(load, (size_t)row->max * sizeof(*texts));
    item = sfe_json_first(&load->json, token);
    while (item != SFE_JSON_NONE && texts != NULL) {
        struct sfe_slice text = {NULL, 0};
        if (sfe_json_kind(&load->json, item) == SFE_JSON_STRING) {
            text = load_text(load, item);
        }
        if (text.size == 0 || spelling_has_control(text) ||
            (row->kind == SFE_KEY_HOSTS && !spelling_is_host_pattern(text))) {
            value_mistake(load, row, item, NULL);
        } else {
            texts[count++] = row->kind == SFE_KEY_FILES
                                 ? value_path(load, load_place_file(load, item), text)
                                 : load_keep(load, text);
        }
        item = sfe_json_next(&load->json, token, item);
    }
    value_store_pointer(row, base, texts);
    store_count(row, base, count);
}
