#include "stream/stage.h"

#include "base/arena.h"
#include "base/assert.h"

uint32_t stage_event_bytes_max(const struct stage *stage)
{
    return stage->capacity - FRAME_HEADER_BYTES - stage->tag_bytes;
}

static void begin(struct stage *stage, uint32_t index)
{
    struct stage_buffer *buffer = &stage->buffers[index];

    buffer->body =
        sfe_builder_make(buffer->bytes + FRAME_HEADER_BYTES, stage_event_bytes_max(stage));
    buffer->count = 0;
    buffer->first_sequence = 0;
    buffer->payload_bytes = 0;
    buffer->is_gap = false;
}

enum sfe_code stage_open(struct stage *stage, uint32_t capacity, uint32_t tag_bytes,
                         struct sfe_arena *arena, struct sfe_error *err)
{
    SFE_ASSERT(capacity >= SFE_PAGE_BYTES && capacity % SFE_PAGE_BYTES == 0);
    SFE_ASSERT(tag_bytes <= FRAME_TAG_BYTES);
    stage->capacity = capacity;
    stage->tag_bytes = tag_bytes;
    for (uint32_t i = 0; i < 2; i++) {
        stage->buffers[i].bytes = sfe_arena_take(arena, capacity, err);
        if (stage->buffers[i].bytes == NULL) {
            return err->code;
        }
        begin(stage, i);
    }
    sfe_event_encoder_begin(&stage->encoder);
    return SFE_OK;
}

static bool take_room(struct stage_room *room, uint32_t bytes)
{
    if (bytes <= room->current_bytes) {
        room->current_bytes -= bytes;
        return true;
    }
    if (room->segments == 0 || bytes > room->segment_bytes) {
        return false;
    }
    room->segments--;
    room->current_bytes = room->segment_bytes - bytes;
    return true;
}

struct frame stage_frame(const struct stage *stage, const struct stage_buffer *buffer)
{
    struct frame frame = {.first_sequence = buffer->first_sequence, .count = buffer->count};

    if (buffer->is_gap) {
        frame.flags = FRAME_GAP;
        frame.body_bytes = FRAME_GAP_BYTES;
    } else {
        frame.flags = stage->tag_bytes != 0 ? FRAME_SEALED : 0;
        frame.body_bytes = (uint32_t)buffer->body.size + stage->tag_bytes;
    }
    return frame;
}

/* Will the quota have a place for what is taken and for the buffer being filled with `more` bytes
 * in it? */
static bool has_place(const struct stage *stage, struct stage_room room, size_t more)
{
    const struct stage_buffer *taken = &stage->buffers[stage->filling ^ 1u];
    const struct stage_buffer *buffer = &stage->buffers[stage->filling];

    if (taken->count > 0 && !taken->is_gap) {
        const struct frame frame = stage_frame(stage, taken);
        if (!take_room(&room, frame_bytes(&frame))) {
            /* A failure has cost its place: it has the reserve, one segment over the quota. */
            room.current_bytes = room.segment_bytes - frame_bytes(&frame);
        }
    }
    more += FRAME_HEADER_BYTES + stage->tag_bytes;
    return take_room(&room, page_align((uint32_t)(buffer->body.size + more)));
}

static enum stage_outcome refuse(struct stage *stage)
{
    stage->refused++;
    return STAGE_FULL;
}

/* The event gets a sequence, and nothing of it is kept. What was staged before goes to flash
 * first. */
static enum stage_outcome drop(struct stage *stage, const struct sfe_event *event, uint64_t now_ns,
                               uint64_t *sequence)
{
    struct stage_buffer *buffer = &stage->buffers[stage->filling];

    if ((buffer->count > 0 && !buffer->is_gap) || buffer->count == UINT32_MAX) {
        return refuse(stage);
    }
    stage->last_staged_ns = now_ns;
    *sequence = stage->next_sequence++;
    buffer->payload_bytes += event->payload.size;
    if (buffer->count++ == 0) {
        buffer->is_gap = true;
        buffer->first_sequence = *sequence;
        stage->first_staged_ns = now_ns;
        return STAGE_WAKES;
    }
    return STAGE_QUIET;
}

enum stage_outcome stage_add(struct stage *stage, const struct stage_room *room,
                             const struct sfe_event *event, uint64_t now_ns, uint64_t *sequence)
{
    struct stage_buffer *buffer = &stage->buffers[stage->filling];
    const size_t before = buffer->body.size;
    const size_t most = sfe_event_encoded_bytes_max(event);

    SFE_ASSERT(most <= stage_event_bytes_max(stage));
    if (!has_place(stage, *room, most)) {
        stage->is_full = true;
        return room->can_drop ? drop(stage, event, now_ns, sequence) : refuse(stage);
    }
    if (buffer->is_gap || sfe_event_encode(&stage->encoder, event, &buffer->body) != SFE_OK) {
        return refuse(stage);
    }
    stage->is_full = false;
    stage->last_staged_ns = now_ns;
    *sequence = stage->next_sequence++;
    buffer->payload_bytes += event->payload.size;
    if (buffer->count++ == 0) {
        buffer->first_sequence = *sequence;
        stage->first_staged_ns = now_ns;
        return STAGE_WAKES;
    }
    return before < SFE_FRAME_BYTES_TARGET && buffer->body.size >= SFE_FRAME_BYTES_TARGET
               ? STAGE_WAKES
               : STAGE_QUIET;
}

bool stage_has_taken(const struct stage *stage)
{
    return stage->buffers[stage->filling ^ 1u].count > 0;
}

struct stage_buffer *stage_take(struct stage *stage)
{
    if (!stage_has_taken(stage)) {
        if (stage->buffers[stage->filling].count == 0) {
            return NULL;
        }
        stage->filling ^= 1u;
        begin(stage, stage->filling);
        sfe_event_encoder_begin(&stage->encoder);
    }
    return &stage->buffers[stage->filling ^ 1u];
}

void stage_done(struct stage *stage)
{
    SFE_ASSERT(stage_has_taken(stage));
    begin(stage, stage->filling ^ 1u);
}

uint64_t stage_events(const struct stage *stage)
{
    return (uint64_t)stage->buffers[0].count + stage->buffers[1].count;
}
