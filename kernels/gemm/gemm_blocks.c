/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm/gemm_blocks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TILE_ROWS   128u
#define TILE_BLOCKS 4u
#define TILE_BYTES  512u
#define E4M3_MOST   8   /* exponent of the largest e4m3, 448 */
#define UE8M0_BIAS  127 /* 2^(code - 127) */
#define E2M1_MOST   6.0

/* By code; the eighth bit of value is the sign. */
static const double e2m1[] = {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0};

uint64_t mlb_gemm_block_length(int dtype)
{
    return dtype == MLB_GEMM_NVFP4 ? 16 : 32;
}

uint64_t mlb_gemm_block_bytes(int dtype, uint64_t rows, uint64_t k)
{
    return dtype == MLB_GEMM_NVFP4 ? rows * k / 2 : rows * k;
}

static uint64_t tiles(uint64_t extent, uint64_t tile)
{
    return (extent + tile - 1) / tile;
}

static uint64_t tiles_along_k(int dtype, uint64_t k)
{
    return tiles(k, TILE_BLOCKS * mlb_gemm_block_length(dtype));
}

uint64_t mlb_gemm_block_scale_bytes(int dtype, uint64_t rows, uint64_t k)
{
    return tiles(rows, TILE_ROWS) * tiles_along_k(dtype, k) * TILE_BYTES;
}

/* "1D Block Scaling Factors Layout" of the cuBLAS documentation: tiles one after the other along k,
 * and in a tile four rows that are 32 apart side by side. */
uint64_t mlb_gemm_block_scale_at(int dtype, uint64_t k, uint64_t row, uint64_t block)
{
    uint64_t tile = row / TILE_ROWS * tiles_along_k(dtype, k) + block / TILE_BLOCKS;
    uint64_t inner = row % TILE_ROWS;
    return tile * TILE_BYTES + inner % 32 * 16 + inner / 32 * 4 + block % TILE_BLOCKS;
}

/* ------------------------------------------------------------------------------------- rounding */

/* Nearest, ties to the even code, saturating. */
static uint8_t e2m1_code(double value)
{
    double size = fabs(value);
    uint8_t code = 0;
    for (uint8_t next = 1; next < 8; next++) {
        double middle = (e2m1[next - 1] + e2m1[next]) / 2.0;
        if (size > middle || (size == middle && next % 2 == 0))
            code = next;
    }
    return (uint8_t)(code | (signbit(value) ? 8 : 0));
}

static uint8_t e4m3_code(double value)
{
    uint8_t code;
    mlb_dtype_store(MLB_E4M3, &code, 0, value);
    return code;
}

static double scale_value(int dtype, uint8_t scale)
{
    return dtype == MLB_GEMM_NVFP4 ? mlb_dtype_load(MLB_E4M3, &scale, 0)
                                   : ldexp(1.0, scale - UE8M0_BIAS);
}

/* mxfp8: the largest power of two that leaves the block's largest element its leading bit (OCP MX
 * 6.3); nvfp4: the largest element becomes e2m1's. A block of zeros has the smallest scale. */
static uint8_t scale_code(int dtype, double largest)
{
    if (dtype == MLB_GEMM_NVFP4)
        return e4m3_code(largest / E2M1_MOST);
    int exponent = largest > 0.0 ? ilogb(largest) - E4M3_MOST : -UE8M0_BIAS;
    return (uint8_t)(fmax(-UE8M0_BIAS, fmin(UE8M0_BIAS, exponent)) + UE8M0_BIAS);
}

void mlb_gemm_block_round(int dtype, const double *values, uint8_t *scale, uint8_t *codes)
{
    uint64_t length = mlb_gemm_block_length(dtype);
    double largest = 0.0;
    for (uint64_t i = 0; i < length; i++)
        largest = fmax(largest, fabs(values[i]));
    *scale = scale_code(dtype, largest);
    double unit = scale_value(dtype, *scale);
    for (uint64_t i = 0; i < length; i++) {
        double scaled = unit > 0.0 ? values[i] / unit : 0.0;
        codes[i] = dtype == MLB_GEMM_NVFP4 ? e2m1_code(scaled) : e4m3_code(scaled);
    }
}

double mlb_gemm_block_value(int dtype, uint8_t scale, uint8_t code)
{
    double element = dtype == MLB_GEMM_NVFP4 ? (code & 8 ? -e2m1[code & 7] : e2m1[code & 7])
                                             : mlb_dtype_load(MLB_E4M3, &code, 0);
    return scale_value(dtype, scale) * element;
}

double mlb_gemm_block_load(int dtype, const unsigned char *elements, const unsigned char *scales,
                           uint64_t k, uint64_t row, uint64_t column)
{
    uint64_t at = row * k + column, block = column / mlb_gemm_block_length(dtype);
    uint8_t code = elements[dtype == MLB_GEMM_NVFP4 ? at / 2 : at];
    if (dtype == MLB_GEMM_NVFP4)
        code = at % 2 ? (uint8_t)(code >> 4) : (uint8_t)(code & 0xf);
    return mlb_gemm_block_value(dtype, scales[mlb_gemm_block_scale_at(dtype, k, row, block)], code);
}

/* -------------------------------------------------------------------------------------- filling */

static void make(int dtype, enum mlb_data data, uint64_t seed, uint64_t first, uint8_t *scale,
                 uint8_t *codes)
{
    double values[MLB_GEMM_BLOCK_MOST];
    for (uint64_t i = 0; i < mlb_gemm_block_length(dtype); i++)
        values[i] = mlb_data_value(data, MLB_F32, seed, first + i);
    mlb_gemm_block_round(dtype, values, scale, codes);
}

void mlb_gemm_block_made(int dtype, enum mlb_data data, uint64_t seed, uint64_t first, double *held)
{
    uint8_t scale, codes[MLB_GEMM_BLOCK_MOST];
    make(dtype, data, seed, first, &scale, codes);
    for (uint64_t i = 0; i < mlb_gemm_block_length(dtype); i++)
        held[i] = mlb_gemm_block_value(dtype, scale, codes[i]);
}

/* Rows of one row of tiles, and where they are made before they are copied to the device. */
struct slab {
    const struct mlb_ctx *ctx;
    int dtype;
    enum mlb_data data;
    uint64_t seed, k;
    uint64_t first, rows; /* first: a multiple of TILE_ROWS */
    unsigned char *elements, *scales;
};

static void make_row(const struct slab *slab, uint64_t row)
{
    uint64_t length = mlb_gemm_block_length(slab->dtype);
    unsigned char *to = slab->elements + mlb_gemm_block_bytes(slab->dtype, row, slab->k);
    for (uint64_t block = 0; block < slab->k / length; block++) {
        uint8_t codes[MLB_GEMM_BLOCK_MOST];
        uint64_t at = (slab->first + row) * slab->k + block * length;
        make(slab->dtype, slab->data, slab->seed, at,
             &slab->scales[mlb_gemm_block_scale_at(slab->dtype, slab->k, row, block)], codes);
        for (uint64_t i = 0; i < length; i++)
            if (slab->dtype == MLB_GEMM_MXFP8)
                *to++ = codes[i];
            else if (i % 2)
                *to++ = (unsigned char)(codes[i - 1] | codes[i] << 4);
    }
}

static void make_slab(const struct slab *slab)
{
    memset(slab->scales, 0, mlb_gemm_block_scale_bytes(slab->dtype, TILE_ROWS, slab->k));
#pragma omp parallel for num_threads(slab->ctx->threads) schedule(static)
    for (uint64_t row = 0; row < slab->rows; row++)
        make_row(slab, row);
}

/* Whole tiles of scales are copied: what lies behind the last row is zero. */
static enum mlb_status copy_slab(const struct slab *slab, unsigned char *to, size_t scales,
                                 struct mlb_error *err)
{
    struct mlb_device *device = slab->ctx->device;
    uint64_t tile_bytes = mlb_gemm_block_scale_bytes(slab->dtype, TILE_ROWS, slab->k);
    enum mlb_status status = mlb_copy(
        device, to + mlb_gemm_block_bytes(slab->dtype, slab->first, slab->k), slab->elements,
        mlb_gemm_block_bytes(slab->dtype, slab->rows, slab->k), MLB_TO_DEVICE, err);
    if (status == MLB_OK)
        status = mlb_copy(device, to + scales + slab->first / TILE_ROWS * tile_bytes, slab->scales,
                          tile_bytes, MLB_TO_DEVICE, err);
    return status;
}

enum mlb_status mlb_gemm_block_fill(const struct mlb_ctx *ctx, int dtype, enum mlb_data data,
                                    uint64_t seed, uint64_t rows, uint64_t k, unsigned char *to,
                                    size_t scales, size_t stride, size_t sets,
                                    struct mlb_error *err)
{
    struct slab slab = {.ctx = ctx, .dtype = dtype, .data = data, .seed = seed, .k = k};
    enum mlb_status status = MLB_OK;
    slab.elements = malloc(mlb_gemm_block_bytes(dtype, TILE_ROWS, k));
    slab.scales = malloc(mlb_gemm_block_scale_bytes(dtype, TILE_ROWS, k));
    if (!slab.elements || !slab.scales)
        status = mlb_fail(err, MLB_E_NOMEM, "gemm: %u rows in blocks: out of memory", TILE_ROWS);
    for (; slab.first < rows && status == MLB_OK; slab.first += TILE_ROWS) {
        slab.rows = rows - slab.first < TILE_ROWS ? rows - slab.first : TILE_ROWS;
        make_slab(&slab);
        for (size_t set = 0; set < sets && status == MLB_OK; set++)
            status = copy_slab(&slab, to + set * stride, scales, err);
    }
    free(slab.elements);
    free(slab.scales);
    return status;
}
