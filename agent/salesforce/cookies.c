#include "salesforce/cookies.h"

/* What stands before the first `stop`; `rest` is what stands behind it. */
static struct sfe_slice cut(struct sfe_slice *rest, uint8_t stop)
{
    const struct sfe_slice whole = *rest;
    const uint8_t *found = whole.size == 0 ? NULL : memchr(whole.bytes, stop, whole.size);
    const size_t size = found == NULL ? whole.size : (size_t)(found - whole.bytes);

    *rest = sfe_slice_part(whole, size + 1u, whole.size);
    return sfe_slice_part(whole, 0, size);
}

static struct sfe_slice trim(struct sfe_slice text)
{
    while (text.size != 0 && text.bytes[0] <= ' ') {
        text = sfe_slice_part(text, 1, text.size);
    }
    while (text.size != 0 && text.bytes[text.size - 1u] <= ' ') {
        text.size--;
    }
    return text;
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static bool is_name(struct sfe_slice text, const char *name)
{
    const size_t size = strlen(name);

    for (size_t i = 0; i < size && i < text.size; i++) {
        if (lower(text.bytes[i]) != (uint8_t)name[i]) {
            return false;
        }
    }
    return text.size == size;
}

/* Of the attributes behind a cookie: is it to end at once? */
static bool has_ended(struct sfe_slice attributes)
{
    while (attributes.size != 0) {
        struct sfe_slice value = cut(&attributes, ';');
        const struct sfe_slice name = trim(cut(&value, '='));
        value = trim(value);
        if (is_name(name, "max-age") && value.size != 0 &&
            (value.bytes[0] == '-' || value.bytes[0] == '0')) {
            return true;
        }
    }
    return false;
}

static void forget(struct cookies *cookies, struct sfe_slice name)
{
    char kept[COOKIES_BYTES_MAX];
    struct sfe_builder builder = sfe_builder_make(kept, sizeof(kept));
    struct sfe_slice rest = cookies_slice(cookies);

    while (rest.size != 0) {
        const struct sfe_slice one = trim(cut(&rest, ';'));
        struct sfe_slice value = one;
        if (one.size == 0 || sfe_slice_equal(cut(&value, '='), name)) {
            continue;
        }
        if (builder.size != 0) {
            sfe_builder_add(&builder, SFE_TEXT("; "));
        }
        sfe_builder_add(&builder, one);
    }
    memcpy(cookies->text, kept, builder.size);
    cookies->size = builder.size;
}

static bool take_one(struct cookies *cookies, struct sfe_slice line)
{
    const struct sfe_slice pair = trim(cut(&line, ';'));
    struct sfe_slice value = pair;
    const struct sfe_slice name = trim(cut(&value, '='));
    struct sfe_builder builder = sfe_builder_make(cookies->text, sizeof(cookies->text));

    if (name.size == 0) {
        return true;
    }
    forget(cookies, name);
    if (has_ended(line) || trim(value).size == 0) {
        return true;
    }
    builder.size = cookies->size;
    if (builder.size != 0) {
        sfe_builder_add(&builder, SFE_TEXT("; "));
    }
    sfe_builder_add(&builder, name);
    sfe_builder_add_byte(&builder, '=');
    sfe_builder_add(&builder, trim(value));
    if (!builder.overflowed) {
        cookies->size = builder.size;
    }
    return !builder.overflowed;
}

bool cookies_take(struct cookies *cookies, struct sfe_slice lines)
{
    bool is_taken = true;

    while (lines.size != 0) {
        is_taken = take_one(cookies, cut(&lines, '\n')) && is_taken;
    }
    return is_taken;
}
