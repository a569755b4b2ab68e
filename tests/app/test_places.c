/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/app/places.h"
#include "harness/base/text.h"
#include "tests/fake/fake_comm.h"

/* A GPU each under srun, two ranks on one GPU, the same name on another machine, no GPU. */
static void test_shared(void **state)
{
    (void)state;
    static const struct mlb_place places[] = {{0, "GPU-a"}, {0, "GPU-b"}, {0, "GPU-b"},
                                              {1, "GPU-b"}, {1, ""},      {1, ""}};
    static const int shared[] = {1, 2, 2, 1, 1, 1};
    for (size_t rank = 0; rank < 6; rank++)
        check_i64(mlb_places_shared(places, 6, rank), shared[rank]);
}

/* The ranks of the fake communicator do what this one does: they name the same GPU. */
static void test_ask(void **state)
{
    (void)state;
    struct fake_comm fake;
    struct mlb_error err = {0};
    int shared = 0;
    fake_comm_init(&fake, 3);
    check_ok(mlb_places_ask(&fake.comm, "GPU-a", &shared, &err), &err);
    check_i64(shared, 3);
    check_ok(mlb_places_ask(&fake.comm, "", &shared, &err), &err);
    check_i64(shared, 1);
    fake.broken = MLB_E_TIMEOUT;
    check_fails(mlb_places_ask(&fake.comm, "GPU-a", &shared, &err), MLB_E_TIMEOUT, &err, "rank 1");
}

/* ------------------------------------------------------------------------------------- choice
 */

struct machine {
    const char *what;
    size_t ranks;
    struct mlb_visible visible[5];
    int choice[5];
};

static const struct machine machines[] = {
    {"all see all: by local rank",
     3,
     {{0, 0, 3, {"a", "b", "c"}}, {0, 1, 3, {"a", "b", "c"}}, {0, 2, 3, {"a", "b", "c"}}},
     {0, 1, 2}},
    {"srun --gpus-per-task=1: each sees another one",
     3,
     {{0, 0, 1, {"a"}}, {0, 1, 1, {"b"}}, {0, 2, 1, {"c"}}},
     {0, 0, 0}},
    {"CUDA_VISIBLE_DEVICES rotated for each task",
     3,
     {{0, 0, 3, {"a", "b", "c"}}, {0, 1, 3, {"b", "c", "a"}}, {0, 2, 3, {"c", "a", "b"}}},
     {0, 1, 2}},
    {"--gpu-bind=closest, tasks dealt out over two NUMA nodes",
     4,
     {{0, 0, 2, {"a", "b"}}, {0, 1, 2, {"c", "d"}}, {0, 2, 2, {"a", "b"}}, {0, 3, 2, {"c", "d"}}},
     {0, 1, 1, 0}},
    {"the one who sees little comes last: the other moves",
     2,
     {{0, 0, 2, {"a", "b"}}, {0, 1, 1, {"a"}}},
     {1, 0}},
    {"a chain of moves",
     3,
     {{0, 0, 2, {"a", "b"}}, {0, 1, 2, {"c", "b"}}, {0, 2, 1, {"b"}}},
     {0, 0, 0}},
    {"the same names on two machines",
     4,
     {{0, 0, 2, {"a", "b"}}, {0, 1, 2, {"a", "b"}}, {1, 0, 2, {"a", "b"}}, {1, 1, 2, {"a", "b"}}},
     {0, 1, 0, 1}},
    {"more ranks than GPUs: the rest share by local rank",
     3,
     {{0, 0, 2, {"a", "b"}}, {0, 1, 2, {"a", "b"}}, {0, 2, 2, {"a", "b"}}},
     {0, 1, 0}},
    {"nobody knows what they are called: by local rank",
     2,
     {{0, 0, 2, {"", ""}}, {0, 1, 2, {"", ""}}},
     {0, 1}},
    {"one sees none", 2, {{0, 0, 1, {"a"}}, {0, 1, 0, {""}}}, {0, -1}},
};

static void test_choose(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
        int choice[5];
        unsigned char scratch[5];
        mlb_places_choose(machines[m].visible, machines[m].ranks, choice, scratch);
        for (size_t rank = 0; rank < machines[m].ranks; rank++) {
            if (choice[rank] != machines[m].choice[rank])
                print_error("%s, rank %zu\n", machines[m].what, rank);
            check_i64(choice[rank], machines[m].choice[rank]);
        }
    }
}

static enum mlb_status identify(int index, struct mlb_device_info *info, struct mlb_error *err)
{
    (void)err;
    mlb_format(info->uuid, sizeof info->uuid, "GPU-%d", index);
    return MLB_OK;
}

/* Ranks that all see the same GPUs, and of which this one is rank 0. */
static void test_take(void **state)
{
    (void)state;
    struct fake_comm fake;
    struct mlb_error err = {0};
    const struct mlb_backend backend = {.identify = identify}, silent = {0};
    int index = 7;
    fake_comm_init(&fake, 3);
    check_ok(mlb_places_take(&fake.comm, &backend, 4, &index, &err), &err);
    check_i64(index, 0);
    check_ok(mlb_places_take(&fake.comm, &silent, 4, &index, &err), &err);
    check_i64(index, 0);
    check_ok(mlb_places_take(&fake.comm, &backend, 0, &index, &err), &err);
    check_i64(index, -1);
    fake.broken = MLB_E_TIMEOUT;
    check_fails(mlb_places_take(&fake.comm, &backend, 4, &index, &err), MLB_E_TIMEOUT, &err,
                "rank 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shared), cmocka_unit_test(test_ask),
                                       cmocka_unit_test(test_choose), cmocka_unit_test(test_take)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
