#include "control/control.h"

#include "base/assert.h"

#include <string.h>

/* One question under way, at the client. */
struct question {
    struct sfe_poller *poller;
    struct sfe_slice text; /* What is still to be sent. */
    struct sfe_builder *document;
    bool (*visit)(void *visitor, struct sfe_slice line); /* NULL: the document is kept whole. */
    void *visitor;
    struct sfe_error *err;
    enum sfe_code code; /* SFE_E_AGAIN while the answer is coming. */
    bool has_moved;
};

/* Hands out the whole lines; the rest moves to the front. */
static void visit_lines(struct question *question)
{
    struct sfe_builder *document = question->document;
    struct sfe_slice rest = sfe_builder_slice(document);
    const uint8_t *end = NULL;

    while (question->code == SFE_E_AGAIN && rest.size != 0 &&
           (end = memchr(rest.bytes, '\n', rest.size)) != NULL) {
        const size_t size = (size_t)(end - rest.bytes);
        if (!question->visit(question->visitor, sfe_slice_part(rest, 0, size))) {
            question->code = SFE_OK;
        }
        rest = sfe_slice_part(rest, size + 1u, rest.size);
    }
    memmove(document->bytes, rest.bytes, rest.size);
    sfe_builder_rewind(document, rest.size);
}

static void take_answer(struct question *question, struct sfe_slice bytes)
{
    sfe_builder_add(question->document, bytes);
    if (question->document->overflowed) {
        question->code =
            sfe_fail(question->err, SFE_E_TOO_LARGE, "the answer of the agent does not fit");
    } else if (question->visit != NULL) {
        visit_lines(question);
    }
}

static void read_answer(struct question *question, struct sfe_socket *socket)
{
    uint8_t bytes[2048];
    size_t count = 0;

    switch (question->poller->read(question->poller->context, socket, bytes, sizeof(bytes), &count,
                                   question->err)) {
    case SFE_IO_DATA:
        question->has_moved = true;
        take_answer(question, sfe_slice_make(bytes, count));
        break;
    case SFE_IO_WOULD_BLOCK:
        break;
    case SFE_IO_CLOSED:
        question->code = question->visit == NULL ? SFE_OK : SFE_E_END;
        break;
    case SFE_IO_FAILED:
        question->code = question->err->code;
        break;
    }
}

static void send_question(struct question *question, struct sfe_socket *socket)
{
    size_t count = 0;
    enum sfe_io io = question->poller->write(question->poller->context, socket, question->text,
                                             &count, question->err);

    if (io == SFE_IO_DATA) {
        question->has_moved = true;
        question->text = sfe_slice_part(question->text, count, question->text.size);
    } else if (io != SFE_IO_WOULD_BLOCK) {
        question->code = io == SFE_IO_FAILED ? question->err->code : SFE_E_END;
    }
}

static void on_ready(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct question *question = owner;

    (void)events;
    if (question->code != SFE_E_AGAIN) {
        return;
    }
    if (question->text.size != 0) {
        send_question(question, socket);
        if (question->text.size == 0) {
            question->poller->watch(question->poller->context, socket, SFE_POLL_READ, on_ready,
                                    question);
        }
    } else {
        read_answer(question, socket);
    }
}

static enum sfe_code run_question(struct question *question, const char *path, uint64_t until_ns)
{
    struct sfe_poller *poller = question->poller;
    struct sfe_socket *stream = NULL;
    enum sfe_code code = poller->connect_local(poller->context, path, &stream, question->err);

    SFE_ASSERT(question->text.size != 0);
    if (code != SFE_OK) {
        return code;
    }
    poller->watch(poller->context, stream, SFE_POLL_WRITE, on_ready, question);
    while (question->code == SFE_E_AGAIN) {
        question->has_moved = false;
        code = poller->wait(poller->context, until_ns, question->err);
        if (code != SFE_OK) {
            question->code = code;
        } else if (!question->has_moved && question->code == SFE_E_AGAIN &&
                   until_ns != UINT64_MAX) {
            question->code = sfe_fail(question->err, SFE_E_TIMEOUT, "the agent does not answer");
        }
    }
    poller->close(poller->context, stream);
    return question->code;
}

enum sfe_code sfe_control_ask(struct sfe_poller *poller, const char *path,
                              struct sfe_slice question, uint64_t until_ns,
                              struct sfe_builder *document, struct sfe_error *err)
{
    struct question asked = {
        .poller = poller, .text = question, .document = document, .err = err, .code = SFE_E_AGAIN};
    enum sfe_code code = run_question(&asked, path, until_ns);

    return code == SFE_E_END ? sfe_fail(err, SFE_E_NETWORK, "the agent hung up") : code;
}

enum sfe_code sfe_control_follow(struct sfe_poller *poller, const char *path,
                                 struct sfe_slice question, struct sfe_builder *line,
                                 bool (*visit)(void *visitor, struct sfe_slice line), void *visitor,
                                 struct sfe_error *err)
{
    struct question asked = {.poller = poller,
                             .text = question,
                             .document = line,
                             .visit = visit,
                             .visitor = visitor,
                             .err = err,
                             .code = SFE_E_AGAIN};

    return run_question(&asked, path, UINT64_MAX);
}
