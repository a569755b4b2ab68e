/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and flags of `mlbench cost` in words. */
#include <math.h>
#include <string.h>

#include "harness/app/cost_parts.h"
#include "harness/base/text.h"

/* Digits behind the point that show about four of an amount. */
static int decimals(double usd)
{
    double size = fabs(usd);
    if (!(size > 0.0) || !isfinite(size))
        return 2;
    int digits = 3 - (int)floor(log10(size));
    return digits < 0 ? 0 : size >= 1.0 && digits > 2 ? 2 : digits > 9 ? 9 : digits;
}

const char *mlb_cost_money(char *to, double usd)
{
    mlb_format(to, MLB_COST_TEXT, "%.*f", decimals(usd), usd);
    return to;
}

const char *mlb_cost_money_range(char *to, const struct mlb_spread *spread)
{
    int digits = decimals(spread->value);
    if (spread->low == spread->high)
        mlb_format(to, MLB_COST_TEXT, "%.*f", digits, spread->value);
    else
        mlb_format(to, MLB_COST_TEXT, "%.*f [%.*f, %.*f]", digits, spread->value, digits,
                   spread->low, digits, spread->high);
    return to;
}

const char *mlb_cost_ratio_range(char *to, const struct mlb_spread *spread)
{
    mlb_format(to, MLB_COST_TEXT, "%.3f [%.3f, %.3f]", spread->value, spread->low, spread->high);
    return to;
}

const char *mlb_cost_launches(char *to, const struct mlb_spread *spread)
{
    const char *what = spread->of == MLB_INTERVAL_RANGE     ? " r"
                       : spread->of == MLB_INTERVAL_SAMPLES ? " w"
                                                            : "";
    mlb_format(to, MLB_COST_TEXT, "%zu%s", spread->n, what);
    return to;
}

const char *mlb_cost_way(enum mlb_purchase way)
{
    static const char *const words[] = {"on demand", "spot", "reserved 1y", "reserved 3y", "block"};
    _Static_assert(sizeof words / sizeof *words == MLB_PURCHASES, "one for each way");
    return words[way];
}

const char *mlb_cost_old(const struct mlb_offer *offer)
{
    return offer->price.stale ? " old" : "";
}

struct mlb_spread mlb_cost_scaled(struct mlb_spread spread, double factor)
{
    spread.value *= factor;
    spread.low *= factor;
    spread.high *= factor;
    return spread;
}

/* ---------------------------------------------------------------------------------------- flags */

static bool is_old(const struct mlb_offer *offer)
{
    return offer->price.stale;
}

static bool is_high(const struct mlb_offer *offer)
{
    return offer->price.above_on_demand;
}

static bool is_told(const struct mlb_offer *offer)
{
    return offer->told;
}

static bool is_yours(const struct mlb_offer *offer)
{
    return offer->price.user;
}

static bool is_elsewhere(const struct mlb_offer *offer)
{
    return offer->elsewhere;
}

static bool is_plain(const struct mlb_offer *offer)
{
    return offer->plain;
}

static bool is_inferred(const struct mlb_offer *offer)
{
    return offer->measured->inferred;
}

static bool is_sick(const struct mlb_offer *offer)
{
    return offer->measured->sick > 0;
}

static bool is_net(const struct mlb_offer *offer)
{
    return offer->useful > 0.0;
}

static bool is_stuck(const struct mlb_offer *offer)
{
    return offer->stuck;
}

static const struct flag {
    const char *word, *meaning;
    bool (*is)(const struct mlb_offer *offer);
} flags[] = {
    {"old", "priced over 90 days ago", is_old},
    {"high", "in some zone not below on demand: capacity is short or the list wrong", is_high},
    {"told", "no list has it; as the record says that it cost", is_told},
    {"yours", "by --price", is_yours},
    {"any", "of all regions, since the one that was measured in is not known or not listed",
     is_elsewhere},
    {"plain", "the plain machine's; its service may ask more", is_plain},
    {"guess", "which instance it was is a guess from its hardware", is_inferred},
    {"net", "its cost is counted with its interruptions or its use; its price is as listed",
     is_net},
    {"stuck", "interrupted so often that it makes no progress: in no ranking", is_stuck},
    {"sick", "some of its records have a health note of that level", is_sick},
};
_Static_assert(MLB_PRICE_STALE_DAYS == 90, "the first meaning says so");

const char *mlb_cost_flags(char *to, const struct mlb_offer *offer)
{
    size_t length = 0;
    to[0] = '\0';
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!flags[i].is(offer))
            continue;
        mlb_format(to + length, MLB_COST_TEXT - length, "%s%s", length ? ", " : "", flags[i].word);
        length = strlen(to);
    }
    return to;
}

void mlb_cost_explain_flags(struct mlb_sheet *sheet, const struct mlb_offers *offers)
{
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        bool used = false;
        for (size_t o = 0; o < offers->count; o++)
            used = used || flags[i].is(&offers->items[o]);
        if (used)
            mlb_sheet_note(sheet, "%s: %s", flags[i].word, flags[i].meaning);
    }
}
