/* SPDX-License-Identifier: Apache-2.0 */
/* What NCCL writes down about its connections, read from its own log: the profiler interface does
 * not tell which network was chosen nor where GPUDirect RDMA is on.
 *
 * Only when the user has set none of NCCL_DEBUG, NCCL_DEBUG_FILE, NCCL_DEBUG_SUBSYS: then the log
 * is the user's. It goes to a private file that has no name any more once NCCL has opened it, so
 * that nothing is left behind however the process ends. */
#ifndef MLB_COLLECTIVES_NCCL_LOG_H
#define MLB_COLLECTIVES_NCCL_LOG_H

#include <stdbool.h>

/* Counts since the log began. */
struct mlb_nccl_log_facts {
    unsigned lines;                 /* of NCCL's; 0 = it wrote no log, and nothing is known */
    char network[32];               /* the one it chose: "IB", "Socket", "AWS Libfabric" */
    unsigned send_gdr, send_staged; /* channels over a network by how this rank's GPU sends: */
    unsigned recv_gdr, recv_staged; /* GPUDirect RDMA, or staged in host memory; and receives */
    bool nvls_known, nvls;          /* multicast of NVSwitch (NVLink SHARP) */
};

/* One line of the log, without its end. Anything else than what is looked for is passed over. */
void mlb_nccl_log_line(struct mlb_nccl_log_facts *facts, const char *line);

struct mlb_nccl_log; /* opaque */

/* Sets NCCL's environment, so before NCCL's first call but ncclGetVersion. NULL when the log is the
 * user's, or no file can be made: nothing is known then, and that is no error. */
struct mlb_nccl_log *mlb_nccl_log_open(void);
/* Takes the file's name away: NCCL has opened it. */
void mlb_nccl_log_hide(struct mlb_nccl_log *log);
/* What has been written since the last call is added to *facts. */
void mlb_nccl_log_read(struct mlb_nccl_log *log, struct mlb_nccl_log_facts *facts);
void mlb_nccl_log_close(struct mlb_nccl_log *log); /* NULL is fine */

#endif
