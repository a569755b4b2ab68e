/* SPDX-License-Identifier: Apache-2.0 */
/* The part of NCCL's binary interface that is used, declared here so that a build needs no nccl.h
 * (it does not come with the CUDA Toolkit) and runs with any NCCL from 2.18 on. The values are
 * fixed by NCCL's promise to old programs; tests/collectives/test_nccl_abi.c holds them against
 * nccl.h where there is one. */
#ifndef MLB_COLLECTIVES_NCCL_ABI_H
#define MLB_COLLECTIVES_NCCL_ABI_H

#include <limits.h>
#include <stddef.h>

#define MLB_NCCL_OLDEST       21800 /* as ncclGetVersion tells 2.18.0 */
#define MLB_NCCL_MULTI_RANK   23000 /* from here on ranks may share a GPU when asked to */
#define MLB_NCCL_CONFIG_MAGIC 0xcafebeefu
#define MLB_NCCL_SIM_MAGIC    0x74685283u
#define MLB_NCCL_UNSET        INT_MIN

enum mlb_nccl_result { MLB_NCCL_SUCCESS = 0, MLB_NCCL_IN_PROGRESS = 7 };

enum mlb_nccl_type {
    MLB_NCCL_INT8 = 0,
    MLB_NCCL_INT32 = 2,
    MLB_NCCL_FLOAT16 = 6,
    MLB_NCCL_FLOAT32 = 7,
    MLB_NCCL_FLOAT64 = 8,
    MLB_NCCL_BFLOAT16 = 9,
};

enum { MLB_NCCL_SUM = 0 };

struct mlb_nccl_id {
    char internal[128];
};

/* ncclConfig_t of 2.18. Newer libraries read `size` and take their own defaults for the rest. */
struct mlb_nccl_config {
    size_t size;
    unsigned magic, version;
    int blocking, cga_cluster_size, min_ctas, max_ctas;
    const char *net_name;
    int split_share;
};

/* ncclSimInfo_t, from 2.22 on. */
struct mlb_nccl_sim_info {
    size_t size;
    unsigned magic, version;
    float estimated_us; /* -1 = NCCL did not say */
};

struct mlb_nccl_comm; /* ncclComm_t points to it */

/* The forms that NCCL's collectives have; all return an ncclResult_t. */
typedef int mlb_nccl_sum_function(const void *send, void *recv, size_t count, int type, int op,
                                  struct mlb_nccl_comm *comm, void *stream);
typedef int mlb_nccl_rooted_sum_function(const void *send, void *recv, size_t count, int type,
                                         int op, int root, struct mlb_nccl_comm *comm,
                                         void *stream);
typedef int mlb_nccl_move_function(const void *send, void *recv, size_t count, int type,
                                   struct mlb_nccl_comm *comm, void *stream);
typedef int mlb_nccl_rooted_move_function(const void *send, void *recv, size_t count, int type,
                                          int root, struct mlb_nccl_comm *comm, void *stream);

/* All return an ncclResult_t but the two that return texts. NULL in older versions where marked. */
struct mlb_nccl_functions {
    int (*get_version)(int *version);
    int (*get_unique_id)(struct mlb_nccl_id *id);
    int (*comm_init_rank_config)(struct mlb_nccl_comm **comm, int ranks, struct mlb_nccl_id id,
                                 int rank, struct mlb_nccl_config *config);
    int (*comm_split)(struct mlb_nccl_comm *comm, int color, int key, struct mlb_nccl_comm **part,
                      struct mlb_nccl_config *config);
    int (*comm_finalize)(struct mlb_nccl_comm *comm);
    int (*comm_destroy)(struct mlb_nccl_comm *comm);
    int (*comm_abort)(struct mlb_nccl_comm *comm);
    int (*comm_get_async_error)(struct mlb_nccl_comm *comm, int *result);
    const char *(*get_error_string)(int result);
    const char *(*get_last_error)(struct mlb_nccl_comm *comm);
    int (*group_start)(void);
    int (*group_end)(void);
    int (*group_simulate_end)(struct mlb_nccl_sim_info *info); /* NULL before 2.22 */
    mlb_nccl_sum_function *all_reduce, *reduce_scatter;
    mlb_nccl_rooted_sum_function *reduce;
    mlb_nccl_move_function *all_gather;
    mlb_nccl_rooted_move_function *broadcast;
    mlb_nccl_move_function *alltoall;                /* NULL before 2.28.3 */
    mlb_nccl_rooted_move_function *gather, *scatter; /* NULL before 2.28.3 */
    int (*send)(const void *from, size_t count, int type, int peer, struct mlb_nccl_comm *comm,
                void *stream);
    int (*recv)(void *to, size_t count, int type, int peer, struct mlb_nccl_comm *comm,
                void *stream);
};

#endif
