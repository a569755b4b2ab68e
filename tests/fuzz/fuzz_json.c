/* SPDX-License-Identifier: Apache-2.0 */
/* Both readers of JSON. A document is refused with one line that names a place; or it is taken by
 * the check and by cJSON, every item has a line of the text, lines do not go back in the order of
 * the document, and what cJSON prints of it is taken again. The pull reader takes the same
 * documents, and those with a key that stands twice, and reads the same values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "tests/base/pull_walk.h"
#include "tests/fuzz/targets.h"

#define demand(condition) demand_at((condition), #condition, __LINE__, err)

static void demand_at(bool condition, const char *text, int line, const struct mlb_error *err)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_json.c:%d: not true: %s (error: \"%s\")\n", line, text, err->text);
    abort();
}

static size_t count_lines(const char *text)
{
    size_t count = 1;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

/* Items in the order of the text; returns the line of the last one. */
static size_t check_lines(const struct mlb_json *json, const cJSON *item, size_t before,
                          const struct mlb_error *err)
{
    size_t line = mlb_json_line(json, item);
    demand(line >= before);
    for (const cJSON *child = item->child; child; child = child->next)
        line = check_lines(json, child, line, err);
    return line;
}

static void check_refusal(const struct mlb_json *json, const struct mlb_error *err)
{
    demand(!json->root && !json->text);
    demand(err->status == MLB_E_CONFIG);
    demand(strncmp(err->text, "fuzz:", 5) == 0);
    demand(strtoul(err->text + 5, NULL, 10) >= 1);
    demand(!strchr(err->text, '\n') && strlen(err->text) < 300);
}

/* Doubles near the end of their range are printed by cJSON with a last digit that may pass it. */
static bool prints_faithfully(const cJSON *item)
{
    if (cJSON_IsNumber(item) && (item->valuedouble > 1e308 || item->valuedouble < -1e308))
        return false;
    for (const cJSON *child = item->child; child; child = child->next) {
        if (!prints_faithfully(child))
            return false;
    }
    return true;
}

static void check_printed(const struct mlb_json *json, struct mlb_error *err)
{
    struct mlb_json again = {0};
    char *printed = cJSON_PrintUnformatted(json->root);
    demand(printed != NULL);
    demand(mlb_json_parse(&again, "fuzz", printed, strlen(printed), err) == MLB_OK);
    cJSON_free(printed);
    mlb_json_close(&again);
}

/* Of a document that is read as `tree` has it (NULL: however), and of one that is passed over. */
static void check_pull(const char *text, size_t size, const cJSON *tree, bool taken,
                       struct mlb_error *err)
{
    for (int skipped = 0; skipped < 2; skipped++) {
        struct mlb_pull *pull = mlb_pull_memory("fuzz", text, size, err);
        if (pull && skipped)
            mlb_pull_skip(pull);
        else if (pull)
            demand(pull_walk(pull, tree) || !tree);
        demand(taken == (pull && mlb_pull_end(pull, err) == MLB_OK));
        demand(taken || strncmp(err->text, "fuzz:", 5) == 0);
        mlb_pull_close(pull);
    }
}

bool fuzz_json(const uint8_t *data, size_t size)
{
    struct mlb_json json = {0};
    struct mlb_error error = {0}, *err = &error;
    if (mlb_json_parse(&json, "fuzz", (const char *)data, size, err)) {
        check_refusal(&json, err);
        if (!strstr(err->text, "stands twice"))
            check_pull((const char *)data, size, NULL, false, err);
        return false;
    }
    demand(strlen(json.text) == size);
    demand(check_lines(&json, json.root, 1, err) <= count_lines(json.text));
    check_pull((const char *)data, size, json.root, true, err);
    if (prints_faithfully(json.root))
        check_printed(&json, err);
    mlb_json_close(&json);
    return true;
}
