/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/json_pull_inner.h"

#include <math.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/json_check.h"
#include "harness/base/json_token.h"

enum { WORD = 6 }; /* "false" and what stands behind it */

/* Length of the number at `at`, 0 after an error. */
static size_t check_number(struct mlb_pull *pull)
{
    mlb_pull_need(pull, MLB_JSON_NUMBER + 2);
    const char *at = pull->at;
    size_t length = mlb_json_number_length(at);
    struct mlb_found found;
    if (length > 0 && length <= MLB_JSON_NUMBER) {
        bool exponent = memchr(at, 'e', length) || memchr(at, 'E', length);
        if (!exponent || isfinite(mlb_json_number(at, length)))
            return length;
    }
    found = mlb_json_found(at);
    if (length == 0)
        mlb_pull_wrong(
            pull,
            "%s is not a number of JSON, which has the form -12.5e3 (no leading zero, digits on "
            "both sides of the point)",
            found.text);
    else if (length > MLB_JSON_NUMBER)
        mlb_pull_wrong(pull, "the number %s has more than %d characters", found.text,
                       MLB_JSON_NUMBER);
    else
        mlb_pull_wrong(pull, "the number %s is too large", found.text);
    return 0;
}

static bool pass_word(struct mlb_pull *pull, const char *word)
{
    size_t length = strlen(word);
    mlb_pull_need(pull, WORD);
    if (strncmp(pull->at, word, length) != 0 || mlb_json_is_word(pull->at[length])) {
        mlb_pull_expected(pull, "a value (\"text\", number, true, false, null, list or object)");
        return false;
    }
    pull->at += length;
    return true;
}

static void enter(struct mlb_pull *pull)
{
    if (pull->depth == MLB_JSON_DEPTH) {
        mlb_pull_wrong(pull, "lists and objects nested deeper than %d", MLB_JSON_DEPTH);
        return;
    }
    pull->at++;
    pull->depth++;
    pull->first = true;
}

static void leave(struct mlb_pull *pull)
{
    pull->at++;
    pull->depth--;
    pull->first = false;
    pull->key[0] = '\0';
}

/* To the next item of what is open; false behind its closing bracket. */
static bool next_item(struct mlb_pull *pull, char close)
{
    char c = mlb_pull_next(pull);
    bool first = pull->first;
    pull->first = false;
    if (c == close) {
        leave(pull);
        return false;
    }
    if (first && c)
        return true;
    if (c != ',') {
        mlb_pull_expected(pull, close == ']' ? "',' or ']'" : "',' or '}'");
        return false;
    }
    pull->at++;
    if (mlb_pull_next(pull) == close)
        mlb_pull_wrong(pull, "a comma before '%c': none is allowed after the last value", close);
    return !pull->err.status;
}

/* The key at `at` into `text` (NULL: nowhere), to behind its colon. */
static bool pass_key(struct mlb_pull *pull, char *text)
{
    if (*pull->at != '"') {
        mlb_pull_expected(pull, "a key in double quotes");
        return false;
    }
    mlb_pull_pass_string(pull, text);
    if (mlb_pull_next(pull) != ':') {
        mlb_pull_expected(pull, "':' after a key");
        return false;
    }
    pull->at++;
    return true;
}

static void skip_items(struct mlb_pull *pull, bool object)
{
    enter(pull);
    while (next_item(pull, object ? '}' : ']')) {
        if (!object || pass_key(pull, NULL))
            mlb_pull_skip(pull);
    }
}

enum mlb_pull_kind mlb_pull_peek(struct mlb_pull *pull)
{
    char c = mlb_pull_next(pull);
    pull->value = pull->err.status ? NULL : pull->at;
    switch (c) {
    case '{':
        return MLB_PULL_OBJECT;
    case '[':
        return MLB_PULL_ARRAY;
    case '"':
        return MLB_PULL_STRING;
    case 't':
    case 'f':
        return MLB_PULL_BOOL;
    case 'n':
        return MLB_PULL_NULL;
    default:
        if (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9'))
            return MLB_PULL_NUMBER;
        mlb_pull_expected(pull, "a value (\"text\", number, true, false, null, list or object)");
        return MLB_PULL_NONE;
    }
}

static bool want(struct mlb_pull *pull, enum mlb_pull_kind wanted)
{
    static const char *const names[] = {
        [MLB_PULL_NONE] = "nothing",    [MLB_PULL_OBJECT] = "an object",
        [MLB_PULL_ARRAY] = "a list",    [MLB_PULL_STRING] = "a text",
        [MLB_PULL_NUMBER] = "a number", [MLB_PULL_BOOL] = "true or false",
        [MLB_PULL_NULL] = "null",
    };
    enum mlb_pull_kind kind = mlb_pull_peek(pull);
    if (kind == wanted)
        return true;
    if (pull->key[0])
        mlb_pull_fail(pull, "'%.64s' is %s, should be %s", pull->key, names[kind], names[wanted]);
    else
        mlb_pull_fail(pull, "%s stands where %s should", names[kind], names[wanted]);
    return false;
}

void mlb_pull_object(struct mlb_pull *pull)
{
    if (want(pull, MLB_PULL_OBJECT))
        enter(pull);
}

bool mlb_pull_key(struct mlb_pull *pull, const char **key)
{
    *key = pull->key;
    return next_item(pull, '}') && pass_key(pull, pull->key) && !pull->err.status;
}

void mlb_pull_array(struct mlb_pull *pull)
{
    if (want(pull, MLB_PULL_ARRAY))
        enter(pull);
}

bool mlb_pull_element(struct mlb_pull *pull)
{
    pull->key[0] = '\0';
    return next_item(pull, ']');
}

const char *mlb_pull_string(struct mlb_pull *pull)
{
    pull->text[0] = '\0';
    if (want(pull, MLB_PULL_STRING))
        mlb_pull_pass_string(pull, pull->text);
    return pull->text;
}

double mlb_pull_real(struct mlb_pull *pull)
{
    size_t length = want(pull, MLB_PULL_NUMBER) ? check_number(pull) : 0;
    if (length == 0)
        return 0.0;
    double value = mlb_json_number(pull->at, length);
    pull->at += length;
    return value;
}

bool mlb_pull_bool(struct mlb_pull *pull)
{
    if (!want(pull, MLB_PULL_BOOL))
        return false;
    bool value = *pull->at == 't';
    return pass_word(pull, value ? "true" : "false") && value;
}

uint64_t mlb_pull_u64(struct mlb_pull *pull)
{
    uint64_t value = 0;
    bool whole;
    if (mlb_pull_peek(pull) == MLB_PULL_STRING)
        whole = mlb_json_decimal(mlb_pull_string(pull), &value);
    else
        whole = mlb_json_whole(mlb_pull_real(pull), &value);
    if (!whole)
        mlb_pull_fail(pull, "%s%.64s%sis no whole number from 0 on", pull->key[0] ? "'" : "",
                      pull->key, pull->key[0] ? "' " : "");
    return value;
}

void mlb_pull_skip(struct mlb_pull *pull)
{
    enum mlb_pull_kind kind = mlb_pull_peek(pull);
    switch (kind) {
    case MLB_PULL_OBJECT:
    case MLB_PULL_ARRAY:
        skip_items(pull, kind == MLB_PULL_OBJECT);
        break;
    case MLB_PULL_STRING:
        mlb_pull_pass_string(pull, NULL);
        break;
    case MLB_PULL_NUMBER:
        pull->at += check_number(pull);
        break;
    case MLB_PULL_BOOL:
        pass_word(pull, *pull->at == 't' ? "true" : "false");
        break;
    case MLB_PULL_NULL:
        pass_word(pull, "null");
        break;
    case MLB_PULL_NONE:
        break;
    }
}

void mlb_pull_skip_numbers(struct mlb_pull *pull)
{
    if (!want(pull, MLB_PULL_ARRAY))
        return;
    char *close = NULL;
    while (!close && !mlb_pull_at_end(pull)) {
        close = memchr(pull->at, ']', (size_t)(pull->end - pull->at));
        pull->at = close ? close + 1 : pull->end;
    }
    if (!close)
        mlb_pull_cut_off(pull, "a list of numbers");
}

char *mlb_pull_copy(struct mlb_pull *pull, size_t limit, size_t *length)
{
    struct mlb_text copy = {0};
    mlb_pull_peek(pull);
    pull->copy = &copy;
    pull->copied = pull->at;
    pull->copy_limit = limit;
    mlb_pull_skip(pull);
    mlb_pull_keep(pull);
    pull->copy = NULL;
    if (copy.failed && !pull->err.status)
        mlb_fail(&pull->err, MLB_E_NOMEM, "%s: out of memory for a value", pull->name);
    if (pull->err.status) {
        mlb_text_free(&copy);
        return NULL;
    }
    *length = copy.length;
    return copy.data;
}
