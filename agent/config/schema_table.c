#include "base/assert.h"
#include "config/schema_rows.h"

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
    {ROW(ROOT, "identities", NAMED), .of = SFE_SECTION_IDENTITY, .max = SFE_IDENTITIES_MAX,
     COUNTED(CONFIG, identities, identity_count),
     .help = "Senders that inputs of type http tell apart, by name: what each shows, and what it "
             "may send. {identity} in templates is the name."},
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
    {ROW(AGENT, "confirm_within", DURATION), TO(CONFIG, agent.confirm_within_ns), .min = SECOND,
     .max = 24 * 60 * MINUTE,
     .help = "A new configuration whose connections do not come up within this goes: the agent "
             "goes back to the one that was good last. Default: it stays."},
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

    {ROW(WATCH, "listen", TEXT), TO(CONFIG, watch.listen),
     .help = "Address and port where GET shows /metrics (for Prometheus), /healthz and /readyz to "
             "whoever asks, such as 127.0.0.1:9471. Default: nowhere."},
    {ROW(WATCH, "plain", FLAG), TO(CONFIG, watch.plain), .fallback = "false",
     .help = "Allows an address beyond loopback for listen: anyone who reaches it sees names of "
             "streams and outputs, and how much passes; nothing is encrypted."},
    {ROW(WATCH, "still", DURATION), TO(CONFIG, watch.still_ns), .fallback = "5m", .min = SECOND,
     .max = 7 * 24 * HOUR,
     .help = "Where events wait and none of them was settled for so long, /readyz says so."},

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
     .help = "Percent of daily_calls, daily_bytes and the org's own limit that are kept for "
             "streams with a priority."},
    {ROW(CONNECTION, "daily_bytes", SIZE), .only = "salesforce",
     TO(CONNECTION, salesforce.daily_bytes), .min = MIB, .max = 1024 * GIB,
     .help = "Bytes both ways in 24 hours, log-ins included; then what comes waits. Without it: "
             "no bound."},
    {ROW(CONNECTION, "bytes_per_second", SIZE), .only = "salesforce",
     TO(CONNECTION, salesforce.bytes_per_second), .min = KIB, .max = GIB,
     .help = "How fast a metered link may be used, both directions together. Without it: as fast "
             "as it goes."},
    {ROW(CONNECTION, "calls_per_minute", WHOLE), .only = "salesforce",
     TO(CONNECTION, salesforce.calls_per_minute), .fallback = "0", .max = 6000,
     .help = "Calls that may be begun in a minute, evenly spaced. 0: any number."},
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
     .place_offset = offsetof(STREAM, thin.key_place),
     .help = "Of {topic}, {topic.N}, {source}, {identity}."},

    {ROW(INPUT, "type", WORD), TO(INPUT, type), .required = true,
     .allowed = "mqtt|http|files|salesforce-events|salesforce-query|mqtt-ask|health",
     .help = "Where events come from."},
    {ROW(INPUT, "connection", CONNECTION), .only = "mqtt|mqtt-ask", TO(INPUT, connection),
     .required = true, .allowed = "mqtt", .help = "The broker, by its name in connections."},
    {ROW(INPUT, "topic", TOPIC), .only = "mqtt|mqtt-ask", TO(INPUT, topic), .required = true,
     .help = "Topic filter to subscribe to."},
    {ROW(INPUT, "qos", WHOLE), .only = "mqtt|mqtt-ask", TO(INPUT, qos), .fallback = "1", .max = 1,
     .note = "at most 1: exactly-once is made by event identity",
     .help = "1: acknowledged once it is on flash; a question once the broker has its answer, "
             "which goes with the same QoS. 0: it may be lost on the way to us."},
    {ROW(INPUT, "stream", STREAM),
     .only = "mqtt|http|files|salesforce-events|salesforce-query|health", TO(INPUT, stream),
     .required = true, .help = "The stream that events are appended to."},
    {ROW(INPUT, "retained", WORD), .only = "mqtt", TO(INPUT, retained), .fallback = "take",
     .allowed = "take|ignore", .help = "Whether retained messages are events."},
    {ROW(INPUT, "identity", WORD), .only = "mqtt|files", TO(INPUT, identity_rule),
     .fallback = "content", .allowed = "content|arrival",
     .help = "content: the same topic and payload is one event; of files, the same line behind "
             "the same lines of a file of the same name. arrival: each message is one; each file "
             "is new."},
    {ROW(INPUT, "mask", TEXTS), .only = "mqtt|http|files|salesforce-events|salesforce-query",
     COUNTED(INPUT, mask, mask_count), .max = 64,
     .help = "Members of a JSON payload, at any depth, whose values are masked to their last 4 "
             "characters before anything is written. Card verification values, PINs and magnetic "
             "stripes become null."},
    {ROW(INPUT, "card_guard", FLAG),
     .only = "mqtt|http|files|salesforce-events|salesforce-query", TO(INPUT, card_guard),
     .help = "Looks for card numbers wherever they stand, in payload and topic, and masks them to "
             "their last 4 digits before anything is written. Default: true where there is mask."},
    {ROW(INPUT, "admit", WHERE), .only = "mqtt|http|files|salesforce-events|salesforce-query",
     COUNTED(INPUT, admit, admit_count),
     .help = "Which events a sender may send here, as where of an output; what eq, ne, or a value "
             "alone compare with may be a template of {topic}, {topic.N}, {source}, {identity} "
             "and {agent}, such as {topic.1}. "
             "What does not hold, or cannot be judged, never gets into the "
             "stream: over MQTT it is a dead letter (not-admitted), over HTTP the request is "
             "refused (403)."},
    {ROW(INPUT, "listen", TEXT), .only = "http", TO(INPUT, http.listen), .required = true,
     .note = "an address and a port, \"127.0.0.1:8088\" or \"[::1]:8088\"",
     .help = "Address and port to listen at. Each input has its own."},
    {ROW(INPUT, "plain", FLAG), .only = "http", TO(INPUT, http.plain), .fallback = "false",
     .help = "Allows to listen beyond loopback without encryption, or without asking who sends: "
             "anyone on the way can read and change what passes, or send."},
    {ROW(INPUT, "tls", SECTION), .only = "http", .of = SFE_SECTION_HTTP_TLS,
     .help = "Encrypts what comes (TLS 1.2 or later). The files are read at the start and at each "
             "reload."},
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
     .help = "The largest body of a request, also when inflated from gzip. Each connection has a "
             "buffer of this size, and the input one more."},
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
     TO(INPUT, connection), .required = true, .allowed = "salesforce",
     .help = "The org, by its name in connections."},
    {ROW(INPUT, "channel", TEXT), .only = "salesforce-events", TO(INPUT, topic), .required = true,
     .max = SFE_CHANNEL_BYTES_MAX,
     .help = "Channel to subscribe to: /event/X__e for a platform event, /data/XChangeEvent for "
             "changes, /topic/X for a PushTopic, /u/X for generic events. It is the topic of its "
             "events. No two inputs of a connection may have the same."},
    {ROW(INPUT, "on_stale_replay", WORD), .only = "salesforce-events",
     TO(INPUT, on_stale_replay), .fallback = "earliest", .allowed = "earliest|latest",
     .help = "Where to go on when the org does not know the place any more where it was left, and "
             "where to begin the first time. earliest: with the oldest event that the org keeps, "
             "72 hours back. latest: with the next one."},
    {ROW(INPUT, "query", TEXT), .only = "salesforce-query", TO(INPUT, query.text),
     .required = true,
     .help = "The query (SOQL). Each record is an event as the org answers it, with attributes; "
             "its topic is query/ and the input's name. {after} in it becomes the time in after of "
             "the last record that is on flash."},
    {ROW(INPUT, "every", DURATION), .only = "salesforce-query|health", TO(INPUT, query.every_ns),
     .fallback = "15m", .min = 10 * SECOND, .max = 7 * 24 * HOUR,
     .help = "Of a query: from the end of a run to the next one, and up to a tenth more; each page "
             "of a run is an API call. Of health: from one report to the next."},
    {ROW(INPUT, "after", TEXT), .only = "salesforce-query", TO(INPUT, query.after), .max = 80,
     .help = "Field of type datetime by which the query goes on, such as SystemModstamp: selected, "
             "ordered by, and in WHERE as >= {after}. Without it each run brings all records."},
    {ROW(INPUT, "with_deleted", FLAG), .only = "salesforce-query", TO(INPUT, query.with_deleted),
     .fallback = "false",
     .help = "Brings deleted records as well, while the org's recycle bin has them: each is an "
             "event with IsDeleted true, which the query must select."},
    {ROW(INPUT, "answers_below", TEXT), .only = "mqtt-ask", TO(INPUT, ask.prefix),
     .fallback = "answer/", .min = 1, .max = 256,
     .help = "How a response topic must begin: nobody can have us publish elsewhere. A question "
             "with another one, or with none, is refused without a word, and counted."},
    {ROW(INPUT, "table", FILE), .only = "mqtt-ask", TO(INPUT, ask.table),
     .place_offset = offsetof(INPUT, ask.table_place),
     .help = "File that answers are looked up in by key, as lookup of a field: a JSON object, or "
             "CSV of two columns. It is read at the start and at each reload."},
    {ROW(INPUT, "key", TEMPLATE), .only = "mqtt-ask", TO(INPUT, ask.key),
     .place_offset = offsetof(INPUT, ask.key_place),
     .help = "What is looked up in table, made of the question."},
    {ROW(INPUT, "query", TEMPLATE), .only = "mqtt-ask", TO(INPUT, ask.query), .max = 4096,
     .place_offset = offsetof(INPUT, ask.query_place),
     .help = "Query (SOQL) that org is asked, with values of the question: in quotes as text, such "
             "as Sku__c = '{/sku}', which is escaped, behind LIKE also its % and _; outside quotes "
             "numbers alone. Its first page is looked at. Each question is an API call."},
    {ROW(INPUT, "org", CONNECTION), .only = "mqtt-ask", TO(INPUT, ask.org),
     .allowed = "salesforce", .help = "The org that query is put to, by its name in connections."},
    {ROW(INPUT, "priority", FLAG), .only = "mqtt-ask", TO(INPUT, ask.priority),
     .fallback = "false",
     .help = "Whether questions may use the calls that daily_reserve keeps for streams with a "
             "priority."},
    {ROW(INPUT, "within", DURATION), .only = "mqtt-ask", TO(INPUT, ask.within_ns),
     .fallback = "2s", .min = SECOND / 10, .max = MINUTE,
     .help = "Time limit of an answer; then it is {\"error\":\"timeout\"}, or unavailable where "
             "the org could not even be asked."},
    {ROW(INPUT, "in_flight", WHOLE), .only = "mqtt-ask", TO(INPUT, ask.in_flight),
     .fallback = "16", .min = 1, .max = 64,
     .help = "Questions under way at once; to more the answer is {\"error\":\"busy\"}."},
    {ROW(INPUT, "rate", WHOLE), .only = "mqtt-ask", TO(INPUT, ask.rate), .fallback = "100",
     .max = 100000, .help = "Questions a second, of all senders; more are busy. 0: no limit."},
    {ROW(INPUT, "question_max", SIZE), .only = "mqtt-ask", TO(INPUT, ask.question_bytes_max),
     .fallback = "4KiB", .min = 64, .max = 64 * KIB, .help = "The largest payload of a question."},
    {ROW(INPUT, "answer_max", SIZE), .only = "mqtt-ask", TO(INPUT, ask.answer_bytes_max),
     .fallback = "16KiB", .min = 256, .max = 256 * KIB,
     .help = "The largest answer of the org, and payload made of it. Each of in_flight, and 8 "
             "more, has a buffer of this size."},
    {ROW(INPUT, "map", MAP), .only = "mqtt-ask", .of = SFE_SECTION_FIELD,
     COUNTED(INPUT, ask.map.fields, ask.map.field_count), .min = 1,
     .max = SFE_FIELDS_PER_RECORD_MAX,
     .help = "The answer as a JSON object of these fields, as in map of a record, made of "
             "/question, /row (the first record, or key and value of the table) and /rows. "
             "Default: what stands at /row."},

    {ROW(HTTP_TLS, "cert_file", FILE), TO(INPUT, http.tls_cert_file), .required = true,
     .help = "File of our certificate and its chain (PEM). A key on a curve (EC) costs a fraction "
             "of an RSA key's time in each handshake."},
    {ROW(HTTP_TLS, "key_file", FILE), TO(INPUT, http.tls_key_file),
     .help = "File of its private key (PEM); others must not be able to read it."},
    {ROW(HTTP_TLS, "key", SECRET), TO(INPUT, http.tls_key),
     .help = "Where that key (PEM) is: env:NAME or credential:NAME."},
    {ROW(HTTP_TLS, "client_ca_file", FILE), TO(INPUT, http.tls_client_ca_file),
     .help = "File of authorities (PEM): each sender must show a certificate of one of them, "
             "whatever auth asks for besides."},

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
    {ROW(HTTP_AUTH, "hmac_timestamp_header", TEXT), TO(INPUT, http.hmac_timestamp_header),
     .max = 64,
     .help = "Header that holds the time of sending, in seconds since 1970; signed is then "
             "TIME.BODY. The same name as hmac_header: one header holds both, as t=TIME,v1=HEX."},
    {ROW(HTTP_AUTH, "hmac_window", DURATION), TO(INPUT, http.hmac_window_ns), .fallback = "5m",
     .min = SECOND, .max = 24 * HOUR,
     .help = "How far that time may be from ours; what is older or newer is refused."},
    {ROW(HTTP_AUTH, "client_certificate", TEXTS),
     COUNTED(INPUT, http.client_names, http.client_name_count), .min = 1, .max = 64,
     .help = "Names of senders: the certificate that is shown must have one of them, to the "
             "letter, as its common name, a DNS name or a URI. With tls.client_ca_file."},
    {ROW(HTTP_AUTH, "identities", FLAG), TO(INPUT, http.by_identity),
     .note = "only true says something",
     .help = "true: those in identities may send, each within its scopes. Who is none of them is "
             "answered 401, who is outside its scopes 403."},
    {ROW(HTTP_AUTH, "none", FLAG), TO(INPUT, http.is_open), .note = "only true says something",
     .help = "true: whoever reaches the address may send."},

    {ROW(IDENTITY, "bearer_file", FILE), TO(IDENTITY, bearer_file),
     .help = "File of its bearer token; others must not be able to read it. Of two lines each is a "
             "token: both are good while one takes the other's place."},
    {ROW(IDENTITY, "bearer", SECRET), TO(IDENTITY, bearer),
     .help = "Where that token is: env:NAME or credential:NAME."},
    {ROW(IDENTITY, "hmac_file", FILE), TO(IDENTITY, hmac_file),
     .help = "File of the key with which it signs the body, as in auth of an input; one line or "
             "two, as of bearer_file. At most 8 identities sign."},
    {ROW(IDENTITY, "hmac", SECRET), TO(IDENTITY, hmac),
     .help = "Where that key is: env:NAME or credential:NAME."},
    {ROW(IDENTITY, "certificate", TEXTS), COUNTED(IDENTITY, certificates, certificate_count),
     .min = 1, .max = 8,
     .help = "What its certificate is known by: common name, DNS name or URI to the letter, or "
             "sha256: and its fingerprint, 64 digits in small letters. With tls.client_ca_file."},
    {ROW(IDENTITY, "inputs", TEXTS), COUNTED(IDENTITY, inputs, input_count), .min = 1,
     .max = SFE_INPUTS_MAX,
     .help = "Inputs that it may send to, by name. Default: all that ask for identities."},
    {ROW(IDENTITY, "streams", TEXTS), COUNTED(IDENTITY, streams, stream_count), .min = 1,
     .max = SFE_STREAMS_MAX,
     .help = "Streams that its events may get into, by name. Default: all."},
    {ROW(IDENTITY, "where", WHERE), COUNTED(IDENTITY, where, where_count),
     .help = "Which events it may send, as admit of an input. Default: all."},
};
/* clang-format on */

static const struct config_rows first = {table, sizeof(table) / sizeof(table[0])};

uint32_t keys_count(void)
{
    return first.count + keys_output_rows().count;
}

const struct config_key *keys_row(uint32_t number)
{
    if (number < first.count) {
        return &table[number];
    }
    SFE_ASSERT(number < keys_count());
    return keys_output_rows().rows + (number - first.count);
}

uint32_t keys_number(const struct config_key *row)
{
    uint32_t number = 0;

    while (keys_row(number) != row) {
        number++;
    }
    return number;
}
