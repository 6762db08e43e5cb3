/* The bytes of a Composite Graph call (API sheet, section 3.3): many graphs, each all or none, each
 * of upserts of single records; and its answer. Pure; any thread.
 *
 * The request is built in the same structure as Collections are: `count` are its nodes,
 * `part_count` its graphs. A node is {"method":"PATCH","url":"…/sobjects/X/Id__c/VALUE",
 * "referenceId":"m0_0","body":{…}}; its reference says which map it is of and which node of the
 * graph. The order of nodes that do not refer to each other is not promised, so a child names its
 * parent by reference.
 */
#ifndef SFE_SALESFORCE_GRAPH_H
#define SFE_SALESFORCE_GRAPH_H

#include "salesforce/collections.h"

/* "m4_499" */
#define GRAPH_REFERENCE_BYTES 8u

/* Empties the request. */
void graph_begin(struct collections_request *request);

/* Opens the next graph; its nodes follow. */
void graph_open(struct collections_request *request);

struct graph_node {
    const struct collections_path *path;
    struct sfe_slice external_id;
    uint32_t map;
    uint32_t number; /* In the graph. */
};

/* Adds the node's name to `out`. */
void graph_add_reference(const struct graph_node *node, struct sfe_builder *out);

/* Opens a node; the members of its body follow. */
void graph_begin_node(struct collections_request *request, const struct graph_node *node);

/* Closes it. SFE_E_FULL: it does not fit; SFE_E_AGAIN: its external ID is in the request already.
 * In both cases the caller goes back to its mark. */
SFE_MUST_USE enum sfe_code graph_end_node(struct collections_request *request, uint64_t id_hash);

void graph_close_one(struct collections_request *request);

/* Closes the brackets, and opens them again when it could not be sent. */
void graph_close(struct collections_request *request);
void graph_reopen(struct collections_request *request);

struct graph_result {
    bool is_successful;
    /* Of one that is not: the node whose error is the reason. SFE_JSON_NONE: none says more than
     * that it was not run. */
    uint32_t body;
    uint16_t http_status;
    uint32_t map;               /* The node's. */
    struct sfe_slice record_id; /* Of its first node, where it was written; empty: none. */
    uint32_t nodes;             /* The list of its nodes' answers. */
};

/* Of node `node` of a result's list: its map, and the body of its answer. */
void graph_take_node(const struct sfe_json *json, uint32_t node, uint32_t *map, uint32_t *body);

/* Reads the results of `count` graphs by their names ("g0", …). SFE_E_PROTOCOL where one is
 * missing, stands twice or is none. */
SFE_MUST_USE enum sfe_code graph_read(const struct sfe_json *json, uint32_t count,
                                      struct graph_result results[SFE_GRAPHS_MAX],
                                      struct sfe_error *err);

#endif
