/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/analysis/health.h"

#define MOST_RANKS 16

static struct mlb_maybe is(double value)
{
    return (struct mlb_maybe){true, value};
}

static const struct mlb_health *find_note(const struct mlb_result *result, const char *code)
{
    for (size_t i = 0; i < result->health_count; i++)
        if (strcmp(result->health[i].code, code) == 0)
            return &result->health[i];
    return NULL;
}

/* ------------------------------------------------------------------------------------- slow twins
 */

/* `rows` rows of the same ranks' medians. The result borrows `times`. */
static struct mlb_result job(double *times, size_t ranks, struct mlb_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct mlb_row){.status = MLB_ROW_MEASURED,
                                   .across = MLB_ACROSS_HARMONIC_MEAN,
                                   .rank_median_ns = times,
                                   .rank_count = ranks};
        snprintf(rows[i].workload, sizeof rows[i].workload, "gemm");
        snprintf(rows[i].label, sizeof rows[i].label, "bf16 %zu", i);
    }
    return (struct mlb_result){
        .ranks = (int)ranks, .rows = rows, .row_count = count, .row_capacity = count};
}

static void test_slow_rank(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t ranks;
        double times[MOST_RANKS];
        enum mlb_health_level level;
        const char *text; /* NULL: no note */
    } table[] = {
        {"one rank", 1, {100}, 0, NULL},
        {"two, alike", 2, {100, 105}, 0, NULL}, /* 1 - 100/105 = 4.8 % */
        {"two, one slow", 2, {100, 110}, MLB_HEALTH_WARN, "rank 1 is up to 9.1 % slower"},
        {"three, alike", 3, {100, 101, 104}, 0, NULL},
        {"three, one slow", 3, {111, 100, 99}, MLB_HEALTH_WARN, "rank 0 is up to 9.9 % slower"},
        {"three, one fast", 3, {100, 100, 80}, 0, NULL},
        {"eight, noise", 8, {100, 101, 99, 100.5, 99.5, 102, 98, 100}, 0, NULL},
        {"eight, one slow",
         8,
         {100, 101, 99, 100.5, 99.5, 125, 98, 100},
         MLB_HEALTH_SICK,
         "rank 5 is up to 20 % slower"},
        {"eight, one fast", 8, {100, 101, 99, 100.5, 99.5, 60, 98, 100}, 0, NULL},
        /* beyond z, but only 1 % behind */
        {"eight, a trifle", 8, {100, 100.01, 99.99, 100, 100.02, 101, 99.98, 100}, 0, NULL},
        /* 3 % behind, but the others spread as much */
        {"eight, wide", 8, {100, 103, 97, 102, 98, 103.5, 96.5, 100}, 0, NULL},
        /* z = 3.37 and 3.71 around a MAD of 1 */
        {"nine, z below", 9, {99, 99, 99, 100, 100, 101, 101, 101, 105}, 0, NULL},
        {"nine, z above",
         9,
         {99, 99, 99, 100, 100, 101, 101, 101, 105.5},
         MLB_HEALTH_SICK,
         "rank 8 is up to 5.2 % slower"},
        {"MAD 0, one slow",
         4,
         {100, 100, 100, 110},
         MLB_HEALTH_SICK,
         "rank 3 is up to 9.1 % slower"},
        {"MAD 0, a trifle", 4, {100, 100, 100, 101}, 0, NULL},
        {"MAD 0, all alike", 4, {100, 100, 100, 100}, 0, NULL},
        {"two nodes of two speeds", 4, {100, 100, 150, 150}, 0, NULL},
        {"a NaN", 4, {100, NAN, 100, 200}, 0, NULL},
        {"a zero", 4, {100, 0, 100, 200}, 0, NULL},
        {"infinite", 4, {100, 100, 100, INFINITY}, 0, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double times[MOST_RANKS];
        struct mlb_row rows[2];
        memcpy(times, table[i].times, sizeof times);
        struct mlb_result result = job(times, table[i].ranks, rows, 2);
        mlb_health_judge(&result);
        const struct mlb_health *note = find_note(&result, "slow_rank");
        if ((note != NULL) != (table[i].text != NULL))
            print_error("%s: %s\n", table[i].what, note ? note->text : "no note");
        check_u64(result.health_count, table[i].text ? 1 : 0);
        if (!table[i].text)
            continue;
        check_contains(note->text, table[i].text);
        check_contains(note->text, "(2 of 2 rows)");
        check_i64(note->level, table[i].level);
    }
}

static void test_rows_that_are_not_asked(void **state)
{
    (void)state;
    double times[] = {100, 100, 100, 200};
    struct mlb_row rows[2];
    struct mlb_result result = job(times, 4, rows, 1);
    mlb_health_judge(&result);
    check_u64(result.health_count, 0); /* one row may be chance */

    result = job(times, 4, rows, 2);
    rows[1].work.bus_factor = 1.5;
    mlb_health_judge(&result);
    check_u64(result.health_count, 0);

    static const enum mlb_row_status others[] = {MLB_ROW_SKIPPED, MLB_ROW_UNTRUSTED,
                                                 MLB_ROW_FAILED};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        result = job(times, 4, rows, 2);
        rows[0].status = others[i];
        mlb_health_judge(&result);
        check_u64(result.health_count, 0);
    }

    result = job(times, 4, rows, 2);
    result.oversubscribed = true;
    mlb_health_judge(&result);
    check_u64(result.health_count, 0);

    result = job(times, 4, rows, 2);
    result.oversubscribed = false;
    mlb_health_judge(&result);
    check_u64(result.health_count, 1);
}

/* The ranks of some workloads differ for other reasons than a slow device. */
static void test_ranks_that_are_no_twins(void **state)
{
    static const struct {
        const char *workload, *numa;
        double bytes;
        size_t notes;
    } table[] = {
        {"p2p", "", 1e9, 0},        {"launch", "", 0, 0},        {"checkpoint", "", 1e9, 0},
        {"host_copy", "0", 1e9, 0}, {"host_copy", "auto", 8, 0}, {"host_copy", "auto", 1e9, 1},
        {"memory", "", 1e9, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double times[] = {100, 100, 100, 200};
        struct mlb_row rows[2];
        struct mlb_result result = job(times, 4, rows, 2);
        for (size_t row = 0; row < 2; row++) {
            snprintf(rows[row].workload, sizeof rows[row].workload, "%s", table[i].workload);
            snprintf(rows[row].params[0].name, sizeof rows[row].params[0].name, "numa");
            snprintf(rows[row].params[0].value, sizeof rows[row].params[0].value, "%s",
                     table[i].numa);
            rows[row].param_count = table[i].numa[0] ? 1 : 0;
            rows[row].work.bytes = table[i].bytes;
        }
        mlb_health_judge(&result);
        check_u64(result.health_count, table[i].notes);
    }
}

static void test_slow_in_some_rows(void **state)
{
    (void)state;
    double even[] = {100, 100, 100, 100, 100}, uneven[] = {100, 100, 100, 100, 130};
    double worse[] = {100, 100, 100, 100, 160};
    struct mlb_row rows[4];
    struct mlb_result result = job(even, 5, rows, 4);
    rows[1].rank_median_ns = uneven;
    mlb_health_judge(&result);
    check_u64(result.health_count, 0);
    rows[3].rank_median_ns = worse;
    mlb_health_judge(&result);
    check_u64(result.health_count, 1);
    check_text(result.health[0].text, "rank 4 is up to 38 % slower than its twins (2 of 4 rows)");
}

/* Rank 4 is slow in so many rows of each workload, and here and there by chance. */
static void test_slow_by_chance(void **state)
{
    (void)state;
    static const struct {
        struct {
            const char *workload;
            size_t rows, slow;
        } of[3];
        bool accused;
    } table[] = {
        {{{"gemm", 30, 2}, {"memory", 20, 1}}, false},
        {{{"gemm", 30, 7}, {"memory", 20, 5}}, false},
        {{{"gemm", 30, 8}, {"memory", 20, 5}}, true},    /* a quarter of all */
        {{{"gemm", 30, 0}, {"host_copy", 2, 2}}, true},  /* its own link */
        {{{"gemm", 30, 0}, {"host_copy", 2, 1}}, false}, /* one row may be chance */
        {{{"gemm", 1, 1}, {"memory", 1, 1}, {"attention", 1, 0}}, true},
    };
    double even[] = {100, 100, 100, 100, 100}, uneven[] = {100, 100, 100, 100, 130};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_row rows[64];
        struct mlb_result result = job(even, 5, rows, 64);
        size_t count = 0;
        for (size_t w = 0; w < 3 && table[i].of[w].workload; w++)
            for (size_t k = 0; k < table[i].of[w].rows; k++, count++) {
                snprintf(rows[count].workload, sizeof rows[count].workload, "%s",
                         table[i].of[w].workload);
                rows[count].work.bytes = 1e9;
                rows[count].rank_median_ns = k < table[i].of[w].slow ? uneven : even;
            }
        result.row_count = count;
        mlb_health_judge(&result);
        check_u64(result.health_count, table[i].accused);
    }
}

static void test_many_slow_ranks(void **state)
{
    (void)state;
    double times[64];
    struct mlb_row rows[2];
    for (size_t i = 0; i < 64; i++)
        times[i] = i % 4 == 3 ? 150 : 100;
    struct mlb_result result = job(times, 64, rows, 2);
    mlb_health_judge(&result);
    check_u64(result.health_count, 9);
    check_text(result.health[8].text, "8 more ranks are slower than their twins");
}

/* Ranks in even blocks on machines. */
static struct mlb_rank_place *places_of(int machines, int locals)
{
    struct mlb_rank_place *places = test_calloc((size_t)(machines * locals), sizeof *places);
    for (int i = 0; i < machines * locals; i++) {
        places[i].machine = i / locals;
        places[i].local = i % locals;
        snprintf(places[i].pci_id, sizeof places[i].pci_id, "0000:%02x:00.0", 16 * places[i].local);
    }
    return places;
}

static void test_two_levels(void **state)
{
    (void)state;
    static const struct {
        int machines, locals;
        int slow_machine, slow_local; /* -1: all of its ranks; machine -1: nobody */
        const char *code, *text;
        enum mlb_health_level level;
    } table[] = {
        {4, 8, -1, 0, NULL, NULL, 0},
        {4, 8, 2, -1, "slow_machine",
         "machine 2 (ranks 16-23) is up to 20 % slower than the other machines (2 of 2 rows)",
         MLB_HEALTH_SICK},
        {3, 4, 0, -1, "slow_machine",
         "machine 0 (ranks 0-3) is up to 20 % slower than the other machines (2 of 2 rows); too "
         "few machines to be sure",
         MLB_HEALTH_WARN},
        {4, 8, 3, 1, "slow_rank",
         "rank 25 (1 of machine 3, GPU 0000:10:00.0) is up to 20 % slower than its twins (2 of 2 "
         "rows)",
         MLB_HEALTH_SICK},
        {2, 8, 1, 7, "slow_rank",
         "rank 15 (7 of machine 1, GPU 0000:70:00.0) is up to 20 % slower than its twins (2 of 2 "
         "rows)",
         MLB_HEALTH_SICK},
        {8, 1, 5, -1, "slow_machine", "machine 5 (rank 5) is up to 20 % slower", MLB_HEALTH_SICK},
        {2, 8, 1, -1, NULL, NULL, 0}, /* which of the two is the usual one? */
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double times[32];
        struct mlb_row rows[2];
        int ranks = table[i].machines * table[i].locals;
        for (int rank = 0; rank < ranks; rank++) {
            bool slow = rank / table[i].locals == table[i].slow_machine &&
                        (table[i].slow_local < 0 || rank % table[i].locals == table[i].slow_local);
            times[rank] = (slow ? 125 : 100) + 0.01 * (rank % 3);
        }
        struct mlb_result result = job(times, (size_t)ranks, rows, 2);
        result.places = places_of(table[i].machines, table[i].locals);
        result.place_count = ranks;
        mlb_health_judge(&result);
        bool alone = table[i].locals == 1; /* its only rank is named beside it */
        check_u64(result.health_count, table[i].text ? alone ? 2 : 1 : 0);
        if (table[i].text) {
            check_text(result.health[0].code, table[i].code);
            check_contains(result.health[0].text, table[i].text);
            check_i64(result.health[0].level, table[i].level);
        }
        test_free(result.places);
    }
}

/* ------------------------------------------------------------------------------------- telemetry
 */

static void test_telemetry(void **state)
{
    (void)state;
    static const struct {
        double steal, thermal, ecc; /* NAN: unknown */
        const char *code;           /* NULL: no note */
        enum mlb_health_level level;
        const char *text;
    } table[] = {
        {NAN, NAN, NAN, NULL, 0, ""},
        {0.02, 0.01, 0, NULL, 0, ""},
        {0.05, 0, 0, "steal", MLB_HEALTH_WARN, "up to 5 % of the cores' time (1 of 2 rows"},
        {0, 0.30, 0, "throttled", MLB_HEALTH_SICK, "up to 30 % of the time (1 of 2 rows"},
        {0, 0, 1, "ecc", MLB_HEALTH_SICK, "up to 1 uncorrected memory errors"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double times[] = {100};
        struct mlb_row rows[3];
        struct mlb_result result = job(times, 1, rows, 3);
        struct mlb_telemetry_window clean = {
            .steal_fraction = is(0), .throttled_thermal_fraction = is(0), .ecc_uncorrected = is(0)};
        rows[0].has_telemetry = rows[1].has_telemetry = true;
        rows[0].telemetry = rows[1].telemetry = clean;
        rows[1].status = MLB_ROW_UNTRUSTED; /* a throttled row is evidence all the same */
        rows[1].telemetry.steal_fraction =
            (struct mlb_maybe){!isnan(table[i].steal), table[i].steal};
        rows[1].telemetry.throttled_thermal_fraction =
            (struct mlb_maybe){!isnan(table[i].thermal), table[i].thermal};
        rows[1].telemetry.ecc_uncorrected = (struct mlb_maybe){!isnan(table[i].ecc), table[i].ecc};
        rows[2].telemetry.steal_fraction = is(1); /* not there: has_telemetry is false */
        mlb_health_judge(&result);
        check_u64(result.health_count, table[i].code ? 1 : 0);
        if (!table[i].code)
            continue;
        check_text(result.health[0].code, table[i].code);
        check_i64(result.health[0].level, table[i].level);
        check_contains(result.health[0].text, table[i].text);
        check_contains(result.health[0].text, "gemm bf16 1");
    }
}

/* Other processes on the cores: said of CPU jobs whose ranks do not share cores. */
static void test_others(void **state)
{
    (void)state;
    static const struct {
        double others;
        const char *kind;
        bool oversubscribed;
        size_t notes;
    } table[] = {{0.05, "cpu", false, 0},
                 {0.30, "cpu", false, 1},
                 {0.30, "cpu", true, 0},
                 {0.30, "cuda", false, 0}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double times[] = {100};
        struct mlb_row rows[1];
        struct mlb_result result = job(times, 1, rows, 1);
        snprintf(result.device.kind, sizeof result.device.kind, "%s", table[i].kind);
        result.oversubscribed = table[i].oversubscribed;
        rows[0].has_telemetry = true;
        rows[0].telemetry.others_fraction = is(table[i].others);
        mlb_health_judge(&result);
        check_u64(result.health_count, table[i].notes);
        if (table[i].notes)
            check_contains(result.health[0].text, "other processes took up to 30 %");
    }
}

/* What a GPU's driver tells beside heat and errors; in a window of --sustain as well. */
static void test_what_the_driver_tells(void **state)
{
    static const struct {
        double limit_w, default_w, processes, remapped, sustained_heat; /* NAN: unknown */
        const char *throttle, *code;                                    /* code: NULL = no note */
        enum mlb_health_level level;
        const char *text;
    } table[] = {
        {700, 700, 0, 0, 0, "none", NULL, 0, NULL},
        {NAN, NAN, NAN, NAN, NAN, "", NULL, 0, NULL},
        {699.5, 700, 0, 0, 0, "none", NULL, 0, NULL},
        {500, 700, 0, 0, 0, "none", "power_limit", MLB_HEALTH_WARN,
         "the GPU may draw 500 W, this model's default is 700 W"},
        {700, 700, 2, 0, 0, "none", "gpu_shared", MLB_HEALTH_WARN,
         "up to 2 other processes are on the GPU (1 of 1 rows)"},
        {700, 700, 0, 3, 0, "none", "remapped", MLB_HEALTH_SICK, "replace the device"},
        {700, 700, 0, 0, 0.2, "none", "throttled", MLB_HEALTH_SICK, "for up to 20 % of the time"},
        {NAN, NAN, NAN, NAN, NAN, "unknown", "throttle_unknown", MLB_HEALTH_NOTE,
         "not known in 1 rows"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_row row = {.status = MLB_ROW_MEASURED, .has_telemetry = true};
        struct mlb_result result = {.rows = &row, .row_count = 1, .row_capacity = 1};
        struct mlb_telemetry_window *window = &row.telemetry;
        const double values[] = {table[i].limit_w, table[i].default_w, table[i].processes,
                                 table[i].remapped, table[i].sustained_heat};
        struct mlb_maybe *const figures[] = {&window->power_limit_w, &window->power_default_w,
                                             &window->other_processes, &window->remapped_rows,
                                             &row.sustain.window.throttled_thermal_fraction};
        for (size_t f = 0; f < 5; f++)
            *figures[f] = (struct mlb_maybe){!isnan(values[f]), values[f]};
        row.has_sustain = true;
        snprintf(window->throttle, sizeof window->throttle, "%s", table[i].throttle);
        mlb_health_judge(&result);
        check_u64(result.health_count, table[i].code ? 1 : 0);
        if (!table[i].code)
            continue;
        check_text(result.health[0].code, table[i].code);
        check_i64(result.health[0].level, table[i].level);
        check_contains(result.health[0].text, table[i].text);
    }
}

/* From GPU to GPU: the neighbour's context is seen, and is this job's own. */
static void test_neighbours_of_links(void **state)
{
    (void)state;
    for (int link = 0; link < 2; link++) {
        struct mlb_row row = {.status = MLB_ROW_MEASURED, .has_telemetry = true};
        struct mlb_result result = {.rows = &row, .row_count = 1, .row_capacity = 1};
        row.work.link = link;
        row.telemetry.other_processes = is(1);
        snprintf(row.telemetry.throttle, sizeof row.telemetry.throttle, "none");
        mlb_health_judge(&result);
        check_u64(result.health_count, link ? 0 : 1);
    }
}

static void test_old_library(void **state)
{
    (void)state;
    static const struct {
        const char *library;
        size_t notes;
    } table[] = {{"oneDNN 2.2.4", 1}, {"oneDNN 1.96.0", 1}, {"oneDNN 2.6.3", 0},
                 {"oneDNN 3.1.0", 0}, {"cuBLASLt 2.1", 0},  {"", 0}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double times[] = {100};
        struct mlb_row rows[1];
        struct mlb_result result = job(times, 1, rows, 1);
        snprintf(rows[0].library, sizeof rows[0].library, "%s", table[i].library);
        mlb_health_judge(&result);
        check_u64(result.health_count, table[i].notes);
        if (table[i].notes)
            check_text(result.health[0].code, "library");
    }
}

static void test_empty_result(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    mlb_health_judge(&result);
    check_u64(result.health_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_rank),
        cmocka_unit_test(test_rows_that_are_not_asked),
        cmocka_unit_test(test_ranks_that_are_no_twins),
        cmocka_unit_test(test_slow_in_some_rows),
        cmocka_unit_test(test_slow_by_chance),
        cmocka_unit_test(test_many_slow_ranks),
        cmocka_unit_test(test_two_levels),
        cmocka_unit_test(test_telemetry),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_what_the_driver_tells),
        cmocka_unit_test(test_neighbours_of_links),
        cmocka_unit_test(test_old_library),
        cmocka_unit_test(test_empty_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
