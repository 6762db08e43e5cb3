/* Flash that loses what flash may lose. Two images of each file, what is seen and what is durable;
 * every unsynced page, length and change of a name is a thing of its own that may or may not have
 * reached the medium when the power goes, in any order.
 *
 * Pages are shared between copies, so that a copy of a storage costs little: a simulation looks at
 * many crash states of one run without running it again.
 */
#ifndef SFE_PORT_SIM_STORAGE_H
#define SFE_PORT_SIM_STORAGE_H

#include "port/storage.h"
#include "sim/world.h"

#define SIM_PAGE_BYTES   4096u
#define SIM_SECTOR_BYTES 512u
#define SIM_NAME_BYTES   64u

struct sim_storage;

enum sim_fault {
    SIM_FAULT_NONE,
    SIM_FAULT_EIO,       /* A sync that fails forgets what it was to cover. */
    SIM_FAULT_NO_SPACE,  /* ENOSPC */
    SIM_FAULT_READ_ONLY, /* EROFS */
    SIM_FAULT_SHORT,     /* A write that fails after half of it; otherwise EIO. */
    SIM_FAULT_LIE        /* A sync that says it has, and has not; otherwise nothing. */
};

/* May be changed at any time. */
struct sim_storage_faults {
    enum sim_fault kind;
    uint64_t at;       /* This call that changes something meets the fault; 0: none does. */
    uint64_t count;    /* And so many after it, itself included. */
    uint32_t permille; /* Beside that, so many of all such calls. */
    uint64_t read_at;  /* This open or read for reading fails with EIO; 0: none. */
    uint32_t read_permille;
    uint64_t capacity;    /* Bytes of all files; 0: endless. */
    bool gives_old_bytes; /* Space that is kept holds what removed files held. */
};

struct sim_storage *sim_storage_open(uint64_t seed);
/* NULL is allowed. All files must be closed. */
void sim_storage_close(struct sim_storage *storage);

void sim_storage_port(struct sim_storage *storage, struct sfe_storage *port);
struct sim_storage_faults *sim_storage_faults(struct sim_storage *storage);

/* Called after each call that changes something, before it returns. */
void sim_storage_watch(struct sim_storage *storage, void (*changed)(void *owner), void *owner);

/* From now on every call fails: the power is off. `after`: only after so many more changes. */
void sim_storage_cut(struct sim_storage *storage, uint64_t after);
bool sim_storage_is_off(const struct sim_storage *storage);

/* Calls that changed something; calls that only read. */
uint64_t sim_storage_calls(const struct sim_storage *storage);
uint64_t sim_storage_reads(const struct sim_storage *storage);
/* Of those, how many met a fault. */
uint64_t sim_storage_failed_reads(const struct sim_storage *storage);
/* Pages that were written again after they had become durable. */
uint64_t sim_storage_rewrites(const struct sim_storage *storage);
uint64_t sim_storage_used_bytes(const struct sim_storage *storage);
/* Bytes of the files whose name begins with `prefix`; how many there are. */
uint64_t sim_storage_bytes_of(const struct sim_storage *storage, const char *prefix,
                              uint32_t *count);

enum sim_cut_kind {
    SIM_CUT_CHOSEN, /* Of the unsynced things those whose bit is set in `kept` lasted, whole. */
    SIM_CUT_DRAWN,  /* Drawn: lasted, not, torn at a sector, or garbled. */
    SIM_CUT_KILL    /* The process only: all that was seen is still seen, and still unsynced. */
};

struct sim_cut {
    enum sim_cut_kind kind;
    uint64_t kept;
};

/* How many unsynced things there are. */
uint32_t sim_storage_unsynced(const struct sim_storage *storage);

/* How many pages are seen that a failed sync has forgotten: no later sync makes them durable. */
uint32_t sim_storage_forgotten(const struct sim_storage *storage);

/* A new storage that holds what is left after a crash at this moment. Without faults. */
struct sim_storage *sim_storage_after(const struct sim_storage *storage, struct sim_cut cut,
                                      uint64_t seed);

/* Damage at rest: flips one bit of a durable page of some file whose name begins with `prefix`.
 * False where there is none. `file`: which it was (SIM_NAME_BYTES). */
bool sim_storage_flip_bit(struct sim_storage *storage, const char *prefix, char *file,
                          uint64_t *offset);

#endif
