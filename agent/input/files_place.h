/* How far a file was taken: a small file in the state directory, written only after the events
 * before that place are durable. It is believed only where the file read again from its beginning
 * comes to the same chain of hashes there: another file of the same name is taken from its first
 * line. */
#ifndef SFE_INPUT_FILES_PLACE_H
#define SFE_INPUT_FILES_PLACE_H

#include "base/hash.h"
#include "port/folder.h"
#include "port/storage.h"

struct files_place {
    char name[SFE_FOLDER_NAME_BYTES]; /* Of the file; empty: there is no place. */
    uint64_t offset;                  /* Behind the last record taken. */
    struct sfe_hash128 chain;         /* Over all records before. */
    struct sfe_hash128 seed;          /* What the chain began with. */
};

/* Replaces the place of input `input`. Fails as kept_file_write. Flash thread. */
SFE_MUST_USE enum sfe_code files_place_save(const struct sfe_storage *storage, const char *input,
                                            const struct files_place *place, struct sfe_error *err);

/* Forgets it; one that comes back after a power cut does no harm. Flash thread. */
void files_place_forget(const struct sfe_storage *storage, const char *input);

/* Reads it; none, where there is none or what is there does not check. SFE_E_STORAGE. Any thread
 * that does not meet a save of the same input. */
SFE_MUST_USE enum sfe_code files_place_load(const struct sfe_storage *storage, const char *input,
                                            struct files_place *place, struct sfe_error *err);

#endif
