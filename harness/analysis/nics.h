/* SPDX-License-Identifier: Apache-2.0 */
/* What the links of a machine carry by their makers' numbers: its fast NICs together, and the
 * NVLink of a GPU. Pure. */
#ifndef MLB_ANALYSIS_NICS_H
#define MLB_ANALYSIS_NICS_H

#include "harness/measure/result.h"

struct mlb_nics {
    size_t ports;
    bool certain; /* the rates are RDMA ports' own: a virtual Ethernet card may tell any */
    double line_bytes_per_s; /* of all of them in one direction; 0 = not known */
};

/* The ports of rank 0's machine that a job's data goes over: of its best kind (RDMA before TCPX
 * before Ethernet before virtual ones, which have no rate), not down, at half the rate of the
 * fastest at least: a second, slower network is for something else. From the record's `fabric`;
 * without one from the ports that `row` (may be NULL) moved bytes over. */
struct mlb_nics mlb_nics_of(const struct mlb_result *result, const struct mlb_row *row);

/* Bytes of one step that the row's ports counted, in the direction in which more went: `fast` over
 * the ports above, `all` over every physical one (of virtual ones where there are no others).
 * Unknown without ports in the row. */
struct mlb_nic_bytes {
    bool known;
    double fast, all;
};
struct mlb_nic_bytes mlb_nics_counted(const struct mlb_result *result, const struct mlb_row *row);

/* One way out of one GPU over all of its NVLinks into a switch that every GPU of the machine hangs
 * on; 0 = not known, or no such thing. */
double mlb_nvlink_bytes_per_s(const struct mlb_device_info *device);

#endif
