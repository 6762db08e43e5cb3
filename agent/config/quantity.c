#include "config/quantity.h"

#include "base/assert.h"

struct unit {
    const char *name;
    uint64_t factor;
    bool is_written; /* Used for writing as well. */
};

/* From the largest down, so that the first one that divides is the one to write. */
static const struct unit duration_units[] = {
    {"d", 86400000000000u, true}, {"h", 3600000000000u, true}, {"m", 60000000000u, true},
    {"s", 1000000000u, true},     {"ms", 1000000u, true},
};

static const struct unit size_units[] = {
    {"GiB", 1073741824u, true}, {"GB", 1000000000u, false}, {"MiB", 1048576u, true},
    {"MB", 1000000u, false},    {"KiB", 1024u, true},       {"kB", 1000u, false},
    {"KB", 1000u, false},       {"B", 1u, false},           {"", 1u, true},
};

#define UNITS(table) (table), sizeof(table) / sizeof((table)[0])

static size_t digits_of(struct sfe_slice text)
{
    size_t count = 0;

    while (count < text.size && text.bytes[count] >= '0' && text.bytes[count] <= '9') {
        count++;
    }
    return count;
}

bool quantity_read_whole(struct sfe_slice text, uint64_t *number)
{
    uint64_t value = 0;

    if (text.size == 0 || digits_of(text) != text.size) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint64_t digit = (uint64_t)(text.bytes[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

static bool read_quantity(struct sfe_slice text, const struct unit *units, size_t unit_count,
                          uint64_t *value)
{
    size_t digits = digits_of(text);
    struct sfe_slice name = sfe_slice_part(text, digits, text.size);
    uint64_t number = 0;

    if (!quantity_read_whole(sfe_slice_part(text, 0, digits), &number)) {
        return false;
    }
    for (size_t i = 0; i < unit_count; i++) {
        if (sfe_slice_equal(name, sfe_slice_text(units[i].name))) {
            if (number > UINT64_MAX / units[i].factor) {
                return false;
            }
            *value = number * units[i].factor;
            return true;
        }
    }
    return false;
}

bool quantity_read_duration(struct sfe_slice text, uint64_t *duration_ns)
{
    return read_quantity(text, UNITS(duration_units), duration_ns);
}

bool quantity_read_size(struct sfe_slice text, uint64_t *size_bytes)
{
    return read_quantity(text, UNITS(size_units), size_bytes);
}

void quantity_add_duration(struct sfe_builder *builder, uint64_t duration_ns)
{
    SFE_ASSERT(duration_ns % 1000000u == 0);
    if (duration_ns == 0) {
        sfe_builder_add_text(builder, "0s");
        return;
    }
    for (size_t i = 0; i < sizeof(duration_units) / sizeof(duration_units[0]); i++) {
        if (duration_ns % duration_units[i].factor == 0) {
            sfe_builder_add_u64(builder, duration_ns / duration_units[i].factor);
            sfe_builder_add_text(builder, duration_units[i].name);
            return;
        }
    }
}

void quantity_add_size(struct sfe_builder *builder, uint64_t size_bytes)
{
    for (size_t i = 0; i < sizeof(size_units) / sizeof(size_units[0]); i++) {
        const struct unit *unit = &size_units[i];
        bool divides = size_bytes % unit->factor == 0 && size_bytes >= unit->factor;
        if (unit->is_written && (divides || unit->name[0] == '\0')) {
            sfe_builder_add_u64(builder, size_bytes / unit->factor);
            sfe_builder_add_text(builder, unit->name);
            return;
        }
    }
}
