/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the files that call CUDA in a build without it. */
#include "kernels/transfer/host_copy.h"
#include "kernels/transfer/p2p.h"

static enum mlb_status absent(struct mlb_error *err)
{
    return mlb_fail(err, MLB_E_UNSUPPORTED, "this mlbench was built without CUDA");
}

enum mlb_status mlb_host_copy_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    (void)params, (void)ctx;
    return absent(err);
}

enum mlb_status mlb_host_copy_cuda_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    (void)state, (void)params, (void)ctx;
    return absent(err);
}

enum mlb_status mlb_host_copy_cuda_step(void *state, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    (void)state, (void)ctx;
    return absent(err);
}

void mlb_host_copy_cuda_teardown(void *state, const struct mlb_ctx *ctx)
{
    (void)state, (void)ctx;
}

enum mlb_status mlb_p2p_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    (void)params, (void)ctx;
    return absent(err);
}

enum mlb_status mlb_p2p_cuda_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    (void)state, (void)params, (void)ctx;
    return absent(err);
}

enum mlb_status mlb_p2p_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)state, (void)ctx;
    return absent(err);
}

void mlb_p2p_cuda_teardown(void *state, const struct mlb_ctx *ctx)
{
    (void)state, (void)ctx;
}
