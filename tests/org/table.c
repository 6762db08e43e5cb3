#include "table.h"

#include <stdlib.h>
#include <time.h>

#include "audit.h"
#include "base/assert.h"
#include "base/hash.h"
#include "buffer.h"

static const char BASE62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static uint32_t block_end(const struct record *record, uint32_t number)
{
    uint32_t end = 0;
    memcpy(&end, record->block + number * sizeof end, sizeof end);
    return end;
}

struct sfe_slice record_value(const struct object *object, const struct record *record,
                              const struct field *field)
{
    uint32_t begin = field->number == 0 ? 0 : block_end(record, field->number - 1u);
    uint32_t end = block_end(record, field->number);
    const uint8_t *bytes = record->block + object->field_count * sizeof(uint32_t);
    return sfe_slice_make(bytes + begin, end - begin);
}

uint64_t field_hash(const struct field *field, struct sfe_slice text)
{
    return field->case_sensitive ? sfe_hash64(0, text) : sfe_hash64_caseless(0, text);
}

static bool value_equal(const struct field *field, struct sfe_slice a, struct sfe_slice b)
{
    return field->case_sensitive ? sfe_slice_equal(a, b) : text_equal_caseless(a, b);
}

struct record *table_find(const struct object *object, const struct field *field,
                          struct sfe_slice text, uint64_t hash, uint32_t *matches)
{
    struct record *first = NULL;
    *matches = 0;
    uint32_t cursor = index_begin(&field->index, hash);
    uint32_t number = index_next(&field->index, hash, &cursor);
    while (number != INDEX_NONE && *matches < 2) {
        struct record *record = object->records[number];
        if (!record->deleted && value_equal(field, record_value(object, record, field), text)) {
            first = first == NULL ? record : first;
            ++*matches;
            if (field->unique) {
                break;
            }
        }
        number = index_next(&field->index, hash, &cursor);
    }
    return first;
}

static void journal_note(struct table *table, struct object *object, struct record *record,
                         enum change change)
{
    struct journal *journal = &table->journal;
    if (!journal->active) {
        if (change == CHANGE_CREATED) {
            order_note(object, record, &table->pool);
        }
        return;
    }
    if (journal->count == journal->capacity) {
        journal->capacity = journal->capacity == 0 ? 256 : journal->capacity * 2;
        journal->entries =
            memory_grow(journal->entries, journal->capacity * sizeof *journal->entries);
    }
    journal->entries[journal->count++] =
        (struct journal_entry){object, record, record->block, record->capacity, change};
}

/* The value that stays or becomes: `stored` where the request is silent. */
static struct sfe_slice merged(const struct object *object, const struct record *record,
                               const struct value *values, uint16_t number)
{
    const struct value *value = &values[number];
    if (value->state == VALUE_SET) {
        return sfe_slice_make(value->bytes, value->size);
    }
    if (value->state == VALUE_NULL || record->block == NULL) {
        return sfe_slice_make(NULL, 0);
    }
    return record_value(object, record, &object->fields[number]);
}

static uint8_t *build_block(struct pool *pool, const struct object *object,
                            const struct record *record, const struct value *values,
                            uint32_t *capacity)
{
    size_t size = object->field_count * sizeof(uint32_t);
    for (uint16_t i = 0; i < object->field_count; i++) {
        size += merged(object, record, values, i).size;
    }
    uint8_t *block = pool_take(pool, size);
    uint8_t *bytes = block + object->field_count * sizeof(uint32_t);
    uint32_t end = 0;
    for (uint16_t i = 0; i < object->field_count; i++) {
        struct sfe_slice value = merged(object, record, values, i);
        if (value.size != 0) {
            memcpy(bytes + end, value.bytes, value.size);
        }
        end += (uint32_t)value.size;
        memcpy(block + i * sizeof end, &end, sizeof end);
    }
    *capacity = (uint32_t)size;
    return block;
}

static void index_record(struct object *object, const struct record *record,
                         const struct value *values)
{
    for (uint16_t i = 0; i < object->field_count; i++) {
        struct field *field = &object->fields[i];
        if ((field->external_id || field->unique) && values[i].state == VALUE_SET) {
            struct sfe_slice text = sfe_slice_make(values[i].bytes, values[i].size);
            index_add(&field->index, field_hash(field, text), record->number);
        }
    }
}

static uint64_t wall_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static struct record *add_record(struct table *table, struct object *object)
{
    if (object->record_count == object->record_capacity) {
        object->record_capacity = object->record_capacity == 0 ? 1024 : object->record_capacity * 2;
        object->records =
            memory_grow(object->records, object->record_capacity * sizeof(struct record *));
    }
    struct record *record = pool_take(&table->pool, sizeof *record);
    const uint64_t now_us = wall_us();
    *record =
        (struct record){.number = object->record_count, .created_us = now_us, .changed_us = now_us};
    object->records[object->record_count++] = record;
    return record;
}

static bool is_repeat(const struct object *object, const struct record *record,
                      const struct value *values)
{
    for (uint16_t i = 0; i < object->field_count; i++) {
        if (values[i].state == VALUE_UNTOUCHED) {
            continue;
        }
        struct sfe_slice value = merged(object, record, values, i);
        if (!sfe_slice_equal(value, record_value(object, record, &object->fields[i]))) {
            return false;
        }
    }
    return true;
}

/* While it can be taken back nothing is told. */
static void tell(const struct table *table, const struct object *object,
                 const struct record *record, enum change change)
{
    if (table->on_change != NULL && !table->journal.active) {
        table->on_change(table->owner, object, record, change);
    }
}

enum change table_put(struct table *table, struct object *object, struct record **record,
                      const struct value *values)
{
    if (*record == NULL) {
        struct record *added = add_record(table, object);
        added->block = build_block(&table->pool, object, added, values, &added->capacity);
        index_record(object, added, values);
        *record = added;
        object->created++;
        journal_note(table, object, added, CHANGE_CREATED);
        tell(table, object, added, CHANGE_CREATED);
        return CHANGE_CREATED;
    }
    SFE_ASSERT(!(*record)->deleted);
    if (is_repeat(object, *record, values)) {
        object->repeats++;
        journal_note(table, object, *record, CHANGE_REPEATED);
        return CHANGE_REPEATED;
    }
    journal_note(table, object, *record, CHANGE_CHANGED);
    uint32_t capacity = 0;
    uint8_t *block = build_block(&table->pool, object, *record, values, &capacity);
    if (!table->journal.active && capacity <= (*record)->capacity) {
        /* Nothing wants the old bytes: go back to their place, so that a soak does not grow. */
        memcpy((*record)->block, block, capacity);
        pool_return(&table->pool, block, capacity);
    } else {
        (*record)->block = block;
        (*record)->capacity = capacity;
    }
    index_record(object, *record, values);
    (*record)->changed_us = wall_us();
    object->changed++;
    tell(table, object, *record, CHANGE_CHANGED);
    return CHANGE_CHANGED;
}

void table_delete(struct table *table, struct object *object, struct record *record)
{
    SFE_ASSERT(!record->deleted);
    record->deleted = true;
    record->changed_us = wall_us();
    object->deleted++;
    journal_note(table, object, record, CHANGE_DELETED);
    tell(table, object, record, CHANGE_DELETED);
}

static void add_suffix(char id[ID_BYTES])
{
    static const char SUFFIX[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    for (unsigned block = 0; block < 3; block++) {
        unsigned bits = 0;
        for (unsigned i = 0; i < 5; i++) {
            char c = id[block * 5 + i];
            bits |= (c >= 'A' && c <= 'Z' ? 1u : 0u) << i;
        }
        id[15 + block] = SUFFIX[bits];
    }
}

void record_id(const struct object *object, const struct record *record, char id[ID_BYTES])
{
    memcpy(id, object->prefix, 3);
    memcpy(id + 3, "5g0000000000", 12);
    uint32_t number = record->number;
    for (unsigned at = 14; at > 5 && number != 0; at--) {
        id[at] = BASE62[number % 62];
        number /= 62;
    }
    add_suffix(id);
}

static bool is_alphanumeric(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z');
}

bool id_is_well_formed(struct sfe_slice text)
{
    if (text.size != 15 && text.size != ID_BYTES) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (!is_alphanumeric(text.bytes[i])) {
            return false;
        }
    }
    char id[ID_BYTES];
    memcpy(id, text.bytes, 15);
    add_suffix(id);
    return text.size == 15 || memcmp(id, text.bytes, ID_BYTES) == 0;
}

struct record *table_find_id(const struct schema *schema, struct sfe_slice id,
                             struct object **object)
{
    *object = NULL;
    if (!id_is_well_formed(id)) {
        return NULL;
    }
    for (uint32_t i = 0; i < schema->object_count; i++) {
        if (memcmp(schema->objects[i].prefix, id.bytes, 3) == 0) {
            *object = &schema->objects[i];
        }
    }
    uint64_t number = 0;
    for (unsigned at = 5; at < 15; at++) {
        const char *digit = strchr(BASE62, id.bytes[at]);
        number = number * 62 + (uint64_t)(digit == NULL ? 0 : digit - BASE62);
    }
    if (*object == NULL || memcmp(id.bytes + 3, "5g", 2) != 0 ||
        number >= (*object)->record_count) {
        return NULL;
    }
    return (*object)->records[number];
}

void journal_begin(struct table *table)
{
    SFE_ASSERT(!table->journal.active);
    table->journal.active = true;
    table->journal.count = 0;
}

void journal_keep(struct table *table)
{
    struct journal *journal = &table->journal;
    SFE_ASSERT(journal->active);
    journal->active = false;
    for (uint32_t i = 0; i < journal->count; i++) {
        if (journal->entries[i].change == CHANGE_CREATED) {
            order_note(journal->entries[i].object, journal->entries[i].record, &table->pool);
        }
        tell(table, journal->entries[i].object, journal->entries[i].record,
             journal->entries[i].change);
    }
}

void journal_undo(struct table *table)
{
    struct journal *journal = &table->journal;
    SFE_ASSERT(journal->active);
    journal->active = false;
    while (journal->count > 0) {
        const struct journal_entry *entry = &journal->entries[--journal->count];
        struct object *object = entry->object;
        switch (entry->change) {
        case CHANGE_CREATED:
            entry->record->deleted = true;
            entry->record->undone = true;
            object->created--;
            break;
        case CHANGE_REPEATED:
            object->repeats--;
            break;
        case CHANGE_CHANGED:
            entry->record->block = entry->block;
            entry->record->capacity = entry->capacity;
            object->changed--;
            break;
        case CHANGE_DELETED:
            entry->record->deleted = false;
            object->deleted--;
            break;
        }
    }
}

void table_close(struct table *table)
{
    free(table->journal.entries);
    pool_close(&table->pool);
    memset(table, 0, sizeof *table);
}
