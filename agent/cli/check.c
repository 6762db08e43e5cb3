#include "cli/command.h"

#include "base/arena.h"
#include "base/json_writer.h"
#include "cli/print.h"
#include "port/platform.h"
#include "port/process.h"
#include "run/agent.h"
#include "run/room.h"
#include "run/setup.h"

#define ARENA_BYTES_MAX   (64u * 1024u * 1024u)
#define PRINTED_BYTES_MAX (4u * 1024u * 1024u)

/* Mistakes as one JSON array on standard output, written as they come. */
struct mistakes {
    bool json;
    uint32_t count;
};

static void report(void *reader, const struct sfe_error *mistake)
{
    struct mistakes *mistakes = reader;
    uint8_t memory[2048];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(&out);

    mistakes->count++;
    if (!mistakes->json) {
        sfe_cli_print_mistake(NULL, mistake);
        return;
    }
    sfe_builder_add_text(&out, mistakes->count == 1u ? "" : ",\n");
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "file", sfe_slice_text(mistake->where));
    sfe_json_put_u64(&writer, "line", mistake->line);
    sfe_json_put_u64(&writer, "column", mistake->column);
    sfe_json_put_text(&writer, "pointer", sfe_slice_text(mistake->pointer));
    sfe_json_put_text(&writer, "message", sfe_slice_text(mistake->message));
    sfe_json_end_object(&writer);
    sfe_process_print(sfe_builder_slice(&out));
}

/* The file system may be another one here than where the agent will run: a warning, no mistake. */
static void warn_of_small_medium(const struct sfe_config *config, uint64_t wanted)
{
    struct sfe_platform platform;
    struct sfe_error err;
    uint64_t total = 0;
    uint64_t available = 0;

    if (sfe_platform_open(config->agent.state, &platform, &err) != SFE_OK) {
        return; /* It is made by the first run. */
    }
    const struct sfe_storage *storage = &platform.storage;
    if (storage->space(storage->context, &total, &available, &err) == SFE_OK && total < wanted) {
        sfe_cli_print_error("warning: the streams may take %llu MiB, and the file system of %s has "
                            "%llu MiB: lower their quotas, or set \"quota\" of \"agent\"\n",
                            (unsigned long long)(wanted >> 20), config->agent.state,
                            (unsigned long long)(total >> 20));
    }
    sfe_platform_close(&platform);
}

static void print_good(const struct sfe_arguments *arguments, const struct sfe_setup *setup)
{
    const struct sfe_config *config = setup->config;
    const size_t own = sfe_setup_memory_bytes(setup);
    /* The last good configuration stands beside one on trial. */
    const size_t good = config->agent.confirm_within_ns == 0 ? 0 : own;
    const size_t libraries = sfe_agent_library_bytes_max(config);
    unsigned long long memory = sfe_agent_memory_bytes_max(config) + own + good + libraries;
    unsigned long long reload =
        sfe_agent_reload_memory_bytes_max(config) + 2u * own + good + 2u * libraries;
    unsigned long long flash = sfe_room_bytes_max(config);
    unsigned long long quota = config->agent.quota_bytes;

    warn_of_small_medium(config, flash);
    if (arguments->json) {
        sfe_cli_print("],\"ok\":true,\"memory_bytes_max\":%llu,"
                      "\"reload_memory_bytes_max\":%llu,\"library_bytes_max\":%llu,"
                      "\"flash_bytes_max\":%llu,\"quota_bytes\":%llu}\n",
                      memory, reload, (unsigned long long)libraries, flash, quota);
        return;
    }
    sfe_cli_print("%s is good: %u inputs, %u streams, %u outputs; at most %llu MiB of flash and "
                  "%llu MiB of memory, %llu of it for TLS, HTTP and MQTT; while a reload makes all "
                  "of it anew %llu MiB\n",
                  config->path, config->input_count, config->stream_count, config->output_count,
                  flash >> 20, memory >> 20, (unsigned long long)libraries >> 20, reload >> 20);
    if (quota != 0) {
        sfe_cli_print("quota of all streams: %llu MiB; the quotas of \"dead\" and of streams of "
                      "higher priority are kept within it\n",
                      quota >> 20);
    }
}

static enum sfe_code print_effective(const char *path, struct sfe_error *err)
{
    struct sfe_arena *arena = NULL;
    enum sfe_code code = sfe_arena_open(ARENA_BYTES_MAX, &arena, err);

    if (code != SFE_OK) {
        return code;
    }
    uint8_t *memory = sfe_arena_take(arena, PRINTED_BYTES_MAX, err);
    struct sfe_builder out = sfe_builder_make(memory, memory == NULL ? 0 : PRINTED_BYTES_MAX);
    code = memory == NULL ? err->code : sfe_config_print(path, arena, &out, err);
    if (code == SFE_OK) {
        sfe_process_print(sfe_builder_slice(&out));
    }
    sfe_arena_close(arena);
    return code;
}

/* What is said when all is well. */
static enum sfe_code finish(const struct sfe_arguments *arguments, const struct sfe_setup *setup,
                            struct sfe_error *err)
{
    if (arguments->print) {
        return print_effective(arguments->config, err);
    }
    print_good(arguments, setup);
    return SFE_OK;
}

int sfe_cli_check(const struct sfe_arguments *arguments)
{
    struct sfe_setup *setup = NULL;
    struct mistakes mistakes = {arguments->json && !arguments->print, 0};
    struct sfe_error err;

    if (mistakes.json) {
        sfe_cli_print("{\"mistakes\":[");
    }
    enum sfe_code code = sfe_setup_load(arguments->config, report, &mistakes, &setup, &err);
    if (code == SFE_OK) {
        code = finish(arguments, setup, &err);
    } else if (mistakes.json) {
        sfe_cli_print("],\"ok\":false}\n");
    }
    if (code != SFE_OK && !mistakes.json) {
        sfe_cli_print_error("sfedge check: %s\n", err.message);
    }
    sfe_setup_drop(setup);
    return sfe_code_exit(code);
}
