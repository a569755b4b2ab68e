/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include <stdlib.h>

#include "harness/base/units.h"
#include "harness/report/fits.h"
#include "harness/report/report.h"

enum { SAMPLES = 21 };

static void set_param(struct mlb_row *row, const char *name, const char *value)
{
    struct mlb_param *param = &row->params[row->param_count++];
    snprintf(param->name, sizeof param->name, "%s", name);
    snprintf(param->value, sizeof param->value, "%s", value);
}

/* A verified row of `times` that are `ns` and up to a hundredth more or less. */
static void add_row(struct mlb_result *result, const char *workload, uint64_t bytes,
                    const char *dtype, double ns)
{
    struct mlb_error err = {0};
    struct mlb_row row = {.status = MLB_ROW_MEASURED, .verified = true};
    char text[MLB_UNIT_TEXT];
    snprintf(row.workload, sizeof row.workload, "%s", workload);
    snprintf(row.variant, sizeof row.variant, "nccl");
    snprintf(row.label, sizeof row.label, "%s %s%s", mlb_print_bytes(text, bytes), dtype,
             bytes == 1024 ? " (1000 B)" : "");
    set_param(&row, "bytes", mlb_print_bytes_exact(text, bytes));
    set_param(&row, "dtype", dtype);
    row.verification.checked = 1;
    row.work.bytes = (double)bytes;
    row.work.bus_factor = 1.75;
    row.time_ns = malloc(SAMPLES * sizeof *row.time_ns);
    row.sample_count = SAMPLES;
    for (int i = 0; i < SAMPLES; i++)
        row.time_ns[i] = ns * (1.0 + 0.001 * (i - SAMPLES / 2));
    mlb_row_summarise(&row);
    check_ok(mlb_result_add(result, &row, &err), &err);
}

/* t = 20 us + 1.75 S / 350 GB/s = 20 us + S x 5 ps, descending as suites have them. */
static void add_sweep(struct mlb_result *result, const char *workload, const char *dtype)
{
    for (uint64_t bytes = UINT64_C(1) << 30; bytes >= 1024; bytes /= 4)
        add_row(result, workload, bytes, dtype, 20e3 + 5e-3 * (double)bytes);
}

static void test_text(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_text text = {0};
    add_sweep(&result, "all_reduce", "bf16");
    for (int i = 0; i < 6; i++) /* 1, 4, ..., 1024 KiB, of no law */
        add_row(&result, "reduce", UINT64_C(1024) << (2 * i), "f32", i % 2 ? 40e3 : 10e3);
    add_row(&result, "reduce", 8, "bf16", 10e3); /* no sweep */
    mlb_report_fits_text(&result, 110, &text);
    check_contains(mlb_text_get(&text), "\nalpha-beta  time = alpha + factor x bytes / beta");
    check_contains(mlb_text_get(&text), "\n  all_reduce bf16 nccl  1 KiB to 1 GiB (11)  20.0 us [");
    check_contains(mlb_text_get(&text), "  < 0.1 %\n");
    check_contains(mlb_text_get(&text), "350 GB/s [");
    check_contains(mlb_text_get(&text),
                   "\n  reduce f32 nccl       1 KiB to 1 MiB (6)   no such line");
    mlb_text_free(&text);
    mlb_report_fits_text(&result, 90, &text); /* the name has a line of its own */
    check_contains(mlb_text_get(&text), "\n  all_reduce bf16 nccl\n");
    mlb_text_free(&text);
    mlb_result_free(&result);
}

/* Short messages are on a line, longer ones are faster than its beta and on none: both are said. */
static void test_faster_than_the_line(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_text text = {0};
    for (int i = 0; i < 4; i++) /* 8 B to 512 B: 500 ns + 1 ns a byte, beta 1.75 GB/s */
        add_row(&result, "sendrecv", UINT64_C(8) << (2 * i), "f32", 500.0 + (double)(8 << (2 * i)));
    add_row(&result, "sendrecv", 1 << 16, "f32", 6e3);
    add_row(&result, "sendrecv", 1 << 20, "f32", 42e3);
    add_row(&result, "sendrecv", 1 << 24, "f32", 3200e3);
    mlb_report_fits_text(&result, 110, &text);
    check_contains(mlb_text_get(&text), "1.75 GB/s [");
    check_contains(mlb_text_get(&text), "3 others          on no such line");
    check_contains(mlb_text_get(&text), "  busbw up to 43.7 GB/s\n");
    mlb_text_free(&text);
    mlb_result_free(&result);
}

static void test_nothing_without_a_sweep(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_text text = {0};
    add_row(&result, "all_reduce", 8, "f32", 1e4);
    mlb_report_fits_text(&result, 110, &text);
    check_text(mlb_text_get(&text), "");
    mlb_text_free(&text);
    mlb_result_free(&result);
}

static void test_markdown(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_error err = {0};
    struct mlb_text text = {0};
    struct mlb_report report = {.result = &result};
    add_sweep(&result, "all_reduce", "bf16");
    check_ok(mlb_printer_find("markdown")->print(&report, &text, &err), &err);
    check_contains(mlb_text_get(&text), "### alpha-beta\n");
    check_contains(mlb_text_get(&text),
                   "| all\\_reduce bf16 nccl | 1 KiB to 1 GiB (11) | 20.0 us ");
    mlb_text_free(&text);
    mlb_result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text), cmocka_unit_test(test_faster_than_the_line),
        cmocka_unit_test(test_nothing_without_a_sweep), cmocka_unit_test(test_markdown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
