#include "cli/print.h"

#include "base/bytes.h"
#include "port/process.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_BYTES_MAX 3072u

SFE_PRINTF(3, 0)
static struct sfe_slice formatted(char *text, size_t capacity, const char *format, va_list list)
{
    int length = vsnprintf(text, capacity, format, list);

    if (length < 0) {
        return SFE_TEXT("");
    }
    return sfe_slice_make(text, (size_t)length < capacity ? (size_t)length : capacity - 1u);
}

void sfe_cli_print(const char *format, ...)
{
    char text[TEXT_BYTES_MAX];
    va_list list;

    va_start(list, format);
    sfe_process_print(formatted(text, sizeof(text), format, list));
    va_end(list);
}

void sfe_cli_print_error(const char *format, ...)
{
    char text[TEXT_BYTES_MAX];
    va_list list;

    va_start(list, format);
    sfe_process_print_error(formatted(text, sizeof(text), format, list));
    va_end(list);
}

void sfe_cli_print_mistake(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    if (mistake->line != 0) {
        sfe_cli_print_error("%s:%u:%u: %s%s%s\n", mistake->where, mistake->line, mistake->column,
                            mistake->pointer, mistake->pointer[0] == '\0' ? "" : ": ",
                            mistake->message);
        return;
    }
    sfe_cli_print_error("%s: %s\n", mistake->where, mistake->message);
}

int sfe_cli_fail(const char *command, const struct sfe_error *err)
{
    sfe_cli_print_error("sfedge %s: %s (%s)\n", command, err->message, sfe_code_name(err->code));
    return sfe_code_exit(err->code);
}
