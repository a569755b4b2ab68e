/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/dtype.h"

#include <math.h>
#include <string.h>

const char *const mlb_dtype_names[] = {
#define DTYPE_NAME(name, bytes, text) text,
    MLB_DTYPE_LIST(DTYPE_NAME)
#undef DTYPE_NAME
        NULL};

static const size_t sizes[] = {
#define DTYPE_SIZE(name, bytes, text) bytes,
    MLB_DTYPE_LIST(DTYPE_SIZE)
#undef DTYPE_SIZE
};

const char *mlb_dtype_name(enum mlb_dtype dtype)
{
    return (size_t)dtype < MLB_DTYPE_COUNT ? mlb_dtype_names[dtype] : "?";
}

size_t mlb_dtype_bytes(enum mlb_dtype dtype)
{
    return (size_t)dtype < MLB_DTYPE_COUNT ? sizes[dtype] : 0;
}

bool mlb_dtype_parse(const char *name, enum mlb_dtype *dtype)
{
    for (size_t i = 0; i < MLB_DTYPE_COUNT; i++) {
        if (strcmp(name, mlb_dtype_names[i]) == 0) {
            *dtype = (enum mlb_dtype)i;
            return true;
        }
    }
    return false;
}

double mlb_dtype_roundoff(enum mlb_dtype dtype)
{
    switch (dtype) {
    case MLB_F64:
        return 0x1p-53;
    case MLB_F32:
        return 0x1p-24;
    case MLB_TF32:
    case MLB_F16:
        return 0x1p-11;
    case MLB_BF16:
        return 0x1p-8;
    case MLB_E4M3:
        return 0x1p-4;
    case MLB_E5M2:
        return 0x1p-3;
    case MLB_S32:
    case MLB_S8:
    case MLB_DTYPE_COUNT:
        break;
    }
    return 0;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* bits >> shift, rounded to nearest with ties to even; 1 <= shift <= 31. */
static uint32_t shift_to_nearest(uint32_t bits, unsigned shift)
{
    uint32_t odd = (bits >> shift) & 1u;
    return (bits + (1u << (shift - 1)) - 1u + odd) >> shift;
}

uint16_t mlb_bf16_from_f32(float value)
{
    uint32_t bits = bits_of(value);
    if (isnan(value))
        return (uint16_t)((bits >> 16) | 0x0040u); /* quiet: the payload may lie in the lost half */
    return (uint16_t)shift_to_nearest(bits, 16);   /* a carry runs into the exponent, up to inf */
}

float mlb_bf16_to_f32(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

uint16_t mlb_f16_from_f32(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t size = bits & 0x7fffffffu;
    if (size > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | ((size >> 13) & 0x03ffu));
    if (size >= 0x47800000u) /* 65536 and more; [65520, 65536) gets there by its carry below */
        return (uint16_t)(sign | 0x7c00u);
    if (size >= 0x38800000u) /* 2^-14, the smallest normal: the exponent's bias goes 127 -> 15 */
        return (uint16_t)(sign | shift_to_nearest(size - 0x38000000u, 13));
    uint32_t exponent = size >> 23;
    if (exponent < 102) /* below 2^-25, half of the smallest subnormal */
        return (uint16_t)sign;
    uint32_t mantissa = (size & 0x007fffffu) | 0x00800000u;
    return (uint16_t)(sign | shift_to_nearest(mantissa, 126 - exponent));
}

float mlb_f16_to_f32(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000u) << 16;
    uint32_t size = bits & 0x7fffu;
    if (size >= 0x7c00u)
        return float_of(sign | 0x7f800000u | ((size & 0x03ffu) << 13));
    if (size >= 0x0400u)
        return float_of(sign | ((size << 13) + 0x38000000u));
    float subnormal = (float)size * 0x1p-24f; /* exact: ten bits times a power of two */
    return float_of(sign | bits_of(subnormal));
}

/* ---------------------------------------------------------------------------------- 8-bit floats
 */

struct small_float {
    int mantissa_bits, bias;
    double largest;
    uint8_t nan;
};
static const struct small_float e4m3 = {3, 7, 448, 0x7f};
static const struct small_float e5m2 = {2, 15, 57344, 0x7f};

static uint8_t small_from_f64(const struct small_float *format, double value)
{
    uint8_t sign = signbit(value) ? 0x80 : 0;
    if (isnan(value))
        return sign | format->nan;
    double size = fmin(fabs(value), format->largest);
    int exponent = size > 0.0 ? ilogb(size) : 0;
    if (exponent < 1 - format->bias || size == 0.0)
        exponent = 1 - format->bias;
    /* In units of the last place: the leading bit, where there is one, counts the exponent up. */
    int units = (int)rint(ldexp(size, format->mantissa_bits - exponent));
    int below = (exponent + format->bias - 1) << format->mantissa_bits;
    return (uint8_t)(sign | (below + units));
}

static double small_to_f64(const struct small_float *format, uint8_t bits)
{
    double sign = bits & 0x80 ? -1.0 : 1.0;
    int size = bits & 0x7f, one = 1 << format->mantissa_bits;
    int exponent = size >> format->mantissa_bits, mantissa = size & (one - 1);
    if (size == 0x7f || (format == &e5m2 && size > 0x7c))
        return NAN;
    if (format == &e5m2 && size == 0x7c)
        return sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(mantissa, 1 - format->bias - format->mantissa_bits);
    return sign * ldexp(one + mantissa, exponent - format->bias - format->mantissa_bits);
}

/* Rounding twice, f64 to f32 to 16 bits, goes wrong at ties. Rounding the first time to odd (Boldo
 * and Melquiond, 2008) leaves enough for the second to be as good as one. */
static float f32_to_odd(double value)
{
    float nearest = (float)value;
    if (isnan(value) || (double)nearest == value)
        return nearest;
    uint32_t bits = bits_of(nearest);
    if (fabs((double)nearest) > fabs(value))
        bits--;
    return float_of(bits | 1u);
}

/* Nearest whole number, saturating; NaN becomes 0. */
static int32_t whole(double value, double lowest, double highest)
{
    if (isnan(value))
        return 0;
    return (int32_t)rint(fmax(lowest, fmin(highest, value)));
}

double mlb_dtype_load(enum mlb_dtype dtype, const void *array, size_t index)
{
    switch (dtype) {
    case MLB_F64:
        return ((const double *)array)[index];
    case MLB_F32:
    case MLB_TF32:
        return (double)((const float *)array)[index];
    case MLB_BF16:
        return (double)mlb_bf16_to_f32(((const uint16_t *)array)[index]);
    case MLB_F16:
        return (double)mlb_f16_to_f32(((const uint16_t *)array)[index]);
    case MLB_S32:
        return (double)((const int32_t *)array)[index];
    case MLB_S8:
        return (double)((const int8_t *)array)[index];
    case MLB_E4M3:
        return small_to_f64(&e4m3, ((const uint8_t *)array)[index]);
    case MLB_E5M2:
        return small_to_f64(&e5m2, ((const uint8_t *)array)[index]);
    case MLB_DTYPE_COUNT:
        break;
    }
    return NAN;
}

void mlb_dtype_store(enum mlb_dtype dtype, void *array, size_t index, double value)
{
    switch (dtype) {
    case MLB_F64:
        ((double *)array)[index] = value;
        break;
    case MLB_F32:
    case MLB_TF32:
        ((float *)array)[index] = (float)value;
        break;
    case MLB_BF16:
        ((uint16_t *)array)[index] = mlb_bf16_from_f32(f32_to_odd(value));
        break;
    case MLB_F16:
        ((uint16_t *)array)[index] = mlb_f16_from_f32(f32_to_odd(value));
        break;
    case MLB_S32:
        ((int32_t *)array)[index] = whole(value, INT32_MIN, INT32_MAX);
        break;
    case MLB_S8:
        ((int8_t *)array)[index] = (int8_t)whole(value, INT8_MIN, INT8_MAX);
        break;
    case MLB_E4M3:
        ((uint8_t *)array)[index] = small_from_f64(&e4m3, value);
        break;
    case MLB_E5M2:
        ((uint8_t *)array)[index] = small_from_f64(&e5m2, value);
        break;
    case MLB_DTYPE_COUNT:
        break;
    }
}
