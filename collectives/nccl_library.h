/* SPDX-License-Identifier: Apache-2.0 */
/* NCCL's library: found and opened at run time, its codes turned into a status, its waits. */
#ifndef MLB_COLLECTIVES_NCCL_LIBRARY_H
#define MLB_COLLECTIVES_NCCL_LIBRARY_H

#include "collectives/nccl_abi.h"
#include "harness/device/dynlib.h"
#include "harness/measure/comm.h"

struct mlb_nccl {
    struct mlb_dynlib dynlib;
    struct mlb_nccl_functions call;
    int version; /* as ncclGetVersion tells: 22809 */
};

/* MLB_E_UNSUPPORTED when it is not there or older than 2.18. Closed with mlb_dynlib_close. */
enum mlb_status mlb_nccl_load(struct mlb_nccl *nccl, struct mlb_error *err);

/* The library that would be opened; "" when there is none. */
void mlb_nccl_installed(char *to, size_t size);

/* Collective over the job: MLB_E_CONFIG on every rank, with both versions and a rank of each, when
 * ranks have different ones. NCCL itself would wait for messages of another form. */
enum mlb_status mlb_nccl_agree_on_version(const struct mlb_nccl *nccl, struct mlb_comm *comm,
                                          struct mlb_error *err);

/* NCCL's code becomes a status here and nowhere else, with NCCL's last warning, which says what the
 * code does not ("Duplicate GPU detected : rank 1 and rank 0 both on CUDA device 1b000"). `what` is
 * the call with its sizes. */
enum mlb_status mlb_nccl_fail(const struct mlb_nccl *nccl, struct mlb_nccl_comm *comm, int code,
                              struct mlb_error *err, const char *what, ...)
    __attribute__((format(printf, 5, 6)));

/* Wait until a communicator that does not block is done with the call that returned `code`; at once
 * for any other code than "in progress". MLB_E_TIMEOUT after `deadline_s`. */
enum mlb_status mlb_nccl_settle(const struct mlb_nccl *nccl, struct mlb_nccl_comm *comm, int code,
                                double deadline_s, const char *what, struct mlb_error *err);

#endif
