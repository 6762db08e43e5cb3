/* Asks a worker: starts one for a program, gives it values, and waits for what it says. The test's
 * own program is the worker, as the agent's is in earnest. */
#ifndef SFE_TESTS_PORT_JQ_ASKING_H
#define SFE_TESTS_PORT_JQ_ASKING_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/jq.h"

#include <string.h>

#define ASKING_WAITS 600u /* Of 100 ms. */

struct asking {
    struct sfe_jq jq;
    enum sfe_jq_kind kind;
    char text[70000];
    size_t size;
    struct sfe_builder in;
    uint8_t memory[80000];
};

static inline struct sfe_jq_options asking_options(const char *program)
{
    return (struct sfe_jq_options){
        .program = program, .cpu_ms = 300, .memory_bytes = 32u << 20, .result_bytes_max = 60000};
}

/* The next answer; false: the worker has ended. */
static inline bool asking_next(struct asking *asking)
{
    for (uint32_t i = 0; i < ASKING_WAITS; i++) {
        const uint8_t *bytes = asking->memory;
        if (asking->in.size >= SFE_JQ_HEAD_BYTES) {
            const size_t size = (size_t)bytes[1] | (size_t)bytes[2] << 8 | (size_t)bytes[3] << 16;
            if (asking->in.size >= SFE_JQ_HEAD_BYTES + size) {
                assert_true(size < sizeof(asking->text));
                asking->kind = (enum sfe_jq_kind)bytes[0];
                memcpy(asking->text, bytes + SFE_JQ_HEAD_BYTES, size);
                asking->text[size] = '\0';
                asking->size = size;
                asking->in.size -= SFE_JQ_HEAD_BYTES + size;
                memmove(asking->memory, asking->memory + SFE_JQ_HEAD_BYTES + size, asking->in.size);
                return true;
            }
        }
        sfe_jq_wait(&asking->jq, 100);
        if (sfe_jq_read(&asking->jq, &asking->in) == SFE_E_END) {
            return false;
        }
    }
    fail_msg("the worker says nothing");
    return false;
}

static inline void asking_start(struct asking *asking, const struct sfe_jq_options *options)
{
    struct sfe_error err = {0};

    asking->in = sfe_builder_make(asking->memory, sizeof(asking->memory));
    assert_int_equal(sfe_jq_start(options, &asking->jq, &err), SFE_OK);
    assert_true(asking_next(asking));
    assert_int_equal(asking->kind, SFE_JQ_READY);
}

static inline void asking_give(const struct asking *asking, const char *value)
{
    const size_t size = strlen(value);
    const uint8_t head[] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), 0};
    size_t written = 0;

    assert_int_equal(sfe_jq_write(&asking->jq, sfe_slice_make(head, 4), &written), SFE_OK);
    assert_int_equal(written, 4);
    assert_int_equal(sfe_jq_write(&asking->jq, sfe_slice_text(value), &written), SFE_OK);
    assert_int_equal(written, size);
}

#endif
