/* From an event to Salesforce records: compiled once from the configuration, then pure functions.
 * No I/O, no clock, no heap after compile. Numbers keep their text on the way: nothing becomes a
 * double.
 *
 * Templates: text with {…} parts.
 *   {/pointer}       value at a JSON pointer of the payload (RFC 6901)
 *   {item:/pointer}  the same inside the element of `each`; {item} the element itself (a scalar)
 *   {topic} {topic.N} the topic, or its N-th level from 0 ("plant/p1/telemetry": {topic.1} is p1)
 *   {time} {seq} {id} time of arrival, sequence in the stream, identity (32 hex digits)
 *   {index}          place in `each` from 0
 *   {source} {agent} name of the input, agent.id
 *   {identity}       who sent it over HTTP, by its name in the configuration
 *   {payload}        the whole payload as text (must be UTF-8); {payload:base64} in base64
 *   {{ and }}        a brace
 * Behind | stand functions of the value's text: {/sku|trim|upper}; flow/text_function.h has them.
 * A | of a name itself is written \|.
 *
 * A template that is one part alone keeps that part's JSON type; with anything beside it, it is
 * text. {time} is RFC 3339 text in UTC with milliseconds, or, for a field of type int or double, a
 * number in the field's unit (else milliseconds). Within text of several parts, null is a missing
 * value, and objects and arrays are refused.
 */
#ifndef SFE_FLOW_MAP_H
#define SFE_FLOW_MAP_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/time_format.h"
#include "event/event.h"

struct sfe_arena;
struct sfe_map;          /* One compiled record: an object, its external ID, its fields. */
struct sfe_template;     /* One compiled template. */
struct sfe_where;        /* Compiled conditions: flow/where.h. */
struct sfe_lookup_table; /* A table: flow/lookup.h. */

/* The same meaning as in the configuration; run/ translates. */
enum sfe_map_type {
    SFE_MAP_AUTO,
    SFE_MAP_STRING,
    SFE_MAP_DOUBLE,
    SFE_MAP_INT,
    SFE_MAP_BOOLEAN,
    SFE_MAP_DATE,
    SFE_MAP_DATETIME
};

struct sfe_map_field {
    /* "Value__c" or "Parent__r.ExtId__c" (a reference by external ID, one level). */
    const char *name;
    /* Template; NULL: `constant` holds. A text that begins with '/' and holds no brace is a
     * pointer. */
    const char *from;
    const char *constant; /* JSON text, or NULL. */
    /* JSON text used where there is no value or it is null; NULL: none. */
    const char *default_value;
    /* Without a value the field is left out; JSON null is passed on as null (clears the field). */
    bool is_optional;
    enum sfe_map_type type;
    enum sfe_time_unit unit;
    /* Rule of base/time_zone.h: of times that are written without one, and of the day that a time
     * becomes. NULL: such times are refused, and days are of UTC. */
    const char *zone;
    /* The value is looked up in it, and what stands there is the field's. Without an entry it is as
     * without a value. Borrowed until compiled. NULL: none. Not with scale and offset. */
    const struct sfe_lookup_table *lookup;
    /* JSON numbers: the value becomes value * scale + offset, exactly (flow/decimal.h). NULL: 1 and
     * 0; both NULL: it need not be a number. Not of a constant, a default, a boolean or a time. */
    const char *scale;
    const char *offset;
    /* Conditions on the event; borrowed for as long as the map. Where they do not hold the field is
     * its default, or left out. NULL: none. Not for the external ID. */
    struct sfe_where *condition;
    /* Several values: the first of these whose condition holds is the field's. Where none holds it
     * is `default_value`, or left out where `is_optional`, or the event is unmapped. They have no
     * name, and no cases; `from` and `constant` beside them are NULL. 0: none. */
    const struct sfe_map_field *cases;
    uint32_t case_count;
};

struct sfe_map_options {
    const char *object;
    /* Name of one of `fields`, or NULL (platform events). Its value must be non-empty text or
     * number, <= 255 bytes. */
    const char *external_id;
    const char *each; /* JSON pointer, or NULL. */
    const struct sfe_map_field *fields;
    uint32_t field_count;
    const char *agent_id; /* For {agent}. */
    /* Fields of a JSON document (flow/shape.h): names are for messages alone; objects and arrays
     * are taken as they stand where the type is auto. */
    bool is_document;
};

/* Compiles; everything is copied into the arena. Errors: SFE_E_CONFIG with the mistake in the
 * message ("unknown part {tpoic.1}; did you mean {topic.1}?") and *bad_field set to the index of
 * the field it is in (or field_count: the record itself). */
SFE_MUST_USE enum sfe_code sfe_map_compile(const struct sfe_map_options *options,
                                           struct sfe_arena *arena, struct sfe_map **map,
                                           uint32_t *bad_field, struct sfe_error *err);

/* Compiles one template outside a record (`order_by`). */
SFE_MUST_USE enum sfe_code sfe_template_compile(const char *text, const char *agent_id,
                                                struct sfe_arena *arena,
                                                struct sfe_template **compiled,
                                                struct sfe_error *err);

/* True where the template is made of topic, source, identity and agent alone: it needs no parsed
 * payload, and gives many events the same text. */
bool sfe_template_is_of_sender(const struct sfe_template *compiled);

/* An event with its payload parsed (or not JSON): made once an event, used by all its maps. */
struct sfe_map_subject {
    const struct sfe_event *event;
    struct sfe_json json; /* Valid where is_json. */
    bool is_json;
    struct sfe_error json_error; /* Why not, where not. */
    int64_t time_ns;             /* Unix time of arrival, put right where the clock was unset. */
};

/* Parses event->payload into `tokens`. Payload that is not JSON is no failure here: only a map that
 * points into it fails. `event` is borrowed. */
void sfe_map_subject_make(const struct sfe_event *event, int64_t time_ns,
                          struct sfe_json_token *tokens, uint32_t token_capacity,
                          struct sfe_map_subject *subject);

/* One record of an event: its place in `each` and the element there. */
struct sfe_map_record {
    const struct sfe_map_subject *subject;
    uint32_t index;
    uint32_t item;
};
/* True where the map makes one record an event: it has no `each`. */
bool sfe_map_is_single(const struct sfe_map *map);

/* Names of the object and of its external ID field; live as long as the map. */
const char *sfe_map_object(const struct sfe_map *map);
const char *sfe_map_external_id_field(const struct sfe_map *map);

/* How many records this map makes of the event: 1, or the length of the `each` array (0 allowed;
 * missing or null array: 0). SFE_E_UNMAPPED where `each` points at something else, or the payload
 * is not JSON. */
SFE_MUST_USE enum sfe_code sfe_map_count(const struct sfe_map *map,
                                         const struct sfe_map_subject *subject, uint32_t *count,
                                         struct sfe_error *err);

/* Walks the elements of `each`: the token of element `index`, given the token of the one before (or
 * SFE_JSON_NONE to begin anew). Without `each` always the root. */
uint32_t sfe_map_item(const struct sfe_map *map, const struct sfe_map_subject *subject,
                      uint32_t index, uint32_t token_before);

/* Adds record `index` (element token `item`) as the members of a JSON object, without its braces
 * and without `attributes`: "ReadingId__c":"R1","Value__c":21.5,"PosSale__r":{"SaleId__c":"S-1"}.
 * Also copies the external ID's text, without blanks around it as Salesforce trims it, to
 * `external_id` (capacity >= 256; not touched by a map without one).
 *
 * Types:
 *   auto      as in the payload; objects and arrays refused, numbers within the range of a double
 *   string    numbers keep their digits, booleans true/false; an object or array as its JSON text
 *   double    JSON number grammar, also as text, within the range of a double
 *   int       digits without leading zeros or blanks, within 64 bits; 12.0 and 1e3 are none
 *   boolean   true/false, 1/0, on/off, yes/no, any case, also as text
 *   date      a plain day is kept, a time becomes its UTC day; numbers by `unit`
 *   datetime  a time with a zone; numbers by `unit`
 *
 * Errors: SFE_E_UNMAPPED with field and pointer in message and err->pointer ("Value__c: no value at
 * /value", "Value__c: \"12,50\" is not a number"); SFE_E_FULL when the builder has no room. On any
 * failure the builder is as before. */
SFE_MUST_USE enum sfe_code sfe_map_add_record(const struct sfe_map *map,
                                              const struct sfe_map_subject *subject, uint32_t index,
                                              uint32_t item, struct sfe_builder *out,
                                              struct sfe_builder *external_id,
                                              struct sfe_error *err);

/* The name of field `field` of `map`, below sfe_map_field_count (explain.h): "Value__c" or
 * "Parent__r.ExtId__c". Lives as long as the map. */
const char *sfe_map_field_name(const struct sfe_map *map, uint32_t field);

/* Adds the value of one field of record `index` as JSON, or sets *is_left_out. Errors as above. */
SFE_MUST_USE enum sfe_code sfe_map_add_field(const struct sfe_map *map,
                                             const struct sfe_map_record *record, uint32_t field,
                                             struct sfe_builder *out, bool *is_left_out,
                                             struct sfe_error *err);
/* A record that stands in the same request under a name of its own. */
struct sfe_map_link {
    const char *external_id_field;
    struct sfe_slice external_id;
    struct sfe_slice reference; /* "m0_0". */
};

/* Which record of which event is written, beside which others. */
struct sfe_map_linked {
    const struct sfe_map_subject *subject;
    uint32_t index;
    uint32_t item;
    const struct sfe_map_link *links;
    uint32_t link_count;
    uint32_t made; /* Out: references that became one by name. */
};

/* As sfe_map_add_record, but without the external ID's own member, and a reference by external ID
 * to one of the linked records becomes one by name: "PosSale__r":{"SaleId__c":"S-1"} is
 * "PosSale__c":"@{m0_0.id}". A standard relationship (Account) is its Id field (AccountId). */
SFE_MUST_USE enum sfe_code sfe_map_add_linked(const struct sfe_map *map,
                                              struct sfe_map_linked *linked,
                                              struct sfe_builder *out, struct sfe_error *err);

/* Adds only the external ID's text of record `index`. Errors as above. */
SFE_MUST_USE enum sfe_code sfe_map_add_external_id(const struct sfe_map *map,
                                                   const struct sfe_map_subject *subject,
                                                   uint32_t index, uint32_t item,
                                                   struct sfe_builder *external_id,
                                                   struct sfe_error *err);

/* Adds the value of record `index`'s first reference by external ID ("Parent__r.ExtId__c") as JSON:
 * which parent's row the org locks. Nothing where the map has none, or the record leaves it out.
 * Errors as above. */
SFE_MUST_USE enum sfe_code sfe_map_add_parent(const struct sfe_map *map,
                                              const struct sfe_map_subject *subject, uint32_t index,
                                              uint32_t item, struct sfe_builder *out,
                                              struct sfe_error *err);

/* Adds the template's text for the event; an object or array alone as its JSON text. Errors as
 * above. */
SFE_MUST_USE enum sfe_code sfe_template_add(const struct sfe_template *compiled,
                                            const struct sfe_map_subject *subject,
                                            struct sfe_builder *out, struct sfe_error *err);

/* The same for an address: values percent-encoded, literals as they stand. SFE_E_UNMAPPED as well
 * where a value is empty: it would name another place. */
SFE_MUST_USE enum sfe_code sfe_template_add_encoded(const struct sfe_template *compiled,
                                                    const struct sfe_map_subject *subject,
                                                    struct sfe_builder *out, struct sfe_error *err);

#endif
