/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/app/mixed.h"
#include "harness/base/text.h"

#define MACHINE(instance_, zone_, purchase_)                                                       \
    {                                                                                              \
        .name = "aws", .instance = instance_, .zone = zone_, .purchase = purchase_                 \
    }

static void alike_and_unknown(void **state)
{
    (void)state;
    static const struct mlb_provider machines[] = {MACHINE("p5.48xlarge", "us-east-1a", "spot"),
                                                   MACHINE("", "", ""),
                                                   MACHINE("p5.48xlarge", "us-east-1a", "spot"),
                                                   {.name = ""}};
    struct mlb_result result = {0};
    mlb_mixed_judge(machines, 4, &result);
    check_u64(result.health_count, 0);
}

static void each_kind_is_named(void **state)
{
    (void)state;
    static const struct mlb_provider machines[] = {
        MACHINE("p5.48xlarge", "us-east-1a", "spot"), MACHINE("p4d.24xlarge", "us-east-1a", "spot"),
        MACHINE("p5.48xlarge", "us-east-1b", "spot"), MACHINE("p5.48xlarge", "us-east-1a", "spot")};
    struct mlb_result result = {0};
    mlb_mixed_judge(machines, 4, &result);
    check_u64(result.health_count, 2);
    check_i64(result.health[0].level, MLB_HEALTH_WARN);
    check_text(result.health[0].code, "mixed");
    check_text(result.health[0].text,
               "instances differ: aws p5.48xlarge on 3 machines from 0 on, aws p4d.24xlarge on "
               "machine 1; the job is as fast as the least of them");
    check_contains(result.health[1].text, "zones differ: us-east-1a on 3 machines from 0 on, "
                                          "us-east-1b on machine 2");
}

static void what_is_common(void **state)
{
    (void)state;
    static const struct mlb_provider machines[] = {MACHINE("p5.48xlarge", "us-east-1a", "spot"),
                                                   MACHINE("", "us-east-1b", ""),
                                                   {.name = ""},
                                                   MACHINE("p4d.24xlarge", "", "spot")};
    struct mlb_provider common;
    mlb_mixed_common(machines, 3, &common);
    check_text(common.instance, "p5.48xlarge");
    check_text(common.zone, "");
    mlb_mixed_common(machines, 4, &common);
    check_text(common.name, "aws");
    check_text(common.instance, "");
    check_text(common.purchase, "spot");
}

static void many_kinds(void **state)
{
    (void)state;
    struct mlb_provider machines[7] = {0};
    struct mlb_result result = {0};
    for (int i = 0; i < 7; i++)
        mlb_format(machines[i].instance, sizeof machines[i].instance, "t%d", i);
    mlb_mixed_judge(machines, 7, &result);
    check_u64(result.health_count, 1);
    check_contains(result.health[0].text, "t3 on machine 3, 3 more kinds; the job");
}

static void ways_to_pay(void **state)
{
    (void)state;
    static const struct mlb_provider machines[] = {MACHINE("p5.48xlarge", "", "on_demand"),
                                                   MACHINE("p5.48xlarge", "", "spot")};
    struct mlb_result result = {0};
    mlb_mixed_judge(machines, 2, &result);
    check_u64(result.health_count, 1);
    check_contains(result.health[0].text, "purchases differ: on_demand on machine 0, spot on");
}

static void a_journal_goes_on_where_it_began(void **state)
{
    (void)state;
    const struct mlb_provider p5 = MACHINE("p5.48xlarge", "us-east-1a", "spot"),
                              other_zone = MACHINE("p5.48xlarge", "us-east-1b", "on_demand"),
                              p4 = MACHINE("p4d.24xlarge", "us-east-1a", "spot"), unknown = {0},
                              crusoe = {.name = "crusoe"}, aws = MACHINE("", "", "");
    struct mlb_error err = {0};
    check_ok(mlb_mixed_check("x.journal", &p5, &other_zone, &err), &err);
    check_ok(mlb_mixed_check("x.journal", &p5, &unknown, &err), &err);
    check_ok(mlb_mixed_check("x.journal", &unknown, &p5, &err), &err);
    check_ok(mlb_mixed_check("x.journal", &aws, &p5, &err), &err);
    check_fails(mlb_mixed_check("x.journal", &crusoe, &aws, &err), MLB_E_CONFIG, &err,
                "it was begun on crusoe, this is aws;");
    check_fails(mlb_mixed_check("x.journal", &p5, &p4, &err), MLB_E_CONFIG, &err,
                "x.journal: cannot go on: it was begun on aws p5.48xlarge, this is aws p4d");
}

static void a_journal_that_goes_on_elsewhere_says_so(void **state)
{
    (void)state;
    const struct mlb_provider began = {.region = "us-east-1", .purchase = "spot"},
                              since = {.region = "eu-north-1", .purchase = "on_demand"},
                              unknown = {0};
    struct mlb_result result = {0};
    mlb_mixed_went_on(&began, &began, &result);
    mlb_mixed_went_on(&began, &unknown, &result);
    mlb_mixed_went_on(&unknown, &began, &result);
    check_u64(result.health_count, 0);
    mlb_mixed_went_on(&began, &since, &result);
    check_u64(result.health_count, 2);
    check_text(result.health[0].text, "region: begun with us-east-1, gone on with eu-north-1; the "
                                      "price is that of the beginning");
    check_contains(result.health[1].text, "purchase: begun with spot, gone on with on_demand");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(alike_and_unknown),
                                       cmocka_unit_test(each_kind_is_named),
                                       cmocka_unit_test(what_is_common),
                                       cmocka_unit_test(many_kinds),
                                       cmocka_unit_test(ways_to_pay),
                                       cmocka_unit_test(a_journal_goes_on_where_it_began),
                                       cmocka_unit_test(a_journal_that_goes_on_elsewhere_says_so)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
