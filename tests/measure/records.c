/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/measure/records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "tests/measure/record_parts.h"

const struct record_maker record_makers[] = {{"gpu", record_gpu},     {"nodes", record_nodes},
                                             {"cpu", record_cpu},     {"empty", record_empty},
                                             {"links", record_links}, {NULL, NULL}};

static double *times(size_t n, double median_ns, double spread, uint64_t seed)
{
    double *values = malloc(n * sizeof *values);
    if (!values)
        abort();
    for (size_t i = 0; i < n; i++)
        values[i] = median_ns * (1.0 + spread * (double)mlb_rng_uniform(seed, i));
    return values;
}

void record_time(struct mlb_row *row, size_t n, double median_ns, double spread)
{
    row->time_ns = times(n, median_ns, spread, n);
    row->sample_count = n;
    row->steps_per_sample = 4;
    row->warmup_discarded = 12;
    row->warm = true;
    row->stop = MLB_STOP_PRECISION;
    row->target = 0.01;
    if (!mlb_summarise(row->time_ns, n, 0.95, &row->summary))
        abort();
    /* lgamma differs in the last bits between libraries; golden records must not. */
    row->summary.interval.coverage = round(row->summary.interval.coverage * 1e6) * 1e-6;
}

static void end_row(struct mlb_row *row, enum mlb_row_status status, const char *reason)
{
    row->status = status;
    mlb_format(row->reason, sizeof row->reason, "%s", reason);
}

static void per_rank(struct mlb_row *row, size_t ranks, double median_ns)
{
    row->rank_median_ns = times(ranks, median_ns, 0.01, 7);
    row->rank_count = ranks;
}

/* ----------------------------------------------------------------------------------------- gpu */

static struct mlb_maybe is(double value)
{
    return (struct mlb_maybe){true, value};
}

/* Below a second NVML's energy counter is not asked. */
static void set_window(struct mlb_telemetry_window *window, double duration_s, double clock_hz,
                       uint64_t steps)
{
    mlb_format(window->source, sizeof window->source, "nvml");
    mlb_format(window->clock_source, sizeof window->clock_source, "nvml");
    mlb_format(window->throttle, sizeof window->throttle, "none");
    window->duration_s = duration_s;
    window->steps = steps;
    window->clock_min_hz = is(clock_hz - 105e6);
    window->clock_median_hz = window->clock_kernel_hz = is(clock_hz);
    window->clock_first_hz = is(clock_hz + 15e6);
    window->clock_last_hz = is(clock_hz - 15e6);
    window->memory_clock_median_hz = is(3.201e9);
    window->power_mean_w = is(688.5);
    if (duration_s >= 1.0)
        window->energy_j = is(688.5 * duration_s);
    window->power_limit_w = window->power_default_w = is(700.0);
    window->temperature_max_c = is(61.0);
    window->memory_temperature_max_c = is(74.0);
    window->throttled_power_fraction = is(0.92);
    window->throttled_thermal_fraction = is(0.0);
    window->throttled_board_fraction = window->throttled_reliability_fraction = is(0.0);
    window->other_processes = window->others_sm_fraction = is(0.0);
    window->ecc_uncorrected = window->remapped_rows = is(0.0);
}

static void set_sustain(struct mlb_row *row)
{
    struct mlb_sustain *sustain = &row->sustain;
    row->has_sustain = true;
    sustain->duration_s = 60.0;
    sustain->block_count = 120;
    sustain->block_ns = times(120, row->summary.median * 1.06, 0.004, 3);
    double *burst = times(72, row->summary.median * 0.94, 0.004, 5);
    if (!mlb_summarise(sustain->block_ns + 60, 60, 0.95, &sustain->sustained) ||
        !mlb_summarise(burst, 72, 0.95, &sustain->burst))
        abort();
    free(burst);
    sustain->sustained.interval.coverage = sustain->burst.interval.coverage = 0.95;
    sustain->drift_per_min = 0.0042;
    set_window(&sustain->burst_window, 1.02, 1.695e9, 720);
    set_window(&sustain->window, 30.1, 1.455e9, 20300);
    sustain->window.temperature_max_c = is(72.0);
    sustain->clock_first_hz = is(1.605e9);
    sustain->clock_last_hz = is(1.44e9);
}

static void add_gpu_gemm(struct mlb_result *result, const char *label, const char *dtype,
                         double flop, double median_ns, bool operations)
{
    struct mlb_row row = new_row("gemm", "cuda", "cublaslt", label, dtype);
    mlb_format(row.library, sizeof row.library, "cuBLASLt 13.1.0");
    set_work(&row, "gemm.2mnk", flop, 0.0, 0.0);
    row.work.operations = operations;
    row.across = MLB_ACROSS_HARMONIC_MEAN;
    record_time(&row, 41, median_ns, 0.004);
    per_rank(&row, 8, median_ns);
    verify(&row, 65536, 0);
    row.has_telemetry = true;
    bool headline = strcmp(label, "bf16 8192x8192x8192") == 0;
    set_window(&row.telemetry, headline ? 1.3 : 0.75, 1.53e9,
               (uint64_t)((headline ? 1.28e9 : 0.74e9) / median_ns));
    mlb_format(row.launch, sizeof row.launch, "%s", operations ? "graph" : "stream");
    row.graph_gain = is(operations ? 0.031 : 0.001);
    if (headline) {
        row.of_datasheet = is(0.79);
        row.of_bound = is(0.955);
        set_sustain(&row);
        mlb_detail_number(&row.details, "algorithm", 66);
        mlb_detail_number(&row.details, "candidates", 32);
        mlb_detail_text(&row.details, "tile", "128x256x64");
    }
    add(result, &row);
}

/* A ring over two machines of four NICs each, of which two are shown. */
static void count_ports(struct mlb_row *row)
{
    static const char *const names[] = {"mlx5_0", "mlx5_1"};
    row->ports = calloc(2, sizeof *row->ports);
    if (!row->ports)
        abort();
    row->port_count = 2;
    row->ports_steps = 34;
    for (size_t i = 0; i < 2; i++) {
        struct mlb_row_port *port = &row->ports[i];
        mlb_format(port->name, sizeof port->name, "%s", names[i]);
        mlb_format(port->kind, sizeof port->kind, "ib");
        port->line_bytes_per_s = 50e9;
        port->sent_bytes = UINT64_C(17179869184) + i;
        port->received_bytes = UINT64_C(17179869000);
    }
}

static void add_all_reduce(struct mlb_result *result, const char *label, double bytes,
                           double median_ns, enum mlb_stop stop)
{
    struct mlb_row row = new_row("all_reduce", "cuda", "nccl", label, "f32");
    mlb_format(row.library, sizeof row.library, "NCCL 2.28.9");
    set_work(&row, "all_reduce.sum", 0.0, bytes, 2.0 * 7.0 / 8.0);
    row.across = MLB_ACROSS_MAX;
    bool precise = stop == MLB_STOP_PRECISION;
    record_time(&row, precise ? 33 : 120, median_ns, precise ? 0.01 : 0.2);
    row.steps_per_sample = precise ? 20 : 1;
    row.stop = stop;
    if (precise) {
        count_ports(&row);
    } else {
        row.p95_ns = is(mlb_percentile(row.time_ns, row.sample_count, 0.95));
        row.p99_ns = is(mlb_percentile(row.time_ns, row.sample_count, 0.99));
    }
    verify(&row, UINT64_C(2147483648), 0);
    add(result, &row);
}

static const char topology[] =
    "{\"this_machine\":true,\"cpu_model\":\"Intel(R) Xeon(R) Platinum 8481C\",\"packages\":1,"
    "\"cores\":48,\"pus\":96,\"memory_bytes\":1081101176832,\"last_cache_bytes\":110100480,"
    "\"allowed_cpus\":\"0-47,96-143\",\"numa_nodes\":[{\"numa\":0,\"package\":0,\"cores\":48,"
    "\"pus\":96,\"memory_bytes\":1081101176832,\"cpus\":\"0-47,96-143\"}],"
    "\"gpus\":[{\"pci_id\":\"0000:1b:00.0\",\"vendor\":\"10de\",\"product\":\"2335\","
    "\"model\":\"GH100 [H200 SXM]\",\"numa\":0,\"link_bytes_per_s\":63015384615.0}],"
    "\"nics\":[{\"pci_id\":\"0000:1d:00.0\",\"vendor\":\"15b3\",\"product\":\"1021\","
    "\"names\":\"mlx5_0,ib0\",\"numa\":0}],\"gpu_nic_distance\":[[\"same switch\"]]}";

static const char fabric[] =
    "{\"nics\":[{\"name\":\"mlx5_0\",\"kind\":\"ib\",\"driver\":\"mlx5_core\","
    "\"pci_id\":\"0000:1d:00.0\",\"part\":\"15b3:1021\",\"state\":\"up\","
    "\"said\":\"ACTIVE, LinkUp\",\"line_bytes_per_s\":50000000000,\"numa\":0,"
    "\"pcie\":{\"gt_per_s\":32,\"lanes\":16,\"most_gt_per_s\":32,\"most_lanes\":16}}],"
    "\"gpus\":[{\"pci_id\":\"0000:1b:00.0\",\"numa\":0,\"nvlinks\":18,\"nvlinks_up\":18}],"
    "\"nvswitches\":4,"
    "\"gpudirect_rdma\":{\"evidence\":\"module\",\"module\":\"nvidia_peermem\","
    "\"version\":\"580.95.05\"},\"plugins\":[\"libnccl-net.so\"],"
    "\"settings\":{\"NCCL_ALGO\":\"Ring\"},\"machines\":[{\"machines\":\"0\",\"ports\":["
    "{\"kind\":\"ib\",\"ports\":1,\"up\":1,\"line_bytes_per_s\":50000000000}],"
    "\"gpudirect_rdma\":\"module\"}]}";

void record_gpu(struct mlb_result *result)
{
    set_head(result, "8x-nvidia-h200", 8);
    set_h200(result);
    mlb_format(result->git, sizeof result->git, "1a2b3c4");
    mlb_format(result->ended_utc, sizeof result->ended_utc, "2026-11-20T23:42:05Z");
    mlb_format(result->options, sizeof result->options, "--suite quick --budget $2");
    result->complete = true;
    result->provider = (struct mlb_provider){.name = "aws",
                                             .instance = "p5en.48xlarge",
                                             .region = "us-east-2",
                                             .zone = "us-east-2b",
                                             .purchase = "spot",
                                             .runtime = "slurm",
                                             .method = MLB_PROVIDER_DMI,
                                             .evidence = "DMI product_name; metadata"};
    result->price_per_hour = 31.6;
    mlb_format(result->price_source, sizeof result->price_source, "--price-per-hour");
    result->budget_s = 227.8;
    result->wall_s = 58.2;
    mlb_result_fact(result, "os", "Ubuntu 24.04.1 LTS");
    mlb_result_fact(result, "nvidia_driver", "580.95.05");
    mlb_result_fact(result, "env.NCCL_ALGO", "Ring");
    result->topology = cJSON_Parse(topology);
    result->fabric = cJSON_Parse(fabric);

    add_gpu_gemm(result, "bf16 8192x8192x8192", "bf16", 1.099511627776e12, 1.391e6, false);
    add_gpu_gemm(result, "bf16 llama3-70b gate_up dgrad 8192x8192x57344", "bf16", 7.696581394432e12,
                 9.87e6, false);
    add_gpu_gemm(result, "s8 8192x8192x8192", "s8", 1.099511627776e12, 7.02e5, true);
    struct mlb_row row = new_row("memory", "cuda", "plain", "triad f64 3x960 MiB", "f64");
    set_work(&row, "memory.triad", 0.0, 3.019898880e9, 0.0);
    record_time(&row, 5, 7.1e5, 0.002); /* too few for an interval */
    row.has_telemetry = true;
    set_window(&row.telemetry, 0.1, 1.98e9, 140);
    row.stop = MLB_STOP_BUDGET;
    verify(&row, 125829120, 0);
    add(result, &row);
    add_all_reduce(result, "1 GiB f32 x8", 1073741824.0, 4.12e6, MLB_STOP_PRECISION);
    add_all_reduce(result, "8 B f32 x8", 8.0, 14.2e3, MLB_STOP_TIME);
}

/* ----------------------------------------------------------------------------------------- cpu */

static void add_cpu_rows(struct mlb_result *result)
{
    struct mlb_row row = new_row("gemm", "cpu", "onednn", "f32 1024x1024x1024", "f32");
    mlb_format(row.library, sizeof row.library, "oneDNN 2.6.3");
    set_work(&row, "gemm.2mnk", 2147483648.0, 0.0, 0.0);
    row.across = MLB_ACROSS_HARMONIC_MEAN;
    record_time(&row, 41, 1.75e7, 0.01);
    per_rank(&row, 2, 1.75e7);
    verify(&row, 1024, 0);
    row.has_telemetry = true;
    mlb_format(row.telemetry.source, sizeof row.telemetry.source, "proc");
    row.telemetry.duration_s = 0.72;
    row.telemetry.steal_fraction = (struct mlb_maybe){true, 0.004};
    row.telemetry.involuntary_switches = (struct mlb_maybe){true, 12.0};
    add(result, &row);

    row = new_row("gemm", "cpu", "onednn", "bf16 1024x1024x1024", "bf16");
    set_work(&row, "gemm.2mnk", 2147483648.0, 0.0, 0.0);
    record_time(&row, 20, 9.1e6, 0.3);
    verify(&row, 1024, 0);
    row.has_telemetry = true;
    mlb_format(row.telemetry.source, sizeof row.telemetry.source, "proc");
    mlb_format(row.telemetry.verdict, sizeof row.telemetry.verdict,
               "the hypervisor took 12 %% of the time");
    end_row(&row, MLB_ROW_UNTRUSTED, "rank 0: the hypervisor took 12 % of the time");
    add(result, &row);

    row = new_row("gemm", "cpu", "plain", "s8 512x512x512", "s8");
    set_work(&row, "gemm.2mnk", 268435456.0, 0.0, 0.0);
    row.work.operations = true;
    verify(&row, 256, 3);
    row.verification.worst_ratio = INFINITY;
    end_row(
        &row, MLB_ROW_FAILED,
        "wrong result on rank 1: 3 of 256: C[17][4031]: is 0.25, should be 93.1, tolerance 0.4");
    add(result, &row);

    const char *labels[] = {"f16 1024x1024x1024", "f16 4096x4096x4096"};
    for (size_t i = 0; i < 2; i++) {
        row = new_row("gemm", "cpu", "onednn", labels[i], "f16");
        end_row(&row, MLB_ROW_SKIPPED, "f16 needs AVX-512 FP16, which this CPU does not have");
        add(result, &row);
    }
    row = new_row("all_reduce", "cpu", "mpi", "64 KiB f32 x2", "f32");
    end_row(&row, MLB_ROW_SKIPPED, "left out: the budget of 90 s was used up");
    add(result, &row);
}

void record_cpu(struct mlb_result *result)
{
    set_head(result, "cpu-2c-xeon", 2);
    mlb_format(result->device.name, sizeof result->device.name, "Intel(R) Xeon(R) Platinum 8481C");
    result->device.units = 1;
    result->device.last_cache_bytes = UINT64_C(110100480);
    result->seed = UINT64_MAX;
    result->solo = true;
    result->wall_s = 12.75;
    add_cpu_rows(result);
    mlb_result_note(result, MLB_HEALTH_WARN, "steal",
                    "the hypervisor took up to 12 %% of the time of rank 0's cores");
    mlb_result_note(result, MLB_HEALTH_NOTE, "binding",
                    "ranks were bound by mlbench: the launcher had not bound them");
}

void record_empty(struct mlb_result *result)
{
    set_head(result, "cpu-1c", 1);
}
