/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/mutate.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"

static size_t below(struct fuzz_input *input, size_t bound)
{
    return bound ? (size_t)(mlb_rng_bits(input->seed, input->drawn++) % bound) : 0;
}

static const char *pick(struct fuzz_input *input, const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    return words[below(input, count)];
}

static void insert(struct fuzz_input *input, size_t at, const void *bytes, size_t size)
{
    if (size > input->limit - input->size)
        return;
    memmove(input->bytes + at + size, input->bytes + at, input->size - at);
    memcpy(input->bytes + at, bytes, size);
    input->size += size;
}

static void repeat_part(struct fuzz_input *input, size_t at)
{
    uint8_t part[FUZZ_INPUT];
    size_t from = below(input, input->size + 1);
    size_t size = below(input, input->size - from + 1);
    memcpy(part, input->bytes + from, size);
    insert(input, at, part, size);
}

static void delete_part(struct fuzz_input *input, size_t at)
{
    size_t size = 1 + below(input, 8);
    size = size < input->size - at ? size : input->size - at;
    memmove(input->bytes + at, input->bytes + at + size, input->size - at - size);
    input->size -= size;
}

static void change(struct fuzz_input *input, const char *const *tokens)
{
    size_t at = below(input, input->size + 1);
    switch (below(input, 8)) {
    case 0:
        if (at < input->size)
            input->bytes[at] = (uint8_t)below(input, 256);
        break;
    case 1:
        delete_part(input, at);
        break;
    case 2:
        repeat_part(input, at);
        break;
    case 3:
        if (below(input, 4) == 0)
            input->size = at;
        break;
    default: {
        const char *token = pick(input, tokens);
        insert(input, at, token, token[0] ? strlen(token) : 1);
        break;
    }
    }
}

void fuzz_make(struct fuzz_input *input, const struct fuzz_words *words, size_t limit,
               uint64_t seed, uint64_t number)
{
    *input = (struct fuzz_input){.seed = (seed << 32) + number, .limit = limit};
    const char *document = pick(input, words->documents);
    insert(input, 0, document, strlen(document));
    for (size_t changes = below(input, 5); changes > 0; changes--)
        change(input, words->tokens);
}

uint64_t fuzz_argument(int argc, char **argv, int index, uint64_t otherwise)
{
    return index < argc ? strtoull(argv[index], NULL, 10) : otherwise;
}
