#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "port/thread.h"
#include "real_platform.h"
#include "control/control.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t memory[SFE_CONTROL_BYTES_MAX];
static char folder[] = "/tmp/sfedge-control-XXXXXX";
static char path[64];

struct served {
    struct sfe_poller poller;
    struct sfe_control *control;
    size_t size;
    unsigned line; /* The serving thread's, like all to the next blank line. */
    unsigned lines;
    unsigned gone;
    bool is_followed;

    atomic_bool is_over;
};

static enum sfe_control_next answer(void *owner, struct sfe_slice question, struct sfe_builder *out)
{
    struct served *served = owner;

    if (sfe_slice_equal(question, SFE_TEXT("follow"))) {
        served->is_followed = sfe_control_claim(served->control);
        sfe_builder_add_text(out, served->is_followed ? "well\n" : "no\n");
        return served->is_followed ? SFE_CONTROL_FOLLOWS : SFE_CONTROL_ENDS;
    }
    if (sfe_slice_equal(question, SFE_TEXT("wait"))) {
        return SFE_CONTROL_WAITS;
    }
    for (size_t i = 0; i < served->size; i++) {
        sfe_builder_add_byte(out, (uint8_t)('a' + i % 26u));
    }
    return SFE_CONTROL_ENDS;
}

static void go_on(void *owner, struct sfe_builder *out)
{
    struct served *served = owner;

    while (out->size < out->capacity / 2u && served->line < served->lines) {
        sfe_builder_format(out, "line %u\n", ++served->line);
    }
}

static void gone(void *owner)
{
    struct served *served = owner;

    served->is_followed = false;
    served->gone++;
}

static void serve(void *argument)
{
    struct served *served = argument;
    struct sfe_error err;

    while (!atomic_load(&served->is_over)) {
        uint64_t due_ns = sfe_control_turn(served->control, 0);
        assert_int_equal(
            served->poller.wait(served->poller.context, due_ns == 0 ? 0 : UINT64_MAX, &err),
            SFE_OK);
    }
}

static void asking_gets_the_whole_document_each_time(void **state)
{
    struct served served = {.size = 100000};
    const struct sfe_control_service service = {&served, answer, go_on, gone};
    struct sfe_poller client;
    struct sfe_arena *arena;
    struct sfe_thread *thread;
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_arena_open(1 << 20, &arena, &err), SFE_OK);
    assert_int_equal(sfe_posix_poller_open(&served.poller, &err), SFE_OK);
    assert_int_equal(sfe_posix_poller_open(&client, &err), SFE_OK);
    assert_int_equal(sfe_control_open(&served.poller, path, &service, arena, &served.control, &err),
                     SFE_OK);
    assert_int_equal(sfe_thread_start("serve", 65536, serve, &served, &thread, &err), SFE_OK);
    for (int i = 0; i < 3; i++) {
        struct sfe_builder document = sfe_builder_make(memory, sizeof(memory));
        assert_int_equal(
            sfe_control_ask(&client, path, SFE_TEXT("?\n"), UINT64_MAX, &document, &err), SFE_OK);
        assert_int_equal(document.size, 100000);
        assert_int_equal(memory[27], 'b');
    }
    atomic_store(&served.is_over, true);
    served.poller.wake(served.poller.context);
    sfe_thread_join(thread);
    sfe_control_close(served.control);
    sfe_posix_poller_close(&served.poller);
    sfe_posix_poller_close(&client);
    sfe_arena_close(arena);
}

static void asking_where_nobody_listens_is_not_found(void **state)
{
    struct sfe_poller client;
    struct sfe_builder document = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;

    (void)state;
    assert_int_equal(sfe_posix_poller_open(&client, &err), SFE_OK);
    assert_int_equal(sfe_control_ask(&client, "/tmp/sfedge-no-such.sock", SFE_TEXT("?\n"),
                                     UINT64_MAX, &document, &err),
                     SFE_E_NOT_FOUND);
    sfe_posix_poller_close(&client);
}

#define SECOND_NS UINT64_C(1000000000)

/* Both sides in one thread: what happens between two turns is in the test's hand. */
struct site {
    struct served served;
    struct sfe_poller client;
    struct sfe_arena *arena;
    struct sfe_error err;
};

static void open_site(struct site *site)
{
    const struct sfe_control_service service = {&site->served, answer, go_on, gone};

    assert_int_equal(sfe_arena_open(1 << 20, &site->arena, &site->err), SFE_OK);
    assert_int_equal(sfe_posix_poller_open(&site->served.poller, &site->err), SFE_OK);
    assert_int_equal(sfe_posix_poller_open(&site->client, &site->err), SFE_OK);
    assert_int_equal(sfe_control_open(&site->served.poller, path, &service, site->arena,
                                      &site->served.control, &site->err),
                     SFE_OK);
}

static void close_site(struct site *site)
{
    sfe_control_close(site->served.control);
    sfe_posix_poller_close(&site->served.poller);
    sfe_posix_poller_close(&site->client);
    sfe_arena_close(site->arena);
}

static void turn(struct site *site, uint64_t now_ns)
{
    for (int i = 0; i < 4; i++) {
        (void)sfe_control_turn(site->served.control, now_ns);
        assert_int_equal(site->served.poller.wait(site->served.poller.context, 0, &site->err),
                         SFE_OK);
    }
    (void)sfe_control_turn(site->served.control, now_ns);
}

static struct sfe_socket *ask(struct site *site, const char *question)
{
    struct sfe_socket *socket = NULL;
    size_t count = 0;

    assert_int_equal(site->client.connect_local(site->client.context, path, &socket, &site->err),
                     SFE_OK);
    if (question[0] != '\0') {
        assert_int_equal(site->client.write(site->client.context, socket, sfe_slice_text(question),
                                            &count, &site->err),
                         SFE_IO_DATA);
        assert_int_equal(count, strlen(question));
    }
    return socket;
}

static enum sfe_io hear(struct site *site, struct sfe_socket *socket, char text[64])
{
    size_t count = 0;
    enum sfe_io io = site->client.read(site->client.context, socket, text, 63, &count, &site->err);

    text[io == SFE_IO_DATA ? count : 0] = '\0';
    return io;
}

static void a_follower_is_sent_what_comes_and_others_are_answered_meanwhile(void **state)
{
    struct site site = {.served = {.size = 5}};
    char text[64];

    (void)state;
    open_site(&site);
    struct sfe_socket *follower = ask(&site, "follow\n");
    turn(&site, SECOND_NS);
    assert_int_equal(hear(&site, follower, text), SFE_IO_DATA);
    assert_string_equal(text, "well\n");
    site.served.lines = 2;
    turn(&site, 2 * SECOND_NS);
    assert_int_equal(hear(&site, follower, text), SFE_IO_DATA);
    assert_string_equal(text, "line 1\nline 2\n");
    struct sfe_socket *other = ask(&site, "?\n");
    struct sfe_socket *second = ask(&site, "follow\n");
    turn(&site, 3 * SECOND_NS);
    assert_int_equal(hear(&site, other, text), SFE_IO_DATA);
    assert_string_equal(text, "abcde");
    assert_int_equal(hear(&site, second, text), SFE_IO_DATA);
    assert_string_equal(text, "no\n");
    /* Nothing to be told for a day: who follows stays. */
    turn(&site, 86400 * SECOND_NS);
    assert_int_equal(site.served.gone, 0);
    site.client.close(site.client.context, follower);
    turn(&site, 86401 * SECOND_NS);
    assert_int_equal(site.served.gone, 1);
    site.client.close(site.client.context, other);
    site.client.close(site.client.context, second);
    close_site(&site);
}

static void who_asks_nothing_holds_nobody_up_and_goes(void **state)
{
    struct site site = {.served = {.size = 3}};
    struct sfe_socket *silent[SFE_CONTROL_CLIENTS];
    char text[64];

    (void)state;
    open_site(&site);
    for (uint32_t i = 0; i < SFE_CONTROL_CLIENTS; i++) {
        silent[i] = ask(&site, "");
    }
    turn(&site, SECOND_NS);
    struct sfe_socket *waiting = ask(&site, "?\n");
    turn(&site, 10 * SECOND_NS);
    assert_int_equal(hear(&site, waiting, text), SFE_IO_WOULD_BLOCK);
    turn(&site, 12 * SECOND_NS);
    turn(&site, 12 * SECOND_NS);
    assert_int_equal(hear(&site, silent[0], text), SFE_IO_CLOSED);
    assert_int_equal(hear(&site, waiting, text), SFE_IO_DATA);
    assert_string_equal(text, "abc");
    for (uint32_t i = 0; i < SFE_CONTROL_CLIENTS; i++) {
        site.client.close(site.client.context, silent[i]);
    }
    site.client.close(site.client.context, waiting);
    close_site(&site);
}

static void a_follower_that_is_stuck_loses_its_place_to_another(void **state)
{
    struct site site = {.served = {.lines = 1000000}};
    char text[64];

    (void)state;
    open_site(&site);
    struct sfe_socket *stuck = ask(&site, "follow\n");
    turn(&site, SECOND_NS);
    assert_true(site.served.line > 0 && site.served.line < 1000000); /* Its socket is full. */
    struct sfe_socket *other = ask(&site, "follow\n");
    turn(&site, 2 * SECOND_NS);
    assert_int_equal(hear(&site, other, text), SFE_IO_DATA);
    assert_string_equal(text, "no\n");
    site.client.close(site.client.context, other);
    other = ask(&site, "follow\n");
    (void)sfe_control_turn(site.served.control, 60 * SECOND_NS);
    turn(&site, 60 * SECOND_NS);
    assert_int_equal(site.served.gone, 1);
    assert_int_equal(hear(&site, other, text), SFE_IO_DATA);
    assert_memory_equal(text, "well\n", 5);
    /* Alone it may stand still for long, but not for ever. */
    turn(&site, 500 * SECOND_NS);
    assert_int_equal(site.served.gone, 1);
    turn(&site, 1300 * SECOND_NS);
    assert_int_equal(site.served.gone, 2);
    site.client.close(site.client.context, stuck);
    site.client.close(site.client.context, other);
    close_site(&site);
}

static void who_waits_is_answered_when_it_is_time_and_others_meanwhile(void **state)
{
    struct site site = {.served = {.size = 3}};
    char text[64];

    (void)state;
    open_site(&site);
    struct sfe_socket *waits = ask(&site, "wait\n");
    turn(&site, SECOND_NS);
    assert_true(sfe_control_has_waiting(site.served.control));
    struct sfe_socket *other = ask(&site, "status\n");
    turn(&site, 2 * SECOND_NS);
    assert_int_equal(hear(&site, other, text), SFE_IO_DATA);
    assert_string_equal(text, "abc");
    turn(&site, 900 * SECOND_NS); /* It is not stuck: we owe the answer. */
    assert_int_equal(hear(&site, waits, text), SFE_IO_WOULD_BLOCK);
    sfe_control_answer(site.served.control, SFE_TEXT("done"));
    assert_int_equal(hear(&site, waits, text), SFE_IO_DATA);
    assert_string_equal(text, "done");
    assert_int_equal(hear(&site, waits, text), SFE_IO_CLOSED);
    assert_false(sfe_control_has_waiting(site.served.control));
    site.client.close(site.client.context, waits);
    site.client.close(site.client.context, other);
    close_site(&site);
}

static void who_waited_and_left_is_forgotten(void **state)
{
    struct site site = {.served = {.size = 3}};

    (void)state;
    open_site(&site);
    struct sfe_socket *waits = ask(&site, "wait\n");
    turn(&site, SECOND_NS);
    site.client.close(site.client.context, waits);
    turn(&site, 2 * SECOND_NS);
    assert_false(sfe_control_has_waiting(site.served.control));
    sfe_control_answer(site.served.control, SFE_TEXT("done"));
    close_site(&site);
}

struct heard {
    unsigned lines;
    unsigned enough;
};

static bool count_line(void *visitor, struct sfe_slice line)
{
    struct heard *heard = visitor;

    assert_true(line.size > 2);
    heard->lines++;
    return heard->lines < heard->enough;
}

static void following_hands_out_whole_lines_until_it_is_enough(void **state)
{
    struct site site = {.served = {.lines = 100000}};
    struct heard heard = {0, 90000};
    struct sfe_thread *thread;

    (void)state;
    open_site(&site);
    assert_int_equal(sfe_thread_start("serve", 65536, serve, &site.served, &thread, &site.err),
                     SFE_OK);
    struct sfe_builder line = sfe_builder_make(memory, 4096);
    assert_int_equal(sfe_control_follow(&site.client, path, SFE_TEXT("follow\n"), &line, count_line,
                                        &heard, &site.err),
                     SFE_OK);
    assert_int_equal(heard.lines, 90000);
    atomic_store(&site.served.is_over, true);
    site.served.poller.wake(site.served.poller.context);
    sfe_thread_join(thread);
    close_site(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_gets_the_whole_document_each_time),
        cmocka_unit_test(a_follower_is_sent_what_comes_and_others_are_answered_meanwhile),
        cmocka_unit_test(who_asks_nothing_holds_nobody_up_and_goes),
        cmocka_unit_test(a_follower_that_is_stuck_loses_its_place_to_another),
        cmocka_unit_test(who_waits_is_answered_when_it_is_time_and_others_meanwhile),
        cmocka_unit_test(who_waited_and_left_is_forgotten),
        cmocka_unit_test(following_hands_out_whole_lines_until_it_is_enough),
        cmocka_unit_test(asking_where_nobody_listens_is_not_found),
    };
    int failed;

    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/status.sock", folder);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(folder);
    return failed;
}
