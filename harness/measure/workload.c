/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/workload.h"

#include <string.h>

enum mlb_status mlb_workload_check(const struct mlb_workload *workload, struct mlb_error *err)
{
    const char *missing = !workload->params     ? "params"
                          : !workload->label    ? "label"
                          : !workload->work     ? "work"
                          : !workload->verify   ? "verify"
                          : !workload->variants ? "variants"
                                                : NULL;
    if (missing)
        return mlb_fail(err, MLB_E_INTERNAL, "%s: no %s hook", workload->name, missing);
    for (const struct mlb_variant *v = workload->variants; v->name; v++)
        if (!v->device || !v->setup || !v->step || !v->teardown)
            return mlb_fail(err, MLB_E_INTERNAL,
                            "%s: variant %s lacks device, setup, step or teardown", workload->name,
                            v->name);
    return MLB_OK;
}

const struct mlb_workload *mlb_workload_at(size_t index)
{
    for (size_t i = 0; mlb_kernel_workloads[i]; i++)
        if (index-- == 0)
            return mlb_kernel_workloads[i];
    for (size_t i = 0; mlb_collective_workloads[i]; i++)
        if (index-- == 0)
            return mlb_collective_workloads[i];
    return NULL;
}

const struct mlb_workload *mlb_workload_find(const char *name)
{
    const struct mlb_workload *workload;
    for (size_t i = 0; (workload = mlb_workload_at(i)); i++)
        if (strcmp(workload->name, name) == 0)
            return workload;
    return NULL;
}
