#include "config/check_field.h"

static void check_arithmetic(struct config_load *load, const struct sfe_config_field *field,
                             uint32_t token)
{
    const bool is_number = field->type != SFE_TYPE_DATE && field->type != SFE_TYPE_DATETIME &&
                           field->type != SFE_TYPE_BOOLEAN;

    if (!is_number && (field->scale != NULL || field->offset != NULL)) {
        load_mistake(load, load_member(load, token, "type"),
                     "\"scale\" and \"offset\" make numbers; allowed: with \"type\": \"double\", "
                     "\"int\" or \"string\"");
    }
    if (field->lookup != NULL && (field->scale != NULL || field->offset != NULL)) {
        load_mistake(load, load_member(load, token, "lookup"),
                     "what is looked up is taken as it is; allowed: \"lookup\" without \"scale\" "
                     "and \"offset\"");
    }
}

/* One value written as an object. */
static void check_value(struct config_load *load, const struct sfe_config_field *field,
                        uint32_t token)
{
    static const char *const not_with_value[] = {"type",  "unit",   "default", "optional",
                                                 "scale", "offset", "zone",    "lookup"};
    static const char *const only_of_times[] = {"unit", "zone"};
    uint32_t value = load_member(load, token, "value");
    bool is_time = field->type == SFE_TYPE_DATE || field->type == SFE_TYPE_DATETIME;

    for (size_t i = 0; i < sizeof(not_with_value) / sizeof(not_with_value[0]); i++) {
        uint32_t other = load_member(load, token, not_with_value[i]);
        if (value != SFE_JSON_NONE && other != SFE_JSON_NONE) {
            load_mistake(load, other,
                         "\"%s\" has no effect beside \"value\"; allowed: \"value\" alone",
                         not_with_value[i]);
        }
    }
    for (size_t i = 0; i < sizeof(only_of_times) / sizeof(only_of_times[0]); i++) {
        uint32_t other = load_member(load, token, only_of_times[i]);
        if (value == SFE_JSON_NONE && other != SFE_JSON_NONE && !is_time) {
            load_mistake(load, other,
                         "\"%s\" has no effect here; allowed: with \"type\": \"date\" or "
                         "\"datetime\"",
                         only_of_times[i]);
        }
    }
    check_arithmetic(load, field, token);
    if (field->is_optional && field->default_value != NULL) {
        load_mistake(load, load_member(load, token, "optional"),
                     "\"optional\" has no effect beside \"default\"; allowed: one of them");
    }
}

/* A value of a case says when by the case alone: there is one level of them. */
static void check_case_value(struct config_load *load, const struct sfe_config_field *field,
                             uint32_t token)
{
    static const char *const not_inside[] = {"if", "case", "else"};

    if (token == SFE_JSON_NONE || sfe_json_kind(&load->json, token) != SFE_JSON_OBJECT) {
        return;
    }
    for (size_t i = 0; i < sizeof(not_inside) / sizeof(not_inside[0]); i++) {
        const uint32_t other = load_member(load, token, not_inside[i]);
        if (other != SFE_JSON_NONE) {
            load_mistake(load, other,
                         "\"%s\" inside a case; allowed: beside \"case\", or one more element "
                         "of it",
                         not_inside[i]);
        }
    }
    check_value(load, field, token);
}

void check_field(struct config_load *load, const struct sfe_config_field *field, uint32_t token)
{
    const struct sfe_json *json = &load->json;
    const uint32_t list = load_member(load, token, "case");
    uint32_t item = SFE_JSON_NONE;

    check_value(load, field, token);
    if (list != SFE_JSON_NONE && sfe_json_kind(json, list) == SFE_JSON_ARRAY) {
        item = sfe_json_first(json, list);
    }
    for (uint32_t i = 0; i < field->case_count && item != SFE_JSON_NONE; i++) {
        if (sfe_json_kind(json, item) == SFE_JSON_OBJECT) {
            check_case_value(load, &field->cases[i], load_member(load, item, "then"));
        }
        item = sfe_json_next(json, list, item);
    }
    if (field->otherwise != NULL) {
        check_case_value(load, field->otherwise, load_member(load, token, "else"));
    }
}
