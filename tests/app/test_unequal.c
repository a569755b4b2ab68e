/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/app/unequal.h"
#include "tests/fake/fake_comm.h"

#define SEAT(node, ranks, gpu)                                                                     \
    {                                                                                              \
        node,                                                                                      \
        {                                                                                          \
            ranks, "32 cores", "EPYC", gpu                                                         \
        }                                                                                          \
    }

static void test_alike(void **state)
{
    (void)state;
    static const struct mlb_seat seats[] = {SEAT(0, "1 rank", "H200"), SEAT(1, "1 rank", "H200")};
    struct mlb_result result = {0};
    mlb_unequal_judge(seats, 2, &result);
    check_u64(result.health_count, 0);
}

/* Two of five ranks have another GPU, one is alone on its machine. */
static void test_unlike(void **state)
{
    (void)state;
    static const struct mlb_seat seats[] = {SEAT(0, "2 ranks", "H100"), SEAT(0, "2 ranks", "H200"),
                                            SEAT(1, "2 ranks", "H200"), SEAT(1, "2 ranks", "H200"),
                                            SEAT(2, "1 rank", "")};
    struct mlb_result result = {0};
    mlb_unequal_judge(seats, 5, &result);
    check_u64(result.health_count, 2);
    check_i64(result.health[0].level, MLB_HEALTH_WARN);
    check_text(result.health[0].code, "unequal");
    check_text(result.health[0].text, "rank 4 (machine 2): 1 rank; most: 2 ranks");
    check_text(result.health[1].text,
               "rank 0 (machine 0) and 1 more unlike the rest: H100; most: H200");
}

/* ------------------------------------------------------- a job in which rank 1 of 3 has no GPU */

static enum mlb_status one_lacks(struct mlb_comm *comm, double *values, size_t count,
                                 struct mlb_error *err)
{
    (void)comm;
    (void)count;
    (void)err;
    values[0] = 1.0;
    return MLB_OK;
}

static enum mlb_status rank_1_is_first(struct mlb_comm *comm, double *values, size_t count,
                                       struct mlb_error *err)
{
    (void)comm;
    (void)count;
    (void)err;
    values[0] = -1.0;
    return MLB_OK;
}

static void test_lack(void **state)
{
    (void)state;
    struct fake_comm fake;
    struct mlb_error err = {0};
    const struct mlb_log log = {MLB_LOG_ERROR, 2, -1};
    char text[160];
    fake_comm_init(&fake, 3);
    struct mlb_comm_ops ops = *fake.comm.ops;
    check_ok(mlb_unequal_lack(&fake.comm, &log, true, "", text, sizeof text, &err), &err);
    check_text(text, "");
    check_ok(mlb_unequal_lack(&fake.comm, &log, false, "no driver", text, sizeof text, &err), &err);
    check_text(text, "");
    ops.all_sum = one_lacks;
    ops.all_max = rank_1_is_first;
    fake.comm.ops = &ops;
    fake.comm.rank = fake.comm.node = 1;
    check_ok(mlb_unequal_lack(&fake.comm, &log, false, "no driver", text, sizeof text, &err), &err);
    check_text(text, "rank 1 (machine 1) has none, 2 others have: no driver");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_alike), cmocka_unit_test(test_unlike),
                                       cmocka_unit_test(test_lack)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
