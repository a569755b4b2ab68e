/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench decide: a weighted matrix from a file, some of its scores from records. */
#include <stdlib.h>

#include "harness/app/commands.h"
#include "harness/app/decide_document.h"
#include "harness/app/paths.h"
#include "harness/app/prices.h"

static enum mlb_status tell(const struct mlb_options *options, const struct mlb_decision *decision,
                            const struct mlb_evidence *evidence, struct mlb_error *err)
{
    struct mlb_decide_columns columns;
    return mlb_prices_print(mlb_decide_document(decision, evidence, options->words[0], &columns),
                            options, err);
}

/* What is measured or priced comes from records; without any these options would do nothing. */
static enum mlb_status check_words(const struct mlb_options *options, struct mlb_error *err)
{
    const char *idle = options->only[0]     ? "--only"
                       : options->prices[0] ? "--prices"
                       : options->price[0]  ? "--price"
                                            : NULL;
    if (options->word_count == 0)
        return mlb_fail(err, MLB_E_USAGE,
                        "decide: needs a file, or the name of one of ours: mlbench decide example");
    if (options->word_count == 1 && idle)
        return mlb_fail(err, MLB_E_USAGE,
                        "decide: %s counts with records alone: mlbench decide FILE RECORDS", idle);
    return MLB_OK;
}

enum mlb_status mlb_cmd_decide(const struct mlb_options *options, struct mlb_error *err)
{
    char path[MLB_PATH];
    if (check_words(options, err) != MLB_OK ||
        mlb_decision_path(options->words[0], path, err) != MLB_OK)
        return err->status;
    struct mlb_decision *decision = calloc(1, sizeof *decision);
    struct mlb_evidence *evidence = calloc(1, sizeof *evidence);
    enum mlb_status status = decision && evidence
                                 ? mlb_decision_open(decision, path, err)
                                 : mlb_fail(err, MLB_E_NOMEM, "decide: out of memory");
    if (status == MLB_OK && options->word_count > 1)
        status = mlb_evidence_gather(evidence, decision, options, err);
    if (status == MLB_OK)
        status = mlb_evidence_fill(evidence, decision, err);
    if (status == MLB_OK)
        status = tell(options, decision, evidence, err);
    if (decision)
        mlb_decision_close(decision);
    free(evidence);
    free(decision);
    return status;
}
