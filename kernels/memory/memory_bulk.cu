/* SPDX-License-Identifier: Apache-2.0 */
/* A copy in which threads move nothing: one thread a block hands chunks to the tensor memory
 * accelerator (PTX ISA, cp.async.bulk), which brings them into shared memory and takes them out
 * again. A block has STAGES chunks under way, AHEAD of them coming in while the others go out; the
 * shared memory of an SM holds BLOCKS_PER_SM of such blocks: 120 KB that come in at once, where an
 * H200 needs about 25 KB an SM by Little's law (memory_cuda.cu). */
#include <stdint.h>

#include "kernels/memory/memory_cuda.h"

#include <cuda_runtime.h>

namespace
{

constexpr unsigned CHUNK = 8192; /* bytes */
constexpr unsigned BLOCKS_PER_SM = 5;

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

constexpr unsigned STAGES = 5; /* 40 KiB: what a block has without asking for more */
constexpr unsigned AHEAD = 3;

struct ring {
    alignas(128) unsigned char stages[STAGES][CHUNK];
    alignas(8) uint64_t full[STAGES]; /* mbarriers: the stage's chunk is there */
};

__device__ unsigned shared_address(const void *pointer)
{
    return (unsigned)__cvta_generic_to_shared(pointer);
}

__device__ void open_barriers(ring &r)
{
    for (unsigned s = 0; s < STAGES; s++)
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(&r.full[s]))
                     : "memory");
    /* seen by the accelerator too */
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* The barrier of the stage completes when so many bytes have come. */
__device__ void bring(ring &r, unsigned stage, const char *from, unsigned bytes)
{
    unsigned barrier = shared_address(&r.full[stage]);
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
                 : "memory");
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes"
                 " [%0], [%1], %2, [%3];" ::"r"(shared_address(r.stages[stage])),
                 "l"(__cvta_generic_to_global(from)), "r"(bytes), "r"(barrier)
                 : "memory");
}

__device__ void await(ring &r, unsigned stage, unsigned parity)
{
    unsigned barrier = shared_address(&r.full[stage]), done = 0;
    while (!done)
        asm volatile("{\n"
                     ".reg .pred p;\n"
                     "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
                     "selp.u32 %0, 1, 0, p;\n"
                     "}"
                     : "=r"(done)
                     : "r"(barrier), "r"(parity)
                     : "memory");
}

/* A group of its own, so that groups are counted like chunks. */
__device__ void take(ring &r, unsigned stage, char *to, unsigned bytes)
{
    asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(
                     __cvta_generic_to_global(to)),
                 "r"(shared_address(r.stages[stage])), "r"(bytes)
                 : "memory");
    asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}

/* All but the last LEFT groups have been read out of shared memory. */
template <unsigned LEFT> __device__ void await_taken()
{
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(LEFT) : "memory");
}

#endif

/* Block b copies chunks b, b + gridDim.x, ...; the n-th of them goes through stage n % STAGES. */
__global__ void __launch_bounds__(32, BLOCKS_PER_SM)
    bulk_kernel(char *to, const char *from, size_t bytes)
{
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
    __shared__ ring r;
    if (threadIdx.x != 0)
        return;
    size_t chunks = (bytes + CHUNK - 1) / CHUNK;
    size_t mine = chunks > blockIdx.x ? (chunks - blockIdx.x + gridDim.x - 1) / gridDim.x : 0;
    auto place = [&](size_t n) { return (blockIdx.x + n * gridDim.x) * CHUNK; };
    auto length = [&](size_t n) {
        size_t left = bytes - place(n);
        return (unsigned)(left < CHUNK ? left : CHUNK);
    };
    open_barriers(r);
    for (size_t n = 0; n < AHEAD && n < mine; n++)
        bring(r, (unsigned)n, from + place(n), length(n));
    for (size_t n = 0; n < mine; n++) {
        unsigned stage = (unsigned)(n % STAGES);
        await(r, stage, (unsigned)(n / STAGES % 2));
        take(r, stage, to + place(n), length(n));
        size_t next = n + AHEAD;
        /* The chunk that was in next's stage before is next - STAGES; n + 1 groups are there. */
        await_taken<STAGES - AHEAD>();
        if (next < mine)
            bring(r, (unsigned)(next % STAGES), from + place(next), length(next));
    }
    await_taken<0>();
#else
    (void)to, (void)from, (void)bytes;
#endif
}

} // namespace

extern "C" int mlb_memory_launch_bulk(void *to, const void *from, size_t bytes, size_t units,
                                      void *stream)
{
    size_t chunks = (bytes + CHUNK - 1) / CHUNK, most = units * BLOCKS_PER_SM;
    unsigned blocks = (unsigned)(chunks < most ? chunks : most);
    bulk_kernel<<<blocks, 32, 0, static_cast<cudaStream_t>(stream)>>>(
        static_cast<char *>(to), static_cast<const char *>(from), bytes);
    return (int)cudaGetLastError();
}
