/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench decide: a weighted matrix from a file, some of its scores from records. */
#include <stdlib.h>

#include "harness/app/commands.h"
#include "harness/app/decide_document.h"
#include "harness/report/report.h"

static enum mlb_status print(const struct mlb_options *options, const struct mlb_decision *decision,
                             const struct mlb_evidence *evidence, struct mlb_error *err)
{
    struct mlb_decide_columns columns;
    struct mlb_text text = {0};
    struct mlb_document *document =
        mlb_decide_document(decision, evidence, options->words[0], &columns);
    enum mlb_status status =
        mlb_document_print(document, mlb_printer_names[options->format], &text, err);
    if (status == MLB_OK)
        status = mlb_print(mlb_text_get(&text), err);
    mlb_text_free(&text);
    mlb_document_free(document);
    return status;
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
    if (status == MLB_OK)
        status = mlb_evidence_fill(evidence, decision, err);
    if (status == MLB_OK)
        status = print(options, decision, evidence, err);
    if (decision)
        mlb_decision_close(decision);
    free(evidence);
    free(decision);
    return status;
}
