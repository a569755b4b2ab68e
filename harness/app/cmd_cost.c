/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench cost: from records and prices to what a unit of work costs, and who gives most. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/app/commands.h"
#include "harness/app/cost_parts.h"
#include "harness/app/cost_terms.h"
#include "harness/app/paths.h"
#include "harness/app/prices.h"
#include "harness/base/date.h"
#include "harness/base/text.h"
#include "harness/report/report.h"

/* ------------------------------------------------------------------------------------- reading */

static enum mlb_status choose_way(struct mlb_offer_choice *choice, const char *word, size_t length,
                                  struct mlb_error *err)
{
    struct mlb_text names = {0};
    for (int i = 0; mlb_purchase_names[i]; i++) {
        if (strlen(mlb_purchase_names[i]) == length &&
            strncmp(mlb_purchase_names[i], word, length) == 0) {
            choice->ways[i] = true;
            mlb_text_free(&names);
            return MLB_OK;
        }
        mlb_text_addf(&names, "%s%s", i ? ", " : "", mlb_purchase_names[i]);
    }
    mlb_fail(err, MLB_E_USAGE, "--purchase '%.*s': no way of buying; known: %s", (int)length, word,
             mlb_text_get(&names));
    mlb_text_free(&names);
    return MLB_E_USAGE;
}

static enum mlb_status choose(struct mlb_offer_choice *choice, const struct mlb_options *options,
                              struct mlb_error *err)
{
    *choice = (struct mlb_offer_choice){.region = options->region, .today = mlb_date_today()};
    for (int i = 0; i < MLB_PURCHASES && !options->purchase[0]; i++)
        choice->ways[i] = true;
    for (const char *word = options->purchase; *word;) {
        size_t length = strcspn(word, ",");
        if (choose_way(choice, word, length, err) != MLB_OK)
            return err->status;
        word += length + (word[length] == ',');
    }
    return MLB_OK;
}

static enum mlb_status open_tables(struct mlb_cost_parts *parts, struct mlb_error *err)
{
    char folder[MLB_PATH], path[MLB_PATH];
    if (mlb_configs_folder(folder, err) != MLB_OK)
        return err->status;
    mlb_format(path, sizeof path, "%s/devices.json", folder);
    if (mlb_peaks_open(&parts->peaks, path, err) != MLB_OK)
        return err->status;
    return mlb_prices_open(&parts->catalog, parts->options, err);
}

static enum mlb_status read_all(struct mlb_cost_parts *parts, struct mlb_error *err)
{
    const struct mlb_options *options = parts->options;
    const struct mlb_log log = {options->quiet ? MLB_LOG_ERROR : MLB_LOG_INFO, STDERR_FILENO, -1};
    struct mlb_offer_choice choice;
    struct mlb_metrics metrics = {0};
    if (choose(&choice, options, err) != MLB_OK || open_tables(parts, err) != MLB_OK ||
        mlb_selection_read(&parts->selection, options->words, options->word_count, options->records,
                           &log, err) != MLB_OK ||
        mlb_offers_build(&parts->offers, &parts->selection.digests, parts->catalog, &choice, err) !=
            MLB_OK ||
        mlb_cost_terms_count(&parts->offers, options, err) != MLB_OK ||
        mlb_metrics_find(&metrics, &parts->offers, options->only, err) != MLB_OK)
        return err->status;
    parts->seed = mlb_ranking_seed(&parts->offers);
    return mlb_unit_times_build(&parts->times, &parts->offers, &metrics, err);
}

/* ------------------------------------------------------------------------------------- ranking */

static bool has_any(const struct mlb_cost_parts *parts, const struct mlb_offer *offer)
{
    for (size_t m = 0; m < parts->times.metrics.count; m++)
        if (mlb_offer_has(&parts->times, offer, m))
            return true;
    return false;
}

/* How many of them have the metric; those alone into `with` when it is given. */
static size_t pick(const struct mlb_cost_parts *parts, const struct mlb_cost_ranking *of,
                   size_t metric, const struct mlb_offer **with)
{
    size_t count = 0;
    for (size_t i = 0; i < of->offer_count; i++) {
        if (!mlb_offer_has(&parts->times, of->offers[i], metric))
            continue;
        if (with)
            with[count] = of->offers[i];
        count++;
    }
    return count;
}

/* Who can be compared: all; when they have no metric in common, those of the one that most have. */
static size_t find_rivals(const struct mlb_cost_parts *parts, const struct mlb_cost_ranking *of,
                          const struct mlb_offer **rivals)
{
    size_t best = 0, most = 0, metrics[MLB_WORK_CLASSES];
    for (size_t m = 0; m < parts->times.metrics.count; m++) {
        size_t count = pick(parts, of, m, NULL);
        best = count > most ? m : best;
        most = count > most ? count : most;
    }
    bool common = mlb_headline_metrics(&parts->times, of->offers, of->offer_count, metrics) > 0;
    if (!common && most > 1)
        return pick(parts, of, best, rivals);
    memcpy(rivals, of->offers, of->offer_count * sizeof(const struct mlb_offer *));
    return of->offer_count;
}

static enum mlb_status rank_them(struct mlb_cost_ranking *to, const struct mlb_cost_parts *parts,
                                 const struct mlb_offer *const *rivals, size_t count,
                                 struct mlb_error *err)
{
    to->metric_count = mlb_headline_metrics(&parts->times, rivals, count, to->metrics);
    if (!to->metric_count)
        return MLB_OK;
    const struct mlb_contest contest = {.times = &parts->times,
                                        .offers = rivals,
                                        .offer_count = count,
                                        .metrics = to->metrics,
                                        .metric_count = to->metric_count,
                                        .gpus = parts->options->gpus,
                                        .seed = parts->seed};
    return mlb_rank(&to->ranking, &contest, err);
}

/* Ranks offers by their headline metrics; all of them, or one a measured thing. */
static enum mlb_status hold_contest(struct mlb_cost_ranking *to, const struct mlb_cost_parts *parts,
                                    bool one_each, struct mlb_error *err)
{
    *to = (struct mlb_cost_ranking){.offers = calloc(parts->offers.count + 1, sizeof *to->offers)};
    if (!to->offers)
        return mlb_fail(err, MLB_E_NOMEM, "cost: out of memory");
    for (size_t i = 0; i < parts->offers.count; i++) {
        const struct mlb_offer *offer = &parts->offers.items[i];
        bool taken =
            to->offer_count && to->offers[to->offer_count - 1]->measured == offer->measured;
        if (has_any(parts, offer) && !offer->stuck && !(one_each && taken))
            to->offers[to->offer_count++] = offer;
    }
    if (!to->offer_count)
        return MLB_OK;
    const struct mlb_offer **rivals = calloc(to->offer_count, sizeof *rivals);
    if (!rivals)
        return mlb_fail(err, MLB_E_NOMEM, "cost: out of memory");
    enum mlb_status status = rank_them(to, parts, rivals, find_rivals(parts, to, rivals), err);
    free(rivals);
    return status;
}

static void ranking_free(struct mlb_cost_ranking *ranking)
{
    free(ranking->offers);
    mlb_ranking_free(&ranking->ranking);
}

/* -------------------------------------------------------------------------------------- verdict */

/* Names what was measured and has no price, with how to give one. */
static void name_missing(const struct mlb_cost_parts *parts, struct mlb_text *text)
{
    for (size_t i = 0; i < parts->offers.measured_count; i++) {
        const struct mlb_measured *measured = &parts->offers.measured[i];
        if (!mlb_measured_has_offer(&parts->offers, measured))
            mlb_text_addf(text, "%s%s: --price '%s/%s=USD_PER_HOUR'", text->length ? ", " : "",
                          measured->name, measured->provider, measured->instance);
    }
}

static enum mlb_status verdict(const struct mlb_cost_parts *parts, struct mlb_error *err)
{
    if (parts->all.offer_count)
        return MLB_OK;
    if (!parts->offers.measured_count)
        return mlb_fail(err, MLB_E_NO_VERDICT,
                        "cost: of %zu records none counts: ranks took turns, shared devices, or "
                        "had other data than normal",
                        parts->selection.digests.count);
    for (size_t i = 0; i < parts->offers.count; i++)
        if (parts->offers.items[i].stuck)
            return mlb_fail(err, MLB_E_NO_VERDICT,
                            "cost: %s spot is interrupted so often that it makes no progress, and "
                            "nothing else is offered",
                            parts->offers.items[i].measured->name);
    if (parts->offers.count)
        return mlb_fail(err, MLB_E_NO_VERDICT,
                        "cost: none of the %zu records has a verified row of gemm, attention, "
                        "memory or a large collective%s%s",
                        parts->selection.digests.count,
                        parts->options->only[0] ? " that matches --only " : "",
                        parts->options->only);
    struct mlb_text missing = {0};
    name_missing(parts, &missing);
    mlb_fail(err, MLB_E_NO_VERDICT, "cost: nothing measured has a price; give one: %s",
             mlb_text_get(&missing));
    mlb_text_free(&missing);
    return MLB_E_NO_VERDICT;
}

static enum mlb_status tell(const struct mlb_cost_parts *parts, struct mlb_error *err)
{
    struct mlb_document *document = mlb_document_new(
        "cost", "What training costs: %zu record%s, %zu offer%s", parts->selection.digests.count,
        parts->selection.digests.count == 1 ? "" : "s", parts->offers.count,
        parts->offers.count == 1 ? "" : "s");
    const struct mlb_cost_terms terms = {.options = parts->options,
                                         .offers = &parts->offers,
                                         .catalog = parts->catalog,
                                         .ranking = &parts->main.ranking,
                                         .gpus = parts->options->gpus,
                                         .today = mlb_date_today()};
    struct mlb_text text = {0};
    mlb_cost_answer(document, parts);
    mlb_cost_ranking_sheet(document, parts);
    enum mlb_status status = mlb_cost_units_sheet(document, parts, err);
    if (status == MLB_OK)
        status = mlb_cost_lists_sheet(document, parts, err);
    mlb_cost_job_sheet(document, parts);
    mlb_cost_tokens_sheet(document, parts);
    if (status == MLB_OK)
        status = mlb_cost_terms_add(document, &terms, err);
    mlb_cost_prices_sheet(document, parts);
    mlb_cost_notes(document, parts);
    if (status == MLB_OK)
        status =
            mlb_document_print(document, mlb_printer_names[parts->options->format], &text, err);
    if (status == MLB_OK)
        status = mlb_print(mlb_text_get(&text), err);
    mlb_text_free(&text);
    mlb_document_free(document);
    return status;
}

enum mlb_status mlb_cmd_cost(const struct mlb_options *options, struct mlb_error *err)
{
    struct mlb_cost_parts parts = {.options = options};
    enum mlb_status status = read_all(&parts, err);
    if (status == MLB_OK)
        status = hold_contest(&parts.all, &parts, false, err);
    if (status == MLB_OK)
        status = hold_contest(&parts.main, &parts, true, err);
    if (status == MLB_OK)
        status = verdict(&parts, err);
    if (status == MLB_OK)
        status = tell(&parts, err);
    ranking_free(&parts.all);
    ranking_free(&parts.main);
    mlb_unit_times_free(&parts.times);
    mlb_offers_free(&parts.offers);
    mlb_selection_free(&parts.selection);
    mlb_catalog_close(parts.catalog);
    mlb_peaks_close(&parts.peaks);
    return status;
}
