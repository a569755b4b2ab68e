/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/decision.h"

#include <math.h>
#include <string.h>

#include "harness/base/json_strict.h"
#include "harness/base/text.h"

const char *const mlb_decision_measures[] = {"compute",      "attention", "memory",
                                             "interconnect", "cost",      NULL};

static const char *const top_keys[] = {"title", "dimensions", "options", NULL};
static const char *const dimension_keys[] = {"name",     "about",    "weight",
                                             "measured", "purchase", NULL};
static const char *const option_keys[] = {"name",  "provider", "service", "instance",
                                          "nodes", "purchase", "scores",  NULL};

struct reader {
    struct mlb_decision *decision;
    const struct mlb_json *json;
    struct mlb_error *err;
};

/* --------------------------------------------------------------------------------- single values
 */

static const cJSON *item_of(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* Index of `word` among `words`; their number when it is none. */
static size_t index_of(const char *word, const char *const *words)
{
    size_t at = 0;
    while (words[at] && strcmp(words[at], word) != 0)
        at++;
    return at;
}

/* A text that may be absent. */
static enum mlb_status read_text(const struct reader *reader, const cJSON *object, const char *key,
                                 const char **to)
{
    const cJSON *item = item_of(object, key);
    *to = "";
    if (!item)
        return MLB_OK;
    if (!cJSON_IsString(item) || !item->valuestring[strspn(item->valuestring, " ")])
        return mlb_json_fail(reader->json, item, reader->err, "'%s' must be a text, not empty",
                             key);
    *to = item->valuestring;
    return MLB_OK;
}

static enum mlb_status read_name(const struct reader *reader, const cJSON *object, const char *what,
                                 const char **to)
{
    if (read_text(reader, object, "name", to) != MLB_OK)
        return reader->err->status;
    if (!(*to)[0])
        return mlb_json_fail(reader->json, object, reader->err, "%s needs a 'name'", what);
    return MLB_OK;
}

/* A weight or a score. */
static enum mlb_status read_points(const struct reader *reader, const cJSON *item, const char *what,
                                   double *to)
{
    double value = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (!(value >= MLB_DECIDE_LOW && value <= MLB_DECIDE_HIGH))
        return mlb_json_fail(reader->json, item, reader->err, "%s must be a number from 1 to 5",
                             what);
    *to = value;
    return MLB_OK;
}

/* One of `words` that may be absent; its index in `to`. */
static enum mlb_status read_choice(const struct reader *reader, const cJSON *object,
                                   const char *key, const char *const *words, size_t *to)
{
    const char *text;
    if (read_text(reader, object, key, &text) != MLB_OK)
        return reader->err->status;
    size_t at = index_of(text, words);
    if (!text[0] || words[at]) {
        *to = text[0] ? at : *to;
        return MLB_OK;
    }
    struct mlb_text all = {0};
    for (size_t i = 0; words[i]; i++)
        mlb_text_addf(&all, "%s%s", i ? ", " : "", words[i]);
    const char *near = mlb_nearest(text, words);
    enum mlb_status status =
        mlb_json_fail(reader->json, item_of(object, key), reader->err,
                      "'%s' is '%s'%s%s%s; allowed: %s", key, text, near ? ", did you mean '" : "",
                      near ? near : "", near ? "'" : "", mlb_text_get(&all));
    mlb_text_free(&all);
    return status;
}

/* A list of `least` to `most` objects. */
static enum mlb_status check_list(const struct reader *reader, const char *key, int least, int most)
{
    const cJSON *list = item_of(reader->json->root, key), *item;
    int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : -1;
    if (count < least || count > most)
        return mlb_json_fail(reader->json, list ? list : reader->json->root, reader->err,
                             "'%s' must be a list of %d to %d", key, least, most);
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsObject(item))
            return mlb_json_fail(reader->json, item, reader->err, "'%s' must hold objects", key);
    }
    return MLB_OK;
}

/* ------------------------------------------------------------------------------------ dimensions
 */

static enum mlb_status read_measure(const struct reader *reader, const cJSON *object,
                                    struct mlb_decision_dimension *dimension)
{
    size_t measure = 0, purchase = MLB_ON_DEMAND;
    const cJSON *way = item_of(object, "purchase");
    if (item_of(object, "measured")) {
        if (read_choice(reader, object, "measured", mlb_decision_measures, &measure) != MLB_OK)
            return reader->err->status;
        dimension->measure = (enum mlb_decision_measure)(measure + 1);
    }
    if (way && dimension->measure != MLB_DECIDE_COST)
        return mlb_json_fail(reader->json, way, reader->err,
                             "'purchase' belongs to a dimension with \"measured\": \"cost\"");
    if (read_choice(reader, object, "purchase", mlb_purchase_names, &purchase) != MLB_OK)
        return reader->err->status;
    dimension->purchase = (enum mlb_purchase)purchase;
    return MLB_OK;
}

static enum mlb_status read_dimension(const struct reader *reader, const cJSON *object, size_t at)
{
    struct mlb_decision *decision = reader->decision;
    struct mlb_decision_dimension *dimension = &decision->dimensions[at];
    const cJSON *weight = item_of(object, "weight");
    if (mlb_json_check_keys(reader->json, object, dimension_keys, reader->err) != MLB_OK ||
        read_name(reader, object, "a dimension", &dimension->name) != MLB_OK ||
        read_text(reader, object, "about", &dimension->about) != MLB_OK ||
        read_measure(reader, object, dimension) != MLB_OK)
        return reader->err->status;
    for (size_t i = 0; i < at; i++)
        if (strcmp(decision->dimensions[i].name, dimension->name) == 0)
            return mlb_json_fail(reader->json, object, reader->err, "dimension '%s' stands twice",
                                 dimension->name);
    return read_points(reader, weight ? weight : object, "'weight'", &decision->matrix.weight[at]);
}

static enum mlb_status read_dimensions(const struct reader *reader)
{
    const cJSON *item;
    if (check_list(reader, "dimensions", 1, MLB_DECIDE_DIMENSIONS) != MLB_OK)
        return reader->err->status;
    cJSON_ArrayForEach(item, item_of(reader->json->root, "dimensions"))
    {
        if (read_dimension(reader, item, reader->decision->matrix.dimensions) != MLB_OK)
            return reader->err->status;
        reader->decision->matrix.dimensions++;
    }
    return MLB_OK;
}

/* --------------------------------------------------------------------------------------- options
 */

static enum mlb_status read_scores(const struct reader *reader, const cJSON *scores, size_t option)
{
    struct mlb_decision *decision = reader->decision;
    const char *names[MLB_DECIDE_DIMENSIONS + 1] = {0};
    for (size_t d = 0; d < decision->matrix.dimensions; d++)
        names[d] = decision->dimensions[d].name;
    if (mlb_json_check_keys(reader->json, scores, names, reader->err) != MLB_OK)
        return reader->err->status;
    for (const cJSON *item = scores->child; item; item = item->next) {
        size_t d = index_of(item->string, names);
        double value = 0.0;
        if (read_points(reader, item, "a score", &value) != MLB_OK)
            return reader->err->status;
        decision->matrix.score[d][option] = (struct mlb_score){value, value, value, false};
        decision->given[d][option] = true;
    }
    return MLB_OK;
}

/* What no record fills has to be in the file. */
static enum mlb_status check_scores(const struct reader *reader, const cJSON *object, size_t option)
{
    const struct mlb_decision *decision = reader->decision;
    for (size_t d = 0; d < decision->matrix.dimensions; d++)
        if (!decision->given[d][option] && decision->dimensions[d].measure == MLB_DECIDE_GIVEN)
            return mlb_json_fail(reader->json, object, reader->err,
                                 "option '%s' has no score for '%s', which is not measured",
                                 decision->options[option].name, decision->dimensions[d].name);
    return MLB_OK;
}

static enum mlb_status read_nodes(const struct reader *reader, const cJSON *object, int *nodes)
{
    const cJSON *item = item_of(object, "nodes");
    double value = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (item && !(value >= 1.0 && value <= 65536.0 && value == floor(value)))
        return mlb_json_fail(reader->json, item, reader->err,
                             "'nodes' must be a whole number of machines, 1 to 65536");
    *nodes = item ? (int)value : 0;
    return MLB_OK;
}

static enum mlb_status read_option(const struct reader *reader, const cJSON *object, size_t at)
{
    struct mlb_decision *decision = reader->decision;
    struct mlb_decision_option *option = &decision->options[at];
    const cJSON *scores = item_of(object, "scores");
    size_t purchase = MLB_ON_DEMAND;
    if (mlb_json_check_keys(reader->json, object, option_keys, reader->err) != MLB_OK ||
        read_name(reader, object, "an option", &option->name) != MLB_OK ||
        read_text(reader, object, "provider", &option->provider) != MLB_OK ||
        read_text(reader, object, "service", &option->service) != MLB_OK ||
        read_text(reader, object, "instance", &option->instance) != MLB_OK ||
        read_nodes(reader, object, &option->nodes) != MLB_OK ||
        read_choice(reader, object, "purchase", mlb_purchase_names, &purchase) != MLB_OK)
        return reader->err->status;
    option->buys = item_of(object, "purchase") != NULL;
    option->purchase = (enum mlb_purchase)purchase;
    for (size_t i = 0; i < at; i++)
        if (strcmp(decision->options[i].name, option->name) == 0)
            return mlb_json_fail(reader->json, object, reader->err, "option '%s' stands twice",
                                 option->name);
    if (scores && !cJSON_IsObject(scores))
        return mlb_json_fail(reader->json, scores, reader->err,
                             "'scores' must be an object: {\"compute\": 5}");
    if (scores && read_scores(reader, scores, at) != MLB_OK)
        return reader->err->status;
    return check_scores(reader, object, at);
}

static enum mlb_status read_options(const struct reader *reader)
{
    const cJSON *item;
    if (check_list(reader, "options", 2, MLB_DECIDE_OPTIONS) != MLB_OK)
        return reader->err->status;
    cJSON_ArrayForEach(item, item_of(reader->json->root, "options"))
    {
        if (read_option(reader, item, reader->decision->matrix.options) != MLB_OK)
            return reader->err->status;
        reader->decision->matrix.options++;
    }
    return MLB_OK;
}

/* -------------------------------------------------------------------------------------- document
 */

static enum mlb_status read_document(const struct reader *reader)
{
    if (!cJSON_IsObject(reader->json->root))
        return mlb_json_fail(reader->json, reader->json->root, reader->err,
                             "must be an object with 'dimensions' and 'options'");
    if (mlb_json_check_keys(reader->json, reader->json->root, top_keys, reader->err) != MLB_OK ||
        read_text(reader, reader->json->root, "title", &reader->decision->title) != MLB_OK ||
        read_dimensions(reader) != MLB_OK || read_options(reader) != MLB_OK)
        return reader->err->status;
    return MLB_OK;
}

/* `decision->json` is open. */
static enum mlb_status read_opened(struct mlb_decision *decision, enum mlb_status status,
                                   struct mlb_error *err)
{
    const struct reader reader = {decision, &decision->json, err};
    if (status == MLB_OK)
        status = read_document(&reader);
    if (status != MLB_OK)
        mlb_decision_close(decision);
    return status;
}

enum mlb_status mlb_decision_open(struct mlb_decision *decision, const char *path,
                                  struct mlb_error *err)
{
    memset(decision, 0, sizeof *decision);
    return read_opened(decision, mlb_json_open(&decision->json, path, MLB_DECISION_LIMIT, err),
                       err);
}

enum mlb_status mlb_decision_parse(struct mlb_decision *decision, const char *name,
                                   const char *text, size_t length, struct mlb_error *err)
{
    memset(decision, 0, sizeof *decision);
    return read_opened(decision, mlb_json_parse(&decision->json, name, text, length, err), err);
}

void mlb_decision_close(struct mlb_decision *decision)
{
    mlb_json_close(&decision->json);
    memset(decision, 0, sizeof *decision);
}
