#include "bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "org.h"

#define FIRST_REPLAY 90000000u

void bus_open(struct bus *bus)
{
    bus->last_replay = FIRST_REPLAY;
    bus->first_valid = FIRST_REPLAY;
}

static void drop_first(struct bus *bus)
{
    buffer_close(&bus->events[0].data);
    bus->count--;
    memmove(bus->events, bus->events + 1, bus->count * sizeof *bus->events);
}

void bus_close(struct bus *bus)
{
    for (uint32_t i = 0; i < bus->count; i++) {
        buffer_close(&bus->events[i].data);
    }
    free(bus->events);
}

void bus_forget(struct bus *bus, bool events)
{
    while (events && bus->count != 0) {
        buffer_close(&bus->events[--bus->count].data);
    }
    bus->last_replay += 1000;
    bus->first_valid = bus->last_replay;
}

static struct bus_event *add(struct bus *bus, const char *channel)
{
    if (bus->retained_max != 0 && bus->count >= bus->retained_max) {
        drop_first(bus);
        bus->first_valid = bus->count != 0 ? bus->events[0].replay : bus->last_replay;
    }
    if (bus->count == bus->capacity) {
        bus->capacity = bus->capacity * 2 + 64;
        bus->events = memory_grow(bus->events, bus->capacity * sizeof *bus->events);
    }
    bus->published++;
    bus->last_replay += 1 + bus->published % 3; /* Holes. */
    struct bus_event *event = &bus->events[bus->count++];
    memset(event, 0, sizeof *event);
    (void)snprintf(event->channel, sizeof event->channel, "%s", channel);
    event->replay = bus->last_replay;
    return event;
}

static void add_created(struct buffer *out)
{
    char text[32];
    time_t now = (time_t)clock_wall_s();
    struct tm tm;
    if (gmtime_r(&now, &tm) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &tm) == 0) {
        text[0] = '\0';
    }
    buffer_format(out, "\"%s\"", text);
}

static void add_fields(const struct object *object, const struct record *record, bool with_null,
                       struct buffer *out)
{
    for (uint16_t i = 0; i < object->field_count; i++) {
        const struct field *field = &object->fields[i];
        const struct sfe_slice value = record_value(object, record, field);
        if (value.size == 0 && !with_null) {
            continue;
        }
        buffer_format(out, ",\"%s\":", field->name);
        record_write_value(field, value, out);
    }
}

static void publish_event(struct bus *bus, const struct object *object, const struct record *record)
{
    char channel[BUS_CHANNEL_BYTES];
    char id[ID_BYTES];
    (void)snprintf(channel, sizeof channel, "/event/%s", object->name);
    struct bus_event *event = add(bus, channel);
    record_id(object, record, id);
    buffer_add_text(&event->data, "{\"schema\":\"5E5OtZj5_Gm6Vax9XMXH9A\",\"payload\":{"
                                  "\"CreatedDate\":");
    add_created(&event->data);
    buffer_add_text(&event->data, ",\"CreatedById\":\"005xx000001SvwgAAC\"");
    add_fields(object, record, true, &event->data);
    buffer_format(&event->data,
                  "},\"event\":{\"EventUuid\":\"00000000-0000-4%.3s-8000-%.12s\",\"replayId\":%llu,"
                  "\"EventApiName\":\"%s\"}}",
                  id, id + 3, (unsigned long long)event->replay, object->name);
}

/* "Device__c" is "/data/Device__ChangeEvent", "Account" is "/data/AccountChangeEvent". */
static void change_channel(const struct object *object, char channel[BUS_CHANNEL_BYTES])
{
    const bool is_custom =
        object->name_size > 3 && strcmp(object->name + object->name_size - 3, "__c") == 0;
    (void)snprintf(channel, BUS_CHANNEL_BYTES, "/data/%.*sChangeEvent",
                   (int)(object->name_size - (is_custom ? 1u : 0u)), object->name);
}

static void publish_change(struct bus *bus, const struct object *object,
                           const struct record *record, enum change change)
{
    static const char *const TYPES[] = {"CREATE", "UPDATE", "UPDATE", "DELETE"};
    char channel[BUS_CHANNEL_BYTES];
    char id[ID_BYTES];
    change_channel(object, channel);
    struct bus_event *event = add(bus, channel);
    record_id(object, record, id);
    bus->transactions++;
    buffer_format(&event->data,
                  "{\"schema\":\"IeRuaY6cbI_HsV8Rv1Mc5g\",\"payload\":{\"ChangeEventHeader\":{"
                  "\"entityName\":\"%s\",\"recordIds\":[\"%.18s\"],\"changeType\":\"%s\","
                  "\"changeOrigin\":\"com/salesforce/api/rest/62.0;client=sfedge\","
                  "\"transactionKey\":\"00000000-0000-11e2-c29b-%012llx\",\"sequenceNumber\":1,"
                  "\"commitTimestamp\":%lld000,\"commitNumber\":%llu,"
                  "\"commitUser\":\"005xx000001SvwgAAC\"}",
                  object->name, id, TYPES[change], (unsigned long long)bus->transactions,
                  (long long)clock_wall_s(), (unsigned long long)event->replay);
    if (change != CHANGE_DELETED) {
        add_fields(object, record, false, &event->data);
    }
    buffer_format(&event->data, "},\"event\":{\"replayId\":%llu}}",
                  (unsigned long long)event->replay);
}

void bus_change(void *owner, const struct object *object, const struct record *record,
                enum change change)
{
    struct bus *bus = owner;
    if (object->is_event) {
        publish_event(bus, object, record);
    } else if (object->has_changes && change != CHANGE_REPEATED) {
        publish_change(bus, object, record, change);
    }
}

void bus_publish_generic(struct bus *bus, struct sfe_slice channel, struct sfe_slice payload)
{
    char name[BUS_CHANNEL_BYTES];
    sfe_printable(name, sizeof name, channel);
    struct bus_event *event = add(bus, name);
    buffer_add_text(&event->data, "{\"event\":{\"createdDate\":");
    add_created(&event->data);
    buffer_format(&event->data,
                  ",\"replayId\":%llu},\"payload\":", (unsigned long long)event->replay);
    buffer_add(&event->data, payload);
    buffer_add_text(&event->data, "}");
}

bool bus_has_channel(const struct schema *schema, struct sfe_slice channel)
{
    char name[BUS_CHANNEL_BYTES];
    if (channel.size >= sizeof name) {
        return false;
    }
    if (sfe_slice_equal(sfe_slice_part(channel, 0, 3), SFE_TEXT("/u/")) ||
        sfe_slice_equal(sfe_slice_part(channel, 0, 7), SFE_TEXT("/topic/"))) {
        return true;
    }
    for (uint32_t i = 0; i < schema->object_count; i++) {
        const struct object *object = &schema->objects[i];
        if (object->is_event) {
            (void)snprintf(name, sizeof name, "/event/%s", object->name);
        } else if (object->has_changes) {
            change_channel(object, name);
        } else {
            continue;
        }
        if (sfe_slice_equal(channel, sfe_slice_text(name))) {
            return true;
        }
    }
    return false;
}

bool bus_knows(const struct bus *bus, uint64_t replay)
{
    if (replay < bus->first_valid || replay > bus->last_replay) {
        return false;
    }
    for (uint32_t i = 0; i < bus->count; i++) {
        if (bus->events[i].replay == replay) {
            return true;
        }
    }
    return false;
}
