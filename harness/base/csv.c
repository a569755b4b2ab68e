/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

/* Where the bytes of a record are: at the beginning of a field, in a plain one, in a quoted one,
 * behind a quote of it that may be its end, behind the record. */
enum place { START, PLAIN, QUOTED, CLOSED, DONE };

struct mlb_csv {
    int fd; /* -1: from memory */
    char name[1024];
    char *chunk;           /* CHUNK bytes; NULL from memory */
    const char *at, *end;  /* of what was read and not yet looked at */
    char last;             /* the byte before `at`: CR LF is one line's end */
    size_t line, began_at; /* of `at`, of the last record */

    char *bytes; /* of the record, each field with its zero */
    size_t length, room;
    size_t starts[MLB_CSV_FIELDS];
    const char *fields[MLB_CSV_FIELDS];
    size_t count;
    bool quoted; /* the record has a quoted field: it is not blank */
    bool open;   /* the bytes ended in its last field, which no quote closed */
    struct mlb_error failed;
};

static struct mlb_csv *new_reader(const char *name, size_t chunk, struct mlb_error *err)
{
    struct mlb_csv *csv = calloc(1, sizeof *csv);
    if (csv && chunk && !(csv->chunk = malloc(chunk))) {
        free(csv);
        csv = NULL;
    }
    if (!csv) {
        mlb_fail(err, MLB_E_NOMEM, "%s: cannot read: out of memory", name);
        return NULL;
    }
    mlb_format(csv->name, sizeof csv->name, "%s", name);
    csv->fd = -1;
    csv->line = 1;
    return csv;
}

struct mlb_csv *mlb_csv_open(const char *path, struct mlb_error *err)
{
    struct mlb_csv *csv = new_reader(path, CHUNK, err);
    if (!csv)
        return NULL;
    csv->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (csv->fd >= 0)
        return csv;
    mlb_fail(err, MLB_E_IO, "%s: cannot read: %s", path, strerror(errno));
    mlb_csv_close(csv);
    return NULL;
}

/* Spreadsheets put one in front of UTF-8. */
static void skip_mark(struct mlb_csv *csv)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (csv->end - csv->at >= 3 && memcmp(csv->at, mark, 3) == 0)
        csv->at += 3;
}

struct mlb_csv *mlb_csv_memory(const char *name, const char *text, size_t length,
                               struct mlb_error *err)
{
    struct mlb_csv *csv = new_reader(name, 0, err);
    if (!csv)
        return NULL;
    csv->at = text;
    csv->end = text + length;
    skip_mark(csv);
    return csv;
}

void mlb_csv_close(struct mlb_csv *csv)
{
    if (!csv)
        return;
    if (csv->fd >= 0)
        close(csv->fd);
    free(csv->chunk);
    free(csv->bytes);
    free(csv);
}

static bool failed(struct mlb_csv *csv)
{
    return csv->failed.status != MLB_OK;
}

static void fail_at(struct mlb_csv *csv, size_t line, const char *what)
{
    mlb_fail(&csv->failed, MLB_E_CONFIG, "%s:%zu: %s", csv->name, line, what);
}

/* As much as there is, up to a chunk: a pipe gives less at a time, and the mark needs three bytes
 * at once. */
static bool refill(struct mlb_csv *csv)
{
    bool first = !csv->at;
    size_t length = 0;
    while (csv->fd >= 0 && length < CHUNK) {
        ssize_t count = read(csv->fd, csv->chunk + length, CHUNK - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            mlb_fail(&csv->failed, MLB_E_IO, "%s: cannot read: %s", csv->name, strerror(errno));
        if (count <= 0)
            break;
        length += (size_t)count;
    }
    if (failed(csv) || length == 0)
        return false;
    csv->at = csv->chunk;
    csv->end = csv->chunk + length;
    if (first)
        skip_mark(csv);
    return csv->at < csv->end || refill(csv);
}

static void keep(struct mlb_csv *csv, const char *from, size_t length)
{
    if (csv->length + length > MLB_CSV_RECORD) {
        fail_at(csv, csv->began_at, "a record of more than 4 MiB: a quote that is never closed?");
        return;
    }
    while (csv->length + length > csv->room) {
        size_t room = csv->room ? 2 * csv->room : 4096;
        char *bytes = realloc(csv->bytes, room);
        if (!bytes) {
            mlb_fail(&csv->failed, MLB_E_NOMEM, "%s: cannot read: out of memory", csv->name);
            return;
        }
        csv->bytes = bytes;
        csv->room = room;
    }
    if (length > 0) /* of an empty first field there is no room yet */
        memcpy(csv->bytes + csv->length, from, length);
    csv->length += length;
}

static void begin_field(struct mlb_csv *csv)
{
    if (csv->count == MLB_CSV_FIELDS)
        fail_at(csv, csv->began_at, "a record of more than 256 fields");
    else
        csv->starts[csv->count++] = csv->length;
}

/* Over one byte. CR, LF and CR LF end a line, mixed as they come. */
static void pass(struct mlb_csv *csv)
{
    char byte = *csv->at++;
    csv->line += byte == '\r' || (byte == '\n' && csv->last != '\r');
    csv->last = byte;
}

static bool ends_line(char byte)
{
    return byte == '\n' || byte == '\r';
}

/* The separator or the line's end behind a field. */
static enum place end_field(struct mlb_csv *csv)
{
    enum place next = *csv->at == ',' ? START : DONE;
    keep(csv, "", 1);
    pass(csv);
    if (next == START)
        begin_field(csv);
    return next;
}

static enum place in_plain(struct mlb_csv *csv)
{
    const char *from = csv->at, *at = from;
    while (at < csv->end && *at != ',' && *at && !ends_line(*at))
        at++;
    keep(csv, from, (size_t)(at - from));
    csv->at = at;
    if (at > from)
        csv->last = at[-1];
    if (at == csv->end)
        return PLAIN;
    if (*at)
        return end_field(csv);
    fail_at(csv, csv->line, "a zero byte: this is not a text file");
    return DONE;
}

static enum place at_start(struct mlb_csv *csv)
{
    if (*csv->at == '\n' && csv->last == '\r' && csv->length == 0 && csv->count == 1) {
        csv->last = *csv->at++; /* the second half of the end of the line before */
        return START;
    }
    if (csv->length == 0 && csv->count == 1)
        csv->began_at = csv->line;
    if (*csv->at != '"')
        return in_plain(csv);
    csv->quoted = true;
    pass(csv);
    return QUOTED;
}

static enum place in_quotes(struct mlb_csv *csv)
{
    const char *from = csv->at;
    while (csv->at < csv->end && *csv->at && *csv->at != '"')
        pass(csv);
    keep(csv, from, (size_t)(csv->at - from));
    if (csv->at == csv->end)
        return QUOTED;
    if (!*csv->at) {
        fail_at(csv, csv->line, "a zero byte: this is not a text file");
        return DONE;
    }
    pass(csv);
    return CLOSED;
}

static enum place behind_quote(struct mlb_csv *csv)
{
    if (*csv->at == '"') {
        keep(csv, "\"", 1);
        pass(csv);
        return QUOTED;
    }
    if (*csv->at == ',' || ends_line(*csv->at))
        return end_field(csv);
    fail_at(csv, csv->line, "text behind a quoted field; a quote inside of one is written twice");
    return DONE;
}

static enum place step(struct mlb_csv *csv, enum place place)
{
    static enum place (*const steps[])(struct mlb_csv *) = {
        [START] = at_start, [PLAIN] = in_plain, [QUOTED] = in_quotes, [CLOSED] = behind_quote};
    return steps[place](csv);
}

/* The bytes are at their end inside of a record. */
static void end_record(struct mlb_csv *csv, enum place place)
{
    if (place == QUOTED)
        fail_at(csv, csv->began_at, "cut off: a quoted field of this record has no end");
    else
        keep(csv, "", 1);
    csv->open = place != CLOSED;
}

/* False when nothing is left. */
static bool read_record(struct mlb_csv *csv)
{
    enum place place = START;
    csv->count = csv->length = 0;
    csv->quoted = false;
    csv->began_at = csv->line;
    begin_field(csv);
    while (place != DONE && !failed(csv)) {
        if (csv->at < csv->end || refill(csv))
            place = step(csv, place);
        else if (!failed(csv) && place == START && csv->count == 1)
            return false;
        else if (!failed(csv)) {
            end_record(csv, place);
            break;
        }
    }
    return !failed(csv);
}

bool mlb_csv_next(struct mlb_csv *csv, const char *const **fields, size_t *count,
                  struct mlb_error *err)
{
    bool blank = true;
    while (blank && !failed(csv) && read_record(csv))
        blank = csv->count == 1 && csv->length == 1 && !csv->quoted;
    if (err)
        *err = csv->failed;
    if (failed(csv) || blank)
        return false;
    for (size_t i = 0; i < csv->count; i++)
        csv->fields[i] = csv->bytes + csv->starts[i];
    *fields = csv->fields;
    *count = csv->count;
    return true;
}

bool mlb_csv_ended(const struct mlb_csv *csv)
{
    return !csv->open;
}

size_t mlb_csv_line(const struct mlb_csv *csv)
{
    return csv->began_at;
}

size_t mlb_csv_find(const char *const *header, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(header[i], name) != 0)
        i++;
    return i;
}

void mlb_csv_add(struct mlb_text *to, const char *value)
{
    if (!strpbrk(value, ",\"\r\n")) {
        mlb_text_add(to, value);
        return;
    }
    mlb_text_add(to, "\"");
    for (; *value; value++)
        mlb_text_addf(to, *value == '"' ? "%c\"" : "%c", *value);
    mlb_text_add(to, "\"");
}
