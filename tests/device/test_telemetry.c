/* SPDX-License-Identifier: Apache-2.0 */
/* When a window reads, by a scripted meter; and the real meter of this machine's CPU. */
#include "harness/base/clock.h"
#include "harness/device/meter.h"
#include "tests/check.h"

struct scripted {
    struct mlb_meter base;
    int reads, counts, closes;
};

static void scripted_read(struct mlb_meter *meter, struct mlb_reading *reading)
{
    ((struct scripted *)meter)->reads++;
    check_true(!reading->clock_hz.known && reading->slowed == 0);
    reading->clock_hz = (struct mlb_maybe){true, 1e9};
}

static void scripted_count(struct mlb_meter *meter, struct mlb_counters *counters)
{
    int nth = ++((struct scripted *)meter)->counts;
    counters->involuntary_switches = (struct mlb_maybe){true, nth * 10.0};
}

static void scripted_close(struct mlb_meter *meter)
{
    ((struct scripted *)meter)->closes++;
}

static struct scripted make_meter(void)
{
    return (struct scripted){.base = {.source = "test",
                                      .read = scripted_read,
                                      .count = scripted_count,
                                      .close = scripted_close}};
}

static void test_polls_read_at_most_every_50_ms(void **state)
{
    struct scripted meter = make_meter();
    struct mlb_error err = {0};
    struct mlb_telemetry *telemetry;
    struct mlb_telemetry_window window;
    (void)state;
    check_ok(mlb_telemetry_open_meter(&meter.base, &telemetry, &err), &err);
    mlb_telemetry_begin(telemetry);
    double begin = mlb_clock_s();
    while (mlb_clock_s() - begin < 0.18)
        mlb_telemetry_poll(telemetry);
    check_true(meter.reads >= 1 && meter.reads <= 3);
    mlb_telemetry_end(telemetry, &window);
    check_true(window.duration_s >= 0.18 && window.duration_s < 10);
    check_close(window.involuntary_switches.value, 10, 0);
    mlb_telemetry_close(telemetry);
    check_i64(meter.closes, 1);
}

static void test_a_window_without_polls_still_reads_once(void **state)
{
    struct scripted meter = make_meter();
    struct mlb_error err = {0};
    struct mlb_telemetry *telemetry;
    struct mlb_telemetry_window window;
    (void)state;
    check_ok(mlb_telemetry_open_meter(&meter.base, &telemetry, &err), &err);
    for (int i = 1; i <= 3; i++) { /* windows follow one another */
        mlb_telemetry_begin(telemetry);
        mlb_telemetry_poll(telemetry);
        mlb_telemetry_end(telemetry, &window);
        check_i64(meter.reads, i);
        check_close(window.clock_median_hz.value, 1e9, 0);
        check_close(window.involuntary_switches.value, 10, 0);
    }
    mlb_telemetry_close(telemetry);
}

static void test_without_a_meter(void **state)
{
    struct mlb_error err = {0};
    struct mlb_telemetry *telemetry;
    struct mlb_telemetry_window window;
    (void)state;
    check_ok(mlb_telemetry_open(NULL, &telemetry, &err), &err);
    mlb_telemetry_begin(telemetry);
    mlb_telemetry_poll(telemetry);
    mlb_telemetry_end(telemetry, &window);
    check_text(window.source, "none");
    mlb_telemetry_close(telemetry);
    mlb_telemetry_close(NULL);
}

static void test_the_cpu_of_this_machine(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device;
    struct mlb_telemetry *telemetry;
    struct mlb_telemetry_window window;
    (void)state;
    check_ok(mlb_backend_cpu.open(0, 1, &device, &err), &err);
    check_ok(mlb_telemetry_open(device, &telemetry, &err), &err);
    mlb_telemetry_begin(telemetry);
    double begin = mlb_clock_s();
    while (mlb_clock_s() - begin < 0.1)
        mlb_telemetry_poll(telemetry);
    mlb_telemetry_end(telemetry, &window);
    check_text(window.source, "proc");
    check_true(window.involuntary_switches.known && window.involuntary_switches.value >= 0);
    check_true(window.steal_fraction.known);
    check_true(window.steal_fraction.value >= 0 && window.steal_fraction.value <= 1);
    if (window.clock_median_hz.known) /* a virtual Arm machine tells none */
        check_true(window.clock_median_hz.value > 1e8 && window.clock_median_hz.value < 2e10);
    check_true(!window.power_mean_w.known && !window.ecc_uncorrected.known);
    mlb_telemetry_close(telemetry);
    mlb_backend_cpu.close(device);
}

static void test_a_gpu_without_nvml_is_no_error(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device gpu = {.backend = &mlb_backend_cuda};
    struct mlb_telemetry *telemetry;
    struct mlb_telemetry_window window;
    (void)state;
    strcpy(gpu.info.kind, "cuda");
    strcpy(gpu.info.pci_id, "ffff:ff:1f.0"); /* no GPU is there, whether or not NVML is */
    check_ok(mlb_telemetry_open(&gpu, &telemetry, &err), &err);
    mlb_telemetry_begin(telemetry);
    mlb_telemetry_end(telemetry, &window);
    check_text(window.source, "none");
    mlb_telemetry_close(telemetry);
}

/* ---------------------------------------------------------------------------------------- cycles
 */

struct counted {
    struct mlb_device base;
    int counts[2], syncs;
    enum mlb_status answer; /* of the second count */
};

static enum mlb_status count_cycles(struct mlb_device *device, int which, struct mlb_error *err)
{
    struct counted *counted = (struct counted *)device;
    counted->counts[which]++;
    return which == 1 && counted->answer != MLB_OK ? mlb_fail(err, counted->answer, "lost")
                                                   : MLB_OK;
}

static enum mlb_status clock_between(struct mlb_device *device, double *hz, struct mlb_error *err)
{
    (void)device, (void)err;
    *hz = 1.75e9;
    return MLB_OK;
}

static enum mlb_status sync_counted(struct mlb_device *device, double deadline_s,
                                    struct mlb_error *err)
{
    (void)deadline_s, (void)err;
    ((struct counted *)device)->syncs++;
    return MLB_OK;
}

/* Without NVML the SMs' own clock is there, and nobody knows about throttling. A device that is
 * lost meanwhile has no clock; the loop's next call tells why. */
static void test_a_gpu_counts_its_own_clock(void **state)
{
    static const struct mlb_backend backend = {.kind = "cuda",
                                               .sync = sync_counted,
                                               .count_cycles = count_cycles,
                                               .clock_between = clock_between};
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        struct counted gpu = {.base = {.backend = &backend}};
        struct mlb_error err = {0};
        struct mlb_telemetry *telemetry;
        struct mlb_telemetry_window window;
        strcpy(gpu.base.info.kind, "cuda");
        strcpy(gpu.base.info.pci_id, "ffff:ff:1f.0");
        gpu.answer = lost ? MLB_E_DEVICE : MLB_OK;
        check_ok(mlb_telemetry_open(&gpu.base, &telemetry, &err), &err);
        mlb_telemetry_begin(telemetry);
        mlb_telemetry_end(telemetry, &window);
        check_i64(gpu.counts[0], 1);
        check_i64(gpu.counts[1], 1);
        check_text(window.throttle, "unknown");
        check_text(window.clock_source, lost ? "" : "kernel");
        check_close(mlb_telemetry_clock(&window), lost ? 0 : 1.75e9, 0);
        gpu.base.info.clock_hz = 1.6e9; /* no SM counts faster than its highest clock */
        mlb_telemetry_begin(telemetry);
        mlb_telemetry_end(telemetry, &window);
        check_true(!window.clock_kernel_hz.known);
        mlb_telemetry_close(telemetry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_polls_read_at_most_every_50_ms),
        cmocka_unit_test(test_a_window_without_polls_still_reads_once),
        cmocka_unit_test(test_without_a_meter),
        cmocka_unit_test(test_the_cpu_of_this_machine),
        cmocka_unit_test(test_a_gpu_without_nvml_is_no_error),
        cmocka_unit_test(test_a_gpu_counts_its_own_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
