/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/cost.h"

#include <math.h>
#include <string.h>

#define SECONDS_PER_HOUR 3600.0

/* What one sells by: so much work of one kind is `amount`. */
struct unit_of_sale {
    enum mlb_rate_kind kind;
    double amount;
    const char *per;
    bool together; /* all ranks do one piece of work, not one each */
};

static struct unit_of_sale unit_of(const struct mlb_row *row)
{
    if (row->work.bus_factor > 0.0)
        return (struct unit_of_sale){
            MLB_RATE_BYTES, 1e12, strstr(row->workload, "reduce") ? "TB reduced" : "TB exchanged",
            true};
    if (row->work.flop > 0.0)
        return (struct unit_of_sale){MLB_RATE_FLOP, 1e18,
                                     row->work.operations ? "10^18 OP" : "10^18 FLOP", false};
    bool of_all = row->work.ranks > 0; /* a checkpoint's bytes are all ranks' already */
    return (struct unit_of_sale){MLB_RATE_BYTES, 1e12, "TB moved", of_all};
}

static bool is_price(double price_per_hour)
{
    return isfinite(price_per_hour) && price_per_hour > 0.0;
}

double mlb_cost_dollars(double price_per_hour, double seconds)
{
    if (!is_price(price_per_hour) || !(seconds > 0.0))
        return 0.0;
    return price_per_hour / SECONDS_PER_HOUR * seconds;
}

double mlb_cost_seconds(double amount, double workers, double rate)
{
    return amount / workers / rate;
}

double mlb_cost_of_time(const struct mlb_result *result, double seconds)
{
    return mlb_cost_dollars(result->price_per_hour, seconds);
}

struct mlb_cost mlb_cost_of_row(const struct mlb_result *result, const struct mlb_row *row)
{
    struct mlb_cost cost = {0};
    struct unit_of_sale unit = unit_of(row);
    struct mlb_rate rate = mlb_row_rate(row, unit.kind);
    double workers = unit.together ? 1.0 : (double)result->ranks;
    /* Ranks that had the machine to themselves would not keep this rate together. */
    if (result->solo && workers > 1.0)
        return cost;
    if (!is_price(result->price_per_hour) || row->status != MLB_ROW_MEASURED || !rate.known ||
        !(rate.low > 0.0) || !isfinite(rate.high) || !(workers >= 1.0))
        return cost;
    cost.known = true;
    cost.dollars = mlb_cost_of_time(result, mlb_cost_seconds(unit.amount, workers, rate.value));
    cost.low = mlb_cost_of_time(result, mlb_cost_seconds(unit.amount, workers, rate.high));
    cost.high = mlb_cost_of_time(result, mlb_cost_seconds(unit.amount, workers, rate.low));
    cost.per = unit.per;
    return cost;
}
