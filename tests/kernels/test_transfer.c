/* SPDX-License-Identifier: Apache-2.0 */
/* What needs no GPU and no CUDA: the pattern, the chain, names and formulas. */
#include "harness/base/units.h"
#include "kernels/transfer/host_copy.h"
#include "kernels/transfer/p2p.h"
#include "tests/kernels/case_rig.h"

#define MIB ((uint64_t)1 << 20)

/* ------------------------------------------------------------------------------------- the pattern
 */

static struct mlb_verification look_at_host(const struct mlb_pattern *pattern, const void *memory,
                                            size_t bytes)
{
    struct mlb_verification found = {0};
    mlb_pattern_check_host(pattern, memory, bytes, "it", &found);
    return found;
}

static void test_the_pattern_is_the_same_on_a_device(void **state)
{
    static const size_t sizes[] = {1, 3, 4096, 100003, 17 * MIB + 1};
    struct case_rig rig;
    struct mlb_pattern pattern = {MLB_DATA_NORMAL, 7, 2};
    (void)state;
    open_case_rig(&rig, &mlb_backend_cpu, MLB_DATA_NORMAL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct mlb_verification found = {0};
        void *memory;
        check_ok(mlb_alloc(rig.ctx.device, sizes[i], "x", &memory, &rig.err), &rig.err);
        check_ok(mlb_pattern_put(&pattern, rig.ctx.device, memory, sizes[i], &rig.err), &rig.err);
        found = look_at_host(&pattern, memory, sizes[i]);
        check_true(mlb_verification_passed(&found));
        check_u64(found.checked, sizes[i]);
        mlb_pattern_put_host(&pattern, memory, sizes[i]);
        found = (struct mlb_verification){0};
        check_ok(
            mlb_pattern_check(&pattern, rig.ctx.device, memory, sizes[i], "it", &found, &rig.err),
            &rig.err);
        check_u64(found.checked, sizes[i]);
        check_u64(found.wrong, 0);
        check_ok(mlb_pattern_spoil(&pattern, rig.ctx.device, memory, sizes[i], &rig.err), &rig.err);
        found = look_at_host(&pattern, memory, sizes[i]);
        check_u64(found.wrong, sizes[i]);
        check_contains(found.first_wrong, "byte 0 of it: is ");
        mlb_free(rig.ctx.device, memory);
    }
    close_case_rig(&rig);
}

static void test_wrong_bytes_are_counted_and_named(void **state)
{
    enum { BYTES = 200000 };
    static unsigned char memory[BYTES + 1];
    (void)state;
    for (int data = MLB_DATA_NORMAL; data <= MLB_DATA_ZEROS; data++) {
        struct mlb_pattern pattern = {(enum mlb_data)data, 3, 2}, other = {pattern.data, 4, 2};
        mlb_pattern_spoil_host(&pattern, memory, BYTES);
        check_u64(look_at_host(&pattern, memory, BYTES).wrong, BYTES);
        mlb_pattern_put_host(&pattern, memory, BYTES);
        memory[150000] ^= 1;
        memory[BYTES - 1] ^= 0x80;
        struct mlb_verification found = look_at_host(&pattern, memory, BYTES);
        check_u64(found.wrong, 2);
        check_u64(found.checked, BYTES);
        check_contains(found.first_wrong, "byte 150000 of it: is ");
        if (data == MLB_DATA_ZEROS)
            continue;
        mlb_pattern_put_host(&pattern, memory, BYTES);
        memmove(memory, memory + 1, BYTES); /* the right bytes at the wrong place */
        check_true(look_at_host(&pattern, memory, BYTES).wrong > BYTES / 2);
        mlb_pattern_put_host(&other, memory, BYTES); /* the other direction's message */
        check_true(look_at_host(&pattern, memory, BYTES).wrong > BYTES / 2);
    }
}

static void test_the_chain_is_one_cycle(void **state)
{
    static const size_t lines[] = {2, 3, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        size_t words = lines[i] * MLB_P2P_LINE_WORDS;
        uint64_t *chain = calloc(words, sizeof *chain), at = 0;
        bool *seen = calloc(words, sizeof *seen);
        mlb_p2p_make_chain(chain, words, 9);
        for (size_t hop = 0; hop < lines[i]; hop++) {
            check_true(at < words && at % MLB_P2P_LINE_WORDS == 0 && !seen[at]);
            seen[at] = true;
            at = chain[at];
        }
        check_u64(at, 0);
        free(seen);
        free(chain);
    }
}

/* -------------------------------------------------------------------------------- names, formulas
 */

static void test_host_copy_names_and_bytes(void **state)
{
    static const struct {
        struct mlb_host_copy_params params;
        const char *label, *formula;
        double bytes;
    } rows[] = {
        {{MLB_H2D, 256 * MIB, 0}, "h2d 256 MiB", "link.h2d.n", 268435456.0},
        {{MLB_D2H, 8, 0}, "d2h 8 B", "link.d2h.n", 8.0},
        {{MLB_H2D_D2H, MIB, 2}, "both 1 MiB node 1", "link.both.2n", 2097152.0},
    };
    struct mlb_ctx ctx = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_work work = {0};
        char label[96];
        mlb_host_copy.label(&rows[i].params, label, sizeof label);
        check_text(label, rows[i].label);
        mlb_host_copy.work(&rows[i].params, &ctx, &work);
        check_text(work.formula, rows[i].formula);
        check_close(work.bytes, rows[i].bytes, 0);
        check_close(work.flop + work.bus_factor, 0, 0);
    }
}

static void test_p2p_names_and_bytes(void **state)
{
    static const struct {
        struct mlb_p2p_params params;
        const char *label, *formula;
        double bytes;
    } rows[] = {
        {{MLB_P2P_WRITE, 1, 256 * MIB}, "write 256 MiB gpu+1", "link.p2p.n", 268435456.0},
        {{MLB_P2P_READ, 7, 8}, "read 8 B gpu+7", "link.p2p.n", 8.0},
        {{MLB_P2P_BOTH, 4, MIB}, "both 1 MiB gpu+4", "link.p2p.2n", 2097152.0},
        {{MLB_P2P_LATENCY, 2, MIB}, "latency of 1000 loads gpu+2", "link.p2p.loads", 0.0},
    };
    struct mlb_ctx ctx = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_work work = {0};
        char label[96];
        mlb_p2p.label(&rows[i].params, label, sizeof label);
        check_text(label, rows[i].label);
        mlb_p2p.work(&rows[i].params, &ctx, &work);
        check_text(work.formula, rows[i].formula);
        check_close(work.bytes, rows[i].bytes, 0);
    }
}

static void test_parameters_that_are_refused(void **state)
{
    struct mlb_error err = {0};
    struct mlb_p2p_params p2p = {MLB_P2P_LATENCY, 1, 1000};
    struct mlb_host_copy_params host;
    (void)state;
    check_fails(mlb_p2p.resolve(&p2p, &err), MLB_E_CONFIG, &err,
                "bytes = 1000: op = latency takes a multiple of 128");
    p2p.bytes = 128;
    check_fails(mlb_p2p.resolve(&p2p, &err), MLB_E_CONFIG, &err, "two lines at least");
    p2p.bytes = 256;
    check_ok(mlb_p2p.resolve(&p2p, &err), &err);
    const struct mlb_option *shift = mlb_option_find(mlb_p2p.params, "shift");
    const struct mlb_option *numa = mlb_option_find(mlb_host_copy.params, "numa");
    check_fails(mlb_option_set(shift, &p2p, "0", &err), MLB_E_CONFIG, &err, "shift");
    check_fails(mlb_option_set(numa, &host, "16", &err), MLB_E_CONFIG, &err, "numa");
    check_ok(mlb_option_set(numa, &host, "auto", &err), &err);
    check_i64(host.numa, 0);
    check_ok(mlb_option_set(numa, &host, "15", &err), &err);
    check_i64(host.numa, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_pattern_is_the_same_on_a_device),
        cmocka_unit_test(test_wrong_bytes_are_counted_and_named),
        cmocka_unit_test(test_the_chain_is_one_cycle),
        cmocka_unit_test(test_host_copy_names_and_bytes),
        cmocka_unit_test(test_p2p_names_and_bytes),
        cmocka_unit_test(test_parameters_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
