#include "refresh.h"

#include "base/hash.h"
#include "http_parser.h"
#include "sessions.h"

#define RANDOM_BYTES 32u

const char *refresh_load(struct refresh_tokens *tokens, const char *path)
{
    struct buffer text = {NULL, 0, 0};
    const char *problem = buffer_read_file(&text, path);
    struct sfe_slice rest = buffer_slice(&text);
    while (problem == NULL && rest.size != 0) {
        struct sfe_slice line = split_first(&rest, '\n');
        if (line.size == 0) {
            continue;
        }
        if (tokens->count == REFRESH_FAMILIES) {
            problem = "has more than 5 lines";
        } else {
            buffer_add(&tokens->families[tokens->count++].token, line);
        }
    }
    if (problem == NULL && tokens->count == 0) {
        problem = "is empty";
    }
    buffer_close(&text);
    return problem;
}

void refresh_unload(struct refresh_tokens *tokens)
{
    for (uint32_t i = 0; i < tokens->count; i++) {
        buffer_close(&tokens->families[i].token);
    }
    tokens->count = 0;
}

static void rotate(struct refresh_tokens *tokens, uint32_t family)
{
    static const char DIGITS[] = "0123456789abcdef";
    struct buffer *token = &tokens->families[family].token;
    uint8_t random[RANDOM_BYTES];
    uint32_t place = tokens->ended_count++ % REFRESH_ENDED;

    tokens->ended[place].hash = sfe_hash64(1, buffer_slice(token));
    tokens->ended[place].family = family;
    random_fill(random, sizeof random);
    token->size = 0;
    buffer_add_text(token, "5Aep861");
    for (size_t i = 0; i < sizeof random; i++) {
        buffer_format(token, "%c%c", DIGITS[random[i] >> 4], DIGITS[random[i] & 15]);
    }
    buffer_add_text(token, "==");
}

enum refresh_result refresh_use(struct refresh_tokens *tokens, struct sfe_slice token,
                                uint32_t *family)
{
    for (uint32_t i = 0; i < tokens->count; i++) {
        if (sfe_slice_equal(token, buffer_slice(&tokens->families[i].token))) {
            *family = i;
            if (tokens->families[i].is_revoked) {
                return REFRESH_UNKNOWN;
            }
            if (tokens->rotates) {
                rotate(tokens, i);
            }
            return REFRESH_TAKEN;
        }
    }
    uint64_t hash = sfe_hash64(1, token);
    for (uint32_t i = 0; i < REFRESH_ENDED && i < tokens->ended_count; i++) {
        if (tokens->ended[i].hash == hash) {
            *family = tokens->ended[i].family;
            tokens->families[*family].is_revoked = true;
            return REFRESH_REUSED;
        }
    }
    return REFRESH_UNKNOWN;
}
