/* SPDX-License-Identifier: Apache-2.0 */
/* Good documents after a few random changes: what the loops feed. */
#ifndef MLB_TESTS_FUZZ_MUTATE_H
#define MLB_TESTS_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_INPUT 4096 /* bytes of the longest */

struct fuzz_input {
    uint8_t bytes[FUZZ_INPUT];
    size_t size, limit;   /* limit: of this loop, at most FUZZ_INPUT */
    uint64_t seed, drawn; /* the place in the stream of random numbers */
};

struct fuzz_words { /* NULL-terminated; "" stands for a zero byte */
    const char *const *documents, *const *tokens;
};

/* Input number `number` of `seed`: a document with up to four changes. Depends on these alone. */
void fuzz_make(struct fuzz_input *input, const struct fuzz_words *words, size_t limit,
               uint64_t seed, uint64_t number);
/* argv[index] as a number. */
uint64_t fuzz_argument(int argc, char **argv, int index, uint64_t otherwise);

#endif
