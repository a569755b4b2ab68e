/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/app/options.h"
#include "harness/measure/plan.h"

static enum mlb_status parse(struct mlb_options *options, const char *line, unsigned bit,
                             struct mlb_error *err)
{
    static char copy[2][1024], *argvs[2][32]; /* a test keeps two at most */
    static int turn;
    char **argv = argvs[turn ^= 1], *rest = NULL;
    int argc = 1;
    argv[0] = "mlbench";
    snprintf(copy[turn], sizeof copy[turn], "%s", line);
    for (char *word = strtok_r(copy[turn], " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    memset(options, 0, sizeof *options);
    memset(err, 0, sizeof *err);
    check_ok(mlb_option_defaults(mlb_options, options, err), err);
    return mlb_options_parse(options, argc, argv, 1, bit, "run", err);
}

static void test_values(void **state)
{
    (void)state;
    struct mlb_options o;
    struct mlb_error err;
    check_ok(parse(&o, "-s full --solo -p 12.5 --timeout=1min gemm -d cpu dtype=f32 -t 2%",
                   MLB_CMD_RUN, &err),
             &err);
    check_text(o.suite, "full");
    check_true(o.suite_given && o.solo);
    check_close(o.price_per_hour, 12.5, 0);
    check_close(o.timeout_s, 60, 0);
    check_text(o.device, "cpu");
    check_u64(o.word_count, 2);
    check_text(o.words[1], "dtype=f32");
    check_u64(o.setting_count, 1);
    check_text(o.settings[0].row->name, "target");
}

static void test_defaults(void **state)
{
    (void)state;
    struct mlb_options o;
    struct mlb_error err;
    check_ok(parse(&o, "", MLB_CMD_RUN, &err), &err);
    check_text(o.suite, "quick");
    check_text(o.output, "results");
    check_true(!o.suite_given && !o.solo);
}

static void test_compare(void **state)
{
    (void)state;
    struct mlb_options o;
    struct mlb_error err;
    check_ok(parse(&o, "a b", MLB_CMD_COMPARE, &err), &err);
    check_true(o.margin == 0.0 && o.alpha == 0.05 && !o.gate && !o.all && o.sort == 0);
    check_ok(parse(&o, "--margin 50% --alpha=0.0001 --gate --all --sort name a -- b --all",
                   MLB_CMD_COMPARE, &err),
             &err);
    check_true(o.margin == 0.5 && o.alpha == 0.0001 && o.gate && o.all && o.sort == 2);
    check_u64(o.side, 1);
    check_u64(o.word_count, 3); /* an option behind "--" is a word */
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *line, *text;
        unsigned bit;
    } cases[] = {
        {"--margin 60%", "margin = 60%: out of range", MLB_CMD_COMPARE},
        {"--alpha 0", "alpha = 0: out of range", MLB_CMD_COMPARE},
        {"--sort size", "record, change, name", MLB_CMD_COMPARE},
        {"--gate", "takes no option '--gate'", MLB_CMD_RUN},
        {"--sute quick", "unknown option '--sute'; did you mean '--suite'?", MLB_CMD_RUN},
        {"--iters 5", "unknown option '--iters'", MLB_CMD_RUN},
        {"--sui quick", "unknown option '--sui'; did you mean '--suite'?", MLB_CMD_RUN},
        {"-x", "unknown option '-x'", MLB_CMD_RUN},
        {"--suite", "option '--suite' needs a value", MLB_CMD_RUN},
        {"--solo=yes", "option '--solo' takes no value", MLB_CMD_RUN},
        {"--target 150%", "target = 150%", MLB_CMD_RUN},
        {"--max-time soon", "max-time = soon", MLB_CMD_RUN},
        {"--format yaml", "format = yaml", MLB_CMD_RUN},
        {"--price-per-hour -3", "price-per-hour = -3", MLB_CMD_RUN},
        {"--solo", "takes no option '--solo'", MLB_CMD_INFO},
        {"--target 1%", "unknown option '--target'", MLB_CMD_LIST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mlb_options o;
        struct mlb_error err;
        enum mlb_status status = parse(&o, cases[i].line, cases[i].bit, &err);
        check_fails(status, MLB_E_USAGE, &err, cases[i].text);
    }
}

/* What a journal keeps parses to the same plan. */
static void test_round_trip(void **state)
{
    (void)state;
    struct mlb_options a, b;
    struct mlb_error err;
    struct mlb_text text = {0};
    check_ok(parse(&a, "-o *bf16* --data zeros --seed 7 --solo --max-time 3s -t 0.5% gemm m=4",
                   MLB_CMD_RUN, &err),
             &err);
    mlb_options_print_plan(&a, &text);
    check_ok(parse(&b, mlb_text_get(&text), MLB_CMD_RUN, &err), &err);
    check_text(b.only, a.only);
    check_u64(b.seed, 7);
    check_i64(b.data, a.data);
    check_true(b.solo);
    check_u64(b.setting_count, 2);
    check_text(b.settings[1].text, "0.5%");
    check_text(b.words[1], "m=4");
    mlb_text_free(&text);
    snprintf(a.only, sizeof a.only, "bf16 8192");
    mlb_options_print_plan(&a, &text);
    check_contains(mlb_text_get(&text), "--only=bf16?8192 ");
    mlb_text_free(&text);
}

/* Every row is found by its name and no two rows share a name or a letter. */
static void test_table(void **state)
{
    (void)state;
    const struct mlb_option *tables[] = {mlb_options, mlb_measure_options};
    for (size_t t = 0; t < 2; t++)
        for (const struct mlb_option *row = tables[t]; row->name; row++)
            for (size_t u = 0; u < 2; u++)
                for (const struct mlb_option *other = tables[u]; other->name; other++) {
                    check_true(other == row || strcmp(other->name, row->name) != 0);
                    check_true(other == row || !row->letter || other->letter != row->letter);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),     cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_compare),    cmocka_unit_test(test_errors),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
