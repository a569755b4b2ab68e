/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/twins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/accuse.h"
#include "harness/base/units.h"
#include "harness/measure/stats.h"

/* Iglewicz & Hoaglin, "How to Detect and Handle Outliers", 1993: 0.6745 (x - median) / MAD
 * beyond 3.5. The second limit keeps a rank of a very even job from being called slow for a trifle.
 */
#define Z_SCALE      0.6745
#define Z_LIMIT      3.5
#define Z_RANKS      4    /* ranks or machines; fewer have no meaningful MAD */
#define SLOWER_LIMIT 0.02 /* of the median's rate */
#define FEW_LIMIT    0.05 /* with 2 or 3 of them */
#define ROWS_NEEDED  2    /* one row may be chance */
/* Of many rows some are chance: who is sick is slow in so much of all rows, or of a workload's.
 * Simulated with times that spread by 1 % (normal), each of 8 healthy ranks is beyond both limits
 * in one row of two hundred, so that of 200 rows some rank nearly always has two. */
#define ALL_NEEDED      0.25
#define WORKLOAD_NEEDED 0.5
#define NOTES_MOST      8 /* named one by one */

/* A rank or a machine over all rows. */
struct slow {
    size_t rows, of_workload; /* of_workload: of the one that is counted now */
    bool steady;              /* of some workload's rows in half at least */
    double worst;             /* largest share of the rate missing */
};

/* Times of a row and what they are compared with. */
struct twins {
    const double *times_ns; /* [count] */
    size_t count;
    double reference_ns; /* median; of two the faster one */
    double mad_ns;
};

/* What is counted, and room to work in. */
struct count {
    const struct mlb_result *result;
    size_t ranks, machines, rows; /* of the widest row; 1 machine where nobody knows */
    struct slow *slow_ranks, *slow_machines;
    double *times_ns, *medians_ns, *scratch; /* [ranks] each */
};

#define SMALL_MESSAGE 1048576.0 /* bytes; of less, the host's part of the time is the larger */

/* Rows whose ranks are no twins by design: each pair of GPUs has a link of its own, a NUMA node
 * that is named is near to some GPUs and far from others, and launches and small copies tell of the
 * host's cores, which no two ranks find equally busy. A store serves whom it likes first. */
static bool unlike(const struct mlb_row *row)
{
    if (strcmp(row->workload, "p2p") == 0 || strcmp(row->workload, "launch") == 0 ||
        strcmp(row->workload, "checkpoint") == 0)
        return true;
    if (strcmp(row->workload, "host_copy") != 0)
        return false;
    bool named = false;
    for (size_t i = 0; i < row->param_count; i++)
        named = named || (strcmp(row->params[i].name, "numa") == 0 &&
                          strcmp(row->params[i].value, "auto") != 0);
    return named || row->work.bytes < SMALL_MESSAGE;
}

static bool usable(const struct mlb_row *row)
{
    if (row->status != MLB_ROW_MEASURED || row->work.bus_factor > 0.0 || row->rank_count < 2 ||
        unlike(row))
        return false;
    for (size_t i = 0; i < row->rank_count; i++)
        if (!isfinite(row->rank_median_ns[i]) || !(row->rank_median_ns[i] > 0.0))
            return false;
    return true;
}

static struct twins twins_of(const double *times_ns, size_t count, double *scratch)
{
    struct twins twins = {.times_ns = times_ns, .count = count};
    twins.reference_ns = count == 2 ? fmin(times_ns[0], times_ns[1]) : mlb_median(times_ns, count);
    for (size_t i = 0; i < count; i++)
        scratch[i] = fabs(times_ns[i] - twins.reference_ns);
    twins.mad_ns = mlb_median(scratch, count);
    return twins;
}

/* Share of the rate that is missing beside the twins: 0.1 is 10 % slower; 0 when not slow. With a
 * MAD of 0 any distance is beyond every z, and the second limit decides. */
static double slowness(const struct twins *twins, double time_ns)
{
    double behind_ns = time_ns - twins->reference_ns;
    double missing = 1.0 - twins->reference_ns / time_ns;
    if (twins->count < Z_RANKS)
        return missing > FEW_LIMIT ? missing : 0.0;
    bool outlier = Z_SCALE * behind_ns > Z_LIMIT * twins->mad_ns;
    return outlier && missing > SLOWER_LIMIT ? missing : 0.0;
}

static void add_slowness(struct slow *slow, double missing)
{
    if (!(missing > 0.0))
        return;
    slow->rows++;
    slow->of_workload++;
    slow->worst = fmax(slow->worst, missing);
}

/* ------------------------------------------------------------------------------------ two levels
 */

static size_t machine_of(const struct count *count, size_t rank)
{
    return count->machines > 1 ? (size_t)count->result->places[rank].machine : 0;
}

/* Times of one machine's ranks, into count->times_ns; how many there are. */
static size_t times_on(const struct count *count, const struct mlb_row *row, size_t machine)
{
    size_t found = 0;
    for (size_t rank = 0; rank < row->rank_count; rank++)
        if (machine_of(count, rank) == machine)
            count->times_ns[found++] = row->rank_median_ns[rank];
    return found;
}

/* The ranks of a machine beside each other, so that a machine that is slow as a whole is not named
 * rank by rank; beside all ranks where they are few. */
static void count_ranks(struct count *count, const struct mlb_row *row, size_t machine)
{
    size_t found = times_on(count, row, machine);
    struct twins twins = found >= Z_RANKS
                             ? twins_of(count->times_ns, found, count->scratch)
                             : twins_of(row->rank_median_ns, row->rank_count, count->scratch);
    for (size_t rank = 0; rank < row->rank_count; rank++)
        if (machine_of(count, rank) == machine)
            add_slowness(&count->slow_ranks[rank], slowness(&twins, row->rank_median_ns[rank]));
}

/* The machines beside each other, by the medians of their ranks. Of two, none is the usual one. */
static void count_machines(struct count *count, const struct mlb_row *row)
{
    if (count->machines < 3)
        return;
    for (size_t i = 0; i < count->machines; i++) {
        size_t found = times_on(count, row, i);
        count->medians_ns[i] = mlb_median(count->times_ns, found);
    }
    struct twins twins = twins_of(count->medians_ns, count->machines, count->scratch);
    for (size_t i = 0; i < count->machines; i++)
        add_slowness(&count->slow_machines[i], slowness(&twins, count->medians_ns[i]));
}

/* ----------------------------------------------------------------------------------------- notes
 */

/* "rank 5", or with its machine and GPU where they are known. */
static void name_rank(const struct count *count, size_t rank, char *to, size_t size)
{
    const struct mlb_result *result = count->result;
    if (!result->places || rank >= (size_t)result->place_count) {
        mlb_format(to, size, "rank %zu", rank);
        return;
    }
    const struct mlb_sick who = {.kind = MLB_SICK_DEVICE,
                                 .machine = result->places[rank].machine,
                                 .local = result->places[rank].local};
    mlb_accuse_who(result, &who, to, size);
}

static void name_machine(const struct count *count, size_t machine, char *to, size_t size)
{
    const struct mlb_sick who = {.kind = MLB_SICK_MACHINE, .machine = (int)machine};
    mlb_accuse_who(count->result, &who, to, size);
}

/* What is said of ranks, and what of machines. */
struct words {
    const char *code, *twins, *more, *few;
    void (*name)(const struct count *count, size_t which, char *to, size_t size);
};

static const struct words of_ranks = {"slow_rank", "its twins", "ranks are slower than their twins",
                                      "ranks", name_rank};
static const struct words of_machines = {"slow_machine", "the other machines",
                                         "machines are slower than the others", "machines",
                                         name_machine};

static bool is_accused(const struct count *count, const struct slow *slow)
{
    bool often = (double)slow->rows >= ALL_NEEDED * (double)count->rows;
    return slow->rows >= ROWS_NEEDED && (often || slow->steady);
}

static void note_slow(struct mlb_result *result, const struct count *count,
                      const struct words *words, const struct slow *slow, size_t members)
{
    bool few = members < Z_RANKS;
    enum mlb_health_level level = few ? MLB_HEALTH_WARN : MLB_HEALTH_SICK;
    char percent[MLB_UNIT_TEXT], who[160];
    size_t named = 0;
    for (size_t i = 0; i < members; i++) {
        if (!is_accused(count, &slow[i]) || ++named > NOTES_MOST)
            continue;
        words->name(count, i, who, sizeof who);
        mlb_result_note(
            result, level, words->code, "%s is up to %s slower than %s (%zu of %zu rows)%s%s%s",
            who, mlb_print_percent(percent, slow[i].worst), words->twins, slow[i].rows, count->rows,
            few ? "; too few " : "", few ? words->few : "", few ? " to be sure" : "");
    }
    if (named > NOTES_MOST)
        mlb_result_note(result, level, words->code, "%zu more %s", named - NOTES_MOST, words->more);
}

/* --------------------------------------------------------------------------------------- the job
 */

/* Ranks of the widest row, and how many rows can be asked. */
static void measure_job(struct count *count)
{
    const struct mlb_result *result = count->result;
    for (size_t i = 0; i < result->row_count; i++) {
        if (!usable(&result->rows[i]))
            continue;
        count->rows++;
        if (result->rows[i].rank_count > count->ranks)
            count->ranks = result->rows[i].rank_count;
    }
    count->machines = 1;
    for (int i = 0; result->places && i < result->place_count; i++) {
        size_t machines = (size_t)result->places[i].machine + 1;
        count->machines = machines > count->machines ? machines : count->machines;
    }
    if (count->ranks != (size_t)result->place_count || count->machines > count->ranks)
        count->machines = 1;
}

static void count_row(struct count *count, const struct mlb_row *row)
{
    size_t machines = count->machines;
    if (row->rank_count < count->ranks)
        count->machines = 1;
    count_machines(count, row);
    for (size_t i = 0; i < count->machines; i++)
        count_ranks(count, row, i);
    count->machines = machines;
}

static bool is_of(const struct mlb_row *row, const char *workload)
{
    return usable(row) && strcmp(row->workload, workload) == 0;
}

/* The rows of a workload are counted, of which `rows` there are. */
static void close_workload(struct slow *slow, size_t members, size_t rows)
{
    for (size_t i = 0; i < members; i++) {
        bool half = (double)slow[i].of_workload >= WORKLOAD_NEEDED * (double)rows;
        slow[i].steady = slow[i].steady || (half && slow[i].of_workload >= ROWS_NEEDED);
        slow[i].of_workload = 0;
    }
}

/* The rows of the workload of row `first`, unless rows before it were of it too. */
static void count_workload(struct count *count, size_t first)
{
    const struct mlb_result *result = count->result;
    const char *workload = result->rows[first].workload;
    size_t rows = 0;
    for (size_t i = 0; i < first; i++)
        if (is_of(&result->rows[i], workload))
            return;
    for (size_t i = first; i < result->row_count; i++) {
        if (!is_of(&result->rows[i], workload))
            continue;
        count_row(count, &result->rows[i]);
        rows++;
    }
    close_workload(count->slow_ranks, count->ranks, rows);
    close_workload(count->slow_machines, count->machines, rows);
}

void mlb_twins_judge(struct mlb_result *result)
{
    struct count count = {.result = result};
    measure_job(&count);
    if (result->oversubscribed || count.rows < ROWS_NEEDED)
        return;
    count.slow_ranks = calloc(count.ranks, sizeof *count.slow_ranks);
    count.slow_machines = calloc(count.machines, sizeof *count.slow_machines);
    count.times_ns = calloc(3 * count.ranks, sizeof *count.times_ns);
    if (!count.slow_ranks || !count.slow_machines || !count.times_ns) {
        mlb_result_note(result, MLB_HEALTH_NOTE, "slow_rank",
                        "%zu ranks were not compared: out of memory", count.ranks);
        goto done;
    }
    count.medians_ns = count.times_ns + count.ranks;
    count.scratch = count.medians_ns + count.ranks;
    for (size_t i = 0; i < result->row_count; i++)
        if (usable(&result->rows[i]))
            count_workload(&count, i);
    note_slow(result, &count, &of_machines, count.slow_machines, count.machines);
    note_slow(result, &count, &of_ranks, count.slow_ranks, count.ranks);
done:
    free(count.times_ns);
    free(count.slow_machines);
    free(count.slow_ranks);
}
