#include "run/output_kind.h"

#include "base/assert.h"

static const struct agent_output_kind *const kinds[] = {
    [SFE_OUTPUT_SALESFORCE_RECORDS] = &agent_records_output,
    [SFE_OUTPUT_HTTP] = &agent_http_output,
    [SFE_OUTPUT_PLATFORM_EVENTS] = &agent_records_output,
    [SFE_OUTPUT_MQTT] = &agent_mqtt_output,
    [SFE_OUTPUT_FILE] = &agent_file_output,
};

const struct agent_output_kind *agent_output_kind(enum sfe_output_type type)
{
    SFE_ASSERT((size_t)type < sizeof(kinds) / sizeof(kinds[0]) && kinds[type] != NULL);
    return kinds[type];
}
