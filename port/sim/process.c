/* A process without signals, service manager and files. */
#include "port/process.h"
#include "port/tls.h"

#include <stdio.h>

void sfe_process_catch_signals(void (*wake)(void *context), void *context)
{
    (void)wake;
    (void)context;
}

unsigned sfe_process_signals(void)
{
    return 0;
}

void sfe_process_notify(const char *state)
{
    (void)state;
}

uint64_t sfe_process_watchdog_ns(void)
{
    return 0;
}

enum sfe_code sfe_process_read_file(const char *path, struct sfe_builder *content,
                                    struct sfe_error *err)
{
    (void)content;
    return sfe_fail(err, SFE_E_NOT_FOUND, "no '%s' in a simulation", path);
}

/* Every secret is there, and the same. */
enum sfe_code sfe_process_read_secret(const char *path, struct sfe_builder *content,
                                      struct sfe_error *err)
{
    sfe_builder_add_text(content, "simulated");
    return content->overflowed ? sfe_fail(err, SFE_E_TOO_LARGE, "no room for '%s'", path) : SFE_OK;
}

enum sfe_code sfe_process_make_directory(const char *path, struct sfe_error *err)
{
    (void)path;
    (void)err;
    return SFE_OK;
}

enum sfe_code sfe_process_claim_directory(const char *path, struct sfe_error *err)
{
    (void)path;
    (void)err;
    return SFE_OK;
}

const char *sfe_process_environment(const char *name)
{
    (void)name;
    return NULL;
}

uint64_t sfe_process_memory_bytes(void)
{
    return 0;
}

uint64_t sfe_process_resident_bytes(void)
{
    return 0;
}

uint64_t sfe_process_heap_bytes(void)
{
    return 0;
}

void sfe_process_print(struct sfe_slice text)
{
    (void)fwrite(text.bytes, 1, text.size, stdout);
}

void sfe_process_print_error(struct sfe_slice text)
{
    (void)fwrite(text.bytes, 1, text.size, stderr);
}

bool sfe_process_is_terminal(void)
{
    return false;
}

enum sfe_code sfe_process_list_files(const char *directory, const char *suffix,
                                     struct sfe_builder *names, struct sfe_error *err)
{
    (void)directory;
    (void)suffix;
    (void)names;
    (void)err;
    return SFE_OK; /* Every directory beside the simulated flash is empty. */
}

enum sfe_code sfe_process_add_absolute_path(const char *path, struct sfe_builder *out,
                                            struct sfe_error *err)
{
    (void)err;
    sfe_builder_add_text(out, path);
    return SFE_OK;
}

enum sfe_code sfe_tls_check(const struct sfe_tls_options *options, struct sfe_error *err)
{
    (void)options;
    return sfe_fail(err, SFE_E_NOT_FOUND, "there are no certificates in a simulation");
}

enum sfe_code sfe_tls_server_check(const struct sfe_tls_server_options *options, int64_t *until_s,
                                   struct sfe_error *err)
{
    (void)options;
    *until_s = 0;
    return sfe_fail(err, SFE_E_NOT_FOUND, "there are no certificates in a simulation");
}
