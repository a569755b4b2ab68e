/* SPDX-License-Identifier: Apache-2.0 */
/* The machine as hwloc sees it: packages, NUMA nodes, cores, caches, the PCI tree with GPUs and
 * NICs, and how near each GPU is to each NIC.
 *
 * HWLOC_XMLFILE, HWLOC_FSROOT and HWLOC_SYNTHETIC replay other machines; nothing is bound then. */
#ifndef MLB_SYSTEM_TOPOLOGY_H
#define MLB_SYSTEM_TOPOLOGY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/base/text.h"

/* Nearness of two PCI devices, by their lowest common ancestor (names of nvidia-smi topo in
 * brackets). Smaller is nearer. */
enum mlb_distance {
    MLB_SAME_SWITCH, /* a PCI bridge below the host bridge holds both (PIX, PXB) */
    MLB_SAME_ROOT,   /* same host bridge / root complex (PHB) */
    MLB_SAME_NUMA,   /* same NUMA node, other root (NODE) */
    MLB_ACROSS       /* across NUMA nodes (SYS) */
};
extern const char
    *const mlb_distance_names[]; /* "same switch", "same root", "same NUMA node", "across" */

enum mlb_pci_kind { MLB_PCI_GPU, MLB_PCI_NIC };

struct mlb_pci {
    enum mlb_pci_kind kind;
    char pci_id[24];            /* "0000:1b:00.0", lower case */
    char vendor[8], product[8]; /* hex: "10de", "2335" */
    char model[96];             /* from hwloc's database; may be "" */
    char names[96];             /* OS devices, comma-separated: "mlx5_0,ib0"; may be "" */
    int numa;                   /* OS index of the NUMA node; -1 = unknown */
    double link_bytes_per_s;    /* PCIe link as hwloc reports it; 0 = unknown */
};

struct mlb_topology; /* opaque; holds the hwloc topology */

/* Load this machine (or the replayed one). */
enum mlb_status mlb_topology_open(struct mlb_topology **topology, struct mlb_error *err);
void mlb_topology_close(struct mlb_topology *topology); /* NULL is fine */

struct mlb_topology_counts {
    int packages, numa_nodes, cores, pus, gpus, nics;
    uint64_t memory_bytes;     /* of the machine */
    uint64_t last_cache_bytes; /* sum over the machine's last-level caches */
    char cpu_model[96];        /* "" unknown */
    bool this_machine;         /* false when replayed */
};
void mlb_topology_counts(const struct mlb_topology *topology, struct mlb_topology_counts *counts);

size_t mlb_topology_pci_count(const struct mlb_topology *topology);
const struct mlb_pci *mlb_topology_pci(const struct mlb_topology *topology, size_t index);
enum mlb_distance mlb_topology_distance(const struct mlb_topology *topology, size_t a, size_t b);
/* Index of the GPU with this PCI id (any case, with or without the domain); false when not there.
 */
bool mlb_topology_find_pci(const struct mlb_topology *topology, const char *pci_id, size_t *index);

/* --------------------------------------------------------------------------------- binding */

enum mlb_binding_by { MLB_BOUND_BY_LAUNCHER, MLB_BOUND_BY_MLBENCH, MLB_NOT_BOUND };

struct mlb_binding {
    enum mlb_binding_by by;
    int cores;            /* distinct cores this process may run on, at least 1 */
    int pus;              /* hardware threads this process may run on */
    int machine_cores;    /* cores that the process could have (cgroup allowed) */
    int numa;             /* the one NUMA node it is within, -1 = several */
    uint64_t cache_bytes; /* this rank's share of the last-level caches its cores have */
    char cpus[128];       /* list form: "0-11,96-107" */
    char warning[256];    /* "" = right; else what is wrong or missing, and what to do */
};

/* Bind this process, first thing on a rank, before threads are made but when all local ranks have
 * been started: to all cores of the NUMA node of the GPU `pci_id`, which local ranks whose GPUs
 * hang on the same node have in common, or with pci_id NULL/"" to its share of the cores:
 * local_rank of local_size, whole cores, NUMA nodes not straddled where shares allow. A launcher's
 * binding (fewer PUs than allowed to the job) is never left, and judged: a GPU rank bound across
 * the machine from its GPU, more ranks than cores, or one core of many get a warning. CPU ranks
 * that the launcher bound to the same cores share them out. */
enum mlb_status mlb_topology_bind(struct mlb_topology *topology, int local_rank, int local_size,
                                  const char *pci_id, struct mlb_binding *binding,
                                  struct mlb_error *err);

/* -------------------------------------------------------------------------------- printing */

/* The machine as a picture in text, at most 100 columns: packages > NUMA nodes (memory, cores,
 * cache) > PCI tree with GPUs and NICs, then the table GPU x NIC of distances. Empty bridges are
 * left out. */
void mlb_topology_print(const struct mlb_topology *topology, struct mlb_text *text);
/* The same facts for the record; caller deletes; NULL when out of memory. */
cJSON *mlb_topology_to_json(const struct mlb_topology *topology);

#endif
