/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench links: the survey of links alone. A record without rows. */
#include "harness/analysis/health.h"
#include "harness/analysis/verdict.h"
#include "harness/app/commands.h"
#include "harness/app/links.h"
#include "harness/app/record_name.h"
#include "harness/app/stop.h"
#include "harness/base/clock.h"
#include "harness/report/report.h"

static enum mlb_status verdict(const struct mlb_result *result, struct mlb_error *err)
{
    if (mlb_verdict_health(result, err) != MLB_OK)
        return err->status;
    if (result->links)
        return MLB_OK;
    if (result->ranks < 2)
        return mlb_fail(err, MLB_E_NO_VERDICT,
                        "a job of one rank has no links: mpirun -n 2 mlbench links, or more");
    return mlb_fail(err, MLB_E_NO_VERDICT, "%s",
                    result->health_count ? result->health[0].text : "no links were measured");
}

static enum mlb_status print(const struct mlb_options *options, const struct mlb_result *result,
                             const char *record, struct mlb_error *err)
{
    const struct mlb_report report = {
        .result = result, .record_path = record, .verbose = options->verbose};
    const struct mlb_printer *printer = mlb_printer_find(mlb_printer_names[options->format]);
    struct mlb_text text = {0};
    enum mlb_status status = printer->print(&report, &text, err);
    if (status == MLB_OK)
        status = mlb_print(mlb_text_get(&text), err);
    mlb_text_free(&text);
    return status;
}

/* Rank 0: judge, save, tell. */
static enum mlb_status finish(const struct mlb_options *options, struct mlb_result *result,
                              struct mlb_error *err)
{
    char record[MLB_PATH] = "", journal[MLB_PATH];
    mlb_health_judge(result);
    if (!options->no_record && result->links &&
        (mlb_record_name(options->output, result, record, journal, err) != MLB_OK ||
         mlb_result_save(result, record, err) != MLB_OK))
        return err->status;
    enum mlb_status status = print(options, result, record, err);
    return status == MLB_OK ? verdict(result, err) : status;
}

static enum mlb_status run(struct mlb_session *session, struct mlb_result *result,
                           struct mlb_error *err)
{
    double began_s = mlb_clock_s();
    struct mlb_plan plan = {.name = "links"};
    if (mlb_session_ask_provider(session, err) != MLB_OK ||
        mlb_session_open(session, err) != MLB_OK || mlb_plan_refresh(&plan, err) != MLB_OK ||
        mlb_session_head(session, &plan, result, err) != MLB_OK ||
        mlb_links_places(session, result, err) != MLB_OK ||
        mlb_links_survey(session, result, err) != MLB_OK)
        return err->status;
    result->wall_s = mlb_clock_s() - began_s;
    mlb_utc_now(result->ended_utc);
    result->complete = true;
    return session->comm->rank == 0 ? finish(session->options, result, err) : MLB_OK;
}

enum mlb_status mlb_cmd_links(const struct mlb_options *options, struct mlb_error *err)
{
    struct mlb_session session = {0};
    struct mlb_result result = {0};
    enum mlb_status status = mlb_session_join(&session, options, mlb_stop_watch(), err);
    if (status == MLB_OK && !session.comm->aside)
        status = run(&session, &result, err);
    if ((status == MLB_E_COMM || status == MLB_E_TIMEOUT) && session.comm) {
        if (err->text[0])
            mlb_log(&session.log, MLB_LOG_ERROR, "%s", err->text);
        session.comm->ops->abort(session.comm, mlb_status_exit_code(status));
    }
    mlb_result_free(&result);
    mlb_session_close(&session);
    return status;
}
