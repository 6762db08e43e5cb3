#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "real_platform.h"
#include "run/letters.h"
#include "stream/walk.h"
#include "unit/stream/stream_world.h"

#define SEGMENT_BYTES 65536u
#define ARENA_BYTES   (32u * 1024u * 1024u)

static const struct sfe_config_stream STREAMS[] = {
    {.name = "sales", .quota_bytes = 8u * SEGMENT_BYTES, .segment_bytes = SEGMENT_BYTES},
    {.name = "dead", .quota_bytes = 8u * SEGMENT_BYTES, .segment_bytes = SEGMENT_BYTES},
};
static const struct sfe_config_input INPUT = {.name = "tills", .topic = "pos/#", .stream = 0};
static const struct sfe_config CONFIG = {.agent = {.id = "test", .event_bytes_max = 16384},
                                         .streams = STREAMS,
                                         .stream_count = 2,
                                         .dead_stream = 1,
                                         .inputs = &INPUT,
                                         .input_count = 1};
static const char *const PAYLOADS[] = {"first", "second", "third", "cut short"};

static struct world *world;
static struct sfe_platform platform;
static struct sfe_arena *arena;
static struct sfe_letters *letters;
static struct sfe_error err;

/* Two keys; with them all streams are sealed. */
static struct sfe_config_stream sealed_streams[2];
static struct sfe_config sealed_config;
static struct sfe_compiled_stream sealed_keys[2];
static struct sfe_compiled sealed;
static bool is_sealed;
static const char *why_second = "{\"reason\":\"unmatched\"}";

/* Four letters: of an output, of none (no input took it), of an output, and an excerpt. */
static void write_letters(void)
{
    struct sfe_stream_options options = world->options;

    options.name = "dead";
    world->options = options;
    world_must_start(world);
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t sequence = 0;
        const struct sfe_event event = {
            .flags = i == 3 ? SFE_EVENT_EXCERPT : 0,
            .clock_quality = SFE_CLOCK_SYNCED,
            .identity_kind = SFE_IDENTITY_GIVEN,
            .identity = {{(uint8_t)(i + 1u)}},
            .received_ns = world->wall_ns,
            .source = SFE_TEXT("tills"),
            .topic = SFE_TEXT("pos/7/sale"),
            .payload = sfe_slice_text(PAYLOADS[i]),
            .annotation = i == 1 ? sfe_slice_text(why_second)
                                 : SFE_TEXT("{\"output\":\"o\",\"stream\":\"sales\"}"),
        };
        assert_int_equal(sfe_stream_stage(world->stream, &event, &sequence, &err), SFE_OK);
    }
    assert_int_equal(sfe_stream_commit(world->stream, world->now_ns, &err), SFE_OK);
    world_stop(world);
    platform = (struct sfe_platform){
        .clock = world->clock, .entropy = world->entropy, .storage = world->memory->storage};
}

static enum sfe_code open_letters(void)
{
    struct sfe_letters_options options = {.config = is_sealed ? &sealed_config : &CONFIG,
                                          .platform = &platform,
                                          .compiled = is_sealed ? &sealed : NULL};

    assert_int_equal(sfe_arena_open(ARENA_BYTES, &arena, &err), SFE_OK);
    options.arena = arena;
    return sfe_letters_open(&options, &letters, &err);
}

static void close_letters(void)
{
    sfe_letters_close(letters);
    sfe_arena_close(arena);
    letters = NULL;
    arena = NULL;
}

static bool is_listed(uint64_t wanted)
{
    uint64_t sequence = wanted;
    enum sfe_code code = sfe_letters_next(letters, &sequence, &err);

    assert_true(code == SFE_OK || code == SFE_E_END);
    return code == SFE_OK && sequence == wanted;
}

/* How often "sales" holds an event with that payload; each keeps its identity and is no letter. */
static uint32_t count_sales(const char *payload, uint8_t identity)
{
    const struct sfe_stream_walk_options options = {.storage = &platform.storage, .name = "sales"};
    struct sfe_stream_walk *walk = NULL;
    struct sfe_arena *memory = NULL;
    struct sfe_event event;
    uint32_t count = 0;

    assert_int_equal(sfe_arena_open(ARENA_BYTES, &memory, &err), SFE_OK);
    assert_int_equal(sfe_stream_walk_open(&options, memory, &walk, &err), SFE_OK);
    while (sfe_stream_walk_next(walk, &event, &err) == SFE_OK) {
        if (sfe_slice_equal(event.payload, sfe_slice_text(payload))) {
            assert_int_equal(event.identity.bytes[0], identity);
            assert_int_equal(event.annotation.size, 0);
            count++;
        }
    }
    sfe_stream_walk_close(walk);
    sfe_arena_close(memory);
    return count;
}

static int begin(void **state)
{
    (void)state;
    world = world_open(3);
    why_second = "{\"reason\":\"unmatched\"}";
    write_letters();
    return 0;
}

static int begin_not_admitted(void **state)
{
    (void)state;
    world = world_open(3);
    why_second = "{\"reason\":\"not-admitted\",\"message\":\"m\",\"input\":\"tills\"}";
    write_letters();
    return 0;
}

static int end(void **state)
{
    (void)state;
    close_letters();
    world_close(world);
    return 0;
}

static void a_letter_that_is_retried_is_an_event_of_its_stream_again(void **state)
{
    (void)state;
    assert_int_equal(open_letters(), SFE_OK);
    assert_int_equal(sfe_letters_retry(letters, 1, &err), SFE_OK);
    assert_int_equal(sfe_letters_save(letters, &err), SFE_OK);
    close_letters();
    assert_int_equal(count_sales("first", 1), 1);
    assert_int_equal(open_letters(), SFE_OK);
    assert_false(is_listed(1));
    assert_true(is_listed(2));
}

static void a_letter_of_no_stream_goes_where_an_input_puts_it_today(void **state)
{
    (void)state;
    assert_int_equal(open_letters(), SFE_OK);
    assert_int_equal(sfe_letters_retry(letters, 2, &err), SFE_OK);
    assert_int_equal(sfe_letters_save(letters, &err), SFE_OK);
    close_letters();
    assert_int_equal(count_sales("second", 2), 1);
}

static void an_excerpt_cannot_be_retried_and_stays(void **state)
{
    (void)state;
    assert_int_equal(open_letters(), SFE_OK);
    assert_int_equal(sfe_letters_retry(letters, 4, &err), SFE_E_UNSUPPORTED);
    assert_int_equal(sfe_letters_save(letters, &err), SFE_OK);
    assert_true(is_listed(4));
}

static void what_was_not_admitted_gets_into_no_stream_later_either(void **state)
{
    (void)state;
    assert_int_equal(open_letters(), SFE_OK);
    assert_int_equal(sfe_letters_retry(letters, 2, &err), SFE_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "not admitted"));
    assert_int_equal(sfe_letters_save(letters, &err), SFE_OK);
    assert_true(is_listed(2));
}

static void what_is_not_saved_has_not_happened(void **state)
{
    (void)state;
    assert_int_equal(open_letters(), SFE_OK);
    assert_int_equal(sfe_letters_drop(letters, 3, &err), SFE_OK);
    assert_false(is_listed(3));
    close_letters();
    assert_int_equal(open_letters(), SFE_OK);
    assert_true(is_listed(3));
}

static void a_letter_is_settled_once(void **state)
{
    (void)state;
    assert_int_equal(open_letters(), SFE_OK);
    assert_int_equal(sfe_letters_drop(letters, 3, &err), SFE_OK);
    assert_int_equal(sfe_letters_drop(letters, 3, &err), SFE_E_NOT_FOUND);
    assert_int_equal(sfe_letters_retry(letters, 3, &err), SFE_E_NOT_FOUND);
    assert_int_equal(sfe_letters_drop(letters, 9, &err), SFE_E_NOT_FOUND);
}

/* One letter is retried and one dropped, with the power cut in the n-th call. */
static bool survives_cut(uint64_t seed, uint64_t cut)
{
    world = world_open(seed);
    write_letters();
    world->memory->cut_at = world->memory->calls + cut;
    if (open_letters() == SFE_OK && sfe_letters_retry(letters, 1, &err) == SFE_OK &&
        sfe_letters_drop(letters, 2, &err) == SFE_OK) {
        const enum sfe_code code = sfe_letters_save(letters, &err);
        assert_true(code == SFE_OK || world->memory->is_off);
    }
    const bool is_cut = world->memory->is_off;
    close_letters();
    if (!is_cut) {
        memory_cut(world->memory);
    }
    memory_restart(world->memory);
    world->boot++;
    assert_int_equal(open_letters(), SFE_OK);
    const bool is_letter = is_listed(1);
    assert_true(is_listed(3));
    assert_true(is_listed(4));
    close_letters();
    assert_true(is_letter || count_sales("first", 1) >= 1);
    assert_true(is_cut || !is_letter);
    world_close(world);
    world = NULL;
    return is_cut;
}

static void a_cut_in_any_call_loses_no_letter(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        uint64_t cut = 1;
        while (survives_cut(seed, cut)) {
            cut++;
        }
        assert_true(cut > 8); /* There were calls to cut in. */
    }
}

/* What is opened next has `present` as its key and, where there are two, key 1 as an old one. */
static void seal(uint8_t present, uint32_t key_count)
{
    memcpy(sealed_streams, STREAMS, sizeof(sealed_streams));
    sealed_config = CONFIG;
    sealed_config.streams = sealed_streams;
    sealed = (struct sfe_compiled){.config = &sealed_config, .streams = sealed_keys};
    sfe_mbedtls_aead(&platform.crypto);
    for (uint32_t i = 0; i < 2; i++) {
        sealed_streams[i].encrypt = true;
        sealed_keys[i].key_count = key_count;
        memset(sealed_keys[i].keys[0], present, SFE_AEAD_KEY_BYTES);
        memset(sealed_keys[i].keys[1], 1, SFE_AEAD_KEY_BYTES);
    }
    is_sealed = true;
}

static bool is_anywhere(const char *text)
{
    const size_t size = strlen(text);

    for (int i = 0; i < world->memory->inode_count; i++) {
        const struct memory_inode *inode = &world->memory->inodes[i];
        for (size_t at = 0; at + size <= inode->seen_size; at++) {
            if (memcmp(inode->seen + at, text, size) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Letters sealed with key 1, and nothing of them in the clear. */
static int begin_sealed(void **state)
{
    static struct sfe_aead_key *key;
    static struct sfe_crypto crypto;
    uint8_t bytes[SFE_AEAD_KEY_BYTES];

    (void)state;
    sfe_mbedtls_aead(&crypto);
    memset(bytes, 1, sizeof(bytes));
    if (crypto.aead_open(NULL, sfe_slice_make(bytes, sizeof(bytes)), &key, &err) != SFE_OK) {
        return -1;
    }
    world = world_open(3);
    world->options.crypto = &crypto;
    world->options.keys = &key;
    world->options.key_count = 1;
    world->options.is_encrypted = true;
    write_letters();
    crypto.aead_close(NULL, key);
    seal(1, 1);
    return 0;
}

static int end_sealed(void **state)
{
    is_sealed = false;
    return end(state);
}

static void a_letter_that_was_sealed_is_sealed_when_it_is_put_back(void **state)
{
    (void)state;
    assert_int_equal(open_letters(), SFE_OK);
    assert_int_equal(sfe_letters_retry(letters, 1, &err), SFE_OK);
    assert_int_equal(sfe_letters_save(letters, &err), SFE_OK);
    close_letters();
    assert_false(is_anywhere("first"));
    assert_false(is_anywhere("pos/7/sale"));
    assert_int_equal(count_sales("first", 1), 0); /* Without the key nothing is seen. */
    assert_int_equal(open_letters(), SFE_OK);
    assert_false(is_listed(1));
    assert_true(is_listed(2));
}

static void a_letter_of_an_old_key_is_sealed_with_the_present_one(void **state)
{
    (void)state;
    seal(2, 2);
    assert_int_equal(open_letters(), SFE_OK);
    assert_int_equal(sfe_letters_retry(letters, 1, &err), SFE_OK);
    assert_int_equal(sfe_letters_save(letters, &err), SFE_OK);
    close_letters();
    assert_false(is_anywhere("first"));
    /* The stream that took it opens with the present key alone; the letters do not. */
    seal(2, 1);
    sealed_streams[1].encrypt = false;
    assert_int_equal(open_letters(), SFE_E_CRYPTO);
    assert_non_null(strstr(err.message, "\"dead\""));
    assert_non_null(strstr(err.message, "encrypt_old_key_files"));
}

static void without_the_key_nothing_is_changed(void **state)
{
    (void)state;
    const uint64_t calls = world->memory->calls;
    seal(9, 1);
    assert_int_equal(open_letters(), SFE_E_CRYPTO);
    assert_non_null(strstr(err.message, "none of the 1 given"));
    close_letters();
    seal(9, 0);
    for (uint32_t i = 0; i < 2; i++) {
        sealed_streams[i].encrypt = false;
    }
    assert_int_equal(open_letters(), SFE_E_CRYPTO);
    assert_non_null(strstr(err.message, "there is no key"));
    assert_int_equal(world->memory->calls, calls);
}

#define SEALED(name) cmocka_unit_test_setup_teardown(name, begin_sealed, end_sealed)
#define TEST(name)   cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_letter_that_is_retried_is_an_event_of_its_stream_again),
        TEST(a_letter_of_no_stream_goes_where_an_input_puts_it_today),
        TEST(an_excerpt_cannot_be_retried_and_stays),
        SEALED(a_letter_that_was_sealed_is_sealed_when_it_is_put_back),
        SEALED(a_letter_of_an_old_key_is_sealed_with_the_present_one),
        SEALED(without_the_key_nothing_is_changed),
        TEST(what_is_not_saved_has_not_happened),
        cmocka_unit_test_setup_teardown(what_was_not_admitted_gets_into_no_stream_later_either,
                                        begin_not_admitted, end),
        TEST(a_letter_is_settled_once),
        cmocka_unit_test(a_cut_in_any_call_loses_no_letter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
