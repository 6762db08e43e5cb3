/* The status as Prometheus reads it: text format 0.0.4, which OpenMetrics' readers take as well.
 * Names: sfedge_ and what is counted, in base units, _total behind what only rises. So many series
 * as the configuration has parts, and no more: no label holds what comes from outside. Pure; any
 * thread. */
#ifndef SFE_STATUS_METRICS_H
#define SFE_STATUS_METRICS_H

#include "status/report.h"

#define SFE_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Adds all of them. `trouble` is empty where all moves; see status/progress.h. */
void sfe_metrics_add(const struct sfe_status *status, struct sfe_slice trouble,
                     struct sfe_builder *out);

/* Room that the metrics of so many parts (links, inputs, streams, orgs and outputs) need. */
size_t sfe_metrics_bytes_max(uint32_t parts);

#endif
