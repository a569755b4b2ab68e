/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/rng.h"
#include "tests/check.h"

/* Made by another program (arbitrary-precision integers), so a slip in the C shows. The first two
 * are the published outputs of SplitMix64 with seed 0. */
static void values_are_golden(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, index, bits;
        int32_t normal_65536, uniform_16777216, of_hundred;
    } rows[] = {
        {0, 0, 0xe220a8397b1dcdaf, 4334, 12861776, 77},
        {0, 1, 0x6e789e6aa1b965f4, 6806, -2297540, -14},
        {1, 0, 0xf4a90164c4749e1a, 59994, 15290882, 92},
        {42, 7, 0x2c2f7db2e54bae6a, -44622, -10985733, -66},
        {42, 1099511627781, 0x0b79ca503fc4d30b, 41245, -15273068, -91},
        {UINT64_MAX, UINT64_MAX, 0x316c0d67bde611a0, -85564, -10299366, -62},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t seed = rows[i].seed, index = rows[i].index;
        check_u64(mlb_rng_bits(seed, index), rows[i].bits);
        check_close((double)mlb_rng_normal(seed, index), rows[i].normal_65536 / 65536.0, 0);
        check_close((double)mlb_rng_uniform(seed, index), rows[i].uniform_16777216 / 16777216.0, 0);
        check_i64(mlb_rng_int(seed, index, 100), rows[i].of_hundred);
    }
}

struct moments {
    double mean, variance, skew, kurtosis;
};

enum { SAMPLES = 1 << 20 };

static struct moments moments_of(float (*draw)(uint64_t, uint64_t), uint64_t seed)
{
    double sum[5] = {0};
    for (uint64_t i = 0; i < SAMPLES; i++) {
        double x = (double)draw(seed, i), power = 1;
        for (int k = 1; k <= 4; k++)
            sum[k] += power *= x;
    }
    double mean = sum[1] / SAMPLES, square = sum[2] / SAMPLES;
    double cube = sum[3] / SAMPLES, fourth = sum[4] / SAMPLES;
    double variance = square - mean * mean;
    double third = cube - 3 * mean * square + 2 * mean * mean * mean;
    double centered = fourth - 4 * mean * cube + 6 * mean * mean * square - 3 * pow(mean, 4);
    return (struct moments){mean, variance, third / pow(variance, 1.5),
                            centered / (variance * variance)};
}

/* Of a million samples the mean has a standard error of 0.001, the variance of 0.0014, skew and
 * kurtosis of 0.0024 and 0.005: five of them are allowed. Twelve uniforms have a kurtosis of 2.9.
 */
static void normals_have_the_moments_of_normals(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct moments m = moments_of(mlb_rng_normal, seed);
        check_true(fabs(m.mean) < 0.005);
        check_true(fabs(m.variance - 1) < 0.007);
        check_true(fabs(m.skew) < 0.012);
        check_true(fabs(m.kurtosis - 2.9) < 0.025);
    }
}

/* Largest distance of the distribution function from the normal one, at many places. */
static void normals_follow_the_bell(void **state)
{
    (void)state;
    static unsigned below[81];
    memset(below, 0, sizeof below);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        double x = (double)mlb_rng_normal(7, i);
        for (int bin = (int)ceil((x + 4) * 10) < 0 ? 0 : (int)ceil((x + 4) * 10); bin <= 80; bin++)
            below[bin]++;
    }
    for (int bin = 0; bin <= 80; bin++) {
        double expected = 0.5 * erfc(-(bin / 10.0 - 4) / sqrt(2));
        check_true(fabs((double)below[bin] / SAMPLES - expected) < 0.003 + 0.0025);
    }
}

static void uniforms_have_the_moments_of_uniforms(void **state)
{
    (void)state;
    struct moments m = moments_of(mlb_rng_uniform, 3);
    check_true(fabs(m.mean) < 0.003);
    check_close(m.variance, 1.0 / 3, 0.005);
    check_close(m.kurtosis, 1.8, 0.01);
    float lowest = 1, highest = -1;
    for (uint64_t i = 0; i < SAMPLES; i++) {
        float x = mlb_rng_uniform(3, i);
        lowest = x < lowest ? x : lowest;
        highest = x > highest ? x : highest;
    }
    check_true(lowest >= -1 && lowest < -0.9999f && highest < 1 && highest > 0.9999f);
}

static void neighbours_and_seeds_are_not_correlated(void **state)
{
    (void)state;
    double next = 0, other = 0;
    for (uint64_t i = 0; i < SAMPLES; i++) {
        double x = (double)mlb_rng_normal(1, i);
        next += x * (double)mlb_rng_normal(1, i + 1);
        other += x * (double)mlb_rng_normal(2, i);
    }
    check_true(fabs(next / SAMPLES) < 0.005);
    check_true(fabs(other / SAMPLES) < 0.005);
}

static void integers_keep_their_bound_and_use_it(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        check_i64(mlb_rng_int(5, i, 0), 0);
    unsigned seen[7] = {0};
    for (uint64_t i = 0; i < 70000; i++) {
        int32_t x = mlb_rng_int(5, i, 3);
        check_true(x >= -3 && x <= 3);
        seen[x + 3]++;
    }
    for (int i = 0; i < 7; i++)
        check_close(seen[i], 10000, 0.05);
    const int32_t bound = 1 << 30;
    int32_t lowest = 0, highest = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        int32_t x = mlb_rng_int(5, i, bound);
        check_true(x >= -bound && x <= bound);
        lowest = x < lowest ? x : lowest;
        highest = x > highest ? x : highest;
    }
    check_true(lowest < -bound / 1000 * 999 && highest > bound / 1000 * 999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_golden),
        cmocka_unit_test(normals_have_the_moments_of_normals),
        cmocka_unit_test(normals_follow_the_bell),
        cmocka_unit_test(uniforms_have_the_moments_of_uniforms),
        cmocka_unit_test(neighbours_and_seeds_are_not_correlated),
        cmocka_unit_test(integers_keep_their_bound_and_use_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
