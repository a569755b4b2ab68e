/* SPDX-License-Identifier: Apache-2.0 */
/* The target as libFuzzer wants it, for long hunts: it finds its own way by coverage. */
#include "tests/fuzz/targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_json(data, size);
    return 0;
}
