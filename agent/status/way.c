#include "status/way.h"

#include "base/assert.h"
#include "status/note.h"

/* One look-up for each thing: the document is small and read once. */
struct page {
    const struct sfe_json *json;
    struct sfe_builder *out;
};

static uint32_t member(const struct page *page, uint32_t object, const char *name)
{
    const uint32_t token = object == SFE_JSON_NONE
                               ? SFE_JSON_NONE
                               : sfe_json_member(page->json, object, sfe_slice_text(name));

    return token != SFE_JSON_NONE && sfe_json_kind(page->json, token) == SFE_JSON_NULL
               ? SFE_JSON_NONE
               : token;
}

/* Adds `before`, the member made printable, and `after`, where there is such a member. */
static void add(const struct page *page, uint32_t object, const char *before, const char *name,
                const char *after)
{
    const uint32_t token = member(page, object, name);
    uint8_t memory[512];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));
    char shown[512];

    if (token == SFE_JSON_NONE) {
        return;
    }
    if (sfe_json_kind(page->json, token) == SFE_JSON_STRING) {
        sfe_json_add_text(page->json, token, &text);
    } else {
        sfe_builder_add(&text, sfe_json_raw(page->json, token));
    }
    sfe_printable(shown, sizeof(shown), sfe_builder_slice(&text));
    sfe_builder_add_text(page->out, before);
    sfe_builder_add_text(page->out, shown);
    sfe_builder_add_text(page->out, after);
}

static void add_received(const struct page *page)
{
    const uint32_t received = member(page, 0, "received");

    if (received == SFE_JSON_NONE) {
        return;
    }
    sfe_builder_add_text(page->out, "received");
    add(page, received, "  ", "time", "");
    add(page, received, " (clock ", "clock", ")");
    add(page, received, " by ", "input", "");
    add(page, received, ", topic ", "topic", "");
    add(page, received, ", ", "payload_bytes", " B");
    add(page, received, ", id ", "id", "");
    add(page, received, "\ndurable   segment ", "segment", "");
    sfe_builder_add_byte(page->out, '\n');
}

static void add_answers(const struct page *page)
{
    const uint32_t answers = member(page, 0, "answers");

    for (uint32_t at = answers == SFE_JSON_NONE ? answers : sfe_json_first(page->json, answers);
         at != SFE_JSON_NONE; at = sfe_json_next(page->json, answers, at)) {
        sfe_builder_add_text(page->out, "          ");
        sfe_note_add_text(page->json, at, page->out);
    }
}

static void add_outputs(const struct page *page)
{
    const uint32_t outputs = member(page, 0, "outputs");

    for (uint32_t at = outputs == SFE_JSON_NONE ? outputs : sfe_json_first(page->json, outputs);
         at != SFE_JSON_NONE; at = sfe_json_next(page->json, outputs, at)) {
        const uint32_t settled = member(page, at, "settled");
        const bool is_settled =
            settled != SFE_JSON_NONE && sfe_json_kind(page->json, settled) == SFE_JSON_TRUE;
        sfe_builder_add_text(page->out, is_settled ? "settled   " : "OPEN      ");
        add(page, at, "output ", "output", "");
        add(page, at, ", all below ", "cursor", " are settled\n");
    }
}

static void add_dead(const struct page *page)
{
    const uint32_t letters = member(page, 0, "dead");

    for (uint32_t at = letters == SFE_JSON_NONE ? letters : sfe_json_first(page->json, letters);
         at != SFE_JSON_NONE; at = sfe_json_next(page->json, letters, at)) {
        const uint32_t why = member(page, at, "why");
        add(page, at, "dead      letter ", "sequence", "");
        add(page, at, " of ", "time", "");
        add(page, why, ", output ", "output", "");
        add(page, why, ", after ", "attempts", " tries");
        add(page, why, ": ", "reason", "");
        add(page, why, " ", "api_code", "");
        add(page, why, ": ", "message", "");
        sfe_builder_add_byte(page->out, '\n');
    }
}

static void add_unknown(const struct page *page)
{
    const uint32_t unknown = member(page, 0, "unknown");

    for (uint32_t at = unknown == SFE_JSON_NONE ? unknown : sfe_json_first(page->json, unknown);
         at != SFE_JSON_NONE; at = sfe_json_next(page->json, unknown, at)) {
        sfe_builder_add_text(page->out, "          ");
        sfe_json_add_text(page->json, at, page->out);
        sfe_builder_add_byte(page->out, '\n');
    }
}

void sfe_way_add_text(const struct sfe_json *json, struct sfe_builder *out)
{
    const struct page page = {json, out};

    SFE_ASSERT(json->count != 0);
    add(&page, 0, "event     ", "event", "\n");
    add_received(&page);
    add_answers(&page);
    add_dead(&page);
    add_outputs(&page);
    add_unknown(&page);
}
