#include "unit/input/input_world.h"

#include "flow/where.h"

#define LIMIT 100u

static struct sfe_message message_of(const char *topic, const char *payload)
{
    return (struct sfe_message){
        .topic = sfe_slice_text(topic),
        .payload = sfe_slice_text(payload),
        .payload_bytes = strlen(payload),
    };
}

/* Accepts and returns how many receipts there are. */
static uint32_t accept(struct sfe_intake *intake, struct sfe_message *message,
                       struct sfe_receipt receipts[4])
{
    struct sfe_error err;
    uint32_t count = 99;

    assert_int_equal(sfe_intake_accept(intake, message, receipts, 4, &count, &err), SFE_OK);
    return count;
}

static void accept_stages_into_the_stream_of_the_matching_input(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message message = message_of("pos/7/sale", "{\"id\":1}");
    struct sfe_receipt receipts[4];

    assert_int_equal(accept(intake, &message, receipts), 1);
    assert_ptr_equal(receipts[0].stream, &world->sales);
    assert_int_equal(receipts[0].sequence, 1);
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(world->readings.staged, 0);
    assert_int_equal(world->dead.staged, 0);
    assert_string_equal(world->sales.kept[0].source, "tills");
    assert_string_equal(world->sales.kept[0].topic, "pos/7/sale");
    assert_string_equal(world->sales.kept[0].payload, "{\"id\":1}");
    assert_int_equal(world->sales.kept[0].event.received_ns, world->wall_ns);
    assert_int_equal(world->sales.kept[0].event.clock_quality, SFE_CLOCK_SYNCED);
    assert_int_equal(world->sales.kept[0].event.identity_kind, SFE_IDENTITY_CONTENT);
}

static void accept_stages_into_each_matching_stream_once(void **state)
{
    struct input_world *world = *state;
    const struct sfe_intake_route routes[] = {
        {"one", "a/#", &world->sales, false, false, {NULL, 0, false}, NULL, NULL, false},
        {"two", "a/b", &world->sales, false, false, {NULL, 0, false}, NULL, NULL, false},
        {"three", "+/b", &world->readings, false, false, {NULL, 0, false}, NULL, NULL, false},
    };
    struct sfe_intake_options options = {routes,        3,   &world->dead, LIMIT,
                                         &world->clock, "x", NULL,         NULL};
    struct sfe_intake *intake = NULL;
    struct sfe_error err;
    struct sfe_message message = message_of("a/b", "1");
    struct sfe_receipt receipts[4];

    assert_int_equal(sfe_intake_open(&options, world->arena, &intake, &err), SFE_OK);
    assert_int_equal(accept(intake, &message, receipts), 2);
    assert_ptr_equal(receipts[0].stream, &world->sales);
    assert_ptr_equal(receipts[1].stream, &world->readings);
    assert_int_equal(world->sales.staged, 1);
    assert_string_equal(world->sales.kept[0].source, "one");
}

static void accept_stages_nothing_twice_when_the_second_stream_is_full(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message message = message_of("x/y/both", "1");
    struct sfe_receipt receipts[4];
    struct sfe_intake_facts facts;
    struct sfe_error err;
    uint32_t count;

    world->readings.room = 0;
    assert_int_equal(sfe_intake_accept(intake, &message, receipts, 4, &count, &err), SFE_E_FULL);
    assert_int_equal(sfe_intake_accept(intake, &message, receipts, 4, &count, &err), SFE_E_FULL);
    assert_int_equal(count, 1);
    sfe_intake_facts(intake, &facts);
    assert_int_equal(facts.accepted, 0);

    world->readings.room = 1;
    assert_int_equal(accept(intake, &message, receipts), 2);
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(world->readings.staged, 1);
    assert_int_equal(receipts[0].sequence, 1);
    assert_ptr_equal(receipts[0].stream, &world->sales);
    assert_ptr_equal(receipts[1].stream, &world->readings);
    sfe_intake_facts(intake, &facts);
    assert_int_equal(facts.accepted, 1);
}

static void shared_subscription_is_matched_by_its_filter(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message message = message_of("x/y/both", "1");
    struct sfe_receipt receipts[4];

    assert_int_equal(accept(intake, &message, receipts), 2);
    assert_string_equal(world->readings.kept[0].source, "copy");
}

static void empty_payload_is_counted_and_is_no_event(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message message = message_of("pos/7/sale", "");
    struct sfe_receipt receipts[4];
    struct sfe_intake_facts facts;

    assert_int_equal(accept(intake, &message, receipts), 0);
    sfe_intake_facts(intake, &facts);
    assert_int_equal(facts.empty, 1);
    assert_int_equal(facts.accepted, 0);
    assert_int_equal(world->sales.staged + world->dead.staged, 0);
}

static void retained_message_is_ignored_only_by_the_input_that_says_so(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message sale = message_of("pos/7/sale", "1");
    struct sfe_message reading = message_of("plant/a", "1");
    struct sfe_receipt receipts[4];
    struct sfe_intake_facts facts;

    sale.is_retained = true;
    reading.is_retained = true;
    assert_int_equal(accept(intake, &sale, receipts), 0);
    assert_int_equal(accept(intake, &reading, receipts), 1);
    assert_int_equal(world->sales.staged + world->dead.staged, 0);
    assert_int_equal(world->readings.kept[0].event.flags, SFE_EVENT_RETAINED);
    sfe_intake_facts(intake, &facts);
    assert_int_equal(facts.retained_ignored, 1);
    assert_int_equal(facts.accepted, 1);
}

static void repeated_message_is_taken_and_marked(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message message = message_of("pos/7/sale", "1");
    struct sfe_receipt receipts[4];

    message.is_repeated = true;
    assert_int_equal(accept(intake, &message, receipts), 1);
    assert_int_equal(world->sales.kept[0].event.flags, SFE_EVENT_REPEATED);
}

static void unmatched_message_is_a_dead_letter_with_its_whole_payload(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, 10000);
    char payload[6001];
    struct sfe_message message;
    struct sfe_receipt receipts[4];
    struct sfe_intake_facts facts;

    memset(payload, 'x', 6000);
    payload[6000] = '\0';
    message = message_of("nobody/wants", payload);
    assert_int_equal(accept(intake, &message, receipts), 1);
    assert_ptr_equal(receipts[0].stream, &world->dead);
    assert_int_equal(world->dead.kept[0].payload_bytes, 6000);
    assert_int_equal(world->dead.kept[0].event.flags, 0);
    assert_string_equal(world->dead.kept[0].annotation,
                        "{\"reason\":\"unmatched\",\"message\":\"no input takes this topic\"}");
    sfe_intake_facts(intake, &facts);
    assert_int_equal(facts.unmatched, 1);
    assert_int_equal(facts.too_large, 0);
}

/* An input of pos/+/sale whose events name their till: /till is {topic.1}. */
static struct sfe_intake *intake_that_admits(struct input_world *world)
{
    static const struct sfe_where_node node = {SFE_WHERE_EQ, 1, "/till", "\"{topic.1}\""};
    struct sfe_intake_route route = {
        .input = "tills", .filter = "pos/+/sale", .stream = &world->sales};
    const struct sfe_intake_options options = {
        .routes = &route,
        .route_count = 1,
        .dead = &world->dead,
        .event_bytes_max = LIMIT,
        .clock = &world->clock,
        .agent_id = "store-042",
    };
    struct sfe_intake *intake = NULL;
    uint32_t bad_node = 0;
    struct sfe_error err;

    assert_int_equal(sfe_where_compile(&node, 1, world->arena, &route.admit, &bad_node, &err),
                     SFE_OK);
    assert_int_equal(sfe_where_refer(route.admit, "store-042", world->arena, &bad_node, &err),
                     SFE_OK);
    const size_t before = sfe_arena_cost(sfe_arena_taken(world->arena));
    assert_int_equal(sfe_intake_open(&options, world->arena, &intake, &err), SFE_OK);
    assert_int_equal(sfe_arena_cost(sfe_arena_taken(world->arena)) - before,
                     sfe_intake_memory_bytes(1, LIMIT, false, true));
    return intake;
}

static void what_a_sender_may_not_send_is_a_dead_letter_and_counted(void **state)
{
    static const char *const refused[] = {"{\"till\":\"t2\"}", "{}", "no JSON", "[1,2"};
    struct input_world *world = *state;
    struct sfe_intake *intake = intake_that_admits(world);
    struct sfe_message message = message_of("pos/t1/sale", "{\"till\":\"t1\"}");
    struct sfe_receipt receipts[4];
    struct sfe_intake_facts facts;
    struct sfe_error err;

    assert_int_equal(sfe_intake_check(intake, &message, &err), SFE_OK);
    assert_int_equal(accept(intake, &message, receipts), 1);
    assert_ptr_equal(receipts[0].stream, &world->sales);
    for (uint32_t i = 0; i < 4; i++) {
        message = message_of("pos/t1/sale", refused[i]);
        assert_int_equal(accept(intake, &message, receipts), 1);
        assert_ptr_equal(receipts[0].stream, &world->dead);
        assert_string_equal(world->dead.kept[i].payload, refused[i]);
        assert_string_equal(world->dead.kept[i].source, "tills");
        assert_non_null(strstr(world->dead.kept[i].annotation, "{\"reason\":\"not-admitted\","));
        sfe_intake_facts(intake, &facts);
        assert_int_equal(facts.not_admitted, i + 1);
    }
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(sfe_intake_check(intake, &message, &err), SFE_E_REFUSED);
    assert_int_equal(world->dead.staged, 4);
    sfe_intake_facts(intake, &facts);
    assert_int_equal(facts.not_admitted, 5);
    assert_int_equal(facts.unmatched, 0);
    assert_int_equal(facts.accepted, 5);
}

static void message_over_the_limit_is_a_dead_letter_with_its_first_bytes(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message message = message_of("pos/7/sale", "first bytes");
    struct sfe_receipt receipts[4];
    struct sfe_intake_facts facts;

    message.payload_bytes = 5000;
    assert_int_equal(accept(intake, &message, receipts), 1);
    assert_ptr_equal(receipts[0].stream, &world->dead);
    assert_int_equal(world->sales.staged, 0);
    assert_string_equal(world->dead.kept[0].payload, "first bytes");
    assert_int_equal(world->dead.kept[0].event.flags, SFE_EVENT_EXCERPT);
    assert_string_equal(world->dead.kept[0].source, "tills");
    assert_string_equal(world->dead.kept[0].annotation,
                        "{\"reason\":\"too-large\",\"message\":\"payload of 5000 bytes is over the "
                        "limit of 100\",\"input\":\"tills\"}");
    sfe_intake_facts(intake, &facts);
    assert_int_equal(facts.too_large, 1);
    assert_int_equal(facts.accepted, 1);
}

static void message_at_the_limit_is_no_dead_letter(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, 5);
    struct sfe_message message = message_of("pos/7/sale", "12345");
    struct sfe_receipt receipts[4];

    assert_int_equal(accept(intake, &message, receipts), 1);
    assert_int_equal(world->sales.staged, 1);
}

static void message_that_a_stream_refuses_is_a_dead_letter_with_its_words(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message message = message_of("x/y/both", "12345");
    struct sfe_receipt receipts[4];

    world->sales.event_bytes_max = 4;
    assert_int_equal(accept(intake, &message, receipts), 2);
    assert_ptr_equal(receipts[0].stream, &world->dead);
    assert_ptr_equal(receipts[1].stream, &world->readings);
    assert_string_equal(world->dead.kept[0].annotation,
                        "{\"reason\":\"refused\",\"message\":\"event over the limit of the "
                        "stream\",\"input\":\"all\"}");
}

static void full_dead_letters_hold_the_message(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message message = message_of("nobody", "1");
    struct sfe_receipt receipts[4];
    struct sfe_error err;
    uint32_t count;

    world->dead.room = 0;
    assert_int_equal(sfe_intake_accept(intake, &message, receipts, 4, &count, &err), SFE_E_FULL);
    world->dead.room = 1;
    assert_int_equal(accept(intake, &message, receipts), 1);
}

static void event_id_makes_the_identity_whatever_the_payload(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    const struct sfe_slice parts[] = {SFE_TEXT("event-id"), SFE_TEXT("r-17")};
    struct sfe_hash128 expected = sfe_hash128(parts, 2);
    struct sfe_receipt receipts[4];

    for (int i = 0; i < 2; i++) {
        struct sfe_message message = message_of("plant/x", i == 0 ? "1" : "2");
        message.identity = SFE_TEXT("r-17");
        assert_int_equal(accept(intake, &message, receipts), 1);
        assert_int_equal(world->readings.kept[i].event.identity_kind, SFE_IDENTITY_GIVEN);
        assert_memory_equal(&world->readings.kept[i].event.identity, &expected, 16);
    }
}

static void arrivals_have_identities_of_their_own_though_they_are_alike(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_receipt receipts[4];

    for (int i = 0; i < 2; i++) {
        struct sfe_message message = message_of("plant/x", "1");
        assert_int_equal(accept(intake, &message, receipts), 1);
        assert_int_equal(world->readings.kept[i].event.identity_kind, SFE_IDENTITY_GIVEN);
    }
    assert_memory_not_equal(&world->readings.kept[0].event.identity,
                            &world->readings.kept[1].event.identity, 16);
}

static void unset_clock_gives_monotonic_time(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message message = message_of("pos/7/sale", "1");
    struct sfe_receipt receipts[4];

    world->quality = SFE_CLOCK_UNSET;
    world->now_ns = 4242;
    assert_int_equal(accept(intake, &message, receipts), 1);
    assert_int_equal(world->sales.kept[0].event.received_ns, 4242);
    assert_int_equal(world->sales.kept[0].event.clock_quality, SFE_CLOCK_UNSET);
}

/* An intake with one guarded and one plain input on the same topics. */
static struct sfe_intake *guarded_intake(struct input_world *world)
{
    static const char *const mask[] = {"card_number"};
    const struct sfe_intake_route routes[] = {
        {"tills", "pos/#", &world->sales, false, false, {mask, 1, true}, NULL, NULL, false},
        {"plain", "pos/#", &world->readings, false, false, {NULL, 0, false}, NULL, NULL, false},
    };
    struct sfe_intake_options options = {routes,        2,   &world->dead, LIMIT,
                                         &world->clock, "x", NULL,         NULL};
    struct sfe_intake *intake = NULL;
    struct sfe_error err;

    assert_int_equal(sfe_intake_open(&options, world->arena, &intake, &err), SFE_OK);
    return intake;
}

static void accept_masks_before_it_stages_and_only_where_asked(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = guarded_intake(world);
    struct sfe_message message =
        message_of("pos/4111111111111111", "{\"card_number\":\"1234567890\"}");
    struct sfe_receipt receipts[4];
    struct sfe_intake_facts facts;

    assert_int_equal(accept(intake, &message, receipts), 2);
    assert_string_equal(world->sales.kept[0].payload, "{\"card_number\":\"******7890\"}");
    assert_string_equal(world->sales.kept[0].topic, "pos/************1111");
    assert_string_equal(world->readings.kept[0].payload, "{\"card_number\":\"1234567890\"}");
    sfe_intake_facts(intake, &facts);
    assert_int_equal(facts.guard.named, 1);
    assert_int_equal(facts.guard.numbers, 1);
}

static void accept_counts_what_it_masked_once_however_often_a_stream_was_full(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = guarded_intake(world);
    struct sfe_message message = message_of("pos/1", "{\"cvv\":\"123\"}");
    struct sfe_receipt receipts[4];
    struct sfe_intake_facts facts;
    struct sfe_error err;
    uint32_t count;

    world->sales.room = 0;
    assert_int_equal(sfe_intake_accept(intake, &message, receipts, 4, &count, &err), SFE_E_FULL);
    world->sales.room = 1;
    assert_int_equal(accept(intake, &message, receipts), 2);
    assert_string_equal(world->sales.kept[0].payload, "{\"cvv\":null}");
    sfe_intake_facts(intake, &facts);
    assert_int_equal(facts.guard.authentication, 1);
}

static void accept_keeps_no_half_of_a_card_number_in_an_excerpt(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = guarded_intake(world);
    struct sfe_message message = message_of("pos/1", "{\"a\":\"x 4111 1111 1111");
    struct sfe_receipt receipts[4];

    message.payload_bytes = 5000;
    assert_int_equal(accept(intake, &message, receipts), 1);
    assert_string_equal(world->dead.kept[0].payload, "{\"a\":\"x");
}

static void accept_guards_what_no_input_takes(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = guarded_intake(world);
    struct sfe_message message = message_of("other", "card 4111111111111111");
    struct sfe_receipt receipts[4];

    assert_int_equal(accept(intake, &message, receipts), 1);
    assert_string_equal(world->dead.kept[0].payload, "card ************1111");
}

static void paused_intake_takes_nothing_and_then_the_same_message(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = guarded_intake(world);
    struct sfe_message message = message_of("pos/1", "{\"a\":1}");
    struct sfe_message stray = message_of("other", "x");
    struct sfe_receipt receipts[4];
    struct sfe_error err;
    uint32_t count = 9;

    sfe_intake_pause(intake, true);
    assert_int_equal(sfe_intake_accept(intake, &message, receipts, 4, &count, &err), SFE_E_FULL);
    assert_int_equal(count, 0);
    assert_int_equal(sfe_intake_accept(intake, &stray, receipts, 4, &count, &err), SFE_E_FULL);
    assert_int_equal(world->sales.staged, 0);
    assert_int_equal(world->dead.staged, 0);
    sfe_intake_pause(intake, false);
    assert_int_equal(accept(intake, &message, receipts), 2);
    assert_int_equal(world->sales.staged, 1);
}

static void paused_intake_ends_a_message_that_is_half_staged(void **state)
{
    struct input_world *world = *state;
    struct sfe_intake *intake = world_intake(world, LIMIT);
    struct sfe_message message = message_of("x/y/both", "1");
    struct sfe_receipt receipts[4];
    struct sfe_error err;
    uint32_t count;

    world->readings.room = 0;
    assert_int_equal(sfe_intake_accept(intake, &message, receipts, 4, &count, &err), SFE_E_FULL);
    sfe_intake_pause(intake, true);
    world->readings.room = 1;
    assert_int_equal(accept(intake, &message, receipts), 2);
    assert_int_equal(world->sales.staged, 1);
    assert_int_equal(world->readings.staged, 1);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(accept_stages_into_the_stream_of_the_matching_input),
        WORLD_TEST(accept_masks_before_it_stages_and_only_where_asked),
        WORLD_TEST(accept_counts_what_it_masked_once_however_often_a_stream_was_full),
        WORLD_TEST(accept_keeps_no_half_of_a_card_number_in_an_excerpt),
        WORLD_TEST(accept_guards_what_no_input_takes),
        WORLD_TEST(accept_stages_into_each_matching_stream_once),
        WORLD_TEST(accept_stages_nothing_twice_when_the_second_stream_is_full),
        WORLD_TEST(shared_subscription_is_matched_by_its_filter),
        WORLD_TEST(empty_payload_is_counted_and_is_no_event),
        WORLD_TEST(retained_message_is_ignored_only_by_the_input_that_says_so),
        WORLD_TEST(repeated_message_is_taken_and_marked),
        WORLD_TEST(unmatched_message_is_a_dead_letter_with_its_whole_payload),
        WORLD_TEST(what_a_sender_may_not_send_is_a_dead_letter_and_counted),
        WORLD_TEST(message_over_the_limit_is_a_dead_letter_with_its_first_bytes),
        WORLD_TEST(message_at_the_limit_is_no_dead_letter),
        WORLD_TEST(message_that_a_stream_refuses_is_a_dead_letter_with_its_words),
        WORLD_TEST(full_dead_letters_hold_the_message),
        WORLD_TEST(paused_intake_takes_nothing_and_then_the_same_message),
        WORLD_TEST(paused_intake_ends_a_message_that_is_half_staged),
        WORLD_TEST(event_id_makes_the_identity_whatever_the_payload),
        WORLD_TEST(arrivals_have_identities_of_their_own_though_they_are_alike),
        WORLD_TEST(unset_clock_gives_monotonic_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
