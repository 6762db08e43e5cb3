#include "cli/command.h"

#include "base/arena.h"
#include "base/json_writer.h"
#include "cli/pretty.h"
#include "cli/print.h"
#include "port/process.h"
#include "run/rehearsal.h"

#include <inttypes.h>

#define CONFIG_BYTES_MAX (64u * 1024u * 1024u)
/* Larger than any event that is taken: it is shown what becomes of it. */
#define PAYLOAD_BYTES_MAX (2u * 1024u * 1024u)
/* All requests of one event, pretty. */
#define TEXT_BYTES_MAX (16u * 1024u * 1024u)
#define LIST_BYTES_MAX (8u * 1024u * 1024u)

struct listener {
    bool json;
    struct sfe_builder text; /* For people; each thing is printed as it is heard. */
    /* For scripts: three lists, put together at the end. */
    struct sfe_builder routes;
    struct sfe_builder steps;
    struct sfe_builder requests;
};

static void begin_item(struct sfe_builder *list)
{
    if (list->size != 0) {
        sfe_builder_add_byte(list, ',');
    }
}

static void put_slice(struct sfe_json_writer *writer, const char *name, struct sfe_slice text)
{
    if (text.size != 0) {
        sfe_json_put_text(writer, name, text);
    }
}

static void on_route(void *reader, const struct sfe_rehearsal_route *route)
{
    struct listener *listener = reader;

    if (listener->json) {
        begin_item(&listener->routes);
        struct sfe_json_writer writer = sfe_json_writer_make(&listener->routes);
        sfe_json_begin_object(&writer, NULL);
        put_slice(&writer, "input", route->input);
        sfe_json_put_text(&writer, "stream", sfe_slice_text(route->stream));
        sfe_json_put_text(&writer, "id", route->id);
        if (route->reason.size != 0) {
            sfe_json_put_raw(&writer, "dead_letter", route->reason);
        }
        sfe_json_end_object(&writer);
        return;
    }
    sfe_cli_print("%s%.*s -> stream %s, id %.*s\n", route->reason.size == 0 ? "input " : "",
                  (int)route->input.size, (const char *)route->input.bytes, route->stream,
                  (int)route->id.size, (const char *)route->id.bytes);
    if (route->reason.size != 0) {
        sfe_cli_print("  dead letter: %.*s\n", (int)route->reason.size,
                      (const char *)route->reason.bytes);
    }
}

/* As it is written; of a field with cases the one that it is. */
static const char *template_of(const struct sfe_rehearsal_step *told)
{
    const struct sfe_config_field *field = told->configured;
    const uint32_t chosen = told->step->chosen;

    if (field != NULL && chosen != 0) {
        field = chosen <= field->case_count ? &field->cases[chosen - 1u] : field->otherwise;
    }
    if (field == NULL || (field->from == NULL && field->constant == NULL)) {
        return "";
    }
    return field->from != NULL ? field->from : field->constant;
}

static void print_step(const struct sfe_rehearsal_step *told)
{
    const struct sfe_map_step *step = told->step;
    const struct sfe_slice found = sfe_builder_slice(&step->found);
    const struct sfe_slice result = sfe_builder_slice(&step->result);

    sfe_cli_print("  %s %s[%u].%s: %.200s (%s), found %.*s -> ", told->output, told->object,
                  (unsigned)told->index, step->field, template_of(told), step->type,
                  found.size > 1000u ? 1000 : (int)found.size, (const char *)found.bytes);
    if (step->err.code != SFE_OK) {
        sfe_cli_print("no value: %s\n", step->err.message);
    } else if (step->is_left_out) {
        sfe_cli_print("left out\n");
    } else {
        sfe_cli_print("%.*s\n", result.size > 1000u ? 1000 : (int)result.size,
                      (const char *)result.bytes);
    }
}

static void put_step(struct sfe_json_writer *writer, const struct sfe_rehearsal_step *told)
{
    const struct sfe_map_step *step = told->step;

    sfe_json_put_u64(writer, "record", told->index);
    sfe_json_put_text(writer, "field", sfe_slice_text(step->field));
    sfe_json_put_text(writer, "template", sfe_slice_text(template_of(told)));
    if (step->chosen != 0) {
        sfe_json_put_u64(writer, "case", step->chosen);
    }
    if (told->configured != NULL && told->configured->place.pointer != NULL) {
        sfe_json_put_text(writer, "pointer", sfe_slice_text(told->configured->place.pointer));
    }
    sfe_json_put_text(writer, "type", sfe_slice_text(step->type));
    sfe_json_put_raw(writer, "found", sfe_builder_slice(&step->found));
    if (step->err.code != SFE_OK) {
        sfe_json_put_text(writer, "reason", sfe_slice_text(step->err.message));
    } else if (step->is_left_out) {
        sfe_json_put_bool(writer, "left_out", true);
    } else if (step->result.size != 0) {
        sfe_json_put_raw(writer, "result", sfe_builder_slice(&step->result));
    }
}

static const char *verdict_of(const struct sfe_where_step *condition)
{
    if (condition->code == SFE_OK) {
        return "holds";
    }
    return condition->code == SFE_E_SKIPPED ? "does not hold" : "cannot be judged";
}

static void print_condition(const struct sfe_rehearsal_step *told)
{
    const struct sfe_where_step *condition = told->condition;
    const struct sfe_slice found = sfe_builder_slice(&condition->found);

    if (told->configured == NULL) {
        sfe_cli_print("  %s where: ", told->output);
    } else if (told->case_number == 0) {
        sfe_cli_print("  %s %s[%u].%s if: ", told->output, told->object, (unsigned)told->index,
                      told->configured->name);
    } else {
        sfe_cli_print("  %s %s[%u].%s case %u: ", told->output, told->object, (unsigned)told->index,
                      told->configured->name, (unsigned)told->case_number);
    }
    sfe_cli_print("%*s", (int)(2u * condition->depth), "");
    if (condition->at == NULL) {
        sfe_cli_print("%s -> %s\n", condition->condition, verdict_of(condition));
        return;
    }
    sfe_cli_print("%.200s %s %.200s, found %.*s -> %s%s%s\n", condition->at, condition->condition,
                  condition->operand, found.size == 0 ? 7 : (int)found.size,
                  found.size == 0 ? "nothing" : (const char *)found.bytes, verdict_of(condition),
                  condition->err.code == SFE_OK ? "" : ": ",
                  condition->err.code == SFE_OK ? "" : condition->err.message);
}

static void put_condition(struct sfe_json_writer *writer, const struct sfe_rehearsal_step *told)
{
    const struct sfe_where_step *condition = told->condition;

    if (told->configured != NULL) {
        sfe_json_put_u64(writer, "record", told->index);
        sfe_json_put_text(writer, "field", sfe_slice_text(told->configured->name));
    }
    if (told->case_number != 0) {
        sfe_json_put_u64(writer, "case", told->case_number);
    }
    sfe_json_put_text(writer,
                      told->configured == NULL ? "where"
                      : told->case_number == 0 ? "if"
                                               : "when",
                      sfe_slice_text(condition->condition));
    sfe_json_put_u64(writer, "depth", condition->depth);
    if (condition->at != NULL) {
        sfe_json_put_text(writer, "at", sfe_slice_text(condition->at));
        sfe_json_put_raw(writer, "operand", sfe_slice_text(condition->operand));
    }
    if (condition->found.size != 0) {
        sfe_json_put_raw(writer, "found", sfe_builder_slice(&condition->found));
    }
    if (condition->code == SFE_E_UNMAPPED) {
        sfe_json_put_null(writer, "holds");
    } else {
        sfe_json_put_bool(writer, "holds", condition->code == SFE_OK);
    }
    if (condition->err.code != SFE_OK) {
        sfe_json_put_text(writer, "reason", sfe_slice_text(condition->err.message));
    }
}

static void on_step(void *reader, const struct sfe_rehearsal_step *told)
{
    struct listener *listener = reader;

    if (!listener->json && told->condition != NULL) {
        print_condition(told);
    } else if (!listener->json && told->step != NULL) {
        print_step(told);
    } else if (!listener->json) {
        sfe_cli_print("  %s %s: %s\n", told->output, told->object == NULL ? "" : told->object,
                      told->message);
    } else {
        begin_item(&listener->steps);
        struct sfe_json_writer writer = sfe_json_writer_make(&listener->steps);
        sfe_json_begin_object(&writer, NULL);
        sfe_json_put_text(&writer, "output", sfe_slice_text(told->output));
        put_slice(&writer, "object", sfe_slice_text(told->object));
        if (told->condition != NULL) {
            put_condition(&writer, told);
        } else if (told->step != NULL) {
            put_step(&writer, told);
        } else {
            sfe_json_put_text(&writer, "message", sfe_slice_text(told->message));
        }
        sfe_json_end_object(&writer);
    }
}

static void on_request(void *reader, const struct sfe_rehearsal_request *request)
{
    struct listener *listener = reader;

    if (!listener->json) {
        sfe_cli_print("%s %s\n", request->method, request->path);
        for (size_t i = 0; i < request->header_count; i++) {
            const struct sfe_slice value = request->headers[i].value;
            sfe_cli_print("%s: %.*s\n", request->headers[i].name, (int)value.size,
                          (const char *)value.bytes);
        }
        sfe_builder_rewind(&listener->text, 0);
        if (request->is_json) {
            pretty_add(request->body, &listener->text);
        } else {
            sfe_builder_add(&listener->text, request->body);
        }
        sfe_builder_add_byte(&listener->text, '\n');
        sfe_process_print(sfe_builder_slice(&listener->text));
        return;
    }
    begin_item(&listener->requests);
    struct sfe_json_writer writer = sfe_json_writer_make(&listener->requests);
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "method", sfe_slice_text(request->method));
    sfe_json_put_text(&writer, "path", sfe_slice_text(request->path));
    if (request->header_count != 0) {
        sfe_json_begin_object(&writer, "headers");
        for (size_t i = 0; i < request->header_count; i++) {
            sfe_json_put_text(&writer, request->headers[i].name, request->headers[i].value);
        }
        sfe_json_end_object(&writer);
    }
    if (request->body.size != 0 && request->is_json) {
        sfe_json_put_raw(&writer, "body", request->body);
    } else if (request->body.size != 0) {
        sfe_json_put_text(&writer, "body", request->body);
    }
    sfe_json_end_object(&writer);
}

/* The one document for scripts. */
static void print_lists(const struct listener *listener, enum sfe_code code,
                        const struct sfe_error *err)
{
    uint8_t memory[1024];
    struct sfe_builder end = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(&end);

    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_bool(&writer, "ok", code == SFE_OK);
    if (code != SFE_OK) {
        sfe_json_put_text(&writer, "message", sfe_slice_text(err->message));
    }
    sfe_json_end_object(&writer);
    sfe_process_print(SFE_TEXT("{\"routes\":["));
    sfe_process_print(sfe_builder_slice(&listener->routes));
    sfe_process_print(SFE_TEXT("],\n\"steps\":["));
    sfe_process_print(sfe_builder_slice(&listener->steps));
    sfe_process_print(SFE_TEXT("],\n\"requests\":["));
    sfe_process_print(sfe_builder_slice(&listener->requests));
    sfe_process_print(SFE_TEXT("],\n"));
    sfe_process_print(sfe_slice_part(sfe_builder_slice(&end), 1, end.size));
    sfe_process_print(SFE_TEXT("\n"));
}

static enum sfe_code open_listener(struct listener *listener, struct sfe_arena *arena,
                                   struct sfe_error *err)
{
    enum sfe_code code = sfe_arena_take_builder(arena, TEXT_BYTES_MAX, &listener->text, err);

    if (code == SFE_OK) {
        code = sfe_arena_take_builder(arena, LIST_BYTES_MAX, &listener->routes, err);
    }
    if (code == SFE_OK) {
        code = sfe_arena_take_builder(arena, LIST_BYTES_MAX, &listener->steps, err);
    }
    if (code == SFE_OK) {
        code = sfe_arena_take_builder(arena, LIST_BYTES_MAX, &listener->requests, err);
    }
    return code;
}

/* The payload from where it was said to be; exactly one place. */
static enum sfe_code read_payload(const struct sfe_arguments *arguments, struct sfe_arena *arena,
                                  struct sfe_slice *payload, struct sfe_error *err)
{
    const bool from_input = arguments->word_count == 1u && strcmp(arguments->words[0], "-") == 0;
    struct sfe_builder content;
    enum sfe_code code = SFE_OK;

    if (arguments->topic == NULL || (arguments->word_count == 1u && !from_input) ||
        (arguments->payload != NULL) + (arguments->payload_file != NULL) + from_input != 1) {
        return sfe_fail(err, SFE_E_USAGE,
                        "it needs --topic and one of --payload, --payload-file or -");
    }
    if (arguments->payload != NULL) {
        *payload = sfe_slice_text(arguments->payload);
        return SFE_OK;
    }
    code = sfe_arena_take_builder(arena, PAYLOAD_BYTES_MAX, &content, err);
    if (code == SFE_OK) {
        code = from_input ? sfe_process_read_input(&content, err)
                          : sfe_process_read_file(arguments->payload_file, &content, err);
    }
    *payload = sfe_builder_slice(&content);
    return code;
}

static enum sfe_code rehearse(const struct sfe_arguments *arguments,
                              const struct sfe_rehearsal_options *given,
                              const struct sfe_rehearsal_message *message, struct sfe_error *err)
{
    struct sfe_rehearsal_options options = *given;
    struct sfe_platform platform;
    /* Nothing below it is touched: the rehearsal has its own storage. */
    enum sfe_code code = sfe_platform_open("/", &platform, err);

    if (code != SFE_OK) {
        return code;
    }
    options.platform = &platform;
    if (!arguments->explain) {
        options.audience.on_step = NULL;
    }
    code = sfe_arena_open(sfe_rehearsal_bytes_max(options.config), &options.arena, err);
    if (code == SFE_OK) {
        code = sfe_rehearse(&options, message, err);
        sfe_arena_close(options.arena);
    }
    sfe_platform_close(&platform);
    return code;
}

static enum sfe_code try_it(const struct sfe_arguments *arguments, struct sfe_arena *arena,
                            struct listener *listener, struct sfe_error *err)
{
    struct sfe_compiled compiled = {.without_secrets = true};
    struct sfe_rehearsal_options options = {.compiled = &compiled,
                                            .answer = sfe_slice_text(arguments->answer),
                                            .audience = {listener, on_route, on_step, on_request}};
    struct sfe_rehearsal_message message = {
        .topic = sfe_slice_text(arguments->topic),
        .identity = sfe_slice_text(arguments->event_id),
        .is_retained = arguments->retained,
    };
    enum sfe_code code = read_payload(arguments, arena, &message.payload, err);

    if (code == SFE_OK) {
        code = open_listener(listener, arena, err);
    }
    if (code == SFE_OK) {
        code = sfe_config_load(arguments->config, arena, sfe_cli_print_mistake, NULL,
                               &options.config, err);
    }
    if (code == SFE_OK) {
        code = sfe_compile(options.config, arena, sfe_cli_print_mistake, NULL, &compiled, err);
    }
    return code == SFE_OK ? rehearse(arguments, &options, &message, err) : code;
}

int sfe_cli_try(const struct sfe_arguments *arguments)
{
    struct listener listener = {.json = arguments->json};
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    enum sfe_code code = sfe_arena_open(
        CONFIG_BYTES_MAX + TEXT_BYTES_MAX + 3u * LIST_BYTES_MAX + PAYLOAD_BYTES_MAX, &arena, &err);

    if (code == SFE_OK) {
        code = try_it(arguments, arena, &listener, &err);
    }
    if (arguments->json && code != SFE_E_USAGE && code != SFE_E_CONFIG) {
        print_lists(&listener, code, &err);
    }
    sfe_arena_close(arena);
    return code == SFE_OK ? 0 : sfe_cli_fail("try", &err);
}
