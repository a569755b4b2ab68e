/* SPDX-License-Identifier: Apache-2.0 */
/* Asking: names, ranges over regions and zones, age, the newer of two, the user's own. */
#include "tests/catalog/rig.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

#define PRICE(provider, instance, purchase, place, amount, as_of)                                  \
    "{\"provider\": \"" provider "\", \"instance\": \"" instance "\", \"purchase\": \"" purchase   \
    "\", " place ", \"amount_per_hour\": " amount ", \"currency\": \"USD\", \"as_of\": \"" as_of   \
    "\", \"source\": \"s\"}"
#define EAST     "\"region\": \"us-east-1\""
#define WEST     "\"region\": \"us-west-2\""
#define ALL      "\"region\": \"all\""
#define ZONE(of) EAST ", \"zone\": \"" of "\""
#define P5(...)  PRICE("aws", "p5.48xlarge", __VA_ARGS__)

static int64_t day(const char *text)
{
    int64_t days = 0;
    check_true(mlb_date_parse(text, &days));
    return days;
}

static struct mlb_price_range ask(const struct rig *rig, const char *region, const char *zone,
                                  enum mlb_purchase purchase)
{
    return mlb_catalog_price(rig->catalog, "aws", "", "p5.48xlarge", region, zone, purchase,
                             day("2026-10-01"));
}

static void make(struct rig *rig, const char *prices)
{
    rig_make(rig, RIG_P5 ",\n" RIG_ND, prices);
    check_ok(rig_open(rig, NULL), &rig->err);
}

static void names_of_jobs_and_of_services_find_the_machine(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig, "");
    static const struct {
        const char *provider, *name;
        bool found;
    } rows[] = {
        {"aws", "p5.48xlarge", true},
        {"AWS", "P5.48XLARGE", true},
        {"aws", "ml.p5.48xlarge", true},
        {"azure", "Standard_ND96isr_H100_v5", true},
        {"azure", "nd96isr_h100_v5", true},
        {"azure", "standard_nd96ISR_H100_v5", true},
        {"gcp", "p5.48xlarge", false},
        {"aws", "p5.4xlarge", false},
        {"aws", "ml.", false},
        {"aws", "", false},
        {"", "", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_true((mlb_catalog_instance(rig.catalog, rows[i].provider, rows[i].name) != NULL) ==
                   rows[i].found);
    rig_free(&rig);
}

static void a_range_is_over_places(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig,
         P5("on_demand", EAST, "55", "2026-09-19") ",\n" P5(
             "on_demand", WEST, "60",
             "2026-09-19") ",\n" P5("spot", ZONE("a"), "14",
                                    "2026-09-19") ",\n" P5("spot", ZONE("b"), "20",
                                                           "2026-09-18") ",\n" P5("spot", ZONE("c"),
                                                                                  "47",
                                                                                  "2026-09-20"));
    struct mlb_price_range spot = ask(&rig, "us-east-1", "", MLB_SPOT);
    check_true(spot.known && !spot.user && !spot.stale && !spot.above_on_demand);
    check_u64(spot.count, 3);
    check_close(spot.low, 14, 0);
    check_close(spot.median, 20, 0);
    check_close(spot.high, 47, 0);
    check_text(spot.cheapest->zone, "a");
    check_text(spot.oldest->as_of, "2026-09-18");
    check_close(ask(&rig, "us-east-1", "b", MLB_SPOT).median, 20, 0);
    check_true(!ask(&rig, "us-east-1", "d", MLB_SPOT).known);
    check_true(!ask(&rig, "us-west-2", "", MLB_SPOT).known);
    check_close(ask(&rig, "", "", MLB_ON_DEMAND).median, 57.5, 1e-12);
    check_close(ask(&rig, "us-west-2", "any", MLB_ON_DEMAND).median, 60, 0); /* of the region */
    check_true(!ask(&rig, "eu-west-1", "", MLB_ON_DEMAND).known);
    check_true(!ask(&rig, "us-east-1", "", MLB_RESERVED_3Y).known);
    rig_free(&rig);
}

static void all_stands_in_where_a_region_has_none(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig,
         P5("on_demand", EAST, "55", "2026-09-19") ",\n" P5("on_demand", ALL, "50", "2026-09-19"));
    check_close(ask(&rig, "us-east-1", "", MLB_ON_DEMAND).median, 55, 0);
    check_close(ask(&rig, "eu-west-1", "", MLB_ON_DEMAND).median, 50, 0);
    check_u64(ask(&rig, "", "", MLB_ON_DEMAND).count, 2);
    rig_free(&rig);
}

static void a_service_has_prices_of_its_own(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig, P5("on_demand", EAST, "55", "2026-09-19") ",\n" PRICE(
                   "aws", "ml.p5.48xlarge", "on_demand", EAST ", \"service\": \"sagemaker\"",
                   "63.29", "2026-09-19"));
    check_close(ask(&rig, "", "", MLB_ON_DEMAND).median, 55, 0);
    struct mlb_price_range managed = mlb_catalog_price(
        rig.catalog, "aws", "sagemaker", "p5.48xlarge", "", "", MLB_ON_DEMAND, day("2026-10-01"));
    check_close(managed.median, 63.29, 0);
    rig_free(&rig);
}

static void age_is_that_of_the_oldest(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig,
         P5("spot", ZONE("a"), "14", "2026-07-03") ",\n" P5("spot", ZONE("b"), "20", "2026-09-30"));
    check_true(!ask(&rig, "", "", MLB_SPOT).stale); /* 90 days */
    struct mlb_price_range next = mlb_catalog_price(rig.catalog, "aws", "", "p5.48xlarge", "", "",
                                                    MLB_SPOT, day("2026-10-02"));
    check_true(next.stale);
    check_true(!mlb_catalog_price(rig.catalog, "aws", "", "p5.48xlarge", "", "b", MLB_SPOT,
                                  day("2026-10-02"))
                    .stale);
    rig_free(&rig);
}

static void spot_that_reaches_on_demand_is_flagged(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig,
         P5("on_demand", EAST, "55", "2026-09-19") ",\n" P5(
             "on_demand", WEST, "20",
             "2026-09-19") ",\n" P5("spot", ZONE("a"), "54",
                                    "2026-09-19") ",\n" P5("spot", ZONE("b"), "55", "2026-09-19"));
    check_true(ask(&rig, "", "", MLB_SPOT).above_on_demand);
    check_true(!ask(&rig, "", "a", MLB_SPOT).above_on_demand);
    check_true(ask(&rig, "", "b", MLB_SPOT).above_on_demand);
    check_true(!ask(&rig, "", "", MLB_ON_DEMAND).above_on_demand);
    rig_free(&rig);
}

static void the_newer_of_two_counts(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig, P5("on_demand", EAST, "98", "2025-05-01") ",\n" P5(
                   "on_demand", EAST, "55", "2026-09-19") ",\n" P5("on_demand", EAST, "55.00001",
                                                                   "2026-09-19"));
    const struct mlb_price *prices;
    check_u64(mlb_catalog_prices(rig.catalog, &prices), 1); /* that much two lists may differ */
    check_close(prices->usd_per_hour, 55, 0);
    rig_write(&rig, "more.json",
              "{\"schema\": 1, \"prices\": [\n" P5("on_demand", EAST, "50", "2026-09-30") "]}");
    rig_write(&rig, "other.json",
              "{\"schema\": 1, \"prices\": [\n" P5("on_demand", EAST, "99", "2026-09-01") "]}");
    char more[160];
    mlb_format(more, sizeof more, "%s/more.json,%s/other.json", rig.folder, rig.folder);
    check_ok(rig_open(&rig, more), &rig.err);
    check_close(ask(&rig, "", "", MLB_ON_DEMAND).median, 50, 0);
    rig_free(&rig);
}

/* On demand, with one or two files more. */
static double of_files(struct rig *rig, const char *first, const char *second, const char *region)
{
    char more[160];
    if (second)
        mlb_format(more, sizeof more, "%s/%s,%s/%s", rig->folder, first, rig->folder, second);
    else
        mlb_format(more, sizeof more, "%s/%s", rig->folder, first);
    check_ok(rig_open(rig, more), &rig->err);
    return ask(rig, region, "", MLB_ON_DEMAND).median;
}

#define FILE_OF(prices) "{\"schema\": 1, \"prices\": [\n" prices "]}"

static void of_one_day_the_later_file_counts(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig, P5("on_demand", EAST, "55", "2026-09-19"));
    rig_write(&rig, "more.json", FILE_OF(P5("on_demand", EAST, "50", "2026-09-19")));
    rig_write(&rig, "other.json", FILE_OF(P5("on_demand", EAST, "60", "2026-09-19")));
    check_close(of_files(&rig, "more.json", NULL, "us-east-1"), 50, 0);
    check_close(of_files(&rig, "other.json", "more.json", "us-east-1"), 50, 0);
    check_close(of_files(&rig, "more.json", "other.json", "us-east-1"), 60, 0);
    rig_free(&rig);
}

static void a_later_price_for_everywhere_counts_before_a_region(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig,
         P5("on_demand", EAST, "55", "2026-09-19") ",\n" P5("on_demand", WEST, "60", "2026-09-21"));
    rig_write(&rig, "more.json", FILE_OF(P5("on_demand", ALL, "40", "2026-09-20")));
    check_close(of_files(&rig, "more.json", NULL, "us-east-1"), 40, 0);
    check_close(of_files(&rig, "more.json", NULL, "us-west-2"), 60, 0); /* which is newer */
    rig_write(&rig, "other.json", FILE_OF(P5("on_demand", EAST, "50", "2026-09-20")));
    check_close(of_files(&rig, "more.json", "other.json", "us-east-1"), 50, 0);
    check_close(of_files(&rig, "other.json", "more.json", "us-east-1"), 40, 0);
    rig_free(&rig);
}

static void a_contradiction_names_both_places(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(
        &rig, RIG_P5,
        P5("on_demand", EAST, "55", "2026-09-19") ",\n" P5("on_demand", EAST, "56", "2026-09-19"));
    enum mlb_status status = rig_open(&rig, NULL);
    check_fails(status, MLB_E_CONFIG, &rig.err, "costs 56 here and 55 at ");
    check_contains(rig.err.text, "prices.json:3: ");
    check_contains(rig.err.text, "prices.json:2, both as of 2026-09-19");
    rig_free(&rig);
    make(&rig, P5("on_demand", EAST, "55", "2026-09-20"));
    rig_write(&rig, "more.json",
              FILE_OF(P5("on_demand", EAST, "55", "2026-09-19") ",\n" P5("on_demand", EAST, "56",
                                                                         "2026-09-19")));
    char more[128];
    mlb_format(more, sizeof more, "%s/more.json", rig.folder);
    status = rig_open(&rig, more); /* also where another price counts */
    check_fails(status, MLB_E_CONFIG, &rig.err, "more.json:3: ");
    rig_free(&rig);
}

static void the_old_price_of_p5_is_noted(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig, P5("on_demand", EAST, "98.32", "2026-09-19") ",\n" P5("on_demand", WEST, "55.04",
                                                                     "2026-09-19"));
    check_contains(ask(&rig, "us-east-1", "", MLB_ON_DEMAND).cheapest->note, "before June 2025");
    check_text(ask(&rig, "us-west-2", "", MLB_ON_DEMAND).cheapest->note, "");
    rig_free(&rig);
}

static void a_price_of_ones_own_counts_first(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig, P5("on_demand", EAST, "55", "2026-09-19"));
    check_ok(mlb_catalog_override(rig.catalog, "aws/p5.48xlarge=30", &rig.err), &rig.err);
    check_ok(mlb_catalog_override(rig.catalog, "aws/P5.48xlarge:spot=14.20,aws/ml.p5.48xlarge=40",
                                  &rig.err),
             &rig.err);
    struct mlb_price_range own = ask(&rig, "eu-west-1", "z", MLB_ON_DEMAND);
    check_true(own.known && own.user && !own.stale);
    check_close(own.median, 30, 0);
    check_u64(own.count, 1);
    check_text(own.cheapest->region, "all");
    check_text(own.cheapest->instance, "p5.48xlarge");
    check_close(ask(&rig, "", "", MLB_SPOT).median, 14.2, 1e-12);
    check_true(!ask(&rig, "", "", MLB_RESERVED_1Y).known);
    check_close(
        mlb_catalog_price(rig.catalog, "aws", "sagemaker", "p5.48xlarge", "", "", MLB_ON_DEMAND, 0)
            .median,
        40, 0);
    check_ok(mlb_catalog_override(rig.catalog, "aws/p5.48xlarge=25", &rig.err), &rig.err);
    check_close(ask(&rig, "", "", MLB_ON_DEMAND).median, 25, 0); /* the last one said */
    check_ok(mlb_catalog_override(rig.catalog, "mine/HGX H100 x8=9.5", &rig.err), &rig.err);
    check_close(
        mlb_catalog_price(rig.catalog, "mine", "", "hgx h100 x8", "", "", MLB_ON_DEMAND, 0).median,
        9.5, 0);
    rig_free(&rig);
}

static void wrong_prices_of_ones_own_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "write PROVIDER/INSTANCE"},
        {"aws", "write PROVIDER/INSTANCE"},
        {"aws/p5.48xlarge", "write PROVIDER/INSTANCE"},
        {"p5.48xlarge=55", "write PROVIDER/INSTANCE"},
        {"/p5.48xlarge=55", "write PROVIDER/INSTANCE"},
        {"aws/=55", "write PROVIDER/INSTANCE"},
        {"a=b/c", "write PROVIDER/INSTANCE"},
        {"aws/p5.48xlarge=", "must be a number above 0"},
        {"aws/p5.48xlarge=0", "must be a number above 0"},
        {"aws/p5.48xlarge=-3", "must be a number above 0"},
        {"aws/p5.48xlarge=nan", "must be a number above 0"},
        {"aws/p5.48xlarge=$55", "must be a number above 0"},
        {"aws/p5.48xlarge:weekly=55", "one of on_demand, spot"},
        {"aws/p5.48xlarge=55,", "write PROVIDER/INSTANCE"},
    };
    struct rig rig;
    make(&rig, "");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mlb_error err = {0};
        enum mlb_status status = mlb_catalog_override(rig.catalog, rows[i].text, &err);
        check_fails(status, MLB_E_USAGE, &err, rows[i].says);
    }
    char longest[600];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    check_true(mlb_catalog_override(rig.catalog, longest, &rig.err) == MLB_E_USAGE);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_jobs_and_of_services_find_the_machine),
        cmocka_unit_test(a_range_is_over_places),
        cmocka_unit_test(all_stands_in_where_a_region_has_none),
        cmocka_unit_test(a_service_has_prices_of_its_own),
        cmocka_unit_test(age_is_that_of_the_oldest),
        cmocka_unit_test(spot_that_reaches_on_demand_is_flagged),
        cmocka_unit_test(the_newer_of_two_counts),
        cmocka_unit_test(of_one_day_the_later_file_counts),
        cmocka_unit_test(a_later_price_for_everywhere_counts_before_a_region),
        cmocka_unit_test(a_contradiction_names_both_places),
        cmocka_unit_test(the_old_price_of_p5_is_noted),
        cmocka_unit_test(a_price_of_ones_own_counts_first),
        cmocka_unit_test(wrong_prices_of_ones_own_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
