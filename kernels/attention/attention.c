/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention.h"

#include <inttypes.h>

#include "harness/base/text.h"

#define AT(field) offsetof(struct mlb_attention_params, field)
/* Of batch, seq, heads and tokens: no product of sizes leaves 64 bits. */
#define TOKENS_MAX 16777216.0
#define HEADS_MAX  1024.0

#define DEFAULT_SEQ      4096u
#define DEFAULT_HEADS    16u
#define DEFAULT_HEAD_DIM 128u

/* Heads of one layer, from table 3 of "The Llama 3 Herd of Models" (arXiv:2407.21783) and from
 * section 4.2 of the DeepSeek-V3 report (arXiv:2412.19437): 128 + 64 rotary dimensions. */
struct model {
    uint64_t heads, kv_heads, head_dim, head_dim_v;
};

static const char *const model_names[] = {"none",        "llama3-8b",   "llama3-70b",
                                          "llama3-405b", "deepseek-v3", NULL};
static const struct model models[] = {
    {0}, {32, 8, 128, 128}, {64, 8, 128, 128}, {128, 8, 128, 128}, {128, 128, 192, 128},
};

static const char *const pass_names[] = {"fwd", "bwd", NULL};
static const char *const layout_names[] = {"bshd", "bhsd", NULL};
static const enum mlb_dtype dtypes[] = {MLB_F32, MLB_BF16, MLB_F16, MLB_E4M3};

static const struct mlb_option options[] = {
    {"dtype", 0, MLB_CHOICE, AT(dtype), 0, 0, "bf16", mlb_dtype_names, "TYPE",
     "element type: f32, bf16, f16 or e4m3", 0},
    {"pass", 0, MLB_CHOICE, AT(pass), 0, 0, "fwd", pass_names, "PASS",
     "forward with the statistics that training keeps, or backward", 0},
    {"causal", 0, MLB_FLAG, AT(causal), 0, 0, NULL, NULL, NULL,
     "a query sees the keys up to its own place only", 0},
    {"model", 0, MLB_CHOICE, AT(model), 0, 0, "none", model_names, "MODEL",
     "take heads and head dimensions of this model", 0},
    {"batch", 0, MLB_COUNT, AT(batch), 0, TOKENS_MAX, NULL, NULL, "N",
     "sequences (1 when neither this nor tokens is given)", 0},
    {"tokens", 0, MLB_COUNT, AT(tokens), 0, TOKENS_MAX, NULL, NULL, "N",
     "batch x seq: sets the batch", 0},
    {"seq", 0, MLB_COUNT, AT(seq), 0, TOKENS_MAX, NULL, NULL, "N",
     "queries of a sequence (4096 when not given)", 0},
    {"seq_kv", 0, MLB_COUNT, AT(seq_kv), 0, TOKENS_MAX, NULL, NULL, "N",
     "keys of a sequence (as seq when not given)", 0},
    {"heads", 0, MLB_COUNT, AT(heads), 0, HEADS_MAX, NULL, NULL, "N",
     "query heads (16 when not given)", 0},
    {"kv_heads", 0, MLB_COUNT, AT(kv_heads), 0, HEADS_MAX, NULL, NULL, "N",
     "key and value heads (as heads when not given)", 0},
    {"head_dim", 0, MLB_COUNT, AT(head_dim), 0, MLB_ATTENTION_WIDTH_MAX, NULL, NULL, "N",
     "width of a query and a key (128 when not given)", 0},
    {"head_dim_v", 0, MLB_COUNT, AT(head_dim_v), 0, MLB_ATTENTION_WIDTH_MAX, NULL, NULL, "N",
     "width of a value (as head_dim when not given)", 0},
    {"layout", 0, MLB_CHOICE, AT(layout), 0, 0, "bshd", layout_names, "LAYOUT",
     "order in memory: batch, sequence, head, dimension as frameworks have it, or heads first", 0},
    {0}};

static bool same_or_unset(uint64_t given, uint64_t value)
{
    return !given || given == value;
}

static enum mlb_status resolve_model(struct mlb_attention_params *p, struct mlb_error *err)
{
    const struct model *model = &models[p->model];
    if (!p->model)
        return MLB_OK;
    if (!same_or_unset(p->heads, model->heads) || !same_or_unset(p->kv_heads, model->kv_heads) ||
        !same_or_unset(p->head_dim, model->head_dim) ||
        !same_or_unset(p->head_dim_v, model->head_dim_v))
        return mlb_fail(err, MLB_E_CONFIG,
                        "model = %s sets the heads: leave out heads, kv_heads, head_dim and "
                        "head_dim_v",
                        model_names[p->model]);
    p->heads = model->heads;
    p->kv_heads = model->kv_heads;
    p->head_dim = model->head_dim;
    p->head_dim_v = model->head_dim_v;
    return MLB_OK;
}

static void or_default(uint64_t *value, uint64_t other)
{
    if (!*value)
        *value = other;
}

static enum mlb_status resolve_batch(struct mlb_attention_params *p, struct mlb_error *err)
{
    if (p->tokens % p->seq)
        return mlb_fail(err, MLB_E_CONFIG,
                        "tokens = %" PRIu64 " is not a multiple of seq = %" PRIu64, p->tokens,
                        p->seq);
    if (p->tokens && !same_or_unset(p->batch, p->tokens / p->seq))
        return mlb_fail(err, MLB_E_CONFIG,
                        "batch = %" PRIu64 " x seq = %" PRIu64 " is not tokens = %" PRIu64
                        ": leave out batch or tokens",
                        p->batch, p->seq, p->tokens);
    if (p->tokens)
        p->batch = p->tokens / p->seq;
    or_default(&p->batch, 1);
    p->tokens = p->batch * p->seq;
    return MLB_OK;
}

static bool known_dtype(int dtype)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (dtype == (int)dtypes[i])
            return true;
    return false;
}

static enum mlb_status resolve(void *values, struct mlb_error *err)
{
    struct mlb_attention_params *p = values;
    if (!known_dtype(p->dtype))
        return mlb_fail(err, MLB_E_CONFIG, "dtype = %s: attention takes f32, bf16, f16 or e4m3",
                        mlb_dtype_names[p->dtype]);
    if (resolve_model(p, err) != MLB_OK)
        return err->status;
    or_default(&p->seq, DEFAULT_SEQ);
    or_default(&p->seq_kv, p->seq);
    or_default(&p->heads, DEFAULT_HEADS);
    or_default(&p->kv_heads, p->heads);
    or_default(&p->head_dim, DEFAULT_HEAD_DIM);
    or_default(&p->head_dim_v, p->head_dim);
    if (p->heads % p->kv_heads)
        return mlb_fail(err, MLB_E_CONFIG,
                        "heads = %" PRIu64 " is not a multiple of kv_heads = %" PRIu64, p->heads,
                        p->kv_heads);
    if (p->causal && p->seq_kv != p->seq)
        return mlb_fail(err, MLB_E_CONFIG,
                        "causal = true needs seq_kv = seq: there are two conventions for the "
                        "diagonal of a rectangle");
    return resolve_batch(p, err);
}

/* " s4096 d128", " s512x4096 d192/128" */
static void add_sizes(const struct mlb_attention_params *p, struct mlb_text *text)
{
    mlb_text_addf(text, " s%" PRIu64, p->seq);
    if (p->seq_kv != p->seq)
        mlb_text_addf(text, "x%" PRIu64, p->seq_kv);
    if (p->model)
        return;
    mlb_text_addf(text, " h%" PRIu64, p->heads);
    if (p->kv_heads != p->heads)
        mlb_text_addf(text, "/%" PRIu64, p->kv_heads);
    mlb_text_addf(text, " d%" PRIu64, p->head_dim);
    if (p->head_dim_v != p->head_dim)
        mlb_text_addf(text, "/%" PRIu64, p->head_dim_v);
}

static void label(const void *values, char *to, size_t size)
{
    const struct mlb_attention_params *p = values;
    struct mlb_text text = {0};
    mlb_text_add(&text, mlb_dtype_names[p->dtype]);
    if (p->model)
        mlb_text_addf(&text, " %s", model_names[p->model]);
    mlb_text_addf(&text, " b%" PRIu64, p->batch);
    add_sizes(p, &text);
    mlb_text_addf(&text, " %s %s%s", p->causal ? "causal" : "full", pass_names[p->pass],
                  p->layout == MLB_ATTENTION_BHSD ? " bhsd" : "");
    mlb_format(to, size, "%s", mlb_text_get(&text));
    mlb_text_free(&text);
}

/* attention.fwd.2bhn(dqk+dv): two products, Q K^T and P V, over the N score elements that are
 * visible: seq x seq_kv, or exactly seq (seq + 1) / 2 when causal, as NVIDIA's cudnn-frontend
 * benchmark counts; FlashAttention's papers take half of the square, 1/seq less. Query heads count,
 * whatever the number of key heads. Softmax, exponentials and masks don't.
 *
 * attention.bwd.2bhn(3dqk+2dv): five products, the scores made again among them (Q K^T, dO V^T,
 * P^T dO, dS K, dS^T Q); 2.5 times forward for equal widths, as FlashAttention counts.
 *
 * Bytes: each tensor moved once, the least that is possible. */
static void work(const void *values, const struct mlb_ctx *ctx, struct mlb_work *to)
{
    const struct mlb_attention_params *p = values;
    bool fwd = p->pass == MLB_ATTENTION_FWD;
    double seq = (double)p->seq, dqk = (double)p->head_dim, dv = (double)p->head_dim_v;
    double visible = p->causal ? seq * (seq + 1.0) / 2.0 : seq * (double)p->seq_kv;
    (void)ctx;
    to->formula = fwd ? "attention.fwd.2bhn(dqk+dv)" : "attention.bwd.2bhn(3dqk+2dv)";
    to->flop = 2.0 * (double)p->batch * (double)p->heads * visible *
               (fwd ? dqk + dv : 3.0 * dqk + 2.0 * dv);
    to->bytes = (double)mlb_attention_bytes(p);
}

#define HOOKS(name)                                                                                \
    .check = mlb_attention_##name##_check, .setup = mlb_attention_##name##_setup,                  \
    .step = mlb_attention_##name##_step, .teardown = mlb_attention_##name##_teardown

#define OWN_HOOKS(name)                                                                            \
    .check = mlb_attention_##name##_check, .setup = mlb_attention_##name##_setup,                  \
    .step = mlb_attention_own_step, .teardown = mlb_attention_own_teardown

/* Best first for each device: cudnn, wgmma, mma; fused, plain. */
static const struct mlb_variant variants[] = {
    {.name = "cudnn",
     .device = "cuda",
     HOOKS(cudnn),
     .library = mlb_attention_cudnn_library,
     .details = mlb_attention_cudnn_details},
    {.name = "wgmma", .device = "cuda", OWN_HOOKS(wgmma)},
    {.name = "mma", .device = "cuda", OWN_HOOKS(mma)},
    {.name = "fused", .device = "cpu", .details = mlb_attention_fused_details, HOOKS(fused)},
    {.name = "plain", .device = "cpu", HOOKS(plain)},
    {0},
};

static size_t rotation(const void *state)
{
    return ((const struct mlb_attention_state *)state)->sets;
}

const struct mlb_workload mlb_attention = {
    .name = "attention",
    .summary = "scaled dot-product attention, forward and backward, as in training",
    .params = options,
    .params_bytes = sizeof(struct mlb_attention_params),
    .state_bytes = sizeof(struct mlb_attention_state),
    .resolve = resolve,
    .label = label,
    .work = work,
    .verify = mlb_attention_verify,
    .rotation = rotation,
    .variants = variants,
};
