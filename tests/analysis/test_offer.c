/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/analysis/offer.h"
#include "tests/catalog/rig.h"

#define P5(purchase, place, amount)                                                                \
    "{\"provider\": \"aws\", \"instance\": \"p5.48xlarge\", \"purchase\": \"" purchase "\", "      \
    "\"region\": " place ", \"amount_per_hour\": " amount                                          \
    ", \"currency\": \"USD\", \"as_of\": \"2026-09-01\", \"source\": \"s\"}"

static const char prices[] =
    P5("on_demand", "\"east\"", "40") ",\n" P5("on_demand", "\"west\"", "50") ",\n" P5(
        "spot", "\"east\", \"zone\": \"east-a\"",
        "10") ",\n" P5("spot", "\"east\", \"zone\": \"east-b\"", "44");

static void make(struct rig *rig)
{
    rig_make(rig, RIG_P5 ",\n" RIG_ND, prices);
    check_ok(rig_open(rig, NULL), &rig->err);
}

static struct mlb_digest launch(const char *provider, const char *instance, const char *region)
{
    struct mlb_digest digest = {
        .run_id = "r",
        .started_utc = "2026-09-01T00:00:00Z",
        .host_kind = "8x-nvidia-h100",
        .data = "normal",
        .ranks = 8,
        .nodes = 1,
        .ranks_per_node = 8,
        .device_kind = "cuda",
        .device = "NVIDIA H100 80GB HBM3",
        .device_count = 8,
    };
    mlb_format(digest.provider.name, sizeof digest.provider.name, "%s", provider);
    mlb_format(digest.provider.instance, sizeof digest.provider.instance, "%s", instance);
    mlb_format(digest.provider.region, sizeof digest.provider.region, "%s", region);
    return digest;
}

/* 2026-09-20: the prices are new. */
static struct mlb_offer_choice anything(void)
{
    struct mlb_offer_choice choice = {.region = ""};
    check_true(mlb_date_parse("2026-09-20", &choice.today));
    for (int way = 0; way < MLB_PURCHASES; way++)
        choice.ways[way] = true;
    return choice;
}

static struct mlb_offers build(struct rig *rig, struct mlb_digest *items, size_t count,
                               const struct mlb_offer_choice *choice)
{
    struct mlb_offers offers = {0};
    struct mlb_digests digests = {.items = items, .count = count};
    check_ok(mlb_offers_build(&offers, &digests, rig->catalog, choice, &rig->err), &rig->err);
    return offers;
}

static void test_groups(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig);
    struct mlb_digest items[] = {
        launch("aws", "p5.48xlarge", "east"), launch("oci", "BM.GPU.H100.8", ""),
        launch("aws", "p5.48xlarge", "west"), launch("aws", "p5.48xlarge", "east"),
        launch("aws", "p5.48xlarge", "east"), launch("", "", ""),
    };
    items[3].nodes = 2;
    items[3].ranks = 16;
    items[4].ranks = 1;
    items[0].sick = 2;
    struct mlb_offer_choice choice = anything();
    struct mlb_offers offers = build(&rig, items, 6, &choice);
    static const char *const names[] = {"aws p5.48xlarge", "oci BM.GPU.H100.8",
                                        "aws p5.48xlarge x2", "aws p5.48xlarge (1 of 8 GPUs)",
                                        "unknown 8x-nvidia-h100"};
    check_u64(offers.measured_count, 5);
    for (size_t i = 0; i < 5; i++)
        check_text(offers.measured[i].name, names[i]);
    check_u64(offers.measured[0].launch_count, 2);
    check_text(offers.measured[0].region, ""); /* two regions */
    check_u64(offers.measured[0].sick, 1);
    check_i64(offers.measured[0].gpus, 8);
    check_i64(offers.measured[4].gpus, 8); /* in no catalog: those of the job */
    check_true(mlb_measured_has_offer(&offers, &offers.measured[0]));
    check_true(!mlb_measured_has_offer(&offers, &offers.measured[1]));
    mlb_offers_free(&offers);
    rig_free(&rig);
}

static void test_prices_of_the_region(void **state)
{
    (void)state;
    static const struct {
        const char *measured_in, *asked;
        double low, median, high;
        bool known, elsewhere;
    } table[] = {
        {"east", "", 40, 40, 40, true, false},     {"", "", 40, 45, 50, true, true},
        {"north", "", 40, 45, 50, true, true}, /* not listed: of all */
        {"east", "west", 50, 50, 50, true, false}, {"east", "north", 0, 0, 0, false, false},
    };
    struct rig rig;
    make(&rig);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_digest item = launch("aws", "p5.48xlarge", table[i].measured_in);
        struct mlb_offer_choice choice = anything();
        choice.region = table[i].asked;
        choice.ways[MLB_SPOT] = false;
        struct mlb_offers offers = build(&rig, &item, 1, &choice);
        check_u64(offers.count, table[i].known);
        if (offers.count) {
            check_close(offers.items[0].price.low, table[i].low, 0);
            check_close(offers.items[0].price.median, table[i].median, 0);
            check_close(offers.items[0].price.high, table[i].high, 0);
            check_true(offers.items[0].elsewhere == table[i].elsewhere);
        }
        mlb_offers_free(&offers);
    }
    rig_free(&rig);
}

static void test_ways(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig);
    struct mlb_digest item = launch("aws", "p5.48xlarge", "east");
    struct mlb_offer_choice choice = anything();
    struct mlb_offers offers = build(&rig, &item, 1, &choice);
    check_u64(offers.count, 2);
    check_i64(offers.items[0].purchase, MLB_ON_DEMAND);
    check_i64(offers.items[1].purchase, MLB_SPOT);
    check_close(offers.items[1].price.low, 10, 0);
    check_close(offers.items[1].price.high, 44, 0);
    check_true(offers.items[1].price.above_on_demand); /* 44 of zone b, 40 on demand */
    check_true(!offers.items[0].price.stale);
    mlb_offers_free(&offers);
    check_true(mlb_date_parse("2026-12-20", &choice.today));
    offers = build(&rig, &item, 1, &choice);
    check_true(offers.items[0].price.stale);
    mlb_offers_free(&offers);
    rig_free(&rig);
}

static void test_own_price_counts_first(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig);
    check_ok(mlb_catalog_override(rig.catalog, "aws/p5.48xlarge=31.5,unknown/8x-nvidia-h100=20",
                                  &rig.err),
             &rig.err);
    struct mlb_digest items[] = {launch("aws", "p5.48xlarge", "east"), launch("", "", "")};
    items[1].price_per_hour = 99.0; /* the catalog has none, the user does */
    struct mlb_offer_choice choice = anything();
    struct mlb_offers offers = build(&rig, items, 2, &choice);
    check_u64(offers.count, 3);
    check_close(offers.items[0].price.median, 31.5, 0);
    check_true(offers.items[0].price.user && !offers.items[0].told);
    check_close(offers.items[2].price.median, 20.0, 0);
    mlb_offers_free(&offers);
    rig_free(&rig);
}

/* What the run was told is of the whole job, and counts where no list has a price. */
static void test_told(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig);
    struct mlb_digest items[] = {launch("lambda", "8x", ""), launch("lambda", "8x", ""),
                                 launch("aws", "p5.48xlarge", "east")};
    for (size_t i = 0; i < 2; i++) {
        items[i].nodes = 2;
        items[i].ranks = 16;
        items[i].price_per_hour = i ? 60.0 : 50.0;
    }
    items[1].started_utc = "2026-09-02T00:00:00Z"; /* the newer one counts */
    items[2].price_per_hour = 1.0;
    struct mlb_offer_choice choice = anything();
    struct mlb_offers offers = build(&rig, items, 3, &choice);
    check_u64(offers.count, 3);
    check_true(offers.items[0].told);
    check_close(offers.items[0].price.median, 30.0, 0);
    check_true(!offers.items[1].told);
    check_close(offers.items[1].price.median, 40.0, 0);
    mlb_offers_free(&offers);
    rig_free(&rig);
}

static void test_service(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig);
    struct mlb_digest item = launch("aws", "p5.48xlarge", "east");
    mlb_format(item.provider.service, sizeof item.provider.service, "batch");
    struct mlb_offer_choice choice = anything();
    struct mlb_offers offers = build(&rig, &item, 1, &choice);
    check_text(offers.measured[0].name, "aws/batch p5.48xlarge");
    check_true(offers.items[0].plain);
    check_close(offers.items[0].price.median, 40.0, 0);
    mlb_offers_free(&offers);
    rig_free(&rig);
}

static void test_left_out(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig);
    struct mlb_digest items[4];
    for (size_t i = 0; i < 4; i++)
        items[i] = launch("aws", "p5.48xlarge", "east");
    items[0].solo = true;
    items[1].oversubscribed = true;
    items[2].data = "zeros";
    struct mlb_offer_choice choice = anything();
    struct mlb_offers offers = build(&rig, items, 4, &choice);
    check_u64(offers.solo, 1);
    check_u64(offers.oversubscribed, 1);
    check_u64(offers.unlike_data, 1);
    check_u64(offers.measured[0].launch_count, 1);
    mlb_offers_free(&offers);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),   cmocka_unit_test(test_prices_of_the_region),
        cmocka_unit_test(test_ways),     cmocka_unit_test(test_own_price_counts_first),
        cmocka_unit_test(test_told),     cmocka_unit_test(test_service),
        cmocka_unit_test(test_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
