/* SPDX-License-Identifier: Apache-2.0 */
/* Element types and layouts of shared memory that tensor cores and TMA read. No instruction in
 * here: the same text is compiled for the GPU and for the emulator of the tests.
 *
 * Sources: PTX ISA 8.7, "Asynchronous Warpgroup Level Matrix Shared Memory Layout" and "Matrix
 * Descriptor Format". */
#ifndef MLB_KERNELS_TENSORCORE_LAYOUT_CUH
#define MLB_KERNELS_TENSORCORE_LAYOUT_CUH

#include <stdint.h>

namespace ptx
{

/* Elements as they lie in memory; they name the type of an instruction. */
struct bf16 {
    uint16_t bits;
};
struct f16 {
    uint16_t bits;
};

/* Which index of an operand of wgmma is contiguous in shared memory: k, or m of A and n of B. */
enum major { K_MAJOR = 0, MN_MAJOR = 1 };

/* Where the byte at `address` lies under the 128-byte swizzle: the 16-byte chunk within a row of
 * 128 bytes (bits 4-6) is XORed with the row within a group of eight (bits 7-9). TMA and wgmma
 * apply it to addresses, so tiles must begin at multiples of 1024 bytes to begin with row 0. */
__device__ constexpr uint32_t swizzle_128b(uint32_t address)
{
    return address ^ ((address >> 3) & 0x70u);
}

/* Descriptor bits: 0-13 address / 16, 16-29 leading offset / 16, 32-45 stride offset / 16, 62-63
 * swizzle (1 = 128 bytes). */
__device__ constexpr uint64_t wgmma_descriptor(uint32_t address, uint32_t leading, uint32_t stride)
{
    return (uint64_t)((address & 0x3ffffu) >> 4) | (uint64_t)(leading >> 4) << 16 |
           (uint64_t)(stride >> 4) << 32 | (uint64_t)1 << 62;
}

/* Operand stored [rows][64] of 16-bit elements, 128 bytes a row, k contiguous: rows are M of A, N
 * of B. The next 16 of k begin 32 bytes further. */
__device__ constexpr uint64_t k_major(uint32_t address)
{
    return wgmma_descriptor(address, 16, 1024);
}

/* Operand stored [blocks][k][64], 128 bytes a row, M of A or N of B contiguous in blocks of 64;
 * `block_bytes` from one block to the next. The next 16 of k begin 2048 bytes further. */
__device__ constexpr uint64_t mn_major(uint32_t address, uint32_t block_bytes)
{
    return wgmma_descriptor(address, block_bytes, 1024);
}

} // namespace ptx

#endif
