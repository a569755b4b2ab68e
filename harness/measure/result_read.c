/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to the structs. Whatever is missing, of another type or out of range is an error that
 * names the key's path ("rows[3].samples.time_ns[2]: is a text, should be a number").
 *
 * Keys that are not known are passed over: a later version of the same schema may add some. */
#include "harness/measure/result.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/measure/journal.h"
#include "harness/measure/result_reader.h"

/* ----------------------------------------------------------------------------------------- row */

static void read_params(struct mlb_reader *reader, const cJSON *json, struct mlb_row *row)
{
    const cJSON *params = mlb_read_object(reader, json, "params", true), *item;
    if (!params)
        return;
    size_t length = mlb_read_enter(reader, "params");
    cJSON_ArrayForEach(item, params)
    {
        struct mlb_param *param = &row->params[row->param_count];
        if (row->param_count == MLB_PARAMS)
            mlb_read_fail(reader, item->string, "is one too many, at most %d are allowed",
                          MLB_PARAMS);
        else if (strlen(item->string) >= sizeof param->name)
            mlb_read_fail(reader, item->string, "the name is too long");
        if (reader->status != MLB_OK)
            break;
        strcpy(param->name, item->string);
        mlb_read_text(reader, item->string, item, param->value, sizeof param->value);
        row->param_count++;
    }
    mlb_read_leave(reader, length);
}

static void read_work(struct mlb_reader *reader, const cJSON *json, struct mlb_row *row)
{
    const cJSON *work = mlb_read_object(reader, json, "work", false);
    if (!work)
        return;
    size_t length = mlb_read_enter(reader, "work");
    const cJSON *formula = mlb_read_item(reader, work, "formula", true);
    const cJSON *flop = mlb_read_item(reader, work, "flop", false);
    const cJSON *op = mlb_read_item(reader, work, "op", false);
    if (formula)
        mlb_read_text(reader, "formula", formula, row->formula, sizeof row->formula);
    if (flop && op)
        mlb_read_fail(reader, "op", "stands beside 'flop'; a step is counted in one of them");
    else if (flop || op)
        mlb_read_real(reader, op ? "op" : "flop", op ? op : flop, &row->work.flop);
    row->work.operations = op != NULL;
    row->work.formula = row->formula;
    mlb_read_fields(reader, work, mlb_fields_work, row);
    mlb_read_leave(reader, length);
}

static bool has_any(const cJSON *object, const struct mlb_field *fields)
{
    for (; fields->key; fields++)
        if (cJSON_GetObjectItemCaseSensitive(object, fields->key))
            return true;
    return false;
}

static bool read_summary(struct mlb_reader *reader, const cJSON *json, struct mlb_summary *summary)
{
    if (!mlb_read_group(reader, json, "time_ns", false, mlb_fields_time, summary))
        return false;
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(json, "time_ns");
    if (!has_any(time, mlb_fields_interval))
        return true;
    summary->interval.known = true;
    size_t length = mlb_read_enter(reader, "time_ns");
    mlb_read_fields(reader, time, mlb_fields_interval, summary);
    mlb_read_leave(reader, length);
    return true;
}

static void read_samples(struct mlb_reader *reader, const cJSON *json, struct mlb_row *row)
{
    if (mlb_read_group(reader, json, "samples", false, mlb_fields_samples, row)) {
        size_t length = mlb_read_enter(reader, "samples");
        mlb_read_times(reader, cJSON_GetObjectItemCaseSensitive(json, "samples"), "time_ns",
                       &row->time_ns, &row->sample_count);
        mlb_read_leave(reader, length);
    }
    mlb_read_group(reader, json, "percentiles_ns", false, mlb_fields_percentiles, row);
    if (!read_summary(reader, json, &row->summary))
        return;
    if (row->sample_count == 0)
        mlb_read_fail(reader, "samples", "is missing, but 'time_ns' is there");
    else if (row->summary.n != row->sample_count)
        mlb_read_fail(reader, "time_ns.n", "is not the number of samples, %zu", row->sample_count);
}

static void read_per_rank(struct mlb_reader *reader, const cJSON *json, struct mlb_row *row)
{
    const cJSON *group = mlb_read_object(reader, json, "per_rank", false);
    if (!group)
        return;
    size_t length = mlb_read_enter(reader, "per_rank");
    mlb_read_times(reader, group, "median_ns", &row->rank_median_ns, &row->rank_count);
    mlb_read_leave(reader, length);
}

static void read_verification(struct mlb_reader *reader, const cJSON *json, struct mlb_row *row)
{
    if (!mlb_read_group(reader, json, "verification", false, mlb_fields_verification, row))
        return;
    row->verified = true;
    size_t length = mlb_read_enter(reader, "verification");
    const cJSON *group = cJSON_GetObjectItemCaseSensitive(json, "verification");
    const cJSON *method = mlb_read_item(reader, group, "method", true);
    if (method)
        mlb_read_text(reader, "method", method, row->verification_method,
                      sizeof row->verification_method);
    row->verification.method = row->verification_method;
    mlb_read_leave(reader, length);
}

static void read_details(struct mlb_reader *reader, const cJSON *json, struct mlb_details *details)
{
    const cJSON *group = mlb_read_object(reader, json, "details", false), *item;
    if (!group)
        return;
    size_t length = mlb_read_enter(reader, "details");
    cJSON_ArrayForEach(item, group)
    {
        struct mlb_detail *detail = &details->items[details->count];
        if (details->count == MLB_DETAILS)
            mlb_read_fail(reader, item->string, "is one too many, at most %d are allowed",
                          MLB_DETAILS);
        else if (strlen(item->string) >= sizeof detail->name)
            mlb_read_fail(reader, item->string, "the name is too long");
        if (reader->status != MLB_OK)
            break;
        strcpy(detail->name, item->string);
        detail->is_number = !cJSON_IsString(item);
        if (detail->is_number)
            mlb_read_real(reader, item->string, item, &detail->number);
        else
            mlb_read_text(reader, item->string, item, detail->text, sizeof detail->text);
        details->count++;
    }
    mlb_read_leave(reader, length);
}

static void read_ports(struct mlb_reader *reader, const cJSON *json, struct mlb_row *row)
{
    const cJSON *ports = mlb_read_item(reader, json, "ports", false), *item;
    if (!ports)
        return;
    int count = cJSON_GetArraySize(ports);
    if (!cJSON_IsArray(ports))
        mlb_read_wrong_type(reader, "ports", ports, "an array");
    else if (count == 0 || count > MLB_ROW_PORTS)
        mlb_read_fail(reader, "ports", "has %d entries, 1 to %d are allowed", count, MLB_ROW_PORTS);
    else if (!(row->ports = calloc((size_t)count, sizeof *row->ports)))
        mlb_read_fail(reader, "ports", "out of memory");
    if (reader->status != MLB_OK)
        return;
    cJSON_ArrayForEach(item, ports)
    {
        size_t length = mlb_read_enter_index(reader, "ports", row->port_count);
        if (!cJSON_IsObject(item))
            mlb_read_wrong_type(reader, "", item, "an object");
        else
            mlb_read_fields(reader, item, mlb_fields_port, &row->ports[row->port_count++]);
        if (reader->status != MLB_OK)
            return;
        mlb_read_leave(reader, length);
    }
    mlb_read_fields(reader, json, mlb_fields_ports, row);
}

static bool read_window(struct mlb_reader *reader, const cJSON *json,
                        struct mlb_telemetry_window *window)
{
    return mlb_read_group(reader, json, "telemetry", false, mlb_fields_telemetry, window);
}

static void read_phase(struct mlb_reader *reader, const cJSON *json, const char *key,
                       struct mlb_summary *time, struct mlb_telemetry_window *window)
{
    const cJSON *phase = mlb_read_object(reader, json, key, true);
    if (!phase)
        return;
    size_t length = mlb_read_enter(reader, key);
    read_summary(reader, phase, time);
    read_window(reader, phase, window);
    mlb_read_leave(reader, length);
}

static void read_sustain(struct mlb_reader *reader, const cJSON *json, struct mlb_row *row)
{
    struct mlb_sustain *sustain = &row->sustain;
    row->has_sustain = mlb_read_group(reader, json, "sustain", false, mlb_fields_sustain, sustain);
    if (!row->has_sustain)
        return;
    const cJSON *group = cJSON_GetObjectItemCaseSensitive(json, "sustain");
    size_t length = mlb_read_enter(reader, "sustain");
    read_phase(reader, group, "burst", &sustain->burst, &sustain->burst_window);
    read_phase(reader, group, "sustained", &sustain->sustained, &sustain->window);
    mlb_read_times(reader, group, "block_ns", &sustain->block_ns, &sustain->block_count);
    mlb_read_leave(reader, length);
}

const char *mlb_row_broken_promise(const struct mlb_row *row, char *what)
{
    const char *key = NULL, *wrong = "is missing, but the row says it was measured";
    if (row->status != MLB_ROW_MEASURED) {
        mlb_format(what, MLB_PROMISE_TEXT, "is missing; a row that is %s says why",
                   mlb_row_status_names[row->status]);
        return row->reason[0] ? NULL : "reason";
    }
    if (row->sample_count == 0)
        key = "samples";
    else if (row->summary.n == 0)
        key = "time_ns";
    else if (!mlb_row_verified(row)) {
        key = "verification";
        wrong = "has not passed, but the row says it was measured";
    }
    mlb_format(what, MLB_PROMISE_TEXT, "%s", wrong);
    return key;
}

static void check_status(struct mlb_reader *reader, const struct mlb_row *row)
{
    char what[MLB_PROMISE_TEXT];
    const char *key = mlb_row_broken_promise(row, what);
    if (key)
        mlb_read_fail(reader, key, "%s", what);
}

static void read_row(struct mlb_reader *reader, const cJSON *json, struct mlb_row *row)
{
    if (!cJSON_IsObject(json)) {
        mlb_read_wrong_type(reader, "", json, "an object");
        return;
    }
    mlb_read_fields(reader, json, mlb_fields_row_name, row);
    read_params(reader, json, row);
    mlb_read_fields(reader, json, mlb_fields_row_state, row);
    read_work(reader, json, row);
    read_samples(reader, json, row);
    read_per_rank(reader, json, row);
    read_verification(reader, json, row);
    read_details(reader, json, &row->details);
    row->has_telemetry = read_window(reader, json, &row->telemetry);
    read_ports(reader, json, row);
    read_sustain(reader, json, row);
    mlb_read_group(reader, json, "shares", false, mlb_fields_shares, row);
    if (reader->status == MLB_OK)
        check_status(reader, row);
}

enum mlb_status mlb_row_from_json(const cJSON *json, struct mlb_row *row, struct mlb_error *err)
{
    struct mlb_reader reader = {.err = err, .path = "row"};
    memset(row, 0, sizeof *row);
    read_row(&reader, json, row);
    if (reader.status != MLB_OK)
        mlb_row_free(row);
    return reader.status;
}

/* -------------------------------------------------------------------------------------- result */

const char *mlb_newer_schema(int schema, const char *version, char *what)
{
    mlb_format(what, MLB_NEWER_TEXT,
               "written by a newer mlbench (schema %d; this one reads up to %d): %s%s%s", schema,
               MLB_RESULT_SCHEMA, version[0] ? "install version " : "update mlbench", version,
               version[0] ? " or newer" : "");
    return what;
}

static bool check_schema(struct mlb_reader *reader, const cJSON *json)
{
    const cJSON *schema =
        cJSON_IsObject(json) ? cJSON_GetObjectItemCaseSensitive(json, "schema") : NULL;
    const char *writer = "";
    char what[MLB_NEWER_TEXT];
    if (!schema)
        return mlb_read_fail(reader, "schema", "is missing; not a record of mlbench");
    int version = 0;
    mlb_read_whole(reader, "schema", schema, sizeof version, &version);
    mlb_json_get_text(json, "version", &writer);
    if (version > MLB_RESULT_SCHEMA)
        return mlb_read_fail(reader, "schema", "%s", mlb_newer_schema(version, writer, what));
    if (version == 0)
        return mlb_read_fail(reader, "schema", "0 is not a schema of mlbench");
    return reader->status == MLB_OK;
}

static void read_environment(struct mlb_reader *reader, const cJSON *json,
                             struct mlb_result *result)
{
    const cJSON *environment = mlb_read_object(reader, json, "environment", true), *item;
    if (!environment)
        return;
    size_t length = mlb_read_enter(reader, "environment");
    cJSON_ArrayForEach(item, environment)
    {
        struct mlb_fact *fact = &result->facts[result->fact_count];
        if (result->fact_count == MLB_FACTS_MAX)
            mlb_read_fail(reader, item->string, "is one too many, at most %d are allowed",
                          MLB_FACTS_MAX);
        else if (strlen(item->string) >= sizeof fact->name)
            mlb_read_fail(reader, item->string, "the name is too long");
        if (reader->status != MLB_OK)
            break;
        strcpy(fact->name, item->string);
        mlb_read_text(reader, item->string, item, fact->value, sizeof fact->value);
        result->fact_count++;
    }
    mlb_read_leave(reader, length);
}

static void read_health(struct mlb_reader *reader, const cJSON *json, struct mlb_result *result)
{
    const cJSON *health = mlb_read_item(reader, json, "health", true), *item;
    if (!health)
        return;
    if (!cJSON_IsArray(health)) {
        mlb_read_wrong_type(reader, "health", health, "an array");
        return;
    }
    cJSON_ArrayForEach(item, health)
    {
        size_t length = mlb_read_enter_index(reader, "health", result->health_count);
        if (result->health_count == MLB_HEALTH_MAX)
            mlb_read_fail(reader, "", "is one too many, at most %d are allowed", MLB_HEALTH_MAX);
        else if (!cJSON_IsObject(item))
            mlb_read_wrong_type(reader, "", item, "an object");
        if (reader->status != MLB_OK)
            return;
        mlb_read_fields(reader, item, mlb_fields_health, &result->health[result->health_count++]);
        mlb_read_leave(reader, length);
    }
}

static void read_copy(struct mlb_reader *reader, const cJSON *json, const char *key, cJSON **to)
{
    const cJSON *item = mlb_read_object(reader, json, key, false);
    *to = item ? cJSON_Duplicate(item, true) : NULL;
    if (item && !*to)
        mlb_read_fail(reader, key, "out of memory");
}

static void read_head(struct mlb_reader *reader, const cJSON *json, struct mlb_result *result)
{
    if (!check_schema(reader, json))
        return;
    mlb_read_fields(reader, json, mlb_fields_head, result);
    mlb_read_group(reader, json, "suite", true, mlb_fields_suite, result);
    mlb_read_fields(reader, json, mlb_fields_job, result);
    mlb_read_group(reader, json, "device", true, mlb_fields_device, result);
    mlb_read_group(reader, json, "provider", false, mlb_fields_provider, &result->provider);
    mlb_read_group(reader, json, "price", false, mlb_fields_price, result);
    mlb_read_fields(reader, json, mlb_fields_end, result);
    read_environment(reader, json, result);
    read_health(reader, json, result);
    read_copy(reader, json, "topology", &result->topology);
    read_copy(reader, json, "fabric", &result->fabric);
    mlb_result_read_links(reader, json, result);
}

static void read_rows(struct mlb_reader *reader, const cJSON *json, struct mlb_result *result)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "rows"), *item;
    if (rows && !cJSON_IsArray(rows))
        mlb_read_wrong_type(reader, "rows", rows, "an array");
    if (!rows || reader->status != MLB_OK)
        return;
    cJSON_ArrayForEach(item, rows)
    {
        struct mlb_row row = {0};
        size_t length = mlb_read_enter_index(reader, "rows", result->row_count);
        read_row(reader, item, &row);
        if (reader->status == MLB_OK && mlb_result_find(result, row.id))
            mlb_read_fail(reader, "id", "'%s' is there twice", row.id);
        if (reader->status == MLB_OK)
            reader->status = mlb_result_add(result, &row, reader->err);
        mlb_row_free(&row);
        if (reader->status != MLB_OK)
            return;
        mlb_read_leave(reader, length);
    }
}

/* A tree without "rows" is a head: the first line of a journal. */
enum mlb_status mlb_result_from_json(const cJSON *json, struct mlb_result *result,
                                     struct mlb_error *err)
{
    struct mlb_reader reader = {.err = err};
    memset(result, 0, sizeof *result);
    read_head(&reader, json, result);
    if (reader.status == MLB_OK)
        read_rows(&reader, json, result);
    if (reader.status != MLB_OK)
        mlb_result_free(result);
    return reader.status;
}

/* A journal's first line is a whole JSON object without rows. */
static bool is_journal(const char *text, size_t length)
{
    const char *newline = memchr(text, '\n', length);
    if (!newline)
        return false;
    cJSON *head = cJSON_ParseWithLength(text, (size_t)(newline - text));
    bool journal = cJSON_IsObject(head) && cJSON_HasObjectItem(head, "schema") &&
                   !cJSON_HasObjectItem(head, "rows");
    cJSON_Delete(head);
    return journal;
}

enum mlb_status mlb_result_load(const char *path, struct mlb_result *result, struct mlb_error *err)
{
    char *text = NULL;
    size_t length = 0;
    struct mlb_json json = {0};
    memset(result, 0, sizeof *result);
    enum mlb_status status = mlb_file_read(path, MLB_RECORD_LIMIT, &text, &length, err);
    if (status != MLB_OK)
        return status;
    if (is_journal(text, length)) {
        status = mlb_journal_read(path, result, err);
        goto done;
    }
    status = mlb_json_parse(&json, path, text, length, err);
    if (status != MLB_OK)
        goto done;
    status = mlb_result_from_json(json.root, result, err);
    if (status != MLB_OK)
        mlb_fail_at(err, "%s", path);
    else if (!cJSON_HasObjectItem(json.root, "rows")) {
        mlb_result_free(result);
        status = mlb_fail(err, MLB_E_CONFIG, "%s: rows: is missing", path);
    }

done:
    mlb_json_close(&json);
    free(text);
    return status;
}
