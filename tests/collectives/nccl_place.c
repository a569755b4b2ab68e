/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/collectives/nccl_place.h"

#include "harness/base/text.h"
#include "tests/check.h"

#define STREAM ((void *)0x51)

static void *stream(struct mlb_device *device)
{
    (void)device;
    return STREAM;
}

/* A device that is never done when FAKE_NCCL says "hung". */
static enum mlb_status sync_device(struct mlb_device *device, double deadline_s,
                                   struct mlb_error *err)
{
    (void)device, (void)deadline_s;
    const char *set = getenv("FAKE_NCCL");
    return set && strstr(set, "hung") ? mlb_fail(err, MLB_E_TIMEOUT, "hung") : MLB_OK;
}

static const struct mlb_backend backend = {.kind = "cuda", .stream = stream, .sync = sync_device};

/* Rank 2 of 4, the others always agree and know nothing of their own; rank 3 tells what this one
 * does. */
static enum mlb_status meet(struct mlb_comm *comm, struct mlb_error *err)
{
    (void)comm, (void)err;
    return MLB_OK;
}

static enum mlb_status tell(struct mlb_comm *comm, void *data, size_t bytes, int root,
                            struct mlb_error *err)
{
    (void)comm, (void)err;
    if (bytes == 128) /* NCCL's id, from rank 0 */
        memset(data, root == 0 ? 0x33 : 0, bytes);
    return MLB_OK;
}

static enum mlb_status gather(struct mlb_comm *comm, const void *mine, size_t bytes, void *all,
                              int root, struct mlb_error *err)
{
    (void)root, (void)err;
    for (int rank = comm->rank; rank < comm->size; rank++)
        memcpy((char *)all + (size_t)rank * bytes, mine, bytes);
    return MLB_OK;
}

static enum mlb_status reduce(struct mlb_comm *comm, double *values, size_t count,
                              struct mlb_error *err)
{
    (void)comm, (void)values, (void)count, (void)err;
    return MLB_OK;
}

static void watch(struct mlb_comm *comm, const char *what, double deadline_s)
{
    (void)comm, (void)what, (void)deadline_s;
}

static void nothing(struct mlb_comm *comm)
{
    (void)comm;
}

static const struct mlb_comm_ops crowd_ops = {.barrier = meet,
                                              .broadcast = tell,
                                              .gather = gather,
                                              .all_max = reduce,
                                              .all_sum = reduce,
                                              .line_up = meet,
                                              .progress = nothing,
                                              .watch = watch,
                                              .unwatch = nothing};

void nccl_place_prepare(const char *behaviour)
{
    static const char *const unset[] = {"NCCL_COMM_BLOCKING", "NCCL_DEBUG", "NCCL_PROFILER_PLUGIN",
                                        "FAKE_NCCL_PLUGIN"};
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        unsetenv(unset[i]);
    setenv("FAKE_NCCL", behaviour, 1);
    setenv("FAKE_NCCL_CALLS", "", 1);
}

enum mlb_status nccl_place_open_prepared(struct nccl_place *place)
{
    *place = (struct nccl_place){.device = {.backend = &backend}};
    check_ok(mlb_comm_open(0.3, 0, &place->comm, &place->err), &place->err);
    return mlb_channel_nccl.open(place->comm, &place->device, &place->channel, &place->err);
}

/* A job of one rank. */
enum mlb_status nccl_place_open(struct nccl_place *place, const char *behaviour)
{
    nccl_place_prepare(behaviour);
    return nccl_place_open_prepared(place);
}

/* Rank 2 of 4. */
enum mlb_status nccl_place_open_crowd(struct nccl_place *place, const char *behaviour)
{
    nccl_place_prepare(behaviour);
    *place = (struct nccl_place){
        .device = {.backend = &backend},
        .crowd = {.ops = &crowd_ops, .rank = 2, .size = 4, .nodes = 1, .deadline_s = 0.3}};
    return mlb_channel_nccl.open(&place->crowd, &place->device, &place->channel, &place->err);
}

void nccl_place_close(struct nccl_place *place)
{
    mlb_channel_nccl.close(place->channel);
    mlb_comm_close(place->comm);
}

/* Calls since the last time that they were taken. */
const char *nccl_calls(void)
{
    static char taken[1024];
    mlb_format(taken, sizeof taken, "%s", getenv("FAKE_NCCL_CALLS"));
    setenv("FAKE_NCCL_CALLS", "", 1);
    return taken;
}

enum mlb_status nccl_sum(struct nccl_place *place, enum mlb_dtype dtype)
{
    float send[2] = {1, 2}, recv[2] = {0};
    enum mlb_status status =
        mlb_channel_nccl.all_reduce(place->channel, send, recv, 2, dtype, &place->err);
    if (status == MLB_OK)
        check_close(recv[1], 2.0, 0);
    return status;
}

bool nccl_is_old(void)
{
    return getenv("MLB_TEST_OLD_NCCL") != NULL;
}
