/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/fake_comm.h"

#include <stdlib.h>
#include <string.h>

static enum mlb_status answer(struct mlb_comm *comm, struct mlb_error *err)
{
    struct fake_comm *fake = (struct fake_comm *)comm;
    if (fake->broken != MLB_OK)
        return mlb_fail(err, fake->broken, "rank 1 did not come");
    return MLB_OK;
}

static enum mlb_status broadcast(struct mlb_comm *comm, void *data, size_t bytes, int root,
                                 struct mlb_error *err)
{
    (void)data, (void)bytes, (void)root;
    ((struct fake_comm *)comm)->broadcasts++;
    return answer(comm, err);
}

static enum mlb_status gather(struct mlb_comm *comm, const void *mine, size_t bytes, void *all,
                              int root, struct mlb_error *err)
{
    (void)root;
    for (int i = 0; i < comm->size; i++)
        memcpy((char *)all + (size_t)i * bytes, mine, bytes);
    return answer(comm, err);
}

static enum mlb_status all_max(struct mlb_comm *comm, double *values, size_t count,
                               struct mlb_error *err)
{
    (void)values, (void)count;
    return answer(comm, err);
}

static enum mlb_status all_sum(struct mlb_comm *comm, double *values, size_t count,
                               struct mlb_error *err)
{
    for (size_t i = 0; i < count; i++)
        values[i] *= comm->size;
    return answer(comm, err);
}

static void nothing(struct mlb_comm *comm)
{
    (void)comm;
}

static void watch(struct mlb_comm *comm, const char *what, double deadline_s)
{
    (void)what, (void)deadline_s;
    ((struct fake_comm *)comm)->watches++;
}

static void unwatch(struct mlb_comm *comm)
{
    ((struct fake_comm *)comm)->unwatches++;
}

static void __attribute__((noreturn)) end(struct mlb_comm *comm, int exit_code)
{
    (void)comm;
    exit(exit_code);
}

static enum mlb_status line_up(struct mlb_comm *comm, struct mlb_error *err)
{
    ((struct fake_comm *)comm)->line_ups++;
    return answer(comm, err);
}

static const struct mlb_comm_ops ops = {.barrier = answer,
                                        .broadcast = broadcast,
                                        .gather = gather,
                                        .all_max = all_max,
                                        .all_sum = all_sum,
                                        .line_up = line_up,
                                        .progress = nothing,
                                        .watch = watch,
                                        .unwatch = unwatch,
                                        .abort = end};

void fake_comm_init(struct fake_comm *fake, int size)
{
    memset(fake, 0, sizeof *fake);
    fake->comm = (struct mlb_comm){
        .ops = &ops, .name = "fake", .size = size, .local_size = size, .nodes = 1, .deadline_s = 1};
}
