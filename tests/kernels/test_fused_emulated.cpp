/* SPDX-License-Identifier: Apache-2.0 */
/* The CUDA kernels of the memory-bound operations on the CPU: launched as they are on a GPU, with
 * sizes of less than a vector a thread, of one and of several tiles, and held to the double
 * reference of the workloads. Arrays end at a forbidden page: an overrun is a crash. */
#include <map>
#include <memory>

#include "kernels/fused/adamw.cuh"
#include "kernels/fused/cross_entropy.cuh"
#include "kernels/fused/embedding.cuh"
#include "kernels/fused/norm.cuh"
#include "kernels/fused/rope.cuh"
#include "kernels/fused/swiglu.cuh"

#include "tests/emulate/check.hpp"

extern "C" {
#include "kernels/fused/fused.h"
}

/* ------------------------------------------------------------------- a device that is the emulator
 */

/* Its arrays, by address. Of the test's one device. */
static std::map<void *, std::unique_ptr<emulate::Guarded>> &arrays()
{
    static std::map<void *, std::unique_ptr<emulate::Guarded>> all;
    return all;
}

static enum mlb_status guarded_alloc(struct mlb_device *, size_t bytes, const char *, void **ptr,
                                     struct mlb_error *)
{
    *ptr = nullptr;
    if (bytes == 0)
        return MLB_OK;
    auto made = std::make_unique<emulate::Guarded>(bytes, 16);
    *ptr = made->begin();
    memset(*ptr, 0xff, bytes); /* as memory of a GPU: whatever was there */
    arrays()[*ptr] = std::move(made);
    return MLB_OK;
}

static void guarded_free(struct mlb_device *, void *ptr)
{
    arrays().erase(ptr);
}

struct on_emulator {
    unsigned order;
    template <typename KERNEL, typename... ARGUMENTS>
    void operator()(KERNEL kernel, unsigned blocks, unsigned threads, ARGUMENTS... arguments) const
    {
        emulate::launch({blocks, threads, 0, order}, kernel, arguments...);
    }
};

static void launch_op(const struct mlb_fused_op *op, const void *args, on_emulator launch)
{
    if (op == &mlb_fused_rmsnorm || op == &mlb_fused_layernorm)
        fused::norm_launch(*static_cast<const struct mlb_norm *>(args), launch);
    else if (op == &mlb_fused_rope)
        fused::rope_launch(*static_cast<const struct mlb_rope *>(args), launch);
    else if (op == &mlb_fused_swiglu)
        fused::swiglu_launch(*static_cast<const struct mlb_swiglu *>(args), launch);
    else if (op == &mlb_fused_cross_entropy)
        fused::cross_entropy_launch(*static_cast<const struct mlb_cross_entropy *>(args), launch);
    else if (op == &mlb_fused_embedding)
        fused::embedding_launch(*static_cast<const struct mlb_embedding *>(args), launch);
    else
        fused::adamw_launch(*static_cast<const struct mlb_adamw *>(args), launch);
}

/* `order` comes as the context's count of threads, which no kernel here looks at. */
static enum mlb_status emulated_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    auto *state = static_cast<struct mlb_fused_state *>(memory);
    const void *args = mlb_fused_turn(state);
    on_emulator launch = {(unsigned)ctx->threads};
    std::string failure = emulate::failure_of([&] { launch_op(state->op, args, launch); });
    return failure.empty() ? MLB_OK : mlb_fail(err, MLB_E_INTERNAL, "%s", failure.c_str());
}

/* --------------------------------------------------------------------------------------- the cases
 */

static struct mlb_fused_params params_of(enum mlb_fused_id op, int pass)
{
    struct mlb_fused_params params = {};
    params.op = op;
    params.pass = pass;
    return params;
}

static void check_case(struct mlb_fused_params params, int order)
{
    struct mlb_backend backend = mlb_backend_cpu;
    struct mlb_device *device = nullptr;
    struct mlb_error err = {};
    struct mlb_comm comm = {};
    struct mlb_ctx ctx = {};
    struct mlb_verification found = {};
    struct mlb_fused_state state = {};
    struct mlb_variant variant = {};
    char label[96];

    backend.alloc = guarded_alloc;
    backend.free = guarded_free;
    check_ok(mlb_backend_cpu.open(0, 1, &device, &err), &err);
    device->backend = &backend;
    device->info.capability = 90; /* partial sums as on a GPU, */
    device->info.units = 2;       /* a small one */
    comm.deadline_s = 60.0;
    ctx.device = device;
    ctx.comm = &comm;
    ctx.seed = 20;
    ctx.threads = order;
    variant.step = emulated_step;
    mlb_fused_label(&params, label, sizeof label);
    check_ok(mlb_fused_ops[params.op]->cuda_check(&params, &err), &err);
    check_ok(mlb_fused_setup(&state, &params, &ctx, &err), &err);
    enum mlb_status status = mlb_fused_verify(&variant, &state, &params, &ctx, &found, &err);
    mlb_fused_teardown(&state, &ctx);
    mlb_backend_cpu.close(device);
    if (status != MLB_OK || !mlb_verification_passed(&found))
        print_error("%s %s: %s%s\n", mlb_fused_ops[params.op]->name, label, err.text,
                    found.first_wrong);
    check_ok(status, &err);
    check_true(mlb_verification_passed(&found));
    check_true(arrays().empty());
}

/* Both types; fibers in rising order and shuffled. */
static void check_both(struct mlb_fused_params params)
{
    params.dtype = MLB_BF16;
    check_case(params, 1);
    params.dtype = MLB_F32;
    check_case(params, 2);
}

/* A vector; no whole warp; fewer rows than parts and more. */
static void test_norms(void **)
{
    static const uint64_t shapes[][2] = {{1, 8}, {5, 1000}, {19, 264}};
    for (auto op : {MLB_FUSED_RMSNORM, MLB_FUSED_LAYERNORM})
        for (int pass = 0; pass < 2; pass++)
            for (auto &shape : shapes) {
                struct mlb_fused_params params = params_of(op, pass);
                params.tokens = shape[0];
                params.hidden = shape[1];
                check_both(params);
            }
}

/* Several vectors a thread: four forward, two backward. */
static void test_wide_norms(void **)
{
    struct mlb_fused_params params = params_of(MLB_FUSED_LAYERNORM, MLB_NORM_FORWARD);
    params.tokens = 2;
    params.hidden = 8200;
    check_both(params);
    params.pass = MLB_NORM_BACKWARD;
    params.dtype = MLB_F32;
    params.hidden = 4104;
    check_case(params, 3);
}

/* heads, kv_heads, head_dim: one pair of vectors; odd rounds; Llama 3's; more than 256 threads. */
static void test_rope(void **)
{
    static const uint64_t shapes[][3] = {{1, 1, 16}, {5, 2, 48}, {32, 8, 128}, {1, 1, 1024}};
    for (int pass = 0; pass < 2; pass++)
        for (auto &shape : shapes) {
            struct mlb_fused_params params = params_of(MLB_FUSED_ROPE, pass);
            params.tokens = 7;
            params.sequence = 3;
            params.heads = shape[0];
            params.kv_heads = shape[1];
            params.head_dim = shape[2];
            check_both(params);
        }
}

static void test_swiglu(void **)
{
    for (int pass = 0; pass < 2; pass++)
        for (uint64_t ffn : {8, 1000, 4104}) {
            struct mlb_fused_params params = params_of(MLB_FUSED_SWIGLU, pass);
            params.tokens = 3;
            params.ffn = ffn;
            check_both(params);
        }
}

/* A vector; less than a tile; more than one and than two of 512 threads, in both types. */
static void test_cross_entropy(void **)
{
    for (int pass = 0; pass < 4; pass++)
        for (uint64_t vocab : {8, 5000, 33000}) {
            struct mlb_fused_params params = params_of(MLB_FUSED_CROSS_ENTROPY, pass);
            params.tokens = vocab < 100 ? 40 : 2; /* with some to be ignored */
            params.vocab = vocab;
            check_both(params);
        }
}

static void test_embedding(void **)
{
    for (int pass = 0; pass < 2; pass++)
        for (uint64_t hidden : {8, 1000, 33000}) {
            struct mlb_fused_params params = params_of(MLB_FUSED_EMBEDDING, pass);
            params.tokens = hidden > 1000 ? 4 : 60;
            params.hidden = hidden;
            params.vocab = hidden > 1000 ? 5 : 37;
            check_both(params);
        }
}

static void test_adamw(void **)
{
    for (uint64_t count : {4, 1000, 2048, 5004}) {
        struct mlb_fused_params params = params_of(MLB_FUSED_ADAMW, 0);
        params.count = count;
        check_both(params);
    }
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_norms),         cmocka_unit_test(test_wide_norms),
        cmocka_unit_test(test_rope),          cmocka_unit_test(test_swiglu),
        cmocka_unit_test(test_cross_entropy), cmocka_unit_test(test_embedding),
        cmocka_unit_test(test_adamw),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
