/* SPDX-License-Identifier: Apache-2.0 */
/* The size of what sharded data parallelism moves at a time.
 *
 * PyTorch's makes a unit of each transformer block (its tutorial, and torchtitan): before a block's
 * forward and backward pass one all_gather of its parameters, after its backward pass one
 * reduce_scatter of their gradients. (Its DistributedDataParallel sums up gradients in buckets of
 * 25 MiB instead, whatever the model.) */
#include "collectives/collective.h"

#include "harness/base/model.h"
#include "harness/base/units.h"

enum mlb_status mlb_collective_take_model(int model, size_t element, const char *unset,
                                          uint64_t *bytes, struct mlb_error *err)
{
    const char *model_name = mlb_model_names[model];
    uint64_t block = mlb_model_block_params(&mlb_models[model]) * element, untouched = 0;
    if (block == 0)
        return mlb_fail(err, MLB_E_CONFIG, "model = %s: the size of its blocks is not known",
                        model_name);
    mlb_parse_bytes(unset, &untouched);
    if (*bytes != untouched && *bytes != block)
        return mlb_fail(err, MLB_E_CONFIG, "model = %s sets bytes: leave it out", model_name);
    *bytes = block;
    return MLB_OK;
}
