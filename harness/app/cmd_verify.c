/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench verify: every case against the plain reference, without timing. */
#include <stdio.h>
#include <string.h>

#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/app/stop.h"

struct tally {
    size_t passed, wrong, failed, skipped;
};

static void print_row(const struct mlb_row *row, struct tally *tally)
{
    bool passed = row->verified && mlb_verification_passed(&row->verification);
    const char *word = passed                           ? "verified"
                       : row->verified                  ? "WRONG"
                       : row->status == MLB_ROW_SKIPPED ? "skipped"
                                                        : "failed";
    tally->passed += passed;
    tally->wrong += !passed && row->verified;
    tally->skipped += !row->verified && row->status == MLB_ROW_SKIPPED;
    tally->failed += !row->verified && row->status != MLB_ROW_SKIPPED;
    printf("%-9s %-14s %-44s %-5s %-12s ", word, row->workload, row->label, row->device,
           row->variant);
    if (passed)
        printf("%llu elements, worst error %.2g of the tolerance\n",
               (unsigned long long)row->verification.checked, row->verification.worst_ratio);
    else
        printf("%s\n", row->reason);
    fflush(stdout);
}

static enum mlb_status verify_all(struct mlb_session *session, const struct mlb_plan *plan,
                                  struct tally *tally, struct mlb_error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct mlb_run run;
        struct mlb_row row = {0};
        if (mlb_session_run(session, &plan->cases[i], &run, err) != MLB_OK)
            return err->status;
        run.verify_only = true;
        enum mlb_status status = mlb_run_case(&run, &plan->cases[i], &row, err);
        if (session->comm->rank == 0)
            print_row(&row, tally);
        mlb_row_free(&row);
        if (status != MLB_OK)
            return status;
    }
    return MLB_OK;
}

static enum mlb_status judge(const struct tally *tally, struct mlb_error *err)
{
    printf("%zu verified, %zu wrong, %zu failed, %zu skipped\n", tally->passed, tally->wrong,
           tally->failed, tally->skipped);
    if (tally->wrong)
        return mlb_fail(err, MLB_E_WRONG, "%zu results are wrong", tally->wrong);
    if (tally->failed || tally->passed == 0)
        return mlb_fail(err, MLB_E_NO_VERDICT, "%zu cases failed, %zu were verified", tally->failed,
                        tally->passed);
    return MLB_OK;
}

enum mlb_status mlb_cmd_verify(const struct mlb_options *options, struct mlb_error *err)
{
    struct mlb_session session = {0};
    struct mlb_plan plan = {0};
    struct tally tally = {0};
    enum mlb_status status = mlb_session_join(&session, options, mlb_stop_watch(), err);
    bool aside = status == MLB_OK && session.comm->aside;
    if (status == MLB_OK && !aside)
        status = mlb_session_open(&session, err);
    if (status == MLB_OK && !aside)
        status = mlb_session_plan(&session, &plan, err);
    if (status == MLB_OK && !aside)
        status = verify_all(&session, &plan, &tally, err);
    if (status == MLB_OK && !aside && session.comm->rank == 0)
        status = judge(&tally, err);
    if ((status == MLB_E_COMM || status == MLB_E_TIMEOUT) && session.comm) {
        if (err->text[0])
            mlb_log(&session.log, MLB_LOG_ERROR, "%s", err->text);
        session.comm->ops->abort(session.comm, mlb_status_exit_code(status));
    }
    mlb_plan_free(&plan);
    mlb_session_close(&session);
    return status;
}
