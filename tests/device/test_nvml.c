/* SPDX-License-Identifier: Apache-2.0 */
/* NVML's wrapper and the telemetry of a GPU, over a library that answers as the test says. */
#include <dlfcn.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/device/meter.h"
#include "harness/device/nvml.h"
#include "tests/check.h"
#include "tests/device/fake_nvml.h"

static const char PCI[] = "0000:1b:00.0";

/* Its own reference to the library, so that its figures outlive a close. */
static int open_fake(void **state)
{
    void *handle = dlopen(FAKE_NVML, RTLD_NOW | RTLD_LOCAL);
    *state = handle ? dlsym(handle, "fake_nvml") : NULL;
    if (!*state)
        return -1;
    *(struct fake_nvml *)*state = (struct fake_nvml)FAKE_NVML_AT_START;
    return 0;
}

static void test_nvlinks_are_counted(void **state)
{
    struct fake_nvml *fake = *state;
    struct mlb_nvml nvml = {0};
    struct mlb_error err = {0};
    int links, active;
    check_ok(mlb_nvml_open(&nvml, FAKE_NVML, PCI, &err), &err);
    check_true(!mlb_nvml_nvlinks(&nvml, &links, &active));
    fake->links = 18;
    fake->links_up = 17;
    check_true(mlb_nvml_nvlinks(&nvml, &links, &active));
    check_i64(links, 18);
    check_i64(active, 17);
    mlb_nvml_close(&nvml);
    check_ok(mlb_nvml_open(&nvml, FAKE_NVML_OLD, PCI, &err), &err);
    check_true(!mlb_nvml_nvlinks(&nvml, &links, &active));
    mlb_nvml_close(&nvml);
}

static void test_readings_in_si_units(void **state)
{
    const struct fake_nvml *fake = *state;
    struct mlb_nvml nvml = {0};
    struct mlb_error err = {0};
    double v;
    uint64_t bits;
    check_ok(mlb_nvml_open(&nvml, FAKE_NVML, PCI, &err), &err);
    check_i64(fake->started, 1);
    check_true(mlb_nvml_clock_hz(&nvml, MLB_NVML_CLOCK_SM, &v));
    check_close(v, 1.530e9, 1e-12);
    check_true(mlb_nvml_clock_hz(&nvml, MLB_NVML_CLOCK_MEMORY, &v));
    check_close(v, 3.201e9, 1e-12);
    check_true(mlb_nvml_max_clock_hz(&nvml, MLB_NVML_CLOCK_SM, &v));
    check_close(v, 1.980e9, 1e-12);
    check_true(mlb_nvml_power_w(&nvml, &v));
    check_close(v, 698.5, 1e-12);
    check_true(mlb_nvml_power_limit_w(&nvml, &v));
    check_close(v, 700, 1e-12);
    check_true(mlb_nvml_power_default_w(&nvml, &v));
    check_close(v, 700, 1e-12);
    check_true(mlb_nvml_energy_j(&nvml, &v));
    check_close(v, 123456.789, 1e-12);
    check_true(mlb_nvml_temperature_c(&nvml, &v));
    check_close(v, 67, 0);
    check_true(mlb_nvml_reasons(&nvml, &bits));
    check_u64(bits, MLB_NVML_POWER_CAP);
    check_true(mlb_nvml_processes(&nvml, &v));
    check_close(v, 1, 0);
    check_true(mlb_nvml_remapped_rows(&nvml, &v));
    check_close(v, 0, 0);
    check_true(!mlb_nvml_memory_temperature_c(&nvml, &v));
    mlb_nvml_close(&nvml);
    check_i64(fake->started, 0);
    mlb_nvml_close(&nvml);
    check_i64(fake->started, 0);
}

/* Newer drivers tell the power of this moment and the memory's temperature. */
static void test_fields(void **state)
{
    struct fake_nvml *fake = *state;
    struct mlb_nvml nvml = {0};
    struct mlb_error err = {0};
    double v;
    check_ok(mlb_nvml_open(&nvml, FAKE_NVML, PCI, &err), &err);
    fake->power_now_mw = 512250;
    fake->memory_celsius = 88;
    check_true(mlb_nvml_power_w(&nvml, &v));
    check_close(v, 512.25, 1e-12);
    check_true(mlb_nvml_memory_temperature_c(&nvml, &v));
    check_close(v, 88, 0);
    mlb_nvml_close(&nvml);
}

static void test_a_reading_that_fails_is_absent(void **state)
{
    struct fake_nvml *fake = *state;
    struct mlb_nvml nvml = {0};
    struct mlb_error err = {0};
    double v = 5;
    uint64_t bits;
    check_ok(mlb_nvml_open(&nvml, FAKE_NVML, PCI, &err), &err);
    fake->reading_code = 3; /* not supported */
    check_true(!mlb_nvml_clock_hz(&nvml, MLB_NVML_CLOCK_SM, &v));
    check_true(!mlb_nvml_power_w(&nvml, &v));
    check_true(!mlb_nvml_energy_j(&nvml, &v));
    check_true(!mlb_nvml_temperature_c(&nvml, &v));
    check_true(!mlb_nvml_reasons(&nvml, &bits));
    check_true(!mlb_nvml_violation_s(&nvml, MLB_NVML_POLICY_POWER, &v));
    check_true(!mlb_nvml_ecc_uncorrected(&nvml, &v));
    check_close(v, 5, 0);
    mlb_nvml_close(&nvml);
}

static void test_an_old_driver_lacks_functions(void **state)
{
    struct mlb_nvml nvml = {0};
    struct mlb_error err = {0};
    double v;
    uint64_t bits = 0;
    (void)state;
    check_ok(mlb_nvml_open(&nvml, FAKE_NVML_OLD, PCI, &err), &err);
    check_true(!mlb_nvml_clock_hz(&nvml, MLB_NVML_CLOCK_SM, &v));
    check_true(!mlb_nvml_energy_j(&nvml, &v));
    check_true(!mlb_nvml_violation_s(&nvml, MLB_NVML_POLICY_THERMAL, &v));
    check_true(mlb_nvml_reasons(&nvml, &bits)); /* by the older name */
    check_u64(bits, 4);
    mlb_nvml_close(&nvml);
}

static void test_errors_of_the_library(void **state)
{
    struct fake_nvml *fake = *state;
    struct mlb_nvml nvml = {0};
    struct mlb_error err = {0};
    check_fails(mlb_nvml_open(&nvml, "/nonexistent/libnvidia-ml.so.1", PCI, &err),
                MLB_E_UNSUPPORTED, &err, "it comes with the NVIDIA driver");
    check_fails(mlb_nvml_open(&nvml, FAKE_NVML_OTHER, PCI, &err), MLB_E_UNSUPPORTED, &err,
                "has no nvmlShutdown");
    check_fails(mlb_nvml_open(&nvml, FAKE_NVML, "0000:99:00.0", &err), MLB_E_DEVICE, &err,
                "NVML: 0000:99:00.0: Not Found");
    check_i64(fake->started, 0);
    fake->init_code = 9;
    check_fails(mlb_nvml_open(&nvml, FAKE_NVML, PCI, &err), MLB_E_DEVICE, &err,
                "NVML: start: Driver Not Loaded");
    check_i64(fake->started, 0);
    check_true(nvml.library.handle == NULL);
}

static struct mlb_telemetry *open_telemetry(const char *library)
{
    struct mlb_error err = {0};
    struct mlb_meter *meter;
    struct mlb_telemetry *telemetry;
    check_ok(mlb_meter_open_gpu(library, PCI, &meter, &err), &err);
    check_ok(mlb_telemetry_open_meter(meter, &telemetry, &err), &err);
    return telemetry;
}

static void test_a_window_of_a_hot_gpu(void **state)
{
    struct fake_nvml *fake = *state;
    struct mlb_telemetry_window window;
    struct mlb_telemetry *telemetry = open_telemetry(FAKE_NVML);
    mlb_telemetry_begin(telemetry);
    mlb_sleep_s(0.06);
    fake->celsius = 91;
    fake->reasons = 0x4 | 0x40;
    mlb_telemetry_poll(telemetry);
    fake->power_ns += 20000000;
    fake->thermal_ns += 30000000;
    mlb_telemetry_end(telemetry, &window);
    check_text(window.source, "nvml");
    check_true(window.duration_s >= 0.06);
    check_close(window.clock_median_hz.value, 1.53e9, 1e-12);
    check_close(window.memory_clock_median_hz.value, 3.201e9, 1e-12);
    check_close(window.power_limit_w.value, 700, 1e-12);
    check_close(window.power_mean_w.value, 698.5, 1e-12);
    check_close(window.temperature_max_c.value, 91, 0);
    check_close(window.throttled_power_fraction.value, 0.02 / window.duration_s, 1e-9);
    check_close(window.throttled_thermal_fraction.value, 1, 0); /* seen in the only reading */
    check_true(!window.energy_j.known);                         /* too short for NVML's counter */
    check_true(!window.steal_fraction.known);
    check_text(window.verdict, "throttled by heat for 100 % of the window, up to 91 C");
    mlb_telemetry_close(telemetry);
    check_i64(fake->started, 0);
}

static void test_a_window_at_the_power_cap_is_clean(void **state)
{
    struct fake_nvml *fake = *state;
    struct mlb_telemetry_window window;
    struct mlb_telemetry *telemetry = open_telemetry(FAKE_NVML);
    fake->sm_mhz = 1200; /* below 75 % of the maximum */
    mlb_telemetry_begin(telemetry);
    fake->power_ns += 1000000000;
    mlb_telemetry_end(telemetry, &window);
    check_close(window.throttled_power_fraction.value, 1, 0);
    check_close(window.throttled_thermal_fraction.value, 0, 0);
    check_close(window.ecc_uncorrected.value, 0, 0);
    check_text(window.verdict, "");
    mlb_telemetry_close(telemetry);
}

static void test_an_error_in_memory_spoils_the_window(void **state)
{
    struct fake_nvml *fake = *state;
    struct mlb_telemetry_window window;
    struct mlb_telemetry *telemetry = open_telemetry(FAKE_NVML);
    fake->ecc = 5; /* of long ago */
    mlb_telemetry_begin(telemetry);
    mlb_telemetry_end(telemetry, &window);
    check_text(window.verdict, "");
    mlb_telemetry_begin(telemetry);
    fake->ecc = 7;
    mlb_telemetry_end(telemetry, &window);
    check_close(window.ecc_uncorrected.value, 2, 0);
    check_text(window.verdict, "2 uncorrectable memory errors appeared");
    mlb_telemetry_close(telemetry);
}

static void test_others_on_the_gpu(void **state)
{
    static const struct {
        unsigned processes, expected, sm;
        bool named;    /* the driver numbers this process as it does itself */
        double others; /* -1 = not known */
        const char *verdict;
    } cases[] = {
        {1, 0, 0, true, 0, ""},
        {2, 0, 1, true, 1, ""},
        {2, 0, 30, true, 1, "another process works on the GPU: it had up to 30 % of the SMs"},
        {2, 0, 30, false, 1, ""}, /* nobody knows which of the two it was */
        {4, 4, 30, true, 0, ""},  /* ranks of this job */
        {90, 0, 0, true, 89, ""},
        {0, 0, 0, true, -1, ""},
    };
    struct fake_nvml *fake = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mlb_telemetry_window window;
        struct mlb_telemetry *telemetry = open_telemetry(FAKE_NVML);
        fake->processes = cases[i].processes;
        fake->others_sm = cases[i].sm;
        fake->own_pid = cases[i].named ? (unsigned)getpid() : 0;
        mlb_telemetry_expect(telemetry, cases[i].expected);
        mlb_telemetry_begin(telemetry);
        mlb_telemetry_end(telemetry, &window);
        check_true(window.other_processes.known == (cases[i].others >= 0));
        if (cases[i].others >= 0)
            check_close(window.other_processes.value, cases[i].others, 0);
        check_text(window.verdict, cases[i].verdict);
        mlb_telemetry_close(telemetry);
    }
}

static void test_what_the_driver_counts(void **state)
{
    struct fake_nvml *fake = *state;
    struct mlb_telemetry_window window;
    struct mlb_telemetry *telemetry = open_telemetry(FAKE_NVML);
    fake->limit_mw = 500000; /* after it was opened: the limit is read then */
    fake->memory_celsius = 93;
    mlb_telemetry_begin(telemetry);
    mlb_sleep_s(0.02);
    fake->board_ns = fake->reliability_ns = 10000000;
    mlb_telemetry_end(telemetry, &window);
    check_close(window.power_limit_w.value, 700, 1e-12);
    check_close(window.power_default_w.value, 700, 1e-12);
    check_close(window.memory_temperature_max_c.value, 93, 0);
    check_close(window.throttled_board_fraction.value, 0.01 / window.duration_s, 1e-9);
    check_close(window.throttled_reliability_fraction.value, 0.01 / window.duration_s, 1e-9);
    check_text(window.clock_source, "nvml");
    check_close(window.clock_first_hz.value, 1.53e9, 1e-12);
    check_text(window.throttle, "none");
    check_true(!window.clock_kernel_hz.known);
    mlb_telemetry_begin(telemetry);
    fake->remapped = 1;
    mlb_telemetry_end(telemetry, &window);
    check_text(window.verdict, "1 bad rows of memory were replaced");
    mlb_telemetry_close(telemetry);
}

static void test_a_gpu_with_little_to_tell(void **state)
{
    struct mlb_telemetry_window window;
    struct mlb_telemetry *telemetry = open_telemetry(FAKE_NVML_OLD);
    (void)state;
    mlb_telemetry_begin(telemetry);
    mlb_telemetry_end(telemetry, &window);
    check_text(window.source, "nvml");
    check_true(!window.clock_median_hz.known && !window.power_mean_w.known);
    check_true(!window.temperature_max_c.known && !window.ecc_uncorrected.known);
    check_close(window.throttled_power_fraction.value, 1, 0); /* from the bits */
    check_text(window.verdict, "");
    mlb_telemetry_close(telemetry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_readings_in_si_units, open_fake),
        cmocka_unit_test_setup(test_nvlinks_are_counted, open_fake),
        cmocka_unit_test_setup(test_fields, open_fake),
        cmocka_unit_test_setup(test_a_reading_that_fails_is_absent, open_fake),
        cmocka_unit_test_setup(test_an_old_driver_lacks_functions, open_fake),
        cmocka_unit_test_setup(test_errors_of_the_library, open_fake),
        cmocka_unit_test_setup(test_a_window_of_a_hot_gpu, open_fake),
        cmocka_unit_test_setup(test_a_window_at_the_power_cap_is_clean, open_fake),
        cmocka_unit_test_setup(test_an_error_in_memory_spoils_the_window, open_fake),
        cmocka_unit_test_setup(test_others_on_the_gpu, open_fake),
        cmocka_unit_test_setup(test_what_the_driver_counts, open_fake),
        cmocka_unit_test_setup(test_a_gpu_with_little_to_tell, open_fake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
