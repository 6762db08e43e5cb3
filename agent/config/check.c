#include "config/check.h"
#include "config/check_field.h"

#include "base/assert.h"
#include "config/check_inputs.h"
#include "config/check_answers.h"
#include "config/check_http_output.h"
#include "config/check_file_output.h"
#include "config/check_mqtt_output.h"
#include "config/quantity.h"
#include "config/spelling.h"
#include "config/suggest.h"

#define SEGMENTS_MIN 4u
/* The first whose guide knows updateOnly (API sheet, section 2). */
#define UPDATE_VERSION  "v60.0"
#define SIZE_TEXT_BYTES 24u

/* The token to blame for `key` of `object`: its value, or the object where the key is left out. */
static uint32_t blamed(const struct config_load *load, uint32_t object, const char *key)
{
    uint32_t value = load_member(load, object, key);

    return value == SFE_JSON_NONE ? object : value;
}

static void check_plain(struct config_load *load, uint32_t entry, const char *key,
                        struct sfe_slice host)
{
    load_mistake(
        load, blamed(load, entry, key),
        "\"%s\" to %.*s is not encrypted; allowed: localhost, 127.0.0.0/8 and ::1, elsewhere "
        "an encrypted url, or \"plain\": true in this connection",
        key, (int)(host.size < 80 ? host.size : 80), (const char *)host.bytes);
}

static bool has_tls(const struct sfe_config_mqtt *mqtt)
{
    for (uint32_t i = 0; i < mqtt->broker_count; i++) {
        if (mqtt->brokers[i].tls) {
            return true;
        }
    }
    return false;
}

/* `tls` without a broker that has it, and a certificate without its key. */
static void check_mqtt_tls(struct config_load *load, const struct sfe_config_mqtt *mqtt,
                           uint32_t entry)
{
    uint32_t tls = load_member(load, entry, "tls");

    if (tls == SFE_JSON_NONE) {
        return;
    }
    if (mqtt->broker_count != 0 && !has_tls(mqtt)) {
        load_mistake(load, tls,
                     "\"tls\" has no effect on mqtt://; allowed: with a url that begins with "
                     "mqtts://");
    }
    if ((mqtt->tls_cert_file == NULL) != (mqtt->tls_key_file == NULL)) {
        load_mistake(load, tls,
                     "\"%s\" is missing; allowed: \"cert_file\" and \"key_file\" together",
                     mqtt->tls_cert_file == NULL ? "cert_file" : "key_file");
    }
}

static void check_will(struct config_load *load, const struct sfe_config_will *will, uint32_t entry)
{
    uint32_t object = load_member(load, entry, "will");

    if (will->topic != NULL && strpbrk(will->topic, "+#") != NULL) {
        load_mistake(load, blamed(load, object, "topic"),
                     "a message has a topic without wildcards; allowed: no + and no #");
    }
}

/* What MQTT 3.1.1 does not have. */
static void check_version(struct config_load *load, const struct sfe_config_mqtt *mqtt,
                          uint32_t entry)
{
    uint32_t expiry = load_member(load, entry, "session_expiry");

    if (mqtt->version != SFE_CONFIG_MQTT_3_1_1) {
        return;
    }
    if (expiry != SFE_JSON_NONE) {
        load_mistake(load, expiry,
                     "\"session_expiry\" has no effect with \"version\": \"3.1.1\", where the "
                     "broker decides; allowed: with \"5\"");
    }
    if (mqtt->password_file != NULL && mqtt->username == NULL) {
        load_mistake(load, blamed(load, entry, "password_file"),
                     "MQTT 3.1.1 has no password without a user name; allowed: with \"username\"");
    }
}

static void check_mqtt(struct config_load *load, struct sfe_config_connection *connection,
                       uint32_t entry)
{
    static const char prefix[] = "sfedge-";
    struct sfe_config_mqtt *mqtt = &connection->mqtt;
    struct sfe_slice id = sfe_slice_text(load->config->agent.id);
    char *client_id;

    for (uint32_t i = 0; i < mqtt->broker_count; i++) {
        const struct sfe_config_broker *broker = &mqtt->brokers[i];
        struct sfe_slice host = sfe_slice_text(broker->host);
        if (broker->host != NULL && !broker->tls && !connection->plain &&
            !spelling_is_loopback(host)) {
            check_plain(load, entry, "url", host);
        }
    }
    check_mqtt_tls(load, mqtt, entry);
    check_will(load, &mqtt->will, entry);
    check_version(load, mqtt, entry);
    if (mqtt->client_id == NULL && id.size != 0) {
        client_id = (char *)load_take(load, sizeof(prefix) + id.size);
        if (client_id != NULL) {
            memcpy(client_id, prefix, sizeof(prefix) - 1);
            memcpy(client_id + sizeof(prefix) - 1, id.bytes, id.size);
        }
        mqtt->client_id = client_id;
    }
}

/* A broker ends the session of the first client when a second one comes with its id. */
static void check_client_id(struct config_load *load, uint32_t index, uint32_t entry)
{
    const struct sfe_config_connection *connections = load->config->connections;
    const struct sfe_config_mqtt *mqtt = &connections[index].mqtt;

    for (uint32_t i = 0; i < index; i++) {
        const struct sfe_config_mqtt *other = &connections[i].mqtt;
        if (other->client_id != NULL && mqtt->client_id != NULL &&
            strcmp(other->client_id, mqtt->client_id) == 0 &&
            check_have_broker_in_common(other, mqtt)) {
            load_mistake(
                load, blamed(load, entry, "client_id"),
                "connection \"%s\" has the same client_id at the same broker; allowed: one "
                "of its own for each",
                connections[i].name);
            return;
        }
    }
}

static bool is_shared_login(struct sfe_slice host)
{
    return sfe_slice_equal(host, SFE_TEXT("login.salesforce.com")) ||
           sfe_slice_equal(host, SFE_TEXT("test.salesforce.com"));
}

static void check_salesforce(struct config_load *load, struct sfe_config_connection *connection,
                             uint32_t entry)
{
    struct sfe_config_salesforce *salesforce = &connection->salesforce;
    struct spelling_url url;

    if (salesforce->audience == NULL && salesforce->flow == SFE_AUTH_JWT_BEARER) {
        salesforce->audience = salesforce->login_url;
    }
    if (salesforce->login_url == NULL ||
        spelling_read_url(sfe_slice_text(salesforce->login_url), &url) != NULL) {
        return;
    }
    if (salesforce->flow == SFE_AUTH_CLIENT_CREDENTIALS && is_shared_login(url.host)) {
        load_mistake(load, blamed(load, entry, "login_url"),
                     "%.*s does not answer the client-credentials flow; allowed: the org's My "
                     "Domain, \"https://NAME.my.salesforce.com\"",
                     (int)url.host.size, (const char *)url.host.bytes);
    }
    if (!connection->plain && sfe_slice_equal(url.scheme, SFE_TEXT("http")) &&
        !spelling_is_loopback(url.host)) {
        check_plain(load, entry, "login_url", url.host);
    }
}

static void check_connections(struct config_load *load)
{
    /* The arrays are ours until the load is over. */
    struct sfe_config_connection *connections = NULL;
    uint32_t object;
    uint32_t key = load_named_first(load, "connections", &object);

    memcpy(&connections, &load->config->connections, sizeof(connections));
    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->connection_count; i++) {
        if (connections[i].type == SFE_CONNECTION_MQTT) {
            check_mqtt(load, &connections[i], key + 1);
            check_client_id(load, i, key + 1);
        } else {
            check_salesforce(load, &connections[i], key + 1);
        }
        key = sfe_json_next(&load->json, object, key);
    }
}

/* Dead letters are copies of events: they must not land in the clear. */
static void check_encrypt(struct config_load *load, const struct sfe_config_stream *stream,
                          uint32_t entry)
{
    const struct sfe_config *config = load->config;
    const struct sfe_config_stream *dead = &config->streams[config->dead_stream];

    if (!stream->encrypt) {
        return;
    }
    if (stream->encrypt_key_file == NULL) {
        load_mistake(load, blamed(load, entry, "encrypt"),
                     "\"encrypt\" has no key; allowed: with \"encrypt_key_file\" beside it");
    }
    if (!dead->encrypt) {
        load_mistake(load, blamed(load, entry, "encrypt"),
                     "its dead letters would not be encrypted; allowed: with \"encrypt\": true in "
                     "the stream \"dead\" too");
    }
}

static void show_size(uint64_t size_bytes, char shown[SIZE_TEXT_BYTES])
{
    struct sfe_builder builder = sfe_builder_make(shown, SIZE_TEXT_BYTES - 1);

    quantity_add_size(&builder, size_bytes);
    shown[builder.size] = '\0';
}

static void check_stream(struct config_load *load, const struct sfe_config_stream *stream,
                         uint32_t entry)
{
    uint64_t quota_min = (uint64_t)stream->segment_bytes * SEGMENTS_MIN;
    uint64_t event_max = load->config->agent.event_bytes_max;
    char size[SIZE_TEXT_BYTES];

    if (stream->quota_bytes != 0 && stream->quota_bytes < quota_min) {
        show_size(quota_min, size);
        load_mistake(load, blamed(load, entry, "quota"),
                     "the quota holds fewer than %u segments; allowed: at least %s, or a "
                     "smaller \"segment\"",
                     SEGMENTS_MIN, size);
    }
    if (stream->segment_bytes != 0 &&
        event_max + SFE_SEGMENT_OVERHEAD_BYTES > stream->segment_bytes) {
        show_size(stream->segment_bytes - SFE_SEGMENT_OVERHEAD_BYTES, size);
        load_mistake(load, blamed(load, entry, "segment"),
                     "the segment does not hold an event of the largest size; allowed: a larger "
                     "one, or \"event_max\" of the agent at most %s",
                     size);
    }
}

/* Who never loses an event does not thin. */
static void check_thin(struct config_load *load, const struct sfe_config_stream *stream,
                       uint32_t entry)
{
    const uint32_t thin = load_member(load, entry, "thin");

    if (thin != SFE_JSON_NONE && stream->when_full == SFE_WHEN_FULL_BLOCK) {
        load_mistake(load, thin,
                     "\"thin\" has no place in a stream that never drops; allowed: with "
                     "\"when_full\": \"drop-oldest\" or \"drop-newest\"");
    }
}

static void check_streams(struct config_load *load)
{
    uint32_t object;
    uint32_t key = load_named_first(load, "streams", &object);

    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->stream_count; i++) {
        check_stream(load, &load->config->streams[i], key + 1);
        check_encrypt(load, &load->config->streams[i], key + 1);
        check_thin(load, &load->config->streams[i], key + 1);
        key = sfe_json_next(&load->json, object, key);
    }
}

static void check_external_id(struct config_load *load, const struct sfe_config_record *record,
                              uint32_t token)
{
    char shown[SFE_CONFIG_SHOWN_BYTES];

    if (record->external_id == NULL || record->field_count == 0) {
        return;
    }
    struct sfe_slice wanted = sfe_slice_text(record->external_id);
    struct suggest suggest = suggest_make(wanted);
    for (uint32_t i = 0; i < record->field_count; i++) {
        struct sfe_slice name = sfe_slice_text(record->fields[i].name);
        if (sfe_slice_equal(name, wanted)) {
            return;
        }
        suggest_offer(&suggest, name);
    }
    if (suggest.best.size != 0) {
        load_mistake(load, blamed(load, token, "external_id"),
                     "%s is not in \"map\"; did you mean \"%.*s\"? allowed: a field of \"map\"",
                     load_quote(wanted, shown), (int)suggest.best.size,
                     (const char *)suggest.best.bytes);
    } else {
        load_mistake(load, blamed(load, token, "external_id"),
                     "%s is not in \"map\"; allowed: a field of \"map\"",
                     load_quote(wanted, shown));
    }
}

/* What an update or a delete cannot be without, and what it would not look at. */
static void check_action(struct config_load *load, const struct sfe_config_record *record,
                         uint32_t token)
{
    if (record->action != SFE_ACTION_UPDATE && record->missing != SFE_MISSING_DEAD) {
        load_mistake(load, load_member(load, token, "missing"),
                     "\"missing\" has no effect here; allowed: with \"action\": \"update\"");
    }
    if (record->action == SFE_ACTION_UPDATE && record->field_count == 1) {
        load_mistake(load, blamed(load, token, "map"),
                     "the external ID alone updates nothing; allowed: with a field beside it");
    }
    if (record->action == SFE_ACTION_DELETE && record->field_count > 1) {
        load_mistake(load, blamed(load, token, "map"),
                     "a delete writes no fields; allowed: the external ID alone");
    }
}

void check_fields(struct config_load *load, const struct sfe_config_record *record, uint32_t map)
{
    uint32_t key = map == SFE_JSON_NONE ? SFE_JSON_NONE : sfe_json_first(&load->json, map);

    for (uint32_t i = 0; key != SFE_JSON_NONE && i < record->field_count; i++) {
        if (sfe_json_kind(&load->json, key + 1) == SFE_JSON_OBJECT) {
            check_field(load, &record->fields[i], key + 1);
        }
        key = sfe_json_next(&load->json, map, key);
    }
}

static void check_record(struct config_load *load, const struct sfe_config_record *record,
                         uint32_t token)
{
    check_external_id(load, record, token);
    check_action(load, record, token);
    check_fields(load, record, load_member(load, token, "map"));
}

/* A repeat after a lost answer must be known from a new event. */
static void check_event(struct config_load *load, const struct sfe_config_record *event,
                        uint32_t entry)
{
    for (uint32_t i = 0; i < event->field_count; i++) {
        const char *from = event->fields[i].from;
        if (from != NULL && strstr(from, "{id}") != NULL) {
            return;
        }
    }
    if (event->field_count > 0) {
        load_mistake(load, blamed(load, entry, "map"),
                     "no field holds {id}: who gets an event twice could not know it; allowed: "
                     "with one, such as \"EventKey__c\": \"{id}\"");
    }
}

/* Records that are not upserted go one by one in a Composite, each by itself. */
static void check_actions(struct config_load *load, const struct sfe_config_output *output,
                          const struct sfe_config_record *record, uint32_t token)
{
    const uint32_t action = load_member(load, token, "action");
    const char *version = NULL;

    if (record->action == SFE_ACTION_UPSERT) {
        return;
    }
    if (output->all_or_none || (output->api != SFE_API_AUTO && output->api != SFE_API_COMPOSITE)) {
        load_mistake(load, action,
                     "only a Composite updates and deletes by external ID; allowed: with api "
                     "\"auto\" or \"composite\" and without \"all_or_none\"");
    }
    if (output->connection < load->config->connection_count) {
        version = load->config->connections[output->connection].salesforce.api_version;
    }
    if (record->action == SFE_ACTION_UPDATE && version != NULL &&
        strlen(version) == sizeof(UPDATE_VERSION) - 1u && strcmp(version, UPDATE_VERSION) < 0) {
        load_mistake(load, action,
                     "an org of an \"api_version\" before " UPDATE_VERSION " would create what is "
                     "not there; allowed: with a later one");
    }
}

/* What is no list of records. True where the output is of such a type. */
static bool check_single(struct config_load *load, const struct sfe_config_output *output,
                         uint32_t entry)
{
    if (output->type == SFE_OUTPUT_PLATFORM_EVENTS) {
        check_event(load, &output->event, entry);
        check_record(load, &output->event, entry);
        return true;
    }
    if (output->type == SFE_OUTPUT_MQTT) {
        check_mqtt_output(load, output, entry);
        check_fields(load, &output->event, load_member(load, entry, "map"));
        check_fields(load, &output->mqtt.properties, load_member(load, entry, "properties"));
        return true;
    }
    if (output->type == SFE_OUTPUT_FILE) {
        check_file_output(load, output, entry);
        check_fields(load, &output->event, load_member(load, entry, "map"));
        return true;
    }
#ifdef SFE_JQ
    if (output->type == SFE_OUTPUT_JQ && output->on_done < 0) {
        load_mistake(load, entry,
                     "nobody gets the results; allowed: with \"on_done\", the stream "
                     "for them");
    }
#endif
    return false;
}

static void check_output(struct config_load *load, const struct sfe_config_output *output,
                         uint32_t entry)
{
    uint32_t list = load_member(load, entry, "records");
    uint32_t token = SFE_JSON_NONE;

    if (output->api == SFE_API_BULK && output->order_by != NULL) {
        load_mistake(load, load_member(load, entry, "order_by"),
                     "\"order_by\" does not go with \"api\": \"bulk\": a job promises no order; "
                     "allowed: \"auto\", \"collections\" or \"composite\"");
    }
    if (output->all_or_none && output->api != SFE_API_AUTO && output->api != SFE_API_GRAPH) {
        load_mistake(load, load_member(load, entry, "all_or_none"),
                     "only a graph is all or none; allowed: with api \"auto\" or \"graph\"");
    }
    if (check_single(load, output, entry)) {
        return;
    }
    if (list != SFE_JSON_NONE && sfe_json_kind(&load->json, list) == SFE_JSON_ARRAY) {
        token = sfe_json_first(&load->json, list);
    }
    for (uint32_t i = 0; token != SFE_JSON_NONE && i < output->record_count; i++) {
        check_record(load, &output->records[i], token);
        check_actions(load, output, &output->records[i], token);
        token = sfe_json_next(&load->json, list, token);
    }
}

/* A platform event, or a payload, is the one record of its output. */
static void default_events(struct config_load *load)
{
    struct sfe_config_output *outputs = NULL;

    memcpy(&outputs, &load->config->outputs, sizeof(outputs));
    for (uint32_t i = 0; i < load->config->output_count; i++) {
        if (outputs[i].waits.key == NULL) { /* It names no stream, not the first one. */
            outputs[i].waits.stream = UINT32_MAX;
            outputs[i].waits.late = -1;
        }
        if (outputs[i].type == SFE_OUTPUT_MQTT) {
            outputs[i].event.object = "payload";
            outputs[i].mqtt.properties.object = "properties";
            outputs[i].mqtt.properties.place = outputs[i].place;
        }
        if (outputs[i].type == SFE_OUTPUT_FILE) {
            outputs[i].event.object = "line";
        }
        if (outputs[i].type == SFE_OUTPUT_PLATFORM_EVENTS || outputs[i].event.field_count > 0) {
            outputs[i].event.place = outputs[i].place;
            outputs[i].records = &outputs[i].event;
            outputs[i].record_count = 1;
        }
    }
}

/* Who masks a member looks for the rest as well, unless told not to. */
static void default_guards(struct config_load *load)
{
    struct sfe_config_input *inputs = NULL;
    uint32_t object;
    uint32_t key = load_named_first(load, "inputs", &object);

    memcpy(&inputs, &load->config->inputs, sizeof(inputs));
    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->input_count; i++) {
        if (load_member(load, key + 1, "card_guard") == SFE_JSON_NONE) {
            inputs[i].card_guard = inputs[i].mask_count != 0;
        }
        key = sfe_json_next(&load->json, object, key);
    }
}

void check_all(struct config_load *load)
{
    uint32_t object;
    uint32_t key = load_named_first(load, "outputs", &object);

    SFE_ASSERT(load->failure == SFE_OK);
    check_connections(load);
    check_streams(load);
    default_guards(load);
    check_http_inputs(load);
    check_watch(load);
    check_identities(load);
    check_channels(load);
    check_queries(load);
    check_asks(load);
    check_http_outputs(load);
    check_files_inputs(load);
    check_answers(load);
    default_events(load);
    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->output_count; i++) {
        check_output(load, &load->config->outputs[i], key + 1);
        key = sfe_json_next(&load->json, object, key);
    }
}
