/* SPDX-License-Identifier: Apache-2.0 */
/* The emulator itself: products, TMA, mbarriers; and that it sees what is wrong. */
#include "kernels/tensorcore/wgmma.cuh"

#include "tests/emulate/check.hpp"

using emulate::Array;
using emulate::launch;
using ptx::bf16;
using ptx::f16;

/* Small whole numbers: every product and sum below is exact. */
static float whole(size_t i)
{
    return (float)((i * 2654435761u >> 7) % 9) - 4.0f;
}

template <typename T> static void fill(const Array<T> &array, size_t salt)
{
    for (size_t i = 0; i < array.size(); i++)
        array[i] = ptx::from_float<T>(whole(i + salt));
}

/* c(m,n) = a(m,k) b(n,k)^T; a_mn: a is (k,m), b_mn: b is (k,n). */
template <typename T>
static void check_product(const Array<float> &c, const Array<T> &a, const Array<T> &b, int m, int n,
                          int k, bool a_mn, bool b_mn)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            float sum = 0.0f;
            for (int p = 0; p < k; p++)
                sum += ptx::to_float(a[(size_t)(a_mn ? p * m + i : i * k + p)]) *
                       ptx::to_float(b[(size_t)(b_mn ? p * n + j : j * k + p)]);
            check_close(c[(size_t)(i * n + j)], sum, 0);
        }
}

/* ------------------------------------------------------------------------------------- mma.sync */

/* c (16,8) = a (16,16) b (8,16)^T by one warp; TRANS: b is (16,8). */
template <typename T, bool TRANS> __global__ void one_mma(float *c, const T *a, const T *b)
{
    T *tile = reinterpret_cast<T *>(ptx::dynamic_shared()); /* a, then b */
    unsigned lane = ptx::lane();
    for (unsigned i = lane; i < 256; i += 32)
        tile[i] = a[i];
    for (unsigned i = lane; i < 128; i += 32)
        tile[256 + i] = b[i];
    __syncwarp();
    uint32_t af[4], bf[2];
    float sums[4] = {};
    ptx::ldmatrix_x4(af, ptx::shared_address(tile + lane % 16 * 16 + lane / 16 * 8));
    if (TRANS)
        ptx::ldmatrix_x2_trans(bf, ptx::shared_address(tile + 256 + lane % 16 * 8));
    else
        ptx::ldmatrix_x2(bf, ptx::shared_address(tile + 256 + lane % 8 * 16 + lane % 16 / 8 * 8));
    ptx::mma<T>(sums, af, bf[0], bf[1]);
    for (unsigned i = 0; i < 4; i++)
        c[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sums[i];
}

template <typename T, bool TRANS> static void test_mma(void **state)
{
    (void)state;
    Array<float> c(128);
    Array<T> a(256), b(128);
    fill(a, 0);
    fill(b, 99);
    check_runs(launch({1, 32, 768}, one_mma<T, TRANS>, c.data(), a.data(), b.data()));
    check_product(c, a, b, 16, 8, 16, false, TRANS);
}

/* ---------------------------------------------------------------------------- TMA and wgmma */

struct Faults {
    bool no_wait, early_reuse, no_fence, read_early;
};

/* c (64,N) = a (64,K) b (N,K)^T, K in steps of 64 through one stage; a warpgroup. Stored (K,64) and
 * (K,N) when the operand is MN_MAJOR. */
template <typename T, int N, ptx::major A, ptx::major B, bool A_IN_REGISTERS>
__global__ void one_wgmma(float *c, CUtensorMap a, CUtensorMap b, int k, Faults faults)
{
    uint32_t at_a = ptx::shared_address(ptx::dynamic_shared()), at_b = at_a + 64 * 128;
    uint32_t full = at_b + N * 128;
    float d[N / 2];
    if (threadIdx.x == 0)
        ptx::mbarrier_init(full, 1);
    ptx::mbarrier_init_fence();
    __syncthreads();
    for (int step = 0; step * 64 < k; step++) {
        if (threadIdx.x == 0) {
            ptx::mbarrier_arrive_expect(full, (64 + N) * 128);
            ptx::tma_load(at_a, &a, full, A ? 0 : step * 64, A ? step * 64 : 0);
            for (int j = 0; j < (B ? N : 64); j += 64)
                ptx::tma_load(at_b + (uint32_t)j * 128, &b, full, B ? j : step * 64,
                              B ? step * 64 : 0);
        }
        if (!faults.no_wait)
            ptx::mbarrier_wait(full, (uint32_t)step & 1u);
        if (!faults.no_fence)
            ptx::wgmma_fence();
        for (uint32_t i = 0; i < 4; i++) {
            uint64_t db = B ? ptx::mn_major(at_b + i * 2048, 8192) : ptx::k_major(at_b + i * 32);
            uint64_t da = A ? ptx::mn_major(at_a + i * 2048, 8192) : ptx::k_major(at_a + i * 32);
            if constexpr (A_IN_REGISTERS) {
                uint32_t row = threadIdx.x / 32 * 16 + ptx::lane() % 16, af[4];
                uint32_t column = i * 32 + ptx::lane() / 16 * 16;
                ptx::ldmatrix_x4(af, ptx::swizzle_128b(at_a + row * 128 + column));
                ptx::wgmma<T, B>(d, af, db, step > 0 || i > 0);
            } else {
                ptx::wgmma<T, A, B>(d, da, db, step > 0 || i > 0);
            }
        }
        ptx::wgmma_commit();
        if (faults.early_reuse)
            ptx::dynamic_shared()[5]++;
        if (!faults.read_early)
            ptx::wgmma_wait<0>();
        __syncthreads();
    }
    int row = (int)(threadIdx.x / 32 * 16 + ptx::lane() / 4);
    for (int j = 0; j < N / 8; j++)
        for (int i = 0; i < 4; i++)
            c[(row + i / 2 * 8) * N + j * 8 + (int)ptx::lane() % 4 * 2 + i % 2] = d[4 * j + i];
    ptx::wgmma_wait<0>();
}

/* A row-major matrix of 16-bit elements, in boxes of 64 columns. */
template <typename T>
static CUtensorMap matrix(const Array<T> &array, int rows, int columns, int box_rows)
{
    struct mlb_tensor tensor = {};
    tensor.base = array.data();
    tensor.dtype = std::is_same_v<T, bf16> ? MLB_BF16 : MLB_F16;
    tensor.rank = 2;
    tensor.extent[0] = (uint64_t)columns;
    tensor.extent[1] = (uint64_t)rows;
    tensor.stride[1] = (uint64_t)columns * 2;
    tensor.box[0] = 64;
    tensor.box[1] = (uint32_t)box_rows;
    tensor.swizzled = 1;
    return emulate::tensor_map(tensor);
}

template <typename T, int N, ptx::major A, ptx::major B, bool A_IN_REGISTERS = false>
static std::string run_wgmma(int k, Faults faults, unsigned order)
{
    Array<float> c(64 * N);
    Array<T> a(64 * (size_t)k), b(N * (size_t)k);
    fill(a, 0);
    fill(b, 99);
    CUtensorMap ma = A ? matrix(a, k, 64, 64) : matrix(a, 64, k, 64);
    CUtensorMap mb = B ? matrix(b, k, N, 64) : matrix(b, N, k, N);
    std::string failure = emulate::failure_of([&] {
        launch({1, 128, (64 + N) * 128 + 8, order}, one_wgmma<T, N, A, B, A_IN_REGISTERS>, c.data(),
               ma, mb, k, faults);
    });
    if (std::isnan(c[0]))
        return "nan";
    if (failure.empty())
        check_product(c, a, b, 64, N, k, A, B);
    return failure.empty() ? "right" : failure;
}

static void test_wgmma(void **state)
{
    using namespace ptx;
    (void)state;
    for (unsigned order = 0; order < 3; order++) {
        check_text((run_wgmma<bf16, 64, K_MAJOR, K_MAJOR>(128, {}, order).c_str()), "right");
        check_text((run_wgmma<f16, 128, MN_MAJOR, K_MAJOR>(192, {}, order).c_str()), "right");
        check_text((run_wgmma<bf16, 192, K_MAJOR, MN_MAJOR>(64, {}, order).c_str()), "right");
        check_text((run_wgmma<bf16, 256, MN_MAJOR, MN_MAJOR>(64, {}, order).c_str()), "right");
        check_text((run_wgmma<bf16, 64, K_MAJOR, MN_MAJOR, true>(72, {}, order).c_str()), "right");
    }
}

static void test_wgmma_faults(void **state)
{
    using namespace ptx;
    (void)state;
    auto run = [](Faults faults) { return run_wgmma<bf16, 64, K_MAJOR, K_MAJOR>(64, faults, 0); };
    Faults no_wait = {}, early_reuse = {}, no_fence = {}, read_early = {};
    no_wait.no_wait = early_reuse.early_reuse = no_fence.no_fence = read_early.read_early = true;
    check_text(run(no_wait).c_str(), "nan");
    check_contains(run(early_reuse).c_str(), "changed while the product was under way");
    check_contains(run(no_fence).c_str(), "wgmma without wgmma_fence");
    check_text(run(read_early).c_str(), "nan");
}

/* ------------------------------------------------------------------- TMA, edges and stores */

static __global__ void through(CUtensorMap from, CUtensorMap to, int x, int y, int z, bool waits)
{
    uint32_t tile = ptx::shared_address(ptx::dynamic_shared()), full = tile + 2 * 4 * 8 * 4;
    ptx::mbarrier_init(full, 1);
    ptx::mbarrier_init_fence();
    ptx::mbarrier_arrive_expect(full, 2 * 4 * 8 * 4);
    ptx::tma_load(tile, &from, full, x, y, z);
    ptx::mbarrier_wait(full, 0);
    ptx::tma_store(&to, tile, x, y, z);
    ptx::tma_add(&to, tile, x, y, z);
    ptx::bulk_commit();
    if (!waits)
        *ptx::dynamic_shared() = 77;
    ptx::bulk_wait_read<0>();
}

/* Boxes (2,4,8) at the far corner of a (3,5,12) tensor: what is outside is not written. */
static void test_tma(void **state)
{
    (void)state;
    Array<float> from(180), to(180);
    struct mlb_tensor tensor = {};
    for (size_t i = 0; i < 180; i++)
        from[i] = (float)i;
    tensor.base = from.data();
    tensor.dtype = MLB_F32;
    tensor.rank = 3;
    uint64_t extent[] = {12, 5, 3}, stride[] = {0, 48, 240};
    uint32_t box[] = {8, 4, 2};
    for (int i = 0; i < 3; i++) {
        tensor.extent[i] = extent[i];
        tensor.stride[i] = stride[i];
        tensor.box[i] = box[i];
    }
    CUtensorMap in = emulate::tensor_map(tensor);
    tensor.base = to.data();
    CUtensorMap out = emulate::tensor_map(tensor);
    check_runs(launch({1, 1, 264}, through, in, out, 8, 4, -1, true));
    for (size_t i = 0; i < 180; i++)
        check_close(to[i], i < 60 && i >= 56 ? 2.0f * (float)i : 0.0f, 0);
    check_stops(launch({1, 1, 264}, through, in, out, 0, 0, 0, false), "changed before the store");
    tensor.stride[1] = 40;
    check_stops(emulate::tensor_map(tensor), "that TMA does not take");
}

/* ------------------------------------------------------------------------------------- clusters */

/* Block 0 sends a box to both blocks; each tells the other what it got. */
static __global__ void spread(CUtensorMap from, float *to, bool waits)
{
    uint32_t tile = ptx::shared_address(ptx::dynamic_shared()), full = tile + 64, told = full + 8;
    uint32_t rank = ptx::cluster_rank();
    if (threadIdx.x == 0) {
        ptx::mbarrier_init(full, 1);
        ptx::mbarrier_init(told, 2);
        ptx::mbarrier_init_fence();
    }
    ptx::cluster_sync();
    if (threadIdx.x == 0) {
        ptx::mbarrier_arrive_expect(full, 64);
        if (rank == 0)
            ptx::tma_load_multicast(tile, &from, full, 3, 0, (int)blockIdx.x / 2);
    }
    ptx::mbarrier_wait(full, 0);
    to[blockIdx.x * 16 + threadIdx.x] =
        reinterpret_cast<float *>(ptx::dynamic_shared())[threadIdx.x];
    if (threadIdx.x < 2)
        ptx::mbarrier_arrive_at(told, threadIdx.x);
    if (waits)
        ptx::mbarrier_wait(told, 0);
}

static void test_cluster(void **state)
{
    (void)state;
    Array<float> from(32), to(64);
    struct mlb_tensor tensor = {};
    for (size_t i = 0; i < 32; i++)
        from[i] = (float)i;
    tensor.base = from.data();
    tensor.dtype = MLB_F32;
    tensor.rank = 2;
    tensor.extent[0] = 16;
    tensor.extent[1] = 2;
    tensor.stride[1] = 64;
    tensor.box[0] = 16;
    tensor.box[1] = 1;
    CUtensorMap map = emulate::tensor_map(tensor);
    for (unsigned order = 0; order < 4; order++) {
        check_runs(launch({4, 16, 80, order, 2}, spread, map, to.data(), true));
        for (size_t i = 0; i < 64; i++)
            check_close(to[i], (float)(i / 32 * 16 + i % 16), 0);
    }
    check_stops(launch({4, 16, 80, 3, 2}, spread, map, to.data(), false), "is not there any more");
    check_stops(launch({3, 16, 80, 0, 2}, spread, map, to.data(), true), "multiple of the cluster");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test((test_mma<bf16, false>)),
        cmocka_unit_test((test_mma<f16, true>)),
        cmocka_unit_test(test_wgmma),
        cmocka_unit_test(test_wgmma_faults),
        cmocka_unit_test(test_tma),
        cmocka_unit_test(test_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
