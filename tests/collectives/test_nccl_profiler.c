/* SPDX-License-Identifier: Apache-2.0 */
/* The profiler plugin under several threads, as NCCL's proxies call it, and its cost when off. What
 * it reads from NCCL's structs is checked by fake_nccl_evidence.c, which has them once more. */
#include "collectives/nccl_profiler.h"

#include <dlfcn.h>
#include <pthread.h>

#include "collectives/nccl_profiler_abi.h"
#include "tests/check.h"

enum { THREADS = 4, STEPS = 2000, STEP_BYTES = 100 };

static int start_transfer(void *context, void **handle)
{
    const struct mlb_nccl_descriptor op = {.type.wide = MLB_NCCL_EVENT_PROXY_OP};
    return ncclProfiler_v5.start_event(context, handle, &op);
}

static void *proxy(void *context)
{
    const struct mlb_nccl_descriptor step = {.type.wide = MLB_NCCL_EVENT_PROXY_STEP};
    const union mlb_nccl_state_arguments bytes = {.step_bytes = STEP_BYTES};
    for (int i = 0; i < STEPS; i++) {
        void *op = NULL, *handle = NULL;
        start_transfer(context, &op);
        ncclProfiler_v5.start_event(context, &handle, &step);
        ncclProfiler_v5.record_event(handle, i % 2 ? MLB_NCCL_SEND_WAIT : MLB_NCCL_RECV_FLUSH_WAIT,
                                     &bytes);
        ncclProfiler_v5.stop_event(handle);
        ncclProfiler_v5.stop_event(op);
    }
    return NULL;
}

static void threads_add_up(void **state)
{
    (void)state;
    int mask = -1;
    void *context = NULL, *second = NULL;
    pthread_t threads[THREADS];
    struct mlb_nccl_profile profile;
    ncclProfiler_v5.init(&context, 1, &mask, NULL, 1, 2, 0, NULL);
    check_i64(mask, 0);
    mlb_nccl_profiler_begin();
    check_true(mask != 0);
    for (int i = 0; i < THREADS; i++)
        check_i64(pthread_create(&threads[i], NULL, proxy, context), 0);
    ncclProfiler_v5.init(&second, 2, &mask, NULL, 1, 2, 0, NULL); /* another communicator */
    check_true(mask != 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    mlb_nccl_profiler_end(&profile);
    check_i64(mask, 0);
    check_true(profile.loaded && profile.bytes_known);
    check_u64(profile.network_ops, THREADS * STEPS);
    check_u64(profile.sent_bytes, THREADS * STEPS / 2 * STEP_BYTES);
    check_u64(profile.received_bytes, THREADS * STEPS / 2 * STEP_BYTES);
    ncclProfiler_v5.finalize(second);
    ncclProfiler_v5.finalize(context);
    mlb_nccl_profiler_begin();
    mlb_nccl_profiler_end(&profile);
    check_true(!profile.loaded);
}

/* Off, an event has no handle, so that NCCL does not tell of those within it. */
static void nothing_is_noted_when_off(void **state)
{
    (void)state;
    struct mlb_nccl_profile profile;
    void *handle = &profile;
    check_i64(start_transfer(NULL, &handle), 0);
    check_true(handle == NULL);
    mlb_nccl_profiler_begin();
    mlb_nccl_profiler_end(&profile);
    check_u64(profile.network_ops, 0);
}

/* NCCL looks for the plugin in the program itself. */
static void the_program_shows_its_symbols(void **state)
{
    (void)state;
    void *program = dlopen(NULL, RTLD_NOW);
    check_true(dlsym(program, "ncclProfiler_v5") == &ncclProfiler_v5);
    check_true(dlsym(program, "ncclProfiler_v4") == &ncclProfiler_v4);
    check_true(dlsym(program, "ncclProfiler_v3") == &ncclProfiler_v3);
    check_true(dlsym(program, "ncclProfiler_v2") == &ncclProfiler_v2);
    check_true(dlsym(program, "mlb_nccl_profiler_begin") == NULL);
    dlclose(program);
}

static void a_users_plugin_is_left_alone(void **state)
{
    (void)state;
    unsetenv("NCCL_PROFILER_PLUGIN");
    mlb_nccl_profiler_offer();
    check_text(getenv("NCCL_PROFILER_PLUGIN"), "STATIC_PLUGIN");
    setenv("NCCL_PROFILER_PLUGIN", "inspector", 1);
    mlb_nccl_profiler_offer();
    check_text(getenv("NCCL_PROFILER_PLUGIN"), "inspector");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_add_up),
        cmocka_unit_test(nothing_is_noted_when_off),
        cmocka_unit_test(the_program_shows_its_symbols),
        cmocka_unit_test(a_users_plugin_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
