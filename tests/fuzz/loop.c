/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json_loop [SEED [COUNT [FIRST]]]: feeds the target with documents that were good ones before
 * a few random changes. Input number i depends on SEED and i alone; where the target fails,
 * `gdb --args fuzz_json_loop SEED COUNT` shows i in the frame of main. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "tests/fuzz/targets.h"

enum { INPUT_SIZE = 2048 };

static const char *const documents[] = {
    "{}",
    "[1, -2.5e-3, \"text\", true, false, null, [], {}]",
    "{ // a suite\n  \"name\": \"quick\", /* block\n comment */\n  \"cases\": [\n"
    "    {\"workload\": \"gemm\", \"m\": 8192, \"dtype\": [\"bf16\", \"f16\"]},\n"
    "    {\"workload\": \"all_reduce\", \"size\": \"1GiB\", \"target\": 0.01}\n  ]\n}\n",
    "{\"a\":{\"b\":{\"c\":[[[[[{\"d\":\"\\u00e9\\ud83d\\ude00\\n\\\\\\\"\"}]]]]]}}}",
    "\xef\xbb\xbf[\"\xc2\xb5s\", \"\xe2\x82\xac\", \"\xf0\x9f\x98\x80\"]\r\n",
};

/* What changes are made of, beside single bytes: all that the grammar knows, and its edges. */
static const char *const tokens[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "//",
    "/*",
    "*/",
    "\n",
    "\r\n",
    " ",
    "0",
    "-",
    "1e",
    ".",
    "e+9",
    "1e999",
    "true",
    "null",
    "NaN",
    "\"a\":",
    "\"a\":1,",
    "[],",
    "\\\"",
    "#",
    "\xc2\xa0",
    "\\ud83d",
    "\\u0000",
    "\xff",
    "\xed\xa0\x80",
    "\t",
    "\x01",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    "00000000000000000000000000000000000000000000000000000000000",
};

struct input {
    uint8_t bytes[INPUT_SIZE];
    size_t size;
    uint64_t seed, drawn; /* the place in the stream of random numbers */
};

static size_t below(struct input *input, size_t bound)
{
    return bound ? (size_t)(mlb_rng_bits(input->seed, input->drawn++) % bound) : 0;
}

static void insert(struct input *input, size_t at, const void *bytes, size_t size)
{
    if (size > INPUT_SIZE - input->size)
        return;
    memmove(input->bytes + at + size, input->bytes + at, input->size - at);
    memcpy(input->bytes + at, bytes, size);
    input->size += size;
}

static void repeat_part(struct input *input, size_t at)
{
    uint8_t part[INPUT_SIZE];
    size_t from = below(input, input->size + 1);
    size_t size = below(input, input->size - from + 1);
    memcpy(part, input->bytes + from, size);
    insert(input, at, part, size);
}

static void delete_part(struct input *input, size_t at)
{
    size_t size = 1 + below(input, 8);
    size = size < input->size - at ? size : input->size - at;
    memmove(input->bytes + at, input->bytes + at + size, input->size - at - size);
    input->size -= size;
}

static void change(struct input *input)
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
        const char *token = tokens[below(input, sizeof tokens / sizeof *tokens)];
        insert(input, at, token, strlen(token));
        break;
    }
    }
}

static void make(struct input *input, uint64_t seed, uint64_t number)
{
    *input = (struct input){.seed = seed + number, .size = 0};
    const char *document = documents[below(input, sizeof documents / sizeof *documents)];
    insert(input, 0, document, strlen(document));
    for (size_t changes = below(input, 5); changes > 0; changes--)
        change(input);
}

static uint64_t argument(int argc, char **argv, int index, uint64_t otherwise)
{
    return index < argc ? strtoull(argv[index], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    uint64_t seed = argument(argc, argv, 1, 1), count = argument(argc, argv, 2, 100000);
    uint64_t first = argument(argc, argv, 3, 0), taken = 0;
    for (uint64_t i = first; i < first + count; i++) {
        struct input input;
        make(&input, seed << 32, i);
        uint8_t *exact = malloc(input.size + 1); /* of its size, so that AddressSanitizer sees */
        if (!exact)
            return 3;
        memcpy(exact, input.bytes, input.size);
        taken += fuzz_json(exact, input.size);
        free(exact);
    }
    printf("%llu documents, %llu taken\n", (unsigned long long)count, (unsigned long long)taken);
    /* A loop that is always refused, or never, tests nothing. */
    return count < 1000 || (taken > count / 100 && taken < count / 2) ? 0 : 1;
}
