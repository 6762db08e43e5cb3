#include "input/files_parts.h"

#include "base/assert.h"

#include <stdio.h>

static const char *const markers[] = {".done", ".ok"};

static bool is_same_letter(char a, char b)
{
    const unsigned difference = (unsigned)a ^ (unsigned)b;
    const unsigned small = (unsigned)a | 0x20u;

    return difference == 0 || (difference == 0x20u && small >= 'a' && small <= 'z');
}

bool files_name_matches(const char *pattern, const char *name)
{
    const char *star = NULL;
    const char *behind = NULL;

    while (*name != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            behind = name;
        } else if (*pattern != '\0' && (*pattern == '?' || is_same_letter(*pattern, *name))) {
            pattern++;
            name++;
        } else if (star != NULL) {
            pattern = star + 1;
            name = ++behind;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

static bool ends_with(const char *name, const char *suffix)
{
    const size_t size = strlen(name);
    const size_t of_suffix = strlen(suffix);

    return size > of_suffix && strcmp(name + size - of_suffix, suffix) == 0;
}

/* Names that are a topic and a line of a log. */
static bool is_text(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7F) {
            return false;
        }
    }
    return sfe_utf8_valid(sfe_slice_text(name));
}

static bool is_wanted(struct files_source *self, const char *name)
{
    static const char *const unfinished[] = {".tmp", ".part", ".filepart", ".crdownload"};

    if (name[0] == '.' || !files_name_matches(self->options.pattern, name)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(unfinished) / sizeof(unfinished[0]); i++) {
        if (ends_with(name, unfinished[i])) {
            return false;
        }
    }
    for (size_t i = 0; self->options.needs_marker && i < 2; i++) {
        if (ends_with(name, markers[i])) {
            return false;
        }
    }
    if (!is_text(name)) {
        (void)sfe_fail(&self->last_error, SFE_E_SYNTAX,
                       "a file whose name is no text is left where it is");
        return false;
    }
    return true;
}

bool files_marker(struct sfe_folder *folder, const char *name, char marker[SFE_FOLDER_NAME_BYTES])
{
    struct sfe_folder_entry entry;
    struct sfe_error ignored;

    for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
        const int length = snprintf(marker, SFE_FOLDER_NAME_BYTES, "%s%s", name, markers[i]);
        if (length > 0 && (size_t)length < SFE_FOLDER_NAME_BYTES &&
            sfe_folder_look(folder, NULL, marker, &entry, &ignored) == SFE_OK) {
            return true;
        }
    }
    return false;
}

/* The place of `name` in the table, or where it would stand. */
static uint32_t place_of(const struct files_table *table, const char *name)
{
    uint32_t low = 0;
    uint32_t high = table->count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2u;
        if (strcmp(table->items[middle].name, name) < 0) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_same(const struct sfe_folder_entry *a, const struct sfe_folder_entry *b)
{
    return a->size == b->size && a->inode == b->inode && a->modified_ns == b->modified_ns;
}

/* Since when it is as it is, by the last look. */
static void remember(const struct files_table *before, struct files_candidate *candidate,
                     uint64_t now_ns)
{
    const uint32_t place = place_of(before, candidate->name);

    candidate->since_ns = now_ns;
    candidate->not_before_ns = 0;
    if (place < before->count && strcmp(before->items[place].name, candidate->name) == 0) {
        const struct files_candidate *old = &before->items[place];
        candidate->not_before_ns = old->not_before_ns;
        candidate->since_ns = is_same(&old->entry, &candidate->entry) ? old->since_ns : now_ns;
    }
}

static void see(struct files_source *self, const char *name, uint64_t now_ns)
{
    struct files_table *table = self->next;
    struct files_candidate found;
    struct sfe_error ignored;
    uint32_t place = place_of(table, name);

    if (place == FILES_CANDIDATES) {
        self->seen++;
        return; /* It waits until others are gone. */
    }
    if (sfe_folder_look(self->folder, NULL, name, &found.entry, &ignored) != SFE_OK) {
        return;
    }
    self->seen++;
    (void)snprintf(found.name, sizeof(found.name), "%s", name);
    remember(self->table, &found, now_ns);
    if (table->count == FILES_CANDIDATES) {
        table->count--;
    }
    memmove(&table->items[place + 1u], &table->items[place],
            (table->count - place) * sizeof(table->items[0]));
    table->items[place] = found;
    table->count++;
}

static bool begin_list(struct files_source *self)
{
    enum sfe_code code;

    /* Opened anew each time: something may have been mounted there meanwhile. */
    sfe_folder_close(self->folder);
    self->folder = NULL;
    code = sfe_folder_open(self->options.directory, &self->folder, &self->last_error);
    if (code == SFE_OK) {
        code = sfe_folder_begin_list(self->folder, NULL, &self->list, &self->last_error);
    }
    if (code != SFE_OK) {
        sfe_folder_close(self->folder);
        self->folder = NULL;
        sfe_log_error(self->options.log, SFE_WARNING, "cannot look for files", &self->last_error);
        return false;
    }
    self->next->count = 0;
    self->seen = 0;
    return true;
}

static void end_list(struct files_source *self)
{
    struct files_table *table = self->next;

    sfe_folder_end_list(self->list);
    self->list = NULL;
    self->next = self->table;
    self->table = table;
    self->waiting = self->seen;
}

bool files_scan_step(struct files_source *self, uint64_t now_ns)
{
    char name[SFE_FOLDER_NAME_BYTES];
    enum sfe_code code = SFE_OK;

    if (self->list == NULL && !begin_list(self)) {
        self->table->count = 0;
        self->waiting = 0;
        return true;
    }
    for (uint32_t i = 0; i < FILES_NAMES_TURN; i++) {
        code = sfe_folder_next(self->list, name, &self->last_error);
        if (code != SFE_OK) {
            end_list(self); /* What could not be read is there at the next look. */
            return true;
        }
        if (is_wanted(self, name)) {
            see(self, name, now_ns);
        }
    }
    return false;
}

struct files_candidate *files_scan_choose(struct files_source *self, uint64_t now_ns)
{
    char marker[SFE_FOLDER_NAME_BYTES];

    for (uint32_t i = 0; self->folder != NULL && i < self->table->count; i++) {
        struct files_candidate *candidate = &self->table->items[i];
        if (now_ns - candidate->since_ns >= self->options.settle_ns &&
            now_ns >= candidate->not_before_ns &&
            (!self->options.needs_marker || files_marker(self->folder, candidate->name, marker))) {
            return candidate;
        }
    }
    return NULL;
}

void files_scan_forget(struct files_source *self, const struct files_candidate *candidate)
{
    struct files_table *table = self->table;
    const uint32_t place = (uint32_t)(candidate - table->items);

    SFE_ASSERT(place < table->count);
    table->count--;
    memmove(&table->items[place], &table->items[place + 1u],
            (table->count - place) * sizeof(table->items[0]));
    self->waiting -= self->waiting == 0 ? 0u : 1u;
}
