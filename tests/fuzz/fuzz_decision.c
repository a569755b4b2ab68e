/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_decision EXAMPLE [SEED [COUNT]]: the example of `mlbench decide` with a few random changes.
 * It is refused with one line that names a place, or taken; what is taken is told in every form, or
 * it is said what is not measured. Input number i depends on SEED and i alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/app/decide_document.h"
#include "harness/base/rng.h"
#include "harness/report/report.h"

#define demand(condition) demand_at((condition), #condition, __LINE__)

static void demand_at(bool condition, const char *text, int line)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_decision.c:%d: not true: %s\n", line, text);
    abort();
}

struct dice {
    uint64_t seed, drawn;
};

static size_t below(struct dice *dice, size_t bound)
{
    return bound ? (size_t)(mlb_rng_bits(dice->seed, dice->drawn++) % bound) : 0;
}

/* --------------------------------------------------------------------------- changes of a tree */

static const char *const values[] = {
    "0",           "1",       "5",    "5.0000001", "2.5",  "-1",       "1e308",       "1e999",
    "null",        "true",    "[]",   "{}",        "\"\"", "\"cost\"", "\"compute\"", "\"spot\"",
    "\"compyte\"", "\"AWS\"", "[{}]", "\"a\\n|\"", "4",    "3",        "2",           "1.0000001"};
static const char *const keys[] = {"name",   "weight",  "measured", "purchase",
                                   "scores", "title",   "provider", "instance",
                                   "nodes",  "compute", "about",    "x"};

/* An item of the tree, the root aside; each is as likely. */
static cJSON *any_item(cJSON *root, struct dice *dice)
{
    cJSON *at = root, *found = NULL, *stack[64];
    size_t depth = 0, seen = 0;
    while (at) {
        if (at != root && below(dice, ++seen) == 0)
            found = at;
        if (at->child && depth < 64) {
            stack[depth++] = at;
            at = at->child;
            continue;
        }
        while (at && !at->next)
            at = depth ? stack[--depth] : NULL;
        at = at ? at->next : NULL;
    }
    return found;
}

static void change(cJSON *root, struct dice *dice)
{
    cJSON *item = any_item(root, dice);
    if (!item)
        return;
    cJSON *value = cJSON_Parse(values[below(dice, sizeof values / sizeof *values)]);
    if (below(dice, 6) == 0 && item->string) {
        cJSON_free(item->string);
        item->string = strdup(keys[below(dice, sizeof keys / sizeof *keys)]);
    } else if (value) {
        cJSON_Delete(item->child);
        item->child = value->child;
        value->child = NULL;
        if (item->valuestring && !(item->type & cJSON_IsReference))
            cJSON_free(item->valuestring);
        item->type = value->type;
        item->valuestring = value->valuestring;
        value->valuestring = NULL;
        item->valuedouble = value->valuedouble;
        item->valueint = value->valueint;
    }
    cJSON_Delete(value);
}

/* Some records: of any option and dimension, with any interval. */
static void measure(struct mlb_evidence *evidence, struct dice *dice)
{
    *evidence = (struct mlb_evidence){0};
    for (size_t n = below(dice, 12); n > 0; n--) {
        double value = pow(10.0, (double)below(dice, 30) - 9.0);
        evidence->items[below(dice, 8)][below(dice, 3)] =
            (struct mlb_evidence_item){.known = true,
                                       .value = value,
                                       .low = value * 0.9,
                                       .high = value * 1.2,
                                       .launches = below(dice, 5),
                                       .covers = "range"};
        evidence->less_is_better[below(dice, 8)] = true;
    }
    for (size_t d = 0; d < MLB_DECIDE_DIMENSIONS; d++) {
        evidence->unit[d] = below(dice, 2) ? "FLOP/s" : "$ per 10^21 FLOP";
        snprintf(evidence->metric[d], sizeof evidence->metric[d], "gemm bf16");
    }
}

/* ------------------------------------------------------------------------------- what is held */

static struct mlb_decision decision;
static struct mlb_evidence evidence;

static void check_taken(struct dice *dice)
{
    struct mlb_error err = {0};
    static struct mlb_decide_columns columns;
    measure(&evidence, dice);
    enum mlb_status status = mlb_evidence_fill(&evidence, &decision, &err);
    demand(status == MLB_OK || status == MLB_E_NO_VERDICT);
    demand((status != MLB_OK) == (err.text[0] != '\0'));
    if (status != MLB_OK || below(dice, 8) != 0)
        return;
    struct mlb_document *document = mlb_decide_document(&decision, &evidence, "f", &columns);
    for (size_t i = 0; mlb_printer_names[i]; i++) {
        struct mlb_text text = {0};
        demand(mlb_document_print(document, mlb_printer_names[i], &text, &err) == MLB_OK);
        demand(!strstr(mlb_text_get(&text), "nan") && !strstr(mlb_text_get(&text), "inf"));
        mlb_text_free(&text);
    }
    mlb_document_free(document);
}

static bool try_out(const char *text, size_t length, struct dice *dice)
{
    struct mlb_error err = {0};
    if (mlb_decision_parse(&decision, "fuzz", text, length, &err) != MLB_OK) {
        demand(err.status == MLB_E_CONFIG && strncmp(err.text, "fuzz:", 5) == 0);
        demand(strtoul(err.text + 5, NULL, 10) >= 1 && !strchr(err.text, '\n'));
        return false;
    }
    check_taken(dice);
    mlb_decision_close(&decision);
    return true;
}

static bool try_number(const cJSON *example, uint64_t seed, uint64_t number)
{
    struct dice dice = {seed + number, 0};
    cJSON *root = cJSON_Duplicate(example, true);
    for (size_t changes = below(&dice, 4); changes > 0; changes--)
        change(root, &dice);
    char *text = cJSON_Print(root);
    size_t length = text ? strlen(text) : 0;
    if (below(&dice, 16) == 0)
        length = below(&dice, length + 1);
    if (text)
        text[length] = '\0';
    bool taken = text && try_out(text, length, &dice);
    cJSON_free(text);
    cJSON_Delete(root);
    return taken;
}

int main(int argc, char **argv)
{
    struct mlb_json example = {0};
    struct mlb_error err = {0};
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : 1000, taken = 0;
    if (argc < 2 || mlb_json_open(&example, argv[1], MLB_DECISION_LIMIT, &err) != MLB_OK) {
        fprintf(stderr, "fuzz_decision EXAMPLE [SEED [COUNT]]: %s\n", err.text);
        return 2;
    }
    for (uint64_t i = 0; i < count; i++)
        taken += try_number(example.root, seed << 32, i);
    mlb_json_close(&example);
    printf("%llu files, %llu taken\n", (unsigned long long)count, (unsigned long long)taken);
    return taken > count / 20 && taken < count ? 0 : 1;
}
