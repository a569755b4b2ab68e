/* SPDX-License-Identifier: Apache-2.0 */
/* A data set: taking it out of a provider, keeping it there, and when a move pays. */
#include <math.h>
#include <string.h>

#include "harness/analysis/data_move.h"
#include "harness/app/cost_terms.h"
#include "harness/app/paths.h"
#include "harness/base/date.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#define MONTH_S (730.0 * 3600.0)

static const struct mlb_column columns[] = {
    {"provider", "from", MLB_COLUMN_BOTH, false, false},
    {"egress_usd", "moving out $", MLB_COLUMN_BOTH, true, false},
    {"egress_at_most", "at most", MLB_COLUMN_MACHINE, false, false},
    {"storage_usd_per_month", "keeping $/month", MLB_COLUMN_BOTH, true, false},
    {"storage_usd", "for the time", MLB_COLUMN_BOTH, true, false},
    {"to", "to", MLB_COLUMN_BOTH, false, true},
    {"saved_usd_per_hour", "saves $/h", MLB_COLUMN_BOTH, true, false},
    {"pays_after_s", "pays after", MLB_COLUMN_BOTH, true, false},
    {0}};

/* The cheapest place of this provider in the ranking; NULL when it has none. */
static const struct mlb_place *best_place(const struct mlb_ranking *ranking, const char *provider)
{
    for (size_t i = 0; ranking && i < ranking->count; i++)
        if (strcmp(ranking->places[i].offer->measured->provider, provider) == 0)
            return &ranking->places[i];
    return NULL;
}

/* Dollars an hour of the job that the first in the ranking saves for the same work, as measured. */
static double saved_per_hour(const struct mlb_cost_terms *terms, const struct mlb_place *place)
{
    const struct mlb_place *first = &terms->ranking->places[0];
    double job = place->offer->price.median * mlb_offer_machines(place->offer, terms->gpus);
    return job * (1.0 - first->cost.value / place->cost.value);
}

static void add_egress(struct mlb_sheet *sheet, const struct mlb_egress_cost *cost)
{
    if (cost->known) {
        mlb_sheet_real(sheet, cost->usd, "%s%.0f", cost->at_most ? "<= " : "", cost->usd);
        mlb_sheet_bool(sheet, cost->at_most, cost->at_most ? "yes" : "no");
    } else {
        mlb_sheet_real(sheet, NAN, "not known");
        mlb_sheet_blank(sheet);
    }
}

static void add_storage(struct mlb_sheet *sheet, const struct mlb_storage *storage, double bytes,
                        double store_s)
{
    double month = storage ? mlb_storage_cost(storage, bytes, MONTH_S) : NAN;
    double all = storage && store_s > 0.0 ? mlb_storage_cost(storage, bytes, store_s) : NAN;
    mlb_sheet_real(sheet, month, isnan(month) ? "not known" : "%.0f", month);
    if (isnan(all))
        mlb_sheet_blank(sheet);
    else
        mlb_sheet_real(sheet, all, "%.0f", all);
}

static void add_move(struct mlb_sheet *sheet, const struct mlb_cost_terms *terms,
                     const char *provider, const struct mlb_egress_cost *cost)
{
    char text[MLB_UNIT_TEXT];
    const struct mlb_place *place = best_place(terms->ranking, provider);
    if (!place || strcmp(terms->ranking->places[0].offer->measured->provider, provider) == 0) {
        mlb_sheet_text(sheet, place ? "it is the cheapest" : "");
        mlb_sheet_blank(sheet);
        mlb_sheet_blank(sheet);
        return;
    }
    double saved = saved_per_hour(terms, place);
    double hours = mlb_move_pays_after_hours(cost->usd, saved);
    mlb_sheet_text(sheet, "%s", terms->ranking->places[0].offer->measured->name);
    mlb_sheet_real(sheet, saved, "%.2f", saved);
    if (cost->known)
        mlb_sheet_real(sheet, hours * 3600.0, "%s%s", cost->at_most ? "<= " : "",
                       mlb_cost_time(text, hours * 3600.0));
    else
        mlb_sheet_blank(sheet);
}

static const char *age_of(const char *as_of, int64_t today)
{
    int64_t day;
    bool old = mlb_date_parse(as_of, &day) && today - day > MLB_PRICE_STALE_DAYS;
    return old ? ": over 90 days old" : "";
}

static void say_sources(struct mlb_sheet *sheet, const struct mlb_egress *egress,
                        const struct mlb_storage *storage, int64_t today)
{
    if (egress)
        mlb_sheet_note(sheet, "%s to the %s: %s (%s%s)%s", egress->provider, egress->way,
                       egress->source, egress->as_of, age_of(egress->as_of, today),
                       egress->falling ? "; above its last tier it asks less" : "");
    if (egress && egress->free_gb_per_month > 0.0)
        mlb_sheet_note(sheet, "%s: %.15g GB a month of an account are free and not taken off here",
                       egress->provider, egress->free_gb_per_month);
    if (storage)
        mlb_sheet_note(sheet, "%s, %s: %s (%s%s)", storage->provider, storage->kind,
                       storage->source, storage->as_of, age_of(storage->as_of, today));
}

static void add_provider(struct mlb_sheet *sheet, const struct mlb_cost_terms *terms,
                         const struct mlb_transfer *transfer, const char *provider, double bytes)
{
    const struct mlb_egress *egress = mlb_egress_of(transfer, provider);
    const struct mlb_storage *storage = mlb_storage_of(transfer, provider);
    struct mlb_egress_cost cost = {0};
    if (egress)
        cost = mlb_egress_cost(egress, bytes);
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", provider);
    add_egress(sheet, &cost);
    add_storage(sheet, storage, bytes, terms->options->store_s);
    add_move(sheet, terms, provider, &cost);
    say_sources(sheet, egress, storage, terms->today);
}

static bool is_first_of_provider(const struct mlb_offers *offers, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(offers->measured[i].provider, offers->measured[at].provider) == 0)
            return false;
    return true;
}

static void add_sheet(struct mlb_document *document, const struct mlb_cost_terms *terms,
                      const struct mlb_transfer *transfer, double bytes)
{
    struct mlb_sheet *sheet = mlb_document_sheet(document, "data", "The data set", columns);
    char time[MLB_UNIT_TEXT];
    mlb_sheet_note(sheet, "%.15g GB of 10^9 bytes, moved within one month; list prices",
                   bytes * 1e-9);
    if (terms->options->store_s > 0.0)
        mlb_sheet_note(sheet, "for the time: kept for %s (--store)",
                       mlb_cost_time(time, terms->options->store_s));
    for (size_t i = 0; i < terms->offers->measured_count; i++)
        if (is_first_of_provider(terms->offers, i))
            add_provider(sheet, terms, transfer, terms->offers->measured[i].provider, bytes);
}

static enum mlb_status open_table(struct mlb_transfer *transfer, const char *path,
                                  struct mlb_error *err)
{
    char folder[MLB_PATH], own[MLB_PATH + 32];
    if (path)
        return mlb_transfer_open(transfer, path, err);
    if (mlb_configs_folder(folder, err) != MLB_OK)
        return err->status;
    mlb_format(own, sizeof own, "%s/catalog/transfer.json", folder);
    return mlb_transfer_open(transfer, own, err);
}

enum mlb_status mlb_cost_data_add(struct mlb_document *document, const struct mlb_cost_terms *terms,
                                  struct mlb_error *err)
{
    struct mlb_transfer transfer;
    uint64_t bytes;
    if (!terms->options->data_set[0])
        return MLB_OK;
    if (!mlb_parse_stored_bytes(terms->options->data_set, &bytes) || bytes == 0)
        return mlb_fail(err, MLB_E_USAGE,
                        "command line: data-set = %s: not a size such as 500GB, 100TB or 90TiB",
                        terms->options->data_set);
    if (open_table(&transfer, terms->transfer, err) != MLB_OK)
        return err->status;
    add_sheet(document, terms, &transfer, (double)bytes);
    mlb_transfer_close(&transfer);
    return MLB_OK;
}
