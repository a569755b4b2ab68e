/* SPDX-License-Identifier: Apache-2.0 */
/* The search for the best sizes, over landscapes made up here; then over a scripted workload. */
#include <math.h>
#include <stdlib.h>

#include "harness/app/search_case.h"
#include "harness/app/suite.h"
#include "tests/check.h"
#include "tests/fake/fake_comm.h"
#include "tests/fake/fake_device.h"
#include "tests/fake/fake_workloads.h"

/* A session's ranks are made by hand here. */
enum mlb_status mlb_comm_open(double deadline_s, int seats, struct mlb_comm **comm,
                              struct mlb_error *err)
{
    (void)deadline_s, (void)seats, (void)comm;
    return mlb_fail(err, MLB_E_INTERNAL, "no ranks are started in this test");
}

void mlb_comm_close(struct mlb_comm *comm)
{
    (void)comm;
}

/* What a search sees, and what it did. */
struct landscape {
    double (*rate)(const struct mlb_shape *shape);
    size_t time_for; /* looks; 0 = any */
    size_t looks, finals;
    struct mlb_shape seen[600];
};

static enum mlb_status look(void *user, const struct mlb_shape *shape, bool final, double *rate,
                            bool *over, struct mlb_error *err)
{
    struct landscape *land = user;
    (void)err;
    *rate = land->rate(shape);
    if (final) {
        land->finals++;
        return MLB_OK;
    }
    for (size_t i = 0; i < land->looks; i++)
        check_true(memcmp(&land->seen[i], shape, sizeof *shape) != 0); /* never twice */
    land->seen[land->looks++] = *shape;
    *over = land->time_for && land->looks >= land->time_for;
    return MLB_OK;
}

static struct mlb_search_found search(struct landscape *land, size_t sizes, uint64_t start)
{
    struct mlb_search order = {.sizes = sizes, .look = look, .user = land};
    struct mlb_search_found found;
    struct mlb_error err = {0};
    for (size_t i = 0; i < sizes; i++)
        order.start.size[i] = start;
    check_ok(mlb_search(&order, &found, &err), &err);
    return found;
}

/* One hill, away from the powers of two, and ridges as tiles make them. */
static double hill(const struct mlb_shape *shape)
{
    static const double top[] = {2048, 13312, 3072};
    double rate = 800.0;
    for (size_t i = 0; i < 3; i++)
        rate -= 100.0 * fabs(log2((double)shape->size[i] / top[i]));
    return shape->size[1] % 512 ? 0.98 * rate : rate;
}

static double nothing(const struct mlb_shape *shape)
{
    (void)shape;
    return 0.0;
}

/* Large ones do not fit. */
static double bounded(const struct mlb_shape *shape)
{
    return shape->size[0] * shape->size[1] > 4000000 ? 0.0 : (double)shape->size[0];
}

static void test_finds_a_hill(void **unused)
{
    struct landscape land = {.rate = hill}, again = {.rate = hill};
    (void)unused;
    struct mlb_search_found found = search(&land, 3, 4096);
    check_true(found.complete);
    check_true(found.best_rate > 0.97 * 800.0);
    check_u64(found.tried + found.left_out, land.looks);
    check_u64(land.finals, 3);
    check_true(found.second_rate > 0.0 && found.second_rate <= found.best_rate);
    struct mlb_search_found same = search(&again, 3, 4096);
    check_u64(again.looks, land.looks);
    check_true(memcmp(again.seen, land.seen, sizeof land.seen) == 0);
    check_true(memcmp(&same, &found, sizeof same) == 0);
}

static void test_small_ones_come_first(void **unused)
{
    struct landscape land = {.rate = hill, .time_for = 5};
    (void)unused;
    struct mlb_search_found found = search(&land, 3, 4096);
    check_true(!found.complete);
    check_u64(land.looks, 5); /* and three of them again */
    check_u64(land.finals, 3);
    check_u64(land.seen[0].size[0] + land.seen[0].size[1] + land.seen[0].size[2], 3 * 2048);
    check_true(found.best_rate > 0.0);
}

static void test_what_does_not_fit_is_left_out(void **unused)
{
    struct landscape land = {.rate = bounded}, none = {.rate = nothing};
    (void)unused;
    struct mlb_search_found found = search(&land, 2, 1024);
    check_true(found.left_out > 0 && found.tried > 0);
    check_u64(found.tried + found.left_out, land.looks);
    check_true(found.best.size[0] >= 4096);
    found = search(&none, 2, 1024);
    check_u64(found.tried, 0);
    check_u64(found.left_out, none.looks);
    check_close(found.best_rate, 0.0, 0.0);
    check_u64(none.finals, 0);
}

static void test_tiny_sizes_stay_above_nothing(void **unused)
{
    struct landscape land = {.rate = bounded};
    (void)unused;
    search(&land, 2, 1);
    for (size_t i = 0; i < land.looks; i++)
        check_true(land.seen[i].size[0] > 0 && land.seen[i].size[1] > 0);
}

/* ------------------------------------------------------------------------------ a case of a plan
 */

struct rig {
    struct fake_script script;
    struct fake_comm comm;
    struct mlb_options options;
    struct mlb_session session;
    struct mlb_progress progress;
    struct mlb_plan plan;
    struct mlb_error err;
};

/* Every step takes as long, so that the largest size is fastest. */
static void open_rig(struct rig *rig, const char *workload)
{
    static const double step_ns[] = {1e6};
    static const char *const kinds[] = {"fake", NULL};
    struct mlb_case *item = NULL;
    *rig = (struct rig){.options = {.search_time_s = 60, .timeout_s = 1, .threads = 1}};
    fake_device_reset();
    fake_comm_init(&rig->comm, 1);
    rig->script =
        (struct fake_script){.step_ns = step_ns, .count = 1, .advance = fake_device_advance};
    fake_script = &rig->script;
    rig->session = (struct mlb_session){.comm = &rig->comm.comm,
                                        .sharing = 1,
                                        .station_count = 1,
                                        .kinds = {"fake"},
                                        .options = &rig->options};
    struct mlb_station *station = &rig->session.stations[0];
    mlb_format(station->kind, sizeof station->kind, "fake");
    station->count = 1;
    check_ok(mlb_backend_fake.open(0, 0, &station->device, &rig->err), &rig->err);
    check_ok(mlb_plan_add(&rig->plan, mlb_workload_find(workload), &item, &rig->err), &rig->err);
    item->measure.max_warmup_s = 0.02;
    if (mlb_suite_search(&rig->plan, &rig->err) == MLB_OK)
        check_ok(mlb_plan_finish(&rig->plan, kinds, &rig->err), &rig->err);
}

static void close_rig(struct rig *rig)
{
    check_u64(rig->script.setups, rig->script.teardowns);
    mlb_backend_fake.close(rig->session.stations[0].device);
    mlb_plan_free(&rig->plan);
}

static void test_a_case_becomes_its_best(void **unused)
{
    struct rig rig;
    struct mlb_details details = {0};
    (void)unused;
    open_rig(&rig, "alpha");
    struct mlb_search_case of = {
        .session = &rig.session, .like = &rig.plan.cases[0], .progress = &rig.progress};
    check_contains(rig.plan.cases[0].id, "alpha[fake,search,size=16");
    check_ok(mlb_search_case(&of, &rig.err), &rig.err);
    const struct fake_params *best = of.best.params;
    check_true(best->size > 64); /* beyond four times the start, by steps */
    check_text(of.best.id, rig.plan.cases[0].id);
    check_true(strcmp(of.best.label, rig.plan.cases[0].label) != 0);
    check_u64(((const struct fake_params *)rig.plan.cases[0].params)->size, 16);
    check_u64(rig.script.verifies, 3); /* of the last looks alone */
    mlb_search_details(&of, &details);
    check_close(mlb_detail_find(&details, "search_shapes_measured")->number, (double)of.found.tried,
                0);
    check_text(mlb_detail_find(&details, "search_ended_by")->text, "the search");
    check_contains(mlb_detail_find(&details, "search_runner_up")->text, "plain ");
    check_true(mlb_detail_find(&details, "search_runner_up_per_s")->number <= of.found.best_rate);
    free(of.best.params);
    close_rig(&rig);
}

static void test_nothing_can_be_measured(void **unused)
{
    struct rig rig;
    (void)unused;
    open_rig(&rig, "alpha");
    ((struct fake_params *)rig.plan.cases[0].params)->fault = FAKE_UNSUPPORTED;
    struct mlb_search_case of = {
        .session = &rig.session, .like = &rig.plan.cases[0], .progress = &rig.progress};
    check_ok(mlb_search_case(&of, &rig.err), &rig.err);
    check_u64(of.found.tried, 0);
    check_u64(((const struct fake_params *)of.best.params)->size, 16); /* its row says why */
    free(of.best.params);
    close_rig(&rig);
}

/* A job that cannot go on ends the search. */
static void test_a_lost_job_ends_it(void **unused)
{
    struct rig rig;
    (void)unused;
    open_rig(&rig, "alpha");
    ((struct fake_params *)rig.plan.cases[0].params)->fault = FAKE_LOST;
    struct mlb_search_case of = {
        .session = &rig.session, .like = &rig.plan.cases[0], .progress = &rig.progress};
    check_true(mlb_search_case(&of, &rig.err) == MLB_E_COMM);
    free(of.best.params);
    close_rig(&rig);
}

static void test_a_workload_without_sizes(void **unused)
{
    struct rig rig;
    (void)unused;
    open_rig(&rig, "gather");
    check_fails(rig.err.status, MLB_E_USAGE, &rig.err, "gather has no sizes to look for");
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_a_hill),
        cmocka_unit_test(test_small_ones_come_first),
        cmocka_unit_test(test_what_does_not_fit_is_left_out),
        cmocka_unit_test(test_tiny_sizes_stay_above_nothing),
        cmocka_unit_test(test_a_case_becomes_its_best),
        cmocka_unit_test(test_nothing_can_be_measured),
        cmocka_unit_test(test_a_lost_job_ends_it),
        cmocka_unit_test(test_a_workload_without_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
