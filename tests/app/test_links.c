/* SPDX-License-Identifier: Apache-2.0 */
/* Whole surveys, over ranks that are threads and links that are a model: what was planted must be
 * named, by the code that runs on machines. Time is a number, so figures are exact. */
#include "harness/app/links_survey.h"

#include "harness/base/rng.h"
#include "tests/check.h"
#include "tests/fake/threads_comm.h"

enum { NOBODY = -1 };

/* Links of a job whose ranks stand in even blocks on its machines. Each rank sends and receives at
 * one rate; one of them, all of a machine, or one way differ. */
struct wires {
    int locals;
    double rate, inside_rate; /* bytes/s of a rank, between machines and within one */
    double slow;              /* part of it that the sick one has */
    int machine, local;       /* sick: all of its ranks, or one; NOBODY */
    int from, to;             /* sick: the way between two machines, in one direction */
    bool inside;              /* sick: the rank within its machine */
    double noise;             /* a transfer takes longer by up to so much */
    uint64_t seed;
};

static bool is_sick_end(const struct wires *wires, int rank)
{
    return rank / wires->locals == wires->machine &&
           (wires->local == NOBODY || rank % wires->locals == wires->local);
}

static double transfer_s(void *user, int from, int to, size_t bytes, uint64_t turn)
{
    const struct wires *wires = user;
    int a = from / wires->locals, b = to / wires->locals;
    bool inside = a == b, way = a == wires->from && b == wires->to;
    bool sick = inside == wires->inside && (is_sick_end(wires, from) || is_sick_end(wires, to));
    double rate = inside ? wires->inside_rate : wires->rate;
    uint64_t index = ((uint64_t)from << 40) + ((uint64_t)to << 20) + turn;
    double noise = wires->noise * fabs(mlb_rng_uniform(wires->seed, index));
    return (double)bytes / rate / (sick || way ? wires->slow : 1.0) * (1.0 + noise);
}

static struct wires healthy_wires(int locals)
{
    return (struct wires){.locals = locals,
                          .rate = 1e6,
                          .inside_rate = 10e6,
                          .slow = 0.5,
                          .machine = NOBODY,
                          .local = NOBODY,
                          .from = NOBODY,
                          .to = NOBODY};
}

/* ----------------------------------------------------------------------------------- one survey */

struct visit {
    struct mlb_links *links; /* rank 0's */
    double took_s;           /* on the job's clock */
    bool spoils;             /* rank 1 gets other data than was sent */
    bool devices;
};

/* A channel that spoils what it passes on. */
struct spoiling {
    struct mlb_channel_ops ops; /* first */
    const struct mlb_channel_ops *whole;
};

static enum mlb_status spoil(struct mlb_channel *channel, const void *send, int to, void *recv,
                             int from, size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    const struct spoiling *spoiling = (const struct spoiling *)channel->ops;
    enum mlb_status status =
        spoiling->whole->sendrecv(channel, send, to, recv, from, count, dtype, err);
    if (channel->rank == 1 && from >= 0)
        ((float *)recv)[count - 1] += 1.0f;
    return status;
}

static void body(struct threads_rank *rank, void *user)
{
    struct visit *visit = user;
    struct mlb_error err = {0};
    struct mlb_links *links;
    struct spoiling spoiling = {*rank->channel->ops, rank->channel->ops};
    spoiling.ops.sendrecv = spoil;
    if (visit->spoils)
        rank->channel->ops = &spoiling.ops;
    const struct mlb_survey_how how = {.comm = rank->comm,
                                       .channel = rank->channel,
                                       .device = rank->device,
                                       .memory_bytes = 1 << 20,
                                       .seed = 7,
                                       .exchange_s = 0.1,
                                       .tries = 3,
                                       .now_s = threads_now_s};
    double began_s = threads_now_s(rank->comm);
    check_ok(mlb_links_measure(&how, visit->devices, &links, &err), &err);
    if (rank->comm->rank == 0) {
        visit->links = links;
        visit->took_s = threads_now_s(rank->comm) - began_s;
    } else {
        check_true(links == NULL);
    }
    rank->channel->ops = spoiling.whole;
}

static void survey(struct wires *wires, int machines, struct visit *visit)
{
    const struct threads_job job = {.ranks = machines * wires->locals,
                                    .nodes = machines,
                                    .virtual_time = true,
                                    .transfer_s = transfer_s,
                                    .links = wires};
    threads_run(&job, body, visit, NULL);
    check_true(visit->links != NULL);
}

/* --------------------------------------------------------------------------------------- healthy
 */

static void every_pair_has_its_rates(void **state)
{
    (void)state;
    struct wires wires = healthy_wires(2);
    struct visit visit = {0};
    survey(&wires, 4, &visit);
    struct mlb_links *links = visit.links;
    check_i64(links->machines, 4);
    check_i64(links->rails, 2);
    check_i64(links->locals, 2);
    /* The element that goes before makes a message of 64 KiB and more longer by a hair. */
    for (int a = 0; a < 4; a++) {
        check_true(isnan(*mlb_links_pair(links, a, a)));
        check_close(mlb_links_inside(links, a)[1], 10e6, 1e-3);
        check_close(mlb_links_inside(links, a)[2], 10e6, 1e-3);
        for (int b = 0; b < 4; b++) {
            if (a == b)
                continue;
            check_close(*mlb_links_pair(links, a, b), 2e6, 1e-3);
            check_close(*mlb_links_rail(links, a, b, 0), 1e6, 1e-3);
            check_close(*mlb_links_rail(links, a, b, 1), 1e6, 1e-3);
        }
    }
    check_close(mlb_links_rails_alone(links).value, 2e6, 1e-3);
    check_close(links->rails_together.value, 2e6, 1e-3);
    check_close(links->bisection.value, 4e6, 1e-3);
    check_close(links->bisection_random.value, 4e6, 1e-3);
    check_u64(links->wrong, 0);
    check_true(links->checked > 0);
    check_u64(links->sick_count, 0);
    check_true(links->message_bytes >= 64 << 10);
    mlb_links_free(links);
}

static void unequal_machines_meet_by_what_both_have(void **state)
{
    (void)state;
    struct wires wires = healthy_wires(1000);
    struct visit visit = {0};
    const struct threads_job job = {
        .ranks = 5, .nodes = 2, .virtual_time = true, .transfer_s = transfer_s, .links = &wires};
    threads_run(&job, body, &visit, NULL);
    check_i64(visit.links->rails, 2);
    check_i64(visit.links->locals, 3);
    check_true(!isnan(*mlb_links_rail(visit.links, 0, 1, 1)));
    check_true(!isnan(mlb_links_inside(visit.links, 0)[2]));
    check_true(isnan(mlb_links_inside(visit.links, 1)[2]));
    mlb_links_free(visit.links);
}

/* ------------------------------------------------------------------------------------------ sick
 */

/* What is planted, which is what must be told. */
struct ailment {
    int machines, locals;
    enum mlb_sick_kind kind;
    int machine, other, local;
    double sends, receives;
};

static const struct ailment ailments[] = {
    {3, 2, MLB_SICK_MACHINE, 1, 0, 0, 0.5, 0.5}, {8, 1, MLB_SICK_MACHINE, 7, 0, 0, 0.5, 0.5},
    {3, 2, MLB_SICK_RAIL, 2, 0, 1, 0.5, 0.5},    {8, 3, MLB_SICK_RAIL, 0, 0, 0, 0.5, 0.5},
    {3, 2, MLB_SICK_LINK, 0, 2, 0, 1.0, 0.5},    {9, 1, MLB_SICK_LINK, 4, 5, 0, 1.0, 0.5},
    {2, 4, MLB_SICK_PATH, 0, 1, 3, 0.5, 0.5},    {2, 8, MLB_SICK_PATH, 0, 1, 0, 0.5, 0.5},
    {1, 4, MLB_SICK_DEVICE, 0, 0, 2, 0.5, 0.5},  {3, 8, MLB_SICK_DEVICE, 2, 0, 7, 0.5, 0.5},
};

static void make_ill(struct wires *wires, const struct ailment *ailment)
{
    if (ailment->kind == MLB_SICK_LINK) {
        wires->from = ailment->other;
        wires->to = ailment->machine;
        return;
    }
    wires->machine = ailment->machine;
    wires->local = ailment->kind == MLB_SICK_MACHINE ? NOBODY : ailment->local;
    wires->inside = ailment->kind == MLB_SICK_DEVICE;
}

static void what_is_slow_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ailments / sizeof *ailments; i++) {
        const struct ailment *ailment = &ailments[i];
        struct wires wires = healthy_wires(ailment->locals);
        struct visit visit = {.devices = true};
        make_ill(&wires, ailment);
        wires.noise = 0.05;
        wires.seed = i;
        survey(&wires, ailment->machines, &visit);
        check_u64(visit.links->sick_count, 1);
        const struct mlb_sick *sick = &visit.links->sick[0];
        check_true(sick->confirmed);
        check_text(mlb_sick_kind_names[sick->kind], mlb_sick_kind_names[ailment->kind]);
        check_i64(sick->machine, ailment->machine);
        check_i64(sick->other, ailment->other);
        check_i64(sick->local, ailment->local);
        check_close(sick->sends.value, ailment->sends, 0.08);
        check_close(sick->receives.value, ailment->receives, 0.08);
        mlb_links_free(visit.links);
    }
}

static void nobody_healthy_is_accused(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct wires wires = healthy_wires(2);
        struct visit visit = {.devices = true};
        wires.noise = 0.3;
        wires.seed = seed;
        survey(&wires, 3, &visit);
        for (size_t i = 0; i < visit.links->sick_count; i++)
            check_true(!visit.links->sick[i].confirmed);
        mlb_links_free(visit.links);
    }
}

static void wrong_data_is_found(void **state)
{
    (void)state;
    struct wires wires = healthy_wires(1);
    struct visit visit = {.spoils = true};
    survey(&wires, 3, &visit);
    check_true(visit.links->wrong > 0);
    check_true(visit.links->wrong < visit.links->checked);
    check_i64(visit.links->wrong_to, 1);
    check_true(visit.links->wrong_from != 1);
    mlb_links_free(visit.links);
}

/* ------------------------------------------------------------------------------------------ time
 */

/* Whole surveys: what is not the tournament (finding the message's size, bisection) is the same for
 * every number of machines, so two more machines take two more rounds. */
static void time_grows_by_a_round_a_machine(void **state)
{
    (void)state;
    double before_s = 0.0, round_s = 0.0;
    print_message("%8s %8s %10s\n", "machines", "rounds", "time");
    for (int n = 4; n <= 64; n *= 2) {
        struct wires wires = healthy_wires(1);
        struct visit visit = {0};
        survey(&wires, n, &visit);
        print_message("%8d %8d %8.2f s\n", n, n - 1, visit.took_s);
        if (n == 8)
            round_s = (visit.took_s - before_s) / 4;
        if (n > 8)
            check_close(visit.took_s - before_s, n / 2 * round_s, 0.01);
        before_s = visit.took_s;
        mlb_links_free(visit.links);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_has_its_rates),
        cmocka_unit_test(unequal_machines_meet_by_what_both_have),
        cmocka_unit_test(what_is_slow_is_named),
        cmocka_unit_test(nobody_healthy_is_accused),
        cmocka_unit_test(wrong_data_is_found),
        cmocka_unit_test(time_grows_by_a_round_a_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
