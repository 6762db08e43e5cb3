#include "base/error.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>

struct code_entry {
    const char *name;
    int exit_code; /* sysexits(3) */
};

static const struct code_entry codes[] = {
    [SFE_OK] = {"SFE-OK", 0},
    [SFE_E_FULL] = {"SFE-FULL", 75},
    [SFE_E_END] = {"SFE-END", 0},
    [SFE_E_AGAIN] = {"SFE-AGAIN", 75},
    [SFE_E_SKIPPED] = {"SFE-SKIPPED", 0},
    [SFE_E_SYNTAX] = {"SFE-SYNTAX", 65},
    [SFE_E_CONFIG] = {"SFE-CONFIG", 78},
    [SFE_E_UNMAPPED] = {"SFE-UNMAPPED", 65},
    [SFE_E_TOO_LARGE] = {"SFE-TOO-LARGE", 65},
    [SFE_E_REFUSED] = {"SFE-REFUSED", 69},
    [SFE_E_STORAGE] = {"SFE-STORAGE", 74},
    [SFE_E_NO_SPACE] = {"SFE-NO-SPACE", 74},
    [SFE_E_CORRUPT] = {"SFE-CORRUPT", 65},
    [SFE_E_NETWORK] = {"SFE-NETWORK", 69},
    [SFE_E_TIMEOUT] = {"SFE-TIMEOUT", 75},
    [SFE_E_TLS] = {"SFE-TLS", 69},
    [SFE_E_PROTOCOL] = {"SFE-PROTOCOL", 69},
    [SFE_E_AUTH] = {"SFE-AUTH", 77},
    [SFE_E_API] = {"SFE-API", 69},
    [SFE_E_NO_MEMORY] = {"SFE-NO-MEMORY", 70},
    [SFE_E_NOT_READY] = {"SFE-NOT-READY", 75},
    [SFE_E_NOT_FOUND] = {"SFE-NOT-FOUND", 69},
    [SFE_E_UNSUPPORTED] = {"SFE-UNSUPPORTED", 69},
    [SFE_E_USAGE] = {"SFE-USAGE", 64},
    [SFE_E_PERMISSION] = {"SFE-PERMISSION", 77},
    [SFE_E_CRYPTO] = {"SFE-CRYPTO", 78},
};

/* A longer text is clipped anyway; the room beyond lets that fall on a character's border. */
#define TEXT_BYTES (sizeof(((struct sfe_error *)0)->message) + 8)

static void copy_text(char *place, size_t capacity, const char *text)
{
    sfe_printable(place, capacity, sfe_slice_text(text));
}

/* Formats apart from *err, since the arguments may point into it. */
SFE_PRINTF(2, 0)
static void format_text(char text[TEXT_BYTES], const char *format, va_list arguments)
{
    if (vsnprintf(text, TEXT_BYTES, format, arguments) < 0) {
        text[0] = '\0';
    }
}

static enum sfe_code record(struct sfe_error *err, enum sfe_code code, const char *text)
{
    SFE_ASSERT(err != NULL);
    SFE_ASSERT(code != SFE_OK);

    err->code = code;
    err->retry = SFE_RETRY_NEVER;
    err->os_errno = 0;
    err->http_status = 0;
    err->line = 0;
    err->column = 0;
    err->api_code[0] = '\0';
    err->pointer[0] = '\0';
    err->where[0] = '\0';
    copy_text(err->message, sizeof(err->message), text);
    return code;
}

enum sfe_code sfe_fail(struct sfe_error *err, enum sfe_code code, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    format_text(text, format, arguments);
    va_end(arguments);
    return record(err, code, text);
}

enum sfe_code sfe_fail_os(struct sfe_error *err, enum sfe_code code, int os_errno,
                          const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list arguments;
    size_t size = 0;

    va_start(arguments, format);
    format_text(text, format, arguments);
    va_end(arguments);
    size = strlen(text);
    /* What no longer fits is clipped: what was tried says more than how the system put it. */
    if (snprintf(text + size, sizeof(text) - size, ": %s (%d)", strerror(os_errno), os_errno) < 0) {
        text[size] = '\0';
    }
    (void)record(err, code, text);
    err->os_errno = os_errno;
    return code;
}

enum sfe_code sfe_error_at(struct sfe_error *err, const char *where, const char *pointer,
                           uint32_t line, uint32_t column)
{
    SFE_ASSERT(err != NULL);

    if (where != NULL) {
        copy_text(err->where, sizeof(err->where), where);
    }
    if (pointer != NULL) {
        copy_text(err->pointer, sizeof(err->pointer), pointer);
    }
    err->line = line;
    err->column = column;
    return err->code;
}

enum sfe_code sfe_error_api(struct sfe_error *err, uint16_t http_status, const char *api_code,
                            enum sfe_retry retry)
{
    SFE_ASSERT(err != NULL);

    err->http_status = http_status;
    err->retry = retry;
    copy_text(err->api_code, sizeof(err->api_code), api_code);
    return err->code;
}

enum sfe_code sfe_within(struct sfe_error *err, const char *format, ...)
{
    char text[2 * TEXT_BYTES];
    va_list arguments;
    size_t size = 0;

    SFE_ASSERT(err != NULL);
    va_start(arguments, format);
    format_text(text, format, arguments);
    va_end(arguments);
    size = strlen(text);
    if (snprintf(text + size, sizeof(text) - size, ": %s", err->message) < 0) {
        text[size] = '\0';
    }
    copy_text(err->message, sizeof(err->message), text);
    return err->code;
}

static const struct code_entry *entry_of(enum sfe_code code)
{
    size_t index = (size_t)code;

    SFE_ASSERT(index < sizeof(codes) / sizeof(codes[0]));
    return &codes[index];
}

const char *sfe_code_name(enum sfe_code code)
{
    return entry_of(code)->name;
}

int sfe_code_exit(enum sfe_code code)
{
    return entry_of(code)->exit_code;
}
