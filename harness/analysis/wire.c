/* SPDX-License-Identifier: Apache-2.0 */
/* S is what algbw divides by: of all_reduce, broadcast, reduce and sendrecv the message of one
 * rank, of the others all n blocks. n ranks on k machines, g = n/k of them on each.
 *
 * Sources: the bus factors of nccl-tests (doc/PERFORMANCE.md); for NVLS issue NVIDIA/nccl-tests
 * #239, where its maintainer settles algbw = wire x n/(n+1); for trees between machines
 * stas00/ml-engineering, network/README ("busbw x (k-1)/(n-1)" for each accelerator). The rest is
 * counted below. */
#include "harness/analysis/wire.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

typedef double formula(double n, double k);

/* ------------------------------------------------------------------------ over a machine's network
 */

/* A ring enters and leaves each machine once, and over each of its n links goes what goes over the
 * others: (n-1)/n S for each of its two rounds in an all_reduce ... */
static double ring_twice(double n, double k)
{
    (void)k;
    return 2.0 * (n - 1.0) / n;
}

/* ... and for the one round of an all_gather or a reduce_scatter. */
static double ring_once(double n, double k)
{
    (void)k;
    return (n - 1.0) / n;
}

/* A tree of k machines has k-1 edges, over each of which S goes up and S comes down: 2(k-1) S in
 * all, 2(k-1)/k S of a machine in the mean. A ring of machines over slices that were summed up
 * inside each sends just as much. */
static double between_twice(double n, double k)
{
    (void)n;
    return 2.0 * (k - 1.0) / k;
}

/* What the other machines have of S comes in (all_gather), or what they shall have goes out
 * (reduce_scatter); of a root's machine also in gather and scatter. */
static double between_once(double n, double k)
{
    (void)n;
    return (k - 1.0) / k;
}

/* All of S once: a broadcast's root sends it, a sendrecv's last rank of a machine does; and to a
 * switch that adds up. */
static double whole(double n, double k)
{
    (void)n, (void)k;
    return 1.0;
}

/* Of two trees of half of S each, where an inner machine of the one is a leaf of the other, a
 * machine with two below it sends 1/2 up, 2 x 1/2 down and as a leaf 1/2. */
static double double_tree_most(double n, double k)
{
    (void)n;
    return k > 2.0 ? 2.0 : 1.0;
}

/* Each of g ranks has S/n for each of n-g ranks elsewhere, and no two of them are the same. */
static double personal(double n, double k)
{
    double g = n / k;
    return g * (n - g) / n;
}

/* ---------------------------------------------------------------------------- links inside a
 * machine
 */

/* Of the n links of a ring over several machines g-1 in g lie inside one. */
static double inside(double n, double k)
{
    double g = n / k;
    return k > 1.0 ? (g - 1.0) / g : 1.0;
}

static double ring_twice_inside(double n, double k)
{
    return ring_twice(n, k) * inside(n, k);
}

static double ring_once_inside(double n, double k)
{
    return ring_once(n, k) * inside(n, k);
}

/* Inside a machine NCCL's tree is a chain: up and down over g-1 links between g devices. */
static double chain_twice(double n, double k)
{
    double g = n / k;
    return 2.0 * (g - 1.0) / g;
}

/* A device's S is read by the switch that adds up, and its part of the sum, S/g, goes to the switch
 * that hands it out. */
static double switch_sum(double n, double k)
{
    double g = n / k;
    return (g + 1.0) / g;
}

static double switch_or_ring(double n, double k)
{
    return fmin(switch_sum(n, k), chain_twice(n, k));
}

static double switch_or_ring_most(double n, double k)
{
    return fmax(switch_sum(n, k), ring_twice(n, k));
}

static double personal_inside(double n, double k)
{
    return (n / k - 1.0) / n;
}

/* Some of NCCL's ways lead over another device of the machine to the NIC that is nearest to the
 * receiver (PXN). */
static double personal_over_others(double n, double k)
{
    return personal_inside(n, k) + (k > 1.0 ? between_once(n, k) : 0.0);
}

/* ------------------------------------------------------------------------------------------- table
 */

enum { LEAST, MOST };

/* The first row of a collective with the algorithm holds. "*": all of them send the same. "": any
 * other, between the least and the most of those that are listed. */
static const struct wire {
    const char *collective, *algorithm;
    formula *network[2], *of_one[2], *device[2];
} wires[] = {
/* clang-format off */
#define EXACT(f) {f, f}
    {"all_reduce", "ring", EXACT(ring_twice), EXACT(ring_twice), EXACT(ring_twice_inside)},
    {"all_reduce", "tree", EXACT(between_twice), {whole, double_tree_most}, EXACT(chain_twice)},
    {"all_reduce", "nvlstree", EXACT(between_twice), {whole, double_tree_most}, EXACT(switch_sum)},
    {"all_reduce", "nvls", EXACT(whole), EXACT(whole), EXACT(switch_sum)},
    {"all_reduce", "collnetdirect", EXACT(whole), EXACT(whole), EXACT(chain_twice)},
    {"all_reduce", "collnetchain", EXACT(whole), EXACT(whole), EXACT(chain_twice)},
    {"all_reduce", "", {between_twice, ring_twice}, {whole, double_tree_most},
                       {switch_or_ring, switch_or_ring_most}},
    {"all_gather", "ring", EXACT(ring_once), EXACT(ring_once), EXACT(ring_once_inside)},
    {"all_gather", "", {between_once, ring_once}, {between_once, whole}, {ring_once_inside, whole}},
    {"reduce_scatter", "ring", EXACT(ring_once), EXACT(ring_once), EXACT(ring_once_inside)},
    {"reduce_scatter", "", {between_once, ring_once}, {between_once, whole},
                           {ring_once_inside, whole}},
    {"alltoall", "*", EXACT(personal), EXACT(personal), {personal_inside, personal_over_others}},
    {"broadcast", "ring", EXACT(whole), EXACT(whole), EXACT(whole)},
    {"broadcast", "", EXACT(whole), EXACT(whole), EXACT(whole)},
    {"reduce", "ring", EXACT(whole), EXACT(whole), EXACT(whole)},
    {"reduce", "", EXACT(whole), EXACT(whole), EXACT(whole)},
    {"sendrecv", "*", EXACT(whole), EXACT(whole), EXACT(whole)},
    {"gather", "*", EXACT(between_once), EXACT(between_once),
                    {personal_inside, personal_over_others}},
    {"scatter", "*", EXACT(between_once), EXACT(between_once),
                     {personal_inside, personal_over_others}},
#undef EXACT
    /* clang-format on */
};

void mlb_wire_algorithm_name(const char *algorithm, char *to, size_t size)
{
    size_t length = 0;
    for (; algorithm && *algorithm && length + 1 < size; algorithm++)
        if (isalnum((unsigned char)*algorithm))
            to[length++] = (char)tolower((unsigned char)*algorithm);
    if (size > 0)
        to[length] = '\0';
}

static const struct wire *find_wire(const struct mlb_wire_group *group)
{
    char name[32];
    mlb_wire_algorithm_name(group->algorithm, name, sizeof name);
    for (size_t i = 0; i < sizeof wires / sizeof *wires; i++)
        if (strcmp(wires[i].collective, group->collective) == 0 &&
            (!wires[i].algorithm[0] || wires[i].algorithm[0] == '*' ||
             strcmp(wires[i].algorithm, name) == 0))
            return &wires[i];
    return NULL;
}

static bool is_group(const struct mlb_wire_group *group)
{
    return group->ranks > 1 && group->nodes > 0 && group->nodes <= group->ranks;
}

static struct mlb_wire_factor factor_of(const struct mlb_wire_group *group, const struct wire *wire,
                                        formula *const formulas[2])
{
    double n = group->ranks, k = group->nodes;
    return (struct mlb_wire_factor){.known = true,
                                    .sure = wire->algorithm[0] != '\0',
                                    .low = formulas[LEAST](n, k),
                                    .high = formulas[MOST](n, k)};
}

struct mlb_wire_factor mlb_wire_network(const struct mlb_wire_group *group)
{
    const struct wire *wire = is_group(group) ? find_wire(group) : NULL;
    if (!wire || group->nodes == 1)
        return (struct mlb_wire_factor){.known = wire != NULL, .sure = wire != NULL};
    return factor_of(group, wire, wire->network);
}

static bool is_any(const struct mlb_wire_group *group, const char *one, const char *other)
{
    return strcmp(group->collective, one) == 0 || strcmp(group->collective, other) == 0;
}

/* All that a root gathers goes to its one machine; what it broadcasts enters each other one once.
 */
double mlb_wire_network_all(const struct mlb_wire_group *group)
{
    double k = group->nodes;
    if (!mlb_wire_network(group).known || group->nodes == 1)
        return 0.0;
    if (is_any(group, "gather", "scatter"))
        return 1.0;
    return is_any(group, "broadcast", "reduce") ? k - 1.0 : k;
}

struct mlb_wire_factor mlb_wire_network_of_one(const struct mlb_wire_group *group)
{
    struct mlb_wire_factor factor = mlb_wire_network(group);
    if (!factor.known || group->nodes == 1)
        return factor;
    const struct wire *wire = find_wire(group);
    struct mlb_wire_factor one = factor_of(group, wire, wire->of_one);
    factor.low = fmin(one.low, factor.low);
    factor.high = fmax(one.high, factor.high);
    return factor;
}

struct mlb_wire_factor mlb_wire_inside(const struct mlb_wire_group *group)
{
    const struct wire *wire = is_group(group) ? find_wire(group) : NULL;
    if (!wire)
        return (struct mlb_wire_factor){0};
    if (group->nodes == group->ranks) /* one device a machine: no such links */
        return (struct mlb_wire_factor){.known = true, .sure = true};
    return factor_of(group, wire, wire->device);
}

/* ------------------------------------------------------------------------------------------- least
 */

/* Without a switch that adds up or copies, each byte that a machine needs has to be sent to it by
 * another one: the means above. With one, of a sum S has to come out of each machine once. */
double mlb_wire_least_network(const struct mlb_wire_group *group, bool summing)
{
    struct mlb_wire_group any = *group;
    any.algorithm = "";
    struct mlb_wire_factor factor = mlb_wire_network(&any);
    if (!factor.known || group->nodes == 1)
        return 0.0;
    bool sum = strcmp(group->collective, "all_reduce") == 0;
    return summing && sum ? fmin(1.0, factor.low) : factor.low;
}

/* All of a device's links together: what it has to send or to get whoever the others are. */
double mlb_wire_least_device(const struct mlb_wire_group *group, bool summing)
{
    double n = group->ranks;
    if (!is_group(group) || !find_wire(group))
        return 0.0;
    if (strcmp(group->collective, "all_reduce") == 0)
        return summing ? fmin((n + 1.0) / n, 2.0 * (n - 1.0) / n) : 2.0 * (n - 1.0) / n;
    bool passed_on = strcmp(group->collective, "broadcast") == 0 ||
                     strcmp(group->collective, "reduce") == 0 ||
                     strcmp(group->collective, "sendrecv") == 0;
    return passed_on ? 1.0 : (n - 1.0) / n;
}

bool mlb_wire_sums_in_network(const struct mlb_wire_group *group)
{
    char name[32];
    mlb_wire_algorithm_name(group->algorithm, name, sizeof name);
    return group->nodes > 1 && (strncmp(name, "collnet", 7) == 0 || strcmp(name, "nvls") == 0);
}

/* ---------------------------------------------------------------------------------------- protocol
 */

double mlb_wire_protocol(const char *protocol)
{
    char name[16];
    mlb_wire_algorithm_name(protocol, name, sizeof name);
    if (strcmp(name, "ll") == 0)
        return 2.0;
    return strcmp(name, "ll128") == 0 ? 128.0 / 120.0 : 1.0;
}
