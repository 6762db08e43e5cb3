/* sfedge init: a handful of questions, each of which is an option too, become a configuration that
 * passes check. Nothing that exists is replaced. */
#include "cli/command.h"

#include "base/arena.h"
#include "base/json_writer.h"
#include "cli/pretty.h"
#include "cli/print.h"
#include "config/config.h"
#include "port/process.h"

#define CONFIG_BYTES_MAX (64u * 1024u * 1024u)
#define FILE_BYTES_MAX   16384u
#define ANSWER_BYTES     512u

enum question_name {
    ASK_ID,
    ASK_STATE,
    ASK_BROKER,
    ASK_FILTER,
    ASK_LOGIN_URL,
    ASK_CLIENT_ID,
    ASK_USERNAME,
    ASK_KEY_FILE,
    ASK_OBJECT,
    ASK_EXTERNAL_ID,
    ASK_COUNT
};

struct question {
    char key; /* Of the option that answers it. */
    const char *text;
    const char *fallback;
};

static const struct question QUESTIONS[ASK_COUNT] = {
    [ASK_ID] = {'i', "What is this gateway called?", "gateway-1"},
    [ASK_STATE] = {'s', "Where may it keep what is not delivered yet?", "/var/lib/sfedge"},
    [ASK_BROKER] = {'b', "Where is the MQTT broker?", "mqtt://127.0.0.1:1883"},
    [ASK_FILTER] = {'o', "Which topics are taken?", "plant/+/telemetry"},
    [ASK_LOGIN_URL] = {'l', "Where does the org log in? (a sandbox: https://test.salesforce.com)",
                       "https://login.salesforce.com"},
    [ASK_CLIENT_ID] = {'k', "What is the consumer key of the org's app?",
                       "3MVG9-your-consumer-key"},
    [ASK_USERNAME] = {'u', "As which user of the org does it act?", "edge@acme.example"},
    [ASK_KEY_FILE] = {'K', "Where is the private key of the app's certificate?", "crm.key"},
    [ASK_OBJECT] = {'O', "Which object gets the records?", "DeviceReading__c"},
    [ASK_EXTERNAL_ID] = {'x', "What is its external ID field?", "ReadingId__c"},
};

struct answers {
    char text[ASK_COUNT][ANSWER_BYTES];
};

static const char *given(const struct sfe_arguments *arguments, char key)
{
    const struct sfe_option *option = sfe_cli_option(key);
    const char *value = NULL;

    memcpy(&value, (const char *)arguments + option->offset, sizeof(value));
    return value;
}

/* Asks what no option answers. An empty line takes the proposal; the end of the input is a mistake:
 * a script must say all. */
static enum sfe_code answer(const struct sfe_arguments *arguments, const struct question *question,
                            char text[ANSWER_BYTES], struct sfe_error *err)
{
    const char *value = given(arguments, question->key);
    struct sfe_builder line = sfe_builder_make(text, ANSWER_BYTES - 1u);

    if (value == NULL) {
        sfe_cli_print_error("%s [%s] ", question->text, question->fallback);
        if (!sfe_process_read_line(&line)) {
            return sfe_fail(err, SFE_E_USAGE, "--%s is not said",
                            sfe_cli_option(question->key)->name);
        }
        value = line.size == 0 ? question->fallback : NULL;
    }
    if (value != NULL) {
        sfe_builder_rewind(&line, 0);
        sfe_builder_add_text(&line, value);
    }
    text[line.size] = '\0';
    return line.overflowed
               ? sfe_fail(err, SFE_E_USAGE, "--%s is too long", sfe_cli_option(question->key)->name)
               : SFE_OK;
}

static void put(struct sfe_json_writer *writer, const char *name, const char *text)
{
    sfe_json_put_text(writer, name, sfe_slice_text(text));
}

static bool is_plain_beyond_loopback(const char *url, const char *scheme)
{
    static const char *const local[] = {"127.", "localhost", "[::1]"};
    const size_t size = strlen(scheme);

    if (strncmp(url, scheme, size) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        if (strncmp(url + size, local[i], strlen(local[i])) == 0) {
            return false;
        }
    }
    return true;
}

static void put_connections(struct sfe_json_writer *writer, const struct answers *answers)
{
    const char *broker = answers->text[ASK_BROKER];
    const char *login_url = answers->text[ASK_LOGIN_URL];

    sfe_json_begin_object(writer, "connections");
    sfe_json_begin_object(writer, "site");
    put(writer, "type", "mqtt");
    put(writer, "url", broker);
    if (is_plain_beyond_loopback(broker, "mqtt://")) {
        sfe_json_put_bool(writer, "plain", true);
    }
    sfe_json_end_object(writer);
    sfe_json_begin_object(writer, "crm");
    put(writer, "type", "salesforce");
    put(writer, "login_url", login_url);
    put(writer, "api_version", "v62.0");
    sfe_json_begin_object(writer, "auth");
    put(writer, "flow", "jwt-bearer");
    put(writer, "client_id", answers->text[ASK_CLIENT_ID]);
    put(writer, "username", answers->text[ASK_USERNAME]);
    /* With a My Domain the audience is still one of the two. */
    put(writer, "audience",
        strstr(login_url, "test.salesforce.com") != NULL ||
                strstr(login_url, ".sandbox.my.salesforce.com") != NULL
            ? "https://test.salesforce.com"
            : "https://login.salesforce.com");
    put(writer, "key_file", answers->text[ASK_KEY_FILE]);
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
}

static void put_flows(struct sfe_json_writer *writer, const struct answers *answers)
{
    sfe_json_begin_object(writer, "streams");
    sfe_json_begin_object(writer, "events");
    put(writer, "quota", "64MiB");
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
    sfe_json_begin_object(writer, "inputs");
    sfe_json_begin_object(writer, "events");
    put(writer, "type", "mqtt");
    put(writer, "connection", "site");
    put(writer, "topic", answers->text[ASK_FILTER]);
    put(writer, "stream", "events");
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
    sfe_json_begin_object(writer, "outputs");
    sfe_json_begin_object(writer, "events");
    put(writer, "type", "salesforce-records");
    put(writer, "connection", "crm");
    put(writer, "from", "events");
    sfe_json_begin_array(writer, "records");
    sfe_json_begin_object(writer, NULL);
    put(writer, "object", answers->text[ASK_OBJECT]);
    put(writer, "external_id", answers->text[ASK_EXTERNAL_ID]);
    /* {id} is there for every message, whatever its payload: the least that always works. */
    sfe_json_begin_object(writer, "map");
    put(writer, answers->text[ASK_EXTERNAL_ID], "{id}");
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
    sfe_json_end_array(writer);
    sfe_json_end_object(writer);
    sfe_json_end_object(writer);
}

static void add_config(const struct answers *answers, struct sfe_builder *out)
{
    struct sfe_json_writer writer = sfe_json_writer_make(out);

    sfe_json_begin_object(&writer, NULL);
    sfe_json_begin_object(&writer, "agent");
    put(&writer, "id", answers->text[ASK_ID]);
    put(&writer, "state", answers->text[ASK_STATE]);
    sfe_json_end_object(&writer);
    put_connections(&writer, answers);
    put_flows(&writer, answers);
    sfe_json_end_object(&writer);
}

/* A configuration that is not accepted does not stay. The key need not be there yet, so that only
 * what stands in the file is checked. */
static enum sfe_code write_checked(const struct sfe_arguments *arguments, struct sfe_slice text,
                                   struct sfe_arena *arena, struct sfe_error *err)
{
    const struct sfe_config *config = NULL;
    enum sfe_code code = sfe_process_create_file(arguments->config, text, err);

    if (code != SFE_OK) {
        return code;
    }
    code = sfe_config_load(arguments->config, arena, sfe_cli_print_mistake, NULL, &config, err);
    if (code != SFE_OK) {
        struct sfe_error removal;
        return sfe_process_remove_file(arguments->config, &removal) == SFE_OK
                   ? sfe_within(err, "an answer does not do, and nothing was written")
                   : sfe_within(err, "an answer does not do");
    }
    return SFE_OK;
}

static void print_next(const struct sfe_arguments *arguments, const struct answers *answers)
{
    const char *config = arguments->config;

    if (arguments->json) {
        uint8_t memory[2048];
        struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
        struct sfe_json_writer writer = sfe_json_writer_make(&out);
        sfe_json_begin_object(&writer, NULL);
        put(&writer, "written", config);
        sfe_json_end_object(&writer);
        sfe_builder_add_byte(&out, '\n');
        sfe_process_print(sfe_builder_slice(&out));
        return;
    }
    sfe_cli_print("%s is written. Three steps are next:\n\n", config);
    sfe_cli_print(
        "1. Put the private key into %s (from the folder of %s), not readable by others,\n"
        "   and its certificate into the org's app. A new pair is made by:\n"
        "   openssl req -x509 -newkey rsa:2048 -nodes -days 730 -subj /CN=%s -keyout %s "
        "-out crm.crt\n   chmod 600 %s\n",
        answers->text[ASK_KEY_FILE], config, answers->text[ASK_ID], answers->text[ASK_KEY_FILE],
        answers->text[ASK_KEY_FILE]);
    sfe_cli_print("2. See what a message becomes, and put your fields into \"map\":\n"
                  "   sfedge try -c %s -t TOPIC -p '{\"value\":21.5}' --explain\n",
                  config);
    sfe_cli_print("3. See that broker and org are well, then run it:\n"
                  "   sfedge doctor -c %s && sfedge run -c %s\n",
                  config, config);
}

/* Before anything is asked: is there no such file yet? */
static enum sfe_code check_free(const char *path, struct sfe_error *err)
{
    uint8_t byte = 0;
    struct sfe_builder content = sfe_builder_make(&byte, sizeof(byte));

    if (sfe_process_read_file(path, &content, err) == SFE_E_NOT_FOUND) {
        return SFE_OK;
    }
    return sfe_fail(err, SFE_E_REFUSED, "'%s' exists already; say --config FILE", path);
}

static enum sfe_code init(const struct sfe_arguments *arguments, struct sfe_arena *arena,
                          struct sfe_error *err)
{
    struct answers *answers = sfe_arena_take(arena, sizeof(*answers), err);
    uint8_t *plain = sfe_arena_take(arena, FILE_BYTES_MAX, err);
    uint8_t *pretty = sfe_arena_take(arena, 2u * FILE_BYTES_MAX, err);
    enum sfe_code code = SFE_OK;

    if (answers == NULL || plain == NULL || pretty == NULL) {
        return err->code;
    }
    code = check_free(arguments->config, err);
    for (uint32_t i = 0; i < ASK_COUNT && code == SFE_OK; i++) {
        code = answer(arguments, &QUESTIONS[i], answers->text[i], err);
    }
    if (code != SFE_OK) {
        return code;
    }
    struct sfe_builder text = sfe_builder_make(plain, FILE_BYTES_MAX);
    struct sfe_builder out = sfe_builder_make(pretty, 2u * FILE_BYTES_MAX);
    add_config(answers, &text);
    pretty_add(sfe_builder_slice(&text), &out);
    sfe_builder_add_byte(&out, '\n');
    if (text.overflowed || out.overflowed) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the answers are too long");
    }
    code = write_checked(arguments, sfe_builder_slice(&out), arena, err);
    if (code == SFE_OK) {
        print_next(arguments, answers);
    }
    return code;
}

int sfe_cli_init(const struct sfe_arguments *arguments)
{
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    enum sfe_code code = sfe_arena_open(CONFIG_BYTES_MAX, &arena, &err);

    if (code == SFE_OK) {
        code = init(arguments, arena, &err);
    }
    sfe_arena_close(arena);
    return code == SFE_OK ? 0 : sfe_cli_fail("init", &err);
}
