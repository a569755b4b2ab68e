/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for other ranks: quick at first, then ever more at leisure, so that many ranks on few
 * cores leave the cores to those that have work. */
#ifndef MLB_COLLECTIVES_PATIENCE_H
#define MLB_COLLECTIVES_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

/* Begin with {.crowded = ...} and zeros. */
struct mlb_patience {
    bool crowded; /* more ranks than cores on this machine: no spinning at all */
    uint32_t turns;
    int64_t last_ns;
    double waited_s; /* time in which this process was stopped counts one second at most */
};

/* One turn of a waiting loop; false when `limit_s` has passed. */
bool mlb_patience_wait(struct mlb_patience *patience, double limit_s);
/* The same, but never sleeps longer than microseconds: for line_up. */
bool mlb_patience_spin(struct mlb_patience *patience, double limit_s);

#endif
