/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: what is refused, and how it is said. */
#include "tests/catalog/rig.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* A price with one thing about it changed. */
#define PRICE(instance, amount, currency, as_of, rest)                                             \
    "{\"provider\": \"aws\", \"instance\": \"" instance                                            \
    "\", \"purchase\": \"on_demand\", \"region\": \"us-east-1\", \"amount_per_hour\": " amount     \
    ", \"currency\": \"" currency "\", \"as_of\": \"" as_of "\", \"source\": \"s\"" rest "}"
#define GOOD PRICE("p5.48xlarge", "55.04", "USD", "2026-09-19", "")

static void a_good_file_is_read(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, RIG_P5, GOOD);
    check_ok(rig_open(&rig, NULL), &rig.err);
    const struct mlb_instance *instance;
    const struct mlb_price *price;
    check_u64(mlb_catalog_instances(rig.catalog, &instance), 1);
    check_text(instance->name, "p5.48xlarge");
    check_text(instance->device_names[0], "NVIDIA H100 80GB HBM3");
    check_true(instance->device_names[1] == NULL);
    check_close(instance->gpu_memory_bytes, 80.0 * (1 << 30), 0);
    check_close(instance->gpu_network_bytes_per_s, 400e9, 0);
    check_i64(instance->nics, 32);
    check_text(instance->cpu, ""); /* unknown */
    check_true(!instance->price_only);
    check_u64(mlb_catalog_prices(rig.catalog, &price), 1);
    check_text(price->zone, "");
    check_text(price->service, "");
    check_i64(price->purchase, MLB_ON_DEMAND);
    check_text(price->as_of, "2026-09-19");
    rig_free(&rig);
}

static void bad_prices_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *price, *says;
    } rows[] = {
        {"{\"provider\": \"aws\"}", "prices.json:2: a price needs 'instance'"},
        {"7", "a price must be an object"},
        {"{\"provider\": \"aws\", \"instance\": \"p5.48xlarge\", \"purchase\": \"on_demand\", "
         "\"region\": \"us-east-1\", \"currency\": \"USD\", \"as_of\": \"2026-09-19\", "
         "\"source\": \"s\"}",
         "a price needs 'amount_per_hour'"},
        {"{\"provider\": \"aws\", \"instance\": \"p5.48xlarge\", \"purchase\": \"on_demand\", "
         "\"region\": \"us-east-1\", \"amount_per_hour\": 55.04, \"as_of\": \"2026-09-19\", "
         "\"source\": \"s\"}",
         "a price needs 'currency'"},
        {"{\"provider\": \"aws\", \"instance\": \"p5.48xlarge\", \"purchase\": \"on_demand\", "
         "\"amount_per_hour\": 55.04, \"currency\": \"USD\", \"as_of\": \"2026-09-19\", "
         "\"source\": \"s\"}",
         "a price needs 'region'"},
        {"{\"provider\": \"aws\", \"instance\": \"p5.48xlarge\", \"purchase\": \"on_demand\", "
         "\"region\": \"us-east-1\", \"amount_per_hour\": 55.04, \"currency\": \"USD\", "
         "\"source\": \"s\"}",
         "a price needs 'as_of'"},
        {"{\"provider\": \"aws\", \"instance\": \"p5.48xlarge\", \"purchase\": \"on_demand\", "
         "\"region\": \"us-east-1\", \"amount_per_hour\": 55.04, \"currency\": \"USD\", "
         "\"as_of\": \"2026-09-19\"}",
         "a price needs 'source'"},
        {PRICE("p5.48xlarge", "0", "USD", "2026-09-19", ""), "must be a number above 0"},
        {PRICE("p5.48xlarge", "-1", "USD", "2026-09-19", ""), "must be a number above 0"},
        {PRICE("p5.48xlarge", "\"55.04\"", "USD", "2026-09-19", ""), "must be a number above 0"},
        {PRICE("p5.48xlarge", "0.05", "USD", "2026-09-19", ""), "0.05 USD an hour"},
        {PRICE("p5.48xlarge", "71774", "USD", "2026-09-19", ""), "0.08 to 1600"}, /* a month's */
        {PRICE("other.large", "14401", "USD", "2026-09-19", ""), "0.01 to 14400"},
        {PRICE("p5.48xlarge", "55.04", "EUR", "2026-09-19", ""), "only USD is taken"},
        {PRICE("p5.48xlarge", "55.04", "usd", "2026-09-19", ""), "only USD is taken"},
        {PRICE("p5.48xlarge", "55.04", "USD", "2026-9-19", ""), "must be a day or a month"},
        {PRICE("p5.48xlarge", "55.04", "USD", "undated", ""), "must be a day or a month"},
        {PRICE("p5.48xlarge", "55.04", "USD", "9999-01-01", ""), "in the future"},
        {PRICE("p5.48xlarge", "55.04", "USD", "9999-01", ""), "in the future"},
        {PRICE("p5.48xlarge", "55.04", "USD", "2026-09-19", ", \"zon\": \"a\""),
         "unknown key 'zon'; did you mean 'zone'?"},
        {PRICE("p5.48xlarge", "55.04", "USD", "2026-09-19", ", \"note\": \"\""),
         "'note' must be a text that is not empty"},
        {"{\"provider\": \"AWS\", \"instance\": \"p5.48xlarge\", \"purchase\": \"on_demand\", "
         "\"region\": \"r\", \"amount_per_hour\": 55, \"currency\": \"USD\", "
         "\"as_of\": \"2026-09-19\", \"source\": \"s\"}",
         "small letters"},
        {"{\"provider\": \"aws\", \"instance\": \"p5.48xlarge\", \"purchase\": \"on-demand\", "
         "\"region\": \"r\", \"amount_per_hour\": 55, \"currency\": \"USD\", "
         "\"as_of\": \"2026-09-19\", \"source\": \"s\"}",
         "'purchase' is 'on-demand'; it must be one of on_demand, spot, reserved_1y"},
        {"{\"provider\": \"aws\", \"instance\": \"p5.48xlarge\", \"purchase\": \"spot\", "
         "\"region\": \"all\", \"zone\": \"a\", \"amount_per_hour\": 55, \"currency\": \"USD\", "
         "\"as_of\": \"2026-09-19\", \"source\": \"s\"}",
         "a zone lies in one region"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rig rig;
        rig_make(&rig, RIG_P5, rows[i].price);
        enum mlb_status status = rig_open(&rig, NULL);
        check_fails(status, MLB_E_CONFIG, &rig.err, rows[i].says);
        check_contains(rig.err.text, "prices.json:2: ");
        check_true(rig.catalog == NULL);
        rig_free(&rig);
    }
}

#define INSTANCE(rest)                                                                             \
    "{\"provider\": \"aws\", \"name\": \"p5.48xlarge\", \"gpu\": \"H100\", \"source\": \"s\", "    \
    "\"as_of\": \"2026-07\"" rest "}"

static void bad_instances_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *instance, *says;
    } rows[] = {
        {INSTANCE(", \"gpus\": 0"), "'gpus' must be a whole number above 0"},
        {INSTANCE(", \"gpus\": 7.5"), "'gpus' must be a whole number above 0"},
        {INSTANCE(", \"gpus\": 1e9"), "'gpus' must be a whole number above 0"},
        {INSTANCE(", \"gpu_memory\": 80"), "must be a size as text: \"80GiB\""},
        {INSTANCE(", \"gpu_memory\": \"80 apples\""), "must be a size as text"},
        {INSTANCE(", \"device_names\": \"NVIDIA H100\""), "must be a list of texts"},
        {INSTANCE(", \"device_names\": []"), "must be a list of texts"},
        {INSTANCE(", \"device_names\": [\"a\", 1]"), "must be a list of texts"},
        {INSTANCE(", \"device_names\": [\"a\"], \"gpu_mem\": 1"), "unknown key 'gpu_mem'"},
        {INSTANCE(", \"price_only\": 1"), "must be true or false"},
        {INSTANCE(", \"network\": \"infiniband\""), "it must be one of efa, ib, roce"},
        {INSTANCE(", \"gpudirect\": \"yes\""), "it must be one of rdma, tcpx"},
        {INSTANCE(", \"nics\": 8"), "'network' names, which is missing"},
        {INSTANCE(", \"network\": \"ib\", \"gpu_network_bytes_per_s\": -1"), "above 0"},
        {INSTANCE("") ",\n" INSTANCE(""), "instances.json:3: instance aws p5.48xlarge stands here"},
        {"{\"provider\": \"aws\", \"name\": \"a\", \"gpu\": \"H100\", \"as_of\": \"2026-07\"}",
         "an instance needs 'source'"},
        {"{\"provider\": \"aws\", \"name\": \"a\", \"gpu\": \"H100\", \"source\": \"s\"}",
         "an instance needs 'as_of'"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rig rig;
        rig_make(&rig, rows[i].instance, "");
        enum mlb_status status = rig_open(&rig, NULL);
        check_fails(status, MLB_E_CONFIG, &rig.err, rows[i].says);
        check_contains(rig.err.text, "instances.json:");
        rig_free(&rig);
    }
}

static void the_frame_of_a_file_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[]", "must be an object with 'schema' and 'prices'"},
        {"{\"prices\": []}", "'schema' must be 1"},
        {"{\"schema\": 2, \"prices\": []}", "needs a newer mlbench"},
        {"{\"schema\": 1}", "'prices' must be a list"},
        {"{\"schema\": 1, \"prices\": {}}", "'prices' must be a list"},
        {"{\"schema\": 1, \"price\": []}", "did you mean 'prices'?"},
        {"{\"schema\": 1, \"prices\": [", "prices.json:1:"},
        {"", "prices.json"},
    };
    struct rig rig;
    rig_make(&rig, RIG_P5, "");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_write(&rig, "prices.json", rows[i].text);
        enum mlb_status status = rig_open(&rig, NULL);
        check_fails(status, MLB_E_CONFIG, &rig.err, rows[i].says);
    }
    rig_free(&rig);
}

static void missing_files_are_named(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, RIG_P5, GOOD);
    enum mlb_status status = rig_open(&rig, "/nowhere/prices.json");
    check_fails(status, MLB_E_IO, &rig.err, "/nowhere/prices.json");
    status = rig_open(&rig, "a.json,");
    check_true(status != MLB_OK);
    status = rig_open(&rig, ",a.json");
    check_fails(status, MLB_E_USAGE, &rig.err, "between two commas");
    rig_free(&rig);
}

static void this_month_is_not_in_the_future(void **state)
{
    (void)state;
    char today[16], price[512];
    mlb_date_print(today, mlb_date_today());
    mlb_format(price, sizeof price,
               "{\"provider\": \"aws\", \"instance\": \"p5.48xlarge\", \"purchase\": "
               "\"on_demand\", \"region\": \"r\", \"amount_per_hour\": 55, \"currency\": \"USD\", "
               "\"as_of\": \"%.7s\", \"source\": \"s\"}",
               today);
    struct rig rig;
    rig_make(&rig, RIG_P5, price);
    check_ok(rig_open(&rig, NULL), &rig.err);
    const struct mlb_price *prices;
    mlb_catalog_prices(rig.catalog, &prices);
    check_true(prices->day <= mlb_date_today());
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_read),
        cmocka_unit_test(bad_prices_are_refused_with_their_line),
        cmocka_unit_test(bad_instances_are_refused_with_their_line),
        cmocka_unit_test(the_frame_of_a_file_is_checked),
        cmocka_unit_test(missing_files_are_named),
        cmocka_unit_test(this_month_is_not_in_the_future),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
