/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>
#include <unistd.h>

#include "harness/app/selection.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "tests/check.h"
#include "tests/measure/records.h"

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))

/* The records that all tests select from; a test asks for them by the last digit of their run. */
static const struct {
    const char *file, *provider, *instance, *region, *device, *started;
    int nodes;
    bool complete, sick;
} runs[] = {
    {"b.json", "aws", "p5.48xlarge", "us-east-1", "NVIDIA H100 80GB HBM3", "2026-10-01T08:00:00Z",
     1, true, false},
    {"a.json", "aws", "p5en.48xlarge", "us-east-2", "NVIDIA H200", "2026-11-01T00:00:00Z", 2, true,
     false},
    {"c.json", "gcp", "a3-ultragpu-8g", "", "NVIDIA H200", "2026-11-24T12:30:00Z", 2, false, false},
    {"d.json", "", "", "", "NVIDIA A100-SXM4-80GB", "2026-11-25T12:30:00Z", 1, true, true},
};

static char folder[64];

struct path {
    char text[128];
};

static struct path in_folder(const char *name)
{
    struct path path;
    mlb_format(path.text, sizeof path.text, "%s/%s", folder, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    struct mlb_error err = {0};
    check_ok(mlb_file_write_atomic(in_folder(name).text, text, strlen(text), &err), &err);
}

static void write_run(size_t i, const char *file)
{
    struct mlb_result result = {0};
    struct mlb_error err = {0};
    record_gpu(&result);
    mlb_format(result.run_id, sizeof result.run_id, "%032zu", i);
    mlb_format(result.started_utc, sizeof result.started_utc, "%s", runs[i].started);
    mlb_format(result.device.name, sizeof result.device.name, "%s", runs[i].device);
    result.provider = (struct mlb_provider){.method = MLB_PROVIDER_METADATA};
    mlb_format(result.provider.name, sizeof result.provider.name, "%s", runs[i].provider);
    mlb_format(result.provider.instance, sizeof result.provider.instance, "%s", runs[i].instance);
    mlb_format(result.provider.region, sizeof result.provider.region, "%s", runs[i].region);
    result.nodes = runs[i].nodes;
    result.complete = runs[i].complete;
    if (runs[i].sick)
        mlb_result_note(&result, MLB_HEALTH_SICK, "throttled", "hot");
    check_ok(mlb_result_save(&result, in_folder(file).text, &err), &err);
    mlb_result_free(&result);
}

static const char *const others[] = {"prices.json", ".hidden.json", "notes.txt", "half.journal"};

static int make_folder(void **state)
{
    (void)state;
    mlb_format(folder, sizeof folder, "/tmp/mlb_selection_XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < COUNT_OF(runs); i++)
        write_run(i, runs[i].file);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        write_text(others[i], i == 0 ? "{\"schema\": 1}" : "rubbish");
    if (mkfifo(in_folder("pipe.json").text, 0600) != 0) /* nobody writes to it */
        return -1;
    return mkdir(in_folder("deeper.json").text, 0700);
}

static int remove_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(runs); i++)
        unlink(in_folder(runs[i].file).text);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        unlink(in_folder(others[i]).text);
    unlink(in_folder("pipe.json").text);
    rmdir(in_folder("deeper.json").text);
    return rmdir(folder);
}

/* Words divided by blanks; "@/" is the folder. */
struct words {
    char text[600];
    const char *words[12];
    size_t count;
};

static void split(struct words *words, const char *line)
{
    size_t length = 0;
    words->count = 0;
    words->text[0] = '\0';
    for (; *line; line++) {
        const char *add = *line == '@' ? folder : NULL;
        mlb_format(words->text + length, sizeof words->text - length, "%s%.1s", add ? add : "",
                   add ? "" : line);
        length += strlen(words->text + length);
    }
    for (char *word = strtok(words->text, " "); word; word = strtok(NULL, " "))
        words->words[words->count++] = word;
}

static enum mlb_status select_by(struct mlb_selection *selection, const char *line,
                                 const struct mlb_log *log, struct mlb_error *err)
{
    struct words words;
    split(&words, line);
    return mlb_selection_read(selection, words.words, words.count, folder, log, err);
}

static const struct {
    const char *line, *runs; /* last digits, in the order read */
    size_t passed_over, unselected;
} selections[] = {
    {"", "1023", 1, 0},
    {"@", "1023", 1, 0},
    {"@/", "1023", 1, 0},
    {"@/c.json @/b.json", "20", 0, 0},
    {"provider=aws", "10", 1, 2},
    {"provider=AWS region=us-east-?", "10", 1, 2},
    {"provider=", "3", 1, 3},
    {"provider=gcp provider=a*s", "102", 1, 1},
    {"provider=gcp nodes=2 provider=aws nodes=7", "12", 1, 2},
    {"instance=p5.*", "0", 1, 3},
    {"instance=p5*", "10", 1, 2},
    {"gpu=h200", "12", 1, 2},
    {"gpu=H?00*", "102", 1, 1},
    {"gpu=H200 nodes=2 provider=gcp", "2", 1, 3},
    {"nodes=1", "03", 1, 2},
    {"since=2026-11-01", "123", 1, 1},
    {"since=2026-11-24T12:30:00Z", "23", 1, 2},
    {"since=2026-11", "123", 1, 1},
    {"@/a.json @/b.json region=us-east-1", "0", 0, 1},
};

static void records_are_selected(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(selections); i++) {
        struct mlb_selection selection;
        struct mlb_error err = {0};
        char seen[8] = "";
        check_ok(select_by(&selection, selections[i].line, NULL, &err), &err);
        for (size_t j = 0; j < selection.digests.count; j++)
            seen[j] = selection.digests.items[j].run_id[31];
        check_text(seen, selections[i].runs);
        check_u64(selection.passed_over, selections[i].passed_over);
        check_u64(selection.unselected, selections[i].unselected);
        check_true(selection.digests.items[0].row_count > 0);
        mlb_selection_free(&selection);
        check_u64(selection.digests.count, 0);
    }
}

static const struct {
    const char *line;
    enum mlb_status status;
    const char *says;
} refusals[] = {
    {"provder=aws", MLB_E_USAGE,
     "provder=aws: nothing is selected by 'provder'; did you mean 'provider'? (known: provider, "
     "instance, region, purchase, gpu, suite, nodes, since)"},
    {"x=1", MLB_E_USAGE, "x=1: nothing is selected by 'x' (known: provider"},
    {"since=monday", MLB_E_USAGE, "since=monday: 'monday' is no day; a day is written 2026-11-01"},
    {"aws", MLB_E_IO,
     "aws: cannot read: No such file or directory; records of a provider are selected by "
     "provider=aws"},
    {"@/e.json", MLB_E_IO, "/e.json: cannot read: No such file or directory"},
    {"@/notes.txt", MLB_E_CONFIG, "/notes.txt:1: expected a value"},
    {"@/prices.json", MLB_E_CONFIG, "/prices.json: is JSON, but not a record of mlbench"},
    {"@/deeper.json", MLB_E_CONFIG, "/deeper.json; mlbench run makes one"},
    {"provider=oci", MLB_E_CONFIG,
     "none of 4 records fits what was selected (providers: aws, gcp; instances: a3-ultragpu-8g, "
     "p5.48xlarge, p5en.48xlarge)"},
    {"@/d.json instance=p5*", MLB_E_CONFIG, "(providers: none known; instances: none known)"},
    {"@/a.json @/a.json", MLB_E_CONFIG, "/a.json: chosen twice; a run counts once"},
    {"@/a.json @//a.json", MLB_E_CONFIG, "/a.json: the same run as /tmp/"},
    {"provider=aws nodes=2 region=us-east-1", MLB_E_CONFIG, "none of 4 records fits"},
    {"nodes=1 nodes=1 nodes=1 nodes=1 nodes=1 nodes=1 nodes=1 nodes=1 nodes=1 nodes=1 nodes=1",
     MLB_OK, NULL},
};

static void what_cannot_be_selected(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct mlb_selection selection;
        struct mlb_error err = {0};
        enum mlb_status status = select_by(&selection, refusals[i].line, NULL, &err);
        if (refusals[i].says) {
            check_fails(status, refusals[i].status, &err, refusals[i].says);
            check_true(!strchr(err.text, '\n'));
        } else {
            check_ok(status, &err);
        }
        mlb_selection_free(&selection);
    }
}

/* Tools that rewrite JSON may put its keys into another order. */
static void the_order_of_keys_does_not_matter(void **state)
{
    (void)state;
    static const struct {
        const char *behind_rows, *selector;
    } moves[] = {{"provider", "provider=aws"},     {"provider", "region=us-east-1"},
                 {"device", "gpu=h100"},           {"suite", "suite=*?"},
                 {"started_utc", "since=2026-10"}, {"nodes", "nodes=1"}};
    for (size_t i = 0; i < COUNT_OF(moves); i++) {
        struct mlb_selection selection;
        struct mlb_error err = {0};
        char *text = NULL, line[64];
        size_t length;
        write_run(0, "order");
        check_ok(mlb_file_read(in_folder("order").text, 1 << 20, &text, &length, &err), &err);
        cJSON *json = cJSON_Parse(text);
        cJSON *moved = cJSON_DetachItemFromObject(json, moves[i].behind_rows);
        check_true(moved && cJSON_AddItemToObject(json, moves[i].behind_rows, moved));
        free(text);
        text = cJSON_Print(json);
        write_text("order", text);
        cJSON_free(text);
        cJSON_Delete(json);
        mlb_format(line, sizeof line, "@/order %s", moves[i].selector);
        check_ok(select_by(&selection, line, NULL, &err), &err);
        check_u64(selection.digests.count, 1);
        mlb_selection_free(&selection);
    }
    unlink(in_folder("order").text);
}

static void a_file_may_have_the_form_of_a_selector(void **state)
{
    (void)state;
    struct mlb_selection selection;
    struct mlb_error err = {0};
    char before[512];
    check_true(getcwd(before, sizeof before) && chdir(folder) == 0);
    write_run(0, "provider=x");
    enum mlb_status status = select_by(&selection, "provider=x", NULL, &err);
    unlink("provider=x");
    check_true(chdir(before) == 0);
    check_ok(status, &err);
    check_u64(selection.digests.count, 1);
    mlb_selection_free(&selection);
}

static void a_damaged_record_of_a_folder_is_an_error(void **state)
{
    (void)state;
    struct mlb_selection selection;
    struct mlb_error err = {0};
    write_text("z.json", "{\"schema\": 1, \"program\": \"mlbench\", \"ranks\": ");
    check_fails(select_by(&selection, "", NULL, &err), MLB_E_CONFIG, &err, "/z.json:1: cut off");
    write_text("z.json", "{\"schema\": 2, \"program\": \"mlbench\", \"version\": \"7.1\"}");
    check_fails(select_by(&selection, "", NULL, &err), MLB_E_CONFIG, &err,
                "/z.json:1: written by a newer mlbench (schema 2; this one reads up to 1): install "
                "version 7.1 or newer");
    unlink(in_folder("z.json").text);
}

static void where_records_are_is_not_there(void **state)
{
    (void)state;
    static const char *const words[] = {"provider=aws"};
    struct mlb_selection selection;
    struct mlb_error err = {0};
    check_fails(mlb_selection_read(&selection, words, 1, "nowhere", NULL, &err), MLB_E_IO, &err,
                "nowhere: cannot read: No such file or directory; --records names where they are");
}

static void one_run_on_both_sides(void **state)
{
    (void)state;
    struct mlb_selection a, b, c;
    struct mlb_error err = {0};
    check_ok(select_by(&a, "provider=aws", NULL, &err), &err);
    check_ok(select_by(&b, "provider=gcp", NULL, &err), &err);
    check_ok(select_by(&c, "nodes=2", NULL, &err), &err);
    check_ok(mlb_selection_disjoint(&a, &b, &err), &err);
    check_fails(mlb_selection_disjoint(&a, &c, &err), MLB_E_CONFIG, &err,
                "/a.json: chosen twice; a run counts once");
    mlb_selection_free(&a);
    mlb_selection_free(&b);
    mlb_selection_free(&c);
}

static void what_is_noted_is_told(void **state)
{
    (void)state;
    int ends[2];
    char said[1024];
    struct mlb_selection selection;
    struct mlb_error err = {0};
    check_true(pipe(ends) == 0);
    struct mlb_log log = {.level = MLB_LOG_INFO, .stream_fd = ends[1], .rank = -1};
    check_ok(select_by(&selection, "since=2026-11-01", &log, &err), &err);
    close(ends[1]);
    ssize_t length = read(ends[0], said, sizeof said - 1);
    close(ends[0]);
    check_true(length > 0);
    said[length] = '\0';
    check_u64(selection.incomplete, 1);
    check_u64(selection.sick, 1);
    check_text(said, "mlbench: JSON files passed over, since they are no records: 1\n"
                     "mlbench: records selected: 3, left out: 1\n"
                     "mlbench: records of runs that ended early: 1 of 3\n"
                     "mlbench: records of machines that their own run found sick: 1 of 3\n");
    mlb_selection_free(&selection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_selected),
        cmocka_unit_test(what_cannot_be_selected),
        cmocka_unit_test(the_order_of_keys_does_not_matter),
        cmocka_unit_test(a_file_may_have_the_form_of_a_selector),
        cmocka_unit_test(a_damaged_record_of_a_folder_is_an_error),
        cmocka_unit_test(where_records_are_is_not_there),
        cmocka_unit_test(one_run_on_both_sides),
        cmocka_unit_test(what_is_noted_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
