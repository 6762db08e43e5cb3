/* The text of a query (SOQL) with values of a message in it. What a sender says is only ever a
 * value: it can neither end the text it stands in nor become a word of the query.
 *
 * Parts are those of a template (flow/map.h) without {item} and {index}, of two kinds:
 *   Sku__c = '{/sku}'    in quotes: the value's text, with what is special in it escaped; behind
 *                        LIKE the wildcards % and _ of a value too, so that it means itself alone
 *   Price__c > {/least}  outside: a number in JSON's grammar, and nothing else
 * An object, a list, null, no value at all, bytes that are not UTF-8, control characters that SOQL
 * has no escape for, and a text over SFE_SOQL_VALUE_BYTES_MAX are refused. Salesforce: "Quoted
 * String Escape Sequences" and "LIKE" in the SOQL and SOSL reference. Compiled once, then pure.
 */
#ifndef SFE_FLOW_SOQL_H
#define SFE_FLOW_SOQL_H

#include "flow/map.h"

struct sfe_soql;

/* Text fields that can be filtered have 255 characters, of four bytes at most. */
#define SFE_SOQL_VALUE_BYTES_MAX 1020u

/* Compiles; everything is copied into the arena. SFE_E_CONFIG with the mistake in the message;
 * SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_soql_compile(const char *text, const char *agent_id,
                                            struct sfe_arena *arena, struct sfe_soql **soql,
                                            struct sfe_error *err);

/* Adds the query with the values of the message. SFE_E_UNMAPPED: one of them is missing or refused;
 * SFE_E_FULL: there is no room. The builder is as before then. */
SFE_MUST_USE enum sfe_code sfe_soql_add(const struct sfe_soql *soql,
                                        const struct sfe_map_subject *subject,
                                        struct sfe_builder *out, struct sfe_error *err);

#endif
