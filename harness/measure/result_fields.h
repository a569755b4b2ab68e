/* SPDX-License-Identifier: Apache-2.0 */
/* Which member of a row or a result stands under which JSON key. Writer and reader walk the same
 * tables, so they cannot drift apart. Only the files that write and read records include this. */
#ifndef MLB_MEASURE_RESULT_FIELDS_H
#define MLB_MEASURE_RESULT_FIELDS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum mlb_field_type {
    MLB_FIELD_TEXT,  /* char[size] */
    MLB_FIELD_REAL,  /* double */
    MLB_FIELD_MAYBE, /* struct mlb_maybe; absent when not known */
    MLB_FIELD_WHOLE, /* unsigned of 4 or 8 bytes, or an int that is never negative */
    MLB_FIELD_BOOL,
    MLB_FIELD_CHOICE /* enum; the text is choices[value] */
};

enum mlb_field_when {
    MLB_ALWAYS,
    MLB_WHEN_KNOWN, /* absent when "", 0 or false, which stand for unknown in the structs */
    MLB_WHEN_FINITE /* absent when infinite or NaN; read as NaN when absent */
};

struct mlb_field {
    const char *key;
    enum mlb_field_type type;
    enum mlb_field_when when;
    size_t offset, size;
    const char *const *choices; /* MLB_FIELD_CHOICE only; NULL-terminated */
};

/* Each ends with a NULL key. Offsets of the first block are into struct mlb_row. */
extern const struct mlb_field mlb_fields_row_name[];
extern const struct mlb_field mlb_fields_row_state[];
extern const struct mlb_field mlb_fields_work[];
extern const struct mlb_field mlb_fields_samples[];
extern const struct mlb_field mlb_fields_percentiles[];
extern const struct mlb_field mlb_fields_verification[];
extern const struct mlb_field mlb_fields_shares[];
extern const struct mlb_field mlb_fields_ports[];

/* Into struct mlb_row_port. */
extern const struct mlb_field mlb_fields_port[];

/* Into struct mlb_summary. */
extern const struct mlb_field mlb_fields_time[];
extern const struct mlb_field mlb_fields_interval[];

/* Into struct mlb_telemetry_window and struct mlb_sustain. */
extern const struct mlb_field mlb_fields_telemetry[];
extern const struct mlb_field mlb_fields_sustain[];

/* Into struct mlb_result. */
extern const struct mlb_field mlb_fields_head[];
extern const struct mlb_field mlb_fields_suite[];
extern const struct mlb_field mlb_fields_job[];
extern const struct mlb_field mlb_fields_device[];
extern const struct mlb_field mlb_fields_price[];
extern const struct mlb_field mlb_fields_end[];

/* Into struct mlb_provider. */
extern const struct mlb_field mlb_fields_provider[];

/* Into struct mlb_health. */
extern const struct mlb_field mlb_fields_health[];

/* The value that `text` stands for, or -1; all of them as "a, b, c" in `to`, which is returned. */
int mlb_choice_of(const struct mlb_field *field, const char *text);
const char *mlb_choices_text(const struct mlb_field *field, char *to, size_t size);

/* Members of `owner` under their keys; an array of finite numbers. False: out of memory, or a
 * number that is not finite. */
bool mlb_fields_to_json(cJSON *object, const struct mlb_field *fields, const void *owner);
bool mlb_reals_to_json(cJSON *object, const char *key, const double *values, size_t count);

#endif
