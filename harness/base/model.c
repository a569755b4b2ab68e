/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/model.h"

#include <stddef.h>

/*   llama3        table 3 of "The Llama 3 Herd of Models" (arXiv:2407.21783)
 *   mixtral-8x7b  table 1 of "Mixtral of Experts" (arXiv:2401.04088)
 *   deepseek-v3   section 4.2 of the "DeepSeek-V3 Technical Report" (arXiv:2412.19437); its routed
 *                 experts alone */
const char *const mlb_model_names[] = {"none",         "llama3-8b",   "llama3-70b", "llama3-405b",
                                       "mixtral-8x7b", "deepseek-v3", NULL};
const struct mlb_model mlb_models[] = {
    {0},
    {4096, 32, 8, 128, 14336, 0, 0},
    {8192, 64, 8, 128, 28672, 0, 0},
    {16384, 128, 8, 128, 53248, 0, 0},
    {4096, 32, 8, 128, 14336, 8, 2},
    {7168, 0, 0, 0, 2048, 256, 8},
};

/* Weights of the products q, k, v and o; of gate, up and down; of the router; scales of two norms.
 * With the embeddings and all blocks that is the number of parameters that the reports give. */
uint64_t mlb_model_block_params(const struct mlb_model *model)
{
    uint64_t q = model->heads * model->head_dim, kv = model->kv_heads * model->head_dim;
    uint64_t networks = model->experts ? model->experts : 1;
    uint64_t attention = model->hidden * (q + 2 * kv) + q * model->hidden;
    uint64_t forward = networks * 3 * model->hidden * model->ffn;
    if (q == 0)
        return 0;
    return attention + forward + model->hidden * model->experts + 2 * model->hidden;
}
