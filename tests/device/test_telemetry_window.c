/* SPDX-License-Identifier: Apache-2.0 */
/* The pure part: readings and counters in, figures and verdict out. */
#include "harness/device/meter.h"
#include "tests/check.h"

#define IS(value)                                                                                  \
    {                                                                                              \
        true, (value)                                                                              \
    }

static const struct mlb_meter gpu = {.source = "nvml", .max_clock_hz = IS(2e9)};

static struct mlb_reading reading(double clock_hz, unsigned slowed)
{
    return (struct mlb_reading){.clock_hz = IS(clock_hz),
                                .power_w = IS(500),
                                .temperature_c = IS(60),
                                .slowed_known = true,
                                .slowed = slowed};
}

static void test_verdicts(void **state)
{
    static const struct {
        const char *what;
        double clock_hz;
        unsigned slowed;        /* in one of the ten readings */
        double power_s, heat_s; /* of ten seconds; -1 = the GPU does not count it */
        const char *verdict;
    } rows[] = {
        {"clean", 1.9e9, 0, 0, 0, ""},
        {"at the power cap", 1.2e9, MLB_SLOWED_BY_POWER, 9, 0, ""},
        {"a short moment of heat", 1.9e9, 0, 0, 0.1, ""},
        {"heat by counter", 1.9e9, 0, 0, 0.11,
         "throttled by heat for 1.1 % of the window, up to 60 C"},
        {"heat by bit", 1.9e9, MLB_SLOWED_BY_HEAT, -1, -1,
         "throttled by heat for 10 % of the window, up to 60 C"},
        {"heat by bit, counted as none", 1.9e9, MLB_SLOWED_BY_HEAT, 0, 0,
         "throttled by heat for 10 % of the window, up to 60 C"},
        {"power brake", 1.9e9, MLB_SLOWED_BY_BRAKE | MLB_SLOWED_BY_BOARD, 0, 0,
         "slowed down by the machine's power brake for 10 % of the window, up to 60 C"},
        {"hardware", 1.9e9, MLB_SLOWED_BY_BOARD, 0, 0,
         "slowed down by the hardware for 10 % of the window, up to 60 C"},
        {"low clock", 1.4e9, 0, 0, 0, "clock 1400 of 2000 MHz, and not by the power cap"},
        {"low clock by setting", 1.4e9, MLB_SLOWED_BY_SETTING, 0, 0, ""},
        {"low clock by cap, from the bits", 1.4e9, MLB_SLOWED_BY_POWER, -1, -1, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_reading readings[10];
        struct mlb_counters before = {0}, after = {0};
        struct mlb_telemetry_window window;
        for (size_t k = 0; k < 10; k++)
            readings[k] = reading(rows[i].clock_hz, k == 3 ? rows[i].slowed : 0);
        before.power_cap_s = before.heat_s = (struct mlb_maybe){rows[i].heat_s >= 0, 100};
        after.power_cap_s = (struct mlb_maybe){rows[i].power_s >= 0, 100 + rows[i].power_s};
        after.heat_s = (struct mlb_maybe){rows[i].heat_s >= 0, 100 + rows[i].heat_s};
        mlb_telemetry_summarise(&gpu, readings, 10, &before, &after, 10, &window);
        if (strcmp(window.verdict, rows[i].verdict) != 0)
            print_error("row \"%s\"\n", rows[i].what);
        check_text(window.verdict, rows[i].verdict);
    }
}

/* Slow or not, and did anybody look? */
static void test_throttle(void **state)
{
    static const struct {
        bool bits, counted;
        double heat_s; /* of ten */
        const char *throttle;
    } rows[] = {{false, false, 0, "unknown"},
                {true, false, 0, "none"},
                {false, true, 0, "none"},
                {false, true, 1, "seen"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_reading one = reading(1.9e9, 0);
        struct mlb_counters before = {0}, after = {0};
        struct mlb_telemetry_window window;
        one.slowed_known = rows[i].bits;
        before.heat_s.known = after.heat_s.known = rows[i].counted;
        after.heat_s.value = rows[i].heat_s;
        mlb_telemetry_summarise(&gpu, &one, 1, &before, &after, 10, &window);
        mlb_telemetry_take_cycles(true, (struct mlb_maybe){0}, &window);
        check_text(window.throttle, rows[i].throttle);
    }
}

/* The SMs' own clock stands in where nobody else tells one. */
static void test_cycles(void **state)
{
    struct mlb_reading one = reading(1.9e9, 0);
    struct mlb_counters none = {0};
    struct mlb_telemetry_window window;
    const struct mlb_maybe counted = IS(1.4e9);
    (void)state;
    mlb_telemetry_summarise(&gpu, &one, 1, &none, &none, 1, &window);
    mlb_telemetry_take_cycles(true, counted, &window);
    check_text(window.clock_source, "nvml");
    check_close(window.clock_median_hz.value, 1.9e9, 0);
    check_close(window.clock_kernel_hz.value, 1.4e9, 0);
    check_close(mlb_telemetry_clock(&window), 1.9e9, 0); /* too far apart to believe the counters */
    mlb_telemetry_take_cycles(true, (struct mlb_maybe)IS(1.8e9), &window);
    check_close(mlb_telemetry_clock(&window), 1.8e9, 0);
    mlb_telemetry_summarise(NULL, NULL, 0, &none, &none, 1, &window);
    mlb_telemetry_take_cycles(true, counted, &window);
    check_text(window.source, "none");
    check_text(window.clock_source, "kernel");
    check_close(window.clock_median_hz.value, 1.4e9, 0);
    check_text(window.throttle, "unknown");
    mlb_telemetry_summarise(NULL, NULL, 0, &none, &none, 1, &window);
    mlb_telemetry_take_cycles(false, (struct mlb_maybe){0}, &window);
    check_text(window.throttle, "");
    check_text(window.clock_source, "");
}

/* A clock that falls: 40 readings, from 1.98 to 1.2 GHz. */
static void test_first_and_last_clock(void **state)
{
    struct mlb_reading readings[40];
    struct mlb_counters none = {0};
    struct mlb_telemetry_window window;
    (void)state;
    for (size_t i = 0; i < 40; i++)
        readings[i] = reading(1.98e9 - 2e7 * (double)i, 0);
    mlb_telemetry_summarise(&gpu, readings, 40, &none, &none, 2, &window);
    check_close(window.clock_first_hz.value, 1.98e9 - 3e7, 1e-12);
    check_close(window.clock_last_hz.value, 1.2e9 + 3e7, 1e-12);
}

/* What ran on the cores and was not ours. */
static void test_others(void **state)
{
    static const struct {
        double ticks, busy, own, fraction; /* fraction < 0: not known */
    } rows[] = {{200, 200, 150, 0.25}, {200, 150, 150.4, 0}, {200, 20, 10, 0.05}, {40, 40, 0, -1}};
    static const struct mlb_meter cpu = {.source = "proc"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_counters before = {.cpu_ticks = IS(7), .busy_ticks = IS(5), .own_ticks = IS(1)};
        struct mlb_counters after = before;
        struct mlb_telemetry_window window;
        after.cpu_ticks.value += rows[i].ticks;
        after.busy_ticks.value += rows[i].busy;
        after.own_ticks.value += rows[i].own;
        mlb_telemetry_summarise(&cpu, NULL, 0, &before, &after, 1, &window);
        check_true(window.others_fraction.known == (rows[i].fraction >= 0));
        if (rows[i].fraction >= 0)
            check_close(window.others_fraction.value, rows[i].fraction, 1e-12);
    }
}

static void test_steal(void **state)
{
    static const struct {
        double ticks, steal;
        const char *verdict;
    } rows[] = {
        {1000, 0, ""},
        {1000, 50, ""},
        {1000, 51, "the hypervisor took 5.1 % of the CPU time"},
        {40, 4, ""}, /* 10 %, but of very few ticks */
        {40, 5, "the hypervisor took 12.5 % of the CPU time"},
        {0, 0, ""},
    };
    static const struct mlb_meter cpu = {.source = "proc"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_counters before = {.cpu_ticks = IS(7), .steal_ticks = IS(3)}, after = before;
        struct mlb_telemetry_window window;
        after.cpu_ticks.value += rows[i].ticks;
        after.steal_ticks.value += rows[i].steal;
        mlb_telemetry_summarise(&cpu, NULL, 0, &before, &after, 1, &window);
        check_text(window.source, "proc");
        check_true(window.steal_fraction.known == (rows[i].ticks > 0));
        if (rows[i].ticks > 0)
            check_close(window.steal_fraction.value, rows[i].steal / rows[i].ticks, 1e-12);
        if (rows[i].verdict[0])
            check_contains(window.verdict, "the hypervisor took");
        else
            check_text(window.verdict, "");
    }
}

static void test_figures_of_readings(void **state)
{
    struct mlb_reading readings[5] = {reading(1.5e9, 0), reading(1.7e9, 0), reading(1.6e9, 0),
                                      reading(0.3e9, MLB_IDLE), reading(1.9e9, 0)};
    struct mlb_counters none = {0};
    struct mlb_telemetry_window window;
    (void)state;
    readings[1].temperature_c.value = 80;
    readings[2].power_w.value = 700;
    readings[4].power_w.known = false;
    readings[0].memory_clock_hz = (struct mlb_maybe)IS(3e9);
    mlb_telemetry_summarise(&gpu, readings, 5, &none, &none, 0.25, &window);
    check_close(window.duration_s, 0.25, 0);
    check_close(window.clock_min_hz.value, 1.5e9, 0);     /* a parked GPU's clock says nothing */
    check_close(window.clock_median_hz.value, 1.65e9, 0); /* even count: between the two middle */
    check_close(window.memory_clock_median_hz.value, 3e9, 0);
    check_close(window.temperature_max_c.value, 80, 0);
    check_close(window.power_mean_w.value, 550, 1e-12);
    check_true(!window.energy_j.known && !window.ecc_uncorrected.known);
    check_true(!window.involuntary_switches.known && !window.steal_fraction.known);
}

static void test_energy_of_a_long_window_gives_the_power(void **state)
{
    struct mlb_reading one = reading(1.9e9, 0);
    struct mlb_counters before = {.energy_j = IS(1e6)}, after = {.energy_j = IS(1e6 + 1200)};
    struct mlb_telemetry_window window;
    (void)state;
    mlb_telemetry_summarise(&gpu, &one, 1, &before, &after, 2, &window);
    check_close(window.energy_j.value, 1200, 0);
    check_close(window.power_mean_w.value, 600, 0);
    mlb_telemetry_summarise(&gpu, &one, 1, &before, &after, 0.5, &window);
    check_true(!window.energy_j.known);
    check_close(window.power_mean_w.value, 500, 0);
}

/* A driver that is loaded again in between starts to count from 0. */
static void test_a_counter_that_fell_is_absent(void **state)
{
    struct mlb_counters before = {.ecc_uncorrected = IS(4), .heat_s = IS(9)};
    struct mlb_counters after = {.ecc_uncorrected = IS(0), .heat_s = IS(0)};
    struct mlb_telemetry_window window;
    (void)state;
    mlb_telemetry_summarise(&gpu, NULL, 0, &before, &after, 1, &window);
    check_true(!window.ecc_uncorrected.known && !window.throttled_thermal_fraction.known);
    check_text(window.verdict, "");
}

static void test_without_a_meter_nothing_is_known(void **state)
{
    struct mlb_counters none = {0};
    struct mlb_telemetry_window window;
    (void)state;
    memset(&window, 0xff, sizeof window);
    mlb_telemetry_summarise(NULL, NULL, 0, &none, &none, 1.5, &window);
    check_text(window.source, "none");
    check_text(window.verdict, "");
    check_close(window.duration_s, 1.5, 0);
    check_true(!window.clock_median_hz.known && !window.power_limit_w.known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_throttle),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_first_and_last_clock),
        cmocka_unit_test(test_steal),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_figures_of_readings),
        cmocka_unit_test(test_energy_of_a_long_window_gives_the_power),
        cmocka_unit_test(test_a_counter_that_fell_is_absent),
        cmocka_unit_test(test_without_a_meter_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
