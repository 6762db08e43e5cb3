#include "config/schema_rows.h"

#ifdef SFE_JQ
#define JQ_TYPE "|jq"
#else
#define JQ_TYPE ""
#endif

/* clang-format off */
static const struct config_key table[] = {
    {ROW(OUTPUT, "type", WORD), TO(OUTPUT, type), .required = true,
     .allowed = "salesforce-records|mqtt|http|salesforce-platform-events|file" JQ_TYPE,
     .help = "Where events go."},
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
     .only = "salesforce-records|salesforce-platform-events|mqtt|http", TO(OUTPUT, order_by),
     .place_offset = offsetof(OUTPUT, order_by_place),
     .help = "Events of the same text keep their order. Default: the first record's external ID; "
             "of type mqtt the topic; of type http the source and topic, and with batch_events "
             "over 1 no order."},
    {ROW(OUTPUT, "batch_age", DURATION),
     .only = "salesforce-records|salesforce-platform-events|http|file", TO(OUTPUT, batch_age_ns),
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
     .only = "salesforce-records|salesforce-platform-events|http", TO(OUTPUT, requests_in_flight),
     .fallback = "4", .min = 1, .max = SFE_REQUESTS_IN_FLIGHT_MAX, .help = "Requests at once."},
    {ROW(OUTPUT, "past_share", FLAG), .only = "salesforce-records|salesforce-platform-events",
     TO(OUTPUT, past_share), .fallback = "false",
     .help = "Goes on when the connection's daily_calls are used up."},
    {ROW(OUTPUT, "gaps", FLAG), .only = "salesforce-records|http", TO(OUTPUT, gaps),
     .fallback = "false",
     .help = "Events that are missing, dropped or damaged, are delivered as one event that says "
             "which, how many and why, as the payload {\"gap\":{...}}. "
             "Otherwise they are passed over. Both are counted."},
    {ROW(OUTPUT, "on_done", STREAM), TO(OUTPUT, on_done),
     .help = "Stream for what came back when an event was delivered: the next step reads it. An "
             "event of its own, durable before the event it answers counts as delivered."},
    {ROW(OUTPUT, "on_dead", STREAM), TO(OUTPUT, on_dead),
     .help = "Stream for what came back when it could not be, beside its dead letter: a "
             "compensating step reads it."},
    {ROW(OUTPUT, "within", DURATION), TO(OUTPUT, within_ns), .min = SECOND, .max = 365 * 24 * HOUR,
     .help = "Time limit: an event that is not delivered within it, from its arrival on, is given "
             "up as a dead letter, and on_dead told. Default: none."},
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
    {ROW(OUTPUT, "map", MAP), .only = "mqtt|file", .of = SFE_SECTION_FIELD,
     COUNTED(OUTPUT, event.fields, event.field_count), .min = 1, .max = SFE_FIELDS_PER_RECORD_MAX,
     .help = "The payload, or the line, as a JSON object of these fields, as in map of a record; "
             "in a file of format csv its columns. Default: the event's payload."},
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
    {ROW(OUTPUT, "directory", FILE), .only = "file", TO(OUTPUT, file.directory), .required = true,
     .help = "Directory for the files. It must be there, and be writable."},
    {ROW(OUTPUT, "name", TEXT), .only = "file", TO(OUTPUT, file.name), .max = 64,
     .note = "letters, digits, _ - and dots, not at the front",
     .help = "How the names of files begin: NAME.part is written, NAME-0000000001.ndjson and so on "
             "are closed. Default: the output's name. Where several streams are read the stream's "
             "name follows behind a dash."},
    {ROW(OUTPUT, "format", WORD), .only = "file", TO(OUTPUT, file.format), .fallback = "ndjson",
     .allowed = "ndjson|csv",
     .help = "ndjson: a line of JSON an event. csv: a heading, and a row an event (RFC 4180)."},
    {ROW(OUTPUT, "rotate_size", SIZE), .only = "file", TO(OUTPUT, file.rotate_bytes),
     .fallback = "8MiB", .min = 64 * KIB, .max = 1024 * MIB,
     .help = "A file that would grow beyond it is closed, and a new one begun."},
    {ROW(OUTPUT, "rotate_age", DURATION), .only = "file", TO(OUTPUT, file.rotate_age_ns),
     .fallback = "1d", .min = SECOND, .max = 365 * 24 * HOUR,
     .help = "A file so old is closed, be it small. Time in which no agent runs does not count."},
    {ROW(OUTPUT, "keep_files", WHOLE), .only = "file", TO(OUTPUT, file.keep_files),
     .fallback = "100", .min = 1, .max = 10000,
     .help = "So many closed files are kept; the oldest beyond are removed, and counted."},
    {ROW(OUTPUT, "keep_size", SIZE), .only = "file", TO(OUTPUT, file.keep_bytes),
     .fallback = "64MiB", .min = 64 * KIB, .max = 1024 * 1024 * (uint64_t)MIB,
     .help = "The same of their bytes together; at least rotate_size."},
    {ROW(OUTPUT, "method", WORD), .only = "http", TO(OUTPUT, http.method), .fallback = "POST",
     .allowed = "POST|PUT|PATCH|DELETE|GET", .help = "Method of the request."},
    {ROW(OUTPUT, "url", TEMPLATE), .only = "http", TO(OUTPUT, http.url), .required = true,
     .max = 2048, .place_offset = offsetof(OUTPUT, http.url_place),
     .note = "https://host[:port]/path, or http:// to this host",
     .help = "Its address. Scheme, host and port are fixed; path and query may hold {...}, whose "
             "values are percent-encoded."},
    {ROW(OUTPUT, "plain", FLAG), .only = "http", TO(OUTPUT, http.plain), .fallback = "false",
     .help = "Allows http:// to other hosts than this one: anyone on the way can read and change "
             "what passes."},
    {ROW(OUTPUT, "body", TREE), .only = "http", .of = SFE_SECTION_FIELD,
     COUNTED(OUTPUT, http.body.nodes, http.body.count), .max = SFE_FIELDS_PER_RECORD_MAX,
     .help = "Its body. An object or list is sent as JSON, with values as in map of a record at "
             "any depth: an object that has from is a value, and {\"object\": {...}} is an "
             "object whatever its members are called. Text alone is a template, sent as plain "
             "text. Default: the payload as it came; none with GET and DELETE."},
    {ROW(OUTPUT, "headers", TREE), .only = "http", .of = SFE_SECTION_FIELD,
     COUNTED(OUTPUT, http.headers.nodes, http.headers.count), .max = SFE_HTTP_HEADERS_MAX,
     .help = "An object of headers, each with a value as in body."},
    {ROW(OUTPUT, "content_type", TEXT), .only = "http", TO(OUTPUT, http.content_type), .max = 128,
     .help = "Type of the body. Default: application/json, application/x-ndjson, text/plain or "
             "application/octet-stream, by what it is."},
    {ROW(OUTPUT, "identity_header", TEXT), .only = "http", TO(OUTPUT, http.identity_header),
     .fallback = "Idempotency-Key", .max = 64,
     .help = "Header that holds the event's identity, the same in each repeat; none: no such "
             "header."},
    {ROW(OUTPUT, "auth", SECTION), .only = "http", .of = SFE_SECTION_HTTP_OUTPUT_AUTH,
     .help = "Who we are to the server. Default: nobody."},
    {ROW(OUTPUT, "tls", SECTION), .only = "http", .of = SFE_SECTION_HTTP_OUTPUT_TLS,
     .help = "How the server is trusted. Its certificate and its name are checked always."},
    {ROW(OUTPUT, "proxy", SECTION), .only = "http", .of = SFE_SECTION_HTTP_OUTPUT_PROXY,
     .help = "The way out, where there is no straight one."},
    {ROW(OUTPUT, "interface", INTERFACE), .only = "http", TO(OUTPUT, http.interface),
     .help = "Network interface, or address of this device, that requests leave from."},
    {ROW(OUTPUT, "settle", SECTION), .only = "http", .of = SFE_SECTION_HTTP_SETTLE,
     .help = "What answers mean, where that is not as usual: 2xx done; 408, 425, 429, 5xx again "
             "after a pause; 401, 403, 3xx stop the output until a human has acted; others dead."},
    {ROW(OUTPUT, "batch_events", WHOLE), .only = "http", TO(OUTPUT, http.batch_events),
     .fallback = "1", .min = 1, .max = SFE_HTTP_BATCH_EVENTS_MAX,
     .help = "Events of one request at most."},
    {ROW(OUTPUT, "batch_format", WORD), .only = "http", TO(OUTPUT, http.batch_format),
     .fallback = "array", .allowed = "array|lines",
     .help = "How they stand in it: as a JSON array, or as lines (NDJSON)."},
    {ROW(OUTPUT, "rate", WHOLE), .only = "http", TO(OUTPUT, http.rate), .fallback = "0",
     .max = 100000, .help = "Requests in each rate_every at most, evenly spaced; 0: no limit."},
    {ROW(OUTPUT, "rate_every", DURATION), .only = "http", TO(OUTPUT, http.rate_every_ns),
     .fallback = "1s", .min = SECOND, .max = HOUR, .help = "See rate."},
    {ROW(OUTPUT, "connect_timeout", DURATION), .only = "http",
     TO(OUTPUT, http.connect_timeout_ns), .fallback = "15s", .min = SECOND, .max = 5 * MINUTE,
     .help = "How long a connection may take to open."},
    {ROW(OUTPUT, "request_timeout", DURATION), .only = "http",
     TO(OUTPUT, http.request_timeout_ns), .fallback = "60s", .min = SECOND, .max = 10 * MINUTE,
     .help = "How long a request may take; then it is tried again."},

#ifdef SFE_JQ
    {ROW(OUTPUT, "program", TEXT), .only = "jq", TO(OUTPUT, jq.program), .required = true,
     .max = 2000, .place_offset = offsetof(OUTPUT, jq.program_place),
     .help = "A jq program over the payload. Its one result is answer/result of the event in "
             "on_done, which others map."},
    {ROW(OUTPUT, "time", DURATION), .only = "jq", TO(OUTPUT, jq.time_ns), .fallback = "1s",
     .min = SECOND / 100, .max = MINUTE,
     .help = "Processor time it may take for an event; over it the event is a dead letter."},
    {ROW(OUTPUT, "memory", SIZE), .only = "jq", TO(OUTPUT, jq.memory_bytes),
     .fallback = "32MiB", .min = 8 * MIB, .max = 1024 * MIB,
     .help = "Memory it may take, in a process of its own; the same."},
#endif

    {ROW(HTTP_OUTPUT_AUTH, "user", TEXT), TO(OUTPUT, http.auth.user), .max = 256,
     .help = "User name (Basic)."},
    {ROW(HTTP_OUTPUT_AUTH, "password_file", FILE), TO(OUTPUT, http.auth.password_file),
     .help = "File that holds the password; others must not be able to read it."},
    {ROW(HTTP_OUTPUT_AUTH, "password", SECRET), TO(OUTPUT, http.auth.password),
     .help = "Where the password is: env:NAME or credential:NAME."},
    {ROW(HTTP_OUTPUT_AUTH, "bearer_file", FILE), TO(OUTPUT, http.auth.bearer_file),
     .help = "File that holds a bearer token; others must not be able to read it."},
    {ROW(HTTP_OUTPUT_AUTH, "bearer", SECRET), TO(OUTPUT, http.auth.bearer),
     .help = "Where that token is: env:NAME or credential:NAME."},
    {ROW(HTTP_OUTPUT_AUTH, "key_file", FILE), TO(OUTPUT, http.auth.key_file),
     .help = "File that holds an API key; others must not be able to read it."},
    {ROW(HTTP_OUTPUT_AUTH, "key", SECRET), TO(OUTPUT, http.auth.key),
     .help = "Where that key is: env:NAME or credential:NAME."},
    {ROW(HTTP_OUTPUT_AUTH, "key_header", TEXT), TO(OUTPUT, http.auth.key_header),
     .max = 64, .help = "Header that the API key goes in. Default: X-Api-Key."},
    {ROW(HTTP_OUTPUT_AUTH, "hmac_file", FILE), TO(OUTPUT, http.auth.hmac_file),
     .help = "File that holds the key with which the body is signed (HMAC-SHA256); others must not "
             "be able to read it."},
    {ROW(HTTP_OUTPUT_AUTH, "hmac", SECRET), TO(OUTPUT, http.auth.hmac),
     .help = "Where that key is: env:NAME or credential:NAME."},
    {ROW(HTTP_OUTPUT_AUTH, "hmac_header", TEXT), TO(OUTPUT, http.auth.hmac_header),
     .max = 64,
     .help = "Header that the signature goes in: sha256= and hexadecimal digits. Default: "
             "X-Signature."},
    {ROW(HTTP_OUTPUT_AUTH, "timestamp_header", TEXT), TO(OUTPUT, http.auth.timestamp_header),
     .max = 64,
     .help = "Header for the time of the request in Unix seconds; it is then signed as well, with "
             "a dot behind it, in front of the body. Default: the body alone is signed."},

    {ROW(HTTP_OUTPUT_TLS, "ca_file", FILE), TO(OUTPUT, http.ca_file),
     .help = "Certificates that are trusted (PEM). Default: those of the system."},
    {ROW(HTTP_OUTPUT_TLS, "cert_file", FILE), TO(OUTPUT, http.cert_file),
     .help = "Our own certificate, and those it hangs on (PEM), for a server that asks for one."},
    {ROW(HTTP_OUTPUT_TLS, "key_file", FILE), TO(OUTPUT, http.cert_key_file),
     .help = "File of its private key (PEM); others must not be able to read it."},
    {ROW(HTTP_OUTPUT_TLS, "key", SECRET), TO(OUTPUT, http.cert_key),
     .help = "Where its private key (PEM) is: env:NAME or credential:NAME."},

    {ROW(HTTP_OUTPUT_PROXY, "url", HTTP_URL), TO(OUTPUT, http.proxy_url), .required = true,
     .allowed = "http|https", .help = "The proxy. It must allow CONNECT."},
    {ROW(HTTP_OUTPUT_PROXY, "username", TEXT), TO(OUTPUT, http.proxy_username), .max = 256,
     .help = "User name at the proxy."},
    {ROW(HTTP_OUTPUT_PROXY, "password_file", FILE), TO(OUTPUT, http.proxy_password_file),
     .help = "File that holds the password; others must not be able to read it."},
    {ROW(HTTP_OUTPUT_PROXY, "password", SECRET), TO(OUTPUT, http.proxy_password),
     .help = "Where the password is: env:NAME or credential:NAME."},
    {ROW(HTTP_OUTPUT_PROXY, "no_proxy", HOSTS), COUNTED(OUTPUT, http.no_proxy,
     http.no_proxy_count), .max = 32,
     .help = "Hosts, domains (with all below them) and networks that are reached without it."},

    {ROW(HTTP_SETTLE, "done", TEXTS), COUNTED(OUTPUT, http.done.texts, http.done.count), .max = 32,
     .note = "such as \"409\" or \"2xx\"", .help = "The event is delivered."},
    {ROW(HTTP_SETTLE, "retry", TEXTS), COUNTED(OUTPUT, http.retry.texts, http.retry.count),
     .max = 32, .note = "such as \"409\" or \"4xx\"",
     .help = "The event comes again after a while, with the same identity; others go on."},
    {ROW(HTTP_SETTLE, "dead", TEXTS), COUNTED(OUTPUT, http.dead.texts, http.dead.count), .max = 32,
     .note = "such as \"403\" or \"5xx\"", .help = "The event goes to the dead letters."},
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
    {ROW(FIELD, "case", LIST), .of = SFE_SECTION_CASE, COUNTED(FIELD, cases, case_count), .min = 1,
     .max = SFE_CASES_MAX,
     .help = "In place of from: the value of the first element whose when holds. What stands "
             "beside it (type, default, optional and so on) is of each value in it that is no "
             "object. Where none holds: else, or as without a value."},
    {ROW(FIELD, "else", VALUE), .of = SFE_SECTION_FIELD, TO(FIELD, otherwise),
     .help = "The value where no case holds, written as then."},

    {ROW(CASE, "when", WHERE), COUNTED(FIELD, condition, condition_count), .required = true,
     .help = "Conditions as in where. An event that they cannot judge is a dead letter."},
    {ROW(CASE, "then", VALUE), .of = SFE_SECTION_FIELD, .required = true,
     .help = "The value, as in map: a template, a constant, or an object without if, case and "
             "else."},
};
/* clang-format on */

struct config_rows keys_output_rows(void)
{
    return (struct config_rows){table, sizeof(table) / sizeof(table[0])};
}
