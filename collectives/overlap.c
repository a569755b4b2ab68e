/* SPDX-License-Identifier: Apache-2.0 */
/* overlap: a collective beside a chain of GEMMs, as training has them: the gradients of the layers
 * that are done while the backward pass goes on (DDP: all_reduce in buckets; FSDP: reduce_scatter),
 * the weights of the next layer while this one computes (FSDP: all_gather).
 *
 * The time of a step is that of both: from the common start until the later one is done on the
 * slowest rank. From GEMM alone (g), collective alone (c) and both (b) follow
 *
 *     exposed = b - g          what the collective adds to the computing
 *     hidden  = 1 - exposed / c
 *     slowdown of a side = its time beside the other / its time alone
 *
 * hidden is 1 when the collective costs nothing, 0 when the two might as well follow each other,
 * and less when they are in each other's way. */
#include <math.h>

#include "collectives/channels.h"
#include "collectives/overlap.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

struct params {
    int collective; /* index into collectives */
    uint64_t bytes; /* S of the collective: of all buckets */
    int dtype;
    uint64_t bucket; /* bytes; 0 = one call */
    uint64_t m, n, k;
    int gemm_dtype;
    uint64_t gemms; /* 0 = as many as last as long as the collective */
};

static const char *const collectives[] = {"all_reduce", "all_gather", "reduce_scatter", NULL};
static const char *const dtypes[] = {"bf16", "f32", "f16", NULL};
static const char *const gemm_dtypes[] = {"bf16", "f16", "tf32", "f32", "e4m3", NULL};

#define AT(member)     .offset = offsetof(struct params, member)
#define DIMENSION(key) .name = #key, .type = MLB_COUNT, AT(key), .min = 1, .max = 0x1p24
#define BUCKETS_MAX    1024

static const struct mlb_option options[] = {
    {.name = "collective",
     .type = MLB_CHOICE,
     AT(collective),
     .initial = "all_reduce",
     .choices = collectives,
     .value = "NAME",
     .help = "what runs beside the GEMMs"},
    {.name = "bytes",
     .type = MLB_BYTES,
     AT(bytes),
     .min = 1,
     .max = 0x1p40,
     .initial = "25MiB", /* a bucket of PyTorch's DDP when nobody asks for another */
     .value = "SIZE",
     .help = "message of one rank; of what has a part for each rank, all parts"},
    {.name = "dtype",
     .type = MLB_CHOICE,
     AT(dtype),
     .initial = "bf16",
     .choices = dtypes,
     .value = "TYPE",
     .help = "element type of the collective"},
    {.name = "bucket",
     .type = MLB_BYTES,
     AT(bucket),
     .max = 0x1p40,
     .value = "SIZE",
     .help = "cut the bytes into calls of this size, back to back, each with its own buffers (one "
             "call when not given)"},
    {DIMENSION(m), .initial = "4096", .value = "N", .help = "rows of the GEMM's C"},
    {DIMENSION(n), .initial = "4096", .value = "N", .help = "columns of C"},
    {DIMENSION(k), .initial = "4096", .value = "N", .help = "length of the sums"},
    {.name = "gemm_dtype",
     .type = MLB_CHOICE,
     AT(gemm_dtype),
     .initial = "bf16",
     .choices = gemm_dtypes,
     .value = "TYPE",
     .help = "element type of A and B"},
    {.name = "gemms",
     .type = MLB_COUNT,
     AT(gemms),
     .max = 1000,
     .value = "N",
     .help = "GEMMs in a step, one after the other (as many as last as long as the collective when "
             "not given; compare shares then, not times)"},
    {0},
};

/* ------------------------------------------------------------------------------------ the sides */

static uint64_t buckets_of(const struct params *params)
{
    return params->bucket ? params->bytes / params->bucket : 1;
}

static enum mlb_status open_collective(const struct params *params, struct mlb_overlap_side *side,
                                       struct mlb_error *err)
{
    char bytes[MLB_UNIT_TEXT];
    const struct mlb_setting settings[] = {
        {"bytes", mlb_print_bytes_exact(bytes, params->bytes / buckets_of(params))},
        {"dtype", dtypes[params->dtype]},
        {0}};
    return mlb_overlap_side_open(side, collectives[params->collective], settings, err);
}

static enum mlb_status open_gemm(const struct params *params, struct mlb_overlap_side *side,
                                 struct mlb_error *err)
{
    char m[24], n[24], k[24];
    mlb_format(m, sizeof m, "%llu", (unsigned long long)params->m);
    mlb_format(n, sizeof n, "%llu", (unsigned long long)params->n);
    mlb_format(k, sizeof k, "%llu", (unsigned long long)params->k);
    const struct mlb_setting settings[] = {
        {"dtype", gemm_dtypes[params->gemm_dtype]}, {"m", m}, {"n", n}, {"k", k}, {0}};
    return mlb_overlap_side_open(side, "gemm", settings, err);
}

static enum mlb_status open_sides(const struct params *params, struct mlb_overlap *overlap,
                                  struct mlb_error *err)
{
    enum mlb_status status = open_collective(params, &overlap->collective, err);
    return status == MLB_OK ? open_gemm(params, &overlap->gemm, err) : status;
}

/* Send and receive buffers of all buckets at most; the GEMM has the rest of the memory, and, where
 * there are threads and not streams, all of them but the one that drives the library. */
static void share_out(const struct params *params, const struct mlb_ctx *ctx,
                      struct mlb_overlap *overlap)
{
    uint64_t needed = 2 * params->bytes;
    overlap->device = ctx->device;
    overlap->collective.ctx = overlap->gemm.ctx = *ctx;
    overlap->collective.ctx.memory_bytes = ctx->memory_bytes / buckets_of(params);
    overlap->gemm.ctx.memory_bytes = ctx->memory_bytes > needed ? ctx->memory_bytes - needed : 0;
    overlap->gemm.ctx.channel = NULL;
    if (!mlb_overlap_has_streams(ctx->device) && ctx->threads > 1)
        overlap->gemm.ctx.threads--;
}

/* ------------------------------------------------------------------------------ the case on paper
 */

static enum mlb_status resolve(void *values, struct mlb_error *err)
{
    const struct params *params = values;
    struct mlb_overlap overlap = {0};
    if (params->bucket && (params->bytes % params->bucket || buckets_of(params) > BUCKETS_MAX))
        return mlb_fail(err, MLB_E_CONFIG,
                        "bytes = %llu is not a whole number of buckets of %llu bytes, or "
                        "of more than %d",
                        (unsigned long long)params->bytes, (unsigned long long)params->bucket,
                        BUCKETS_MAX);
    enum mlb_status status = open_sides(params, &overlap, err);
    mlb_overlap_side_free(&overlap.collective);
    mlb_overlap_side_free(&overlap.gemm);
    return status;
}

static void label(const void *values, char *to, size_t size)
{
    const struct params *params = values;
    char bytes[MLB_UNIT_TEXT], bucket[MLB_UNIT_TEXT], cut[64] = "", gemms[32] = "";
    if (params->bucket)
        mlb_format(cut, sizeof cut, " in %llu x %s", (unsigned long long)buckets_of(params),
                   mlb_print_bytes(bucket, params->bucket));
    if (params->gemms)
        mlb_format(gemms, sizeof gemms, "%llu x ", (unsigned long long)params->gemms);
    mlb_format(to, size, "%s %s %s%s beside %sgemm %s %llux%llux%llu",
               collectives[params->collective], mlb_print_bytes(bytes, params->bytes),
               dtypes[params->dtype], cut, gemms, gemm_dtypes[params->gemm_dtype],
               (unsigned long long)params->m, (unsigned long long)params->n,
               (unsigned long long)params->k);
}

/* A time and no rate: neither side's work by the time of both is a rate of anything. */
static void work(const void *values, const struct mlb_ctx *ctx, struct mlb_work *made)
{
    (void)values;
    *made = (struct mlb_work){
        .formula = "overlap.both", .ranks = ctx->comm->size, .nodes = ctx->comm->nodes};
}

static enum mlb_status check(const void *values, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_overlap overlap = {0};
    enum mlb_status status = open_sides(values, &overlap, err);
    if (status == MLB_OK) {
        share_out(values, ctx, &overlap);
        status = mlb_overlap_side_choose(&overlap.collective, NULL, err);
    }
    if (status == MLB_OK)
        status = mlb_overlap_side_choose(&overlap.gemm, NULL, err);
    mlb_overlap_side_free(&overlap.collective);
    mlb_overlap_side_free(&overlap.gemm);
    return status;
}

/* ----------------------------------------------------------------------------- the case for real
 */

static void teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_overlap *overlap = memory;
    (void)ctx;
    if (overlap->device)
        mlb_overlap_close(overlap);
    mlb_overlap_side_free(&overlap->gemm);
    mlb_overlap_side_free(&overlap->collective);
    *overlap = (struct mlb_overlap){0};
}

static enum mlb_status setup(void *memory, const void *values, const struct mlb_ctx *ctx,
                             struct mlb_error *err)
{
    const struct params *params = values;
    struct mlb_overlap *overlap = memory;
    overlap->gemms = params->gemms;
    enum mlb_status status = open_sides(params, overlap, err);
    if (status != MLB_OK)
        return status;
    share_out(params, ctx, overlap);
    if ((status = mlb_overlap_side_choose(&overlap->collective, NULL, err)) == MLB_OK)
        status = mlb_overlap_side_setup(&overlap->collective, (size_t)buckets_of(params), err);
    return status == MLB_OK ? mlb_overlap_open(overlap, err) : status;
}

static enum mlb_status step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_overlap *overlap = memory;
    (void)ctx;
    if (overlap->gemms == 0)
        overlap->gemms = 1;
    return mlb_overlap_step(overlap, MLB_RUN_BOTH, err);
}

/* Each side by itself, as its own rows are verified, on the buffers that are timed. All ranks go on
 * from one collective to the next, or none does. */
static enum mlb_status verify(const struct mlb_variant *variant, void *memory, const void *values,
                              const struct mlb_ctx *ctx, struct mlb_verification *verification,
                              struct mlb_error *err)
{
    struct mlb_overlap *overlap = memory;
    enum mlb_status status = MLB_OK;
    (void)variant, (void)values;
    verification->method = "collective: exact whole numbers, every element; gemm: as its own rows";
    for (size_t i = 0; i < overlap->collective.count && status == MLB_OK; i++) {
        status = mlb_overlap_side_verify(&overlap->collective, i, verification, err);
        status = mlb_comm_agree(ctx->comm, status, err);
    }
    if (status == MLB_OK)
        status =
            mlb_comm_agree(ctx->comm, mlb_overlap_verify_gemm(overlap, verification, err), err);
    return status == MLB_OK ? mlb_overlap_measure(overlap, ctx, err) : status;
}

static void add_times(const struct mlb_overlap *overlap, struct mlb_details *to)
{
    const struct mlb_overlap_span *gemm = &overlap->gemm_alone, *both = &overlap->both;
    double collective_ns = overlap->collective_alone.collective;
    /* Noise can make both faster than one: nothing is exposed then. */
    double exposed_ns = fmax(both->whole - gemm->whole, 0.0);
    mlb_detail_number(to, "gemm_alone_ns", gemm->gemm);
    mlb_detail_number(to, "gemm_beside_ns", both->gemm);
    mlb_detail_number(to, "gemm_slowdown", both->gemm / gemm->gemm);
    mlb_detail_number(to, "collective_alone_ns", collective_ns);
    mlb_detail_number(to, "collective_beside_ns", both->collective);
    mlb_detail_number(to, "collective_slowdown", both->collective / collective_ns);
    mlb_detail_number(to, "both_ns", both->whole);
    mlb_detail_number(to, "exposed_ns", exposed_ns);
    mlb_detail_number(to, "hidden_share", 1.0 - exposed_ns / collective_ns);
}

static void details(const void *memory, const void *values, struct mlb_details *to)
{
    const struct mlb_overlap *overlap = memory;
    const struct mlb_overlap_side *collective = &overlap->collective;
    const struct params *params = values;
    if (overlap->measured)
        add_times(overlap, to);
    mlb_detail_number(to, "gemms", (double)overlap->gemms);
    mlb_detail_text(to, "gemm_variant", "%s", overlap->gemm.variant->name);
    if (params->bucket)
        mlb_detail_number(to, "buckets", (double)collective->count);
    if (overlap->lane)
        mlb_detail_number(to, "gemm_threads", (double)overlap->gemm.ctx.threads);
    if (overlap->lane && collective->ctx.threads == 1)
        mlb_detail_text(to, "cores", "one: the GEMM and the collective take turns on it");
    if (collective->variant->details)
        collective->variant->details(collective->states, collective->params, to);
}

static const struct mlb_variant variants[] = {
    {.name = "nccl",
     .device = "cuda",
     .check = check,
     .setup = setup,
     .step = step,
     .details = details,
     .teardown = teardown},
    {.name = "mpi",
     .device = "cpu",
     .check = check,
     .setup = setup,
     .step = step,
     .details = details,
     .teardown = teardown},
    {0},
};

const struct mlb_workload mlb_overlap = {
    .name = "overlap",
    .summary = "a collective beside GEMMs: what of it stays hidden, and what each costs the other",
    .params = options,
    .params_bytes = sizeof(struct params),
    .state_bytes = sizeof(struct mlb_overlap),
    .collective = true,
    .min_ranks = 2,
    .resolve = resolve,
    .label = label,
    .work = work,
    .verify = verify,
    .variants = variants,
};
