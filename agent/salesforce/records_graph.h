/* The parts of the records target that make each event one graph, all or none (API sheet, section
 * 3.3). Cloud thread. */
#ifndef SFE_SALESFORCE_RECORDS_GRAPH_H
#define SFE_SALESFORCE_RECORDS_GRAPH_H

#include "salesforce/records_parts.h"

/* The target's `offer`. An event that cannot go whole in one call is dead. */
enum sfe_code records_graph_offer(void *context, uint32_t number, struct sfe_event *event,
                                  int64_t time_ns, struct sfe_lane *lane, uint64_t *order_key,
                                  struct sfe_error *err);

/* Judges each event by its graph: by the guilty record's error, where it failed. */
SFE_MUST_USE enum sfe_code records_graph_read(struct records_slot *slot,
                                              const struct sfe_json *json, struct sfe_error *err);

#endif
