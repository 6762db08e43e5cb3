/* Loads configurations from texts and keeps the mistakes, for the tests of this folder. In the
 * texts ' stands for ". */
#ifndef SFE_TESTS_UNIT_CONFIG_LOADING_H
#define SFE_TESTS_UNIT_CONFIG_LOADING_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "config/load.h"

#include <stdio.h>
#include <string.h>

#define LOADING_BYTES_MAX    (64u * 1024u)
#define LOADING_MISTAKES_MAX 256u

struct loading {
    struct sfe_arena *arena;
    const struct sfe_config *config;
    enum sfe_code code;
    struct sfe_error error;
    uint32_t mistake_count;
    struct sfe_error mistakes[LOADING_MISTAKES_MAX];
    char text[LOADING_BYTES_MAX];
};

static inline void loading_report(void *reader, const struct sfe_error *mistake)
{
    struct loading *loading = (struct loading *)reader;

    assert_true(loading->mistake_count < LOADING_MISTAKES_MAX);
    loading->mistakes[loading->mistake_count++] = *mistake;
}

static inline int loading_open(void **state)
{
    struct sfe_error err;
    static struct loading loading;

    memset(&loading, 0, sizeof(loading));
    assert_int_equal(sfe_arena_open(4u * 1024u * 1024u, &loading.arena, &err), SFE_OK);
    *state = &loading;
    return 0;
}

static inline int loading_close(void **state)
{
    struct loading *loading = (struct loading *)*state;

    sfe_arena_close(loading->arena);
    return 0;
}

static inline void load(struct loading *loading, const char *text)
{
    struct config_source source = {"etc/sfedge.json", {NULL, 0}};
    size_t size = strlen(text);

    assert_true(size < LOADING_BYTES_MAX);
    for (size_t i = 0; i <= size; i++) {
        loading->text[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    }
    source.text = sfe_slice_text(loading->text);
    loading->mistake_count = 0;
    loading->code = config_load_text(&source, loading->arena, loading_report, loading,
                                     &loading->config, &loading->error);
}

static inline const struct sfe_config *load_good(struct loading *loading, const char *text)
{
    load(loading, text);
    for (uint32_t i = 0; i < loading->mistake_count; i++) {
        print_error("%u:%u %s %s\n", loading->mistakes[i].line, loading->mistakes[i].column,
                    loading->mistakes[i].pointer, loading->mistakes[i].message);
    }
    assert_int_equal(loading->code, SFE_OK);
    assert_int_equal(loading->mistake_count, 0);
    assert_non_null(loading->config);
    return loading->config;
}

/* One wrong configuration, and the one mistake that must be reported. */
struct bad {
    const char *text;
    const char *pointer;
    uint32_t line;
    const char *piece; /* Of the message. */
};

static inline void assert_bad(struct loading *loading, const struct bad *bad)
{
    const struct sfe_error *mistake = &loading->mistakes[0];

    load(loading, bad->text);
    if (loading->mistake_count != 1 || strcmp(mistake->pointer, bad->pointer) != 0 ||
        mistake->line != bad->line || strstr(mistake->message, bad->piece) == NULL) {
        print_error("%s\nwanted: %u %s: %s\n", bad->text, bad->line, bad->pointer, bad->piece);
        for (uint32_t i = 0; i < loading->mistake_count; i++) {
            print_error("found: %u:%u %s: %s\n", loading->mistakes[i].line,
                        loading->mistakes[i].column, loading->mistakes[i].pointer,
                        loading->mistakes[i].message);
        }
        fail();
    }
    assert_int_equal(loading->code, SFE_E_CONFIG);
    assert_null(loading->config);
    assert_string_equal(mistake->where, "etc/sfedge.json");
    assert_true(mistake->column > 0);
}

/* Frames in which the part under test is on line 3 (line 6 of a whole one). */
#define AGENT "'agent': {'id': 'store-042'}"
#define CONNECTIONS                                                                                \
    "'connections': {'site': {'type': 'mqtt', 'url': 'mqtt://localhost'}, 'crm': " CRM("") "}"
#define CRM(more)                                                                                  \
    "{'type': 'salesforce', 'login_url': 'https://login.salesforce.com', 'auth': {"                \
    "'client_id': 'key', 'username': 'edge@acme.example', 'key_file': 'crm.key'}" more "}"
#define STREAMS         "'streams': {'telemetry': {}, 'sales': {}}"
#define ROOT(more)      "{\n" AGENT ",\n" more "}\n"
#define WHOLE(more)     "{\n" AGENT ",\n" CONNECTIONS ",\n" STREAMS ",\n\n" more "}\n"
#define IN_MQTT(more)   ROOT("'connections': {'site': {'type': 'mqtt', " more "}}")
#define IN_CRM(more)    ROOT("'connections': {'crm': {'type': 'salesforce', " more "}}")
#define IN_STREAM(more) ROOT("'streams': {'telemetry': {" more "}}")
#define IN_INPUT(more)                                                                             \
    WHOLE("'inputs': {'readings': {'type': 'mqtt', 'connection': 'site', 'stream': "               \
          "'telemetry', " more "}}")
#define RECORD_GOOD "{'object': 'R__c', 'external_id': 'Id__c', 'map': {'Id__c': '{id}'}}"
#define IN_OUTPUT(more)                                                                            \
    WHOLE("'outputs': {'readings': {'type': 'salesforce-records', 'connection': 'crm', " more "}"  \
          "}")
#define IN_RECORD(more) IN_OUTPUT("'from': 'telemetry', 'records': [{" more "}]")
#define IN_MAP(more)                                                                               \
    IN_RECORD("'object': 'R__c', 'external_id': 'Id__c', 'map': {'Id__c': '{id}', " more "}")

#define BAD_LOOP(loading, table)                                                                   \
    for (size_t bad_index = 0; bad_index < sizeof(table) / sizeof((table)[0]); bad_index++) {      \
        assert_bad((loading), &(table)[bad_index]);                                                \
    }

#endif
