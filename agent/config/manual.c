#include "config/schema_table.h"

#include "base/assert.h"
#include "config/keys.h"

/* Text in which roff sees no requests and no escapes. */
static void add_roff(struct sfe_builder *builder, struct sfe_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.bytes[i];
        if (i == 0 && (byte == '.' || byte == '\'')) {
            sfe_builder_add_text(builder, "\\&");
        }
        if (byte == '\\') {
            sfe_builder_add_text(builder, "\\e");
        } else if (byte == '-') {
            sfe_builder_add_text(builder, "\\-");
        } else {
            sfe_builder_add_byte(builder, byte);
        }
    }
}

static void add_words(struct sfe_builder *builder, const char *words)
{
    struct sfe_slice word = keys_word(words, 0);

    for (uint32_t i = 0; word.size != 0; i++) {
        sfe_builder_add_text(builder, i == 0 ? "" : ", ");
        add_roff(builder, word);
        word = keys_word(words, i + 1);
    }
}

static void add_key(struct sfe_builder *builder, const struct config_key *row)
{
    uint8_t memory[256];
    struct sfe_builder allowed = sfe_builder_make(memory, sizeof(memory));

    sfe_builder_add_text(builder, ".TP\n.B ");
    add_roff(builder, sfe_slice_text(row->key));
    sfe_builder_add_text(builder, "\n");
    if (row->only != NULL) {
        sfe_builder_format(builder, "(%s ", keys_form(row->section)->types);
        add_words(builder, row->only);
        sfe_builder_add_text(builder, ")\n");
    }
    add_roff(builder, sfe_slice_text(row->help));
    sfe_builder_add_text(builder, "\nAllowed: ");
    keys_add_allowed(row, &allowed);
    SFE_ASSERT(!allowed.overflowed);
    add_roff(builder, sfe_builder_slice(&allowed));
    sfe_builder_add_text(builder, ".\n");
    if (row->required) {
        sfe_builder_add_text(builder, "Required.\n");
    }
    if (row->fallback != NULL) {
        sfe_builder_add_text(builder, "Default: ");
        add_roff(builder, sfe_slice_text(row->fallback));
        sfe_builder_add_text(builder, ".\n");
    }
}

void sfe_config_add_manual(struct sfe_builder *builder)
{
    const uint32_t count = keys_count();

    for (unsigned section = 0; section < SFE_SECTION_COUNT; section++) {
        if (!keys_is_used((enum config_section)section)) {
            continue;
        }
        sfe_builder_add_text(builder, ".SS ");
        add_roff(builder, sfe_slice_text(keys_form((enum config_section)section)->heading));
        sfe_builder_add_text(builder, "\n");
        for (uint32_t i = 0; i < count; i++) {
            if (keys_row(i)->section == section && keys_is_reachable(keys_row(i))) {
                add_key(builder, keys_row(i));
            }
        }
    }
}
