#include "sim/packet.h"

#include "base/assert.h"

#include <string.h>

bool sim_line_add(struct sim_line *line, uint8_t first, struct sfe_slice body)
{
    struct sfe_builder out =
        sfe_builder_make(line->out + line->out_size, sizeof(line->out) - line->out_size);
    size_t left = body.size;

    sfe_builder_add_byte(&out, first);
    do {
        const uint8_t low = (uint8_t)(left % 128u);
        left /= 128u;
        sfe_builder_add_byte(&out, left > 0 ? (uint8_t)(low | 0x80u) : low);
    } while (left > 0);
    sfe_builder_add(&out, body);
    if (out.overflowed) {
        return false;
    }
    line->out_size += out.size;
    return true;
}

static bool write_out(struct sim_line *line)
{
    struct sfe_error err;
    size_t count = 0;

    while (line->out_size > 0) {
        switch (line->poller.write(line->poller.context, line->socket,
                                   sfe_slice_make(line->out, line->out_size), &count, &err)) {
        case SFE_IO_DATA:
            line->out_size -= count;
            memmove(line->out, line->out + count, line->out_size);
            break;
        case SFE_IO_WOULD_BLOCK:
            return true;
        case SFE_IO_CLOSED:
        case SFE_IO_FAILED:
            return false;
        }
    }
    return true;
}

bool sim_line_move(struct sim_line *line)
{
    struct sfe_error err;
    size_t count = 0;

    const bool is_open = write_out(line);
    while (line->in_size < sizeof(line->in)) {
        switch (line->poller.read(line->poller.context, line->socket, line->in + line->in_size,
                                  sizeof(line->in) - line->in_size, &count, &err)) {
        case SFE_IO_DATA:
            line->in_size += count;
            break;
        case SFE_IO_WOULD_BLOCK:
            return is_open;
        case SFE_IO_CLOSED:
        case SFE_IO_FAILED:
            return false;
        }
    }
    return is_open;
}

bool sim_line_take(struct sim_line *line, uint8_t *first, struct sfe_slice *body)
{
    /* What was given out last stands behind what has come since. */
    static const size_t length_bytes_max = 4;
    size_t size = 0;
    size_t at = 1;

    while (at <= length_bytes_max && at < line->in_size) {
        size |= (size_t)(line->in[at] & 0x7fu) << (7u * (at - 1u));
        if ((line->in[at++] & 0x80u) == 0) {
            break;
        }
    }
    if (at < 2 || (line->in[at - 1] & 0x80u) != 0 || line->in_size < at + size) {
        return false;
    }
    SFE_ASSERT(size <= sizeof(line->out));
    *first = line->in[0];
    /* The packet is turned to the end of the buffer, out of the way of what follows it. */
    uint8_t packet[SIM_PACKET_BYTES_MAX / 32u];
    SFE_ASSERT(size <= sizeof(packet));
    memcpy(packet, line->in + at, size);
    line->in_size -= at + size;
    memmove(line->in, line->in + at + size, line->in_size);
    memcpy(line->in + sizeof(line->in) - size, packet, size);
    SFE_ASSERT(line->in_size + size <= sizeof(line->in));
    *body = sfe_slice_make(line->in + sizeof(line->in) - size, size);
    return true;
}

void sim_line_end(struct sim_line *line)
{
    line->poller.close(line->poller.context, line->socket);
    line->socket = NULL;
    line->in_size = 0;
    line->out_size = 0;
}
