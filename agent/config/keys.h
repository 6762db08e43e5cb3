/* The rows of the one table of keys, for the files of this module.
 *
 * A key stands in a section (one kind of object of the file); in `connections`, `inputs` and
 * `outputs` its entry's `type` chooses among them. What is known but not carried out yet is named
 * in the column `later`. Constant data; any thread.
 */
#ifndef SFE_CONFIG_KEYS_H
#define SFE_CONFIG_KEYS_H

#include "base/bytes.h"

enum config_section {
    SFE_SECTION_ROOT,
    SFE_SECTION_AGENT,
    SFE_SECTION_FLASH,
    SFE_SECTION_WATCH,
    SFE_SECTION_CONNECTION,
    SFE_SECTION_AUTH,
    SFE_SECTION_MQTT_TLS,
    SFE_SECTION_MQTT_WILL,
    SFE_SECTION_SALESFORCE_TLS,
    SFE_SECTION_PROXY,
    SFE_SECTION_STREAM,
    SFE_SECTION_THIN,
    SFE_SECTION_IDENTITY,
    SFE_SECTION_INPUT,
    SFE_SECTION_HTTP_TLS,
    SFE_SECTION_HTTP_AUTH,
    SFE_SECTION_OUTPUT,
    SFE_SECTION_WAITS,
    SFE_SECTION_RECORD,
    SFE_SECTION_HTTP_OUTPUT_AUTH,
    SFE_SECTION_HTTP_OUTPUT_TLS,
    SFE_SECTION_HTTP_OUTPUT_PROXY,
    SFE_SECTION_HTTP_SETTLE,
    SFE_SECTION_FIELD,
    SFE_SECTION_CASE,
    SFE_SECTION_COUNT
};

enum config_kind {
    SFE_KEY_TEXT,       /* Text without control characters; min and max are its bytes. */
    SFE_KEY_TEMPLATE,   /* Text with {…} parts. */
    SFE_KEY_WORD,       /* One of `allowed`; stored as its place there, counted from `min`. */
    SFE_KEY_FLAG,       /* true or false. */
    SFE_KEY_WHOLE,      /* A whole number. */
    SFE_KEY_DURATION,   /* Text such as "5s"; min, max and step in nanoseconds. */
    SFE_KEY_SIZE,       /* Text such as "64MiB", or a number of bytes. */
    SFE_KEY_FILE,       /* A path, taken from the folder of the configuration file. */
    SFE_KEY_SECRET,     /* "env:NAME" or "credential:NAME": where a secret is, never itself. */
    SFE_KEY_INTERFACE,  /* A network interface, or an address. */
    SFE_KEY_POINTER,    /* A JSON pointer that is not the root. */
    SFE_KEY_TOPIC,      /* A topic filter. */
    SFE_KEY_IDENTIFIER, /* A name in Salesforce. */
    SFE_KEY_VERSION,    /* "v62.0". */
    SFE_KEY_MQTT_URL,   /* One or a list; `allowed` are the schemes; stored as brokers. */
    SFE_KEY_HTTP_URL,   /* `allowed` are the schemes; stored as text without a slash at the end. */
    SFE_KEY_CONNECTION, /* Name of a connection; `allowed` is the type it must have. */
    SFE_KEY_STREAM,     /* Name of a stream. */
    SFE_KEY_STREAMS,    /* One such name or a list. */
    SFE_KEY_TEXTS,      /* A list of texts. */
    SFE_KEY_FILES,      /* A list of paths, each as SFE_KEY_FILE. */
    SFE_KEY_HOSTS,      /* A list of hosts, domains and networks. */
    SFE_KEY_NUMBER,     /* A JSON number; stored as its JSON text. */
    SFE_KEY_SCALAR,     /* A JSON value without members; stored as its JSON text. */
    SFE_KEY_SECTION,    /* An object, section `of`, in the same structure. */
    SFE_KEY_NAMED,      /* An object whose members have free names, each a section `of`. */
    SFE_KEY_LIST,       /* A list of objects, each a section `of`. */
    SFE_KEY_MAP,        /* An object of fields: text, scalar or section `of`. */
    SFE_KEY_TREE,       /* Objects and lists with values, each as in MAP, at their ends. */
    SFE_KEY_VALUE,      /* Text, scalar or section `of`, as in MAP; of size 0 in this structure. */
    SFE_KEY_WHERE,      /* Conditions; stored as a table of them. */
    SFE_KEY_ANY,        /* Not looked into: of a type that is not available yet. */
    SFE_KEY_KINDS
};

/* Value of `later`: the whole key is not available in this version. */
#define SFE_LATER "*"

/* Value of `step`: a power of two. */
#define SFE_STEP_POWER_OF_TWO UINT64_MAX

/* Lists of words are one text, joined by '|'. */
struct config_key {
    enum config_section section;
    const char *key;
    enum config_kind kind;
    const char *only; /* The entry's types it goes with; NULL: all. */
    bool required;
    const char *later; /* SFE_LATER, or words of `allowed` not available yet; NULL: available. */
    const char *allowed;
    uint64_t min;
    uint64_t max; /* 0: no bound. */
    uint64_t step;
    const char *fallback; /* The default as in the file, without quotes; NULL: none. */
    enum config_section of;
    size_t offset;       /* Where the value goes in the section's structure. */
    size_t size;         /* Bytes there; 0: it goes nowhere. */
    size_t count_offset; /* Where the number of entries goes (u32). */
    size_t place_offset; /* Where the value's place goes; 0: nowhere. */
    const char *note;    /* Said beside what is allowed. */
    const char *help;
};

struct config_section_form {
    const char *name;    /* In the schema and the manual. */
    const char *heading; /* In the manual. */
    size_t size;         /* Of one entry's structure; its name comes first in it. */
    size_t place_offset;
    const char *types; /* The key that chooses among entries: "type", "flow"; NULL: all alike. */
};

/* Some rows of the table. */
struct config_rows {
    const struct config_key *rows;
    uint32_t count;
};

/* Those of outputs: schema_outputs.c. */
struct config_rows keys_output_rows(void);

/* The table: how many rows it has, row `number`, and the number of a row. */
uint32_t keys_count(void);
const struct config_key *keys_row(uint32_t number);
uint32_t keys_number(const struct config_key *row);

/* What is common to a section. */
const struct config_section_form *keys_form(enum config_section section);

/* The row of `key` in `section` for an entry of type `type`; without one (size 0) the first of
 * that name. NULL: none. */
const struct config_key *keys_find(enum config_section section, struct sfe_slice key,
                                   struct sfe_slice type);

/* True where the row goes with entries of type `type`. */
bool keys_fits(const struct config_key *key, struct sfe_slice type);

/* True where the whole key is not available yet. */
bool keys_is_later(const struct config_key *key);

/* True where the entry type, word or scheme `word` is known to the row and not available yet. */
bool keys_is_later_word(const struct config_key *key, struct sfe_slice word);

/* True where the row can be written in this version: with at least one entry type that is
 * available. */
bool keys_is_reachable(const struct config_key *key);

/* True where the section stands under a row that can be written; the root does. */
bool keys_is_used(enum config_section section);

/* The row that holds the types of a section. The section has types; without the key an entry is of
 * the row's default type. */
const struct config_key *keys_types(enum config_section section);

/* Word `index` of a list; empty behind the last one. */
struct sfe_slice keys_word(const char *words, uint32_t index);

/* Place of `word` in a list, or UINT32_MAX. A NULL list is empty. */
uint32_t keys_word_index(const char *words, struct sfe_slice word);

/* Adds what is allowed, in one phrase: "a whole number, 1 to 200". */
void keys_add_allowed(const struct config_key *key, struct sfe_builder *builder);

#endif
