#include "run/letters.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json_reader.h"
#include "input/intake.h"
#include "run/parts.h"
#include "stream/settled.h"

#include <stdio.h>

#define ANNOTATION_TOKENS_MAX 128u

struct sfe_letters {
    struct sfe_letters_options options;
    struct sfe_cursor_log *cursor_log;
    struct sfe_stream *streams[SFE_STREAMS_MAX + 1u]; /* By index in the configuration; NULL: not
                                                         opened. */
    struct {
        struct sfe_aead_key *keys[1u + SFE_OLD_KEYS_MAX];
        uint32_t count;
    } keys[SFE_STREAMS_MAX + 1u];     /* In the same way. */
    struct sfe_stream_reader *reader; /* Of the dead letters. */
    struct sfe_cursor cursor;         /* As it will be saved. */
};

static uint64_t now_ns(const struct sfe_letters *letters)
{
    return sfe_clock_monotonic_ns(&letters->options.platform->clock);
}

static enum sfe_code open_stream(struct sfe_letters *letters, uint32_t index, struct sfe_error *err)
{
    const struct sfe_platform *platform = letters->options.platform;
    const struct sfe_config_stream *config = &letters->options.config->streams[index];
    const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(letters->cursor_log, config->name);
    struct sfe_stream_recovery recovery = {0};
    enum sfe_code code = SFE_OK;

    if (letters->streams[index] != NULL) {
        return SFE_OK;
    }
    if (letters->options.compiled != NULL && letters->keys[index].count == 0) {
        code = sfe_compiled_open_keys(&letters->options.compiled->streams[index], &platform->crypto,
                                      letters->keys[index].keys, &letters->keys[index].count, err);
        if (code != SFE_OK) {
            return sfe_within(err, "cannot open stream \"%s\"", config->name);
        }
    }
    /* Where the quota is used up a letter stays: nothing is dropped for it. */
    const struct sfe_stream_options options = {
        .storage = &platform->storage,
        .clock = &platform->clock,
        .entropy = &platform->entropy,
        .log = letters->options.log,
        .name = config->name,
        .quota_bytes = config->quota_bytes,
        .segment_bytes = config->segment_bytes,
        .event_bytes_max = letters->options.config->agent.event_bytes_max,
        .known_durable = mark == NULL ? 0 : mark->durable,
        .is_encrypted = config->encrypt,
        .crypto = &platform->crypto,
        .keys = letters->keys[index].keys,
        .key_count = letters->keys[index].count,
    };

    code =
        sfe_stream_open(&options, letters->options.arena, &letters->streams[index], &recovery, err);
    return code == SFE_OK ? code : sfe_within(err, "cannot open stream \"%s\"", config->name);
}

/* A cursor of people's, and an output's of the same name, would be taken for each other. */
static enum sfe_code check_names(const struct sfe_config *config, struct sfe_error *err)
{
    for (uint32_t i = 0; i < config->output_count; i++) {
        for (uint32_t from = 0; from < config->outputs[i].from_count; from++) {
            const char *stream = config->streams[config->outputs[i].from[from]].name;
            if (strcmp(config->outputs[i].name, "dead") == 0 && strcmp(stream, "by-hand") == 0) {
                return sfe_fail(err, SFE_E_CONFIG,
                                "an output \"dead\" that reads a stream \"by-hand\" must have "
                                "another name");
            }
        }
    }
    return SFE_OK;
}

static enum sfe_code open_parts(struct sfe_letters *letters, struct sfe_error *err)
{
    const struct sfe_letters_options *options = &letters->options;
    const uint32_t dead = options->config->dead_stream;
    enum sfe_code code = check_names(options->config, err);

    if (code == SFE_OK) {
        code = sfe_cursor_log_open(&options->platform->storage, &options->platform->entropy,
                                   AGENT_OUTPUTS_MAX, SFE_STREAMS_MAX + 1u, options->arena,
                                   &letters->cursor_log, err);
    }
    if (code == SFE_OK) {
        code = open_stream(letters, dead, err);
    }
    if (code == SFE_OK) {
        code =
            sfe_stream_reader_open(letters->streams[dead], options->arena, &letters->reader, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const struct sfe_cursor *saved = sfe_cursor_log_find(letters->cursor_log, SFE_CURSOR_BY_HAND);
    if (saved != NULL) {
        letters->cursor = *saved;
    } else {
        memcpy(letters->cursor.name, SFE_CURSOR_BY_HAND, sizeof(SFE_CURSOR_BY_HAND));
        letters->cursor.sequence = 1;
    }
    struct sfe_stream_facts facts;
    sfe_stream_facts(letters->streams[dead], &facts);
    sfe_settled_pass(&letters->cursor, facts.first_sequence);
    return SFE_OK;
}

enum sfe_code sfe_letters_open(const struct sfe_letters_options *options,
                               struct sfe_letters **letters, struct sfe_error *err)
{
    struct sfe_letters *opened = sfe_arena_take(options->arena, sizeof(*opened), err);

    *letters = NULL;
    if (opened == NULL) {
        return err->code;
    }
    opened->options = *options;
    enum sfe_code code = open_parts(opened, err);
    if (code != SFE_OK) {
        sfe_letters_close(opened);
        return code;
    }
    *letters = opened;
    return SFE_OK;
}

enum sfe_code sfe_letters_next(struct sfe_letters *letters, uint64_t *sequence,
                               struct sfe_error *err)
{
    struct sfe_event event;
    int64_t time_ns = 0;
    enum sfe_code code = SFE_OK;

    sfe_stream_reader_seek(letters->reader, *sequence);
    do {
        code = sfe_stream_reader_next(letters->reader, &event, &time_ns, NULL, err);
    } while (code == SFE_OK && sfe_settled_has(&letters->cursor, event.sequence));
    if (code == SFE_OK) {
        *sequence = event.sequence;
    }
    return code;
}

static enum sfe_code find_letter(struct sfe_letters *letters, uint64_t sequence,
                                 struct sfe_event *event, int64_t *time_ns, struct sfe_error *err)
{
    sfe_stream_reader_seek(letters->reader, sequence);
    enum sfe_code code = sfe_stream_reader_next(letters->reader, event, time_ns, NULL, err);
    if (code != SFE_OK && code != SFE_E_END) {
        return code;
    }
    if (code == SFE_E_END || event->sequence != sequence ||
        sfe_settled_has(&letters->cursor, sequence)) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "there is no dead letter %llu",
                        (unsigned long long)sequence);
    }
    return SFE_OK;
}

/* The stream that the annotation names, or UINT32_MAX. */
static uint32_t stream_of_annotation(const struct sfe_config *config, struct sfe_slice annotation)
{
    struct sfe_json_token tokens[ANNOTATION_TOKENS_MAX];
    struct sfe_json json;
    struct sfe_error ignored;

    if (sfe_json_parse(annotation, 0, tokens, ANNOTATION_TOKENS_MAX, &json, &ignored) != SFE_OK) {
        return UINT32_MAX;
    }
    uint32_t stream = sfe_json_member(&json, 0, SFE_TEXT("stream"));
    for (uint32_t i = 0; stream != SFE_JSON_NONE && i < config->stream_count; i++) {
        if (sfe_json_kind(&json, stream) == SFE_JSON_STRING &&
            sfe_json_text_equal(&json, stream, sfe_slice_text(config->streams[i].name))) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* What a sender may not send gets into no stream, not with all the others either. */
static bool is_not_admitted(struct sfe_slice annotation)
{
    struct sfe_json_token tokens[ANNOTATION_TOKENS_MAX];
    struct sfe_json json;
    struct sfe_error ignored;

    if (sfe_json_parse(annotation, 0, tokens, ANNOTATION_TOKENS_MAX, &json, &ignored) != SFE_OK) {
        return false;
    }
    const uint32_t reason = sfe_json_member(&json, 0, SFE_TEXT("reason"));
    return reason != SFE_JSON_NONE && sfe_json_kind(&json, reason) == SFE_JSON_STRING &&
           sfe_json_text_equal(&json, reason, SFE_TEXT("not-admitted"));
}

/* The stream of the first input that takes the letter's topic today, or UINT32_MAX. */
static uint32_t stream_of_topic(const struct sfe_config *config, struct sfe_slice topic)
{
    for (uint32_t i = 0; i < config->input_count; i++) {
        if (config->inputs[i].type != SFE_INPUT_MQTT_ASK &&
            sfe_topic_matches(sfe_slice_text(config->inputs[i].topic), topic)) {
            return config->inputs[i].stream;
        }
    }
    return UINT32_MAX;
}

/* The letter as the event it was. */
static struct sfe_event revive(const struct sfe_letters *letters, const struct sfe_event *letter,
                               int64_t time_ns)
{
    const struct sfe_clock *clock = &letters->options.platform->clock;
    struct sfe_event event = *letter;

    event.sequence = 0;
    event.annotation = sfe_slice_make(NULL, 0);
    if (event.clock_quality == SFE_CLOCK_UNSET) {
        /* Its monotonic time means nothing in another segment: what is known of it now, or now. */
        event.clock_quality = SFE_CLOCK_COASTING;
        if (time_ns == letter->received_ns) {
            (void)clock->wall_ns(clock->context, &time_ns);
        }
        event.received_ns = time_ns;
    }
    return event;
}

static enum sfe_code stage(struct sfe_letters *letters, uint32_t index,
                           const struct sfe_event *event, struct sfe_error *err)
{
    const char *name = letters->options.config->streams[index].name;
    uint64_t sequence = 0;
    enum sfe_code code = open_stream(letters, index, err);

    if (code != SFE_OK) {
        return code;
    }
    struct sfe_stream *stream = letters->streams[index];
    code = sfe_stream_stage(stream, event, &sequence, err);
    if (code == SFE_E_FULL) {
        code = sfe_stream_commit(stream, now_ns(letters), err);
        if (code == SFE_OK) {
            code = sfe_stream_stage(stream, event, &sequence, err);
        }
    }
    if (code == SFE_E_FULL) {
        return sfe_fail(err, SFE_E_NO_SPACE, "stream \"%s\" is full: let the agent deliver first",
                        name);
    }
    return code;
}

enum sfe_code sfe_letters_retry(struct sfe_letters *letters, uint64_t sequence,
                                struct sfe_error *err)
{
    const struct sfe_config *config = letters->options.config;
    struct sfe_event letter;
    int64_t time_ns = 0;
    enum sfe_code code = find_letter(letters, sequence, &letter, &time_ns, err);

    if (code != SFE_OK) {
        return code;
    }
    if ((letter.flags & SFE_EVENT_EXCERPT) != 0) {
        return sfe_fail(err, SFE_E_UNSUPPORTED,
                        "dead letter %llu holds only the first bytes of its payload",
                        (unsigned long long)sequence);
    }
    if (is_not_admitted(letter.annotation)) {
        return sfe_fail(err, SFE_E_UNSUPPORTED,
                        "dead letter %llu was not admitted: it is its sender's to send, once the "
                        "\"admit\" of the input allows it",
                        (unsigned long long)sequence);
    }
    uint32_t index = stream_of_annotation(config, letter.annotation);
    if (index == UINT32_MAX) {
        index = stream_of_topic(config, letter.topic);
    }
    if (index == UINT32_MAX || index == config->dead_stream) {
        return sfe_fail(err, SFE_E_UNSUPPORTED, "no stream of the configuration takes letter %llu",
                        (unsigned long long)sequence);
    }
    const struct sfe_event event = revive(letters, &letter, time_ns);
    struct sfe_cursor after = letters->cursor;
    code = sfe_settled_add(&after, sequence, err);
    if (code == SFE_OK) {
        code = stage(letters, index, &event, err);
    }
    if (code == SFE_OK) {
        letters->cursor = after;
    }
    return code;
}

enum sfe_code sfe_letters_drop(struct sfe_letters *letters, uint64_t sequence,
                               struct sfe_error *err)
{
    struct sfe_event letter;
    int64_t time_ns = 0;
    enum sfe_code code = find_letter(letters, sequence, &letter, &time_ns, err);

    return code == SFE_OK ? sfe_settled_add(&letters->cursor, sequence, err) : code;
}

/* Up to where nobody needs the letters any more: neither people nor outputs that read them. */
static uint64_t settled_by_all(const struct sfe_letters *letters)
{
    const struct sfe_config *config = letters->options.config;
    uint64_t sequence = letters->cursor.sequence;

    for (uint32_t i = 0; i < config->output_count; i++) {
        for (uint32_t from = 0; from < config->outputs[i].from_count; from++) {
            char name[SFE_CURSOR_NAME_BYTES];
            if (config->outputs[i].from[from] != config->dead_stream) {
                continue;
            }
            int length = snprintf(name, sizeof(name), "%s/dead", config->outputs[i].name);
            SFE_ASSERT(length > 0 && (size_t)length < sizeof(name));
            const struct sfe_cursor *cursor = sfe_cursor_log_find(letters->cursor_log, name);
            const uint64_t reached = cursor == NULL ? 0 : cursor->sequence;
            sequence = reached < sequence ? reached : sequence;
        }
    }
    return sequence;
}

/* The order matters: events first, then the cursor that settles their letters, then the letters. */
enum sfe_code sfe_letters_save(struct sfe_letters *letters, struct sfe_error *err)
{
    struct sfe_cursor_mark marks[SFE_STREAMS_MAX + 1u];
    const struct sfe_config *config = letters->options.config;
    uint32_t mark_count = 0;
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < config->stream_count && code == SFE_OK; i++) {
        struct sfe_stream *stream = letters->streams[i];
        if (stream == NULL) {
            continue;
        }
        while (code == SFE_OK && sfe_stream_due_ns(stream, now_ns(letters)) != UINT64_MAX) {
            code = sfe_stream_commit(stream, now_ns(letters), err);
        }
        struct sfe_cursor_mark *mark = &marks[mark_count++];
        int length = snprintf(mark->stream, sizeof(mark->stream), "%s", sfe_stream_name(stream));
        SFE_ASSERT(length > 0 && (size_t)length < sizeof(mark->stream));
        mark->durable = sfe_stream_durable(stream);
    }
    if (code == SFE_OK) {
        code =
            sfe_cursor_log_save(letters->cursor_log, &letters->cursor, 1, marks, mark_count, err);
    }
    if (code == SFE_OK) {
        code =
            sfe_stream_release(letters->streams[config->dead_stream], settled_by_all(letters), err);
    }
    return code;
}

void sfe_letters_close(struct sfe_letters *letters)
{
    if (letters == NULL) {
        return;
    }
    const struct sfe_crypto *crypto = &letters->options.platform->crypto;

    sfe_stream_reader_close(letters->reader);
    for (uint32_t i = 0; i < letters->options.config->stream_count; i++) {
        sfe_stream_close(letters->streams[i]);
        for (uint32_t key = 0; key < letters->keys[i].count; key++) {
            crypto->aead_close(crypto->context, letters->keys[i].keys[key]);
        }
    }
    sfe_cursor_log_close(letters->cursor_log);
}
