/* SPDX-License-Identifier: Apache-2.0 */
/* What fill writes is what mlb_data_value says, to the bit, whichever instructions write it. */
#include "harness/device/device.h"
#include "harness/device/fill.h"
#include "tests/check.h"

enum { GUARD = 64 };

/* The truth: one element at a time through the general conversions of base/dtype.c. */
static void fill_slowly(void *to, size_t count, enum mlb_dtype dtype, enum mlb_data data,
                        uint64_t seed, uint64_t first)
{
    for (size_t i = 0; i < count; i++)
        mlb_dtype_store(dtype, to, i, mlb_data_value(data, dtype, seed, first + i));
}

static void compare(const struct mlb_fill_way *way, size_t count, enum mlb_dtype dtype,
                    enum mlb_data data, uint64_t seed, uint64_t first)
{
    size_t bytes = count * mlb_dtype_bytes(dtype);
    unsigned char *is = malloc(bytes + GUARD), *should = malloc(bytes + GUARD);
    memset(is, 0x5a, bytes + GUARD);
    memset(should, 0x5a, bytes + GUARD);
    way->fill(is, count, dtype, data, seed, first);
    fill_slowly(should, count, dtype, data, seed, first);
    if (memcmp(is, should, bytes + GUARD) != 0) {
        print_error("%s: %s %s, %zu from %" PRIu64 " differ\n", way->name, mlb_dtype_name(dtype),
                    mlb_data_names[data], count, first);
        fail();
    }
    free(is);
    free(should);
}

static void test_every_way_writes_the_same_bits(void **state)
{
    static const struct {
        size_t count;
        uint64_t seed, first;
    } rows[] = {
        {0, 1, 0},
        {1, 1, 0},
        {7, 42, 3},
        {1024, 42, 0},
        {1025, 0, 1},
        {5000, UINT64_MAX, 999},
        {3001, 42, UINT64_C(1) << 31},
        {3001, 9, UINT64_C(1) << 40},
        {3001, 9, UINT64_MAX - 1500}, /* the counter wraps */
    };
    (void)state;
    for (const struct mlb_fill_way *way = mlb_fill_ways; way->name; way++)
        for (int dtype = 0; dtype < MLB_DTYPE_COUNT && way->usable(); dtype++)
            for (int data = 0; mlb_data_names[data]; data++)
                for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                    compare(way, rows[i].count, (enum mlb_dtype)dtype, (enum mlb_data)data,
                            rows[i].seed, rows[i].first);
}

/* The conversions without branches against the general ones, where rounding has all its cases:
 * ties, subnormals of f16, carries into the exponent. */
static void test_rounding_over_a_million_values(void **state)
{
    enum { COUNT = 1 << 20 };
    (void)state;
    for (const struct mlb_fill_way *way = mlb_fill_ways; way->name; way++)
        for (int dtype = 0; dtype < MLB_DTYPE_COUNT && way->usable(); dtype++)
            if (mlb_dtype_bytes((enum mlb_dtype)dtype) <= 2)
                compare(way, COUNT, (enum mlb_dtype)dtype, MLB_DATA_UNIFORM, 5, 0);
    for (int32_t i = -(1 << 19); i < 1 << 19; i++) {
        float value = (float)i * 0x1p-24f; /* uniform's quantum, through f16's subnormals */
        check_u64(mlb_fill_f16(value), mlb_f16_from_f32(value));
        check_u64(mlb_fill_bf16(value), mlb_bf16_from_f32(value));
        value = (float)i * 0x1p-16f; /* normal's quantum, up to +-8 */
        check_u64(mlb_fill_f16(value), mlb_f16_from_f32(value));
        check_u64(mlb_fill_bf16(value), mlb_bf16_from_f32(value));
    }
    for (int32_t i = -(1 << 12); i < 1 << 12; i++) { /* through the subnormals of 8 bits */
        float value = (float)i * 0x1p-18f;
        uint8_t bits[2];
        mlb_dtype_store(MLB_E4M3, &bits[0], 0, (double)value);
        mlb_dtype_store(MLB_E5M2, &bits[1], 0, (double)value);
        check_u64(mlb_fill_e4m3(value), bits[0]);
        check_u64(mlb_fill_e5m2(value), bits[1]);
    }
}

/* Records are compared over years: data of a seed must not change silently. */
static void test_values_of_a_seed_stay(void **state)
{
    (void)state;
    check_u64(mlb_rng_bits(42, 0), UINT64_C(0x31373183990900a5));
    check_close(mlb_data_value(MLB_DATA_NORMAL, MLB_F32, 42, 0), -0x1.2f7a800000000p+1, 0);
    check_close(mlb_data_value(MLB_DATA_NORMAL, MLB_BF16, 42, 123456789), -0x1.5a2e000000000p-1, 0);
    check_close(mlb_data_value(MLB_DATA_UNIFORM, MLB_F64, 42, 1), -0x1.3d77800000000p-7, 0);
    check_close(mlb_data_value(MLB_DATA_NORMAL, MLB_S8, 42, 2), 42, 0);
    check_close(mlb_data_value(MLB_DATA_INTS, MLB_F16, 42, 3), -2, 0);
}

static void test_kinds_have_the_promised_spread(void **state)
{
    enum { COUNT = 200000 };
    static const struct {
        enum mlb_data data;
        enum mlb_dtype dtype;
        double variance, low, high; /* variance of the exact distribution */
    } rows[] = {
        {MLB_DATA_NORMAL, MLB_F32, 1.0, -6, 6},
        {MLB_DATA_UNIFORM, MLB_F32, 1.0 / 3, -1, 1},
        {MLB_DATA_INTS, MLB_BF16, 4.0, -3, 3},
        {MLB_DATA_NORMAL, MLB_S8, (255.0 * 255 - 1) / 12, -127, 127},
        {MLB_DATA_UNIFORM, MLB_S32, (255.0 * 255 - 1) / 12, -127, 127},
        {MLB_DATA_ZEROS, MLB_F32, 0, 0, 0},
    };
    (void)state;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        double sum = 0, squares = 0, low = INFINITY, high = -INFINITY;
        for (uint64_t i = 0; i < COUNT; i++) {
            double value = mlb_data_value(rows[row].data, rows[row].dtype, 3, i);
            sum += value;
            squares += value * value;
            low = fmin(low, value);
            high = fmax(high, value);
        }
        double mean = sum / COUNT, variance = squares / COUNT - mean * mean;
        check_true(fabs(mean) <= 4 * sqrt(rows[row].variance / COUNT));
        check_close(variance, rows[row].variance, 0.02);
        check_true(low >= rows[row].low && high <= rows[row].high);
    }
}

static void test_seeds_are_different_streams(void **state)
{
    int same = 0;
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        same += mlb_data_value(MLB_DATA_NORMAL, MLB_F32, 1, i) ==
                mlb_data_value(MLB_DATA_NORMAL, MLB_F32, 2, i);
    check_true(same < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way_writes_the_same_bits),
        cmocka_unit_test(test_rounding_over_a_million_values),
        cmocka_unit_test(test_values_of_a_seed_stay),
        cmocka_unit_test(test_kinds_have_the_promised_spread),
        cmocka_unit_test(test_seeds_are_different_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
