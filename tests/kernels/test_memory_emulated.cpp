/* SPDX-License-Identifier: Apache-2.0 */
/* The copy by bulk copies on the CPU: sizes around a chunk, more chunks than stages, blocks that
 * have none, in several orders of delivery. */
#include "kernels/memory/memory_bulk.cuh"

#include "tests/emulate/check.hpp"

using emulate::Array;
using emulate::launch;
using namespace memory::bulk;

static char pattern(size_t i)
{
    return (char)(i * 2654435761u >> 11);
}

static void check_copy(size_t bytes, unsigned blocks, unsigned order)
{
    Array<char> from(bytes), to(bytes);
    for (size_t i = 0; i < bytes; i++) {
        from[i] = pattern(i);
        to[i] = (char)~pattern(i);
    }
    check_runs(launch({blocks, 32, SHARED_BYTES, order}, bulk_kernel, to.data(),
                      (const char *)from.data(), bytes));
    if (memcmp(to.data(), from.data(), bytes) != 0)
        print_error("%zu bytes, %u blocks, order %u\n", bytes, blocks, order);
    check_true(memcmp(to.data(), from.data(), bytes) == 0);
}

static void copies_are_whole(void **state)
{
    static const size_t sizes[] = {16,
                                   64,
                                   CHUNK - 64,
                                   CHUNK,
                                   CHUNK + 64,
                                   AHEAD * CHUNK,
                                   STAGES * CHUNK + 16,
                                   (2 * STAGES + 1) * CHUNK - 48,
                                   (4 * STAGES + 2) * CHUNK};
    (void)state;
    for (size_t size : sizes)
        for (unsigned blocks = 1; blocks <= 3; blocks++)
            for (unsigned order = 0; order < 4; order++)
                check_copy(size, blocks, order);
}

static void no_chunk_is_no_work(void **state)
{
    (void)state;
    check_copy(CHUNK, 4, 0);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_whole),
        cmocka_unit_test(no_chunk_is_no_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
