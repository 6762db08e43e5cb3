#include "doctor/finding.h"

#include "base/assert.h"
#include "port/process.h"

#include <stdarg.h>
#include <stdio.h>

#define ARROW " -> "

/* Copies `text`, clipped. */
static void copy(char *place, size_t capacity, struct sfe_slice text)
{
    sfe_printable(place, capacity, text);
}

void finding_ok(const struct sfe_doctor_options *options, const char *check, const char *subject,
                const char *format, ...)
{
    struct sfe_finding finding = {
        .level = SFE_FINDING_OK, .check = check, .subject = subject, .code = SFE_OK};
    va_list list;

    va_start(list, format);
    int length = vsnprintf(finding.message, sizeof(finding.message), format, list);
    va_end(list);
    SFE_ASSERT(length >= 0);
    options->report(options->reader, &finding);
}

void finding_tell(const struct sfe_doctor_options *options, const struct sfe_finding *finding,
                  const char *message, const char *fix)
{
    struct sfe_finding told = *finding;
    const char *arrow = fix == NULL ? strstr(message, ARROW) : NULL;
    const size_t size = arrow == NULL ? strlen(message) : (size_t)(arrow - message);

    SFE_ASSERT(told.level != SFE_FINDING_OK);
    copy(told.message, sizeof(told.message), sfe_slice_make(message, size));
    if (arrow != NULL) {
        fix = arrow + sizeof(ARROW) - 1;
    }
    copy(told.fix, sizeof(told.fix), sfe_slice_text(fix));
    options->report(options->reader, &told);
}

bool finding_lookup(const struct sfe_doctor_options *options, const char *host, const char *setting)
{
    char addresses[128];
    struct sfe_builder list = sfe_builder_make(addresses, sizeof(addresses) - 1u);
    struct sfe_error err;

    if (sfe_process_lookup(host, &list, &err) == SFE_OK) {
        finding_ok(options, "dns", host, "%.*s", (int)list.size, addresses);
        return true;
    }
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "dns", .subject = host, .code = err.code};
    copy(finding.setting, sizeof(finding.setting), sfe_slice_text(setting));
    finding_tell(options, &finding, err.message,
                 "check the host's name, and the name servers of this device (resolv.conf)");
    return false;
}

void finding_setting(char *setting, size_t capacity, const char *connection, const char *key)
{
    int length = snprintf(setting, capacity, "/connections/%s/%s", connection, key);
    SFE_ASSERT(length > 0 && (size_t)length < capacity);
}
