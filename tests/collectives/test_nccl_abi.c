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
