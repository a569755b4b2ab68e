/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine that is known costs by list: its own region and way of buying, or nothing. */
#include "harness/app/machine_price.h"
#include "harness/base/date.h"
#include "tests/catalog/rig.h"

static const struct {
    const char *instance, *purchase, *place, *amount, *as_of;
} prices[] = {
    {"p5.48xlarge", "on_demand", "\"region\": \"us-east-1\"", "55.04", "2026-09-19"},
    {"p5.48xlarge", "on_demand", "\"region\": \"eu-north-1\"", "58.89", "2025-08"},
    {"p5.48xlarge", "spot", "\"region\": \"us-east-1\", \"zone\": \"use1-az3\"", "14",
     "2026-09-19"},
    {"p5.48xlarge", "spot", "\"region\": \"us-east-1\", \"zone\": \"use1-az5\"", "16",
     "2026-09-18"},
    {"ml.p5.48xlarge", "on_demand", "\"region\": \"us-east-1\", \"service\": \"sagemaker\"",
     "63.29", "2026-09-19"},
};

static void make(struct rig *rig)
{
    struct mlb_text text = {0};
    for (size_t i = 0; i < sizeof prices / sizeof *prices; i++)
        mlb_text_addf(&text,
                      "%s{\"provider\": \"aws\", \"instance\": \"%s\", \"purchase\": \"%s\", "
                      "%s, \"amount_per_hour\": %s, \"currency\": \"USD\", \"as_of\": \"%s\", "
                      "\"source\": \"s\"}",
                      i ? ",\n" : "", prices[i].instance, prices[i].purchase, prices[i].place,
                      prices[i].amount, prices[i].as_of);
    rig_make(rig, RIG_P5, mlb_text_get(&text));
    mlb_text_free(&text);
    check_ok(rig_open(rig, NULL), &rig->err);
}

/* As detection says it. */
struct said {
    const char *name, *service, *instance, *region, *zone, *purchase;
    enum mlb_provider_method method;
};

static struct mlb_machine_price ask(const struct mlb_catalog *catalog, const struct said *said)
{
    struct mlb_provider provider = {.method = said->method};
    struct mlb_machine_price price;
    int64_t today = 0;
    mlb_format(provider.name, sizeof provider.name, "%s", said->name);
    mlb_format(provider.service, sizeof provider.service, "%s", said->service);
    mlb_format(provider.instance, sizeof provider.instance, "%s", said->instance);
    mlb_format(provider.region, sizeof provider.region, "%s", said->region);
    mlb_format(provider.zone, sizeof provider.zone, "%s", said->zone);
    mlb_format(provider.purchase, sizeof provider.purchase, "%s", said->purchase);
    check_true(mlb_date_parse("2026-10-01", &today));
    mlb_price_of_machine(catalog, &provider, today, &price);
    return price;
}

static void a_known_machine_has_its_list_price(void **state)
{
    (void)state;
    static const struct {
        struct said said;
        double usd;
        const char *source;
    } rows[] = {
        {{"aws", "", "p5.48xlarge", "us-east-1", "us-east-1a", "", MLB_PROVIDER_DMI},
         55.04,
         "catalog: aws p5.48xlarge on_demand us-east-1, as of 2026-09-19"},
        {{"aws", "", "p5.48xlarge", "eu-north-1", "", "on_demand", MLB_PROVIDER_USER},
         58.89,
         "catalog: aws p5.48xlarge on_demand eu-north-1, as of 2025-08, stale"},
        {{"aws", "", "p5.48xlarge", "us-east-1", "use1-az5", "spot", MLB_PROVIDER_METADATA},
         16,
         "catalog: aws p5.48xlarge spot us-east-1, as of 2026-09-18"},
        /* A zone's name, where the catalog has ids. */
        {{"aws", "", "p5.48xlarge", "us-east-1", "us-east-1a", "spot", MLB_PROVIDER_METADATA},
         15,
         "catalog: aws p5.48xlarge spot us-east-1, median of its zones, as of 2026-09-18"},
        {{"aws", "sagemaker", "ml.p5.48xlarge", "us-east-1", "", "", MLB_PROVIDER_JOB},
         63.29,
         "catalog: aws ml.p5.48xlarge on_demand us-east-1, as of 2026-09-19"},
        /* HyperPod: SageMaker's price of what the firmware calls a plain p5. */
        {{"aws", "sagemaker", "p5.48xlarge", "us-east-1", "us-east-1a", "", MLB_PROVIDER_DMI},
         63.29,
         "catalog: aws ml.p5.48xlarge on_demand us-east-1, as of 2026-09-19"},
        {{"aws", "batch", "p5.48xlarge", "us-east-1", "", "", MLB_PROVIDER_METADATA},
         55.04,
         "catalog: aws p5.48xlarge on_demand us-east-1, as of 2026-09-19"},
    };
    struct rig rig;
    make(&rig);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_machine_price price = ask(rig.catalog, &rows[i].said);
        check_close(price.usd_per_hour, rows[i].usd, 1e-12);
        check_text(price.source, rows[i].source);
        check_text(price.why, "");
    }
    rig_free(&rig);
}

static void what_is_not_settled_has_none_and_says_why(void **state)
{
    (void)state;
    static const struct {
        struct said said;
        const char *why;
    } rows[] = {
        {{"", "", "", "", "", "", MLB_PROVIDER_UNKNOWN}, ""},
        {{"aws", "", "", "us-east-1", "", "", MLB_PROVIDER_DMI}, ""},
        {{"aws", "", "p5.48xlarge", "us-east-1", "", "", MLB_PROVIDER_INFERRED},
         "is inferred from the hardware"},
        {{"aws", "", "p5.48xlarge", "", "", "", MLB_PROVIDER_DMI},
         "costs 55.04 to 58.89 USD an hour, and the region is not known"},
        {{"aws", "", "p5.48xlarge", "ap-south-1", "", "", MLB_PROVIDER_DMI},
         "none for aws p5.48xlarge on_demand in ap-south-1"},
        {{"aws", "", "p5.48xlarge", "us-east-1", "", "capacity_block", MLB_PROVIDER_METADATA},
         "none for aws p5.48xlarge capacity_block"},
        {{"aws", "", "g6.xlarge", "us-east-1", "", "", MLB_PROVIDER_DMI}, "none for aws g6.xlarge"},
        {{"aws", "", "p5.48xlarge", "us-east-1", "us-east-1-atl-2a", "", MLB_PROVIDER_METADATA},
         "none for the zone us-east-1-atl-2a, which has prices of its own"},
        {{"gcp", "vertex", "p5.48xlarge", "us-east-1", "", "", MLB_PROVIDER_JOB},
         "none for gcp vertex p5.48xlarge"},
    };
    struct rig rig;
    make(&rig);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_machine_price price = ask(rig.catalog, &rows[i].said);
        check_close(price.usd_per_hour, 0, 0);
        check_contains(price.why, rows[i].why);
        check_true((price.why[0] == '\0') == (rows[i].why[0] == '\0'));
    }
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_machine_has_its_list_price),
        cmocka_unit_test(what_is_not_settled_has_none_and_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
