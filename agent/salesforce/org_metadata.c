#include "salesforce/org_metadata.h"

#include "base/arena.h"
#include "base/assert.h"
#include "salesforce/org_plan_parts.h"

#include <stdio.h>

/* The Metadata API's longest name of a relationship. */
#define RELATIONSHIP_BYTES 41u

struct metadata_object {
    char name[SFE_PLAN_NAME_BYTES];
    bool is_missing;
    bool is_mapped; /* Records are written; else they are only referred to. */
    bool lacks_fields;
};

struct metadata_field {
    uint32_t object;
    char name[SFE_PLAN_NAME_BYTES];
    char parent[SFE_PLAN_NAME_BYTES]; /* Of a lookup; else empty. */
    const struct sfe_map_field *wanted;
    bool is_id;
    bool is_missing;
    bool is_required; /* By the org: permission sets must not name it. */
    bool is_key_only; /* Read, to find a parent by; not written. */
};

struct sfe_metadata {
    struct metadata_object *objects;
    uint32_t object_count;
    struct metadata_field *fields;
    uint32_t field_count;
    uint32_t capacity; /* Of either. */
    bool lacks_permission;
};

static uint32_t add_object(struct sfe_metadata *metadata, struct sfe_slice name)
{
    for (uint32_t i = 0; i < metadata->object_count; i++) {
        if (plan_same_name(name, sfe_slice_text(metadata->objects[i].name))) {
            return i;
        }
    }
    SFE_ASSERT(metadata->object_count < metadata->capacity);
    struct metadata_object *object = &metadata->objects[metadata->object_count];
    sfe_printable(object->name, sizeof(object->name), name);
    return metadata->object_count++;
}

static struct metadata_field *add_field(struct sfe_metadata *metadata, uint32_t object,
                                        struct sfe_slice name)
{
    for (uint32_t i = 0; i < metadata->field_count; i++) {
        struct metadata_field *field = &metadata->fields[i];
        if (field->object == object && plan_same_name(name, sfe_slice_text(field->name))) {
            return field;
        }
    }
    SFE_ASSERT(metadata->field_count < metadata->capacity);
    struct metadata_field *field = &metadata->fields[metadata->field_count++];
    *field = (struct metadata_field){.object = object, .is_key_only = true};
    sfe_printable(field->name, sizeof(field->name), name);
    return field;
}

/* Can a field of that name be made in that object? */
static bool can_make(const struct sfe_metadata *metadata, uint32_t object, const char *field)
{
    const struct metadata_object *owner = &metadata->objects[object];

    return plan_is_ours(field) && (!owner->is_missing || plan_is_ours(owner->name));
}

static bool is_id_of(const struct sfe_map_options *wanted, struct sfe_slice name)
{
    return wanted->external_id != NULL && plan_same_name(sfe_slice_text(wanted->external_id), name);
}

static bool is_required(const struct sfe_plan_facts *facts)
{
    return !facts->is_nillable && !facts->is_defaulted;
}

static void add_plain(struct sfe_metadata *metadata, uint32_t object,
                      const struct sfe_plan_record *record, uint32_t index)
{
    const struct sfe_map_field *wanted = &record->wanted->fields[index];
    const struct sfe_plan_field *found = &record->fields[index];
    struct metadata_field *field = add_field(metadata, object, sfe_slice_text(wanted->name));

    if (found->is_found && (found->facts.is_computed || field->is_missing)) {
        return;
    }
    field->wanted = field->is_key_only ? wanted : field->wanted;
    field->is_key_only = false;
    field->is_id = field->is_id || is_id_of(record->wanted, sfe_slice_text(wanted->name));
    field->is_missing = !found->is_found && can_make(metadata, object, wanted->name);
    field->is_required = found->is_found && is_required(&found->facts);
}

/* The object that a missing reference is to: whose external ID it names, or else by its name. */
static struct sfe_slice guess_parent(const struct sfe_plan_record *records, uint32_t count,
                                     const char *name, char memory[SFE_PLAN_NAME_BYTES])
{
    for (uint32_t i = 0; i < count; i++) {
        if (is_id_of(records[i].wanted, plan_behind(name))) {
            return sfe_slice_text(records[i].wanted->object);
        }
    }
    return sfe_slice_text(memory);
}

static bool is_mapped(const struct sfe_metadata *metadata, struct sfe_slice name)
{
    for (uint32_t i = 0; i < metadata->object_count; i++) {
        if (plan_same_name(name, sfe_slice_text(metadata->objects[i].name))) {
            return metadata->objects[i].is_mapped;
        }
    }
    return false;
}

/* The field of a parent by which it is found. */
static void add_key(struct sfe_metadata *metadata, struct sfe_slice parent,
                    const struct sfe_plan_field *found, const struct sfe_map_field *wanted)
{
    const uint32_t owner = add_object(metadata, parent);
    struct metadata_field *key = add_field(metadata, owner, plan_behind(wanted->name));

    if (found->is_key_found && key->is_key_only) {
        key->is_required = is_required(&found->key);
    } else if (found->is_found && !found->is_key_found && can_make(metadata, owner, key->name)) {
        key->is_missing = true;
        key->is_id = true;
        key->wanted = key->wanted == NULL ? wanted : key->wanted;
    }
}

/* "Parent__r.Ext__c": the lookup Parent__c of this object, and Ext__c of the parent. */
static void add_reference(struct sfe_metadata *metadata, uint32_t object,
                          const struct sfe_plan_record *records, uint32_t count,
                          const struct sfe_plan_field *found, const struct sfe_map_field *wanted)
{
    char name[SFE_PLAN_NAME_BYTES];
    struct sfe_slice parent = sfe_slice_text(found->facts.parent);

    sfe_printable(name, sizeof(name), plan_front(wanted->name));
    if (found->is_found) {
        sfe_printable(name, sizeof(name), sfe_slice_text(found->facts.name));
    } else if (plan_is_ours(name) && name[strlen(name) - 1u] == 'r') {
        name[strlen(name) - 1u] = 'c';
        parent = guess_parent(records, count, wanted->name, name);
    } else {
        return;
    }
    struct metadata_field *field = add_field(metadata, object, sfe_slice_text(name));
    field->is_key_only = false;
    field->is_missing = !found->is_found && can_make(metadata, object, name);
    field->is_required = found->is_found && is_required(&found->facts);
    sfe_printable(field->parent, sizeof(field->parent), parent);
    if (found->is_found || is_mapped(metadata, parent)) {
        add_key(metadata, parent, found, wanted);
    }
}

static void add_record(struct sfe_metadata *metadata, const struct sfe_plan_record *records,
                       uint32_t count, const struct sfe_plan_record *record)
{
    const struct sfe_map_options *wanted = record->wanted;
    const uint32_t object = add_object(metadata, sfe_slice_text(wanted->object));

    metadata->lacks_permission = metadata->lacks_permission || record->lacks_permission;
    for (uint32_t i = 0; i < wanted->field_count; i++) {
        const struct sfe_plan_field *found = &record->fields[i];
        metadata->lacks_permission = metadata->lacks_permission || found->lacks_permission;
        if (plan_behind(wanted->fields[i].name).size == 0) {
            add_plain(metadata, object, record, i);
        } else {
            add_reference(metadata, object, records, count, found, &wanted->fields[i]);
        }
    }
}

enum sfe_code sfe_metadata_open(const struct sfe_plan_record *records, uint32_t count,
                                struct sfe_arena *arena, struct sfe_metadata **metadata,
                                struct sfe_error *err)
{
    struct sfe_metadata *made = sfe_arena_take(arena, sizeof(*made), err);
    uint32_t capacity = 0;

    /* A field adds at most itself, its parent's key, and the parent. */
    for (uint32_t i = 0; i < count; i++) {
        capacity += 1u + 2u * records[i].wanted->field_count;
    }
    if (made == NULL) {
        return err->code;
    }
    made->capacity = capacity;
    made->objects = sfe_arena_take(arena, (capacity + 1u) * sizeof(*made->objects), err);
    made->fields = sfe_arena_take(arena, (capacity + 1u) * sizeof(*made->fields), err);
    if (made->objects == NULL || made->fields == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t object = add_object(made, sfe_slice_text(records[i].wanted->object));
        made->objects[object].is_mapped = true;
        made->objects[object].is_missing = !records[i].is_read;
    }
    for (uint32_t i = 0; i < count; i++) {
        add_record(made, records, count, &records[i]);
    }
    for (uint32_t i = 0; i < made->field_count; i++) {
        struct metadata_object *owner = &made->objects[made->fields[i].object];
        owner->lacks_fields = owner->lacks_fields || made->fields[i].is_missing;
    }
    *metadata = made;
    return SFE_OK;
}

static bool needs_file(const struct metadata_object *object)
{
    return object->lacks_fields || (object->is_missing && plan_is_ours(object->name));
}

uint32_t sfe_metadata_object_count(const struct sfe_metadata *metadata)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < metadata->object_count; i++) {
        count += needs_file(&metadata->objects[i]) ? 1u : 0u;
    }
    return count;
}

/* The number of the `index`th object that a file is written for. */
static uint32_t number_of(const struct sfe_metadata *metadata, uint32_t index)
{
    uint32_t number = 0;

    while (!needs_file(&metadata->objects[number]) || index-- != 0) {
        number++;
        SFE_ASSERT(number < metadata->object_count);
    }
    return number;
}

const char *sfe_metadata_object_name(const struct sfe_metadata *metadata, uint32_t index)
{
    return metadata->objects[number_of(metadata, index)].name;
}

bool sfe_metadata_is_needed(const struct sfe_metadata *metadata)
{
    return metadata->lacks_permission || sfe_metadata_object_count(metadata) != 0;
}

/* An element with a text. Names of the API hold nothing that would need an escape; others do. */
static void add_element(struct sfe_builder *out, unsigned depth, const char *name, const char *text)
{
    sfe_builder_format(out, "%*s<%s>", (int)(4u * depth), "", name);
    for (; *text != '\0'; text++) {
        if (*text == '<' || *text == '>' || *text == '&') {
            sfe_builder_add_text(out, *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : "&amp;");
        } else {
            sfe_builder_add_byte(out, (uint8_t)*text);
        }
    }
    sfe_builder_format(out, "</%s>\n", name);
}

static void begin_document(struct sfe_builder *out, const char *name)
{
    sfe_builder_format(out,
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<%s xmlns=\"http://soap.sforce.com/2006/04/metadata\">\n",
                       name);
}

/* A label for people: "Pos_Line__c" is "Pos Line". */
static void make_label(const char *name, char label[SFE_PLAN_NAME_BYTES])
{
    const char *end = strstr(name, "__");
    const size_t size = end == NULL ? strlen(name) : (size_t)(end - name);

    sfe_printable(label, SFE_PLAN_NAME_BYTES, sfe_slice_make(name, size));
    for (char *at = strchr(label, '_'); at != NULL; at = strchr(at, '_')) {
        *at = ' ';
    }
}

static void add_lookup(const struct metadata_object *object, const struct metadata_field *field,
                       struct sfe_builder *out)
{
    char name[RELATIONSHIP_BYTES];
    struct sfe_builder text = sfe_builder_make(name, sizeof(name) - 1u);
    const size_t object_size = strcspn(object->name, "_");

    /* Where the children of a parent are found: two names, clipped, and no blank at the end. */
    sfe_builder_add(&text, sfe_slice_part(sfe_slice_text(object->name), 0,
                                          object_size > 19u ? 19u : object_size));
    sfe_builder_add_byte(&text, '_');
    const size_t size = strcspn(field->name, "_");
    sfe_builder_add(&text, sfe_slice_part(sfe_slice_text(field->name), 0, size > 20u ? 20u : size));
    name[text.size] = '\0';
    add_element(out, 2, "referenceTo", field->parent);
    add_element(out, 2, "relationshipName", name);
    add_element(out, 2, "type", "Lookup");
}

static void add_number(const struct metadata_field *field, const char *scale,
                       struct sfe_builder *out)
{
    add_element(out, 2, "precision", "18");
    add_element(out, 2, "scale", scale);
    add_element(out, 2, "type", "Number");
    add_element(out, 2, "unique", field->is_id ? "true" : "false");
}

static bool is_payload(const struct sfe_map_field *wanted)
{
    return wanted->from != NULL && strncmp(wanted->from, "{payload", 8) == 0;
}

static void add_text(const struct metadata_field *field, struct sfe_builder *out)
{
    const bool is_long = !field->is_id && is_payload(field->wanted);

    add_element(out, 2, "length", is_long ? "131072" : "255");
    add_element(out, 2, "type", is_long ? "LongTextArea" : "Text");
    if (is_long) {
        add_element(out, 2, "visibleLines", "3");
    } else {
        add_element(out, 2, "unique", field->is_id ? "true" : "false");
    }
}

static void add_typed(const struct metadata_field *field, struct sfe_builder *out)
{
    switch (plan_kind_of(field->wanted)) {
    case PLAN_DECIMAL:
        add_number(field, "6", out);
        break;
    case PLAN_WHOLE:
        add_number(field, "0", out);
        break;
    case PLAN_BOOLEAN:
        add_element(out, 2, "defaultValue", "false");
        add_element(out, 2, "type", "Checkbox");
        break;
    case PLAN_DATE:
        add_element(out, 2, "type", "Date");
        break;
    case PLAN_DATETIME:
        add_element(out, 2, "type", "DateTime");
        break;
    case PLAN_ANY:
    case PLAN_TEXT:
    case PLAN_NULL:
    default:
        add_text(field, out);
        break;
    }
}

static void add_field_of(const struct metadata_object *object, const struct metadata_field *field,
                         struct sfe_builder *out)
{
    char label[SFE_PLAN_NAME_BYTES];
    const enum plan_kind kind = field->wanted == NULL ? PLAN_TEXT : plan_kind_of(field->wanted);
    const bool is_number = kind == PLAN_WHOLE || kind == PLAN_DECIMAL;

    make_label(field->name, label);
    sfe_builder_add_text(out, "    <fields>\n");
    add_element(out, 2, "fullName", field->name);
    if (field->is_id) {
        if (!is_number) {
            add_element(out, 2, "caseSensitive", "true");
        }
        add_element(out, 2, "externalId", "true");
    }
    add_element(out, 2, "label", label);
    if (field->parent[0] != '\0') {
        add_lookup(object, field, out);
    } else {
        add_typed(field, out);
    }
    sfe_builder_add_text(out, "    </fields>\n");
}

void sfe_metadata_add_object(const struct sfe_metadata *metadata, uint32_t index,
                             struct sfe_builder *out)
{
    const uint32_t number = number_of(metadata, index);
    const struct metadata_object *object = &metadata->objects[number];
    char label[SFE_PLAN_NAME_BYTES];

    make_label(object->name, label);
    begin_document(out, "CustomObject");
    if (object->is_missing) {
        add_element(out, 1, "deploymentStatus", "Deployed");
    }
    for (uint32_t i = 0; i < metadata->field_count; i++) {
        if (metadata->fields[i].object == number && metadata->fields[i].is_missing) {
            add_field_of(object, &metadata->fields[i], out);
        }
    }
    if (object->is_missing) {
        add_element(out, 1, "label", label);
        sfe_builder_add_text(out, "    <nameField>\n");
        add_element(out, 2, "displayFormat", "{0000000000}");
        add_element(out, 2, "label", "Number");
        add_element(out, 2, "type", "AutoNumber");
        sfe_builder_add_text(out, "    </nameField>\n");
        add_element(out, 1, "pluralLabel", label);
        /* An upsert must find a record whoever owns it: else it makes a second one, or is refused.
         */
        add_element(out, 1, "sharingModel", "ReadWrite");
    }
    sfe_builder_add_text(out, "</CustomObject>\n");
}

static bool is_custom(const char *name)
{
    const size_t size = strlen(name);

    return size > 3u && strcmp(name + size - 3u, "__c") == 0;
}

static bool is_event(const char *name)
{
    const size_t size = strlen(name);

    return size > 3u && strcmp(name + size - 3u, "__e") == 0;
}

/* Exists or is being made. */
static bool will_exist(const struct metadata_object *object)
{
    return !object->is_missing || plan_is_ours(object->name);
}

static void add_field_permission(const struct sfe_metadata *metadata,
                                 const struct metadata_field *field, struct sfe_builder *out)
{
    const struct metadata_object *object = &metadata->objects[field->object];
    char name[2u * SFE_PLAN_NAME_BYTES];

    /* Fields of events have no permissions of their own. */
    if (!will_exist(object) || field->is_required || !is_custom(field->name) ||
        is_event(object->name) || (object->is_missing && !field->is_missing)) {
        return;
    }
    int length = snprintf(name, sizeof(name), "%s.%s", object->name, field->name);
    SFE_ASSERT(length > 0 && (size_t)length < sizeof(name));
    sfe_builder_add_text(out, "    <fieldPermissions>\n");
    add_element(out, 2, "editable", field->is_key_only ? "false" : "true");
    add_element(out, 2, "field", name);
    add_element(out, 2, "readable", "true");
    sfe_builder_add_text(out, "    </fieldPermissions>\n");
}

void sfe_metadata_add_permissions(const struct sfe_metadata *metadata, struct sfe_builder *out)
{
    begin_document(out, "PermissionSet");
    add_element(out, 1, "description", "What sfedge may read and write");
    for (uint32_t i = 0; i < metadata->field_count; i++) {
        add_field_permission(metadata, &metadata->fields[i], out);
    }
    add_element(out, 1, "label", SFE_METADATA_PERMISSION_SET);
    for (uint32_t i = 0; i < metadata->object_count; i++) {
        const struct metadata_object *object = &metadata->objects[i];
        if (!will_exist(object)) {
            continue;
        }
        sfe_builder_add_text(out, "    <objectPermissions>\n");
        add_element(out, 2, "allowCreate", object->is_mapped ? "true" : "false");
        add_element(out, 2, "allowDelete", "false");
        add_element(out, 2, "allowEdit",
                    object->is_mapped && !is_event(object->name) ? "true" : "false");
        add_element(out, 2, "allowRead", "true");
        add_element(out, 2, "modifyAllRecords", "false");
        add_element(out, 2, "object", object->name);
        add_element(out, 2, "viewAllRecords", "false");
        sfe_builder_add_text(out, "    </objectPermissions>\n");
    }
    sfe_builder_add_text(out, "    <userPermissions>\n");
    add_element(out, 2, "enabled", "true");
    add_element(out, 2, "name", "ApiEnabled");
    sfe_builder_add_text(out, "    </userPermissions>\n</PermissionSet>\n");
}

/* A list of names, opened by the first. */
static void add_member(struct sfe_builder *out, bool *is_open, const char *object,
                       const char *field)
{
    char name[2u * SFE_PLAN_NAME_BYTES];
    int length = snprintf(name, sizeof(name), "%s%s%s", object, field[0] == '\0' ? "" : ".", field);

    SFE_ASSERT(length > 0 && (size_t)length < sizeof(name));
    if (!*is_open) {
        sfe_builder_add_text(out, "    <types>\n");
    }
    *is_open = true;
    add_element(out, 2, "members", name);
}

static void end_members(struct sfe_builder *out, bool *is_open, const char *name)
{
    if (*is_open) {
        add_element(out, 2, "name", name);
        sfe_builder_add_text(out, "    </types>\n");
    }
    *is_open = false;
}

void sfe_metadata_add_package(const struct sfe_metadata *metadata, const char *api_version,
                              struct sfe_builder *out)
{
    bool is_open = false;

    begin_document(out, "Package");
    for (uint32_t i = 0; i < metadata->object_count; i++) {
        const struct metadata_object *object = &metadata->objects[i];
        if (object->is_missing && needs_file(object)) {
            add_member(out, &is_open, object->name, "");
        }
    }
    end_members(out, &is_open, "CustomObject");
    for (uint32_t i = 0; i < metadata->field_count; i++) {
        const struct metadata_field *field = &metadata->fields[i];
        if (field->is_missing) {
            add_member(out, &is_open, metadata->objects[field->object].name, field->name);
        }
    }
    end_members(out, &is_open, "CustomField");
    add_member(out, &is_open, SFE_METADATA_PERMISSION_SET, "");
    end_members(out, &is_open, "PermissionSet");
    add_element(out, 1, "version", api_version + (api_version[0] == 'v' ? 1 : 0));
    sfe_builder_add_text(out, "</Package>\n");
}
