/* SPDX-License-Identifier: Apache-2.0 */
/* A second stream beside the device's own, on the same GPU or on another: work on both at once,
 * timed as one step. CUDA only. */
#ifndef MLB_KERNELS_TRANSFER_SIDE_H
#define MLB_KERNELS_TRANSFER_SIDE_H

#include "harness/device/device.h"

/* Zero-initialise. */
struct mlb_side {
    struct mlb_device *device; /* owns the second stream */
    void *fork, *join;         /* cudaEvent_t of the main device and of this one */
};

/* A stream on GPU `index`. CUDA's calls go to the main device again when it returns. */
enum mlb_status mlb_side_open(struct mlb_side *side, struct mlb_device *main, int index,
                              struct mlb_error *err);
void mlb_side_close(struct mlb_side *side, struct mlb_device *main); /* of a zeroed one is fine */

/* Work enqueued on the side from here on waits for what the main stream has so far. */
enum mlb_status mlb_side_fork(const struct mlb_side *side, struct mlb_device *main,
                              struct mlb_error *err);
/* Work enqueued on the main stream from here on waits for the side's. */
enum mlb_status mlb_side_join(const struct mlb_side *side, struct mlb_device *main,
                              struct mlb_error *err);

#endif
