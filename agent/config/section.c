#include "config/section.h"

#include "base/assert.h"
#include "config/rules.h"
#include "config/spelling.h"
#include "config/suggest.h"
#include "config/tree.h"
#include "config/value.h"

#define ROWS_MAX       320u
#define KEYS_BYTES_MAX 128u

static const char dead_name[] = "dead";

/* The type of an entry, and whether its values can be read. */
struct entry_type {
    struct sfe_slice text; /* Empty: missing, or none that exists. */
    bool is_later;         /* It exists, and is not available in this version. */
};

/* All jobs there can be at once: every entry of the root, then one output's records, one record's
 * fields, and one field's cases. */
_Static_assert(SFE_CONFIG_JOBS_MAX >= 1u + SFE_CONNECTIONS_MAX + SFE_STREAMS_MAX + SFE_INPUTS_MAX +
                                          SFE_OUTPUTS_MAX + SFE_RECORDS_PER_OUTPUT_MAX +
                                          SFE_FIELDS_PER_RECORD_MAX + SFE_HTTP_HEADERS_MAX +
                                          SFE_CASES_MAX + 8u,
               "a job more than there is room for");

void section_add_job(struct config_load *load, enum config_section section, uint32_t token,
                     void *base)
{
    SFE_ASSERT(load->job_count < SFE_CONFIG_JOBS_MAX);
    SFE_ASSERT(base != NULL);
    load->jobs[load->job_count++] = (struct config_job){section, token, base};
}

static struct entry_type read_type(struct config_load *load, const struct config_job *job)
{
    struct entry_type type = {{NULL, 0}, false};
    const struct config_key *row = keys_types(job->section);
    uint32_t token = load_member(load, job->token, row->key);

    if (token == SFE_JSON_NONE) {
        type.text = sfe_slice_text(row->fallback);
        return type;
    }
    if (sfe_json_kind(&load->json, token) != SFE_JSON_STRING) {
        return type;
    }
    type.text = load_text(load, token);
    if (keys_word_index(row->allowed, type.text) == UINT32_MAX) {
        type.text = (struct sfe_slice){NULL, 0};
    } else {
        type.is_later = keys_is_later_word(row, type.text);
    }
    return type;
}

/* True where a row of the section may be named to the reader of a mistake. */
static bool is_offered(const struct config_key *row, enum config_section section,
                       const struct entry_type *type)
{
    return row->section == section && !keys_is_later(row) &&
           (type->text.size == 0 ? row->only == NULL : keys_fits(row, type->text));
}

static void unknown_key(struct config_load *load, const struct config_job *job, uint32_t key,
                        const struct entry_type *type)
{
    char shown[SFE_CONFIG_SHOWN_BYTES];
    char list[KEYS_BYTES_MAX];
    struct sfe_builder names = sfe_builder_make(list, sizeof(list) - 1);
    struct sfe_slice text = sfe_json_raw(&load->json, key);
    const struct config_key *other = keys_find(job->section, text, SFE_TEXT(""));
    struct suggest suggest = suggest_make(text);
    const uint32_t count = keys_count();

    if (load->mistake_count == SFE_CONFIG_MISTAKES_MAX) {
        load_mistake(load, key, "unknown key %s", load_show(load, key, shown));
        return; /* Enough was said: the search for names costs too much for a file of rubbish. */
    }
    if (other != NULL) {
        const char *types = keys_form(job->section)->types;
        load_mistake(load, key, "unknown key %s for %s \"%.*s\"; it goes with %s \"%s\"",
                     load_show(load, key, shown), types, (int)type->text.size,
                     (const char *)type->text.bytes, types, other->only);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (is_offered(keys_row(i), job->section, type)) {
            suggest_offer(&suggest, sfe_slice_text(keys_row(i)->key));
            sfe_builder_format(&names, "%s%s", names.size == 0 ? "" : ", ", keys_row(i)->key);
        }
    }
    list[names.size] = '\0';
    if (suggest.best.size != 0) {
        load_mistake(load, key, "unknown key %s; did you mean \"%.*s\"? allowed: %s%s",
                     load_show(load, key, shown), (int)suggest.best.size,
                     (const char *)suggest.best.bytes, list, names.overflowed ? ", …" : "");
    } else {
        load_mistake(load, key, "unknown key %s; allowed: %s%s", load_show(load, key, shown), list,
                     names.overflowed ? ", …" : "");
    }
}

/* The member of `object` before `key` that has the key `text`; SFE_JSON_NONE. */
static uint32_t find_before(const struct config_load *load, uint32_t object, uint32_t key,
                            struct sfe_slice text)
{
    uint32_t other = sfe_json_first(&load->json, object);

    while (other < key) {
        if (sfe_json_text_equal(&load->json, other, text)) {
            return other;
        }
        other = sfe_json_next(&load->json, object, other);
    }
    return SFE_JSON_NONE;
}

/* `other` is the first one of that name. */
static void duplicate_key(struct config_load *load, uint32_t key, uint32_t other)
{
    char shown[SFE_CONFIG_SHOWN_BYTES];
    const char *file = load_place_file(load, other);

    if (file == load_place_file(load, key)) {
        load_mistake(load, key, "key %s stands twice in this object; allowed: once",
                     load_show(load, key, shown));
    } else {
        load_mistake(load, key, "key %s stands in %s too; allowed: in one file",
                     load_show(load, key, shown), file);
    }
}

/* Checks kind and number of entries; makes their array and stores it. NULL: a mistake, or a
 * failure. */
static void *make_entries(struct config_load *load, const struct config_key *row, uint32_t token,
                          void *base)
{
    enum sfe_json_kind wanted = row->kind == SFE_KEY_LIST ? SFE_JSON_ARRAY : SFE_JSON_OBJECT;
    uint32_t count = 0;
    void *entries;

    if (sfe_json_kind(&load->json, token) != wanted) {
        value_mistake(load, row, token, NULL);
        return NULL;
    }
    count = sfe_json_length(&load->json, token);
    if (count < row->min || count > row->max) {
        value_mistake(load, row, token, count == 0 ? "empty" : "too many entries");
        return NULL;
    }
    entries = load_take(load, count * keys_form(row->of)->size);
    if (entries != NULL) {
        value_store_pointer(row, base, entries);
        memcpy((uint8_t *)base + row->count_offset, &count, sizeof(count));
    }
    return entries;
}

static void store_place(struct config_load *load, const struct config_key *row, void *entry,
                        uint32_t token)
{
    struct sfe_config_place place = load_place(load, token);

    memcpy((uint8_t *)entry + keys_form(row->of)->place_offset, &place, sizeof(place));
}

/* One field of `map` in its short form, or a job for the long one. */
static void read_field(struct config_load *load, const struct config_key *row, uint32_t value,
                       struct sfe_config_field *field)
{
    static const char allowed[] = "text, a number, true, false, null or an object";
    char shown[SFE_CONFIG_SHOWN_BYTES];

    switch (sfe_json_kind(&load->json, value)) {
    case SFE_JSON_STRING:
        value_read(load, keys_find(row->of, SFE_TEXT("from"), SFE_TEXT("")), value, field);
        break;
    case SFE_JSON_OBJECT:
        field->is_object = true;
        section_add_job(load, row->of, value, field);
        break;
    case SFE_JSON_ARRAY:
        load_mistake(load, value, "found %s; allowed: %s", load_show(load, value, shown), allowed);
        break;
    case SFE_JSON_NULL:
    case SFE_JSON_FALSE:
    case SFE_JSON_TRUE:
    case SFE_JSON_NUMBER:
    default:
        field->constant = value_keep_json(load, value);
        break;
    }
}

static void check_name(struct config_load *load, const struct config_key *row, uint32_t object,
                       uint32_t key, struct sfe_slice name)
{
    bool is_field = row->kind == SFE_KEY_MAP;
    uint32_t other = find_before(load, object, key, name);
    char shown[SFE_CONFIG_SHOWN_BYTES];

    if (is_field ? !spelling_is_identifier(name, 1) : !spelling_is_name(name)) {
        load_mistake(load, key, "the name %s is not valid; allowed: %s",
                     load_show(load, key, shown),
                     is_field ? "a field such as \"Value__c\" or \"Parent__r.Id__c\""
                              : "1 to 32 bytes of a-z, 0-9, _ and -");
    } else if (other != SFE_JSON_NONE) {
        duplicate_key(load, key, other);
    }
}

static void read_members(struct config_load *load, const struct config_key *row, uint32_t token,
                         void *base)
{
    uint8_t *entry = (uint8_t *)make_entries(load, row, token, base);
    uint32_t key = entry == NULL ? SFE_JSON_NONE : sfe_json_first(&load->json, token);

    while (key != SFE_JSON_NONE && load->failure == SFE_OK) {
        struct sfe_slice name = load_text(load, key);
        const char *kept = load_keep(load, name);

        check_name(load, row, token, key, name);
        memcpy(entry, &kept, sizeof(kept));
        store_place(load, row, entry, key);
        if (row->kind == SFE_KEY_MAP) {
            read_field(load, row, key + 1, (struct sfe_config_field *)(void *)entry);
        } else {
            section_add_job(load, row->of, key + 1, entry);
        }
        entry += keys_form(row->of)->size;
        key = sfe_json_next(&load->json, token, key);
    }
}

static void read_list(struct config_load *load, const struct config_key *row, uint32_t token,
                      void *base)
{
    uint8_t *entry = (uint8_t *)make_entries(load, row, token, base);
    uint32_t item = entry == NULL ? SFE_JSON_NONE : sfe_json_first(&load->json, token);

    while (item != SFE_JSON_NONE && load->failure == SFE_OK) {
        store_place(load, row, entry, item);
        section_add_job(load, row->of, item, entry);
        entry += keys_form(row->of)->size;
        item = sfe_json_next(&load->json, token, item);
    }
}

/* A value in or beside a case: in the case's own structure, or in one that is pointed to. */
static void read_case_value(struct config_load *load, const struct config_key *row, uint32_t token,
                            void *base)
{
    struct sfe_config_field *field = base;

    if (row->size != 0) {
        field = load_take(load, sizeof(*field));
        if (field == NULL) {
            return;
        }
        field->place = load_place(load, token);
        value_store_pointer(row, base, field);
    }
    read_field(load, row, token, field);
}

static void read_value(struct config_load *load, const struct config_key *row, uint32_t token,
                       void *base)
{
    switch (row->kind) {
    case SFE_KEY_SECTION:
        section_add_job(load, row->of, token, base);
        break;
    case SFE_KEY_NAMED:
    case SFE_KEY_MAP:
        read_members(load, row, token, base);
        break;
    case SFE_KEY_LIST:
        read_list(load, row, token, base);
        break;
    case SFE_KEY_TREE:
        tree_read(load, row, token, base);
        break;
    case SFE_KEY_VALUE:
        read_case_value(load, row, token, base);
        break;
    default:
        value_read(load, row, token, base);
        break;
    }
}

/* Reads one member; `seen` has a byte for each row of the table. */
static void read_key(struct config_load *load, const struct config_job *job, uint32_t key,
                     const struct entry_type *type, uint8_t seen[ROWS_MAX])
{
    struct sfe_slice text = load_text(load, key);
    const struct config_key *row = keys_find(job->section, text, type->text);
    const char *types = keys_form(job->section)->types;

    if (row == NULL) {
        unknown_key(load, job, key, type);
        return;
    }
    if (seen[keys_number(row)] != 0) {
        duplicate_key(load, key, find_before(load, job->token, key, text));
        return;
    }
    seen[keys_number(row)] = 1;
    if (type->is_later && strcmp(row->key, types) != 0) {
        return; /* The type is the mistake, not what goes with it. */
    }
    if (keys_is_later(row)) {
        load_mistake(load, key, "\"%s\" is not available in this version", row->key);
    } else if (types == NULL || row->only == NULL || type->text.size != 0) {
        read_value(load, row, key + 1, job->base);
    }
}

static void missing_key(struct config_load *load, const struct config_job *job,
                        const struct config_key *row)
{
    char allowed[KEYS_BYTES_MAX];
    struct sfe_builder builder = sfe_builder_make(allowed, sizeof(allowed) - 1);

    keys_add_allowed(row, &builder);
    allowed[builder.size] = '\0';
    load_mistake(load, job->token, "key \"%s\" is missing; allowed: %s", row->key, allowed);
}

static void fill_missing(struct config_load *load, const struct config_job *job,
                         const struct entry_type *type, const uint8_t seen[ROWS_MAX])
{
    bool is_typed = keys_form(job->section)->types != NULL;
    const uint32_t count = keys_count();

    for (uint32_t i = 0; i < count; i++) {
        bool fits = keys_row(i)->section == job->section &&
                    (!is_typed || keys_fits(keys_row(i), type->text));
        if (!fits || seen[i] != 0) {
            continue;
        }
        if (keys_row(i)->required && !type->is_later) {
            missing_key(load, job, keys_row(i));
        }
        value_default(load, keys_row(i), job->base);
    }
}

static void read_section(struct config_load *load, const struct config_job *job)
{
    const struct config_section_form *form = keys_form(job->section);
    struct entry_type type = {{NULL, 0}, false};
    uint8_t seen[ROWS_MAX] = {0};
    char shown[SFE_CONFIG_SHOWN_BYTES];
    uint32_t key;

    if (sfe_json_kind(&load->json, job->token) != SFE_JSON_OBJECT) {
        load_mistake(load, job->token, "found %s; allowed: an object",
                     load_show(load, job->token, shown));
        return;
    }
    load->readings[job->token] = (struct config_reading){job->base, (uint8_t)job->section};
    if (form->types != NULL) {
        type = read_type(load, job);
    }
    key = sfe_json_first(&load->json, job->token);
    while (key != SFE_JSON_NONE && load->failure == SFE_OK) {
        read_key(load, job, key, &type, seen);
        key = sfe_json_next(&load->json, job->token, key);
    }
    fill_missing(load, job, &type, seen);
    if (!type.is_later) {
        rules_check(load, job->section, job->token, type.text);
    }
}

void section_read_all(struct config_load *load)
{
    /* Of a section that is not there nothing is filled in; this one counts all the same. */
    for (uint32_t i = 0; i < keys_count(); i++) {
        if (keys_row(i)->section == SFE_SECTION_WATCH && keys_row(i)->fallback != NULL) {
            value_default(load, keys_row(i), load->config);
        }
    }
    section_add_job(load, SFE_SECTION_ROOT, 0, load->config);
    while (load->job_count != 0 && load->failure == SFE_OK) {
        struct config_job job = load->jobs[--load->job_count];
        read_section(load, &job);
    }
}

void section_add_dead_stream(struct config_load *load)
{
    struct sfe_config *config = load->config;
    struct config_key quota = *keys_find(SFE_SECTION_STREAM, SFE_TEXT("quota"), SFE_TEXT(""));
    struct config_job job = {SFE_SECTION_STREAM, 0, NULL};
    struct entry_type no_type = {{NULL, 0}, false};
    static const uint8_t seen[ROWS_MAX] = {0};
    struct sfe_config_stream *streams;
    uint32_t object;

    for (uint32_t i = 0; i < config->stream_count; i++) {
        if (config->streams[i].name != NULL && strcmp(config->streams[i].name, dead_name) == 0) {
            config->dead_stream = i;
            return;
        }
    }
    if (config->stream_count == SFE_STREAMS_MAX) {
        (void)load_named_first(load, "streams", &object);
        load_mistake(load, object,
                     "found %u streams and none called \"dead\"; allowed: %u beside it",
                     SFE_STREAMS_MAX, SFE_STREAMS_MAX - 1u);
        return;
    }
    streams =
        (struct sfe_config_stream *)load_take(load, (config->stream_count + 1) * sizeof(*streams));
    if (streams == NULL) {
        return;
    }
    if (config->stream_count != 0) {
        memcpy(streams, config->streams, config->stream_count * sizeof(*streams));
    }
    job.base = &streams[config->stream_count];
    fill_missing(load, &job, &no_type, seen);
    quota.fallback = SFE_CONFIG_DEAD_QUOTA;
    value_default(load, &quota, job.base);
    streams[config->stream_count].name = dead_name;
    streams[config->stream_count].place = (struct sfe_config_place){"/streams/dead", 0, 0, NULL};
    config->streams = streams;
    config->dead_stream = config->stream_count++;
}
