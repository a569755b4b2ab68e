/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/measure/verify.h"

static void test_elements(void **state)
{
    (void)state;
    static const struct {
        double is, should, tolerance;
        bool right;
    } cases[] = {{1, 1, 0, true},           {1.5, 1, 0.5, true},           {1.51, 1, 0.5, false},
                 {NAN, 1, 1e9, false},      {1, NAN, 1e9, false},          {NAN, NAN, 0, true},
                 {INFINITY, 1, 1e9, false}, {INFINITY, INFINITY, 0, true}, {-0.0, 0.0, 0, true},
                 {1, 2, NAN, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mlb_verification verification = {0};
        mlb_verify_element(&verification, cases[i].is, cases[i].should, cases[i].tolerance,
                           "x[%zu]", i);
        check_u64(verification.wrong, cases[i].right ? 0 : 1);
        check_true(mlb_verification_passed(&verification) == cases[i].right);
        if (!cases[i].right)
            check_true(!(verification.worst_ratio <= 1.0));
    }
}

static void test_nothing_checked_is_no_pass(void **state)
{
    (void)state;
    struct mlb_verification verification = {0};
    check_true(!mlb_verification_passed(&verification));
}

static void test_first_wrong_is_kept(void **state)
{
    (void)state;
    struct mlb_verification verification = {0};
    mlb_verify_element(&verification, 1, 1, 0, "C[%d]", 0);
    mlb_verify_element(&verification, 2, 1, 0.5, "C[%d]", 1);
    mlb_verify_element(&verification, 9, 1, 0.5, "C[%d]", 2);
    check_u64(verification.checked, 3);
    check_u64(verification.wrong, 2);
    check_text(verification.first_wrong, "C[1]: is 2, should be 1, tolerance 0.5");
    check_close(verification.worst_ratio, 16, 0);
    check_close(verification.worst_error, 8, 0);
}

/* What is not finite is wrong, and is told as what it is. */
static void test_not_finite_is_told(void **state)
{
    static const struct {
        double is;
        const char *says;
    } cases[] = {{NAN, "C[3]: is nan, should be 1, tolerance 0.5"},
                 {-NAN, "C[3]: is nan, should be 1, tolerance 0.5"},
                 {-INFINITY, "C[3]: is -inf, should be 1, tolerance 0.5"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mlb_verification verification = {0};
        mlb_verify_element(&verification, 1, 1, 0.5, "C[%d]", 0);
        mlb_verify_element(&verification, cases[i].is, 1, 0.5, "C[%d]", 3);
        check_text(verification.first_wrong, cases[i].says);
        check_true(!mlb_verification_passed(&verification) && isinf(verification.worst_ratio));
    }
}

/* One index in each band, ascending, different seeds elsewhere; no gap of two bands. */
static void test_bands(void **state)
{
    (void)state;
    static const uint64_t extents[] = {1, 31, 32, 33, 1000, 4096};
    uint64_t indices[256];
    for (size_t e = 0; e < 6; e++) {
        for (uint64_t seed = 0; seed < 50; seed++) {
            size_t count = mlb_verify_bands(extents[e], 32, seed, indices);
            check_u64(count, (extents[e] + 31) / 32);
            for (size_t i = 0; i < count; i++) {
                check_u64(indices[i] / 32, i);
                check_true(indices[i] < extents[e]);
            }
        }
    }
}

static void test_bands_reach_every_place(void **state)
{
    (void)state;
    bool seen[32] = {false};
    for (uint64_t seed = 0; seed < 400; seed++) {
        uint64_t index;
        mlb_verify_bands(32, 32, seed, &index);
        seen[index] = true;
    }
    for (size_t i = 0; i < 32; i++)
        check_true(seen[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_elements),
                                       cmocka_unit_test(test_nothing_checked_is_no_pass),
                                       cmocka_unit_test(test_first_wrong_is_kept),
                                       cmocka_unit_test(test_not_finite_is_told),
                                       cmocka_unit_test(test_bands),
                                       cmocka_unit_test(test_bands_reach_every_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
