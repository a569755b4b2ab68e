/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MLB_REPORT_WRAP_H
#define MLB_REPORT_WRAP_H

#include <stdbool.h>

#include "harness/base/text.h"

struct mlb_wrap {
    size_t width;  /* columns of a line */
    size_t indent; /* of all lines but the first, which goes on where the cursor stands */
    bool cut;      /* a word longer than a line is cut; else it stays whole, too long */
};

/* `text` broken at blanks, with a newline at its end; `column` is where the cursor stands. */
void mlb_wrap_add(struct mlb_text *to, size_t column, const char *text, struct mlb_wrap wrap);

/* Bytes of the characters that fit into `columns` columns, of all of `text` when it has fewer. */
size_t mlb_wrap_bytes(const char *text, size_t columns);

#endif
