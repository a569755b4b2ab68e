/* SPDX-License-Identifier: Apache-2.0 */
/* The project's own GEMM kernels on the CPU: every pass, sizes with edges, several tiles a block
 * and more steps than stages. Inputs are small whole numbers, so sums are exact and results are
 * compared to the bit. */
#include "kernels/gemm/gemm_mma.cuh"
#include "kernels/gemm/gemm_wgmma.cuh"

#include "tests/emulate/check.hpp"

using emulate::Array;
using emulate::launch;
using ptx::bf16;
using ptx::f16;
using ptx::K_MAJOR;
using ptx::major;
using ptx::MN_MAJOR;

struct shape {
    unsigned m, n, k;
};

template <typename T> struct operands {
    shape size;
    Array<T> a, b, c;
    explicit operands(shape s)
        : size(s), a((size_t)s.m * s.k), b((size_t)s.n * s.k), c((size_t)s.m * s.n)
    {
        fill(a, 17);
        fill(b, 71);
        memset(c.data(), 0xff, c.size() * sizeof(T));
    }
    static void fill(const Array<T> &array, size_t salt)
    {
        for (size_t i = 0; i < array.size(); i++)
            array[i] = ptx::from_float<T>((float)(((i + salt) * 2654435761u >> 9) % 7) - 3.0f);
    }
};

template <typename T, major A, major B> static void check_result(const operands<T> &all)
{
    const auto [m, n, k] = all.size;
    for (unsigned i = 0; i < m; i++)
        for (unsigned j = 0; j < n; j++) {
            double sum = 0.0;
            for (unsigned p = 0; p < k; p++)
                sum += (double)ptx::to_float(all.a[A == K_MAJOR ? i * k + p : p * m + i]) *
                       (double)ptx::to_float(all.b[B == K_MAJOR ? j * k + p : p * n + j]);
            T should = ptx::from_float<T>((float)sum);
            T is = all.c[(size_t)i * n + j];
            if (is.bits != should.bits)
                print_error("%ux%ux%u C[%u][%u]\n", m, n, k, i, j);
            check_close(ptx::to_float(is), ptx::to_float(should), 0);
        }
}

/* --------------------------------------------------------------------------------- mma.sync */

template <typename T, major A, major B> static void run_mma(shape s, unsigned order)
{
    using namespace gemm::mma;
    operands<T> all(s);
    unsigned tiles = (s.m + TILE - 1) / TILE * ((s.n + TILE - 1) / TILE);
    check_runs(launch({tiles, THREADS, SHARED_BYTES, order}, gemm_mma_kernel<T, A, B>, all.a.data(),
                      all.b.data(), all.c.data(), s.m, s.n, s.k));
    check_result<T, A, B>(all);
}

template <typename T, major A, major B> static void test_mma(void **state)
{
    (void)state;
    run_mma<T, A, B>({128, 128, 32}, 0);
    run_mma<T, A, B>({8, 8, 8}, 1);
    for (unsigned order : {0, 2})
        run_mma<T, A, B>({136, 136, 200}, order);
}

/* ------------------------------------------------------------------------------------ wgmma */

/* A row-major matrix in boxes 64 columns wide. */
template <typename T>
static CUtensorMap map_of(const Array<T> &array, unsigned rows, unsigned columns, unsigned height)
{
    struct mlb_tensor tensor = {};
    tensor.base = array.data();
    tensor.dtype = std::is_same_v<T, bf16> ? MLB_BF16 : MLB_F16;
    tensor.rank = 2;
    tensor.extent[0] = columns;
    tensor.extent[1] = rows;
    tensor.stride[1] = columns * 2u;
    tensor.box[0] = gemm::wgmma::BOX;
    tensor.box[1] = height;
    tensor.swizzled = 1;
    return emulate::tensor_map(tensor);
}

template <typename T, major A, major B>
static void run_wgmma(shape s, unsigned clusters, unsigned order)
{
    using namespace gemm::wgmma;
    operands<T> all(s);
    CUtensorMap a = A == K_MAJOR ? map_of(all.a, s.m, s.k, ROWS) : map_of(all.a, s.k, s.m, BOX);
    CUtensorMap b =
        B == K_MAJOR ? map_of(all.b, s.n, s.k, B_COLUMNS) : map_of(all.b, s.k, s.n, BOX);
    CUtensorMap c = map_of(all.c, s.m, s.n, BOX);
    check_runs(launch({clusters * CLUSTER, THREADS, SHARED_BYTES, order, CLUSTER},
                      gemm_wgmma_kernel<T, A, B>, a, b, c, s.m, s.n, s.k));
    check_result<T, A, B>(all);
}

template <typename T, major A, major B> static void test_wgmma(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 6; order++)
        run_wgmma<T, A, B>({136, 200, 64}, 1, order);
    run_wgmma<T, A, B>({8, 8, 8}, 1, 1);
    /* Four tiles of a cluster for two clusters, six steps through four stages. */
    for (unsigned order : {0, 2})
        run_wgmma<T, A, B>({264, 264, 328}, 2, order);
}

/* ---------------------------------------------------------------------------------- raster */

/* Every tile once, and no group higher than it should be. */
static void test_tiles(void **state)
{
    (void)state;
    const unsigned rows = 21, columns = 5;
    bool seen[rows][columns] = {};
    for (unsigned i = 0; i < rows * columns; i++) {
        gemm::tile at = gemm::tile_at<8>(i, rows, columns);
        check_true(at.row < rows && at.column < columns && !seen[at.row][at.column]);
        check_u64(at.row / 8, i / 40);
        seen[at.row][at.column] = true;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles),
        cmocka_unit_test((test_mma<bf16, K_MAJOR, K_MAJOR>)),
        cmocka_unit_test((test_mma<bf16, K_MAJOR, MN_MAJOR>)),
        cmocka_unit_test((test_mma<f16, MN_MAJOR, MN_MAJOR>)),
        cmocka_unit_test((test_wgmma<bf16, K_MAJOR, K_MAJOR>)),
        cmocka_unit_test((test_wgmma<bf16, K_MAJOR, MN_MAJOR>)),
        cmocka_unit_test((test_wgmma<f16, MN_MAJOR, MN_MAJOR>)),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
