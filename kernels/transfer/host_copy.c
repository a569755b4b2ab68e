/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/transfer/host_copy.h"

#include <inttypes.h>
#include <stdio.h>

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/device/numa.h"
#include "harness/device/proc.h"

#define VERIFY_DEADLINE_S 60.0 /* of the one step that is verified */

/* Bytes of a step: each message once; both directions add up, as in nvbandwidth's bidirectional
 * figures. A step of both directions ends when the slower one does. */
static const struct {
    const char *name, *formula;
    unsigned messages;
} ops[] = {
    [MLB_H2D] = {"h2d", "link.h2d.n", 1},
    [MLB_D2H] = {"d2h", "link.d2h.n", 1},
    [MLB_H2D_D2H] = {"both", "link.both.2n", 2},
};
static const char *const op_names[] = {"h2d", "d2h", "both", NULL};
static const char *const numa_names[] = {"auto", "0", "1",  "2",  "3",  "4",  "5",  "6",  "7",
                                         "8",    "9", "10", "11", "12", "13", "14", "15", NULL};

int mlb_host_copy_node(const struct mlb_host_copy_params *params, const struct mlb_ctx *ctx)
{
    return params->numa > 0 ? params->numa - 1 : mlb_numa_of_pci("", ctx->device->info.pci_id);
}

struct mlb_pattern mlb_host_copy_pattern(const struct mlb_ctx *ctx, bool fetched)
{
    return (struct mlb_pattern){ctx->data, ctx->seed + (fetched ? 1 : 0), ctx->threads};
}

static enum mlb_status check_room(const char *where, uint64_t bytes, unsigned messages,
                                  uint64_t room, struct mlb_error *err)
{
    char each[MLB_UNIT_TEXT], left[MLB_UNIT_TEXT];
    if (room == 0 || bytes <= room / messages)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "needs %u x %s of %s, %s are free for this rank",
                    messages, mlb_print_bytes(each, bytes), where, mlb_print_bytes(left, room));
}

enum mlb_status mlb_host_copy_check(const void *params, const struct mlb_ctx *ctx,
                                    struct mlb_error *err)
{
    const struct mlb_host_copy_params *p = params;
    unsigned messages = ops[p->op].messages;
    uint64_t host = mlb_proc_memory_available("") / (uint64_t)ctx->comm->local_size;
    if (check_room("device memory", p->bytes, messages, ctx->memory_bytes, err) != MLB_OK ||
        check_room("host memory", p->bytes, messages, host, err) != MLB_OK)
        return err->status;
    return mlb_numa_check("", mlb_host_copy_node(p, ctx), err);
}

/* ----------------------------------------------------------------------------------- verification
 */

static enum mlb_status spoil(const struct mlb_host_copy *state, const struct mlb_ctx *ctx,
                             struct mlb_error *err)
{
    struct mlb_pattern sent = mlb_host_copy_pattern(ctx, false);
    struct mlb_pattern fetched = mlb_host_copy_pattern(ctx, true);
    if (state->d2h.host)
        mlb_pattern_spoil_host(&fetched, state->d2h.host, state->bytes);
    return state->h2d.device
               ? mlb_pattern_spoil(&sent, ctx->device, state->h2d.device, state->bytes, err)
               : MLB_OK;
}

static enum mlb_status look(const struct mlb_host_copy *state, const struct mlb_ctx *ctx,
                            struct mlb_verification *verification, struct mlb_error *err)
{
    struct mlb_pattern sent = mlb_host_copy_pattern(ctx, false);
    struct mlb_pattern fetched = mlb_host_copy_pattern(ctx, true);
    if (state->d2h.host)
        mlb_pattern_check_host(&fetched, state->d2h.host, state->bytes, "the host's copy",
                               verification);
    return state->h2d.device
               ? mlb_pattern_check(&sent, ctx->device, state->h2d.device, state->bytes,
                                   "the device's copy", verification, err)
               : MLB_OK;
}

static enum mlb_status verify(const struct mlb_variant *variant, void *state, const void *params,
                              const struct mlb_ctx *ctx, struct mlb_verification *verification,
                              struct mlb_error *err)
{
    (void)params;
    verification->method = "every byte that arrived against the pattern that was sent";
    enum mlb_status status = spoil(state, ctx, err);
    if (status == MLB_OK)
        status = variant->step(state, ctx, err);
    if (status == MLB_OK)
        status = mlb_sync(ctx->device, VERIFY_DEADLINE_S, err);
    return status == MLB_OK ? look(state, ctx, verification, err) : status;
}

/* ---------------------------------------------------------------------------------------- the row
 */

#define AT(field) offsetof(struct mlb_host_copy_params, field)

static const struct mlb_option params_table[] = {
    {"op", 0, MLB_CHOICE, AT(op), 0, 0, "h2d", op_names, "OP",
     "h2d: host to device; d2h: device to host; both: at once, on two streams", 0},
    {"bytes", 0, MLB_BYTES, AT(bytes), 1, 1e12, "256MiB", NULL, "SIZE",
     "size of a message, each way", 0},
    {"numa", 0, MLB_CHOICE, AT(numa), 0, 0, "auto", numa_names, "NODE",
     "NUMA node of the host's memory; auto: the one that the GPU hangs on", 0},
    {0}};

static void label(const void *params, char *to, size_t size)
{
    const struct mlb_host_copy_params *p = params;
    char bytes[MLB_UNIT_TEXT];
    mlb_print_bytes(bytes, p->bytes);
    if (p->numa == 0)
        mlb_format(to, size, "%s %s", op_names[p->op], bytes);
    else
        mlb_format(to, size, "%s %s node %s", op_names[p->op], bytes, numa_names[p->numa]);
}

static void work(const void *params, const struct mlb_ctx *ctx, struct mlb_work *to)
{
    const struct mlb_host_copy_params *p = params;
    (void)ctx;
    *to = (struct mlb_work){.formula = ops[p->op].formula,
                            .bytes = (double)ops[p->op].messages * (double)p->bytes,
                            .link = true};
}

static void details(const void *state, const void *params, struct mlb_details *details)
{
    const struct mlb_host_copy *copy = state;
    const void *memory = copy->h2d.host ? copy->h2d.host : copy->d2h.host;
    double share;
    (void)params;
    if (copy->gpu_node != MLB_NUMA_ANY)
        mlb_detail_number(details, "gpu_numa_node", copy->gpu_node);
    if (copy->node == MLB_NUMA_ANY)
        return;
    mlb_detail_number(details, "host_numa_node", copy->node);
    if (mlb_numa_share("", memory, copy->node, &share))
        mlb_detail_number(details, "pages_on_node_fraction", share);
}

static const struct mlb_variant variants[] = {{.name = "memcpy",
                                               .device = "cuda",
                                               .check = mlb_host_copy_cuda_check,
                                               .setup = mlb_host_copy_cuda_setup,
                                               .step = mlb_host_copy_cuda_step,
                                               .details = details,
                                               .teardown = mlb_host_copy_cuda_teardown},
                                              {0}};

const struct mlb_workload mlb_host_copy = {
    .name = "host_copy",
    .summary = "copies between page-locked host memory and a GPU, by NUMA node",
    .params = params_table,
    .params_bytes = sizeof(struct mlb_host_copy_params),
    .state_bytes = sizeof(struct mlb_host_copy),
    .as_launched = true,
    .label = label,
    .work = work,
    .verify = verify,
    .variants = variants,
};
