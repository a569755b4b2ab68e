/* SPDX-License-Identifier: Apache-2.0 */
/* The ranks that are threads (tests/fake/threads_comm.h) keep the contract of comm.h: what other
 * tests stand on. */
#include "tests/check.h"

#include <pthread.h>

#include "collectives/exact.h"
#include "tests/fake/threads_comm.h"

enum { RANKS = 4 };

/* -------------------------------------------------------------------------------- control plane */

static void knows_its_place(struct threads_rank *rank, void *user)
{
    /* 5 ranks on 2 nodes: 0 1 2 | 3 4 */
    static const struct {
        int local_rank, local_size, node;
    } places[5] = {{0, 3, 0}, {1, 3, 0}, {2, 3, 0}, {0, 2, 1}, {1, 2, 1}};
    const struct mlb_comm *comm = rank->comm;
    (void)user;
    check_i64(comm->size, 5);
    check_i64(comm->nodes, 2);
    check_i64(comm->node, places[comm->rank].node);
    check_i64(comm->local_rank, places[comm->rank].local_rank);
    check_i64(comm->local_size, places[comm->rank].local_size);
    check_i64(comm->least_local_size, 2);
    check_text(comm->host, comm->node ? "host1" : "host0");
    check_i64(rank->channel->rank, comm->rank);
    check_i64(rank->channel->size, 5);
}

static void ranks_know_their_places(void **state)
{
    (void)state;
    threads_run(&(struct threads_job){.ranks = 5, .nodes = 2}, knows_its_place, NULL, NULL);
}

static void exchanges(struct threads_rank *rank, void *user)
{
    struct mlb_comm *comm = rank->comm;
    struct mlb_error err = {0};
    (void)user;
    for (int i = 0; i < 100; i++) {
        double values[2] = {comm->rank, i}, sum[1] = {comm->rank + 0.5};
        check_ok(comm->ops->all_max(comm, values, 2, &err), &err);
        check_close(values[0], RANKS - 1, 0);
        check_close(values[1], i, 0);
        check_ok(comm->ops->all_sum(comm, sum, 1, &err), &err);
        check_close(sum[0], 6.0 + RANKS * 0.5, 0);
        int root = i % RANKS, told = comm->rank == root ? 100 + i : 0, all[RANKS] = {0};
        check_ok(comm->ops->broadcast(comm, &told, sizeof told, root, &err), &err);
        check_i64(told, 100 + i);
        told = comm->rank * 10;
        check_ok(comm->ops->gather(comm, &told, sizeof told, all, root, &err), &err);
        for (int r = 0; r < RANKS; r++)
            check_i64(all[r], comm->rank == root ? r * 10 : 0);
        check_ok(comm->ops->barrier(comm, &err), &err);
        check_ok(comm->ops->line_up(comm, &err), &err);
    }
    check_ok(comm->ops->all_sum(comm, NULL, 0, &err), &err);
    comm->ops->watch(comm, "a stretch", 1.0);
    comm->ops->progress(comm);
    comm->ops->progress(comm);
    comm->ops->unwatch(comm);
    struct threads_counts counts = threads_counts(comm);
    check_i64(counts.line_ups, 100);
    check_i64(counts.signs, 2);
    check_i64(counts.watches, 1);
    check_i64(counts.unwatches, 1);
}

static void control_operations_give_what_they_should(void **state)
{
    (void)state;
    threads_run(&(struct threads_job){.ranks = RANKS}, exchanges, NULL, NULL);
    threads_run(&(struct threads_job){.ranks = RANKS, .virtual_time = true}, exchanges, NULL, NULL);
}

static void agrees(struct threads_rank *rank, void *user)
{
    struct mlb_comm *comm = rank->comm;
    struct mlb_error err = {0};
    enum mlb_status mine = MLB_OK;
    (void)user;
    check_ok(mlb_comm_agree(comm, MLB_OK, &err), &err);
    if (comm->rank > 0)
        mine = mlb_fail(&err, MLB_E_DEVICE, "gpu %d is on fire", comm->rank);
    check_fails(mlb_comm_agree(comm, mine, &err), MLB_E_DEVICE, &err,
                comm->rank == 1 ? "gpu 1 is on fire" : "rank 1: gpu 1 is on fire");
    err = (struct mlb_error){0};
    check_ok(mlb_comm_agree(comm, MLB_OK, &err), &err);
}

static void agreement_tells_the_lowest_failure(void **state)
{
    (void)state;
    threads_run(&(struct threads_job){.ranks = RANKS}, agrees, NULL, NULL);
}

/* ------------------------------------------------------------------------------------- deadlines
 */

enum place { IN_CONTROL, IN_DATA, IN_SENDRECV };

static enum mlb_status go_to(enum place place, struct threads_rank *rank, struct mlb_error *err)
{
    float one[RANKS] = {0}, two[RANKS] = {0};
    struct mlb_channel *channel = rank->channel;
    switch (place) {
    case IN_CONTROL:
        return rank->comm->ops->barrier(rank->comm, err);
    case IN_DATA:
        return channel->ops->all_reduce(channel, one, two, RANKS, MLB_F32, err);
    case IN_SENDRECV: /* rank 2 takes from each of the others in turn */
        for (int from = 0; channel->rank == 2 && from < RANKS; from++)
            if (from != 2 &&
                channel->ops->sendrecv(channel, one, -1, two, from, RANKS, MLB_F32, err) != MLB_OK)
                return err->status;
        if (channel->rank != 2)
            return channel->ops->sendrecv(channel, one, 2, two, -1, RANKS, MLB_F32, err);
    }
    return MLB_OK;
}

static void one_stays_away(struct threads_rank *rank, void *user)
{
    static const char *const names[] = {"barrier", "all_reduce", "sendrecv"};
    enum place place = *(const enum place *)user;
    struct mlb_error err = {0};
    char text[80];
    check_ok(go_to(place, rank, &err), &err);
    if (rank->comm->rank == 2)
        return;
    snprintf(text, sizeof text, "rank 2 on host1 did not come to '%s' within 0.1 s", names[place]);
    check_fails(go_to(place, rank, &err), MLB_E_TIMEOUT, &err, text);
    check_fails(rank->comm->ops->barrier(rank->comm, &err), MLB_E_TIMEOUT, &err, text);
}

static void who_stays_away_is_named_to_all(void **state)
{
    (void)state;
    for (enum place place = IN_CONTROL; place <= IN_SENDRECV; place++)
        threads_run(&(struct threads_job){.ranks = RANKS, .nodes = 2, .deadline_s = 0.1},
                    one_stays_away, &place, NULL);
}

static void one_calls_another(struct threads_rank *rank, void *user)
{
    struct mlb_comm *comm = rank->comm;
    struct mlb_error err = {0};
    double value = 0.0;
    (void)user;
    enum mlb_status status = comm->rank == 1 ? comm->ops->all_sum(comm, &value, 1, &err)
                                             : comm->ops->all_max(comm, &value, 1, &err);
    check_fails(status, MLB_E_INTERNAL, &err,
                "rank 0 came to 'all_max' with 8 bytes, rank 1 to 'all_sum' with 8");
}

static void mixed_up_calls_are_named(void **state)
{
    (void)state;
    threads_run(&(struct threads_job){.ranks = RANKS}, one_calls_another, NULL, NULL);
}

static void one_aborts(struct threads_rank *rank, void *user)
{
    struct mlb_comm *comm = rank->comm;
    struct mlb_error err = {0};
    int *after = user;
    if (comm->rank == 1) {
        comm->ops->abort(comm, 4);
        *after = 1;
    }
    check_fails(comm->ops->barrier(comm, &err), MLB_E_COMM, &err,
                "rank 1 on host0 ended the job with code 4");
}

static void abort_ends_its_thread_and_tells_the_others(void **state)
{
    (void)state;
    struct threads_end ends[RANKS];
    int after = 0;
    threads_run(&(struct threads_job){.ranks = RANKS}, one_aborts, &after, ends);
    check_i64(after, 0);
    for (int i = 0; i < RANKS; i++) {
        check_i64(ends[i].aborted, i == 1);
        check_i64(ends[i].exit_code, i == 1 ? 4 : 0);
        check_i64(ends[i].parts_left_open, 0);
    }
}

/* ------------------------------------------------------------------------------------ data plane
 */

enum { COUNT = 5, BLOCKS = RANKS * COUNT };

/* Element i of block b that rank r sends. */
static float sent(int r, int b, int i)
{
    return (float)(1000 * r + 100 * b + i);
}

static float sum_of(int b, int i)
{
    float sum = 0;
    for (int r = 0; r < RANKS; r++)
        sum += sent(r, b, i);
    return sum;
}

struct buffers {
    float send[BLOCKS], recv[BLOCKS];
};

static void refill(struct buffers *b, int rank)
{
    for (int i = 0; i < BLOCKS; i++) {
        b->send[i] = sent(rank, i / COUNT, i % COUNT);
        b->recv[i] = -1;
    }
}

static void check_sums(struct mlb_channel *c, struct buffers *b, bool in_place)
{
    struct mlb_error err = {0};
    int me = c->rank;
    refill(b, me);
    float *to = in_place ? b->send : b->recv;
    check_ok(c->ops->all_reduce(c, b->send, to, BLOCKS, MLB_F32, &err), &err);
    for (int i = 0; i < BLOCKS; i++)
        check_close(to[i], sum_of(i / COUNT, i % COUNT), 0);
    refill(b, me);
    to = in_place ? b->send + me * COUNT : b->recv;
    check_ok(c->ops->reduce_scatter(c, b->send, to, COUNT, MLB_F32, &err), &err);
    for (int i = 0; i < COUNT; i++)
        check_close(to[i], sum_of(me, i), 0);
    refill(b, me);
    to = in_place ? b->send : b->recv;
    check_ok(c->ops->reduce(c, b->send, to, BLOCKS, MLB_F32, 2, &err), &err);
    for (int i = 0; i < BLOCKS; i++)
        check_close(b->recv[i], me == 2 && !in_place ? sum_of(i / COUNT, i % COUNT) : -1, 0);
    check_close(to[3], me == 2 ? sum_of(0, 3) : in_place ? sent(me, 0, 3) : -1, 0);
}

/* Every rank has block `me` of its own send: all_gather and gather. */
static void check_collected(struct mlb_channel *c, struct buffers *b, bool in_place)
{
    struct mlb_error err = {0};
    int me = c->rank;
    for (int root = -1; root < RANKS; root++) {
        refill(b, me);
        const float *from = b->send + me * COUNT;
        if (in_place)
            memcpy(b->recv + me * COUNT, from, COUNT * sizeof *from);
        if (in_place)
            from = b->recv + me * COUNT;
        check_ok(root < 0 ? c->ops->all_gather(c, from, b->recv, COUNT, MLB_F32, &err)
                          : c->ops->gather(c, from, b->recv, COUNT, MLB_F32, root, &err),
                 &err);
        for (int i = 0; i < BLOCKS && (root < 0 || root == me); i++)
            check_close(b->recv[i], sent(i / COUNT, i / COUNT, i % COUNT), 0);
    }
}

static void check_handed_out(struct mlb_channel *c, struct buffers *b, bool in_place)
{
    struct mlb_error err = {0};
    int me = c->rank;
    for (int root = 0; root < RANKS; root++) {
        refill(b, me);
        float *to = in_place && me == root ? b->send : b->recv;
        check_ok(c->ops->broadcast(c, b->send, to, BLOCKS, MLB_F32, root, &err), &err);
        for (int i = 0; i < BLOCKS; i++)
            check_close(to[i], sent(root, i / COUNT, i % COUNT), 0);
        refill(b, me);
        to = in_place && me == root ? b->send + me * COUNT : b->recv;
        check_ok(c->ops->scatter(c, b->send, to, COUNT, MLB_F32, root, &err), &err);
        for (int i = 0; i < COUNT; i++)
            check_close(to[i], sent(root, me, i), 0);
    }
}

static void check_exchanged(struct mlb_channel *c, struct buffers *b)
{
    struct mlb_error err = {0};
    int me = c->rank, next = (me + 1) % RANKS, last = (me + RANKS - 1) % RANKS;
    refill(b, me);
    check_ok(c->ops->alltoall(c, b->send, b->recv, COUNT, MLB_F32, &err), &err);
    for (int i = 0; i < BLOCKS; i++)
        check_close(b->recv[i], sent(i / COUNT, me, i % COUNT), 0);
    check_ok(c->ops->sendrecv(c, b->send, next, b->recv, last, BLOCKS, MLB_F32, &err), &err);
    for (int i = 0; i < BLOCKS; i++)
        check_close(b->recv[i], sent(last, i / COUNT, i % COUNT), 0);
    /* One way: 0 to 1, the others with nobody. */
    refill(b, me);
    check_ok(c->ops->sendrecv(c, b->send, me == 0 ? 1 : -1, b->recv, me == 1 ? 0 : -1, COUNT,
                              MLB_F32, &err),
             &err);
    check_close(b->recv[1], me == 1 ? sent(0, 0, 1) : -1, 0);
    check_ok(c->ops->sendrecv(c, b->send, me, b->recv, me, COUNT, MLB_F32, &err), &err);
    check_close(b->recv[1], sent(me, 0, 1), 0);
}

static void moves_data(struct threads_rank *rank, void *user)
{
    struct buffers buffers;
    struct mlb_channel *channel = rank->channel;
    struct mlb_error err = {0};
    (void)user;
    for (int in_place = 0; in_place < 2; in_place++) {
        check_sums(channel, &buffers, in_place);
        check_collected(channel, &buffers, in_place);
        check_handed_out(channel, &buffers, in_place);
    }
    check_exchanged(channel, &buffers);
    check_fails(channel->ops->all_reduce(channel, &buffers, &buffers, 1, MLB_S8, &err),
                MLB_E_UNSUPPORTED, &err, "no sum of s8");
}

static void data_operations_give_what_they_should(void **state)
{
    (void)state;
    threads_run(&(struct threads_job){.ranks = RANKS}, moves_data, NULL, NULL);
}

static void adds_exactly(struct threads_rank *rank, void *user)
{
    static const enum mlb_dtype dtypes[] = {MLB_F32, MLB_BF16, MLB_F16, MLB_F64, MLB_S32};
    struct mlb_channel *c = rank->channel;
    struct mlb_error err = {0};
    double memory[100];
    (void)user;
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        struct mlb_exact exact;
        struct mlb_verification result = {0};
        check_ok(mlb_exact_open(&exact, 42, c->size, dtypes[d], &err), &err);
        check_ok(mlb_exact_fill(&exact, rank->device, memory, 100, c->rank, 1, &err), &err);
        check_ok(c->ops->all_reduce(c, memory, memory, 100, dtypes[d], &err), &err);
        check_ok(mlb_exact_check(&exact, (struct mlb_exact_part){MLB_EXACT_SUM, 0}, rank->device,
                                 memory, 100, "sum", 1, &result, &err),
                 &err);
        check_u64(result.checked, 100);
        check_u64(result.wrong, 0);
    }
}

static void sums_are_exact_in_every_type(void **state)
{
    (void)state;
    threads_run(&(struct threads_job){.ranks = 7}, adds_exactly, NULL, NULL);
}

static void works_in_parts(struct threads_rank *rank, void *user)
{
    struct mlb_channel *part = NULL, *none = NULL, *parent = rank->channel;
    struct mlb_error err = {0};
    int me = rank->comm->rank, color = me % 2, leave_open = *(const int *)user;
    check_ok(parent->ops->split(parent, color, &part, &err), &err);
    check_i64(part->rank, me / 2);
    check_i64(part->size, color ? 2 : 3);
    int32_t mine = 1 << me, sum = 0;
    for (int i = 0; i < 50; i++) {
        check_ok(part->ops->all_reduce(part, &mine, &sum, 1, MLB_S32, &err), &err);
        check_i64(sum, color ? 2 + 8 : 1 + 4 + 16);
    }
    check_ok(parent->ops->split(parent, me == 3 ? 0 : -1, &none, &err), &err);
    check_true((none != NULL) == (me == 3));
    if (none)
        none->ops->close(none);
    if (me != leave_open)
        part->ops->close(part);
    part = NULL;
}

static void channels_split(void **state)
{
    (void)state;
    struct threads_end ends[5];
    for (int leave_open = -1; leave_open < 5; leave_open += 3) {
        threads_run(&(struct threads_job){.ranks = 5}, works_in_parts, &leave_open, ends);
        for (int i = 0; i < 5; i++)
            check_i64(ends[i].parts_left_open, i == leave_open);
    }
}

/* ----------------------------------------------------------------------------------------- links
 */

/* 1 GB/s everywhere, but a tenth of it from rank 1 to rank 2. */
static double slow_link(void *links, int from, int to, size_t bytes, uint64_t turn)
{
    (void)links, (void)turn;
    return (double)bytes / (from == 1 && to == 2 ? 1e8 : 1e9);
}

/* Microseconds between two marks around a call. */
static double exchange_us(struct threads_rank *rank, int to, int from)
{
    static float send[RANKS][25000], recv[RANKS][25000]; /* 100 kB: 100 us */
    int me = rank->comm->rank;
    struct mlb_channel *c = rank->channel;
    struct mlb_device *device = rank->device;
    struct mlb_error err = {0};
    double ns = 0.0;
    check_ok(rank->comm->ops->line_up(rank->comm, &err), &err);
    check_ok(device->backend->mark(device, 0, &err), &err);
    check_ok(c->ops->sendrecv(c, send[me], to, recv[me], from, 25000, MLB_F32, &err), &err);
    check_ok(device->backend->mark(device, 1, &err), &err);
    check_ok(device->backend->elapsed(device, 0, 1, &ns, &err), &err);
    return ns * 1e-3;
}

static void times_links(struct threads_rank *rank, void *user)
{
    int me = rank->comm->rank, next = (me + 1) % RANKS, last = (me + RANKS - 1) % RANKS;
    struct mlb_error err = {0};
    (void)user;
    check_close(exchange_us(rank, next, last), me == 1 || me == 2 ? 1000 : 100, 1e-9);
    check_close(exchange_us(rank, last, next), 100, 1e-9);
    /* Who comes late is waited for. */
    double before_s = threads_now_s(rank->comm);
    if (me == 3)
        threads_pass(rank->comm, 0.5);
    check_ok(rank->comm->ops->barrier(rank->comm, &err), &err);
    check_close(threads_now_s(rank->comm) - before_s, 0.5, 1e-9);
}

static void slow_links_take_their_time(void **state)
{
    (void)state;
    const struct threads_job job = {.ranks = RANKS, .virtual_time = true, .transfer_s = slow_link};
    for (int i = 0; i < 20; i++)
        threads_run(&job, times_links, NULL, NULL);
}

static void times_collectives(struct threads_rank *rank, void *user)
{
    struct mlb_channel *c = rank->channel;
    struct mlb_error err = {0};
    float send[4000] = {0}, recv[4000] = {0};
    (void)user;
    /* A ring of 4 with 16 kB: 2 x 3/4 x 16 kB over the slow link = 240 us. */
    double before_s = threads_now_s(rank->comm);
    check_ok(c->ops->all_reduce(c, send, recv, 4000, MLB_F32, &err), &err);
    check_close(threads_now_s(rank->comm) - before_s, 240e-6, 1e-9);
    /* Rank 1 sends 4 kB to three: 4 + 40 + 4 us. */
    before_s = threads_now_s(rank->comm);
    check_ok(c->ops->alltoall(c, send, recv, 1000, MLB_F32, &err), &err);
    check_close(threads_now_s(rank->comm) - before_s, 48e-6, 1e-9);
}

static void collectives_are_as_fast_as_the_slowest_link(void **state)
{
    (void)state;
    threads_run(
        &(struct threads_job){.ranks = RANKS, .virtual_time = true, .transfer_s = slow_link},
        times_collectives, NULL, NULL);
}

static void takes_real_time(struct threads_rank *rank, void *user)
{
    (void)user;
    double us =
        exchange_us(rank, (rank->comm->rank + 1) % RANKS, (rank->comm->rank + RANKS - 1) % RANKS);
    check_true(us >= (rank->comm->rank == 1 || rank->comm->rank == 2 ? 1000 : 100));
}

static void links_take_real_time_too(void **state)
{
    (void)state;
    threads_run(&(struct threads_job){.ranks = RANKS, .transfer_s = slow_link}, takes_real_time,
                NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_know_their_places),
        cmocka_unit_test(control_operations_give_what_they_should),
        cmocka_unit_test(agreement_tells_the_lowest_failure),
        cmocka_unit_test(who_stays_away_is_named_to_all),
        cmocka_unit_test(mixed_up_calls_are_named),
        cmocka_unit_test(abort_ends_its_thread_and_tells_the_others),
        cmocka_unit_test(data_operations_give_what_they_should),
        cmocka_unit_test(sums_are_exact_in_every_type),
        cmocka_unit_test(channels_split),
        cmocka_unit_test(slow_links_take_their_time),
        cmocka_unit_test(collectives_are_as_fast_as_the_slowest_link),
        cmocka_unit_test(links_take_real_time_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
