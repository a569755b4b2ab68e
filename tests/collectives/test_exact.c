/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/exact.h"

#include "tests/check.h"

#define INDICES 3000

static const struct mlb_exact_part all_sums = {MLB_EXACT_SUM, 0};
static const enum mlb_dtype dtypes[] = {MLB_BF16, MLB_F16, MLB_F32, MLB_S32, MLB_F64};
static const int rank_counts[] = {1, 2, 3, 7, 8, 64, 127, 128, 129, 256, 257, 1000, 4096};

/* What the header promises: ranks x largest value <= 2^p. */
static double range_of(enum mlb_dtype dtype)
{
    return dtype == MLB_BF16  ? 0x1p8
           : dtype == MLB_F16 ? 0x1p11
           : dtype == MLB_F32 ? 0x1p24
           : dtype == MLB_S32 ? 0x1p30
                              : 0x1p53;
}

static double round_to(enum mlb_dtype dtype, double value)
{
    double memory = 0.0;
    mlb_dtype_store(dtype, &memory, 0, value);
    return mlb_dtype_load(dtype, &memory, 0);
}

/* Adds the ranks' values in the type itself, from both ends and in pairs. */
static void check_orders(const struct mlb_exact *exact, uint64_t index)
{
    double forth = 0.0, back = 0.0, total = 0.0;
    double *values = test_calloc((size_t)exact->ranks, sizeof *values);
    for (int rank = 0; rank < exact->ranks; rank++) {
        values[rank] = mlb_exact_value(exact, rank, index);
        check_close(round_to(exact->dtype, values[rank]), values[rank], 0);
        total += fabs(values[rank]);
        forth = round_to(exact->dtype, forth + values[rank]);
    }
    for (int rank = exact->ranks - 1; rank >= 0; rank--)
        back = round_to(exact->dtype, back + values[rank]);
    for (int step = 1; step < exact->ranks; step *= 2)
        for (int rank = 0; rank + step < exact->ranks; rank += 2 * step)
            values[rank] = round_to(exact->dtype, values[rank] + values[rank + step]);
    double sum = mlb_exact_sum(exact, index);
    check_true(total <= range_of(exact->dtype));
    check_close(forth, sum, 0);
    check_close(back, sum, 0);
    check_close(values[0], sum, 0);
    test_free(values);
}

static void sums_are_exact_in_any_order(void **state)
{
    (void)state;
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
        for (size_t r = 0; r < sizeof rank_counts / sizeof *rank_counts; r++) {
            struct mlb_error err = {0};
            struct mlb_exact exact;
            int ranks = rank_counts[r];
            check_ok(mlb_exact_open(&exact, 99, ranks, dtypes[d], &err), &err);
            for (uint64_t i = 0; i < (ranks > 300 ? 40 : 400); i++)
                check_orders(&exact, i * 7919);
        }
}

/* Data that would let a fault pass: constant over indices, or the same on all ranks, or zero. */
static void values_differ(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_exact exact;
    int same_next = 0, same_rank = 0, zero_sums = 0;
    check_ok(mlb_exact_open(&exact, 5, 8, MLB_BF16, &err), &err);
    for (uint64_t i = 0; i < INDICES; i++) {
        same_next += mlb_exact_sum(&exact, i) == mlb_exact_sum(&exact, i + 1);
        same_rank += mlb_exact_value(&exact, 0, i) == mlb_exact_value(&exact, 5, i);
        zero_sums += mlb_exact_sum(&exact, i) == 0.0;
    }
    check_i64(zero_sums, 0);
    check_true(same_next < INDICES / 10);
    check_true(same_rank < INDICES / 10);
    struct mlb_exact other = exact;
    other.seed = 6;
    int same_seed = 0;
    for (uint64_t i = 0; i < INDICES; i++)
        same_seed += mlb_exact_value(&exact, 3, i) == mlb_exact_value(&other, 3, i);
    check_true(same_seed < INDICES / 10);
}

/* f32 inputs need all 24 bits, so a sum made in a narrower type is seen. */
static void a_sum_in_a_narrower_type_is_seen(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_exact exact;
    int lost = 0;
    check_ok(mlb_exact_open(&exact, 1, 2, MLB_F32, &err), &err);
    for (uint64_t i = 0; i < INDICES; i++)
        lost += round_to(MLB_BF16, mlb_exact_sum(&exact, i)) != mlb_exact_sum(&exact, i);
    check_true(lost > INDICES * 9 / 10);
}

static void what_has_no_exact_inputs_is_refused(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_exact exact;
    check_fails(mlb_exact_open(&exact, 1, 2, MLB_S8, &err), MLB_E_UNSUPPORTED, &err, "s8");
    check_fails(mlb_exact_open(&exact, 1, 4097, MLB_F32, &err), MLB_E_UNSUPPORTED, &err,
                "1 to 4096 ranks");
    check_fails(mlb_exact_open(&exact, 1, 0, MLB_F32, &err), MLB_E_UNSUPPORTED, &err, "0 ranks");
}

/* Arrays longer than the block they go through, with faults in the first, a middle and the last
 * place. */
static void arrays_are_filled_and_checked_whole(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_device *device = NULL;
    struct mlb_exact exact;
    const size_t count = ((size_t)8 << 20) + 77; /* two bytes each: more than 8 MiB */
    uint16_t *array = test_calloc(count, sizeof *array);
    check_ok(mlb_backend_cpu.open(0, 1, &device, &err), &err);
    check_ok(mlb_exact_open(&exact, 3, 1, MLB_F16, &err), &err);
    check_ok(mlb_exact_fill(&exact, device, array, count, 0, 2, &err), &err);
    struct mlb_verification good = {0};
    check_ok(mlb_exact_check(&exact, all_sums, device, array, count, "recv", 2, &good, &err), &err);
    check_u64(good.checked, count);
    check_true(mlb_verification_passed(&good));
    const size_t places[] = {0, count / 2, count - 1};
    for (size_t i = 0; i < 3; i++) {
        struct mlb_verification bad = {0};
        uint16_t right = array[places[i]];
        array[places[i]] = 0x7e00; /* NaN */
        check_ok(mlb_exact_check(&exact, all_sums, device, array, count, "recv", 1, &bad, &err),
                 &err);
        check_u64(bad.checked, count);
        check_u64(bad.wrong, 1);
        char place[64];
        snprintf(place, sizeof place, "recv[%zu]: is nan", places[i]);
        check_contains(bad.first_wrong, place);
        array[places[i]] = right;
    }
    test_free(array);
    mlb_backend_cpu.close(device);
}

/* Whole arrays hold the values of each element, and the sums of the ranks' pass, in every type. */
static void arrays_are_those_of_the_elements(void **state)
{
    enum { RANKS = 3 };
    (void)state;
    struct mlb_error err = {0};
    struct mlb_device *device = NULL;
    check_ok(mlb_backend_cpu.open(0, 1, &device, &err), &err);
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        struct mlb_exact exact;
        struct mlb_verification found = {0};
        double array[INDICES], sums[INDICES], total[INDICES] = {0};
        check_ok(mlb_exact_open(&exact, 5, RANKS, dtypes[d], &err), &err);
        for (int rank = 0; rank < RANKS; rank++) {
            check_ok(mlb_exact_fill(&exact, device, array, INDICES, rank, 1, &err), &err);
            for (size_t i = 0; i < INDICES; i++) {
                double is = mlb_dtype_load(dtypes[d], array, i);
                check_close(is, mlb_exact_value(&exact, rank, i), 0);
                total[i] += is;
            }
        }
        for (size_t i = 0; i < INDICES; i++)
            mlb_dtype_store(dtypes[d], sums, i, total[i]);
        check_ok(mlb_exact_check(&exact, all_sums, device, sums, INDICES, "recv", 1, &found, &err),
                 &err);
        check_u64(found.checked, INDICES);
        check_u64(found.wrong, 0);
    }
    mlb_backend_cpu.close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact_in_any_order),
        cmocka_unit_test(values_differ),
        cmocka_unit_test(a_sum_in_a_narrower_type_is_seen),
        cmocka_unit_test(what_has_no_exact_inputs_is_refused),
        cmocka_unit_test(arrays_are_filled_and_checked_whole),
        cmocka_unit_test(arrays_are_those_of_the_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
