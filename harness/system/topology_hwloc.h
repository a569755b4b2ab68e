/* SPDX-License-Identifier: Apache-2.0 */
/* What topology.c, binding.c and topology_print.c share: the opaque struct and walks over it. Only
 * those files and their tests include this header, so hwloc stays inside this folder. */
#ifndef MLB_SYSTEM_TOPOLOGY_HWLOC_H
#define MLB_SYSTEM_TOPOLOGY_HWLOC_H

#include <hwloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/system/topology.h"

struct mlb_place {
    struct mlb_pci pci;
    hwloc_obj_t object;
};

struct mlb_topology {
    hwloc_topology_t hwloc;
    struct mlb_place *places; /* GPUs first, then NICs, each in the order of their PCI ids */
    size_t count;
};

struct mlb_words {
    char text[96];
};

/* "GPU0", "NIC3"; `more` further neighbours make "NIC3-6". */
struct mlb_words mlb_place_name(const struct mlb_topology *topology, const struct mlb_place *place,
                                size_t more);

size_t mlb_gpu_count(const struct mlb_topology *topology);

/* A PCI function as its configuration space describes it. */
struct mlb_pci_class {
    unsigned class_id; /* 0x0302: base class and subclass */
    unsigned vendor_id;
};

/* Is it listed, and as what? See topology.c for the rule. */
bool mlb_pci_kind_of(struct mlb_pci_class pci, enum mlb_pci_kind *kind);

/* HWLOC_OBJ_CORE, or HWLOC_OBJ_PU where the system does not tell cores. */
hwloc_obj_type_t mlb_core_type(hwloc_topology_t hwloc);

/* CPUs that the cgroup lets this job use. The topology itself holds all of the machine, so that a
 * GPU beside CPUs of others still has its place. */
hwloc_const_cpuset_t mlb_allowed_cpus(hwloc_topology_t hwloc);

/* NUMA nodes that have CPUs. Nodes over the same CPUs (DRAM and HBM of a Xeon Max, GPU memory of a
 * Grace Hopper) count once: the first. Start with NULL, ends with NULL. */
hwloc_obj_t mlb_next_cpu_node(hwloc_topology_t hwloc, hwloc_obj_t previous);

/* The only such node that has CPUs of `cpus`; NULL when there are several. */
hwloc_obj_t mlb_node_of_cpus(hwloc_topology_t hwloc, hwloc_const_cpuset_t cpus);

/* Bytes; of a machine's only node all that the machine has. */
uint64_t mlb_node_memory(hwloc_topology_t hwloc, hwloc_obj_t node);

/* Last-level data or unified cache above `object`; NULL when none is known. */
hwloc_obj_t mlb_last_cache(hwloc_obj_t object);

/* List form of `cpus` (or of a set of nodes) into `to`; what does not fit is replaced by ",...". */
void mlb_print_cpus(hwloc_const_cpuset_t cpus, char *to, size_t size);

#define MLB_PICTURE_WIDTH 100 /* columns */

/* Nothing when there is no GPU or no NIC. */
void mlb_topology_print_distances(const struct mlb_topology *topology, struct mlb_text *text);

/* ------------------------------------------------------------------------ binding decision */

struct mlb_binding_question {
    int local_rank, local_size;
    const char *pci_id;           /* of the rank's GPU; NULL or "" for a CPU rank */
    hwloc_const_cpuset_t current; /* CPUs that this process may run on now */
    hwloc_const_cpuset_t parent;  /* the same of its parent, the launcher; NULL = unknown */
    int sharing;                  /* other ranks of this job that may run on some of them */
    int before;                   /* how many of those have their place before this one's */
    double cpu_quota;             /* CPUs' worth of time that the cgroup grants; 0 = no limit */
};

/* Pure: where this rank belongs. `cpus` receives the CPUs that `binding` speaks of; the caller
 * binds to them when binding->by says MLB_BOUND_BY_MLBENCH. */
enum mlb_status mlb_binding_decide(const struct mlb_topology *topology,
                                   const struct mlb_binding_question *question, hwloc_cpuset_t cpus,
                                   struct mlb_binding *binding, struct mlb_error *err);

#endif
