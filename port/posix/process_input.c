#include "port/process.h"

#include "base/assert.h"

#include <errno.h>
#include <unistd.h>

/* What read(2) says, but for interruptions. */
static ssize_t read_some(void *bytes, size_t size)
{
    ssize_t count;
    do {
        count = read(STDIN_FILENO, bytes, size);
    } while (count < 0 && errno == EINTR);
    return count;
}

enum sfe_code sfe_process_read_input(struct sfe_builder *content, struct sfe_error *err)
{
    SFE_ASSERT(!content->overflowed);
    for (;;) {
        uint8_t beyond;
        size_t room = sfe_builder_room(content);
        ssize_t count =
            read_some(room > 0 ? content->bytes + content->size : &beyond, room > 0 ? room : 1);
        if (count == 0) {
            return SFE_OK;
        }
        if (count < 0) {
            return sfe_fail_os(err, SFE_E_STORAGE, errno, "cannot read standard input");
        }
        if (room == 0) {
            return sfe_fail(err, SFE_E_TOO_LARGE, "standard input is longer than %zu bytes",
                            content->capacity);
        }
        content->size += (size_t)count;
    }
}

bool sfe_process_read_line(struct sfe_builder *line)
{
    uint8_t byte = 0;
    bool has_any = false;

    SFE_ASSERT(!line->overflowed);
    /* Byte by byte: what follows the line is left for whoever asks next. */
    while (read_some(&byte, 1) == 1) {
        has_any = true;
        if (byte == '\n') {
            break;
        }
        sfe_builder_add_byte(line, byte);
    }
    if (line->size > 0 && line->bytes[line->size - 1] == '\r') {
        line->size--;
    }
    return has_any && !line->overflowed;
}
