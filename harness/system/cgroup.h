/* SPDX-License-Identifier: Apache-2.0 */
/* What the control group grants this process: memory and CPU time, version 1 and 2.
 *
 * `root` stands before every path: "" for this machine, a folder with recorded files in tests.
 * Limits hold at every level, so each answer is the least of this group's and its ancestors'. */
#ifndef MLB_SYSTEM_CGROUP_H
#define MLB_SYSTEM_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t mlb_cgroup_memory_limit(const char *root); /* bytes; UINT64_MAX = none */

/* Bytes that can still be taken before a limit is met; page cache that the kernel can drop counts
 * as free. UINT64_MAX = no limit. */
uint64_t mlb_cgroup_memory_available(const char *root);

double mlb_cgroup_cpu_quota(const char *root); /* CPUs' worth of time; 0 = no limit */

#endif
