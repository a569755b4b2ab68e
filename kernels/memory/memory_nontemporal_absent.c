/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for memory_nontemporal.c on processors other than x86. */
#include "kernels/memory/memory.h"

enum mlb_status mlb_memory_nontemporal_check(const void *params, const struct mlb_ctx *ctx,
                                             struct mlb_error *err)
{
    (void)params;
    (void)ctx;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "non-temporal stores are done on x86 only");
}

enum mlb_status mlb_memory_nontemporal_step(void *state, const struct mlb_ctx *ctx,
                                            struct mlb_error *err)
{
    (void)state;
    return mlb_memory_nontemporal_check(NULL, ctx, err);
}
