#include "base/csv_field.h"

static bool needs_quotes(struct sfe_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t byte = text.bytes[i];
        if (byte == '"' || byte == ',' || byte == '\n' || byte == '\r') {
            return true;
        }
    }
    return text.size > 0 && (text.bytes[0] == ' ' || text.bytes[text.size - 1] == ' ');
}

void sfe_csv_add_field(struct sfe_builder *builder, struct sfe_slice text)
{
    if (!needs_quotes(text)) {
        sfe_builder_add(builder, text);
        return;
    }
    sfe_builder_add_byte(builder, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] == '"') {
            sfe_builder_add_byte(builder, '"');
        }
        sfe_builder_add_byte(builder, text.bytes[i]);
    }
    sfe_builder_add_byte(builder, '"');
}
