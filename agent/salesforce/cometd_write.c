/* The messages that are sent. */
#include "salesforce/cometd_parts.h"

#include "base/assert.h"
#include "base/json_writer.h"

#include <inttypes.h>
#include <stdio.h>

static void begin_message(struct sfe_cometd *cometd, struct sfe_json_writer *json,
                          const char *channel)
{
    char id[16];

    (void)snprintf(id, sizeof(id), "%" PRIu32, ++cometd->message_id);
    sfe_json_begin_object(json, NULL);
    sfe_json_put_text(json, "id", sfe_slice_text(id));
    sfe_json_put_text(json, "channel", sfe_slice_text(channel));
    if (cometd->client_id[0] != '\0') {
        sfe_json_put_raw(json, "clientId", sfe_slice_text(cometd->client_id));
    }
}

static void write_handshake(struct sfe_cometd *cometd, struct sfe_json_writer *json)
{
    SFE_ASSERT(cometd->client_id[0] == '\0');
    begin_message(cometd, json, "/meta/handshake");
    sfe_json_put_text(json, "version", SFE_TEXT("1.0"));
    sfe_json_put_text(json, "minimumVersion", SFE_TEXT("1.0"));
    sfe_json_begin_array(json, "supportedConnectionTypes");
    sfe_json_put_text(json, NULL, SFE_TEXT("long-polling"));
    sfe_json_end_array(json);
    sfe_json_begin_object(json, "ext");
    sfe_json_put_bool(json, "replay", true);
    sfe_json_end_object(json);
    sfe_json_end_object(json);
}

static void write_connect(struct sfe_cometd *cometd, struct sfe_json_writer *json,
                          uint32_t timeout_ms)
{
    begin_message(cometd, json, "/meta/connect");
    sfe_json_put_text(json, "connectionType", SFE_TEXT("long-polling"));
    if (timeout_ms != cometd->timeout_ms) {
        sfe_json_begin_object(json, "advice");
        sfe_json_put_u64(json, "timeout", timeout_ms);
        sfe_json_end_object(json);
    }
    sfe_json_end_object(json);
}

/* Where it is to go on: the place as it came, or one of the two words of the org. */
static struct sfe_slice replay_of(const struct cometd_channel *channel)
{
    if (channel->place.size != 0) {
        return sfe_feed_place_slice(&channel->place);
    }
    return channel->options.from_earliest ? SFE_TEXT("-2") : SFE_TEXT("-1");
}

static void write_subscribe(struct sfe_cometd *cometd, struct sfe_json_writer *json,
                            const struct cometd_channel *channel)
{
    begin_message(cometd, json, "/meta/subscribe");
    sfe_json_put_text(json, "subscription", sfe_slice_text(channel->options.name));
    sfe_json_begin_object(json, "ext");
    sfe_json_begin_object(json, "replay");
    sfe_json_put_raw(json, channel->options.name, replay_of(channel));
    sfe_json_end_object(json);
    sfe_json_end_object(json);
    sfe_json_end_object(json);
}

/* A poll ends when a channel is to be tried again. */
static uint32_t poll_ms(const struct sfe_cometd *cometd, uint64_t now_ns)
{
    uint64_t timeout_ms = cometd->timeout_ms;

    for (uint32_t i = 0; i < cometd->options.channel_count; i++) {
        const struct cometd_channel *channel = &cometd->channels[i];
        if (!channel->is_subscribed) {
            const uint64_t wait_ms =
                channel->due_ns > now_ns ? (channel->due_ns - now_ns) / 1000000u : 0;
            timeout_ms = wait_ms < timeout_ms ? wait_ms : timeout_ms;
        }
    }
    return (uint32_t)timeout_ms;
}

uint32_t cometd_write(struct sfe_cometd *cometd, enum cometd_step step, uint64_t now_ns)
{
    struct sfe_json_writer json = sfe_json_writer_make(&cometd->request);
    uint32_t hold_ms = 0;

    sfe_builder_rewind(&cometd->request, 0);
    sfe_json_begin_array(&json, NULL);
    switch (step) {
    case COMETD_HANDSHAKE:
        write_handshake(cometd, &json);
        break;
    case COMETD_OPENING:
        write_connect(cometd, &json, 0);
        break;
    case COMETD_SUBSCRIBE:
        for (uint32_t i = 0; i < cometd->options.channel_count; i++) {
            if (!cometd->channels[i].is_subscribed && cometd->channels[i].due_ns <= now_ns) {
                write_subscribe(cometd, &json, &cometd->channels[i]);
            }
        }
        break;
    case COMETD_CONNECT:
        hold_ms = poll_ms(cometd, now_ns);
        write_connect(cometd, &json, hold_ms);
        hold_ms += COMETD_MARGIN_MS;
        break;
    case COMETD_GOODBYE:
        begin_message(cometd, &json, "/meta/disconnect");
        sfe_json_end_object(&json);
        break;
    }
    sfe_json_end_array(&json);
    SFE_ASSERT(!cometd->request.overflowed);
    return hold_ms;
}
