#include "port/compress.h"

#include "base/assert.h"

#define ZLIB_CONST
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_WINDOW_BITS (15 + 16)

struct sfe_gunzip {
    z_stream stream;
};

struct sfe_gunzip *sfe_gunzip_open(void)
{
    struct sfe_gunzip *gunzip = calloc(1, sizeof(*gunzip));

    if (gunzip != NULL && inflateInit2(&gunzip->stream, GZIP_WINDOW_BITS) != Z_OK) {
        free(gunzip);
        return NULL;
    }
    return gunzip;
}

void sfe_gunzip_close(struct sfe_gunzip *gunzip)
{
    if (gunzip != NULL) {
        (void)inflateEnd(&gunzip->stream);
        free(gunzip);
    }
}

static enum sfe_code fail(int result, size_t room, struct sfe_error *err)
{
    switch (result) {
    case Z_OK:
    case Z_BUF_ERROR:
        return room == 0 ? sfe_fail(err, SFE_E_TOO_LARGE, "it is too large when inflated")
                         : sfe_fail(err, SFE_E_PROTOCOL, "the gzip data ends too early");
    case Z_MEM_ERROR:
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory to inflate");
    default:
        return sfe_fail(err, SFE_E_PROTOCOL, "that is no gzip data, or it is damaged");
    }
}

enum sfe_code sfe_gunzip_add(struct sfe_gunzip *gunzip, struct sfe_slice input,
                             struct sfe_builder *output, struct sfe_error *err)
{
    z_stream *stream = &gunzip->stream;
    const size_t room = sfe_builder_room(output);
    const uInt capacity = room > UINT_MAX ? UINT_MAX : (uInt)room;
    int result = inflateReset(stream);
    uInt left_in;
    uInt left_out;

    SFE_ASSERT(result == Z_OK && !output->overflowed);
    if (input.size > UINT_MAX) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "%zu bytes cannot be inflated at once", input.size);
    }
    stream->next_in = input.bytes;
    stream->avail_in = (uInt)input.size;
    stream->next_out = output->bytes + output->size;
    stream->avail_out = capacity;
    result = inflate(stream, Z_FINISH);
    SFE_ASSERT(result != Z_STREAM_ERROR);
    left_in = stream->avail_in;
    left_out = stream->avail_out;
    stream->next_in = NULL; /* Nothing borrowed is kept. */
    stream->next_out = NULL;
    if (result != Z_STREAM_END) {
        return fail(result, left_out, err);
    }
    if (left_in != 0) {
        return sfe_fail(err, SFE_E_PROTOCOL, "something stands behind the gzip data");
    }
    output->size += capacity - left_out;
    return SFE_OK;
}
