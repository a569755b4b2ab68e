/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of kernels/tensorcore/{ptx,bulk,hopper,wgmma}.cuh in plain C++. */
#ifndef MLB_TESTS_EMULATE_EMULATE_HPP
#define MLB_TESTS_EMULATE_EMULATE_HPP

#include <type_traits>

#include "tests/emulate/cuda.hpp"

#include "kernels/tensorcore/layout.cuh"

extern "C" {
#include "kernels/tensorcore/tensor_map.h"
}

#define MLB_BULK   1
#define MLB_HOPPER 1

/* The driver's opaque struct; made by emulate::tensor_map. */
struct CUtensorMap {
    struct mlb_tensor tensor;
};

namespace emulate
{

/* What mlb_tensor_map does on a GPU, with the driver's checks; throws what it refuses. */
CUtensorMap tensor_map(const struct mlb_tensor &tensor);

float value_of(ptx::bf16 element);
float value_of(ptx::f16 element);
void round_to(ptx::bf16 *element, float value);
void round_to(ptx::f16 *element, float value);

template <typename T> float value_of_bits(uint16_t bits)
{
    return value_of(T{bits});
}
using Decode = float (*)(uint16_t);

void ldmatrix(uint32_t *registers, unsigned matrices, bool transposed, uint32_t address);
void mma(float *c, const uint32_t *a, uint32_t b0, uint32_t b1, Decode decode);

void copy_async(uint32_t to, const void *from, uint32_t bytes);
void copy_async_commit();
void copy_async_wait(unsigned groups);

void mbarrier_init(uint32_t barrier, uint32_t count);
void mbarrier_arrive(unsigned rank, uint32_t barrier, uint32_t expected_bytes);
void mbarrier_wait(uint32_t barrier, uint32_t parity);

struct Box {
    int at[MLB_TENSOR_RANK];
    unsigned rank;
};
enum class StoreKind { SET, ADD };
void tma_load(uint32_t to, const CUtensorMap *map, uint32_t barrier, const Box &box,
              unsigned ranks);
void tma_store(const CUtensorMap *map, uint32_t from, const Box &box, StoreKind kind);
void bulk_load(uint32_t to, const void *from, uint32_t bytes, uint32_t barrier);
void bulk_store(void *to, uint32_t from, uint32_t bytes);
void bulk_commit();
void bulk_wait(unsigned groups);

/* One wgmma of a warpgroup; `a_registers` is NULL when a is in shared memory. */
struct Product {
    float *d;
    unsigned count; /* registers of d: N / 2 */
    const uint32_t *a_registers;
    uint64_t a, b; /* descriptors */
    bool a_mn, b_mn, add;
    Decode decode;
};
void wgmma(const Product &product);
void wgmma_fence();
void wgmma_commit();
void wgmma_wait(unsigned groups);
bool products_left(); /* of this thread's warpgroup, not waited for */
void forget_products();

} // namespace emulate

namespace ptx
{

template <typename A, typename B> constexpr bool is_same = std::is_same_v<A, B>;

inline unsigned lane()
{
    return emulate::self().lane();
}
inline unsigned warp()
{
    return emulate::self().number / 32;
}
inline unsigned char *dynamic_shared()
{
    return emulate::dynamic_shared();
}
inline uint32_t shared_address(const void *pointer)
{
    return emulate::shared_address(pointer);
}

inline void ldmatrix_x4(uint32_t (&r)[4], uint32_t address)
{
    emulate::ldmatrix(r, 4, false, address);
}
inline void ldmatrix_x4_trans(uint32_t (&r)[4], uint32_t address)
{
    emulate::ldmatrix(r, 4, true, address);
}
inline void ldmatrix_x2(uint32_t (&r)[2], uint32_t address)
{
    emulate::ldmatrix(r, 2, false, address);
}
inline void ldmatrix_x2_trans(uint32_t (&r)[2], uint32_t address)
{
    emulate::ldmatrix(r, 2, true, address);
}

inline void copy_async_16(uint32_t to, const void *from, uint32_t bytes = 16)
{
    emulate::copy_async(to, from, bytes);
}
inline void copy_async_commit()
{
    emulate::copy_async_commit();
}
template <int GROUPS> void copy_async_wait()
{
    emulate::copy_async_wait(GROUPS);
}

template <typename T> void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    emulate::mma(c, a, b0, b1, emulate::value_of_bits<T>);
}

template <typename T> float to_float(T value)
{
    return emulate::value_of(value);
}
template <typename T> T from_float(float value)
{
    T element;
    emulate::round_to(&element, value);
    return element;
}
template <typename T> uint32_t pack(float low, float high)
{
    return static_cast<uint32_t>(from_float<T>(high).bits) << 16 | from_float<T>(low).bits;
}
template <typename T> float2 unpack(uint32_t both)
{
    return make_float2(to_float(T{static_cast<uint16_t>(both)}),
                       to_float(T{static_cast<uint16_t>(both >> 16)}));
}
inline float exp2_approx(float x)
{
    return exp2f(x);
}

inline void barrier_sync(int id, int threads)
{
    emulate::barrier_sync(id, static_cast<unsigned>(threads), "barrier_sync");
}
inline void barrier_arrive(int id, int threads)
{
    emulate::barrier_arrive(id, static_cast<unsigned>(threads));
}
inline void reduce_add(float *to, float value)
{
    *to += value;
}

/* -------------------------------------------------------------------- bulk.cuh, hopper.cuh */

inline bool elect_one()
{
    emulate::warp_meet(0xffffffffu, "elect_one", nullptr, [](emulate::Meeting &) {});
    return lane() == 0;
}

inline uint32_t cluster_rank()
{
    return emulate::block().rank;
}
inline void cluster_sync()
{
    emulate::cluster_sync();
}

template <int COUNT> void registers_more()
{
    static_assert(COUNT % 8 == 0 && COUNT >= 24 && COUNT <= 256, "24 to 256 in eights");
    emulate::warpgroup_meet("registers_more", nullptr, [](emulate::Meeting &) {});
}
template <int COUNT> void registers_fewer()
{
    static_assert(COUNT % 8 == 0 && COUNT >= 24 && COUNT <= 256, "24 to 256 in eights");
    emulate::warpgroup_meet("registers_fewer", nullptr, [](emulate::Meeting &) {});
}

inline void mbarrier_init(uint32_t barrier, uint32_t count)
{
    emulate::mbarrier_init(barrier, count);
}
inline void mbarrier_init_fence()
{
}
inline void mbarrier_arrive(uint32_t barrier)
{
    emulate::mbarrier_arrive(emulate::block().rank, barrier, 0);
}
inline void mbarrier_arrive_at(uint32_t barrier, uint32_t rank)
{
    emulate::mbarrier_arrive(rank, barrier, 0);
}
inline void mbarrier_arrive_expect(uint32_t barrier, uint32_t bytes)
{
    emulate::mbarrier_arrive(emulate::block().rank, barrier, bytes);
}
inline void mbarrier_wait(uint32_t barrier, uint32_t parity)
{
    emulate::mbarrier_wait(barrier, parity);
}

inline void tma_prefetch(const CUtensorMap *)
{
}
template <typename... Coordinates>
void tma_load(uint32_t to, const CUtensorMap *map, uint32_t barrier, Coordinates... at)
{
    emulate::tma_load(to, map, barrier, {{at...}, sizeof...(at)}, 1u << emulate::block().rank);
}
inline void tma_load_multicast(uint32_t to, const CUtensorMap *map, uint32_t barrier,
                               uint16_t ranks, int x, int y)
{
    emulate::tma_load(to, map, barrier, {{x, y}, 2}, ranks);
}
template <typename... Coordinates>
void tma_store(const CUtensorMap *map, uint32_t from, Coordinates... at)
{
    emulate::tma_store(map, from, {{at...}, sizeof...(at)}, emulate::StoreKind::SET);
}
inline void tma_add(const CUtensorMap *map, uint32_t from, int x, int y, int z)
{
    emulate::tma_store(map, from, {{x, y, z}, 3}, emulate::StoreKind::ADD);
}
inline void bulk_load(uint32_t to, const void *from, uint32_t bytes, uint32_t barrier)
{
    emulate::bulk_load(to, from, bytes, barrier);
}
inline void bulk_store(void *to, uint32_t from, uint32_t bytes)
{
    emulate::bulk_store(to, from, bytes);
}
inline void bulk_commit()
{
    emulate::bulk_commit();
}
template <int GROUPS> void bulk_wait_read()
{
    emulate::bulk_wait(GROUPS);
}
inline void reduce_add(float *to, float4 value)
{
    to[0] += value.x;
    to[1] += value.y;
    to[2] += value.z;
    to[3] += value.w;
}
inline void fence_async()
{
}

/* ------------------------------------------------------------------------------- wgmma.cuh */

inline void wgmma_fence()
{
    emulate::wgmma_fence();
}
inline void wgmma_commit()
{
    emulate::wgmma_commit();
}
template <int GROUPS> void wgmma_wait()
{
    emulate::wgmma_wait(GROUPS);
}
template <int COUNT> void wgmma_hold(float (&)[COUNT])
{
}
inline void compute_first(float, uint32_t)
{
}

template <typename T, major A = K_MAJOR, major B = K_MAJOR, int COUNT>
void wgmma(float (&d)[COUNT], uint64_t a, uint64_t b, int add)
{
    emulate::wgmma({d, COUNT, nullptr, a, b, A == MN_MAJOR, B == MN_MAJOR, add != 0,
                    emulate::value_of_bits<T>});
}

template <typename T, major B = K_MAJOR, int COUNT>
void wgmma(float (&d)[COUNT], const uint32_t (&a)[4], uint64_t b, int add)
{
    emulate::wgmma({d, COUNT, a, 0, b, false, B == MN_MAJOR, add != 0, emulate::value_of_bits<T>});
}

} // namespace ptx

#endif
