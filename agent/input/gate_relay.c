#include "input/gate_state.h"

#include "base/assert.h"

static const uint8_t ping_response[] = {MQTT_PACKET_PINGRESP << 4, 0};

/* Moves what waits to the front where less than `size` bytes follow it. */
static void make_room(struct gate_pipe *pipe, size_t size)
{
    if (pipe->begin != 0 && pipe->capacity - pipe->end < size) {
        memmove(pipe->bytes, pipe->bytes + pipe->begin, gate_pipe_size(pipe));
        pipe->end -= pipe->begin;
        pipe->begin = 0;
    }
}

bool gate_pipe_add(struct gate_pipe *pipe, struct sfe_slice bytes)
{
    if (gate_pipe_room(pipe) < bytes.size) {
        return false;
    }
    make_room(pipe, bytes.size);
    memcpy(pipe->bytes + pipe->end, bytes.bytes, bytes.size);
    pipe->end += bytes.size;
    SFE_ASSERT(pipe->end <= pipe->capacity);
    return true;
}

enum sfe_code gate_flush(struct gate *gate, struct gate_side *side, struct sfe_error *err)
{
    struct gate_pipe *pipe = &side->out;

    while (gate_pipe_size(pipe) != 0 && !pipe->is_held) {
        struct sfe_slice bytes = sfe_slice_make(pipe->bytes + pipe->begin, gate_pipe_size(pipe));
        size_t count = 0;

        switch (gate_side_write(gate, side, bytes, &count, err)) {
        case SFE_IO_DATA:
            pipe->begin += count;
            break;
        case SFE_IO_WOULD_BLOCK:
            pipe->is_held = true;
            break;
        case SFE_IO_CLOSED:
            return sfe_fail(err, SFE_E_NETWORK, "the connection was closed");
        case SFE_IO_FAILED:
            return err->code;
        }
    }
    if (gate_pipe_size(pipe) == 0) {
        pipe->begin = 0;
        pipe->end = 0;
    }
    return SFE_OK;
}

/* How much may be read from the client: while an acknowledgement waits for the end of its packet,
 * not beyond that. */
static size_t client_room(const struct gate *gate)
{
    size_t room = gate_pipe_room(&gate->broker.out);

    if (room <= GATE_OUT_RESERVE) {
        return 0;
    }
    room -= GATE_OUT_RESERVE;
    if (!mqtt_border_reached(&gate->border) && gate_pending_is_due(&gate->pending)) {
        size_t left = gate->border.multiplier != 0 ? 1u : gate->border.left;
        return left < room ? left : room;
    }
    return room;
}

bool gate_client_has_room(const struct gate *gate)
{
    return gate_pipe_room(&gate->broker.out) > GATE_OUT_RESERVE;
}

/* A packet of the client has passed. */
static enum sfe_code client_packet(struct gate *gate, struct sfe_error *err)
{
    switch (gate->border.type) {
    case MQTT_PACKET_PUBACK:
    case MQTT_PACKET_PUBREC:
        return sfe_fail(err, SFE_E_PROTOCOL, "the client answers a message that it never got");
    case MQTT_PACKET_PINGREQ:
        /* The answer may stand behind the message that waits. */
        if (gate->is_waiting &&
            gate_pipe_add(&gate->client.out,
                          sfe_slice_make(ping_response, sizeof(ping_response)))) {
            gate->pings_answered++;
        }
        return SFE_OK;
    default:
        return SFE_OK;
    }
}

/* Learns the protocol level from the first packet, which is passed on like all others. */
static enum sfe_code see_opening(struct gate *gate, struct sfe_slice bytes, struct sfe_error *err)
{
    enum sfe_code code;

    for (size_t i = 0; i < bytes.size && gate->opening_bytes < GATE_OPENING_BYTES_MAX; i++) {
        gate->opening[gate->opening_bytes++] = bytes.bytes[i];
    }
    code = mqtt_connect_parse_level(sfe_slice_make(gate->opening, gate->opening_bytes),
                                    &gate->level, err);
    return code == SFE_E_AGAIN ? SFE_OK : code;
}

static enum sfe_code pass_client_bytes(struct gate *gate, struct sfe_slice bytes,
                                       struct sfe_error *err)
{
    if (gate->level == 0) {
        enum sfe_code code = see_opening(gate, bytes, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    while (bytes.size != 0) {
        bool is_whole = false;
        enum sfe_code code = mqtt_border_pass(&gate->border, &bytes, &is_whole, err);

        if (code == SFE_OK && is_whole) {
            code = client_packet(gate, err);
        }
        if (code != SFE_OK) {
            return code;
        }
    }
    return SFE_OK;
}

enum sfe_code gate_client_receive(struct gate *gate, bool *has_data, struct sfe_error *err)
{
    struct gate_pipe *pipe = &gate->broker.out;
    size_t room = client_room(gate);
    struct sfe_builder place;

    *has_data = false;
    if (room == 0) {
        return SFE_OK;
    }
    make_room(pipe, room);
    place = sfe_builder_make(pipe->bytes + pipe->end, room);
    switch (gate_side_read(gate, &gate->client, &place, err)) {
    case SFE_IO_DATA:
        *has_data = true;
        pipe->end += place.size;
        return pass_client_bytes(gate, sfe_builder_slice(&place), err);
    case SFE_IO_WOULD_BLOCK:
        return SFE_OK;
    case SFE_IO_CLOSED:
        return SFE_E_END;
    case SFE_IO_FAILED:
        return err->code;
    }
    return SFE_OK;
}
