/* SPDX-License-Identifier: Apache-2.0 */
/* What interruptions cost a job that saves its state: how often to save, which part of the rented
 * time makes no progress, and when a cheaper machine that is taken away is the dearer one.
 *
 * The model is a process without memory: an interruption is as likely in any hour as in any other.
 * It is wrong for machines that are given a longest life: those of GCP's preemptible VMs, at most
 * 24 h, have a bathtub's shape (Kadupitiya et al., arXiv 1911.05160). Waiting for the machines to
 * come back is a part of the restart that the caller gives. Times are seconds. */
#ifndef MLB_ANALYSIS_INTERRUPTION_H
#define MLB_ANALYSIS_INTERRUPTION_H

#include <stdbool.h>

/* Hardware of any machine fails: GPU-hours between two interruptions of a job, from 13,000
 * (OPT-175B's logbook) to 80,000 (Meta's RSC-2, arXiv 2410.21680). The default is Llama 3's 419
 * unexpected interruptions in 54 days on 16,384 H100 (arXiv 2407.21783): 50,700. */
#define MLB_GPU_HOURS_PER_FAILURE      50000.0
#define MLB_GPU_HOURS_PER_FAILURE_LOW  13000.0
#define MLB_GPU_HOURS_PER_FAILURE_HIGH 80000.0

struct mlb_saving {
    double write_s;   /* C: the job stands still while its state is written */
    double restart_s; /* R: noticed, replaced, started, state read back */
};

enum mlb_interval_form {
    MLB_INTERVAL_YOUNG,      /* the first-order optimum */
    MLB_INTERVAL_DALY,       /* refined where C is more than 1 % of M */
    MLB_INTERVAL_EXPONENTIAL /* exact, where (T + C) / M is above 0.2 */
};
extern const char *const mlb_interval_form_names[]; /* "Young", "Daly", "exponential", NULL */

struct mlb_interruption {
    bool known;        /* false: no C, R or M that is a time */
    bool progress;     /* false: all of the time is lost, but for a thousandth */
    double interval_s; /* T: work between two checkpoints */
    double waste;      /* part of the rented time without progress: 0 to 1 */
    enum mlb_interval_form form;
};

/* T* = sqrt(2 C M). Young, CACM 17 (1974) 530. */
double mlb_interval_young(double write_s, double life_s);
/* T* = sqrt(2 C M) (1 + sqrt(C / 2M) / 3 + (C / 2M) / 9) - C for C < 2M, else M. Daly, Future
 * Generation Computer Systems 22 (2006) 303, eq. 37. */
double mlb_interval_daly(double write_s, double life_s);
/* The T that makes mlb_waste_exponential least: e^((T + C) / M) (1 - T / M) = 1. */
double mlb_interval_exponential(double write_s, double life_s);

/* C / T + (T / 2 + R) / M: an interval is lost by half on the average. For T + C << M. */
double mlb_waste_first_order(const struct mlb_saving *saving, double interval_s, double life_s);
/* 1 - T / ((M + R) (e^((T + C) / M) - 1)): an interval is done again until it passes whole. */
double mlb_waste_exponential(const struct mlb_saving *saving, double interval_s, double life_s);

/* The best interval for a job whose mean time between interruptions is `life_s`. */
struct mlb_interruption mlb_interruption(const struct mlb_saving *saving, double life_s);

/* A job that writes its state in the notice and not before: (C + R) / (M + R). */
double mlb_waste_on_notice(const struct mlb_saving *saving, double life_s);

/* Mean time between interruptions of a job that needs all of `nodes` machines: M / N. */
double mlb_gang_life_s(double node_life_s, double nodes);
/* Mean life of a machine of which the part `rate` is interrupted in a month of 730 h, as AWS's
 * advisor tells it (below 5 %, 5 to 10 %, ... above 20 %): 730 h / -ln(1 - rate). An assumption:
 * that share is of machines and months, not of hours. */
double mlb_life_of_monthly_rate_s(double rate);
/* Mean time between two failures of hardware on `gpus` GPUs. */
double mlb_failure_life_s(double gpus, double gpu_hours_per_failure);
/* Both kinds of interruption at once: rates add up. 0 = of that kind there are none. */
double mlb_joint_life_s(double one_s, double other_s);

/* Dollars an hour that makes progress. Infinite without progress. */
double mlb_effective_price(double usd_per_hour, double waste);
/* The interruptible machine pays below this price, as a part of the other's. */
double mlb_break_even_ratio(double waste, double waste_on_demand);
/* The shortest mean time between interruptions at which a machine at `ratio` of the price on demand
 * still pays: for every longer one it does too. 0: it pays however short; infinite: never. */
double mlb_break_even_life_s(const struct mlb_saving *saving, double ratio, double waste_on_demand);

/* How long before a machine is taken its user is told, by those who say so. */
struct mlb_notice {
    const char *provider;
    double low_s, high_s; /* they differ where sources do */
    const char *source;
};
extern const struct mlb_notice mlb_notices[];                 /* ends with a NULL provider */
const struct mlb_notice *mlb_notice_of(const char *provider); /* NULL when nobody says */

#endif
