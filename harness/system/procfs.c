/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/procfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool mlb_procfs_read(const char *root, const char *path, char *to, size_t size)
{
    char full[PATH_MAX];
    size_t length = 0;
    to[0] = '\0';
    int cut = snprintf(full, sizeof full, "%s%s", root, path);
    int fd = cut > 0 && (size_t)cut < sizeof full ? open(full, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    ssize_t got;
    while (length < size - 1 && (got = read(fd, to + length, size - 1 - length)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        length += (size_t)got;
    }
    bool good = length == size - 1 || got == 0;
    close(fd);
    to[good ? length : 0] = '\0';
    if (good && length > 0 && to[length - 1] == '\n')
        to[length - 1] = '\0';
    return good;
}

bool mlb_procfs_read_u64(const char *root, const char *path, uint64_t *value)
{
    char text[64], *end;
    if (!mlb_procfs_read(root, path, text, sizeof text) || !isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *value = number;
    return true;
}

static bool is_around(char c)
{
    return c == ' ' || c == '\t' || c == '"' || c == '\r';
}

static void copy_trimmed(const char *from, size_t length, char *to, size_t size)
{
    while (length > 0 && is_around(from[0])) {
        from++;
        length--;
    }
    while (length > 0 && is_around(from[length - 1]))
        length--;
    snprintf(to, size, "%.*s", (int)(length < size ? length : size - 1), from);
}

/* Where the value begins, when `line` is of `key`; else NULL. */
static const char *value_of_line(const char *line, const char *key, char separator)
{
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0)
        return NULL;
    line += length;
    while (separator != ' ' && (*line == ' ' || *line == '\t'))
        line++;
    return *line == separator ? line + 1 : NULL;
}

bool mlb_procfs_value(const char *text, const char *key, char separator, char *to, size_t size)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *value = value_of_line(line, key, separator);
        if (value) {
            copy_trimmed(value, strcspn(value, "\n"), to, size);
            return true;
        }
    }
    return false;
}

bool mlb_procfs_has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length)
        if ((at == words || isspace((unsigned char)at[-1])) &&
            (at[length] == '\0' || isspace((unsigned char)at[length])))
            return true;
    return false;
}

bool mlb_procfs_bracketed(const char *text, char *to, size_t size)
{
    const char *open_at = strchr(text, '[');
    const char *close_at = open_at ? strchr(open_at, ']') : NULL;
    if (!close_at)
        return false;
    copy_trimmed(open_at + 1, (size_t)(close_at - open_at - 1), to, size);
    return true;
}
