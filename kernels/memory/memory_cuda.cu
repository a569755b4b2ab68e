/* SPDX-License-Identifier: Apache-2.0 */
/* The six operations on a GPU. Loads and stores are 16 bytes wide, and each thread has UNROLL of
 * them per array in flight: by Little's law an H200 needs about 4.8 TB/s x 0.7 us = 3.4 MB under
 * way, 25 KB an SM, and 1024 threads of an SM with 4 x 16 bytes each are 64 KB. Indices are 64 bits
 * wide.
 *
 * A block handles tiles of THREADS x UNROLL vectors and goes on by the grid's width. Arrays are
 * whole cache lines, not whole tiles: only the last tile tests each index. */
#include "kernels/memory/memory_cuda.h"

#include <cuda_runtime.h>

namespace
{

constexpr int THREADS = 256;
constexpr int UNROLL = 4;
constexpr int BLOCKS_PER_SM =
    4; /* at once: 64 registers a thread, so that all loads can be under way */
constexpr size_t TILE = (size_t)THREADS * UNROLL; /* vectors */

template <typename T> struct vector;
template <> struct vector<double> {
    using type = double2;
};
template <> struct vector<float> {
    using type = float4;
};

/* How a vector is read and written: as any other, or marked as used once, so that lines which
 * nobody comes back for are the first to leave the caches. */
struct cached {
    template <typename V> static __device__ V load(const V *from)
    {
        return *from;
    }
    template <typename V> static __device__ void store(V *to, V value)
    {
        *to = value;
    }
};

struct streaming {
    template <typename V> static __device__ V load(const V *from)
    {
        return __ldcs(from);
    }
    template <typename V> static __device__ void store(V *to, V value)
    {
        __stcs(to, value);
    }
};

/* ----------------------------------------------------------------------------- one vector of each
 */

__device__ double2 scaled(double s, double2 x)
{
    return make_double2(s * x.x, s * x.y);
}

__device__ float4 scaled(float s, float4 x)
{
    return make_float4(s * x.x, s * x.y, s * x.z, s * x.w);
}

__device__ double2 added(double2 x, double2 y)
{
    return make_double2(x.x + y.x, x.y + y.y);
}

__device__ float4 added(float4 x, float4 y)
{
    return make_float4(x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w);
}

__device__ double2 filled(double s)
{
    return make_double2(s, s);
}

__device__ float4 filled(float s)
{
    return make_float4(s, s, s, s);
}

__device__ double total(double2 x)
{
    return x.x + x.y;
}

/* In f64 from the first addition on: see memory_verify.c for why sums are exact. */
__device__ double total(float4 x)
{
    return ((double)x.x + (double)x.y) + ((double)x.z + (double)x.w);
}

template <int OP, typename T, typename V> __device__ V result(V b, V c)
{
    constexpr T s = (T)MLB_MEMORY_SCALAR;
    if constexpr (OP == MLB_MEMORY_COPY)
        return b;
    else if constexpr (OP == MLB_MEMORY_SCALE)
        return scaled(s, b);
    else if constexpr (OP == MLB_MEMORY_ADD)
        return added(b, c);
    else if constexpr (OP == MLB_MEMORY_TRIAD)
        return added(b, scaled(s, c));
    else
        return filled(s);
}

/* ---------------------------------------------------------------------------------------- kernels
 */

/* a, b, c: [count] vectors. WHOLE: all UNROLL vectors of this thread exist. */
template <int OP, typename T, typename ACCESS, bool WHOLE, typename V>
__device__ void store_tile(V *__restrict__ a, const V *__restrict__ b, const V *__restrict__ c,
                           size_t first, size_t count)
{
    constexpr bool reads_b = OP != MLB_MEMORY_WRITE;
    constexpr bool reads_c = OP == MLB_MEMORY_ADD || OP == MLB_MEMORY_TRIAD;
    V x[UNROLL], y[UNROLL];
#pragma unroll
    for (int u = 0; u < UNROLL; u++) {
        size_t i = first + (size_t)u * THREADS;
        x[u] = V{};
        y[u] = V{};
        if constexpr (reads_b)
            if (WHOLE || i < count)
                x[u] = ACCESS::load(&b[i]);
        if constexpr (reads_c)
            if (WHOLE || i < count)
                y[u] = ACCESS::load(&c[i]);
    }
#pragma unroll
    for (int u = 0; u < UNROLL; u++) {
        size_t i = first + (size_t)u * THREADS;
        if (WHOLE || i < count)
            ACCESS::store(&a[i], result<OP, T>(x[u], y[u]));
    }
}

template <int OP, typename T, typename ACCESS, typename V>
__global__ void __launch_bounds__(THREADS, BLOCKS_PER_SM)
    store_kernel(V *__restrict__ a, const V *__restrict__ b, const V *__restrict__ c, size_t count)
{
    for (size_t tile = blockIdx.x * TILE; tile < count; tile += gridDim.x * TILE) {
        size_t first = tile + threadIdx.x;
        if (tile + TILE <= count)
            store_tile<OP, T, ACCESS, true>(a, b, c, first, count);
        else
            store_tile<OP, T, ACCESS, false>(a, b, c, first, count);
    }
}

template <typename ACCESS, bool WHOLE, typename V>
__device__ void read_tile(const V *__restrict__ b, size_t first, size_t count, double *sums)
{
    V x[UNROLL];
#pragma unroll
    for (int u = 0; u < UNROLL; u++) {
        size_t i = first + (size_t)u * THREADS;
        x[u] = V{};
        if (WHOLE || i < count)
            x[u] = ACCESS::load(&b[i]);
    }
#pragma unroll
    for (int u = 0; u < UNROLL; u++)
        sums[u] += total(x[u]);
}

/* Sum over the block, in thread 0. */
__device__ double block_total(double sum)
{
    constexpr int WARPS = THREADS / 32;
    __shared__ double warps[WARPS];
    for (int offset = 16; offset > 0; offset /= 2)
        sum += __shfl_down_sync(0xffffffffu, sum, offset);
    if (threadIdx.x % 32 == 0)
        warps[threadIdx.x / 32] = sum;
    __syncthreads();
    double all = 0.0;
    if (threadIdx.x == 0)
        for (int warp = 0; warp < WARPS; warp++)
            all += warps[warp];
    return all;
}

/* sums: [gridDim.x] */
template <typename ACCESS, typename V>
__global__ void __launch_bounds__(THREADS, BLOCKS_PER_SM)
    read_kernel(const V *__restrict__ b, size_t count, double *__restrict__ sums)
{
    double lanes[UNROLL] = {};
    for (size_t tile = blockIdx.x * TILE; tile < count; tile += gridDim.x * TILE) {
        size_t first = tile + threadIdx.x;
        if (tile + TILE <= count)
            read_tile<ACCESS, true>(b, first, count, lanes);
        else
            read_tile<ACCESS, false>(b, first, count, lanes);
    }
    double sum = block_total((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
    if (threadIdx.x == 0)
        sums[blockIdx.x] = sum;
}
static_assert(UNROLL == 4, "read_kernel adds four lanes");

/* --------------------------------------------------------------------------------------- launchers
 */

template <typename T, typename ACCESS>
void launch(const struct mlb_memory *m, unsigned blocks, size_t count, cudaStream_t stream)
{
    using V = typename vector<T>::type;
    V *a = static_cast<V *>(m->a);
    const V *b = static_cast<const V *>(m->b), *c = static_cast<const V *>(m->c);
    switch (m->op) {
    case MLB_MEMORY_COPY:
        store_kernel<MLB_MEMORY_COPY, T, ACCESS><<<blocks, THREADS, 0, stream>>>(a, b, c, count);
        break;
    case MLB_MEMORY_SCALE:
        store_kernel<MLB_MEMORY_SCALE, T, ACCESS><<<blocks, THREADS, 0, stream>>>(a, b, c, count);
        break;
    case MLB_MEMORY_ADD:
        store_kernel<MLB_MEMORY_ADD, T, ACCESS><<<blocks, THREADS, 0, stream>>>(a, b, c, count);
        break;
    case MLB_MEMORY_TRIAD:
        store_kernel<MLB_MEMORY_TRIAD, T, ACCESS><<<blocks, THREADS, 0, stream>>>(a, b, c, count);
        break;
    case MLB_MEMORY_READ:
        read_kernel<ACCESS><<<blocks, THREADS, 0, stream>>>(b, count, m->sums);
        break;
    case MLB_MEMORY_WRITE:
    case MLB_MEMORY_OPS:
        store_kernel<MLB_MEMORY_WRITE, T, ACCESS><<<blocks, THREADS, 0, stream>>>(a, b, c, count);
        break;
    }
}

template <typename T>
void launch_way(const struct mlb_memory *m, bool streams, unsigned blocks, size_t count,
                cudaStream_t stream)
{
    if (streams)
        launch<T, streaming>(m, blocks, count, stream);
    else
        launch<T, cached>(m, blocks, count, stream);
}

} // namespace

extern "C" int mlb_memory_launch(const struct mlb_memory *memory, enum mlb_memory_way way,
                                 size_t most_blocks, void *stream)
{
    bool stays = way == MLB_MEMORY_GRID || way == MLB_MEMORY_GRID_STREAMING;
    bool streams = way == MLB_MEMORY_GRID_STREAMING || way == MLB_MEMORY_TILES_STREAMING;
    size_t count = memory->bytes / 16, tiles = (count + TILE - 1) / TILE;
    unsigned blocks = (unsigned)(stays && tiles > most_blocks ? most_blocks : tiles);
    if (memory->dtype == MLB_F64)
        launch_way<double>(memory, streams, blocks, count, static_cast<cudaStream_t>(stream));
    else
        launch_way<float>(memory, streams, blocks, count, static_cast<cudaStream_t>(stream));
    return (int)cudaGetLastError();
}
