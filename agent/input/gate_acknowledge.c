#include "input/gate_state.h"

#include "base/arena.h"
#include "base/assert.h"

/* Most messages enter one stream. Where they enter more, fewer are in flight. */
static uint32_t receipts_max(uint16_t receive_maximum)
{
    return 2u * receive_maximum + GATE_RECEIPTS_MAX;
}

size_t gate_pending_memory_bytes(uint16_t receive_maximum)
{
    return sfe_arena_cost(receive_maximum * sizeof(struct gate_acknowledgement)) +
           sfe_arena_cost(receipts_max(receive_maximum) * sizeof(struct sfe_receipt));
}

enum sfe_code gate_pending_open(struct gate_pending *pending, uint16_t receive_maximum,
                                struct sfe_arena *arena, struct sfe_error *err)
{
    SFE_ASSERT(receive_maximum > 0);
    pending->capacity = receive_maximum;
    pending->receipt_capacity = receipts_max(receive_maximum);
    pending->acknowledgements =
        sfe_arena_take(arena, pending->capacity * sizeof(*pending->acknowledgements), err);
    if (pending->acknowledgements == NULL) {
        return err->code;
    }
    pending->receipts =
        sfe_arena_take(arena, pending->receipt_capacity * sizeof(*pending->receipts), err);
    return pending->receipts == NULL ? err->code : SFE_OK;
}

void gate_pending_clear(struct gate_pending *pending)
{
    pending->first = 0;
    pending->count = 0;
    pending->receipt_first = 0;
    pending->receipt_count = 0;
}

bool gate_pending_has_room(const struct gate_pending *pending)
{
    return pending->count < pending->capacity &&
           pending->receipt_capacity - pending->receipt_count >= GATE_RECEIPTS_MAX;
}

/* `first` + `offset` in a ring of `capacity`; both are below it. */
static uint32_t place(uint32_t first, uint32_t offset, uint32_t capacity)
{
    uint32_t sum = first + offset;

    return sum < capacity ? sum : sum - capacity;
}

void gate_pending_add(struct gate_pending *pending, uint16_t packet_id,
                      const struct sfe_receipt *receipts, uint32_t receipt_count)
{
    SFE_ASSERT(gate_pending_has_room(pending));
    SFE_ASSERT(receipt_count <= GATE_RECEIPTS_MAX);

    pending->acknowledgements[place(pending->first, pending->count, pending->capacity)] =
        (struct gate_acknowledgement){packet_id, (uint16_t)receipt_count};
    pending->count++;
    for (uint32_t i = 0; i < receipt_count; i++) {
        uint32_t at =
            place(pending->receipt_first, pending->receipt_count, pending->receipt_capacity);
        pending->receipts[at] = receipts[i];
        pending->receipt_count++;
    }
}

bool gate_pending_is_due(const struct gate_pending *pending)
{
    if (pending->count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < pending->acknowledgements[pending->first].receipt_count; i++) {
        const struct sfe_receipt *receipt =
            &pending->receipts[place(pending->receipt_first, i, pending->receipt_capacity)];

        const uint64_t settled = receipt->stream != NULL
                                     ? sfe_stream_durable(receipt->stream)
                                     : pending->taker->settled(pending->taker->owner);
        if (settled < receipt->sequence) {
            return false;
        }
    }
    return true;
}

static uint16_t take_oldest(struct gate_pending *pending)
{
    struct gate_acknowledgement oldest = pending->acknowledgements[pending->first];

    pending->first = place(pending->first, 1, pending->capacity);
    pending->count--;
    pending->receipt_first =
        place(pending->receipt_first, oldest.receipt_count, pending->receipt_capacity);
    SFE_ASSERT(pending->receipt_count >= oldest.receipt_count);
    pending->receipt_count -= oldest.receipt_count;
    return oldest.packet_id;
}

void gate_acknowledge(struct gate *gate)
{
    /* Never inside a packet that the client has begun. */
    if (!mqtt_border_reached(&gate->border)) {
        return;
    }
    while (gate_pipe_room(&gate->broker.out) >= MQTT_PUBACK_BYTES &&
           gate_pending_is_due(&gate->pending)) {
        uint8_t memory[MQTT_PUBACK_BYTES];
        struct sfe_builder puback = sfe_builder_make(memory, sizeof(memory));

        mqtt_puback_add(&puback, take_oldest(&gate->pending));
        (void)gate_pipe_add(&gate->broker.out, sfe_builder_slice(&puback));
        gate->acknowledged++;
    }
}
