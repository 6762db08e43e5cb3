/* What somebody who wrote a wrong part most likely meant. */
#include "flow/template.h"

#include "base/edit_distance.h"

#define NAME_BYTES_MAX 16u

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20u) : byte;
}

/* The word at the front of `name`. */
static struct sfe_slice head_of(struct sfe_slice name)
{
    size_t size = 0;
    while (size < name.size && lower(name.bytes[size]) >= 'a' && lower(name.bytes[size]) <= 'z') {
        size++;
    }
    return sfe_slice_part(name, 0, size);
}

static const char *nearest(struct sfe_slice head)
{
    static const char *const names[] = {"topic",  "time",  "seq",     "id",   "index",
                                        "source", "agent", "payload", "item", "identity"};
    const char *found = NULL;
    uint32_t best = head.size <= 5 ? 4 : 6; /* Further away, it is not the same word. */
    if (head.size < 2 || head.size > NAME_BYTES_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        /* Of two that are as near, the one with the same first letter: "itme" is item, not time. */
        uint32_t far = 2 * sfe_edit_distance(head, sfe_slice_text(names[i]));
        far += lower(head.bytes[0]) != (uint8_t)names[i][0] ? 1u : 0u;
        if (far < best) {
            best = far;
            found = names[i];
        }
    }
    return found;
}

/* Finishes the right form of part `name`, given what stood behind the wrong word. */
static void add_rest(struct sfe_builder *builder, const char *name, struct sfe_slice rest)
{
    const struct sfe_slice argument = sfe_slice_part(rest, 1, rest.size);
    if (strcmp(name, "topic") == 0 && rest.size > 1) {
        bool is_number = true;
        for (size_t i = 0; i < argument.size; i++) {
            is_number = is_number && argument.bytes[i] >= '0' && argument.bytes[i] <= '9';
        }
        sfe_builder_add_text(builder, ".");
        sfe_builder_add(builder, is_number ? argument : SFE_TEXT("1"));
    } else if (strcmp(name, "item") == 0 && rest.size > 1) {
        sfe_builder_add_text(builder, argument.bytes[0] == '/' ? ":" : ":/");
        sfe_builder_add(builder, argument);
    } else if (strcmp(name, "payload") == 0 && rest.size != 0) {
        sfe_builder_add_text(builder, ":base64");
    }
}

enum sfe_code flow_part_unknown(struct sfe_slice name, struct sfe_error *err)
{
    char shown[48];
    char meant[64];
    uint8_t memory[48];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));
    const struct sfe_slice head = head_of(name);
    const char *found = nearest(head);
    sfe_printable(shown, sizeof(shown), name);
    if (found != NULL) {
        sfe_builder_add_text(&builder, found);
        add_rest(&builder, found, sfe_slice_part(name, head.size, name.size));
    } else {
        sfe_builder_add_text(&builder, "/"); /* Most likely a field of the payload. */
        for (size_t i = 0; i < name.size; i++) {
            sfe_builder_add_byte(&builder, name.bytes[i] == '.' ? '/' : name.bytes[i]);
        }
    }
    sfe_printable(meant, sizeof(meant), sfe_builder_slice(&builder));
    if (name.size == 0 || builder.overflowed) {
        return sfe_fail(err, SFE_E_CONFIG,
                        "unknown part {%s}; a value of the payload is {/name}, a brace {{", shown);
    }
    return sfe_fail(err, SFE_E_CONFIG, "unknown part {%s}; did you mean {%s}?", shown, meant);
}
