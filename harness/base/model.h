/* SPDX-License-Identifier: Apache-2.0 */
/* Public models that workloads take their sizes from. */
#ifndef MLB_BASE_MODEL_H
#define MLB_BASE_MODEL_H

#include <stdint.h>

/* One transformer block. `experts` and `chosen`: a token goes through `chosen` of so many
 * feed-forward networks, each with a width of `ffn`; 0 = there is one for all. */
struct mlb_model {
    uint64_t hidden;
    uint64_t heads, kv_heads, head_dim; /* 0 = its attention is of another kind */
    uint64_t ffn, experts, chosen;
};

/* The same order in both; 0 is "none". Names end with NULL: an option's choices. */
extern const char *const mlb_model_names[];
extern const struct mlb_model mlb_models[];

/* Parameters of a block: attention, feed-forward networks with their router, and two norms. 0 = not
 * known. */
uint64_t mlb_model_block_params(const struct mlb_model *model);

#endif
