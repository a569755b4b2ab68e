/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/text.h"
#include "harness/base/utf8.h"
#include "tests/check.h"

static void a_text_grows(void **state)
{
    (void)state;
    struct mlb_text text = {0};
    check_text(mlb_text_get(&text), "");
    for (int i = 0; i < 1000; i++)
        mlb_text_addf(&text, "%04d,", i);
    mlb_text_add(&text, "end");
    check_u64(text.length, 5003);
    check_true(memcmp(text.data, "0000,0001,", 10) == 0);
    check_text(text.data + 4991, "998,0999,end");
    check_true(!text.failed);
    mlb_text_free(&text);
    check_true(!text.data);
    mlb_text_free(NULL);
}

static void padding_counts_columns_of_the_last_line(void **state)
{
    (void)state;
    struct mlb_text text = {0};
    mlb_text_pad_to(&text, 2);
    mlb_text_add(&text, "long line before\n\xc2\xb5s");
    mlb_text_pad_to(&text, 4);
    mlb_text_add(&text, "|");
    mlb_text_pad_to(&text, 3); /* already behind it */
    mlb_text_add(&text, "|");
    check_text(mlb_text_get(&text), "  long line before\n\xc2\xb5s  ||");
    mlb_text_free(&text);
}

static void memory_that_is_missing_is_remembered(void **state)
{
    (void)state;
    struct mlb_text text = {0};
    mlb_text_add(&text, "kept");
    mlb_text_pad_to(&text, SIZE_MAX / 2);
    check_true(text.failed);
    mlb_text_add(&text, "dropped");
    check_text(mlb_text_get(&text), "kept");
    mlb_text_free(&text);
}

static void columns_are_those_of_a_terminal(void **state)
{
    (void)state;
    check_u64(mlb_text_columns(""), 0);
    check_u64(mlb_text_columns("abc"), 3);
    check_u64(mlb_text_columns("\xc2\xb5s"), 2);
    check_u64(mlb_text_columns("\xe2\x82\xac"), 1);
    check_u64(mlb_text_columns("\xf0\x9f\x98\x80"), 2); /* a face */
    check_u64(mlb_text_columns("a\xe6\x8f\x92\xe6\xa7\xbd"
                               "b"),
              6);                                /* two Chinese signs */
    check_u64(mlb_text_columns("e\xcc\x81"), 1); /* an accent of its own */
    check_u64(mlb_text_columns("\xff\x80"), 2);  /* no UTF-8 */
}

static void texts_of_others_are_made_harmless(void **state)
{
    char text[] = "a\tb\r\nc\x1b[31m \xc2\x9b \xe2\x80\xae \xff \xc3\xa9";
    (void)state;
    mlb_text_harmless(text);
    check_text(text, "a b  c?[31m ? ? ? \xc3\xa9");
}

static void a_format_says_when_it_was_cut(void **state)
{
    (void)state;
    char to[4];
    check_true(mlb_format(to, sizeof to, "%s", "abc"));
    check_true(!mlb_format(to, sizeof to, "%s", "abcd"));
    check_text(to, "abc");
}

static void globs_match(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *string;
        bool matches;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "gemm", true},
        {"gemm", "gemm", true},
        {"gemm", "gemm2", false},
        {"gemm*", "gemm", true},
        {"gemm*", "gemm.bf16", true},
        {"*gemm", "batched gemm", true},
        {"g?mm", "gemm", true},
        {"g?mm", "gmm", false},
        {"?", "", false},
        {"?", "\xc2\xb5", true},
        {"??", "\xc2\xb5", false},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYbZ", false},
        {"**a**", "bab", true},
        {"*ab", "aab", true},
        {"*.cu", "a.cu.cu", true},
        {"[a]", "a", false},
        {"[a]", "[a]", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (mlb_glob_match(rows[i].pattern, rows[i].string) != rows[i].matches)
            print_error("pattern '%s', string '%s'\n", rows[i].pattern, rows[i].string);
        check_true(mlb_glob_match(rows[i].pattern, rows[i].string) == rows[i].matches);
    }
}

/* 40 stars over 4000 characters: a matcher that tries every star again would not come back. */
static void a_glob_of_many_stars_ends(void **state)
{
    (void)state;
    char pattern[100], string[4001];
    for (int i = 0; i < 40; i++)
        memcpy(pattern + 2 * i, "a*", 2);
    memcpy(pattern + 80, "b", 2);
    memset(string, 'a', 4000);
    string[4000] = '\0';
    check_true(!mlb_glob_match(pattern, string));
}

static void edits_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},
        {"abc", "", 3},
        {"", "abc", 3},
        {"abc", "abc", 0},
        {"abc", "abd", 1},
        {"abc", "ab", 1},
        {"abc", "xabc", 1},
        {"ab", "ba", 1},
        {"iteratons", "iterations", 1},
        {"kitten", "sitting", 3},
        {"ca", "abc", 3}, /* 2 without the restriction that no part is edited twice */
        {"a cat", "an abct", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_u64(mlb_edit_distance(rows[i].a, rows[i].b), rows[i].distance);
        check_u64(mlb_edit_distance(rows[i].b, rows[i].a), rows[i].distance);
    }
}

static void a_word_of_any_length_has_a_distance(void **state)
{
    (void)state;
    char word[1001];
    memset(word, 'a', 1000);
    word[1000] = '\0';
    check_u64(mlb_edit_distance(word, "abc"), 1000);
    word[127] = '\0';
    check_u64(mlb_edit_distance(word, "aaa"), 124);
}

static void what_was_meant_is_found(void **state)
{
    (void)state;
    static const char *const names[] = {"iterations", "warmup", "gemm", "all_reduce", "seed", NULL};
    static const struct {
        const char *word, *meant; /* NULL = none */
    } rows[] = {
        {"iteratons", "iterations"},
        {"itreatoins", "iterations"},
        {"warm", "warmup"},
        {"wramup", "warmup"},
        {"GEMM", "gemm"},
        {"gem", "gemm"},
        {"gmem", "gemm"},
        {"all-reduce", "all_reduce"},
        {"AllReduce", "all_reduce"},
        {"allreduce", "all_reduce"},
        {"", NULL},
        {"bandwidth", NULL},
        {"gpu", NULL},
        {"s", "seed"},
        {"need", "seed"},
        {"feet", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *meant = mlb_nearest(rows[i].word, names);
        check_text(meant ? meant : "none", rows[i].meant ? rows[i].meant : "none");
    }
}

static void sequences_of_utf8_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        uint32_t code;
    } rows[] = {
        {"a", 1, 'a'},
        {"\x7f", 1, 0x7f},
        {"\x80", 0, 0},     /* a continuation alone */
        {"\xc0\x80", 0, 0}, /* overlong NUL */
        {"\xc1\xbf", 0, 0}, /* overlong U+007F */
        {"\xc2\x80", 2, 0x80},
        {"\xc2", 0, 0}, /* cut off */
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\x9f\xbf", 0, 0}, /* overlong U+07FF */
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xe2\x82", 0, 0},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xed\xa0\x80", 0, 0}, /* a surrogate */
        {"\xef\xbf\xbf", 3, 0xffff},
        {"\xf0\x8f\xbf\xbf", 0, 0}, /* overlong U+FFFF */
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\xf4\x90\x80\x80", 0, 0}, /* above the last */
        {"\xf5\x80\x80\x80", 0, 0},
        {"\xff", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char long_text[32] = "0123456789a";
        memcpy(long_text + 11, rows[i].text, strlen(rows[i].text));
        check_u64(mlb_utf8_length(rows[i].text), rows[i].length);
        if (rows[i].length)
            check_u64(mlb_utf8_code(rows[i].text), rows[i].code);
        const char *bad = mlb_utf8_invalid(long_text, strlen(long_text));
        check_true(bad == (rows[i].length ? NULL : long_text + 11));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_grows),
        cmocka_unit_test(padding_counts_columns_of_the_last_line),
        cmocka_unit_test(memory_that_is_missing_is_remembered),
        cmocka_unit_test(columns_are_those_of_a_terminal),
        cmocka_unit_test(texts_of_others_are_made_harmless),
        cmocka_unit_test(a_format_says_when_it_was_cut),
        cmocka_unit_test(globs_match),
        cmocka_unit_test(a_glob_of_many_stars_ends),
        cmocka_unit_test(edits_are_counted),
        cmocka_unit_test(a_word_of_any_length_has_a_distance),
        cmocka_unit_test(what_was_meant_is_found),
        cmocka_unit_test(sequences_of_utf8_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
