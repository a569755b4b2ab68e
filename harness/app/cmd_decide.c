/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench decide: a weighted matrix from a file, some of its scores from records. */
#include <stdlib.h>

#include "harness/app/commands.h"
#include "harness/app/decide_document.h"
#include "harness/app/prices.h"

static enum mlb_status tell(const struct mlb_options *options, const struct mlb_decision *decision,
                            const struct mlb_evidence *evidence, struct mlb_error *err)
{
    struct mlb_decide_columns columns;
    return mlb_prices_print(mlb_decide_document(decision, evidence, options->words[0], &columns),
                            options, err);
}

enum mlb_status mlb_cmd_decide(const struct mlb_options *options, struct mlb_error *err)
{
    if (options->word_count == 0)
        return mlb_fail(err, MLB_E_USAGE,
                        "decide needs a file: mlbench decide configs/decisions/example.jsonc");
    struct mlb_decision *decision = calloc(1, sizeof *decision);
    struct mlb_evidence *evidence = calloc(1, sizeof *evidence);
    enum mlb_status status = decision && evidence
                                 ? mlb_decision_open(decision, options->words[0], err)
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
