/* SPDX-License-Identifier: Apache-2.0 */
/* What several rows of collectives say together, of the constructed record of two machines. */
#include "tests/check.h"

#include "harness/analysis/hierarchy.h"
#include "harness/analysis/loss_budget.h"
#include "harness/analysis/nic_spread.h"
#include "harness/analysis/wire_row.h"
#include "harness/base/text.h"
#include "tests/measure/records.h"

static void health_notes(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    record_nodes(&result);
    mlb_wire_judge(&result);
    check_u64(result.health_count, 1);
    check_text(result.health[0].code, "wire_bytes");
    check_contains(result.health[0].text, "another way");
    check_contains(result.health[0].text, "1 row; all_gather 1 GiB f32: 4 MiB counted, 960 MiB");
    mlb_result_free(&result);
}

static void set_scope(struct mlb_row *row, const char *scope)
{
    for (size_t i = 0; i < row->param_count; i++)
        if (strcmp(row->params[i].name, "scope") == 0)
            mlb_format(row->params[i].value, sizeof row->params[i].value, "%s", scope);
}

/* mlx5_3 moves little in every row that can tell, mlx5_5 in one of them. */
static void idle_nics(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    record_nodes(&result);
    mlb_nic_spread_judge(&result);
    check_u64(result.health_count, 0);
    check_true(mlb_nic_spread_of_row(&result, &result.rows[0]).known);
    check_true(!mlb_nic_spread_of_row(&result, &result.rows[1]).known); /* nothing was counted */
    check_true(!mlb_nic_spread_of_row(&result, &result.rows[2]).known); /* 8 KiB */
    check_true(!mlb_nic_spread_of_row(&result, &result.rows[9]).known); /* past the counters */
    static const struct {
        const char *workload, *device, *scope;
        bool known;
    } table[] = {{"all_reduce", "cuda", "all", true},   {"all_reduce", "cuda", "rails", true},
                 {"all_reduce", "cuda", "rail", false}, {"all_reduce", "cpu", "all", false},
                 {"broadcast", "cuda", "all", true},    {"alltoall", "cuda", "all", true},
                 {"sendrecv", "cuda", "all", false},    {"sendrecv", "cuda", "rails", true},
                 {"gather", "cuda", "all", false},      {"scatter", "cuda", "all", false}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_row row = result.rows[8]; /* 6 GiB a step */
        mlb_format(row.workload, sizeof row.workload, "%s", table[i].workload);
        mlb_format(row.device, sizeof row.device, "%s", table[i].device);
        set_scope(&row, table[i].scope);
        check_true(mlb_nic_spread_of_row(&result, &row).known == table[i].known);
    }
    for (size_t i = 0; i < result.row_count; i++)
        if (result.rows[i].port_count)
            result.rows[i].ports[3].sent_bytes = result.rows[i].ports[3].received_bytes /= 4;
    result.rows[8].ports[5].sent_bytes = result.rows[8].ports[5].received_bytes /= 100;
    struct mlb_nic_spread spread = mlb_nic_spread_of_row(&result, &result.rows[8]);
    check_u64(spread.ports, 8);
    check_u64(spread.idle, 2);
    check_text(spread.least, "mlx5_5");
    check_close(spread.least_share, 0.01 / (6.26 / 8), 1e-6);
    mlb_nic_spread_judge(&result);
    check_u64(result.health_count, 1);
    check_text(result.health[0].code, "idle_nic");
    check_contains(result.health[0].text, "mlx5_3 moved less than half");
    check_contains(result.health[0].text, "in each of 3 rows");
    check_i64(result.health[0].level, MLB_HEALTH_WARN);
    for (size_t i = 0; i < result.row_count; i++)
        if (result.rows[i].port_count)
            result.rows[i].ports[3].sent_bytes = result.rows[i].ports[3].received_bytes = 0;
    result.health_count = 0;
    mlb_nic_spread_judge(&result);
    check_i64(result.health[0].level, MLB_HEALTH_NOTE);
    check_contains(result.health[0].text, "mlx5_3 moved nothing in each of 3 rows");
    mlb_result_free(&result);
}

static void by_scope(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_hierarchy hierarchy;
    record_nodes(&result);
    check_true(!mlb_hierarchy_at(&result, 0, &hierarchy)); /* 16 GiB: one scope */
    check_true(mlb_hierarchy_at(&result, 1, &hierarchy));
    check_true(hierarchy.rows[MLB_SCOPE_ALL] == &result.rows[1]);
    check_true(hierarchy.rows[MLB_SCOPE_NODE] == &result.rows[3]);
    check_true(hierarchy.rows[MLB_SCOPE_RAIL] == &result.rows[4]);
    check_true(hierarchy.rows[MLB_SCOPE_RAILS] == &result.rows[5]);
    check_true(!mlb_hierarchy_at(&result, 3, &hierarchy)); /* not the first */
    check_true(!mlb_hierarchy_at(&result, 6, &hierarchy)); /* hosts: one scope */
    check_true(mlb_hierarchy_at(&result, 7, &hierarchy));
    check_true(hierarchy.rows[MLB_SCOPE_ALL] == NULL);
    result.rows[8].verification.wrong = 1;
    check_true(!mlb_hierarchy_at(&result, 7, &hierarchy));
    result.nodes = 1;
    check_true(!mlb_hierarchy_at(&result, 1, &hierarchy));
    mlb_result_free(&result);
}

static void budget(void **state)
{
    (void)state;
    static const struct {
        double rate, of_line, of_before;
    } expected[MLB_LOSS_STEPS] = {
        {47e9, 0.94, 0},          {46.5e9, 0.93, 46.5 / 47},   {45e9, 0.9, 45 / 46.5},
        {328e9, 0.82, 41.0 / 45}, {245.3e9, 0.613, 30.7 / 41}, {200e9, 0.5, 200 / 245.3}};
    struct mlb_result result = {0};
    struct mlb_loss_step steps[MLB_LOSS_STEPS];
    record_nodes(&result);
    check_u64(mlb_loss_budget(&result, steps), 6);
    for (size_t i = 0; i < MLB_LOSS_STEPS; i++) {
        check_true((steps[i].row != NULL) == (expected[i].rate > 0.0));
        check_close(steps[i].network_bytes_per_s, expected[i].rate, 4e-3);
        check_close(steps[i].of_line, expected[i].of_line, 4e-3);
        check_close(steps[i].of_before, expected[i].of_before, 8e-3);
    }
    result.rows[4].status = MLB_ROW_UNTRUSTED; /* one rail: now compared with the step before it */
    check_u64(mlb_loss_budget(&result, steps), 5);
    check_true(steps[2].row == NULL);
    check_close(steps[3].of_before, 41 / 46.5, 8e-3);
    cJSON_Delete(result.fabric); /* the NICs' rates are not known: rail by rail */
    result.fabric = NULL;
    for (size_t i = 0; i < result.row_count; i++)
        result.rows[i].port_count = 0;
    check_u64(mlb_loss_budget(&result, steps), 5);
    check_close(steps[3].of_line, 0, 0);
    check_true(steps[1].applies);
    check_close(steps[3].of_before, 41 / 46.5, 8e-3);
    result.rows[5].port_count = 1; /* all rails share one port, whose rate nobody tells */
    result.rows[5].ports[0].line_bytes_per_s = 0.0;
    mlb_loss_budget(&result, steps);
    check_close(steps[3].of_before, 328 / 46.5, 8e-3);
    mlb_format(result.device.kind, sizeof result.device.kind, "cpu");
    check_u64(mlb_loss_budget(&result, steps), 1);
    check_true(steps[0].applies && !steps[1].applies);
    mlb_result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_notes),
        cmocka_unit_test(idle_nics),
        cmocka_unit_test(by_scope),
        cmocka_unit_test(budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
