/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/fake_workloads.h"

#include <string.h>

#include "harness/base/text.h"

struct fake_script *fake_script;

#define AT(field) offsetof(struct fake_params, field)
static const char *const kinds[] = {"plain", "fancy", NULL};
static const char *const faults[] = {"fine",      "wrong",       "unverified", "unsupported",
                                     "no_memory", "setup_fails", "refused",    "step_fails",
                                     "lost",      NULL};
static const struct mlb_option params[] = {
    {"size", 0, MLB_COUNT, AT(size), 1, 1e6, "16", NULL, "N", "how much", 0},
    {"bytes", 0, MLB_BYTES, AT(bytes), 0, 0, "1KiB", NULL, "SIZE", "how long", 0},
    {"kind", 0, MLB_CHOICE, AT(kind), 0, 0, "plain", kinds, "KIND", "which", 0},
    {"fault", 0, MLB_CHOICE, AT(fault), 0, 0, "fine", faults, "FAULT", "what goes wrong", 0},
    {0}};

struct fake_state {
    int fault;
};

static void label(const void *values, char *to, size_t size)
{
    const struct fake_params *p = values;
    mlb_format(to, size, "%s %llu", kinds[p->kind], (unsigned long long)p->size);
}

static enum mlb_status resolve(void *values, struct mlb_error *err)
{
    const struct fake_params *p = values;
    if (p->size == 13)
        return mlb_fail(err, MLB_E_CONFIG, "size = 13: brings bad luck");
    return MLB_OK;
}

static void work(const void *values, const struct mlb_ctx *ctx, struct mlb_work *amount)
{
    (void)ctx;
    amount->formula = "fake.size";
    amount->flop = (double)((const struct fake_params *)values)->size;
}

static enum mlb_status check(const void *values, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)ctx;
    if (((const struct fake_params *)values)->fault == FAKE_UNSUPPORTED)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "alpha: needs a device that is not made");
    return MLB_OK;
}

static enum mlb_status setup(void *state, const void *values, const struct mlb_ctx *ctx,
                             struct mlb_error *err)
{
    struct fake_state *s = state;
    fake_script->setups++;
    fake_script->tune_s = ctx->tune_s;
    s->fault = ((const struct fake_params *)values)->fault;
    if (s->fault == FAKE_NO_MEMORY)
        return mlb_fail(err, MLB_E_NOMEM, "alpha: 12 GiB: out of memory");
    if (s->fault == FAKE_SETUP_FAILS)
        return mlb_fail(err, MLB_E_DEVICE, "alpha: the device is on fire");
    return MLB_OK;
}

/* The best variant's. */
static enum mlb_status setup_best(void *state, const void *values, const struct mlb_ctx *ctx,
                                  struct mlb_error *err)
{
    if (setup(state, values, ctx, err) != MLB_OK)
        return err->status;
    if (((const struct fake_params *)values)->fault == FAKE_REFUSED)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "alpha: no plan compiles");
    return MLB_OK;
}

static enum mlb_status step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct fake_state *s = state;
    size_t i = fake_script->steps++;
    if (i == 30 && s->fault == FAKE_STEP_FAILS)
        return mlb_fail(err, MLB_E_DEVICE, "alpha: step 30 failed");
    if (i == 30 && s->fault == FAKE_LOST)
        return mlb_fail(err, MLB_E_COMM, "alpha: the others are gone");
    if (fake_script->count)
        fake_script->advance(
            ctx->device, fake_script->step_ns[i < fake_script->count ? i : fake_script->count - 1]);
    return MLB_OK;
}

static enum mlb_status verify(const struct mlb_variant *variant, void *state, const void *values,
                              const struct mlb_ctx *ctx, struct mlb_verification *verification,
                              struct mlb_error *err)
{
    (void)variant, (void)state, (void)ctx, (void)err;
    int fault = ((const struct fake_params *)values)->fault;
    fake_script->verifies++;
    verification->method = "by looking";
    if (fault != FAKE_UNVERIFIED)
        mlb_verify_element(verification, fault == FAKE_WRONG ? 2.0 : 1.0, 1.0, 0.5, "x[%d]", 7);
    return MLB_OK;
}

static void details(const void *state, const void *values, struct mlb_details *to)
{
    (void)state, (void)values;
    mlb_detail_text(to, "algorithm", "number %d", 7);
    mlb_detail_number(to, "steps", (double)fake_script->steps);
}

static void teardown(void *state, const struct mlb_ctx *ctx)
{
    (void)state, (void)ctx;
    fake_script->teardowns++;
}

static size_t rotation(const void *state)
{
    (void)state;
    return fake_script->rotation ? fake_script->rotation : 1;
}

static const struct mlb_variant variants[] = {
    {.name = "best",
     .device = "fake",
     .check = check,
     .setup = setup_best,
     .step = step,
     .details = details,
     .teardown = teardown},
    {.name = "second",
     .device = "fake",
     .check = check,
     .setup = setup,
     .step = step,
     .teardown = teardown},
    {.name = "plain",
     .device = "cpu",
     .check = check,
     .setup = setup,
     .step = step,
     .teardown = teardown},
    {.name = "spare", .device = "cpu", .setup = setup, .step = step, .teardown = teardown},
    {0}};

static bool is_fancy(const void *values)
{
    return ((const struct fake_params *)values)->kind == 1;
}

static const char *const sizes[] = {"size", NULL};

static const struct mlb_workload alpha = {.name = "alpha",
                                          .summary = "a scripted workload",
                                          .params = params,
                                          .search = sizes,
                                          .params_bytes = sizeof(struct fake_params),
                                          .state_bytes = sizeof(struct fake_state),
                                          .resolve = resolve,
                                          .label = label,
                                          .work = work,
                                          .verify = verify,
                                          .rotation = rotation,
                                          .variants = variants};

static const struct mlb_workload collect = {.name = "gather",
                                            .summary = "a scripted collective",
                                            .params = params,
                                            .params_bytes = sizeof(struct fake_params),
                                            .state_bytes = sizeof(struct fake_state),
                                            .collective = true,
                                            .min_ranks = 2,
                                            .pipelined = is_fancy,
                                            .label = label,
                                            .work = work,
                                            .verify = verify,
                                            .variants = variants};

const struct mlb_workload *const mlb_kernel_workloads[] = {&alpha, NULL};
const struct mlb_workload *const mlb_collective_workloads[] = {&collect, NULL};

/* No library for collectives. */
const struct mlb_channel_ops *const mlb_channels[] = {NULL};
