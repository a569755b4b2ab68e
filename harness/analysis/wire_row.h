/* SPDX-License-Identifier: Apache-2.0 */
/* What the links carried while a row of a collective was measured, as a part of what they can, and
 * whether the ports' own counters say so too. Pure. */
#ifndef MLB_ANALYSIS_WIRE_ROW_H
#define MLB_ANALYSIS_WIRE_ROW_H

#include "harness/analysis/wire.h"
#include "harness/measure/result.h"

/* The group that a row is of: its `work` and its detail "algorithm". A row of something beside a
 * collective names it in its parameter "collective". */
struct mlb_wire_group mlb_wire_group_of_row(const struct mlb_row *row);
/* On several machines, unless the library used no network: the NVLink of GB200 and its kind reaches
 * beyond a machine, and there only the library's word for a network counts. */
bool mlb_wire_uses_network(const struct mlb_result *result, const struct mlb_row *row);
/* Do the formulas hold on these machines? What each rank has for each other, what a root has for
 * those elsewhere, and all rails at once were counted for as many ranks on each machine. */
bool mlb_wire_holds(const struct mlb_result *result, const struct mlb_row *row);
/* Of one scope: "all", "node", "rail", "rails"; "" when the row has none. */
const char *mlb_wire_scope(const struct mlb_row *row);
/* Groups that are busy on one machine at once, and ranks of theirs on it. */
int mlb_wire_groups(const struct mlb_result *result, const struct mlb_row *row);
double mlb_wire_ranks_of_machine(const struct mlb_result *result, const struct mlb_row *row);

enum mlb_wire_line { MLB_WIRE_NICS, MLB_WIRE_NVLINK };

struct mlb_wire {
    bool known;
    enum mlb_wire_line line;
    bool counted; /* by the ports: their bytes, where the algorithm is not known */
    /* bytes/s out of a machine (NICs; flags of the protocol included) or out of a GPU (NVLink). The
     * two differ where the algorithm is not known and nothing was counted. */
    double low, high;
    double line_bytes_per_s; /* what those links carry: of one rail its share, a port at least; 0 =
                              * not known */
};

/* From the row's median time, once it is verified. Across machines the network, within one the
 * NVLinks of a GPU that has them. Unknown for ranks that share a device. */
struct mlb_wire mlb_wire_of_row(const struct mlb_result *result, const struct mlb_row *row);
/* The same of the collective in a row of workload overlap, while GEMMs ran beside it. */
struct mlb_wire mlb_wire_of_overlap(const struct mlb_result *result, const struct mlb_row *row);

/* Who counted: the ports of rank 0's machine, by their registers, or the library, what it gave to
 * the network on all machines (detail "network_sent_bytes"). */
enum mlb_wire_witness { MLB_WIRE_PORTS, MLB_WIRE_LIBRARY, MLB_WIRE_WITNESSES };

enum mlb_wire_verdict {
    MLB_WIRE_NO_EVIDENCE, /* nothing was counted, too little was sent to tell, or more than the
                           * least where the algorithm is not known */
    MLB_WIRE_AGREES,      /* within a tenth: headers, acknowledgements */
    MLB_WIRE_SLOW_PORTS,  /* over physical ports that are not the fast ones */
    MLB_WIRE_ELSEWHERE,   /* less than the formula: where no counter looks */
    MLB_WIRE_MORE         /* more than the formula */
};
struct mlb_wire_check {
    enum mlb_wire_verdict verdict;
    double expected_low, expected_high; /* bytes of one machine in a step */
    double counted;                     /* what the verdict is about */
};
struct mlb_wire_check mlb_wire_check_row(const struct mlb_result *result, const struct mlb_row *row,
                                         enum mlb_wire_witness witness);

/* Notes to result->health where the ports and the formula differ, one for each kind of difference.
 */
void mlb_wire_judge(struct mlb_result *result);

#endif
