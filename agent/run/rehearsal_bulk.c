/* What a bulk job would carry: its description, and the rows of one event's records. */
#include "run/rehearsal_parts.h"

#include "base/arena.h"
#include "base/assert.h"
#include "bulk/csv.h"
#include "bulk/job_text.h"
#include "run/output_kind.h"

#include <inttypes.h>
#include <stdio.h>

/* As a job's own: bulk.c. The text is shown as a line, so it ends. */
#define VALUE_BYTES (384u * 1024u)
#define TEXT_BYTES  (2u * 1024u * 1024u)
#define SECOND_NS   UINT64_C(1000000000)

enum sfe_code rehearsal_bulk_open(struct rehearsal *rehearsal, struct sfe_error *err)
{
    struct sfe_arena *arena = rehearsal->options->arena;
    uint8_t *value = sfe_arena_take(arena, VALUE_BYTES, err);
    uint8_t *text = sfe_arena_take(arena, TEXT_BYTES, err);

    if (value == NULL || text == NULL) {
        return SFE_E_NO_MEMORY;
    }
    rehearsal->csv_value = sfe_builder_make(value, VALUE_BYTES);
    rehearsal->csv_text = sfe_builder_make(text, TEXT_BYTES - 1);
    return SFE_OK;
}

static void tell_text(struct rehearsal *rehearsal, struct sfe_rehearsal_step told)
{
    const struct sfe_rehearsal_audience *audience = &rehearsal->options->audience;
    struct sfe_builder *text = &rehearsal->csv_text;

    while (text->size > 0 && text->bytes[text->size - 1] == '\n') {
        text->size--;
    }
    text->bytes[text->size] = '\0';
    told.message = (const char *)text->bytes;
    audience->on_step(audience->reader, &told);
}

/* The reason why a record cannot be a row is told in its row's place. */
static void add_rows(struct rehearsal *rehearsal, const struct sfe_map *map,
                     const struct sfe_map_subject *subject, uint32_t count)
{
    struct sfe_map_record record = {.subject = subject, .item = SFE_JSON_NONE};
    struct sfe_builder *text = &rehearsal->csv_text;
    struct sfe_error err;

    for (; record.index < count; record.index++) {
        record.item = sfe_map_item(map, subject, record.index, record.item);
        if (bulk_csv_add_row(map, &record, &rehearsal->csv_value, text, &err) != SFE_OK) {
            sfe_builder_format(text, "no row: %s\n", err.message);
        }
    }
}

void rehearsal_bulk_explain(struct rehearsal *rehearsal, const struct sfe_map *map,
                            const struct sfe_map_subject *subject, struct sfe_rehearsal_step told)
{
    struct sfe_builder *text = &rehearsal->csv_text;
    struct sfe_error err;
    uint32_t count = 0;

    if (sfe_map_count(map, subject, &count, &err) != SFE_OK || count == 0) {
        return;
    }
    sfe_builder_rewind(text, 0);
    sfe_builder_add_text(text, "bulk job: ");
    bulk_job_add_text(map, text);
    tell_text(rehearsal, told);
    sfe_builder_rewind(text, 0);
    sfe_builder_add_text(text, "bulk rows:\n");
    bulk_csv_add_header(map, text);
    add_rows(rehearsal, map, subject, count);
    tell_text(rehearsal, told);
}

void rehearsal_bulk_tell_from(struct rehearsal *rehearsal, const struct sfe_config_output *output,
                              struct sfe_rehearsal_step told)
{
    struct sfe_output_options sizes;
    struct sfe_builder *text = &rehearsal->csv_text;

    memset(&sizes, 0, sizeof(sizes));
    agent_output_kind(output->type)->sizes(&rehearsal->config, output, false, &sizes);
    if (sizes.large_slot_events == 0) {
        return;
    }
    sfe_builder_rewind(text, 0);
    sfe_builder_format(text,
                       "api: bulk instead, once %" PRIu32 " events wait (%" PRIu32
                       " where the day's calls are scarce), the oldest for %" PRIu64 " s",
                       sizes.large_from, sizes.large_from_dear, sizes.large_age_ns / SECOND_NS);
    tell_text(rehearsal, told);
}
