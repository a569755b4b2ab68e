/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench run: plan -> cases -> journal -> record -> judges -> summary. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/cost.h"
#include "harness/analysis/verdict.h"
#include "harness/app/commands.h"
#include "harness/app/judges.h"
#include "harness/app/links.h"
#include "harness/app/mixed.h"
#include "harness/app/paths.h"
#include "harness/app/progress.h"
#include "harness/app/record_name.h"
#include "harness/app/resume.h"
#include "harness/app/search_case.h"
#include "harness/app/session.h"
#include "harness/app/stop.h"
#include "harness/base/clock.h"
#include "harness/base/units.h"
#include "harness/measure/journal.h"
#include "harness/report/report.h"

struct job {
    const struct mlb_options *options;
    struct mlb_session session;
    struct mlb_plan plan;
    struct mlb_result result;    /* rank 0's is complete */
    struct mlb_journal *journal; /* rank 0 */
    struct mlb_judges judges;    /* rank 0 */
    struct mlb_require require;  /* --require */
    char record[MLB_PATH];       /* rank 0; "" = none is written */
    unsigned char *done;         /* a flag a case: it has a row from before */
    struct mlb_progress progress;
    double began_s, stop_at_s, earlier_s; /* earlier_s: wall time of the run that is resumed */
    bool stopped;                         /* the budget ended the run */
};

static bool is_root(const struct job *job)
{
    return job->session.comm->rank == 0;
}

/* ---------------------------------------------------------------------------------------- budget
 */

static enum mlb_status read_budget(struct job *job, struct mlb_error *err)
{
    const char *text = job->options->budget;
    double seconds = 0.0, dollars;
    if (!text[0])
        return MLB_OK;
    if (mlb_parse_dollars(text, &dollars)) {
        if (!(job->result.price_per_hour > 0.0))
            return mlb_fail(err, MLB_E_USAGE,
                            "--budget %s: a budget in money needs --price-per-hour, or a machine "
                            "whose price is in the catalog",
                            text);
        seconds = dollars / job->result.price_per_hour * 3600.0;
    } else if (!mlb_parse_seconds(text, &seconds)) {
        return mlb_fail(err, MLB_E_USAGE, "--budget %s: write a time (90s, 10min) or money ('$2')",
                        text);
    }
    if (!(seconds > 0.0))
        return mlb_fail(err, MLB_E_USAGE, "--budget %s: must be more than nothing", text);
    job->result.budget_s = seconds;
    job->stop_at_s = job->began_s + seconds;
    mlb_plan_by_priority(&job->plan);
    return MLB_OK;
}

/* ---------------------------------------------------------------------------- record and journal
 */

static enum mlb_status begin_record(struct job *job, struct mlb_error *err)
{
    char journal[MLB_PATH];
    if (job->options->no_record)
        return MLB_OK;
    if (mlb_record_name(job->options->output, &job->result, job->record, journal, err) != MLB_OK)
        return err->status;
    return mlb_journal_create(journal, &job->result, &job->journal, err);
}

/* The rows of one record are of one program. */
static enum mlb_status check_build(const struct mlb_result *old, const struct mlb_result *now,
                                   const char *path, struct mlb_error *err)
{
    if (strcmp(old->version, now->version) == 0 && strcmp(old->git, now->git) == 0)
        return MLB_OK;
    return mlb_fail(err, MLB_E_CONFIG,
                    "%s: cannot go on: it was made by mlbench %s (%s), this is mlbench %s (%s)",
                    path, old->version, old->git, now->version, now->git);
}

/* The journal's plan must be the one that this command line makes; its rows stay. */
static enum mlb_status take_journal(struct job *job, struct mlb_error *err)
{
    const char *path = job->options->resume;
    struct mlb_result old = {0};
    if (mlb_journal_resume(path, &old, &job->journal, err) != MLB_OK)
        return err->status;
    if (strcmp(old.suite_hash, job->result.suite_hash) != 0 || old.ranks != job->result.ranks ||
        strcmp(old.host_kind, job->result.host_kind) != 0) {
        mlb_fail(
            err, MLB_E_CONFIG,
            "%s: cannot go on: it was made by 'run %s' (plan %s) with %d ranks on %s; now it is "
            "'run %s' (plan %s) with %d ranks on %s",
            path, old.options, old.suite_hash, old.ranks, old.host_kind, job->result.options,
            job->result.suite_hash, job->result.ranks, job->result.host_kind);
        mlb_result_free(&old);
        return err->status;
    }
    if (check_build(&old, &job->result, path, err) != MLB_OK ||
        mlb_mixed_check(path, &old.provider, &job->result.provider, err) != MLB_OK) {
        mlb_result_free(&old);
        return err->status;
    }
    mlb_mixed_went_on(&old.provider, &job->result.provider, &old);
    for (size_t i = 0; i < job->plan.count; i++)
        job->done[i] = mlb_result_find(&old, job->plan.cases[i].id) != NULL;
    job->earlier_s = 0.0;
    for (size_t i = 0; i < old.row_count; i++)
        job->earlier_s += old.rows[i].wall_s;
    old.budget_s = job->result.budget_s;
    mlb_result_free(&job->result);
    job->result = old;
    size_t length = strlen(path);
    bool named = length > 8 && strcmp(path + length - 8, ".journal") == 0;
    mlb_format(job->record, sizeof job->record, "%.*s.json", (int)(named ? length - 8 : length),
               path);
    return MLB_OK;
}

static enum mlb_status open_record(struct job *job, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    job->done = calloc(job->plan.count, 1);
    if (!job->done)
        status = mlb_fail(err, MLB_E_NOMEM, "plan of %zu cases: out of memory", job->plan.count);
    else if (is_root(job))
        status = job->options->resume[0] ? take_journal(job, err) : begin_record(job, err);
    if (mlb_session_agree(&job->session, status, err) != MLB_OK)
        return err->status;
    if (job->journal) {
        char line[MLB_PATH + 64];
        mlb_format(line, sizeof line, "mlbench: asked to end; go on with: mlbench run --resume %s",
                   mlb_journal_path(job->journal));
        mlb_stop_say(line);
    }
    struct mlb_comm *comm = job->session.comm;
    return comm->ops->broadcast(comm, job->done, job->plan.count, 0, err);
}

/* ----------------------------------------------------------------------------------------- cases
 */

static double limit_of(const struct mlb_case *item)
{
    const struct mlb_measure *measure = &item->measure;
    double sustain_s = measure->sustain_s > 0.0 /* with rest, burst and another warm-up */
                           ? 1.5 * measure->sustain_s + measure->max_warmup_s
                           : 0.0;
    return measure->max_time_s + measure->max_warmup_s + sustain_s;
}

static struct mlb_report report_of(const struct job *job)
{
    return (struct mlb_report){.result = &job->result,
                               .peaks = &job->judges.peaks,
                               .expectations = &job->judges.expectations,
                               .verbose = job->options->verbose};
}

/* A row is on disk before the next case starts. */
static enum mlb_status keep(struct job *job, struct mlb_row *row, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    if (is_root(job)) {
        struct mlb_text line = {0};
        struct mlb_report report = report_of(job);
        mlb_judge_row(&job->judges, &job->result, row);
        mlb_report_row_line(&report, row, &line);
        mlb_progress_clear(&job->progress);
        mlb_log(&job->session.log, MLB_LOG_DEBUG, "%s", mlb_text_get(&line));
        mlb_text_free(&line);
        if (job->journal)
            status = mlb_journal_append(job->journal, row, err);
        struct mlb_error trouble = {0};
        if (mlb_result_add(&job->result, row, &trouble) != MLB_OK && status == MLB_OK)
            status = mlb_fail(err, trouble.status, "%s", trouble.text);
    }
    mlb_row_free(row);
    return mlb_session_agree(&job->session, status, err);
}

/* Rank 0 asks its clock for all: is there time for another case? */
static enum mlb_status time_left(struct job *job, bool *left, struct mlb_error *err)
{
    struct mlb_comm *comm = job->session.comm;
    *left = true;
    if (job->result.budget_s == 0.0)
        return MLB_OK;
    if (is_root(job)) {
        double mean_s =
            job->progress.done ? (mlb_clock_s() - job->began_s) / (double)job->progress.done : 0.0;
        *left = mlb_clock_s() + 0.5 * mean_s < job->stop_at_s;
    }
    return comm->ops->broadcast(comm, left, sizeof *left, 0, err);
}

static void leave_out(struct job *job, const struct mlb_case *item)
{
    char budget[MLB_UNIT_TEXT];
    struct mlb_error ignored = {0};
    struct mlb_row row = {.status = MLB_ROW_SKIPPED};
    mlb_format(row.id, sizeof row.id, "%s", item->id);
    mlb_format(row.workload, sizeof row.workload, "%s", item->workload->name);
    mlb_format(row.label, sizeof row.label, "%s", item->label);
    mlb_format(row.device, sizeof row.device, "%s", item->device);
    mlb_format(row.reason, sizeof row.reason, "left out: the budget of %s was used up",
               mlb_print_seconds(budget, job->result.budget_s));
    mlb_utc_now(row.started_utc);
    row.target = item->measure.target;
    if (is_root(job))
        mlb_result_add(&job->result, &row, &ignored);
}

/* Under a budget a case may take its even share of what is left among the cases that tell as much:
 * one of each comes before one of them to the last digit. */
static double fair_end(const struct job *job, const struct mlb_case *item)
{
    size_t peers = 0;
    if (job->stop_at_s == 0.0)
        return 0.0;
    for (size_t i = (size_t)(item - job->plan.cases); i < job->plan.count; i++)
        peers += !job->done[i] && job->plan.cases[i].priority <= item->priority;
    double now_s = mlb_clock_s();
    return now_s + (job->stop_at_s - now_s) / (double)(peers ? peers : 1);
}

static enum mlb_status measure_case(struct job *job, const struct mlb_case *item, double end_s,
                                    const struct mlb_search_case *search, struct mlb_error *err)
{
    struct mlb_run run;
    struct mlb_row row = {0};
    if (mlb_session_run(&job->session, item, &run, err) != MLB_OK)
        return err->status;
    run.stop_at_s = end_s;
    run.tick = is_root(job) ? mlb_progress_tick : NULL;
    run.user = &job->progress;
    mlb_progress_case(&job->progress, item->label);
    if (is_root(job))
        mlb_log(&job->session.log, MLB_LOG_DEBUG, "case %s", item->id);
    enum mlb_status status = mlb_run_case(&run, item, &row, err);
    mlb_progress_case_done(&job->progress, limit_of(item));
    if (run.unhealthy)
        mlb_result_note(&job->result, MLB_HEALTH_SICK, "device", "%s", row.reason);
    if (status != MLB_OK) {
        mlb_row_free(&row);
        return mlb_fail_at(err, "%s %s", item->workload->name, item->label);
    }
    mlb_search_details(search, &row.details);
    return keep(job, &row, err);
}

/* The case, or, with --search, what it becomes with the best sizes. */
static enum mlb_status measure_one(struct job *job, const struct mlb_case *item,
                                   struct mlb_error *err)
{
    double end_s = fair_end(job, item);
    struct mlb_search_case search = {
        .session = &job->session, .like = item, .stop_at_s = end_s, .progress = &job->progress};
    enum mlb_status status = item->search ? mlb_search_case(&search, err) : MLB_OK;
    if (status == MLB_OK)
        status = measure_case(job, item->search ? &search.best : item, end_s, &search, err);
    free(search.best.params);
    return status;
}

static enum mlb_status measure_all(struct job *job, struct mlb_error *err)
{
    double limit_s = 0.0;
    size_t todo = 0;
    for (size_t i = 0; i < job->plan.count; i++)
        if (!job->done[i]) {
            limit_s += limit_of(&job->plan.cases[i]);
            todo++;
        }
    mlb_progress_begin(&job->progress, todo, limit_s, is_root(job) && !job->options->no_progress);
    job->progress.stop_at_s = job->stop_at_s;
    enum mlb_status status = MLB_OK;
    for (size_t i = 0; i < job->plan.count && status == MLB_OK; i++) {
        bool left = true;
        if (job->done[i])
            continue;
        status = time_left(job, &left, err);
        if (status == MLB_OK && left)
            status = measure_one(job, &job->plan.cases[i], err);
        else if (status == MLB_OK)
            leave_out(job, &job->plan.cases[i]);
        job->stopped |= !left;
    }
    mlb_progress_clear(&job->progress);
    return status;
}

/* --------------------------------------------------------------------------------------- the end
 */

static enum mlb_status print_summary(struct job *job, struct mlb_error *err)
{
    struct mlb_report report = report_of(job);
    struct mlb_text text = {0};
    report.record_path = job->record;
    const struct mlb_printer *printer = mlb_printer_find(mlb_printer_names[job->options->format]);
    enum mlb_status status = printer->print(&report, &text, err);
    if (status == MLB_OK)
        status = mlb_print(mlb_text_get(&text), err);
    mlb_text_free(&text);
    return status;
}

/* Rank 0: judge, save, tell. After trouble the journal stays, with how to go on. */
static enum mlb_status finish(struct job *job, enum mlb_status trouble, struct mlb_error *err)
{
    struct mlb_result *result = &job->result;
    struct mlb_error end = {0};
    result->wall_s = job->earlier_s + mlb_clock_s() - job->began_s;
    mlb_utc_now(result->ended_utc);
    result->complete = trouble == MLB_OK && !job->stopped;
    mlb_judge_record(&job->judges, result);
    if (trouble == MLB_OK)
        mlb_require_note(result, &job->require);
    if (trouble != MLB_OK) {
        job->record[0] = '\0';
        if (job->journal)
            mlb_log(&job->session.log, MLB_LOG_WARN,
                    "%zu case%s measured and kept; go on with: mlbench run --resume %s",
                    result->row_count, result->row_count == 1 ? " is" : "s are",
                    mlb_journal_path(job->journal));
        if (result->row_count > 0)
            print_summary(job, &end);
        return trouble;
    }
    if (job->record[0] && mlb_result_save(result, job->record, err) != MLB_OK) {
        trouble = err->status;
        job->record[0] = '\0';
        mlb_log(&job->session.log, MLB_LOG_WARN, "all rows are in %s",
                mlb_journal_path(job->journal));
    }
    mlb_journal_close(job->journal, trouble == MLB_OK);
    job->journal = NULL;
    if (print_summary(job, &end) != MLB_OK && trouble == MLB_OK) {
        *err = end;
        return err->status;
    }
    return trouble == MLB_OK ? mlb_verdict(result, &job->require, err) : trouble;
}

static enum mlb_status prepare(struct job *job, struct mlb_error *err)
{
    if (mlb_session_plan(&job->session, &job->plan, err) != MLB_OK ||
        mlb_session_head(&job->session, &job->plan, &job->result, err) != MLB_OK ||
        mlb_session_agree(&job->session, read_budget(job, err), err) != MLB_OK)
        return err->status;
    if (is_root(job))
        mlb_judges_open(&job->judges, &job->session.log);
    bool anew = !job->options->resume[0]; /* else the journal has them */
    if (anew && mlb_links_places(&job->session, &job->result, err) != MLB_OK)
        return err->status;
    if (anew && mlb_links_wanted(&job->session) &&
        mlb_links_survey(&job->session, &job->result, err) != MLB_OK)
        return err->status;
    return open_record(job, err);
}

/* --------------------------------------------------------------------------------------- resume
 */

/* Rank 0 reads the journal for all: other machines may not see it. */
static enum mlb_status take_options(struct job *job, struct mlb_options *options,
                                    struct mlb_kept_words *words, struct mlb_error *err)
{
    struct mlb_result old = {0};
    enum mlb_status status = MLB_OK;
    if (is_root(job)) {
        status = mlb_journal_read(options->resume, &old, err);
        mlb_format(words->text, sizeof words->text, "%s", old.options);
        mlb_result_free(&old);
    }
    if (mlb_session_agree(&job->session, status, err) != MLB_OK)
        return err->status;
    struct mlb_comm *comm = job->session.comm;
    if (comm->ops->broadcast(comm, words->text, sizeof words->text, 0, err) != MLB_OK)
        return err->status;
    return mlb_session_agree(&job->session, mlb_resume_options(words, options, err), err);
}

/* --------------------------------------------------------------------------------------- command
 */

static enum mlb_status start(struct job *job, struct mlb_options *options,
                             struct mlb_kept_words *words, struct mlb_error *err)
{
    if (options->resume[0] && take_options(job, options, words, err) != MLB_OK)
        return err->status;
    if (mlb_session_ask_provider(&job->session, err) != MLB_OK ||
        mlb_session_open(&job->session, err) != MLB_OK)
        return err->status;
    return prepare(job, err);
}

/* A rank is gone. Each says what it knows before the job is ended, since nobody could after. Rank 0
 * ends it once it has told what was measured; if it is the one that is gone, the others do. */
static void end_lost_job(struct job *job, enum mlb_status status, const struct mlb_error *err)
{
    const double head_start_s = 3.0;
    struct mlb_comm *comm = job->session.comm;
    if (!comm)
        return;
    if (err->text[0])
        mlb_log(&job->session.log, MLB_LOG_ERROR, "%s", err->text);
    if (comm->rank != 0)
        mlb_sleep_s(head_start_s);
    comm->ops->abort(comm, mlb_status_exit_code(status));
}

enum mlb_status mlb_cmd_run(const struct mlb_options *given, struct mlb_error *err)
{
    struct mlb_options options = *given;
    struct mlb_kept_words words = {0};
    struct job job = {.options = &options, .began_s = mlb_clock_s()};
    enum mlb_status status = mlb_require_parse(options.require, &job.require, err);
    if (status == MLB_OK)
        status = mlb_session_join(&job.session, &options, mlb_stop_watch(), err);
    bool aside = status == MLB_OK && job.session.comm->aside;
    if (status == MLB_OK && !aside)
        status = start(&job, &options, &words, err);
    if (status == MLB_OK && !aside) {
        status = measure_all(&job, err);
        if (is_root(&job))
            status = finish(&job, status, err);
    }
    mlb_journal_close(job.journal, false);
    if (status == MLB_E_COMM || status == MLB_E_TIMEOUT)
        end_lost_job(&job, status, err);
    mlb_result_free(&job.result);
    mlb_judges_close(&job.judges);
    mlb_plan_free(&job.plan);
    free(job.done);
    mlb_session_close(&job.session);
    return status;
}
