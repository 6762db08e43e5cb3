#include "loading.h"

#define OUTPUT(name, more)                                                                         \
    "'" name "': {'type': 'salesforce-records', 'connection': 'crm', 'records': [" RECORD_GOOD     \
    "], " more "}"
#define STREAMS_OF(more)                                                                           \
    "{\n" AGENT ",\n" CONNECTIONS ",\n'streams': {'telemetry': {}, 'sales': {}, 'invoiced': {}, "  \
    "'shipped': {}" more "},\n"
#define SITE(more) STREAMS_OF("") "\n'outputs': {" more "}}\n"
#define KEY        "'encrypt': true, 'encrypt_key_file': 'k'"

static const struct bad loops[] = {
    {SITE(OUTPUT("a", "'from': 'sales', 'on_done': 'sales'")), "/outputs/a/on_done", 6,
     "circle: sales -> a -> sales"},
    {SITE(OUTPUT("a", "'from': ['telemetry', 'sales'], 'on_dead': 'sales'")), "/outputs/a/on_dead",
     6, "circle: sales -> a -> sales"},
    /* A letter of `next` is a letter that `letters` reads again. */
    {SITE(OUTPUT("letters", "'from': 'dead', 'on_done': 'sales'") ", " OUTPUT("next",
                                                                              "'from': 'sales'")),
     "/outputs/letters/on_done", 6, "circle: dead -> letters -> sales -> next -> dead"},
    {SITE(OUTPUT("a", "'from': 'sales', 'on_done': 'dead'")), "/outputs/a/on_done", 6,
     "\"dead\" holds dead letters"},
};

static void an_event_that_would_come_back_is_found(void **state)
{
    for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
        assert_bad((struct loading *)*state, &loops[i]);
    }
}

static void each_output_of_a_loop_is_told_its_way_round(void **state)
{
    struct loading *loading = (struct loading *)*state;

    load(loading, SITE(OUTPUT("a", "'from': 'sales', 'on_done': 'invoiced'") ", " OUTPUT(
                      "b", "'from': 'invoiced', 'where': {'/outcome': 'done'}, "
                           "'on_done': 'shipped'") ", " OUTPUT("c", "'from': 'shipped', "
                                                                    "'on_dead': 'sales'")));
    assert_int_equal(loading->mistake_count, 3);
    assert_string_equal(loading->mistakes[0].pointer, "/outputs/a/on_done");
    assert_non_null(strstr(loading->mistakes[0].message,
                           "sales -> a -> invoiced -> b -> shipped -> c -> sales"));
    assert_string_equal(loading->mistakes[2].pointer, "/outputs/c/on_dead");
    assert_non_null(
        strstr(loading->mistakes[2].message, "shipped -> c -> sales -> a -> invoiced -> b"));
}

static void steps_one_behind_the_other_are_no_loop(void **state)
{
    const struct sfe_config *config = load_good(
        (struct loading *)*state,
        SITE(
            OUTPUT("a", "'from': 'sales', 'on_done': 'invoiced', 'on_dead': 'shipped'") ", " OUTPUT(
                "b", "'from': 'invoiced', 'on_done': 'shipped'") ", " OUTPUT("c",
                                                                             "'from': ['shipped', "
                                                                             "'sales', 'dead']")));

    assert_int_equal(config->outputs[0].on_done, 2);
    assert_int_equal(config->outputs[0].on_dead, 3);
    assert_int_equal(config->outputs[1].on_dead, -1);
    assert_int_equal(config->outputs[2].on_done, -1);
}

static void answers_to_what_is_encrypted_are_encrypted(void **state)
{
    static const char clear[] =
        STREAMS_OF(", 'cards': {" KEY "}, 'dead': {" KEY "}") "\n'outputs': {" OUTPUT(
            "a", "'from': 'cards', 'on_done': 'invoiced'") "}}\n";
    static const char sealed[] =
        STREAMS_OF(", 'cards': {" KEY "}, 'dead': {" KEY "}, 'paid': {" KEY
                   "}") "\n'outputs': {" OUTPUT("a", "'from': 'cards', 'on_done': 'paid'") "}}\n";
    const struct bad bad = {clear, "/outputs/a/on_done", 6, "would not be encrypted"};

    assert_bad((struct loading *)*state, &bad);
    (void)load_good((struct loading *)*state, sealed);
}

static void a_name_of_nothing_is_one_mistake(void **state)
{
    const struct bad bad = {SITE(OUTPUT("a", "'from': 'telemetry', 'on_done': 'invoiecd'")),
                            "/outputs/a/on_done", 6, "did you mean \"invoiced\""};

    assert_bad((struct loading *)*state, &bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_that_would_come_back_is_found, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(each_output_of_a_loop_is_told_its_way_round, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(steps_one_behind_the_other_are_no_loop, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(answers_to_what_is_encrypted_are_encrypted, loading_open,
                                        loading_close),
        cmocka_unit_test_setup_teardown(a_name_of_nothing_is_one_mistake, loading_open,
                                        loading_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
