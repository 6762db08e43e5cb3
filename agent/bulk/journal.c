#include "bulk/journal.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/crc32c.h"

#include <stdatomic.h>
#include <stdio.h>

#define MAGIC      0x4a454653u /* "SFEJ" */
#define VERSION    1u
#define FILE_COUNT 2u
/* Magic, version, size of the runs, serial, id, map, pass, checksum of these. */
#define HEAD_BYTES 52u
#define CRC_BYTES  4u
#define SIZE_AT    8u
/* A run of neighbours takes two numbers; where every other event is left out, two bytes for one. */
#define BYTES_PER_EVENT 4u
#define NAME_BYTES      96u
#define AGAIN_NS        1000000000u

/* Events that follow each other without a gap. */
struct run {
    uint64_t begin;
    uint64_t end; /* Exclusive. */
};

struct sfe_bulk_journal {
    struct sfe_bulk_journal_options options;
    struct sfe_file *files[FILE_COUNT];
    struct sfe_builder out; /* Written by cloud while all is durable, by flash while it is not. */
    struct bulk_job_note left;
    struct sfe_slice runs; /* Of the job left behind, in `out`. */
    struct sfe_reader at;  /* Where bulk_journal_holds stands in them. */
    struct run run;
    struct run adding;
    uint64_t last_end;
    uint64_t serial;
    uint32_t next_file; /* Flash thread. */
    bool is_failing;    /* Flash thread. */
    bool is_cut;        /* No further event fits. */
    atomic_uint noted;
    atomic_uint durable;
};

static size_t capacity_of(uint32_t events_max)
{
    return HEAD_BYTES + (size_t)events_max * BYTES_PER_EVENT + CRC_BYTES;
}

size_t sfe_bulk_journal_memory_bytes(uint32_t events_max)
{
    return sfe_arena_cost(sizeof(struct sfe_bulk_journal)) +
           sfe_arena_cost(capacity_of(events_max));
}

uint64_t sfe_bulk_journal_flash_bytes(uint32_t events_max)
{
    return FILE_COUNT * (uint64_t)capacity_of(events_max);
}

/* A head that is whole counts even where its runs are not: then the write broke off, and nothing of
 * the job was uploaded; or they are longer than this run has room for, and its events go again. */
static bool parse(struct sfe_slice bytes, struct bulk_job_note *note, uint64_t *serial,
                  struct sfe_slice *runs)
{
    struct sfe_reader reader = sfe_reader_make(bytes);
    uint32_t magic = sfe_reader_u32le(&reader);
    uint32_t version = sfe_reader_u32le(&reader);
    uint32_t size = sfe_reader_u32le(&reader);

    *serial = sfe_reader_u64le(&reader);
    struct sfe_slice id = sfe_reader_take(&reader, SFE_BULK_JOB_ID_BYTES);
    note->map = sfe_reader_u16le(&reader);
    note->pass = sfe_reader_u16le(&reader);
    uint32_t head_crc = sfe_reader_u32le(&reader);
    if (reader.failed || magic != MAGIC || version != VERSION ||
        head_crc != sfe_crc32c(0, sfe_slice_part(bytes, 0, HEAD_BYTES - CRC_BYTES)) ||
        id.bytes[id.size - 1] != '\0') {
        return false;
    }
    memcpy(note->id, id.bytes, id.size);
    *runs = sfe_reader_take(&reader, size);
    uint32_t crc = sfe_reader_u32le(&reader);
    if (reader.failed || crc != sfe_crc32c(0, *runs)) {
        *runs = sfe_slice_make(NULL, 0);
    }
    return true;
}

static enum sfe_code read_file(struct sfe_bulk_journal *journal, uint32_t file,
                               struct sfe_slice *bytes, struct sfe_error *err)
{
    const struct sfe_storage *storage = journal->options.storage;
    size_t got = 0;
    enum sfe_code code = storage->read(storage->context, journal->files[file], 0,
                                       journal->out.bytes, journal->out.capacity, &got, err);

    *bytes = sfe_slice_make(journal->out.bytes, got);
    return code;
}

/* The newest whole file is read last, so that its runs stay in memory. */
static enum sfe_code load(struct sfe_bulk_journal *journal, struct sfe_error *err)
{
    struct bulk_job_note note;
    struct sfe_slice bytes;
    struct sfe_slice runs;
    uint64_t serials[FILE_COUNT] = {0, 0};
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < FILE_COUNT && code == SFE_OK; i++) {
        uint64_t serial = 0;
        code = read_file(journal, i, &bytes, err);
        if (code == SFE_OK && parse(bytes, &note, &serial, &runs)) {
            serials[i] = serial;
        }
    }
    const uint32_t newest = serials[1] > serials[0] ? 1 : 0;
    journal->serial = serials[newest];
    journal->next_file = 1 - newest;
    if (code == SFE_OK && journal->serial != 0) {
        code = read_file(journal, newest, &bytes, err);
    }
    if (code == SFE_OK && journal->serial != 0 &&
        parse(bytes, &journal->left, &journal->serial, &journal->runs)) {
        journal->at = sfe_reader_make(journal->runs);
    }
    return code;
}

static void make_name(const struct sfe_bulk_journal_options *options, uint32_t file,
                      char name[NAME_BYTES])
{
    int length = snprintf(name, NAME_BYTES, "bulk-%s.%s.%u", options->output, options->stream,
                          (unsigned)file);

    SFE_ASSERT(length > 0 && (size_t)length < NAME_BYTES);
}

bool sfe_bulk_journal_exists(const struct sfe_bulk_journal_options *options)
{
    const struct sfe_storage *storage = options->storage;
    struct sfe_file *file = NULL;
    struct sfe_error err;
    char name[NAME_BYTES];

    make_name(options, 0, name);
    if (storage->open(storage->context, name, SFE_STORAGE_READ, &file, &err) != SFE_OK) {
        return err.code != SFE_E_NOT_FOUND;
    }
    storage->close(storage->context, file);
    return true;
}

static enum sfe_code open_file(struct sfe_bulk_journal *journal, uint32_t file, bool *is_new,
                               struct sfe_error *err)
{
    const struct sfe_storage *storage = journal->options.storage;
    char name[NAME_BYTES];

    make_name(&journal->options, file, name);
    enum sfe_code code =
        storage->open(storage->context, name, SFE_STORAGE_WRITE, &journal->files[file], err);
    if (code == SFE_E_NOT_FOUND) {
        *is_new = true;
        code =
            storage->open(storage->context, name, SFE_STORAGE_CREATE, &journal->files[file], err);
    }
    if (code == SFE_OK) {
        code =
            storage->allocate(storage->context, journal->files[file], journal->out.capacity, err);
    }
    if (code == SFE_OK && *is_new) {
        code = storage->sync(storage->context, journal->files[file], err);
    }
    return code == SFE_OK ? code : sfe_within(err, "%s", name);
}

static enum sfe_code open_files(struct sfe_bulk_journal *journal, struct sfe_error *err)
{
    const struct sfe_storage *storage = journal->options.storage;
    bool is_new = false;
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < FILE_COUNT && code == SFE_OK; i++) {
        code = open_file(journal, i, &is_new, err);
    }
    return code == SFE_OK && is_new ? storage->sync_directory(storage->context, err) : code;
}

enum sfe_code sfe_bulk_journal_open(const struct sfe_bulk_journal_options *options,
                                    struct sfe_arena *arena, struct sfe_bulk_journal **journal,
                                    struct sfe_error *err)
{
    struct sfe_bulk_journal *opened = sfe_arena_take(arena, sizeof(*opened), err);
    uint8_t *memory =
        opened == NULL ? NULL : sfe_arena_take(arena, capacity_of(options->events_max), err);

    *journal = NULL;
    if (memory == NULL) {
        return SFE_E_NO_MEMORY;
    }
    opened->options = *options;
    opened->out = sfe_builder_make(memory, capacity_of(options->events_max));
    enum sfe_code code = open_files(opened, err);
    if (code == SFE_OK) {
        code = load(opened, err);
    }
    if (code != SFE_OK) {
        sfe_bulk_journal_close(opened);
        return code;
    }
    *journal = opened;
    return SFE_OK;
}

bool bulk_journal_left(const struct sfe_bulk_journal *journal, struct bulk_job_note *note)
{
    *note = journal->left;
    return note->id[0] != '\0';
}

/* The next run; false at the end. */
static bool next_run(struct sfe_bulk_journal *journal)
{
    uint64_t gap = sfe_reader_varint(&journal->at);
    uint64_t count = sfe_reader_varint(&journal->at);

    if (journal->at.failed || count == 0 || gap > UINT64_MAX - journal->run.end ||
        count > UINT64_MAX - journal->run.end - gap) {
        return false;
    }
    journal->run.begin = journal->run.end + gap;
    journal->run.end = journal->run.begin + count;
    return true;
}

bool bulk_journal_holds(struct sfe_bulk_journal *journal, uint64_t sequence, bool *is_beyond)
{
    if (sequence < journal->run.begin) {
        journal->at = sfe_reader_make(journal->runs);
        journal->run = (struct run){0, 0};
    }
    *is_beyond = false;
    while (sequence >= journal->run.end) {
        if (!next_run(journal)) {
            *is_beyond = true;
            return false;
        }
    }
    return sequence >= journal->run.begin;
}

void bulk_journal_begin(struct sfe_bulk_journal *journal, const struct bulk_job_note *note)
{
    struct sfe_builder *out = &journal->out;
    char id[SFE_BULK_JOB_ID_BYTES] = "";

    SFE_ASSERT(bulk_journal_is_durable(journal));
    if (note != NULL) {
        memcpy(id, note->id, sizeof(id));
    }
    journal->serial++;
    journal->left.id[0] = '\0';
    journal->runs = sfe_slice_make(NULL, 0); /* They stood where this is written. */
    journal->at = sfe_reader_make(journal->runs);
    journal->run = (struct run){0, 0};
    journal->adding = (struct run){0, 0};
    journal->last_end = 0;
    journal->is_cut = false;
    sfe_builder_rewind(out, 0);
    sfe_builder_add_u32le(out, MAGIC);
    sfe_builder_add_u32le(out, VERSION);
    sfe_builder_add_u32le(out, 0);
    sfe_builder_add_u64le(out, journal->serial);
    sfe_builder_add(out, sfe_slice_make(id, sizeof(id)));
    sfe_builder_add_u16le(out, note == NULL ? 0 : (uint16_t)note->map);
    sfe_builder_add_u16le(out, note == NULL ? 0 : (uint16_t)note->pass);
    sfe_builder_add_u32le(out, 0);
    SFE_ASSERT(out->size == HEAD_BYTES);
}

static void end_run(struct sfe_bulk_journal *journal)
{
    struct sfe_builder *out = &journal->out;
    const struct run *run = &journal->adding;
    const size_t before = out->size;

    if (run->begin == run->end || journal->is_cut) {
        return;
    }
    sfe_builder_add_varint(out, run->begin - journal->last_end);
    sfe_builder_add_varint(out, run->end - run->begin);
    if (out->overflowed || sfe_builder_room(out) < CRC_BYTES) {
        sfe_builder_rewind(out, before);
        journal->is_cut = true;
    }
    journal->last_end = run->end;
}

void bulk_journal_add(struct sfe_bulk_journal *journal, uint64_t sequence)
{
    struct run *run = &journal->adding;

    SFE_ASSERT(sequence >= run->end);
    if (run->begin == run->end || sequence != run->end) {
        end_run(journal);
        run->begin = sequence;
    }
    run->end = sequence + 1;
}

static void put_u32le(uint8_t *place, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        place[i] = (uint8_t)(value >> (8 * i));
    }
}

void bulk_journal_end(struct sfe_bulk_journal *journal)
{
    struct sfe_builder *out = &journal->out;

    end_run(journal);
    const struct sfe_slice whole = sfe_builder_slice(out);
    const struct sfe_slice runs = sfe_slice_part(whole, HEAD_BYTES, whole.size);
    put_u32le(out->bytes + SIZE_AT, (uint32_t)runs.size);
    put_u32le(out->bytes + HEAD_BYTES - CRC_BYTES,
              sfe_crc32c(0, sfe_slice_part(whole, 0, HEAD_BYTES - CRC_BYTES)));
    sfe_builder_add_u32le(out, sfe_crc32c(0, runs));
    SFE_ASSERT(!out->overflowed);
    atomic_fetch_add(&journal->noted, 1);
    journal->options.on_noted(journal->options.owner);
}

bool bulk_journal_is_durable(const struct sfe_bulk_journal *journal)
{
    return atomic_load(&journal->durable) == atomic_load(&journal->noted);
}

uint64_t sfe_bulk_journal_flash_turn(struct sfe_bulk_journal *journal, uint64_t now_ns)
{
    const struct sfe_storage *storage = journal->options.storage;
    struct sfe_error err;

    if (bulk_journal_is_durable(journal)) {
        return UINT64_MAX;
    }
    const struct sfe_slice bytes = sfe_builder_slice(&journal->out);
    struct sfe_file *file = journal->files[journal->next_file];
    enum sfe_code code = storage->write(storage->context, file, 0, &bytes, 1, &err);
    if (code == SFE_OK) {
        code = storage->sync(storage->context, file, &err);
    }
    if (code != SFE_OK) {
        if (!journal->is_failing) {
            sfe_log_error(journal->options.log, SFE_ERROR,
                          "cannot note a bulk job on flash; it waits", &err);
        }
        journal->is_failing = true;
        return now_ns + AGAIN_NS;
    }
    journal->is_failing = false;
    journal->next_file = 1 - journal->next_file;
    atomic_store(&journal->durable, atomic_load(&journal->noted));
    journal->options.on_durable(journal->options.owner);
    return UINT64_MAX;
}

void sfe_bulk_journal_close(struct sfe_bulk_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    for (uint32_t i = 0; i < FILE_COUNT; i++) {
        journal->options.storage->close(journal->options.storage->context, journal->files[i]);
        journal->files[i] = NULL;
    }
}
