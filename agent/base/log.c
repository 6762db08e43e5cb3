#include "base/log.h"

#include "base/assert.h"
#include "port/clock.h"
#include "port/log_sink.h"
#include "port/thread.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#define LINE_BYTES  1024
#define VALUE_BYTES 320
/* Room for what a fold adds to a line. */
#define TAIL_BYTES       96
#define ENTRIES          32
#define KEPT_BYTES       384
#define FOLD_NS          600000000000u
#define SECOND_NS        1000000000u
#define LINES_PER_SECOND 50

/* A message that was written and whose repeats are held back. */
struct entry {
    const char *message; /* NULL: free. */
    uint64_t subject;    /* Tells apart the same message about different things. */
    uint64_t begin_ns;
    uint64_t last_ns;
    uint64_t repeats; /* Held back since. */
    enum sfe_log_level level;
    size_t kept_size;
    uint8_t kept[KEPT_BYTES]; /* The last one held back, without the fields that do not fit. */
};

/* A line being written, and as much of it, in whole fields, as an entry can keep. */
struct line {
    uint8_t memory[LINE_BYTES];
    struct sfe_builder text;
    size_t short_size;
};

struct sfe_log {
    atomic_int level;
    const struct sfe_clock *clock;
    struct sfe_mutex *mutex; /* Guards all below. */
    uint64_t second_ns;      /* When the second that is being counted began. */
    uint32_t second_lines;
    uint64_t dropped; /* Lines over the bound and not yet told of. */
    struct entry entries[ENTRIES];
};

static const char *const level_names[] = {"error", "warning", "info", "debug", "trace"};
static const int priorities[] = {3, 4, 6, 7, 7}; /* syslog's */

enum sfe_code sfe_log_open(enum sfe_log_level level, const struct sfe_clock *clock,
                           struct sfe_log **log, struct sfe_error *err)
{
    SFE_ASSERT(clock != NULL);
    struct sfe_log *opened = calloc(1, sizeof(*opened));

    if (opened == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for the log");
    }
    opened->mutex = sfe_mutex_open();
    if (opened->mutex == NULL) {
        free(opened);
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for the log");
    }
    atomic_init(&opened->level, (int)level);
    opened->clock = clock;
    opened->second_ns = sfe_clock_monotonic_ns(clock);
    *log = opened;
    return SFE_OK;
}

void sfe_log_set_level(struct sfe_log *log, enum sfe_log_level level)
{
    if (log != NULL) {
        atomic_store(&log->level, (int)level);
    }
}

static void sink(enum sfe_log_level level, const struct sfe_builder *line)
{
    sfe_log_sink_write(priorities[level], (const char *)line->bytes, line->size);
}

/* Quotes what would not read as one word, so that a line can be taken apart again. */
static bool needs_quotes(const char *text)
{
    if (text[0] == '\0') {
        return true;
    }
    for (; *text != '\0'; text++) {
        if (*text == ' ' || *text == '"' || *text == '=' || *text == '\\' || *text == '?') {
            return true;
        }
    }
    return false;
}

static void add_value(struct sfe_builder *line, struct sfe_slice value)
{
    char text[VALUE_BYTES];

    sfe_printable(text, sizeof(text), value);
    if (!needs_quotes(text)) {
        sfe_builder_add_text(line, text);
        return;
    }
    sfe_builder_add_byte(line, '"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            sfe_builder_add_byte(line, '\\');
        }
        sfe_builder_add_byte(line, (uint8_t)*at);
    }
    sfe_builder_add_byte(line, '"');
}

static void add_field(struct sfe_builder *line, const struct sfe_field *field)
{
    size_t before = line->size;

    sfe_builder_add_byte(line, ' ');
    sfe_builder_add_text(line, field->name);
    sfe_builder_add_byte(line, '=');
    switch (field->kind) {
    case SFE_FIELD_TEXT:
        add_value(line, sfe_slice_text(field->text));
        break;
    case SFE_FIELD_SLICE:
        add_value(line, field->slice);
        break;
    case SFE_FIELD_SIGNED:
        sfe_builder_add_i64(line, (int64_t)field->number);
        break;
    case SFE_FIELD_MS:
        sfe_builder_add_u64(line, field->number);
        sfe_builder_add_text(line, "ms");
        break;
    case SFE_FIELD_COUNT:
    default:
        sfe_builder_add_u64(line, field->number);
        break;
    }
    if (line->overflowed) { /* A field stands whole or not at all. */
        sfe_builder_rewind(line, before);
    }
}

static void add_head(struct sfe_builder *line, enum sfe_log_level level, const char *message)
{
    sfe_builder_add_text(line, "level=");
    sfe_builder_add_text(line, level_names[level]);
    sfe_builder_add_text(line, " msg=\"");
    sfe_builder_add_text(line, message);
    sfe_builder_add_byte(line, '"');
}

/* Counts and durations vary from one repeat to the next; names say what it is about. */
static uint64_t subject_of(const struct sfe_field *fields, size_t field_count)
{
    uint64_t subject = 0xcbf29ce484222325u; /* FNV-1a. */

    for (size_t i = 0; i < field_count; i++) {
        struct sfe_slice text =
            fields[i].kind == SFE_FIELD_SLICE ? fields[i].slice : sfe_slice_text(fields[i].text);
        for (size_t j = 0; j < text.size; j++) {
            subject = (subject ^ text.bytes[j]) * 0x100000001b3u;
        }
        subject = (subject ^ 0xFFu) * 0x100000001b3u;
    }
    return subject;
}

/* Writes a finished line if the bound allows it; tells first of what it did not allow before. */
static void write_bounded(struct sfe_log *log, enum sfe_log_level level, uint64_t now_ns,
                          const struct sfe_builder *line)
{
    if (now_ns - log->second_ns >= SECOND_NS) {
        log->second_ns = now_ns;
        log->second_lines = 0;
    }
    if (log->second_lines >= LINES_PER_SECOND) {
        log->dropped++;
        return;
    }
    if (log->dropped != 0) {
        uint8_t memory[LINE_BYTES / 8];
        struct sfe_builder told = sfe_builder_make(memory, sizeof(memory));
        struct sfe_field lines = sfe_count("lines", log->dropped);

        add_head(&told, SFE_WARNING, "log lines dropped");
        add_field(&told, &lines);
        sink(SFE_WARNING, &told);
        log->dropped = 0;
        log->second_lines++;
    }
    sink(level, line);
    log->second_lines++;
}

/* Writes how often an entry's message was repeated, if it was, and frees the entry. */
static void end_entry(struct sfe_log *log, struct entry *entry, uint64_t now_ns)
{
    SFE_ASSERT(entry->message != NULL);
    SFE_ASSERT(entry->kept_size <= sizeof(entry->kept));

    if (entry->repeats != 0) {
        uint8_t memory[KEPT_BYTES + TAIL_BYTES];
        struct sfe_builder line = sfe_builder_make(memory, sizeof(memory));
        const struct sfe_field tail[] = {sfe_count("repeated", entry->repeats),
                                         sfe_ms("last_before", now_ns - entry->last_ns)};

        sfe_builder_add(&line, sfe_slice_make(entry->kept, entry->kept_size));
        add_field(&line, &tail[0]);
        add_field(&line, &tail[1]);
        write_bounded(log, entry->level, now_ns, &line);
    }
    entry->message = NULL;
}

/* Ends the entries whose ten minutes are over. */
static void end_old_entries(struct sfe_log *log, uint64_t now_ns)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        struct entry *entry = &log->entries[i];
        if (entry->message != NULL && now_ns - entry->begin_ns >= FOLD_NS) {
            end_entry(log, entry, now_ns);
        }
    }
}

/* The entry of a message, or the one to use for it: a free one, or the oldest. */
static struct entry *find_entry(struct sfe_log *log, const char *message, uint64_t subject)
{
    struct entry *best = &log->entries[0];

    for (size_t i = 0; i < ENTRIES; i++) {
        struct entry *entry = &log->entries[i];
        if (entry->message == message && entry->subject == subject) {
            return entry;
        }
        if (best->message != NULL && (entry->message == NULL || entry->begin_ns < best->begin_ns)) {
            best = entry;
        }
    }
    return best;
}

/* Holds a repeat back and returns true, or remembers a first one. */
static bool fold(struct sfe_log *log, const struct entry *wanted, const struct line *line)
{
    struct entry *entry = find_entry(log, wanted->message, wanted->subject);

    if (entry->message == wanted->message && entry->subject == wanted->subject) {
        entry->repeats++;
        entry->level = wanted->level;
        entry->last_ns = wanted->last_ns;
        entry->kept_size = line->short_size;
        memcpy(entry->kept, line->memory, line->short_size);
        return true;
    }
    if (entry->message != NULL) {
        end_entry(log, entry, wanted->last_ns);
    }
    entry->message = wanted->message;
    entry->subject = wanted->subject;
    entry->begin_ns = wanted->last_ns;
    entry->repeats = 0;
    return false;
}

static void render(struct line *line, enum sfe_log_level level, const char *message,
                   const struct sfe_field *fields, size_t field_count)
{
    line->text = sfe_builder_make(line->memory, sizeof(line->memory));
    add_head(&line->text, level, message);
    SFE_ASSERT(line->text.size <= KEPT_BYTES);
    line->short_size = line->text.size;
    for (size_t i = 0; i < field_count; i++) {
        add_field(&line->text, &fields[i]);
        if (line->text.size <= KEPT_BYTES) {
            line->short_size = line->text.size;
        }
    }
}

void sfe_log_write(struct sfe_log *log, enum sfe_log_level level, const char *message,
                   const struct sfe_field *fields, size_t field_count)
{
    struct line line;

    if (log == NULL || (int)level > atomic_load_explicit(&log->level, memory_order_relaxed)) {
        return;
    }
    SFE_ASSERT(message != NULL);
    SFE_ASSERT(level <= SFE_TRACE);
    render(&line, level, message, fields, field_count);

    sfe_mutex_lock(log->mutex);
    uint64_t now_ns = sfe_clock_monotonic_ns(log->clock);
    const struct entry wanted = {.message = message,
                                 .subject = subject_of(fields, field_count),
                                 .last_ns = now_ns,
                                 .level = level};
    end_old_entries(log, now_ns);
    /* Who asks for debug lines wants to see each of them. */
    if (level > SFE_INFO || !fold(log, &wanted, &line)) {
        write_bounded(log, level, now_ns, &line.text);
    }
    sfe_mutex_unlock(log->mutex);
}

static size_t add_text_field(struct sfe_field *fields, size_t count, const char *name,
                             const char *text)
{
    if (text[0] != '\0') {
        fields[count++] = sfe_text(name, text);
    }
    return count;
}

static size_t add_count_field(struct sfe_field *fields, size_t count, const char *name,
                              uint64_t number)
{
    if (number != 0) {
        fields[count++] = sfe_count(name, number);
    }
    return count;
}

void sfe_log_error(struct sfe_log *log, enum sfe_log_level level, const char *message,
                   const struct sfe_error *err)
{
    struct sfe_field fields[9];
    size_t count = 0;

    SFE_ASSERT(err != NULL);
    fields[count++] = sfe_text("error", sfe_code_name(err->code));
    count = add_text_field(fields, count, "cause", err->message);
    count = add_text_field(fields, count, "where", err->where);
    count = add_text_field(fields, count, "pointer", err->pointer);
    count = add_count_field(fields, count, "line", err->line);
    count = add_count_field(fields, count, "column", err->column);
    count = add_count_field(fields, count, "http", err->http_status);
    count = add_text_field(fields, count, "api", err->api_code);
    count = add_count_field(fields, count, "errno", (uint64_t)(uint32_t)err->os_errno);
    SFE_ASSERT(count <= sizeof(fields) / sizeof(fields[0]));
    sfe_log_write(log, level, message, fields, count);
}

void sfe_log_close(struct sfe_log *log)
{
    if (log == NULL) {
        return;
    }
    uint64_t now_ns = sfe_clock_monotonic_ns(log->clock);
    for (size_t i = 0; i < ENTRIES; i++) {
        if (log->entries[i].message != NULL) {
            end_entry(log, &log->entries[i], now_ns);
        }
    }
    sfe_mutex_close(log->mutex);
    free(log);
}
