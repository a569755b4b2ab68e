/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that does one piece of work at a time beside the one that gave it: where a device is
 * synchronous, what runs at the same time needs two threads. The thread that opened MPI goes on to
 * be the only one that calls it. */
#ifndef MLB_COLLECTIVES_LANE_H
#define MLB_COLLECTIVES_LANE_H

#include "harness/base/status.h"

struct mlb_lane;

typedef enum mlb_status mlb_lane_work(void *user, struct mlb_error *err);

enum mlb_status mlb_lane_open(struct mlb_lane **lane, struct mlb_error *err);
void mlb_lane_start(struct mlb_lane *lane, mlb_lane_work *work, void *user);
/* Waits for what was started; its status and error. MLB_OK when nothing was. */
enum mlb_status mlb_lane_finish(struct mlb_lane *lane, struct mlb_error *err);
/* Waits for what was started. NULL is fine. */
void mlb_lane_close(struct mlb_lane *lane);

#endif
