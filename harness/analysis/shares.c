/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/shares.h"

#include <string.h>

#include "harness/analysis/bound.h"
#include "harness/analysis/bound_link.h"

static struct mlb_rate verified_rate(const struct mlb_result *result, const struct mlb_row *row,
                                     const struct mlb_summary *time)
{
    struct mlb_rate rate = mlb_phase_rate(row, time, mlb_row_rate_kind(row));
    rate.known = rate.known && mlb_row_verified(row) && !result->oversubscribed &&
                 strcmp(row->device, result->device.kind) == 0;
    return rate;
}

double mlb_share_of_datasheet(const struct mlb_result *result, const struct mlb_peaks *peaks,
                              const struct mlb_row *row)
{
    struct mlb_rate rate = verified_rate(result, row, &row->summary);
    if (!rate.known)
        return 0.0;
    struct mlb_peak peak = mlb_peak_of_row(peaks, &result->device, row);
    return peak.known && peak.value > 0.0 ? rate.value / peak.value : 0.0;
}

/* Ranks of a collective may stand on the host while the record's device is a GPU. */
static double share_of_links(const struct mlb_result *result, const struct mlb_row *row,
                             const struct mlb_summary *time)
{
    struct mlb_rate rate = mlb_phase_rate(row, time, MLB_RATE_BYTES);
    struct mlb_link_bound bound = mlb_bound_of_collective(result, row);
    return rate.known && bound.known && mlb_row_verified(row) ? rate.value / bound.bytes_per_s
                                                              : 0.0;
}

/* A bus has its share without a clock: its own does not move. */
double mlb_share_of_bound(const struct mlb_result *result, const struct mlb_row *row,
                          const struct mlb_summary *time, const struct mlb_telemetry_window *window)
{
    if (row->work.bus_factor > 0.0)
        return share_of_links(result, row, time);
    struct mlb_rate rate = verified_rate(result, row, time);
    struct mlb_bound bound = mlb_bound_of_row(&result->device, row, window);
    bool told = bound.known && (bound.at_clock || bound.clock_hz == 0.0);
    return rate.known && told ? rate.value / bound.value : 0.0;
}

/* Bytes per second, when the row is a trustworthy copy on `device`; else 0. */
static double copy_rate(const struct mlb_result *result, const struct mlb_row *row,
                        const char *device)
{
    bool copy = strcmp(row->workload, "memory") == 0 && strcmp(row->device, device) == 0 &&
                row->status == MLB_ROW_MEASURED && row->work.flop == 0.0;
    for (size_t i = 0; copy && i < row->param_count; i++)
        if (strcmp(row->params[i].name, "op") == 0 && strcmp(row->params[i].value, "copy") == 0) {
            struct mlb_rate rate = verified_rate(result, row, &row->summary);
            return rate.known ? rate.value : 0.0;
        }
    return 0.0;
}

double mlb_share_of_copy(const struct mlb_result *result, const struct mlb_row *row)
{
    struct mlb_rate rate = verified_rate(result, row, &row->summary);
    double best = 0.0;
    if (!rate.known || row->work.flop > 0.0 || row->work.link || row->work.bus_factor > 0.0 ||
        strcmp(row->workload, "memory") == 0)
        return 0.0;
    for (size_t i = 0; i < result->row_count; i++) {
        double copy = copy_rate(result, &result->rows[i], row->device);
        best = copy > best ? copy : best;
    }
    return best > 0.0 ? rate.value / best : 0.0;
}

static struct mlb_maybe if_positive(double value)
{
    return (struct mlb_maybe){value > 0.0, value};
}

double mlb_share_of_published(const struct mlb_result *result,
                              const struct mlb_expectations *expectations,
                              const struct mlb_row *row)
{
    struct mlb_expectation best = mlb_published_of_row(result, expectations, row);
    return best.known ? mlb_row_rate(row, MLB_RATE_BUS).value / best.bus_bytes_per_s : 0.0;
}

void mlb_shares_note(const struct mlb_result *result, const struct mlb_peaks *peaks,
                     const struct mlb_expectations *expectations, struct mlb_row *row)
{
    row->of_datasheet = if_positive(mlb_share_of_datasheet(result, peaks, row));
    row->of_bound = if_positive(mlb_share_of_bound(result, row, &row->summary, &row->telemetry));
    row->of_published = if_positive(mlb_share_of_published(result, expectations, row));
}
