/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/journal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/text.h"

#define JOURNAL_LIMIT ((size_t)256 << 20) /* bytes */

struct mlb_journal {
    int fd;
    off_t end; /* of the last whole line */
    bool torn; /* half a line stands behind `end` and could not be cut off yet */
    char path[1024];
};

/* ---------------------------------------------------------------------------------------- line */

/* A row's line is exactly LINE_HEAD row LINE_MIDDLE 8 hex digits LINE_TAIL: valid JSON, and the
 * row's text can be found for its checksum without parsing what may be damaged. */
#define LINE_HEAD   "{\"row\":"
#define LINE_MIDDLE ",\"crc32\":\""
#define LINE_TAIL   "\"}"
#define LINE_CRC    8

/* CRC-32 of IEEE 802.3 (zlib's): reflected polynomial 0xedb88320. */
static uint32_t crc32_of(const char *text, size_t length)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

/* The row's text within a line without its newline; false when frame or checksum are not right. */
static bool unframe(const char *line, size_t length, const char **row, size_t *row_length)
{
    const size_t head = sizeof LINE_HEAD - 1, middle = sizeof LINE_MIDDLE - 1;
    const size_t tail = sizeof LINE_TAIL - 1, frame = head + middle + LINE_CRC + tail;
    if (length < frame)
        return false;
    size_t inner = length - frame;
    const char *after = line + head + inner;
    char crc[LINE_CRC + 1];
    snprintf(crc, sizeof crc, "%08x", crc32_of(line + head, inner));
    *row = line + head;
    *row_length = inner;
    return memcmp(line, LINE_HEAD, head) == 0 && memcmp(after, LINE_MIDDLE, middle) == 0 &&
           memcmp(after + middle, crc, LINE_CRC) == 0 &&
           memcmp(after + middle + LINE_CRC, LINE_TAIL, tail) == 0;
}

/* ------------------------------------------------------------------------------------- writing */

static enum mlb_status fail_io(const char *path, struct mlb_error *err)
{
    const char *cause = strerror(errno);
    return mlb_fail(err, MLB_E_IO, "%s: %c%s", path, tolower((unsigned char)cause[0]), cause + 1);
}

/* write(2) takes less than all when a disk gets full or a signal comes; the next call tells why. */
static bool write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

/* EINVAL: a file system that cannot; the write itself has succeeded then. */
static bool sync_file(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL;
}

/* The new name must survive a crash too. */
static void sync_folder(const char *path)
{
    char folder[1024];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    sync_file(fd);
    close(fd);
}

/* One line to the disk, or none of it. */
static enum mlb_status write_line(struct mlb_journal *journal, const char *line, size_t length,
                                  struct mlb_error *err)
{
    if (journal->torn && ftruncate(journal->fd, journal->end) != 0)
        return fail_io(journal->path, err);
    journal->torn = false;
    if (write_all(journal->fd, line, length) && sync_file(journal->fd)) {
        journal->end += (off_t)length;
        return MLB_OK;
    }
    enum mlb_status status = fail_io(journal->path, err);
    journal->torn = ftruncate(journal->fd, journal->end) != 0;
    return status;
}

static enum mlb_status write_head(struct mlb_journal *journal, const struct mlb_result *head,
                                  struct mlb_error *err)
{
    cJSON *json = mlb_result_head_to_json(head);
    char *printed = json ? cJSON_PrintUnformatted(json) : NULL;
    struct mlb_text line = {0};
    enum mlb_status status;
    mlb_text_add(&line, printed ? printed : "");
    mlb_text_add(&line, "\n");
    if (printed && !line.failed)
        status = write_line(journal, line.data, line.length, err);
    else
        status = mlb_fail(err, MLB_E_NOMEM, "%s: out of memory for its head", journal->path);
    mlb_text_free(&line);
    cJSON_free(printed);
    cJSON_Delete(json);
    return status;
}

enum mlb_status mlb_journal_append(struct mlb_journal *journal, const struct mlb_row *row,
                                   struct mlb_error *err)
{
    cJSON *json = mlb_row_to_json(row);
    char *printed = json ? cJSON_PrintUnformatted(json) : NULL;
    struct mlb_text line = {0};
    enum mlb_status status;
    mlb_text_add(&line, LINE_HEAD);
    mlb_text_add(&line, printed ? printed : "");
    mlb_text_addf(&line, LINE_MIDDLE "%08x" LINE_TAIL "\n",
                  printed ? crc32_of(printed, strlen(printed)) : 0u);
    if (printed && !line.failed)
        status = write_line(journal, line.data, line.length, err);
    else
        status = mlb_fail(err, MLB_E_NOMEM,
                          "%s: the row of %s cannot be made: out of memory, or a time that is not "
                          "finite",
                          journal->path, row->id);
    mlb_text_free(&line);
    cJSON_free(printed);
    cJSON_Delete(json);
    return status;
}

/* ------------------------------------------------------------------------------------- reading */

/* The head: a JSON object on the first line, without "rows" and with a schema. */
static enum mlb_status read_head(const char *path, const char *text, size_t length,
                                 struct mlb_result *result, struct mlb_error *err)
{
    const char *newline = memchr(text, '\n', length);
    if (length == 0 || (!newline && text[0] == '{'))
        return mlb_fail(err, MLB_E_CONFIG,
                        "%s:1: the journal's head was cut short, so it holds no row: remove it and "
                        "start anew",
                        path);
    struct mlb_json json = {0};
    size_t line = newline ? (size_t)(newline - text) : length;
    struct mlb_error why = {0};
    if (mlb_json_parse(&json, path, text, line, &why) != MLB_OK ||
        !cJSON_HasObjectItem(json.root, "schema") || cJSON_HasObjectItem(json.root, "rows")) {
        mlb_json_close(&json);
        return mlb_fail(err, MLB_E_CONFIG, "%s:1: not a journal of mlbench", path);
    }
    enum mlb_status status = mlb_result_from_json(json.root, result, err);
    if (status != MLB_OK)
        mlb_fail_at(err, "%s:1", path);
    mlb_json_close(&json);
    return status;
}

static enum mlb_status read_row(const char *text, size_t length, struct mlb_result *result,
                                struct mlb_error *err)
{
    struct mlb_json json = {0};
    struct mlb_row row = {0};
    enum mlb_status status = mlb_json_parse(&json, "row", text, length, err);
    if (status == MLB_OK)
        status = mlb_row_from_json(json.root, &row, err);
    if (status == MLB_OK)
        status = mlb_result_put(result, &row, err); /* the later one counts */
    mlb_row_free(&row);
    mlb_json_close(&json);
    return status;
}

/* All lines of `text`; *good is where the last good one ends. A bad last line is one that was being
 * written when the run ended, whether or not its newline came to the disk. */
static enum mlb_status read_lines(const char *path, const char *text, size_t length,
                                  struct mlb_result *result, size_t *good, struct mlb_error *err)
{
    enum mlb_status status = read_head(path, text, length, result, err);
    if (status != MLB_OK)
        return status;
    const char *end = text + length;
    const char *line = (const char *)memchr(text, '\n', length) + 1;
    for (size_t number = 2; line < end; number++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line)), *row;
        size_t row_length;
        bool last = !newline || newline + 1 == end;
        if (!newline || !unframe(line, (size_t)(newline - line), &row, &row_length)) {
            if (last)
                break;
            return mlb_fail(
                err, MLB_E_CONFIG,
                "%s:%zu: this line is damaged (its checksum is wrong), but lines follow: "
                "the file was changed after it was written",
                path, number);
        }
        status = read_row(row, row_length, result, err);
        if (status != MLB_OK)
            return mlb_fail_at(err, "%s:%zu", path, number);
        line = newline + 1;
    }
    *good = (size_t)(line - text);
    return MLB_OK;
}

static enum mlb_status read_file(const char *path, struct mlb_result *result, size_t *good,
                                 struct mlb_error *err)
{
    char *text = NULL;
    size_t length = 0;
    memset(result, 0, sizeof *result);
    enum mlb_status status = mlb_file_read(path, JOURNAL_LIMIT, &text, &length, err);
    if (status == MLB_OK)
        status = read_lines(path, text, length, result, good, err);
    if (status != MLB_OK)
        mlb_result_free(result);
    free(text);
    return status;
}

enum mlb_status mlb_journal_read(const char *path, struct mlb_result *result, struct mlb_error *err)
{
    size_t good;
    return read_file(path, result, &good, err);
}

/* ---------------------------------------------------------------------------- opening, closing */

/* Some network file systems know no locks: a run there goes on without one. */
static enum mlb_status lock(int fd, const char *path, struct mlb_error *err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno == ENOSYS || errno == EOPNOTSUPP ||
        errno == ENOLCK)
        return MLB_OK;
    if (errno == EWOULDBLOCK)
        return mlb_fail(err, MLB_E_IO, "%s: another mlbench is writing it; wait until that ends",
                        path);
    return fail_io(path, err);
}

static enum mlb_status open_locked(const char *path, int flags, struct mlb_journal **journal,
                                   struct mlb_error *err)
{
    *journal = NULL;
    struct mlb_journal *made = calloc(1, sizeof *made);
    if (!made)
        return mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", path);
    enum mlb_status status;
    if (!mlb_format(made->path, sizeof made->path, "%s", path)) {
        free(made);
        return mlb_fail(err, MLB_E_IO, "%.60s...: the path is longer than %zu bytes", path,
                        sizeof made->path - 1);
    }
    made->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | flags, 0666);
    status = made->fd < 0 ? fail_io(path, err) : lock(made->fd, path, err);
    if (status == MLB_OK)
        *journal = made;
    else
        mlb_journal_close(made, false);
    return status;
}

enum mlb_status mlb_journal_create(const char *path, const struct mlb_result *head,
                                   struct mlb_journal **journal, struct mlb_error *err)
{
    enum mlb_status status = open_locked(path, O_CREAT | O_EXCL, journal, err);
    if (status != MLB_OK)
        return status;
    status = write_head(*journal, head, err);
    if (status != MLB_OK) {
        mlb_journal_close(*journal, true);
        *journal = NULL;
        return status;
    }
    sync_folder(path);
    return MLB_OK;
}

enum mlb_status mlb_journal_resume(const char *path, struct mlb_result *result,
                                   struct mlb_journal **journal, struct mlb_error *err)
{
    memset(result, 0, sizeof *result);
    enum mlb_status status = open_locked(path, 0, journal, err);
    if (status != MLB_OK)
        return status;
    size_t good = 0;
    status = read_file(path, result, &good, err);
    if (status == MLB_OK && ftruncate((*journal)->fd, (off_t)good) != 0) {
        status = fail_io(path, err);
        mlb_result_free(result);
    }
    if (status != MLB_OK) {
        mlb_journal_close(*journal, false);
        *journal = NULL;
        return status;
    }
    (*journal)->end = (off_t)good;
    return MLB_OK;
}

void mlb_journal_close(struct mlb_journal *journal, bool done)
{
    if (!journal)
        return;
    if (journal->fd >= 0) {
        if (done)
            unlink(journal->path);
        close(journal->fd);
    }
    free(journal);
}

const char *mlb_journal_path(const struct mlb_journal *journal)
{
    return journal->path;
}
