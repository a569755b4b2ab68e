/* SPDX-License-Identifier: Apache-2.0 */
/* What R, scipy, golang/perf and printed tables say of the same samples; the vectors stand in
 * ../shared/data/stats, and where they do not, these tests are skipped. */
#include <cjson/cJSON.h>

#include "tests/check.h"

#include "harness/analysis/multiple.h"
#include "harness/analysis/rank_test.h"
#include "harness/analysis/welch.h"
#include "harness/measure/stats.h"

#define DATA MLB_TEST_SOURCE_DIR "/../shared/data/stats/"

enum { VALUES = 1024, LINE = 8192, COLUMNS = 24 };

static FILE *open_or_skip(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    return file;
}

struct sample {
    size_t count;
    double values[VALUES];
};

static void read_sample(const char *text, struct sample *sample)
{
    sample->count = 0;
    while (*text && sample->count < VALUES) {
        char *end;
        sample->values[sample->count++] = strtod(text, &end);
        text = *end == ',' ? end + 1 : end;
    }
}

static size_t split(char *line, const char **columns)
{
    size_t count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at && count < COLUMNS; count++) {
        columns[count] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = '\0';
    }
    return count;
}

/* Columns of mwu_hl_vectors.tsv. */
enum {
    ID,
    SOURCE,
    X,
    Y,
    U,
    TIES,
    TWO,
    LESS,
    GREATER,
    TWO_NORMAL,
    TWO_PLAIN,
    R_HL,
    R_LOW,
    R_HIGH,
    MEDIAN_X,
    MEDIAN_Y,
    HL,
    LOW,
    HIGH,
    K,
    ALL
};

static void check_line_of_r(const char *const *columns)
{
    struct sample x, y;
    struct mlb_rank_null null;
    struct mlb_rank_test test;
    read_sample(columns[X], &x);
    read_sample(columns[Y], &y);
    mlb_sort(x.values, x.count);
    mlb_sort(y.values, y.count);
    check_true(mlb_rank_null_init(&null, x.count, y.count));
    check_true(mlb_rank_test(&null, x.values, y.values, &test) && test.exact);
    check_close(test.u, strtod(columns[U], NULL), 0);
    check_close(test.two_sided, strtod(columns[TWO], NULL), 1e-12);
    check_close(test.less, strtod(columns[LESS], NULL), 1e-12);
    check_close(test.greater, strtod(columns[GREATER], NULL), 1e-12);

    struct mlb_rank_null back;
    check_true(mlb_rank_null_init(&back, y.count, x.count));
    struct mlb_shift shift = mlb_rank_shift(&back, y.values, x.values, 0.95);
    mlb_rank_null_free(&back);
    check_close(shift.estimate, strtod(columns[HL], NULL), 1e-12);
    check_true(shift.known == (null.cdf[0] <= 0.025)); /* R gives an interval even then */
    if (shift.known) {
        check_close(shift.low, strtod(columns[LOW], NULL), 1e-12);
        check_close(shift.high, strtod(columns[HIGH], NULL), 1e-12);
    }
    free(null.cdf);
    null.cdf = NULL; /* the same by normal approximation */
    check_true(mlb_rank_test(&null, x.values, y.values, &test) && !test.exact);
    check_close(test.two_sided, strtod(columns[TWO_NORMAL], NULL), 1e-12);
}

static void test_of_r(void **state)
{
    (void)state;
    FILE *file = open_or_skip(DATA "r/mwu_hl_vectors.tsv");
    char line[LINE];
    size_t compared = 0;
    while (fgets(line, sizeof line, file)) {
        const char *columns[COLUMNS];
        if (split(line, columns) != ALL || strcmp(columns[ID], "id") == 0)
            continue;
        check_line_of_r(columns);
        compared++;
    }
    fclose(file);
    check_true(compared >= 16);
}

static void test_holm_of_r(void **state)
{
    (void)state;
    FILE *file = open_or_skip(DATA "r/p_adjust.tsv");
    char line[LINE];
    struct sample raw = {0}, expected;
    size_t compared = 0;
    while (fgets(line, sizeof line, file)) {
        const char *columns[COLUMNS];
        if (split(line, columns) != 3)
            continue;
        if (strcmp(columns[1], "raw") == 0)
            read_sample(columns[2], &raw);
        if (strcmp(columns[1], "holm") != 0)
            continue;
        double adjusted[VALUES];
        read_sample(columns[2], &expected);
        check_true(mlb_holm(raw.values, raw.count, adjusted));
        for (size_t i = 0; i < raw.count; i++)
            check_close(adjusted[i], expected.values[i], 1e-12);
        compared++;
    }
    fclose(file);
    check_u64(compared, 2);
}

static void test_student_of_r(void **state)
{
    (void)state;
    FILE *file = open_or_skip(DATA "r/distributions.tsv");
    char line[LINE];
    size_t compared = 0;
    while (fgets(line, sizeof line, file)) {
        const char *columns[COLUMNS];
        double t, df;
        if (split(line, columns) != 3 || strcmp(columns[0], "pt") != 0 ||
            sscanf(columns[1], "%lf,%lf", &t, &df) != 2 || t > 0.0)
            continue;
        check_close(mlb_student_two_sided(t, df), 2.0 * strtod(columns[2], NULL), 1e-12);
        compared++;
    }
    fclose(file);
    check_true(compared >= 10);
}

static void test_normal_quantiles_of_r(void **state)
{
    (void)state;
    FILE *file = open_or_skip(DATA "r/distributions.tsv");
    char line[LINE];
    size_t compared = 0;
    while (fgets(line, sizeof line, file)) {
        const char *columns[COLUMNS];
        if (split(line, columns) != 3 || strcmp(columns[0], "qnorm") != 0)
            continue;
        double p = strtod(columns[1], NULL);
        if (p >= 0.5)
            continue;
        check_close(mlb_normal_z(p), -strtod(columns[2], NULL), 1e-9);
        compared++;
    }
    fclose(file);
    check_true(compared >= 5);
}

static void test_welch_of_r(void **state)
{
    (void)state;
    FILE *file = open_or_skip(DATA "r/ttest.tsv");
    char line[LINE];
    size_t compared = 0;
    while (fgets(line, sizeof line, file)) {
        const char *columns[COLUMNS];
        struct sample x, y;
        if (split(line, columns) != 9 || strcmp(columns[0], "id") == 0)
            continue;
        read_sample(columns[1], &x);
        read_sample(columns[2], &y);
        double p = mlb_welch_p(x.values, x.count, y.values, y.count);
        check_close(p, strtod(columns[8], NULL), 1e-9);
        compared++;
    }
    fclose(file);
    check_true(compared >= 5);
}

static cJSON *json_or_skip(const char *path)
{
    FILE *file = open_or_skip(path);
    static char text[65536];
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    cJSON *json = cJSON_Parse(text);
    check_true(json != NULL);
    return json;
}

static const cJSON *member(const cJSON *json, const char *key)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(json, key);
    if (!found)
        print_error("no member '%s'\n", key);
    check_true(found != NULL);
    return found;
}

static void sample_of(const cJSON *array, struct sample *sample)
{
    const cJSON *item;
    sample->count = 0;
    cJSON_ArrayForEach(item, array) sample->values[sample->count++] = item->valuedouble;
    mlb_sort(sample->values, sample->count);
}

static struct mlb_rank_test test_of(const struct sample *x, const struct sample *y, bool exact)
{
    struct mlb_rank_null null = {.n = x->count, .m = y->count};
    struct mlb_rank_test test;
    check_true(!exact || mlb_rank_null_init(&null, x->count, y->count));
    check_true(mlb_rank_test(&null, x->values, y->values, &test));
    mlb_rank_null_free(&null);
    return test;
}

static void check_ties_of_scipy(const cJSON *json)
{
    const cJSON *ties = member(json, "mwu_tie_correct");
    struct sample x, y;
    sample_of(member(ties, "x"), &x);
    for (int i = 0; i < 7; i++) {
        sample_of(cJSON_GetArrayItem(member(ties, "y_list"), i), &y);
        struct mlb_rank_test test = test_of(&x, &y, false);
        check_close(test.u, cJSON_GetArrayItem(member(ties, "U_of_x"), i)->valuedouble, 0);
        const char *key = "p_two_sided_asymptotic_with_tie_and_continuity_correction";
        check_close(test.two_sided, cJSON_GetArrayItem(member(ties, key), i)->valuedouble, 1e-11);
    }
}

static void check_p(const struct mlb_rank_test *test, const cJSON *p)
{
    check_close(test->two_sided, member(p, "two")->valuedouble, 1e-11);
    check_close(test->less, member(p, "less")->valuedouble, 1e-11);
    check_close(test->greater, member(p, "greater")->valuedouble, 1e-11);
}

/* Mann & Whitney's own tables: P(U <= u), three digits. */
static void check_tables_of_1947(const cJSON *tables)
{
    const cJSON *n, *m, *value;
    cJSON_ArrayForEach(n, tables) cJSON_ArrayForEach(m, n)
    {
        struct mlb_rank_null null;
        size_t u = 0;
        check_true(mlb_rank_null_init(&null, strtoul(n->string + 2, NULL, 10),
                                      strtoul(m->string + 2, NULL, 10)));
        cJSON_ArrayForEach(value, m) check_true(fabs(null.cdf[u++] - value->valuedouble) < 6e-4);
        mlb_rank_null_free(&null);
    }
}

static void test_of_scipy(void **state)
{
    (void)state;
    cJSON *json = json_or_skip(DATA "scipy/vectors.json");
    check_ties_of_scipy(json);
    struct sample x, y;
    const cJSON *basic = member(json, "mwu_basic");
    sample_of(member(basic, "x"), &x);
    sample_of(member(basic, "y"), &y);
    struct mlb_rank_test test = test_of(&x, &y, true);
    check_p(&test, member(basic, "exact"));
    test = test_of(&x, &y, false);
    check_p(&test, member(basic, "asymptotic"));
    check_tables_of_1947(member(json, "mann_whitney_1947_cdf_tables"));
    cJSON_Delete(json);
}

/* The same sum of ranks and more launches than are counted: i x 2, and i x 2 - 41. */
static void check_large_of_go(const cJSON *large)
{
    static const char *const names[] = {"l1_l2", "l1_l1", "l1_l3"};
    struct sample x = {.count = 500}, y[3];
    for (size_t i = 0; i < 500; i++)
        x.values[i] = (double)(2 * i);
    y[0].count = y[2].count = 600;
    for (size_t i = 0; i < 600; i++)
        y[0].values[i] = y[2].values[i] = (double)(2 * i) - 41.0;
    memcpy(y[2].values, x.values, 30 * sizeof *x.values);
    mlb_sort(y[2].values, 600);
    y[1] = x;
    for (size_t i = 0; i < 3; i++) {
        struct mlb_rank_test test = test_of(&x, &y[i], true);
        const cJSON *p = member(member(large, "less_two_greater"), names[i]);
        check_true(!test.exact);
        check_close(test.u, member(member(large, "U_of_l1"), names[i])->valuedouble, 0);
        check_close(test.less, cJSON_GetArrayItem(p, 0)->valuedouble, 1e-11);
        check_close(test.two_sided, cJSON_GetArrayItem(p, 1)->valuedouble, 1e-11);
        check_close(test.greater, cJSON_GetArrayItem(p, 2)->valuedouble, 1e-11);
    }
}

/* Ties make the null lopsided: twice the nearer tail is no p. */
static void check_the_wrong_one_of_go(const cJSON *wrong)
{
    struct sample x, y;
    sample_of(member(wrong, "x"), &x);
    sample_of(member(wrong, "y"), &y);
    struct mlb_rank_test test = test_of(&x, &y, true);
    check_close(test.two_sided, member(wrong, "correct_two_sided")->valuedouble, 1e-12);
}

static void test_of_go(void **state)
{
    (void)state;
    cJSON *json = json_or_skip(DATA "go/vectors.json");
    check_large_of_go(member(json, "mwu_large"));
    check_the_wrong_one_of_go(member(json, "known_wrong_in_source"));
    const cJSON *p;
    cJSON_ArrayForEach(p, member(json, "min_two_sided_p_equal_n"))
    {
        size_t n = strtoul(p->string, NULL, 10);
        check_close(mlb_rank_smallest_p(n, n), p->valuedouble, 1e-12);
    }
    cJSON_Delete(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_r),       cmocka_unit_test(test_holm_of_r),
        cmocka_unit_test(test_welch_of_r), cmocka_unit_test(test_student_of_r),
        cmocka_unit_test(test_of_scipy),   cmocka_unit_test(test_normal_quantiles_of_r),
        cmocka_unit_test(test_of_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
