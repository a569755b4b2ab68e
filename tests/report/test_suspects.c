/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way from rates to verdicts, over a model of machines: each rail sends and receives at
 * most so fast, each machine in all, and each way between two. */
#include "harness/analysis/retest.h"

#include "harness/base/rng.h"
#include "harness/measure/survey.h"
#include "tests/check.h"

enum { MOST = 64, RAILS = 4 };

struct model {
    int machines, rails;
    double sends[MOST], receives[MOST]; /* of a machine, over all rails; 1 = healthy */
    double rail[MOST][RAILS];           /* both ways, of one rail; 1 = its even share */
    double way[MOST][MOST];             /* from a row's machine to a column's */
    bool shared;                        /* one rail alone may have all of a machine's rate */
    double noise;                       /* rates spread by so much to either side */
    uint64_t seed, draws;
};

static struct model *new_model(int machines, int rails)
{
    struct model *model = test_calloc(1, sizeof *model);
    model->machines = machines;
    model->rails = rails;
    for (int i = 0; i < MOST; i++) {
        model->sends[i] = model->receives[i] = 1.0;
        for (int j = 0; j < MOST; j++)
            model->way[i][j] = 1.0;
        for (int k = 0; k < RAILS; k++)
            model->rail[i][k] = 1.0;
    }
    return model;
}

/* All of `rails` from a to b: as fast as the slowest rail lets them be, within what the machine and
 * the way have. */
static double one_way(struct model *model, int a, int b, int first, int rails)
{
    double all = fmin(fmin(model->sends[a], model->receives[b]), model->way[a][b]);
    double slowest = 1.0;
    for (int k = first; k < first + rails; k++)
        slowest = fmin(slowest, fmin(model->rail[a][k], model->rail[b][k]));
    double even = model->shared ? 1.0 : (double)rails / model->rails;
    double noise = mlb_rng_uniform(model->seed, model->draws++);
    return fmin(all, even * slowest) * (1.0 + model->noise * noise) * 1e9;
}

static struct mlb_there_and_back try_again(struct model *model, const struct mlb_trial *trial)
{
    int a = trial->a.machine, b = trial->b.machine, first = trial->a.local;
    return (struct mlb_there_and_back){one_way(model, a, b, first, trial->rails),
                                       one_way(model, b, a, first, trial->rails)};
}

static void settle(struct mlb_trial *trial, struct mlb_there_and_back rates)
{
    trial->bytes_per_s = trial->twice = rates;
}

static struct mlb_links *measure(struct model *model)
{
    struct mlb_links *links = mlb_links_new(model->machines, model->rails, model->rails);
    check_true(links != NULL);
    for (int a = 0; a < model->machines; a++)
        for (int b = 0; b < model->machines; b++)
            if (a != b)
                *mlb_links_pair(links, a, b) = one_way(model, a, b, 0, model->rails);
    return links;
}

/* As the program does it. How many were suspected. */
static size_t judge(struct model *model, struct mlb_links *links)
{
    struct mlb_suspect suspects[MLB_SUSPECTS];
    struct mlb_trial trials[MLB_RETEST_TRIALS(RAILS)];
    struct mlb_error err = {0};
    size_t found = mlb_suspects_find(links->pair, links->machines, true, suspects, MLB_SUSPECTS);
    size_t count = found < MLB_SUSPECTS ? found : MLB_SUSPECTS;
    for (size_t i = 0; i < count; i++) {
        struct mlb_retest retest;
        check_true(mlb_retest_plan(links->pair, links->machines, MLB_OF_MACHINES, suspects, count,
                                   i, model->rails, &retest));
        size_t tried = mlb_retest_trials(&retest, trials);
        check_true(tried <= MLB_RETEST_TRIALS(model->rails));
        for (size_t t = 0; t < tried; t++)
            settle(&trials[t], try_again(model, &trials[t]));
        check_ok(mlb_retest_judge(&retest, trials, true, links, &err), &err);
    }
    mlb_suspects_gain(links);
    return found;
}

/* What ails the model, and the one verdict that must come of it. */
struct ailment {
    const char *what;
    int machines, rails;
    enum mlb_sick_kind kind;
    int machine, other, local;
    double sends, receives, share, gain;
    bool shared;
};

/* The other direction stays well. */
static const struct ailment ailments[] = {
    {"half a machine of three", 3, 2, MLB_SICK_MACHINE, 1, 0, 0, 0.5, 0.5, 0.5, 2.0, false},
    {"half a machine of three, the last", 3, 2, MLB_SICK_MACHINE, 2, 0, 0, 0.5, 0.5, 0.5, 2.0,
     false},
    {"half a machine, whose rails share a card", 3, 2, MLB_SICK_MACHINE, 1, 0, 0, 0.5, 0.5, 0.5,
     2.0, true},
    {"a machine that sends slowly", 3, 2, MLB_SICK_MACHINE, 0, 0, 0, 0.5, 1.0, 0.5, 2.0, false},
    {"a machine that receives slowly", 4, 1, MLB_SICK_MACHINE, 3, 0, 0, 1.0, 0.25, 0.25, 4.0,
     false},
    {"a machine of many, slower by a seventh", 64, 1, MLB_SICK_MACHINE, 40, 0, 0, 0.85, 0.85, 0.85,
     1.0 / 0.85, false},
    {"a rail of three machines", 3, 2, MLB_SICK_RAIL, 1, 0, 1, 0.5, 0.5, 0.5, 2.0, false},
    {"a rail of many machines", 16, 4, MLB_SICK_RAIL, 7, 0, 2, 0.5, 0.5, 0.5, 2.0, false},
    {"a way between two of three", 3, 2, MLB_SICK_LINK, 0, 2, 0, 0.5, 0.5, 0.5, 2.0, false},
    {"a way of many, one direction", 16, 1, MLB_SICK_LINK, 3, 11, 0, 0.5, 1.0, 0.5, 2.0, false},
};

static void make_ill(struct model *model, const struct ailment *ailment)
{
    int machine = ailment->machine;
    model->shared = ailment->shared;
    if (ailment->kind == MLB_SICK_MACHINE) {
        model->sends[machine] = ailment->sends;
        model->receives[machine] = ailment->receives;
    } else if (ailment->kind == MLB_SICK_RAIL) {
        model->rail[machine][ailment->local] = ailment->share;
    } else {
        model->way[machine][ailment->other] = ailment->sends;
        model->way[ailment->other][machine] = ailment->receives;
    }
}

static void check_verdict(const struct mlb_links *links, const struct ailment *ailment,
                          double tolerance)
{
    const struct mlb_sick *sick = &links->sick[0];
    check_u64(links->sick_count, 1);
    check_true(sick->confirmed);
    check_text(mlb_sick_kind_names[sick->kind], mlb_sick_kind_names[ailment->kind]);
    check_i64(sick->machine, ailment->machine);
    check_i64(sick->other, ailment->other);
    check_i64(sick->local, ailment->local);
    check_close(sick->share, ailment->share, tolerance);
    check_true(sick->sends.known && sick->receives.known);
    check_close(sick->sends.value, ailment->sends, tolerance);
    check_close(sick->receives.value, ailment->receives, tolerance);
    check_close(sick->gain, ailment->gain, tolerance);
}

static void the_sick_one_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ailments / sizeof *ailments; i++) {
        const struct ailment *ailment = &ailments[i];
        struct model *model = new_model(ailment->machines, ailment->rails);
        make_ill(model, ailment);
        struct mlb_links *links = measure(model);
        check_u64(judge(model, links), 1);
        check_verdict(links, ailment, 1e-9);
        mlb_links_free(links);
        test_free(model);
    }
}

static void noise_changes_no_verdict(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        for (size_t i = 0; i < sizeof ailments / sizeof *ailments; i++) {
            const struct ailment *ailment = &ailments[i];
            struct model *model = new_model(ailment->machines, ailment->rails);
            model->noise = 0.02;
            model->seed = seed;
            make_ill(model, ailment);
            struct mlb_links *links = measure(model);
            judge(model, links);
            check_verdict(links, ailment, 0.08);
            mlb_links_free(links);
            test_free(model);
        }
    }
}

static void the_healthy_are_not_accused(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 3, 4, 7, 8, 16, 64};
    size_t suspected = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (uint64_t seed = 0; seed < 50; seed++) {
            struct model *model = new_model(sizes[i], 2);
            model->noise = 0.05;
            model->seed = seed;
            struct mlb_links *links = measure(model);
            suspected += judge(model, links);
            for (size_t k = 0; k < links->sick_count; k++)
                check_true(!links->sick[k].confirmed);
            mlb_links_free(links);
            test_free(model);
        }
    }
    print_message("%zu suspected of 8 x 50 healthy jobs, none accused\n", suspected);
}

/* A burst of other traffic in the tournament, gone when it is tried again. */
static void a_suspect_is_cleared(void **state)
{
    (void)state;
    struct model *model = new_model(4, 2);
    model->sends[2] = 0.6;
    struct mlb_links *links = measure(model);
    model->sends[2] = 1.0;
    check_u64(judge(model, links), 1);
    check_u64(links->sick_count, 1);
    check_true(!links->sick[0].confirmed);
    check_i64(links->sick[0].machine, 2);
    check_close(links->sick[0].share, 1.0, 1e-9);
    check_close(links->sick[0].gain, 0.0, 0);
    mlb_links_free(links);
    test_free(model);
}

static void two_sick_machines_are_both_named(void **state)
{
    (void)state;
    static const int machines[] = {4, 5, 12};
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        struct model *model = new_model(machines[i], 2);
        model->sends[0] = 0.7;
        model->receives[3] = 0.5;
        struct mlb_links *links = measure(model);
        check_u64(judge(model, links), 2);
        check_i64(links->sick[0].machine, 3); /* the worse one first */
        check_i64(links->sick[1].machine, 0);
        check_true(links->sick[0].confirmed && links->sick[1].confirmed);
        check_close(links->sick[0].gain, 2.0, 1e-9);
        mlb_links_free(links);
        test_free(model);
    }
}

/* From a burst in one pair to many sick ones: the worst are kept, all are counted. */
static void the_worst_are_kept(void **state)
{
    (void)state;
    struct model *model = new_model(64, 1);
    model->noise = 0.005;
    for (int i = 0; i < 12; i++)
        model->sends[5 * i] = 0.8 - 0.02 * i;
    struct mlb_links *links = measure(model);
    check_u64(judge(model, links), 12);
    check_u64(links->sick_count, MLB_SUSPECTS);
    for (int i = 0; i < MLB_SUSPECTS; i++)
        check_i64(links->sick[i].machine, 5 * (11 - i));
    mlb_links_free(links);
    test_free(model);
}

static void ranks_of_a_machine_are_members_too(void **state)
{
    (void)state;
    enum { N = 8 };
    double rates[N * N], near = 400e9;
    struct mlb_suspect suspects[MLB_SUSPECTS];
    struct mlb_trial trials[MLB_RETEST_TRIALS(1)];
    struct mlb_retest retest;
    struct mlb_error err = {0};
    /* Two islands: far pairs are half as fast, and are no suspects. */
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++)
            rates[a * N + b] = a == b ? NAN : (a < 4) == (b < 4) ? near : near / 2;
    check_u64(mlb_suspects_find(rates, N, false, suspects, MLB_SUSPECTS), 0);
    for (int b = 0; b < N; b++)
        rates[5 * N + b] = rates[b * N + 5] = b == 5 ? NAN : near / 4;
    check_u64(mlb_suspects_find(rates, N, false, suspects, MLB_SUSPECTS), 1);
    check_true(mlb_retest_plan(rates, N, MLB_OF_RANKS, suspects, 1, 0, 1, &retest));
    retest.machine = 3;
    check_u64(mlb_retest_trials(&retest, trials), 3);
    for (int t = 0; t < 3; t++) {
        check_i64(trials[t].a.machine, 3);
        check_i64(trials[t].b.machine, 3);
        check_true(trials[t].b.local != 5);
        double rate = trials[t].a.local == 5 ? near / 4 : near;
        settle(&trials[t], (struct mlb_there_and_back){rate, rate});
    }
    struct mlb_links *links = mlb_links_new(1, 1, N);
    check_ok(mlb_retest_judge(&retest, trials, true, links, &err), &err);
    check_u64(links->sick_count, 1);
    check_i64(links->sick[0].kind, MLB_SICK_DEVICE);
    check_true(links->sick[0].confirmed);
    check_i64(links->sick[0].machine, 3);
    check_i64(links->sick[0].local, 5);
    check_close(links->sick[0].share, 0.25, 1e-9);
    mlb_links_free(links);
}

/* Members in islands within which they are near; whom a machine that is built so accuses. */
static void who_is_far_is_not_sick(void **state)
{
    (void)state;
    static const struct {
        const char *islands; /* a letter a member */
        double far, sick;    /* parts of the rate within an island; of member 0, of all it has */
        size_t found, told;
    } table[] = {
        {"abcc", 0.5, 1.0, 2, 0},                               /* a bridge between two of four */
        {"abb", 0.5, 1.0, 1, 0},                                /* of three that are visible */
        {"abccddee", 0.5, 1.0, 2, 0},                           /* bridges between six of eight */
        {"aaabbb", 0.5, 1.0, 0, 0},   {"aaaa", 1.0, 0.5, 1, 1}, /* one switch: nobody is far */
        {"aaaaaaaa", 1.0, 0.8, 1, 1}, {"aaaabbbb", 0.5, 0.25, 1, 1}, /* slower than who is far */
        {"aaaabbbb", 0.5, 0.5, 1, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_suspect suspects[MLB_SUSPECTS];
        int n = (int)strlen(table[i].islands);
        double rates[64];
        size_t told = 0;
        for (int a = 0; a < n; a++)
            for (int b = 0; b < n; b++) {
                bool near = table[i].islands[a] == table[i].islands[b];
                double rate = (near ? 1.0 : table[i].far) * (a * b == 0 ? table[i].sick : 1.0);
                rates[a * n + b] = a == b ? NAN : rate * (1.0 - 0.001 * ((a + b) % 7));
            }
        size_t found = mlb_suspects_find(rates, n, false, suspects, MLB_SUSPECTS);
        for (size_t k = 0; k < found; k++)
            told += mlb_suspects_tell(rates, n, suspects, found, &suspects[k]);
        check_u64(found, table[i].found);
        check_u64(told, table[i].told);
    }
}

static void what_is_unsteady_is_neither(void **state)
{
    (void)state;
    const double rates[9] = {NAN, 0.5, 0.5, 0.5, NAN, 1.0, 0.5, 1.0, NAN};
    struct mlb_suspect suspect;
    struct mlb_trial trials[MLB_RETEST_TRIALS(1)];
    struct mlb_retest retest;
    struct mlb_error err = {0};
    check_u64(mlb_suspects_find(rates, 3, true, &suspect, 1), 1);
    check_true(mlb_retest_plan(rates, 3, MLB_OF_MACHINES, &suspect, 1, 0, 1, &retest));
    size_t count = mlb_retest_trials(&retest, trials);
    for (size_t t = 0; t < count; t++) {
        double rate = rates[trials[t].a.machine * 3 + trials[t].b.machine];
        settle(&trials[t], (struct mlb_there_and_back){rate, rate});
    }
    trials[0].twice.back *= 0.9;
    struct mlb_links *links = mlb_links_new(3, 1, 1);
    check_ok(mlb_retest_judge(&retest, trials, true, links, &err), &err);
    check_u64(links->sick_count, 0);
    check_i64(links->untried, 1);
    mlb_links_free(links);
}

static void an_unsteady_rail_is_not_told_from_its_machine(void **state)
{
    (void)state;
    struct mlb_suspect suspect;
    struct mlb_trial trials[MLB_RETEST_TRIALS(2)];
    struct mlb_retest retest;
    struct mlb_error err = {0};
    struct model *model = new_model(3, 2);
    model->rail[1][1] = 0.5;
    struct mlb_links *links = measure(model);
    check_u64(mlb_suspects_find(links->pair, 3, true, &suspect, 1), 1);
    check_true(mlb_retest_plan(links->pair, 3, MLB_OF_MACHINES, &suspect, 1, 0, 2, &retest));
    size_t count = mlb_retest_trials(&retest, trials);
    for (size_t t = 0; t < count; t++) {
        settle(&trials[t], try_again(model, &trials[t]));
        if (trials[t].a.local == 1)
            trials[t].twice.there *= 0.9;
    }
    check_ok(mlb_retest_judge(&retest, trials, true, links, &err), &err);
    check_u64(links->sick_count, 1);
    check_true(links->sick[0].confirmed);
    check_i64(links->sick[0].kind, MLB_SICK_MACHINE);
    mlb_links_free(links);
    test_free(model);
}

/* Those it is compared with are as slow in one direction: nothing is known against it. */
static void in_doubt_nobody_is_guilty(void **state)
{
    (void)state;
    const double rates[9] = {NAN, 0.5, 0.5, 0.5, NAN, 1.0, 0.5, 1.0, NAN};
    struct mlb_suspect suspect;
    struct mlb_trial trials[MLB_RETEST_TRIALS(1)];
    struct mlb_retest retest;
    struct mlb_error err = {0};
    for (int slow = 0; slow < 2; slow++) {
        struct mlb_links *links = mlb_links_new(3, 1, 1);
        check_u64(mlb_suspects_find(rates, 3, true, &suspect, 1), 1);
        check_true(mlb_retest_plan(rates, 3, MLB_OF_MACHINES, &suspect, 1, 0, 1, &retest));
        check_u64(mlb_retest_trials(&retest, trials), 3);
        for (int t = 0; t < 3; t++)
            settle(&trials[t], (struct mlb_there_and_back){t < 2 ? 0.5 : 1.0, t < 2 ? 0.5 : 1.0});
        *(slow ? &trials[2].twice.there : &trials[2].twice.back) = 0.5;
        check_ok(mlb_retest_judge(&retest, trials, true, links, &err), &err);
        check_u64(links->sick_count, 1);
        check_true(!links->sick[0].confirmed);
        check_close(links->sick[0].share, 1.0, 0);
        mlb_links_free(links);
    }
}

static void unknown_is_no_evidence(void **state)
{
    (void)state;
    double rates[9] = {NAN, NAN, NAN, NAN, NAN, 1.0, NAN, 1.0, NAN};
    struct mlb_suspect suspect = {.a = 0, .share = 0.5};
    struct mlb_trial trials[MLB_RETEST_TRIALS(2)];
    struct mlb_retest retest;
    struct mlb_error err = {0};
    check_u64(mlb_suspects_find(rates, 3, true, &suspect, 1), 0);
    check_true(mlb_retest_plan(rates, 3, MLB_OF_MACHINES, &suspect, 1, 0, 2, &retest));
    check_u64(mlb_retest_trials(&retest, trials), 9); /* all of NaN */
    struct mlb_links *links = mlb_links_new(3, 2, 2);
    check_ok(mlb_retest_judge(&retest, trials, true, links, &err), &err);
    check_true(!links->sick[0].confirmed);
    check_true(!links->sick[0].sends.known);
    mlb_links_free(links);
    /* Nobody to compare with. */
    check_true(!mlb_retest_plan(rates, 2, MLB_OF_MACHINES, &suspect, 1, 0, 1, &retest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sick_one_is_named),
        cmocka_unit_test(noise_changes_no_verdict),
        cmocka_unit_test(the_healthy_are_not_accused),
        cmocka_unit_test(a_suspect_is_cleared),
        cmocka_unit_test(two_sick_machines_are_both_named),
        cmocka_unit_test(the_worst_are_kept),
        cmocka_unit_test(ranks_of_a_machine_are_members_too),
        cmocka_unit_test(who_is_far_is_not_sick),
        cmocka_unit_test(what_is_unsteady_is_neither),
        cmocka_unit_test(an_unsteady_rail_is_not_told_from_its_machine),
        cmocka_unit_test(in_doubt_nobody_is_guilty),
        cmocka_unit_test(unknown_is_no_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
