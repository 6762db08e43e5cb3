#include "doctor/finding.h"
#include "run/room.h"

#include <inttypes.h>
#include <stdio.h>

#define PROBE_NAME "doctor-probe"
#define PROBES     3u
/* A sync that takes longer makes itself felt in every acknowledgement. */
#define SYNC_SLOW_NS UINT64_C(1000000000)

static bool add_size(void *visitor, const char *name, uint64_t size)
{
    (void)name;
    *(uint64_t *)visitor += size;
    return true;
}

/* Compares what the streams may take with what there is. */
static void look_at_room(const struct sfe_doctor_options *options)
{
    const struct sfe_storage *storage = &options->platform->storage;
    const struct sfe_config *config = options->config;
    struct sfe_finding finding = {.level = SFE_FINDING_WARN, .check = "flash"};
    char message[160];
    uint64_t total = 0;
    uint64_t available = 0;
    uint64_t used = 0;
    const uint64_t wanted = sfe_room_bytes_max(config);
    struct sfe_error err;

    finding.subject = config->agent.state;
    if (storage->space(storage->context, &total, &available, &err) != SFE_OK ||
        storage->list(storage->context, add_size, &used, &err) != SFE_OK) {
        finding.level = SFE_FINDING_FAIL;
        finding.code = err.code;
        finding_tell(options, &finding, err.message, "check the file system it is on");
        return;
    }
    int length =
        snprintf(message, sizeof(message),
                 "%" PRIu64 " MiB free, %" PRIu64 " MiB used; the streams may take %" PRIu64 " MiB",
                 available >> 20, used >> 20, wanted >> 20);
    if (length > 0 && used + available >= wanted) {
        finding_ok(options, "flash", config->agent.state, "%s", message);
        return;
    }
    finding_tell(options, &finding, message, "lower the quotas of the streams, or make room");
}

/* Writes a page and makes it durable; *longest_ns is the slowest of a few. */
static enum sfe_code probe(const struct sfe_doctor_options *options, uint64_t *longest_ns,
                           struct sfe_error *err)
{
    static const uint8_t page[SFE_PAGE_BYTES] = {'s', 'f', 'e', 'd', 'g', 'e'};
    const struct sfe_storage *storage = &options->platform->storage;
    const struct sfe_clock *clock = &options->platform->clock;
    const struct sfe_slice part = {page, sizeof(page)};
    struct sfe_file *file = NULL;
    struct sfe_error ignored;

    /* One may be left from a doctor that was killed. */
    (void)storage->remove(storage->context, PROBE_NAME, &ignored);
    enum sfe_code code =
        storage->open(storage->context, PROBE_NAME, SFE_STORAGE_CREATE, &file, err);
    for (uint32_t i = 0; i < PROBES && code == SFE_OK; i++) {
        const uint64_t begin_ns = sfe_clock_monotonic_ns(clock);
        code = storage->write(storage->context, file, (uint64_t)i * sizeof(page), &part, 1, err);
        if (code == SFE_OK) {
            code = storage->sync(storage->context, file, err);
        }
        const uint64_t took_ns = sfe_clock_monotonic_ns(clock) - begin_ns;
        *longest_ns = took_ns > *longest_ns ? took_ns : *longest_ns;
    }
    storage->close(storage->context, file);
    if (file != NULL) {
        (void)storage->remove(storage->context, PROBE_NAME, &ignored);
    }
    return code;
}

void sfe_doctor_flash(const struct sfe_doctor_options *options)
{
    struct sfe_finding finding = {.check = "flash", .subject = options->config->agent.state};
    char message[96];
    uint64_t longest_ns = 0;
    struct sfe_error err;

    look_at_room(options);
    enum sfe_code code = probe(options, &longest_ns, &err);
    if (code != SFE_OK) {
        finding.level = SFE_FINDING_FAIL;
        finding.code = code;
        finding_tell(options, &finding, err.message,
                     code == SFE_E_PERMISSION
                         ? "mount it for writing, and give the directory to the agent's user"
                     : code == SFE_E_NO_SPACE ? "make room"
                                              : "check the medium and its kernel messages");
        return;
    }
    int length = snprintf(message, sizeof(message),
                          "a page is durable after %" PRIu64 ".%" PRIu64 " ms at most",
                          longest_ns / 1000000u, longest_ns / 100000u % 10u);
    if (length > 0 && longest_ns < SYNC_SLOW_NS) {
        finding_ok(options, "flash", finding.subject, "%s", message);
        return;
    }
    finding.level = SFE_FINDING_WARN;
    finding_tell(options, &finding, message,
                 "acknowledgements wait for it: use another medium, or a longer linger");
}
