#include "config/rules.h"

#include "base/assert.h"

#include <stdio.h>

enum rule_kind {
    EXACTLY_ONE, /* Of `keys`. */
    AT_MOST_ONE, /* Of `keys`. */
    NEEDS        /* The first of `keys` needs one of the others. */
};

/* Lists are joined by '|'. */
static const struct rule {
    enum config_section section;
    const char *only; /* NULL: all types. */
    enum rule_kind kind;
    const char *keys;
} rules[] = {
    {SFE_SECTION_CONNECTION, "mqtt", AT_MOST_ONE, "password_file|password"},
    {SFE_SECTION_AUTH, "jwt-bearer", EXACTLY_ONE, "key_file|key"},
    {SFE_SECTION_AUTH, "client-credentials", EXACTLY_ONE, "client_secret_file|client_secret"},
    {SFE_SECTION_AUTH, "refresh-token", EXACTLY_ONE, "refresh_token_file|refresh_token"},
    {SFE_SECTION_AUTH, "refresh-token", AT_MOST_ONE, "client_secret_file|client_secret"},
    {SFE_SECTION_SALESFORCE_TLS, NULL, AT_MOST_ONE, "key_file|key"},
    {SFE_SECTION_SALESFORCE_TLS, NULL, NEEDS, "cert_file|key_file|key"},
    {SFE_SECTION_SALESFORCE_TLS, NULL, NEEDS, "key_file|cert_file"},
    {SFE_SECTION_SALESFORCE_TLS, NULL, NEEDS, "key|cert_file"},
    {SFE_SECTION_PROXY, NULL, AT_MOST_ONE, "password_file|password"},
    {SFE_SECTION_PROXY, NULL, NEEDS, "password_file|username"},
    {SFE_SECTION_PROXY, NULL, NEEDS, "password|username"},
    {SFE_SECTION_HTTP_TLS, NULL, EXACTLY_ONE, "key_file|key"},
    {SFE_SECTION_HTTP_AUTH, NULL, EXACTLY_ONE,
     "bearer_file|bearer|hmac_file|hmac|client_certificate|identities|none"},
    {SFE_SECTION_HTTP_AUTH, NULL, NEEDS, "hmac_timestamp_header|hmac_file|hmac|identities"},
    {SFE_SECTION_IDENTITY, NULL, EXACTLY_ONE, "bearer_file|bearer|hmac_file|hmac|certificate"},
    {SFE_SECTION_HTTP_OUTPUT_AUTH, NULL, EXACTLY_ONE,
     "password_file|password|bearer_file|bearer|key_file|key|hmac_file|hmac"},
    {SFE_SECTION_HTTP_OUTPUT_AUTH, NULL, NEEDS, "user|password_file|password"},
    {SFE_SECTION_HTTP_OUTPUT_AUTH, NULL, NEEDS, "password_file|user"},
    {SFE_SECTION_HTTP_OUTPUT_AUTH, NULL, NEEDS, "password|user"},
    {SFE_SECTION_HTTP_OUTPUT_TLS, NULL, AT_MOST_ONE, "key_file|key"},
    {SFE_SECTION_HTTP_OUTPUT_TLS, NULL, NEEDS, "cert_file|key_file|key"},
    {SFE_SECTION_HTTP_OUTPUT_TLS, NULL, NEEDS, "key_file|cert_file"},
    {SFE_SECTION_HTTP_OUTPUT_TLS, NULL, NEEDS, "key|cert_file"},
    {SFE_SECTION_HTTP_OUTPUT_PROXY, NULL, AT_MOST_ONE, "password_file|password"},
    {SFE_SECTION_HTTP_OUTPUT_PROXY, NULL, NEEDS, "password_file|username"},
    {SFE_SECTION_HTTP_OUTPUT_PROXY, NULL, NEEDS, "password|username"},
    {SFE_SECTION_INPUT, "mqtt-ask", EXACTLY_ONE, "table|query"},
    {SFE_SECTION_INPUT, "mqtt-ask", NEEDS, "table|key"},
    {SFE_SECTION_INPUT, "mqtt-ask", NEEDS, "key|table"},
    {SFE_SECTION_INPUT, "mqtt-ask", NEEDS, "query|org"},
    {SFE_SECTION_INPUT, "mqtt-ask", NEEDS, "org|query"},
    {SFE_SECTION_OUTPUT, "mqtt", AT_MOST_ONE, "payload|map"},
    {SFE_SECTION_FIELD, NULL, EXACTLY_ONE, "from|value|case"},
    {SFE_SECTION_FIELD, NULL, NEEDS, "else|case"},
};

#define LOOPBACK "(localhost|127\\\\.[0-9]+\\\\.[0-9]+\\\\.[0-9]+|\\\\[::1\\\\])(:[0-9]+)?/?$"

/* The rules of check.c that a schema can say, as JSON. */
static const struct fragment {
    enum config_section section;
    const char *only;
    const char *json;
} fragments[] = {
    {SFE_SECTION_CONNECTION, "mqtt",
     "{\"anyOf\":[{\"required\":[\"plain\"],\"properties\":{\"plain\":{\"const\":true}}},"
     "{\"properties\":{\"url\":{\"pattern\":\"^(mqtts://|mqtt://" LOOPBACK ")\"}}}]}"},
    {SFE_SECTION_CONNECTION, "salesforce",
     "{\"anyOf\":[{\"required\":[\"plain\"],\"properties\":{\"plain\":{\"const\":true}}},"
     "{\"properties\":{\"login_url\":{\"pattern\":\"^(https://|http://" LOOPBACK ")\"}}}]}"},
    {SFE_SECTION_CONNECTION, "salesforce",
     "{\"if\":{\"required\":[\"auth\"],\"properties\":{\"auth\":{\"required\":[\"flow\"],"
     "\"properties\":{\"flow\":{\"const\":\"client-credentials\"}}}}},"
     "\"then\":{\"not\":{\"required\":[\"login_url\"],\"properties\":{\"login_url\":{\"pattern\":"
     "\"^https?://(login|test)\\\\.salesforce\\\\.com(:[0-9]+)?/?$\"}}}}}"},
    {SFE_SECTION_INPUT, "http",
     "{\"anyOf\":[{\"required\":[\"plain\"],\"properties\":{\"plain\":{\"const\":true}}},"
     "{\"properties\":{\"listen\":{\"pattern\":\"^(127\\\\.[0-9.]+|\\\\[::1\\\\]):\"}}},"
     "{\"required\":[\"tls\"],\"anyOf\":[{\"properties\":{\"auth\":{\"properties\":{\"none\":false}"
     "}}},"
     "{\"properties\":{\"tls\":{\"required\":[\"client_ca_file\"]}}}]}]}"},
    {SFE_SECTION_INPUT, "http",
     "{\"if\":{\"required\":[\"auth\"],\"properties\":{\"auth\":"
     "{\"required\":[\"client_certificate\"]}}},"
     "\"then\":{\"required\":[\"tls\"],"
     "\"properties\":{\"tls\":{\"required\":[\"client_ca_file\"]}}}}"},
    {SFE_SECTION_INPUT, "http",
     "{\"properties\":{\"listen\":{\"pattern\":\"^([0-9.]{7,15}|\\\\[[0-9A-Fa-f:.]{2,45}\\\\]):"
     "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$\"},"
     "\"path\":{\"pattern\":\"^/[!-~]+$\",\"not\":{\"pattern\":\"[+#?$]\"}}}}"},
    {SFE_SECTION_INPUT, "salesforce-events",
     "{\"properties\":{\"channel\":{\"pattern\":\"^/(event|data|topic|u)/[A-Za-z0-9_]+$\"}}}"},
    {SFE_SECTION_INPUT, "mqtt-ask",
     "{\"properties\":{\"answers_below\":{\"pattern\":\"^[^$+#][^+#]*$\"},"
     "\"query\":{\"pattern\":\"^\\\\s*[Ss][Ee][Ll][Ee][Cc][Tt]\\\\s\"}}}"},
    {SFE_SECTION_HTTP_AUTH, NULL,
     "{\"properties\":{\"none\":{\"const\":true},\"identities\":{\"const\":true}}}"},
    {SFE_SECTION_IDENTITY, NULL,
     "{\"properties\":{\"certificate\":{\"items\":{\"anyOf\":[{\"not\":{\"pattern\":\"^sha256:\"}},"
     "{\"pattern\":\"^sha256:[0-9a-f]{64}$\"}]}}}}"},
    {SFE_SECTION_STREAM, NULL,
     "{\"if\":{\"required\":[\"thin\"]},\"then\":{\"required\":[\"when_full\"],\"properties\":"
     "{\"when_full\":{\"enum\":[\"drop-oldest\",\"drop-newest\"]}}}}"},
    {SFE_SECTION_OUTPUT, NULL,
     "{\"if\":{\"required\":[\"waits\"]},\"then\":{\"properties\":{\"within\":false,"
     "\"api\":{\"not\":{\"const\":\"bulk\"}},\"from\":{\"maxItems\":1}}}}"},
    {SFE_SECTION_OUTPUT, "salesforce-records",
     "{\"if\":{\"required\":[\"api\"],\"properties\":{\"api\":{\"const\":\"bulk\"}}},"
     "\"then\":{\"properties\":{\"order_by\":false}}}"},
    {SFE_SECTION_OUTPUT, "salesforce-records",
     "{\"if\":{\"required\":[\"all_or_none\"],\"properties\":{\"all_or_none\":{\"const\":true}}},"
     "\"then\":{\"properties\":{\"api\":{\"enum\":[\"auto\",\"graph\"]}}}}"},
    {SFE_SECTION_OUTPUT, "http",
     "{\"anyOf\":[{\"required\":[\"plain\"],\"properties\":{\"plain\":{\"const\":true}}},"
     "{\"properties\":{\"url\":{\"pattern\":\"^(https://|http://(localhost|127\\\\.[0-9]+\\\\."
     "[0-9]+\\\\.[0-9]+|\\\\[::1\\\\])(:[0-9]+)?([/?]|$))\"}}}]}"},
    {SFE_SECTION_OUTPUT, "http",
     "{\"properties\":{\"url\":{\"pattern\":\"^https?://([A-Za-z0-9._-]+|\\\\[[0-9A-Fa-f:.]+\\\\])"
     "(:[0-9]{1,5})?([/?][!-\\\"$-~]*)?$\"},\"headers\":{\"type\":\"object\",\"propertyNames\":{"
     "\"pattern\":\"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$\"}}}}"},
    {SFE_SECTION_OUTPUT, "http",
     "{\"if\":{\"required\":[\"method\"],\"properties\":{\"method\":{\"const\":\"GET\"}}},"
     "\"then\":{\"properties\":{\"body\":false}}}"},
    {SFE_SECTION_HTTP_SETTLE, NULL,
     "{\"additionalProperties\":{\"items\":{\"pattern\":\"^[1-5]([0-9][0-9]|xx)$\"}}}"},
    {SFE_SECTION_FIELD, NULL,
     "{\"if\":{\"required\":[\"value\"]},\"then\":{\"properties\":{\"type\":false,\"unit\":false,"
     "\"default\":false,\"optional\":false,\"scale\":false,\"offset\":false,\"zone\":false,"
     "\"lookup\":false}}}"},
    {SFE_SECTION_FIELD, NULL,
     "{\"if\":{\"anyOf\":[{\"required\":[\"scale\"]},{\"required\":[\"offset\"]}]},\"then\":"
     "{\"properties\":{\"type\":{\"enum\":[\"string\",\"double\",\"int\"]}}}}"},
    {SFE_SECTION_FIELD, NULL,
     "{\"if\":{\"required\":[\"lookup\"]},\"then\":{\"properties\":{\"scale\":false,"
     "\"offset\":false}}}"},
    {SFE_SECTION_FIELD, NULL,
     "{\"if\":{\"anyOf\":[{\"required\":[\"unit\"]},{\"required\":[\"zone\"]}]},\"then\":"
     "{\"required\":[\"type\"],\"properties\":"
     "{\"type\":{\"enum\":[\"date\",\"datetime\"]}}}}"},
    {SFE_SECTION_FIELD, NULL,
     "{\"if\":{\"required\":[\"default\"]},\"then\":{\"properties\":{\"optional\":{\"const\":false}"
     "}}}"},
};

static bool is_for(enum config_section wanted, const char *only, enum config_section section,
                   struct sfe_slice type)
{
    return wanted == section && (only == NULL || keys_word_index(only, type) != UINT32_MAX);
}

static bool has(const struct config_load *load, uint32_t token, struct sfe_slice key)
{
    return sfe_json_member(&load->json, token, key) != SFE_JSON_NONE;
}

/* How many of the words of `keys` from number `first` on are there. */
static uint32_t count_keys(const struct config_load *load, uint32_t token, const char *keys,
                           uint32_t first)
{
    uint32_t count = 0;
    struct sfe_slice key = keys_word(keys, first);

    for (uint32_t i = first; key.size != 0; i++) {
        count += has(load, token, key) ? 1u : 0u;
        key = keys_word(keys, i + 1);
    }
    return count;
}

/* "\"a\" and \"b\"". */
static void add_list(struct sfe_builder *out, const char *keys, uint32_t first, const char *between)
{
    struct sfe_slice key = keys_word(keys, first);

    for (uint32_t i = first; key.size != 0; i++) {
        sfe_builder_format(out, "%s\"%.*s\"", i == first ? "" : between, (int)key.size,
                           (const char *)key.bytes);
        key = keys_word(keys, i + 1);
    }
}

static void check_one(struct config_load *load, const struct rule *rule, uint32_t token)
{
    char list[160];
    struct sfe_builder builder = sfe_builder_make(list, sizeof(list) - 1);
    bool needs = rule->kind == NEEDS;
    uint32_t count = count_keys(load, token, rule->keys, needs ? 1 : 0);

    add_list(&builder, rule->keys, needs ? 1 : 0, needs ? " or " : " and ");
    SFE_ASSERT(!builder.overflowed);
    list[builder.size] = '\0';
    if (needs) {
        struct sfe_slice key = keys_word(rule->keys, 0);
        if (count == 0 && has(load, token, key)) {
            load_mistake(load, token, "found \"%.*s\" alone; allowed: with %s", (int)key.size,
                         (const char *)key.bytes, list);
        }
    } else if (count > 1) {
        load_mistake(load, token, "found both of %s; allowed: %s one", list,
                     rule->kind == EXACTLY_ONE ? "exactly" : "at most");
    } else if (count == 0 && rule->kind == EXACTLY_ONE) {
        load_mistake(load, token, "found none of %s; allowed: exactly one", list);
    }
}

void rules_check(struct config_load *load, enum config_section section, uint32_t token,
                 struct sfe_slice type)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (is_for(rules[i].section, rules[i].only, section, type)) {
            check_one(load, &rules[i], token);
        }
    }
}

/* "name":["key"] */
static void put_required(struct sfe_json_writer *writer, struct sfe_slice key)
{
    sfe_json_begin_array(writer, "required");
    sfe_json_put_text(writer, NULL, key);
    sfe_json_end_array(writer);
}

/* "how":[{"required":["a"]},…] of the keys from number `first` on. */
static void put_choice(struct sfe_json_writer *writer, const char *how, const char *keys,
                       uint32_t first)
{
    struct sfe_slice key = keys_word(keys, first);

    sfe_json_begin_array(writer, how);
    for (uint32_t i = first; key.size != 0; i++) {
        sfe_json_begin_object(writer, NULL);
        put_required(writer, key);
        sfe_json_end_object(writer);
        key = keys_word(keys, i + 1);
    }
    sfe_json_end_array(writer);
}

static void put_rule(struct sfe_json_writer *writer, const struct rule *rule)
{
    sfe_json_begin_object(writer, NULL);
    switch (rule->kind) {
    case EXACTLY_ONE:
        put_choice(writer, "oneOf", rule->keys, 0);
        break;
    case AT_MOST_ONE:
        sfe_json_begin_object(writer, "not");
        put_choice(writer, "allOf", rule->keys, 0);
        sfe_json_end_object(writer);
        break;
    case NEEDS:
    default:
        sfe_json_begin_object(writer, "if");
        put_required(writer, keys_word(rule->keys, 0));
        sfe_json_end_object(writer);
        sfe_json_begin_object(writer, "then");
        put_choice(writer, "anyOf", rule->keys, 1);
        sfe_json_end_object(writer);
        break;
    }
    sfe_json_end_object(writer);
}

static void put_rules(struct sfe_json_writer *writer, enum config_section section,
                      struct sfe_slice type)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (is_for(rules[i].section, rules[i].only, section, type)) {
            put_rule(writer, &rules[i]);
        }
    }
    for (size_t i = 0; i < sizeof(fragments) / sizeof(fragments[0]); i++) {
        if (is_for(fragments[i].section, fragments[i].only, section, type)) {
            sfe_json_put_raw(writer, NULL, sfe_slice_text(fragments[i].json));
        }
    }
}

static bool has_rules(enum config_section section, struct sfe_slice type)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (is_for(rules[i].section, rules[i].only, section, type)) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(fragments) / sizeof(fragments[0]); i++) {
        if (is_for(fragments[i].section, fragments[i].only, section, type)) {
            return true;
        }
    }
    return false;
}

void rules_add_schema(struct sfe_json_writer *writer, enum config_section section,
                      struct sfe_slice type)
{
    if (has_rules(section, type)) {
        sfe_json_begin_array(writer, "allOf");
        put_rules(writer, section, type);
        sfe_json_end_array(writer);
    }
}
