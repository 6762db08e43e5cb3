#include "loading.h"

#include "config/keys.h"
#include "config/same.h"

#include <stdlib.h>

/* One configuration in full, so that a text can be replaced anywhere in it. */
static const char BASE[] =
    "{'agent':{'id':'a'},"
    "'connections':{'site':{'type':'mqtt','url':'mqtt://127.0.0.1:1883','username':'u'},"
    "'crm':{'type':'salesforce','login_url':'https://login.example.com','auth':{'flow':"
    "'jwt-bearer','client_id':'c','username':'u@x','key_file':'k'}}},"
    "'streams':{'one':{'quota':'64MiB'},'two':{}},"
    "'identities':{'one':{'bearer_file':'t'}},"
    "'inputs':{'in':{'type':'mqtt','connection':'site','topic':'a/+','stream':'one'}},"
    "'outputs':{'out':{'type':'salesforce-records','connection':'crm','from':'one',"
    "'records':[{'object':'X__c','external_id':'Id__c','map':{'Id__c':'{/id}','N__c':{'from':"
    "'/n','type':'int','default':1}}}]}}}";

static struct sfe_arena *arenas[2];

static int open_arenas(void **state)
{
    struct sfe_error err;

    (void)state;
    return sfe_arena_open(1u << 20, &arenas[0], &err) == SFE_OK &&
                   sfe_arena_open(1u << 20, &arenas[1], &err) == SFE_OK
               ? 0
               : -1;
}

static int close_arenas(void **state)
{
    (void)state;
    sfe_arena_close(arenas[0]);
    sfe_arena_close(arenas[1]);
    return 0;
}

static void print_mistake(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    print_error("%s: %s\n", mistake->pointer, mistake->message);
}

/* BASE with the first `from` replaced by `to`. */
static const struct sfe_config *config_with(struct sfe_arena *arena, const char *from,
                                            const char *to)
{
    static char text[8192];
    const char *found = strstr(BASE, from);
    const struct sfe_config *config = NULL;
    struct sfe_error err;

    assert_non_null(found);
    int size = snprintf(text, sizeof(text), "%.*s%s%s", (int)(found - BASE), BASE, to,
                        found + strlen(from));
    assert_true(size > 0 && (size_t)size < sizeof(text));
    for (char *byte = text; *byte != '\0'; byte++) {
        *byte = *byte == '\'' ? '"' : *byte;
    }
    const struct config_source source = {"etc/sfedge.json", sfe_slice_text(text)};
    assert_int_equal(config_load_text(&source, arena, print_mistake, NULL, &config, &err), SFE_OK);
    return config;
}

struct expected {
    const char *from;
    const char *to;
    bool site;
    bool crm;
    bool input;
    bool output;
};

static void check(const struct expected *expected)
{
    const struct sfe_config *a = config_with(arenas[0], "'id':'a'", "'id':'a'");
    const struct sfe_config *b = config_with(arenas[1], expected->from, expected->to);
    const struct sfe_config_part site[] = {{a, 0}, {b, 0}};
    const struct sfe_config_part crm[] = {{a, 1}, {b, 1}};

    assert_true(sfe_config_same_connection(site[0], site[1]) == expected->site);
    assert_true(sfe_config_same_connection(crm[0], crm[1]) == expected->crm);
    assert_true(sfe_config_same_input(site[0], site[1]) == expected->input);
    assert_true(sfe_config_same_output(site[0], site[1]) == expected->output);
}

static void a_change_is_seen_in_its_part_and_in_no_other(void **state)
{
    static const struct expected CASES[] = {
        {"mqtt://127.0.0.1:1883", "mqtt://127.0.0.1:1884", false, true, true, true},
        {"mqtt://127.0.0.1:1883", "mqtt://127.0.0.2:1883", false, true, true, true},
        {"'mqtt://127.0.0.1:1883'", "['mqtt://127.0.0.1:1883','mqtt://127.0.0.2:1883']", false,
         true, true, true},
        {"'username':'u'}", "'username':'v'}", false, true, true, true},
        {"'username':'u'}", "'username':'u','password':'env:SITE'}", false, true, true, true},
        {"'username':'u'}", "'username':'u','will':{'topic':'w'}}", false, true, true, true},
        {",'username':'u'}", "}", false, true, true, true},
        {"'username':'u'}", "'username':'u','keep_alive':'31s'}", false, true, true, true},
        {"'client_id':'c'", "'client_id':'d'", true, false, true, true},
        {"'key_file':'k'}", "'key_file':'k'},'compress':false", true, false, true, true},
        {"'key_file':'k'}", "'key_file':'k'},'tls':{'ca_file':'ca'}", true, false, true, true},
        {"'key_file':'k'}", "'key':'env:KEY'}", true, false, true, true},
        {"'key_file':'k'}", "'key_file':'k'},'interface':'eth1'", true, false, true, true},
        {"'key_file':'k'}", "'key_file':'k'},'proxy':{'url':'http://p:80'}", true, false, true,
         true},
        {"'topic':'a/+'", "'topic':'b/+'", true, true, false, true},
        {"'topic':'a/+'", "'topic':'a/+','mask':['pan']", true, true, false, true},
        {"'topic':'a/+'", "'topic':'a/+','card_guard':true", true, true, false, true},
        {"'topic':'a/+'", "'topic':'a/+','qos':0", true, true, false, true},
        {"'stream':'one'", "'stream':'two'", true, true, false, true},
        {"'{/id}'", "'{/ident}'", true, true, true, false},
        {"'{/id}'", "1", true, true, true, false},
        {"'default':1", "'default':2", true, true, true, false},
        {"'type':'int'", "'type':'double'", true, true, true, false},
        {"'N__c'", "'M__c'", true, true, true, false},
        {"'object':'X__c'", "'object':'Y__c'", true, true, true, false},
        {"'from':'one',", "'from':'one','batch_age':'2s',", true, true, true, false},
        {"'from':'one',", "'from':'one','order_by':'{topic}',", true, true, true, false},
        {"'from':'one',", "'from':'one','gaps':true,", true, true, true, false},
        {"'from':'one',", "'from':'one','waits':{'for':'two','key':'{/id}','within':'1h'},", true,
         true, true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        check(&CASES[i]);
        (void)close_arenas(NULL);
        assert_int_equal(open_arenas(NULL), 0);
    }
}

/* With a list on both sides. */
static void lists_are_compared_entry_by_entry(void **state)
{
    static const struct {
        const char *from;
        const char *a;
        const char *b;
        bool same;
    } CASES[] = {
        {"'mqtt://127.0.0.1:1883'", "['mqtt://127.0.0.1:1','mqtt://127.0.0.2:1']",
         "['mqtt://127.0.0.1:1','mqtt://127.0.0.2:1']", true},
        {"'mqtt://127.0.0.1:1883'", "['mqtt://127.0.0.1:1','mqtt://127.0.0.2:1']",
         "['mqtt://127.0.0.1:1','mqtt://127.0.0.2:2']", false},
        {"'mqtt://127.0.0.1:1883'", "['mqtt://127.0.0.1:1','mqtt://127.0.0.2:1']",
         "['mqtt://127.0.0.2:1','mqtt://127.0.0.1:1']", false},
        {"'key_file':'k'}", "'key_file':'k'},'proxy':{'url':'http://p:80','no_proxy':['a.b']}",
         "'key_file':'k'},'proxy':{'url':'http://p:80','no_proxy':['a.c']}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const struct sfe_config *a = config_with(arenas[0], CASES[i].from, CASES[i].a);
        const struct sfe_config *b = config_with(arenas[1], CASES[i].from, CASES[i].b);
        const struct sfe_config_part site[] = {{a, 0}, {b, 0}};
        const struct sfe_config_part crm[] = {{a, 1}, {b, 1}};
        assert_true((sfe_config_same_connection(site[0], site[1]) &&
                     sfe_config_same_connection(crm[0], crm[1])) == CASES[i].same);
        (void)close_arenas(NULL);
        assert_int_equal(open_arenas(NULL), 0);
    }
}

static void what_has_no_effect_is_no_change(void **state)
{
    static const struct expected CASES[] = {
        {"'id':'a'", "'id':'a','log':'debug'", true, true, true, true},
        {"'username':'u'}", "'username':'u','keep_alive':'30000ms'}", true, true, true, true},
        {"'username':'u'}", "'username':'u','client_id':'sfedge-a'}", true, true, true, true},
        {"'streams':{", "'streams':{'before':{},", true, true, true, true},
        {"'from':'one'", "'from':['one','two']", true, true, true, true},
        {"'quota':'64MiB'", "'quota':'32MiB'", true, true, true, true},
        {"'topic':'a/+',", "'qos':1,'topic':'a/+',", true, true, true, true},
        {"'from':'/n'", "'from':'/n','optional':false", true, true, true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        check(&CASES[i]);
        (void)close_arenas(NULL);
        assert_int_equal(open_arenas(NULL), 0);
    }
}

static const struct sfe_config *config_where(struct sfe_arena *arena, const char *where)
{
    char to[256];

    assert_true(snprintf(to, sizeof(to), "'from':'one','where':%s", where) < (int)sizeof(to));
    return config_with(arena, "'from':'one'", to);
}

static void an_output_is_the_same_only_with_the_same_conditions(void **state)
{
    static const char *const others[] = {
        "{'/a':{'gt':2},'not':{'topic':'x'}}",  "{'/b':{'gt':1},'not':{'topic':'x'}}",
        "{'/a':{'ge':1},'not':{'topic':'x'}}",  "{'not':{'/a':{'gt':1},'topic':'x'}}",
        "{'not':{'topic':'x'},'/a':{'gt':1}}",  "{'/a':{'gt':1}}",
        "{'/a':{'gt':1.0},'not':{'topic':'x'}}"};
    const struct sfe_config *a = config_where(arenas[0], "{'/a':{'gt':1},'not':{'topic':'x'}}");
    const struct sfe_config *b = config_where(arenas[1], "{ '/a':{'gt':1 }, 'not':{'topic':'x'}}");

    (void)state;
    assert_true(
        sfe_config_same_output((struct sfe_config_part){a, 0}, (struct sfe_config_part){b, 0}));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        b = config_where(arenas[1], others[i]);
        assert_false(
            sfe_config_same_output((struct sfe_config_part){a, 0}, (struct sfe_config_part){b, 0}));
    }
}

/* Where a row's value goes and nothing else differs, the part must not pass for the same. */
union entry {
    struct sfe_config_connection connection;
    struct sfe_config_input input;
    struct sfe_config_identity identity;
    struct sfe_config_output output;
    struct sfe_config_record record;
    struct sfe_config_field field;
};

/* False: such a value is compared by who asks, or not at all; the header of same.h says so. */
static bool change_value(const struct config_key *row, union entry *entry)
{
    static const char *const TEXT = "changed";
    uint8_t *value = (uint8_t *)entry + row->offset;
    uint32_t count = 1;

    switch (row->kind) {
    case SFE_KEY_STREAMS:
    case SFE_KEY_SECTION:
    case SFE_KEY_NAMED:
    case SFE_KEY_LIST:
    case SFE_KEY_MAP:
    case SFE_KEY_ANY:
        return false;
    case SFE_KEY_TEXTS:
    case SFE_KEY_HOSTS:
    case SFE_KEY_FILES:
    case SFE_KEY_TREE:
    case SFE_KEY_WHERE:
        memcpy(&count, (uint8_t *)entry + row->count_offset, sizeof(count));
        count++;
        memcpy((uint8_t *)entry + row->count_offset, &count, sizeof(count));
        return true;
    case SFE_KEY_MQTT_URL:
        entry->connection.mqtt.broker_count++;
        return true;
    case SFE_KEY_CONNECTION:
    case SFE_KEY_STREAM:
        memcpy(&count, value, sizeof(count));
        count = count == 0 ? 1u : 0u; /* An index. */
        memcpy(value, &count, sizeof(count));
        return true;
    case SFE_KEY_WORD:
    case SFE_KEY_FLAG:
    case SFE_KEY_WHOLE:
    case SFE_KEY_DURATION:
    case SFE_KEY_SIZE:
        value[0] ^= 1u;
        return true;
    default: /* The rest is text. */
        assert_int_equal(row->size, sizeof(TEXT));
        memcpy(value, &TEXT, sizeof(TEXT));
        return true;
    }
}

static const void *entry_of(const struct sfe_config *config, enum config_section section,
                            size_t *size)
{
    switch (section) {
    case SFE_SECTION_HTTP_AUTH:
    case SFE_SECTION_HTTP_TLS:
    case SFE_SECTION_INPUT:
        *size = sizeof(config->inputs[0]);
        return &config->inputs[0];
    case SFE_SECTION_IDENTITY:
        *size = sizeof(config->identities[0]);
        return &config->identities[0];
    case SFE_SECTION_HTTP_OUTPUT_AUTH:
    case SFE_SECTION_HTTP_OUTPUT_TLS:
    case SFE_SECTION_HTTP_OUTPUT_PROXY:
    case SFE_SECTION_HTTP_SETTLE:
    case SFE_SECTION_WAITS:
    case SFE_SECTION_OUTPUT:
        *size = sizeof(config->outputs[0]);
        return &config->outputs[0];
    case SFE_SECTION_RECORD:
        *size = sizeof(config->outputs[0].records[0]);
        return &config->outputs[0].records[0];
    case SFE_SECTION_FIELD:
        *size = sizeof(config->outputs[0].records[0].fields[1]);
        return &config->outputs[0].records[0].fields[1];
    case SFE_SECTION_CONNECTION:
    case SFE_SECTION_AUTH:
    case SFE_SECTION_MQTT_TLS:
    case SFE_SECTION_MQTT_WILL:
    case SFE_SECTION_SALESFORCE_TLS:
    case SFE_SECTION_PROXY:
        *size = sizeof(config->connections[0]);
        return &config->connections[0];
    default:
        fail_msg("of what structure is section %d?", (int)section);
        return NULL;
    }
}

/* `config` with one entry in the place of its own. */
static bool same_with(const struct sfe_config *config, enum config_section section,
                      const union entry *entry)
{
    struct sfe_config changed = *config;
    struct sfe_config_connection connections[2] = {config->connections[0], config->connections[1]};
    struct sfe_config_output output = config->outputs[0];
    struct sfe_config_record record = output.records[0];
    struct sfe_config_field fields[2] = {record.fields[0], record.fields[1]};

    changed.connections = connections;
    changed.outputs = &output;
    output.records = &record;
    record.fields = fields;
    const struct sfe_config_part a = {config, 0};
    const struct sfe_config_part b = {&changed, 0};
    switch (section) {
    case SFE_SECTION_HTTP_AUTH:
    case SFE_SECTION_HTTP_TLS:
    case SFE_SECTION_INPUT:
        changed.inputs = &entry->input;
        return sfe_config_same_input(a, b);
    case SFE_SECTION_IDENTITY:
        changed.identities = &entry->identity;
        return sfe_config_same_identities(config, &changed);
    case SFE_SECTION_HTTP_OUTPUT_AUTH:
    case SFE_SECTION_HTTP_OUTPUT_TLS:
    case SFE_SECTION_HTTP_OUTPUT_PROXY:
    case SFE_SECTION_HTTP_SETTLE:
    case SFE_SECTION_WAITS:
    case SFE_SECTION_OUTPUT:
        output = entry->output;
        return sfe_config_same_output(a, b);
    case SFE_SECTION_RECORD:
        record = entry->record;
        return sfe_config_same_output(a, b);
    case SFE_SECTION_FIELD:
        fields[1] = entry->field;
        return sfe_config_same_output(a, b);
    case SFE_SECTION_CONNECTION:
    case SFE_SECTION_AUTH:
    case SFE_SECTION_MQTT_TLS:
    case SFE_SECTION_MQTT_WILL:
    case SFE_SECTION_SALESFORCE_TLS:
    case SFE_SECTION_PROXY:
        connections[0] = entry->connection;
        return sfe_config_same_connection(a, b);
    default:
        fail_msg("of what structure is section %d?", (int)section);
        return true;
    }
}

static void a_change_inside_a_case_is_seen(void **state)
{
    static const char *const texts[] = {
        "{'case':[{'when':{'/a':1},'then':'/x'}],'else':2,'type':'int'}",
        "{'case':[{'when':{'/a':2},'then':'/x'}],'else':2,'type':'int'}",
        "{'case':[{'when':{'/a':1},'then':'/y'}],'else':2,'type':'int'}",
        "{'case':[{'when':{'/a':1},'then':{'from':'/x'}}],'else':2,'type':'int'}",
        "{'case':[{'when':{'/a':1},'then':'/x'}],'else':3,'type':'int'}",
        "{'case':[{'when':{'/a':1},'then':'/x'}],'type':'int'}",
        "{'case':[{'when':{'/a':1},'then':'/x'},{'when':{'/a':3},'then':3}],'else':2,'type':'int'}",
    };
    const size_t count = sizeof(texts) / sizeof(texts[0]);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const struct sfe_config *a =
            config_with(arenas[0], "{'from':'/n','type':'int','default':1}", texts[0]);
        const struct sfe_config *b =
            config_with(arenas[1], "{'from':'/n','type':'int','default':1}", texts[i]);
        const struct sfe_config_part parts[] = {{a, 0}, {b, 0}};
        assert_true(sfe_config_same_output(parts[0], parts[1]) == (i == 0));
    }
}

static bool is_no_part(const struct config_key *row)
{
    return row->section == SFE_SECTION_AGENT || row->section == SFE_SECTION_FLASH ||
           row->section == SFE_SECTION_WATCH || row->section == SFE_SECTION_STREAM ||
           row->section == SFE_SECTION_THIN;
}

static void each_row_of_the_table_is_compared(void **state)
{
    const struct sfe_config *config = config_with(arenas[0], "'id':'a'", "'id':'a'");
    const uint32_t count = keys_count();
    uint32_t changed = 0;

    (void)state;
    assert_int_equal(config->outputs[0].record_count, 1);
    assert_int_equal(config->outputs[0].records[0].field_count, 2);
    for (uint32_t i = 0; i < count; i++) {
        if (keys_row(i)->size == 0 || keys_row(i)->section == SFE_SECTION_ROOT ||
            is_no_part(keys_row(i)) || keys_row(i)->section == SFE_SECTION_CASE) {
            continue;
        }
        union entry entry;
        size_t size = 0;
        const void *before = entry_of(config, keys_row(i)->section, &size);
        memcpy(&entry, before, size);
        assert_true(keys_row(i)->offset + keys_row(i)->size <= size);
        assert_true(same_with(config, keys_row(i)->section, &entry));
        if (change_value(keys_row(i), &entry)) {
            changed++;
            if (same_with(config, keys_row(i)->section, &entry)) {
                fail_msg("a change of \"%s\" is not seen", keys_row(i)->key);
            }
        }
    }
    assert_true(changed > 50);
}

/* What is not a part of its own, reload.c and set.c take over or refuse key by key: a new key must
 * be dealt with there first. */
static void keys_of_the_agent_and_of_streams_are_known_to_the_reload(void **state)
{
    static const char KNOWN[] =
        "id|state|event_max|log|stop_timeout|confirm_within|quota|flash|size|cycles|trace|"
        "listen|plain|still|"
        "quota|linger|priority|segment|when_full|encrypt|encrypt_key_file|encrypt_old_key_files|"
        "thin|key|from_percent|keep_every";
    const uint32_t count = keys_count();

    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        if (is_no_part(keys_row(i)) &&
            keys_word_index(KNOWN, sfe_slice_text(keys_row(i)->key)) == UINT32_MAX) {
            fail_msg("what does a reload do with \"%s\"?", keys_row(i)->key);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_change_is_seen_in_its_part_and_in_no_other, open_arenas,
                                        close_arenas),
        cmocka_unit_test_setup_teardown(a_change_inside_a_case_is_seen, open_arenas, close_arenas),
        cmocka_unit_test_setup_teardown(lists_are_compared_entry_by_entry, open_arenas,
                                        close_arenas),
        cmocka_unit_test_setup_teardown(an_output_is_the_same_only_with_the_same_conditions,
                                        open_arenas, close_arenas),
        cmocka_unit_test_setup_teardown(each_row_of_the_table_is_compared, open_arenas,
                                        close_arenas),
        cmocka_unit_test(keys_of_the_agent_and_of_streams_are_known_to_the_reload),
        cmocka_unit_test_setup_teardown(what_has_no_effect_is_no_change, open_arenas, close_arenas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
