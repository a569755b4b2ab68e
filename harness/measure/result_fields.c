/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/result_fields.h"

#include <stdio.h>
#include <string.h>

#include "harness/measure/result.h"

/* Choices are read and written through an int. */
_Static_assert(sizeof(enum mlb_row_status) == sizeof(int), "an enum is an int");
_Static_assert(sizeof(enum mlb_stop) == sizeof(int), "an enum is an int");
_Static_assert(sizeof(enum mlb_across) == sizeof(int), "an enum is an int");
_Static_assert(sizeof(enum mlb_health_level) == sizeof(int), "an enum is an int");
_Static_assert(sizeof(enum mlb_provider_method) == sizeof(int), "an enum is an int");

static const char *const health_names[] = {"note", "warn", "sick", NULL};

#define FIELD(owner, key, type, when, member, choices)                                             \
    {                                                                                              \
        key, MLB_FIELD_##type, MLB_##when, offsetof(struct owner, member),                         \
            sizeof(((struct owner *)0)->member), choices                                           \
    }
#define ROW(key, type, when, member)        FIELD(mlb_row, key, type, when, member, NULL)
#define ROW_CHOICE(key, member, choices)    FIELD(mlb_row, key, CHOICE, ALWAYS, member, choices)
#define SUMMARY(key, when, member)          FIELD(mlb_summary, key, REAL, when, member, NULL)
#define WINDOW(key, type, when, at)         FIELD(mlb_telemetry_window, key, type, when, at, NULL)
#define SUSTAIN(key, type, member)          FIELD(mlb_sustain, key, type, ALWAYS, member, NULL)
#define PORT(key, type, when, member)       FIELD(mlb_row_port, key, type, when, member, NULL)
#define RESULT(key, type, when, member)     FIELD(mlb_result, key, type, when, member, NULL)
#define HEALTH(key, type, member)           FIELD(mlb_health, key, type, ALWAYS, member, NULL)
#define HEALTH_CHOICE(key, member, choices) FIELD(mlb_health, key, CHOICE, ALWAYS, member, choices)
#define PROVIDER(key, member)               FIELD(mlb_provider, key, TEXT, WHEN_KNOWN, member, NULL)
#define END                                                                                        \
    {                                                                                              \
        NULL, MLB_FIELD_TEXT, MLB_ALWAYS, 0, 0, NULL                                               \
    }

/* clang-format off */
const struct mlb_field mlb_fields_row_name[] = {
    ROW("id", TEXT, ALWAYS, id),
    ROW("workload", TEXT, ALWAYS, workload),
    ROW("label", TEXT, ALWAYS, label),
    ROW("device", TEXT, ALWAYS, device),
    ROW("variant", TEXT, WHEN_KNOWN, variant),
    ROW("library", TEXT, WHEN_KNOWN, library),
    END};

const struct mlb_field mlb_fields_row_state[] = {
    ROW_CHOICE("status", status, mlb_row_status_names),
    ROW("reason", TEXT, WHEN_KNOWN, reason),
    ROW("started_utc", TEXT, WHEN_KNOWN, started_utc),
    ROW("wall_s", REAL, ALWAYS, wall_s),
    END};

const struct mlb_field mlb_fields_work[] = {
    ROW("bytes", REAL, WHEN_KNOWN, work.bytes),
    ROW("bus_factor", REAL, WHEN_KNOWN, work.bus_factor),
    ROW("link", BOOL, WHEN_KNOWN, work.link),
    ROW("ranks", WHOLE, WHEN_KNOWN, work.ranks),
    ROW("nodes", WHOLE, WHEN_KNOWN, work.nodes),
    END};

const struct mlb_field mlb_fields_samples[] = {
    ROW_CHOICE("across_ranks", across, mlb_across_names),
    ROW("steps_per_sample", WHOLE, ALWAYS, steps_per_sample),
    ROW("warmup_discarded", WHOLE, ALWAYS, warmup_discarded),
    ROW("warm", BOOL, ALWAYS, warm),
    ROW_CHOICE("stop_reason", stop, mlb_stop_names),
    ROW("target", REAL, ALWAYS, target),
    ROW("launch", TEXT, WHEN_KNOWN, launch),
    ROW("no_graph", TEXT, WHEN_KNOWN, no_graph),
    ROW("graph_gain", MAYBE, ALWAYS, graph_gain),
    END};

const struct mlb_field mlb_fields_percentiles[] = {
    ROW("p95", MAYBE, ALWAYS, p95_ns),
    ROW("p99", MAYBE, ALWAYS, p99_ns),
    END};

const struct mlb_field mlb_fields_time[] = {
    FIELD(mlb_summary, "n", WHOLE, ALWAYS, n, NULL),
    SUMMARY("median", ALWAYS, median),
    SUMMARY("min", ALWAYS, min),
    SUMMARY("q1", ALWAYS, q1),
    SUMMARY("q3", ALWAYS, q3),
    SUMMARY("max", ALWAYS, max),
    SUMMARY("lag1", WHEN_FINITE, lag1),
    SUMMARY("drift", WHEN_FINITE, drift),
    END};

const struct mlb_field mlb_fields_interval[] = {
    SUMMARY("ci_low", ALWAYS, interval.low),
    SUMMARY("ci_high", ALWAYS, interval.high),
    SUMMARY("coverage", ALWAYS, interval.coverage),
    END};

const struct mlb_field mlb_fields_verification[] = {
    ROW("checked", WHOLE, ALWAYS, verification.checked),
    ROW("wrong", WHOLE, ALWAYS, verification.wrong),
    ROW("worst_ratio", REAL, WHEN_FINITE, verification.worst_ratio),
    ROW("worst_error", REAL, WHEN_FINITE, verification.worst_error),
    ROW("worst_tolerance", REAL, WHEN_FINITE, verification.worst_tolerance),
    ROW("first_wrong", TEXT, WHEN_KNOWN, verification.first_wrong),
    END};

const struct mlb_field mlb_fields_shares[] = {
    ROW("of_datasheet", MAYBE, ALWAYS, of_datasheet),
    ROW("of_bound", MAYBE, ALWAYS, of_bound),
    ROW("of_published", MAYBE, ALWAYS, of_published),
    END};

const struct mlb_field mlb_fields_ports[] = {
    ROW("ports_steps", WHOLE, WHEN_KNOWN, ports_steps),
    END};

const struct mlb_field mlb_fields_port[] = {
    PORT("name", TEXT, ALWAYS, name),
    PORT("kind", TEXT, ALWAYS, kind),
    PORT("line_bytes_per_s", REAL, WHEN_KNOWN, line_bytes_per_s),
    PORT("sent_bytes", WHOLE, ALWAYS, sent_bytes),
    PORT("received_bytes", WHOLE, ALWAYS, received_bytes),
    END};

const struct mlb_field mlb_fields_telemetry[] = {
    WINDOW("source", TEXT, ALWAYS, source),
    WINDOW("duration_s", REAL, ALWAYS, duration_s),
    WINDOW("steps", WHOLE, WHEN_KNOWN, steps),
    WINDOW("clock_source", TEXT, WHEN_KNOWN, clock_source),
    WINDOW("clock_min_hz", MAYBE, ALWAYS, clock_min_hz),
    WINDOW("clock_median_hz", MAYBE, ALWAYS, clock_median_hz),
    WINDOW("clock_first_hz", MAYBE, ALWAYS, clock_first_hz),
    WINDOW("clock_last_hz", MAYBE, ALWAYS, clock_last_hz),
    WINDOW("clock_kernel_hz", MAYBE, ALWAYS, clock_kernel_hz),
    WINDOW("clock_ranks_mean_hz", MAYBE, ALWAYS, clock_ranks_mean_hz),
    WINDOW("memory_clock_median_hz", MAYBE, ALWAYS, memory_clock_median_hz),
    WINDOW("power_mean_w", MAYBE, ALWAYS, power_mean_w),
    WINDOW("energy_j", MAYBE, ALWAYS, energy_j),
    WINDOW("power_limit_w", MAYBE, ALWAYS, power_limit_w),
    WINDOW("power_default_w", MAYBE, ALWAYS, power_default_w),
    WINDOW("temperature_max_c", MAYBE, ALWAYS, temperature_max_c),
    WINDOW("memory_temperature_max_c", MAYBE, ALWAYS, memory_temperature_max_c),
    WINDOW("throttle", TEXT, WHEN_KNOWN, throttle),
    WINDOW("throttled_power_fraction", MAYBE, ALWAYS, throttled_power_fraction),
    WINDOW("throttled_thermal_fraction", MAYBE, ALWAYS, throttled_thermal_fraction),
    WINDOW("throttled_board_fraction", MAYBE, ALWAYS, throttled_board_fraction),
    WINDOW("throttled_reliability_fraction", MAYBE, ALWAYS, throttled_reliability_fraction),
    WINDOW("other_processes", MAYBE, ALWAYS, other_processes),
    WINDOW("others_sm_fraction", MAYBE, ALWAYS, others_sm_fraction),
    WINDOW("steal_fraction", MAYBE, ALWAYS, steal_fraction),
    WINDOW("others_fraction", MAYBE, ALWAYS, others_fraction),
    WINDOW("involuntary_switches", MAYBE, ALWAYS, involuntary_switches),
    WINDOW("ecc_uncorrected", MAYBE, ALWAYS, ecc_uncorrected),
    WINDOW("remapped_rows", MAYBE, ALWAYS, remapped_rows),
    WINDOW("verdict", TEXT, WHEN_KNOWN, verdict),
    END};

const struct mlb_field mlb_fields_sustain[] = {
    SUSTAIN("duration_s", REAL, duration_s),
    SUSTAIN("drift_per_min", REAL, drift_per_min),
    SUSTAIN("clock_first_hz", MAYBE, clock_first_hz),
    SUSTAIN("clock_last_hz", MAYBE, clock_last_hz),
    END};

const struct mlb_field mlb_fields_head[] = {
    RESULT("schema", WHOLE, ALWAYS, schema),
    RESULT("program", TEXT, ALWAYS, program),
    RESULT("version", TEXT, ALWAYS, version),
    RESULT("git", TEXT, WHEN_KNOWN, git),
    RESULT("run_id", TEXT, ALWAYS, run_id),
    RESULT("started_utc", TEXT, ALWAYS, started_utc),
    RESULT("ended_utc", TEXT, WHEN_KNOWN, ended_utc),
    RESULT("complete", BOOL, ALWAYS, complete),
    RESULT("options", TEXT, WHEN_KNOWN, options),
    END};

const struct mlb_field mlb_fields_suite[] = {
    RESULT("name", TEXT, ALWAYS, suite),
    RESULT("hash", TEXT, ALWAYS, suite_hash),
    END};

const struct mlb_field mlb_fields_job[] = {
    RESULT("host_kind", TEXT, ALWAYS, host_kind),
    RESULT("seed", WHOLE, ALWAYS, seed),
    RESULT("data", TEXT, ALWAYS, data),
    RESULT("ranks", WHOLE, ALWAYS, ranks),
    RESULT("nodes", WHOLE, ALWAYS, nodes),
    RESULT("ranks_per_node", WHOLE, ALWAYS, ranks_per_node),
    RESULT("solo", BOOL, ALWAYS, solo),
    RESULT("oversubscribed", BOOL, ALWAYS, oversubscribed),
    END};

const struct mlb_field mlb_fields_device[] = {
    RESULT("kind", TEXT, ALWAYS, device.kind),
    RESULT("name", TEXT, ALWAYS, device.name),
    RESULT("count", WHOLE, ALWAYS, device_count),
    RESULT("index", WHOLE, ALWAYS, device.index),
    RESULT("pci_id", TEXT, WHEN_KNOWN, device.pci_id),
    RESULT("uuid", TEXT, WHEN_KNOWN, device.uuid),
    RESULT("memory_bytes", WHOLE, WHEN_KNOWN, device.memory_bytes),
    RESULT("last_cache_bytes", WHOLE, WHEN_KNOWN, device.last_cache_bytes),
    RESULT("units", WHOLE, WHEN_KNOWN, device.units),
    RESULT("capability", WHOLE, WHEN_KNOWN, device.capability),
    RESULT("clock_hz", REAL, WHEN_KNOWN, device.clock_hz),
    RESULT("memory_bytes_per_s", REAL, WHEN_KNOWN, device.memory_bytes_per_s),
    END};

const struct mlb_field mlb_fields_price[] = {
    RESULT("usd_per_hour", REAL, ALWAYS, price_per_hour),
    RESULT("source", TEXT, WHEN_KNOWN, price_source),
    END};

const struct mlb_field mlb_fields_end[] = {
    RESULT("budget_s", REAL, WHEN_KNOWN, budget_s),
    RESULT("wall_s", REAL, ALWAYS, wall_s),
    END};

const struct mlb_field mlb_fields_provider[] = {
    PROVIDER("name", name),
    PROVIDER("service", service),
    PROVIDER("instance", instance),
    PROVIDER("region", region),
    PROVIDER("zone", zone),
    PROVIDER("purchase", purchase),
    PROVIDER("runtime", runtime),
    FIELD(mlb_provider, "method", CHOICE, ALWAYS, method, mlb_provider_method_names),
    PROVIDER("evidence", evidence),
    PROVIDER("candidates", candidates),
    END};

const struct mlb_field mlb_fields_health[] = {
    HEALTH_CHOICE("level", level, health_names),
    HEALTH("code", TEXT, code),
    HEALTH("text", TEXT, text),
    END};
/* clang-format on */

int mlb_choice_of(const struct mlb_field *field, const char *text)
{
    for (int value = 0; field->choices[value]; value++)
        if (strcmp(field->choices[value], text) == 0)
            return value;
    return -1;
}

const char *mlb_choices_text(const struct mlb_field *field, char *to, size_t size)
{
    size_t length = 0;
    to[0] = '\0';
    for (int value = 0; field->choices[value] && length < size; value++)
        length += (size_t)snprintf(to + length, size - length, "%s%s", value ? ", " : "",
                                   field->choices[value]);
    return to;
}
