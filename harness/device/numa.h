/* SPDX-License-Identifier: Apache-2.0 */
/* Host memory on a NUMA node that is named. Pages go where the thread that touches them first runs,
 * which needs no privilege; mbind and move_pages are denied in most containers. Readers take a root
 * in front of /proc and /sys ("" outside tests), as those of proc.h do. */
#ifndef MLB_DEVICE_NUMA_H
#define MLB_DEVICE_NUMA_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/status.h"

#define MLB_NUMA_ANY (-1) /* where this thread runs */

/* The node that a PCI device hangs on ("0000:1b:00.0"); MLB_NUMA_ANY when the system does not tell,
 * as in most virtual machines. */
int mlb_numa_of_pci(const char *root, const char *pci_id);

/* Can this process place memory on `node`? MLB_E_UNSUPPORTED with the reason otherwise: there is no
 * such node, it has no CPUs, or none that this process may use. */
enum mlb_status mlb_numa_check(const char *root, int node, struct mlb_error *err);

/* `bytes` of page-aligned memory with every page touched on `node`; freed with mlb_numa_free.
 * `what` names it in errors. */
enum mlb_status mlb_numa_alloc(int node, size_t bytes, const char *what, void **memory,
                               struct mlb_error *err);
void mlb_numa_free(void *memory, size_t bytes); /* NULL is fine */

/* The part of the mapping that holds `memory` whose pages lie on `node`, 0 to 1; false when the
 * system does not tell. */
bool mlb_numa_share(const char *root, const void *memory, int node, double *share);

#endif
