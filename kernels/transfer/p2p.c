/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/transfer/p2p.h"

#include <inttypes.h>
#include <stdlib.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#define VERIFY_DEADLINE_S 60.0 /* of the one step that is verified */

/* Bytes of a step: each message once; both directions add up, as in nvbandwidth's bidirectional
 * figures. Latency has no rate: the time of a step is that of MLB_P2P_HOPS loads. */
static const struct {
    const char *name, *formula;
    unsigned messages;
} ops[] = {
    [MLB_P2P_WRITE] = {"write", "link.p2p.n", 1},
    [MLB_P2P_READ] = {"read", "link.p2p.n", 1},
    [MLB_P2P_BOTH] = {"both", "link.p2p.2n", 2},
    [MLB_P2P_LATENCY] = {"latency", "link.p2p.loads", 0},
};
static const char *const op_names[] = {"write", "read", "both", "latency", NULL};

void mlb_p2p_make_chain(uint64_t *chain, size_t words, uint64_t seed)
{
    size_t lines = words / MLB_P2P_LINE_WORDS;
    for (size_t i = 0; i < words; i++)
        chain[i] = i;
    /* Sattolo, "An algorithm to generate a random cyclic permutation", 1986 */
    for (size_t i = lines; i-- > 1;) {
        size_t j = (size_t)((mlb_rng_bits(seed, i) >> 33) % i);
        uint64_t held = chain[i * MLB_P2P_LINE_WORDS];
        chain[i * MLB_P2P_LINE_WORDS] = chain[j * MLB_P2P_LINE_WORDS];
        chain[j * MLB_P2P_LINE_WORDS] = held;
    }
}

/* ----------------------------------------------------------------------------------- verification
 */

static struct mlb_pattern pattern_of(const struct mlb_ctx *ctx, bool in)
{
    return (struct mlb_pattern){ctx->data, ctx->seed + (in ? 1 : 0), ctx->threads};
}

/* The receiver looks at its own memory, not through the link. */
static enum mlb_status spoil_messages(const struct mlb_p2p *p2p, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    struct mlb_pattern out = pattern_of(ctx, false), in = pattern_of(ctx, true);
    if (p2p->out.to &&
        mlb_pattern_spoil(&out, p2p->side.device, p2p->out.to, p2p->bytes, err) != MLB_OK)
        return err->status;
    return p2p->in.to ? mlb_pattern_spoil(&in, ctx->device, p2p->in.to, p2p->bytes, err) : MLB_OK;
}

static enum mlb_status look_at_messages(const struct mlb_p2p *p2p, const struct mlb_ctx *ctx,
                                        struct mlb_verification *verification,
                                        struct mlb_error *err)
{
    struct mlb_pattern out = pattern_of(ctx, false), in = pattern_of(ctx, true);
    if (p2p->out.to && mlb_pattern_check(&out, p2p->side.device, p2p->out.to, p2p->bytes,
                                         "the peer's copy", verification, err) != MLB_OK)
        return err->status;
    return p2p->in.to ? mlb_pattern_check(&in, ctx->device, p2p->in.to, p2p->bytes,
                                          "this GPU's copy", verification, err)
                      : MLB_OK;
}

/* Where the walk stands after its first `hops` loads, by the same chain on the host. */
static enum mlb_status look_at_walk(const struct mlb_p2p *p2p, const struct mlb_ctx *ctx,
                                    struct mlb_verification *verification, struct mlb_error *err)
{
    uint64_t at = 0, is = 0, *chain = malloc(p2p->bytes);
    if (!chain)
        return mlb_fail(err, MLB_E_NOMEM, "p2p: verification: out of host memory");
    mlb_p2p_make_chain(chain, p2p->bytes / sizeof *chain, ctx->seed);
    for (uint64_t hop = 0; hop < p2p->hops; hop++)
        at = chain[at];
    free(chain);
    if (mlb_copy(ctx->device, &is, p2p->cursor, sizeof is, MLB_TO_HOST, err) != MLB_OK)
        return err->status;
    mlb_verify_element(verification, (double)is, (double)at, 0.0,
                       "place after %" PRIu64 " loads of the chain", p2p->hops);
    return MLB_OK;
}

static enum mlb_status verify(const struct mlb_variant *variant, void *state, const void *params,
                              const struct mlb_ctx *ctx, struct mlb_verification *verification,
                              struct mlb_error *err)
{
    const struct mlb_p2p *p2p = state;
    bool walks = p2p->op == MLB_P2P_LATENCY;
    (void)params;
    verification->method = walks ? "where the walk through a random cycle stands"
                                 : "every byte that arrived against the pattern that was sent";
    enum mlb_status status = walks ? MLB_OK : spoil_messages(p2p, ctx, err);
    if (status == MLB_OK)
        status = variant->step(state, ctx, err);
    if (status == MLB_OK)
        status = mlb_sync(ctx->device, VERIFY_DEADLINE_S, err);
    if (status != MLB_OK)
        return status;
    return walks ? look_at_walk(p2p, ctx, verification, err)
                 : look_at_messages(p2p, ctx, verification, err);
}

/* ---------------------------------------------------------------------------------------- the row
 */

#define AT(field) offsetof(struct mlb_p2p_params, field)

static const struct mlb_option params_table[] = {
    {"op", 0, MLB_CHOICE, AT(op), 0, 0, "write", op_names, "OP",
     "write to the peer, read from it, both GPUs write at once, or the latency of single loads", 0},
    {"shift", 0, MLB_COUNT, AT(shift), 1, 255, "1", NULL, "N",
     "the peer is the GPU so much further, modulo their number", 0},
    {"bytes", 0, MLB_BYTES, AT(bytes), 1, 1e12, "256MiB", NULL, "SIZE",
     "size of a message, each way; latency: of the memory that is walked through", 0},
    {0}};

static enum mlb_status resolve(void *params, struct mlb_error *err)
{
    const struct mlb_p2p_params *p = params;
    const uint64_t line = MLB_P2P_LINE_WORDS * sizeof(uint64_t);
    if (p->op == MLB_P2P_LATENCY && (p->bytes % line != 0 || p->bytes < 2 * line))
        return mlb_fail(err, MLB_E_CONFIG,
                        "bytes = %" PRIu64 ": op = latency takes a multiple of %" PRIu64
                        ", a line, and two lines at least",
                        p->bytes, line);
    return MLB_OK;
}

static void label(const void *params, char *to, size_t size)
{
    const struct mlb_p2p_params *p = params;
    char bytes[MLB_UNIT_TEXT];
    mlb_print_bytes(bytes, p->bytes);
    if (p->op == MLB_P2P_LATENCY)
        mlb_format(to, size, "latency of %u loads gpu+%" PRIu64, MLB_P2P_HOPS, p->shift);
    else
        mlb_format(to, size, "%s %s gpu+%" PRIu64, op_names[p->op], bytes, p->shift);
}

static void work(const void *params, const struct mlb_ctx *ctx, struct mlb_work *to)
{
    const struct mlb_p2p_params *p = params;
    (void)ctx;
    *to = (struct mlb_work){.formula = ops[p->op].formula,
                            .bytes = (double)ops[p->op].messages * (double)p->bytes,
                            .link = true};
}

/* NVLink carries atomics and PCI Express does not, which is how the two can be told apart without
 * NVML. */
static void details(const void *state, const void *params, struct mlb_details *details)
{
    const struct mlb_p2p *p2p = state;
    (void)params;
    mlb_detail_text(details, "path", "%s",
                    p2p->atomics < 0   ? "peer access"
                    : p2p->atomics > 0 ? "peer access, with atomics (as NVLink has)"
                                       : "peer access, without atomics (as PCIe)");
    mlb_detail_number(details, "gpus", p2p->gpus);
    mlb_detail_text(details, "rank0_peer", "%s", p2p->side.device->info.pci_id);
    if (p2p->performance_rank >= 0)
        mlb_detail_number(details, "performance_rank", p2p->performance_rank);
    if (p2p->op == MLB_P2P_LATENCY)
        mlb_detail_number(details, "loads_per_step", MLB_P2P_HOPS);
}

static const struct mlb_variant variants[] = {{.name = "peer",
                                               .device = "cuda",
                                               .check = mlb_p2p_cuda_check,
                                               .setup = mlb_p2p_cuda_setup,
                                               .step = mlb_p2p_cuda_step,
                                               .details = details,
                                               .teardown = mlb_p2p_cuda_teardown},
                                              {0}};

const struct mlb_workload mlb_p2p = {
    .name = "p2p",
    .summary = "copies and loads from GPU to GPU of a node, each rank with the one `shift` further",
    .params = params_table,
    .params_bytes = sizeof(struct mlb_p2p_params),
    .state_bytes = sizeof(struct mlb_p2p),
    .as_launched = true,
    .resolve = resolve,
    .label = label,
    .work = work,
    .verify = verify,
    .variants = variants,
};
