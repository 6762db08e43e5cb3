#include "input/mqtt_former.h"

#include "base/assert.h"
#include "input/mqtt_packet.h"

#include <string.h>

bool sfe_mqtt_former_add(struct sfe_mqtt_former *former, const char *filter)
{
    const size_t size = strlen(filter) + 1u;

    for (const char *known = sfe_mqtt_former_next(former, NULL); known != NULL;
         known = sfe_mqtt_former_next(former, known)) {
        if (strcmp(known, filter) == 0) {
            return true;
        }
    }
    if (former->count == SFE_INPUTS_MAX || size > sizeof(former->text) - former->bytes) {
        return false;
    }
    memcpy(former->text + former->bytes, filter, size);
    former->bytes += (uint32_t)size;
    former->count++;
    return true;
}

const char *sfe_mqtt_former_next(const struct sfe_mqtt_former *former, const char *before)
{
    const char *filter = before == NULL ? former->text : before + strlen(before) + 1u;

    return filter < former->text + former->bytes ? filter : NULL;
}

enum sfe_code mqtt_former_begin(struct sfe_mqtt_former *former, const struct sfe_mqtt *mqtt,
                                struct sfe_mqtt_session *session, struct sfe_error *err)
{
    const char *filters[SFE_INPUTS_MAX];
    uint32_t count = 0;

    if (former == NULL || former->count == 0 || former->is_tried) {
        return SFE_E_END;
    }
    for (const char *filter = sfe_mqtt_former_next(former, NULL); filter != NULL;
         filter = sfe_mqtt_former_next(former, filter)) {
        filters[count++] = filter;
    }
    SFE_ASSERT(count == former->count);
    former->is_tried = true;
    return mqtt->unsubscribe(mqtt->context, session, filters, count, err);
}

enum sfe_code mqtt_former_end(struct sfe_mqtt_former *former, bool is_only_broker, int detail,
                              const char *text, struct sfe_log *log, struct sfe_error *err)
{
    if (detail < 0) {
        return sfe_fail(err, SFE_E_NETWORK, "cannot unsubscribe: %s", text);
    }
    if (detail > 0) {
        SFE_LOG(log, SFE_WARNING, "mqtt subscriptions of before cannot be ended",
                sfe_text("first", former->text), sfe_text("reason", mqtt_reason_name(detail)));
        return SFE_OK;
    }
    SFE_LOG(log, SFE_INFO, "mqtt subscriptions of before ended", sfe_text("first", former->text),
            sfe_count("count", former->count));
    if (is_only_broker) {
        former->count = 0;
        former->bytes = 0;
    }
    return SFE_OK;
}
