/* Whatever is answered about a job: it is refused, or it has an id that can stand in a path and a
 * message that is printable and ends. */
#include "base/bytes.h"
#include "bulk/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS_MAX 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static void check_id(const char *id)
{
    const size_t size = strnlen(id, SFE_BULK_JOB_ID_BYTES);

    demand(size > 0 && size < SFE_BULK_JOB_ID_BYTES, "an id has letters and ends");
    for (size_t i = 0; i < size; i++) {
        demand((id[i] >= '0' && id[i] <= '9') || (id[i] >= 'A' && id[i] <= 'Z') ||
                   (id[i] >= 'a' && id[i] <= 'z'),
               "an id is plain");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    struct bulk_job_answer job;
    struct sfe_error err;
    enum sfe_code code = bulk_read_job(sfe_slice_make(data, size), tokens, TOKENS_MAX, &job, &err);

    if (code != SFE_OK) {
        demand(code == SFE_E_PROTOCOL && err.code == code, "a refused answer says why");
        return 0;
    }
    check_id(job.id);
    demand((unsigned)job.state <= BULK_JOB_ABORTED, "a state is one of those there are");
    const size_t length = strnlen(job.message, sizeof(job.message));
    demand(length < sizeof(job.message), "a message ends");
    demand(sfe_utf8_valid(sfe_slice_make(job.message, length)), "a message is UTF-8");
    return 0;
}
