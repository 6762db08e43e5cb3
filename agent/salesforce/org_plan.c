#include "salesforce/org_plan.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/edit_distance.h"
#include "salesforce/org_plan_parts.h"

#include <stdarg.h>
#include <stdio.h>

/* Names that are further apart are not taken for each other. */
#define NEAREST_MAX 3u

/* What the visitor of a description's fields goes by. */
struct reading {
    struct plan_teller teller;
    const struct sfe_map_options *wanted;
};

void plan_tell(const struct plan_teller *teller, bool is_failure, const char *fix,
               const char *format, ...)
{
    struct sfe_plan_finding finding = {.is_failure = is_failure, .field = teller->field};
    va_list list;

    va_start(list, format);
    int length = vsnprintf(finding.message, sizeof(finding.message), format, list);
    va_end(list);
    SFE_ASSERT(length >= 0);
    sfe_printable(finding.fix, sizeof(finding.fix), sfe_slice_text(fix));
    teller->record->failures += is_failure ? 1u : 0u;
    teller->listener->report(teller->listener->reader, &finding);
}

struct sfe_slice plan_front(const char *name)
{
    return sfe_slice_make(name, strcspn(name, "."));
}

struct sfe_slice plan_behind(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot == NULL ? sfe_slice_make(NULL, 0) : sfe_slice_text(dot + 1);
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

bool plan_same_name(struct sfe_slice a, struct sfe_slice b)
{
    for (size_t i = 0; a.size == b.size && i < a.size; i++) {
        if (lower(a.bytes[i]) != lower(b.bytes[i])) {
            return false;
        }
    }
    return a.size == b.size;
}

static void keep_facts(struct sfe_plan_facts *facts, const struct sfe_describe_field *field)
{
    sfe_printable(facts->name, sizeof(facts->name), field->name);
    sfe_printable(facts->type, sizeof(facts->type), field->type);
    sfe_printable(facts->parent, sizeof(facts->parent), field->parent);
    facts->length = field->length;
    facts->whole_digits = field->digits != 0                ? field->digits
                          : field->precision > field->scale ? field->precision - field->scale
                                                            : 0;
    facts->is_external_id = field->is_external_id || field->is_id_lookup;
    facts->is_unique = field->is_unique || (field->is_id_lookup && !field->is_external_id);
    facts->is_case_sensitive = field->is_case_sensitive;
    facts->is_createable = field->is_createable;
    facts->is_updateable = field->is_updateable;
    facts->is_nillable = field->is_nillable;
    facts->is_defaulted = field->is_defaulted;
    facts->is_computed = field->is_calculated || field->is_auto_number;
    facts->is_restricted = field->is_restricted;
}

/* Remembers the name that is nearest to what was wanted and not found. */
static void keep_nearest(struct sfe_plan_field *found, struct sfe_slice wanted,
                         struct sfe_slice name)
{
    const uint32_t distance = sfe_edit_distance(wanted, name);

    if (distance <= NEAREST_MAX &&
        (found->nearest[0] == '\0' || distance < found->nearest_distance)) {
        sfe_printable(found->nearest, sizeof(found->nearest), name);
        found->nearest_distance = distance;
    }
}

/* Looks a constant up among the values of a picklist, or each of several of them. */
static void keep_unknown_value(struct sfe_plan_field *found, const struct sfe_describe_field *field,
                               const char *constant)
{
    uint8_t memory[1024];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
    const bool is_multiple = sfe_slice_equal(field->type, SFE_TEXT("multipicklist"));
    struct sfe_slice text;

    if (constant == NULL || !plan_constant_text(constant, &builder, &text) ||
        !(is_multiple || sfe_slice_equal(field->type, SFE_TEXT("picklist")))) {
        return;
    }
    size_t begin = 0;
    while (begin <= text.size) {
        size_t end = begin;
        while (end < text.size && !(is_multiple && text.bytes[end] == ';')) {
            end++;
        }
        const struct sfe_slice value = sfe_slice_part(text, begin, end - begin);
        if (value.size != 0 && !sfe_describe_has_value(field, value)) {
            sfe_printable(found->unknown_value, sizeof(found->unknown_value), value);
        }
        begin = end + 1u;
    }
}

/* A field that the org wants and the mapping does not have. */
static void check_required(const struct plan_teller *teller, const struct sfe_describe_field *field)
{
    char name[SFE_PLAN_NAME_BYTES];

    if (!field->is_createable || field->is_nillable || field->is_defaulted ||
        sfe_slice_equal(field->type, SFE_TEXT("boolean"))) {
        return;
    }
    sfe_printable(name, sizeof(name), field->name);
    plan_tell(teller, true, "map it, or make it not required in the org",
              "the org requires %s at creation, and the mapping does not set it", name);
}

static void on_field(void *visitor, const struct sfe_describe_field *field)
{
    struct reading *reading = visitor;
    const struct sfe_map_options *wanted = reading->wanted;
    bool is_wanted = false;

    for (uint32_t i = 0; i < wanted->field_count; i++) {
        struct sfe_plan_field *found = &reading->teller.record->fields[i];
        const struct sfe_slice front = plan_front(wanted->fields[i].name);
        const bool is_reference = plan_behind(wanted->fields[i].name).size != 0;
        const struct sfe_slice name = is_reference ? field->relationship : field->name;
        if (plan_same_name(front, name)) {
            is_wanted = true;
            found->is_found = true;
            keep_facts(&found->facts, field);
            keep_unknown_value(found, field, wanted->fields[i].constant);
            keep_unknown_value(found, field, wanted->fields[i].default_value);
            for (uint32_t j = 0; j < wanted->fields[i].case_count; j++) {
                keep_unknown_value(found, field, wanted->fields[i].cases[j].constant);
            }
        } else if (!found->is_found && name.size != 0) {
            keep_nearest(found, front, name);
        }
    }
    if (!is_wanted) {
        check_required(&reading->teller, field);
    }
}

static bool is_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

bool plan_is_ours(const char *name)
{
    const size_t size = strlen(name);
    const char *first = strstr(name, "__");

    for (size_t i = 0; i < size; i++) {
        const bool is_other = name[i] == '_' || (name[i] >= '0' && name[i] <= '9');
        if (!is_letter(name[i]) && !(i > 0 && is_other)) {
            return false;
        }
    }
    return first != NULL && first == name + size - 3u && size < SFE_PLAN_NAME_BYTES &&
           (first[2] == 'c' || first[2] == 'r');
}

static const char *missing_fix(const char *name)
{
    const size_t size = strlen(name);

    if (size > 3u && strcmp(name + size - 3u, "__e") == 0) {
        return "put the name right, or define the platform event (Setup, Platform Events) and give "
               "the user access to it";
    }
    return plan_is_ours(name)
               ? "make it (sfedge plan --write FOLDER writes what to deploy), or give the "
                 "user read access to it in a permission set"
               : "put the name right; if it is of a package, install that, and give the "
                 "user access to it";
}

static void tell_field_missing(const struct plan_teller *teller, const struct sfe_map_field *wanted,
                               const struct sfe_plan_field *found)
{
    const bool is_reference = plan_behind(wanted->name).size != 0;
    const struct sfe_slice front = plan_front(wanted->name);
    char name[SFE_PLAN_NAME_BYTES];
    char fix[224];

    sfe_printable(name, sizeof(name), front);
    int length = found->nearest[0] == '\0' ? snprintf(fix, sizeof(fix), "%s", missing_fix(name))
                                           : snprintf(fix, sizeof(fix), "is %s meant? else %s",
                                                      found->nearest, missing_fix(name));
    SFE_ASSERT(length > 0);
    plan_tell(teller, true, fix,
              is_reference ? "the object has no relationship %s, or this user may not see it"
                           : "the object has no field %s, or this user may not see it",
              name);
}

static void check_id(const struct plan_teller *teller, const struct sfe_map_field *wanted,
                     const struct sfe_plan_facts *facts)
{
    if (!facts->is_external_id) {
        plan_tell(teller, true, "tick \"External ID\" and \"Unique\" in the field's definition",
                  "%s is no external ID: every upsert is refused", facts->name);
    } else if (!facts->is_unique) {
        plan_tell(teller, true, "tick \"Unique\" in the field's definition",
                  "%s is not unique: two records may get the same ID, and are then refused for "
                  "ever (HTTP 300)",
                  facts->name);
    }
    if (facts->is_external_id && !facts->is_case_sensitive && wanted->from != NULL &&
        strcmp(wanted->from, "{id}") != 0 && strcmp(facts->type, "string") == 0) {
        plan_tell(teller, false,
                  "tick \"Treat 'ABC' and 'abc' as different values\", if both may come",
                  "%s takes r1 and R1 for the same record", facts->name);
    }
}

/* What the org requires must come with every record. */
static void check_presence(const struct plan_teller *teller, const struct sfe_map_field *wanted,
                           const struct sfe_plan_field *found)
{
    const struct sfe_plan_facts *facts = &found->facts;
    const char *fix = "give it a \"default\", or make it not required in the org";

    if (facts->is_nillable || facts->is_defaulted || wanted->default_value != NULL) {
        return;
    }
    if (found->is_conditional) {
        plan_tell(teller, false, fix,
                  "%s is required by the org, and left out where its \"if\" does not hold",
                  facts->name);
    } else if (wanted->is_optional) {
        plan_tell(teller, false, fix, "%s is optional in the mapping, and required by the org",
                  facts->name);
    }
}

static void check_permission(const struct plan_teller *teller, const struct sfe_map_field *wanted,
                             struct sfe_plan_field *found, bool is_id)
{
    const struct sfe_plan_facts *facts = &found->facts;

    if (facts->is_computed) {
        plan_tell(teller, true, "map another field: this one is a formula or counts by itself",
                  "%s cannot be written: the org computes it", facts->name);
    } else if (!facts->is_createable) {
        found->lacks_permission = true;
        plan_tell(teller, true,
                  "give the user edit access to it in a permission set (sfedge plan --write FOLDER "
                  "writes one)",
                  "this user may not write %s", facts->name);
    } else if (!facts->is_updateable && !is_id && teller->record->wanted->external_id != NULL) {
        plan_tell(teller, true,
                  "allow reparenting if it is a master-detail field; else give edit access to it",
                  "%s can be written at creation only: a record that is sent again is refused",
                  facts->name);
    }
    check_presence(teller, wanted, found);
}

static void check_picklist(const struct plan_teller *teller, const struct sfe_plan_field *found)
{
    if (found->unknown_value[0] != '\0') {
        plan_tell(teller, found->facts.is_restricted, "add the value, or map one that is there",
                  "%s has no value \"%s\"%s", found->facts.name, found->unknown_value,
                  found->facts.is_restricted ? ", and takes no others"
                                             : "; it is stored as it comes");
    }
}

static void check_field(struct sfe_plan_record *record, uint32_t index,
                        const struct sfe_plan_listener *listener)
{
    const struct plan_teller teller = {record, listener, index};
    const struct sfe_map_field *wanted = &record->wanted->fields[index];
    struct sfe_plan_field *found = &record->fields[index];
    const char *id = record->wanted->external_id;
    const bool is_id =
        id != NULL && plan_same_name(sfe_slice_text(id), sfe_slice_text(wanted->name));

    if (!found->is_found) {
        tell_field_missing(&teller, wanted, found);
        return;
    }
    check_permission(&teller, wanted, found, is_id);
    if (plan_behind(wanted->name).size != 0) {
        return; /* Its value is one for the parent's field. */
    }
    if (is_id) {
        check_id(&teller, wanted, &found->facts);
    }
    plan_check_value(&teller, wanted, &found->facts);
    check_picklist(&teller, found);
}

/* Texts that go on as they come are one warning a record: they are many, and mostly right. */
static void check_loose_texts(struct sfe_plan_record *record,
                              const struct sfe_plan_listener *listener)
{
    const struct plan_teller teller = {record, listener, record->wanted->field_count};
    char names[200];
    struct sfe_builder list = sfe_builder_make(names, sizeof(names) - 1u);

    for (uint32_t i = 0; i < record->wanted->field_count; i++) {
        const struct sfe_plan_field *found = &record->fields[i];
        const char *name = record->wanted->fields[i].name;
        if (!found->is_found || plan_behind(name).size != 0 ||
            !plan_is_loose_text(&record->wanted->fields[i], &found->facts)) {
            continue;
        }
        const size_t before = list.size;
        sfe_builder_add_text(&list, before == 0 ? "" : ", ");
        sfe_builder_add_text(&list, name);
        if (list.overflowed) {
            sfe_builder_rewind(&list, before);
            break;
        }
    }
    names[list.size] = '\0';
    if (list.size != 0) {
        plan_tell(&teller, false, "set \"type\": \"string\" where numbers or booleans may come",
                  "text fields that get the payload's value as it comes: %s", names);
    }
}

enum sfe_code sfe_plan_open(const struct sfe_map_options *wanted, struct sfe_arena *arena,
                            struct sfe_plan_record *record, struct sfe_error *err)
{
    *record = (struct sfe_plan_record){.wanted = wanted};
    record->fields =
        sfe_arena_take(arena, (wanted->field_count + 1u) * sizeof(*record->fields), err);
    return record->fields == NULL ? err->code : SFE_OK;
}

enum sfe_code sfe_plan_read(struct sfe_plan_record *record, struct sfe_slice text,
                            const struct sfe_plan_listener *listener, struct sfe_error *err)
{
    struct reading reading = {{record, listener, record->wanted->field_count}, record->wanted};
    const struct sfe_describe_reader reader = {listener->tokens, listener->capacity, on_field,
                                               &reading};
    struct sfe_describe_object object;
    enum sfe_code code = sfe_describe_read(text, &reader, &object, err);

    if (code != SFE_OK) {
        return code;
    }
    record->is_read = true;
    /* What has no external ID is a platform event: created, never changed. */
    record->lacks_permission =
        !object.is_createable || (record->wanted->external_id != NULL && !object.is_updateable);
    if (record->lacks_permission) {
        plan_tell(&reading.teller, true,
                  "give the user create and edit access to the object in a permission set (sfedge "
                  "plan --write FOLDER writes one)",
                  "this user may not %s records of %s", object.is_createable ? "update" : "create",
                  record->wanted->object);
    }
    for (uint32_t i = 0; i < record->wanted->field_count; i++) {
        check_field(record, i, listener);
    }
    check_loose_texts(record, listener);
    return SFE_OK;
}

void sfe_plan_missing(struct sfe_plan_record *record, const struct sfe_plan_listener *listener)
{
    const struct plan_teller teller = {record, listener, record->wanted->field_count};

    plan_tell(&teller, true, missing_fix(record->wanted->object),
              "the org has no object %s, or this user may not see it", record->wanted->object);
}

/* Of the parent, one field counts. */
struct key_reading {
    struct sfe_plan_field *found;
    struct sfe_slice name;
};

static void on_parent_field(void *visitor, const struct sfe_describe_field *field)
{
    struct key_reading *reading = visitor;

    if (plan_same_name(reading->name, field->name)) {
        reading->found->is_key_found = true;
        keep_facts(&reading->found->key, field);
    }
}

enum sfe_code sfe_plan_read_parent(struct sfe_plan_record *record, uint32_t index,
                                   struct sfe_slice text, const struct sfe_plan_listener *listener,
                                   struct sfe_error *err)
{
    const struct plan_teller teller = {record, listener, index};
    const struct sfe_map_field *wanted = &record->wanted->fields[index];
    struct sfe_plan_field *found = &record->fields[index];
    struct key_reading reading = {found, plan_behind(wanted->name)};
    const struct sfe_describe_reader reader = {listener->tokens, listener->capacity,
                                               on_parent_field, &reading};
    struct sfe_describe_object object;
    enum sfe_code code = sfe_describe_read(text, &reader, &object, err);

    if (code != SFE_OK) {
        return code;
    }
    if (!found->is_key_found) {
        char name[SFE_PLAN_NAME_BYTES];
        sfe_printable(name, sizeof(name), reading.name);
        plan_tell(&teller, true, missing_fix(name),
                  "the object %s has no field %s, or this user may not see it", found->facts.parent,
                  name);
        return SFE_OK;
    }
    if (!found->key.is_external_id) {
        plan_tell(&teller, true, "tick \"External ID\" and \"Unique\" in the field's definition",
                  "%s of %s is no external ID: nothing can refer to it", found->key.name,
                  found->facts.parent);
    }
    plan_check_value(&teller, wanted, &found->key);
    return SFE_OK;
}
