/* SPDX-License-Identifier: Apache-2.0 */
/* Our declarations of NCCL's binary interface against its own header. */
#include "collectives/nccl_abi.h"

#include <nccl.h>

#include "tests/check.h"

#define SAME_FIELD(ours, theirs)                                                                   \
    _Static_assert(offsetof(struct mlb_nccl_config, ours) == offsetof(ncclConfig_t, theirs), #ours)

SAME_FIELD(size, size);
SAME_FIELD(magic, magic);
SAME_FIELD(version, version);
SAME_FIELD(blocking, blocking);
SAME_FIELD(cga_cluster_size, cgaClusterSize);
SAME_FIELD(min_ctas, minCTAs);
SAME_FIELD(max_ctas, maxCTAs);
SAME_FIELD(net_name, netName);
SAME_FIELD(split_share, splitShare);

_Static_assert(sizeof(struct mlb_nccl_sim_info) == sizeof(ncclSimInfo_t), "ncclSimInfo_t");
_Static_assert(offsetof(struct mlb_nccl_sim_info, estimated_us) ==
                   offsetof(ncclSimInfo_t, estimatedTime),
               "estimatedTime");

/* What is passed to NCCL's functions is what they take; enums are ints, handles pointers. */
#define SAME_ARGUMENTS(theirs, result, ...)                                                        \
    _Static_assert(_Generic(&(theirs), result(*)(__VA_ARGS__) : 1, default : 0), #theirs)

SAME_ARGUMENTS(ncclCommSplit, ncclResult_t, ncclComm_t, int, int, ncclComm_t *, ncclConfig_t *);
SAME_ARGUMENTS(ncclGroupSimulateEnd, ncclResult_t, ncclSimInfo_t *);
SAME_ARGUMENTS(ncclAllReduce, ncclResult_t, const void *, void *, size_t, ncclDataType_t,
               ncclRedOp_t, ncclComm_t, cudaStream_t);
SAME_ARGUMENTS(ncclReduceScatter, ncclResult_t, const void *, void *, size_t, ncclDataType_t,
               ncclRedOp_t, ncclComm_t, cudaStream_t);
SAME_ARGUMENTS(ncclReduce, ncclResult_t, const void *, void *, size_t, ncclDataType_t, ncclRedOp_t,
               int, ncclComm_t, cudaStream_t);
SAME_ARGUMENTS(ncclAllGather, ncclResult_t, const void *, void *, size_t, ncclDataType_t,
               ncclComm_t, cudaStream_t);
SAME_ARGUMENTS(ncclBroadcast, ncclResult_t, const void *, void *, size_t, ncclDataType_t, int,
               ncclComm_t, cudaStream_t);
SAME_ARGUMENTS(ncclSend, ncclResult_t, const void *, size_t, ncclDataType_t, int, ncclComm_t,
               cudaStream_t);
SAME_ARGUMENTS(ncclRecv, ncclResult_t, void *, size_t, ncclDataType_t, int, ncclComm_t,
               cudaStream_t);
#if NCCL_VERSION_CODE >= 22803
SAME_ARGUMENTS(ncclAlltoAll, ncclResult_t, const void *, void *, size_t, ncclDataType_t, ncclComm_t,
               cudaStream_t);
SAME_ARGUMENTS(ncclGather, ncclResult_t, const void *, void *, size_t, ncclDataType_t, int,
               ncclComm_t, cudaStream_t);
SAME_ARGUMENTS(ncclScatter, ncclResult_t, const void *, void *, size_t, ncclDataType_t, int,
               ncclComm_t, cudaStream_t);
#endif

static void numbers_are_the_same(void **state)
{
    (void)state;
    ncclConfig_t theirs = NCCL_CONFIG_INITIALIZER;
    check_u64(theirs.magic, MLB_NCCL_CONFIG_MAGIC);
    check_i64(theirs.blocking, MLB_NCCL_UNSET);
    check_true(sizeof(struct mlb_nccl_config) <= sizeof theirs);
    check_u64(sizeof(struct mlb_nccl_id), sizeof(ncclUniqueId));
    check_i64(MLB_NCCL_OLDEST, NCCL_VERSION(2, 18, 0));
    check_i64(MLB_NCCL_SUCCESS, ncclSuccess);
    check_i64(MLB_NCCL_IN_PROGRESS, ncclInProgress);
    check_i64(MLB_NCCL_SUM, ncclSum);
    ncclSimInfo_t simulation = NCCL_SIM_INFO_INITIALIZER;
    check_u64(simulation.magic, MLB_NCCL_SIM_MAGIC);
    check_i64(MLB_NCCL_MULTI_RANK, NCCL_VERSION(2, 30, 0));
    check_i64(MLB_NCCL_INT8, ncclInt8);
    check_i64(MLB_NCCL_INT32, ncclInt32);
    check_i64(MLB_NCCL_FLOAT16, ncclFloat16);
    check_i64(MLB_NCCL_FLOAT32, ncclFloat32);
    check_i64(MLB_NCCL_FLOAT64, ncclFloat64);
    check_i64(MLB_NCCL_BFLOAT16, ncclBfloat16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_are_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
