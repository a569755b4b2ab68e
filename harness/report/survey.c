/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/survey.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/units.h"

enum { MEMBERS_MOST = 15, CELL = 6, LISTED = 10, MACHINES_SHOWN = 2 };

/* A square of rates between members. */
struct matrix {
    const double *rates;
    int members;
};

static double rate_at(const struct matrix *matrix, int a, int b)
{
    return matrix->rates[a * matrix->members + b];
}

/* Of the slower direction. */
static double pair_rate(const struct matrix *matrix, int a, int b)
{
    double there = rate_at(matrix, a, b), back = rate_at(matrix, b, a);
    return isnan(there) || isnan(back) ? NAN : fmin(there, back);
}

static double largest(const double *rates, size_t count)
{
    double most = 0.0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, rates[i]);
    return most;
}

/* One unit for all figures of a survey. */
static double unit_of(const struct mlb_links *links)
{
    size_t n = (size_t)links->machines, locals = (size_t)links->locals;
    double most = largest(links->pair, n * n);
    most = fmax(most, largest(links->local, n * locals * locals));
    return most < 1e9 ? 1e6 : 1e9;
}

static void add_figure(struct mlb_text *to, double rate, double unit)
{
    double value = rate / unit;
    if (isnan(rate))
        mlb_text_addf(to, "%*s", CELL, "-");
    else
        mlb_text_addf(to, "%*.*f", CELL, value < 10.0 ? 2 : value < 100.0 ? 1 : 0, value);
}

static void add_matrix(struct mlb_text *to, const struct matrix *matrix, double unit)
{
    mlb_text_addf(to, "%*s", CELL, "");
    for (int b = 0; b < matrix->members; b++)
        mlb_text_addf(to, "%*d", CELL, b);
    mlb_text_add(to, "\n");
    for (int a = 0; a < matrix->members; a++) {
        mlb_text_addf(to, "%*d", CELL, a);
        for (int b = 0; b < matrix->members; b++)
            add_figure(to, rate_at(matrix, a, b), unit);
        mlb_text_add(to, "\n");
    }
}

/* ---------------------------------------------------------------------------------- of many: a
 * list
 */

struct entry {
    double rate;
    int a, b;
};

static int by_rate(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->rate != b->rate)
        return a->rate < b->rate ? -1 : 1;
    return a->a != b->a ? a->a - b->a : a->b - b->b;
}

/* "  slowest pairs: 3-17 24.9, 3-20 25.0, ..." */
static void add_slowest_pairs(struct mlb_text *to, const struct matrix *matrix, double unit)
{
    size_t n = (size_t)matrix->members, count = 0;
    struct entry *entries = calloc(n * n, sizeof *entries);
    for (int a = 0; entries && a < matrix->members; a++)
        for (int b = a + 1; b < matrix->members; b++)
            if (!isnan(pair_rate(matrix, a, b)))
                entries[count++] = (struct entry){pair_rate(matrix, a, b), a, b};
    if (count > 0)
        qsort(entries, count, sizeof *entries, by_rate);
    mlb_text_add(to, "  slowest pairs:");
    for (size_t i = 0; i < count && i < LISTED; i++)
        mlb_text_addf(to, "%s %d-%d %.3g", i ? "," : "", entries[i].a, entries[i].b,
                      entries[i].rate / unit);
    mlb_text_add(to, "\n");
    free(entries);
}

static double best_of(const struct matrix *matrix, int member)
{
    double best = NAN;
    for (int i = 0; i < matrix->members; i++)
        if (i != member)
            best = fmax(best, pair_rate(matrix, member, i));
    return best;
}

/* "  slowest by their best pair: 3 25.1, 40 49.0, ..." */
static void add_slowest_members(struct mlb_text *to, const struct matrix *matrix, double unit)
{
    size_t count = 0;
    struct entry *entries = calloc((size_t)matrix->members, sizeof *entries);
    for (int i = 0; entries && i < matrix->members; i++)
        if (!isnan(best_of(matrix, i)))
            entries[count++] = (struct entry){best_of(matrix, i), i, 0};
    if (count > 0)
        qsort(entries, count, sizeof *entries, by_rate);
    mlb_text_add(to, "  slowest by their best pair:");
    for (size_t i = 0; i < count && i < LISTED; i++)
        mlb_text_addf(to, "%s %d %.3g", i ? "," : "", entries[i].a, entries[i].rate / unit);
    mlb_text_addf(to, "; the best has %.3g\n", count ? entries[count - 1].rate / unit : 0.0);
    free(entries);
}

static void add_square(struct mlb_text *to, const struct matrix *matrix, double unit)
{
    if (matrix->members <= MEMBERS_MOST) {
        add_matrix(to, matrix, unit);
        return;
    }
    add_slowest_pairs(to, matrix, unit);
    add_slowest_members(to, matrix, unit);
}

/* ----------------------------------------------------------------------------------------- parts
 */

static void add_rails(struct mlb_text *to, const struct mlb_links *links, double unit)
{
    struct mlb_maybe alone = mlb_links_rails_alone(links);
    char share[MLB_UNIT_TEXT];
    if (!alone.known || !links->rails_together.known)
        return;
    mlb_text_add(to, "  rails one at a time:");
    for (int i = 0; i < links->rails; i++)
        mlb_text_addf(to, "%s %.3g", i ? "," : "", links->rail_alone[i] / unit);
    mlb_text_addf(to, "; all at once %.3g, %s of their sum\n", links->rails_together.value / unit,
                  mlb_print_percent(share, links->rails_together.value / alone.value));
}

static void add_bisection(struct mlb_text *to, const struct mlb_links *links, double unit)
{
    if (links->bisection.known && links->bisection_random.known)
        mlb_text_addf(to, "  bisection: %.3g in the machines' order, %.3g in a random one\n",
                      links->bisection.value / unit, links->bisection_random.value / unit);
}

/* The matrix of the machine's ranks; of many machines only the first, and those that have a verdict
 * are in the health notes. */
static void add_inside(struct mlb_text *to, const struct mlb_links *links, double unit)
{
    int shown = 0;
    for (int i = 0; i < links->machines && links->locals > 1 && shown < MACHINES_SHOWN; i++) {
        struct matrix inside = {mlb_links_inside(links, i), links->locals};
        if (isnan(rate_at(&inside, 0, 1)))
            continue;
        mlb_text_addf(to, "  within machine %d, by local rank\n", i);
        add_square(to, &inside, unit);
        shown++;
    }
    if (links->machines > shown && shown > 0)
        mlb_text_addf(to, "  within %d more machines: in the record\n", links->machines - shown);
}

void mlb_report_survey(const struct mlb_result *result, struct mlb_text *to)
{
    const struct mlb_links *links = result->links;
    char message[MLB_UNIT_TEXT], took[MLB_UNIT_TEXT];
    if (!links)
        return;
    double unit = unit_of(links);
    mlb_text_addf(
        to,
        "\nsurvey of links  %s, %s; %s from a line's to a column's, %s a rank, best of %d, %s\n",
        links->device, links->library, unit < 1e9 ? "MB/s" : "GB/s",
        mlb_print_bytes(message, links->message_bytes), links->tries,
        mlb_print_seconds(took, links->wall_s));
    if (links->machines > 1) {
        struct matrix between = {links->pair, links->machines};
        mlb_text_addf(to, "  between machines, %d rail%s together\n", links->rails,
                      links->rails == 1 ? "" : "s");
        add_square(to, &between, unit);
    }
    add_rails(to, links, unit);
    add_bisection(to, links, unit);
    add_inside(to, links, unit);
}
