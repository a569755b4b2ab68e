/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are listed in this folder's README. Unknown is absent. */
#include "harness/system/topology.h"

#include <hwloc.h>
#include <stdlib.h>

#include "harness/base/json.h"
#include "harness/system/topology_hwloc.h"

/* Each add_ returns false when out of memory. */

static bool add_text(cJSON *object, const char *key, const char *value)
{
    return value[0] == '\0' || cJSON_AddStringToObject(object, key, value);
}

static bool add_count(cJSON *object, const char *key, int value)
{
    return cJSON_AddNumberToObject(object, key, value) != NULL;
}

static bool add_bytes(cJSON *object, const char *key, uint64_t value)
{
    return value == 0 || mlb_json_add_u64(object, key, value);
}

static bool add_cpus(cJSON *object, const char *key, hwloc_const_cpuset_t cpus)
{
    char *list = NULL;
    bool good = hwloc_bitmap_list_asprintf(&list, cpus) >= 0 && add_text(object, key, list);
    free(list);
    return good;
}

static bool add_head(cJSON *json, const struct mlb_topology *topology)
{
    struct mlb_topology_counts counts;
    hwloc_const_cpuset_t allowed = mlb_allowed_cpus(topology->hwloc);
    hwloc_const_cpuset_t all = hwloc_topology_get_topology_cpuset(topology->hwloc);
    mlb_topology_counts(topology, &counts);
    return cJSON_AddBoolToObject(json, "this_machine", counts.this_machine) &&
           add_text(json, "cpu_model", counts.cpu_model) &&
           add_count(json, "packages", counts.packages) && add_count(json, "cores", counts.cores) &&
           add_count(json, "pus", counts.pus) &&
           add_bytes(json, "memory_bytes", counts.memory_bytes) &&
           add_bytes(json, "last_cache_bytes", counts.last_cache_bytes) &&
           (hwloc_bitmap_isequal(allowed, all) || add_cpus(json, "allowed_cpus", allowed));
}

static bool add_node(cJSON *list, hwloc_topology_t hwloc, hwloc_obj_t node)
{
    cJSON *json = mlb_json_append(list, cJSON_CreateObject());
    hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(hwloc, HWLOC_OBJ_PACKAGE, node);
    int cores = hwloc_get_nbobjs_inside_cpuset_by_type(hwloc, node->cpuset, mlb_core_type(hwloc));
    return json && add_count(json, "numa", (int)node->os_index) &&
           (!package || add_count(json, "package", (int)package->os_index)) &&
           add_count(json, "cores", cores) &&
           add_count(json, "pus", hwloc_bitmap_weight(node->cpuset)) &&
           add_bytes(json, "memory_bytes", mlb_node_memory(hwloc, node)) &&
           add_cpus(json, "cpus", node->cpuset);
}

static bool add_nodes(cJSON *json, hwloc_topology_t hwloc)
{
    cJSON *list = cJSON_AddArrayToObject(json, "numa_nodes");
    bool good = list != NULL;
    for (hwloc_obj_t node = NULL; good && (node = mlb_next_cpu_node(hwloc, node)) != NULL;)
        good = add_node(list, hwloc, node);
    return good;
}

static bool add_device(cJSON *list, const struct mlb_pci *pci)
{
    cJSON *json = mlb_json_append(list, cJSON_CreateObject());
    return json && add_text(json, "pci_id", pci->pci_id) && add_text(json, "vendor", pci->vendor) &&
           add_text(json, "product", pci->product) && add_text(json, "model", pci->model) &&
           add_text(json, "names", pci->names) &&
           (pci->numa < 0 || add_count(json, "numa", pci->numa)) &&
           (!(pci->link_bytes_per_s > 0) ||
            cJSON_AddNumberToObject(json, "link_bytes_per_s", pci->link_bytes_per_s));
}

static bool add_devices(cJSON *json, const struct mlb_topology *topology)
{
    cJSON *gpus = cJSON_AddArrayToObject(json, "gpus");
    cJSON *nics = cJSON_AddArrayToObject(json, "nics");
    bool good = gpus && nics;
    for (size_t i = 0; good && i < topology->count; i++) {
        const struct mlb_pci *pci = &topology->places[i].pci;
        good = add_device(pci->kind == MLB_PCI_GPU ? gpus : nics, pci);
    }
    return good;
}

static bool add_distances(cJSON *json, const struct mlb_topology *topology)
{
    size_t gpus = mlb_gpu_count(topology);
    if (gpus == 0 || gpus == topology->count)
        return true;
    cJSON *rows = cJSON_AddArrayToObject(json, "gpu_nic_distance");
    bool good = rows != NULL;
    for (size_t gpu = 0; good && gpu < gpus; gpu++) {
        cJSON *row = mlb_json_append(rows, cJSON_CreateArray());
        good = row != NULL;
        for (size_t nic = gpus; good && nic < topology->count; nic++) {
            enum mlb_distance distance = mlb_topology_distance(topology, gpu, nic);
            good = mlb_json_append(row, cJSON_CreateString(mlb_distance_names[distance])) != NULL;
        }
    }
    return good;
}

cJSON *mlb_topology_to_json(const struct mlb_topology *topology)
{
    cJSON *json = cJSON_CreateObject();
    if (json && add_head(json, topology) && add_nodes(json, topology->hwloc) &&
        add_devices(json, topology) && add_distances(json, topology))
        return json;
    cJSON_Delete(json);
    return NULL;
}
