/* Every fixed bound of the program, each with its reason. Configurable bounds have their default
 * here. */
#ifndef SFE_BASE_LIMITS_H
#define SFE_BASE_LIMITS_H

/* One event's payload. MQTT allows 256 MiB; nearly all are below 1 kB (payloads sheet, section 1).
 */
#define SFE_EVENT_BYTES_MAX_DEFAULT (256u * 1024u)
#define SFE_EVENT_BYTES_MAX_LIMIT   (768u * 1024u)
/* Of an event over the limit this much goes to the dead letters, to tell what it was. */
#define SFE_EVENT_EXCERPT_BYTES 4096u
/* MQTT: the topic's length is a u16 (MQTT 5, section 1.5.4). */
#define SFE_TOPIC_BYTES_MAX 65535u
/* Tokens of one event's JSON: a receipt of 2,000 lines has some 40,000. 16 bytes each. */
#define SFE_JSON_TOKENS_MAX 65536u

/* Names of inputs, streams, outputs, connections: they become parts of file names and metrics. */
#define SFE_NAME_BYTES_MAX 32u
#define SFE_STREAMS_MAX    32u
#define SFE_INPUTS_MAX     64u
/* A key is old until the last segment sealed with it is delivered: days, not generations. */
#define SFE_OLD_KEYS_MAX           4u
#define SFE_OUTPUTS_MAX            32u
#define SFE_CONNECTIONS_MAX        16u
#define SFE_RECORDS_PER_OUTPUT_MAX 5u
#define SFE_FIELDS_PER_RECORD_MAX  200u
#define SFE_CASES_MAX              32u

/* Flash page: what is written together is torn together. 4 KiB suits eMMC, SD and ext4. */
#define SFE_PAGE_BYTES            4096u
#define SFE_SEGMENT_BYTES_DEFAULT (1024u * 1024u)
#define SFE_SEGMENT_BYTES_MIN     (64u * 1024u)
#define SFE_SEGMENT_BYTES_MAX     (16u * 1024u * 1024u)
/* Of a segment this much is not for a payload: its header, and what an event has beside. */
#define SFE_SEGMENT_OVERHEAD_BYTES (3u * SFE_PAGE_BYTES)
/* Damaged segments of a stream that are kept for a human, beside its quota. */
#define SFE_SEGMENTS_ASIDE_MAX 4u
/* A frame closes when it holds this much: one write, one sync. */
#define SFE_FRAME_BYTES_TARGET (64u * 1024u)

/* In flight towards us per broker: unacknowledged PUBLISH packets (MQTT 5 Receive Maximum). */
#define SFE_RECEIVE_MAXIMUM_DEFAULT 1000u
/* Brokers of one connection that stand in for each other. */
#define SFE_BROKERS_MAX 8u

/* Senders that HTTP inputs tell apart. Of those that sign every one's key is tried. */
#define SFE_IDENTITIES_MAX        32u
#define SFE_SIGNED_IDENTITIES_MAX 8u
/* Secrets of one that are good at once: while one takes the other's place. */
#define SFE_IDENTITY_SECRETS_MAX 2u
/* Path of an HTTP input: it becomes the topic. */
#define SFE_HTTP_PATH_BYTES_MAX 128u
/* Connections of one HTTP input: each has a buffer, and the sockets of a thread are few. */
#define SFE_HTTP_CONNECTIONS_MAX   32u
#define SFE_HTTP_REQUEST_BYTES_MAX (4u * 1024u * 1024u)
/* Of one HTTP output's requests: headers of the configuration, and events. */
#define SFE_HTTP_HEADERS_MAX      16u
#define SFE_HTTP_BATCH_EVENTS_MAX 1000u
/* Objects, lists and values of one body. */
#define SFE_TREE_NODES_MAX 512u

/* Name of a channel of the Streaming API; API names have 80 characters at most. */
#define SFE_CHANNEL_BYTES_MAX 128u
/* An event of the Streaming API has 1 MB at most (API sheet of events, A2.1); answers hold many. */
#define SFE_EVENTS_ANSWER_BYTES (2u * 1024u * 1024u)

/* An address has 16,384 bytes at most (API sheet, section 2), of which the text of a query takes so
 * many when it is encoded; and a page of its records. */
#define SFE_QUERY_URL_BYTES    16384u
#define SFE_QUERY_TEXT_BYTES   15000u
#define SFE_QUERY_ANSWER_BYTES (2u * 1024u * 1024u)

/* Salesforce: records in one sObject Collections call (API sheet, 3.1). */
#define SFE_COLLECTION_RECORDS_MAX 200u
/* Collections in one Composite call (API sheet, 3.2): 1,000 records, one API call. */
#define SFE_COLLECTIONS_MAX 5u
/* Composite Graph: graphs and nodes of one call (API sheet, 3.3). */
#define SFE_GRAPHS_MAX      75u
#define SFE_GRAPH_NODES_MAX 500u
/* External ID fields are text of at most 255 characters (payloads sheet, section 8). */
#define SFE_EXTERNAL_ID_BYTES_MAX 255u
/* Events read and not yet settled, per output: bounds memory and how far order can be held open. */
#define SFE_WINDOW_EVENTS 4096u
/* Of what came back for one event so much is passed on with on_done and on_dead. */
#define SFE_ANSWER_BYTES_MAX 16384u
/* Requests under way at once, per output. */
#define SFE_REQUESTS_IN_FLIGHT_DEFAULT 4u
#define SFE_REQUESTS_IN_FLIGHT_MAX     16u
/* Messages published at once, per output. */
#define SFE_MESSAGES_IN_FLIGHT_MAX 64u

#endif
