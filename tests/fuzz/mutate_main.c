/* Drives a fuzz target where libFuzzer is not at hand: runs each file of a corpus, then that many
 * mutants of them, the same ones each time.
 *
 *   json_reader_fuzz 20000 tests/fuzz/corpus/json_reader_fuzz
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEEDS_MAX       256
#define INPUT_BYTES_MAX 8192
#define CHANGES_MAX     8
#define FIRST_STATE     0x9e3779b97f4a7c15u

struct input {
    uint8_t *bytes;
    size_t size;
};

struct fuzzer {
    struct input seeds[SEEDS_MAX];
    size_t seed_count;
    uint64_t state; /* xorshift64 */
    uint8_t mutant[INPUT_BYTES_MAX];
    size_t size;
};

static size_t draw(struct fuzzer *fuzzer, size_t below)
{
    fuzzer->state ^= fuzzer->state << 13;
    fuzzer->state ^= fuzzer->state >> 7;
    fuzzer->state ^= fuzzer->state << 17;
    return below == 0 ? 0 : (size_t)((fuzzer->state >> 16) % below);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Adds the file if it is one. */
static void load_seed(struct fuzzer *fuzzer, const char *folder, const char *name)
{
    char path[1024];
    int length = snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = NULL;

    if (name[0] == '.' || length < 0 || (size_t)length >= sizeof(path) ||
        fuzzer->seed_count == SEEDS_MAX) {
        return;
    }
    file = fopen(path, "rb");
    if (file == NULL) {
        return;
    }
    uint8_t *bytes = malloc(INPUT_BYTES_MAX);
    if (bytes != NULL) {
        size_t size = fread(bytes, 1, INPUT_BYTES_MAX, file);
        fuzzer->seeds[fuzzer->seed_count++] = (struct input){bytes, size};
    }
    (void)fclose(file);
}

/* In the order of their names, so that two runs are the same. */
static void load_seeds(struct fuzzer *fuzzer, const char *folder)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, compare_names);

    for (int i = 0; i < count; i++) {
        load_seed(fuzzer, folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

/* Makes room for `count` bytes at `at`, as far as there is any; returns how many. */
static size_t open_gap(struct fuzzer *fuzzer, size_t at, size_t count)
{
    size_t room = sizeof(fuzzer->mutant) - fuzzer->size;

    count = count < room ? count : room;
    memmove(fuzzer->mutant + at + count, fuzzer->mutant + at, fuzzer->size - at);
    fuzzer->size += count;
    return count;
}

static void flip_bit(struct fuzzer *fuzzer)
{
    if (fuzzer->size != 0) {
        fuzzer->mutant[draw(fuzzer, fuzzer->size)] ^= (uint8_t)(1u << draw(fuzzer, 8));
    }
}

static void replace_byte(struct fuzzer *fuzzer)
{
    if (fuzzer->size != 0) {
        fuzzer->mutant[draw(fuzzer, fuzzer->size)] = (uint8_t)draw(fuzzer, 256);
    }
}

static void insert_bytes(struct fuzzer *fuzzer)
{
    size_t at = draw(fuzzer, fuzzer->size + 1);
    size_t count = open_gap(fuzzer, at, 1 + draw(fuzzer, 4));

    for (size_t i = 0; i < count; i++) {
        fuzzer->mutant[at + i] = (uint8_t)draw(fuzzer, 256);
    }
}

static void delete_bytes(struct fuzzer *fuzzer)
{
    if (fuzzer->size == 0) {
        return;
    }
    size_t at = draw(fuzzer, fuzzer->size);
    size_t count = 1 + draw(fuzzer, draw(fuzzer, 4) == 0 ? fuzzer->size - at : 4);
    count = count < fuzzer->size - at ? count : fuzzer->size - at;
    memmove(fuzzer->mutant + at, fuzzer->mutant + at + count, fuzzer->size - at - count);
    fuzzer->size -= count;
}

/* Puts a part of another seed in. */
static void splice(struct fuzzer *fuzzer)
{
    const struct input *other = &fuzzer->seeds[draw(fuzzer, fuzzer->seed_count)];

    if (fuzzer->seed_count == 0 || other->size == 0) {
        return;
    }
    size_t from = draw(fuzzer, other->size);
    size_t at = draw(fuzzer, fuzzer->size + 1);
    size_t count = open_gap(fuzzer, at, 1 + draw(fuzzer, other->size - from));
    memcpy(fuzzer->mutant + at, other->bytes + from, count);
}

/* Doubles a part of the input where it stands: depth and length grow so. */
static void repeat_part(struct fuzzer *fuzzer)
{
    uint8_t part[64];

    if (fuzzer->size == 0) {
        return;
    }
    size_t at = draw(fuzzer, fuzzer->size);
    size_t size = 1 + draw(fuzzer, sizeof(part));
    size = size < fuzzer->size - at ? size : fuzzer->size - at;
    memcpy(part, fuzzer->mutant + at, size);
    for (size_t times = 1 + draw(fuzzer, 8); times > 0; times--) {
        memcpy(fuzzer->mutant + at, part, open_gap(fuzzer, at, size));
    }
}

/* Bytes at which parsers stumble. */
static void put_interesting(struct fuzzer *fuzzer)
{
    static const struct {
        const char *bytes;
        size_t size;
    } values[] = {
        {"\0", 1},
        {"\xff", 1},
        {"\x7f", 1},
        {"\x80", 1},
        {"\0\0\0\0", 4},
        {"\xff\xff\xff\xff", 4},
        {"\xff\x7f", 2},
        {"\x80\x00", 2},
        {"\x7f\xff\xff\xff", 4},
        {"\"", 1},
        {"\\", 1},
        {"\\u", 2},
        {"\\ud800", 6},
        {"\xed\xa0\x80", 3},
        {"\xef\xbb\xbf", 3},
        {"{", 1},
        {"}", 1},
        {"[", 1},
        {"]", 1},
        {"-", 1},
        {"0", 1},
        {"1e9", 3},
        {"e-999999999999", 14},
        {"9223372036854775808", 19},
        {"4294967296", 10},
        {"\r\n", 2},
        {"\r\n\r\n", 4},
        {"%", 1},
        {"/", 1},
        {"<", 1},
        {"&", 1},
        {"~", 1},
        {",", 1},
    };
    size_t index = draw(fuzzer, sizeof(values) / sizeof(values[0]));
    size_t at = draw(fuzzer, fuzzer->size + 1);

    if (draw(fuzzer, 2) == 0 && values[index].size <= fuzzer->size - at) {
        memcpy(fuzzer->mutant + at, values[index].bytes, values[index].size);
    } else {
        memcpy(fuzzer->mutant + at, values[index].bytes, open_gap(fuzzer, at, values[index].size));
    }
}

static void mutate(struct fuzzer *fuzzer)
{
    static void (*const changes[])(struct fuzzer * fuzzer) = {
        flip_bit, replace_byte, insert_bytes, delete_bytes, splice, repeat_part, put_interesting};

    for (size_t count = 1 + draw(fuzzer, CHANGES_MAX); count > 0; count--) {
        changes[draw(fuzzer, sizeof(changes) / sizeof(changes[0]))](fuzzer);
    }
}

/* Runs a copy of exactly its size, so that a sanitizer sees a read beyond the end. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);

    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

int main(int argument_count, char **arguments)
{
    static struct fuzzer fuzzer = {.state = FIRST_STATE};
    uint64_t iterations = 0;

    if (argument_count != 3 || sscanf(arguments[1], "%" SCNu64, &iterations) != 1) {
        (void)fprintf(stderr, "usage: %s iterations corpus-folder\n", arguments[0]);
        return 64;
    }
    load_seeds(&fuzzer, arguments[2]);
    run(fuzzer.mutant, 0);
    for (size_t i = 0; i < fuzzer.seed_count; i++) {
        run(fuzzer.seeds[i].bytes, fuzzer.seeds[i].size);
    }
    for (uint64_t i = 0; i < iterations; i++) {
        fuzzer.size = 0;
        if (fuzzer.seed_count != 0) {
            const struct input *seed = &fuzzer.seeds[draw(&fuzzer, fuzzer.seed_count)];
            memcpy(fuzzer.mutant, seed->bytes, seed->size);
            fuzzer.size = seed->size;
        }
        mutate(&fuzzer);
        run(fuzzer.mutant, fuzzer.size);
    }
    printf("%" PRIu64 " runs from %zu seeds\n", iterations + fuzzer.seed_count + 1,
           fuzzer.seed_count);
    for (size_t i = 0; i < fuzzer.seed_count; i++) {
        free(fuzzer.seeds[i].bytes);
    }
    return 0;
}
