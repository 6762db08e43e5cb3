/* /control/events: how the Streaming API goes, and what it came to. */
#include "cometd.h"

#include <inttypes.h>

#include "org.h"

static uint32_t number_of(const struct sfe_json *json, uint32_t token)
{
    const struct sfe_slice raw = sfe_json_raw(json, token);
    uint32_t number = 0;
    for (size_t i = 0; i < raw.size && raw.bytes[i] >= '0' && raw.bytes[i] <= '9'; i++) {
        number = number * 10 + (uint32_t)(raw.bytes[i] - '0');
    }
    return number;
}

static void end_clients(struct cometd *cometd)
{
    for (uint32_t i = 0; i < COMETD_CLIENTS_MAX; i++) {
        cometd->clients[i].id[0] = '\0';
    }
}

static void publish(struct cometd *cometd, const struct sfe_json *json, uint32_t token)
{
    const uint32_t channel = sfe_json_member(json, token, SFE_TEXT("channel"));
    const uint32_t payload = sfe_json_member(json, token, SFE_TEXT("payload"));
    if (channel == SFE_JSON_NONE || payload == SFE_JSON_NONE) {
        return;
    }
    struct sfe_slice raw = sfe_json_raw(json, payload);
    if (sfe_json_kind(json, payload) == SFE_JSON_STRING) {
        raw = sfe_slice_make(raw.bytes - 1, raw.size + 2);
    }
    bus_publish_generic(&cometd->bus, sfe_json_raw(json, channel), raw);
}

static bool set_one(struct cometd *cometd, const struct sfe_json *json, uint32_t key)
{
    if (sfe_json_text_equal(json, key, SFE_TEXT("poll_ms"))) {
        cometd->poll_ms = number_of(json, key + 1);
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("session_ms"))) {
        cometd->session_ms = number_of(json, key + 1);
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("retained"))) {
        cometd->bus.retained_max = number_of(json, key + 1);
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("end_clients"))) {
        end_clients(cometd);
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("forget_ids"))) {
        bus_forget(&cometd->bus, false);
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("forget_events"))) {
        bus_forget(&cometd->bus, true);
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("publish"))) {
        publish(cometd, json, key + 1);
    } else {
        return false;
    }
    return true;
}

void cometd_control_set(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_json json;
    struct sfe_error err;
    bool is_right = org_parse(org, request->body, &json, &err) == SFE_OK &&
                    sfe_json_kind(&json, 0) == SFE_JSON_OBJECT;
    for (uint32_t key = is_right ? sfe_json_first(&json, 0) : SFE_JSON_NONE; key != SFE_JSON_NONE;
         key = sfe_json_next(&json, 0, key)) {
        is_right = is_right && set_one(&org->cometd, &json, key);
    }
    reply->status = is_right ? 200 : 400;
    buffer_add_text(&reply->body, is_right
                                      ? "{\"done\":true}\n"
                                      : "{\"error\":\"an object of poll_ms, session_ms, retained, "
                                        "end_clients, forget_ids, forget_events, publish\"}\n");
}

void cometd_control_get(struct org *org, const struct http_request *request, struct reply *reply)
{
    const struct cometd *cometd = &org->cometd;
    const uint64_t now_ms = clock_monotonic_ms();
    uint32_t clients = 0;
    uint32_t subscriptions = 0;
    uint32_t polls = 0;
    (void)request;
    for (uint32_t i = 0; i < COMETD_CLIENTS_MAX; i++) {
        const struct cometd_client *client = &cometd->clients[i];
        if (!cometd_is_gone(cometd, client, now_ms)) {
            clients++;
            subscriptions += client->subscription_count;
            polls += client->poll_id[0] != '\0';
        }
    }
    reply->status = 200;
    buffer_format(&reply->body,
                  "{\"clients\":%" PRIu32 ",\"subscriptions\":%" PRIu32 ",\"polls\":%" PRIu32
                  ",\"handshakes\":%" PRIu64 ",\"published\":%" PRIu64 ",\"sent\":%" PRIu64
                  ",\"lost\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"kept\":%" PRIu32
                  ",\"last_replay\":%" PRIu64 "}\n",
                  clients, subscriptions, polls, cometd->handshakes, cometd->bus.published,
                  cometd->sent, cometd->lost, cometd->refused, cometd->bus.count,
                  cometd->bus.last_replay);
}
