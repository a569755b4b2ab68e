/* SPDX-License-Identifier: Apache-2.0 */
/* The sheets of interruptions, reservations, data and services, of a made-up market. */
#include "tests/check.h"

#include "harness/analysis/interruption.h"
#include "harness/app/cost_terms.h"
#include "harness/base/json.h"
#include "tests/analysis/market.h"

#define HOUR 3600.0

/* Two providers: aws at 55.04 on demand, 14.25 spot and 35 reserved; gcp at 88 and 66. */
struct rig {
    struct market market;
    struct mlb_options options;
    struct mlb_cost_terms terms;
    struct mlb_place places[2];
    struct mlb_ranking ranking;
    struct mlb_error err;
    struct mlb_text text;
};

static void open_rig(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    market_open(&rig->market);
    struct mlb_measured *aws = market_machine(&rig->market, "aws", 55.04);
    market_offer(&rig->market, aws, MLB_SPOT, 14.25);
    market_offer(&rig->market, aws, MLB_RESERVED_1Y, 35.0);
    market_launch(&rig->market);
    struct mlb_measured *gcp = market_machine(&rig->market, "gcp", 88.0);
    market_offer(&rig->market, gcp, MLB_SPOT, 66.0);
    check_ok(mlb_option_defaults(mlb_options, &rig->options, &rig->err), &rig->err);
    rig->places[0] = (struct mlb_place){.offer = &rig->market.items[0], .cost = {.value = 10.0}};
    rig->places[1] = (struct mlb_place){.offer = &rig->market.items[3], .cost = {.value = 16.0}};
    rig->ranking = (struct mlb_ranking){.places = rig->places, .count = 2};
    rig->terms = (struct mlb_cost_terms){
        .options = &rig->options,
        .offers = &rig->market.offers,
        .ranking = &rig->ranking,
        .today = 20457, /* 2026-01-04 */
        .transfer = MLB_TEST_SOURCE_DIR "/configs/catalog/transfer.json",
    };
}

static void set(struct rig *rig, const char *option, const char *value)
{
    check_ok(mlb_option_set(mlb_option_find(mlb_options, option), &rig->options, value, &rig->err),
             &rig->err);
}

/* The document in `format`; wrapped lines are joined, so that a sentence can be looked for. */
static const char *print(struct rig *rig, const char *format)
{
    struct mlb_document *document = mlb_document_new("cost", "test");
    mlb_text_free(&rig->text);
    check_ok(mlb_cost_terms_add(document, &rig->terms, &rig->err), &rig->err);
    check_ok(mlb_document_print(document, format, &rig->text, &rig->err), &rig->err);
    mlb_document_free(document);
    return mlb_text_get(&rig->text);
}

static double number_of(const cJSON *row, const char *key)
{
    double value = NAN;
    mlb_json_get_real(row, key, &value);
    return value;
}

/* Row `at` of a sheet, from the document as JSON; the caller closes `json`. */
static const cJSON *row_of(struct rig *rig, struct mlb_json *json, const char *sheet, int at)
{
    const char *text = print(rig, "json");
    check_ok(mlb_json_parse(json, "document", text, strlen(text), &rig->err), &rig->err);
    return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json->root, sheet), at);
}

static void close_rig(struct rig *rig)
{
    mlb_text_free(&rig->text);
}

/* ------------------------------------------------------------------------------------------ spot
 */

/* The first line of the table of docs/spot.md: C = 60 s, M = 4 h, R = 600 s. */
static void test_spot(void **state)
{
    struct rig rig;
    struct mlb_json json = {0};
    (void)state;
    open_rig(&rig);
    set(&rig, "checkpoint", "120GB");
    set(&rig, "checkpoint-rate", "2GB/s");
    set(&rig, "restart", "10min");
    set(&rig, "node-life", "4h");
    const cJSON *row = row_of(&rig, &json, "spot", 0);
    check_close(number_of(row, "usd_per_hour"), 14.25, 1e-9);
    check_close(number_of(row, "of_on_demand"), 14.25 / 55.04, 1e-9);
    check_close(number_of(row, "lost_fraction"), 0.13295, 1e-4);
    check_close(number_of(row, "pays_below_of_on_demand"), 0.86705, 1e-4);
    check_close(number_of(row, "usd_per_progress_hour"), 14.25 / 0.86705, 1e-4);
    check_close(number_of(row, "usd_per_progress_hour_on_demand"), 55.04, 1e-9);
    mlb_json_close(&json);
    row = row_of(&rig, &json, "checkpoints", 0);
    check_close(number_of(row, "write_s"), 60.0, 1e-12);
    check_close(number_of(row, "interval_s"), 1314.534, 1e-6);
    check_close(number_of(row, "interrupted_every_s"), 4 * HOUR, 1e-12);
    check_close(number_of(row, "notice_s"), 120.0, 0);
    check_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "fits_in_notice")));
    check_close(number_of(row, "lost_fraction_saved_on_notice"), 660.0 / 15000.0, 1e-9);
    row = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json.root, "checkpoints"), 1);
    check_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(row, "fits_in_notice")));
    check_true(isnan(number_of(row, "lost_fraction_saved_on_notice")));
    mlb_json_close(&json);
    static const struct mlb_price cheapest = {.zone = "use1-az5", .region = "us-east-1"};
    rig.market.items[1].price.cheapest = &cheapest;
    rig.market.items[1].price.count = 7;
    rig.market.items[1].price.high = 55.04;
    check_contains(print(&rig, "markdown"),
                   "aws 8x: $/h is the middle of 7 prices from 14.25 (use1-az5) to 55.04");
    const char *text = print(&rig, "text");
    check_contains(text, "saves 70 %"); /* 1 - 16.435 / 55.04 */
    check_contains(text, "saves 13 %"); /* 1 - 66 / 0.86705 / 88 */
    check_contains(text, "aws: told 120 s before");
    close_rig(&rig);
}

/* Sixteen machines are interrupted sixteen times as often; and a price near on demand stops paying.
 */
static void test_a_gang(void **state)
{
    struct rig rig;
    struct mlb_json json = {0};
    (void)state;
    open_rig(&rig);
    set(&rig, "checkpoint", "120GB");
    set(&rig, "checkpoint-rate", "2GB/s");
    set(&rig, "restart", "10min");
    set(&rig, "node-life", "24h");
    rig.terms.gpus = 128;
    const cJSON *row = row_of(&rig, &json, "checkpoints", 0);
    check_close(number_of(row, "machines"), 16.0, 0);
    check_close(number_of(row, "interrupted_every_s"), 1.5 * HOUR, 1e-12);
    mlb_json_close(&json);
    row = row_of(&rig, &json, "spot", 0);
    check_close(number_of(row, "lost_fraction"), 0.2602, 1e-3);
    check_true(isnan(number_of(row, "lost_fraction_on_demand"))); /* too few GPUs to count */
    mlb_json_close(&json);
    check_contains(print(&rig, "text"), "dearer by 1 %"); /* 0.75 / 0.7398 */
    close_rig(&rig);
}

/* AWS's advisor tells a part a month: 10 % are 6,929 h, an assumption that is labelled. */
static void test_monthly_part(void **state)
{
    struct rig rig;
    struct mlb_json json = {0};
    (void)state;
    open_rig(&rig);
    set(&rig, "checkpoint", "120GB");
    set(&rig, "checkpoint-rate", "2GB/s");
    set(&rig, "restart", "10min");
    set(&rig, "interrupted", "10%");
    set(&rig, "notice", "45s");
    const cJSON *row = row_of(&rig, &json, "checkpoints", 0);
    check_close(number_of(row, "interrupted_every_s"), 6928.59 * HOUR, 1e-6);
    check_close(number_of(row, "notice_s"), 45.0, 0);
    check_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(row, "fits_in_notice")));
    mlb_json_close(&json);
    check_contains(
        print(&rig, "markdown"),
        "an assumption: 10 % of the machines interrupted a month are a mean life of 289 d");
    close_rig(&rig);
}

/* 1,024 GPUs: hardware fails every 48.8 h for both, and adds to what spot loses. */
static void test_hardware(void **state)
{
    struct rig rig;
    struct mlb_json json = {0};
    (void)state;
    open_rig(&rig);
    set(&rig, "checkpoint", "120GB");
    set(&rig, "checkpoint-rate", "2GB/s");
    set(&rig, "restart", "10min");
    set(&rig, "node-life", "720h");
    rig.terms.gpus = 1024;
    const cJSON *row = row_of(&rig, &json, "spot", 0);
    check_close(number_of(row, "lost_fraction_on_demand"), 0.02954, 1e-3);
    mlb_json_close(&json);
    row = row_of(&rig, &json, "checkpoints", 0);
    /* 1 / (128 / 720 h + 1 / 48.83 h) */
    check_close(number_of(row, "interrupted_every_s"), HOUR / (128.0 / 720.0 + 1024.0 / 50000.0),
                1e-9);
    mlb_json_close(&json);
    check_contains(print(&rig, "markdown"), "fails every 50000 GPU-hours (13000 to 80000");
    rig.market.measured[0].gpus = rig.market.measured[1].gpus = 0; /* they compute on the CPU */
    check_true(!strstr(print(&rig, "markdown"), "GPU-hours"));
    close_rig(&rig);
}

/* The rate is a record's: of the largest checkpoint, of several launches the slowest one. */
static void test_measured_rate(void **state)
{
    static const struct mlb_case_name names[] = {
        {.id = "a", .workload = "checkpoint", .label = "write 8 x 1 GiB, lustre", .device = "cuda"},
        {.id = "b", .workload = "checkpoint", .label = "write 8 x 4 GiB, lustre", .device = "cuda"},
    };
    struct mlb_digest_row rows[] = {
        {.name = &names[0], .work = {.bytes = 8e9}, .time = {.median = 1e9}},
        {.name = &names[1], .work = {.bytes = 32e9}, .time = {.median = 16e9}},
        {.name = &names[1], .work = {.bytes = 64e9}, .time = {.median = 1e9}},
    };
    struct rig rig;
    struct mlb_json json = {0};
    (void)state;
    open_rig(&rig);
    for (size_t i = 0; i < 3; i++) {
        rows[i].formula = "checkpoint.write.ranks.n";
        rows[i].status = MLB_ROW_MEASURED;
        rows[i].verified = i < 2; /* what was not read back right is no evidence */
    }
    rig.market.digests[0].rows = rows;
    rig.market.digests[0].row_count = 3;
    set(&rig, "checkpoint", "120GB");
    set(&rig, "restart", "10min");
    const cJSON *row = row_of(&rig, &json, "checkpoints", 0);
    check_close(number_of(row, "write_s"), 60.0, 1e-12);
    check_true(isnan(number_of(row, "interval_s")));
    row = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json.root, "checkpoints"), 1);
    check_true(isnan(number_of(row, "write_s"))); /* gcp was not measured */
    mlb_json_close(&json);
    /* Without a life: from which one on it pays. 0.2589 of the price: waste below 0.7411. */
    row = row_of(&rig, &json, "spot", 0);
    double life_s = number_of(row, "pays_from_node_life_s");
    const struct mlb_saving saving = {60.0, 600.0};
    check_close(mlb_interruption(&saving, life_s).waste, 1.0 - 14.25 / 55.04, 1e-6);
    mlb_json_close(&json);
    const char *text = print(&rig, "markdown");
    check_contains(text, "2.00 GB/s, measured by checkpoint write 8 x 4 GiB, lustre");
    check_contains(text, "life not known");
    check_contains(text, "no rate of writing");
    close_rig(&rig);
}

/* ------------------------------------------------------------------------------------- the others
 */

static void test_commitment(void **state)
{
    struct rig rig;
    struct mlb_json json = {0};
    (void)state;
    open_rig(&rig);
    set(&rig, "use", "80%");
    const cJSON *row = row_of(&rig, &json, "commitment", 0);
    check_close(number_of(row, "pays_from_use"), 35.0 / 55.04, 1e-9);
    check_close(number_of(row, "pays_from_hours"), 8760.0 * 35.0 / 55.04, 1e-9);
    check_close(number_of(row, "usd_per_used_hour"), 43.75, 1e-12);
    mlb_json_close(&json);
    check_contains(print(&rig, "text"), "saves 21 %"); /* 1 - 0.6359 / 0.8 */
    set(&rig, "use", "50%");
    check_contains(print(&rig, "text"), "dearer by 27 %");
    close_rig(&rig);
}

/* gcp asks 88 $/h and 16 a unit where aws takes 10: 33 $/h are saved for the same work. */
static void test_data(void **state)
{
    struct rig rig;
    struct mlb_json json = {0};
    (void)state;
    open_rig(&rig);
    set(&rig, "data-set", "100TB");
    set(&rig, "store", "365h");
    const cJSON *row = row_of(&rig, &json, "data", 0);
    check_close(number_of(row, "egress_usd"), 7800.0, 1e-12);
    check_close(number_of(row, "storage_usd_per_month"), 2300.0, 1e-9);
    check_close(number_of(row, "storage_usd"), 1150.0, 1e-9);
    row = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json.root, "data"), 1);
    check_close(number_of(row, "egress_usd"), 8310.0, 1e-12);
    check_close(number_of(row, "saved_usd_per_hour"), 33.0, 1e-12);
    check_close(number_of(row, "pays_after_s"), 8310.0 / 33.0 * HOUR, 1e-9);
    mlb_json_close(&json);
    const char *text = print(&rig, "text");
    check_contains(text, "it is the cheapest");
    check_contains(text, "100000 GB of 10^9 bytes");
    check_true(!strstr(text, "over 90 days old"));
    rig.terms.today += 365;
    check_contains(print(&rig, "markdown"), "S3 Standard: ");
    check_contains(mlb_text_get(&rig.text), "(2026-01: over 90 days old)");
    close_rig(&rig);
}

/* Both prices of one region, though the record tells none and the catalog has plain prices of
 * several; an instance without a price of its own gets the ratio of others. */
static void test_services(void **state)
{
    struct rig rig;
    struct mlb_json json = {0};
    struct mlb_catalog *catalog = NULL;
    (void)state;
    open_rig(&rig);
    check_ok(mlb_catalog_open(&catalog, MLB_TEST_SOURCE_DIR "/configs/catalog", "", &rig.err),
             &rig.err);
    rig.terms.catalog = catalog;
    rig.market.measured[0].instance = "p5.48xlarge";
    const cJSON *row = row_of(&rig, &json, "surcharge", 0);
    check_close(number_of(row, "ratio"), 1.15, 0.001);
    check_close(number_of(row, "usd_per_hour"), 55.04, 1e-9);
    check_close(number_of(row, "service_usd_per_hour"), 63.29, 1e-3);
    mlb_json_close(&json);
    check_ok(mlb_catalog_override(catalog, "aws/z8=100", &rig.err), &rig.err);
    rig.market.measured[0].instance = "z8";
    row = row_of(&rig, &json, "surcharge", 0);
    check_close(number_of(row, "service_usd_per_hour"), 115.0, 1e-9);
    mlb_json_close(&json);
    check_contains(print(&rig, "markdown"), "~115.00");
    mlb_catalog_close(catalog);
    close_rig(&rig);
}

static void test_nothing_was_asked(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    const char *text = print(&rig, "markdown");
    check_contains(text, "interruptions of spot machines (--checkpoint");
    check_contains(text, "reservations against their use (--use");
    check_contains(text, "taking a data set along (--data-set");
    check_true(!strstr(text, "Its checkpoints"));
    rig.market.offers.count = 1; /* on demand alone */
    text = print(&rig, "markdown");
    check_true(!strstr(text, "spot machines") && !strstr(text, "reservations"));
    close_rig(&rig);
}

static void test_refused(void **state)
{
    static const struct {
        const char *option, *value, *error;
    } rows[] = {
        {"checkpoint", "much", "checkpoint = much: not a size such as 750GB"},
        {"checkpoint", "0GB", "checkpoint = 0GB: not a size"},
        {"checkpoint-rate", "2GB/h", "checkpoint-rate = 2GB/h: not a rate such as 2GB/s"},
        {"interrupted", "10%", "--node-life and --interrupted both"},
        {"data-set", "100 boxes", "data-set = 100 boxes: not a size"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig;
        struct mlb_document *document = mlb_document_new("cost", "test");
        open_rig(&rig);
        set(&rig, "checkpoint", "1TB");
        set(&rig, "restart", "1min");
        set(&rig, "node-life", "4h");
        set(&rig, rows[i].option, rows[i].value);
        check_fails(mlb_cost_terms_add(document, &rig.terms, &rig.err), MLB_E_USAGE, &rig.err,
                    rows[i].error);
        mlb_document_free(document);
        close_rig(&rig);
    }
}

static void test_time(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{5.0, "5.0 s"},      {40.0, "40 s"},    {120.0, "120 s"},    {3000.0, "50 min"},
                {9000.0, "2.5 h"},   {90000.0, "25 h"}, {172800.0, "2.0 d"}, {1e7, "116 d"},
                {INFINITY, "never"}, {0.0, "0.0 s"}};
    char text[32];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_text(mlb_cost_time(text, rows[i].seconds), rows[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spot),
        cmocka_unit_test(test_a_gang),
        cmocka_unit_test(test_monthly_part),
        cmocka_unit_test(test_hardware),
        cmocka_unit_test(test_measured_rate),
        cmocka_unit_test(test_commitment),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_nothing_was_asked),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
