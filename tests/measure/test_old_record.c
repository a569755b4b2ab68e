/* SPDX-License-Identifier: Apache-2.0 */
/* A record that an earlier mlbench wrote: what it did not know is absent, and nothing is made up.
 */
#include "tests/check.h"

#include "harness/measure/result.h"

static void an_earlier_record_is_read(void **state)
{
    (void)state;
    struct mlb_result result;
    struct mlb_error err = {0};
    check_ok(
        mlb_result_load(MLB_TEST_SOURCE_DIR "/tests/measure/record_schema1.json", &result, &err),
        &err);
    check_u64(result.row_count, 6);
    for (size_t i = 0; i < result.row_count; i++) {
        const struct mlb_row *row = &result.rows[i];
        const struct mlb_telemetry_window *window = &row->telemetry;
        check_i64(row->status, MLB_ROW_MEASURED);
        check_true(!row->has_sustain && !row->graph_gain.known && !row->work.link);
        check_text(row->launch, "");
        check_text(window->throttle, "");
        check_true(!window->clock_kernel_hz.known && !window->power_default_w.known);
        check_true(!mlb_work_energy(&row->work, &row->summary, window).known);
    }
    check_close(result.rows[0].telemetry.energy_j.value, 516.4, 0);
    mlb_result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_earlier_record_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
