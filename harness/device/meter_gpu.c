/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "harness/device/meter.h"
#include "harness/device/nvml.h"

struct gpu_meter {
    struct mlb_meter base;
    struct mlb_nvml nvml;
    uint64_t counted_us; /* of the epoch: the last count */
};

static const struct {
    unsigned nvml, slowed;
} causes[] = {
    {MLB_NVML_IDLE, MLB_IDLE},
    {MLB_NVML_CLOCKS_SETTING, MLB_SLOWED_BY_SETTING},
    {MLB_NVML_POWER_CAP, MLB_SLOWED_BY_POWER},
    {MLB_NVML_HW_SLOWDOWN, MLB_SLOWED_BY_BOARD},
    {MLB_NVML_SW_THERMAL, MLB_SLOWED_BY_HEAT},
    {MLB_NVML_HW_THERMAL, MLB_SLOWED_BY_HEAT},
    {MLB_NVML_POWER_BRAKE, MLB_SLOWED_BY_BRAKE},
};

static void gpu_read(struct mlb_meter *meter, struct mlb_reading *reading)
{
    const struct mlb_nvml *nvml = &((struct gpu_meter *)meter)->nvml;
    struct mlb_reading *r = reading;
    uint64_t bits;
    r->clock_hz.known = mlb_nvml_clock_hz(nvml, MLB_NVML_CLOCK_SM, &r->clock_hz.value);
    r->memory_clock_hz.known =
        mlb_nvml_clock_hz(nvml, MLB_NVML_CLOCK_MEMORY, &r->memory_clock_hz.value);
    r->power_w.known = mlb_nvml_power_w(nvml, &r->power_w.value);
    r->temperature_c.known = mlb_nvml_temperature_c(nvml, &r->temperature_c.value);
    r->memory_temperature_c.known =
        mlb_nvml_memory_temperature_c(nvml, &r->memory_temperature_c.value);
    r->slowed_known = mlb_nvml_reasons(nvml, &bits);
    for (size_t i = 0; i < sizeof causes / sizeof *causes && r->slowed_known; i++)
        if (bits & causes[i].nvml)
            r->slowed |= causes[i].slowed;
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void count_processes(struct gpu_meter *gpu, struct mlb_counters *c)
{
    uint64_t since_us = gpu->counted_us;
    c->processes.known = mlb_nvml_processes(&gpu->nvml, &c->processes.value);
    gpu->counted_us = now_us();
    if (since_us > 0)
        c->others_sm_fraction.known = mlb_nvml_others_sm_fraction(
            &gpu->nvml, (unsigned)getpid(), since_us, &c->others_sm_fraction.value);
}

static void gpu_count(struct mlb_meter *meter, struct mlb_counters *c)
{
    const struct mlb_nvml *nvml = &((struct gpu_meter *)meter)->nvml;
    count_processes((struct gpu_meter *)meter, c);
    c->energy_j.known = mlb_nvml_energy_j(nvml, &c->energy_j.value);
    c->power_cap_s.known = mlb_nvml_violation_s(nvml, MLB_NVML_POLICY_POWER, &c->power_cap_s.value);
    c->heat_s.known = mlb_nvml_violation_s(nvml, MLB_NVML_POLICY_THERMAL, &c->heat_s.value);
    c->board_s.known = mlb_nvml_violation_s(nvml, MLB_NVML_POLICY_BOARD, &c->board_s.value);
    c->reliability_s.known =
        mlb_nvml_violation_s(nvml, MLB_NVML_POLICY_RELIABILITY, &c->reliability_s.value);
    c->remapped_rows.known = mlb_nvml_remapped_rows(nvml, &c->remapped_rows.value);
    c->ecc_uncorrected.known = mlb_nvml_ecc_uncorrected(nvml, &c->ecc_uncorrected.value);
}

static void gpu_close(struct mlb_meter *meter)
{
    mlb_nvml_close(&((struct gpu_meter *)meter)->nvml);
    free(meter);
}

enum mlb_status mlb_meter_open_gpu(const char *nvml_path, const char *pci_id,
                                   struct mlb_meter **meter, struct mlb_error *err)
{
    *meter = NULL;
    struct gpu_meter *gpu = calloc(1, sizeof *gpu);
    if (!gpu)
        return mlb_fail(err, MLB_E_NOMEM, "telemetry of GPU %s: out of memory", pci_id);
    enum mlb_status status = mlb_nvml_open(&gpu->nvml, nvml_path, pci_id, err);
    if (status != MLB_OK) {
        free(gpu);
        return status;
    }
    struct mlb_meter *base = &gpu->base;
    base->source = "nvml";
    base->read = gpu_read;
    base->count = gpu_count;
    base->close = gpu_close;
    base->max_clock_hz.known =
        mlb_nvml_max_clock_hz(&gpu->nvml, MLB_NVML_CLOCK_SM, &base->max_clock_hz.value);
    base->power_limit_w.known = mlb_nvml_power_limit_w(&gpu->nvml, &base->power_limit_w.value);
    base->power_default_w.known =
        mlb_nvml_power_default_w(&gpu->nvml, &base->power_default_w.value);
    *meter = base;
    return MLB_OK;
}
