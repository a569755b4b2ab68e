/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine's ports moved between two moments, by their own byte counters: evidence of the
 * path that data took which does not depend on what a library says of itself.
 *
 * The counters are of the port: headers are in them, and other processes' bytes. Google's FasTrak
 * (TCPXO) moves data past the kernel: its network devices count next to nothing. */
#ifndef MLB_SYSTEM_PORTS_H
#define MLB_SYSTEM_PORTS_H

#include <stddef.h>
#include <stdint.h>

#include "harness/system/fabric.h"

struct mlb_port_bytes {
    const struct mlb_nic *nic; /* of the fabric that was opened */
    uint64_t sent, received;
};

struct mlb_moved {
    struct mlb_port_bytes ports[MLB_FABRIC_NICS];
    size_t count;
};

struct mlb_ports; /* opaque */

/* For the ports of `fabric`, which must outlive it. NULL when out of memory. */
struct mlb_ports *mlb_ports_open(const char *root, const struct mlb_fabric *fabric);
void mlb_ports_close(struct mlb_ports *ports); /* NULL is fine */

/* Reads all counters: some 10 us a port, milliseconds for EFA. NULL is fine. */
void mlb_ports_begin(struct mlb_ports *ports);
/* What moved since begin. Left out are ports that moved nothing, that went away, whose counter was
 * set back or stuck at its end. NULL gives none. */
void mlb_ports_end(struct mlb_ports *ports, struct mlb_moved *moved);

#endif
