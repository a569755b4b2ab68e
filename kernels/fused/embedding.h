/* SPDX-License-Identifier: Apache-2.0 */
/* Token embedding over a table [vocab][hidden]:
 *
 *   forward   y[t] = table[id[t]]
 *   backward  dtable[v] = sum over t with id[t] = v of dy[t], and 0 where there is none
 *
 * The backward pass goes by the table's rows, over an index that the host makes with the batch:
 * each row is written once, and its sum goes by ascending token: no atomics, no zeroing beforehand,
 * the same bits each time. */
#ifndef MLB_KERNELS_FUSED_EMBEDDING_H
#define MLB_KERNELS_FUSED_EMBEDDING_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mlb_embedding_pass { MLB_EMBEDDING_FORWARD, MLB_EMBEDDING_BACKWARD };

struct mlb_embedding {
    enum mlb_embedding_pass pass;
    enum mlb_dtype dtype; /* MLB_BF16 or MLB_F32 */
    size_t tokens, hidden, vocab;
    const void *table;    /* [vocab][hidden], forward */
    const int32_t *id;    /* [tokens], each in 0 .. vocab-1, forward */
    void *y;              /* [tokens][hidden], forward */
    const void *dy;       /* [tokens][hidden], backward, and so are all below */
    const int32_t *first; /* [vocab + 1]: row v's tokens are order[first[v]] .. */
    const int32_t *order; /* [tokens] */
    void *dtable;         /* [vocab][hidden] */
};

/* `first` and `order` of a batch, on the host, by counting. */
void mlb_embedding_index(const int32_t *id, size_t tokens, size_t vocab, int32_t *first,
                         int32_t *order);

void mlb_embedding_cpu(const struct mlb_embedding *embedding, int threads);

/* hidden is a multiple of 8; pointers are aligned to 16 bytes. Enqueues only; returns a
 * cudaError_t. */
int mlb_embedding_cuda(const struct mlb_embedding *embedding, void *stream);

#ifdef __cplusplus
}
#endif

#endif
