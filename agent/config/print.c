#include "config/print.h"

#include "base/assert.h"
#include "base/json_writer.h"

/* An object or array that is open. */
struct level {
    uint32_t token; /* SFE_JSON_NONE: one that the files do not have. */
    bool is_object;
    bool has_members;
    const char *const *paths; /* Of a list of paths: those still to come; NULL: another list. */
};

struct print {
    struct config_load *load;
    struct sfe_builder *out;
    struct level levels[SFE_JSON_DEPTH_MAX + 2];
    uint32_t depth;
    bool is_marked; /* The last line is a default, and its comma is not written yet. */
};

static void end_line(struct print *print, bool has_more)
{
    sfe_builder_add_text(print->out, has_more ? "," : "");
    sfe_builder_add_text(print->out, print->is_marked ? " // default\n" : "\n");
    print->is_marked = false;
    for (uint32_t i = 0; i < print->depth; i++) {
        sfe_builder_add_text(print->out, "  ");
    }
}

/* Begins the next member or element of the innermost level. */
static void begin_item(struct print *print)
{
    struct level *level = &print->levels[print->depth - 1];

    end_line(print, level->has_members);
    level->has_members = true;
}

static void open_level(struct print *print, uint32_t token, bool is_object)
{
    SFE_ASSERT(print->depth < sizeof(print->levels) / sizeof(print->levels[0]));
    sfe_builder_add_text(print->out, is_object ? "{" : "[");
    print->levels[print->depth++] = (struct level){token, is_object, false, NULL};
}

static void close_level(struct print *print)
{
    struct level level = print->levels[--print->depth];

    if (level.has_members) {
        end_line(print, false);
    }
    sfe_builder_add_text(print->out, level.is_object ? "}" : "]");
}

static void add_key(struct print *print, const char *key)
{
    begin_item(print);
    sfe_builder_format(print->out, "\"%s\": ", key);
}

static void add_default(struct print *print, const struct config_key *row, struct sfe_slice text)
{
    struct sfe_json_writer writer = sfe_json_writer_make(print->out);

    add_key(print, row->key);
    if (row->kind == SFE_KEY_FLAG || row->kind == SFE_KEY_WHOLE) {
        sfe_builder_add(print->out, text);
    } else {
        sfe_json_put_text(&writer, NULL, text);
    }
    print->is_marked = true;
}

/* A default that the file's own words leave no room for (check.c). */
static bool is_moot(const struct config_load *load, const struct config_key *row, uint32_t object)
{
    const struct sfe_config_field *field;

    if (row->section != SFE_SECTION_FIELD) {
        return false;
    }
    field = (const struct sfe_config_field *)load->readings[object].base;
    return field->constant != NULL ||
           (strcmp(row->key, "unit") == 0 && field->type != SFE_TYPE_DATE &&
            field->type != SFE_TYPE_DATETIME);
}

/* The text that a key without a default of its own was filled with; NULL: none. */
static const char *filled_text(const struct config_key *row, const void *base)
{
    const char *text = NULL;

    if ((row->kind == SFE_KEY_TEXT || row->kind == SFE_KEY_HTTP_URL) && row->size == sizeof(text)) {
        memcpy(&text, (const uint8_t *)base + row->offset, sizeof(text));
    }
    return text;
}

/* The entry's type, as the walk read it. */
static struct sfe_slice type_of(struct config_load *load, enum config_section section,
                                uint32_t object)
{
    const struct config_key *types;
    uint32_t token;

    if (keys_form(section)->types == NULL) {
        return SFE_TEXT("");
    }
    types = keys_types(section);
    token = load_member(load, object, types->key);
    return token == SFE_JSON_NONE ? sfe_slice_text(types->fallback) : load_text(load, token);
}

static void add_missing(struct print *print, uint32_t object)
{
    const struct config_reading *reading = &print->load->readings[object];
    enum config_section section = (enum config_section)reading->section;
    struct sfe_slice type = type_of(print->load, section, object);
    const uint32_t count = keys_count();

    for (uint32_t i = 0; i < count; i++) {
        const char *text = keys_row(i)->fallback;
        bool is_ours = keys_row(i)->section == section && keys_fits(keys_row(i), type) &&
                       !keys_is_later(keys_row(i)) &&
                       load_member(print->load, object, keys_row(i)->key) == SFE_JSON_NONE;
        if (!is_ours || is_moot(print->load, keys_row(i), object)) {
            continue;
        }
        if (text == NULL) {
            text = filled_text(keys_row(i), reading->base);
        }
        if (text != NULL) {
            add_default(print, keys_row(i), sfe_slice_text(text));
        }
    }
}

/* The stream of dead letters, which nobody has to declare. */
static void add_dead_stream(struct print *print)
{
    static const char dead[] = "dead";
    const uint32_t count = keys_count();

    add_key(print, dead);
    open_level(print, SFE_JSON_NONE, true);
    for (uint32_t i = 0; i < count; i++) {
        if (keys_row(i)->section == SFE_SECTION_STREAM && keys_row(i)->fallback != NULL &&
            !keys_is_later(keys_row(i))) {
            bool is_quota = strcmp(keys_row(i)->key, "quota") == 0;
            add_default(print, keys_row(i),
                        sfe_slice_text(is_quota ? SFE_CONFIG_DEAD_QUOTA : keys_row(i)->fallback));
        }
    }
    close_level(print);
}

/* What counts where nobody wrote the section. */
static void add_watch(struct print *print)
{
    add_key(print, "watch");
    open_level(print, SFE_JSON_NONE, true);
    for (uint32_t i = 0; i < keys_count(); i++) {
        if (keys_row(i)->section == SFE_SECTION_WATCH && keys_row(i)->fallback != NULL) {
            add_default(print, keys_row(i), sfe_slice_text(keys_row(i)->fallback));
        }
    }
    close_level(print);
}

/* What belongs at the end of an object before it is closed. */
static void finish_object(struct print *print, uint32_t object)
{
    uint32_t streams = load_member(print->load, 0, "streams");

    if (object == streams && load_member(print->load, object, "dead") == SFE_JSON_NONE) {
        add_dead_stream(print);
    }
    if (object == 0 && streams == SFE_JSON_NONE) {
        add_key(print, "streams");
        open_level(print, SFE_JSON_NONE, true);
        add_dead_stream(print);
        close_level(print);
    }
    if (object == 0 && load_member(print->load, object, "watch") == SFE_JSON_NONE) {
        add_watch(print);
    }
    if (print->load->readings[object].base != NULL) {
        add_missing(print, object);
    }
}

/* The row that `key` of `object` was read by; NULL: none, the object is no section. */
static const struct config_key *row_of(const struct print *print, uint32_t object, uint32_t key)
{
    const struct config_reading *reading = &print->load->readings[object];
    enum config_section section = (enum config_section)reading->section;

    return reading->base == NULL ? NULL
                                 : keys_find(section, sfe_json_raw(&print->load->json, key),
                                             type_of(print->load, section, object));
}

static void add_scalar(struct print *print, uint32_t token)
{
    struct sfe_slice raw = sfe_json_raw(&print->load->json, token);

    if (sfe_json_kind(&print->load->json, token) == SFE_JSON_STRING) {
        raw = sfe_slice_make(raw.bytes - 1, raw.size + 2);
    }
    sfe_builder_add(print->out, raw);
}

static void add_text(struct print *print, const char *text)
{
    struct sfe_json_writer writer = sfe_json_writer_make(print->out);

    sfe_json_put_text(&writer, NULL, sfe_slice_text(text));
}

/* A path, as it was understood. */
static void add_path(struct print *print, const struct config_key *row, uint32_t object)
{
    const char *path = NULL;

    memcpy(&path, (const uint8_t *)print->load->readings[object].base + row->offset, sizeof(path));
    add_text(print, path);
}

/* Writes a member with its value, or with what begins it. */
static void add_member(struct print *print, uint32_t object, uint32_t key)
{
    const struct config_key *row = row_of(print, object, key);
    enum sfe_json_kind kind = sfe_json_kind(&print->load->json, key + 1);

    begin_item(print);
    add_scalar(print, key);
    sfe_builder_add_text(print->out, ": ");
    if (kind == SFE_JSON_OBJECT || kind == SFE_JSON_ARRAY) {
        open_level(print, key + 1, kind == SFE_JSON_OBJECT);
        if (row != NULL && row->kind == SFE_KEY_FILES) {
            memcpy(&print->levels[print->depth - 1].paths,
                   (const uint8_t *)print->load->readings[object].base + row->offset,
                   sizeof(print->levels[0].paths));
        }
        return;
    }
    if (row != NULL && row->kind == SFE_KEY_FILE && row->size != 0) {
        add_path(print, row, object);
    } else {
        add_scalar(print, key + 1);
    }
}

/* Closes the levels that end before `token`. */
static void close_ended(struct print *print, uint32_t token)
{
    const struct sfe_json *json = &print->load->json;

    while (print->depth > 0 && json->tokens[print->levels[print->depth - 1].token].next <= token) {
        const struct level *level = &print->levels[print->depth - 1];
        if (level->is_object) {
            finish_object(print, level->token);
        }
        close_level(print);
    }
}

enum sfe_code print_effective(struct config_load *load, struct sfe_builder *out,
                              struct sfe_error *err)
{
    struct print print = {.load = load, .out = out};
    const struct sfe_json *json = &load->json;
    uint32_t token = 1;

    open_level(&print, 0, true);
    while (token < json->count) {
        close_ended(&print, token);
        struct level *level = &print.levels[print.depth - 1];
        enum sfe_json_kind kind = sfe_json_kind(json, token);
        if (level->is_object) {
            add_member(&print, level->token, token);
            token += 2;
            continue;
        }
        begin_item(&print);
        if (kind == SFE_JSON_OBJECT || kind == SFE_JSON_ARRAY) {
            open_level(&print, token, kind == SFE_JSON_OBJECT);
        } else if (level->paths != NULL) {
            add_text(&print, *level->paths++);
        } else {
            add_scalar(&print, token);
        }
        token++;
    }
    close_ended(&print, json->count);
    sfe_builder_add_byte(out, '\n');
    if (load->failure != SFE_OK) {
        *err = load->failure_error;
        return load->failure;
    }
    return out->overflowed
               ? sfe_fail(err, SFE_E_TOO_LARGE, "the configuration is too long to print")
               : SFE_OK;
}
