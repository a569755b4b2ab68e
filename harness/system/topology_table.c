/* SPDX-License-Identifier: Apache-2.0 */
/* The table GPU x NIC below the picture. */
#include "harness/system/topology_hwloc.h"

/* Neighbouring NICs that are equally far from every GPU share a column. */
static size_t end_of_column(const struct mlb_topology *topology, size_t nic)
{
    size_t gpus = mlb_gpu_count(topology), end = nic + 1;
    for (; end < topology->count; end++)
        for (size_t gpu = 0; gpu < gpus; gpu++)
            if (mlb_topology_distance(topology, gpu, nic) !=
                mlb_topology_distance(topology, gpu, end))
                return end;
    return end;
}

enum { ROW_NAME = 7, CELL = 10 };

/* Columns from NIC `first` on, as many as fit; returns the NIC after them. */
static size_t print_block(const struct mlb_topology *topology, size_t first, struct mlb_text *text)
{
    static const char *const shown[] = {"switch", "root", "node", "across"};
    size_t gpus = mlb_gpu_count(topology), starts[(MLB_PICTURE_WIDTH - ROW_NAME) / CELL],
           columns = 0;
    size_t nic = first;
    mlb_text_addf(text, "%*s", ROW_NAME, "");
    for (; nic < topology->count && columns < sizeof starts / sizeof starts[0]; columns++) {
        size_t end = end_of_column(topology, nic);
        starts[columns] = nic;
        mlb_text_addf(text, "%*s", CELL,
                      mlb_place_name(topology, &topology->places[nic], end - nic - 1).text);
        nic = end;
    }
    mlb_text_add(text, "\n");
    for (size_t gpu = 0; gpu < gpus; gpu++) {
        mlb_text_addf(text, "%-*s", ROW_NAME,
                      mlb_place_name(topology, &topology->places[gpu], 0).text);
        for (size_t i = 0; i < columns; i++)
            mlb_text_addf(text, "%*s", CELL,
                          shown[mlb_topology_distance(topology, gpu, starts[i])]);
        mlb_text_add(text, "\n");
    }
    return nic;
}

void mlb_topology_print_distances(const struct mlb_topology *topology, struct mlb_text *text)
{
    size_t nic = mlb_gpu_count(topology);
    if (nic == 0 || nic == topology->count)
        return;
    mlb_text_add(text,
                 "\nGPU to NIC: what both share (a PCI switch or bridge, a host bridge = root, "
                 "a NUMA node), or across\n");
    while (nic < topology->count)
        nic = print_block(topology, nic, text);
}
