/* SPDX-License-Identifier: Apache-2.0 */
/* Golden texts stand in tests/report/golden; MLBENCH_UPDATE_GOLDEN=1 writes them anew: look at the
 * difference before it is committed. */
#include "tests/check.h"

#include "harness/analysis/shares.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/report/row.h"
#include "tests/measure/records.h"
#include "tests/report/golden.h"

struct fixture {
    struct mlb_peaks peaks;
    struct mlb_expectations expectations;
    struct mlb_result result;
    struct mlb_report report;
};

static int set_up(void **state)
{
    struct mlb_error err = {0};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    check_ok(mlb_peaks_open(&fixture->peaks, GOLDEN "devices.json", &err), &err);
    fixture->report.result = &fixture->result;
    check_ok(mlb_expectations_open(&fixture->expectations, GOLDEN "expectations.json", &err), &err);
    fixture->report.peaks = &fixture->peaks;
    fixture->report.expectations = &fixture->expectations;
    fixture->report.record_path = "results/2026-11-20T23-41-07Z-test-quick.json";
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    mlb_result_free(&fixture->result);
    mlb_peaks_close(&fixture->peaks);
    mlb_expectations_close(&fixture->expectations);
    free(fixture);
    return 0;
}

static struct mlb_text print(struct fixture *fixture, const char *printer)
{
    struct mlb_text text = {0};
    struct mlb_error err = {0};
    check_ok(mlb_printer_find(printer)->print(&fixture->report, &text, &err), &err);
    return text;
}

/* -------------------------------------------------------------------------------------- golden */

static void golden(void **state)
{
    static const char *const printers[][2] = {
        {"text", "txt"}, {"csv", "csv"}, {"markdown", "md"}, {"json", "json"}};
    struct fixture *fixture = *state;
    for (const struct record_maker *maker = record_makers; maker->name; maker++) {
        maker->make(&fixture->result);
        for (size_t i = 0; i < sizeof printers / sizeof printers[0]; i++) {
            char name[64];
            struct mlb_text text = print(fixture, printers[i][0]);
            snprintf(name, sizeof name, "%s.%s", maker->name, printers[i][1]);
            compare_with_golden(name, mlb_text_get(&text));
            mlb_text_free(&text);
        }
        mlb_result_free(&fixture->result);
    }
}

/* --------------------------------------------------------------------------------------- width */

/* No line of the text ends in a blank. */
static void check_trimmed(const char *text)
{
    check_true(strstr(text, " \n") == NULL);
}

/* Longest labels, names and reasons that the structs hold, in words. */
static void fill_with_words(char *to, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++)
        to[i] = i % 9 == 8 ? ' ' : 'w';
    to[size - 1] = '\0';
}

/* Of several machines the tables over several rows too. */
static void text_of_nodes_is_as_wide(void **state)
{
    struct fixture *fixture = *state;
    record_nodes(&fixture->result);
    struct mlb_text text = print(fixture, "text");
    check_true(widest_line(mlb_text_get(&text)) <= 110);
    check_trimmed(mlb_text_get(&text));
    mlb_text_free(&text);
}

/* A row that is not trusted is not shown as one that is among the scopes. */
static void scopes_say_what_is_untrusted(void **state)
{
    struct fixture *fixture = *state;
    record_nodes(&fixture->result);
    fixture->result.rows[4].status = MLB_ROW_UNTRUSTED;
    struct mlb_text text = print(fixture, "text");
    check_contains(mlb_text_get(&text), "GB/s UNTRUSTED");
    mlb_text_free(&text);
}

static void text_is_at_most_110_columns_wide(void **state)
{
    struct fixture *fixture = *state;
    struct mlb_result *result = &fixture->result;
    record_gpu(result);
    fill_with_words(result->device.name, sizeof result->device.name);
    fill_with_words(result->price_source, sizeof result->price_source);
    mlb_result_note(result, MLB_HEALTH_SICK, "words", "%s", "");
    fill_with_words(result->health[0].text, sizeof result->health[0].text);
    for (size_t i = 0; i < result->row_count; i++) {
        struct mlb_row *row = &result->rows[i];
        fill_with_words(row->label, sizeof row->label);
        fill_with_words(row->reason, sizeof row->reason);
        fill_with_words(row->variant, sizeof row->variant);
        row->status = i % 2 ? MLB_ROW_UNTRUSTED : MLB_ROW_SKIPPED;
    }
    struct mlb_text text = print(fixture, "text");
    check_true(widest_line(mlb_text_get(&text)) <= 110);
    check_trimmed(mlb_text_get(&text));
    mlb_text_free(&text);
}

/* ---------------------------------------------------------------------------------------- time */

/* A row's line with this median and interval, in ns. */
static void check_time(struct fixture *fixture, double median, double low, double high,
                       const char *says)
{
    struct mlb_row row = {.workload = "gemm", .label = "x", .device = "cpu"};
    struct mlb_text line = {0};
    row.summary.n = 9;
    row.summary.median = median;
    row.summary.interval = (struct mlb_interval){high > 0.0, low, high, 0.96};
    mlb_report_row_line(&fixture->report, &row, &line);
    check_contains(mlb_text_get(&line), says);
    mlb_text_free(&line);
}

static void interval_shows_the_digits_that_count(void **state)
{
    struct fixture *fixture = *state;
    check_time(fixture, 1.391e6, 1.388e6, 1.394e6, "  1.391 ms [1.388, 1.394]  ");
    check_time(fixture, 4.123e6, 4.097e6, 4.151e6, "  4.12 ms [4.10, 4.15]  ");
    check_time(fixture, 8.81e7, 8.79e7, 8.84e7, "  88.1 ms [87.9, 88.4]  ");
    check_time(fixture, 9.1e6, 8.1e6, 10.2e6, "  9.1 ms [8.1, 10.2]  ");
    check_time(fixture, 1.2e8, 1.0e8, 1.4e8, "  120 ms [100, 140]  ");
    check_time(fixture, 1.23456789e9, 1.23456788e9, 1.2345679e9, "  1.2346 s [1.2346, 1.2346]  ");
    check_time(fixture, 999.4, 999.0, 999.8, "  999.4 ns [999.0, 999.8]  ");
    check_time(fixture, 12345.0, 12345.0, 12345.0, "  12.345 us [12.345, 12.345]  ");
    check_time(fixture, 561.0, 561.0, 561.0, "  561 ns [561, 561]  ");
    check_time(fixture, 5e5, 1e5, 9e9, "  500 us [100, 9000000]  ");
    check_time(fixture, 7.1e5, 0.0, 0.0, "  710 us  "); /* no interval */
}

/* --------------------------------------------------------------------------------------- lines */

static void row_lines(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        size_t row;
        const char *says;
    } table[] = {
        {0, "gemm bf16 8192x8192x8192  cuda  cublaslt  n=41  1.39"},
        {0, " TFLOP/s  79 % of peak  96 % at clock  1530 MHz  0.885 J/TFLOP  verified"},
        {2, "  1.57 POP/s  78 % of peak  95 % at clock  1530 MHz  ~0.440 J/TOP"},
        {3, "memory triad f64 3x960 MiB  cuda  plain  n=5  710 us  4.25 TB/s  89 % of peak  89 % "
            "of bus  "
            "1980 MHz  ~0.162 J/GB  verified"},
        {4, "  algbw 26"},
        {4, " GB/s  busbw 45"},
    };
    record_gpu(&fixture->result);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct mlb_text line = {0};
        mlb_report_row_line(&fixture->report, &fixture->result.rows[table[i].row], &line);
        check_contains(mlb_text_get(&line), table[i].says);
        mlb_text_free(&line);
    }
}

/* A row of a collective says which wire carried how much of what it can. */
static void lines_of_collectives(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        size_t row;
        const char *says;
    } table[] = {
        {0, "all_reduce 16 GiB f32  cuda  nccl  nvlstree  n=33  70.0 ms [70.0, 70.1]  algbw "},
        {0, "  busbw 460 GB/s, wire 245 GB/s = 61 % of 400 GB/s NICs  61 % of bound, 92 % of best "
            "published  verified"},
        {1, "  busbw 430 GB/s, wire 229..400 GB/s = 57..100 % of 400 GB/s NICs  57 % of bound, "},
        {2, "  busbw 200 MB/s, wire 213 MB/s  verified"}, /* 8 KiB: no part of a link */
        {3, ", wire 294 GB/s = 65 % of 450 GB/s NVLink  65 % of bound, 95 % of best published  "},
        {4, "  busbw 45.0 GB/s, wire 45.0 GB/s = 90 % of 50.0 GB/s NICs  verified"},
    };
    record_nodes(&fixture->result);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct mlb_text line = {0};
        mlb_report_row_line(&fixture->report, &fixture->result.rows[table[i].row], &line);
        check_contains(mlb_text_get(&line), table[i].says);
        mlb_text_free(&line);
    }
}

/* Never a rate, never "verified", for what was not verified, was wrong or was not run. */
static void nothing_is_green_without_proof(void **state)
{
    struct fixture *fixture = *state;
    record_gpu(&fixture->result);
    for (enum mlb_row_status status = MLB_ROW_MEASURED; status <= MLB_ROW_FAILED; status++) {
        for (int verified = 0; verified < 2; verified++) {
            struct mlb_row *row = &fixture->result.rows[0];
            row->status = status;
            row->verified = verified;
            struct mlb_text line = {0};
            mlb_report_row_line(&fixture->report, row, &line);
            bool timed = status == MLB_ROW_MEASURED || status == MLB_ROW_UNTRUSTED;
            check_true((strstr(mlb_text_get(&line), "TFLOP/s") != NULL) == (timed && verified));
            check_true((strstr(mlb_text_get(&line), "  verified") != NULL) ==
                       (status == MLB_ROW_MEASURED && verified));
            mlb_text_free(&line);
        }
    }
}

static void no_peak_no_percentage(void **state)
{
    struct fixture *fixture = *state;
    record_gpu(&fixture->result);
    fixture->report.peaks = NULL;
    struct mlb_text text = print(fixture, "text");
    check_true(strstr(mlb_text_get(&text), "of peak") == NULL);
    check_contains(mlb_text_get(&text), "NVIDIA H200: no datasheet's peak; at clock: ");
    mlb_text_free(&text);
    fixture->report.peaks = &fixture->peaks;
    fixture->result.oversubscribed = true; /* a share of a shared device says nothing */
    text = print(fixture, "text");
    check_true(strstr(mlb_text_get(&text), "peak") == NULL);
    check_true(strstr(mlb_text_get(&text), "at clock") == NULL);
    check_true(strstr(mlb_text_get(&text), "J/TFLOP") == NULL);
    check_contains(mlb_text_get(&text), "OVERSUBSCRIBED");
    mlb_text_free(&text);
}

/* A unit that the device's own numbers don't know has no bound; without a clock there is none. */
static void no_clock_no_bound(void **state)
{
    struct fixture *fixture = *state;
    record_gpu(&fixture->result);
    struct mlb_row *row = &fixture->result.rows[0];
    row->telemetry.clock_median_hz.known = row->telemetry.clock_kernel_hz.known = false;
    check_close(mlb_share_of_bound(&fixture->result, row, &row->summary, &row->telemetry), 0, 0);
    row = &fixture->result.rows[1];
    check_true(mlb_share_of_bound(&fixture->result, row, &row->summary, &row->telemetry) > 0.9);
    fixture->result.device.capability = 75;
    check_close(mlb_share_of_bound(&fixture->result, row, &row->summary, &row->telemetry), 0, 0);
}

/* ----------------------------------------------------------------------------------------- notes
 */

static void check_note(struct fixture *fixture, size_t row, enum mlb_note note, const char *says)
{
    struct mlb_text text = {0};
    bool any = mlb_report_note(&fixture->report, &fixture->result.rows[row], note, &text);
    check_true(any == (says[0] != '\0'));
    check_contains(mlb_text_get(&text), says);
    mlb_text_free(&text);
}

static void notes_of_a_row(void **state)
{
    struct fixture *fixture = *state;
    record_gpu(&fixture->result);
    struct mlb_row *row = &fixture->result.rows[0];
    check_note(fixture, 0, MLB_NOTE_LAUNCH, "");
    check_note(fixture, 2, MLB_NOTE_LAUNCH, "as a CUDA graph, 3.1 % faster than kernel by kernel");
    check_note(fixture, 0, MLB_NOTE_DRIFT, "");
    row->summary.drift = -0.034;
    check_note(fixture, 0, MLB_NOTE_DRIFT, "not stationary: the time changed by -3.4 %");
    row->summary.interval.high = row->summary.median * 1.1; /* as wide as that: may be chance */
    check_note(fixture, 0, MLB_NOTE_DRIFT, "");
    check_note(fixture, 1, MLB_NOTE_SUSTAIN, "");
    check_note(fixture, 0, MLB_NOTE_SUSTAIN, "sustained 60.0 s: 746 TFLOP/s, 1455 MHz");
    check_note(fixture, 0, MLB_NOTE_SUSTAIN, "clock from 1605 to 1440 MHz; burst from rest: 842");
    mlb_format(row->sustain.window.verdict, sizeof row->sustain.window.verdict, "too hot");
    check_note(fixture, 0, MLB_NOTE_SUSTAIN, "72 C, UNTRUSTED: too hot, time +0.42 %/min");
    row->sustain.burst.n = 3;
    row->sustain.burst.interval.known = false;
    check_note(fixture, 0, MLB_NOTE_SUSTAIN, "61 C, n=3: no interval");
    row->verification.wrong = 1; /* nothing of it is a result then */
    check_note(fixture, 0, MLB_NOTE_SUSTAIN, "");
    check_note(fixture, 1, MLB_NOTE_DETAILS, "");
    check_note(fixture, 0, MLB_NOTE_DETAILS, "algorithm=66, candidates=32, tile=128x256x64");
}

/* Worse than one after the other: nothing of it is hidden, and no share is told. */
static void overlap_is_told_in_a_sentence(void **state)
{
    struct fixture *fixture = *state;
    record_gpu(&fixture->result);
    struct mlb_details *details = &fixture->result.rows[1].details;
    *details = (struct mlb_details){0};
    mlb_detail_number(details, "exposed_ns", 1.21e6);
    mlb_detail_number(details, "collective_alone_ns", 9.3e6);
    mlb_detail_number(details, "gemm_slowdown", 1.08);
    mlb_detail_number(details, "collective_slowdown", 1.312);
    check_note(fixture, 1, MLB_NOTE_OVERLAP, "");
    mlb_detail_number(details, "hidden_share", 0.87);
    check_note(
        fixture, 1, MLB_NOTE_OVERLAP,
        "1.21 ms exposed of a collective of 9.30 ms (87 % hidden); the GEMMs take 1.08 times "
        "as long beside it, it takes 1.31 times as long");
    details->items[4].number = -0.1;
    check_note(fixture, 1, MLB_NOTE_OVERLAP, "of a collective of 9.30 ms; the GEMMs");
    fixture->result.rows[1].verification.wrong = 1;
    check_note(fixture, 1, MLB_NOTE_OVERLAP, "");
}

/* How the work was done is for those who ask. */
static void details_in_text_on_demand(void **state)
{
    struct fixture *fixture = *state;
    record_gpu(&fixture->result);
    for (int verbose = 0; verbose < 2; verbose++) {
        fixture->report.verbose = verbose;
        struct mlb_text text = print(fixture, "text");
        check_true((strstr(mlb_text_get(&text), "algorithm=66") != NULL) == verbose);
        mlb_text_free(&text);
    }
}

/* ----------------------------------------------------------------------------------------- csv */

static size_t count_fields(const char *line)
{
    size_t fields = 1;
    bool quoted = false;
    for (; *line && (quoted || *line != '\n'); line++) {
        if (*line == '"')
            quoted = !quoted;
        fields += !quoted && *line == ',';
    }
    return fields;
}

static const char *next_line(const char *text)
{
    bool quoted = false;
    for (; *text && (quoted || *text != '\n'); text++)
        if (*text == '"')
            quoted = !quoted;
    return *text ? text + 1 : text;
}

static void csv_lines_have_the_fields_of_the_header(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        record_random(&fixture->result, seed);
        struct mlb_text text = print(fixture, "csv");
        size_t columns = count_fields(mlb_text_get(&text)), lines = 0;
        for (const char *line = next_line(text.data); *line; line = next_line(line), lines++)
            check_u64(count_fields(line), columns);
        check_u64(lines, fixture->result.row_count);
        mlb_text_free(&text);
        mlb_result_free(&fixture->result);
    }
}

static void csv_quotes(void **state)
{
    struct fixture *fixture = *state;
    struct mlb_row row = {.id = "i", .workload = "w", .label = "a, \"b\"\nc"};
    struct mlb_error err = {0};
    mlb_result_add(&fixture->result, &row, &err);
    struct mlb_text text = print(fixture, "csv");
    check_contains(mlb_text_get(&text), ",w,\"a, \"\"b\"\"\nc\",");
    check_contains(mlb_text_get(&text), "\n\"\","); /* an empty first field */
    mlb_text_free(&text);
}

static void markdown_escapes(void **state)
{
    struct fixture *fixture = *state;
    struct mlb_row row = {.id = "i", .workload = "w", .label = "a|b*c`d\n<e>"};
    struct mlb_error err = {0};
    row.status = MLB_ROW_FAILED;
    mlb_result_add(&fixture->result, &row, &err);
    struct mlb_text text = print(fixture, "markdown");
    check_contains(mlb_text_get(&text), "| a\\|b\\*c\\`d \\<e\\> |");
    mlb_text_free(&text);
}

/* --------------------------------------------------------------------------------------- table */

static void printers_are_found_by_name(void **state)
{
    (void)state;
    size_t i = 0;
    for (; mlb_printers[i].name; i++) {
        check_text(mlb_printer_names[i], mlb_printers[i].name);
        check_true(mlb_printer_find(mlb_printer_names[i]) == &mlb_printers[i]);
    }
    check_true(mlb_printer_names[i] == NULL);
    check_true(mlb_printer_find("xml") == NULL);
}

/* Any record prints, however odd. */
static void odd_records_print(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        record_random(&fixture->result, seed);
        for (size_t i = 0; mlb_printers[i].name; i++) {
            struct mlb_text text = print(fixture, mlb_printers[i].name);
            check_true(text.length > 0);
            mlb_text_free(&text);
        }
        mlb_result_free(&fixture->result);
    }
}

#define REPORT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPORT_TEST(golden),
        REPORT_TEST(text_is_at_most_110_columns_wide),
        REPORT_TEST(text_of_nodes_is_as_wide),
        REPORT_TEST(scopes_say_what_is_untrusted),
        REPORT_TEST(lines_of_collectives),
        REPORT_TEST(interval_shows_the_digits_that_count),
        REPORT_TEST(row_lines),
        REPORT_TEST(nothing_is_green_without_proof),
        REPORT_TEST(no_peak_no_percentage),
        REPORT_TEST(no_clock_no_bound),
        REPORT_TEST(notes_of_a_row),
        REPORT_TEST(overlap_is_told_in_a_sentence),
        REPORT_TEST(details_in_text_on_demand),
        REPORT_TEST(csv_lines_have_the_fields_of_the_header),
        REPORT_TEST(csv_quotes),
        REPORT_TEST(markdown_escapes),
        REPORT_TEST(printers_are_found_by_name),
        REPORT_TEST(odd_records_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
