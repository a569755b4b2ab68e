/* SPDX-License-Identifier: Apache-2.0 */
/* From the structs to JSON. A function returns false, and the tree is given up, when memory is out
 * or when a number that must be there is not finite. */
#include "harness/measure/result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/utf8.h"
#include "harness/measure/result_fields.h"

/* ------------------------------------------------------------------------------- single values */

static bool add_real(cJSON *object, const char *key, double value)
{
    return mlb_json_add(object, key, mlb_json_real(value));
}

/* Texts come from drivers and from arrays that cut at a byte: what is not UTF-8 becomes '?', so
 * that every record can be read. */
static bool add_text(cJSON *object, const char *key, const char *text)
{
    char clean[1024];
    snprintf(clean, sizeof clean, "%s", text);
    for (size_t i = 0; clean[i];) {
        size_t length = mlb_utf8_length(clean + i);
        if (length == 0)
            clean[i] = '?';
        i += length ? length : 1;
    }
    return cJSON_AddStringToObject(object, key, clean) != NULL;
}

/* -------------------------------------------------------------------------------------- tables */

static bool add_known_real(cJSON *object, const struct mlb_field *field, double value)
{
    if ((field->when == MLB_WHEN_KNOWN && value == 0.0) ||
        (field->when == MLB_WHEN_FINITE && !isfinite(value)))
        return true;
    return add_real(object, field->key, value);
}

static bool add_known_whole(cJSON *object, const struct mlb_field *field, const void *at)
{
    uint64_t value = 0;
    uint32_t small = 0;
    if (field->size == sizeof value)
        memcpy(&value, at, sizeof value);
    else
        memcpy(&small, at, sizeof small);
    if (field->size != sizeof value)
        value = small;
    return (field->when == MLB_WHEN_KNOWN && value == 0) ||
           mlb_json_add_u64(object, field->key, value) != NULL;
}

static bool add_choice(cJSON *object, const struct mlb_field *field, const void *at)
{
    int value;
    memcpy(&value, at, sizeof value);
    return add_text(object, field->key, field->choices[value]);
}

static bool add_field(cJSON *object, const struct mlb_field *field, const void *at)
{
    switch (field->type) {
    case MLB_FIELD_TEXT: {
        const char *text = at;
        return (field->when == MLB_WHEN_KNOWN && !text[0]) || add_text(object, field->key, text);
    }
    case MLB_FIELD_REAL:
        return add_known_real(object, field, *(const double *)at);
    case MLB_FIELD_MAYBE: {
        const struct mlb_maybe *maybe = at;
        return !maybe->known || !isfinite(maybe->value) ||
               add_real(object, field->key, maybe->value);
    }
    case MLB_FIELD_WHOLE:
        return add_known_whole(object, field, at);
    case MLB_FIELD_BOOL:
        return (field->when == MLB_WHEN_KNOWN && !*(const bool *)at) ||
               cJSON_AddBoolToObject(object, field->key, *(const bool *)at) != NULL;
    case MLB_FIELD_CHOICE:
        return add_choice(object, field, at);
    }
    return false;
}

static bool add_fields(cJSON *object, const struct mlb_field *fields, const void *owner)
{
    for (; fields->key; fields++)
        if (!add_field(object, fields, (const char *)owner + fields->offset))
            return false;
    return true;
}

/* A group of fields under its own key. */
static bool add_group(cJSON *object, const char *key, const struct mlb_field *fields,
                      const void *owner)
{
    cJSON *group = cJSON_AddObjectToObject(object, key);
    return group && add_fields(group, fields, owner);
}

static bool add_reals(cJSON *object, const char *key, const double *values, size_t count)
{
    cJSON *array = cJSON_AddArrayToObject(object, key);
    for (size_t i = 0; array && i < count; i++) {
        cJSON *item = mlb_json_real(values[i]);
        if (!item || !cJSON_AddItemToArray(array, item)) {
            cJSON_Delete(item);
            return false;
        }
    }
    return array != NULL;
}

bool mlb_fields_to_json(cJSON *object, const struct mlb_field *fields, const void *owner)
{
    return add_fields(object, fields, owner);
}

bool mlb_reals_to_json(cJSON *object, const char *key, const double *values, size_t count)
{
    return add_reals(object, key, values, count);
}

/* ----------------------------------------------------------------------------------------- row */

static bool add_params(cJSON *json, const struct mlb_row *row)
{
    cJSON *params = cJSON_AddObjectToObject(json, "params");
    for (size_t i = 0; params && i < row->param_count; i++)
        if (!add_text(params, row->params[i].name, row->params[i].value))
            return false;
    return params != NULL;
}

static bool add_work(cJSON *json, const struct mlb_row *row)
{
    const struct mlb_work *work = &row->work;
    if (!work->formula || !work->formula[0])
        return true;
    cJSON *group = cJSON_AddObjectToObject(json, "work");
    return group && add_text(group, "formula", work->formula) &&
           (work->flop == 0.0 || add_real(group, work->operations ? "op" : "flop", work->flop)) &&
           add_fields(group, mlb_fields_work, row);
}

/* Derived for readers that are not this program: whether the time kept still. */
static bool add_summary(cJSON *json, const struct mlb_summary *summary)
{
    if (summary->n == 0)
        return true;
    cJSON *time = cJSON_AddObjectToObject(json, "time_ns");
    if (!time || !add_fields(time, mlb_fields_time, summary))
        return false;
    return !summary->interval.known ||
           (add_fields(time, mlb_fields_interval, summary) &&
            cJSON_AddBoolToObject(time, "stationary", !mlb_summary_drifts(summary)));
}

static bool add_samples(cJSON *json, const struct mlb_row *row)
{
    if (row->sample_count == 0)
        return true;
    cJSON *samples = cJSON_AddObjectToObject(json, "samples");
    if (!samples || !add_fields(samples, mlb_fields_samples, row) ||
        !add_reals(samples, "time_ns", row->time_ns, row->sample_count))
        return false;
    bool percentiles = row->p95_ns.known || row->p99_ns.known;
    return add_summary(json, &row->summary) &&
           (!percentiles || add_group(json, "percentiles_ns", mlb_fields_percentiles, row));
}

static bool add_rate(cJSON *rates, const struct mlb_row *row, const struct mlb_summary *time,
                     enum mlb_rate_kind kind, const char *key)
{
    struct mlb_rate rate = mlb_phase_rate(row, time, kind);
    if (!rate.known)
        return true;
    cJSON *group = cJSON_AddObjectToObject(rates, key);
    if (!group || !add_real(group, "value", rate.value))
        return false;
    return !time->interval.known ||
           (add_real(group, "low", rate.low) && add_real(group, "high", rate.high));
}

/* Derived from work and time_ns for readers that are not this program; not read back. A rate
 * without a passed verification is not a result and is not written. */
static bool add_rates(cJSON *json, const struct mlb_row *row, const struct mlb_summary *time)
{
    bool any = false;
    for (enum mlb_rate_kind kind = MLB_RATE_FLOP; kind < MLB_RATE_KINDS; kind++)
        any = any || mlb_phase_rate(row, time, kind).known;
    if (!mlb_row_verified(row) || !any)
        return true;
    cJSON *rates = cJSON_AddObjectToObject(json, "rates");
    bool collective = row->work.bus_factor > 0.0;
    return rates &&
           add_rate(rates, row, time, MLB_RATE_FLOP,
                    row->work.operations ? "op_per_s" : "flop_per_s") &&
           add_rate(rates, row, time, MLB_RATE_BYTES,
                    collective ? "alg_bytes_per_s" : "bytes_per_s") &&
           add_rate(rates, row, time, MLB_RATE_BUS, "bus_bytes_per_s");
}

/* Derived as well, from work and telemetry. */
static bool add_energy(cJSON *json, const struct mlb_row *row, const struct mlb_summary *time,
                       const struct mlb_telemetry_window *window)
{
    struct mlb_energy energy = mlb_work_energy(&row->work, time, window);
    bool timed = row->status == MLB_ROW_MEASURED || row->status == MLB_ROW_UNTRUSTED;
    if (!energy.known || !timed || !mlb_row_verified(row))
        return true;
    char key[24];
    snprintf(key, sizeof key, "j_per_%s", energy.per);
    cJSON *group = cJSON_AddObjectToObject(json, "energy");
    return group && add_real(group, key, energy.j) &&
           add_text(group, "source", energy.estimated ? "power" : "counter");
}

static bool add_phase(cJSON *json, const char *key, const struct mlb_row *row,
                      const struct mlb_summary *time, const struct mlb_telemetry_window *window)
{
    cJSON *phase = cJSON_AddObjectToObject(json, key);
    return phase && add_summary(phase, time) && add_rates(phase, row, time) &&
           (!row->has_telemetry || (add_energy(phase, row, time, window) &&
                                    add_group(phase, "telemetry", mlb_fields_telemetry, window)));
}

static bool add_sustain(cJSON *json, const struct mlb_row *row)
{
    const struct mlb_sustain *sustain = &row->sustain;
    if (!row->has_sustain)
        return true;
    cJSON *group = cJSON_AddObjectToObject(json, "sustain");
    return group && add_fields(group, mlb_fields_sustain, sustain) &&
           add_phase(group, "burst", row, &sustain->burst, &sustain->burst_window) &&
           add_phase(group, "sustained", row, &sustain->sustained, &sustain->window) &&
           add_reals(group, "block_ns", sustain->block_ns, sustain->block_count);
}

static bool add_per_rank(cJSON *json, const struct mlb_row *row)
{
    if (row->rank_count == 0)
        return true;
    cJSON *group = cJSON_AddObjectToObject(json, "per_rank");
    return group && add_reals(group, "median_ns", row->rank_median_ns, row->rank_count);
}

static bool add_verification(cJSON *json, const struct mlb_row *row)
{
    if (!row->verified)
        return true;
    const struct mlb_verification *verification = &row->verification;
    cJSON *group = cJSON_AddObjectToObject(json, "verification");
    return group && cJSON_AddBoolToObject(group, "passed", mlb_verification_passed(verification)) &&
           add_text(group, "method", verification->method ? verification->method : "") &&
           add_fields(group, mlb_fields_verification, row);
}

static bool add_details(cJSON *json, const struct mlb_details *details)
{
    if (details->count == 0)
        return true;
    cJSON *group = cJSON_AddObjectToObject(json, "details");
    for (size_t i = 0; group && i < details->count; i++) {
        const struct mlb_detail *detail = &details->items[i];
        if (!(detail->is_number ? add_real(group, detail->name, detail->number)
                                : add_text(group, detail->name, detail->text)))
            return false;
    }
    return group != NULL;
}

static bool add_ports(cJSON *json, const struct mlb_row *row)
{
    if (row->port_count == 0)
        return true;
    cJSON *ports = cJSON_AddArrayToObject(json, "ports");
    for (size_t i = 0; ports && i < row->port_count; i++) {
        cJSON *port = cJSON_CreateObject();
        if (!port || !cJSON_AddItemToArray(ports, port)) {
            cJSON_Delete(port);
            return false;
        }
        if (!add_fields(port, mlb_fields_port, &row->ports[i]))
            return false;
    }
    return ports && add_fields(json, mlb_fields_ports, row);
}

static bool add_shares(cJSON *json, const struct mlb_row *row)
{
    return (!row->of_datasheet.known && !row->of_bound.known && !row->of_published.known) ||
           add_group(json, "shares", mlb_fields_shares, row);
}

cJSON *mlb_row_to_json(const struct mlb_row *row)
{
    cJSON *json = cJSON_CreateObject();
    bool good = json && add_fields(json, mlb_fields_row_name, row) && add_params(json, row) &&
                add_fields(json, mlb_fields_row_state, row) && add_work(json, row) &&
                add_samples(json, row) && add_rates(json, row, &row->summary) &&
                add_per_rank(json, row) && add_verification(json, row) &&
                add_details(json, &row->details) && add_ports(json, row) && add_shares(json, row) &&
                (!row->has_telemetry ||
                 (add_energy(json, row, &row->summary, &row->telemetry) &&
                  add_group(json, "telemetry", mlb_fields_telemetry, &row->telemetry))) &&
                add_sustain(json, row);
    if (good)
        return json;
    cJSON_Delete(json);
    return NULL;
}

/* -------------------------------------------------------------------------------------- result */

static bool add_environment(cJSON *json, const struct mlb_result *result)
{
    cJSON *environment = cJSON_AddObjectToObject(json, "environment");
    for (size_t i = 0; environment && i < result->fact_count; i++)
        if (!add_text(environment, result->facts[i].name, result->facts[i].value))
            return false;
    return environment != NULL;
}

static bool add_health(cJSON *json, const struct mlb_result *result)
{
    cJSON *health = cJSON_AddArrayToObject(json, "health");
    for (size_t i = 0; health && i < result->health_count; i++) {
        cJSON *note = cJSON_CreateObject();
        if (!note || !cJSON_AddItemToArray(health, note)) {
            cJSON_Delete(note);
            return false;
        }
        if (!add_fields(note, mlb_fields_health, &result->health[i]))
            return false;
    }
    return health != NULL;
}

static bool add_copy(cJSON *json, const char *key, const cJSON *item)
{
    return !item || mlb_json_add(json, key, cJSON_Duplicate(item, true));
}

bool mlb_result_add_provider(cJSON *json, const struct mlb_provider *provider)
{
    return !mlb_provider_known(provider) ||
           add_group(json, "provider", mlb_fields_provider, provider);
}

static bool add_head(cJSON *json, const struct mlb_result *result)
{
    return add_fields(json, mlb_fields_head, result) &&
           add_group(json, "suite", mlb_fields_suite, result) &&
           add_fields(json, mlb_fields_job, result) &&
           add_group(json, "device", mlb_fields_device, result) &&
           mlb_result_add_provider(json, &result->provider) &&
           (result->price_per_hour == 0.0 || add_group(json, "price", mlb_fields_price, result)) &&
           add_fields(json, mlb_fields_end, result) && add_environment(json, result) &&
           add_health(json, result) && add_copy(json, "topology", result->topology) &&
           add_copy(json, "fabric", result->fabric) && mlb_result_add_links(json, result);
}

cJSON *mlb_result_head_to_json(const struct mlb_result *result)
{
    cJSON *json = cJSON_CreateObject();
    if (json && add_head(json, result))
        return json;
    cJSON_Delete(json);
    return NULL;
}

cJSON *mlb_result_to_json(const struct mlb_result *result)
{
    cJSON *json = mlb_result_head_to_json(result);
    cJSON *rows = json ? cJSON_AddArrayToObject(json, "rows") : NULL;
    bool good = rows != NULL;
    for (size_t i = 0; good && i < result->row_count; i++) {
        cJSON *row = mlb_row_to_json(&result->rows[i]);
        good = row && cJSON_AddItemToArray(rows, row);
        if (!good)
            cJSON_Delete(row);
    }
    if (good)
        return json;
    cJSON_Delete(json);
    return NULL;
}

enum mlb_status mlb_result_save(const struct mlb_result *result, const char *path,
                                struct mlb_error *err)
{
    cJSON *json = mlb_result_to_json(result);
    char *printed = json ? cJSON_Print(json) : NULL;
    cJSON_Delete(json);
    size_t length = printed ? strlen(printed) : 0;
    char *text = printed ? realloc(printed, length + 2) : NULL;
    if (!text) {
        cJSON_free(printed);
        return mlb_fail(
            err, MLB_E_NOMEM,
            "%s: the record cannot be made: out of memory, or a time that is not finite", path);
    }
    text[length] = '\n';
    text[length + 1] = '\0';
    enum mlb_status status = mlb_file_write_atomic(path, text, length + 1, err);
    cJSON_free(text);
    return status;
}
