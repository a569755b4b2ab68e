/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/fingerprint.h"

#include <string.h>

#include "harness/base/text.h"

/* ------------------------------------------------------------------------------------ what fits */

static bool has_gpus(const struct mlb_fingerprint *print, const struct mlb_instance *instance)
{
    if (instance->price_only || instance->gpus != print->gpus)
        return false;
    for (const char *const *name = instance->device_names; *name; name++)
        if (strcmp(*name, print->gpu) == 0)
            return true;
    return false;
}

/* The word of the catalog's "2x Intel Xeon Platinum 8275CL" that names a model: the last one, when
 * there is a digit in it. A family ("AMD EPYC Genoa") is not what /proc/cpuinfo says. */
static bool may_have_cpu(const struct mlb_fingerprint *print, const struct mlb_instance *instance)
{
    const char *last = strrchr(instance->cpu, ' ');
    if (!print->cpu[0] || !last || !strpbrk(last, "0123456789"))
        return true;
    return strstr(print->cpu, last + 1) != NULL;
}

/* Ethernet is everywhere, and a container may see none of the other ports. */
static bool tells(enum mlb_nic_kind kind)
{
    return kind != MLB_NIC_ETHERNET && kind != MLB_NIC_VIRTUAL;
}

/* EFA's cards are all for the GPUs; a machine with InfiniBand or RoCE may have more for storage. */
static bool may_have_ports(const struct mlb_fingerprint *print, const struct mlb_instance *instance)
{
    const struct mlb_fabric *fabric = print->fabric;
    int telling = 0, same = 0;
    for (size_t i = 0; i < fabric->nic_count; i++) {
        enum mlb_nic_kind kind = fabric->nics[i].kind;
        telling += tells(kind);
        same += tells(kind) && strcmp(mlb_nic_kind_names[kind], instance->network) == 0;
    }
    if (telling == 0 || !instance->network[0])
        return true;
    if (same == 0 || instance->nics == 0)
        return same > 0;
    return strcmp(instance->network, "efa") == 0 ? same == instance->nics : same >= instance->nics;
}

/* EFA is AWS's own, GPUDirect-TCPX and its followers are Google's, and Azure's images name the
 * adapters of its ND series mlx5_ib0 to 7 (azurehpc-health-checks, conf). */
static const char *owner_of(const struct mlb_nic *nic)
{
    static const char *const owners[MLB_NIC_KINDS] = {
        [MLB_NIC_EFA] = "aws",
        [MLB_NIC_TCPX] = "gcp",
        [MLB_NIC_TCPXO] = "gcp",
        [MLB_NIC_GIB] = "gcp",
    };
    return strncmp(nic->device, "mlx5_ib", 7) == 0 ? "azure" : owners[nic->kind];
}

static bool may_be_of(const struct mlb_fingerprint *print, const struct mlb_instance *instance)
{
    for (size_t i = 0; i < print->fabric->nic_count; i++) {
        const char *owner = owner_of(&print->fabric->nics[i]);
        if (owner)
            return strcmp(owner, instance->provider) == 0;
    }
    return true;
}

bool mlb_fingerprint_fits(const struct mlb_fingerprint *print, const struct mlb_instance *instance)
{
    return has_gpus(print, instance) && may_have_cpu(print, instance) &&
           may_have_ports(print, instance) && may_be_of(print, instance);
}

/* ---------------------------------------------------------------------------------- filling in */

bool mlb_fingerprint_helps(const struct mlb_fingerprint *print, const struct mlb_provider *provider)
{
    if (provider->instance[0])
        return !provider->name[0];
    return print->gpus > 0 && print->present <= print->gpus;
}

/* As many as there is room for, with some kept for how many more there are. */
static bool add_candidate(struct mlb_provider *provider, const struct mlb_instance *instance)
{
    enum { ROOM = sizeof provider->candidates - sizeof ", 999 more" };
    char *to = provider->candidates;
    size_t length = strlen(to);
    if (length < ROOM && mlb_format(to + length, ROOM - length, "%s%s %s", length ? ", " : "",
                                    instance->provider, instance->name))
        return true;
    to[length] = '\0';
    return false;
}

static void add_others(struct mlb_provider *provider, size_t others)
{
    size_t length = strlen(provider->candidates);
    if (others > 0)
        mlb_format(provider->candidates + length, sizeof provider->candidates - length,
                   ", %zu more", others);
}

static void take(struct mlb_provider *provider, const struct mlb_instance *instance)
{
    mlb_format(provider->name, sizeof provider->name, "%s", instance->provider);
    mlb_format(provider->instance, sizeof provider->instance, "%s", instance->name);
    provider->candidates[0] = '\0';
    provider->method = MLB_PROVIDER_INFERRED;
}

static void guess(const struct mlb_fingerprint *print, const struct mlb_instance *instances,
                  size_t count, struct mlb_provider *provider)
{
    const struct mlb_instance *only = NULL;
    size_t fitting = 0, others = 0;
    for (size_t i = 0; i < count; i++) {
        const struct mlb_instance *instance = &instances[i];
        bool mine = !provider->name[0] || strcmp(provider->name, instance->provider) == 0;
        if (!mine || !mlb_fingerprint_fits(print, instance))
            continue;
        others += !add_candidate(provider, instance);
        only = instance;
        fitting++;
    }
    add_others(provider, others);
    if (fitting == 1)
        take(provider, only);
    else if (fitting > 1 && !provider->name[0])
        provider->method = MLB_PROVIDER_INFERRED;
    if (fitting > 0)
        mlb_provider_evidence(provider, "hardware");
}

static void name_owner(const struct mlb_catalog *catalog, const struct mlb_instance *instances,
                       size_t count, struct mlb_provider *provider)
{
    const struct mlb_instance *only = NULL;
    for (size_t i = 0; i < count; i++) {
        if (mlb_catalog_instance(catalog, instances[i].provider, provider->instance) !=
            &instances[i])
            continue;
        if (only)
            return;
        only = &instances[i];
    }
    if (!only)
        return;
    mlb_format(provider->name, sizeof provider->name, "%s", only->provider);
    mlb_provider_evidence(provider, "catalog");
}

void mlb_fingerprint_fill(const struct mlb_fingerprint *print, const struct mlb_catalog *catalog,
                          struct mlb_provider *provider)
{
    const struct mlb_instance *instances;
    size_t count = mlb_catalog_instances(catalog, &instances);
    if (!mlb_fingerprint_helps(print, provider))
        return;
    if (provider->instance[0])
        name_owner(catalog, instances, count, provider);
    else
        guess(print, instances, count, provider);
}
