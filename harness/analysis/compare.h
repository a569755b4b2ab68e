/* SPDX-License-Identifier: Apache-2.0 */
/* Is one set of launches faster than another? Case by case, with an error rate for all cases
 * together.
 *
 * The unit is a launch: one record, one value a case, the median of its samples. Samples of one
 * launch share clocks, placement and connections; pooled, they call alike machines different in
 * most comparisons. Everything is done in logs of speed (work or steps per second), so that
 * turning the sides round turns the sign and nothing else. */
#ifndef MLB_ANALYSIS_COMPARE_H
#define MLB_ANALYSIS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/base/text.h"
#include "harness/measure/digest.h"
#include "harness/measure/stats.h"

enum { MLB_BASE, MLB_NEW, MLB_SIDES };

/* Worst first. */
enum mlb_compare_verdict {
    MLB_COMPARE_WORSE,   /* p below alpha, and slower by the margin or more */
    MLB_COMPARE_BETTER,  /* the same, faster */
    MLB_COMPARE_UNSURE,  /* none of the others: more launches are needed */
    MLB_COMPARE_SMALL,   /* p below alpha, but less than the margin */
    MLB_COMPARE_SAME,    /* shown: the 90 % interval lies within the margin (TOST at 5 %);
                            from 4 launches a side on */
    MLB_COMPARE_SHOWN,   /* not of the family: no verdict */
    MLB_COMPARE_REFUSED, /* other work under the same name; see `reason` */
    MLB_COMPARE_MISSING, /* no usable launch on one side; see `reason` */
    MLB_COMPARE_VERDICTS
};
extern const char *const mlb_compare_verdict_names[]; /* "worse", ...; NULL-terminated */

/* Decides margin and metric, and whether a case is of the family when not all are asked for. */
enum mlb_compare_class {
    MLB_COMPARE_COMPUTE,  /* rates of GEMM, attention, memory: 2 % */
    MLB_COMPARE_STEP,     /* time of a step of several things, all ranks together: 2 % */
    MLB_COMPARE_TRANSFER, /* busbw and links, from 1 MiB: 3 % */
    MLB_COMPARE_MIDDLE,   /* the same, shorter: 3 %, not of the family */
    MLB_COMPARE_LATENCY   /* time of short messages and of launches: 5 %, not of the family */
};

struct mlb_compare_choice {
    double alpha;     /* of the family, 0.05 */
    double margin;    /* relative; 0 = by class */
    bool all;         /* every case is of the family */
    const char *only; /* a pattern that a case's id or label has to match; NULL or "" = all */
};

/* Of one case on one side. */
struct mlb_compare_side {
    size_t launches;              /* with a value */
    size_t failed, unverified;    /* launches left out: failed, untrusted; result not verified */
    double median;                /* FLOP/s, OP/s, B/s or s */
    struct mlb_interval interval; /* of it, at 95 %; known from 6 launches on */
    double spread;                /* interquartile range / median; NaN under 4 launches */
    double clock_hz;              /* median of the launches'; 0 = unknown */
};

struct mlb_change {
    bool known; /* the interval: from 4 launches a side on at 95 % */
    double estimate, low, high;
};

struct mlb_compare_line {
    const struct mlb_case_name *name;
    enum mlb_compare_class class_;
    const char *unit; /* "FLOP/s", "OP/s", "B/s"; "s": less is better */
    bool primary;     /* of the family */
    double margin;    /* relative */
    struct mlb_compare_side side[MLB_SIDES];
    struct mlb_change gain;   /* ln(speed of new / speed of base), Hodges-Lehmann, at 95 % */
    struct mlb_change gain90; /* the same at 90 % */
    double p, p_adjusted;     /* NaN: no p of so few launches can be below alpha; not tested */
    bool unlike_spread;       /* one side's is far wider; p is the larger one of two tests then */
    enum mlb_compare_verdict verdict;
    bool clear;           /* better or worse with the whole interval beyond the margin */
    size_t more_launches; /* unsure: about so many more a side would tell */
    char reason[192];     /* refused, missing */
};
/* In the line's unit as a part of the base: rates and times move in opposite directions. */
struct mlb_change mlb_compare_change(const struct mlb_compare_line *line);

/* What differs between the sides and could explain a change. */
struct mlb_difference {
    char what[64]; /* "nvidia_driver", "gemm library", "clock under load" */
    char side[MLB_SIDES][96];
    size_t values[MLB_SIDES]; /* different ones on that side; 0 = its records do not tell */
    bool same;                /* both sides have the same several ones */
};

/* Geometric mean of the ratios of speed over all cases of the family; above 1 = new is faster. */
struct mlb_compare_mean {
    size_t cases; /* 0 = there is none */
    bool known;   /* the interval: from 6 launches a side on */
    double ratio, low, high;
    uint64_t seed; /* of the bootstrap over launches */
};

struct mlb_comparison {
    struct mlb_compare_line *lines; /* in the order of the records */
    size_t line_count;
    size_t tested, undecidable;         /* of the family: m, and those that left it */
    size_t needed;                      /* launches a side below which no p can be below alpha */
    size_t count[MLB_COMPARE_VERDICTS]; /* lines of each verdict */
    size_t nowhere; /* cases that were tried and have no usable launch on either side: no line */
    size_t missing_primary;             /* of the family: refused or missing */
    char side[MLB_SIDES][160];          /* "aws p5.48xlarge" */
    size_t machines[MLB_SIDES];         /* different kinds of machine in it */
    struct mlb_difference *differences; /* in what could explain a change */
    size_t difference_count;
    struct mlb_compare_mean mean;
};

/* MLB_E_NO_VERDICT when the jobs are unlike (data, ranks, machines, how ranks shared devices), with
 * what is to be chosen. The comparison points into `base` and `other`. */
enum mlb_status mlb_compare(const struct mlb_digests *base, const struct mlb_digests *other,
                            const struct mlb_compare_choice *choice,
                            struct mlb_comparison *comparison, struct mlb_error *err);
void mlb_comparison_free(struct mlb_comparison *comparison); /* zeroed is fine; leaves it zeroed */

#endif
