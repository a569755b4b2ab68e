/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "harness/base/json_pull.h"
#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "tests/base/pull_walk.h"
#include "tests/check.h"

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))
#define S63             "100000000000000000000000000000000000000000000000000000000000000"

/* How many bytes a read(2) gives at most; 0 = as many as are asked for, -1 = it fails. */
static struct {
    int at_most;
} reading;

ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);

ssize_t __wrap_read(int fd, void *to, size_t size)
{
    if (reading.at_most < 0) {
        errno = EIO;
        return -1;
    }
    if (reading.at_most > 0 && size > (size_t)reading.at_most)
        size = (size_t)reading.at_most;
    return __real_read(fd, to, size);
}

static const char *const good_texts[] = {
    "{}",
    "[]",
    " [ ] ",
    "\"\"",
    "null",
    "[true,false,null]",
    "\xef\xbb\xbf{\"a\":1}",
    "[1, -2.5e-3, \"text\", true, false, null, [], {}]",
    "{ // a suite\n \"name\": \"quick\", /* block\n comment **/ \"cases\": [\n"
    "{\"workload\": \"gemm\", \"m\": 8192, \"dtype\": [\"bf16\", \"f16\"]} // \xc2\xb5\n]\n}\n//",
    "{\"a\":{\"b\":{\"c\":[[[[[{\"d\":\"\\u00e9\\ud83d\\ude00\\n\\\\\\\"\\/\\b\\f\\r\\t\"}]]]]]}}}",
    "[\"\xc2\xb5s\", \"\xe2\x82\xac\", \"\xf0\x9f\x98\x80\", \"0123456789abcde\xc3\xa9\"]\r\n",
    "{\"\":0,\"a\\u0041\":[0,-0,0.0,-0.0,0e0,0E+5,1e-5,1E5]}",
    "[9007199254740991,9007199254740992,9007199254740993,-9007199254740993,1e22,1e23,1e-22,1e-23]",
    "[0.1,0.2,0.3,123456789012345678,1234567890123456789,12345678901234567890,4.35,1.7976e308]",
    "[" S63 ",5e-324,2.2250738585072011e-308,2.2250738585072014e-308,1e-400,0e999999999999]",
    "[9007199254740993.0,9007199254740992.5,9007199254740991.5,4503599627370497.50,-8."
    "5070591730e15]",
    "[1391027.2276639936,0.12345678901234567,9.2233720368547758,999999999999999.9999,1e-19]",
    "[1234567890123456789e-19,9999999999999999e-3,18014398509481985.0,18014398509481987e-1]",
    "[{\"u\":\"18446744073709551615\"},\t{\"u\":12}]",
};

/* What is wrong, and in which line. */
static const struct {
    const char *text, *error;
} wrong_texts[] = {
    {"", "t:1: nothing in it"},
    {" \n\t\n", "t:2: nothing in it"},
    {"// only a comment\n", "t:1: nothing in it"},
    {"{", "t:1: cut off: the file ends inside a list or an object"},
    {"{\n\n\"a\": [1,\n2\n", "t:4: cut off: the file ends inside a list or an object"},
    {"{\"a\"", "t:1: cut off"},
    {"{\"a\":", "t:1: cut off"},
    {"{\"a\":1,", "t:1: cut off"},
    {"[\n\"abc", "t:2: cut off: the file ends inside a text"},
    {"[\"abc\\", "t:1: cut off: the file ends inside a text"},
    {"[\"\\u12", "t:1: '\\u' is followed by four hexadecimal digits"},
    {"[1,\n/* never\n\n", "t:3: cut off: the file ends inside a comment"},
    {"[1] /*/", "t:1: cut off: the file ends inside a comment"},
    {"{\"a\": 1\n\"b\": 2}", "t:2: expected ',' or '}', found \"b\""},
    {"[1 2]", "t:1: expected ',' or ']', found '2'"},
    {"[1}", "t:1: expected ',' or ']', found '}'"},
    {"{\"a\" 1}", "t:1: expected ':' after a key, found '1'"},
    {"[1,\n]", "t:2: a comma before ']': none is allowed after the last value"},
    {"{\"a\":1,}", "t:1: a comma before '}'"},
    {"[,1]", "t:1: expected a value (\"text\", number, true"},
    {"[1,,2]", "t:1: expected a value"},
    {"{,}", "t:1: expected a key in double quotes, found ','"},
    {"{a: 1}", "t:1: expected a key in double quotes, found 'a'"},
    {"1\n2", "t:2: unexpected '2' after the end of the value"},
    {"{}\n}", "t:2: unexpected '}' after the end of the value"},
    {"# comment\n{}", "t:1: expected a value"},
    {"/", "t:1: expected a value"},
    {"[\xc2\xa0 1]", "object), found the character U+00A0"},
    {"[\"\xff\"]", "t:1: byte 0xff is not UTF-8"},
    {"[\"\xed\xa0\x80\"]", "t:1: byte 0xed is not UTF-8"},
    {"[1]\xff", "t:1: byte 0xff is not UTF-8"},
    {"\xff\xfe[", "t:1: the file is UTF-16"},
    {"[\"a\tb\"]", "t:1: control character in a text; write \\u0009"},
    {"[\"a\nb\"]", "t:1: a text is not closed on its line"},
    {"[\"\\x\"]", "t:1: a backslash before 'x' is no escape"},
    {"[\"\\u0000\"]", "text with a NUL is not taken"},
    {"[\"\\ud83d\"]", "'\\ud83d' is half of a character"},
    {"[\"\\ude00\"]", "'\\ude00' is half of a character"},
    {"[\"\\ud83d\\u0041\"]", "'\\ud83d' is half of a character"},
    {"[01]", "'01' is not a number of JSON"},
    {"[1.]", "'1.' is not a number of JSON"},
    {"[.5]", "'.5' is not a number of JSON"},
    {"[+1]", "'+1' is not a number of JSON"},
    {"[-]", "'-' is not a number of JSON"},
    {"[1e]", "'1e' is not a number of JSON"},
    {"[12kB]", "'12kB' is not a number of JSON"},
    {"[1e400]", "the number '1e400' is too large"},
    {"[" S63 "0]", "has more than 63 characters"},
    {"[tru]", "found 'tru'"},
    {"[nulls]", "found 'nulls'"},
    {"[fals\xc3\xa9]", "found 'fals'"},
};

static struct mlb_pull *open_text(const char *text, size_t length)
{
    struct mlb_error err = {0};
    struct mlb_pull *pull = mlb_pull_memory("t", text, length, &err);
    if (!pull)
        print_error("%s\n", err.text);
    check_true(pull != NULL);
    return pull;
}

/* As the tree has it, and passed over: both come to the same end. */
static void check_same(const char *text, size_t length)
{
    struct mlb_error err = {0};
    struct mlb_json json;
    check_ok(mlb_json_parse(&json, "t", text, length, &err), &err);
    struct mlb_pull *pull = open_text(text, length);
    check_true(pull_walk(pull, json.root));
    check_ok(mlb_pull_end(pull, &err), &err);
    mlb_pull_close(pull);
    pull = open_text(text, length);
    mlb_pull_skip(pull);
    check_ok(mlb_pull_end(pull, &err), &err);
    mlb_pull_close(pull);
    mlb_json_close(&json);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good_texts); i++)
        check_same(good_texts[i], strlen(good_texts[i]));
}

/* By reading all, and by passing over all. */
static void check_wrong(const char *text, size_t length, const char *error)
{
    for (int skipped = 0; skipped < 2; skipped++) {
        struct mlb_error err = {0};
        struct mlb_pull *pull = mlb_pull_memory("t", text, length, &err);
        if (pull && skipped)
            mlb_pull_skip(pull);
        else if (pull)
            pull_walk(pull, NULL);
        if (pull)
            mlb_pull_end(pull, &err);
        check_fails(err.status, MLB_E_CONFIG, &err, error);
        mlb_pull_close(pull);
    }
}

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong_texts); i++)
        check_wrong(wrong_texts[i].text, strlen(wrong_texts[i].text), wrong_texts[i].error);
    check_wrong("[1,\0 2]", 7, "t:1: a NUL byte");
    check_wrong("[\"a\0b\"]", 7, "t:1: a NUL byte");
    check_wrong("[1]\0", 4, "t:1: a NUL byte");
}

static void test_depth(void **state)
{
    (void)state;
    char text[200];
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    check_same(text, 128);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    check_wrong(text, 130, "t:1: lists and objects nested deeper than 64");
}

/* Every beginning of a document is told to be cut off, or is a number that could be whole. */
static void test_cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good_texts); i++) {
        const char *text = good_texts[i];
        bool closes = strchr("]}", text[strlen(text) - 1]);
        for (size_t length = 0; closes && length + 1 < strlen(text); length++) {
            struct mlb_error err = {0};
            struct mlb_pull *pull = mlb_pull_memory("t", text, length, &err);
            if (pull)
                mlb_pull_skip(pull);
            check_true(!pull || mlb_pull_end(pull, &err) == MLB_E_CONFIG);
            mlb_pull_close(pull);
        }
    }
}

/* The window's end falls on every byte of each document: blanks before it move it along. */
static void test_every_boundary(void **state)
{
    (void)state;
    enum { WINDOW = 256 << 10, LONGEST = 200 };
    char *text = malloc(WINDOW + LONGEST);
    check_true(text != NULL);
    for (size_t i = 0; i < COUNT_OF(good_texts); i++) {
        size_t length = strlen(good_texts[i]);
        check_true(length < LONGEST);
        if (strncmp(good_texts[i], "\xef\xbb\xbf", 3) == 0)
            continue;
        struct mlb_json json;
        struct mlb_error err = {0};
        check_ok(mlb_json_parse(&json, "t", good_texts[i], length, &err), &err);
        for (size_t before = 0; before <= length; before++) {
            memset(text, '\n', WINDOW);
            memcpy(text + WINDOW - before, good_texts[i], length);
            struct mlb_pull *pull = open_text(text, WINDOW - before + length);
            check_true(pull_walk(pull, json.root));
            check_ok(mlb_pull_end(pull, &err), &err);
            mlb_pull_close(pull);
        }
        mlb_json_close(&json);
    }
    free(text);
}

static void write_file(char path[static 64], const char *text, size_t length)
{
    mlb_format(path, 64, "/tmp/mlbench-json-pull-%ld.json", (long)getpid());
    struct mlb_error err = {0};
    check_ok(mlb_file_write_atomic(path, text, length, &err), &err);
}

/* A pipe gives what it has: any number of bytes. */
static void test_short_reads(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_pull *pull = NULL;
    for (size_t i = 0; i < COUNT_OF(good_texts); i++) {
        struct mlb_json json;
        char path[64];
        write_file(path, good_texts[i], strlen(good_texts[i]));
        check_ok(mlb_json_open(&json, path, 1 << 20, &err), &err);
        for (reading.at_most = 1; reading.at_most < 8; reading.at_most++) {
            if (!pull)
                pull = mlb_pull_open(path, &err);
            else
                check_ok(mlb_pull_reopen(pull, path, &err), &err);
            check_true(pull && pull_walk(pull, json.root));
            check_ok(mlb_pull_end(pull, &err), &err);
        }
        reading.at_most = 0;
        mlb_json_close(&json);
        unlink(path);
    }
    mlb_pull_close(pull);
}

static void test_files(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    check_true(!mlb_pull_open("/nonexistent/x.json", &err));
    check_fails(err.status, MLB_E_IO, &err, "/nonexistent/x.json: cannot read: No such file");
    check_true(!mlb_pull_open("/tmp", &err));
    check_fails(err.status, MLB_E_IO, &err, "/tmp: cannot read: Is a directory");
    /* fails behind the first window */
    size_t length = 300 << 10;
    char *text = malloc(length);
    check_true(text != NULL);
    memset(text, ' ', length);
    text[0] = '[';
    text[length - 1] = ']';
    char path[64];
    write_file(path, text, length);
    struct mlb_pull *pull = mlb_pull_open(path, &err);
    check_true(pull != NULL);
    reading.at_most = -1;
    mlb_pull_skip(pull);
    reading.at_most = 0;
    check_fails(mlb_pull_end(pull, &err), MLB_E_IO, &err, "cannot read: Input/output error");
    check_ok(mlb_pull_reopen(pull, path, &err), &err);
    mlb_pull_skip(pull);
    check_ok(mlb_pull_end(pull, &err), &err);
    mlb_pull_close(pull);
    unlink(path);
    free(text);
}

/* Some digits with a point among them, and an exponent behind some: what strtod says, to the bit.
 */
static void test_numbers(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100000; i++) {
        char digits[24], text[80];
        uint64_t bits = mlb_rng_bits(7, 2 * i), shape = mlb_rng_bits(7, 2 * i + 1);
        mlb_format(digits, sizeof digits, "%" PRIu64, bits >> shape % 64);
        int length = (int)strlen(digits), before = 1 + (int)(shape / 64 % (uint64_t)length);
        mlb_format(text, sizeof text, "%s%.*s%s%s", shape >> 20 & 1 ? "-" : "", before, digits,
                   before < length ? "." : "", digits + before);
        if (shape >> 21 & 1)
            mlb_format(text + strlen(text), 10, "e%d", (int)(shape >> 22) % 60 - 30);
        struct mlb_pull *pull = open_text(text, strlen(text));
        check_close(mlb_pull_real(pull), strtod(text, NULL), 0);
        mlb_pull_close(pull);
    }
}

static void test_kinds(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    const char *key;
    const char text[] = "{\n\"price\":\n\n[1]}";
    struct mlb_pull *pull = open_text(text, strlen(text));
    mlb_pull_object(pull);
    check_true(mlb_pull_key(pull, &key));
    check_close(mlb_pull_real(pull), 0.0, 0);
    check_true(!mlb_pull_key(pull, &key));
    check_text(mlb_pull_string(pull), "");
    check_true(!mlb_pull_element(pull));
    check_true(mlb_pull_failed(pull));
    check_fails(mlb_pull_end(pull, &err), MLB_E_CONFIG, &err,
                "t:4: 'price' is a list, should be a number");
    mlb_pull_close(pull);
    /* a key of an object that was left names nothing */
    pull = open_text("[{\"a\":1},\"x\"]", 13);
    mlb_pull_array(pull);
    check_true(mlb_pull_element(pull));
    mlb_pull_skip(pull);
    check_true(mlb_pull_element(pull));
    mlb_pull_bool(pull);
    check_fails(mlb_pull_end(pull, &err), MLB_E_CONFIG, &err,
                "t:1: a text stands where true or false should");
    mlb_pull_close(pull);
}

static void test_u64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
        bool taken;
    } cases[] = {
        {"0", 0, true},
        {"9007199254740992", 9007199254740992u, true},
        {"\"18446744073709551615\"", UINT64_MAX, true},
        {"\"18446744073709551616\"", 0, false},
        {"\"07\"", 0, false},
        {"1.5", 0, false},
        {"-1", 0, false},
        {"1e300", 0, false},
        {"\"\"", 0, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct mlb_error err = {0};
        struct mlb_pull *pull = open_text(cases[i].text, strlen(cases[i].text));
        check_u64(mlb_pull_u64(pull), cases[i].value);
        if (cases[i].taken)
            check_ok(mlb_pull_end(pull, &err), &err);
        else
            check_fails(mlb_pull_end(pull, &err), MLB_E_CONFIG, &err, "t:1: is no whole number");
        mlb_pull_close(pull);
    }
}

static void test_skip_numbers(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    size_t length = 1 << 20;
    char *text = malloc(length);
    check_true(text != NULL);
    memset(text, '\n', length);
    text[0] = text[1] = '[';
    memcpy(text + length - 4, "],7]", 4);
    struct mlb_pull *pull = open_text(text, length);
    mlb_pull_array(pull);
    check_true(mlb_pull_element(pull));
    mlb_pull_skip_numbers(pull);
    check_true(mlb_pull_element(pull));
    mlb_pull_fail(pull, "seven");
    check_fails(mlb_pull_end(pull, &err), MLB_E_CONFIG, &err, "t:1: seven");
    mlb_pull_close(pull);
    pull = open_text(text, length - 4);
    mlb_pull_array(pull);
    check_true(mlb_pull_element(pull));
    mlb_pull_skip_numbers(pull);
    check_fails(mlb_pull_end(pull, &err), MLB_E_CONFIG, &err,
                "t:1048570: cut off: the file ends inside a list of numbers");
    mlb_pull_close(pull);
    free(text);
}

static void test_texts(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    char text[MLB_PULL_TEXT + 3];
    memset(text, 'x', sizeof text);
    text[0] = text[MLB_PULL_TEXT] = '"';
    check_same(text, MLB_PULL_TEXT + 1);
    text[MLB_PULL_TEXT] = 'x';
    text[MLB_PULL_TEXT + 1] = '"';
    struct mlb_pull *pull = open_text(text, MLB_PULL_TEXT + 2);
    check_text(mlb_pull_string(pull), "");
    check_fails(mlb_pull_end(pull, &err), MLB_E_CONFIG, &err,
                "t:1: a text of more than 4095 bytes");
    mlb_pull_close(pull);
    pull = open_text(text, MLB_PULL_TEXT + 2);
    mlb_pull_skip(pull); /* what is not handed out may have any length */
    check_ok(mlb_pull_end(pull, &err), &err);
    mlb_pull_close(pull);
}

static void test_copy(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    size_t length = (1 << 20) + 4, copied;
    char *text = malloc(length);
    check_true(text != NULL);
    memset(text, ' ', length);
    memcpy(text, "[0, {", 5);
    memcpy(text + length - 2, "}]", 2);
    struct mlb_pull *pull = open_text(text, length);
    mlb_pull_array(pull);
    check_true(mlb_pull_element(pull));
    mlb_pull_skip(pull);
    check_true(mlb_pull_element(pull));
    char *copy = mlb_pull_copy(pull, length - 5, &copied);
    check_true(copy && copied == length - 5 && memcmp(copy, text + 4, copied) == 0);
    check_true(!mlb_pull_element(pull));
    check_ok(mlb_pull_end(pull, &err), &err);
    mlb_pull_close(pull);
    free(copy);
    pull = open_text(text, length);
    check_true(!mlb_pull_copy(pull, length - 1, &copied));
    check_fails(mlb_pull_end(pull, &err), MLB_E_CONFIG, &err, "t:1: a value of more than 1048579");
    mlb_pull_close(pull);
    free(text);
}

/* Of the value, not of what follows it; also where it lies in a window that is gone. */
static void test_line(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    size_t length = (1 << 20) + 64;
    char *text = malloc(length);
    check_true(text != NULL);
    memset(text, '\n', length);
    memcpy(text, "[\n\n7,", 5);
    text[length - 1] = ']';
    text[length - 3] = '8';
    struct mlb_pull *pull = open_text(text, length);
    mlb_pull_array(pull);
    check_u64(mlb_pull_line(pull), 1);
    check_true(mlb_pull_element(pull));
    mlb_pull_skip(pull);
    check_u64(mlb_pull_line(pull), 3);
    check_true(mlb_pull_element(pull));
    check_u64(mlb_pull_line(pull), 3);
    mlb_pull_skip(pull);
    check_u64(mlb_pull_line(pull), length - 3 - 3 + 1);
    check_true(!mlb_pull_element(pull));
    check_ok(mlb_pull_end(pull, &err), &err);
    mlb_pull_close(pull);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),           cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_depth),          cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_every_boundary), cmocka_unit_test(test_short_reads),
        cmocka_unit_test(test_files),          cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_kinds),          cmocka_unit_test(test_u64),
        cmocka_unit_test(test_skip_numbers),   cmocka_unit_test(test_texts),
        cmocka_unit_test(test_copy),           cmocka_unit_test(test_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
