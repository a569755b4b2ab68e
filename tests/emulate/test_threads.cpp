/* SPDX-License-Identifier: Apache-2.0 */
/* The emulator itself: threads, barriers, shuffles, copies; and that it sees what is wrong. */
#include "kernels/tensorcore/ptx.cuh"

#include "tests/emulate/check.hpp"

using emulate::Array;
using emulate::launch;

/* ------------------------------------------------------------------------------- right kernels */

static __global__ void reverse(int *to, const int *from)
{
    int *tile = reinterpret_cast<int *>(ptx::dynamic_shared());
    unsigned at = blockIdx.x * blockDim.x;
    tile[threadIdx.x] = from[at + threadIdx.x];
    __syncthreads();
    to[at + threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

static void test_syncthreads(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 4; order++) {
        Array<int> from(192), to(192);
        for (int i = 0; i < 192; i++)
            from[i] = i;
        check_runs(launch({2, 96, 96 * 4, order}, reverse, to.data(), from.data()));
        for (int i = 0; i < 192; i++)
            check_i64(to[i], i < 96 ? 95 - i : 287 - i);
    }
}

static __global__ void sum_warp(float *to)
{
    float x = (float)threadIdx.x;
    for (int offset = 16; offset > 0; offset /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, offset);
    float last = __shfl_down_sync(0xffffffffu, x + (float)ptx::lane(), 1);
    float pair = __shfl_sync(3u << (ptx::lane() & ~1u), x, 0, 2);
    int odd = __syncthreads_or(threadIdx.x == 63);
    to[threadIdx.x] = x + 0.25f * last + pair + (float)odd;
}

static void test_shuffles(void **state)
{
    (void)state;
    Array<float> to(64);
    check_runs(launch({1, 64, 0}, sum_warp, to.data()));
    for (int i = 0; i < 64; i++) {
        float sum = i < 32 ? 496.0f : 1520.0f, next = (float)(i % 32 == 31 ? 31 : i % 32 + 1);
        check_close(to[i], sum + 0.25f * (sum + next) + sum + 1.0f, 0);
    }
}

/* Half of the block makes, the other half takes: named barriers 1 (full) and 2 (empty). */
static __global__ void producer_consumer(int *to, int rounds)
{
    int *tile = reinterpret_cast<int *>(ptx::dynamic_shared());
    for (int i = 0; i < rounds; i++) {
        if (threadIdx.x < 32) {
            ptx::barrier_sync(2, 64);
            tile[threadIdx.x] = i * 100 + (int)threadIdx.x;
            ptx::barrier_arrive(1, 64);
        } else {
            ptx::barrier_arrive(2, 64);
            ptx::barrier_sync(1, 64);
            to[i * 32 + (int)ptx::lane()] = tile[ptx::lane()];
        }
    }
}

static void test_named_barriers(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 4; order++) {
        Array<int> to(96);
        check_runs(launch({1, 64, 128, order}, producer_consumer, to.data(), 3));
        for (int i = 0; i < 96; i++)
            check_i64(to[i], i / 32 * 100 + i % 32);
    }
}

template <bool WAITS> __global__ void copy(uint4 *to, const uint4 *from, uint32_t bytes)
{
    uint4 *tile = reinterpret_cast<uint4 *>(ptx::dynamic_shared());
    ptx::copy_async_16(ptx::shared_address(tile + threadIdx.x), from + threadIdx.x, bytes);
    ptx::copy_async_commit();
    if (WAITS)
        ptx::copy_async_wait<0>();
    to[threadIdx.x] = tile[threadIdx.x];
    ptx::copy_async_wait<0>();
}

static void test_copy_async(void **state)
{
    (void)state;
    Array<uint4> from(32), to(32);
    for (unsigned i = 0; i < 32; i++)
        from[i] = {i, i + 1, i + 2, i + 3};
    check_runs(launch({1, 32, 512}, copy<true>, to.data(), from.data(), 16u));
    check_u64(to[7].w, 10);
    check_runs(launch({1, 32, 512}, copy<true>, to.data(), from.data(), 8u));
    check_u64(to[7].y, 8);
    check_u64(to[7].w, 0);
    check_runs(launch({1, 32, 512}, copy<false>, to.data(), from.data(), 16u));
    check_u64(to[7].y, 0xffffffffu);
}

/* ------------------------------------------------------------------------------- wrong kernels */

static __global__ void wait_alone()
{
    if (threadIdx.x == 5)
        ptx::barrier_sync(3, 64);
}

static __global__ void leave_out_a_lane()
{
    if (threadIdx.x != 9)
        __shfl_sync(0xffffffffu, 1, 0);
}

static __global__ void mix()
{
    if (threadIdx.x == 9)
        __syncwarp();
    else
        __shfl_sync(0xffffffffu, 1, 0);
}

static __global__ void overrun(uint32_t offset)
{
    static const uint4 from = {};
    ptx::copy_async_16(ptx::shared_address(ptx::dynamic_shared()) + offset, &from);
    ptx::copy_async_wait<0>();
}

static __global__ void forget(const uint4 *from)
{
    ptx::copy_async_16(ptx::shared_address(ptx::dynamic_shared()), from);
    ptx::copy_async_commit();
}

static void test_failures(void **state)
{
    (void)state;
    Array<uint4> from(1);
    check_stops(launch({1, 64, 0}, wait_alone), "thread 5: deadlock: 1 thread(s) at barrier_sync");
    check_stops(launch({1, 32, 0}, leave_out_a_lane), "deadlock");
    check_stops(launch({1, 32, 0}, mix), "while others of its warp are at");
    check_stops(launch({1, 1, 64}, overrun, 64u), "cp.async: shared bytes 64 to 80 of 64");
    check_stops(launch({1, 1, 64}, overrun, 8u), "not a multiple of 16");
    check_stops(launch({1, 1, 64}, forget, from.data()), "before its cp.async are waited for");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syncthreads),    cmocka_unit_test(test_shuffles),
        cmocka_unit_test(test_named_barriers), cmocka_unit_test(test_copy_async),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
