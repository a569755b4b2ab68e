/* SPDX-License-Identifier: Apache-2.0 */
/* One price a thing, and what looks wrong beside the others. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/catalog/import_inner.h"
#include "harness/catalog/store.h"

static int compare_instances(const struct mlb_price *a, const struct mlb_price *b)
{
    int order = strcmp(a->provider, b->provider);
    if (order == 0)
        order = strcmp(a->service, b->service);
    return order ? order : strcmp(a->instance, b->instance);
}

static int compare_things(const struct mlb_price *a, const struct mlb_price *b)
{
    int order = compare_instances(a, b);
    if (order == 0)
        order = (int)a->purchase - (int)b->purchase;
    if (order == 0)
        order = strcmp(a->region, b->region);
    return order ? order : strcmp(a->zone, b->zone);
}

/* Of one thing in the order of time, then of reading. */
static int compare_taken(const void *a, const void *b)
{
    const struct mlb_taken *x = a, *y = b;
    int order = compare_things(&x->price, &y->price);
    if (order == 0)
        order = (x->since > y->since) - (x->since < y->since);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void name_price(const struct mlb_price *price, char to[static 200])
{
    struct mlb_offer offer = {.provider = price->provider,
                              .service = price->service,
                              .instance = price->instance,
                              .region = price->region,
                              .zone = price->zone,
                              .purchase = price->purchase};
    mlb_import_name(&offer, to);
}

/* One of a kind, with the place where the price was read. */
__attribute__((format(printf, 4, 5))) static void find_at(struct mlb_import *import,
                                                          enum mlb_finding_code code,
                                                          const struct mlb_taken *taken,
                                                          const char *format, ...)
{
    char name[200], what[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    name_price(&taken->price, name);
    if (taken->file)
        import->file = taken->file;
    mlb_import_find(import, code, taken->file ? taken->line : 0, "%s: %s", name, what);
}

__attribute__((format(printf, 3, 4))) static void
add_note(struct mlb_import *import, struct mlb_taken *taken, const char *format, ...)
{
    struct mlb_text note = {0};
    char more[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(more, sizeof more, format, arguments);
    va_end(arguments);
    mlb_text_addf(&note, "%s%s%s", taken->note ? taken->note : "", taken->note ? "; " : "", more);
    import->failed = import->failed || note.failed;
    free(taken->note);
    taken->note = note.data;
}

/* ------------------------------------------------------------------- a history of prices: its mean
 */

/* Each price holds from its instant to the next one's, the last up to `end`: the mean over time of
 * taken[first .. first+count) goes into the last of them, and the rest are dropped. */
static void mean_of_history(struct mlb_import *import, size_t first, size_t count, int64_t end)
{
    struct mlb_taken *of = &import->taken[first], *last = &of[count - 1];
    double low = last->price.usd_per_hour, high = low, sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double usd = of[i].price.usd_per_hour;
        int64_t until = i + 1 < count ? of[i + 1].since : end;
        sum += usd * (double)(until - of[i].since);
        low = usd < low ? usd : low;
        high = usd > high ? usd : high;
        of[i].dropped = i + 1 < count;
    }
    double seconds = (double)(end - of[0].since);
    if (seconds <= 0.0)
        return;
    last->price.usd_per_hour = round(sum / seconds * 1e6) / 1e6;
    if (high > low)
        add_note(import, last, "mean over %.1f days, %.6g to %.6g", seconds / MLB_SECONDS_PER_DAY,
                 low, high);
}

/* Entries [first, end) are of one thing, in the order of time: pages of one history come in several
 * files. */
static void merge_histories(struct mlb_import *import, size_t first, size_t end)
{
    for (size_t from = first, next; from < end; from = next) {
        int64_t last = 0;
        for (next = from; next < end && import->taken[next].history; next++)
            if (import->taken[next].file->last_instant > last)
                last = import->taken[next].file->last_instant;
        if (next > from)
            mean_of_history(import, from, next - from, last);
        else
            next++;
    }
}

/* ------------------------------------------------------------------------------ one price a thing
 */

/* What becomes of `other` when `best` is of the same thing and of the same day. */
static enum mlb_finding_code same_day(const struct mlb_taken *best, const struct mlb_taken *other)
{
    if (mlb_catalog_same_amount(best->price.usd_per_hour, other->price.usd_per_hour))
        return MLB_DUPLICATE;
    if (best->since != other->since)
        return MLB_SUPERSEDED;
    return best->price.purchase == MLB_ON_DEMAND ? MLB_CONFLICT : MLB_DEARER;
}

/* Of two prices for one thing: the newer; one that was read before one that was there; the one that
 * came into force later; the cheaper of several ways to commit; else the first. */
static bool is_better(const struct mlb_taken *a, const struct mlb_taken *b)
{
    if (a->price.day != b->price.day)
        return a->price.day > b->price.day;
    if (!a->file != !b->file)
        return a->file != NULL;
    if (a->since != b->since)
        return a->since > b->since;
    if (a->price.purchase == MLB_ON_DEMAND)
        return a->order < b->order;
    return a->price.usd_per_hour < b->price.usd_per_hour;
}

static void drop(struct mlb_import *import, struct mlb_taken *other, const struct mlb_taken *best)
{
    other->dropped = true;
    if (!other->file)
        return; /* what was there before is no finding */
    bool same = best->file && best->price.day == other->price.day;
    find_at(import, same ? same_day(best, other) : MLB_SUPERSEDED, other,
            "%.10g as of %s, and %.10g as of %s", other->price.usd_per_hour, other->price.as_of,
            best->price.usd_per_hour, best->price.as_of);
}

static void count_outcome(struct mlb_import *import, const struct mlb_taken *best,
                          const struct mlb_taken *before)
{
    struct mlb_import_outcome *outcome = &import->outcome;
    if (!best->file)
        outcome->kept++;
    else if (!before)
        outcome->added++;
    else if (mlb_catalog_same_amount(best->price.usd_per_hour, before->price.usd_per_hour))
        outcome->confirmed++;
    else
        outcome->changed++;
}

static void choose(struct mlb_import *import, size_t first, size_t end)
{
    struct mlb_taken *best = NULL, *before = NULL;
    merge_histories(import, first, end);
    for (size_t i = first; i < end; i++) {
        struct mlb_taken *taken = &import->taken[i];
        if (!taken->dropped && (!best || is_better(taken, best)))
            best = taken;
        if (!taken->file)
            before = taken;
    }
    for (size_t i = first; i < end; i++)
        if (&import->taken[i] != best && !import->taken[i].dropped)
            drop(import, &import->taken[i], best);
    count_outcome(import, best, before);
}

static void choose_all(struct mlb_import *import)
{
    size_t first = 0, kept = 0;
    for (size_t i = 1; i <= import->count; i++) {
        if (i < import->count &&
            compare_things(&import->taken[first].price, &import->taken[i].price) == 0)
            continue;
        choose(import, first, i);
        first = i;
    }
    for (size_t i = 0; i < import->count; i++) {
        if (import->taken[i].dropped) {
            free(import->taken[i].block);
            free(import->taken[i].note);
        } else {
            import->taken[kept++] = import->taken[i];
        }
    }
    import->count = kept;
}

/* ----------------------------------------------------------------------------- what looks wrong */

/* Regions are within a factor of two of each other; what is far below is a commitment's price or a
 * part of the machine. Fewer than three regions tell nothing. */
static void flag_far_below(struct mlb_import *import, struct mlb_taken *of, size_t count)
{
    double *amounts = calloc(count, sizeof *amounts);
    size_t regions = 0;
    import->failed = import->failed || !amounts;
    for (size_t i = 0; amounts && i < count && of[i].price.purchase == MLB_ON_DEMAND; i++)
        amounts[regions++] = of[i].price.usd_per_hour;
    if (regions >= 3) {
        double median = mlb_catalog_median(amounts, regions);
        for (size_t i = 0; i < regions; i++) {
            double usd = of[i].price.usd_per_hour;
            if (!of[i].file || usd >= median / 2.0)
                continue;
            find_at(import, MLB_FAR_BELOW, &of[i], "%.6g, and %.6g is the median of %zu regions",
                    usd, median, regions);
            add_note(import, &of[i], "below half of the median of %zu regions, %.6g: check it",
                     regions, median);
        }
    }
    free(amounts);
}

/* True of some zones of AWS, and of catalogs that had no price and repeated the other one. */
static void flag_spot(struct mlb_import *import, struct mlb_taken *spot, const struct mlb_taken *of,
                      size_t count)
{
    for (size_t i = 0; i < count && of[i].price.purchase == MLB_ON_DEMAND; i++) {
        double on_demand = of[i].price.usd_per_hour, usd = spot->price.usd_per_hour;
        if (strcmp(of[i].price.region, spot->price.region) != 0 ||
            (usd < on_demand && !mlb_catalog_same_amount(usd, on_demand)))
            continue;
        find_at(import, MLB_SPOT_ABOVE, spot, "%.6g, and %.6g on demand", usd, on_demand);
        add_note(import, spot, "at or above the price on demand, %.6g", on_demand);
        return;
    }
}

static void flag_old_p5(struct mlb_import *import, struct mlb_taken *taken)
{
    const struct mlb_price *price = &taken->price;
    if (strcmp(price->provider, "aws") != 0 || strcmp(price->instance, "p5.48xlarge") != 0 ||
        !mlb_catalog_same_amount(price->usd_per_hour, 98.32))
        return;
    find_at(import, MLB_OLD_P5, taken, "as of %s", price->as_of);
    add_note(import, taken, "98.32 was its price until June 2025: check it");
}

/* The prices of one instance of one service. */
static void flag(struct mlb_import *import, struct mlb_taken *of, size_t count)
{
    bool taken = false;
    flag_far_below(import, of, count);
    for (size_t i = 0; i < count; i++) {
        if (of[i].file && of[i].price.purchase == MLB_SPOT)
            flag_spot(import, &of[i], of, count);
        if (of[i].file && of[i].price.purchase == MLB_ON_DEMAND)
            flag_old_p5(import, &of[i]);
        taken = taken || of[i].file;
    }
    import->outcome.instances += taken;
}

static void flag_all(struct mlb_import *import)
{
    size_t first = 0;
    for (size_t i = 1; i <= import->count; i++) {
        if (i < import->count &&
            compare_instances(&import->taken[first].price, &import->taken[i].price) == 0)
            continue;
        flag(import, &import->taken[first], i - first);
        first = i;
    }
}

enum mlb_status mlb_import_finish(struct mlb_import *import, struct mlb_error *err)
{
    import->prices = calloc(import->count + 1, sizeof *import->prices);
    if (!import->prices)
        return mlb_fail(err, MLB_E_NOMEM, "prices: out of memory");
    if (import->count > 0) {
        qsort(import->taken, import->count, sizeof *import->taken, compare_taken);
        choose_all(import);
        flag_all(import);
    }
    if (import->failed)
        return mlb_fail(err, MLB_E_NOMEM, "prices: out of memory");
    for (size_t i = 0; i < import->count; i++) {
        struct mlb_taken *taken = &import->taken[i];
        if (taken->file)
            taken->price.note = taken->note ? taken->note : "";
        import->prices[import->price_count++] = taken->price;
    }
    return MLB_OK;
}
