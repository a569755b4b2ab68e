/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/topology.h"

#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/system/topology_hwloc.h"

const char *const mlb_distance_names[] = {"same switch", "same root", "same NUMA node", "across",
                                          NULL};

/* ----------------------------------------------------------------------------- PCI classes */

enum {
    PCI_VENDOR_NVIDIA = 0x10de,
    PCI_VENDOR_AMD = 0x1002,
    PCI_BASE_NETWORK = 0x02, /* Ethernet, EFA (0200), InfiniBand (0207), other (0280) */
    PCI_BASE_DISPLAY = 0x03, /* VGA (0300), 3D (0302), other (0380) */
    PCI_CLASS_3D = 0x0302,
    PCI_CLASS_INFINIBAND = 0x0c06, /* serial bus, as older host channel adapters say */
    PCI_CLASS_ACCELERATOR = 0x1200 /* AMD Instinct */
};

/* A display adapter counts as a GPU by its vendor, or when it calls itself a 3D controller: what
 * boards and hypervisors show a console with (ASPEED, Matrox, QEMU, Hyper-V, Amazon) is always VGA.
 */
bool mlb_pci_kind_of(struct mlb_pci_class pci, enum mlb_pci_kind *kind)
{
    unsigned base = pci.class_id >> 8;
    bool computes = pci.vendor_id == PCI_VENDOR_NVIDIA || pci.vendor_id == PCI_VENDOR_AMD;
    if ((base == PCI_BASE_DISPLAY && computes) || pci.class_id == PCI_CLASS_3D ||
        (pci.class_id == PCI_CLASS_ACCELERATOR && pci.vendor_id == PCI_VENDOR_AMD)) {
        *kind = MLB_PCI_GPU;
        return true;
    }
    if (base == PCI_BASE_NETWORK || pci.class_id == PCI_CLASS_INFINIBAND) {
        *kind = MLB_PCI_NIC;
        return true;
    }
    return false;
}

/* ----------------------------------------------------------------------------------- walks */

hwloc_obj_type_t mlb_core_type(hwloc_topology_t hwloc)
{
    return hwloc_get_nbobjs_by_type(hwloc, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
}

hwloc_const_cpuset_t mlb_allowed_cpus(hwloc_topology_t hwloc)
{
    return hwloc_topology_get_allowed_cpuset(hwloc);
}

static bool is_second_node(hwloc_topology_t hwloc, hwloc_obj_t node)
{
    for (hwloc_obj_t other = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, NULL);
         other && other != node; other = other->next_cousin)
        if (hwloc_bitmap_isequal(other->cpuset, node->cpuset))
            return true;
    return false;
}

hwloc_obj_t mlb_next_cpu_node(hwloc_topology_t hwloc, hwloc_obj_t previous)
{
    hwloc_obj_t node = previous;
    do {
        node = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, node);
    } while (node && (hwloc_bitmap_iszero(node->cpuset) || is_second_node(hwloc, node)));
    return node;
}

hwloc_obj_t mlb_node_of_cpus(hwloc_topology_t hwloc, hwloc_const_cpuset_t cpus)
{
    hwloc_obj_t found = NULL, node = NULL;
    while ((node = mlb_next_cpu_node(hwloc, node)) != NULL) {
        if (!hwloc_bitmap_intersects(node->cpuset, cpus))
            continue;
        if (found)
            return NULL;
        found = node;
    }
    return found;
}

hwloc_obj_t mlb_last_cache(hwloc_obj_t object)
{
    hwloc_obj_t cache = NULL;
    for (; object; object = object->parent)
        if (hwloc_obj_type_is_dcache(object->type))
            cache = object;
    return cache;
}

void mlb_print_cpus(hwloc_const_cpuset_t cpus, char *to, size_t size)
{
    static const char cut[] = ",...";
    int length = hwloc_bitmap_list_snprintf(to, size, cpus);
    if (length < 0) {
        to[0] = '\0';
    } else if ((size_t)length >= size) {
        to[size - sizeof cut] = '\0';
        char *comma = strrchr(to, ',');
        memcpy(comma ? comma : to, cut, sizeof cut);
    }
}

/* ----------------------------------------------------------------------------- PCI devices */

/* Append `word` to the comma-separated `list`; a word that does not fit is left out whole. */
static void add_word(char *list, size_t size, const char *word)
{
    size_t length = strlen(list), more = strlen(word) + (length > 0);
    if (length + more < size)
        snprintf(list + length, size - length, "%s%s", length ? "," : "", word);
}

/* RDMA devices first (what NCCL_IB_HCA names), then network interfaces, then the rest. */
static int name_order(hwloc_obj_t os_device)
{
    switch (os_device->attr->osdev.type) {
    case HWLOC_OBJ_OSDEV_OPENFABRICS:
        return 0;
    case HWLOC_OBJ_OSDEV_NETWORK:
        return 1;
    default:
        return 2;
    }
}

static void read_names(hwloc_obj_t object, struct mlb_pci *pci)
{
    for (int order = 0; order <= 2; order++)
        for (hwloc_obj_t child = object->io_first_child; child; child = child->next_sibling)
            if (child->type == HWLOC_OBJ_OS_DEVICE && child->name && name_order(child) == order)
                add_word(pci->names, sizeof pci->names, child->name);
}

static void read_model(hwloc_obj_t object, struct mlb_pci *pci)
{
    const char *model = NULL;
    for (hwloc_obj_t child = object->io_first_child; child && !model; child = child->next_sibling)
        model = hwloc_obj_get_info_by_name(child, "GPUModel");
    if (!model)
        model = hwloc_obj_get_info_by_name(object, "PCIDevice");
    snprintf(pci->model, sizeof pci->model, "%s", model ? model : "");
}

static void read_pci(hwloc_topology_t hwloc, hwloc_obj_t object, struct mlb_pci *pci)
{
    const struct hwloc_pcidev_attr_s *attr = &object->attr->pcidev;
    snprintf(pci->pci_id, sizeof pci->pci_id, "%04x:%02x:%02x.%01x", (unsigned)attr->domain,
             (unsigned)attr->bus, (unsigned)attr->dev, (unsigned)attr->func);
    snprintf(pci->vendor, sizeof pci->vendor, "%04x", (unsigned)attr->vendor_id);
    snprintf(pci->product, sizeof pci->product, "%04x", (unsigned)attr->device_id);
    pci->link_bytes_per_s = (double)attr->linkspeed * 1e9; /* hwloc: GB/s */
    read_model(object, pci);
    read_names(object, pci);
    hwloc_obj_t near = hwloc_get_non_io_ancestor_obj(hwloc, object);
    hwloc_obj_t node = near ? mlb_node_of_cpus(hwloc, near->cpuset) : NULL;
    pci->numa = node ? (int)node->os_index : -1;
}

static int compare_places(const void *left, const void *right)
{
    const struct mlb_place *a = left, *b = right;
    if (a->pci.kind != b->pci.kind)
        return a->pci.kind < b->pci.kind ? -1 : 1;
    const struct hwloc_pcidev_attr_s *x = &a->object->attr->pcidev, *y = &b->object->attr->pcidev;
    if (x->domain != y->domain)
        return x->domain < y->domain ? -1 : 1;
    unsigned i = (unsigned)x->bus << 8 | (unsigned)x->dev << 3 | x->func;
    unsigned j = (unsigned)y->bus << 8 | (unsigned)y->dev << 3 | y->func;
    return (i > j) - (i < j);
}

static bool kind_of_object(hwloc_obj_t object, enum mlb_pci_kind *kind)
{
    struct mlb_pci_class pci = {object->attr->pcidev.class_id, object->attr->pcidev.vendor_id};
    return mlb_pci_kind_of(pci, kind);
}

static enum mlb_status list_devices(struct mlb_topology *topology, struct mlb_error *err)
{
    enum mlb_pci_kind kind;
    size_t count = 0;
    hwloc_obj_t object = NULL;
    while ((object = hwloc_get_next_pcidev(topology->hwloc, object)) != NULL)
        count += kind_of_object(object, &kind);
    topology->places = calloc(count ? count : 1, sizeof *topology->places);
    if (!topology->places)
        return mlb_fail(err, MLB_E_NOMEM, "topology: out of memory for %zu PCI devices", count);
    while ((object = hwloc_get_next_pcidev(topology->hwloc, object)) != NULL) {
        if (!kind_of_object(object, &kind))
            continue;
        struct mlb_place *place = &topology->places[topology->count++];
        place->object = object;
        place->pci.kind = kind;
        read_pci(topology->hwloc, object, &place->pci);
    }
    qsort(topology->places, topology->count, sizeof *topology->places, compare_places);
    return MLB_OK;
}

/* -------------------------------------------------------------------------- open and close */

/* Plugins that would start a GPU's driver or look for an X server: slow, and nothing they know is
 * needed here. It is no error when this hwloc has no such plugin. */
static void forbid_drivers(hwloc_topology_t hwloc)
{
    static const char *const components[] = {"cuda", "nvml", "rsmi", "levelzero", "opencl", "gl"};
    for (size_t i = 0; i < sizeof components / sizeof components[0]; i++)
        (void)hwloc_topology_set_components(hwloc, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST,
                                            components[i]);
}

/* hwloc falls back on the machine that it runs on, without a word, when it cannot read another. */
static enum mlb_status check_replay(hwloc_topology_t hwloc, struct mlb_error *err)
{
    static const char *const variables[] = {"HWLOC_XMLFILE", "HWLOC_FSROOT", "HWLOC_SYNTHETIC"};
    if (!hwloc_topology_is_thissystem(hwloc) || getenv("HWLOC_THISSYSTEM"))
        return MLB_OK;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        if (getenv(variables[i]))
            return mlb_fail(err, MLB_E_CONFIG,
                            "%s=%s: hwloc cannot read that machine; correct or unset it",
                            variables[i], getenv(variables[i]));
    return MLB_OK;
}

static enum mlb_status load(hwloc_topology_t *hwloc, struct mlb_error *err)
{
    if (hwloc_topology_init(hwloc) != 0) {
        *hwloc = NULL;
        return mlb_fail(err, MLB_E_NOMEM, "hwloc: cannot make a topology: %s", strerror(errno));
    }
    forbid_drivers(*hwloc);
    if (hwloc_topology_set_flags(*hwloc, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) != 0 ||
        hwloc_topology_set_io_types_filter(*hwloc, HWLOC_TYPE_FILTER_KEEP_IMPORTANT) != 0 ||
        hwloc_topology_load(*hwloc) != 0)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "hwloc: cannot read the topology: %s",
                        strerror(errno));
    return check_replay(*hwloc, err);
}

enum mlb_status mlb_topology_open(struct mlb_topology **topology, struct mlb_error *err)
{
    enum mlb_status status;
    *topology = NULL;
    struct mlb_topology *made = calloc(1, sizeof *made);
    if (!made)
        return mlb_fail(err, MLB_E_NOMEM, "topology: out of memory");
    status = load(&made->hwloc, err);
    if (status == MLB_OK)
        status = list_devices(made, err);
    if (status != MLB_OK) {
        mlb_topology_close(made);
        return status;
    }
    *topology = made;
    return MLB_OK;
}

void mlb_topology_close(struct mlb_topology *topology)
{
    if (!topology)
        return;
    if (topology->hwloc)
        hwloc_topology_destroy(topology->hwloc);
    free(topology->places);
    free(topology);
}

/* ---------------------------------------------------------------------------------- counts */

/* GPU memory that the system shows as NUMA nodes (Grace Hopper) is not the machine's. In guests
 * with memory that was plugged in later the nodes tell less than there is. */
static uint64_t sum_memory(hwloc_topology_t hwloc)
{
    uint64_t bytes = 0;
    hwloc_obj_t node = NULL;
    while ((node = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, node)) != NULL)
        if (!node->subtype || strcmp(node->subtype, "GPUMemory") != 0)
            bytes += node->attr->numanode.local_memory;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (hwloc_topology_is_thissystem(hwloc) && pages > 0 && page > 0 &&
        (uint64_t)pages * (uint64_t)page > bytes)
        bytes = (uint64_t)pages * (uint64_t)page;
    return bytes;
}

uint64_t mlb_node_memory(hwloc_topology_t hwloc, hwloc_obj_t node)
{
    bool only = mlb_next_cpu_node(hwloc, NULL) == node && !mlb_next_cpu_node(hwloc, node);
    return only ? sum_memory(hwloc) : node->attr->numanode.local_memory;
}

static uint64_t sum_last_caches(hwloc_topology_t hwloc)
{
    uint64_t bytes = 0;
    hwloc_obj_t pu = NULL, seen = NULL;
    while ((pu = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_PU, pu)) != NULL) {
        hwloc_obj_t cache = mlb_last_cache(pu);
        if (cache && cache != seen)
            bytes += cache->attr->cache.size;
        seen = cache;
    }
    return bytes;
}

static void copy_cpu_model(hwloc_topology_t hwloc, char *to, size_t size)
{
    hwloc_obj_t package = hwloc_get_obj_by_type(hwloc, HWLOC_OBJ_PACKAGE, 0);
    const char *model = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
    if (!model)
        model = hwloc_obj_get_info_by_name(hwloc_get_root_obj(hwloc), "CPUModel");
    snprintf(to, size, "%s", model ? model : "");
}

static int count_type(hwloc_topology_t hwloc, hwloc_obj_type_t type)
{
    int count = hwloc_get_nbobjs_by_type(hwloc, type);
    return count > 0 ? count : 0;
}

size_t mlb_gpu_count(const struct mlb_topology *topology)
{
    size_t count = 0;
    while (count < topology->count && topology->places[count].pci.kind == MLB_PCI_GPU)
        count++;
    return count;
}

struct mlb_words mlb_place_name(const struct mlb_topology *topology, const struct mlb_place *place,
                                size_t more)
{
    struct mlb_words made;
    bool gpu = place->pci.kind == MLB_PCI_GPU;
    size_t index = (size_t)(place - topology->places) - (gpu ? 0 : mlb_gpu_count(topology));
    const char *kind = gpu ? "GPU" : "NIC";
    if (more > 0)
        mlb_format(made.text, sizeof made.text, "%s%zu-%zu", kind, index, index + more);
    else
        mlb_format(made.text, sizeof made.text, "%s%zu", kind, index);
    return made;
}

void mlb_topology_counts(const struct mlb_topology *topology, struct mlb_topology_counts *counts)
{
    hwloc_topology_t hwloc = topology->hwloc;
    *counts = (struct mlb_topology_counts){0};
    counts->packages = count_type(hwloc, HWLOC_OBJ_PACKAGE);
    counts->cores = count_type(hwloc, mlb_core_type(hwloc));
    counts->pus = count_type(hwloc, HWLOC_OBJ_PU);
    for (hwloc_obj_t node = NULL; (node = mlb_next_cpu_node(hwloc, node)) != NULL;)
        counts->numa_nodes++;
    counts->gpus = (int)mlb_gpu_count(topology);
    counts->nics = (int)topology->count - counts->gpus;
    counts->memory_bytes = sum_memory(hwloc);
    counts->last_cache_bytes = sum_last_caches(hwloc);
    copy_cpu_model(hwloc, counts->cpu_model, sizeof counts->cpu_model);
    counts->this_machine = hwloc_topology_is_thissystem(hwloc) != 0;
}

/* ----------------------------------------------------------------------- devices, distance */

size_t mlb_topology_pci_count(const struct mlb_topology *topology)
{
    return topology->count;
}

const struct mlb_pci *mlb_topology_pci(const struct mlb_topology *topology, size_t index)
{
    return index < topology->count ? &topology->places[index].pci : NULL;
}

static bool is_io(hwloc_obj_t object)
{
    return hwloc_obj_type_is_io(object->type) != 0;
}

static size_t depth_of(hwloc_obj_t object)
{
    size_t depth = 0;
    for (; object->parent; object = object->parent)
        depth++;
    return depth;
}

/* hwloc's own search for a common ancestor compares the depths of levels, which I/O objects lack.
 */
static hwloc_obj_t common_ancestor(hwloc_obj_t a, hwloc_obj_t b)
{
    size_t deep_a = depth_of(a), deep_b = depth_of(b);
    for (; deep_a > deep_b; deep_a--)
        a = a->parent;
    for (; deep_b > deep_a; deep_b--)
        b = b->parent;
    for (; a != b; b = b->parent)
        a = a->parent;
    return a;
}

/* Two host bridges are in the same NUMA node when they hang on the same CPUs. Those that hang on
 * all CPUs of a machine with several nodes are the ones whose place is not known. */
static enum mlb_distance distance_of_roots(hwloc_topology_t hwloc, hwloc_obj_t a, hwloc_obj_t b)
{
    hwloc_obj_t near_a = hwloc_get_non_io_ancestor_obj(hwloc, a);
    hwloc_obj_t near_b = hwloc_get_non_io_ancestor_obj(hwloc, b);
    hwloc_obj_t node_a = mlb_node_of_cpus(hwloc, near_a->cpuset);
    hwloc_obj_t node_b = mlb_node_of_cpus(hwloc, near_b->cpuset);
    if (node_a || node_b)
        return node_a == node_b ? MLB_SAME_NUMA : MLB_ACROSS;
    bool known = !hwloc_bitmap_isequal(near_a->cpuset, hwloc_get_root_obj(hwloc)->cpuset);
    bool same = hwloc_bitmap_isequal(near_a->cpuset, near_b->cpuset);
    return known && same ? MLB_SAME_NUMA : MLB_ACROSS;
}

enum mlb_distance mlb_topology_distance(const struct mlb_topology *topology, size_t a, size_t b)
{
    hwloc_obj_t one = topology->places[a].object, other = topology->places[b].object;
    hwloc_obj_t common = common_ancestor(one, other);
    if (!is_io(common))
        return distance_of_roots(topology->hwloc, one, other);
    bool below_host = common->type != HWLOC_OBJ_BRIDGE ||
                      common->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_PCI;
    return below_host ? MLB_SAME_SWITCH : MLB_SAME_ROOT;
}

/* ------------------------------------------------------------------------------------ find */

struct address {
    unsigned domain, bus, device, function;
};

static bool parse_address(const char *text, struct address *address)
{
    int end = 0;
    *address = (struct address){0};
    if (sscanf(text, "%x:%x:%x.%x%n", &address->domain, &address->bus, &address->device,
               &address->function, &end) == 4 &&
        text[end] == '\0')
        return true;
    *address = (struct address){0};
    return sscanf(text, "%x:%x.%x%n", &address->bus, &address->device, &address->function, &end) ==
               3 &&
           text[end] == '\0';
}

bool mlb_topology_find_pci(const struct mlb_topology *topology, const char *pci_id, size_t *index)
{
    struct address want;
    if (!pci_id || !parse_address(pci_id, &want))
        return false;
    for (size_t i = 0; i < topology->count; i++) {
        const struct hwloc_pcidev_attr_s *pci = &topology->places[i].object->attr->pcidev;
        if (topology->places[i].pci.kind == MLB_PCI_GPU && pci->domain == want.domain &&
            pci->bus == want.bus && pci->dev == want.device && pci->func == want.function) {
            *index = i;
            return true;
        }
    }
    return false;
}
