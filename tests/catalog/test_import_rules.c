/* SPDX-License-Identifier: Apache-2.0 */
/* What every format's prices go through: amounts, days, several prices for one thing, flags; and
 * files that are something else. */
#include <sys/resource.h>

#include "harness/catalog/price_file.h"
#include "tests/catalog/import_rig.h"

#define HEADER                                                                                     \
    "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region,AvailabilityZone\n"
#define P5 "p5.48xlarge,H100,8,"
#define P4 "p4d.24xlarge,A100,8,"

static void an_amount_that_cannot_be_is_refused(void **state)
{
    (void)state;
    check_import("aws.csv",
                 HEADER P5 "NaN,,us-east-1,a\n"                                              //
                 P5 "N/A,inf,us-east-1,a\n"                                                  //
                 P5 "-3,0.00,us-east-1,a\n"                                                  //
                 P5 "-0.5,0,us-east-1,a\n"                                                   //
                 P5 "\"1,234.5\",1e9,us-east-1,a\n"                                          //
                 P5 "0.05,99999,us-east-1,a\n"                                               //
                 P5 "$55.04, ,us-east-2,a\n"                                                 //
                 P5 " 55.04 ,14,,a\n"                                                        //
                 P5 "55.04,14,us-\xff,a\n"                                                   //
                 P5 "1.0,\"multi\nline\",us-east-9,a\n"                                      //
                           "p5.48xlarge,H100,8,55.04,14.2\n"                                 //
                           "p5.48xlarge,H100,8,55.04,14.2,us-east-1,a,and,more\n" P5 "55.0", //
                 "aws p5.48xlarge us-east-2 on_demand 55.04 2025-07-01\n"
                 "aws p5.48xlarge us-east-9 on_demand 1 2025-07-01\n",
                 "not_a_number 5 aws.csv:2: aws p5.48xlarge us-east-1 on_demand: 'NaN'\n"
                 "zero 2 aws.csv:4: aws p5.48xlarge a spot: 0\n"
                 "negative 2 aws.csv:4: aws p5.48xlarge us-east-1 on_demand: -3\n"
                 "absurd 3 aws.csv:6: aws p5.48xlarge a spot: 1000000000\n"
                 "no_region 2 aws.csv:9: aws p5.48xlarge  on_demand: 55.04\n"
                 "not_text 2 aws.csv:10: aws p5.48xlarge us-? on_demand: 55.04\n"
                 "short_line 3 aws.csv:13: 5 fields of 7\n");
}

static void what_looks_wrong_is_taken_and_flagged(void **state)
{
    (void)state;
    check_import(
        "aws.csv",
        HEADER P5 "98.32,55.04,us-east-1,a\n" //
        P5 "98.32,98.32,us-east-1,b\n"        //
        P5 "98.32,100,us-east-1,c\n"          //
        P4 "21.96,,us-east-1,a\n"             //
        P4 "22,,us-west-2,a\n"                //
        P4 "10,,eu-west-1,a\n",
        "aws p4d.24xlarge eu-west-1 on_demand 10 2025-07-01 (below half of the median of 3 "
        "regions, "
        "21.96: check it)\n"
        "aws p4d.24xlarge us-east-1 on_demand 21.96 2025-07-01\n"
        "aws p4d.24xlarge us-west-2 on_demand 22 2025-07-01\n"
        "aws p5.48xlarge us-east-1 on_demand 98.32 2025-07-01 (98.32 was its price until June "
        "2025: "
        "check it)\n"
        "aws p5.48xlarge us-east-1/a spot 55.04 2025-07-01\n"
        "aws p5.48xlarge us-east-1/b spot 98.32 2025-07-01 (at or above the price on demand, "
        "98.32)\n"
        "aws p5.48xlarge us-east-1/c spot 100 2025-07-01 (at or above the price on demand, "
        "98.32)\n",
        "duplicate 2 aws.csv:3: aws p5.48xlarge us-east-1 on_demand: 98.32 as of 2025-07-01, and "
        "98.32 as of 2025-07-01\n"
        "spot_above 2 aws.csv:3: aws p5.48xlarge b spot: 98.32, and 98.32 on demand\n"
        "far_below 1 aws.csv:7: aws p4d.24xlarge eu-west-1 on_demand: 10, and 21.96 is the median "
        "of 3 regions\n"
        "old_p5 1 aws.csv:2: aws p5.48xlarge us-east-1 on_demand: as of 2025-07-01\n");
}

static void two_prices_on_demand_contradict(void **state)
{
    (void)state;
    check_import("aws.csv", HEADER P5 "55.04,,us-east-1,a\n" P5 "60,,us-east-1,b\n",
                 "aws p5.48xlarge us-east-1 on_demand 55.04 2025-07-01\n",
                 "conflict 1 aws.csv:3: aws p5.48xlarge us-east-1 on_demand: 60 as of 2025-07-01, "
                 "and 55.04 as of 2025-07-01\n");
}

static void the_day_is_the_users_where_the_file_has_none(void **state)
{
    (void)state;
    struct import_rig rig;
    import_begin(&rig);
    rig.options.as_of = "2025-05-20";
    import_again(&rig);
    check_ok(import_text(&rig, "aws.csv", HEADER P5 "55.04,,us-east-1,a\n"), &rig.rig.err);
    check_text(import_prices(&rig), "aws p5.48xlarge us-east-1 on_demand 55.04 2025-05-20\n");
    check_text(mlb_import_file(rig.import, 0)->source,
               "SkyPilot catalog, aws.csv, given 2025-05-20");
    rig.options.as_of = "20.5.2025";
    import_again(&rig);
    check_fails(rig.rig.err.status, MLB_E_USAGE, &rig.rig.err, "--as-of 20.5.2025: not a day");
    rig.options.as_of = "2099-01-01";
    import_again(&rig);
    check_fails(rig.rig.err.status, MLB_E_USAGE, &rig.rig.err, "--as-of 2099-01-01: not a day");
    rig.options.as_of = "";
    import_again(&rig);
    check_fails(import_text(&rig, "x.json",
                            "{\"formatVersion\":1,\"offerCode\":\"x\",\"publicationDate\":"
                            "\"2099-01-01\"}"),
                MLB_E_CONFIG, &rig.rig.err, "published 2099-01-01, in the future");
    import_end(&rig);
}

static void whose_prices_they_are_has_to_be_known(void **state)
{
    (void)state;
    struct import_rig rig;
    import_begin(&rig);
    check_fails(import_text(&rig, "vms.csv", HEADER), MLB_E_USAGE, &rig.rig.err,
                "vms.csv: whose prices are these?");
    rig.options.provider = "aws";
    import_again(&rig);
    check_ok(import_text(&rig, "vms.csv", HEADER P5 "55.04,,us-east-1,a\n"), &rig.rig.err);
    rig.options.provider = "awz";
    import_again(&rig);
    check_fails(import_text(&rig, "vms.csv", HEADER), MLB_E_USAGE, &rig.rig.err,
                "provider=awz: the catalog has no instance");
    import_end(&rig);
}

static void other_files_are_named_for_what_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        size_t length;
    } rows[] = {
        {"", "f: empty", 0},
        {"\n \r\n", "f: empty", 4},
        {"\x1f\x8b\x08\0\0", "f: compressed with gzip: unpack it first (gunzip)", 5},
        {"PK\x03\x04xx", "f: a zip archive: unpack it first", 6},
        {"\xff\xfe{\0}\0", "f: UTF-16", 6},
        {"\x7f"
         "ELF\0\0",
         "f: not a text file", 6},
        {"<html>Sign in</html>", "f: a web page", 20},
        {"{\"error\": \"rate limit\"}",
         "f: not a price file of a known format; known are "
         "aws-offers-json, aws-offers-csv",
         23},
        {"a,b,c\n1,2,3\n", "f: not a price file", 12},
        {"\"never closed", "f: not a price file", 13},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused("f", rows[i].text, rows[i].length, MLB_E_CONFIG, rows[i].part);
    struct import_rig rig;
    import_begin(&rig);
    check_fails(mlb_import_read(rig.import, "/nonexistent", &rig.rig.err), MLB_E_IO, &rig.rig.err,
                "/nonexistent: cannot read: No such file");
    rig.rig.err = (struct mlb_error){0};
    check_fails(mlb_import_read(rig.import, rig.rig.folder, &rig.rig.err), MLB_E_IO, &rig.rig.err,
                "not a plain file");
    import_end(&rig);
}

/* ---------------------------------------------------------------------------- a file that is there
 */

static void write_and_open(struct import_rig *rig, const struct mlb_price *prices, size_t count,
                           struct mlb_catalog **file)
{
    char path[192];
    mlb_format(path, sizeof path, "%s/more.json", rig->rig.folder);
    check_ok(mlb_price_file_write(path, prices, count, &rig->rig.err), &rig->rig.err);
    check_ok(mlb_price_file_open(file, rig->rig.catalog, path, &rig->rig.err), &rig->rig.err);
}

static void what_is_written_is_read_and_added_to(void **state)
{
    (void)state;
    struct import_rig rig;
    struct mlb_catalog *file = NULL;
    const struct mlb_price *prices;
    import_begin(&rig);
    check_ok(import_text(&rig, "aws.csv",
                         HEADER P5 "55.04,14.25,us-east-1,a\n" P4 "21.96,,us-east-1,a\n"),
             &rig.rig.err);
    const char *before = strdup(import_prices(&rig));
    size_t count = mlb_import_prices(rig.import, &prices);
    check_u64(mlb_import_outcome(rig.import).added, 3);
    check_u64(mlb_import_outcome(rig.import).instances, 2);
    write_and_open(&rig, prices, count, &file);

    rig.options.as_of = "2025-08-01";
    import_again(&rig);
    check_ok(
        import_text(&rig, "aws.csv", HEADER P5 "55.04,16,us-east-1,a\n" P5 "60,,eu-west-1,a\n"),
        &rig.rig.err);
    count = mlb_catalog_prices(file, &prices);
    check_u64(count, 3);
    check_ok(mlb_import_known(rig.import, prices, count, &rig.rig.err), &rig.rig.err);
    check_text(import_prices(&rig), "aws p4d.24xlarge us-east-1 on_demand 21.96 2025-07-01\n"
                                    "aws p5.48xlarge eu-west-1 on_demand 60 2025-08-01\n"
                                    "aws p5.48xlarge us-east-1 on_demand 55.04 2025-08-01\n"
                                    "aws p5.48xlarge us-east-1/a spot 16 2025-08-01\n");
    struct mlb_import_outcome outcome = mlb_import_outcome(rig.import);
    check_u64(outcome.added, 1);
    check_u64(outcome.changed, 1);
    check_u64(outcome.confirmed, 1);
    check_u64(outcome.kept, 1);

    rig.options.as_of = "2025-01-01"; /* older than what is there */
    import_again(&rig);
    check_ok(import_text(&rig, "aws.csv", HEADER P5 "98,20,us-east-1,a\n"), &rig.rig.err);
    check_ok(mlb_import_known(rig.import, prices, count, &rig.rig.err), &rig.rig.err);
    check_text(import_prices(&rig), before);
    check_u64(mlb_import_outcome(rig.import).kept, 3);
    check_contains(import_findings(&rig), "superseded 2 ");
    mlb_catalog_close(file);
    free((char *)before);
    import_end(&rig);
}

/* Quotes, commas and other letters of a source survive; an amount keeps its digits. */
static void texts_and_amounts_survive(void **state)
{
    (void)state;
    struct import_rig rig;
    struct mlb_catalog *file = NULL;
    const struct mlb_price *read;
    struct mlb_price price = {.provider = "aws",
                              .service = "sagemaker",
                              .instance = "p5.48xlarge",
                              .region = "us-east-1",
                              .zone = "us-east-1a",
                              .purchase = MLB_RESERVED_3Y,
                              .usd_per_hour = 21.957641999999999,
                              .as_of = "2025-07-01",
                              .source = "a \"b\", c\\d \xc3\xa9",
                              .note = "n\tm"};
    import_begin(&rig);
    write_and_open(&rig, &price, 1, &file);
    check_u64(mlb_catalog_prices(file, &read), 1);
    check_text(read->source, price.source);
    check_text(read->note, price.note);
    check_text(read->service, "sagemaker");
    check_text(read->zone, "us-east-1a");
    check_i64(read->purchase, MLB_RESERVED_3Y);
    check_close(read->usd_per_hour, price.usd_per_hour, 1e-14);
    mlb_catalog_close(file);
    import_end(&rig);
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* 24 MB of lines that nobody wants: the peak must not show them. */
static void memory_does_not_grow_with_the_file(void **state)
{
    (void)state;
    struct import_rig rig;
    import_begin(&rig);
    mlb_format(rig.path, sizeof rig.path, "%s/aws.csv", rig.rig.folder);
    FILE *file = fopen(rig.path, "w");
    fputs(HEADER, file);
    for (int i = 0; i < 400000; i++)
        fprintf(file, "m%d.large,,,0.0%d,0.02,us-east-1,\"use1-az1, or another\"\n", i, i + 1);
    fputs(P5 "55.04,,us-east-1,a\n", file);
    check_true(ftell(file) > 24000000);
    fclose(file);
    long before = peak_kib();
    check_ok(mlb_import_read(rig.import, rig.path, &rig.rig.err), &rig.rig.err);
    check_true(peak_kib() - before < 4096);
    check_contains(import_prices(&rig), "aws p5.48xlarge us-east-1 on_demand 55.04");
    unlink(rig.path);
    import_end(&rig);
}

static void prices_without_end_are_refused(void **state)
{
    (void)state;
    struct import_rig rig;
    import_begin(&rig);
    rig.options.most = 3;
    import_again(&rig);
    check_ok(import_text(&rig, "aws.csv", HEADER P5 "55.04,14,us-east-1,a\n"), &rig.rig.err);
    check_fails(import_text(&rig, "aws.csv", HEADER P5 "55.04,14,us-east-1,a\n"), MLB_E_CONFIG,
                &rig.rig.err, "over 3 prices");
    import_end(&rig);
}

#define PRICE_LAST                                                                                 \
    "InstanceType,AcceleratorName,AcceleratorCount,Region,AvailabilityZone,Price,SpotPrice\n"
#define SPOT "p5.48xlarge,H100,8,us-east-1,a,,"

/* 14.2461 that was cut off after "14" would be a price, too. A quote closes a field. */
static void a_last_line_that_may_be_cut_off_is_refused(void **state)
{
    (void)state;
    static const char text[] = PRICE_LAST SPOT "14.2461";
    for (size_t cut = 0; cut <= strlen("14.2461"); cut++) {
        struct import_rig rig;
        import_begin(&rig);
        check_ok(import_bytes(&rig, "aws.csv", text, strlen(text) - cut), &rig.rig.err);
        check_text(import_prices(&rig), "");
        check_text(import_findings(&rig),
                   "short_line 1 aws.csv:2: the file ends in it, without a line end\n");
        import_end(&rig);
    }
    check_import("aws.csv", PRICE_LAST SPOT "\"14.2461\"",
                 "aws p5.48xlarge us-east-1/a spot 14.2461 2025-07-01\n", "");
    check_import("aws.csv", PRICE_LAST SPOT "14.2461\r",
                 "aws p5.48xlarge us-east-1/a spot 14.2461 2025-07-01\n", "");
}

static void a_place_is_a_name(void **state)
{
    (void)state;
    char text[512];
    static const char rows[] = P5 "55,,us-\x1b[31meast,a\n" P5 "55,,";
    for (int length = 63; length <= 64; length++) {
        mlb_format(text, sizeof text, HEADER "%s%0*d,a\n", rows, length, 0);
        struct import_rig rig;
        import_begin(&rig);
        check_ok(import_text(&rig, "aws.csv", text), &rig.rig.err);
        const struct mlb_price *prices;
        check_ok(mlb_import_finish(rig.import, &rig.rig.err), &rig.rig.err);
        check_u64(mlb_import_prices(rig.import, &prices), length == 63);
        check_contains(import_findings(&rig),
                       length == 63 ? "not_text 1 aws.csv:2: " : "not_text 2 aws.csv:2: ");
        import_end(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amount_that_cannot_be_is_refused),
        cmocka_unit_test(what_looks_wrong_is_taken_and_flagged),
        cmocka_unit_test(two_prices_on_demand_contradict),
        cmocka_unit_test(the_day_is_the_users_where_the_file_has_none),
        cmocka_unit_test(whose_prices_they_are_has_to_be_known),
        cmocka_unit_test(other_files_are_named_for_what_they_are),
        cmocka_unit_test(what_is_written_is_read_and_added_to),
        cmocka_unit_test(texts_and_amounts_survive),
        cmocka_unit_test(memory_does_not_grow_with_the_file),
        cmocka_unit_test(prices_without_end_are_refused),
        cmocka_unit_test(a_last_line_that_may_be_cut_off_is_refused),
        cmocka_unit_test(a_place_is_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
