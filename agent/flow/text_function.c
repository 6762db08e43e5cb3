#include "flow/text_function.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "flow/text_function_compile.h"

/* What one function makes of a text, beside the text itself. */
struct application {
    const struct flow_function *function;
    struct sfe_slice text;
    struct sfe_builder *out;
    bool is_absent;
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void trim(struct application *application)
{
    const struct sfe_slice text = application->text;
    size_t begin = 0;
    size_t end = text.size;

    while (begin < end && is_blank(text.bytes[begin])) {
        begin++;
    }
    while (end > begin && is_blank(text.bytes[end - 1])) {
        end--;
    }
    sfe_builder_add(application->out, sfe_slice_part(text, begin, end - begin));
}

static void change_case(struct application *application, uint8_t first)
{
    for (size_t i = 0; i < application->text.size; i++) {
        const uint8_t byte = application->text.bytes[i];
        const bool is_of_case = byte >= first && byte <= first + ('z' - 'a');
        sfe_builder_add_byte(application->out, is_of_case ? (uint8_t)(byte ^ 0x20u) : byte);
    }
}

static void upper(struct application *application)
{
    change_case(application, 'a');
}

static void lower(struct application *application)
{
    change_case(application, 'A');
}

static void digits(struct application *application)
{
    for (size_t i = 0; i < application->text.size; i++) {
        const uint8_t byte = application->text.bytes[i];
        if (byte >= '0' && byte <= '9') {
            sfe_builder_add_byte(application->out, byte);
        }
    }
}

/* Where character number `character` begins; the end of the text where it has no such. */
static size_t offset_of(struct sfe_slice text, size_t character)
{
    size_t i = 0;

    for (; i < text.size; i++) {
        if (!sfe_utf8_is_tail(text.bytes[i]) && character-- == 0) {
            break;
        }
    }
    return i;
}

/* From 0 on, negative ones from the end; *is_there where it is within `count`. */
static size_t place_of(int32_t number, size_t count, bool *is_there)
{
    const int64_t place = number < 0 ? (int64_t)count + number : number;

    *is_there = place >= 0 && (uint64_t)place < count;
    return *is_there ? (size_t)place : 0;
}

static void cut_slice(struct application *application)
{
    const struct flow_function *function = application->function;
    const struct sfe_slice text = application->text;
    const size_t count = sfe_utf8_count(text);
    bool is_there = false;
    size_t from = place_of(function->number, count, &is_there);

    if (!is_there && function->number >= 0) {
        return; /* It ends before. */
    }
    const size_t begin = offset_of(text, from);
    const size_t end = function->has_count && function->count < count - from
                           ? offset_of(text, from + function->count)
                           : text.size;
    sfe_builder_add(application->out, sfe_slice_part(text, begin, end - begin));
}

static void pad(struct application *application)
{
    for (size_t i = sfe_utf8_count(application->text); i < application->function->count; i++) {
        sfe_builder_add(application->out, application->function->first);
    }
    sfe_builder_add(application->out, application->text);
}

static bool stands_at(struct sfe_slice text, size_t at, struct sfe_slice word)
{
    return text.size - at >= word.size && memcmp(text.bytes + at, word.bytes, word.size) == 0;
}

static void replace(struct application *application)
{
    const struct flow_function *function = application->function;
    const struct sfe_slice text = application->text;
    size_t i = 0;

    while (i < text.size) {
        if (stands_at(text, i, function->first)) {
            sfe_builder_add(application->out, function->second);
            i += function->first.size;
        } else {
            sfe_builder_add_byte(application->out, text.bytes[i]);
            i++;
        }
    }
}

/* The end of the piece that begins at `begin`. */
static size_t piece_end(struct sfe_slice text, size_t begin, struct sfe_slice at)
{
    while (begin < text.size && !stands_at(text, begin, at)) {
        begin++;
    }
    return begin;
}

static void split(struct application *application)
{
    const struct flow_function *function = application->function;
    const struct sfe_slice text = application->text;
    size_t count = 1;
    bool is_there = false;

    for (size_t end = piece_end(text, 0, function->first); end < text.size; count++) {
        end = piece_end(text, end + function->first.size, function->first);
    }
    size_t piece = place_of(function->number, count, &is_there);
    if (!is_there) {
        application->is_absent = true;
        return;
    }
    size_t begin = 0;
    for (; piece > 0; piece--) {
        begin = piece_end(text, begin, function->first) + function->first.size;
    }
    const size_t end = piece_end(text, begin, function->first);
    sfe_builder_add(application->out, sfe_slice_part(text, begin, end - begin));
}

static void apply(struct application *application)
{
    static void (*const kinds[])(struct application *) = {
        [FLOW_FUNCTION_TRIM] = trim,       [FLOW_FUNCTION_UPPER] = upper,
        [FLOW_FUNCTION_LOWER] = lower,     [FLOW_FUNCTION_DIGITS] = digits,
        [FLOW_FUNCTION_SLICE] = cut_slice, [FLOW_FUNCTION_PAD] = pad,
        [FLOW_FUNCTION_REPLACE] = replace, [FLOW_FUNCTION_SPLIT] = split,
    };

    kinds[application->function->kind](application);
}

enum sfe_code flow_functions_apply(const struct flow_functions *functions, struct sfe_slice text,
                                   struct sfe_builder *out, bool *is_absent, struct sfe_error *err)
{
    uint8_t memory[2][FLOW_FUNCTION_BYTES_MAX];

    *is_absent = false;
    for (uint32_t i = 0; i < functions->count; i++) {
        struct sfe_builder made = sfe_builder_make(memory[i % 2], FLOW_FUNCTION_BYTES_MAX);
        struct application application = {&functions->list[i], text, &made, false};

        apply(&application);
        if (made.overflowed) {
            return sfe_fail(err, SFE_E_UNMAPPED, "text of more than %u bytes has no functions",
                            FLOW_FUNCTION_BYTES_MAX);
        }
        if (application.is_absent) {
            *is_absent = true;
            return SFE_OK;
        }
        text = sfe_builder_slice(&made);
    }
    sfe_builder_add(out, text);
    return SFE_OK;
}
