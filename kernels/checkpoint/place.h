/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of store a folder is on, without telling its name. */
#ifndef MLB_KERNELS_CHECKPOINT_PLACE_H
#define MLB_KERNELS_CHECKPOINT_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"

struct mlb_place {
    char file_system[24];   /* "xfs", "lustre"; "0x6a656a63" when nobody knows its number */
    bool in_memory;         /* tmpfs: nothing reaches a disk */
    bool shared;            /* a network's: all machines of the job write to it */
    char storage[24];       /* "nvme", "ssd", "disk", "virtio", "dm"; "" unknown */
    char storage_model[64]; /* "Amazon Elastic Block Store"; "" unknown */
    uint64_t free_bytes;    /* for this user, now; quotas are not seen */
};

/* MLB_E_IO when there is no such folder, or nothing can be written into it. `root` stands before
 * /sys, "" outside tests. */
enum mlb_status mlb_place_look(const char *root, const char *folder, struct mlb_place *place,
                               struct mlb_error *err);
/* Kind and model of the disk with this device number, as /sys tells. */
void mlb_place_disk(const char *root, unsigned major, unsigned minor, struct mlb_place *place);

#endif
