/* SPDX-License-Identifier: Apache-2.0 */
/* What the project's own CUDA kernels for attention refuse, and the reasons. No GPU is asked. */
#include "tests/kernels/attention_rig.h"

static const struct {
    const char *variant, *texts, *part;
    uint32_t capability;
} refusals[] = {
    {"mma", "seq=8 head_dim=64", "mma needs compute capability 8.0 or newer, this GPU has 7.5", 75},
    {"mma", "seq=8 head_dim=96", "mma forward has head dims 64, 128, 256 and 192/128, not 96/96",
     80},
    {"mma", "seq=8 head_dim=256 pass=bwd", "mma backward has head dims 64 and 128, not 256/256",
     80},
    {"mma", "seq=8 head_dim=64 dtype=f32", "mma does bf16 and f16, not f32", 80},
    {"wgmma", "seq=8 head_dim=64", "compute capability 9.0 exactly (H100, H200), this GPU has 10.0",
     100},
    {"wgmma", "seq=8 head_dim=64", "this GPU has 8.0", 80},
    {"wgmma", "seq=8 head_dim=128 head_dim_v=64", "not 128/64", 90},
    {"wgmma", "seq=8 head_dim=192 head_dim_v=128 pass=bwd", "64 and 128, not 192/128", 90},
    {"wgmma", "seq=1 batch=65536 head_dim=64", "wgmma takes a batch up to 65535", 90},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct mlb_device device = {.backend = &mlb_backend_cuda,
                                    .info = {.capability = refusals[i].capability}};
        struct mlb_comm comm = {.size = 1, .deadline_s = 1.0};
        struct mlb_ctx ctx = {
            .device = &device, .comm = &comm, .threads = 1, .memory_bytes = (uint64_t)1 << 30};
        struct mlb_attention_params params = attention_params(refusals[i].texts);
        struct mlb_error err = {0};
        check_fails(attention_variant(refusals[i].variant)->check(&params, &ctx, &err),
                    MLB_E_UNSUPPORTED, &err, refusals[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
