#include "contention.h"

#include "base/hash.h"
#include "faults.h"

#define PARENT_SEED  UINT64_C(0x706172656e747331)
#define OUTSIDE_SEED UINT64_C(0x6f75747369646531)

static double part_of(uint64_t hash)
{
    return (double)(hash >> 11) / 9007199254740992.0;
}

void contention_begin(struct contention *contention, uint64_t now_ms)
{
    contention->now_ms = now_ms;
    contention->request++;
    contention->records = 0;
}

void contention_part(struct contention *contention, const struct faults *faults, uint32_t records)
{
    const struct fault *slow = &faults->kinds[FAULT_SLOW];

    contention->from_ms = contention->now_ms + faults_records_ms(faults, contention->records);
    contention->records += records;
    contention->until_ms = contention->now_ms + (slow->is_on ? slow->delay_ms : 0) +
                           faults_records_ms(faults, contention->records);
}

/* In each period the outside process holds other parents. */
static bool is_held_outside(const struct fault *outside, struct sfe_slice id, uint64_t now_ms)
{
    const uint64_t period_ms = outside->delay_ms == 0 ? 1000 : outside->delay_ms;
    const uint64_t hash = sfe_hash64(OUTSIDE_SEED + now_ms / period_ms, id);

    return outside->is_on && part_of(hash) < outside->probability;
}

static bool is_same(const struct hold *a, const struct hold *b)
{
    return a->hash == b->hash && a->request == b->request && a->from_ms == b->from_ms &&
           a->until_ms == b->until_ms;
}

static bool excludes(const struct hold *hold, const struct hold *mine)
{
    return hold->hash == mine->hash && hold->request != mine->request &&
           hold->until_ms > mine->from_ms && hold->from_ms <= mine->until_ms;
}

bool contention_locks_out(struct contention *contention, struct faults *faults, struct sfe_slice id)
{
    const uint64_t now_ms = contention->now_ms;
    struct fault *rows = &faults->kinds[FAULT_CONTENTION];
    struct fault *outside = &faults->kinds[FAULT_OUTSIDE_LOCK];
    const uint64_t hash = sfe_hash64(PARENT_SEED, id);

    if (!rows->is_on || part_of(hash) >= rows->probability) {
        return false;
    }
    if (is_held_outside(outside, id, now_ms)) {
        outside->happened++;
        return true;
    }
    const uint32_t place = (uint32_t)(hash % CONTENTION_PARENTS);
    const struct hold mine = {hash, contention->from_ms, contention->until_ms, contention->request};
    for (uint32_t i = 0; i < CONTENTION_HOLDS; i++) {
        const struct hold *hold = &contention->holds[place][i];
        if (is_same(hold, &mine)) {
            return false;
        }
        if (excludes(hold, &mine)) {
            rows->happened++;
            return true;
        }
    }
    contention->holds[place][contention->next[place]++ % CONTENTION_HOLDS] = mine;
    return false;
}
