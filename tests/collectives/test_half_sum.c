/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/half_sum.h"

#include "harness/base/dtype.h"
#include "harness/base/rng.h"
#include "tests/check.h"

#define ALL 65536

/* Addends that meet every value: zeros, a tie, subnormals, the largest, infinities, NaN. */
static const uint16_t f16_addends[] = {0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x0400, 0x3c00,
                                       0x3c01, 0xbc00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e01};
static const uint16_t bf16_addends[] = {0x0000, 0x8000, 0x0001, 0x0080, 0x3f80, 0x3f81, 0xbf80,
                                        0x7f7f, 0xff7f, 0x7f80, 0xff80, 0x7fc1, 0x7f81, 0x4300};

static bool same(enum mlb_dtype dtype, uint16_t is, uint16_t should)
{
    return is == should ||
           (isnan(mlb_dtype_load(dtype, &is, 0)) && isnan(mlb_dtype_load(dtype, &should, 0)));
}

/* The truth: both as float, one addition, the conversion of the base library. */
static uint16_t add(enum mlb_dtype dtype, uint16_t a, uint16_t b)
{
    return dtype == MLB_BF16 ? mlb_bf16_from_f32(mlb_bf16_to_f32(a) + mlb_bf16_to_f32(b))
                             : mlb_f16_from_f32(mlb_f16_to_f32(a) + mlb_f16_to_f32(b));
}

static void check_pairs(enum mlb_dtype dtype, const uint16_t *into, const uint16_t *from)
{
    static uint16_t sums[ALL];
    memcpy(sums, into, sizeof sums);
    if (dtype == MLB_BF16)
        mlb_sum_bf16(sums, from, ALL);
    else
        mlb_sum_f16(sums, from, ALL);
    for (size_t i = 0; i < ALL; i++) {
        uint16_t should = add(dtype, into[i], from[i]);
        if (same(dtype, sums[i], should))
            continue;
        print_error("%s: %04x + %04x is %04x, should be %04x\n", mlb_dtype_name(dtype), into[i],
                    from[i], sums[i], should);
        check_true(false);
    }
}

static void check_type(enum mlb_dtype dtype, const uint16_t *addends, size_t count)
{
    static uint16_t into[ALL], from[ALL];
    for (size_t a = 0; a < count; a++) {
        for (size_t i = 0; i < ALL; i++) {
            into[i] = (uint16_t)i;
            from[i] = addends[a];
        }
        check_pairs(dtype, into, from);
    }
    for (uint64_t round = 0; round < 20; round++) {
        for (uint64_t i = 0; i < ALL; i++) {
            into[i] = (uint16_t)i;
            from[i] = (uint16_t)mlb_rng_bits(round, i);
        }
        check_pairs(dtype, into, from);
    }
}

static void bf16_rounds_as_the_base_does(void **state)
{
    (void)state;
    check_type(MLB_BF16, bf16_addends, sizeof bf16_addends / sizeof *bf16_addends);
}

static void f16_rounds_as_the_base_does(void **state)
{
    (void)state;
    check_type(MLB_F16, f16_addends, sizeof f16_addends / sizeof *f16_addends);
}

static void only_count_elements_are_touched(void **state)
{
    (void)state;
    for (size_t count = 0; count < 40; count++) {
        uint16_t into[41], from[41];
        for (size_t i = 0; i < 41; i++)
            into[i] = from[i] = 0x3c00;
        mlb_sum_f16(into, from, count);
        for (size_t i = 0; i < 41; i++)
            check_u64(into[i], i < count ? 0x4000 : 0x3c00);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bf16_rounds_as_the_base_does),
        cmocka_unit_test(f16_rounds_as_the_base_does),
        cmocka_unit_test(only_count_elements_are_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
