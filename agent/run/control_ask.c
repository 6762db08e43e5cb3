#include "run/control.h"

#include "base/assert.h"

struct question {
    struct sfe_poller *poller;
    struct sfe_builder *document;
    struct sfe_error *err;
    enum sfe_code code; /* SFE_E_AGAIN while the answer is coming. */
};

static void on_answer(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct question *question = owner;
    uint8_t bytes[2048];
    size_t count = 0;

    (void)events;
    SFE_ASSERT(question->code == SFE_E_AGAIN);
    switch (question->poller->read(question->poller->context, socket, bytes, sizeof(bytes), &count,
                                   question->err)) {
    case SFE_IO_DATA:
        sfe_builder_add(question->document, sfe_slice_make(bytes, count));
        break;
    case SFE_IO_WOULD_BLOCK:
        break;
    case SFE_IO_CLOSED:
        question->code = SFE_OK;
        break;
    case SFE_IO_FAILED:
        question->code = question->err->code;
        break;
    }
}

/* A new connection takes a line at once. */
static enum sfe_code say(struct sfe_poller *poller, struct sfe_socket *stream, const char *request,
                         struct sfe_error *err)
{
    uint8_t memory[64];
    struct sfe_builder line = sfe_builder_make(memory, sizeof(memory));
    size_t count = 0;

    sfe_builder_format(&line, "%s\n", request);
    SFE_ASSERT(!line.overflowed);
    if (poller->write(poller->context, stream, sfe_builder_slice(&line), &count, err) !=
            SFE_IO_DATA ||
        count != line.size) {
        return sfe_fail(err, SFE_E_NETWORK, "the agent does not take the request");
    }
    return SFE_OK;
}

enum sfe_code sfe_control_ask(struct sfe_poller *poller, const char *path, uint64_t until_ns,
                              struct sfe_builder *document, struct sfe_error *err)
{
    return sfe_control_request(poller, path, "status", until_ns, document, err);
}

enum sfe_code sfe_control_request(struct sfe_poller *poller, const char *path, const char *request,
                                  uint64_t until_ns, struct sfe_builder *document,
                                  struct sfe_error *err)
{
    struct question question = {poller, document, err, SFE_E_AGAIN};
    struct sfe_socket *stream = NULL;
    enum sfe_code code = poller->connect_local(poller->context, path, &stream, err);

    if (code != SFE_OK) {
        return code;
    }
    question.code = say(poller, stream, request, err);
    if (question.code == SFE_OK) {
        question.code = SFE_E_AGAIN;
        poller->watch(poller->context, stream, SFE_POLL_READ, on_answer, &question);
    }
    while (question.code == SFE_E_AGAIN) {
        size_t before = document->size;
        code = poller->wait(poller->context, until_ns, err);
        if (code != SFE_OK) {
            question.code = code;
        } else if (document->size == before && question.code == SFE_E_AGAIN) {
            question.code = sfe_fail(err, SFE_E_TIMEOUT, "the agent does not answer");
        }
    }
    poller->close(poller->context, stream);
    if (question.code == SFE_OK && document->overflowed) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the answer of the agent does not fit");
    }
    return question.code;
}
