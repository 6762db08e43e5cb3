/* What the configuration says of outputs: part of config.h, which includes it. */
#ifndef SFE_CONFIG_OUTPUTS_H
#define SFE_CONFIG_OUTPUTS_H

#include "base/time_format.h"
#include "config/condition.h"
#include "config/http_output.h"
#include "config/place.h"
#include "config/waits.h"

#include <stdbool.h>
#include <stdint.h>

enum sfe_field_type {
    SFE_TYPE_AUTO, /* No `type`: a lone {/pointer} keeps its JSON type, all else is a string. */
    SFE_TYPE_STRING,
    SFE_TYPE_DOUBLE,
    SFE_TYPE_INT,
    SFE_TYPE_BOOLEAN,
    SFE_TYPE_DATE,
    SFE_TYPE_DATETIME
};

/* One entry of `map`: "Field__c": "template", or a number, true, false, null (constants), or
 * {"from": "template or pointer", "type": …, "unit": …, "default": …}. */
struct sfe_config_field {
    const char *name; /* "Value__c", "Parent__r.ExtId__c". */
    struct sfe_config_place place;
    const char *from;          /* The template; NULL with a constant. "/value" is as "{/value}". */
    const char *constant;      /* JSON text of a constant, or NULL. */
    const char *default_value; /* JSON text, or NULL: the event is unmapped without a value. */
    bool is_optional;          /* `optional`: true leaves the field out where there is no value. */
    enum sfe_field_type type;
    enum sfe_time_unit unit; /* `unit`: auto (default) s ms us ns rfc3339; for date and datetime. */
    const char *zone;        /* `zone`: name or rule; NULL: none. */
    const char *lookup;      /* `lookup`: path of a table; NULL: none. */
    const char *scale, *offset;                   /* JSON text of numbers, or NULL: 1 and 0. */
    const struct sfe_config_condition *condition; /* `if`, or `when` of a case; NULL: always. */
    uint32_t condition_count;
    /* `case`: values with conditions, of which the first that holds is taken; `else`: the one where
     * none holds, or NULL. What stands beside them (type, default, …) is of those of them that are
     * no objects. They have neither names nor cases. */
    const struct sfe_config_field *cases;
    uint32_t case_count;
    const struct sfe_config_field *otherwise;
    bool is_object; /* Of a value in a case: it is written as an object, and says all itself. */
};

enum sfe_node_kind { SFE_NODE_OBJECT, SFE_NODE_LIST, SFE_NODE_VALUE };

/* One value of a tree, before what is inside it. */
struct sfe_config_node {
    struct sfe_config_field field; /* Of a VALUE. Its name: the way there, for messages. */
    enum sfe_node_kind kind;
    const char *name; /* Of the member; NULL at the root and in a list. */
    uint32_t next;    /* Index of the node behind it and all that is inside it. */
    bool is_text;     /* A VALUE that is written as text. */
    uint32_t token;   /* In the file, while it is checked. */
};

/* clang-format off */
enum sfe_output_type {
    SFE_OUTPUT_SALESFORCE_RECORDS, SFE_OUTPUT_MQTT, SFE_OUTPUT_HTTP, SFE_OUTPUT_PLATFORM_EVENTS,
    SFE_OUTPUT_FILE, SFE_OUTPUT_JQ
};
enum sfe_file_output_format { SFE_FILE_NDJSON, SFE_FILE_CSV };
enum sfe_output_api {
    SFE_API_AUTO, SFE_API_COLLECTIONS, SFE_API_COMPOSITE, SFE_API_GRAPH, SFE_API_BULK
};
enum sfe_record_action { SFE_ACTION_UPSERT, SFE_ACTION_UPDATE, SFE_ACTION_DELETE };
enum sfe_record_missing { SFE_MISSING_DEAD, SFE_MISSING_DONE };
/* clang-format on */

struct sfe_config_record {
    const char *object;
    struct sfe_config_place place;
    const char *external_id;         /* Must be a field of `map`; NULL: a platform event. */
    const char *each;                /* JSON pointer to an array, or NULL. */
    enum sfe_record_action action;   /* `action`; default upsert. */
    enum sfe_record_missing missing; /* `missing`; default dead. Only of an update. */
    const struct sfe_config_field *fields;
    uint32_t field_count;
};

/* What an output of type mqtt publishes; templates, NULL where they are left out. */
struct sfe_config_message {
    const char *topic;
    struct sfe_config_place topic_place;
    const char *payload; /* NULL: the output's `map`, or else the payload as it is. */
    struct sfe_config_place payload_place;
    const struct sfe_config_condition *empty_when; /* NULL: no message is empty for that. */
    uint32_t empty_when_count;
    uint8_t qos; /* 0 or 1; default 1. */
    bool retain;
    uint64_t expiry_ns; /* 0: never. */
    const char *content_type, *response_topic, *correlation;
    struct sfe_config_place content_type_place, response_topic_place, correlation_place;
    struct sfe_config_record properties; /* User properties; no field: none. */
    bool event_id;                       /* `event_id`; default true. */
    uint32_t in_flight;                  /* Default 16, 1 to 64. */
    bool loop;
};

/* What an output of type file writes, and how much of it is kept. */
struct sfe_config_file_output {
    const char *directory;
    const char *name; /* NULL: the output's. With several streams a dash and the stream follow. */
    enum sfe_file_output_format format;
    uint64_t rotate_bytes, rotate_age_ns;
    uint32_t keep_files; /* Closed files. */
    uint64_t keep_bytes; /* Of closed files; at least rotate_bytes. */
};

/* The program of an output of type jq, and what it may take for an event. In builds with SFE_JQ. */
struct sfe_config_jq {
    const char *program;
    struct sfe_config_place program_place;
    uint64_t time_ns;
    uint64_t memory_bytes;
};

struct sfe_config_output {
    const char *name;
    struct sfe_config_place place;
    enum sfe_output_type type;
    uint32_t connection;  /* UINT32_MAX: none. */
    const uint32_t *from; /* Indexes into streams. */
    uint32_t from_count;
    const struct sfe_config_record *records; /* Parents before children. */
    uint32_t record_count;
    struct sfe_config_record event; /* `event` and `map`: then the one of `records`. */
    const char *order_by; /* `order_by`: template; NULL: the first record's external id. */
    struct sfe_config_place order_by_place;
    uint64_t batch_age_ns, bulk_age_ns; /* How long an event may wait for company; 1s and 1m. */
    enum sfe_output_api api;            /* `api`; default auto. */
    bool all_or_none;            /* `all_or_none`; default false. Only with auto and graph. */
    uint32_t batch_records;      /* `batch_records`; default and most 200: of one Collections. */
    uint32_t requests_in_flight; /* `requests_in_flight`; default 4, 1 to 16. */
    bool past_share;             /* `past_share`; default false. */
    uint32_t bulk_from, bulk_records; /* The keys of these names; defaults 2000 and 10000. */
    int32_t on_done, on_dead;         /* Streams for the answers, by their indexes; -1: none. */
    uint64_t within_ns;               /* `within`; 0: for as long as it takes. */
    struct sfe_config_waits waits;    /* `waits`. */
    const struct sfe_config_condition *where; /* NULL: every event is taken. */
    uint32_t where_count;
    struct sfe_config_http_output http;
    struct sfe_config_message mqtt;
    struct sfe_config_file_output file;
#ifdef SFE_JQ
    struct sfe_config_jq jq;
#endif
    bool gaps; /* `gaps`: what is missing is delivered as an event of its own. */
};

#endif
