/* SPDX-License-Identifier: Apache-2.0 */
/* What the machines of a job say of their networks, put side by side. Pure but for the log. */
#ifndef MLB_APP_FABRIC_NOTES_H
#define MLB_APP_FABRIC_NOTES_H

#include "harness/base/log.h"
#include "harness/measure/comm.h"
#include "harness/measure/result.h"
#include "harness/system/fabric.h"

#define MLB_VOICE_FINDINGS 4
#define MLB_VOICE_ADVICE   8

/* Of one rank. Plain bytes: it is gathered. */
struct mlb_fabric_voice {
    int node;
    bool speaks;              /* for its machine: the rest is filled */
    char host[MLB_HOST_NAME]; /* for the log, never for the record */
    struct mlb_fabric_brief brief;
    size_t finding_count;
    struct mlb_finding findings[MLB_VOICE_FINDINGS]; /* of the machine by itself */
    size_t advice_count;
    struct mlb_finding advice[MLB_VOICE_ADVICE]; /* on the settings that it has */
    size_t left_out;                             /* of both: more than there is room for */
    uint64_t settings;                           /* mlb_settings_hash; of every rank */
};

/* Notes on sick ports, on settings (once, where all machines have them alike) and on machines whose
 * network is not the one that most have; the log tells the names of their hosts. `voices` are of
 * all ranks, in their order. */
void mlb_fabric_note(const struct mlb_fabric_voice *voices, size_t ranks, struct mlb_result *result,
                     const struct mlb_log *log);

/* [ { machines, ports, gpudirect_rdma } ]: machines with the same network together, the largest
 * group first. NULL when out of memory. */
cJSON *mlb_fabric_machines(const struct mlb_fabric_voice *voices, size_t ranks);

/* The first rank whose settings are other than rank 0's; 0 when there is none. */
size_t mlb_fabric_other_settings(const struct mlb_fabric_voice *voices, size_t ranks,
                                 size_t *others);

#endif
