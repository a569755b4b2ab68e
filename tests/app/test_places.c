/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/app/places.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shared), cmocka_unit_test(test_ask)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
