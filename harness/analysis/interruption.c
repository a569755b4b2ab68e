/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/interruption.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define HOUR_S          3600.0
#define HOURS_PER_MONTH 730.0 /* 8,760 / 12 */

/* Where Young's interval is refined, and where first-order terms are left. */
static const double SMALL_WRITE = 0.01, LONG_SEGMENT = 0.2;

/* From here on the job stands still for whoever waits for it. */
static const double STANDSTILL = 0.999;

const char *const mlb_interval_form_names[] = {"Young", "Daly", "exponential", NULL};

/* -------------------------------------------------------------------------------------- interval
 */

double mlb_interval_young(double write_s, double life_s)
{
    return sqrt(2.0 * write_s * life_s);
}

double mlb_interval_daly(double write_s, double life_s)
{
    double x = write_s / (2.0 * life_s);
    if (x >= 1.0)
        return life_s;
    return mlb_interval_young(write_s, life_s) * (1.0 + sqrt(x) / 3.0 + x / 9.0) - write_s;
}

/* e^((T + C) / M) (1 - T / M) - 1 falls with T, from above 0 at T = 0 to -1 at T = M. */
double mlb_interval_exponential(double write_s, double life_s)
{
    double low = 0.0, high = life_s;
    for (int i = 0; i < 100; i++) {
        double t = 0.5 * (low + high);
        bool before = exp((t + write_s) / life_s) * (1.0 - t / life_s) > 1.0;
        low = before ? t : low;
        high = before ? high : t;
    }
    return 0.5 * (low + high);
}

/* ----------------------------------------------------------------------------------------- waste
 */

double mlb_waste_first_order(const struct mlb_saving *saving, double interval_s, double life_s)
{
    return saving->write_s / interval_s + (0.5 * interval_s + saving->restart_s) / life_s;
}

double mlb_waste_exponential(const struct mlb_saving *saving, double interval_s, double life_s)
{
    double again = expm1((interval_s + saving->write_s) / life_s);
    return 1.0 - interval_s / ((life_s + saving->restart_s) * again);
}

static bool is_time(double seconds)
{
    return isfinite(seconds) && seconds >= 0.0;
}

struct mlb_interruption mlb_interruption(const struct mlb_saving *saving, double life_s)
{
    struct mlb_interruption plan = {0};
    double write_s = saving->write_s;
    if (!is_time(write_s) || !is_time(saving->restart_s) || write_s == 0.0 || !(life_s > 0.0) ||
        !isfinite(life_s))
        return plan;
    plan.known = true;
    plan.interval_s = mlb_interval_young(write_s, life_s);
    if ((plan.interval_s + write_s) / life_s > LONG_SEGMENT) {
        plan.form = MLB_INTERVAL_EXPONENTIAL;
        plan.interval_s = mlb_interval_exponential(write_s, life_s);
        plan.waste = mlb_waste_exponential(saving, plan.interval_s, life_s);
    } else {
        if (write_s / life_s > SMALL_WRITE) {
            plan.form = MLB_INTERVAL_DALY;
            plan.interval_s = mlb_interval_daly(write_s, life_s);
        }
        plan.waste = mlb_waste_first_order(saving, plan.interval_s, life_s);
    }
    plan.progress = plan.waste < STANDSTILL;
    plan.waste = plan.progress ? plan.waste : 1.0;
    return plan;
}

double mlb_waste_on_notice(const struct mlb_saving *saving, double life_s)
{
    return fmin((saving->write_s + saving->restart_s) / (life_s + saving->restart_s), 1.0);
}

/* ------------------------------------------------------------------------------------------ life
 */

double mlb_gang_life_s(double node_life_s, double nodes)
{
    return node_life_s / nodes;
}

double mlb_life_of_monthly_rate_s(double rate)
{
    return HOURS_PER_MONTH * HOUR_S / -log1p(-rate);
}

double mlb_failure_life_s(double gpus, double gpu_hours_per_failure)
{
    return gpu_hours_per_failure / gpus * HOUR_S;
}

double mlb_joint_life_s(double one_s, double other_s)
{
    double rate = (one_s > 0.0 ? 1.0 / one_s : 0.0) + (other_s > 0.0 ? 1.0 / other_s : 0.0);
    return rate > 0.0 ? 1.0 / rate : 0.0;
}

/* ----------------------------------------------------------------------------------------- price
 */

double mlb_effective_price(double usd_per_hour, double waste)
{
    return waste < 1.0 ? usd_per_hour / (1.0 - waste) : INFINITY;
}

double mlb_break_even_ratio(double waste, double waste_on_demand)
{
    return (1.0 - waste) / (1.0 - waste_on_demand);
}

/* Where the first-order terms are left: sqrt(2 C M) + C = LONG_SEGMENT M, a quadratic in
 * sqrt(C / M). The waste jumps up there by about a hundredth, towards longer lives. */
static double life_at_the_joint(double write_s)
{
    double root = 0.5 * (sqrt(2.0 + 4.0 * LONG_SEGMENT) - sqrt(2.0));
    return write_s / (root * root);
}

/* In a stretch where the waste falls as the life grows: too much at `low`, little enough at `high`.
 */
static double bisect_life(const struct mlb_saving *saving, double most, double low, double high)
{
    for (int i = 0; i < 200; i++) {
        double middle = sqrt(low * high);
        bool too_much = mlb_interruption(saving, middle).waste > most;
        low = too_much ? middle : low;
        high = too_much ? high : middle;
    }
    return high;
}

double mlb_break_even_life_s(const struct mlb_saving *saving, double ratio, double waste_on_demand)
{
    const double shortest = 1.0, longest = 1e12; /* s */
    double most = 1.0 - ratio * (1.0 - waste_on_demand);
    if (!(mlb_interruption(saving, longest).waste <= most))
        return INFINITY;
    double joint = life_at_the_joint(saving->write_s) * (1.0 + 1e-12);
    if (mlb_interruption(saving, joint).waste > most)
        return bisect_life(saving, most, joint, longest);
    if (joint <= shortest || mlb_interruption(saving, shortest).waste <= most)
        return 0.0;
    return bisect_life(saving, most, shortest, joint * (1.0 - 1e-9));
}

/* ---------------------------------------------------------------------------------------- notice
 */

const struct mlb_notice mlb_notices[] = {
    {"aws", 120.0, 120.0,
     "docs.aws.amazon.com, AWSEC2 UserGuide, spot-instance-termination-notices: best effort"},
    {"gcp", 30.0, 30.0, "cloud.google.com, compute docs, spot: up to 30 s, best effort"},
    {"azure", 30.0, 30.0, "learn.microsoft.com, scheduled events, Preempt: 30 s"},
    {"oci", 30.0, 120.0, "docs.oracle.com, preemptible instances; sources differ: 30 s to 2 min"},
    {0}};

const struct mlb_notice *mlb_notice_of(const char *provider)
{
    const struct mlb_notice *notice = mlb_notices;
    while (notice->provider && strcmp(notice->provider, provider) != 0)
        notice++;
    return notice->provider ? notice : NULL;
}
