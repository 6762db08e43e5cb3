#include "batch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "contention.h"
#include "faults.h"

#define MESSAGE_BYTES 512u

void batch_begin(struct batch *batch, const struct sfe_json *json, uint32_t count)
{
    if (count > batch->capacity) {
        batch->capacity = count;
        batch->drafts = memory_grow(batch->drafts, count * sizeof *batch->drafts);
    }
    contention_part(batch->contention, batch->faults, count);
    batch->json = json;
    batch->count = 0;
    batch->value_count = 0;
    batch->messages.size = 0;
    batch->refusal = (struct failure){NULL, 0, 0, NULL};
    batch->text_memory.size = 0;
    /* Unescaped text is never longer than the JSON; keys may be unescaped once more, and each
     * reference needs an Id. */
    size_t room = (json == NULL ? 0 : json->text.size * 3) + 4096;
    batch->text = sfe_builder_make(buffer_reserve(&batch->text_memory, room), room);
}

struct draft *batch_add(struct batch *batch, struct object *object)
{
    SFE_ASSERT(batch->count < batch->capacity);
    size_t need = batch->value_count + object->field_count;
    if (need > batch->value_capacity) {
        batch->value_capacity = need * 2;
        batch->values = memory_grow(batch->values, batch->value_capacity * sizeof *batch->values);
    }
    struct draft *draft = &batch->drafts[batch->count++];
    *draft = (struct draft){.object = object, .values_at = (uint32_t)batch->value_count};
    memset(batch->values + batch->value_count, 0, object->field_count * sizeof *batch->values);
    batch->value_count = need;
    return draft;
}

static void note(struct batch *batch, struct failure *failure, const char *format,
                 va_list arguments) SFE_PRINTF(3, 0);

static void note(struct batch *batch, struct failure *failure, const char *format,
                 va_list arguments)
{
    uint8_t *place = buffer_reserve(&batch->messages, MESSAGE_BYTES);
    int size = vsnprintf((char *)place, MESSAGE_BYTES, format, arguments);
    size_t written = size < 0 ? 0 : (size_t)size;
    written = written < MESSAGE_BYTES ? written : MESSAGE_BYTES - 1;
    failure->message_at = (uint32_t)batch->messages.size;
    failure->message_size = (uint32_t)written;
    batch->messages.size += written;
}

void batch_fail(struct batch *batch, struct draft *draft, const char *code,
                const struct field *field, const char *format, ...)
{
    if (draft->failure.code != NULL) {
        return;
    }
    draft->failure.code = code;
    draft->failure.field = field;
    va_list arguments;
    va_start(arguments, format);
    note(batch, &draft->failure, format, arguments);
    va_end(arguments);
}

bool batch_refuse(struct batch *batch, uint16_t status, const char *code, const char *format, ...)
{
    batch->refusal.code = code;
    batch->refusal_status = status;
    va_list arguments;
    va_start(arguments, format);
    note(batch, &batch->refusal, format, arguments);
    va_end(arguments);
    return false;
}

bool batch_refuse_field(struct batch *batch, struct draft *draft, const char *code,
                        const char *format, ...)
{
    struct failure *failure = batch->bad_field_in_record ? &draft->failure : &batch->refusal;
    if (failure->code == NULL) {
        failure->code = code;
        batch->refusal_status = 400;
        va_list arguments;
        va_start(arguments, format);
        note(batch, failure, format, arguments);
        va_end(arguments);
    }
    return batch->bad_field_in_record;
}

static void check_required(struct batch *batch, struct draft *draft)
{
    const struct object *object = draft->object;
    for (uint16_t i = 0; i < object->required_count; i++) {
        const struct field *field = &object->fields[object->required[i]];
        if (draft_values(batch, draft)[field->number].state != VALUE_SET) {
            batch_fail(batch, draft, "REQUIRED_FIELD_MISSING", field,
                       "Required fields are missing: [%s]", field->name);
        }
    }
}

static void check_unique(struct batch *batch, struct draft *draft, const struct field *key)
{
    const struct object *object = draft->object;
    for (uint16_t i = 0; i < object->field_count; i++) {
        const struct field *field = &object->fields[i];
        const struct value *value = &draft_values(batch, draft)[i];
        if (!field->unique || field == key || value->state != VALUE_SET) {
            continue;
        }
        struct sfe_slice text = sfe_slice_make(value->bytes, value->size);
        uint32_t matches = 0;
        const struct record *other =
            table_find(object, field, text, field_hash(field, text), &matches);
        if (other != NULL && other != draft->record) {
            char id[ID_BYTES];
            record_id(object, other, id);
            batch_fail(batch, draft, "DUPLICATE_VALUE", field,
                       "duplicate value found: %s duplicates value on record with id: %.18s",
                       field->name, id);
        }
    }
}

/* A child locks its parents. */
static bool is_locked_out(struct batch *batch, struct draft *draft)
{
    const struct object *object = draft->object;
    for (uint16_t i = 0; i < object->field_count; i++) {
        const struct value *value = &draft_values(batch, draft)[i];
        if (object->fields[i].type == FIELD_REFERENCE && value->state == VALUE_SET &&
            contention_locks_out(batch->contention, batch->faults,
                                 sfe_slice_make(value->bytes, value->size))) {
            return true;
        }
    }
    return false;
}

void draft_check(struct batch *batch, struct draft *draft, const struct field *key)
{
    if (draft->record == NULL) {
        check_required(batch, draft);
    }
    if (draft->record == NULL ? draft->object->no_create : draft->object->no_update) {
        batch_fail(batch, draft, "INSUFFICIENT_ACCESS_OR_READONLY", NULL,
                   "insufficient access rights on object id");
    }
    check_unique(batch, draft, key);
    if (draft->failure.code == NULL &&
        (faults_lock_row(batch->faults) || is_locked_out(batch, draft))) {
        batch_fail(batch, draft, "UNABLE_TO_LOCK_ROW", NULL,
                   "unable to obtain exclusive access to this record or 1 records");
    }
}

void draft_find(struct batch *batch, struct draft *draft, const struct field *key)
{
    const struct value *value = &draft_values(batch, draft)[key->number];
    if (value->state != VALUE_SET) {
        batch_fail(batch, draft, "MISSING_ARGUMENT", NULL, "%s not specified", key->name);
        return;
    }
    struct sfe_slice text = sfe_slice_make(value->bytes, value->size);
    uint32_t matches = 0;
    draft->record = table_find(draft->object, key, text, field_hash(key, text), &matches);
    draft->found = draft->record != NULL;
    if (matches > 1) {
        batch_fail(batch, draft, "DUPLICATE_EXTERNAL_ID", key,
                   "%s: more than one record found for external id field", key->name);
    }
    draft_check(batch, draft, key);
}

/* Makes the set of values seen in this call empty and large enough. */
static void clear_seen(struct batch *batch, size_t count)
{
    uint32_t size = 64;
    while (size < count * 2) {
        size *= 2;
    }
    if (size > batch->seen_capacity) {
        batch->seen = memory_grow(batch->seen, size * sizeof *batch->seen);
        batch->seen_capacity = size;
    }
    batch->seen_mask = size - 1;
    memset(batch->seen, 0, size * sizeof *batch->seen);
}

/* The draft that brought this value before; NULL when this one is the first. */
static struct draft *seen_before(struct batch *batch, struct draft *draft,
                                 const struct field *field)
{
    const struct value *value = &draft_values(batch, draft)[field->number];
    uint64_t hash = field_hash(field, sfe_slice_make(value->bytes, value->size));
    uint32_t at = (uint32_t)hash & batch->seen_mask;
    while (batch->seen[at].draft != 0) {
        const struct batch_slot *slot = &batch->seen[at];
        struct draft *other = &batch->drafts[slot->draft - 1];
        if (slot->hash == hash && slot->field == field->number && other->object == draft->object) {
            return other;
        }
        at = (at + 1) & batch->seen_mask;
    }
    batch->seen[at] =
        (struct batch_slot){hash, (uint32_t)(draft - batch->drafts) + 1, field->number};
    return NULL;
}

static void fail_duplicate(struct batch *batch, struct draft *draft, const struct field *key)
{
    const struct value *value = &draft_values(batch, draft)[key->number];
    char shown[256];
    sfe_printable(shown, sizeof shown, sfe_slice_make(value->bytes, value->size));
    batch_fail(batch, draft, "DUPLICATE_VALUE", key, "Duplicate external id specified: %s", shown);
}

static void check_unique_within(struct batch *batch, struct draft *draft, const struct field *field,
                                const struct field *key)
{
    if (draft_values(batch, draft)[field->number].state != VALUE_SET) {
        return;
    }
    struct draft *other = seen_before(batch, draft, field);
    if (other == NULL) {
        return;
    }
    if (field == key) {
        fail_duplicate(batch, other, key);
        fail_duplicate(batch, draft, key);
    } else if (other->failure.code == NULL) {
        batch_fail(batch, draft, "DUPLICATE_VALUE", field,
                   "duplicate value found: %s duplicates value on record with id: <unknown>",
                   field->name);
    }
}

void batch_check_keys(struct batch *batch, const struct field *key)
{
    size_t count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        count += batch->drafts[i].object->unique_count;
    }
    clear_seen(batch, count);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct draft *draft = &batch->drafts[i];
        for (uint16_t j = 0; j < draft->object->field_count; j++) {
            const struct field *field = &draft->object->fields[j];
            if (field == key || (field->unique && draft->failure.code == NULL)) {
                check_unique_within(batch, draft, field, key);
            }
        }
    }
}

void batch_put(struct batch *batch, bool all_or_none)
{
    bool any_failed = false;
    for (uint32_t i = 0; i < batch->count && all_or_none; i++) {
        any_failed = any_failed || batch->drafts[i].failure.code != NULL;
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        struct draft *draft = &batch->drafts[i];
        if (draft->failure.code != NULL) {
            continue;
        }
        if (any_failed) {
            batch_fail(batch, draft, "ALL_OR_NONE_OPERATION_ROLLED_BACK", NULL,
                       "Record rolled back because not all records were valid and the request "
                       "was using AllOrNone header");
            continue;
        }
        draft->created = table_put(batch->table, draft->object, &draft->record,
                                   draft_values(batch, draft)) == CHANGE_CREATED;
    }
}

void batch_close(struct batch *batch)
{
    free(batch->drafts);
    free(batch->values);
    free(batch->seen);
    buffer_close(&batch->text_memory);
    buffer_close(&batch->messages);
}
