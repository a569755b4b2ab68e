/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes, the error that travels with them, and the exit code each one becomes.
 *
 * Every function that can fail returns `enum mlb_status` and fills `struct mlb_error`. Only
 * harness/main.c prints an error and turns it into the exit code of the process. */
#ifndef MLB_BASE_STATUS_H
#define MLB_BASE_STATUS_H

/* X(name, exit code, one-line meaning). Exit codes: 0 good; 1 regression or wrong result; 2 usage
 * or configuration; 3 no verdict (not measured, not comparable); 4 unhealthy machine. */
#define MLB_STATUS_LIST(X)                                                                         \
    X(OK, 0, "ok")                                                                                 \
    X(E_USAGE, 2, "wrong use of the command line")                                                 \
    X(E_CONFIG, 2, "wrong configuration file or value")                                            \
    X(E_IO, 2, "a file cannot be read or written")                                                 \
    X(E_NOMEM, 3, "out of memory")                                                                 \
    X(E_UNSUPPORTED, 3, "this machine, device or library cannot do it")                            \
    X(E_DEVICE, 3, "a device or its library failed")                                               \
    X(E_COMM, 3, "communication between ranks failed")                                             \
    X(E_TIMEOUT, 3, "a deadline passed")                                                           \
    X(E_INTERRUPTED, 3, "interrupted before the end")                                              \
    X(E_NO_VERDICT, 3, "nothing was measured that could be judged")                                \
    X(E_WRONG, 1, "a result is wrong")                                                             \
    X(E_SLOWER, 1, "slower than what it was compared with")                                        \
    X(E_UNHEALTHY, 4, "the machine is not healthy")                                                \
    X(E_INTERNAL, 3, "a bug in mlbench")

enum mlb_status {
#define MLB_STATUS_ENUM(name, exit_code, text) MLB_##name,
    MLB_STATUS_LIST(MLB_STATUS_ENUM)
#undef MLB_STATUS_ENUM
};

#define MLB_ERROR_TEXT 768

struct mlb_error {
    enum mlb_status status;
    char text[MLB_ERROR_TEXT]; /* one line, no newline at the end; "" while status is MLB_OK */
};

/* Fill `err` (may be NULL) and return `status`, so that a caller writes `return mlb_fail(...)`.
 * The text names the thing, the place, what is allowed and the likely meaning. */
enum mlb_status mlb_fail(struct mlb_error *err, enum mlb_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put `prefix: ` in front of the text that `err` already holds; returns err->status. */
enum mlb_status mlb_fail_at(struct mlb_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

const char *mlb_status_name(enum mlb_status status);    /* "E_CONFIG" */
const char *mlb_status_meaning(enum mlb_status status); /* the third column of the list */
int mlb_status_exit_code(enum mlb_status status);

#endif
