#include "load/devices.h"

#include <stdio.h>
#include <string.h>

/* 2026-11-24T00:00:00Z, in milliseconds; the number of a message makes its time, so that a repeat
 * is the same. */
#define BEGIN_MS 1795478400000ull

static size_t write_reading(uint64_t device, uint64_t sequence, uint64_t size, char *payload,
                            size_t capacity)
{
    int length = snprintf(
        payload, capacity,
        "{\"id\":\"d%03llu\",\"seq\":%llu,\"reading\":\"d%03llu-%llu\",\"ts\":%llu,"
        "\"value\":%llu.%llu,\"unit\":\"C\",\"state\":\"RUN\",\"note\":\"",
        (unsigned long long)device, (unsigned long long)sequence, (unsigned long long)device,
        (unsigned long long)sequence, (unsigned long long)(BEGIN_MS + sequence * 250u + device),
        (unsigned long long)(20u + sequence % 60u), (unsigned long long)(sequence % 10u));
    size_t used = (size_t)length;

    while (used + 2u < size && used + 3u < capacity) {
        payload[used] = (char)('a' + (used * 7u + sequence) % 26u);
        used++;
    }
    payload[used++] = '"';
    payload[used++] = '}';
    return used;
}

static size_t write_sale(uint64_t till, uint64_t sequence, char *payload, size_t capacity)
{
    uint64_t lines = 1u + sequence % 4u;
    int used = snprintf(
        payload, capacity,
        "{\"type\":\"sale\",\"sale_id\":\"t%02llu-%llu\",\"store\":\"0421\","
        "\"register\":\"%02llu\",\"seq\":%llu,\"end\":%llu,\"currency\":\"EUR\","
        "\"total\":\"%llu.%02llu\",\"operator\":\"117\",\"lines\":[",
        (unsigned long long)till, (unsigned long long)sequence, (unsigned long long)till,
        (unsigned long long)sequence, (unsigned long long)(BEGIN_MS / 1000u + sequence * 30u),
        (unsigned long long)(sequence % 90u + 1u), (unsigned long long)(sequence % 100u));

    for (uint64_t line = 1; line <= lines; line++) {
        used += snprintf(payload + used, capacity - (size_t)used,
                         "%s{\"no\":%llu,\"sku\":\"SKU-%llu\",\"qty\":\"1\",\"amount\":%llu.50}",
                         line == 1u ? "" : ",", (unsigned long long)line,
                         (unsigned long long)((sequence * 13u + line) % 997u),
                         (unsigned long long)line);
    }
    used += snprintf(payload + used, capacity - (size_t)used, "]}");
    return (size_t)used;
}

size_t message_write(const struct plan *plan, uint64_t number, char *topic, size_t topic_capacity,
                     char *payload, size_t payload_capacity)
{
    uint64_t senders = plan->devices + plan->tills;
    uint64_t sender = number % senders;
    uint64_t sequence = number / senders + 1u;

    if (sender < plan->devices) {
        (void)snprintf(topic, topic_capacity, "plant/d%03llu/telemetry",
                       (unsigned long long)sender);
        return write_reading(sender, sequence, plan->payload_bytes, payload, payload_capacity);
    }
    sender -= plan->devices;
    (void)snprintf(topic, topic_capacity, "pos/t%02llu/sale", (unsigned long long)sender);
    return write_sale(sender, sequence, payload, payload_capacity);
}
