/* SPDX-License-Identifier: Apache-2.0 */
/* CONTRACT: one thing that can be measured. Implemented in kernels/<op>/ and collectives/ as const
 * tables, listed in kernels/registry.c and collectives/registry.c; tests link tests/fake instead.
 *
 * The harness drives one case (a workload with its parameters, on one device) like this, the same
 * on every rank:
 *
 *   check -> work -> setup -> verify -> step x many, timed -> details -> teardown
 *
 * No hook prints, exits, or keeps state outside `state`. */
#ifndef MLB_MEASURE_WORKLOAD_H
#define MLB_MEASURE_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/option.h"
#include "harness/base/status.h"
#include "harness/device/device.h"
#include "harness/measure/comm.h"
#include "harness/measure/details.h"
#include "harness/measure/verify.h"

/* What a hook may use. Owned by the harness, constant during a case. */
struct mlb_ctx {
    struct mlb_device *device;
    struct mlb_comm *comm;       /* never NULL */
    struct mlb_channel *channel; /* collective workloads only, else NULL */
    enum mlb_data data;
    uint64_t seed;
    int threads;           /* CPU threads this rank may use, at least 1 */
    uint64_t memory_bytes; /* this rank's share of what is free on the device right now */
    uint64_t cache_bytes;  /* this rank's share of the last cache */
    double tune_s; /* a setup that chooses by timing takes no longer: the case's max-time; 0 = no
                    * limit */
    bool trial;    /* a quick look (--search): nothing is tuned or verified */
    const char *checkpoint_folder; /* where checkpoints may be written; NULL or "": nowhere. Never
                                    * in a record or in an error: it may hold a name */
};

/* Work of ONE step on ONE rank: rates are this divided by the time of a step. 0 = does not apply.
 */
struct mlb_work {
    const char *formula; /* id with its source in the workload's file: "gemm.2mnk" */
    double flop;         /* integer operations count too (TOP/s); see `operations` */
    bool operations;     /* flop are integer operations */
    double bytes;        /* memory traffic; or message size S of a collective */
    double bus_factor;   /* collectives: busbw = bytes / time * bus_factor */
    bool link;           /* bytes go over a link, not to and from the device's own memory */
    int ranks, nodes;    /* whose bytes these are together, and the machines those are on: of a
                          * collective the group that rank 0 is in, of a checkpoint all */
};

struct mlb_variant {
    const char *name;   /* "onednn", "cublaslt", "plain" */
    const char *device; /* kind it runs on */

    /* Can this case run here? MLB_E_UNSUPPORTED with the reason otherwise ("bf16 needs AVX-512 or
     * newer", "needs 12.9 GiB, 2.1 GiB are free", "libcublasLt.so.13 is not there"). No allocation.
     * Optional: runs everywhere. */
    enum mlb_status (*check)(const void *params, const struct mlb_ctx *ctx, struct mlb_error *err);
    /* Library and version that does the work: "oneDNN 2.6.3"; Optional. */
    void (*library)(char *to, size_t size);
    /* Allocate, fill inputs, prepare. `state` is zeroed, workload->state_bytes long. Required. */
    enum mlb_status (*setup)(void *state, const void *params, const struct mlb_ctx *ctx,
                             struct mlb_error *err);
    /* One step: only enqueues (CPU: does it). Nothing is allocated or printed. On a GPU steps may
     * also be written down as a graph, with the pointers they have then, and timed by replaying it;
     * a step that does what a graph cannot hold fails then, and is timed as it is. Required. */
    enum mlb_status (*step)(void *state, const struct mlb_ctx *ctx, struct mlb_error *err);
    /* How the work is done: "algorithm", "candidates", with units in the names. Called on every
     * rank, rank 0's are kept; after setup, once what can be timed was timed. Optional. */
    void (*details)(const void *state, const void *params, struct mlb_details *details);
    /* Frees what setup made. Must accept a state whose setup failed half-way. Required. */
    void (*teardown)(void *state, const struct mlb_ctx *ctx);
};

struct mlb_workload {
    const char *name;    /* "gemm"; unique; [a-z0-9_] */
    const char *summary; /* one line for `mlbench list` */

    /* What workloads that share their hooks differ in: the harness sets the first member of their
     * params, a pointer, to it. Optional. */
    const void *kind;
    const struct mlb_option *params; /* keys a case may set; ends with a NULL name. Required. */
    const char *const *search;       /* up to 3 MLB_COUNT keys, the sizes that --search varies;
                                      * NULL-terminated. Optional: it cannot be searched. */
    size_t params_bytes;             /* of the struct that the offsets point into */
    size_t state_bytes;

    /* Steps must be taken by all ranks together: time = max over ranks, and ctx->channel is there.
     */
    bool collective;
    int min_ranks; /* fewer: skipped with the reason */
    /* No messages between ranks, but what they do is one piece of work that is done when the
     * slowest of them is: steps begin together, time = max over ranks, and no turns are taken
     * (--solo). */
    bool together;
    /* Collectives: do the steps of a sample follow each other without a meeting of the ranks?
     * Optional: a sample is one step that all ranks begin together. */
    bool (*pipelined)(const void *params);
    bool as_launched; /* never timed as a graph: launching is a part of what is measured */

    /* Check of parameters among each other and derived values filled in; once, on the host.
     * MLB_E_CONFIG names the key. Optional. */
    enum mlb_status (*resolve)(void *params, struct mlb_error *err);
    /* "bf16 8192x8192x8192 fwd": the row's name in tables. Required. */
    void (*label)(const void *params, char *to, size_t size);
    /* The row's name once sizes that depend on the machine are known, after `check` passed for this
     * ctx: "triad f64 3x960 MiB (4.0x cache)". Optional: the row keeps `label`'s. */
    void (*label_here)(const void *params, const struct mlb_ctx *ctx, char *to, size_t size);
    /* Pure function of parameters and number of ranks. Called after `check` passed, with the ctx it
     * passed for. Required. */
    void (*work)(const void *params, const struct mlb_ctx *ctx, struct mlb_work *work);
    /* Run what is needed and compare with the plain reference; fills `verification` on this rank.
     * MLB_OK also when wrong (the verdict is in `verification`). Called after setup, before timing.
     * Must leave `state` ready for step. Required. */
    enum mlb_status (*verify)(const struct mlb_variant *variant, void *state, const void *params,
                              const struct mlb_ctx *ctx, struct mlb_verification *verification,
                              struct mlb_error *err);

    /* Steps after which the operands come round again; what is timed as a graph holds a multiple of
     * it. Called after setup. Optional: 1. */
    size_t (*rotation)(const void *state);

    const struct mlb_variant *variants; /* best first per device; ends with a NULL name */
};

extern const struct mlb_workload *const mlb_kernel_workloads[];     /* NULL-terminated */
extern const struct mlb_workload *const mlb_collective_workloads[]; /* NULL-terminated */

/* Is a step the ranks' common one, so that its time is the maximum over them? */
static inline bool mlb_workload_is_joint(const struct mlb_workload *workload)
{
    return workload->collective || workload->together;
}

/* MLB_E_INTERNAL naming the first missing hook. */
enum mlb_status mlb_workload_check(const struct mlb_workload *workload, struct mlb_error *err);
/* Defaults into zeroed params. Defined in plan.c, which needs no registry. */
enum mlb_status mlb_workload_params(const struct mlb_workload *workload, void *params,
                                    struct mlb_error *err);
const struct mlb_workload *
mlb_workload_find(const char *name); /* both registries; NULL if unknown */
/* All of both registries in order; NULL past the end. */
const struct mlb_workload *mlb_workload_at(size_t index);

#endif
