#include "config/keys.h"

#include "base/assert.h"
#include "config/config.h"

#define SECOND 1000000000ull
#define MINUTE (60u * SECOND)
#define HOUR   (60u * MINUTE)
#define KIB    1024ull
#define MIB    (1024u * KIB)
#define GIB    (1024u * MIB)

#define ROW(section_, key_, kind_)                                                                 \
    .section = SFE_SECTION_##section_, .key = (key_), .kind = SFE_KEY_##kind_
#define TO(structure, member)                                                                      \
    .offset = offsetof(structure, member), .size = sizeof(((structure *)NULL)->member)
#define COUNTED(structure, member, count)                                                          \
    TO(structure, member), .count_offset = offsetof(structure, count)

#define CONFIG     struct sfe_config
#define CONNECTION struct sfe_config_connection
#define STREAM     struct sfe_config_stream
#define INPUT      struct sfe_config_input
#define OUTPUT     struct sfe_config_output
#define RECORD     struct sfe_config_record
#define FIELD      struct sfe_config_field

/* clang-format off */
static const struct config_key table[] = {
    {ROW(ROOT, "$schema", TEXT), .help = "Where the JSON Schema of this file is, for editors."},
    {ROW(ROOT, "agent", SECTION), .of = SFE_SECTION_AGENT, .required = true,
     .help = "The gateway itself."},
    {ROW(ROOT, "connections", NAMED), .of = SFE_SECTION_CONNECTION, .max = SFE_CONNECTIONS_MAX,
     COUNTED(CONFIG, connections, connection_count),
     .help = "Brokers and orgs, by a name of your choice."},
    {ROW(ROOT, "streams", NAMED), .of = SFE_SECTION_STREAM, .max = SFE_STREAMS_MAX,
     COUNTED(CONFIG, streams, stream_count),
     .help = "Durable logs on flash between inputs and outputs, by name. The stream dead always "
             "exists; it has a quota of 16MiB unless it is declared here."},
    {ROW(ROOT, "inputs", NAMED), .of = SFE_SECTION_INPUT, .max = SFE_INPUTS_MAX,
     COUNTED(CONFIG, inputs, input_count), .help = "What appends events to streams, by name."},
    {ROW(ROOT, "outputs", NAMED), .of = SFE_SECTION_OUTPUT, .max = SFE_OUTPUTS_MAX,
     COUNTED(CONFIG, outputs, output_count), .help = "What reads streams and delivers, by name."},
    {ROW(ROOT, "watch", SECTION), .of = SFE_SECTION_WATCH, .help = "What is kept to be looked at."},

    {ROW(AGENT, "id", TEXT), TO(CONFIG, agent.id), .required = true, .min = 1, .max = 64,
     .help = "Names this gateway; no two may have the same."},
    {ROW(AGENT, "state", FILE), TO(CONFIG, agent.state), .fallback = "/var/lib/sfedge",
     .help = "Folder of the streams; needs to be on flash that survives a restart."},
    {ROW(AGENT, "log", WORD), TO(CONFIG, agent.log_level), .fallback = "info",
     .allowed = "error|warning|info|debug", .help = "The least urgent level that is logged."},
    {ROW(AGENT, "event_max", SIZE), TO(CONFIG, agent.event_bytes_max), .fallback = "256KiB",
     .min = KIB, .max = SFE_EVENT_BYTES_MAX_LIMIT,
     .help = "The largest payload taken; of a larger one the beginning goes to the dead letters."},
    {ROW(AGENT, "stop_timeout", DURATION), TO(CONFIG, agent.stop_timeout_ns), .fallback = "10s",
     .min = SECOND, .max = 10 * MINUTE,
     .help = "How long requests under way may take to end when the agent is stopped."},
    {ROW(AGENT, "quota", SIZE), TO(CONFIG, agent.quota_bytes), .min = 4u * SFE_SEGMENT_BYTES_MIN,
     .max = 1024 * GIB, .place_offset = offsetof(CONFIG, agent.quota_place),
     .help = "Flash that all streams may take together. The quotas of dead and of streams of "
             "higher priority are kept for them; a stream that finds no room does what its "
             "when_full says. Default: what their quotas come to."},
    {ROW(AGENT, "flash", SECTION), .of = SFE_SECTION_FLASH, .help = "The medium: tells its life."},
    {ROW(FLASH, "size", SIZE), TO(CONFIG, agent.flash_bytes), .required = true, .min = MIB,
     .max = 1024 * GIB, .help = "Its size."},
    {ROW(FLASH, "cycles", WHOLE), TO(CONFIG, agent.flash_cycles), .required = true, .min = 1,
     .max = 10000000, .help = "How often its cells can be written, by its maker's word."},

    {ROW(WATCH, "trace", WHOLE), TO(CONFIG, watch.trace), .fallback = "512", .max = 16384,
     .help = "So many of the last answers are kept in memory for sfedge trace, some 400 bytes "
             "each; 0: none."},

    {ROW(CONNECTION, "type", WORD), TO(CONNECTION, type), .required = true,
     .allowed = "mqtt|salesforce", .help = "What is at the other end."},
    {ROW(CONNECTION, "plain", FLAG), TO(CONNECTION, plain), .fallback = "false",
     .help = "Allows mqtt:// and http:// to other hosts than this one: anyone on the way can "
             "read and change what passes."},
    {ROW(CONNECTION, "url", MQTT_URL), .only = "mqtt", .required = true, .allowed = "mqtt|mqtts",
     COUNTED(CONNECTION, mqtt.brokers, mqtt.broker_count), .min = 1, .max = SFE_BROKERS_MAX,
     .help = "The broker: its host, and its port where it is not 8883 (mqtts) or 1883 (mqtt). "
             "With a list the others stand in while the first does not answer."},
    {ROW(CONNECTION, "version", WORD), .only = "mqtt", TO(CONNECTION, mqtt.version),
     .fallback = "5", .allowed = "5|3.1.1", .help = "Version of MQTT that the broker speaks."},
    {ROW(CONNECTION, "client_id", TEXT), .only = "mqtt", TO(CONNECTION, mqtt.client_id), .max = 256,
     .help = "MQTT client id; must stay the same, as the broker keeps the session under it. "
             "Default: sfedge- and the id of the agent."},
    {ROW(CONNECTION, "username", TEXT), .only = "mqtt", TO(CONNECTION, mqtt.username),
     .help = "User name at the broker."},
    {ROW(CONNECTION, "password_file", FILE), .only = "mqtt", TO(CONNECTION, mqtt.password_file),
     .help = "File that holds the password; others must not be able to read it."},
    {ROW(CONNECTION, "tls", SECTION), .only = "mqtt", .of = SFE_SECTION_MQTT_TLS,
     .help = "How the broker is trusted, and who we are to it; for mqtts://. Its certificate and "
             "its name are checked always."},
    {ROW(CONNECTION, "will", SECTION), .only = "mqtt", .of = SFE_SECTION_MQTT_WILL,
     .help = "Message that the broker publishes for us when the connection breaks."},
    {ROW(CONNECTION, "password", SECRET), .only = "mqtt", TO(CONNECTION, mqtt.password),
     .help = "Where the password is: env:NAME or credential:NAME."},
    {ROW(CONNECTION, "keep_alive", DURATION), .only = "mqtt", TO(CONNECTION, mqtt.keep_alive_ns),
     .fallback = "30s", .min = 5 * SECOND, .max = 18 * HOUR, .step = SECOND,
     .help = "How often the connection is probed."},
    {ROW(CONNECTION, "session_expiry", DURATION), .only = "mqtt",
     TO(CONNECTION, mqtt.session_expiry_ns), .fallback = "7d", .min = SECOND,
     .max = 24855 * 24 * HOUR, .step = SECOND,
     .help = "How long the broker keeps messages for us while we are away."},
    {ROW(CONNECTION, "receive_maximum", WHOLE), .only = "mqtt",
     TO(CONNECTION, mqtt.receive_maximum), .fallback = "1000", .min = 1, .max = 65535,
     .help = "Messages the broker may send before the first is acknowledged."},
    {ROW(CONNECTION, "login_url", HTTP_URL), .only = "salesforce",
     TO(CONNECTION, salesforce.login_url), .required = true, .allowed = "https|http",
     .help = "Where tokens are asked for: https://login.salesforce.com, "
             "https://test.salesforce.com, or My Domain."},
    {ROW(CONNECTION, "api_version", VERSION), .only = "salesforce",
     TO(CONNECTION, salesforce.api_version), .fallback = "v62.0",
     .help = "Version of the REST API."},
    {ROW(CONNECTION, "auth", SECTION), .only = "salesforce", .required = true,
     .of = SFE_SECTION_AUTH, .help = "How the agent logs in."},
    {ROW(CONNECTION, "tls", SECTION), .only = "salesforce", .of = SFE_SECTION_SALESFORCE_TLS,
     .help = "How the org is trusted."},
    {ROW(CONNECTION, "connect_timeout", DURATION), .only = "salesforce",
     TO(CONNECTION, salesforce.connect_timeout_ns), .fallback = "15s", .min = SECOND,
     .max = 5 * MINUTE, .help = "How long a connection may take to open."},
    {ROW(CONNECTION, "request_timeout", DURATION), .only = "salesforce",
     TO(CONNECTION, salesforce.request_timeout_ns), .fallback = "120s", .min = SECOND,
     .max = 10 * MINUTE, .help = "How long a request may take; then it is tried again."},
    {ROW(CONNECTION, "compress", FLAG), .only = "salesforce", TO(CONNECTION, salesforce.compress),
     .fallback = "true", .help = "Sends bodies over 1 KiB as gzip."},
    {ROW(CONNECTION, "daily_calls", WHOLE), .only = "salesforce",
     TO(CONNECTION, salesforce.daily_calls), .fallback = "0", .max = 100000000,
     .help = "API calls that this gateway may begin in 24 hours; from half of them on it sends "
             "fewer and fuller requests. 0: no part of its own."},
    {ROW(CONNECTION, "daily_reserve", WHOLE), .only = "salesforce",
     TO(CONNECTION, salesforce.daily_reserve), .fallback = "10", .max = 90,
     .help = "Percent of daily_calls, and of the org's own limit, that are kept for streams with a "
             "priority."},
    {ROW(CONNECTION, "proxy", SECTION), .only = "salesforce", .of = SFE_SECTION_PROXY,
     .help = "The way out, where there is no straight one."},
    {ROW(CONNECTION, "interface", INTERFACE), .only = "salesforce",
     TO(CONNECTION, salesforce.interface),
     .help = "Network interface, or address of this device, that requests leave from."},

    {ROW(AUTH, "flow", WORD), TO(CONNECTION, salesforce.flow), .fallback = "jwt-bearer",
     .allowed = "jwt-bearer|client-credentials|refresh-token",
     .help = "OAuth 2.0 flow. client-credentials is answered at a My Domain only."},
    {ROW(AUTH, "client_id", TEXT), TO(CONNECTION, salesforce.client_id), .required = true,
     .help = "Consumer key of the connected app."},
    {ROW(AUTH, "username", TEXT), .only = "jwt-bearer", TO(CONNECTION, salesforce.username),
     .required = true, .help = "The user that the agent acts for."},
    {ROW(AUTH, "audience", HTTP_URL), .only = "jwt-bearer", TO(CONNECTION, salesforce.audience),
     .allowed = "https|http",
     .help = "Audience of the JWT: https://login.salesforce.com, or https://test.salesforce.com "
             "for a sandbox, where login_url is a My Domain. Default: login_url."},
    {ROW(AUTH, "key_file", FILE), .only = "jwt-bearer", TO(CONNECTION, salesforce.key_file),
     .help = "File of the private key (PEM); others must not be able to read it."},
    {ROW(AUTH, "key", SECRET), .only = "jwt-bearer", TO(CONNECTION, salesforce.key),
     .help = "Where the private key (PEM) is: env:NAME or credential:NAME."},
    {ROW(AUTH, "client_secret_file", FILE), .only = "client-credentials|refresh-token",
     TO(CONNECTION, salesforce.client_secret_file),
     .help = "File of the app's consumer secret; others must not be able to read it."},
    {ROW(AUTH, "client_secret", SECRET), .only = "client-credentials|refresh-token",
     TO(CONNECTION, salesforce.client_secret),
     .help = "Where the consumer secret is: env:NAME or credential:NAME."},
    {ROW(AUTH, "refresh_token_file", FILE), .only = "refresh-token",
     TO(CONNECTION, salesforce.refresh_token_file),
     .help = "File of refresh tokens, a line each, 1 to 5, every one of an approval of its own; "
             "others must not be able to read it. The next is used when the org ends one."},
    {ROW(AUTH, "refresh_token", SECRET), .only = "refresh-token",
     TO(CONNECTION, salesforce.refresh_token),
     .help = "Where the refresh tokens are: env:NAME or credential:NAME."},

    {ROW(MQTT_TLS, "ca_file", FILE), TO(CONNECTION, mqtt.tls_ca_file),
     .help = "Certificates that are trusted (PEM). Default: those of the system."},
    {ROW(MQTT_TLS, "cert_file", FILE), TO(CONNECTION, mqtt.tls_cert_file),
     .help = "Our own certificate (PEM), and those between it and its authority."},
    {ROW(MQTT_TLS, "key_file", FILE), TO(CONNECTION, mqtt.tls_key_file),
     .help = "Its private key (PEM); others must not be able to read it."},
    {ROW(MQTT_TLS, "alpn", TEXT), TO(CONNECTION, mqtt.tls_alpn), .max = 255,
     .help = "Protocol to name in the handshake, for brokers that share a port, such as "
             "x-amzn-mqtt-ca."},

    {ROW(MQTT_WILL, "topic", TEXT), TO(CONNECTION, mqtt.will.topic), .required = true,
     .max = 1024, .help = "Its topic."},
    {ROW(MQTT_WILL, "payload", TEXT), TO(CONNECTION, mqtt.will.payload), .max = 32768,
     .help = "Its payload. Default: none."},
    {ROW(MQTT_WILL, "qos", WHOLE), TO(CONNECTION, mqtt.will.qos), .fallback = "1", .max = 1,
     .help = "Its QoS."},
    {ROW(MQTT_WILL, "retain", FLAG), TO(CONNECTION, mqtt.will.retain), .fallback = "false",
     .help = "Whether the broker keeps it for those who subscribe later."},

    {ROW(SALESFORCE_TLS, "ca_file", FILE), TO(CONNECTION, salesforce.ca_file),
     .help = "Certificates that are trusted (PEM). Default: those of the system."},
    {ROW(SALESFORCE_TLS, "cert_file", FILE), TO(CONNECTION, salesforce.cert_file),
     .help = "Our own certificate, and those it hangs on (PEM), for an org that asks for one."},
    {ROW(SALESFORCE_TLS, "key_file", FILE), TO(CONNECTION, salesforce.cert_key_file),
     .help = "File of its private key (PEM); others must not be able to read it."},
    {ROW(SALESFORCE_TLS, "key", SECRET), TO(CONNECTION, salesforce.cert_key),
     .help = "Where its private key (PEM) is: env:NAME or credential:NAME."},

    {ROW(PROXY, "url", HTTP_URL), TO(CONNECTION, salesforce.proxy_url), .required = true,
     .allowed = "http|https",
     .help = "The proxy. It must allow CONNECT; what passes is encrypted from here to the org."},
    {ROW(PROXY, "username", TEXT), TO(CONNECTION, salesforce.proxy_username), .max = 256,
     .help = "User name at the proxy."},
    {ROW(PROXY, "password_file", FILE), TO(CONNECTION, salesforce.proxy_password_file),
     .help = "File that holds the password; others must not be able to read it."},
    {ROW(PROXY, "password", SECRET), TO(CONNECTION, salesforce.proxy_password),
     .help = "Where the password is: env:NAME or credential:NAME."},
    {ROW(PROXY, "no_proxy", HOSTS), COUNTED(CONNECTION, salesforce.no_proxy,
     salesforce.no_proxy_count), .max = 32,
     .help = "Hosts, domains (with all below them) and networks such as 10.0.0.0/8 that are "
             "reached without the proxy."},

    {ROW(STREAM, "quota", SIZE), TO(STREAM, quota_bytes), .fallback = "64MiB",
     .min = 4u * SFE_SEGMENT_BYTES_MIN, .max = 1024 * GIB, .note = "at least 4 segments",
     .help = "Flash it may take; at least 4 segments."},
    {ROW(STREAM, "when_full", WORD), TO(STREAM, when_full), .fallback = "block",
     .allowed = "block|drop-oldest|drop-newest", 
     .help = "What happens at the quota. block: nothing more is taken, the sender keeps it. "
             "drop-oldest: the oldest files are deleted, delivered or not. drop-newest: what comes "
             "is taken and not kept. What is dropped is counted."},
    {ROW(STREAM, "linger", DURATION), TO(STREAM, linger_ns), .fallback = "0s", .max = 10 * SECOND,
     .help = "How long a write may wait for more events, to spare the flash; adds latency, "
             "never risk."},
    {ROW(STREAM, "segment", SIZE), TO(STREAM, segment_bytes), .fallback = "1MiB",
     .min = SFE_SEGMENT_BYTES_MIN, .max = SFE_SEGMENT_BYTES_MAX, .step = SFE_STEP_POWER_OF_TWO,
     .help = "Size of its files."},
    {ROW(STREAM, "encrypt", FLAG), TO(STREAM, encrypt), .fallback = "false",
     .help = "Encrypts what is on flash, with AES-256-GCM; needs encrypt_key_file, and a stream "
             "dead that is encrypted too."},
    {ROW(STREAM, "encrypt_key_file", FILE), TO(STREAM, encrypt_key_file),
     .help = "File that holds the key, 32 bytes or 64 hexadecimal digits; others must not be able "
             "to read it. Without it what is on flash is lost."},
    {ROW(STREAM, "encrypt_old_key_files", FILES),
     COUNTED(STREAM, encrypt_old_key_files, encrypt_old_key_count), .min = 1,
     .max = SFE_OLD_KEYS_MAX,
     .help = "Keys used before: needed until what was encrypted with them is delivered."},
    {ROW(STREAM, "priority", WHOLE), TO(STREAM, priority), .fallback = "0", .max = 1000,
     .help = "Streams of a higher one are delivered first, and keep their quota within that of "
             "the agent."},
    {ROW(STREAM, "thin", SECTION), .of = SFE_SECTION_THIN,
     .help = "Thins the stream out before it drops; with drop-oldest and drop-newest only."},

    {ROW(THIN, "from_percent", WHOLE), TO(STREAM, thin.from_percent), .fallback = "75", .min = 6,
     .max = 99, .help = "From this share of the quota on."},
    {ROW(THIN, "keep_every", WHOLE), TO(STREAM, thin.keep_every), .required = true, .min = 2,
     .max = 1000000, .help = "Of so many events of a key one is kept. The others are counted."},
    {ROW(THIN, "key", TEMPLATE), TO(STREAM, thin.key), .fallback = "{topic}",
     .place_offset = offsetof(STREAM, thin.key_place), .help = "Of {topic}, {topic.N}, {source}."},

    {ROW(INPUT, "type", WORD), TO(INPUT, type), .required = true,
     .allowed = "mqtt|http|files|salesforce-events|salesforce-query",
     .later = "salesforce-events|salesforce-query", .help = "Where events come from."},
    {ROW(INPUT, "connection", CONNECTION), .only = "mqtt", TO(INPUT, connection),
     .required = true, .allowed = "mqtt", .help = "The broker, by its name in connections."},
    {ROW(INPUT, "topic", TOPIC), .only = "mqtt", TO(INPUT, topic), .required = true,
     .help = "Topic filter to subscribe to."},
    {ROW(INPUT, "qos", WHOLE), .only = "mqtt", TO(INPUT, qos), .fallback = "1", .max = 1,
     .note = "at most 1: exactly-once is made by event identity",
     .help = "1: acknowledged once it is on flash. 0: it may be lost on the way to us."},
    {ROW(INPUT, "stream", STREAM), TO(INPUT, stream), .required = true,
     .help = "The stream that events are appended to."},
    {ROW(INPUT, "retained", WORD), .only = "mqtt", TO(INPUT, retained), .fallback = "take",
     .allowed = "take|ignore", .help = "Whether retained messages are events."},
    {ROW(INPUT, "identity", WORD), .only = "mqtt|files", TO(INPUT, identity_rule),
     .fallback = "content", .allowed = "content|arrival",
     .help = "content: the same topic and payload is one event; of files, the same line behind "
             "the same lines of a file of the same name. arrival: each message is one; each file "
             "is new."},
    {ROW(INPUT, "mask", TEXTS), COUNTED(INPUT, mask, mask_count), .max = 64,
     .help = "Members of a JSON payload, at any depth, whose values are masked to their last 4 "
             "characters before anything is written. Card verification values, PINs and magnetic "
             "stripes become null."},
    {ROW(INPUT, "card_guard", FLAG), TO(INPUT, card_guard),
     .help = "Looks for card numbers wherever they stand, in payload and topic, and masks them to "
             "their last 4 digits before anything is written. Default: true where there is mask."},
    {ROW(INPUT, "listen", TEXT), .only = "http", TO(INPUT, http.listen), .required = true,
     .note = "an address and a port, \"127.0.0.1:8088\" or \"[::1]:8088\"",
     .help = "Address and port to listen at. Each input has its own."},
    {ROW(INPUT, "plain", FLAG), .only = "http", TO(INPUT, http.plain), .fallback = "false",
     .help = "Allows to listen beyond loopback, without encryption: anyone on the way can read and "
             "change what passes."},
    {ROW(INPUT, "path", TEXT), .only = "http", TO(INPUT, http.path), .required = true,
     .max = SFE_HTTP_PATH_BYTES_MAX,
     .help = "Path that events are posted to; without its first slash it is their topic: of "
             "/pos/sales {topic.0} is pos."},
    {ROW(INPUT, "auth", SECTION), .only = "http", .of = SFE_SECTION_HTTP_AUTH, .required = true,
     .help = "Who may send."},
    {ROW(INPUT, "identity", POINTER), .only = "http", TO(INPUT, http.identity),
     .help = "Pointer to the value that tells an event from all others of this input, such as "
             "/sale_id. Default: the header Idempotency-Key and the event's place in the request, "
             "and without that header the event's content."},
    {ROW(INPUT, "request_max", SIZE), .only = "http", TO(INPUT, http.request_bytes_max),
     .fallback = "256KiB", .min = KIB, .max = SFE_HTTP_REQUEST_BYTES_MAX,
     .help = "The largest body of a request. Each connection has a buffer of this size."},
    {ROW(INPUT, "request_timeout", DURATION), .only = "http", TO(INPUT, http.request_timeout_ns),
     .fallback = "30s", .min = SECOND, .max = 10 * MINUTE,
     .help = "How long a request may take to come, and then to become durable."},
    {ROW(INPUT, "connections", WHOLE), .only = "http", TO(INPUT, http.connections),
     .fallback = "8", .min = 1, .max = SFE_HTTP_CONNECTIONS_MAX,
     .help = "Connections at once; the next one waits."},
    {ROW(INPUT, "rate", WHOLE), .only = "http", TO(INPUT, http.rate), .fallback = "100",
     .max = 100000, .help = "Requests a second that one address may make; 0: no limit."},
    {ROW(INPUT, "directory", FILE), .only = "files", TO(INPUT, files.directory), .required = true,
     .help = "Folder that is watched. The agent must be allowed to move files in it."},
    {ROW(INPUT, "format", WORD), .only = "files", TO(INPUT, files.format), .required = true,
     .allowed = "csv|json|ndjson",
     .help = "csv: each row is an event, an object of texts. json: a file is one object, or a list "
             "of them. ndjson: each line is an object."},
    {ROW(INPUT, "pattern", TEXT), .only = "files", TO(INPUT, files.pattern), .max = 128,
     .help = "Names of the files: * is any text, ? one character; capitals are as small letters. "
             "Default: *.csv, *.json or *.ndjson."},
    {ROW(INPUT, "complete", WORD), .only = "files", TO(INPUT, files.complete),
     .fallback = "settled", .allowed = "settled|marker",
     .help = "When a file is whole. settled: it has not changed for settle. marker: a file of its "
             "name and .done or .ok stands beside it as well."},
    {ROW(INPUT, "settle", DURATION), .only = "files", TO(INPUT, files.settle_ns),
     .fallback = "5s", .max = 24 * HOUR,
     .help = "How long a file must not have changed. 0s where files are renamed into place."},
    {ROW(INPUT, "delimiter", WORD), .only = "files", TO(INPUT, files.delimiter),
     .fallback = "comma", .allowed = "comma|semicolon|tab|pipe",
     .help = "What stands between the fields of a row of csv."},
    {ROW(INPUT, "columns", TEXTS), .only = "files",
     COUNTED(INPUT, files.columns, files.column_count), .max = 512,
     .help = "Names of the columns of csv. Default: the first line of each file has them."},
    {ROW(INPUT, "encoding", WORD), .only = "files", TO(INPUT, files.encoding),
     .fallback = "utf-8", .allowed = "utf-8|windows-1252",
     .help = "Encoding of csv; windows-1252 reads ISO 8859-1 too."},
    {ROW(INPUT, "done", TEXT), .only = "files", TO(INPUT, files.done), .fallback = "done",
     .max = 64, .help = "Folder inside directory for files that are taken."},
    {ROW(INPUT, "failed", TEXT), .only = "files", TO(INPUT, files.failed), .fallback = "failed",
     .max = 64, .help = "Folder inside directory for files that are none of their format."},
    {ROW(INPUT, "keep_done", WHOLE), .only = "files", TO(INPUT, files.keep_done),
     .fallback = "1000", .max = 100000,
     .help = "So many files stay in done, and a few more; the oldest go. 0: none is kept."},
    {ROW(INPUT, "keep_done_size", SIZE), .only = "files", TO(INPUT, files.keep_done_bytes),
     .fallback = "64MiB", .min = KIB, .max = 1024 * GIB, .help = "And so many bytes."},
    {ROW(INPUT, "connection", CONNECTION), .only = "salesforce-events|salesforce-query",
     .allowed = "salesforce", .help = "The org, by its name in connections."},
    {ROW(INPUT, "channel", TEXT), .only = "salesforce-events", .help = "Channel to subscribe to."},
    {ROW(INPUT, "on_stale_replay", TEXT), .only = "salesforce-events",
     .help = "Where to begin when the stored place is too old."},
    {ROW(INPUT, "query", TEXT), .only = "salesforce-query", .help = "The query."},
    {ROW(INPUT, "every", DURATION), .only = "salesforce-query", .help = "How often it is asked."},

    {ROW(HTTP_AUTH, "bearer_file", FILE), TO(INPUT, http.bearer_file),
     .help = "File that holds the bearer token that a sender must show; others must not be able to "
             "read it."},
    {ROW(HTTP_AUTH, "bearer", SECRET), TO(INPUT, http.bearer),
     .help = "Where that token is: env:NAME or credential:NAME."},
    {ROW(HTTP_AUTH, "hmac_file", FILE), TO(INPUT, http.hmac_file),
     .help = "File that holds the key with which a sender signs the body (HMAC-SHA256); others "
             "must not be able to read it."},
    {ROW(HTTP_AUTH, "hmac", SECRET), TO(INPUT, http.hmac),
     .help = "Where that key is: env:NAME or credential:NAME."},
    {ROW(HTTP_AUTH, "hmac_header", TEXT), TO(INPUT, http.hmac_header), .fallback = "X-Signature",
     .max = 64,
     .help = "Header that holds the signature, in hexadecimal or base64, sha256= before it or "
             "not."},
    {ROW(HTTP_AUTH, "none", FLAG), TO(INPUT, http.is_open), .note = "only true says something",
     .help = "true: whoever reaches the address may send."},

    {ROW(OUTPUT, "type", WORD), TO(OUTPUT, type), .required = true,
     .allowed = "salesforce-records|mqtt|http|salesforce-platform-events",
     .later = "http", .help = "Where events go."},
    {ROW(OUTPUT, "connection", CONNECTION), .only = "salesforce-records|salesforce-platform-events",
     TO(OUTPUT, connection), .required = true, .allowed = "salesforce",
     .help = "The org, by its name in connections."},
    {ROW(OUTPUT, "from", STREAMS), COUNTED(OUTPUT, from, from_count), .required = true,
     .max = SFE_STREAMS_MAX, .help = "The stream or streams that are read."},
    {ROW(OUTPUT, "records", LIST), .only = "salesforce-records", .of = SFE_SECTION_RECORD,
     COUNTED(OUTPUT, records, record_count), .required = true, .min = 1,
     .max = SFE_RECORDS_PER_OUTPUT_MAX,
     .help = "What becomes of each event; parents before their children."},
    {ROW(OUTPUT, "order_by", TEMPLATE),
     .only = "salesforce-records|salesforce-platform-events|mqtt", TO(OUTPUT, order_by),
     .place_offset = offsetof(OUTPUT, order_by_place),
     .help = "Events of the same text keep their order. Default: the first record's external ID, "
             "or the topic."},
    {ROW(OUTPUT, "batch_age", DURATION),
     .only = "salesforce-records|salesforce-platform-events", TO(OUTPUT, batch_age_ns),
     .fallback = "1s", .max = HOUR, .help = "How long an event may wait for company."},
    {ROW(OUTPUT, "api", WORD), .only = "salesforce-records", TO(OUTPUT, api), .fallback = "auto",
     .allowed = "auto|collections|composite|graph|bulk",
     .help = "collections: one a call. composite: up to five of them in one call, parents before "
             "children. graph: a Composite Graph, as all_or_none asks for. bulk: jobs of Bulk API "
             "2.0. auto: a graph with all_or_none; else what takes the fewest calls."},
    {ROW(OUTPUT, "all_or_none", FLAG), .only = "salesforce-records", TO(OUTPUT, all_or_none),
     .fallback = "false", .help = "An event's records (500 at most) are written all or none."},
    {ROW(OUTPUT, "bulk_from", WHOLE), .only = "salesforce-records", TO(OUTPUT, bulk_from),
     .fallback = "2000", .max = 1000000,
     .help = "api auto: so many waiting events, the oldest for bulk_age, go by bulk. 0: never."},
    {ROW(OUTPUT, "bulk_records", WHOLE), .only = "salesforce-records", TO(OUTPUT, bulk_records),
     .fallback = "10000", .min = 200, .max = 100000, .help = "Records in one bulk job at most."},
    {ROW(OUTPUT, "bulk_age", DURATION), .only = "salesforce-records", TO(OUTPUT, bulk_age_ns),
     .fallback = "1m", .max = HOUR, .help = "As batch_age, with api bulk; auto: see bulk_from."},
    {ROW(OUTPUT, "batch_records", WHOLE),
     .only = "salesforce-records|salesforce-platform-events", TO(OUTPUT, batch_records),
     .fallback = "200", .min = 1, .max = SFE_COLLECTION_RECORDS_MAX,
     .help = "Records in one Collections at most; a Composite holds five of them."},
    {ROW(OUTPUT, "requests_in_flight", WHOLE),
     .only = "salesforce-records|salesforce-platform-events", TO(OUTPUT, requests_in_flight),
     .fallback = "4", .min = 1, .max = SFE_REQUESTS_IN_FLIGHT_MAX, .help = "Requests at once."},
    {ROW(OUTPUT, "past_share", FLAG), .only = "salesforce-records|salesforce-platform-events",
     TO(OUTPUT, past_share), .fallback = "false",
     .help = "Goes on when the connection's daily_calls are used up."},
    {ROW(OUTPUT, "gaps", FLAG), .only = "salesforce-records", TO(OUTPUT, gaps), .fallback = "false",
     .help = "Events that are missing, dropped or damaged, are delivered as one event that says "
             "which, how many and why, as the payload {\"gap\":{...}}. "
             "Otherwise they are passed over. Both are counted."},
    {ROW(OUTPUT, "on_done", STREAM), .later = SFE_LATER, TO(OUTPUT, on_done),
     .help = "Stream for what came back when an event was delivered."},
    {ROW(OUTPUT, "on_dead", STREAM), .later = SFE_LATER,
     .help = "Stream for what came back when it could not be."},
    {ROW(OUTPUT, "where", WHERE), COUNTED(OUTPUT, where, where_count),
     .help = "Which events are taken; the others are passed over and counted. A pointer into the "
             "payload, or topic, with a value or with eq, ne, lt, le, gt, ge, in, matches (a "
             "regular expression), exists; all, any and not combine. An event that cannot be "
             "judged is a dead letter."},
    {ROW(OUTPUT, "connection", CONNECTION), .only = "mqtt", TO(OUTPUT, connection),
     .required = true, .allowed = "mqtt", .help = "The broker, by its name in connections."},
    {ROW(OUTPUT, "topic", TEMPLATE), .only = "mqtt", TO(OUTPUT, mqtt.topic), .required = true,
     .place_offset = offsetof(OUTPUT, mqtt.topic_place),
     .help = "Topic of the message. A value in it that is empty or holds + # / makes the event a "
             "dead letter; {topic} may hold a slash."},
    {ROW(OUTPUT, "payload", TEMPLATE), .only = "mqtt", TO(OUTPUT, mqtt.payload),
     .place_offset = offsetof(OUTPUT, mqtt.payload_place),
     .help = "Payload of the message. Default: map, or else the event's payload as it is."},
    {ROW(OUTPUT, "map", MAP), .only = "mqtt", .of = SFE_SECTION_FIELD,
     COUNTED(OUTPUT, event.fields, event.field_count), .min = 1, .max = SFE_FIELDS_PER_RECORD_MAX,
     .help = "The payload as a JSON object of these fields, as in map of a record."},
    {ROW(OUTPUT, "qos", WHOLE), .only = "mqtt", TO(OUTPUT, mqtt.qos), .fallback = "1", .max = 1,
     .note = "at most 1: a subscriber knows a repeat by event-id",
     .help = "1: settled by the broker's PUBACK. 0: it may be lost on the way to the broker."},
    {ROW(OUTPUT, "retain", FLAG), .only = "mqtt", TO(OUTPUT, mqtt.retain), .fallback = "false",
     .help = "Whether the broker keeps the message for those who subscribe later."},
    {ROW(OUTPUT, "expiry", DURATION), .only = "mqtt", TO(OUTPUT, mqtt.expiry_ns),
     .min = SECOND, .max = 365 * 24 * HOUR,
     .help = "How long after the event the message is of use: an older event is a dead letter, and "
             "the broker drops what it could not hand on by then. Default: always."},
    {ROW(OUTPUT, "content_type", TEMPLATE), .only = "mqtt", TO(OUTPUT, mqtt.content_type),
     .place_offset = offsetof(OUTPUT, mqtt.content_type_place),
     .help = "Content type of the message."},
    {ROW(OUTPUT, "response_topic", TEMPLATE), .only = "mqtt", TO(OUTPUT, mqtt.response_topic),
     .place_offset = offsetof(OUTPUT, mqtt.response_topic_place),
     .help = "Topic that an answer is expected at."},
    {ROW(OUTPUT, "correlation", TEMPLATE), .only = "mqtt", TO(OUTPUT, mqtt.correlation),
     .place_offset = offsetof(OUTPUT, mqtt.correlation_place),
     .help = "Correlation data, by which an answer is known."},
    {ROW(OUTPUT, "properties", MAP), .only = "mqtt", .of = SFE_SECTION_FIELD,
     COUNTED(OUTPUT, mqtt.properties.fields, mqtt.properties.field_count), .min = 1, .max = 16,
     .help = "User properties of the message, as the fields of map."},
    {ROW(OUTPUT, "event_id", FLAG), .only = "mqtt", TO(OUTPUT, mqtt.event_id), .fallback = "true",
     .help = "Sends {id} as user property event-id. A message whose answer was lost is published "
             "again, and subscribers know it by that."},
    {ROW(OUTPUT, "in_flight", WHOLE), .only = "mqtt", TO(OUTPUT, mqtt.in_flight),
     .fallback = "16", .min = 1, .max = SFE_MESSAGES_IN_FLIGHT_MAX,
     .help = "Messages published at once and not yet acknowledged."},
    {ROW(OUTPUT, "loop", FLAG), .only = "mqtt", TO(OUTPUT, mqtt.loop), .fallback = "false",
     .help = "Allows a topic that an input takes whose events come back to this output."},
    {ROW(OUTPUT, "method", TEXT), .only = "http", .help = "Method of the request."},
    {ROW(OUTPUT, "url", HTTP_URL), .only = "http", .allowed = "https|http", .help = "Its address."},
    {ROW(OUTPUT, "body", ANY), .only = "http", .help = "Its body."},
    {ROW(OUTPUT, "event", IDENTIFIER), .only = "salesforce-platform-events",
     TO(OUTPUT, event.object), .required = true,
     .help = "Name of the platform event: DeviceAlert__e."},
    {ROW(OUTPUT, "map", MAP), .only = "salesforce-platform-events", .of = SFE_SECTION_FIELD,
     COUNTED(OUTPUT, event.fields, event.field_count), .required = true, .min = 1,
     .max = SFE_FIELDS_PER_RECORD_MAX,
     .help = "Its fields, as in map of a record. One of them must hold {id}: an event whose answer "
             "was lost is published again, and subscribers know it by that."},

    {ROW(RECORD, "object", IDENTIFIER), TO(RECORD, object), .required = true,
     .help = "Object in Salesforce."},
    {ROW(RECORD, "external_id", IDENTIFIER), TO(RECORD, external_id), .required = true,
     .help = "Its external ID field, one of map: the same value is the same record."},
    {ROW(RECORD, "each", POINTER), TO(RECORD, each),
     .help = "Pointer to a list in the payload: one record for each element."},
    {ROW(RECORD, "action", WORD), TO(RECORD, action), .fallback = "upsert",
     .allowed = "upsert|update|delete", .help = "update: what is there. 24 a call, as delete."},
    {ROW(RECORD, "missing", WORD), TO(RECORD, missing), .fallback = "dead",
     .allowed = "dead|done", .help = "What an update of a record becomes that is not there."},
    {ROW(RECORD, "map", MAP), .of = SFE_SECTION_FIELD, COUNTED(RECORD, fields, field_count),
     .required = true, .min = 1, .max = SFE_FIELDS_PER_RECORD_MAX,
     .help = "Its fields. Text is a template: {/pointer}, {item:/pointer}, {topic.N}, {topic}, "
             "{id}, {seq}, {time}, {index}, {source}, {agent}, {payload}; {{ is a brace; "
             "{/sku|trim|upper} puts text through functions. A "
             "number, true, false or null is a constant. An object says more."},

    {ROW(FIELD, "from", TEMPLATE), TO(FIELD, from),
     .help = "Template, or a pointer into the payload."},
    {ROW(FIELD, "value", SCALAR), TO(FIELD, constant), .help = "A constant."},
    {ROW(FIELD, "type", WORD), TO(FIELD, type), .min = SFE_TYPE_STRING,
     .allowed = "string|double|int|boolean|date|datetime",
     .help = "What it becomes. Default: a lone {/pointer} keeps its type, all else is text."},
    {ROW(FIELD, "unit", WORD), TO(FIELD, unit), .fallback = "auto",
     .allowed = "auto|s|ms|us|ns|rfc3339", .help = "How a time is written; for date and datetime."},
    {ROW(FIELD, "zone", TEXT), TO(FIELD, zone), .max = 64,
     .help = "Time zone of times that are written without one, and of the day that a date is: "
             "Europe/Berlin, or its rule, CET-1CEST,M3.5.0,M10.5.0/3. For date and datetime."},
    {ROW(FIELD, "lookup", FILE), TO(FIELD, lookup),
     .help = "Table in which the value is looked up: a JSON object, or CSV of two columns under a "
             "heading. What is not in it has no value."},
    {ROW(FIELD, "default", SCALAR), TO(FIELD, default_value),
     .help = "Taken where the event has no value. Without it such an event is a dead letter."},
    {ROW(FIELD, "optional", FLAG), TO(FIELD, is_optional), .fallback = "false",
     .help = "Leaves the field out where the event has no value."},
    {ROW(FIELD, "scale", NUMBER), TO(FIELD, scale),
     .help = "The value, a number, is multiplied by it, exactly, before offset is added."},
    {ROW(FIELD, "offset", NUMBER), TO(FIELD, offset), .help = "Is added to the value, exactly."},
    {ROW(FIELD, "if", WHERE), COUNTED(FIELD, condition, condition_count),
     .help = "Conditions as in where: where they do not hold the field is default, or left out."},
};
/* clang-format on */

const struct config_key *keys_table(uint32_t *count)
{
    *count = sizeof(table) / sizeof(table[0]);
    return table;
}
