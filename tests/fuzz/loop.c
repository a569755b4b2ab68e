/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json_loop [SEED [COUNT [FIRST]]]: feeds the target with documents that were good ones before
 * a few random changes. Input number i depends on SEED and i alone; where the target fails,
 * `gdb --args fuzz_json_loop SEED COUNT` shows i in the frame of main. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/mutate.h"
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
    NULL,
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
    NULL,
};

static const struct fuzz_words words = {documents, tokens};

int main(int argc, char **argv)
{
    uint64_t seed = fuzz_argument(argc, argv, 1, 1), count = fuzz_argument(argc, argv, 2, 100000);
    uint64_t first = fuzz_argument(argc, argv, 3, 0), taken = 0;
    for (uint64_t i = first; i < first + count; i++) {
        struct fuzz_input input;
        fuzz_make(&input, &words, INPUT_SIZE, seed, i);
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
