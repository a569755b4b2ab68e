/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about links: the notes that accuse, and the matrices. */
#include "harness/analysis/accuse.h"
#include "harness/base/text.h"
#include "harness/report/survey.h"
#include "tests/check.h"
#include "tests/measure/records.h"

static const struct mlb_health *note_of(const struct mlb_result *result, const char *code)
{
    static const struct mlb_health none;
    for (size_t i = 0; i < result->health_count; i++)
        if (strcmp(result->health[i].code, code) == 0)
            return &result->health[i];
    print_error("no note '%s'\n", code);
    fail();
    return &none;
}

static void check_note(const struct mlb_result *result, const char *code,
                       enum mlb_health_level level, const char *text)
{
    const struct mlb_health *note = note_of(result, code);
    check_i64(note->level, level);
    check_text(note->text, text);
}

static void the_accused_is_named(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    record_links(&result);
    mlb_accuse(&result);
    check_u64(result.health_count, 2);
    check_note(&result, "slow_machine", MLB_HEALTH_SICK,
               "machine 1 (ranks 2-3): 50 % of the rate of its twins (sends 50 %, receives "
               "99.7 %), tried again by itself; without it the slowest pair is 2x as fast");
    check_note(&result, "link_cleared", MLB_HEALTH_NOTE,
               "the way between machine 0 (ranks 0-1) and machine 2 (ranks 4-5): slow once, as "
               "fast as its twins when tried again");
    mlb_result_free(&result);
}

static void each_kind_has_its_words(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    record_links(&result);
    struct mlb_sick *sick = result.links->sick;
    result.links->sick_count = 1;
    *sick = (struct mlb_sick){.kind = MLB_SICK_RAIL,
                              .confirmed = true,
                              .machine = 2,
                              .local = 1,
                              .share = 0.5,
                              .sends = {true, 0.5},
                              .receives = {true, 0.5},
                              .gain = 1.9};
    mlb_accuse(&result);
    check_note(&result, "slow_rail", MLB_HEALTH_SICK,
               "rank 5 (rail 1 of machine 2, GPU 0000:20:00.0 "
               "GPU-00000005-0000-0000-0000-000000000000, near mlx5_1): 50 % of the rate of its "
               "twins (sends 50 %, receives 50 %), tried again by itself; without that machine the "
               "slowest pair is 1.9x as fast");
    result.health_count = 0;
    *sick = (struct mlb_sick){.kind = MLB_SICK_LINK,
                              .confirmed = true,
                              .machine = 0,
                              .other = 1,
                              .share = 0.5,
                              .sends = {true, 0.5},
                              .receives = {true, 1.0},
                              .gain = 2.0};
    mlb_accuse(&result);
    check_contains(note_of(&result, "slow_link")->text, "(50 % to the second, 100 % back)");
    check_contains(note_of(&result, "slow_link")->text, "without one of the two");
    result.health_count = 0;
    *sick = (struct mlb_sick){
        .kind = MLB_SICK_PATH, .confirmed = true, .other = 1, .local = 1, .share = 0.5};
    mlb_accuse(&result);
    check_contains(note_of(&result, "slow_path")->text, "rail 1, between rank 1 and rank 3: 50 %");
    result.health_count = 0;
    *sick = (struct mlb_sick){
        .kind = MLB_SICK_DEVICE, .confirmed = true, .machine = 0, .local = 1, .share = 0.25};
    mlb_accuse(&result);
    check_contains(note_of(&result, "slow_device")->text, "rank 1 (1 of machine 0, GPU ");
    check_contains(note_of(&result, "slow_device")->text, "25 % of the rate of its twins in its");
    mlb_result_free(&result);
}

static void what_cannot_be_told_is_said(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    mlb_accuse(&result); /* no survey, no words */
    check_u64(result.health_count, 0);
    record_links(&result);
    result.links->sick_count = 0;
    result.links->untried = 3;
    result.links->wrong = 7;
    result.links->wrong_from = 4;
    result.links->wrong_to = 1;
    mlb_accuse(&result);
    check_i64(note_of(&result, "links_untried")->level, MLB_HEALTH_WARN);
    check_i64(note_of(&result, "link_data")->level, MLB_HEALTH_SICK);
    check_contains(note_of(&result, "link_data")->text,
                   "what rank 4 sent arrived wrong at rank 1 (7 of 73728");
    mlb_result_free(&result);

    result.links = mlb_links_new(2, 1, 1);
    mlb_accuse(&result);
    check_i64(note_of(&result, "few_machines")->level, MLB_HEALTH_NOTE);
    mlb_result_free(&result);
}

/* More than a line holds. */
static void of_many_machines_the_slowest_are_listed(void **state)
{
    (void)state;
    enum { N = 40 };
    struct mlb_result result = {0};
    struct mlb_text text = {0};
    result.links = mlb_links_new(N, 1, 1);
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++)
            if (a != b)
                *mlb_links_pair(result.links, a, b) = a == 31 ? 24e9 : 49e9 + 1e6 * (a + b);
    *mlb_links_pair(result.links, 3, 5) = 12e9;
    mlb_report_survey(&result, &text);
    check_contains(mlb_text_get(&text), "  slowest pairs: 3-5 12, 0-31 24, 1-31 24,");
    check_contains(mlb_text_get(&text), "  slowest by their best pair: 31 24,");
    check_contains(mlb_text_get(&text), "; the best has 49.1\n");
    mlb_text_free(&text);
    mlb_result_free(&result);
}

static void no_line_is_too_wide(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_text text = {0};
    result.links = mlb_links_new(15, 8, 8);
    for (int i = 0; i < 15 * 15; i++)
        result.links->pair[i] = 312.5e9;
    for (int i = 0; i < 15 * 64; i++)
        result.links->local[i] = 401e9;
    mlb_report_survey(&result, &text);
    for (const char *line = mlb_text_get(&text); *line; line += strcspn(line, "\n") + 1)
        check_true(strcspn(line, "\n") <= 100);
    check_contains(mlb_text_get(&text), "   312   312");
    mlb_text_free(&text);
    mlb_result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_accused_is_named),
        cmocka_unit_test(each_kind_has_its_words),
        cmocka_unit_test(what_cannot_be_told_is_said),
        cmocka_unit_test(of_many_machines_the_slowest_are_listed),
        cmocka_unit_test(no_line_is_too_wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
