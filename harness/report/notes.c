/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to say about a row beside its cells. */
#include <math.h>
#include <string.h>

#include "harness/analysis/shares.h"
#include "harness/base/units.h"
#include "harness/report/network.h"

/* A slope per minute from less would be a guess. */
static const double MINUTE_SHARE_S = 10.0;

static bool add_drift(const struct mlb_row *row, struct mlb_text *to)
{
    bool timed = row->status == MLB_ROW_MEASURED || row->status == MLB_ROW_UNTRUSTED;
    if (timed && mlb_summary_drifts(&row->summary))
        mlb_text_addf(to, "not stationary: the time changed by %+.1f %% over the samples",
                      row->summary.drift * 100.0);
    return to->length > 0;
}

/* Which way it was launched, where that made a difference. */
static bool add_launch(const struct mlb_row *row, struct mlb_text *to)
{
    char gain[MLB_UNIT_TEXT];
    if (strcmp(row->launch, "graph") == 0)
        mlb_text_addf(to, "as a CUDA graph, %s faster than kernel by kernel",
                      mlb_print_percent(gain, row->graph_gain.value));
    return to->length > 0;
}

/* "742 TFLOP/s, 1350 MHz (93 % at clock), 0.94 J/TFLOP, 71 C" */
static void add_phase(const struct mlb_report *report, const struct mlb_row *row,
                      const struct mlb_summary *time, const struct mlb_telemetry_window *window,
                      struct mlb_text *to)
{
    char text[MLB_UNIT_TEXT], clock[32], energy[32];
    struct mlb_rate rate = mlb_phase_rate(row, time, mlb_row_rate_kind(row));
    double share = mlb_share_of_bound(report->result, row, time, window);
    mlb_text_add(to, rate.known ? mlb_print_rate(text, rate.value, rate.unit)
                                : mlb_print_seconds(text, time->median * 1e-9));
    mlb_report_clock(row, window, clock, sizeof clock);
    mlb_text_addf(to, "%s%s", clock[0] ? ", " : "", clock);
    if (share > 0.0)
        mlb_text_addf(to, " (%s %s)", mlb_print_percent(text, share),
                      mlb_report_cell_title(MLB_CELL_BOUND, row));
    mlb_report_energy(report, row, time, window, energy, sizeof energy);
    if (energy[0])
        mlb_text_addf(to, ", %s %s", energy, mlb_report_cell_title(MLB_CELL_ENERGY, row));
    if (window->temperature_max_c.known)
        mlb_text_addf(to, ", %.0f C", window->temperature_max_c.value);
    if (!time->interval.known)
        mlb_text_addf(to, ", n=%zu: no interval", time->n);
    if (window->verdict[0])
        mlb_text_addf(to, ", UNTRUSTED: %s", window->verdict);
}

/* Lasting load first: it is what a training job gets. */
static bool add_sustain(const struct mlb_report *report, const struct mlb_row *row,
                        struct mlb_text *to)
{
    const struct mlb_sustain *sustain = &row->sustain;
    char text[MLB_UNIT_TEXT];
    bool shown = row->has_sustain && mlb_row_verified(row);
    if (!shown)
        return false;
    mlb_text_addf(to, "sustained %s: ", mlb_print_seconds(text, sustain->duration_s));
    add_phase(report, row, &sustain->sustained, &sustain->window, to);
    if (sustain->duration_s >= MINUTE_SHARE_S)
        mlb_text_addf(to, ", time %+.2f %%/min", sustain->drift_per_min * 100.0);
    if (sustain->clock_first_hz.known && sustain->clock_last_hz.known &&
        strcmp(row->device, "cpu") != 0)
        mlb_text_addf(to, ", clock from %.0f to %.0f MHz", sustain->clock_first_hz.value * 1e-6,
                      sustain->clock_last_hz.value * 1e-6);
    mlb_text_add(to, "; burst from rest: ");
    add_phase(report, row, &sustain->burst, &sustain->burst_window, to);
    return true;
}

/* "1.21 ms exposed of a collective of 9.30 ms (87 % hidden); the GEMMs take 1.08 times as long
 * beside it, it takes 1.31 times as long" */
static bool add_overlap(const struct mlb_row *row, struct mlb_text *to)
{
    static const char *const names[] = {"exposed_ns", "collective_alone_ns", "hidden_share",
                                        "gemm_slowdown", "collective_slowdown"};
    char exposed[MLB_UNIT_TEXT], alone[MLB_UNIT_TEXT], hidden[MLB_UNIT_TEXT];
    double values[5];
    for (int i = 0; i < 5; i++) {
        const struct mlb_detail *detail = mlb_detail_find(&row->details, names[i]);
        if (!detail || !detail->is_number || !mlb_row_verified(row))
            return false;
        values[i] = detail->number;
    }
    mlb_text_addf(to, "%s exposed of a collective of %s",
                  mlb_print_seconds(exposed, values[0] * 1e-9),
                  mlb_print_seconds(alone, values[1] * 1e-9));
    if (values[2] >= 0.0)
        mlb_text_addf(to, " (%s hidden)", mlb_print_percent(hidden, values[2]));
    mlb_text_addf(to, "; the GEMMs take %.2f times as long beside it, it takes %.2f times as long",
                  values[3], values[4]);
    return true;
}

static bool add_details(const struct mlb_row *row, struct mlb_text *to)
{
    for (size_t i = 0; i < row->details.count; i++) {
        const struct mlb_detail *detail = &row->details.items[i];
        mlb_text_addf(to, "%s%s=", i ? ", " : "", detail->name);
        if (detail->is_number)
            mlb_text_addf(to, "%.6g", detail->number);
        else
            mlb_text_add(to, detail->text);
    }
    return row->details.count > 0;
}

bool mlb_report_note(const struct mlb_report *report, const struct mlb_row *row, enum mlb_note note,
                     struct mlb_text *to)
{
    switch (note) {
    case MLB_NOTE_LAUNCH:
        return add_launch(row, to);
    case MLB_NOTE_DRIFT:
        return add_drift(row, to);
    case MLB_NOTE_SUSTAIN:
        return add_sustain(report, row, to);
    case MLB_NOTE_WIRE:
        return mlb_report_wire_note(report->result, row, to);
    case MLB_NOTE_OVERLAP:
        return add_overlap(row, to);
    case MLB_NOTE_DETAILS:
        return add_details(row, to);
    case MLB_NOTES:
        break;
    }
    return false;
}
