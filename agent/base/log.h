/* Log lines with typed fields: one `key=value` line a change of state, on the port's log sink.
 *
 * The message is constant text; all that varies is a field. Secrets and payloads have no field
 * constructor. Repeats of the same message (by address) about the same thing (its text fields are
 * equal) within ten minutes are folded into one line with a count, except debug and trace lines.
 * Lines a second are bounded, and those dropped are counted. Any thread.
 */
#ifndef SFE_BASE_LOG_H
#define SFE_BASE_LOG_H

#include "base/bytes.h"
#include "base/error.h"

enum sfe_log_level {
    SFE_ERROR,   /* A human must act. */
    SFE_WARNING, /* We coped; a human should know. */
    SFE_INFO,    /* A change of state; never per event. */
    SFE_DEBUG,   /* Per batch. */
    SFE_TRACE    /* Per event; still without payloads. */
};

enum sfe_field_kind {
    SFE_FIELD_TEXT,
    SFE_FIELD_SLICE,
    SFE_FIELD_COUNT,
    SFE_FIELD_SIGNED,
    SFE_FIELD_MS
};

struct sfe_field {
    const char *name;
    enum sfe_field_kind kind;
    const char *text;
    struct sfe_slice slice;
    uint64_t number;
};

/* Field constructors. Text from outside is made printable and quoted where it holds blanks. */
static inline struct sfe_field sfe_text(const char *name, const char *text)
{
    return (struct sfe_field){name, SFE_FIELD_TEXT, text, {NULL, 0}, 0};
}

static inline struct sfe_field sfe_slice_field(const char *name, struct sfe_slice slice)
{
    return (struct sfe_field){name, SFE_FIELD_SLICE, NULL, slice, 0};
}

static inline struct sfe_field sfe_count(const char *name, uint64_t number)
{
    return (struct sfe_field){name, SFE_FIELD_COUNT, NULL, {NULL, 0}, number};
}

static inline struct sfe_field sfe_ms(const char *name, uint64_t duration_ns)
{
    return (struct sfe_field){name, SFE_FIELD_MS, NULL, {NULL, 0}, duration_ns / 1000000u};
}

struct sfe_clock;
struct sfe_log;

/* Makes a log that passes lines of `level` and more urgent to the log sink. The clock is borrowed.
 * Memory: malloc, once, bounded. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_log_open(enum sfe_log_level level, const struct sfe_clock *clock,
                                        struct sfe_log **log, struct sfe_error *err);
void sfe_log_close(struct sfe_log *log);

/* Changes the level (reload). Any thread. */
void sfe_log_set_level(struct sfe_log *log, enum sfe_log_level level);

/* Writes one line. `log` NULL is silence (tests). Use the macro. */
void sfe_log_write(struct sfe_log *log, enum sfe_log_level level, const char *message,
                   const struct sfe_field *fields, size_t field_count);

#define SFE_LOG(log, level, message, ...)                                                          \
    sfe_log_write((log), (level), ("" message), (const struct sfe_field[]){__VA_ARGS__},           \
                  sizeof((const struct sfe_field[]){__VA_ARGS__}) / sizeof(struct sfe_field))

/* Writes an error with all its context, and `message` as what we were about. */
void sfe_log_error(struct sfe_log *log, enum sfe_log_level level, const char *message,
                   const struct sfe_error *err);

#endif
