#include "config/value.h"

#include "base/assert.h"
#include "config/quantity.h"
#include "config/reference.h"
#include "config/spelling.h"
#include "config/suggest.h"
#include "config/where.h"

#define ALLOWED_BYTES_MAX 200u

/* One value on its way in. */
struct value {
    struct config_load *load;
    const struct config_key *row;
    struct sfe_slice text; /* Unescaped, or the digits or the word of what is no text. */
    void *base;
    const char *file; /* Where it stands. */
};

/* Stores the value; what is wrong with it where it cannot ("" where the list of what is allowed
 * says it all), or NULL. */
typedef const char *(*convert)(const struct value *value);

static const char not_available[] = "not available in this version";

void value_store_pointer(const struct config_key *row, void *base, const void *pointer)
{
    if (row->size != 0) {
        SFE_ASSERT(row->size == sizeof(pointer));
        memcpy((uint8_t *)base + row->offset, &pointer, sizeof(pointer));
    }
}

void value_store_number(const struct config_key *row, void *base, uint64_t number)
{
    uint8_t *place = (uint8_t *)base + row->offset;
    uint8_t number8 = (uint8_t)number;
    uint16_t number16 = (uint16_t)number;
    uint32_t number32 = (uint32_t)number;

    if (row->size == 0) {
        return;
    }
    switch (row->size) {
    case sizeof(number8):
        memcpy(place, &number8, sizeof(number8));
        break;
    case sizeof(number16):
        memcpy(place, &number16, sizeof(number16));
        break;
    case sizeof(number32):
        memcpy(place, &number32, sizeof(number32));
        break;
    default:
        SFE_ASSERT(row->size == sizeof(number));
        memcpy(place, &number, sizeof(number));
        break;
    }
}

static const char *keep(const struct value *value)
{
    if (value->row->size != 0) {
        value_store_pointer(value->row, value->base, load_keep(value->load, value->text));
    }
    return NULL;
}

static const char *store_in_range(const struct value *value, uint64_t number)
{
    const struct config_key *row = value->row;

    if (number < row->min || (row->max != 0 && number > row->max)) {
        return "";
    }
    if (row->step == SFE_STEP_POWER_OF_TWO ? (number & (number - 1)) != 0
                                           : row->step != 0 && number % row->step != 0) {
        return "";
    }
    value_store_number(row, value->base, number);
    return NULL;
}

static const char *convert_text(const struct value *value)
{
    const struct config_key *row = value->row;

    if (value->text.size == 0) {
        return "empty";
    }
    if (value->text.size < row->min || (row->max != 0 && value->text.size > row->max)) {
        return "";
    }
    if (memchr(value->text.bytes, '\0', value->text.size) != NULL ||
        (row->kind == SFE_KEY_TEXT && spelling_has_control(value->text))) {
        return "it holds a control character";
    }
    return keep(value);
}

static const char *convert_word(const struct value *value)
{
    uint32_t index = keys_word_index(value->row->allowed, value->text);

    if (index == UINT32_MAX) {
        return "";
    }
    if (keys_is_later_word(value->row, value->text)) {
        return not_available;
    }
    value_store_number(value->row, value->base, index + value->row->min);
    return NULL;
}

static const char *convert_flag(const struct value *value)
{
    value_store_number(value->row, value->base, sfe_slice_equal(value->text, SFE_TEXT("true")));
    return NULL;
}

static const char *convert_whole(const struct value *value)
{
    uint64_t number = 0;

    return quantity_read_whole(value->text, &number) ? store_in_range(value, number) : "";
}

static const char *convert_number(const struct value *value)
{
    return keep(value);
}

static const char *convert_duration(const struct value *value)
{
    uint64_t number = 0;

    if (!quantity_read_duration(value->text, &number)) {
        return quantity_read_whole(value->text, &number) ? "the unit is missing" : "";
    }
    return store_in_range(value, number);
}

static const char *convert_size(const struct value *value)
{
    uint64_t number = 0;

    return quantity_read_size(value->text, &number) ? store_in_range(value, number) : "";
}

/* The folder of the configuration file with its slash; empty where the path names none. */
static struct sfe_slice folder_of(const char *path)
{
    struct sfe_slice folder = sfe_slice_text(path);

    while (folder.size != 0 && folder.bytes[folder.size - 1] != '/') {
        folder.size--;
    }
    return folder;
}

const char *value_path(struct config_load *load, const char *file, struct sfe_slice name)
{
    struct sfe_slice folder = folder_of(file);
    char *path;

    if (name.size == 0 || name.bytes[0] == '/') {
        return load_keep(load, name);
    }
    path = (char *)load_take(load, folder.size + name.size + 1);
    if (path != NULL) {
        memcpy(path, folder.bytes, folder.size);
        memcpy(path + folder.size, name.bytes, name.size);
    }
    return path;
}

static const char *convert_file(const struct value *value)
{
    struct sfe_slice name = value->text;

    if (name.size == 0) {
        return "empty";
    }
    if (spelling_has_control(name)) {
        return "it holds a control character";
    }
    if (value->row->size != 0) {
        value_store_pointer(value->row, value->base, value_path(value->load, value->file, name));
    }
    return NULL;
}

static const char *convert_secret(const struct value *value)
{
    return spelling_is_secret_reference(value->text) ? keep(value) : "";
}

static const char *convert_interface(const struct value *value)
{
    return spelling_is_interface(value->text) ? keep(value) : "";
}

static const char *convert_pointer(const struct value *value)
{
    return spelling_is_pointer(value->text) ? keep(value) : "";
}

static const char *convert_topic(const struct value *value)
{
    const char *problem = spelling_topic_problem(value->text);

    return problem == NULL ? keep(value) : problem;
}

static const char *convert_identifier(const struct value *value)
{
    return spelling_is_identifier(value->text, (uint32_t)value->row->max) ? keep(value) : "";
}

static const char *convert_version(const struct value *value)
{
    return spelling_is_version(value->text) ? keep(value) : "";
}

static const char *read_url(const struct value *value, struct spelling_url *url)
{
    const char *problem = spelling_read_url(value->text, url);

    if (keys_word_index(value->row->allowed, url->scheme) == UINT32_MAX) {
        return "";
    }
    return keys_is_later_word(value->row, url->scheme) ? not_available : problem;
}

static const char *convert_mqtt_url(const struct value *value)
{
    struct sfe_config_broker *broker = (struct sfe_config_broker *)value->base;
    struct spelling_url url;
    const char *problem = read_url(value, &url);

    if (problem == NULL) {
        broker->host = load_keep(value->load, url.host);
        broker->tls = sfe_slice_equal(url.scheme, SFE_TEXT("mqtts"));
        broker->port = url.port != 0 ? url.port : (uint16_t)(broker->tls ? 8883 : 1883);
    }
    return problem;
}

static const char *convert_http_url(const struct value *value)
{
    struct value without_slash = *value;
    struct spelling_url url;
    const char *problem = read_url(value, &url);

    if (problem != NULL) {
        return problem;
    }
    if (value->text.bytes[value->text.size - 1] == '/') {
        without_slash.text.size--;
    }
    return keep(&without_slash);
}

static const char *convert_nothing(const struct value *value)
{
    (void)value;
    return NULL;
}

#define KIND(kind) (1u << (unsigned)(kind))
#define TEXT_ONLY  KIND(SFE_JSON_STRING)

/* How a value of each kind is read from one piece of text, and the JSON kinds it may be. */
static const struct reading {
    convert convert;
    unsigned json_kinds;
} readings[SFE_KEY_KINDS] = {
    [SFE_KEY_TEXT] = {convert_text, TEXT_ONLY},
    [SFE_KEY_TEMPLATE] = {convert_text, TEXT_ONLY},
    [SFE_KEY_WORD] = {convert_word, TEXT_ONLY},
    [SFE_KEY_FLAG] = {convert_flag, KIND(SFE_JSON_TRUE) | KIND(SFE_JSON_FALSE)},
    [SFE_KEY_WHOLE] = {convert_whole, KIND(SFE_JSON_NUMBER)},
    [SFE_KEY_NUMBER] = {convert_number, KIND(SFE_JSON_NUMBER)},
    [SFE_KEY_DURATION] = {convert_duration, TEXT_ONLY},
    [SFE_KEY_SIZE] = {convert_size, TEXT_ONLY | KIND(SFE_JSON_NUMBER)},
    [SFE_KEY_FILE] = {convert_file, TEXT_ONLY},
    [SFE_KEY_SECRET] = {convert_secret, TEXT_ONLY},
    [SFE_KEY_INTERFACE] = {convert_interface, TEXT_ONLY},
    [SFE_KEY_POINTER] = {convert_pointer, TEXT_ONLY},
    [SFE_KEY_TOPIC] = {convert_topic, TEXT_ONLY},
    [SFE_KEY_IDENTIFIER] = {convert_identifier, TEXT_ONLY},
    [SFE_KEY_VERSION] = {convert_version, TEXT_ONLY},
    [SFE_KEY_MQTT_URL] = {convert_mqtt_url, TEXT_ONLY},
    [SFE_KEY_HTTP_URL] = {convert_http_url, TEXT_ONLY},
    [SFE_KEY_ANY] = {convert_nothing, ~0u},
};

static struct sfe_slice nearest_word(const struct config_key *row, struct sfe_slice word)
{
    struct suggest suggest = suggest_make(word);
    struct sfe_slice allowed = keys_word(row->allowed, 0);

    for (uint32_t i = 0; allowed.size != 0; i++) {
        if (!keys_is_later_word(row, allowed)) {
            suggest_offer(&suggest, allowed);
        }
        allowed = keys_word(row->allowed, i + 1);
    }
    return suggest.best;
}

void value_mistake(struct config_load *load, const struct config_key *row, uint32_t token,
                   const char *reason)
{
    char allowed[ALLOWED_BYTES_MAX];
    char shown[SFE_CONFIG_SHOWN_BYTES];
    struct sfe_builder builder = sfe_builder_make(allowed, sizeof(allowed) - 1);
    struct sfe_slice raw = sfe_json_raw(&load->json, token);
    bool is_text = sfe_json_kind(&load->json, token) == SFE_JSON_STRING;
    bool is_url = row->kind == SFE_KEY_MQTT_URL || row->kind == SFE_KEY_HTTP_URL;
    const char *found = load_show(load, token, shown);
    struct sfe_slice best = {NULL, 0};

    keys_add_allowed(row, &builder);
    allowed[builder.size] = '\0';
    if (is_url && is_text && memchr(raw.bytes, '@', raw.size) != NULL) {
        found = "a url with a password"; /* Which must not go into any log. */
    }
    if (row->kind == SFE_KEY_SECRET) {
        found = "a secret itself, or nothing that says where one is";
    }
    if (row->kind == SFE_KEY_WORD && is_text) {
        best = nearest_word(row, raw);
    }
    if (reason == not_available) {
        load_mistake(load, token, "%s is %s; allowed: %s", found, reason, allowed);
    } else if (best.size != 0) {
        load_mistake(load, token, "found %s; did you mean \"%.*s\"? allowed: %s", found,
                     (int)best.size, (const char *)best.bytes, allowed);
    } else if (reason != NULL && reason[0] != '\0') {
        load_mistake(load, token, "found %s: %s; allowed: %s", found, reason, allowed);
    } else {
        load_mistake(load, token, "found %s; allowed: %s", found, allowed);
    }
}

const char *value_keep_json(struct config_load *load, uint32_t token)
{
    struct sfe_slice raw = sfe_json_raw(&load->json, token);

    if (sfe_json_kind(&load->json, token) == SFE_JSON_STRING) {
        raw = sfe_slice_make(raw.bytes - 1, raw.size + 2);
    }
    return load_keep(load, raw);
}

static void read_scalar(struct config_load *load, const struct config_key *row, uint32_t token,
                        void *base)
{
    enum sfe_json_kind kind = sfe_json_kind(&load->json, token);

    if (kind == SFE_JSON_ARRAY || kind == SFE_JSON_OBJECT) {
        value_mistake(load, row, token, NULL);
        return;
    }
    value_store_pointer(row, base, value_keep_json(load, token));
}

static void read_simple(struct config_load *load, const struct config_key *row, uint32_t token,
                        void *base)
{
    enum sfe_json_kind kind = sfe_json_kind(&load->json, token);
    struct value value = {load, row, sfe_json_raw(&load->json, token), base,
                          load_place_file(load, token)};
    const char *problem;

    SFE_ASSERT(readings[row->kind].convert != NULL);
    if ((readings[row->kind].json_kinds & KIND(kind)) == 0) {
        value_mistake(load, row, token, NULL);
        return;
    }
    if (kind == SFE_JSON_STRING) {
        value.text = load_text(load, token);
    }
    problem = load->failure == SFE_OK ? readings[row->kind].convert(&value) : NULL;
    if (problem != NULL) {
        value_mistake(load, row, token, problem);
    }
}

/* One url or a list of them. */
static void read_brokers(struct config_load *load, const struct config_key *row, uint32_t token,
                         void *base)
{
    bool is_list = sfe_json_kind(&load->json, token) == SFE_JSON_ARRAY;
    uint32_t count = is_list ? sfe_json_length(&load->json, token) : 1u;
    uint32_t item = is_list ? sfe_json_first(&load->json, token) : token;
    struct sfe_config_broker *brokers;

    if (count < row->min || count > row->max) {
        value_mistake(load, row, token, count == 0 ? "empty" : "too many entries");
        return;
    }
    brokers = (struct sfe_config_broker *)load_take(load, count * sizeof(*brokers));
    if (brokers == NULL) {
        return;
    }
    value_store_pointer(row, base, brokers);
    memcpy((uint8_t *)base + row->count_offset, &count, sizeof(count));
    for (uint32_t i = 0; i < count; i++) {
        read_simple(load, row, item, &brokers[i]);
        item = is_list ? sfe_json_next(&load->json, token, item) : item;
    }
}

void value_read(struct config_load *load, const struct config_key *row, uint32_t token, void *base)
{
    if (row->place_offset != 0) {
        struct sfe_config_place place = load_place(load, token);
        memcpy((uint8_t *)base + row->place_offset, &place, sizeof(place));
    }
    switch (row->kind) {
    case SFE_KEY_CONNECTION:
        reference_read_connection(load, row, token, base);
        break;
    case SFE_KEY_STREAM:
        reference_read_stream(load, row, token, base);
        break;
    case SFE_KEY_STREAMS:
        reference_read_streams(load, row, token, base);
        break;
    case SFE_KEY_TEXTS:
    case SFE_KEY_FILES:
    case SFE_KEY_HOSTS:
        reference_read_texts(load, row, token, base);
        break;
    case SFE_KEY_WHERE:
        where_read(load, row, token, base);
        break;
    case SFE_KEY_SCALAR:
        read_scalar(load, row, token, base);
        break;
    case SFE_KEY_MQTT_URL:
        read_brokers(load, row, token, base);
        break;
    default:
        read_simple(load, row, token, base);
        break;
    }
}

void value_default(struct config_load *load, const struct config_key *row, void *base)
{
    struct value value = {load, row, sfe_slice_text(row->fallback), base, load->path};

    if (row->kind == SFE_KEY_STREAM && !row->required) {
        value_store_number(row, base, UINT32_MAX); /* -1: none. */
    } else if (row->fallback != NULL) {
        const char *problem = readings[row->kind].convert(&value);
        SFE_ASSERT(problem == NULL);
    }
}
