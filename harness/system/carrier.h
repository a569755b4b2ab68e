/* SPDX-License-Identifier: Apache-2.0 */
/* Network links of this machine that carry a signal, and those that lost it: who hangs because a
 * cable, a port or a switch went away says so. */
#ifndef MLB_SYSTEM_CARRIER_H
#define MLB_SYSTEM_CARRIER_H

#include <stddef.h>

#include "harness/base/text.h"

enum { MLB_CARRIERS = 64 };

/* "eth0", "mlx5_0/1" (device and port of InfiniBand and RoCE) */
struct mlb_carriers {
    size_t count;
    char names[MLB_CARRIERS][32];
};

/* The links that are up now, as `root`/sys tells; bridges and their ports are left out. */
void mlb_carriers_read(const char *root, struct mlb_carriers *up);

/* Adds "eth0, mlx5_0/1": links of `before` that are not up any more. */
void mlb_carriers_lost(const char *root, const struct mlb_carriers *before, struct mlb_text *to);

/* Adds the links that are switched on and carry no signal. */
void mlb_carriers_dead(const char *root, struct mlb_text *to);

#endif
