#include "cometd_world.h"

static const char *written(struct cometd_world *self, enum cometd_step step, uint32_t *hold_ms)
{
    static char text[4096];

    *hold_ms = cometd_write(self->cometd, step, self->world->now_ns);
    (void)snprintf(text, sizeof(text), "%.*s", (int)self->cometd->request.size,
                   (const char *)self->cometd->request.bytes);
    return text;
}

static void a_handshake_asks_for_long_polling_and_replay(void **state)
{
    struct cometd_world *self = *state;
    uint32_t hold_ms = 1;

    assert_string_equal(written(self, COMETD_HANDSHAKE, &hold_ms),
                        "[{\"id\":\"1\",\"channel\":\"/meta/handshake\",\"version\":\"1.0\","
                        "\"minimumVersion\":\"1.0\",\"supportedConnectionTypes\":[\"long-polling\"]"
                        ",\"ext\":{\"replay\":true}}]");
    assert_int_equal(hold_ms, 0);
}

static void a_place_goes_back_as_it_came(void **state)
{
    struct cometd_world *self = *state;
    uint32_t hold_ms = 1;

    memcpy(self->cometd->channels[0].place.bytes, "\"opaque+1\"", 10);
    self->cometd->channels[0].place.size = 10;
    (void)snprintf(self->cometd->client_id, sizeof(self->cometd->client_id), "\"c\"");
    const char *text = written(self, COMETD_SUBSCRIBE, &hold_ms);
    assert_non_null(strstr(text, "\"subscription\":\"/event/A__e\",\"ext\":{\"replay\":{"
                                 "\"/event/A__e\":\"opaque+1\"}}"));
    assert_non_null(strstr(text, "{\"/u/B\":-1}"));
    assert_non_null(strstr(text, "\"clientId\":\"c\""));
}

static void a_poll_may_be_held_as_long_as_the_advice_says_and_a_little(void **state)
{
    struct cometd_world *self = *state;
    uint32_t hold_ms = 0;

    for (uint32_t i = 0; i < 2; i++) {
        self->cometd->channels[i].is_subscribed = true;
    }
    assert_null(strstr(written(self, COMETD_CONNECT, &hold_ms), "advice"));
    assert_int_equal(hold_ms, 120000);
    assert_non_null(strstr(written(self, COMETD_OPENING, &hold_ms), "\"advice\":{\"timeout\":0}"));
    assert_int_equal(hold_ms, 0);
}

static void a_poll_ends_when_a_refused_channel_is_to_be_tried_again(void **state)
{
    struct cometd_world *self = *state;
    uint32_t hold_ms = 0;

    self->cometd->channels[0].is_subscribed = true;
    self->cometd->channels[1].due_ns = self->world->now_ns + 30 * SECOND;
    assert_non_null(
        strstr(written(self, COMETD_CONNECT, &hold_ms), "\"advice\":{\"timeout\":30000}"));
    assert_int_equal(hold_ms, 40000);
    assert_null(strstr(written(self, COMETD_SUBSCRIBE, &hold_ms), "/u/B"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_handshake_asks_for_long_polling_and_replay, cometd_setup,
                                        cometd_teardown),
        cmocka_unit_test_setup_teardown(a_place_goes_back_as_it_came, cometd_setup,
                                        cometd_teardown),
        cmocka_unit_test_setup_teardown(a_poll_may_be_held_as_long_as_the_advice_says_and_a_little,
                                        cometd_setup, cometd_teardown),
        cmocka_unit_test_setup_teardown(a_poll_ends_when_a_refused_channel_is_to_be_tried_again,
                                        cometd_setup, cometd_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
