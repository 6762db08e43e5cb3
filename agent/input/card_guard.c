#include "input/card_guard.h"

#include "base/assert.h"
#include "base/card_number.h"
#include "base/utf8.h"
#include "input/card_guard_parts.h"

/* Characters that stay of a member in `mask`. */
#define KEPT_CHARACTERS 4u

/* A payload being rewritten. It need not be sound JSON: where it is not, what comes out is searched
 * once more as text. */
struct walk {
    const struct sfe_card_guard *guard;
    struct sfe_slice text;
    size_t at;
    struct sfe_builder out;
    struct sfe_card_guard_facts facts;
    struct guard_rule
        rule; /* Of the values to come: of a member, or of the elements of its list. */
    uint32_t depth;
    uint32_t named_depth; /* All from there on inwards is named; 0: nothing is. */
    bool is_after_value;
    bool is_unsound; /* Seen to be no JSON. */
};

/* Where the string that begins at `begin` (behind its quote) ends: its closing quote, or the end of
 * the text. */
static size_t string_end(struct sfe_slice text, size_t begin)
{
    size_t at = begin;

    while (at < text.size) {
        const uint8_t *quote = memchr(text.bytes + at, '"', text.size - at);
        if (quote == NULL) {
            return text.size;
        }
        size_t end = (size_t)(quote - text.bytes);
        size_t before = end;
        while (before > begin && text.bytes[before - 1] == '\\') {
            before--;
        }
        if ((end - before) % 2 == 0) {
            return end;
        }
        at = end + 1;
    }
    return text.size;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t skip_space(struct sfe_slice text, size_t at)
{
    while (at < text.size && is_space(text.bytes[at])) {
        at++;
    }
    return at;
}

/* True where the string that ends at `end` is a member's name. */
static bool is_name(struct sfe_slice text, size_t end)
{
    size_t at = skip_space(text, end + 1);

    return at < text.size && text.bytes[at] == ':';
}

/* Size of the UTF-8 byte order mark in front. */
static size_t mark_size(struct sfe_slice text)
{
    return text.size >= 3 && memcmp(text.bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/* Objects, lists and numbers need care to stay JSON; a text in quotes takes care of itself, but for
 * its escapes. */
static bool looks_like_json(struct sfe_slice text)
{
    size_t at = skip_space(text, mark_size(text));

    if (at == text.size) {
        return false;
    }
    if (text.bytes[at] == '{' || text.bytes[at] == '[' || text.bytes[at] == '"') {
        return true;
    }
    while (at < text.size && text.bytes[at] >= '0' && text.bytes[at] <= '9') {
        at++;
    }
    return skip_space(text, at) == text.size;
}

/* True where a member may have to be masked or dropped for its name. Goes by the colons: there are
 * fewer of them than quotes. */
static bool has_telling_name(const struct sfe_card_guard *guard, struct sfe_slice text)
{
    const uint8_t *colon = memchr(text.bytes, ':', text.size);

    while (colon != NULL) {
        size_t at = (size_t)(colon - text.bytes);
        size_t end = at;
        while (end > 0 && is_space(text.bytes[end - 1])) {
            end--;
        }
        if (end > 1 && text.bytes[end - 1] == '"') {
            size_t begin = --end;
            while (begin > 0 && text.bytes[begin - 1] != '"') {
                begin--;
            }
            bool is_whole = begin < 2 || text.bytes[begin - 2] != '\\';
            if (!is_whole || guard_may_name(guard, sfe_slice_part(text, begin, end - begin))) {
                return true;
            }
        }
        colon = memchr(colon + 1, ':', text.size - at - 1);
    }
    return false;
}

/* Drops a value of `size` bytes: null, or what comes nearest to it. */
static void add_dropped(struct sfe_builder *out, size_t size)
{
    SFE_ASSERT(size > 0);
    sfe_builder_add_text(out, size >= 4 ? "null" : (size >= 2 ? "\"\"" : "0"));
}

static size_t character_size(struct sfe_slice text, size_t at)
{
    size_t left = text.size - at;
    size_t size = 0;

    if (text.bytes[at] == '\\') {
        size = left > 1 && text.bytes[at + 1] == 'u' ? 6 : 2;
    } else {
        size = sfe_utf8_size(text.bytes + at, left);
    }
    return size == 0 ? 1 : (size < left ? size : left);
}

static bool may_stay(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

/* The inside of a string with its last characters kept, as far as they are plain ASCII. */
static void add_tail(struct sfe_slice raw, struct sfe_builder *out)
{
    size_t count = 0;
    size_t kept = KEPT_CHARACTERS;

    for (size_t at = 0; at < raw.size; at += character_size(raw, at)) {
        count++;
    }
    if (count <= KEPT_CHARACTERS) {
        kept = 0;
    }
    for (size_t at = 0; at < raw.size; at += character_size(raw, at), count--) {
        bool stays = count <= kept && may_stay(raw.bytes[at]);
        sfe_builder_add_byte(out, stays ? raw.bytes[at] : '*');
    }
}

/* A number or word as text with its last characters, in no more bytes than it had. */
static void add_tail_as_text(struct sfe_slice raw, struct sfe_builder *out)
{
    size_t room = raw.size > 2 ? raw.size - 2 : 0;
    size_t kept = raw.size > KEPT_CHARACTERS ? KEPT_CHARACTERS : 0;

    if (raw.size < 2) {
        add_dropped(out, raw.size);
        return;
    }
    kept = kept < room ? kept : room;
    sfe_builder_add_byte(out, '"');
    for (size_t i = kept; i < room; i++) {
        sfe_builder_add_byte(out, '*');
    }
    for (size_t i = raw.size - kept; i < raw.size; i++) {
        sfe_builder_add_byte(out, may_stay(raw.bytes[i]) ? raw.bytes[i] : '*');
    }
    sfe_builder_add_byte(out, '"');
}

static void count_dropped(struct walk *walk, bool is_track)
{
    walk->facts.tracks += is_track ? 1u : 0u;
    walk->facts.authentication += is_track ? 0u : 1u;
}

/* The inside of a string, searched for card numbers. False: it holds a track. */
static bool add_searched(struct walk *walk, struct sfe_slice raw)
{
    struct sfe_card_found found = {0, 0};
    const size_t begin = walk->out.size;

    if (guard_is_goods(walk->rule.form, raw) || !sfe_card_may_hold(raw)) {
        sfe_builder_add(&walk->out, raw);
        return true;
    }
    sfe_card_add_masked(raw, SFE_CARD_TEXT_JSON_STRING, &walk->out, &found);
    if (found.tracks == 0 && !walk->guard->finds_numbers) {
        sfe_builder_rewind(&walk->out, begin);
        sfe_builder_add(&walk->out, raw);
    } else if (found.tracks == 0) {
        walk->facts.numbers += found.numbers;
    }
    return found.tracks == 0;
}

/* The inside of a string that is a value. False: it is to be dropped whole. */
static bool add_inside(struct walk *walk, struct sfe_slice raw)
{
    const bool is_named = walk->rule.is_named || walk->named_depth != 0;
    const size_t begin = walk->out.size;

    if (guard_drops(walk->rule.form, raw)) {
        count_dropped(walk, walk->rule.form == GUARD_FORM_TRACK);
        return false;
    }
    if (!is_named && walk->guard->finds_numbers && guard_is_card_by_name(walk->rule.form, raw)) {
        add_tail(raw, &walk->out);
        walk->facts.numbers++;
        return true;
    }
    const uint64_t numbers = walk->facts.numbers;
    if (!add_searched(walk, raw)) {
        count_dropped(walk, true);
        return false;
    }
    if (is_named) {
        sfe_builder_rewind(&walk->out, begin);
        add_tail(raw, &walk->out);
        walk->facts.numbers = numbers;
        walk->facts.named += raw.size != 0 ? 1u : 0u;
    }
    return true;
}

static void begin_value(struct walk *walk)
{
    walk->is_unsound |= walk->is_after_value;
    walk->is_after_value = true;
}

static void step_string(struct walk *walk)
{
    const size_t begin = walk->at + 1;
    const size_t end = string_end(walk->text, begin);
    const struct sfe_slice raw = sfe_slice_part(walk->text, begin, end - begin);
    const bool is_closed = end < walk->text.size;
    const size_t before = walk->out.size;

    begin_value(walk);
    walk->is_unsound |= !is_closed;
    sfe_builder_add_byte(&walk->out, '"');
    if (is_closed && is_name(walk->text, end)) {
        walk->rule = (struct guard_rule){GUARD_FORM_NONE, false};
        if (!add_searched(walk, raw)) {
            sfe_builder_rewind(&walk->out, before + 1); /* A track: nothing of the name stays. */
            count_dropped(walk, true);
        }
        walk->rule = guard_rule_of(walk->guard, raw);
    } else if (!add_inside(walk, raw)) {
        sfe_builder_rewind(&walk->out, before);
        add_dropped(&walk->out, raw.size + (is_closed ? 2u : 1u));
        walk->at = is_closed ? end + 1 : end;
        return;
    }
    if (is_closed) {
        sfe_builder_add_byte(&walk->out, '"');
    }
    walk->at = is_closed ? end + 1 : end;
}

static void step_in(struct walk *walk)
{
    walk->depth++;
    if (walk->rule.is_named && walk->named_depth == 0) {
        walk->named_depth = walk->depth;
    }
    walk->rule.is_named = false;
    walk->is_after_value = false;
}

static void step_out(struct walk *walk)
{
    walk->named_depth = walk->named_depth == walk->depth ? 0 : walk->named_depth;
    walk->depth -= walk->depth != 0 ? 1u : 0u;
    walk->rule.form = GUARD_FORM_NONE;
    walk->rule.is_named = false;
    walk->is_after_value = true;
}

static void step_mark(struct walk *walk, uint8_t mark)
{
    switch (mark) {
    case '{':
        step_in(walk);
        walk->rule.form = GUARD_FORM_NONE; /* Its members have names of their own. */
        break;
    case '[':
        step_in(walk);
        break;
    case '}':
    case ']':
        step_out(walk);
        break;
    case ',':
    case ':':
        walk->is_after_value = false;
        break;
    default: /* White space. */
        break;
    }
    sfe_builder_add_byte(&walk->out, mark);
    walk->at++;
}

static bool is_word_byte(uint8_t byte)
{
    return byte != '"' && byte != ',' && byte != ':' && byte != '{' && byte != '}' && byte != '[' &&
           byte != ']' && !is_space(byte);
}

static size_t skip_digits(struct sfe_slice text, size_t at)
{
    while (at < text.size && text.bytes[at] >= '0' && text.bytes[at] <= '9') {
        at++;
    }
    return at;
}

/* RFC 8259, section 6, but for leading zeros. */
static bool is_number(struct sfe_slice word)
{
    size_t at = skip_digits(word, word.size != 0 && word.bytes[0] == '-' ? 1 : 0);

    if (at < word.size && word.bytes[at] == '.') {
        at = skip_digits(word, at + 1);
    }
    if (at < word.size && (word.bytes[at] | 0x20) == 'e') {
        at++;
        at += at < word.size && (word.bytes[at] == '+' || word.bytes[at] == '-') ? 1u : 0u;
        at = skip_digits(word, at);
    }
    return at == word.size;
}

static bool is_literal(struct sfe_slice word)
{
    return sfe_slice_equal(word, SFE_TEXT("true")) || sfe_slice_equal(word, SFE_TEXT("false")) ||
           sfe_slice_equal(word, SFE_TEXT("null"));
}

static bool is_card_word(const struct walk *walk, struct sfe_slice word)
{
    return walk->guard->finds_numbers && skip_digits(word, 0) == word.size &&
           !guard_is_goods(walk->rule.form, word) &&
           (sfe_card_is_number(word.bytes, word.size) ||
            guard_is_card_by_name(walk->rule.form, word));
}

/* A number, true, false or null; in what is no JSON, anything between its marks. */
static void step_word(struct walk *walk)
{
    size_t end = walk->at;

    while (end < walk->text.size && is_word_byte(walk->text.bytes[end])) {
        end++;
    }
    const struct sfe_slice word = sfe_slice_part(walk->text, walk->at, end - walk->at);
    const bool is_named = walk->rule.is_named || walk->named_depth != 0;
    const bool is_null = sfe_slice_equal(word, SFE_TEXT("null"));

    begin_value(walk);
    walk->is_unsound |= !is_number(word) && !is_literal(word);
    walk->at = end;
    if (!is_null && guard_drops(walk->rule.form, word)) {
        add_dropped(&walk->out, word.size);
        count_dropped(walk, walk->rule.form == GUARD_FORM_TRACK);
    } else if (!is_null && (is_named || is_card_word(walk, word))) {
        add_tail_as_text(word, &walk->out);
        walk->facts.named += is_named ? 1u : 0u;
        walk->facts.numbers += is_named ? 0u : 1u;
    } else {
        sfe_builder_add(&walk->out, word);
    }
}

static void rewrite_json(struct walk *walk)
{
    while (walk->at < walk->text.size) {
        const uint8_t byte = walk->text.bytes[walk->at];
        if (byte == '"') {
            step_string(walk);
        } else if (is_word_byte(byte)) {
            step_word(walk);
        } else {
            step_mark(walk, byte);
        }
        SFE_ASSERT(walk->out.size <= walk->at);
    }
    if (walk->is_unsound && walk->guard->finds_numbers) {
        struct sfe_card_found found = {0, 0};
        sfe_card_mask(&walk->out, &found);
        walk->facts.numbers += found.numbers;
        walk->facts.tracks += found.tracks;
    }
}

static void add_facts(struct sfe_card_guard_facts *sum, const struct sfe_card_guard_facts *part)
{
    sum->named += part->named;
    sum->numbers += part->numbers;
    sum->tracks += part->tracks;
    sum->authentication += part->authentication;
}

struct sfe_slice sfe_card_guard_text(const struct sfe_card_guard *guard, struct sfe_slice text,
                                     uint8_t *memory, struct sfe_card_guard_facts *facts)
{
    struct sfe_builder out = sfe_builder_make(memory, text.size);
    struct sfe_card_found found = {0, 0};

    if (!guard->finds_numbers || !sfe_card_may_hold(text)) {
        return text;
    }
    sfe_card_add_masked(text, SFE_CARD_TEXT_PLAIN, &out, &found);
    SFE_ASSERT(!out.overflowed);
    if (found.numbers == 0 && found.tracks == 0) {
        return text;
    }
    facts->numbers += found.numbers;
    facts->tracks += found.tracks;
    return sfe_builder_slice(&out);
}

struct sfe_slice sfe_card_guard_payload(const struct sfe_card_guard *guard,
                                        struct sfe_slice payload, uint8_t *memory,
                                        struct sfe_card_guard_facts *facts)
{
    struct walk walk = {
        .guard = guard, .text = payload, .out = sfe_builder_make(memory, payload.size)};

    if (!sfe_card_guard_is_on(guard) || payload.size == 0) {
        return payload;
    }
    if (!looks_like_json(payload)) {
        return sfe_card_guard_text(guard, payload, memory, facts);
    }
    if (!sfe_card_may_hold(payload) && !has_telling_name(guard, payload)) {
        return payload;
    }
    walk.at = mark_size(payload);
    sfe_builder_add(&walk.out, sfe_slice_part(payload, 0, walk.at));
    rewrite_json(&walk);
    SFE_ASSERT(!walk.out.overflowed);
    add_facts(facts, &walk.facts);
    return sfe_builder_slice(&walk.out);
}
