/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/device.h"

#include <string.h>

const struct mlb_backend *mlb_backend_find(const char *kind)
{
    for (const struct mlb_backend *const *backend = mlb_backends; *backend; backend++)
        if (strcmp((*backend)->kind, kind) == 0)
            return *backend;
    return NULL;
}

enum mlb_status mlb_backend_check(const struct mlb_backend *backend, struct mlb_error *err)
{
    const struct {
        const char *name;
        bool there;
    } hooks[] = {
        {"count", backend->count != NULL},     {"open", backend->open != NULL},
        {"close", backend->close != NULL},     {"describe", backend->describe != NULL},
        {"memory", backend->memory != NULL},   {"alloc", backend->alloc != NULL},
        {"free", backend->free != NULL},       {"copy", backend->copy != NULL},
        {"fill", backend->fill != NULL},       {"mark", backend->mark != NULL},
        {"elapsed", backend->elapsed != NULL}, {"sync", backend->sync != NULL},
        {"stream", backend->stream != NULL},
    };
    if (!backend->kind)
        return mlb_fail(err, MLB_E_INTERNAL, "a backend has no kind");
    for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++)
        if (!hooks[i].there)
            return mlb_fail(err, MLB_E_INTERNAL, "%s: no %s hook", backend->kind, hooks[i].name);
    int cycles = (backend->count_cycles != NULL) + (backend->clock_between != NULL);
    int graph = (backend->begin_graph != NULL) + (backend->end_graph != NULL) +
                (backend->launch_graph != NULL) + (backend->free_graph != NULL);
    if (cycles == 1 || (graph > 0 && graph < 4))
        return mlb_fail(err, MLB_E_INTERNAL, "%s: some of the %s hooks, but not all", backend->kind,
                        cycles == 1 ? "cycles" : "graph");
    return MLB_OK;
}

enum mlb_status mlb_alloc(struct mlb_device *device, size_t bytes, const char *what, void **ptr,
                          struct mlb_error *err)
{
    return device->backend->alloc(device, bytes, what, ptr, err);
}

void mlb_free(struct mlb_device *device, void *ptr)
{
    if (ptr)
        device->backend->free(device, ptr);
}

enum mlb_status mlb_copy(struct mlb_device *device, void *to, const void *from, size_t bytes,
                         enum mlb_copy direction, struct mlb_error *err)
{
    return device->backend->copy(device, to, from, bytes, direction, err);
}

enum mlb_status mlb_fill(struct mlb_device *device, void *ptr, uint64_t count, enum mlb_dtype dtype,
                         enum mlb_data data, uint64_t seed, struct mlb_error *err)
{
    return device->backend->fill(device, ptr, count, dtype, data, seed, 0, err);
}

enum mlb_status mlb_sync(struct mlb_device *device, double deadline_s, struct mlb_error *err)
{
    return device->backend->sync(device, deadline_s, err);
}
