/* One load under way, for the files of this module: text, tokens, mistakes, what is still to be
 * read.
 *
 * Sections are read from a list of jobs, never by recursion, in any order; mistakes are kept sorted
 * by their place in the file. Main thread.
 */
#ifndef SFE_CONFIG_LOAD_H
#define SFE_CONFIG_LOAD_H

#include "base/json_reader.h"
#include "config/config.h"
#include "config/keys.h"

#define SFE_CONFIG_FILE_BYTES_MAX (1024u * 1024u)
/* So many are told; the rest are counted. */
#define SFE_CONFIG_MISTAKES_MAX 200u
#define SFE_CONFIG_JOBS_MAX     512u
/* Of the stream of dead letters, where it is not declared. */
#define SFE_CONFIG_DEAD_QUOTA "16MiB"

/* All files together. */
#define SFE_CONFIG_FILES_MAX 64u

/* A configuration text and the path it is known by. Borrowed. */
struct config_source {
    const char *path;
    struct sfe_slice text;
};

/* One of the files whose texts stand one behind the other in load->json.text. */
struct config_part {
    const char *path;
    uint32_t begin;
};

/* Several texts that are one configuration: the main file, then those of conf.d. Borrowed; the
 * paths must live as long as the configuration. */
struct config_parts {
    struct sfe_slice text; /* All, one behind the other. */
    struct config_part parts[SFE_CONFIG_FILES_MAX];
    uint32_t count;
};

/* Whom a load serves. */
struct config_host {
    struct sfe_arena *arena;
    sfe_config_report report;
    void *reader;
    struct sfe_builder *printed; /* NULL: nothing is printed. */
};

/* As sfe_config_load, from texts already read; `printed` as in sfe_config_print, or NULL. */
SFE_MUST_USE enum sfe_code config_load_parts(const struct config_parts *parts,
                                             const struct config_host *host,
                                             const struct sfe_config **config,
                                             struct sfe_error *err);

/* The same of a single text. */
SFE_MUST_USE enum sfe_code config_load_text(const struct config_source *source,
                                            struct sfe_arena *arena, sfe_config_report report,
                                            void *reader, const struct sfe_config **config,
                                            struct sfe_error *err);

/* How `token`, an object, was read. */
struct config_reading {
    void *base;      /* The structure it went to; NULL: it is no section. */
    uint8_t section; /* enum config_section */
};

struct config_mistake {
    uint32_t offset; /* Into the text. */
    struct sfe_error error;
};

/* A section that waits to be read into `base`. */
struct config_job {
    enum config_section section;
    uint32_t token;
    void *base;
};

struct config_load {
    const char *path; /* Of the main file. */
    const struct config_parts *parts;
    struct config_reading *readings; /* One for each token. */
    struct sfe_json json;
    struct sfe_arena *arena; /* For what outlives the load. */
    struct sfe_config *config;
    enum sfe_code failure; /* SFE_E_NO_MEMORY: everything after it is skipped. */
    struct sfe_error failure_error;
    uint32_t line; /* Of the byte at line_begin; places are mostly asked for in order. */
    size_t line_begin;
    uint32_t job_count;
    struct config_job jobs[SFE_CONFIG_JOBS_MAX];
    uint32_t mistake_total;
    uint32_t mistake_count; /* Of them kept: the first ones of the file. */
    struct config_mistake mistakes[SFE_CONFIG_MISTAKES_MAX];
};

/* Takes memory that outlives the load; NULL after a failure, which is kept in load->failure. */
void *load_take(struct config_load *load, size_t size);

/* Copies `text` into the arena with a NUL behind it; NULL as above. */
const char *load_keep(struct config_load *load, struct sfe_slice text);

/* The unescaped text of string `token`, in the file's text or in the arena. */
struct sfe_slice load_text(struct config_load *load, uint32_t token);

/* Records a mistake at `token`. */
void load_mistake(struct config_load *load, uint32_t token, const char *format, ...)
    SFE_PRINTF(3, 4);

/* Where `token` stands; its pointer is kept in the arena. */
struct sfe_config_place load_place(struct config_load *load, uint32_t token);

/* The path of the file in which `token` stands. */
const char *load_place_file(const struct config_load *load, uint32_t token);

/* Adds the RFC 6901 pointer of `token`; of a member's key the same as of its value. */
void load_add_pointer(const struct sfe_json *json, uint32_t token, struct sfe_builder *builder);

/* Room for what load_show says. */
#define SFE_CONFIG_SHOWN_BYTES 56u

/* Says what was found at `token` in a few words, NUL-terminated: "\"quota\"", "42", "a list". */
const char *load_show(const struct config_load *load, uint32_t token,
                      char shown[SFE_CONFIG_SHOWN_BYTES]);

/* The same of any text, in quotes. */
const char *load_quote(struct sfe_slice text, char shown[SFE_CONFIG_SHOWN_BYTES]);

/* The value of the first member `key`, the one that the walk reads; SFE_JSON_NONE without one. */
uint32_t load_member(const struct config_load *load, uint32_t object, const char *key);

/* Walks the members of the root's object `section`: its first key, or SFE_JSON_NONE. *object is
 * set to the object. */
uint32_t load_named_first(const struct config_load *load, const char *section, uint32_t *object);

#endif
