/* SPDX-License-Identifier: Apache-2.0 */
/* One line a row, for spreadsheets and data frames: quoted as RFC 4180 says, lines end with a
 * newline alone. The columns are a contract: new ones are added at the end. */
#include <inttypes.h>
#include <string.h>

#include "harness/analysis/cost.h"
#include "harness/analysis/nics.h"
#include "harness/analysis/shares.h"
#include "harness/analysis/wire_row.h"
#include "harness/base/csv.h"
#include "harness/report/printers.h"
#include "harness/report/row.h"

static const char header[] =
    "run_id,started_utc,host_kind,suite,ranks,workload,label,device,variant,library,params,"
    "status,reason,wall_s,n,median_ns,ci_low_ns,ci_high_ns,min_ns,q1_ns,q3_ns,max_ns,"
    "flop_per_s,flop_per_s_low,flop_per_s_high,op_per_s,op_per_s_low,op_per_s_high,"
    "bytes_per_s,bytes_per_s_low,bytes_per_s_high,"
    "alg_bytes_per_s,alg_bytes_per_s_low,alg_bytes_per_s_high,"
    "bus_bytes_per_s,bus_bytes_per_s_low,bus_bytes_per_s_high,"
    "peak_fraction,verified,checked,wrong,usd,usd_low,usd_high,usd_per,"
    "clock_median_hz,power_mean_w,temperature_max_c,id,"
    "bound_fraction,clock_source,throttle,j_per_flop,j_per_op,j_per_byte,energy_source,launch,"
    "drift,"
    "burst_median_ns,burst_clock_hz,sustained_s,sustained_median_ns,sustained_ci_low_ns,"
    "sustained_ci_high_ns,sustained_clock_hz,sustained_power_w,sustained_drift_per_min,details,"
    "algorithm,wire_low_bytes_per_s,wire_high_bytes_per_s,wire_line_bytes_per_s,"
    "published_fraction,ports_bytes_per_step,ports_verdict,p95_ns,p99_ns,"
    "provider,instance,region\n";

/* One field and the comma before it. */
static void add(struct mlb_text *to, const char *value)
{
    if (to->length && to->data[to->length - 1] != '\n')
        mlb_text_add(to, ",");
    else if (!value[0])
        mlb_text_add(to, "\"\""); /* an empty first field must not look like the line's beginning */
    mlb_csv_add(to, value);
}

static void add_real(struct mlb_text *to, bool known, double value)
{
    char text[40] = "";
    if (known)
        mlb_format(text, sizeof text, "%.9g", value);
    add(to, text);
}

static void add_whole(struct mlb_text *to, bool known, uint64_t value)
{
    char text[40] = "";
    if (known)
        mlb_format(text, sizeof text, "%" PRIu64, value);
    add(to, text);
}

static void add_maybe(struct mlb_text *to, const struct mlb_row *row, struct mlb_maybe maybe)
{
    add_real(to, row->has_telemetry && maybe.known, maybe.value);
}

static void add_percentiles(struct mlb_text *to, const struct mlb_row *row)
{
    add_real(to, row->p95_ns.known, row->p95_ns.value);
    add_real(to, row->p99_ns.known, row->p99_ns.value);
}

static void add_rate(struct mlb_text *to, struct mlb_rate rate, bool applies, bool interval)
{
    bool known = rate.known && applies;
    add_real(to, known, rate.value);
    add_real(to, known && interval, rate.low);
    add_real(to, known && interval, rate.high);
}

static void add_names(struct mlb_text *to, const struct mlb_result *result,
                      const struct mlb_row *row)
{
    struct mlb_text params = {0};
    for (size_t i = 0; i < row->param_count; i++)
        mlb_text_addf(&params, "%s%s=%s", i ? ";" : "", row->params[i].name, row->params[i].value);
    add(to, result->run_id);
    add(to, row->started_utc[0] ? row->started_utc : result->started_utc);
    add(to, result->host_kind);
    add(to, result->suite);
    add_whole(to, result->ranks > 0, (uint64_t)result->ranks);
    add(to, row->workload);
    add(to, row->label);
    add(to, row->device);
    add(to, row->variant);
    add(to, row->library);
    add(to, mlb_text_get(&params));
    to->failed = to->failed || params.failed;
    mlb_text_free(&params);
}

static void add_time(struct mlb_text *to, const struct mlb_row *row)
{
    const struct mlb_summary *time = &row->summary;
    bool timed = time->n > 0;
    add(to, mlb_row_status_names[row->status]);
    add(to, row->reason);
    add_real(to, true, row->wall_s);
    add_whole(to, timed, time->n);
    add_real(to, timed, time->median);
    add_real(to, timed && time->interval.known, time->interval.low);
    add_real(to, timed && time->interval.known, time->interval.high);
    add_real(to, timed, time->min);
    add_real(to, timed, time->q1);
    add_real(to, timed, time->q3);
    add_real(to, timed, time->max);
}

static void add_rates(struct mlb_text *to, const struct mlb_row *row)
{
    bool interval = row->summary.interval.known, collective = row->work.bus_factor > 0.0;
    struct mlb_rate flop = mlb_report_rate(row, MLB_RATE_FLOP);
    struct mlb_rate bytes = mlb_report_rate(row, MLB_RATE_BYTES);
    add_rate(to, flop, !row->work.operations, interval);
    add_rate(to, flop, row->work.operations, interval);
    add_rate(to, bytes, !collective, interval);
    add_rate(to, bytes, collective, interval);
    add_rate(to, mlb_report_rate(row, MLB_RATE_BUS), true, interval);
}

static void add_judgement(struct mlb_text *to, const struct mlb_report *report,
                          const struct mlb_row *row)
{
    double share = mlb_share_of_datasheet(report->result, report->peaks, row);
    struct mlb_cost cost = mlb_cost_of_row(report->result, row);
    const char *passed = mlb_verification_passed(&row->verification) ? "true" : "false";
    add_real(to, share > 0.0, share);
    add(to, row->verified ? passed : "");
    add_whole(to, row->verified, row->verification.checked);
    add_whole(to, row->verified, row->verification.wrong);
    add_real(to, cost.known, cost.dollars);
    add_real(to, cost.known, cost.low);
    add_real(to, cost.known, cost.high);
    add(to, cost.known ? cost.per : "");
}

static void add_energy(struct mlb_text *to, const struct mlb_report *report,
                       const struct mlb_row *row)
{
    struct mlb_energy energy = mlb_work_energy(&row->work, &row->summary, &row->telemetry);
    bool known = energy.known && !report->result->oversubscribed &&
                 mlb_report_rate(row, mlb_row_rate_kind(row)).known;
    add_real(to, known && strcmp(energy.per, "flop") == 0, energy.j);
    add_real(to, known && strcmp(energy.per, "op") == 0, energy.j);
    add_real(to, known && strcmp(energy.per, "byte") == 0, energy.j);
    add(to, !known ? "" : energy.estimated ? "power" : "counter");
}

static void add_sustain(struct mlb_text *to, const struct mlb_row *row)
{
    const struct mlb_sustain *sustain = &row->sustain;
    const struct mlb_summary *time = &sustain->sustained;
    bool known = row->has_sustain;
    add_real(to, known && sustain->burst.n > 0, sustain->burst.median);
    add_maybe(to, row, sustain->burst_window.clock_median_hz);
    add_real(to, known, sustain->duration_s);
    add_real(to, known && time->n > 0, time->median);
    add_real(to, known && time->interval.known, time->interval.low);
    add_real(to, known && time->interval.known, time->interval.high);
    add_maybe(to, row, sustain->window.clock_median_hz);
    add_maybe(to, row, sustain->window.power_mean_w);
    add_real(to, known, sustain->drift_per_min);
}

static void add_details(struct mlb_text *to, const struct mlb_report *report,
                        const struct mlb_row *row)
{
    struct mlb_text details = {0};
    mlb_report_note(report, row, MLB_NOTE_DETAILS, &details);
    add(to, mlb_text_get(&details));
    to->failed = to->failed || details.failed;
    mlb_text_free(&details);
}

static void add_links(struct mlb_text *to, const struct mlb_report *report,
                      const struct mlb_row *row)
{
    static const char *const verdicts[] = {"", "agrees", "slow_ports", "elsewhere", "more"};
    const struct mlb_result *result = report->result;
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    struct mlb_wire wire = mlb_wire_of_row(result, row);
    struct mlb_nic_bytes counted = mlb_nics_counted(result, row);
    double best = mlb_share_of_published(result, report->expectations, row);
    add(to, row->work.bus_factor > 0.0 ? group.algorithm : "");
    add_real(to, wire.known, wire.low);
    add_real(to, wire.known, wire.high);
    add_real(to, wire.known && wire.line_bytes_per_s > 0.0, wire.line_bytes_per_s);
    add_real(to, best > 0.0, best);
    add_real(to, counted.known, counted.fast);
    add(to, verdicts[mlb_wire_check_row(result, row, MLB_WIRE_PORTS).verdict]);
}

static void add_provider(struct mlb_text *to, const struct mlb_provider *provider)
{
    add(to, provider->name);
    add(to, provider->instance);
    add(to, provider->region);
}

enum mlb_status mlb_print_csv(const struct mlb_report *report, struct mlb_text *to,
                              struct mlb_error *err)
{
    mlb_text_add(to, header);
    for (size_t i = 0; i < report->result->row_count && !to->failed; i++) {
        const struct mlb_row *row = &report->result->rows[i];
        add_names(to, report->result, row);
        add_time(to, row);
        add_rates(to, row);
        add_judgement(to, report, row);
        add_maybe(to, row, row->telemetry.clock_median_hz);
        add_maybe(to, row, row->telemetry.power_mean_w);
        add_maybe(to, row, row->telemetry.temperature_max_c);
        add(to, row->id);
        double bound = mlb_share_of_bound(report->result, row, &row->summary, &row->telemetry);
        add_real(to, bound > 0.0, bound);
        add(to, row->telemetry.clock_source);
        add(to, row->telemetry.throttle);
        add_energy(to, report, row);
        add(to, row->launch);
        add_real(to, row->summary.n > 0, row->summary.drift);
        add_sustain(to, row);
        add_details(to, report, row);
        add_links(to, report, row);
        add_percentiles(to, row);
        add_provider(to, &report->result->provider);
        mlb_text_add(to, "\n");
    }
    return mlb_print_end(to, err);
}
