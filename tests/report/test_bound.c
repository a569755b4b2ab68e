/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/analysis/bound.h"
#include "harness/analysis/shares.h"

static struct mlb_device_info gpu(uint32_t capability, uint32_t units, double clock_hz)
{
    return (struct mlb_device_info){.kind = "cuda",
                                    .units = units,
                                    .capability = capability,
                                    .clock_hz = clock_hz,
                                    .memory_bytes_per_s = 4.9e12};
}

/* A verified step of one second. */
static struct mlb_row row_of(const char *dtype, double flop, double bytes)
{
    struct mlb_row row = {.device = "cuda",
                          .status = MLB_ROW_MEASURED,
                          .work = {.flop = flop, .bytes = bytes},
                          .summary = {.n = 1, .median = 1e9},
                          .has_telemetry = true};
    row.param_count = 1;
    row.params[0] = (struct mlb_param){.name = "dtype"};
    snprintf(row.params[0].value, sizeof row.params[0].value, "%s", dtype);
    return row;
}

/* SMs x rate x the clock that a datasheet assumes is the datasheet's figure: both tables are right
 * or both are wrong. */
static void test_both_tables_agree(void **state)
{
    static const struct {
        const char *name;
        uint32_t capability, units;
        double tensor_hz, plain_hz; /* clock of the datasheet's tensor figures; of f32 and f64 */
    } devices[] = {
        {"NVIDIA A100-SXM4-80GB", 80, 108, 1.410e9, 1.410e9},
        {"NVIDIA H100 80GB HBM3", 90, 132, 1.830e9, 1.980e9},
        {"NVIDIA H200", 90, 132, 1.830e9, 1.980e9},
        {"NVIDIA B200", 100, 148, 1.856e9, 1.965e9},
    };
    static const char *const types[] = {"f64",  "f32",  "tf32",  "f16",   "bf16",
                                        "e4m3", "e5m2", "mxfp8", "nvfp4", "s8"};
    struct mlb_peaks peaks = {0};
    struct mlb_error err = {0};
    size_t compared = 0;
    (void)state;
    check_ok(mlb_peaks_open(&peaks, MLB_TEST_SOURCE_DIR "/configs/devices.json", &err), &err);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            bool plain = t < 2;
            struct mlb_device_info info = gpu(devices[i].capability, devices[i].units,
                                              plain ? devices[i].plain_hz : devices[i].tensor_hz);
            snprintf(info.name, sizeof info.name, "%s", devices[i].name);
            struct mlb_row row = row_of(types[t], 1e12, 0);
            row.work.operations = strcmp(types[t], "s8") == 0;
            struct mlb_peak peak = mlb_peak_of_row(&peaks, &info, &row);
            struct mlb_bound bound = mlb_bound_of_row(&info, &row, &row.telemetry);
            if (peak.known != bound.known)
                print_error("%s %s\n", devices[i].name, types[t]);
            check_true(peak.known == bound.known);
            if (peak.known)
                check_close(peak.value / bound.value, 1.0, 0.04); /* datasheets round */
            compared += peak.known;
        }
    }
    check_true(compared == 6 + 8 + 8 + 10);
    mlb_peaks_close(&peaks);
}

static void test_clock_of_the_window(void **state)
{
    struct mlb_device_info info = gpu(90, 132, 1.98e9);
    struct mlb_row row = row_of("bf16", 1e12, 0);
    (void)state;
    struct mlb_bound bound = mlb_bound_of_row(&info, &row, &row.telemetry);
    check_true(bound.known && !bound.at_clock);
    check_close(bound.value, 132 * 4096 * 1.98e9, 1e-12);
    row.telemetry.clock_median_hz = (struct mlb_maybe){true, 1.4e9};
    bound = mlb_bound_of_row(&info, &row, &row.telemetry);
    check_true(bound.at_clock);
    check_close(bound.value, 132 * 4096 * 1.4e9, 1e-12);
    row.telemetry.clock_kernel_hz = (struct mlb_maybe){true, 1.5e9}; /* counted, not sampled */
    bound = mlb_bound_of_row(&info, &row, &row.telemetry);
    check_close(bound.clock_hz, 1.5e9, 0);
    row.telemetry.clock_ranks_mean_hz = (struct mlb_maybe){true, 1.7e9}; /* rank 0 is the hottest */
    bound = mlb_bound_of_row(&info, &row, &row.telemetry);
    check_close(bound.clock_hz, 1.7e9, 0);
}

static void test_what_has_no_bound(void **state)
{
    struct mlb_device_info info = gpu(90, 132, 1.98e9);
    struct mlb_row row = row_of("bf16", 1e12, 0), memory = row_of("f32", 0, 1e9);
    (void)state;
    check_true(mlb_bound_of_row(&info, &memory, &memory.telemetry).known);
    memory.work.link = true; /* over PCIe */
    check_true(!mlb_bound_of_row(&info, &memory, &memory.telemetry).known);
    memory.work.link = false;
    memory.work.bus_factor = 1.75; /* a collective */
    check_true(!mlb_bound_of_row(&info, &memory, &memory.telemetry).known);
    snprintf(row.device, sizeof row.device, "cpu");
    check_true(!mlb_bound_of_row(&info, &row, &row.telemetry).known);
    row = row_of("f4", 1e12, 0);
    check_true(!mlb_bound_of_row(&info, &row, &row.telemetry).known);
    row = row_of("bf16", 1e12, 0);
    info.capability = 89;
    check_true(!mlb_bound_of_row(&info, &row, &row.telemetry).known);
}

static void test_above_the_bound_is_an_error(void **state)
{
    static const struct {
        const char *dtype;
        double flop, bytes;          /* of a second */
        double median_hz, kernel_hz; /* 0 = not known */
        const char *reason;          /* "" = stays measured */
    } rows[] = {
        /* 132 SMs x 4096 x 1.5 GHz = 811e12 */
        {"bf16", 811e12, 0, 1.5e9, 0, ""},
        {"bf16", 818e12, 0, 1.5e9, 0, ""}, /* clocks are read in steps */
        {"bf16", 820e12, 0, 1.5e9, 0,
         "above the physical bound: 820 TFLOP/s of 811 TFLOP/s, which is all of 132 SMs at 1500 "
         "MHz: a measuring error"},
        {"bf16", 820e12, 0, 1.5e9, 1.6e9, ""}, /* the clock swung: its mean was higher */
        {"bf16", 1000e12, 0, 1.98e9, 0, ""},   /* above the datasheet, at its boost clock */
        {"bf16", 1060e12, 0, 0, 0, ""},        /* no clock: the highest one */
        {"bf16", 1090e12, 0, 0, 0, "above the physical bound: 1.09 PFLOP/s of 1.07 PFLOP/s"},
        {"e4m3", 1640e12, 0, 1.5e9, 0, "above the physical bound"},
        {"f32", 0, 4.9e12, 1.5e9, 0, ""},
        {"f32", 0, 5.0e12, 1.5e9, 0,
         "above the physical bound: 5.00 TB/s of 4.90 TB/s, which is all of the memory bus: a "
         "measuring "
         "error, or data that stays in the cache"},
    };
    struct mlb_device_info info = gpu(90, 132, 1.98e9);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_row row = row_of(rows[i].dtype, rows[i].flop, rows[i].bytes);
        row.telemetry.clock_median_hz =
            (struct mlb_maybe){rows[i].median_hz > 0, rows[i].median_hz};
        row.telemetry.clock_kernel_hz =
            (struct mlb_maybe){rows[i].kernel_hz > 0, rows[i].kernel_hz};
        mlb_bound_judge(&info, &row);
        check_contains(row.reason, rows[i].reason);
        check_i64(row.status, rows[i].reason[0] ? MLB_ROW_UNTRUSTED : MLB_ROW_MEASURED);
    }
}

static void test_phases_have_bounds_of_their_own(void **state)
{
    struct mlb_device_info info = gpu(90, 132, 1.98e9);
    struct mlb_row row = row_of("bf16", 811e12, 0);
    (void)state;
    row.has_sustain = true;
    row.sustain.burst = row.sustain.sustained = row.summary;
    row.telemetry.clock_median_hz = (struct mlb_maybe){true, 1.5e9};
    row.sustain.burst_window.clock_median_hz = (struct mlb_maybe){true, 1.9e9};
    row.sustain.window.clock_median_hz = (struct mlb_maybe){true, 1.4e9};
    mlb_bound_judge(&info, &row);
    check_i64(row.status, MLB_ROW_MEASURED);
    check_text(row.sustain.burst_window.verdict, "");
    check_text(row.sustain.window.verdict, "above the physical bound");
}

/* Two shares of a rate that was verified, on a device that is the rank's alone. */
static void test_shares(void **state)
{
    struct mlb_peaks peaks = {0};
    struct mlb_error err = {0};
    struct mlb_result result = {.device = gpu(90, 132, 1.98e9)};
    struct mlb_row row = row_of("bf16", 700e12, 0);
    (void)state;
    snprintf(result.device.name, sizeof result.device.name, "NVIDIA H200");
    check_ok(mlb_peaks_open(&peaks, MLB_TEST_SOURCE_DIR "/configs/devices.json", &err), &err);
    row.telemetry.clock_median_hz = (struct mlb_maybe){true, 1.4e9};
    mlb_shares_note(&result, &peaks, NULL, &row);
    check_true(!row.of_datasheet.known && !row.of_bound.known); /* nothing was verified */
    row.verified = true;
    row.verification.checked = 1;
    mlb_shares_note(&result, &peaks, NULL, &row);
    check_close(row.of_datasheet.value, 700.0 / 989.0, 1e-12);
    check_close(row.of_bound.value, 700e12 / (132 * 4096 * 1.4e9), 1e-12);
    mlb_shares_note(&result, NULL, NULL, &row); /* no table of datasheets */
    check_true(!row.of_datasheet.known && row.of_bound.known);
    result.oversubscribed = true;
    mlb_shares_note(&result, &peaks, NULL, &row);
    check_true(!row.of_datasheet.known && !row.of_bound.known);
    mlb_peaks_close(&peaks);
}

/* A kernel that only moves bytes is set beside the fastest copy on its device. */
static void test_share_of_copy(void **state)
{
    struct mlb_row rows[4];
    struct mlb_result result = {.device = gpu(90, 132, 1.98e9), .rows = rows, .row_count = 4};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        rows[i] = row_of("bf16", 0, i == 1 ? 4e12 : 3e12);
        rows[i].verified = true;
        rows[i].verification.checked = 1;
        snprintf(rows[i].workload, sizeof rows[i].workload, i < 3 ? "memory" : "rmsnorm");
        rows[i].param_count = 1;
        snprintf(rows[i].params[0].name, sizeof rows[i].params[0].name, "op");
        snprintf(rows[i].params[0].value, sizeof rows[i].params[0].value, i ? "copy" : "read");
    }
    check_close(mlb_share_of_copy(&result, &rows[3]), 0.75, 1e-12);
    check_close(mlb_share_of_copy(&result, &rows[0]), 0, 0); /* memory itself */
    rows[1].status = MLB_ROW_UNTRUSTED;
    check_close(mlb_share_of_copy(&result, &rows[3]), 1.0, 1e-12);
    rows[2].verified = false;
    check_close(mlb_share_of_copy(&result, &rows[3]), 0, 0); /* no copy to go by */
    rows[2].verified = true;
    rows[3].work.link = true;
    check_close(mlb_share_of_copy(&result, &rows[3]), 0, 0);
    rows[3].work.link = false;
    rows[3].work.flop = 1.0;
    check_close(mlb_share_of_copy(&result, &rows[3]), 0, 0);
    rows[3].work.flop = 0.0;
    snprintf(rows[3].device, sizeof rows[3].device, "cpu"); /* the copies are the GPU's */
    check_close(mlb_share_of_copy(&result, &rows[3]), 0, 0);
}

/* What is wrong in another way keeps its own reason. */
static void test_only_what_was_measured_is_judged(void **state)
{
    struct mlb_device_info info = gpu(90, 132, 1.98e9);
    struct mlb_row row = row_of("bf16", 5e15, 0);
    (void)state;
    row.status = MLB_ROW_FAILED;
    snprintf(row.reason, sizeof row.reason, "wrong result");
    mlb_bound_judge(&info, &row);
    check_text(row.reason, "wrong result");
    check_i64(row.status, MLB_ROW_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_tables_agree),
        cmocka_unit_test(test_clock_of_the_window),
        cmocka_unit_test(test_what_has_no_bound),
        cmocka_unit_test(test_above_the_bound_is_an_error),
        cmocka_unit_test(test_phases_have_bounds_of_their_own),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_share_of_copy),
        cmocka_unit_test(test_only_what_was_measured_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
