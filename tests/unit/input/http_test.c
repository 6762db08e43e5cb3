#include "input_world.h"

#include "flow/map.h"
#include "input/http.h"
#include "input/thin.h"
#include "port/compress.h"

#define SECOND UINT64_C(1000000000)
#define HEAD   "POST /pos/sales HTTP/1.1\r\nAuthorization: Bearer geheim\r\n"
#define POST(size, body)                                                                           \
    HEAD "Content-Type: application/json\r\nContent-Length: " size "\r\n\r\n" body
#define OK_1 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"

static struct sfe_source source;
static struct sfe_http_source_options options;

static struct input_world *open_thinned(void **state, struct sfe_thin *thin)
{
    struct input_world *world = *state;
    const struct sfe_intake_route route = {
        .input = "webhook", .filter = "pos/sales", .stream = &world->sales, .thin = thin};
    const struct sfe_intake_options intake_options = {
        .routes = &route,
        .route_count = 1,
        .dead = &world->dead,
        .event_bytes_max = 1024,
        .clock = &world->clock,
        .agent_id = "store-042",
    };
    struct sfe_error err;

    options = (struct sfe_http_source_options){
        .input = "webhook",
        .host = "127.0.0.1",
        .port = 8088,
        .path = "/pos/sales",
        .token = SFE_TEXT("geheim"),
        .request_bytes_max = 2048,
        .request_timeout_ns = 30 * SECOND,
        .connections = 2,
        .event_bytes_max = 1024,
        .poller = &world->poller,
        .clock = &world->clock,
    };
    assert_int_equal(sfe_intake_open(&intake_options, world->arena, &options.intake, &err), SFE_OK);
    const size_t before = sfe_arena_taken(world->arena);
    assert_int_equal(sfe_http_source_open(&options, world->arena, &source, &err), SFE_OK);
    assert_int_equal(sfe_arena_taken(world->arena) - before,
                     sfe_http_source_memory_bytes(&options));
    return world;
}

static struct input_world *open_source(void **state)
{
    return open_thinned(state, NULL);
}

static uint64_t turn(struct input_world *world)
{
    uint64_t due_ns = source.turn(source.context, world->now_ns);

    pump(world);
    return due_ns;
}

static struct input_world *connect_client(void **state)
{
    struct input_world *world = open_source(state);

    (void)turn(world);
    world->client_waits = true;
    pump(world);
    return world;
}

static void expect_status(struct sfe_socket *socket, const char *status)
{
    assert_true(socket->written_size > 12);
    assert_memory_equal(socket->written, "HTTP/1.1 ", 9);
    if (memcmp(socket->written + 9, status, 3) != 0) {
        print_error("%.*s\n", (int)socket->written_size, (const char *)socket->written);
    }
    assert_memory_equal(socket->written + 9, status, 3);
    socket->written_size = 0;
}

static struct sfe_source_facts facts_now(void)
{
    struct sfe_source_facts facts;

    source.facts(source.context, &facts);
    return facts;
}

static void nothing_is_taken_of_a_body_that_is_no_json(void **state)
{
    struct input_world *world = connect_client(state);

    SEND(&world->client, POST("17", "[{\"a\":1},{\"b\":2"));
    pump(world);
    EXPECT_NOTHING(&world->client);
    SEND(&world->client, ",}");
    pump(world);
    assert_non_null(memmem(world->client.written, world->client.written_size, "element 1", 9));
    expect_status(&world->client, "400");
    assert_int_equal(world->sales.staged + world->dead.staged, 0);
    assert_true(world->client.is_open); /* The next request may follow. */
    source.close(source.context);
}

static void nothing_is_answered_before_the_last_event_is_durable(void **state)
{
    struct input_world *world = connect_client(state);

    SEND(&world->client, POST("17", "[{\"a\":1},{\"b\":2}]"));
    pump(world);
    assert_int_equal(world->sales.staged, 2);
    assert_string_equal(world->sales.kept[0].topic, "pos/sales");
    assert_string_equal(world->sales.kept[0].source, "webhook");
    assert_string_equal(world->sales.kept[1].payload, "{\"b\":2}");
    assert_int_equal(world->sales.kept[0].event.identity_kind, SFE_IDENTITY_CONTENT);
    (void)turn(world);
    EXPECT_NOTHING(&world->client);
    world->sales.durable = 1;
    (void)turn(world);
    EXPECT_NOTHING(&world->client);
    assert_int_equal(facts_now().unacknowledged, 2);
    assert_false(source.is_quiet(source.context));
    world->sales.durable = 2;
    (void)turn(world);
    EXPECT_WRITTEN(&world->client, OK_1 "{\"accepted\":2}");
    assert_int_equal(facts_now().acknowledged, 2);
    assert_int_equal(facts_now().unacknowledged, 0);
    assert_true(source.is_quiet(source.context));
    source.close(source.context);
}

static void what_is_thinned_does_not_stand_for_what_is_kept(void **state)
{
    struct input_world *world = *state;
    struct sfe_template *key = NULL;
    struct sfe_thin *thin = NULL;
    struct sfe_error err;

    assert_int_equal(sfe_template_compile("{topic}", "x", world->arena, &key, &err), SFE_OK);
    const struct sfe_thin_options thinning = {&world->sales, key, 75, 10, NULL};
    assert_int_equal(sfe_thin_open(&thinning, world->arena, &thin, &err), SFE_OK);
    world->sales.fill_permille = 900;
    (void)open_thinned(state, thin);
    (void)turn(world);
    world->client_waits = true;
    pump(world);
    SEND(&world->client, POST("17", "[{\"a\":1},{\"b\":2}]"));
    pump(world);
    assert_int_equal(world->sales.staged, 1); /* The second is thinned. */
    (void)turn(world);
    EXPECT_NOTHING(&world->client);
    world->sales.durable = 1;
    (void)turn(world);
    EXPECT_WRITTEN(&world->client, OK_1 "{\"accepted\":2}");
    source.close(source.context);
}

static void requests_that_come_together_are_answered_one_by_one(void **state)
{
    struct input_world *world = connect_client(state);

    world->sales.durable = 100;
    SEND(&world->client, POST("7", "{\"a\":1}") "\r\n" POST("7", "{\"a\":2}"));
    pump(world);
    EXPECT_WRITTEN(&world->client, OK_1 "{\"accepted\":1}" OK_1 "{\"accepted\":1}");
    assert_int_equal(world->sales.staged, 2);
    source.close(source.context);
}

static void a_key_is_the_identity_of_each_event_by_its_place(void **state)
{
    struct input_world *world = connect_client(state);
    const struct kept_event *kept = world->sales.kept;

    world->sales.durable = 100;
    for (int i = 0; i < 2; i++) {
        SEND(&world->client, HEAD "Idempotency-Key: k1\r\nContent-Length: 17\r\n\r\n"
                                  "[{\"a\":1},{\"a\":1}]");
        pump(world);
    }
    SEND(&world->client, HEAD "Idempotency-Key: k2\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
    pump(world);
    assert_int_equal(world->sales.staged, 5);
    assert_int_equal(kept[0].event.identity_kind, SFE_IDENTITY_GIVEN);
    assert_memory_equal(&kept[0].event.identity, &kept[2].event.identity, 16);
    assert_memory_equal(&kept[1].event.identity, &kept[3].event.identity, 16);
    assert_memory_not_equal(&kept[0].event.identity, &kept[1].event.identity, 16);
    assert_memory_not_equal(&kept[0].event.identity, &kept[4].event.identity, 16);
    source.close(source.context);
}

static void a_value_of_the_event_is_its_identity_wherever_it_stands(void **state)
{
    struct input_world *world = *state;
    const struct kept_event *kept = world->sales.kept;
    struct sfe_error err;

    (void)open_source(state);
    source.close(source.context);
    options.identity = "/id";
    assert_int_equal(sfe_http_source_open(&options, world->arena, &source, &err), SFE_OK);
    (void)turn(world);
    world->client_waits = true;
    world->sales.durable = 100;
    pump(world);
    SEND(&world->client, POST("39", "[{\"id\":\"t-1\",\"a\":1},{\"id\":\"t-2\"}      ]"));
    SEND(&world->client, POST("17", "[{\"id\":\"t-2\"}   ]"));
    SEND(&world->client, POST("8", "[{\"a\":1}"));
    pump(world);
    assert_int_equal(world->sales.staged, 3);
    assert_memory_equal(&kept[1].event.identity, &kept[2].event.identity, 16);
    assert_memory_not_equal(&kept[0].event.identity, &kept[1].event.identity, 16);
    source.close(source.context);
}

static void a_full_stream_is_503_and_nothing_is_taken(void **state)
{
    struct input_world *world = connect_client(state);

    world->sales.room = 0;
    SEND(&world->client, POST("7", "{\"a\":1}"));
    pump(world);
    EXPECT_NOTHING(&world->client);
    assert_true(facts_now().is_blocked);
    assert_true(turn(world) <= world->now_ns + SECOND / 10);
    world->now_ns += 2 * SECOND;
    (void)turn(world);
    assert_non_null(memmem(world->client.written, world->client.written_size, "Retry-After: ", 13));
    expect_status(&world->client, "503");
    assert_int_equal(world->sales.staged, 0);
    assert_false(facts_now().is_blocked);
    world->sales.room = 1;
    world->sales.durable = 1;
    SEND(&world->client, POST("7", "{\"a\":1}"));
    pump(world);
    expect_status(&world->client, "200");
    source.close(source.context);
}

static void room_that_comes_soon_is_waited_for(void **state)
{
    struct input_world *world = connect_client(state);

    world->sales.room = 1;
    world->sales.durable = 2;
    SEND(&world->client, POST("17", "[{\"a\":1},{\"b\":2}]"));
    pump(world);
    EXPECT_NOTHING(&world->client);
    world->now_ns += SECOND / 2;
    world->sales.room = 1;
    (void)turn(world);
    expect_status(&world->client, "200");
    assert_int_equal(world->sales.staged, 2);
    source.close(source.context);
}

static void flash_that_does_not_come_back_is_503(void **state)
{
    struct input_world *world = connect_client(state);

    SEND(&world->client, POST("7", "{\"a\":1}"));
    pump(world);
    world->now_ns += 31 * SECOND;
    (void)turn(world);
    expect_status(&world->client, "503");
    source.close(source.context);
}

static void what_is_wrong_with_a_head_ends_the_connection(void **state)
{
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        {"POST /pos/sales HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "401"},
        {"POST /pos/sales HTTP/1.1\r\nAuthorization: Bearer geheim1\r\n\r\n", "401"},
        {"POST /pos/sales HTTP/1.1\r\nAuthorization: Bearer \r\n\r\n", "401"},
        {"GET /pos/sales HTTP/1.1\r\nAuthorization: bearer geheim\r\n\r\n", "405"},
        {"POST /pos/sale HTTP/1.1\r\nAuthorization: Bearer geheim\r\n\r\n", "404"},
        {HEAD "\r\n", "411"},
        {HEAD "Content-Length: 2049\r\n\r\n", "413"},
        {"nonsense\r\n\r\n", "400"},
    };
    struct input_world *world = connect_client(state);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        send_bytes(&world->client, sfe_slice_text(cases[i].request));
        pump(world);
        expect_status(&world->client, cases[i].status);
        world->client.is_ended = true;
        pump(world);
        assert_false(world->client.is_open);
        world->client_waits = true;
        pump(world);
    }
    assert_int_equal(world->sales.staged + world->dead.staged, 0);
    source.close(source.context);
}

static void who_sends_too_slowly_is_told_so(void **state)
{
    struct input_world *world = connect_client(state);

    for (int i = 0; i < 9; i++) {
        SEND(&world->client, "P");
        pump(world);
        world->now_ns += SECOND;
        (void)turn(world);
        EXPECT_NOTHING(&world->client);
    }
    world->now_ns += 2 * SECOND;
    (void)turn(world);
    expect_status(&world->client, "408");
    world->now_ns += 3 * SECOND;
    (void)turn(world);
    assert_false(world->client.is_open);

    world->client_waits = true;
    pump(world);
    SEND(&world->client, POST("7", "{\"a\":"));
    pump(world);
    world->now_ns += 31 * SECOND;
    (void)turn(world);
    expect_status(&world->client, "408");
    assert_int_equal(world->sales.staged, 0);
    source.close(source.context);
}

static void who_says_nothing_makes_room_for_others(void **state)
{
    struct input_world *world = open_source(state);
    struct sfe_error err;

    options.connections = 1;
    source.close(source.context);
    assert_int_equal(sfe_http_source_open(&options, world->arena, &source, &err), SFE_OK);
    (void)turn(world);
    world->client_waits = true;
    pump(world);
    assert_true(world->client.is_open);
    world->client_waits = true;
    source.turn(source.context, world->now_ns);
    assert_int_equal(world->listener.watched, 0); /* One that has just come may be about to send. */
    world->now_ns += 2 * SECOND;
    (void)turn(world);
    assert_false(world->client.is_open);
    assert_true(world->second_client.is_open);
    source.close(source.context);
}

static void a_stop_answers_what_was_taken_and_takes_no_more(void **state)
{
    struct input_world *world = connect_client(state);

    SEND(&world->client, POST("7", "{\"a\":1}"));
    world->client_waits = true;
    pump(world);
    SEND(&world->second_client, POST("7", "{\"a\":"));
    pump(world);
    source.stop(source.context);
    assert_false(world->listener.is_open);
    assert_false(world->second_client.is_open);
    assert_false(source.is_quiet(source.context));
    world->sales.durable = 1;
    (void)turn(world);
    expect_status(&world->client, "200");
    assert_true(source.is_quiet(source.context));
    source.close(source.context);
    assert_false(world->client.is_open);
}

static void an_address_in_use_is_tried_again(void **state)
{
    struct input_world *world = open_source(state);

    world->refuses = true;
    assert_true(source.turn(source.context, world->now_ns) <= world->now_ns + SECOND);
    assert_false(facts_now().is_connected);
    assert_non_null(strstr(facts_now().last_error.message, "127.0.0.1 port 8088"));
    world->refuses = false;
    world->now_ns += SECOND;
    (void)turn(world);
    assert_true(facts_now().is_connected);
    source.close(source.context);
}

static void an_answer_that_does_not_go_at_once_is_written_on(void **state)
{
    struct input_world *world = connect_client(state);

    world->client.write_room = 10;
    world->sales.durable = 1;
    SEND(&world->client, POST("7", "{\"a\":1}"));
    pump(world);
    assert_int_equal(world->client.written_size, 10);
    world->client.write_room = SIZE_MAX;
    pump(world);
    EXPECT_WRITTEN(&world->client, OK_1 "{\"accepted\":1}");
    source.close(source.context);
}

static void a_sender_that_waits_for_leave_gets_it(void **state)
{
    struct input_world *world = connect_client(state);

    SEND(&world->client, HEAD "Expect: 100-continue\r\nContent-Length: 7\r\n\r\n");
    pump(world);
    EXPECT_WRITTEN(&world->client, "HTTP/1.1 100 Continue\r\n\r\n");
    SEND(&world->client, "{\"a\":1}");
    world->sales.durable = 1;
    pump(world);
    expect_status(&world->client, "200");
    source.close(source.context);
}

/* The head, and `size` bytes of text packed; with `next` behind it. */
static void send_packed(struct input_world *world, const void *text, size_t size, const char *next)
{
    static uint8_t memory[16384];
    uint8_t packed_memory[8192];
    struct sfe_builder packed = sfe_builder_make(packed_memory, sizeof(packed_memory));
    struct sfe_builder request = sfe_builder_make(memory, sizeof(memory));
    struct sfe_gzip *gzip = sfe_gzip_open();
    struct sfe_error err;

    assert_non_null(gzip);
    assert_int_equal(sfe_gzip_add(gzip, sfe_slice_make(text, size), &packed, &err), SFE_OK);
    sfe_gzip_close(gzip);
    sfe_builder_format(&request, HEAD "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                       packed.size);
    sfe_builder_add(&request, sfe_builder_slice(&packed));
    sfe_builder_add_text(&request, next);
    assert_false(request.overflowed);
    send_bytes(&world->client, sfe_builder_slice(&request));
}

static void a_packed_body_is_unpacked_and_what_follows_it_stays(void **state)
{
    struct input_world *world = connect_client(state);
    char text[1000];

    memset(text, ' ', sizeof(text));
    memcpy(text, "{\"a\":1}", 7);
    world->sales.durable = 9;
    send_packed(world, text, sizeof(text), POST("7", "{\"b\":2}"));
    pump(world);
    (void)turn(world);
    assert_int_equal(world->sales.staged, 2);
    assert_non_null(strstr(world->sales.kept[0].payload, "{\"a\":1}"));
    assert_string_equal(world->sales.kept[1].payload, "{\"b\":2}");
    expect_status(&world->client, "200");
    assert_true(world->client.is_open);
    source.close(source.context);
}

static void what_has_no_room_behind_an_unpacked_body_is_sent_again(void **state)
{
    struct input_world *world = connect_client(state);
    static char text[2000];
    static char next[9000];

    memset(text, ' ', sizeof(text));
    memcpy(text, "{\"a\":1}", 7);
    memset(next, '\n', sizeof(next) - 1);
    world->sales.durable = 9;
    send_packed(world, text, sizeof(text), next);
    pump(world);
    assert_int_equal(world->sales.staged, 1);
    assert_non_null(
        memmem(world->client.written, world->client.written_size, "Connection: close", 17));
    expect_status(&world->client, "200");
    source.close(source.context);
}

static void a_body_that_swells_beyond_the_limit_is_refused(void **state)
{
    struct input_world *world = connect_client(state);
    uint8_t *zeros = calloc(1, 100 * 1024);

    assert_non_null(zeros);
    send_packed(world, zeros, 100 * 1024, "");
    free(zeros);
    pump(world);
    expect_status(&world->client, "413");
    SEND(&world->client, HEAD "Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
    pump(world);
    expect_status(&world->client, "400");
    assert_int_equal(world->sales.staged, 0);
    source.close(source.context);
}

static void a_sender_that_leaves_takes_nothing_with_it(void **state)
{
    struct input_world *world = connect_client(state);

    SEND(&world->client, POST("7", "{\"a\":1}"));
    pump(world);
    world->client.is_broken = true;
    pump(world);
    assert_false(world->client.is_open);
    assert_int_equal(world->sales.staged, 1);
    assert_true(source.is_quiet(source.context));
    source.close(source.context);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(nothing_is_taken_of_a_body_that_is_no_json),
        WORLD_TEST(nothing_is_answered_before_the_last_event_is_durable),
        WORLD_TEST(what_is_thinned_does_not_stand_for_what_is_kept),
        WORLD_TEST(requests_that_come_together_are_answered_one_by_one),
        WORLD_TEST(a_key_is_the_identity_of_each_event_by_its_place),
        WORLD_TEST(a_value_of_the_event_is_its_identity_wherever_it_stands),
        WORLD_TEST(a_full_stream_is_503_and_nothing_is_taken),
        WORLD_TEST(room_that_comes_soon_is_waited_for),
        WORLD_TEST(flash_that_does_not_come_back_is_503),
        WORLD_TEST(what_is_wrong_with_a_head_ends_the_connection),
        WORLD_TEST(who_sends_too_slowly_is_told_so),
        WORLD_TEST(who_says_nothing_makes_room_for_others),
        WORLD_TEST(a_stop_answers_what_was_taken_and_takes_no_more),
        WORLD_TEST(an_address_in_use_is_tried_again),
        WORLD_TEST(an_answer_that_does_not_go_at_once_is_written_on),
        WORLD_TEST(a_sender_that_waits_for_leave_gets_it),
        WORLD_TEST(a_packed_body_is_unpacked_and_what_follows_it_stays),
        WORLD_TEST(what_has_no_room_behind_an_unpacked_body_is_sent_again),
        WORLD_TEST(a_body_that_swells_beyond_the_limit_is_refused),
        WORLD_TEST(a_sender_that_leaves_takes_nothing_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
