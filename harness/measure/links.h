/* SPDX-License-Identifier: Apache-2.0 */
/* What the links of a job give, pair by pair, and which of them is sick: the finished data of a
 * survey. A rate is bytes/s in one direction; the two are taken one after the other.
 *
 * A rail is a local rank and its twins of the same local rank on the other machines: what it sends
 * leaves by the network card that is its own. */
#ifndef MLB_MEASURE_LINKS_H
#define MLB_MEASURE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/device/telemetry.h"

/* Where a rank is and what it has; no name of a host. */
struct mlb_rank_place {
    int machine, local;
    char pci_id[24], uuid[48]; /* of its GPU; "" = none, or unknown */
    char nic[64];              /* nearest network cards, by PCI: "mlx5_0,mlx5_1"; "" = unknown */
};

enum mlb_sick_kind {
    MLB_SICK_MACHINE, /* all its rails, whoever the partner is */
    MLB_SICK_RAIL,    /* one rank's way out of a machine whose other rails are well */
    MLB_SICK_LINK,    /* between two machines that are well with others */
    MLB_SICK_DEVICE,  /* one rank within its machine, whoever the partner is */
    MLB_SICK_PATH,    /* one rail between two machines: of two, none tells which end it is */
};
extern const char *const mlb_sick_kind_names[]; /* "machine", "rail", ...; NULL-terminated */

/* A suspicion from the matrices, and what became of it when it was tested again, alone. */
struct mlb_sick {
    enum mlb_sick_kind kind;
    bool confirmed; /* false: as fast as its twins then */
    int machine;
    int other; /* link, path: the second machine */
    int local; /* rail, device, path: the rank's number in its machine */
    /* Parts of what its twins gave at the same time, 0.5 = half: of the slower direction; of each,
     * where it was tried again; of a link from `machine` to `other` and back. */
    double share;
    struct mlb_maybe sends, receives;
    double gain; /* without the machines named, the slowest pair is so many times as fast; 0 = it
                  * has nothing to do with pairs of machines, or none would be left */
};

struct mlb_links {
    char device[16], library[64]; /* "cuda", "NCCL 2.28.9" */
    uint64_t message_bytes;       /* of a rank, between machines; within them if there is but one */
    int tries;                    /* a rate is the best of so many */
    double wall_s;

    int machines, rails; /* rails: most ranks that two machines have in common */
    double *pair;        /* [from][to] machines, all rails together; NaN = not measured; owned */
    double *rail;        /* [from][to][rails], the same exchanges one by one; owned */

    int locals;    /* most ranks of a machine */
    double *local; /* [machines][from][to], ranks of a machine; owned */

    /* Of machines in two halves, the median over pairs of the slower direction: each rail while the
     * others are silent ([rails], owned), and all of them at once. */
    double *rail_alone;
    struct mlb_maybe rails_together;
    /* Sum over pairs of two halves of the machines, all busy: in their order; in a random one. */
    struct mlb_maybe bisection, bisection_random;

    uint64_t checked, wrong;  /* elements received, compared with what was sent */
    int wrong_from, wrong_to; /* ranks of the first wrong one; only with `wrong` */

    struct mlb_sick *sick; /* owned */
    size_t sick_count;
    int untried; /* more that were suspected: too many, nobody to compare them with, or unsteady */
};

void mlb_links_free(struct mlb_links *links); /* frees `links` too; NULL is fine */

/* NULL when out of memory. The arrays are there, of NaN. */
struct mlb_links *mlb_links_new(int machines, int rails, int locals);

static inline double *mlb_links_pair(const struct mlb_links *links, int from, int to)
{
    return &links->pair[(size_t)from * (size_t)links->machines + (size_t)to];
}

static inline double *mlb_links_rail(const struct mlb_links *links, int from, int to, int rail)
{
    size_t pair = (size_t)from * (size_t)links->machines + (size_t)to;
    return &links->rail[pair * (size_t)links->rails + (size_t)rail];
}

/* The matrix of one machine's ranks. */
static inline double *mlb_links_inside(const struct mlb_links *links, int machine)
{
    size_t locals = (size_t)links->locals;
    return &links->local[(size_t)machine * locals * locals];
}

/* Sum of the rails one at a time; unknown below two, or when one is. All at once they give less
 * where they share something: together / alone = 1 is no interference at all. */
struct mlb_maybe mlb_links_rails_alone(const struct mlb_links *links);

#endif
