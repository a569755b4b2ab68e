/* SPDX-License-Identifier: Apache-2.0 */
/* One side of an overlap: a workload of the registries that another one drives as the harness would
 * (harness/measure/workload.h), on a device and with a share of the threads of its own. */
#ifndef MLB_COLLECTIVES_OVERLAP_SIDE_H
#define MLB_COLLECTIVES_OVERLAP_SIDE_H

#include "harness/measure/workload.h"

struct mlb_overlap_side {
    const struct mlb_workload *workload;
    const struct mlb_variant *variant;
    void *params;          /* owned */
    unsigned char *states; /* owned: `count` of workload->state_bytes each */
    size_t count, begun;   /* begun: whose setup was called */
    struct mlb_ctx ctx;    /* borrowed, as hooks get it */
};

/* A key of the workload's params and its value as a user would write it. */
struct mlb_setting {
    const char *key, *value;
};

/* Finds the workload and makes its resolved params; `settings` ends with a NULL key. All are freed
 * with mlb_overlap_side_free, which accepts a zeroed side, whatever this returns. */
enum mlb_status mlb_overlap_side_open(struct mlb_overlap_side *side, const char *workload,
                                      const struct mlb_setting *settings, struct mlb_error *err);
void mlb_overlap_side_free(struct mlb_overlap_side *side);

/* side->ctx is set. The first variant from `from` on (NULL: the first of all) that is for its
 * device and whose check passes; the first one's reason when there is none. */
enum mlb_status mlb_overlap_side_choose(struct mlb_overlap_side *side,
                                        const struct mlb_variant *from, struct mlb_error *err);

/* `count` instances of the case, each with its own buffers. A variant that finds only now that it
 * cannot do the case leaves it to the next one. */
enum mlb_status mlb_overlap_side_setup(struct mlb_overlap_side *side, size_t count,
                                       struct mlb_error *err);
void mlb_overlap_side_teardown(struct mlb_overlap_side *side); /* fine when there was no setup */
/* A step of each instance, in order. */
enum mlb_status mlb_overlap_side_step(struct mlb_overlap_side *side, struct mlb_error *err);
/* Of instance `index`; what it finds is added to `verification`. */
enum mlb_status mlb_overlap_side_verify(struct mlb_overlap_side *side, size_t index,
                                        struct mlb_verification *verification,
                                        struct mlb_error *err);

#endif
