/* SPDX-License-Identifier: Apache-2.0 */
/* Machines of one job should be alike: a synchronous job is as fast as the least of them, and a
 * figure that rank 0 prints speaks for all. Where they are not, it is said. */
#ifndef MLB_APP_UNEQUAL_H
#define MLB_APP_UNEQUAL_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/log.h"
#include "harness/base/status.h"
#include "harness/measure/comm.h"
#include "harness/measure/result.h"

enum mlb_likeness { MLB_LIKE_RANKS, MLB_LIKE_CORES, MLB_LIKE_CPU, MLB_LIKE_GPU, MLB_LIKENESSES };

/* What one rank has, as text: "8 ranks on its machine", "32 cores", "NVIDIA H200"; "" = unknown. */
struct mlb_seat {
    int node;
    char has[MLB_LIKENESSES][96];
};

/* A health note (warn) for each likeness in which ranks differ: the first rank that is not as most
 * are, its machine, how many more. Pure. */
void mlb_unequal_judge(const struct mlb_seat *seats, size_t count, struct mlb_result *result);

/* Collective. Notes on rank 0. */
enum mlb_status mlb_unequal_note(struct mlb_comm *comm, const struct mlb_seat *mine,
                                 struct mlb_result *result, struct mlb_error *err);

/* Collective. Some ranks have a device of a kind (`has`) and others do not: `text` on every rank
 * says which rank lacks it and why (`why`: of a rank that does), and rank 0 logs it with the name
 * of the machine. "" when all or none have one. */
enum mlb_status mlb_unequal_lack(struct mlb_comm *comm, const struct mlb_log *log, bool has,
                                 const char *why, char *text, size_t size, struct mlb_error *err);

#endif
