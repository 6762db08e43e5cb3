#include "config/keys.h"

#include "base/assert.h"
#include "config/config.h"

#define CONNECTION struct sfe_config_connection
#define STREAM     struct sfe_config_stream
#define IDENTITY   struct sfe_config_identity
#define INPUT      struct sfe_config_input
#define OUTPUT     struct sfe_config_output
#define RECORD     struct sfe_config_record
#define FIELD      struct sfe_config_field

/* clang-format off */
static const struct config_section_form forms[SFE_SECTION_COUNT] = {
    [SFE_SECTION_ROOT] = {.name = "file", .heading = "The file"},
    [SFE_SECTION_AGENT] = {.name = "agent", .heading = "agent"},
    [SFE_SECTION_FLASH] = {.name = "flash", .heading = "flash of agent"},
    [SFE_SECTION_WATCH] = {.name = "watch", .heading = "watch"},
    [SFE_SECTION_CONNECTION] = {.name = "connection", .heading = "An entry of connections",
        .size = sizeof(CONNECTION), .place_offset = offsetof(CONNECTION, place), .types = "type"},
    [SFE_SECTION_AUTH] = {.name = "auth", .heading = "auth of a connection", .types = "flow"},
    [SFE_SECTION_MQTT_TLS] = {.name = "mqtt-tls", .heading = "tls of a connection of type mqtt"},
    [SFE_SECTION_MQTT_WILL] = {.name = "mqtt-will", .heading = "will of a connection"},
    [SFE_SECTION_SALESFORCE_TLS] = {.name = "salesforce-tls",
        .heading = "tls of a connection of type salesforce"},
    [SFE_SECTION_PROXY] = {.name = "proxy", .heading = "proxy of a connection of type salesforce"},
    [SFE_SECTION_STREAM] = {.name = "stream", .heading = "An entry of streams",
        .size = sizeof(STREAM), .place_offset = offsetof(STREAM, place)},
    [SFE_SECTION_THIN] = {.name = "thin", .heading = "thin of an entry of streams"},
    [SFE_SECTION_IDENTITY] = {.name = "identity", .heading = "An entry of identities",
        .size = sizeof(IDENTITY), .place_offset = offsetof(IDENTITY, place)},
    [SFE_SECTION_INPUT] = {.name = "input", .heading = "An entry of inputs",
        .size = sizeof(INPUT), .place_offset = offsetof(INPUT, place), .types = "type"},
    [SFE_SECTION_HTTP_TLS] = {.name = "http-tls", .heading = "tls of an input of type http"},
    [SFE_SECTION_HTTP_AUTH] = {.name = "http-auth", .heading = "auth of an input of type http"},
    [SFE_SECTION_OUTPUT] = {.name = "output", .heading = "An entry of outputs",
        .size = sizeof(OUTPUT), .place_offset = offsetof(OUTPUT, place), .types = "type"},
    [SFE_SECTION_WAITS] = {.name = "waits", .heading = "waits of an entry of outputs"},
    [SFE_SECTION_RECORD] = {.name = "record", .heading = "An element of records",
        .size = sizeof(RECORD), .place_offset = offsetof(RECORD, place)},
    [SFE_SECTION_HTTP_OUTPUT_AUTH] = {.name = "http-output-auth",
        .heading = "auth of an output of type http"},
    [SFE_SECTION_HTTP_OUTPUT_TLS] = {.name = "http-output-tls",
        .heading = "tls of an output of type http"},
    [SFE_SECTION_HTTP_OUTPUT_PROXY] = {.name = "http-output-proxy",
        .heading = "proxy of an output of type http"},
    [SFE_SECTION_HTTP_SETTLE] = {.name = "http-settle",
        .heading = "settle of an output of type http"},
    [SFE_SECTION_FIELD] = {.name = "field", .heading = "A field of map, written as an object",
        .size = sizeof(FIELD), .place_offset = offsetof(FIELD, place)},
    [SFE_SECTION_CASE] = {.name = "case", .heading = "An element of case of a field",
        .size = sizeof(FIELD), .place_offset = offsetof(FIELD, place)},
};
/* clang-format on */

/* The walk stores an entry's name without knowing its structure. */
_Static_assert(offsetof(CONNECTION, name) == 0, "the name comes first");
_Static_assert(offsetof(STREAM, name) == 0, "the name comes first");
_Static_assert(offsetof(IDENTITY, name) == 0, "the name comes first");
_Static_assert(offsetof(INPUT, name) == 0, "the name comes first");
_Static_assert(offsetof(OUTPUT, name) == 0, "the name comes first");
_Static_assert(offsetof(FIELD, name) == 0, "the name comes first");

const struct config_section_form *keys_form(enum config_section section)
{
    SFE_ASSERT(section < SFE_SECTION_COUNT);
    return &forms[section];
}
