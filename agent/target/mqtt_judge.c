#include "target/mqtt_judge.h"

#include <stdio.h>

/* MQTT 5, section 2.4. */
#define NO_MATCHING_SUBSCRIBERS 0x10
#define MALFORMED_PACKET        0x81
#define PROTOCOL_ERROR          0x82
#define NOT_AUTHORIZED          0x87
#define TOPIC_NAME_INVALID      0x90
#define PACKET_ID_IN_USE        0x91
#define PACKET_TOO_LARGE        0x95
#define QUOTA_EXCEEDED          0x97
#define FORMAT_INVALID          0x99
#define RETAIN_NOT_SUPPORTED    0x9A
#define QOS_NOT_SUPPORTED       0x9B

static void refuse(struct mqtt_fate *fate, enum sfe_verdict_kind verdict, enum sfe_retry retry)
{
    fate->outcome = SFE_SLOT_ANSWERED;
    fate->verdict = verdict;
    fate->err.retry = retry;
}

static void hold(struct mqtt_fate *fate, enum sfe_slot_outcome outcome, enum sfe_retry retry)
{
    fate->outcome = outcome;
    fate->err.retry = retry;
}

void mqtt_judge_answer(const struct mqtt_outcome *outcome, bool is_fixed, struct mqtt_fate *fate)
{
    *fate = (struct mqtt_fate){.outcome = SFE_SLOT_ANSWERED, .verdict = SFE_VERDICT_DONE};
    if (outcome->reason == 0 || outcome->reason == NO_MATCHING_SUBSCRIBERS) {
        return;
    }
    (void)sfe_fail(&fate->err, outcome->reason == NOT_AUTHORIZED ? SFE_E_AUTH : SFE_E_REFUSED,
                   "the broker refuses the message: %s (0x%02x)",
                   outcome->text[0] == '\0' ? "no reason given" : outcome->text,
                   (unsigned)outcome->reason);
    (void)snprintf(fate->err.api_code, sizeof(fate->err.api_code), "mqtt-0x%02x",
                   (unsigned)outcome->reason);
    switch (outcome->reason) {
    case NOT_AUTHORIZED:
        if (is_fixed) {
            hold(fate, SFE_SLOT_STOPPED, SFE_RETRY_AFTER_HUMAN);
        } else {
            refuse(fate, SFE_VERDICT_DEAD, SFE_RETRY_NEVER);
        }
        break;
    case TOPIC_NAME_INVALID:
    case PACKET_TOO_LARGE:
    case FORMAT_INVALID:
        refuse(fate, SFE_VERDICT_DEAD, SFE_RETRY_NEVER);
        break;
    case QUOTA_EXCEEDED:
        hold(fate, SFE_SLOT_AGAIN, SFE_RETRY_AFTER_QUOTA);
        break;
    case PACKET_ID_IN_USE:
        refuse(fate, SFE_VERDICT_RETRY, SFE_RETRY_LATER);
        break;
    default: /* Said of this message, and nothing more: a few tries. */
        hold(fate, SFE_SLOT_SMALLER, SFE_RETRY_SMALLER);
        break;
    }
}

/* True where the broker ended the connection for what it got. */
static bool is_about_packet(int reason)
{
    switch (reason) {
    case MALFORMED_PACKET:
    case PROTOCOL_ERROR:
    case TOPIC_NAME_INVALID:
    case PACKET_TOO_LARGE:
    case FORMAT_INVALID:
    case RETAIN_NOT_SUPPORTED:
    case QOS_NOT_SUPPORTED:
        return true;
    default:
        return false;
    }
}

void mqtt_judge_loss(int reason, bool is_alone, const struct sfe_error *why, struct mqtt_fate *fate)
{
    *fate = (struct mqtt_fate){.err = *why};
    if (is_alone && is_about_packet(reason)) {
        (void)sfe_within(&fate->err, "the broker ends the connection over the message");
        hold(fate, SFE_SLOT_SMALLER, SFE_RETRY_SMALLER);
    } else {
        hold(fate, SFE_SLOT_AGAIN, SFE_RETRY_AWAY);
    }
}
