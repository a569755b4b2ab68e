/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/lane.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct mlb_lane {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    mlb_lane_work *work; /* under way; NULL = none */
    void *user;
    struct mlb_error err; /* of the last work */
    bool closing;
};

/* With the lock held, but not while it works. */
static void do_work(struct mlb_lane *lane)
{
    mlb_lane_work *work = lane->work;
    void *user = lane->user;
    struct mlb_error err = {0};
    pthread_mutex_unlock(&lane->lock);
    enum mlb_status status = work(user, &err);
    pthread_mutex_lock(&lane->lock);
    lane->err = err;
    lane->err.status = status;
    lane->work = NULL;
    pthread_cond_broadcast(&lane->changed);
}

static void *run(void *argument)
{
    struct mlb_lane *lane = argument;
    pthread_mutex_lock(&lane->lock);
    for (;;) {
        while (!lane->work && !lane->closing)
            pthread_cond_wait(&lane->changed, &lane->lock);
        if (!lane->work)
            break;
        do_work(lane);
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

enum mlb_status mlb_lane_open(struct mlb_lane **opened, struct mlb_error *err)
{
    *opened = NULL;
    struct mlb_lane *lane = calloc(1, sizeof *lane);
    if (!lane)
        return mlb_fail(err, MLB_E_NOMEM, "a second thread: out of memory");
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->changed, NULL);
    int code = pthread_create(&lane->thread, NULL, run, lane);
    if (code != 0) {
        pthread_cond_destroy(&lane->changed);
        pthread_mutex_destroy(&lane->lock);
        free(lane);
        return mlb_fail(err, MLB_E_NOMEM, "a second thread: %s", strerror(code));
    }
    *opened = lane;
    return MLB_OK;
}

void mlb_lane_start(struct mlb_lane *lane, mlb_lane_work *work, void *user)
{
    pthread_mutex_lock(&lane->lock);
    lane->work = work;
    lane->user = user;
    lane->err = (struct mlb_error){0};
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
}

enum mlb_status mlb_lane_finish(struct mlb_lane *lane, struct mlb_error *err)
{
    pthread_mutex_lock(&lane->lock);
    while (lane->work)
        pthread_cond_wait(&lane->changed, &lane->lock);
    struct mlb_error last = lane->err;
    lane->err = (struct mlb_error){0};
    pthread_mutex_unlock(&lane->lock);
    if (last.status != MLB_OK && err)
        *err = last;
    return last.status;
}

void mlb_lane_close(struct mlb_lane *lane)
{
    if (!lane)
        return;
    mlb_lane_finish(lane, NULL);
    pthread_mutex_lock(&lane->lock);
    lane->closing = true;
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
    pthread_join(lane->thread, NULL);
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->lock);
    free(lane);
}
