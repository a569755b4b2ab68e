/* SPDX-License-Identifier: Apache-2.0 */
/* What the links of a machine carry by their makers' numbers: its fast NICs together, and the
 * NVLink of a GPU. Pure. */
#ifndef MLB_ANALYSIS_NICS_H
#define MLB_ANALYSIS_NICS_H

#include "harness/measure/result.h"

struct mlb_nics {
    size_t ports;
    bool rdma;    /* of a kind that a library spreads its bytes over */
    bool certain; /* the rates are RDMA ports' own: a virtual Ethernet card may tell any, and older
                   * drivers of EFA say 100 Gb/s of every card */
    double line_bytes_per_s; /* of all of them in one direction; 0 = not known */
};

/* The ports of rank 0's machine that a job's data goes over, as far as the record's `fabric` tells,
 * and without one the ports that `row` (may be NULL) moved bytes over: of the best kind (RDMA
 * before TCPX before Ethernet before virtual ones, which have no rate), of several RDMA kinds of
 * the one with the most to carry, not down, as fast as the fastest: a second, slower network is for
 * something else. */
struct mlb_nics mlb_nics_of(const struct mlb_result *result, const struct mlb_row *row);

/* Bytes of one step that the row's ports counted, in the direction in which more went: `fast` over
 * the ports above, `all` over every physical one (of virtual ones where there are no others).
 * Unknown without ports in the row. */
struct mlb_nic_bytes {
    bool known;
    double fast, all;
};
struct mlb_nic_bytes mlb_nics_counted(const struct mlb_result *result, const struct mlb_row *row);

/* Each of these ports with its bytes of a step, in the direction in which
 * more went; 0 for one that the row does not name. At most MLB_ROW_PORTS; how many. */
struct mlb_nic_share {
    const char *name; /* lives as long as the record */
    double bytes;
};
size_t mlb_nics_shares(const struct mlb_result *result, const struct mlb_row *row,
                       struct mlb_nic_share shares[MLB_ROW_PORTS]);

/* One way out of one GPU over all of its NVLinks into a switch that every GPU of the machine hangs
 * on; 0 = not known, or no such thing. */
double mlb_nvlink_bytes_per_s(const struct mlb_device_info *device);

#endif
