/* SPDX-License-Identifier: Apache-2.0 */
/* Host copies, peer copies and launches on real GPUs. Skipped where there is none; with
 * MLBENCH_REQUIRE_GPU=1 that is a failure. Peer copies need two that reach each other. */
#include "kernels/launch/launch.h"
#include "kernels/transfer/host_copy.h"
#include "kernels/transfer/p2p.h"
#include "tests/kernels/case_rig.h"

#define SKIPPED 77 /* ctest's code for it */
#define MIB     ((uint64_t)1 << 20)

static void print_details(const struct mlb_details *details)
{
    for (size_t i = 0; i < details->count; i++) {
        const struct mlb_detail *detail = &details->items[i];
        if (detail->is_number)
            print_message("  %s %g\n", detail->name, detail->number);
        else
            print_message("  %s %s\n", detail->name, detail->text);
    }
}

static void host_copies(void **state)
{
    static const uint64_t sizes[] = {1, 4099, 17 * MIB + 3, 256 * MIB};
    struct case_rig rig;
    struct mlb_details details = {0};
    (void)state;
    open_case_rig(&rig, &mlb_backend_cuda, MLB_DATA_NORMAL);
    for (int op = MLB_H2D; op <= MLB_H2D_D2H; op++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct mlb_host_copy_params params = {op, sizes[i], 0};
            details.count = 0;
            check_case(&rig, &mlb_host_copy, &params, &details);
        }
    print_details(&details);
    close_case_rig(&rig);
}

static void peer_copies(void **state)
{
    struct case_rig rig;
    struct mlb_details details = {0};
    (void)state;
    open_case_rig(&rig, &mlb_backend_cuda, MLB_DATA_NORMAL);
    for (int op = MLB_P2P_WRITE; op <= MLB_P2P_LATENCY; op++) {
        struct mlb_p2p_params params = {op, 1, 2 * MIB};
        details.count = 0;
        if (mlb_p2p.variants->check(&params, &rig.ctx, &rig.err) == MLB_OK)
            check_case(&rig, &mlb_p2p, &params, &details);
        else
            print_message("not done: %s\n", rig.err.text);
    }
    print_details(&details);
    /* this device works as before */
    struct mlb_launch_params launch = {MLB_LAUNCH_KERNEL, MLB_ROUND_TRIP, 1};
    check_case(&rig, &mlb_launch, &launch, &details);
    close_case_rig(&rig);
}

static void launches(void **state)
{
    static const uint64_t nodes[] = {1, 100};
    struct case_rig rig;
    struct mlb_details details = {0};
    (void)state;
    open_case_rig(&rig, &mlb_backend_cuda, MLB_DATA_NORMAL);
    for (int op = MLB_LAUNCH_KERNEL; op <= MLB_LAUNCH_D2H; op++)
        for (int mode = MLB_ROUND_TRIP; mode <= MLB_BACK_TO_BACK; mode++)
            for (size_t i = 0; i < (op == MLB_LAUNCH_GRAPH ? 2 : 1); i++) {
                struct mlb_launch_params params = {op, mode, nodes[i]};
                check_case(&rig, &mlb_launch, &params, &details);
            }
    close_case_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_copies),
        cmocka_unit_test(launches),
        cmocka_unit_test(peer_copies),
    };
    const char *required = getenv("MLBENCH_REQUIRE_GPU");
    char why[256] = "";
    int count = 0;
    if (mlb_backend_cuda.count(&count, why, sizeof why, NULL) != MLB_OK || count == 0) {
        printf("no GPU: %s\n", why);
        return required && strcmp(required, "1") == 0 ? 1 : SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
