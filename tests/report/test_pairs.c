/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/report/pairs.h"
#include "tests/measure/records.h"

static void set_param(struct mlb_row *row, const char *name, const char *value)
{
    struct mlb_param *param = &row->params[row->param_count++];
    snprintf(param->name, sizeof param->name, "%s", name);
    snprintf(param->value, sizeof param->value, "%s", value);
}

/* A row of shift `shift` whose rank r has the time (shift + 1) x 1 ms + r x 10 us. */
static void add_row(struct mlb_result *result, const char *op, unsigned shift, size_t ranks,
                    unsigned gpus)
{
    struct mlb_error err = {0};
    struct mlb_row row = {.status = MLB_ROW_MEASURED, .verified = true, .rank_count = ranks};
    char text[16];
    snprintf(row.workload, sizeof row.workload, "p2p");
    snprintf(row.variant, sizeof row.variant, "peer");
    snprintf(text, sizeof text, "%u", shift);
    set_param(&row, "op", op);
    set_param(&row, "shift", text);
    set_param(&row, "bytes", "256MiB");
    row.verification.checked = 1;
    row.work.bytes = 1e8;
    mlb_detail_number(&row.details, "gpus", gpus);
    if (strcmp(op, "latency") == 0)
        mlb_detail_number(&row.details, "loads_per_step", 1000);
    row.rank_median_ns = calloc(ranks, sizeof *row.rank_median_ns);
    for (size_t rank = 0; rank < ranks; rank++)
        row.rank_median_ns[rank] = 1e6 * (shift + 1) + 1e4 * (double)rank;
    check_ok(mlb_result_add(result, &row, &err), &err);
}

static struct mlb_text print(const struct mlb_result *result)
{
    struct mlb_text text = {0};
    mlb_report_pairs(result, &text);
    check_true(!text.failed);
    return text;
}

static void all_pairs_stand_in_one_matrix(void **state)
{
    struct mlb_result result = {.nodes = 1};
    (void)state;
    for (unsigned shift = 1; shift <= 2; shift++)
        add_row(&result, "write", shift, 3, 3);
    add_row(&result, "latency", 1, 3, 3);
    result.rows[2].status = MLB_ROW_UNTRUSTED;
    struct mlb_text text = print(&result);
    check_text(
        mlb_text_get(&text),
        "\n  p2p write 256MiB, GB/s from a line's GPU to a column's, all lines at once\n"
        "         0     1     2\n"
        "   0     -  50.0  33.3\n"
        "   1  33.2     -  49.8\n"
        "   2  49.5  33.1     -\n"
        "\n  p2p latency 256MiB, ns a load from a line's GPU to a column's, all lines at once\n"
        "         0     1     2\n"
        "   0     -  2000     -\n"
        "   1     -     -  2010\n"
        "   2  2020     -     -\n");
    mlb_text_free(&text);
    mlb_result_free(&result);
}

static void fewer_ranks_than_gpus_leave_lines_out(void **state)
{
    struct mlb_result result = {.nodes = 1, .solo = true};
    (void)state;
    add_row(&result, "read", 3, 2, 4);
    struct mlb_text text = print(&result);
    check_text(mlb_text_get(&text),
               "\n  p2p read 256MiB, GB/s from a line's GPU to a column's, one at a time\n"
               "         0     1     2     3\n"
               "   0     -     -     -  25.0\n"
               "   1  24.9     -     -     -\n");
    mlb_text_free(&text);
    mlb_result_free(&result);
}

static void what_is_no_matrix_is_left_out(void **state)
{
    struct mlb_result result = {.nodes = 1};
    (void)state;
    add_row(&result, "write", 1, 1, 4);  /* one rank */
    add_row(&result, "write", 1, 4, 32); /* too wide */
    add_row(&result, "read", 1, 4, 4);   /* not verified */
    add_row(&result, "both", 1, 4, 4);   /* failed */
    result.rows[2].verified = false;
    result.rows[3].status = MLB_ROW_FAILED;
    struct mlb_text text = print(&result);
    check_text(mlb_text_get(&text), "");
    add_row(&result, "write", 1, 4, 4);
    result.nodes = 2;
    mlb_report_pairs(&result, &text);
    check_text(mlb_text_get(&text), "");
    result.nodes = 1;
    mlb_report_pairs(&result, &text);
    check_contains(mlb_text_get(&text), "p2p write");
    mlb_text_free(&text);
    mlb_result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_stand_in_one_matrix),
        cmocka_unit_test(fewer_ranks_than_gpus_leave_lines_out),
        cmocka_unit_test(what_is_no_matrix_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
