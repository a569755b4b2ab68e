/* SPDX-License-Identifier: Apache-2.0 */
/* What writing a job's state to a store takes, and reading it back: each rank its own file, as
 * sharded checkpoints are kept. */
#ifndef MLB_KERNELS_CHECKPOINT_CHECKPOINT_H
#define MLB_KERNELS_CHECKPOINT_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/measure/workload.h"
#include "kernels/checkpoint/file.h"
#include "kernels/checkpoint/place.h"

enum mlb_checkpoint_op { MLB_CHECKPOINT_WRITE, MLB_CHECKPOINT_READ };

struct mlb_checkpoint_params {
    int op;         /* enum mlb_checkpoint_op */
    uint64_t bytes; /* of a rank's file */
};

/* Zeroed by the harness. */
struct mlb_checkpoint {
    enum mlb_checkpoint_op op;
    size_t bytes;
    uint64_t seed;       /* of this rank */
    uint64_t writes;     /* steps that wrote: each makes every block of the file another one */
    void *device;        /* a GPU's copy of the state, `bytes`; NULL: the state is in host memory */
    unsigned char *host; /* `bytes`, what is written or read, on a page's boundary */
    unsigned char *window; /* MLB_CHECKPOINT_CHUNK, for reading back */
    struct mlb_checkpoint_file file;
    struct mlb_place place;
    double resident; /* part of the file in the page cache after it was dropped; < 0: not known */
};

extern const struct mlb_workload mlb_checkpoint;

#endif
