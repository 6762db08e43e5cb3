#include "audit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "table.h"

static double number_of(struct sfe_slice text)
{
    char digits[64];
    size_t size = text.size < sizeof digits ? text.size : sizeof digits - 1;
    memcpy(digits, text.bytes, size);
    digits[size] = '\0';
    return strtod(digits, NULL);
}

static double *highest_of(struct order *order, struct sfe_slice key, double sequence)
{
    uint64_t hash = sfe_hash64(0, key);
    uint32_t cursor = index_begin(&order->index, hash);
    uint32_t place = index_next(&order->index, hash, &cursor);
    if (place == INDEX_NONE) {
        if (order->key_count == order->key_capacity) {
            order->key_capacity = order->key_capacity == 0 ? 256 : order->key_capacity * 2;
            order->highest =
                memory_grow(order->highest, order->key_capacity * sizeof *order->highest);
        }
        place = order->key_count++;
        order->highest[place] = sequence;
        index_add(&order->index, hash, place);
    }
    return &order->highest[place];
}

void order_note(struct object *object, const struct record *record, struct pool *pool)
{
    struct order *order = &object->order;
    if (order->key == NULL) {
        return;
    }
    struct sfe_slice key = record_value(object, record, order->key);
    struct sfe_slice text = record_value(object, record, order->sequence);
    if (key.size == 0 || text.size == 0) {
        return;
    }
    double sequence = number_of(text);
    double *highest = highest_of(order, key, sequence);
    order->watched++;
    if (sequence >= *highest) {
        *highest = sequence;
        return;
    }
    order->out_of_order++;
    if (order->case_count < ORDER_CASES_MAX) {
        struct sfe_slice id = sfe_slice_make(NULL, 0);
        if (object->first_external_id != NULL) {
            id = record_value(object, record, object->first_external_id);
        }
        order->cases[order->case_count++] =
            (struct order_case){pool_text(pool, key.bytes, key.size),
                                pool_text(pool, id.bytes, id.size), sequence, *highest};
    }
}

static void write_number(struct buffer *out, const char *name, uint64_t value)
{
    buffer_add_text(out, "\"");
    buffer_add_text(out, name);
    buffer_add_text(out, "\":");
    buffer_add_u64(out, value);
    buffer_add_text(out, ",");
}

/* Members are written with a comma behind each; the last one goes. */
static void end_object(struct buffer *out)
{
    out->size -= out->bytes[out->size - 1] == ',';
    buffer_add_text(out, "}");
}

static void write_order(const struct order *order, struct buffer *out)
{
    buffer_add_text(out, "\"order\":{");
    write_number(out, "watched", order->watched);
    write_number(out, "keys", order->key_count);
    write_number(out, "out_of_order", order->out_of_order);
    buffer_add_text(out, "\"first_cases\":[");
    for (uint32_t i = 0; i < order->case_count; i++) {
        const struct order_case *one = &order->cases[i];
        buffer_add_text(out, i == 0 ? "{\"key\":" : ",{\"key\":");
        buffer_add_json(out, sfe_slice_text(one->key));
        buffer_add_text(out, ",\"id\":");
        buffer_add_json(out, sfe_slice_text(one->id));
        buffer_format(out, ",\"sequence\":%.17g,\"highest_before\":%.17g}", one->sequence,
                      one->highest);
    }
    buffer_add_text(out, "]},");
}

static void write_ids(const struct object *object, struct buffer *out)
{
    const struct field *field = object->first_external_id;
    buffer_add_text(out, "\"ids\":[");
    bool any = false;
    for (uint32_t i = 0; i < object->record_count && field != NULL; i++) {
        const struct record *record = object->records[i];
        if (record->deleted) {
            continue;
        }
        if (any) {
            buffer_add_text(out, ",");
        }
        any = true;
        buffer_add_json(out, record_value(object, record, field));
    }
    buffer_add_text(out, "],");
}

/* Microseconds of wall clock, in the order of the IDs. */
static void write_times(const struct object *object, struct buffer *out)
{
    buffer_add_text(out, "\"created_us\":[");
    for (uint32_t i = 0; i < object->record_count; i++) {
        if (!object->records[i]->deleted) {
            buffer_add_u64(out, object->records[i]->created_us);
            buffer_add_text(out, ",");
        }
    }
    out->size -= out->bytes[out->size - 1] == ',';
    buffer_add_text(out, "],");
}

static void write_object(const struct object *object, enum audit_lists lists, struct buffer *out)
{
    buffer_add_json(out, sfe_slice_text(object->name));
    buffer_add_text(out, ":{");
    write_number(out, "records", object->created - object->deleted);
    write_number(out, "created", object->created);
    write_number(out, "updated", object->repeats + object->changed);
    write_number(out, "repeats", object->repeats);
    write_number(out, "changed", object->changed);
    write_number(out, "deleted", object->deleted);
    if (object->order.key != NULL) {
        write_order(&object->order, out);
    }
    if (lists != AUDIT_COUNTS) {
        write_ids(object, out);
    }
    if (lists == AUDIT_TIMES) {
        write_times(object, out);
    }
    end_object(out);
}

static void write_totals(const struct audit *audit, struct buffer *out)
{
    write_number(out, "requests", audit->requests);
    write_number(out, "api_calls", audit->api_calls);
    write_number(out, "logins", audit->logins);
    write_number(out, "logins_refused", audit->logins_refused);
    write_number(out, "refreshes", audit->refreshes);
    write_number(out, "refresh_reuses", audit->refresh_reuses);
    write_number(out, "unauthorized", audit->unauthorized);
    write_number(out, "connections", audit->connections);
    write_number(out, "collections", audit->collections);
    write_number(out, "records", audit->records);
    write_number(out, "records_failed", audit->records_failed);
    write_number(out, "records_a_call_max", audit->records_a_call_max);
    write_number(out, "body_bytes_received", audit->body_bytes_received);
    write_number(out, "body_bytes", audit->body_bytes);
    write_number(out, "answer_bytes", audit->answer_bytes);
}

void audit_write(const struct audit *audit, const struct schema *schema,
                 const struct faults *faults, const struct object *object, enum audit_lists lists,
                 struct buffer *out)
{
    buffer_add_text(out, "{");
    write_totals(audit, out);
    buffer_add_text(out, "\"faults\":{");
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        write_number(out, fault_name((enum fault_kind)i), faults->kinds[i].happened);
    }
    end_object(out);
    buffer_add_text(out, ",\"objects\":{");
    for (uint32_t i = 0; i < schema->object_count; i++) {
        if (object == NULL || object == &schema->objects[i]) {
            write_object(&schema->objects[i], lists, out);
            buffer_add_text(out, ",");
        }
    }
    end_object(out);
    end_object(out);
    buffer_add_text(out, "\n");
}
