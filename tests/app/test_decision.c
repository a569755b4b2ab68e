/* SPDX-License-Identifier: Apache-2.0 */
/* The file of `mlbench decide`, and what the command says of the example. Golden texts:
 * tests/report/golden/decide.*, written anew with MLBENCH_UPDATE_GOLDEN=1. */
#include "tests/check.h"

#include "harness/app/decide_document.h"
#include "harness/report/report.h"
#include "tests/report/golden.h"

#define EXAMPLE "configs/decisions/example.jsonc"

static enum mlb_status parse(struct mlb_decision *decision, const char *text, struct mlb_error *err)
{
    memset(err, 0, sizeof *err);
    return mlb_decision_parse(decision, "t.jsonc", text, strlen(text), err);
}

/* ------------------------------------------------------------------------------------- the file */

static void reads_the_example(void **state)
{
    static struct mlb_decision decision;
    struct mlb_error err = {0};
    (void)state;
    check_ok(mlb_decision_open(&decision, MLB_TEST_SOURCE_DIR "/" EXAMPLE, &err), &err);
    check_u64(decision.matrix.dimensions, 8);
    check_u64(decision.matrix.options, 3);
    check_text(decision.dimensions[5].name, "managed training");
    check_i64(decision.dimensions[2].measure, MLB_DECIDE_INTERCONNECT);
    check_i64(decision.dimensions[4].measure, MLB_DECIDE_GIVEN);
    check_text(decision.options[1].provider, "gcp");
    check_close(decision.matrix.weight[3], 4.0, 0.0);
    check_close(decision.matrix.score[1][2].value, 2.0, 0.0);
    mlb_decision_close(&decision);
    mlb_decision_close(&decision); /* zeroed is fine */
}

#define DIMENSIONS "\"dimensions\": [{\"name\": \"a\", \"weight\": 2.5}],\n"
#define OTHER      "{\"name\": \"B\", \"scores\": {\"a\": 1.5}}"

static void takes_fractions_and_what_is_measured(void **state)
{
    static struct mlb_decision decision;
    struct mlb_error err = {0};
    (void)state;
    check_ok(
        parse(&decision,
              "{\"dimensions\": [{\"name\": \"a\", \"weight\": 2.5},\n"
              " {\"name\": \"$\", \"weight\": 1, \"measured\": \"cost\", \"purchase\": "
              "\"spot\"}],\n"
              " \"options\": [{\"name\": \"A\", \"nodes\": 2, \"scores\": {\"a\": 1.5}}, " OTHER
              "]}",
              &err),
        &err);
    check_i64(decision.dimensions[1].measure, MLB_DECIDE_COST);
    check_i64(decision.dimensions[1].purchase, MLB_SPOT);
    check_i64(decision.options[0].nodes, 2);
    check_true(decision.given[0][0] && !decision.given[1][0]);
    mlb_decision_close(&decision);
}

static void refuses(void **state)
{
    static const char *const table[][2] = {
        {"[]", "t.jsonc:1: must be an object"},
        {"{\"dimension\": []}", "t.jsonc:1: unknown key 'dimension'; did you mean 'dimensions'?"},
        {"{}", "t.jsonc:1: 'dimensions' must be a list of 1 to 32"},
        {"{\"dimensions\": [3]}", "'dimensions' must hold objects"},
        {"{\"dimensions\": [\n{\"weight\": 1}]}", "t.jsonc:2: a dimension needs a 'name'"},
        {"{\"dimensions\": [\n{\"name\": \"\"}]}", "'name' must be a text, not empty"},
        {"{\"dimensions\": [{\"name\": \"a\"}]}", "'weight' must be a number from 1 to 5"},
        {"{\"dimensions\": [{\"name\": \"a\",\n\"weight\": 0}]}", "t.jsonc:2: 'weight' must be"},
        {"{\"dimensions\": [{\"name\": \"a\", \"weight\": 5.01}]}", "from 1 to 5"},
        {"{\"dimensions\": [{\"name\": \"a\", \"weight\": \"5\"}]}", "from 1 to 5"},
        {"{\"dimensions\": [{\"name\": \"a\", \"weight\": 5, \"wieght\": 5}]}",
         "unknown key 'wieght'; did you mean 'weight'?"},
        {"{\"dimensions\": [{\"name\": \"a\", \"weight\": 5, \"measured\": \"compte\"}]}",
         "'measured' is 'compte', did you mean 'compute'; allowed: compute, attention, memory, "
         "interconnect, cost"},
        {"{\"dimensions\": [{\"name\": \"a\", \"weight\": 5, \"purchase\": \"spot\"}]}",
         "'purchase' belongs to a dimension with \"measured\": \"cost\""},
        {"{\"dimensions\": [{\"name\": \"a\", \"weight\": 5, \"measured\": \"cost\", "
         "\"purchase\": \"spott\"}]}",
         "did you mean 'spot'"},
        {"{\"dimensions\": [{\"name\": \"a\", \"weight\": 5},\n{\"name\": \"a\", \"weight\": 4}]}",
         "t.jsonc:2: dimension 'a' stands twice"},
        {"{" DIMENSIONS "\"options\": [" OTHER "]}", "t.jsonc:2: 'options' must be a list of 2 to "
                                                     "16"},
        {"{" DIMENSIONS "\"options\": [" OTHER ",\n" OTHER "]}", "t.jsonc:3: option 'B' stands "
                                                                 "twice"},
        {"{" DIMENSIONS "\"options\": [" OTHER ",\n{\"name\": \"A\"}]}",
         "t.jsonc:3: option 'A' has no score for 'a', which is not measured"},
        {"{" DIMENSIONS "\"options\": [" OTHER ", {\"name\": \"A\", \"scores\": {\"b\": 1}}]}",
         "unknown key 'b'"},
        {"{" DIMENSIONS "\"options\": [" OTHER ", {\"name\": \"A\", \"scores\": {\"a\": 6}}]}",
         "a score must be a number from 1 to 5"},
        {"{" DIMENSIONS "\"options\": [" OTHER ", {\"name\": \"A\", \"scores\": [1]}]}",
         "'scores' must be an object"},
        {"{" DIMENSIONS "\"options\": [" OTHER ", {\"name\": \"A\", \"nodes\": 1.5}]}",
         "'nodes' must be a whole number"},
        {"{\"title\": 3}", "'title' must be a text"},
        {"{" DIMENSIONS, "t.jsonc:1: unexpected end of file"},
    };
    static struct mlb_decision decision;
    struct mlb_error err;
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        check_fails(parse(&decision, table[i][0], &err), MLB_E_CONFIG, &err, table[i][1]);
}

/* --------------------------------------------------------------------------------- what is said */

struct said {
    struct mlb_decision decision;
    struct mlb_evidence evidence;
    struct mlb_decide_columns columns;
    struct mlb_text text;
};

static void say(struct said *said, const char *format)
{
    struct mlb_error err = {0};
    check_ok(mlb_evidence_fill(&said->evidence, &said->decision, &err), &err);
    struct mlb_document *document =
        mlb_decide_document(&said->decision, &said->evidence, EXAMPLE, &said->columns);
    check_ok(mlb_document_print(document, format, &said->text, &err), &err);
    mlb_document_free(document);
}

static void hush(struct said *said)
{
    mlb_text_free(&said->text);
    mlb_decision_close(&said->decision);
    memset(said, 0, sizeof *said);
}

static void golden(void **state)
{
    static const char *const names[] = {"decide.txt", "decide.json", "decide.csv", "decide.md"};
    static struct said said;
    struct mlb_error err = {0};
    (void)state;
    for (size_t i = 0; mlb_printer_names[i]; i++) {
        check_ok(mlb_decision_open(&said.decision, MLB_TEST_SOURCE_DIR "/" EXAMPLE, &err), &err);
        say(&said, mlb_printer_names[i]);
        hide_version(said.text.data);
        compare_with_golden(names[i], mlb_text_get(&said.text));
        hush(&said);
    }
}

static void says_the_near_tie(void **state)
{
    static struct said said;
    struct mlb_error err = {0};
    (void)state;
    check_ok(mlb_decision_open(&said.decision, MLB_TEST_SOURCE_DIR "/" EXAMPLE, &err), &err);
    say(&said, "json");
    check_contains(said.text.data, "GCP 131 and AWS 129 of 145: a near tie; one point on 'compute' "
                                   "(weight 5) turns it");
    check_contains(said.text.data, "\"total\":\t110");
    hush(&said);
}

/* Names that make no keys, or the same ones. */
static void any_names_are_printed(void **state)
{
    static struct said said;
    struct mlb_error err = {0};
    (void)state;
    check_ok(parse(&said.decision,
                   "{\"dimensions\": [{\"name\": \"|\\u001b[2J\", \"weight\": 5}], \"options\": ["
                   "{\"name\": \"\xe6\x9d\xb1\", \"scores\": {\"|\\u001b[2J\": 5}},"
                   "{\"name\": \"A-B\", \"scores\": {\"|\\u001b[2J\": 5}},"
                   "{\"name\": \"a b\", \"scores\": {\"|\\u001b[2J\": 1}}]}",
                   &err),
             &err);
    say(&said, "json");
    check_contains(said.text.data, "score_1");
    check_contains(said.text.data, "score_a_b");
    check_contains(said.text.data, "score_3");
    check_contains(said.text.data, "an exact tie");
    check_true(!strchr(said.text.data, '\x1b'));
    hush(&said);
}

/* ---------------------------------------------------------------------------------- the records */

static const char measured[] =
    "{\"dimensions\": [{\"name\": \"speed\", \"weight\": 5, \"measured\": \"compute\"},\n"
    " {\"name\": \"$\", \"weight\": 3, \"measured\": \"cost\"}],\n"
    " \"options\": [{\"name\": \"A\", \"provider\": \"aws\", \"instance\": \"p5\"},\n"
    " {\"name\": \"B\"}, {\"name\": \"C\", \"scores\": {\"speed\": 2, \"$\": 3}}]}";

static void put(struct mlb_evidence_item *item, double value, double low, double high)
{
    *item = (struct mlb_evidence_item){
        .known = true, .value = value, .low = low, .high = high, .launches = 3, .covers = "range"};
    snprintf(item->measured, sizeof item->measured, "aws p5.48xlarge x2");
}

static void what_is_measured_becomes_scores(void **state)
{
    static struct said said;
    struct mlb_error err = {0};
    (void)state;
    check_ok(parse(&said.decision, measured, &err), &err);
    put(&said.evidence.items[0][0], 700e12, 690e12, 710e12);
    put(&said.evidence.items[0][1], 350e12, 350e12, 420e12);
    put(&said.evidence.items[1][0], 4.0, 3.9, 4.2);
    put(&said.evidence.items[1][1], 2.0, 1.6, 2.5);
    said.evidence.less_is_better[1] = true;
    said.evidence.unit[0] = "FLOP/s";
    said.evidence.unit[1] = "$ per 10^21 FLOP";
    said.evidence.items[1][0].stale = true;
    snprintf(said.evidence.items[1][0].price, sizeof said.evidence.items[1][0].price, "$31.60/h");
    snprintf(said.evidence.metric[0], sizeof said.evidence.metric[0], "gemm bf16 layers");
    say(&said, "text");
    compare_with_golden("decide_measured.txt", said.text.data);
    const struct mlb_matrix *matrix = &said.decision.matrix;
    check_close(matrix->score[0][0].value, 5.0, 0.0);
    check_close(matrix->score[0][0].low, 5.0 * 690 / 700, 1e-14);
    check_close(matrix->score[0][0].high, 5.0, 0.0);
    check_close(matrix->score[0][1].value, 2.5, 1e-14);
    check_close(matrix->score[0][1].high, 3.0, 1e-14);
    check_close(matrix->score[1][0].value, 2.5, 1e-14); /* twice the price of the best */
    check_close(matrix->score[1][1].value, 5.0, 0.0);
    check_close(matrix->score[1][1].low, 4.0, 1e-14); /* 5 x 2.0 / 2.5 */
    check_true(matrix->score[1][1].measured && !matrix->score[1][2].measured);
    check_close(matrix->score[1][2].value, 3.0, 0.0); /* of the file */
    hush(&said);
}

static void what_is_missing_is_said(void **state)
{
    static struct said said;
    struct mlb_error err = {0};
    (void)state;
    check_ok(parse(&said.decision, measured, &err), &err);
    put(&said.evidence.items[0][0], 700e12, 690e12, 710e12);
    check_fails(mlb_evidence_fill(&said.evidence, &said.decision, &err), MLB_E_NO_VERDICT, &err,
                "'B' has no score for 'speed': measure it and another option (mlbench run gemm) "
                "and name the records (mlbench decide FILE RECORDS), or write a score into the "
                "file; 3 more scores are missing");
    check_i64(mlb_status_exit_code(err.status), 3);
    put(&said.evidence.items[0][2], 600e12, 590e12, 610e12);
    check_fails(mlb_evidence_fill(&said.evidence, &said.decision, &err), MLB_E_NO_VERDICT, &err,
                "'B' has no score for 'speed': measure it (mlbench run gemm) and name");
    memset(&said.evidence, 0, sizeof said.evidence);
    put(&said.evidence.items[0][0], 700e12, 690e12, 710e12);
    said.decision.given[0][1] = said.decision.given[1][0] = said.decision.given[1][1] = true;
    check_fails(mlb_evidence_fill(&said.evidence, &said.decision, &err), MLB_E_NO_VERDICT, &err,
                "'A' has no score for 'speed': measure another option too (mlbench run gemm) and");
    hush(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_example),
        cmocka_unit_test(takes_fractions_and_what_is_measured),
        cmocka_unit_test(refuses),
        cmocka_unit_test(golden),
        cmocka_unit_test(says_the_near_tie),
        cmocka_unit_test(any_names_are_printed),
        cmocka_unit_test(what_is_measured_becomes_scores),
        cmocka_unit_test(what_is_missing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
