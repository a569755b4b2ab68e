/* SPDX-License-Identifier: Apache-2.0 */
/* configs/catalog as it is shipped. */
#include "harness/base/csv.h"
#include "harness/base/date.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/catalog/catalog.h"
#include "harness/system/fabric.h"
#include "tests/check.h"

#define FOLDER MLB_TEST_SOURCE_DIR "/configs/catalog"
#define TABLE  MLB_TEST_SOURCE_DIR "/../shared/data/instances.csv"

static struct mlb_catalog *open_shipped(void)
{
    struct mlb_catalog *catalog = NULL;
    struct mlb_error err = {0};
    check_ok(mlb_catalog_open(&catalog, FOLDER, NULL, &err), &err);
    return catalog;
}

static void every_price_has_its_instance(void **state)
{
    (void)state;
    struct mlb_catalog *catalog = open_shipped();
    const struct mlb_price *prices;
    size_t count = mlb_catalog_prices(catalog, &prices);
    check_true(count > 150);
    for (size_t i = 0; i < count; i++) {
        if (!mlb_catalog_instance(catalog, prices[i].provider, prices[i].instance))
            print_error("no instance for %s %s\n", prices[i].provider, prices[i].instance);
        check_true(mlb_catalog_instance(catalog, prices[i].provider, prices[i].instance) != NULL);
        check_true(prices[i].source[0] && prices[i].region[0] && prices[i].day > 18000);
        check_true(strcmp(prices[i].source, "seed") != 0);
    }
    mlb_catalog_close(catalog);
}

/* What readers of records compare with: words of the fabric, names of the driver. */
static void instances_speak_the_words_of_records(void **state)
{
    (void)state;
    struct mlb_catalog *catalog = open_shipped();
    const struct mlb_instance *instances;
    size_t count = mlb_catalog_instances(catalog, &instances);
    check_true(count > 50);
    for (size_t i = 0; i < count; i++) {
        bool word = instances[i].network[0] == '\0';
        for (size_t k = 0; mlb_nic_kind_names[k]; k++)
            word = word || strcmp(mlb_nic_kind_names[k], instances[i].network) == 0;
        check_true(word);
        check_true(instances[i].gpus > 0 && instances[i].source[0]);
        for (size_t k = 0; instances[i].device_names[k]; k++)
            check_true(strncmp(instances[i].device_names[k], "NVIDIA ", 7) == 0 ||
                       strncmp(instances[i].device_names[k], "A100-", 5) == 0);
    }
    mlb_catalog_close(catalog);
}

/* Errors that common sources repeat. */
static void known_errors_are_not_inherited(void **state)
{
    (void)state;
    struct mlb_catalog *catalog = open_shipped();
    static const double seeds[] = {12.29, 12.07, 11.16, 40.97, 37.19, 40.22, 25.81, 25.34, 22.87};
    const struct mlb_price *prices;
    size_t count = mlb_catalog_prices(catalog, &prices);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof seeds / sizeof *seeds; k++)
            check_true(fabs(prices[i].usd_per_hour - seeds[k]) > 1e-9);
    const struct mlb_instance *mega = mlb_catalog_instance(catalog, "gcp", "a3-megagpu-8g");
    check_text(mega->network, "tcpxo");
    check_close(mega->gpu_network_bytes_per_s, 1600e9 / 8, 1e-12);
    check_close(mega->host_network_bytes_per_s, 200e9 / 8, 1e-12);
    const struct mlb_instance *nd = mlb_catalog_instance(catalog, "azure", "nd96isr_h100_v5");
    check_close(nd->gpu_network_bytes_per_s, 3200e9 / 8, 1e-12); /* 400 is of one card */
    check_close(mlb_catalog_instance(catalog, "azure", "ND96asr_v4")->gpu_memory_bytes,
                40.0 * (1 << 30), 1e-12);
    check_close(mlb_catalog_instance(catalog, "azure", "ND96amsr_A100_v4")->gpu_memory_bytes,
                80.0 * (1 << 30), 1e-12);
    struct mlb_price_range p5 = mlb_catalog_price(catalog, "aws", "", "p5.48xlarge", "us-east-1",
                                                  "", MLB_ON_DEMAND, mlb_date_today());
    check_close(p5.median, 55.04, 1e-9);
    struct mlb_price_range p5e =
        mlb_catalog_price(catalog, "aws", "", "p5e.48xlarge", "", "", MLB_ON_DEMAND, 0);
    check_true(!p5e.known); /* not sold so: unknown, not 0 */
    mlb_catalog_close(catalog);
}

static void zones_differ_in_spot(void **state)
{
    (void)state;
    struct mlb_catalog *catalog = open_shipped();
    struct mlb_price_range spot = mlb_catalog_price(catalog, "aws", "", "p5.48xlarge", "us-east-1",
                                                    "", MLB_SPOT, mlb_date_today());
    check_true(spot.known && spot.count >= 6 && spot.above_on_demand && spot.stale);
    check_close(spot.low, 14.246, 1e-9);
    check_text(spot.cheapest->zone, "use1-az5");
    check_close(spot.high, 55.04, 1e-9);
    mlb_catalog_close(catalog);
}

static void accelerators_without_cuda_are_priced_only(void **state)
{
    (void)state;
    struct mlb_catalog *catalog = open_shipped();
    static const char *const names[][2] = {
        {"aws", "trn1.32xlarge"}, {"aws", "trn1n.32xlarge"},  {"aws", "inf2.48xlarge"},
        {"gcp", "tpu-v5p-8"},     {"gcp", "tpu-v5litepod-8"}, {"azure", "ND96isr_MI300X_v5"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct mlb_instance *instance =
            mlb_catalog_instance(catalog, names[i][0], names[i][1]);
        check_true(instance && instance->price_only && !instance->device_names[0]);
        check_true(mlb_catalog_price(catalog, names[i][0], "", names[i][1], "", "", MLB_ON_DEMAND,
                                     mlb_date_today())
                       .known);
    }
    mlb_catalog_close(catalog);
}

/* "aws-capacity-block" is a way of buying, and "ml.p5" SageMaker's name of p5. */
static void provider_of(const char *text, char *to, size_t size)
{
    mlb_format(to, size, "%.*s", (int)strcspn(text, "-"), text);
}

/* Every row of the table of instances is here, or README.md says why not. */
static void no_known_instance_is_forgotten(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_csv *csv = mlb_csv_open(TABLE, &err);
    if (!csv)
        skip();
    struct mlb_catalog *catalog = open_shipped();
    const char *const *fields;
    size_t count, rows = 0, forgotten = 0;
    char *readme = NULL, provider[32];
    check_ok(mlb_file_read(FOLDER "/README.md", 1u << 20, &readme, &count, &err), &err);
    check_true(mlb_csv_next(csv, &fields, &count, &err)); /* the header */
    while (mlb_csv_next(csv, &fields, &count, &err)) {
        rows++;
        provider_of(fields[0], provider, sizeof provider);
        bool here = strncmp(fields[count - 1], "seed", 4) == 0 ||
                    mlb_catalog_instance(catalog, provider, fields[1]) || strstr(readme, fields[1]);
        if (!here)
            print_error("neither in the catalog nor left out: %s %s\n", fields[0], fields[1]);
        forgotten += !here;
    }
    check_ok(err.status, &err);
    check_true(rows > 80);
    check_u64(forgotten, 0);
    free(readme);
    mlb_csv_close(csv);
    mlb_catalog_close(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_price_has_its_instance),
        cmocka_unit_test(instances_speak_the_words_of_records),
        cmocka_unit_test(known_errors_are_not_inherited),
        cmocka_unit_test(zones_differ_in_spot),
        cmocka_unit_test(accelerators_without_cuda_are_priced_only),
        cmocka_unit_test(no_known_instance_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
