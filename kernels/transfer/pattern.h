/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent and how it is looked at on arrival: bytes that are a function of seed and place, so
 * that a message that came to the wrong place, in part, or not at all is found. */
#ifndef MLB_KERNELS_TRANSFER_PATTERN_H
#define MLB_KERNELS_TRANSFER_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "harness/measure/workload.h"

struct mlb_pattern {
    enum mlb_data data;
    uint64_t seed;
    int threads; /* of the host, to make and to compare */
};

/* The pattern on the host or, enqueued, on a device. */
void mlb_pattern_put_host(const struct mlb_pattern *pattern, void *memory, size_t bytes);
enum mlb_status mlb_pattern_put(const struct mlb_pattern *pattern, struct mlb_device *device,
                                void *memory, size_t bytes, struct mlb_error *err);

/* Something that differs from the pattern in every byte: a transfer that does nothing is seen. */
void mlb_pattern_spoil_host(const struct mlb_pattern *pattern, void *memory, size_t bytes);
enum mlb_status mlb_pattern_spoil(const struct mlb_pattern *pattern, struct mlb_device *device,
                                  void *memory, size_t bytes, struct mlb_error *err);

/* Compare every byte; `what` names the memory of the first wrong one. */
void mlb_pattern_check_host(const struct mlb_pattern *pattern, const void *memory, size_t bytes,
                            const char *what, struct mlb_verification *verification);
/* The same on a device, fetched in windows through pageable memory. */
enum mlb_status mlb_pattern_check(const struct mlb_pattern *pattern, struct mlb_device *device,
                                  const void *memory, size_t bytes, const char *what,
                                  struct mlb_verification *verification, struct mlb_error *err);

#endif
