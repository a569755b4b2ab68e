/* SPDX-License-Identifier: Apache-2.0 */
/* Host copies and peer copies over the fake CUDA runtime: what is set up, verified, told and given
 * back. No GPU needed. */
#include "kernels/transfer/host_copy.h"
#include "kernels/transfer/p2p.h"
#include "kernels/transfer/p2p_cuda.h"
#include "tests/device/fake_cudart.h"
#include "tests/kernels/case_rig.h"

#define MIB ((uint64_t)1 << 20)

/* The walk's kernel. */
int mlb_p2p_walk(void *stream, const uint64_t *chain, uint64_t *cursor, unsigned hops)
{
    (void)stream;
    if (fake_cudart.current != 0)
        return 400; /* the stream is another device's */
    for (unsigned hop = 0; hop < hops && !fake_cudart.lazy; hop++)
        *cursor = chain[*cursor];
    return 0;
}

static void open_fake(struct case_rig *rig, int devices)
{
    fake_cudart = (struct fake_cudart){.devices = devices};
    open_case_rig(rig, &mlb_backend_cuda, MLB_DATA_NORMAL);
}

static void close_fake(struct case_rig *rig)
{
    check_i64(fake_cudart.current, 0); /* what comes next launches its kernels there */
    close_case_rig(rig);
    check_i64(fake_cudart.memory, 0);
    check_i64(fake_cudart.pinned, 0);
    check_i64(fake_cudart.streams, 0);
    check_i64(fake_cudart.events, 0);
    check_i64(fake_cudart.opened_peers, 0);
}

static const struct mlb_host_copy_params host_cases[] = {
    {MLB_H2D, 1, 0},           {MLB_D2H, 4099, 0},
    {MLB_H2D_D2H, MIB + 1, 0}, {MLB_D2H, 17 * MIB + 3, 0},
    {MLB_H2D, 17 * MIB, 0},
};
static const struct mlb_p2p_params p2p_cases[] = {
    {MLB_P2P_WRITE, 1, 4099},      {MLB_P2P_READ, 2, MIB},    {MLB_P2P_BOTH, 3, MIB + 1},
    {MLB_P2P_LATENCY, 1, 2 * MIB}, {MLB_P2P_LATENCY, 3, 256},
};

static void test_host_copies_pass(void **state)
{
    struct case_rig rig;
    (void)state;
    for (size_t i = 0; i < sizeof host_cases / sizeof *host_cases; i++) {
        struct mlb_details details = {0};
        open_fake(&rig, 1);
        check_case(&rig, &mlb_host_copy, &host_cases[i], &details);
        /* both ways: each of the four steps forks and joins */
        check_i64(fake_cudart.waits, host_cases[i].op == MLB_H2D_D2H ? 8 : 0);
        close_fake(&rig);
    }
}

static void test_peer_copies_pass(void **state)
{
    struct case_rig rig;
    (void)state;
    for (size_t i = 0; i < sizeof p2p_cases / sizeof *p2p_cases; i++) {
        struct mlb_details details = {0};
        char peer[24];
        open_fake(&rig, 4);
        check_case(&rig, &mlb_p2p, &p2p_cases[i], &details);
        snprintf(peer, sizeof peer, "0000:%02x:00.0", 0x1b + (unsigned)p2p_cases[i].shift);
        check_text(mlb_detail_find(&details, "rank0_peer")->text, peer);
        check_text(mlb_detail_find(&details, "path")->text,
                   "peer access, with atomics (as NVLink has)");
        check_close(mlb_detail_find(&details, "gpus")->number, 4, 0);
        check_close(mlb_detail_find(&details, "performance_rank")->number, 0, 0);
        check_i64(fake_cudart.waits, p2p_cases[i].op == MLB_P2P_BOTH ? 8 : 0);
        check_i64(fake_cudart.resets, 1); /* the peer's context is gone */
        close_fake(&rig);
    }
}

/* What carries nothing is seen, on every way. */
static void test_copies_that_do_nothing_are_caught(void **state)
{
    struct mlb_details details;
    struct case_rig rig;
    (void)state;
    for (size_t i = 0; i < sizeof host_cases / sizeof *host_cases; i++) {
        open_fake(&rig, 1);
        fake_cudart.lazy = true;
        struct mlb_verification found =
            run_whole_case(&rig, &mlb_host_copy, &host_cases[i], &details);
        uint64_t messages = host_cases[i].op == MLB_H2D_D2H ? 2 : 1;
        check_u64(found.wrong, messages * host_cases[i].bytes);
        check_contains(found.first_wrong, host_cases[i].op == MLB_H2D
                                              ? "byte 0 of the device's copy"
                                              : "byte 0 of the host's copy");
        close_fake(&rig);
    }
    for (size_t i = 0; i < sizeof p2p_cases / sizeof *p2p_cases; i++) {
        open_fake(&rig, 4);
        fake_cudart.lazy = true;
        struct mlb_details ignored = {0};
        struct mlb_verification found = run_whole_case(&rig, &mlb_p2p, &p2p_cases[i], &ignored);
        if (p2p_cases[i].op != MLB_P2P_LATENCY)
            check_true(found.wrong >= p2p_cases[i].bytes);
        check_true(!mlb_verification_passed(&found) ||
                   1000 % (p2p_cases[i].bytes / 128) == 0); /* a walk that ended where it began */
        close_fake(&rig);
    }
}

static void test_what_does_not_fit_is_refused(void **state)
{
    struct case_rig rig;
    struct mlb_host_copy_params host = {MLB_H2D_D2H, 600 * MIB, 0};
    struct mlb_p2p_params p2p = {MLB_P2P_BOTH, 1, 300 * MIB};
    const struct mlb_variant *host_copy = mlb_host_copy.variants, *peer = mlb_p2p.variants;
    (void)state;
    open_fake(&rig, 2);
    rig.ctx.memory_bytes = 1024 * MIB;
    check_fails(host_copy->check(&host, &rig.ctx, &rig.err), MLB_E_UNSUPPORTED, &rig.err,
                "needs 2 x 600 MiB of device memory, 1 GiB are free for this rank");
    host.op = MLB_H2D;
    check_ok(host_copy->check(&host, &rig.ctx, &rig.err), &rig.err);
    rig.ctx.memory_bytes = 0;
    host.bytes = MIB << 30;
    check_fails(host_copy->check(&host, &rig.ctx, &rig.err), MLB_E_UNSUPPORTED, &rig.err,
                "of host memory, ");
    host = (struct mlb_host_copy_params){MLB_H2D, 8, 16};
    check_fails(host_copy->check(&host, &rig.ctx, &rig.err), MLB_E_UNSUPPORTED, &rig.err,
                "NUMA node 15");
    rig.ctx.memory_bytes = 1024 * MIB;
    check_fails(peer->check(&p2p, &rig.ctx, &rig.err), MLB_E_UNSUPPORTED, &rig.err,
                "needs 4 x 300 MiB on each GPU, 1 GiB are free");
    close_fake(&rig);
}

static void test_without_a_peer(void **state)
{
    struct case_rig rig;
    struct mlb_p2p_params params = {MLB_P2P_WRITE, 1, 64};
    const struct mlb_variant *peer = mlb_p2p.variants;
    (void)state;
    open_fake(&rig, 1);
    unsetenv("CUDA_VISIBLE_DEVICES");
    check_fails(peer->check(&params, &rig.ctx, &rig.err), MLB_E_UNSUPPORTED, &rig.err,
                "this node has one GPU");
    setenv("CUDA_VISIBLE_DEVICES", "3", 1);
    check_fails(peer->check(&params, &rig.ctx, &rig.err), MLB_E_UNSUPPORTED, &rig.err,
                "CUDA_VISIBLE_DEVICES hides the others");
    unsetenv("CUDA_VISIBLE_DEVICES");
    fake_cudart.devices = 4;
    params.shift = 4;
    check_fails(peer->check(&params, &rig.ctx, &rig.err), MLB_E_UNSUPPORTED, &rig.err,
                "shift = 4: this node has 4 GPUs, so 1 to 3");
    params.shift = 3;
    check_ok(peer->check(&params, &rig.ctx, &rig.err), &rig.err);
    fake_cudart.no_peers = true;
    check_fails(peer->check(&params, &rig.ctx, &rig.err), MLB_E_UNSUPPORTED, &rig.err,
                "no peer access from device 0 to device 3: copies between them are staged");
    close_fake(&rig);
}

/* A setup that fails half-way gives back what it had. */
static void test_setups_that_fail_leave_nothing(void **state)
{
    struct case_rig rig;
    struct mlb_host_copy_params host = {MLB_H2D_D2H, 4096, 0};
    struct mlb_p2p_params p2p = {MLB_P2P_BOTH, 1, 4096};
    (void)state;
    for (int what = 0; what < 3; what++) {
        struct mlb_host_copy copy = {0};
        struct mlb_p2p pair = {0};
        open_fake(&rig, 2);
        fake_cudart.no_pinning = what == 0;
        fake_cudart.no_memory = what > 0;
        if (what < 2)
            check_fails(mlb_host_copy.variants->setup(&copy, &host, &rig.ctx, &rig.err),
                        MLB_E_NOMEM, &rig.err,
                        what == 0 ? "lock 4096 bytes of host memory for host_copy.h2d, device 0"
                                  : "for host_copy.h2d: out of memory");
        else
            check_fails(mlb_p2p.variants->setup(&pair, &p2p, &rig.ctx, &rig.err), MLB_E_NOMEM,
                        &rig.err, "for p2p.from: out of memory");
        mlb_host_copy.variants->teardown(&copy, &rig.ctx);
        mlb_p2p.variants->teardown(&pair, &rig.ctx);
        close_fake(&rig);
    }
}

/* A GPU that falls off the bus: the copy under way says which one and how many bytes, and the ends
 * of a case do not fail for it. */
static void test_a_gpu_that_is_lost(void **state)
{
    static const struct {
        enum mlb_host_copy_op op;
        const char *text;
    } rows[] = {
        {MLB_H2D, "copy 4096 bytes from the host to device 0: "},
        {MLB_D2H, "copy 4096 bytes from device 0 to the host: "},
        {MLB_H2D_D2H, "copy 4096 bytes from device 0 to the host: "},
    };
    struct case_rig rig;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_host_copy_params params = {(int)rows[i].op, 4096, 0};
        struct mlb_host_copy copy = {0};
        const struct mlb_variant *variant = mlb_host_copy.variants;
        open_fake(&rig, 1);
        check_ok(variant->setup(&copy, &params, &rig.ctx, &rig.err), &rig.err);
        fake_cudart.copies_left = 1;
        check_fails(variant->step(&copy, &rig.ctx, &rig.err), MLB_E_DEVICE, &rig.err, rows[i].text);
        variant->teardown(&copy, &rig.ctx);
        close_fake(&rig);
    }
    struct mlb_p2p_params params = {MLB_P2P_WRITE, 1, 4096};
    struct mlb_p2p pair = {0};
    open_fake(&rig, 2);
    check_ok(mlb_p2p.variants->setup(&pair, &params, &rig.ctx, &rig.err), &rig.err);
    fake_cudart.copies_left = 1;
    check_fails(mlb_p2p.variants->step(&pair, &rig.ctx, &rig.err), MLB_E_DEVICE, &rig.err,
                "copy 4096 bytes from device 0 to device 1: ");
    mlb_p2p.variants->teardown(&pair, &rig.ctx);
    close_case_rig(&rig);
    check_i64(fake_cudart.memory, 0); /* peer access cannot be closed any more */
}

/* Nothing of a device that hangs is freed, since that would wait for it. */
static void test_a_gpu_that_hangs(void **state)
{
    struct case_rig rig;
    struct mlb_host_copy_params params = {MLB_H2D, 4096, 0};
    struct mlb_host_copy copy = {0};
    (void)state;
    open_fake(&rig, 1);
    check_ok(mlb_host_copy.variants->setup(&copy, &params, &rig.ctx, &rig.err), &rig.err);
    fake_cudart.busy_queries = 1 << 30;
    check_true(mlb_sync(rig.ctx.device, 1e-3, &rig.err) == MLB_E_TIMEOUT);
    void *device = copy.h2d.device;
    mlb_host_copy.variants->teardown(&copy, &rig.ctx);
    check_i64(fake_cudart.pinned, 1);
    check_i64(fake_cudart.frees, 0);
    close_case_rig(&rig);
    free(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_copies_pass),
        cmocka_unit_test(test_peer_copies_pass),
        cmocka_unit_test(test_copies_that_do_nothing_are_caught),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_without_a_peer),
        cmocka_unit_test(test_setups_that_fail_leave_nothing),
        cmocka_unit_test(test_a_gpu_that_is_lost),
        cmocka_unit_test(test_a_gpu_that_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
