/* SPDX-License-Identifier: Apache-2.0 */
/* Element types: names, sizes, and conversions that are exact to the bit on CPU and GPU. */
#ifndef MLB_BASE_DTYPE_H
#define MLB_BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, bytes, text). TF32 is F32 in memory, multiplied with 10 mantissa bits. E4M3 and E5M2 are
 * the 8-bit floats of "FP8 Formats for Deep Learning" (arXiv:2209.05433): E4M3 has no infinity. */
#define MLB_DTYPE_LIST(X)                                                                          \
    X(F64, 8, "f64")                                                                               \
    X(F32, 4, "f32")                                                                               \
    X(TF32, 4, "tf32")                                                                             \
    X(BF16, 2, "bf16")                                                                             \
    X(F16, 2, "f16")                                                                               \
    X(S32, 4, "s32")                                                                               \
    X(S8, 1, "s8")                                                                                 \
    X(E4M3, 1, "e4m3")                                                                             \
    X(E5M2, 1, "e5m2")

enum mlb_dtype {
#define MLB_DTYPE_ENUM(name, bytes, text) MLB_##name,
    MLB_DTYPE_LIST(MLB_DTYPE_ENUM)
#undef MLB_DTYPE_ENUM
        MLB_DTYPE_COUNT
};

const char *mlb_dtype_name(enum mlb_dtype dtype);
size_t mlb_dtype_bytes(enum mlb_dtype dtype);
bool mlb_dtype_parse(const char *name, enum mlb_dtype *dtype);
/* In enum order, NULL-terminated: an option's choices. */
extern const char *const mlb_dtype_names[];

/* Unit roundoff: bound on the relative error of one rounding to nearest, 2^-p for p significant
 * bits (2^-24 for f32, 2^-8 for bf16, 2^-11 for f16 and for tf32 operands, 2^-53 for f64, 2^-4 for
 * e4m3, 2^-3 for e5m2); 0 for integers. */
double mlb_dtype_roundoff(enum mlb_dtype dtype);

uint16_t mlb_bf16_from_f32(float value); /* round to nearest, ties to even; NaN stays NaN */
float mlb_bf16_to_f32(uint16_t bits);
uint16_t mlb_f16_from_f32(float value); /* the same, subnormals and overflow to infinity included */
float mlb_f16_to_f32(uint16_t bits);

/* Element `index` of an array of `dtype` as a double, and the other way round: rounded once, to
 * nearest with ties to even; whole numbers saturate and NaN becomes 0 there. 8-bit floats saturate
 * at their largest finite value, as CUDA's conversions do, and NaN stays NaN. */
double mlb_dtype_load(enum mlb_dtype dtype, const void *array, size_t index);
void mlb_dtype_store(enum mlb_dtype dtype, void *array, size_t index, double value);

#endif
