/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench list: suites, workloads with their parameters and variants. Opens no device. */
#include <stdio.h>
#include <string.h>

#include "harness/app/commands.h"
#include "harness/app/paths.h"
#include "harness/app/suite.h"
#include "harness/base/text.h"

static void list_suite(void *user, const char *name, const char *path)
{
    static const char *const kinds[] = {"cpu", NULL};
    struct mlb_text *text = user;
    struct mlb_json json = {0};
    struct mlb_plan plan = {0};
    struct mlb_error err = {0};
    if (mlb_json_open(&json, path, MLB_SUITE_LIMIT, &err) == MLB_OK &&
        mlb_suite_build(&json, name, &plan, &err) == MLB_OK &&
        mlb_plan_finish(&plan, kinds, &err) == MLB_OK)
        mlb_text_addf(text, "  %-10s %3zu cases  %s\n", name, plan.count, plan.summary);
    else
        mlb_text_addf(text, "  %-10s unusable: %s\n", name, err.text);
    mlb_plan_free(&plan);
    mlb_json_close(&json);
}

static void list_param(const struct mlb_option *row, struct mlb_text *text)
{
    mlb_text_addf(text, "    %-11s %s", row->name, row->help);
    for (size_t i = 0; row->choices && row->choices[i]; i++)
        mlb_text_addf(text, "%s%s", i ? ", " : " (", row->choices[i]);
    mlb_text_add(text, row->choices ? ")" : "");
    if (row->initial && row->initial[0])
        mlb_text_addf(text, " [%s]", row->initial);
    mlb_text_add(text, "\n");
}

static void list_workload(const struct mlb_workload *workload, struct mlb_text *text)
{
    mlb_text_addf(text, "  %s: %s\n", workload->name, workload->summary);
    mlb_text_add(text, "    variants   ");
    for (const struct mlb_variant *v = workload->variants; v->name; v++)
        mlb_text_addf(text, "%s %s (%s)", v == workload->variants ? "" : ",", v->name, v->device);
    mlb_text_add(text, "\n");
    for (const struct mlb_option *row = workload->params; row->name; row++)
        list_param(row, text);
}

enum mlb_status mlb_cmd_list(const struct mlb_options *options, struct mlb_error *err)
{
    (void)options;
    struct mlb_text text = {0};
    mlb_text_add(&text, "suites (mlbench run --suite NAME)\n");
    enum mlb_status status = mlb_suites_each(list_suite, &text, err);
    mlb_text_add(&text, "\nworkloads (mlbench run WORKLOAD KEY=VALUE...)\n");
    for (size_t i = 0; mlb_workload_at(i); i++)
        list_workload(mlb_workload_at(i), &text);
    if (status == MLB_OK)
        status = text.failed ? mlb_fail(err, MLB_E_NOMEM, "list: out of memory")
                             : mlb_print(mlb_text_get(&text), err);
    mlb_text_free(&text);
    return status;
}
