/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/dtype.h"
#include "tests/check.h"

/* The value of a 16-bit float by the definition of IEEE 754: the truth for the bit tricks. */
static double value_of(uint16_t bits, int exponent_bits)
{
    int mantissa_bits = 15 - exponent_bits;
    int bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
    int mantissa = bits & ((1 << mantissa_bits) - 1);
    double sign = bits >> 15 ? -1 : 1;
    if (exponent == (1 << exponent_bits) - 1)
        return mantissa ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(mantissa, 1 - bias - mantissa_bits);
    return sign * ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
}

/* The nearest of all 16-bit floats by arithmetic alone: scale so that one ulp is 1, and rint. */
static double round_by_arithmetic(double value, int exponent_bits)
{
    int mantissa_bits = 15 - exponent_bits;
    int bias = (1 << (exponent_bits - 1)) - 1;
    if (isnan(value) || isinf(value) || value == 0)
        return value;
    int exponent = ilogb(value);
    int ulp = (exponent < 1 - bias ? 1 - bias : exponent) - mantissa_bits;
    double rounded = ldexp(rint(ldexp(value, -ulp)), ulp);
    return fabs(rounded) >= ldexp(1, bias + 1) ? copysign(INFINITY, value) : rounded;
}

struct format {
    int exponent_bits;
    uint16_t (*from)(float);
    float (*to)(uint16_t);
    enum mlb_dtype dtype;
};

static const struct format formats[] = {
    {5, mlb_f16_from_f32, mlb_f16_to_f32, MLB_F16},
    {8, mlb_bf16_from_f32, mlb_bf16_to_f32, MLB_BF16},
};

static void every_pattern_has_its_value_and_comes_back(void **state)
{
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        for (uint32_t bits = 0; bits < 65536; bits++) {
            double expected = value_of((uint16_t)bits, formats[f].exponent_bits);
            float value = formats[f].to((uint16_t)bits);
            uint16_t again = formats[f].from(value);
            check_close((double)value, expected, 0);
            check_true((signbit(value) != 0) == (bits >> 15 != 0));
            if (isnan(value))
                check_true(isnan(formats[f].to(again)) && again >> 15 == bits >> 15);
            else
                check_u64(again, bits);
        }
    }
}

/* Between each two neighbours: just below the middle, the middle (a tie), just above. */
static void every_middle_is_rounded_to_even(void **state)
{
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        uint32_t infinity = ((1u << formats[f].exponent_bits) - 1)
                            << (15 - formats[f].exponent_bits);
        for (uint32_t bits = 0; bits < infinity - 1; bits++) {
            double low = (double)formats[f].to((uint16_t)bits);
            float middle = (float)((low + (double)formats[f].to((uint16_t)(bits + 1))) / 2);
            check_u64(formats[f].from(middle), bits + (bits & 1));
            check_u64(formats[f].from(nextafterf(middle, 0)), bits);
            check_u64(formats[f].from(nextafterf(middle, INFINITY)), bits + 1);
            check_u64(formats[f].from(-middle), 0x8000u | (bits + (bits & 1)));
        }
    }
}

static void floats_of_all_sizes_round_as_arithmetic_says(void **state)
{
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        for (uint64_t i = 0; i <= UINT32_MAX;
             i += 4099) { /* a prime: all exponents, many mantissas */
            uint32_t bits = (uint32_t)i;
            float value;
            memcpy(&value, &bits, sizeof value);
            double got = (double)formats[f].to(formats[f].from(value));
            check_close(got, round_by_arithmetic((double)value, formats[f].exponent_bits), 0);
        }
    }
}

static void edges_of_f16(void **state)
{
    (void)state;
    static const struct {
        float value;
        uint16_t bits;
    } rows[] = {
        {0.0f, 0x0000},         {-0.0f, 0x8000},      {1.0f, 0x3c00},     {-2.0f, 0xc000},
        {65504.0f, 0x7bff},     {65519.99f, 0x7bff},  {65520.0f, 0x7c00}, {65536.0f, 0x7c00},
        {1e30f, 0x7c00},        {-INFINITY, 0xfc00},  {0x1p-14f, 0x0400}, {0x1p-24f, 0x0001},
        {0x1p-25f, 0x0000},     {0x1.000002p-25f, 1}, {0x1.8p-24f, 2},    {0x1p-149f, 0},
        {0x1.ffcp-15f, 0x0400}, /* above the largest subnormal, up to the smallest normal */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_u64(mlb_f16_from_f32(rows[i].value), rows[i].bits);
}

static void edges_of_bf16(void **state)
{
    (void)state;
    float quiet, only_low_bits;
    memcpy(&quiet, &(uint32_t){0x7fc00000}, 4);
    memcpy(&only_low_bits, &(uint32_t){0xff800001}, 4); /* cut to 16 bits it would be -inf */
    check_u64(mlb_bf16_from_f32(quiet), 0x7fc0);
    check_u64(mlb_bf16_from_f32(only_low_bits), 0xffc0);
    check_u64(mlb_bf16_from_f32(INFINITY), 0x7f80);
    check_u64(mlb_bf16_from_f32(0x1.fffffep127f), 0x7f80); /* the largest float */
    check_u64(mlb_bf16_from_f32(0x1p-149f), 0);
    check_u64(mlb_bf16_from_f32(0x1.8p-134f), 1);
}

/* A double just above a tie, which as a float is that tie: rounding twice would go down to even. */
static void doubles_are_rounded_once(void **state)
{
    (void)state;
    uint16_t bits;
    double above = 1 + 0x1p-9 + 0x1p-40, below = 1 + 3 * 0x1p-9 - 0x1p-40;
    mlb_dtype_store(MLB_BF16, &bits, 0, 1 + 0x1p-8 + 0x1p-40);
    check_close(mlb_dtype_load(MLB_BF16, &bits, 0), 1 + 0x1p-7, 0);
    mlb_dtype_store(MLB_BF16, &bits, 0, 1 + 3 * 0x1p-8 - 0x1p-40);
    check_close(mlb_dtype_load(MLB_BF16, &bits, 0), 1 + 0x1p-7, 0);
    mlb_dtype_store(MLB_F16, &bits, 0, 1 + (above - 1) / 4);
    check_close(mlb_dtype_load(MLB_F16, &bits, 0), 1 + 0x1p-10, 0);
    mlb_dtype_store(MLB_F16, &bits, 0, -1 - (below - 1) / 4);
    check_close(mlb_dtype_load(MLB_F16, &bits, 0), -1 - 0x1p-10, 0);
    mlb_dtype_store(MLB_F16, &bits, 0, 1e300);
    check_close(mlb_dtype_load(MLB_F16, &bits, 0), INFINITY, 0);
    mlb_dtype_store(MLB_F16, &bits, 0, 0x1p-25 + 0x1p-70);
    check_close(mlb_dtype_load(MLB_F16, &bits, 0), 0x1p-24, 0);
    mlb_dtype_store(MLB_BF16, &bits, 0, 0x1p-1000);
    check_close(mlb_dtype_load(MLB_BF16, &bits, 0), 0, 0);
    mlb_dtype_store(MLB_BF16, &bits, 0, NAN);
    check_true(isnan(mlb_dtype_load(MLB_BF16, &bits, 0)));
}

static void elements_are_stored_and_loaded(void **state)
{
    (void)state;
    static const struct {
        enum mlb_dtype dtype;
        double stored, loaded;
    } rows[] = {
        {MLB_F64, 0.1, 0.1},
        {MLB_F32, 0.1, (double)0.1f},
        {MLB_TF32, 0.1, (double)0.1f},
        {MLB_BF16, 0.1, 0.10009765625},
        {MLB_F16, 0.1, 0.0999755859375},
        {MLB_S32, -7.5, -8},
        {MLB_S32, 1e10, INT32_MAX},
        {MLB_S32, -INFINITY, INT32_MIN},
        {MLB_S32, NAN, 0},
        {MLB_S8, 2.5, 2},
        {MLB_S8, 3.5, 4},
        {MLB_S8, 300, 127},
        {MLB_S8, -300, -128},
        {MLB_S8, NAN, 0},
        {MLB_E4M3, 0.1, 0.1015625},
        {MLB_E4M3, 1e6, 448},
        {MLB_E4M3, -463, -448},
        {MLB_E4M3, 0x1p-10, 0}, /* half of the smallest: a tie, down to even */
        {MLB_E4M3, 0x1.8p-9, 0x1p-8},
        {MLB_E5M2, 0.1, 0.09375},
        {MLB_E5M2, INFINITY, 57344},
        {MLB_E5M2, -0x1.8p-16, -0x1p-15},
        {MLB_E5M2, 0x1.fp-15, 0x1p-14}, /* up to the smallest normal */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t array[4] = {0}; /* element 1 in the middle, zeros around it */
        mlb_dtype_store(rows[i].dtype, array, 1, rows[i].stored);
        check_close(mlb_dtype_load(rows[i].dtype, array, 1), rows[i].loaded, 0);
        check_close(mlb_dtype_load(rows[i].dtype, array, 0), 0, 0);
        check_close(mlb_dtype_load(rows[i].dtype, array, 2), 0, 0);
    }
}

/* OCP 8-bit floating point, table 1: the limits of both formats. */
static void every_8_bit_pattern_has_its_value_and_comes_back(void **state)
{
    (void)state;
    static const struct {
        enum mlb_dtype dtype;
        uint8_t bits;
        double value;
    } known[] = {
        {MLB_E4M3, 0x7e, 448},       {MLB_E4M3, 0x08, 0x1p-6},    {MLB_E4M3, 0x07, 0x1.cp-7},
        {MLB_E4M3, 0x01, 0x1p-9},    {MLB_E4M3, 0xb8, -1},        {MLB_E5M2, 0x7b, 57344},
        {MLB_E5M2, 0x04, 0x1p-14},   {MLB_E5M2, 0x03, 0x1.8p-15}, {MLB_E5M2, 0x01, 0x1p-16},
        {MLB_E5M2, 0xfc, -INFINITY},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        check_close(mlb_dtype_load(known[i].dtype, &known[i].bits, 0), known[i].value, 0);
    static const enum mlb_dtype types[] = {MLB_E4M3, MLB_E5M2};
    for (size_t t = 0; t < 2; t++) {
        int nans = 0;
        double before = -1.0;
        for (unsigned bits = 0; bits < 256; bits++) {
            uint8_t pattern = (uint8_t)bits, again;
            double value = mlb_dtype_load(types[t], &pattern, 0);
            mlb_dtype_store(types[t], &again, 0, value);
            nans += isnan(value);
            if (isnan(value))
                check_true(isnan(mlb_dtype_load(types[t], &again, 0)));
            else if (!isinf(value))
                check_u64(again, bits);
            if (bits < 128 && !isnan(value))
                check_true(value > before); /* patterns are in the order of their values */
            before = bits < 128 && !isnan(value) ? value : before;
        }
        check_u64((uint64_t)nans, types[t] == MLB_E4M3 ? 2 : 6);
    }
}

static void every_middle_of_8_bits_is_rounded_to_even(void **state)
{
    (void)state;
    static const enum mlb_dtype types[] = {MLB_E4M3, MLB_E5M2};
    static const uint8_t largest[] = {0x7e, 0x7b};
    for (size_t t = 0; t < 2; t++) {
        for (uint8_t bits = 0; bits < largest[t]; bits++) {
            uint8_t pair[2] = {bits, (uint8_t)(bits + 1)}, to[3];
            double middle =
                (mlb_dtype_load(types[t], pair, 0) + mlb_dtype_load(types[t], pair, 1)) / 2;
            mlb_dtype_store(types[t], to, 0, middle);
            mlb_dtype_store(types[t], to, 1, nextafter(middle, 0));
            mlb_dtype_store(types[t], to, 2, -nextafter(middle, INFINITY));
            check_u64(to[0], bits + (bits & 1u));
            check_u64(to[1], bits);
            check_u64(to[2], 0x80u | (bits + 1u));
        }
    }
}

static void names_lead_to_types_and_back(void **state)
{
    (void)state;
    static const char *const names[] = {"f64", "f32", "tf32", "bf16", "f16",
                                        "s32", "s8",  "e4m3", "e5m2"};
    static const size_t bytes[] = {8, 4, 4, 2, 2, 4, 1, 1, 1};
    check_u64(MLB_DTYPE_COUNT, sizeof names / sizeof *names);
    for (size_t i = 0; i < MLB_DTYPE_COUNT; i++) {
        enum mlb_dtype dtype;
        check_true(mlb_dtype_parse(names[i], &dtype) && (size_t)dtype == i);
        check_text(mlb_dtype_name(dtype), names[i]);
        check_text(mlb_dtype_names[i], names[i]);
        check_u64(mlb_dtype_bytes(dtype), bytes[i]);
    }
    enum mlb_dtype dtype = MLB_S8;
    check_true(!mlb_dtype_names[MLB_DTYPE_COUNT]);
    check_true(!mlb_dtype_parse("fp32", &dtype) && dtype == MLB_S8);
    check_text(mlb_dtype_name(MLB_DTYPE_COUNT), "?");
}

/* The roundoff is reached, to within 1 %, and never passed. */
static void the_roundoff_is_the_largest_error(void **state)
{
    (void)state;
    static const enum mlb_dtype types[] = {MLB_BF16, MLB_F16, MLB_F32, MLB_E4M3, MLB_E5M2};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        double unit = mlb_dtype_roundoff(types[t]), largest = 0;
        for (int i = -500; i <= 500; i++) {
            double value = 1 + unit * (1 + i * 0.001), array[1];
            mlb_dtype_store(types[t], array, 0, value);
            double error = fabs(mlb_dtype_load(types[t], array, 0) - value) / value;
            largest = error > largest ? error : largest;
        }
        check_true(largest <= unit && largest >= 0.99 * unit / (1 + unit));
    }
    check_close(mlb_dtype_roundoff(MLB_TF32), 0x1p-11, 0);
    check_close(mlb_dtype_roundoff(MLB_F64), 0x1p-53, 0);
    check_close(mlb_dtype_roundoff(MLB_S8), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_has_its_value_and_comes_back),
        cmocka_unit_test(every_middle_is_rounded_to_even),
        cmocka_unit_test(floats_of_all_sizes_round_as_arithmetic_says),
        cmocka_unit_test(edges_of_f16),
        cmocka_unit_test(edges_of_bf16),
        cmocka_unit_test(doubles_are_rounded_once),
        cmocka_unit_test(elements_are_stored_and_loaded),
        cmocka_unit_test(every_8_bit_pattern_has_its_value_and_comes_back),
        cmocka_unit_test(every_middle_of_8_bits_is_rounded_to_even),
        cmocka_unit_test(names_lead_to_types_and_back),
        cmocka_unit_test(the_roundoff_is_the_largest_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
