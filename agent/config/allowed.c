/* What a row allows, in words. */
#include "config/keys.h"

#include "base/assert.h"
#include "config/quantity.h"

static void add_words(const struct config_key *key, const char *before, const char *between,
                      const char *after, struct sfe_builder *builder)
{
    struct sfe_slice word = keys_word(key->allowed, 0);
    bool is_first = true;

    for (uint32_t i = 0; word.size != 0; i++) {
        if (!keys_is_later_word(key, word)) {
            sfe_builder_add_text(builder, is_first ? before : between);
            sfe_builder_add(builder, word);
            sfe_builder_add_text(builder, after);
            is_first = false;
        }
        word = keys_word(key->allowed, i + 1);
    }
}

static void add_range(const struct config_key *key, struct sfe_builder *builder,
                      void (*add)(struct sfe_builder *builder, uint64_t value))
{
    sfe_builder_add_text(builder, ", ");
    add(builder, key->min);
    if (key->max != 0) {
        sfe_builder_add_text(builder, " to ");
        add(builder, key->max);
    }
    if (key->step == SFE_STEP_POWER_OF_TWO) {
        sfe_builder_add_text(builder, ", a power of two");
    } else if (key->step != 0) {
        sfe_builder_add_text(builder, ", in whole seconds");
    }
}

/* What is allowed for kinds that need no figures of the row. */
static const char *const phrases[SFE_KEY_KINDS] = {
    [SFE_KEY_TEMPLATE] = "text, {/pointer} and the like in it",
    [SFE_KEY_FLAG] = "true or false",
    [SFE_KEY_FILE] = "path of a file, from the folder of this one",
    [SFE_KEY_SECRET] = "where it is: \"env:NAME\" or \"credential:NAME\"",
    [SFE_KEY_INTERFACE] = "the name of a network interface, or an address of this device",
    [SFE_KEY_POINTER] = "a JSON pointer that begins with /, such as \"/lines\"",
    [SFE_KEY_TOPIC] = "a topic filter such as \"plant/+/telemetry\" or \"pos/#\"",
    [SFE_KEY_IDENTIFIER] = "a letter, then letters, digits and _",
    [SFE_KEY_VERSION] = "\"v50.0\" or later, such as \"v62.0\"",
    [SFE_KEY_STREAM] = "name of a stream",
    [SFE_KEY_STREAMS] = "name of a stream, or a list of at least one",
    [SFE_KEY_TREE] = "an object, a list or a value",
    [SFE_KEY_VALUE] = "text, a number, true, false, null or an object",
    [SFE_KEY_WHERE] = "an object of conditions",
    [SFE_KEY_NUMBER] = "a number of at most 40 digits",
    [SFE_KEY_SCALAR] = "text, a number, true, false or null",
    [SFE_KEY_SECTION] = "an object",
    [SFE_KEY_ANY] = "anything",
};

/* The same for kinds with entries, around how many there may be. */
static const struct {
    const char *before;
    const char *after;
} counted[SFE_KEY_KINDS] = {
    [SFE_KEY_NAMED] = {"an object of", "named entries"},
    [SFE_KEY_TEXTS] = {"a list of", "texts"},
    [SFE_KEY_FILES] = {"a list of", "paths"},
    [SFE_KEY_HOSTS] = {"a list of", "hosts, domains and networks"},
    [SFE_KEY_LIST] = {"a list of", "objects"},
    [SFE_KEY_MAP] = {"an object of", "fields"},
};

static void add_figures(const struct config_key *key, struct sfe_builder *builder)
{
    switch (key->kind) {
    case SFE_KEY_TEXT:
        sfe_builder_add_text(builder, "text without control characters");
        if (key->max != 0) {
            sfe_builder_format(builder, ", at most %u bytes", (unsigned)key->max);
        }
        break;
    case SFE_KEY_WORD:
        add_words(key, "\"", ", \"", "\"", builder);
        break;
    case SFE_KEY_WHOLE:
        sfe_builder_add_text(builder, "a whole number");
        add_range(key, builder, sfe_builder_add_u64);
        break;
    case SFE_KEY_DURATION:
        sfe_builder_add_text(builder, "text such as \"5s\" (units ms s m h d)");
        add_range(key, builder, quantity_add_duration);
        break;
    case SFE_KEY_SIZE:
        sfe_builder_add_text(builder, "text such as \"64KiB\" (units kB MB GB KiB MiB GiB)");
        add_range(key, builder, quantity_add_size);
        break;
    case SFE_KEY_MQTT_URL:
        add_words(key, "", " or ", "://host[:port]", builder);
        sfe_builder_format(builder, ", or a list of %u to %u such", (unsigned)key->min,
                           (unsigned)key->max);
        break;
    case SFE_KEY_HTTP_URL:
        add_words(key, "", " or ", "://host[:port]", builder);
        break;
    default:
        SFE_ASSERT(key->kind == SFE_KEY_CONNECTION);
        sfe_builder_format(builder, "name of a connection of type \"%s\"", key->allowed);
        break;
    }
}

void keys_add_allowed(const struct config_key *key, struct sfe_builder *builder)
{
    if (phrases[key->kind] != NULL) {
        sfe_builder_add_text(builder, phrases[key->kind]);
    } else if (counted[key->kind].before != NULL) {
        sfe_builder_format(builder, "%s %u to %u %s", counted[key->kind].before, (unsigned)key->min,
                           (unsigned)key->max, counted[key->kind].after);
    } else {
        add_figures(key, builder);
    }
    if (key->note != NULL) {
        sfe_builder_format(builder, " (%s)", key->note);
    }
}
