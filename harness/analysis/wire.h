/* SPDX-License-Identifier: Apache-2.0 */
/* What a collective puts on the wires. busbw is one formula for all algorithms, so that figures
 * compare; what a wire carries depends on the algorithm that ran: of the same busbw a ring sends
 * all over a machine's network and a tree between machines a good half of it. Pure. */
#ifndef MLB_ANALYSIS_WIRE_H
#define MLB_ANALYSIS_WIRE_H

#include <stdbool.h>
#include <stddef.h>

/* Ranks that a collective is among, on machines whose ranks follow each other. */
struct mlb_wire_group {
    const char *collective; /* name of the workload: "all_reduce" */
    const char *algorithm;  /* as the library names it: "RING", "NVLS_TREE"; "" = not known */
    int ranks, nodes;
};

/* Bytes for each byte of S, of a call and in the direction in which more goes. An algorithm that
 * is not known lies between what the least and the most talkative of NCCL's send, or above: then it
 * is not sure. */
struct mlb_wire_factor {
    bool known; /* the collective is */
    bool sure;  /* the algorithm is too, or all of them send the same */
    double low, high;
};

/* Over the network of one machine: the mean of all machines, but of the root's where the collective
 * has one. 0 on one machine. */
struct mlb_wire_factor mlb_wire_network(const struct mlb_wire_group *group);
/* How many times that all machines together send: that of a root counts what the others have for
 * it, or sends what they pass on. 0 = the collective is not known, or one machine. */
double mlb_wire_network_all(const struct mlb_wire_group *group);
/* What any ONE machine may send: where an algorithm treats them unequally (trees: 1 to 2 of three
 * machines or more), this is wider than the mean. */
struct mlb_wire_factor mlb_wire_network_of_one(const struct mlb_wire_group *group);
/* Over the links of one device inside its machine (NVLink): the mean of all devices. */
struct mlb_wire_factor mlb_wire_inside(const struct mlb_wire_group *group);

/* The least that any way of doing it sends: over the network of a machine, and out of a device over
 * all of its links together. `summing` is what may add up or copy on its way: the network's
 * switches (SHARP), the switch inside a machine (NVLink SHARP). 0 = the collective is not known. */
double mlb_wire_least_network(const struct mlb_wire_group *group, bool summing);
double mlb_wire_least_device(const struct mlb_wire_group *group, bool summing);

/* Does the algorithm let the network's switches add up? */
bool mlb_wire_sums_in_network(const struct mlb_wire_group *group);

/* Bytes that a protocol of NCCL sends for a byte of data: LL has a flag of 4 bytes with every 4,
 * LL128 one of 8 with every 120; all others 1. Source: NVIDIA/nccl, src/include/device.h. */
double mlb_wire_protocol(const char *protocol);

/* "RING", "NVLS_TREE" as they are printed: "ring", "nvlstree". `to` holds `size` bytes. */
void mlb_wire_algorithm_name(const char *algorithm, char *to, size_t size);

#endif
