/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/wrap.h"

#include <string.h>

size_t mlb_wrap_bytes(const char *text, size_t columns)
{
    const char *at = text;
    while (*at && columns-- > 0)
        do
            at++;
        while (((unsigned char)*at & 0xc0u) == 0x80u); /* the rest of a UTF-8 sequence */
    return (size_t)(at - text);
}

static void new_line(struct mlb_text *to, size_t *column, const struct mlb_wrap *wrap)
{
    mlb_text_addf(to, "\n%*s", (int)wrap->indent, "");
    *column = wrap->indent;
}

static size_t columns_of(const char *text, size_t bytes)
{
    size_t columns = 0;
    for (size_t at = 0; at < bytes; columns++)
        at += mlb_wrap_bytes(text + at, 1);
    return columns;
}

static void end_line(struct mlb_text *to)
{
    while (to->length && to->data[to->length - 1] == ' ')
        to->data[--to->length] = '\0';
    mlb_text_add(to, "\n");
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
            columns = wrap.width - column - blanks;
            word = mlb_wrap_bytes(text, columns);
        }
        mlb_text_addf(to, "%*s%.*s", (int)blanks, "", (int)word, text);
        begins = false;
        column += blanks + columns;
        text += word;
        blanks = strspn(text, " ");
        text += blanks;
    }
    end_line(to);
}
