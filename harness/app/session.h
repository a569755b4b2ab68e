/* SPDX-License-Identifier: Apache-2.0 */
/* A job that is ready to measure: ranks joined, bound, their devices open. What `run` and `verify`
 * share. */
#ifndef MLB_APP_SESSION_H
#define MLB_APP_SESSION_H

#include <signal.h>
#include <stdbool.h>

#include "harness/app/options.h"
#include "harness/base/log.h"
#include "harness/device/telemetry.h"
#include "harness/measure/comm.h"
#include "harness/measure/plan.h"
#include "harness/measure/result.h"
#include "harness/measure/run.h"
#include "harness/system/fabric.h"
#include "harness/system/ports.h"
#include "harness/system/provider.h"
#include "harness/system/topology.h"

enum { MLB_KINDS = 4 };

/* One kind of device on this rank. */
struct mlb_station {
    char kind[16];
    struct mlb_device *device;   /* NULL: none on this rank */
    int count;                   /* devices of this kind on this machine */
    char absent[MLB_ROW_REASON]; /* why there is none */
    bool lacking;                /* some ranks have one, and some do not */
    struct mlb_telemetry *telemetry;
    struct mlb_channel *channel; /* opened with the first collective case */
    bool channel_tried;
    enum mlb_status channel_status; /* of trying */
    char no_channel[MLB_ROW_REASON];
};

struct mlb_session {
    struct mlb_log log;
    struct mlb_comm *comm;
    struct mlb_topology *topology;
    struct mlb_binding binding;
    int gpu;     /* index of the GPU that this rank takes; -1 = it sees none */
    int sharing; /* ranks that use this rank's GPU, itself included; 1 without a GPU */
    struct mlb_station stations[MLB_KINDS]; /* in the order of mlb_backends: best first */
    size_t station_count;
    const char *kinds[MLB_KINDS + 1]; /* those that every rank has, best first; NULL-terminated */
    const struct mlb_options *options;
    const volatile sig_atomic_t *interrupted;
    struct mlb_provider_search *provider; /* on a machine's first rank, from join to head */
    struct mlb_fabric fabric;             /* of this machine, on its first rank; after head */
    struct mlb_ports *ports;              /* on rank 0 */
};

/* Collective. The end of a phase that may fail on one rank: all get the same status. An error is
 * said here, by rank 0, before any rank can leave: a launcher ends all ranks as soon as one of them
 * exits with a code. `err->text` is "" then. */
enum mlb_status mlb_session_agree(struct mlb_session *session, enum mlb_status mine,
                                  struct mlb_error *err);

/* Collective. Joins the ranks. Zero-initialised `session` in; close it also after a failure. With
 * session->comm->aside this rank has no part in the job: close is all it does. */
enum mlb_status mlb_session_join(struct mlb_session *session, const struct mlb_options *options,
                                 const volatile sig_atomic_t *interrupted, struct mlb_error *err);
/* Collective, after join. Binds and opens devices, by session->options as they are now. */
enum mlb_status mlb_session_open(struct mlb_session *session, struct mlb_error *err);
void mlb_session_close(struct mlb_session *session);

/* Every rank has a device of this kind. */
bool mlb_session_usable(const struct mlb_session *session, const char *kind);

/* Collective. The plan from the suite or the words; rank 0 reads the file for all. */
enum mlb_status mlb_session_plan(struct mlb_session *session, struct mlb_plan *plan,
                                 struct mlb_error *err);

/* The run of a case on its device, for mlb_run_case. Collective (it may open a channel). */
enum mlb_status mlb_session_run(struct mlb_session *session, const struct mlb_case *item,
                                struct mlb_run *run, struct mlb_error *err);

/* Collective. The channel of a kind of device that every rank has, opened when it is first asked
 * for; NULL, with the reason in *why, when there is none. */
enum mlb_status mlb_session_channel(struct mlb_session *session, const char *kind,
                                    struct mlb_channel **channel, const char **why,
                                    struct mlb_error *err);
/* This rank's device of a kind; NULL when it has none. */
struct mlb_device *mlb_session_device(struct mlb_session *session, const char *kind);

/* Collective. Fill the head of a result; complete on rank 0. */
enum mlb_status mlb_session_head(struct mlb_session *session, const struct mlb_plan *plan,
                                 struct mlb_result *result, struct mlb_error *err);
/* Collective. session_provider.c: begin to ask whose machine this is, before devices open; and what
 * became of that, for the head, which without the former says nothing of it. */
enum mlb_status mlb_session_ask_provider(struct mlb_session *session, struct mlb_error *err);
enum mlb_status mlb_session_provider(struct mlb_session *session, struct mlb_result *result,
                                     struct mlb_error *err);
/* session_fabric.c: the networks of all machines, and what is wrong with them. */
enum mlb_status mlb_session_fabric(struct mlb_session *session, struct mlb_result *result,
                                   struct mlb_error *err);

#endif
