/* SPDX-License-Identifier: Apache-2.0 */
/* What the attention tests share: a context on the CPU device, parameters as a suite gives them,
 * and a case driven through its hooks. */
#ifndef MLB_TESTS_KERNELS_ATTENTION_RIG_H
#define MLB_TESTS_KERNELS_ATTENTION_RIG_H

#include "tests/check.h"

#include "kernels/attention/attention.h"

struct attention_rig {
    struct mlb_comm comm;
    struct mlb_ctx ctx;
    struct mlb_error err;
};

static inline void open_attention_rig(struct attention_rig *rig, enum mlb_data data)
{
    *rig = (struct attention_rig){.comm = {.size = 1, .deadline_s = 60.0}};
    rig->ctx = (struct mlb_ctx){.comm = &rig->comm,
                                .data = data,
                                .seed = 20,
                                .threads = 2,
                                .memory_bytes = (uint64_t)1 << 30};
    check_ok(mlb_backend_cpu.open(0, 1, &rig->ctx.device, &rig->err), &rig->err);
}

static inline void close_attention_rig(struct attention_rig *rig)
{
    mlb_backend_cpu.close(rig->ctx.device);
}

static inline const struct mlb_variant *attention_variant(const char *name)
{
    for (const struct mlb_variant *v = mlb_attention.variants; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    fail_msg("no variant %s", name);
    return NULL;
}

/* Set parameters as a suite file does: "key=value" texts. */
static inline enum mlb_status set_attention_params(struct mlb_attention_params *params,
                                                   const char *texts, struct mlb_error *err)
{
    char copy[256], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", texts);
    *params = (struct mlb_attention_params){0};
    check_ok(mlb_option_defaults(mlb_attention.params, params, err), err);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        const struct mlb_option *row = mlb_option_find(mlb_attention.params, word);
        check_true(row != NULL);
        enum mlb_status status = mlb_option_set(row, params, value, err);
        if (status != MLB_OK)
            return status;
    }
    return mlb_attention.resolve(params, err);
}

static inline struct mlb_attention_params attention_params(const char *texts)
{
    struct mlb_attention_params params;
    struct mlb_error err = {0};
    check_ok(set_attention_params(&params, texts, &err), &err);
    return params;
}

/* setup, verify, teardown. `state` begins with a mlb_attention_state and is zeroed but for what the
 * variant of a test keeps behind it. */
static inline struct mlb_verification verify_attention(struct attention_rig *rig,
                                                       const struct mlb_variant *variant,
                                                       void *state,
                                                       const struct mlb_attention_params *params)
{
    struct mlb_verification found = {0};
    check_ok(variant->setup(state, params, &rig->ctx, &rig->err), &rig->err);
    check_ok(mlb_attention.verify(variant, state, params, &rig->ctx, &found, &rig->err), &rig->err);
    variant->teardown(state, &rig->ctx);
    return found;
}

static inline void check_attention_verified(const struct mlb_verification *found,
                                            const struct mlb_attention_params *params)
{
    char label[96];
    mlb_attention.label(params, label, sizeof label);
    if (!mlb_verification_passed(found))
        print_error("%s: %llu of %llu wrong: %s\n", label, (unsigned long long)found->wrong,
                    (unsigned long long)found->checked, found->first_wrong);
    check_true(mlb_verification_passed(found));
}

#endif
