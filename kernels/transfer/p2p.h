/* SPDX-License-Identifier: Apache-2.0 */
/* From GPU to GPU of a node without a stay in host memory. Each rank uses its own GPU and the one
 * `shift` further: with a rank a GPU, N - 1 rows hold all pairs, the medians of a row's ranks are
 * one diagonal of the matrix. All ranks work at the same time (the loaded figure), or with --solo
 * one after the other. The rank opens both GPUs itself, so that it must see them all. */
#ifndef MLB_KERNELS_TRANSFER_P2P_H
#define MLB_KERNELS_TRANSFER_P2P_H

#include <stddef.h>
#include <stdint.h>

#include "harness/measure/workload.h"
#include "kernels/transfer/pattern.h"
#include "kernels/transfer/side.h"

enum mlb_p2p_op {
    MLB_P2P_WRITE,  /* own memory to the peer's */
    MLB_P2P_READ,   /* the peer's memory to own */
    MLB_P2P_BOTH,   /* both GPUs write at the same time */
    MLB_P2P_LATENCY /* loads from the peer's memory, each one waiting for the one before */
};

struct mlb_p2p_params {
    int op;         /* enum mlb_p2p_op */
    uint64_t shift; /* the peer is the GPU (own index + shift) mod number of GPUs */
    uint64_t bytes; /* of a message, each way; of the memory that LATENCY walks through */
};

/* A message's way; both NULL when the operation does not go there. `bytes` each. */
struct mlb_p2p_lane {
    void *from, *to;
};

/* Zeroed by the harness. */
struct mlb_p2p {
    enum mlb_p2p_op op;
    size_t bytes;
    struct mlb_side side;          /* the peer, with a stream of its own */
    struct mlb_p2p_lane out, in;   /* own to peer, peer to own */
    bool opens[2];                 /* own may use the peer's memory, the peer own */
    uint64_t *chain, *cursor;      /* LATENCY: on the peer; on this GPU, where the walk stands */
    uint64_t hops;                 /* made by the chain's steps so far */
    int gpus;                      /* of this node, as this rank sees them */
    int performance_rank, atomics; /* as CUDA tells, -1 = not told; see details */
};

/* The chain that LATENCY walks: an entry a line of 128 bytes, holding the index of the next one's
 * first word; one cycle over all entries in random order, so that no prefetcher can guess. */
#define MLB_P2P_LINE_WORDS 16u   /* uint64_t in a line */
#define MLB_P2P_HOPS       1000u /* loads of one step */
void mlb_p2p_make_chain(uint64_t *chain, size_t words, uint64_t seed);

/* p2p_cuda.c, transfer_cuda_absent.c */
enum mlb_status mlb_p2p_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err);
enum mlb_status mlb_p2p_cuda_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err);
enum mlb_status mlb_p2p_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err);
void mlb_p2p_cuda_teardown(void *state, const struct mlb_ctx *ctx);

extern const struct mlb_workload mlb_p2p;

#endif
