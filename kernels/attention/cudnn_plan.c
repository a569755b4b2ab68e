/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/cudnn_plan.h"

#include "harness/base/units.h"

#define NOT_SUPPORTED 3000 /* CUDNN_STATUS_NOT_SUPPORTED */

struct search {
    struct mlb_cudnn_plans *plans;
    const struct mlb_cudnn_graph *graph;
    const struct mlb_cudnn_target *target;
    size_t most;
    uint64_t workspace_bytes;
    struct mlb_error why; /* the first refusal */
    uint64_t too_much;    /* the smallest workspace that was above the limit */
};

static int set_one(const struct mlb_cudnn *api, void *descriptor, int name, int type,
                   const void *value)
{
    return api->call.set(descriptor, name, type, 1, value);
}

static void refuse(struct search *search, int code, const char *what)
{
    if (search->why.status == MLB_OK)
        mlb_cudnn_check(search->plans->api, code, what, &search->why);
}

static int ask_heuristic(const struct search *search, void *heuristic, int mode)
{
    const struct mlb_cudnn *api = search->plans->api;
    int code = set_one(api, heuristic, MLB_CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH,
                       MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR, &search->graph->graph);
    if (code == 0)
        code = set_one(api, heuristic, MLB_CUDNN_ATTR_ENGINEHEUR_MODE, MLB_CUDNN_TYPE_HEUR_MODE,
                       &mode);
    if (code == 0 && search->target->device)
        code = set_one(api, heuristic, MLB_CUDNN_ATTR_ENGINEHEUR_DEVICEPROP,
                       MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR, &search->target->device);
    return code ? code : api->call.finalize(heuristic);
}

static int build(const struct search *search, void *plan, void *config)
{
    const struct mlb_cudnn *api = search->plans->api;
    const struct mlb_cudnn_target *target = search->target;
    int code = set_one(api, plan, MLB_CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                       MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR, &config);
    if (code == 0 && target->handle)
        code = set_one(api, plan, MLB_CUDNN_ATTR_EXECUTION_PLAN_HANDLE, MLB_CUDNN_TYPE_HANDLE,
                       &target->handle);
    if (code == 0 && target->device)
        code = set_one(api, plan, MLB_CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP,
                       MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR, &target->device);
    return code ? code : api->call.finalize(plan);
}

static int64_t engine_of(const struct mlb_cudnn *api, void *config)
{
    void *engine = NULL;
    int64_t count = 0, index = -1;
    if (api->call.make(MLB_CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) != 0)
        return -1;
    if (api->call.get(config, MLB_CUDNN_ATTR_ENGINECFG_ENGINE, MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                      &count, &engine) != 0 ||
        api->call.get(engine, MLB_CUDNN_ATTR_ENGINE_GLOBAL_INDEX, MLB_CUDNN_TYPE_INT64, 1, &count,
                      &index) != 0)
        index = -1;
    api->call.unmake(engine);
    return index;
}

static enum mlb_status workspace_of(const struct search *search, void *plan, uint64_t *bytes,
                                    struct mlb_error *err)
{
    int64_t count = 0, size = 0;
    const struct mlb_cudnn *api = search->plans->api;
    int code = api->call.get(plan, MLB_CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                             MLB_CUDNN_TYPE_INT64, 1, &count, &size);
    *bytes = size > 0 ? (uint64_t)size : 0;
    return mlb_cudnn_check(api, code, "workspace", err);
}

/* Keeps the proposal and returns true when it can run; else notes why not. */
static bool try_config(struct search *search, void *config)
{
    struct mlb_cudnn_plans *plans = search->plans;
    struct mlb_cudnn_plan plan = {.config = config, .engine = engine_of(plans->api, config)};
    struct mlb_error why = {0};
    int code = plans->api->call.make(MLB_CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &plan.descriptor);
    if (code == 0)
        code = build(search, plan.descriptor, config);
    enum mlb_status status = mlb_cudnn_check(plans->api, code, "plan", &why);
    if (status == MLB_OK)
        status = workspace_of(search, plan.descriptor, &plan.workspace_bytes, &why);
    bool fits = plan.workspace_bytes <= search->workspace_bytes;
    if (status == MLB_OK && fits) {
        plans->list[plans->count++] = plan;
        return true;
    }
    if (status == MLB_OK && plan.workspace_bytes < search->too_much)
        search->too_much = plan.workspace_bytes;
    if (status != MLB_OK && search->why.status == MLB_OK)
        search->why = why;
    if (plan.descriptor)
        plans->api->call.unmake(plan.descriptor);
    return false;
}

/* The proposals of a heuristic; `configs` holds MLB_CUDNN_PLANS descriptors that it fills. */
static size_t read_configs(struct search *search, int mode, void **configs)
{
    const struct mlb_cudnn *api = search->plans->api;
    void *heuristic = NULL;
    int64_t count = 0;
    int code = api->call.make(MLB_CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, &heuristic);
    if (code == 0)
        code = ask_heuristic(search, heuristic, mode);
    if (code == 0)
        code = api->call.get(heuristic, MLB_CUDNN_ATTR_ENGINEHEUR_RESULTS,
                             MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR, MLB_CUDNN_PLANS, &count, configs);
    if (code != 0 || count == 0) /* success and no proposal is the usual way to say no */
        refuse(search, code ? code : NOT_SUPPORTED, "no engine for this type and shape");
    if (code != 0)
        count = 0;
    if (heuristic)
        api->call.unmake(heuristic);
    return count > 0 ? (size_t)count : 0;
}

static enum mlb_status try_mode(struct search *search, int mode, struct mlb_error *err)
{
    const struct mlb_cudnn *api = search->plans->api;
    void *configs[MLB_CUDNN_PLANS] = {NULL};
    int code = 0;
    for (size_t i = 0; i < MLB_CUDNN_PLANS && code == 0; i++)
        code = api->call.make(MLB_CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &configs[i]);
    enum mlb_status status = mlb_cudnn_check(api, code, "engine configuration", err);
    size_t count = status == MLB_OK ? read_configs(search, mode, configs) : 0;
    search->plans->proposed += count;
    for (size_t i = 0; i < count && search->plans->count < search->most; i++)
        if (try_config(search, configs[i]))
            configs[i] = NULL; /* lives as long as the plan */
    for (size_t i = 0; i < MLB_CUDNN_PLANS; i++)
        if (configs[i])
            api->call.unmake(configs[i]);
    return status;
}

enum mlb_status mlb_cudnn_find_plans(struct mlb_cudnn_plans *plans,
                                     const struct mlb_cudnn_graph *graph,
                                     const struct mlb_cudnn_target *target, size_t most,
                                     uint64_t workspace_bytes, struct mlb_error *err)
{
    struct search search = {.plans = plans,
                            .graph = graph,
                            .target = target,
                            .most = most < MLB_CUDNN_PLANS ? most : MLB_CUDNN_PLANS,
                            .workspace_bytes = workspace_bytes,
                            .too_much = UINT64_MAX};
    plans->api = graph->api;
    enum mlb_status status = try_mode(&search, MLB_CUDNN_HEUR_MODE_A, err);
    if (status == MLB_OK && plans->count == 0)
        status = try_mode(&search, MLB_CUDNN_HEUR_MODE_FALLBACK, err);
    if (status != MLB_OK || plans->count)
        return status;
    if (search.too_much == UINT64_MAX)
        return mlb_fail(err, search.why.status, "%s", search.why.text);
    char need[MLB_UNIT_TEXT], room[MLB_UNIT_TEXT];
    return mlb_fail(err, MLB_E_UNSUPPORTED,
                    "cuDNN: needs %s of workspace, %s are free for this rank beside the tensors",
                    mlb_print_bytes(need, search.too_much), mlb_print_bytes(room, workspace_bytes));
}

void mlb_cudnn_free_plans(struct mlb_cudnn_plans *plans)
{
    while (plans->count) {
        plans->api->call.unmake(plans->list[--plans->count].descriptor);
        plans->api->call.unmake(plans->list[plans->count].config);
    }
}

enum mlb_status mlb_cudnn_pack(const struct mlb_cudnn_graph *graph, void *const *pointers,
                               void *workspace, void **pack, struct mlb_error *err)
{
    const struct mlb_cudnn *api = graph->api;
    int64_t count = (int64_t)graph->bound_count;
    int code = api->call.make(MLB_CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, pack);
    if (code == 0)
        code = api->call.set(*pack, MLB_CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, MLB_CUDNN_TYPE_INT64,
                             count, graph->bound);
    if (code == 0)
        code = api->call.set(*pack, MLB_CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                             MLB_CUDNN_TYPE_VOID_PTR, count, pointers);
    if (code == 0)
        code = set_one(api, *pack, MLB_CUDNN_ATTR_VARIANT_PACK_WORKSPACE, MLB_CUDNN_TYPE_VOID_PTR,
                       &workspace);
    if (code == 0)
        code = api->call.finalize(*pack);
    return mlb_cudnn_check(api, code, "variant pack", err);
}
