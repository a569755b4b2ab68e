/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/expectation.h"

#include <math.h>
#include <string.h>

#include "harness/base/json_strict.h"
#include "harness/base/units.h"

#define FILE_LIMIT  ((size_t)1 << 20) /* bytes; the table is some KiB */
#define SIZE_NEAR   0.1               /* 1 GB stands for 1 GiB */
#define SIZES_APART 16.0
#define RATE_NEAR   0.05 /* of NICs: 400 Gb/s stands for 50 GB/s whatever its headers take */

/* ---------------------------------------------------------------------------------- strict loading
 */

static const char *const top_keys[] = {"gpus", "published", NULL};
static const char *const series_keys[] = {
    "system", "gpu",     "gpus_per_node", "nodes", "nic_bytes_per_s", "collective", "kind",
    "source", "library", "algorithm",     "date",  "bus_bytes_per_s", NULL};
static const char *const collectives[] = {"all_reduce", "all_gather", "reduce_scatter", "broadcast",
                                          "reduce",     "alltoall",   "sendrecv",       "gather",
                                          "scatter",    NULL};
static const char *const kinds[] = {"measured", "floor", NULL};

/* { "H200": ["NVIDIA H200"] } */
static enum mlb_status check_gpus(const struct mlb_json *json, const cJSON *gpus,
                                  struct mlb_error *err)
{
    if (!cJSON_IsObject(gpus))
        return mlb_json_fail(json, gpus ? gpus : json->root, err,
                             "'gpus' must be an object of lists of whole device names");
    for (const cJSON *gpu = gpus->child; gpu; gpu = gpu->next) {
        bool good = cJSON_IsArray(gpu) && gpu->child;
        for (const cJSON *name = gpu->child; good && name; name = name->next)
            good = cJSON_IsString(name) && name->valuestring[0];
        if (!good)
            return mlb_json_fail(json, gpu, err, "'%s' must be a list of whole device names",
                                 gpu->string);
    }
    return MLB_OK;
}

static enum mlb_status check_texts(const struct mlb_json *json, const cJSON *series,
                                   struct mlb_error *err)
{
    static const struct {
        const char *key, *what;
        bool required;
    } texts[] = {{"system", "the machines in a word", true},
                 {"source", "where the figures are from", true},
                 {"date", "of the figures, or of the copy of the source that was read", true},
                 {"library", "the library and its version", false},
                 {"algorithm", "the algorithm that the source names", false}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(series, texts[i].key);
        bool text = cJSON_IsString(item) && item->valuestring[0];
        if (!text && (item || texts[i].required))
            return mlb_json_fail(json, item ? item : series, err, "a series needs '%s': %s",
                                 texts[i].key, texts[i].what);
    }
    return MLB_OK;
}

static enum mlb_status check_choice(const struct mlb_json *json, const cJSON *series,
                                    const char *key, const char *const *choices,
                                    struct mlb_error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(series, key);
    if (cJSON_IsString(item) && mlb_is_one_of(item->valuestring, choices))
        return MLB_OK;
    return mlb_json_fail(json, item ? item : series, err, "'%s' must be one of %s, %s%s", key,
                         choices[0], choices[1], choices[2] ? ", ..." : "");
}

static enum mlb_status check_whole(const struct mlb_json *json, const cJSON *series,
                                   const char *key, struct mlb_error *err)
{
    uint64_t value = 0;
    if (mlb_json_get_u64(series, key, &value) && value > 0 && value <= 1000000)
        return MLB_OK;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(series, key);
    return mlb_json_fail(json, item ? item : series, err, "'%s' must be a whole number above 0",
                         key);
}

static enum mlb_status check_gpu(const struct mlb_json *json, const cJSON *series,
                                 struct mlb_error *err)
{
    const cJSON *gpus = cJSON_GetObjectItemCaseSensitive(json->root, "gpus");
    const cJSON *gpu = cJSON_GetObjectItemCaseSensitive(series, "gpu");
    if (cJSON_IsString(gpu) && cJSON_GetObjectItemCaseSensitive(gpus, gpu->valuestring))
        return MLB_OK;
    return mlb_json_fail(json, gpu ? gpu : series, err, "'gpu' must be one of the keys of 'gpus'");
}

/* Across machines a figure says nothing without the NICs that it went over. */
static enum mlb_status check_nics(const struct mlb_json *json, const cJSON *series,
                                  struct mlb_error *err)
{
    const cJSON *nics = cJSON_GetObjectItemCaseSensitive(series, "nic_bytes_per_s");
    uint64_t nodes = 0;
    mlb_json_get_u64(series, "nodes", &nodes);
    if (nics)
        return mlb_json_check_positive(json, nics, err);
    return nodes == 1 ? MLB_OK
                      : mlb_json_fail(json, series, err,
                                      "a series of several nodes needs 'nic_bytes_per_s' of one "
                                      "node");
}

/* { "1GiB": 466e9, "8GiB": 479e9 }: sizes grow. */
static enum mlb_status check_figures(const struct mlb_json *json, const cJSON *series,
                                     struct mlb_error *err)
{
    const cJSON *figures = cJSON_GetObjectItemCaseSensitive(series, "bus_bytes_per_s");
    uint64_t before = 0, bytes = 0;
    if (!cJSON_IsObject(figures) || !figures->child)
        return mlb_json_fail(json, figures ? figures : series, err,
                             "a series needs 'bus_bytes_per_s', an object of numbers by size");
    for (const cJSON *item = figures->child; item; item = item->next, before = bytes) {
        if (!mlb_parse_bytes(item->string, &bytes) || bytes <= before)
            return mlb_json_fail(json, item, err,
                                 "'%s' must be a size (1MiB, 8GiB) above the one before it",
                                 item->string);
        if (mlb_json_check_positive(json, item, err) != MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

static enum mlb_status check_series(const struct mlb_json *json, const cJSON *series,
                                    struct mlb_error *err)
{
    if (!cJSON_IsObject(series))
        return mlb_json_fail(json, series, err, "a series must be an object");
    if (mlb_json_check_keys(json, series, series_keys, err) != MLB_OK ||
        check_texts(json, series, err) != MLB_OK || check_gpu(json, series, err) != MLB_OK ||
        check_choice(json, series, "collective", collectives, err) != MLB_OK ||
        check_choice(json, series, "kind", kinds, err) != MLB_OK ||
        check_whole(json, series, "nodes", err) != MLB_OK ||
        check_whole(json, series, "gpus_per_node", err) != MLB_OK ||
        check_nics(json, series, err) != MLB_OK)
        return err->status;
    return check_figures(json, series, err);
}

static enum mlb_status check_document(const struct mlb_json *json, struct mlb_error *err)
{
    if (!cJSON_IsObject(json->root))
        return mlb_json_fail(json, json->root, err,
                             "must be an object with 'gpus' and 'published'");
    const cJSON *gpus = cJSON_GetObjectItemCaseSensitive(json->root, "gpus");
    const cJSON *published = cJSON_GetObjectItemCaseSensitive(json->root, "published");
    if (mlb_json_check_keys(json, json->root, top_keys, err) != MLB_OK ||
        check_gpus(json, gpus, err) != MLB_OK)
        return err->status;
    if (!cJSON_IsArray(published))
        return mlb_json_fail(json, published ? published : json->root, err,
                             "'published' must be a list");
    for (const cJSON *series = published->child; series; series = series->next)
        if (check_series(json, series, err) != MLB_OK)
            return err->status;
    return MLB_OK;
}

enum mlb_status mlb_expectations_open(struct mlb_expectations *expectations, const char *path,
                                      struct mlb_error *err)
{
    *expectations = (struct mlb_expectations){0};
    enum mlb_status status = mlb_json_open(&expectations->document, path, FILE_LIMIT, err);
    if (status == MLB_OK)
        status = check_document(&expectations->document, err);
    if (status != MLB_OK)
        mlb_expectations_close(expectations);
    return status;
}

void mlb_expectations_close(struct mlb_expectations *expectations)
{
    mlb_json_close(&expectations->document);
}

/* ---------------------------------------------------------------------------------------- look-up
 */

static const char *text_of(const cJSON *series, const char *key)
{
    const char *text = "";
    mlb_json_get_text(series, key, &text);
    return text;
}

static double number_of(const cJSON *series, const char *key)
{
    double value = 0.0;
    mlb_json_get_real(series, key, &value);
    return value;
}

static bool is_gpu(const cJSON *root, const char *gpu, const char *device)
{
    const cJSON *gpus = cJSON_GetObjectItemCaseSensitive(root, "gpus"), *name;
    cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(gpus, gpu))
    {
        if (strcmp(name->valuestring, device) == 0)
            return true;
    }
    return false;
}

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * b;
}

static bool is_class(const cJSON *root, const cJSON *series, const char *kind,
                     const struct mlb_expectation_case *of)
{
    double nodes = number_of(series, "nodes");
    double ranks = nodes * number_of(series, "gpus_per_node");
    double nics = number_of(series, "nic_bytes_per_s");
    return strcmp(text_of(series, "kind"), kind) == 0 &&
           strcmp(text_of(series, "collective"), of->collective) == 0 && nodes == of->nodes &&
           ranks == of->ranks && is_gpu(root, text_of(series, "gpu"), of->device) &&
           (of->nodes == 1 || near(of->nic_bytes_per_s, nics, RATE_NEAR));
}

/* On the line through two points in logarithms. */
static double between(double x, double x0, double y0, double x1, double y1)
{
    return y0 * pow(y1 / y0, log(x / x0) / log(x1 / x0));
}

/* The figure of a series at a size; 0 = it has none there. */
static double figure_at(const cJSON *series, double bytes, bool *is_between)
{
    const cJSON *figures = cJSON_GetObjectItemCaseSensitive(series, "bus_bytes_per_s"), *item;
    double size_before = 0.0, before = 0.0;
    uint64_t size = 0;
    *is_between = false;
    cJSON_ArrayForEach(item, figures)
    {
        mlb_parse_bytes(item->string, &size);
        if (near(bytes, (double)size, SIZE_NEAR))
            return item->valuedouble;
        *is_between = size_before > 0.0 && bytes > size_before && bytes < (double)size &&
                      (double)size <= SIZES_APART * size_before;
        if (*is_between)
            return between(bytes, size_before, before, (double)size, item->valuedouble);
        size_before = (double)size;
        before = item->valuedouble;
    }
    return 0.0;
}

static struct mlb_expectation highest(const struct mlb_expectations *expectations, const char *kind,
                                      const struct mlb_expectation_case *of)
{
    struct mlb_expectation best = {0};
    const cJSON *root = expectations ? expectations->document.root : NULL, *series;
    cJSON_ArrayForEach(series, cJSON_GetObjectItemCaseSensitive(root, "published"))
    {
        bool is_between = false;
        double figure =
            is_class(root, series, kind, of) ? figure_at(series, of->bytes, &is_between) : 0.0;
        if (figure > best.bus_bytes_per_s)
            best = (struct mlb_expectation){.known = true,
                                            .bus_bytes_per_s = figure,
                                            .between = is_between,
                                            .system = text_of(series, "system"),
                                            .source = text_of(series, "source"),
                                            .algorithm = text_of(series, "algorithm")};
    }
    return best;
}

struct mlb_expectation mlb_expectation_best(const struct mlb_expectations *expectations,
                                            const struct mlb_expectation_case *of)
{
    return highest(expectations, kinds[0], of);
}

struct mlb_expectation mlb_expectation_floor(const struct mlb_expectations *expectations,
                                             const struct mlb_expectation_case *of)
{
    return highest(expectations, kinds[1], of);
}
