/* SPDX-License-Identifier: Apache-2.0 */
/* An option as a row of a const table. One row makes the command-line option, the key of a suite
 * file, the default, the range check, the help, the man page and the shell completion.
 *
 * A table ends with a row whose name is NULL. Values live in a plain struct of the table's owner
 * (no pointers), so a struct of values may be copied and compared. */
#ifndef MLB_BASE_OPTION_H
#define MLB_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/base/text.h"

#define MLB_OPTION_TEXT 256 /* bytes that a MLB_TEXT value has, its zero included */

enum mlb_option_type {
    MLB_FLAG,     /* bool;      no value on the command line, true/false in a file */
    MLB_COUNT,    /* uint64_t;  decimal suffixes k, M, G */
    MLB_REAL,     /* double */
    MLB_BYTES,    /* uint64_t;  64KiB, 1GiB */
    MLB_SECONDS,  /* double;    90s, 2min */
    MLB_FRACTION, /* double;    1% or 0.01 */
    MLB_TEXT,     /* char[MLB_OPTION_TEXT] */
    MLB_CHOICE    /* int;       index into .choices */
};

struct mlb_option {
    const char *name; /* long name without dashes = key in a file */
    char letter;      /* short option, 0 = none */
    enum mlb_option_type type;
    size_t offset;              /* of the value in the owner's struct */
    double min, max;            /* inclusive, for numbers; both 0 = unbounded */
    const char *initial;        /* default, parsed like a user's text; NULL = zero or "" */
    const char *const *choices; /* MLB_CHOICE only; NULL-terminated */
    const char *value;          /* what help calls the value: "SIZE"; NULL for flags */
    const char *help;           /* one line */
    unsigned commands;          /* bit set of commands that take it, owner-defined; 0 = all */
};

/* Set every value to its default. Fails only on a bug in the table (MLB_E_INTERNAL). */
enum mlb_status mlb_option_defaults(const struct mlb_option *table, void *values,
                                    struct mlb_error *err);

/* Parse `text` into the row's value. The error text says the name, what came, what is allowed
 * ("target = 150%: out of range; 0.01 % to 50 %"); a flag takes NULL, "true" or "false". */
enum mlb_status mlb_option_set(const struct mlb_option *row, void *values, const char *text,
                               struct mlb_error *err);

/* Canonical text of the value: parsing it again gives the same value ("64KiB", "0.01", "bf16"). */
void mlb_option_print(const struct mlb_option *row, const void *values, struct mlb_text *text);

const struct mlb_option *mlb_option_find(const struct mlb_option *table, const char *name);
const struct mlb_option *mlb_option_find_letter(const struct mlb_option *table, char letter);

/* "; did you mean 'iterations'?" or, when nothing is near, "; known: a, b, c" into `to`. */
const char *mlb_option_hint(const struct mlb_option *table, const char *word, char *to,
                            size_t size);

#endif
