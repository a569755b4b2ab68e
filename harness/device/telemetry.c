/* SPDX-License-Identifier: Apache-2.0 */
/* When to read, and the memory of one window. What the figures mean is in telemetry_window.c. */
#include "harness/device/telemetry.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/device/meter.h"

static const int64_t INTERVAL_NS = 50000000;

struct mlb_telemetry {
    struct mlb_meter *meter;   /* NULL = nothing is known */
    struct mlb_device *device; /* counts its own cycles; NULL = it does not */
    bool counting;             /* the first of two counts is there */
    int64_t begin_ns, last_ns, interval_ns;
    struct mlb_counters before;
    size_t count;
    struct mlb_reading readings[MLB_READINGS];
};

enum mlb_status mlb_telemetry_open_meter(struct mlb_meter *meter, struct mlb_telemetry **telemetry,
                                         struct mlb_error *err)
{
    *telemetry = calloc(1, sizeof **telemetry);
    if (*telemetry) {
        (*telemetry)->meter = meter;
        return MLB_OK;
    }
    if (meter)
        meter->close(meter);
    return mlb_fail(err, MLB_E_NOMEM, "telemetry: out of memory");
}

enum mlb_status mlb_telemetry_open(struct mlb_device *device, struct mlb_telemetry **telemetry,
                                   struct mlb_error *err)
{
    struct mlb_meter *meter = NULL;
    struct mlb_error missing; /* a figure that is not there is no error */
    if (device && strcmp(device->info.kind, "cuda") == 0) {
        mlb_meter_open_gpu(NULL, device->info.pci_id, &meter, &missing);
    } else if (device && strcmp(device->info.kind, "cpu") == 0) {
        struct mlb_cpus cpus;
        mlb_cpus_allowed(&cpus);
        mlb_meter_open_cpu("", &cpus, &meter, &missing);
    }
    enum mlb_status status = mlb_telemetry_open_meter(meter, telemetry, err);
    if (status == MLB_OK && device && device->backend->count_cycles)
        (*telemetry)->device = device;
    return status;
}

void mlb_telemetry_close(struct mlb_telemetry *telemetry)
{
    if (telemetry && telemetry->meter)
        telemetry->meter->close(telemetry->meter);
    free(telemetry);
}

void mlb_telemetry_expect(struct mlb_telemetry *telemetry, unsigned processes)
{
    if (telemetry->meter)
        telemetry->meter->own_processes = processes;
}

/* Trouble of the device is for the next call of the measuring loop to tell. */
static void begin_cycles(struct mlb_telemetry *telemetry)
{
    struct mlb_error ignored = {0};
    struct mlb_device *device = telemetry->device;
    telemetry->counting = device && device->backend->count_cycles(device, 0, &ignored) == MLB_OK;
}

static struct mlb_maybe end_cycles(struct mlb_telemetry *telemetry)
{
    const double deadline_s = 5.0; /* of a kernel of some microseconds */
    const double most = 1.05;      /* of the highest clock: more is no clock */
    struct mlb_maybe clock = {0};
    struct mlb_error ignored = {0};
    struct mlb_device *device = telemetry->device;
    clock.known = telemetry->counting &&
                  device->backend->count_cycles(device, 1, &ignored) == MLB_OK &&
                  mlb_sync(device, deadline_s, &ignored) == MLB_OK &&
                  device->backend->clock_between(device, &clock.value, &ignored) == MLB_OK &&
                  clock.value > 0.0 &&
                  (device->info.clock_hz == 0.0 || clock.value <= most * device->info.clock_hz);
    return clock;
}

void mlb_telemetry_begin(struct mlb_telemetry *telemetry)
{
    telemetry->count = 0;
    telemetry->interval_ns = INTERVAL_NS;
    memset(&telemetry->before, 0, sizeof telemetry->before);
    if (telemetry->meter)
        telemetry->meter->count(telemetry->meter, &telemetry->before);
    begin_cycles(telemetry);
    telemetry->begin_ns = mlb_clock_ns();
    telemetry->last_ns = telemetry->begin_ns;
}

/* A long window keeps every second reading, and reads half as often from then on. */
static void make_room(struct mlb_telemetry *telemetry)
{
    if (telemetry->count < MLB_READINGS)
        return;
    for (size_t i = 0; i < MLB_READINGS / 2; i++)
        telemetry->readings[i] = telemetry->readings[2 * i];
    telemetry->count = MLB_READINGS / 2;
    telemetry->interval_ns *= 2;
}

static void take_reading(struct mlb_telemetry *telemetry, int64_t now_ns)
{
    make_room(telemetry);
    struct mlb_reading *reading = &telemetry->readings[telemetry->count++];
    memset(reading, 0, sizeof *reading);
    telemetry->meter->read(telemetry->meter, reading);
    telemetry->last_ns = now_ns;
}

void mlb_telemetry_poll(struct mlb_telemetry *telemetry)
{
    if (!telemetry->meter)
        return;
    int64_t now = mlb_clock_ns();
    if (now - telemetry->last_ns >= telemetry->interval_ns)
        take_reading(telemetry, now);
}

void mlb_telemetry_end(struct mlb_telemetry *telemetry, struct mlb_telemetry_window *window)
{
    struct mlb_counters after = {0};
    int64_t now = mlb_clock_ns();
    struct mlb_maybe cycles = end_cycles(telemetry);
    if (telemetry->meter) {
        telemetry->meter->count(telemetry->meter, &after);
        if (telemetry->count == 0)
            take_reading(telemetry, now);
    }
    mlb_telemetry_summarise(telemetry->meter, telemetry->readings, telemetry->count,
                            &telemetry->before, &after, (double)(now - telemetry->begin_ns) * 1e-9,
                            window);
    mlb_telemetry_take_cycles(telemetry->device != NULL, cycles, window);
}
