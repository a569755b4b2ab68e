/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/wrap.h"

#include <string.h>

#include "harness/base/utf8.h"

size_t mlb_wrap_bytes(const char *text, size_t columns)
{
    size_t at = 0, takes;
    for (size_t used = 0; text[at]; used += takes) {
        size_t bytes = mlb_utf8_step(text + at, &takes);
        if (used + takes > columns)
            break;
        at += bytes;
    }
    return at;
}

static void new_line(struct mlb_text *to, size_t *column, const struct mlb_wrap *wrap)
{
    mlb_text_addf(to, "\n%*s", (int)wrap->indent, "");
    *column = wrap->indent;
}

static size_t columns_of(const char *text, size_t bytes)
{
    size_t all = 0, columns;
    for (size_t at = 0; at < bytes; all += columns)
        at += mlb_utf8_step(text + at, &columns);
    return all;
}

void mlb_wrap_add(struct mlb_text *to, size_t column, const char *text, struct mlb_wrap wrap)
{
    size_t blanks = 0;                   /* before the next word */
    bool begins = column <= wrap.indent; /* no word stands on this line yet */
    text += strspn(text, " ");
    while (*text) {
        size_t word = strcspn(text, " "), columns = columns_of(text, word);
        if (!begins && column + blanks + columns > wrap.width) {
            new_line(to, &column, &wrap);
            blanks = 0;
        }
        if (wrap.cut && column + blanks + columns > wrap.width) {
            word = mlb_wrap_bytes(text, wrap.width - column - blanks);
            columns = columns_of(text, word);
        }
        mlb_text_addf(to, "%*s%.*s", (int)blanks, "", (int)word, text);
        begins = false;
        column += blanks + columns;
        text += word;
        blanks = strspn(text, " ");
        text += blanks;
    }
    mlb_text_trim(to);
    mlb_text_add(to, "\n");
}
