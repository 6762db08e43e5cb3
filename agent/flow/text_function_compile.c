#include "flow/text_function_compile.h"

#include "base/arena.h"
#include "base/edit_distance.h"
#include "base/utf8.h"
#include "flow/text_function.h"

#define ARGUMENTS_MAX 2u
#define NUMBER_MAX    10000
#define PAD_WIDTH_MAX 256
/* Further away, it is not the same word. */
#define DISTANCE_MAX 3u

enum argument_kind { ARGUMENT_NUMBER, ARGUMENT_COUNT, ARGUMENT_FIRST, ARGUMENT_SECOND };

struct form {
    const char *name;
    const char *usage;
    enum flow_function_kind kind;
    uint32_t needed, known; /* Arguments. */
    enum argument_kind arguments[ARGUMENTS_MAX];
};

static const struct form forms[] = {
    {"trim", "trim", FLOW_FUNCTION_TRIM, 0, 0, {0}},
    {"upper", "upper", FLOW_FUNCTION_UPPER, 0, 0, {0}},
    {"lower", "lower", FLOW_FUNCTION_LOWER, 0, 0, {0}},
    {"digits", "digits", FLOW_FUNCTION_DIGITS, 0, 0, {0}},
    {"slice",
     "slice:FROM or slice:FROM:COUNT",
     FLOW_FUNCTION_SLICE,
     1,
     2,
     {ARGUMENT_NUMBER, ARGUMENT_COUNT}},
    {"pad",
     "pad:WIDTH or pad:WIDTH:FILL",
     FLOW_FUNCTION_PAD,
     1,
     2,
     {ARGUMENT_COUNT, ARGUMENT_FIRST}},
    {"replace",
     "replace:THIS:THAT",
     FLOW_FUNCTION_REPLACE,
     1,
     2,
     {ARGUMENT_FIRST, ARGUMENT_SECOND}},
    {"split", "split:AT:N", FLOW_FUNCTION_SPLIT, 2, 2, {ARGUMENT_FIRST, ARGUMENT_NUMBER}},
};

/* Takes the text up to an unescaped `stop` or '|' off *rest. */
static struct sfe_slice take(struct sfe_slice *rest, uint8_t stop)
{
    size_t size = 0;

    while (size < rest->size && rest->bytes[size] != stop && rest->bytes[size] != '|') {
        size += rest->bytes[size] == '\\' && size + 1 < rest->size ? 2u : 1u;
    }
    const struct sfe_slice taken = sfe_slice_part(*rest, 0, size);
    *rest = sfe_slice_part(*rest, size, rest->size);
    return taken;
}

/* The argument's text without its backslashes, in the arena. */
static enum sfe_code read_text(struct sfe_slice argument, struct sfe_arena *arena,
                               struct sfe_slice *text, struct sfe_error *err)
{
    uint8_t *bytes = sfe_arena_take(arena, argument.size + 1, err);
    size_t size = 0;

    if (bytes == NULL) {
        return err->code;
    }
    for (size_t i = 0; i < argument.size; i++) {
        if (argument.bytes[i] == '\\' && i + 1 < argument.size) {
            i++;
        }
        bytes[size++] = argument.bytes[i];
    }
    *text = sfe_slice_make(bytes, size);
    return SFE_OK;
}

static bool read_number(struct sfe_slice argument, int32_t *number)
{
    const bool is_negative = argument.size > 0 && argument.bytes[0] == '-';
    size_t i = is_negative ? 1u : 0u;

    *number = 0;
    if (i == argument.size) {
        return false;
    }
    for (; i < argument.size; i++) {
        if (argument.bytes[i] < '0' || argument.bytes[i] > '9' || *number > NUMBER_MAX) {
            return false;
        }
        *number = *number * 10 + (argument.bytes[i] - '0');
    }
    if (*number > NUMBER_MAX) {
        return false;
    }
    *number = is_negative ? -*number : *number;
    return true;
}

static enum sfe_code fail_usage(const struct form *form, struct sfe_error *err)
{
    return sfe_fail(err, SFE_E_CONFIG, "function %s is written %s", form->name, form->usage);
}

static enum sfe_code read_argument(const struct form *form, uint32_t place,
                                   struct sfe_slice argument, struct sfe_arena *arena,
                                   struct flow_function *function, struct sfe_error *err)
{
    int32_t number = 0;

    switch (form->arguments[place]) {
    case ARGUMENT_FIRST:
        return argument.size == 0 ? fail_usage(form, err)
                                  : read_text(argument, arena, &function->first, err);
    case ARGUMENT_SECOND:
        return read_text(argument, arena, &function->second, err);
    case ARGUMENT_NUMBER:
        return read_number(argument, &function->number) ? SFE_OK : fail_usage(form, err);
    case ARGUMENT_COUNT:
        break;
    }
    if (!read_number(argument, &number) || number < 0) {
        return fail_usage(form, err);
    }
    function->count = (uint32_t)number;
    function->has_count = true;
    return SFE_OK;
}

static enum sfe_code check(const struct form *form, struct flow_function *function,
                           struct sfe_error *err)
{
    if (form->kind != FLOW_FUNCTION_PAD) {
        return SFE_OK;
    }
    if (function->first.size == 0) {
        function->first = SFE_TEXT("0");
    }
    if (sfe_utf8_size(function->first.bytes, function->first.size) != function->first.size) {
        return sfe_fail(err, SFE_E_CONFIG, "function pad fills with one character");
    }
    if (function->count > PAD_WIDTH_MAX) {
        return sfe_fail(err, SFE_E_CONFIG, "function pad makes at most %d characters",
                        PAD_WIDTH_MAX);
    }
    return SFE_OK;
}

static enum sfe_code fail_unknown(struct sfe_slice name, struct sfe_error *err)
{
    const struct form *nearest = NULL;
    uint32_t best = DISTANCE_MAX;
    char shown[48];

    sfe_printable(shown, sizeof(shown), name);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const uint32_t distance = sfe_edit_distance(name, sfe_slice_text(forms[i].name));
        if (distance < best) {
            best = distance;
            nearest = &forms[i];
        }
    }
    if (nearest == NULL) {
        return sfe_fail(err, SFE_E_CONFIG,
                        "unknown function \"%s\"; there are trim, upper, lower, digits, slice, "
                        "pad, replace, split; a | of a name itself is written \\|",
                        shown);
    }
    return sfe_fail(err, SFE_E_CONFIG, "unknown function \"%s\"; did you mean %s?", shown,
                    nearest->usage);
}

static const struct form *find_form(struct sfe_slice name)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (sfe_slice_equal(name, sfe_slice_text(forms[i].name))) {
            return &forms[i];
        }
    }
    return NULL;
}

/* Reads one function off *rest. */
static enum sfe_code compile_one(struct sfe_slice *rest, struct sfe_arena *arena,
                                 struct flow_function *function, struct sfe_error *err)
{
    const struct sfe_slice name = take(rest, ':');
    const struct form *form = find_form(name);
    uint32_t count = 0;

    if (form == NULL) {
        return fail_unknown(name, err);
    }
    *function = (struct flow_function){.kind = form->kind};
    for (; rest->size > 0 && rest->bytes[0] == ':'; count++) {
        *rest = sfe_slice_part(*rest, 1, rest->size);
        const struct sfe_slice argument = take(rest, ':');
        if (count == form->known) {
            return fail_usage(form, err);
        }
        const enum sfe_code code = read_argument(form, count, argument, arena, function, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    return count < form->needed ? fail_usage(form, err) : check(form, function, err);
}

enum sfe_code flow_functions_compile(struct sfe_slice text, struct sfe_arena *arena,
                                     struct flow_functions *functions, struct sfe_error *err)
{
    size_t most = 1;

    for (size_t i = 0; i < text.size; i++) {
        most += text.bytes[i] == '|' ? 1u : 0u;
    }
    struct flow_function *list = sfe_arena_take(arena, most * sizeof(*list), err);
    if (list == NULL) {
        return err->code;
    }
    *functions = (struct flow_functions){.list = list};
    for (;;) {
        const enum sfe_code code = compile_one(&text, arena, &list[functions->count], err);
        if (code != SFE_OK) {
            return code;
        }
        functions->count++;
        if (text.size == 0) {
            return SFE_OK;
        }
        text = sfe_slice_part(text, 1, text.size); /* The |. */
    }
}
