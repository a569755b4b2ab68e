/* SPDX-License-Identifier: Apache-2.0 */
/* A record is read member by member into the structs of result.h by the tables of result_fields.h,
 * so that there is no second description of it, and the short row is made from these. What a
 * digest does not keep is passed over: checked as JSON, but not for what it means, and the list of
 * samples not at all. A journal is read whole (mlb_result_load). */
#include "harness/measure/digest_read.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/measure/digest_make.h"
#include "harness/measure/result_pull.h"
#include "harness/measure/result_reader.h"

struct mlb_digest_reader {
    struct mlb_digest_maker maker;
    struct mlb_pull *pull; /* NULL until the first file */
    struct mlb_result head;
    struct mlb_row row; /* the one being read */
    bool has_flop, has_rows, unwanted;
    unsigned head_parts; /* what was read of the head so far: a bit each */
    const char *path;    /* of the file being read */
    const struct mlb_digest_choice *choice;
    const struct mlb_pull_members *head_members; /* what was read of the head so far: HEAD_TABLES */
};

enum { HEAD_TABLES = 3 };

/* What stands in an object beside the members of tables. */
struct part {
    const char *key;
    void (*read)(struct mlb_digest_reader *reader);
    bool must;
};

static void read_part(struct mlb_digest_reader *reader, const struct part *parts, const char *key,
                      unsigned *seen)
{
    for (unsigned i = 0; parts[i].key; i++) {
        if (!mlb_pull_is(key, parts[i].key))
            continue;
        if (*seen & 1u << i)
            mlb_pull_fail(reader->pull, "'%s' stands twice in one object", parts[i].key);
        *seen |= 1u << i;
        parts[i].read(reader);
        return;
    }
    mlb_pull_skip(reader->pull);
}

/* The value of `key`: a member of one of `count` tables, or a part; else it is passed over. */
static void read_member(struct mlb_digest_reader *reader, struct mlb_pull_members *members,
                        size_t count, const struct part *parts, const char *key, unsigned *seen)
{
    for (size_t i = 0; i < count; i++)
        if (mlb_pull_member(reader->pull, &members[i], key))
            return;
    read_part(reader, parts, key, seen);
}

static void check_members(struct mlb_digest_reader *reader, struct mlb_pull_members *members,
                          size_t count, const struct part *parts, unsigned seen)
{
    for (size_t i = 0; i < count; i++)
        mlb_pull_members_end(reader->pull, &members[i]);
    for (unsigned i = 0; parts[i].key; i++)
        if (parts[i].must && !(seen & 1u << i))
            mlb_pull_fail(reader->pull, "'%s' is missing", parts[i].key);
}

static void read_object(struct mlb_digest_reader *reader, struct mlb_pull_members *members,
                        size_t count, const struct part *parts)
{
    unsigned seen = 0;
    const char *key;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key))
        read_member(reader, members, count, parts, key, &seen);
    check_members(reader, members, count, parts, seen);
}

static const struct part no_parts[] = {{0}};

static void read_table(struct mlb_digest_reader *reader, const struct mlb_field *fields,
                       void *owner)
{
    struct mlb_pull_members members = {.fields = fields, .owner = owner};
    read_object(reader, &members, 1, no_parts);
}

/* ----------------------------------------------------------------------------------------- row */

static bool is_param(const struct mlb_row *row, const char *name)
{
    for (size_t i = 0; i < row->param_count; i++)
        if (strcmp(row->params[i].name, name) == 0)
            return true;
    return false;
}

static void read_params(struct mlb_digest_reader *reader)
{
    struct mlb_row *row = &reader->row;
    struct mlb_pull *pull = reader->pull;
    const char *key;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        struct mlb_param *param = &row->params[row->param_count];
        if (row->param_count == MLB_PARAMS)
            mlb_pull_fail(pull, "params: '%.40s' is one too many, at most %d are allowed", key,
                          MLB_PARAMS);
        else if (is_param(row, key))
            mlb_pull_fail(pull, "'%.40s' stands twice in one object", key);
        else if (!mlb_format(param->name, sizeof param->name, "%s", key))
            mlb_pull_fail(pull, "params: the name '%.40s' is too long", key);
        if (mlb_pull_failed(pull))
            return;
        mlb_pull_text(pull, param->name, param->value, sizeof param->value);
        row->param_count++;
    }
}

static void read_formula(struct mlb_digest_reader *reader)
{
    mlb_pull_text(reader->pull, "formula", reader->row.formula, sizeof reader->row.formula);
}

static void read_flop(struct mlb_digest_reader *reader)
{
    reader->has_flop = true;
    reader->row.work.flop = mlb_pull_real(reader->pull);
}

static void read_op(struct mlb_digest_reader *reader)
{
    reader->row.work.operations = true;
    reader->row.work.flop = mlb_pull_real(reader->pull);
}

static void read_work(struct mlb_digest_reader *reader)
{
    static const struct part parts[] = {
        {"formula", read_formula, true}, {"flop", read_flop, false}, {"op", read_op, false}, {0}};
    struct mlb_pull_members members = {.fields = mlb_fields_work, .owner = &reader->row};
    reader->has_flop = false;
    read_object(reader, &members, 1, parts);
    if (reader->has_flop && reader->row.work.operations)
        mlb_pull_fail(reader->pull, "'op' stands beside 'flop'; a step is counted in one of them");
}

static void skip_times(struct mlb_digest_reader *reader)
{
    reader->row.sample_count = 1; /* there are some: how many, the summary tells */
    mlb_pull_skip_numbers(reader->pull);
}

static void read_samples(struct mlb_digest_reader *reader)
{
    static const struct part parts[] = {{"time_ns", skip_times, true}, {0}};
    read_object(reader, NULL, 0, parts);
}

static void read_time(struct mlb_digest_reader *reader)
{
    struct mlb_summary *time = &reader->row.summary;
    struct mlb_pull_members members[] = {
        {.fields = mlb_fields_time, .owner = time},
        {.fields = mlb_fields_interval, .owner = time, .optional = true},
    };
    read_object(reader, members, 2, no_parts);
    time->interval.known = members[1].seen != 0;
}

static void read_verification(struct mlb_digest_reader *reader)
{
    reader->row.verified = true;
    read_table(reader, mlb_fields_verification, &reader->row);
}

static void read_clock(struct mlb_digest_reader *reader)
{
    reader->row.telemetry.clock_median_hz = (struct mlb_maybe){true, mlb_pull_real(reader->pull)};
}

static void read_telemetry(struct mlb_digest_reader *reader)
{
    static const struct part parts[] = {{"clock_median_hz", read_clock, false}, {0}};
    read_object(reader, NULL, 0, parts);
}

static void read_row(struct mlb_digest_reader *reader)
{
    static const struct part parts[] = {{"params", read_params, true},
                                        {"work", read_work, false},
                                        {"samples", read_samples, false},
                                        {"time_ns", read_time, false},
                                        {"telemetry", read_telemetry, false},
                                        {"verification", read_verification, false},
                                        {0}};
    struct mlb_row *row = &reader->row;
    struct mlb_pull_members members[] = {{.fields = mlb_fields_row_name, .owner = row},
                                         {.fields = mlb_fields_row_state, .owner = row}};
    char what[MLB_PROMISE_TEXT];
    *row = (struct mlb_row){0};
    read_object(reader, members, 2, parts);
    if (row->sample_count == 0 && row->summary.n > 0)
        mlb_pull_fail(reader->pull, "'samples' is missing, but 'time_ns' is there");
    const char *key = mlb_row_broken_promise(row, what);
    if (key)
        mlb_pull_fail(reader->pull, "'%s' %s", key, what);
    if (!mlb_pull_failed(reader->pull))
        mlb_digest_add_row(&reader->maker, row);
}

static bool is_wanted(struct mlb_digest_reader *reader, const struct mlb_digest *digest)
{
    return !reader->choice || reader->choice->wants(digest, reader->choice->of);
}

enum { SUITE, DEVICE, PROVIDER, CHOSEN_BY = 1u << SUITE | 1u << DEVICE | 1u << PROVIDER };

/* Decides where rows begin, when all that a choice may look at stands before them, as mlbench
 * writes it. Else the record is read to its end, since what is missing may stand behind the rows.
 */
static void choose_early(struct mlb_digest_reader *reader)
{
    struct mlb_digest digest;
    struct mlb_error err;
    bool whole = reader->choice != NULL && (reader->head_parts & CHOSEN_BY) == CHOSEN_BY;
    for (size_t i = 0; i < HEAD_TABLES; i++)
        whole = whole && mlb_pull_members_whole(&reader->head_members[i]);
    if (!whole || mlb_digest_make_head(&reader->maker, reader->path, &reader->head, &digest, &err))
        return;
    reader->unwanted = !is_wanted(reader, &digest);
    mlb_digest_free(&digest);
}

static void read_rows(struct mlb_digest_reader *reader)
{
    reader->has_rows = true;
    choose_early(reader);
    if (reader->unwanted) {
        mlb_pull_fail(reader->pull, "not wanted"); /* ends every loop */
        return;
    }
    mlb_pull_array(reader->pull);
    while (mlb_pull_element(reader->pull) && !reader->maker.no_memory)
        read_row(reader);
}

/* ---------------------------------------------------------------------------------------- head */

static void read_suite(struct mlb_digest_reader *reader)
{
    read_table(reader, mlb_fields_suite, &reader->head);
}

static void read_device(struct mlb_digest_reader *reader)
{
    read_table(reader, mlb_fields_device, &reader->head);
}

static void read_provider(struct mlb_digest_reader *reader)
{
    read_table(reader, mlb_fields_provider, &reader->head.provider);
}

static void read_price(struct mlb_digest_reader *reader)
{
    read_table(reader, mlb_fields_price, &reader->head);
}

static bool is_fact(const struct mlb_result *head, const char *name)
{
    for (size_t i = 0; i < head->fact_count; i++)
        if (strcmp(head->facts[i].name, name) == 0)
            return true;
    return false;
}

static void read_environment(struct mlb_digest_reader *reader)
{
    struct mlb_result *head = &reader->head;
    struct mlb_pull *pull = reader->pull;
    const char *key;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        struct mlb_fact *fact = &head->facts[head->fact_count];
        if (head->fact_count == MLB_FACTS_MAX)
            mlb_pull_fail(pull, "environment: '%.60s' is one too many, at most %d are allowed", key,
                          MLB_FACTS_MAX);
        else if (is_fact(head, key))
            mlb_pull_fail(pull, "'%.60s' stands twice in one object", key);
        else if (!mlb_format(fact->name, sizeof fact->name, "%s", key))
            mlb_pull_fail(pull, "environment: the name '%.60s' is too long", key);
        if (mlb_pull_failed(pull))
            return;
        mlb_pull_text(pull, fact->name, fact->value, sizeof fact->value);
        head->fact_count++;
    }
}

static void read_health(struct mlb_digest_reader *reader)
{
    struct mlb_result *head = &reader->head;
    mlb_pull_array(reader->pull);
    while (mlb_pull_element(reader->pull)) {
        if (head->health_count == MLB_HEALTH_MAX) {
            mlb_pull_fail(reader->pull, "health: one too many, at most %d are allowed",
                          MLB_HEALTH_MAX);
            return;
        }
        read_table(reader, mlb_fields_health, &head->health[head->health_count++]);
    }
}

/* A schema that this program does not know may have changed anything: of it, only the version of
 * its writer is read. */
static void refuse_newer(struct mlb_digest_reader *reader)
{
    struct mlb_result *head = &reader->head;
    char what[MLB_NEWER_TEXT];
    const char *key;
    while (!head->version[0] && mlb_pull_key(reader->pull, &key)) {
        if (strcmp(key, "version") == 0 && mlb_pull_peek(reader->pull) == MLB_PULL_STRING)
            mlb_format(head->version, sizeof head->version, "%s", mlb_pull_string(reader->pull));
        else
            mlb_pull_skip(reader->pull);
    }
    mlb_pull_fail(reader->pull, "%s", mlb_newer_schema(head->schema, head->version, what));
}

static void read_head(struct mlb_digest_reader *reader)
{
    static const struct part parts[] = {[SUITE] = {"suite", read_suite, true},
                                        [DEVICE] = {"device", read_device, true},
                                        [PROVIDER] = {"provider", read_provider, false},
                                        {"price", read_price, false},
                                        {"environment", read_environment, true},
                                        {"health", read_health, true},
                                        {"rows", read_rows, false},
                                        {0}};
    struct mlb_result *head = &reader->head;
    struct mlb_pull_members members[] = {{.fields = mlb_fields_head, .owner = head},
                                         {.fields = mlb_fields_job, .owner = head},
                                         {.fields = mlb_fields_end, .owner = head}};
    struct mlb_pull *pull = reader->pull;
    const char *key;
    reader->head_members = members;
    reader->head_parts = 0;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        read_member(reader, members, HEAD_TABLES, parts, key, &reader->head_parts);
        if (head->schema > MLB_RESULT_SCHEMA)
            refuse_newer(reader);
        else if ((members[0].seen & 1) && head->schema == 0)
            mlb_pull_fail(pull, "schema: 0 is not a schema of mlbench");
    }
    if (!(members[0].seen & 1))
        mlb_pull_fail(pull, "'schema' is missing; not a record of mlbench");
    check_members(reader, members, HEAD_TABLES, parts, reader->head_parts);
}

/* --------------------------------------------------------------------------------------- files */

static enum mlb_status open_file(struct mlb_digest_reader *reader, const char *path,
                                 struct mlb_error *err)
{
    struct stat file;
    char unit[MLB_UNIT_TEXT];
    if (stat(path, &file) == 0 && file.st_size > (off_t)MLB_RECORD_LIMIT)
        return mlb_fail(err, MLB_E_IO, "%s: cannot read: larger than %s", path,
                        mlb_print_bytes(unit, MLB_RECORD_LIMIT));
    if (reader->pull)
        return mlb_pull_reopen(reader->pull, path, err);
    reader->pull = mlb_pull_open(path, err);
    return reader->pull ? MLB_OK : err->status;
}

/* A journal, or a record whose rows are missing: the tree's reader tells. */
static enum mlb_status read_whole(struct mlb_digest_reader *reader, const char *path,
                                  struct mlb_digest *digest, struct mlb_error *err)
{
    struct mlb_result result;
    enum mlb_status status = mlb_result_load(path, &result, err);
    if (status)
        return status;
    for (size_t i = 0; i < result.row_count; i++)
        mlb_digest_add_row(&reader->maker, &result.rows[i]);
    status = mlb_digest_make(&reader->maker, path, &result, digest, err);
    mlb_result_free(&result);
    return status;
}

static enum mlb_status read_digest(struct mlb_digest_reader *reader, const char *path,
                                   struct mlb_digest *digest, struct mlb_error *err)
{
    enum mlb_status status = open_file(reader, path, err);
    if (status)
        return status;
    reader->head = (struct mlb_result){0};
    reader->has_rows = false;
    reader->path = path;
    reader->maker.row_count = 0;
    reader->maker.no_memory = false;
    read_head(reader);
    if (reader->unwanted)
        return MLB_OK;
    if (!mlb_pull_failed(reader->pull) && !reader->has_rows)
        return read_whole(reader, path, digest, err);
    status = mlb_pull_end(reader->pull, err);
    return status ? status : mlb_digest_make(&reader->maker, path, &reader->head, digest, err);
}

enum mlb_status mlb_digest_read(struct mlb_digest_reader *reader, const char *path,
                                struct mlb_digest *digest, bool *wanted, struct mlb_error *err)
{
    reader->unwanted = false;
    enum mlb_status status = read_digest(reader, path, digest, err);
    *wanted = !status && !reader->unwanted;
    if (*wanted && !is_wanted(reader, digest)) {
        *wanted = false;
        mlb_digest_free(digest);
    }
    return status;
}

bool mlb_digest_is_foreign(struct mlb_digest_reader *reader, const char *path)
{
    struct mlb_error err;
    bool schema = false, program = false;
    const char *key;
    if (open_file(reader, path, &err))
        return false;
    if (mlb_pull_peek(reader->pull) == MLB_PULL_OBJECT) {
        mlb_pull_object(reader->pull);
        while (mlb_pull_key(reader->pull, &key)) {
            schema |= strcmp(key, "schema") == 0;
            program |= strcmp(key, "program") == 0;
            mlb_pull_skip(reader->pull);
        }
    } else {
        mlb_pull_skip(reader->pull);
    }
    return !(schema && program) && mlb_pull_end(reader->pull, &err) == MLB_OK;
}

struct mlb_digest_reader *mlb_digest_reader_new(struct mlb_digest_store *store,
                                                const struct mlb_digest_choice *choice)
{
    struct mlb_digest_reader *reader = calloc(1, sizeof *reader);
    if (reader && !(reader->maker.names = mlb_digest_names_new(store))) {
        free(reader);
        return NULL;
    }
    if (reader)
        reader->choice = choice;
    return reader;
}

void mlb_digest_reader_free(struct mlb_digest_reader *reader)
{
    if (!reader)
        return;
    mlb_digest_names_free(reader->maker.names);
    mlb_pull_close(reader->pull);
    free(reader->maker.rows);
    free(reader);
}
