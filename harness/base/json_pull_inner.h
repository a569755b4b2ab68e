/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the pull reader share: json_window.c, json_text.c, json_pull.c. */
#ifndef MLB_BASE_JSON_PULL_INNER_H
#define MLB_BASE_JSON_PULL_INNER_H

#include "harness/base/json_pull.h"
#include "harness/base/text.h"

struct mlb_pull {
    char name[1024];
    int fd;           /* -1: a document in memory */
    const char *rest; /* of that one, what the window has not seen yet */
    size_t rest_length;
    char *window, *at, *end; /* of `at` on, nothing was read yet; *end is zero */
    size_t room;             /* bytes of the window */
    bool ended;              /* nothing more comes behind `end` */
    char before;             /* the byte before the window */
    size_t line;             /* of the window's first byte */
    const char *value;       /* where the value read last begins; NULL: it left, from this line */
    size_t value_line;
    bool first; /* nothing of the innermost list or object was read yet */
    size_t depth;
    struct mlb_text *copy; /* what takes what is read, from `copied` on; NULL = nobody */
    const char *copied;
    size_t copy_limit;
    struct mlb_error err; /* the first */
    char key[MLB_PULL_TEXT], text[MLB_PULL_TEXT];
};

/* The bytes that come next, and errors: json_window.c. */
void mlb_pull_fetch(struct mlb_pull *pull, size_t count);
/* At least `count` bytes from `at` on, where the document has them. */
static inline void mlb_pull_need(struct mlb_pull *pull, size_t count)
{
    if ((size_t)(pull->end - pull->at) < count)
        mlb_pull_fetch(pull, count);
}
bool mlb_pull_at_end(struct mlb_pull *pull);
char mlb_pull_next(struct mlb_pull *pull); /* neither blank nor comment; 0 at the end */
/* To whoever copies: what was read since the last time. */
void mlb_pull_keep(struct mlb_pull *pull);

/* Keeps the error, unless there is one, with the line of `at`. */
void mlb_pull_wrong(struct mlb_pull *pull, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void mlb_pull_cut_off(struct mlb_pull *pull, const char *inside);
/* What stands at `at` is another thing than `what`. */
void mlb_pull_expected(struct mlb_pull *pull, const char *what);
/* The end inside `inside`, or a byte of no text, is an error; else false. */
bool mlb_pull_no_text(struct mlb_pull *pull, const char *inside);

/* From an opening quote to behind the closing one; the content into `text` (MLB_PULL_TEXT bytes,
 * NULL: nowhere). json_text.c. */
void mlb_pull_pass_string(struct mlb_pull *pull, char *text);

#endif
