/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/details.h"
#include "tests/check.h"

static void test_names_and_values_are_kept_in_order(void **state)
{
    (void)state;
    struct mlb_details details = {0};
    mlb_detail_number(&details, "tested", 7);
    mlb_detail_text(&details, "tile", "%dx%d", 128, 256);
    check_u64(details.count, 2);
    check_text(details.items[0].name, "tested");
    check_true(details.items[0].is_number);
    check_close(mlb_detail_find(&details, "tested")->number, 7, 0);
    check_text(mlb_detail_find(&details, "tile")->text, "128x256");
    check_true(!mlb_detail_find(&details, "til"));
}

static void test_unknown_is_absent(void **state)
{
    (void)state;
    struct mlb_details details = {0};
    mlb_detail_number(&details, "gain", NAN);
    mlb_detail_number(&details, "heuristic0_ns", INFINITY);
    mlb_detail_text(&details, "cluster", "%s", "");
    check_u64(details.count, 0);
}

static void test_what_finds_no_room_is_left_out(void **state)
{
    (void)state;
    struct mlb_details details = {0};
    for (int i = 0; i < MLB_DETAILS + 3; i++)
        mlb_detail_number(&details, "n", i);
    check_u64(details.count, MLB_DETAILS);
    check_close(details.items[MLB_DETAILS - 1].number, MLB_DETAILS - 1, 0);
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    struct mlb_details details = {0};
    mlb_detail_text(&details, "a name that is longer than thirty-one bytes", "%0200d", 1);
    check_u64(strlen(details.items[0].name), sizeof details.items[0].name - 1);
    check_u64(strlen(details.items[0].text), sizeof details.items[0].text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_values_are_kept_in_order),
        cmocka_unit_test(test_unknown_is_absent),
        cmocka_unit_test(test_what_finds_no_room_is_left_out),
        cmocka_unit_test(test_long_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
