/* SPDX-License-Identifier: Apache-2.0 */
/* How launchers of attention kernels start them on the emulator. */
#ifndef MLB_TESTS_KERNELS_EMULATED_ATTENTION_HPP
#define MLB_TESTS_KERNELS_EMULATED_ATTENTION_HPP

#include "tests/emulate/emulate.hpp"

struct emulated_start {
    static constexpr int UNSUPPORTED = 1;
    unsigned order;

    template <typename... Parameters, typename... Arguments>
    int operator()(void (*kernel)(Parameters...), dim3 grid, int threads, size_t shared_bytes,
                   const Arguments &...arguments) const
    {
        emulate::launch({grid, dim3((unsigned)threads), shared_bytes, order}, kernel, arguments...);
        return 0;
    }
    int zero(void *memory, size_t bytes) const
    {
        memset(memory, 0, bytes);
        return 0;
    }
};

/* The emulator takes them all. */
inline enum mlb_status emulated_check(const struct mlb_attention_params *, const struct mlb_ctx *,
                                      struct mlb_error *)
{
    return MLB_OK;
}

/* What a launcher did, as a status. */
template <typename Launching>
enum mlb_status emulated_status(const struct mlb_ctx *ctx, struct mlb_error *err,
                                const Launching &launching)
{
    try {
        int error = launching(emulated_start{(unsigned)(ctx->seed % 4)});
        return error ? mlb_fail(err, MLB_E_UNSUPPORTED, "launch: error %d", error) : MLB_OK;
    } catch (const emulate::Failure &failure) {
        return mlb_fail(err, MLB_E_INTERNAL, "%s", failure.what());
    }
}

#endif
