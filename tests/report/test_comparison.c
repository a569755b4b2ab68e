/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison as a user reads it: golden texts comparison.*, and single texts. */
#include "tests/check.h"

#include "harness/report/comparison.h"
#include "harness/report/report.h"
#include "tests/analysis/launches.h"
#include "tests/report/golden.h"

static const struct {
    const char *workload, *label;
    struct mlb_work work;
    double ns, slower, sd;
} cases[] = {
    {"gemm", "bf16 8192x8192x8192 fwd", {"gemm.2mnk", .flop = 1.1e12}, 1.4e6, 0.021, 0.002},
    {"gemm",
     "bf16 llama3-8b gate_up dgrad 8192x4096x28672",
     {"gemm.2mnk", .flop = 1.92e12},
     2.5e6,
     0.0,
     0.002},
    {"gemm", "e4m3 8192x8192x8192 fwd", {"gemm.2mnk", .flop = 1.1e12}, 0.8e6, -0.06, 0.002},
    {"memory", "copy f32 auto", {"stream.copy.2n", .bytes = 2e9}, 0.6e6, 0.009, 0.001},
    {"all_reduce",
     "1 GiB bf16",
     {"ar", .bytes = 1073741824.0, .bus_factor = 1.75, .ranks = 8, .nodes = 1},
     4.1e6,
     0.03,
     0.03},
    {"all_reduce",
     "8 B bf16",
     {"ar", .bytes = 8.0, .bus_factor = 1.75, .ranks = 8, .nodes = 1},
     21.4e3,
     0.028,
     0.02},
    {"attention", "bf16 llama3-70b fwd", {"attention.fwd", .flop = 1e12}, 1.9e6, 0.0, 0.002},
    {"adamw", "bf16 134217728", {"adamw.28p", .bytes = 3.76e9}, 1.1e6, 0.0, 0.002},
};
enum { COUNT = sizeof cases / sizeof *cases };

static void fill(struct launches *launches)
{
    for (size_t c = 0; c < COUNT; c++) {
        launches->names[c].workload = cases[c].workload;
        launches->names[c].label = cases[c].label;
        for (int s = 0; s < MLB_SIDES; s++) {
            double slower = s == MLB_NEW ? cases[c].slower : 0.0;
            launches_work(launches, s, c, cases[c].work);
            launches_spread(launches, s, c, cases[c].ns * exp(slower), cases[c].sd, 2 * c + 50);
        }
        /* Another draw for the new side. */
        launches_spread(launches, MLB_NEW, c, cases[c].ns * exp(cases[c].slower), cases[c].sd,
                        2 * c + 51);
    }
}

/* All verdicts, a case that is refused, one that is missing, launches that failed. */
static void make(struct launches *launches, size_t a_side)
{
    launches_init(launches, COUNT, a_side, a_side);
    fill(launches);
    launches_fact(launches, MLB_BASE, "nvidia_driver", "550.90.07");
    launches_fact(launches, MLB_NEW, "nvidia_driver", "570.124.06");
    for (size_t l = 0; l < a_side; l++) {
        strcpy(launches->side[MLB_BASE].items[l].provider.name, "aws");
        strcpy(launches->side[MLB_BASE].items[l].provider.instance, "p5en.48xlarge");
        launches_row(launches, MLB_NEW, l, 6)->formula = "attention.fwd.causal";
        launches_row(launches, MLB_NEW, l, 7)->status = MLB_ROW_FAILED;
        for (size_t c = 0; c < 2; c++) {
            launches_row(launches, MLB_BASE, l, c)->clock_hz = (struct mlb_maybe){true, 1.755e9};
            launches_row(launches, MLB_NEW, l, c)->clock_hz = (struct mlb_maybe){true, 1.72e9};
        }
    }
    if (a_side > 1)
        launches_row(launches, MLB_NEW, 1, 0)->verified = false;
}

static struct mlb_text print(const struct launches *launches, const char *format,
                             enum mlb_comparison_sort sort)
{
    const struct mlb_compare_choice choice = {.alpha = 0.05};
    struct mlb_comparison comparison;
    struct mlb_error err = {0};
    struct mlb_text text = {0};
    check_ok(mlb_compare(&launches->side[MLB_BASE], &launches->side[MLB_NEW], &choice, &comparison,
                         &err),
             &err);
    const struct mlb_comparison_view view = {
        .comparison = &comparison,
        .choice = &choice,
        .launches = {launches->side[MLB_BASE].count, launches->side[MLB_NEW].count},
        .words = {"before/", "after/ nodes=1"},
        .sort = sort,
        .people = strcmp(format, "text") == 0 || strcmp(format, "markdown") == 0};
    struct mlb_document *document = mlb_report_comparison(&view);
    check_ok(mlb_document_print(document, format, &text, &err), &err);
    mlb_document_free(document);
    mlb_comparison_free(&comparison);
    return text;
}

static void test_golden(void **state)
{
    (void)state;
    static const struct {
        const char *name, *format;
        size_t launches;
        enum mlb_comparison_sort sort;
    } table[] = {{"comparison.txt", "text", 10, MLB_SORT_RECORD},
                 {"comparison.md", "markdown", 10, MLB_SORT_CHANGE},
                 {"comparison.csv", "csv", 10, MLB_SORT_NAME},
                 {"comparison-1.txt", "text", 1, MLB_SORT_CHANGE}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct launches launches;
        make(&launches, table[i].launches);
        struct mlb_text text = print(&launches, table[i].format, table[i].sort);
        compare_with_golden(table[i].name, mlb_text_get(&text));
        mlb_text_free(&text);
        launches_free(&launches);
    }
}

static void test_mixed_sides(void **state)
{
    (void)state;
    struct launches launches;
    make(&launches, 4);
    launches.side[MLB_BASE].items[3].provider.instance[2] = '\0'; /* "p5" */
    launches.side[MLB_NEW].items[0].host_kind = "8x-nvidia-h100";
    struct mlb_text text = print(&launches, "text", MLB_SORT_RECORD);
    check_contains(mlb_text_get(&text), "8x-nvidia-h100, 8x-nvidia-h200 (4 launches) against the "
                                        "base aws p5en.48xlarge, aws p5 (4 launches)");
    check_contains(mlb_text_get(&text),
                   "The base mixes launches that are unlike in machine (2).\n"
                   "The new side mixes launches that are unlike in machine (2).");
    check_contains(mlb_text_get(&text), "4 launches on a side cannot show a change");
    check_true(widest_line(mlb_text_get(&text)) <= 100);
    mlb_text_free(&text);
    launches_free(&launches);
}

static void test_noise(void **state)
{
    (void)state;
    struct launches launches;
    make(&launches, 6);
    for (int s = 0; s < MLB_SIDES; s++)
        launches_spread(&launches, s, 0, 1e6, 2.0, 7);
    struct mlb_text text = print(&launches, "text", MLB_SORT_RECORD);
    check_contains(mlb_text_get(&text), "unsure: >999 more\n");
    mlb_text_free(&text);
    launches_free(&launches);
}

static void test_changes(void **state)
{
    (void)state;
    static const struct {
        struct mlb_change change;
        const char *text;
    } table[] = {
        {{true, -0.02, -0.026, -0.013}, "-2.0 [-2.6, -1.3]"},
        {{true, 0.0004, -0.0004, 0.0011}, "+0.04 [-0.04, +0.11]"},
        {{true, -0.0004, -0.006, 0.006}, "0.0 [-0.6, +0.6]"},
        {{true, 1.5, 1.2, 1.8}, "+150 [+120, +180]"},
        {{false, 0.031, 0, 0}, "+3.1"},
        {{false, 0.0, 0, 0}, "0.0"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[64];
        check_text(mlb_comparison_change(table[i].change, text, sizeof text), table[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden), cmocka_unit_test(test_mixed_sides),
        cmocka_unit_test(test_noise), cmocka_unit_test(test_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
