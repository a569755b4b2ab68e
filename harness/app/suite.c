/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/base/units.h"

/* Everything a case's expansion needs; keys of the JSON object that are parameters, in order. */
enum { AXES = MLB_PARAMS };
struct axes {
    const struct mlb_json *json;
    const struct mlb_workload *workload;
    const cJSON *items[AXES];
    const struct mlb_option *rows[AXES];
    size_t count;
    const struct mlb_case *like; /* device, variant, priority, measure of all its cases */
    struct mlb_plan *plan;
};

/* A scalar of JSON as the text that an option parses. */
static bool scalar_text(const cJSON *value, char *to, size_t size)
{
    if (cJSON_IsString(value))
        return mlb_format(to, size, "%s", value->valuestring);
    if (cJSON_IsNumber(value))
        return mlb_format(to, size, "%.17g", value->valuedouble);
    if (cJSON_IsBool(value))
        return mlb_format(to, size, "%s", cJSON_IsTrue(value) ? "true" : "false");
    return false;
}

static enum mlb_status set_value(const struct mlb_json *json, const cJSON *at, const cJSON *value,
                                 const struct mlb_option *row, void *values, struct mlb_error *err)
{
    char text[MLB_OPTION_TEXT];
    struct mlb_error why = {0};
    if (!scalar_text(value, text, sizeof text))
        return mlb_json_fail(json, at, err, "key '%s': a %s value cannot be used here", row->name,
                             cJSON_IsObject(value)  ? "nested object"
                             : cJSON_IsArray(value) ? "nested list"
                             : cJSON_IsNull(value)  ? "null"
                                                    : "too long text");
    if (mlb_option_set(row, values, text, &why) != MLB_OK)
        return mlb_json_fail(json, at, err, "%s", why.text);
    return MLB_OK;
}

static enum mlb_status unknown_key(const struct mlb_json *json, const cJSON *item,
                                   const struct mlb_option *table, const char *const *also,
                                   const char *where, struct mlb_error *err)
{
    const char *names[AXES + 16] = {0};
    size_t count = 0;
    for (size_t i = 0; also[i]; i++)
        names[count++] = also[i];
    for (; table && table->name && count < AXES + 15; table++)
        names[count++] = table->name;
    const char *near = mlb_nearest(item->string, names);
    struct mlb_text known = {0};
    for (size_t i = 0; i < count; i++)
        mlb_text_addf(&known, "%s%s", i ? ", " : "", names[i]);
    if (near)
        mlb_json_fail(json, item, err, "unknown key '%s' in %s; did you mean '%s'?", item->string,
                      where, near);
    else
        mlb_json_fail(json, item, err, "unknown key '%s' in %s; known: %s", item->string, where,
                      mlb_text_get(&known));
    mlb_text_free(&known);
    return err->status;
}

/* ----------------------------------------------------------------------------------- expansion */

static enum mlb_status expand(const struct axes *axes, size_t axis, const void *params,
                              struct mlb_error *err);

static enum mlb_status expand_value(const struct axes *axes, size_t axis, const void *params,
                                    const cJSON *value, struct mlb_error *err)
{
    size_t bytes = axes->workload->params_bytes;
    void *copy = malloc(bytes ? bytes : 1);
    if (!copy)
        return mlb_fail(err, MLB_E_NOMEM, "suite: out of memory");
    memcpy(copy, params, bytes);
    enum mlb_status status =
        set_value(axes->json, axes->items[axis], value, axes->rows[axis], copy, err);
    if (status == MLB_OK)
        status = expand(axes, axis + 1, copy, err);
    free(copy);
    return status;
}

static enum mlb_status expand_steps(const struct axes *axes, size_t axis, const void *params,
                                    const double *ends, double factor, struct mlb_error *err)
{
    const double near = 1.0000001;
    bool up = ends[0] <= ends[1];
    double step = up ? factor : 1.0 / factor;
    enum mlb_status status = MLB_OK;
    for (double value = ends[0];
         status == MLB_OK && (up ? value <= ends[1] * near : value >= ends[1] / near);
         value *= step) {
        cJSON *number = cJSON_CreateNumber((double)(uint64_t)(value + 0.5));
        status = number ? expand_value(axes, axis, params, number, err)
                        : mlb_fail(err, MLB_E_NOMEM, "suite: out of memory");
        cJSON_Delete(number);
    }
    return status;
}

/* {"from": 8, "to": "1GiB", "factor": 2}: both ends included. From a larger to a smaller one it
 * goes down: the first case then is the one that warms connections and buffers up for all. */
static enum mlb_status expand_sweep(const struct axes *axes, size_t axis, const void *params,
                                    struct mlb_error *err)
{
    const cJSON *item = axes->items[axis];
    const char *const keys[] = {"from", "to", "factor", NULL};
    char text[3][64] = {"", "", "2"};
    uint64_t ends[2];
    double factor;
    for (const cJSON *part = item->child; part; part = part->next)
        if (strcmp(part->string, keys[0]) && strcmp(part->string, keys[1]) &&
            strcmp(part->string, keys[2]))
            return unknown_key(axes->json, part, NULL, keys, "a sweep", err);
    for (size_t i = 0; i < 3; i++) {
        const cJSON *part = cJSON_GetObjectItemCaseSensitive(item, keys[i]);
        if ((!part && i < 2) || (part && !scalar_text(part, text[i], sizeof text[i])))
            return mlb_json_fail(axes->json, item, err,
                                 "key '%s': a sweep is {\"from\": A, \"to\": B, \"factor\": F}",
                                 item->string);
    }
    if (!mlb_parse_bytes(text[0], &ends[0]) || !mlb_parse_bytes(text[1], &ends[1]) ||
        !mlb_parse_real(text[2], &factor) || ends[0] == 0 || ends[1] == 0 || factor < 1.1)
        return mlb_json_fail(
            axes->json, item, err,
            "key '%s': a sweep needs from and to above 0 and a factor of 1.1 or more",
            item->string);
    return expand_steps(axes, axis, params, (const double[]){(double)ends[0], (double)ends[1]},
                        factor, err);
}

static enum mlb_status add_case(const struct axes *axes, const void *params, struct mlb_error *err)
{
    struct mlb_case *added;
    if (axes->plan->count >= MLB_SUITE_CASES)
        return mlb_fail(err, MLB_E_CONFIG, "%s: more than %d cases", axes->json->path,
                        MLB_SUITE_CASES);
    if (mlb_plan_add(axes->plan, axes->workload, &added, err) != MLB_OK)
        return err->status;
    void *own = added->params;
    *added = *axes->like;
    added->params = own;
    memcpy(own, params, axes->workload->params_bytes);
    return MLB_OK;
}

static enum mlb_status expand(const struct axes *axes, size_t axis, const void *params,
                              struct mlb_error *err)
{
    if (axis == axes->count)
        return add_case(axes, params, err);
    const cJSON *item = axes->items[axis];
    if (cJSON_IsObject(item))
        return expand_sweep(axes, axis, params, err);
    if (!cJSON_IsArray(item))
        return expand_value(axes, axis, params, item, err);
    if (!item->child)
        return mlb_json_fail(axes->json, item, err, "key '%s': an empty list", item->string);
    for (const cJSON *value = item->child; value; value = value->next)
        if (expand_value(axes, axis, params, value, err) != MLB_OK)
            return err->status;
    return MLB_OK;
}

/* ------------------------------------------------------------------------------------- the file */

static enum mlb_status read_measure(const struct mlb_json *json, const cJSON *object,
                                    struct mlb_measure *measure, struct mlb_error *err)
{
    static const char *const none[] = {NULL};
    if (object && !cJSON_IsObject(object))
        return mlb_json_fail(json, object, err, "key 'measure' must be an object");
    for (const cJSON *item = object ? object->child : NULL; item; item = item->next) {
        const struct mlb_option *row = mlb_option_find(mlb_measure_options, item->string);
        if (!row)
            return unknown_key(json, item, mlb_measure_options, none, "'measure'", err);
        if (set_value(json, item, item, row, measure, err) != MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

static enum mlb_status find_workload(const struct mlb_json *json, const cJSON *object,
                                     const struct mlb_workload **workload, struct mlb_error *err)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "workload");
    if (!cJSON_IsString(name))
        return mlb_json_fail(json, name ? name : object, err,
                             "a case needs a key 'workload' with a name");
    *workload = mlb_workload_find(name->valuestring);
    if (*workload)
        return MLB_OK;
    const char *names[64] = {0};
    for (size_t i = 0; i < 63 && mlb_workload_at(i); i++)
        names[i] = mlb_workload_at(i)->name;
    const char *near = mlb_nearest(name->valuestring, names);
    return mlb_json_fail(json, name, err, "unknown workload '%s'%s%s%s", name->valuestring,
                         near ? "; did you mean '" : "; 'mlbench list' shows all", near ? near : "",
                         near ? "'?" : "");
}

static const char *const case_keys[] = {"workload", "device",  "variant", "priority",
                                        "measure",  "without", NULL};

static enum mlb_status read_text(const struct mlb_json *json, const cJSON *item, char *to,
                                 size_t size, struct mlb_error *err)
{
    if (!cJSON_IsString(item) || !mlb_format(to, size, "%s", item->valuestring))
        return mlb_json_fail(json, item, err, "key '%s' must be a text of at most %zu characters",
                             item->string, size - 1);
    return MLB_OK;
}

/* "device", "without" and "variant" name what the workload's variants are and run on: a typo would
 * otherwise only skip the case. `also` is allowed too; NULL = nothing. */
static enum mlb_status read_name(const struct axes *axes, const cJSON *item, bool variant,
                                 const char *also, char *to, size_t size, struct mlb_error *err)
{
    const struct mlb_variant *v = axes->workload->variants;
    struct mlb_text known = {0};
    bool found = false;
    if (read_text(axes->json, item, to, size, err) != MLB_OK)
        return err->status;
    mlb_text_add(&known, also ? also : "");
    for (found = also && strcmp(also, to) == 0; v->name; v++) {
        const char *name = variant ? v->name : v->device;
        found = found || strcmp(name, to) == 0;
        if (!strstr(mlb_text_get(&known), name))
            mlb_text_addf(&known, "%s%s", known.length ? ", " : "", name);
    }
    if (!found)
        mlb_json_fail(axes->json, item, err, "%s = %s: %s knows %s", item->string, to,
                      axes->workload->name, mlb_text_get(&known));
    mlb_text_free(&known);
    return found ? MLB_OK : err->status;
}

/* One key of a case: reserved ones go to `like`, others become an axis. */
static enum mlb_status read_key(struct axes *axes, const cJSON *item, struct mlb_case *like,
                                struct mlb_error *err)
{
    const struct mlb_json *json = axes->json;
    if (strcmp(item->string, "workload") == 0)
        return MLB_OK;
    if (strcmp(item->string, "device") == 0)
        return read_name(axes, item, false, "auto", like->device, sizeof like->device, err);
    if (strcmp(item->string, "variant") == 0)
        return read_name(axes, item, true, MLB_VARIANT_ALL, like->variant, sizeof like->variant,
                         err);
    if (strcmp(item->string, "without") == 0)
        return read_name(axes, item, false, NULL, like->without, sizeof like->without, err);
    if (strcmp(item->string, "measure") == 0)
        return read_measure(json, item, &like->measure, err);
    if (strcmp(item->string, "priority") == 0) {
        double value = cJSON_IsNumber(item) ? item->valuedouble : 0.0;
        if (!(value >= 1.0 && value <= 9.0) || value != floor(value))
            return mlb_json_fail(json, item, err, "key 'priority' must be a whole number, 1 to 9");
        like->priority = (unsigned)item->valuedouble;
        return MLB_OK;
    }
    const struct mlb_option *row = mlb_option_find(axes->workload->params, item->string);
    if (!row || axes->count == AXES)
        return unknown_key(json, item, axes->workload->params, case_keys, axes->workload->name,
                           err);
    axes->items[axes->count] = item;
    axes->rows[axes->count++] = row;
    return MLB_OK;
}

static enum mlb_status read_case(const struct mlb_json *json, const cJSON *object,
                                 const struct mlb_measure *measure, struct mlb_plan *plan,
                                 struct mlb_error *err)
{
    struct axes axes = {.json = json, .plan = plan};
    if (!cJSON_IsObject(object))
        return mlb_json_fail(json, object, err, "a case must be an object {...}");
    if (find_workload(json, object, &axes.workload, err) != MLB_OK)
        return err->status;
    struct mlb_case like = {
        .workload = axes.workload, .device = "auto", .measure = *measure, .priority = 5};
    for (const cJSON *item = object->child; item; item = item->next)
        if (read_key(&axes, item, &like, err) != MLB_OK)
            return err->status;
    axes.like = &like;
    void *params = calloc(1, axes.workload->params_bytes ? axes.workload->params_bytes : 1);
    enum mlb_status status = params ? mlb_workload_params(axes.workload, params, err)
                                    : mlb_fail(err, MLB_E_NOMEM, "suite: out of memory");
    if (status == MLB_OK)
        status = expand(&axes, 0, params, err);
    free(params);
    return status;
}

enum mlb_status mlb_suite_build(const struct mlb_json *json, const char *name,
                                struct mlb_plan *plan, struct mlb_error *err)
{
    static const char *const keys[] = {"summary", "measure", "cases", NULL};
    struct mlb_measure measure;
    if (!cJSON_IsObject(json->root))
        return mlb_json_fail(json, json->root, err, "a suite must be an object {...}");
    for (const cJSON *item = json->root->child; item; item = item->next)
        if (strcmp(item->string, keys[0]) && strcmp(item->string, keys[1]) &&
            strcmp(item->string, keys[2]))
            return unknown_key(json, item, NULL, keys, "the suite", err);
    const cJSON *summary = cJSON_GetObjectItemCaseSensitive(json->root, "summary");
    const cJSON *cases = cJSON_GetObjectItemCaseSensitive(json->root, "cases");
    if (!cJSON_IsArray(cases) || !cases->child)
        return mlb_json_fail(json, cases ? cases : json->root, err,
                             "a suite needs a key 'cases' with a list of at least one case");
    mlb_format(plan->name, sizeof plan->name, "%s", name);
    if (summary && read_text(json, summary, plan->summary, sizeof plan->summary, err) != MLB_OK)
        return err->status;
    if (mlb_option_defaults(mlb_measure_options, &measure, err) != MLB_OK ||
        read_measure(json, cJSON_GetObjectItemCaseSensitive(json->root, "measure"), &measure,
                     err) != MLB_OK)
        return err->status;
    for (const cJSON *item = cases->child; item; item = item->next)
        if (read_case(json, item, &measure, plan, err) != MLB_OK)
            return err->status;
    return MLB_OK;
}

/* ---------------------------------------------------------------------------------- command line
 */

static void add_list(cJSON *object, const char *key, char *values)
{
    cJSON *list = cJSON_AddArrayToObject(object, key);
    char *rest = NULL;
    for (char *one = strtok_r(values, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
        cJSON_AddItemToArray(list, cJSON_CreateString(one));
}

/* "8,,32", "8,": a value was forgotten. An empty list alone is told where lists are read. */
static bool has_a_gap(const char *values)
{
    size_t length = strlen(values);
    return length > 0 && (values[0] == ',' || values[length - 1] == ',' || strstr(values, ",,"));
}

static enum mlb_status add_word(cJSON *cases, const char *word, struct mlb_error *err)
{
    cJSON *last = cJSON_GetArrayItem(cases, cJSON_GetArraySize(cases) - 1);
    char copy[MLB_OPTION_TEXT];
    if (!mlb_format(copy, sizeof copy, "%s", word))
        return mlb_fail(err, MLB_E_USAGE, "command line: a word over %d characters",
                        MLB_OPTION_TEXT - 1);
    char *equals = strchr(copy, '=');
    if (!equals) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "workload", word);
        cJSON_AddItemToArray(cases, object);
        return MLB_OK;
    }
    *equals = '\0';
    if (!last)
        return mlb_fail(err, MLB_E_USAGE,
                        "command line: '%s' stands before any workload; write: gemm %s", word,
                        word);
    if (cJSON_HasObjectItem(last, copy))
        return mlb_fail(err, MLB_E_USAGE, "command line: '%s' twice; write %s=A,B", copy, copy);
    if (strcmp(copy, "device") == 0 || strcmp(copy, "variant") == 0)
        cJSON_AddStringToObject(last, copy, equals + 1);
    else if (strcmp(copy, "workload") == 0 || strcmp(copy, "measure") == 0 ||
             strcmp(copy, "without") == 0)
        return mlb_fail(err, MLB_E_USAGE, "command line: '%s' is no parameter", word);
    else if (has_a_gap(equals + 1))
        return mlb_fail(err, MLB_E_USAGE, "command line: '%s': a value is missing at a comma",
                        word);
    else
        add_list(last, copy, equals + 1);
    return MLB_OK;
}

enum mlb_status mlb_suite_from_words(const char *const *words, size_t count, char **text,
                                     struct mlb_error *err)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *cases = cJSON_AddArrayToObject(root, "cases");
    enum mlb_status status = MLB_OK;
    for (size_t i = 0; i < count && status == MLB_OK; i++)
        status = add_word(cases, words[i], err);
    *text = status == MLB_OK ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    if (status == MLB_OK && !*text)
        return mlb_fail(err, MLB_E_NOMEM, "command line: out of memory");
    return status;
}

enum mlb_status mlb_suite_search(struct mlb_plan *plan, struct mlb_error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (!plan->cases[i].workload->search)
            return mlb_fail(err, MLB_E_USAGE, "--search: %s has no sizes to look for",
                            plan->cases[i].workload->name);
        plan->cases[i].search = true;
    }
    return MLB_OK;
}

static bool wanted(const struct mlb_case *item, const struct mlb_options *options)
{
    if (options->device[0] && strcmp(options->device, item->device) != 0)
        return false;
    if (!options->only[0])
        return true;
    char within[MLB_OPTION_TEXT + 2];
    mlb_format(within, sizeof within, "*%s*", options->only);
    return mlb_glob_match(within, item->id) || mlb_glob_match(within, item->label);
}

enum mlb_status mlb_suite_override(struct mlb_plan *plan, const struct mlb_options *options,
                                   struct mlb_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct mlb_case *item = &plan->cases[i];
        if (!wanted(item, options)) {
            free(item->params);
            continue;
        }
        for (size_t s = 0; s < options->setting_count; s++)
            if (mlb_option_set(options->settings[s].row, &item->measure, options->settings[s].text,
                               err) != MLB_OK)
                break;
        plan->cases[kept++] = *item;
    }
    size_t had = plan->count;
    plan->count = kept;
    if (kept == 0)
        return mlb_fail(err, MLB_E_USAGE, "none of the %zu cases of suite %s match%s%s%s%s", had,
                        plan->name, options->only[0] ? " --only " : "", options->only,
                        options->device[0] ? " --device " : "", options->device);
    return err->status;
}
