/* SPDX-License-Identifier: Apache-2.0 */
/* Spot machines and their interruptions: what an hour that makes progress costs. */
#include <math.h>
#include <string.h>

#include "harness/analysis/interruption.h"
#include "harness/app/cost_parts.h"
#include "harness/app/cost_terms.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

/* Below so many GPUs hardware takes about a hundredth of the time (K = 50,000 GPU-hours,
 * C = 60 s, R = 10 min: 1.4 % at 256), less than prices and rates are known to. */
#define GPUS_WHERE_HARDWARE_COUNTS 256.0

/* What all rows have in common. */
struct question {
    double bytes;      /* of a checkpoint of the whole job */
    double asked_rate; /* bytes/s; 0 = measured */
    double restart_s;
    double node_life_s; /* 0 = not known */
    double notice_s;    /* 0 = the provider's */
};

struct spot {
    const struct mlb_offer *offer;
    const struct mlb_digest_row *rate_row; /* where the rate is from; NULL = asked or unknown */
    double machines, gpus, on_demand;      /* on_demand: USD an hour of a machine; 0 = not known */
    double ratio;                          /* of the price on demand; NaN = not known */
    double notice_s;                       /* 0 = nobody says */
    struct mlb_saving saving;
    double hardware_s; /* between its failures; 0 = does not count */
    double life_s;     /* of all machines together; 0 = not known */
    struct mlb_interruption waste, on_demand_waste;
    double pays_from_life_s;               /* of one machine; NaN = not known */
    double effective, effective_on_demand; /* USD an hour of a machine; NaN = not known */
};

/* ----------------------------------------------------------------------------------------- inputs
 */

/* What tells of interruptions tells nothing without the state that is to be saved. */
static enum mlb_status check_alone(const struct mlb_options *options, struct mlb_error *err)
{
    const struct {
        bool given;
        const char *name;
    } rows[] = {{options->checkpoint_rate[0], "checkpoint-rate"},
                {options->restart_s > 0.0, "restart"},
                {options->node_life_s > 0.0, "node-life"},
                {options->interrupted > 0.0, "interrupted"},
                {options->notice_s > 0.0, "notice"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].given)
            return mlb_fail(err, MLB_E_USAGE,
                            "command line: --%s needs --checkpoint, the size of the job's state",
                            rows[i].name);
    return MLB_OK;
}

static enum mlb_status read_question(struct question *to, const struct mlb_options *options,
                                     struct mlb_error *err)
{
    uint64_t bytes = 0;
    *to = (struct question){0};
    if (!options->checkpoint[0])
        return check_alone(options, err);
    if (!mlb_parse_stored_bytes(options->checkpoint, &bytes) || bytes == 0)
        return mlb_fail(err, MLB_E_USAGE,
                        "command line: checkpoint = %s: not a size such as 750GB, 2.3TB or 700GiB",
                        options->checkpoint);
    if (options->checkpoint_rate[0] &&
        (!mlb_parse_stored_rate(options->checkpoint_rate, &to->asked_rate) ||
         to->asked_rate == 0.0))
        return mlb_fail(err, MLB_E_USAGE,
                        "command line: checkpoint-rate = %s: not a rate such as 2GB/s or 500MB/s",
                        options->checkpoint_rate);
    if (options->node_life_s > 0.0 && options->interrupted > 0.0)
        return mlb_fail(err, MLB_E_USAGE,
                        "command line: --node-life and --interrupted both tell how long a machine "
                        "lives; give one");
    to->bytes = (double)bytes;
    to->restart_s = options->restart_s;
    to->notice_s = options->notice_s;
    to->node_life_s = options->interrupted > 0.0 ? mlb_life_of_monthly_rate_s(options->interrupted)
                                                 : options->node_life_s;
    return MLB_OK;
}

static double rate_of(const struct mlb_digest_row *row)
{
    return row->work.bytes / (row->time.median * 1e-9);
}

/* The largest checkpoint that a launch wrote counts, since a small one may end in a cache; of the
 * ways to write it the fastest. */
static const struct mlb_digest_row *best_write(const struct mlb_digest *launch)
{
    const struct mlb_digest_row *best = NULL;
    for (size_t i = 0; i < launch->row_count; i++) {
        const struct mlb_digest_row *row = &launch->rows[i];
        if (strcmp(row->formula, "checkpoint.write.ranks.n") != 0 || !row->verified ||
            row->status != MLB_ROW_MEASURED || !(row->time.median > 0.0))
            continue;
        if (!best || row->work.bytes > best->work.bytes ||
            (row->work.bytes == best->work.bytes && rate_of(row) > rate_of(best)))
            best = row;
    }
    return best;
}

/* Of several launches the slowest one. */
static const struct mlb_digest_row *slowest_write(const struct mlb_measured *measured)
{
    const struct mlb_digest_row *slowest = NULL;
    for (size_t i = 0; i < measured->launch_count; i++) {
        const struct mlb_digest_row *row = best_write(measured->launches[i]);
        if (row && (!slowest || rate_of(row) < rate_of(slowest)))
            slowest = row;
    }
    return slowest;
}

/* ------------------------------------------------------------------------------------ calculation
 */

/* Failures of hardware count for both ways of buying where there are many GPUs. */
static void add_interruptions(struct spot *spot, const struct question *question)
{
    if (spot->gpus >= GPUS_WHERE_HARDWARE_COUNTS)
        spot->hardware_s = mlb_failure_life_s(spot->gpus, MLB_GPU_HOURS_PER_FAILURE);
    if (question->node_life_s > 0.0)
        spot->life_s = mlb_joint_life_s(mlb_gang_life_s(question->node_life_s, spot->machines),
                                        spot->hardware_s);
    spot->waste = mlb_interruption(&spot->saving, spot->life_s);
    spot->on_demand_waste = mlb_interruption(&spot->saving, spot->hardware_s);
}

/* The mean life of one machine from which on the spot price pays. What hardware takes is taken
 * already: rates of interruption are subtracted. */
static double pays_from(const struct spot *spot)
{
    double lost = spot->on_demand_waste.waste;
    double gang_s = mlb_break_even_life_s(&spot->saving, spot->ratio, lost);
    double hardware = spot->hardware_s > 0.0 ? 1.0 / spot->hardware_s : 0.0;
    double rate = (gang_s > 0.0 ? 1.0 / gang_s : INFINITY) - hardware;
    return rate > 0.0 ? spot->machines / rate : INFINITY;
}

static void add_prices(struct spot *spot)
{
    double lost = spot->on_demand_waste.waste; /* 0 where hardware does not count */
    double usd = spot->offer->price.median;
    bool known = spot->on_demand > 0.0 && spot->saving.write_s > 0.0;
    spot->ratio = spot->on_demand > 0.0 ? usd / spot->on_demand : NAN;
    spot->effective = spot->waste.known ? mlb_effective_price(usd, spot->waste.waste) : NAN;
    spot->effective_on_demand = known ? mlb_effective_price(spot->on_demand, lost) : NAN;
    spot->pays_from_life_s = known ? pays_from(spot) : NAN;
}

static struct spot work_out(const struct mlb_cost_terms *terms, const struct mlb_offer *offer,
                            const struct question *question)
{
    const struct mlb_measured *measured = offer->measured;
    const struct mlb_offer *other = mlb_cost_offer_of(terms->offers, measured, MLB_ON_DEMAND);
    const struct mlb_notice *notice = mlb_notice_of(measured->provider);
    struct spot spot = {.offer = offer,
                        .machines = mlb_offer_machines(offer, terms->gpus),
                        .on_demand = other ? other->price.median : 0.0,
                        .notice_s = question->notice_s > 0.0 ? question->notice_s
                                    : notice                 ? notice->low_s
                                                             : 0.0};
    double rate = question->asked_rate;
    if (rate == 0.0 && (spot.rate_row = slowest_write(measured)))
        rate = rate_of(spot.rate_row);
    if (measured->gpus > 0)
        spot.gpus = terms->gpus ? (double)terms->gpus : spot.machines * measured->gpus;
    spot.saving =
        (struct mlb_saving){rate > 0.0 ? question->bytes / rate : 0.0, question->restart_s};
    add_interruptions(&spot, question);
    add_prices(&spot);
    return spot;
}

/* ----------------------------------------------------------------------------------------- sheets
 */

static const struct mlb_column spot_columns[] = {
    {"offer", "spot machine", MLB_COLUMN_BOTH, false, true},
    {"usd_per_hour", "$/h", MLB_COLUMN_BOTH, true, false},
    {"of_on_demand", "ratio", MLB_COLUMN_BOTH, true, false},
    {"pays_below_of_on_demand", "pays below", MLB_COLUMN_BOTH, true, false},
    {"lost_fraction", "lost", MLB_COLUMN_BOTH, true, false},
    {"lost_fraction_on_demand", "on demand", MLB_COLUMN_MACHINE, true, false},
    {"usd_per_progress_hour", "net $/h", MLB_COLUMN_BOTH, true, false},
    {"usd_per_progress_hour_on_demand", "on demand", MLB_COLUMN_MACHINE, true, false},
    {"pays_from_node_life_s", "pays from", MLB_COLUMN_BOTH, true, false},
    {"verdict", "verdict", MLB_COLUMN_BOTH, false, false},
    {0}};

static void add_percent(struct mlb_sheet *sheet, double fraction)
{
    char text[MLB_UNIT_TEXT];
    if (isfinite(fraction))
        mlb_sheet_real(sheet, fraction, "%s", mlb_print_percent(text, fraction));
    else
        mlb_sheet_blank(sheet);
}

static void add_money(struct mlb_sheet *sheet, double usd)
{
    if (isfinite(usd))
        mlb_sheet_real(sheet, usd, "%.2f", usd);
    else
        mlb_sheet_blank(sheet);
}

static void add_time(struct mlb_sheet *sheet, double seconds)
{
    char text[MLB_UNIT_TEXT];
    if (isnan(seconds))
        mlb_sheet_blank(sheet);
    else
        mlb_sheet_real(sheet, seconds, "%s", mlb_cost_time(text, seconds));
}

static void add_verdict(struct mlb_sheet *sheet, const struct spot *spot)
{
    double than = spot->effective / spot->effective_on_demand;
    if (spot->saving.write_s == 0.0)
        mlb_sheet_text(sheet, "no rate of writing");
    else if (!spot->waste.known)
        mlb_sheet_text(sheet, "life not known");
    else if (!spot->waste.progress)
        mlb_sheet_text(sheet, "makes no progress");
    else if (isnan(than))
        mlb_sheet_text(sheet, "no price on demand");
    else if (than < 1.0)
        mlb_sheet_text(sheet, "saves %.0f %%", 100.0 * (1.0 - than));
    else
        mlb_sheet_text(sheet, "dearer by %.0f %%", 100.0 * (than - 1.0));
}

static void add_row(struct mlb_sheet *sheet, const struct spot *spot)
{
    const struct mlb_interruption *waste = &spot->waste;
    double lost_on_demand = spot->on_demand_waste.waste;
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", spot->offer->measured->name);
    mlb_sheet_real(sheet, spot->offer->price.median, "%.2f%s", spot->offer->price.median,
                   mlb_cost_old(spot->offer));
    add_percent(sheet, spot->ratio);
    add_percent(sheet, waste->known ? mlb_break_even_ratio(waste->waste, lost_on_demand) : NAN);
    add_percent(sheet, waste->known ? waste->waste : NAN);
    add_percent(sheet, spot->on_demand_waste.known ? lost_on_demand : NAN);
    add_money(sheet, spot->effective);
    add_money(sheet, spot->effective_on_demand);
    add_time(sheet, spot->pays_from_life_s);
    add_verdict(sheet, spot);
}

static const struct mlb_column checkpoint_columns[] = {
    {"offer", "spot machine", MLB_COLUMN_BOTH, false, true},
    {"machines", "machines", MLB_COLUMN_BOTH, true, false},
    {"interrupted_every_s", "interrupted", MLB_COLUMN_BOTH, true, false},
    {"write_s", "saved in", MLB_COLUMN_BOTH, true, false},
    {"interval_s", "save every", MLB_COLUMN_BOTH, true, false},
    {"interval_form", "form", MLB_COLUMN_MACHINE, false, false},
    {"notice_s", "notice", MLB_COLUMN_BOTH, true, false},
    {"fits_in_notice", "in time", MLB_COLUMN_BOTH, false, false},
    {"lost_fraction_saved_on_notice", "lost then", MLB_COLUMN_BOTH, true, false},
    {0}};

/* Saved in the notice, an interruption costs the restart and the writing; otherwise also half an
 * interval. */
static void add_notice(struct mlb_sheet *sheet, const struct spot *spot)
{
    bool known = spot->notice_s > 0.0 && spot->saving.write_s > 0.0;
    bool fits = known && spot->saving.write_s <= spot->notice_s;
    add_time(sheet, spot->notice_s > 0.0 ? spot->notice_s : NAN);
    if (known)
        mlb_sheet_bool(sheet, fits, fits ? "yes" : "no");
    else
        mlb_sheet_blank(sheet);
    add_percent(sheet, fits && spot->life_s > 0.0 ? mlb_waste_on_notice(&spot->saving, spot->life_s)
                                                  : NAN);
}

static void add_checkpoint_row(struct mlb_sheet *sheet, const struct spot *spot)
{
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", spot->offer->measured->name);
    mlb_sheet_real(sheet, spot->machines, "%.0f", spot->machines);
    add_time(sheet, spot->life_s > 0.0 ? spot->life_s : NAN);
    add_time(sheet, spot->saving.write_s > 0.0 ? spot->saving.write_s : NAN);
    add_time(sheet, spot->waste.known ? spot->waste.interval_s : NAN);
    if (spot->waste.known)
        mlb_sheet_text(sheet, "%s", mlb_interval_form_names[spot->waste.form]);
    else
        mlb_sheet_blank(sheet);
    add_notice(sheet, spot);
}

/* ------------------------------------------------------------------------------------------ notes
 */

static void say_rate(struct mlb_sheet *sheet, const struct spot *spot)
{
    char rate[MLB_UNIT_TEXT];
    const struct mlb_digest_row *row = spot->rate_row;
    if (row)
        mlb_sheet_note(sheet,
                       "%s: %s, measured by %s %s; the rate is taken as it is for other "
                       "numbers of machines",
                       spot->offer->measured->name, mlb_print_rate(rate, rate_of(row), "B/s"),
                       row->name->workload, row->name->label);
    else if (spot->saving.write_s == 0.0)
        mlb_sheet_note(sheet,
                       "%s: how fast it writes a checkpoint is not known: --checkpoint-rate, or a "
                       "record of mlbench run -s checkpoint --checkpoint-folder FOLDER",
                       spot->offer->measured->name);
}

/* Zones of one provider differ by more than providers do. */
static void say_price(struct mlb_sheet *sheet, const struct spot *spot)
{
    const struct mlb_price_range *price = &spot->offer->price;
    const struct mlb_price *cheapest = price->cheapest;
    if (price->count > 1 && cheapest)
        mlb_sheet_note(sheet, "%s: $/h is the middle of %zu prices from %.2f (%s) to %.2f",
                       spot->offer->measured->name, price->count, price->low,
                       cheapest->zone[0] ? cheapest->zone : cheapest->region, price->high);
}

static void say_notice(struct mlb_sheet *sheet, const struct spot *spot)
{
    const char *provider = spot->offer->measured->provider;
    const struct mlb_notice *notice = mlb_notice_of(provider);
    char low[MLB_UNIT_TEXT], high[MLB_UNIT_TEXT];
    if (notice && notice->high_s > notice->low_s)
        mlb_sheet_note(sheet, "%s: told %s to %s before (%s); the shorter counts", provider,
                       mlb_cost_time(low, notice->low_s), mlb_cost_time(high, notice->high_s),
                       notice->source);
    else if (notice)
        mlb_sheet_note(sheet, "%s: told %s before (%s)", provider,
                       mlb_cost_time(low, notice->low_s), notice->source);
    if (strcmp(provider, "gcp") == 0)
        mlb_sheet_note(sheet, "gcp: preemptible machines of the older kind live 24 h at most, and "
                              "the model of chance at any time is wrong for them");
}

static void say_model(struct mlb_sheet *sheet, const struct mlb_options *options,
                      const struct question *question, const struct spot *largest)
{
    char life[MLB_UNIT_TEXT], lost[MLB_UNIT_TEXT];
    mlb_sheet_note(sheet, "lost: writing checkpoints, work done again, restarts; waiting for "
                          "machines to come back only as far as --restart has it (docs/spot.md)");
    mlb_sheet_note(sheet, "ratio: of the price on demand; it pays below that ratio, and from that "
                          "mean life of one machine on");
    if (options->interrupted > 0.0)
        mlb_sheet_note(sheet,
                       "an assumption: %g %% of the machines interrupted a month are a mean life "
                       "of %s",
                       100.0 * options->interrupted, mlb_cost_time(life, question->node_life_s));
    if (largest && largest->on_demand_waste.known)
        mlb_sheet_note(sheet,
                       "an assumption: hardware of %.0f GPUs fails every %.0f GPU-hours (%.0f to "
                       "%.0f are reported), on demand too: %s lost there",
                       largest->gpus, MLB_GPU_HOURS_PER_FAILURE, MLB_GPU_HOURS_PER_FAILURE_LOW,
                       MLB_GPU_HOURS_PER_FAILURE_HIGH,
                       mlb_print_percent(lost, largest->on_demand_waste.waste));
}

/* Is `at` the first spot offer of its provider? */
static bool is_first_of_provider(const struct mlb_offers *offers, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (offers->items[i].purchase == MLB_SPOT &&
            strcmp(offers->items[i].measured->provider, offers->items[at].measured->provider) == 0)
            return false;
    return true;
}

/* ------------------------------------------------------------------------------------------- all
 */

static void add_sheets(struct mlb_document *document, const struct mlb_cost_terms *terms,
                       const struct question *question)
{
    struct mlb_sheet *prices =
        mlb_document_sheet(document, "spot", "Spot, with its interruptions", spot_columns);
    struct mlb_sheet *saves =
        mlb_document_sheet(document, "checkpoints", "Its checkpoints", checkpoint_columns);
    struct spot largest = {0};
    for (size_t i = 0; i < terms->offers->count; i++) {
        if (terms->offers->items[i].purchase != MLB_SPOT)
            continue;
        struct spot spot = work_out(terms, &terms->offers->items[i], question);
        add_row(prices, &spot);
        say_price(prices, &spot);
        add_checkpoint_row(saves, &spot);
        say_rate(saves, &spot);
        if (is_first_of_provider(terms->offers, i))
            say_notice(saves, &spot);
        largest = spot.gpus > largest.gpus ? spot : largest;
    }
    say_model(prices, terms->options, question, &largest);
    mlb_sheet_note(saves,
                   "in time: a checkpoint that fits into the notice can be written then, and "
                   "that is lost; of one that does not fit, half of 'save every' on the "
                   "average, and the restart");
}

enum mlb_status mlb_cost_spot_count(struct mlb_offers *offers, const struct mlb_options *options,
                                    struct mlb_error *err)
{
    const struct mlb_cost_terms terms = {
        .options = options, .offers = offers, .gpus = options->gpus};
    struct question question;
    if (read_question(&question, options, err) != MLB_OK)
        return err->status;
    for (size_t i = 0; i < offers->count && question.restart_s > 0.0; i++) {
        if (offers->items[i].purchase != MLB_SPOT)
            continue;
        struct spot spot = work_out(&terms, &offers->items[i], &question);
        offers->items[i].stuck = spot.waste.known && !spot.waste.progress;
        if (spot.waste.known && spot.waste.progress)
            offers->items[i].useful =
                mlb_break_even_ratio(spot.waste.waste, spot.on_demand_waste.waste);
    }
    return MLB_OK;
}

enum mlb_status mlb_cost_spot_add(struct mlb_document *document, const struct mlb_cost_terms *terms,
                                  struct mlb_error *err)
{
    struct question question;
    bool any = false;
    for (size_t i = 0; i < terms->offers->count; i++)
        any = any || terms->offers->items[i].purchase == MLB_SPOT;
    if (read_question(&question, terms->options, err) != MLB_OK)
        return err->status;
    if (any && question.bytes > 0.0 && question.restart_s > 0.0)
        add_sheets(document, terms, &question);
    return MLB_OK;
}
