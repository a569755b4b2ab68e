/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef MLB_BASE_UTF8_H
#define MLB_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the sequence at `text` (terminated), 0 when it is none. A zero byte is one of length 1.
 */
size_t mlb_utf8_length(const char *text);

/* Code point of the sequence at `text`, which is valid. */
uint32_t mlb_utf8_code(const char *text);

/* Bytes of the character at `text` (terminated, not at its end), 1 where it is none; `columns` are
 * those that it takes on a terminal: 2 of East Asian signs and of pictures, 0 of marks that stand
 * on the sign before. */
size_t mlb_utf8_step(const char *text, size_t *columns);

/* The bytes of a code point, at most 4 and no zero behind them; returns how many. */
size_t mlb_utf8_write(char *to, uint32_t code);

/* First byte of `text` (length bytes, terminated) that is not part of a sequence; NULL = all is
 * well. */
const char *mlb_utf8_invalid(const char *text, size_t length);

#endif
