/* SPDX-License-Identifier: Apache-2.0 */
/* Commitments, moving data, managed services. */
#include "tests/check.h"

#include <unistd.h>

#include "harness/analysis/commitment.h"
#include "harness/analysis/data_move.h"
#include "harness/analysis/surcharge.h"

#define TB 1e12

/* ------------------------------------------------------------------------------------ commitment
 */

static void test_commitment(void **state)
{
    static const struct {
        double on_demand, reserved;
        enum mlb_purchase purchase;
        double use, break_even, per_used, saving, pays_at_hours;
    } rows[] = {
        /* 62.92 / 98.32 = 0.640; of 8,760 h 5,606 */
        {98.32, 62.92, MLB_RESERVED_1Y, 0.8, 0.639951, 78.65, 0.200061, 5605.97},
        {98.32, 43.16, MLB_RESERVED_3Y, 0.3, 0.438975, 143.8667, -0.463249, 11536.26},
        {55.04, 41.53, MLB_CAPACITY_BLOCK, 1.0, 0.754542, 41.53, 0.245458, 0.0},
        {10.0, 5.0, MLB_RESERVED_1Y, 0.0, 0.5, 0.0, 0.0, 4380.0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_commitment is =
            mlb_commitment(rows[i].on_demand, rows[i].reserved, rows[i].purchase, rows[i].use);
        check_true(is.known && !is.never);
        check_close(is.break_even, rows[i].break_even, 1e-5);
        check_close(is.usd_per_used, rows[i].per_used, 1e-5);
        check_close(is.saving, rows[i].saving, 1e-4);
        check_close(is.pays_at_hours, rows[i].pays_at_hours, 1e-5);
    }
}

static void test_commitment_of_nothing(void **state)
{
    (void)state;
    check_true(!mlb_commitment(0.0, 5.0, MLB_RESERVED_1Y, 0.5).known);
    check_true(!mlb_commitment(5.0, 0.0, MLB_RESERVED_1Y, 0.5).known);
    check_true(mlb_commitment(5.0, 5.0, MLB_RESERVED_1Y, 0.5).never);
    check_true(mlb_commitment(5.0, 6.0, MLB_RESERVED_1Y, 0.5).never);
}

/* ------------------------------------------------------------------------------------------ data
 */

static void open_table(struct mlb_transfer *transfer)
{
    struct mlb_error err = {0};
    check_ok(
        mlb_transfer_open(transfer, MLB_TEST_SOURCE_DIR "/configs/catalog/transfer.json", &err),
        &err);
}

static void test_egress(void **state)
{
    static const struct {
        const char *provider;
        double bytes, usd;
        bool known, at_most;
    } rows[] = {
        {"aws", 100 * TB, 7800.0, true, false}, /* 10 x 90 + 40 x 85 + 50 x 70, not 100 x 90 */
        {"aws", 10 * TB, 900.0, true, false},
        {"aws", 200 * TB, 900.0 + 3400.0 + 7000.0 + 2500.0, true, false},
        {"aws", 0.0, 0.0, true, false},
        {"azure", 10 * TB, 870.0, true, false},
        {"azure", 20 * TB, 1740.0, true, true},
        {"gcp", 1 * TB, 120.0, true, false},
        {"gcp", 100 * TB, 120.0 + 990.0 + 7200.0, true, false},
        {"oci", 10 * TB, 0.0, true, false},
        {"oci", 11 * TB, 0.0, false, false},
    };
    struct mlb_transfer transfer;
    (void)state;
    open_table(&transfer);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_egress_cost is =
            mlb_egress_cost(mlb_egress_of(&transfer, rows[i].provider), rows[i].bytes);
        check_i64(is.known, rows[i].known);
        check_i64(is.at_most, rows[i].at_most);
        if (is.known)
            check_close(is.usd, rows[i].usd, 1e-12);
    }
    check_true(!mlb_egress_of(&transfer, "lambda"));
    mlb_transfer_close(&transfer);
}

static void test_storage_and_break_even(void **state)
{
    struct mlb_transfer transfer;
    (void)state;
    open_table(&transfer);
    /* 10 TB x 0.023 $ a month, for half a month of 365 h */
    check_close(mlb_storage_cost(mlb_storage_of(&transfer, "aws"), 10 * TB, 365.0 * 3600.0), 115.0,
                1e-12);
    /* 0.0147 a GiB */
    check_close(mlb_storage_cost(mlb_storage_of(&transfer, "nebius"), 1073741824.0, 730.0 * 3600.0),
                0.0147, 1e-4);
    check_true(!mlb_storage_of(&transfer, "oci"));
    mlb_transfer_close(&transfer);
    check_close(mlb_move_pays_after_hours(7800.0, 20.0), 390.0, 1e-15);
    check_true(isinf(mlb_move_pays_after_hours(7800.0, 0.0)));
    check_true(isinf(mlb_move_pays_after_hours(7800.0, -5.0)));
}

#define ORIGIN "\"provider\": \"x\", \"as_of\": \"2026-01\", \"source\": \"s\""

static void test_table_is_strict(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"[]", "must be an object with 'egress' and 'storage'"},
        {"{\"storage\": []}", "'egress' must be a list"},
        {"{\"egress\": [], \"storage\": [], \"x\": 1}", "unknown key 'x'"},
        {"{\"egress\": [{\"provider\": \"x\"}], \"storage\": []}", "needs 'as_of'"},
        {"{\"egress\": [{\"provider\": \"x\", \"as_of\": \"2026-01\"}], \"storage\": []}",
         "needs 'source'"},
        {"{\"egress\": [{\"provider\": \"x\", \"as_of\": \"soon\", \"source\": \"s\"}],"
         "\"storage\": []}",
         "not a date"},
        {"{\"egress\": [{" ORIGIN ", \"way\": \"w\", \"free_gb_per_month\": 0, \"tiers\": []}],"
         "\"storage\": []}",
         "needs 'tiers'"},
        {"{\"egress\": [{" ORIGIN ", \"way\": \"w\", \"free_gb_per_month\": 0, \"tiers\":"
         "[{\"up_to_gb\": 5, \"usd_per_gb\": 1}, {\"up_to_gb\": 5, \"usd_per_gb\": 2}]}],"
         "\"storage\": []}",
         "above 5"},
        {"{\"egress\": [{" ORIGIN ", \"way\": \"w\", \"free_gb_per_month\": 0, \"tiers\":"
         "[{\"usd_per_gb\": -1}]}], \"storage\": []}",
         "needs 'usd_per_gb', a number of 0 or more"},
        {"{\"egress\": [], \"storage\": [{" ORIGIN ", \"kind\": \"k\"}]}",
         "needs 'usd_per_gb_month'"},
        {"{\"egress\": [{" ORIGIN ", \"way\": \"w\", \"free_gb_per_month\": 0, \"tiers\":"
         "[{\"usd_per_gb\": 1}], \"beyond_last_tier\": \"dearer\"}], \"storage\": []}",
         "only 'cheaper' is known"},
    };
    char path[64];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_transfer transfer;
        struct mlb_error err = {0};
        snprintf(path, sizeof path, "/tmp/mlbench-transfer-%ld.json", (long)getpid());
        check_ok(mlb_file_write_atomic(path, rows[i].text, strlen(rows[i].text), &err), &err);
        check_fails(mlb_transfer_open(&transfer, path, &err), MLB_E_CONFIG, &err, rows[i].error);
    }
    unlink(path);
}

/* --------------------------------------------------------------------------------------- service
 */

static void test_surcharge(void **state)
{
    (void)state;
    struct mlb_surcharge listed = mlb_surcharge("aws", "sagemaker", 63.29, 55.04);
    check_true(listed.known && listed.listed && !listed.source);
    check_close(listed.ratio, 1.1499, 1e-4);
    struct mlb_surcharge of_others = mlb_surcharge("aws", "sagemaker", 0.0, 27.447);
    check_true(of_others.known && !of_others.listed);
    check_close(of_others.ratio, 1.15, 1e-15);
    check_contains(of_others.source, "63.29");
    check_true(!mlb_surcharge("gcp", "vertex", 0.0, 88.0).known);
    check_text(mlb_surcharge_service("aws"), "sagemaker");
    check_true(!mlb_surcharge_service("gcp"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commitment),      cmocka_unit_test(test_commitment_of_nothing),
        cmocka_unit_test(test_egress),          cmocka_unit_test(test_storage_and_break_even),
        cmocka_unit_test(test_table_is_strict), cmocka_unit_test(test_surcharge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
