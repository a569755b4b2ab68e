/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/verify.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/rng.h"

/* Not a number has no sign that means anything. */
static double shown(double value)
{
    return isnan(value) ? fabs(value) : value;
}

static void describe_wrong(struct mlb_verification *verification, double is, double should,
                           double tolerance, const char *where, va_list args)
{
    char place[72];
    vsnprintf(place, sizeof place, where, args);
    snprintf(verification->first_wrong, sizeof verification->first_wrong,
             "%s: is %.9g, should be %.9g, tolerance %.3g", place, shown(is), shown(should),
             shown(tolerance));
}

void mlb_verify_element(struct mlb_verification *verification, double is, double should,
                        double tolerance, const char *where, ...)
{
    double error = fabs(is - should);
    bool same_special = (isnan(is) && isnan(should)) || is == should;
    bool right = same_special || error <= tolerance; /* false for NaN: a comparison with it is */
    verification->checked++;
    if (!right) {
        if (verification->wrong++ == 0) {
            va_list args;
            va_start(args, where);
            describe_wrong(verification, is, should, tolerance, where, args);
            va_end(args);
        }
    }
    double ratio = same_special ? 0.0 : error / tolerance;
    if (isnan(ratio))
        ratio = INFINITY;
    if (verification->checked == 1 || ratio > verification->worst_ratio) {
        verification->worst_ratio = ratio;
        verification->worst_error = same_special ? 0.0 : error;
        verification->worst_tolerance = tolerance;
    }
}

bool mlb_verification_passed(const struct mlb_verification *verification)
{
    return (verification->checked > 0 || verification->idle) && verification->wrong == 0;
}

size_t mlb_verify_bands(uint64_t extent, uint64_t band, uint64_t seed, uint64_t *indices)
{
    size_t count = 0;
    for (uint64_t first = 0; first < extent; first += band) {
        uint64_t length = extent - first < band ? extent - first : band;
        uint64_t place = (mlb_rng_bits(seed, count) >> 33) % length;
        indices[count++] = first + place;
    }
    return count;
}
