/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/text.h"

/* What vsnprintf put into `size` bytes when it wanted `wanted`. */
static size_t written(int wanted, size_t size)
{
    if (wanted < 0)
        return 0;
    return (size_t)wanted < size ? (size_t)wanted : size - 1;
}

static size_t begin_line(char *line, size_t size, int rank)
{
    if (rank < 0)
        mlb_format(line, size, "mlbench: ");
    else
        mlb_format(line, size, "mlbench: rank %d: ", rank);
    return strlen(line);
}

void mlb_log(const struct mlb_log *log, enum mlb_log_level level, const char *format, ...)
{
    if (!log || level > log->level)
        return;
    int saved = errno;
    char line[2048]; /* below PIPE_BUF: lines of several ranks in one pipe do not mix */
    size_t length = begin_line(line, sizeof line, log->rank);
    va_list arguments;
    va_start(arguments, format);
    size_t room = sizeof line - length - 1; /* one byte is kept for the newline */
    int wanted = vsnprintf(line + length, room, format, arguments);
    va_end(arguments);
    length += written(wanted, room);
    if (wanted >= 0 && (size_t)wanted >= room)
        memcpy(line + length - 3, "...", 3);
    while (length > 0 && line[length - 1] == '\n')
        length--;
    line[length] = '\0';
    mlb_text_harmless(line);
    length = strlen(line);
    line[length++] = '\n';
    while (write(log->stream_fd, line, length) < 0 && errno == EINTR)
        ;
    errno = saved;
}
