/* SPDX-License-Identifier: Apache-2.0 */
/* Talk: lines on stderr. stdout belongs to results. */
#ifndef MLB_BASE_LOG_H
#define MLB_BASE_LOG_H

#include <stdbool.h>

enum mlb_log_level { MLB_LOG_ERROR, MLB_LOG_WARN, MLB_LOG_INFO, MLB_LOG_DEBUG };

/* Passed by pointer; no global state. `stream_fd` is 2 but for tests. */
struct mlb_log {
    enum mlb_log_level level; /* lines above it are dropped */
    int stream_fd;
    int rank; /* -1: not printed */
};

/* One write(2) a line: "mlbench: text" or "mlbench: rank 3: text"; a NULL log drops it. */
void mlb_log(const struct mlb_log *log, enum mlb_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
