/* What becomes of a message by how it ended: the one table of MQTT reason codes. Pure. */
#ifndef SFE_OUTPUT_MQTT_JUDGE_H
#define SFE_OUTPUT_MQTT_JUDGE_H

#include "target/mqtt_link.h"
#include "output/target.h"

struct mqtt_fate {
    enum sfe_slot_outcome outcome;
    enum sfe_verdict_kind verdict; /* With ANSWERED. */
    struct sfe_error err;          /* SFE_OK where done. */
};

/* By its PUBACK. `is_fixed`: every event has the same topic, so that what the broker says of it
 * holds for all. */
void mqtt_judge_answer(const struct mqtt_outcome *outcome, bool is_fixed, struct mqtt_fate *fate);

/* The connection ended before the answer: with the reason of the broker's DISCONNECT, or 0.
 * `is_alone`: no other message was under way, so that it may be the cause. */
void mqtt_judge_loss(int reason, bool is_alone, const struct sfe_error *why,
                     struct mqtt_fate *fate);

#endif
