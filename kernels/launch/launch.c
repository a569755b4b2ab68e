/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/launch/launch.h"

#include <inttypes.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"

#define VERIFY_DEADLINE_S 60.0
#define VERIFY_LAUNCHES   100u /* that are counted; the queue holds more at once */

static const char *const op_names[] = {"kernel", "graph", "h2d", "d2h", NULL};
static const char *const mode_names[] = {"round-trip", "back-to-back", NULL};
static const char *const mode_words[] = {"round trip", "back to back"};

/* ----------------------------------------------------------------------------------- verification
 */

/* `count` steps, waited for. */
static enum mlb_status take_steps(const struct mlb_variant *variant, void *state, unsigned count,
                                  const struct mlb_ctx *ctx, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    for (unsigned i = 0; i < count && status == MLB_OK; i++)
        status = variant->step(state, ctx, err);
    return status == MLB_OK ? mlb_sync(ctx->device, VERIFY_DEADLINE_S, err) : status;
}

static enum mlb_status clear_counters(const struct mlb_launch *launch, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    const unsigned char zeros[MLB_LAUNCH_LINE] = {0};
    enum mlb_status status = MLB_OK;
    for (size_t lane = 0; lane < launch->lanes && status == MLB_OK; lane++)
        status = mlb_copy(ctx->device, launch->words + lane * MLB_LAUNCH_LINE_WORDS, zeros,
                          sizeof zeros, MLB_TO_DEVICE, err);
    return status;
}

/* Each thread of a kernel has a counter of its own. */
static enum mlb_status check_counters(const struct mlb_launch *launch, const struct mlb_ctx *ctx,
                                      struct mlb_verification *verification, struct mlb_error *err)
{
    uint64_t should = VERIFY_LAUNCHES * launch->nodes;
    for (size_t lane = 0; lane < launch->lanes; lane++) {
        uint64_t counted = 0;
        if (mlb_copy(ctx->device, &counted, launch->words + lane * MLB_LAUNCH_LINE_WORDS,
                     sizeof counted, MLB_TO_HOST, err) != MLB_OK)
            return err->status;
        mlb_verify_element(verification, (double)counted, (double)should, 0.0,
                           "kernels that ran in %u launches, thread %zu", VERIFY_LAUNCHES, lane);
    }
    return MLB_OK;
}

static enum mlb_status count_kernels(const struct mlb_variant *variant, struct mlb_launch *launch,
                                     const struct mlb_ctx *ctx,
                                     struct mlb_verification *verification, struct mlb_error *err)
{
    verification->method = "kernels counted by themselves";
    enum mlb_status status = clear_counters(launch, ctx, err);
    launch->counting = true;
    if (status == MLB_OK)
        status = take_steps(variant, launch, VERIFY_LAUNCHES, ctx, err);
    launch->counting = false;
    return status == MLB_OK ? check_counters(launch, ctx, verification, err) : status;
}

/* Both ends hold something else before; the half of a word is exact as a double. */
static enum mlb_status follow_a_word(const struct mlb_variant *variant, struct mlb_launch *launch,
                                     const struct mlb_ctx *ctx,
                                     struct mlb_verification *verification, struct mlb_error *err)
{
    bool to_device = launch->op == MLB_LAUNCH_H2D;
    uint64_t sent = mlb_rng_bits(ctx->seed, 0) >> 16, came = 0;
    verification->method = "the word that was sent came";
    *launch->host = to_device ? sent : ~sent;
    const uint64_t before = to_device ? ~sent : sent;
    enum mlb_status status =
        mlb_copy(ctx->device, launch->words, &before, sizeof before, MLB_TO_DEVICE, err);
    if (status == MLB_OK)
        status = take_steps(variant, launch, 1, ctx, err);
    if (status == MLB_OK && to_device)
        status = mlb_copy(ctx->device, &came, launch->words, sizeof came, MLB_TO_HOST, err);
    else
        came = *launch->host;
    if (status == MLB_OK)
        mlb_verify_element(verification, (double)came, (double)sent, 0.0, "the word copied %s",
                           op_names[launch->op]);
    return status;
}

static enum mlb_status verify(const struct mlb_variant *variant, void *state, const void *params,
                              const struct mlb_ctx *ctx, struct mlb_verification *verification,
                              struct mlb_error *err)
{
    struct mlb_launch *launch = state;
    (void)params;
    return launch->op == MLB_LAUNCH_H2D || launch->op == MLB_LAUNCH_D2H
               ? follow_a_word(variant, launch, ctx, verification, err)
               : count_kernels(variant, launch, ctx, verification, err);
}

/* ---------------------------------------------------------------------------------------- the row
 */

#define AT(field) offsetof(struct mlb_launch_params, field)

static const struct mlb_option params_table[] = {
    {"op", 0, MLB_CHOICE, AT(op), 0, 0, "kernel", op_names, "OP",
     "an empty kernel (a CPU: a parallel region), a graph of them, or a copy of 8 bytes", 0},
    {"mode", 0, MLB_CHOICE, AT(mode), 0, 0, "round-trip", mode_names, "MODE",
     "wait for each one on the host, or enqueue one after the other", 0},
    {"nodes", 0, MLB_COUNT, AT(nodes), 1, 10000, "1", NULL, "N", "kernels of a graph, in a chain",
     0},
    {0}};

static enum mlb_status resolve(void *params, struct mlb_error *err)
{
    const struct mlb_launch_params *p = params;
    if (p->op != MLB_LAUNCH_GRAPH && p->nodes != 1)
        return mlb_fail(err, MLB_E_CONFIG,
                        "nodes = %" PRIu64 ": op = graph has several kernels, op = %s has not",
                        p->nodes, op_names[p->op]);
    return MLB_OK;
}

static void label(const void *params, char *to, size_t size)
{
    const struct mlb_launch_params *p = params;
    const char *mode = mode_words[p->mode];
    if (p->op == MLB_LAUNCH_GRAPH)
        mlb_format(to, size, "graph of %" PRIu64 " %s", p->nodes, mode);
    else if (p->op == MLB_LAUNCH_KERNEL)
        mlb_format(to, size, "kernel %s", mode);
    else
        mlb_format(to, size, "copy of 8 B %s %s", op_names[p->op], mode);
}

/* A time and no rate: one launch a step. */
static void work(const void *params, const struct mlb_ctx *ctx, struct mlb_work *to)
{
    (void)params, (void)ctx;
    *to = (struct mlb_work){.formula = "launch.1"};
}

static void details(const void *state, const void *params, struct mlb_details *details)
{
    const struct mlb_launch *launch = state;
    (void)params;
    if (launch->op == MLB_LAUNCH_GRAPH)
        mlb_detail_number(details, "kernels_per_launch", (double)launch->nodes);
}

static const struct mlb_variant variants[] = {{.name = "cudart",
                                               .device = "cuda",
                                               .check = mlb_launch_cuda_check,
                                               .setup = mlb_launch_cuda_setup,
                                               .step = mlb_launch_cuda_step,
                                               .details = details,
                                               .teardown = mlb_launch_cuda_teardown},
                                              {.name = "openmp",
                                               .device = "cpu",
                                               .check = mlb_launch_cpu_check,
                                               .setup = mlb_launch_cpu_setup,
                                               .step = mlb_launch_cpu_step,
                                               .teardown = mlb_launch_cpu_teardown},
                                              {0}};

const struct mlb_workload mlb_launch = {
    .name = "launch",
    .summary = "what launching costs: an empty kernel, a graph of them, a copy of 8 bytes",
    .params = params_table,
    .params_bytes = sizeof(struct mlb_launch_params),
    .state_bytes = sizeof(struct mlb_launch),
    .as_launched = true,
    .resolve = resolve,
    .label = label,
    .work = work,
    .verify = verify,
    .variants = variants,
};
