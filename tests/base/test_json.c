/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "tests/check.h"

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))
#define S63             "100000000000000000000000000000000000000000000000000000000000000"

static enum mlb_status parse(struct mlb_json *json, const char *text, struct mlb_error *err)
{
    *json = (struct mlb_json){0};
    return mlb_json_parse(json, "s.jsonc", text, strlen(text), err);
}

/* What is wrong, and in which line. */
static const struct {
    const char *text, *error;
} wrong_texts[] = {
    {"", "s.jsonc:1: nothing in it"},
    {" \n\t\n", "s.jsonc:2: nothing in it"},
    {"// only a comment\n", "s.jsonc:1: nothing in it"},
    /* cut off */
    {"{", "s.jsonc:1: unexpected end of file inside the object that begins at line 1"},
    {"{\n\n\"a\": [1,\n2\n",
     "s.jsonc:4: unexpected end of file inside the list that begins at line 3"},
    {"{\n\"a\": {},\n", "s.jsonc:2: unexpected end of file inside the object that begins at "
                        "line 1"},
    {"{\"a\"", "s.jsonc:1: unexpected end of file inside the object"},
    {"{\"a\":", "s.jsonc:1: unexpected end of file inside the object"},
    {"{\"a\":1,", "s.jsonc:1: unexpected end of file inside the object"},
    {"[1", "s.jsonc:1: unexpected end of file inside the list"},
    {"[\n\"abc", "s.jsonc:2: unexpected end of file inside a string"},
    {"[\"abc\\", "s.jsonc:1: a backslash at the end"},
    {"[\"\\u12", "s.jsonc:1: '\\u' is followed by four hexadecimal digits"},
    {"[1,\n/* never\n\n", "s.jsonc:2: the comment that begins here is not closed with */"},
    {"[1] /*/", "s.jsonc:1: the comment that begins here is not closed"},
    /* separators */
    {"{\"a\": 1\n\"b\": 2}", "s.jsonc:2: expected ',' or '}' after the value that ends at line "
                             "1, found \"b\""},
    {"[1 2]", "s.jsonc:1: expected ',' or ']' after the value that ends at line 1, found '2'"},
    {"[1}", "s.jsonc:1: expected ',' or ']' after the value that ends at line 1, found '}'"},
    {"{\"a\" 1}", "s.jsonc:1: expected ':' after the key \"a\", found '1'"},
    {"{\"a\" = 1}", "s.jsonc:1: expected ':' after the key \"a\", found '='"},
    {"[1,\n]", "s.jsonc:1: a comma before ']': none is allowed after the last value"},
    {"{\"a\":1,\n}", "s.jsonc:1: a comma before '}'"},
    {"[,1]", "s.jsonc:1: expected a value (\"text\", number, true"},
    {"[1,,2]", "s.jsonc:1: expected a value"},
    {"{\"a\":}", "s.jsonc:1: expected a value"},
    {"{,}", "s.jsonc:1: expected a key in double quotes, found ','"},
    {"{a: 1}", "s.jsonc:1: expected a key in double quotes, found 'a'"},
    {"{1: 1}", "s.jsonc:1: expected a key in double quotes, found '1'"},
    {"{'a': 1}", "s.jsonc:1: expected a key in double quotes"},
    {"{\"a\": 'x'}", "s.jsonc:1: text is written in double quotes, not in single ones"},
    {"1\n2", "s.jsonc:2: unexpected '2' after the end of the value that begins at line 1"},
    {"{}\n}", "s.jsonc:2: unexpected '}' after the end of the value"},
    {"# comment\n{}", "s.jsonc:1: '#' begins no comment here; // and /* */ do"},
    {"/", "s.jsonc:1: expected a value"},
    {"[\xc2\xa0 1]", "s.jsonc:1: expected a value (\"text\", number, true, false, null, list or "
                     "object), found the character U+00A0"},
    /* numbers: strtod, which cJSON calls, takes most of these */
    {"[01]", "s.jsonc:1: '01' is not a number of JSON"},
    {"[-01]", "s.jsonc:1: '-01' is not a number of JSON"},
    {"[00]", "s.jsonc:1: '00' is not"},
    {"[1.]", "s.jsonc:1: '1.' is not"},
    {"[1.e5]", "s.jsonc:1: '1.e5' is not"},
    {"[.5]", "s.jsonc:1: '.5' is not"},
    {"[+1]", "s.jsonc:1: '+1' is not"},
    {"[1e]", "s.jsonc:1: '1e' is not"},
    {"[1e+]", "s.jsonc:1: '1e+' is not"},
    {"[-]", "s.jsonc:1: '-' is not"},
    {"[0x10]", "s.jsonc:1: '0x10' is not"},
    {"[1.5.2]", "s.jsonc:1: '1.5.2' is not"},
    {"[12apples]", "s.jsonc:1: '12apples' is not"},
    {"[-Infinity]", "s.jsonc:1: '-Infinity' is not"},
    {"[1e999]", "s.jsonc:1: the number '1e999' is too large"},
    {"[" S63 "0]", "has more than 63 characters"},
    {"[NaN]", "found 'NaN'"},
    {"[True]", "found 'True'"},
    {"[nulls]", "found 'nulls'"},
    /* strings */
    {"[\"a\tb\"]", "s.jsonc:1: control character in a string; write \\u0009 or \\t"},
    {"[\"a\x01\"]", "s.jsonc:1: control character in a string; write \\u0001"},
    {"[\n\"a\n\"]", "s.jsonc:2: a string is not closed on its line"},
    {"[\"C:\\path\"]", "s.jsonc:1: '\\p' is no escape of JSON; a backslash itself is written"},
    {"[\"\\u00g0\"]", "s.jsonc:1: '\\u' is followed by four hexadecimal digits"},
    {"[\"\\u0000\"]", "s.jsonc:1: '\\u0000' in a string"},
    {"[\"\\ud800\"]", "s.jsonc:1: '\\ud800' is half of a character"},
    {"[\"\\ud800\\u0041\"]", "s.jsonc:1: '\\ud800' is half of a character"},
    {"[\"\\udc00\"]", "s.jsonc:1: '\\udc00' is half of a character"},
    /* keys */
    {"{\"a\":1,\n\"b\":2,\n\"a\":3}", "s.jsonc:3: key \"a\" stands twice in one object, before "
                                      "at line 1"},
    {"{\"a\":1,\n\"\\u0061\":2}", "s.jsonc:2: key \"\\u0061\" stands twice"},
    {"{\"\\ud83d\\ude00\":1,\n\"\xf0\x9f\x98\x80\":2}", "s.jsonc:2: key"},
    {"{\"a\\/\":1,\n\"a/\":2}", "s.jsonc:2: key \"a/\" stands twice"},
    {"[{\"x\":{\"b\":1,\"c\":1,\n\"b\":2}}]", "s.jsonc:2: key \"b\" stands twice"},
    {"{\"b\":1,\"a\":1,\n\"a\":2,\n\"b\":2}", "s.jsonc:2: key \"a\" stands twice"},
    /* bytes */
    {"\n[\"\xff\"]", "s.jsonc:2: byte 0xff is not UTF-8"},
    {"\n\n// \xe9t\xe9\n[]", "s.jsonc:3: byte 0xe9 is not UTF-8"},
    {"[\"\xed\xa0\x80\"]", "s.jsonc:1: byte 0xed is not UTF-8"},
    {"\xff\xfe[", "s.jsonc:1: the file is UTF-16; save it as UTF-8"},
};

static void errors_say_where_and_what(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong_texts); i++) {
        struct mlb_json json;
        struct mlb_error err = {0};
        check_fails(parse(&json, wrong_texts[i].text, &err), MLB_E_CONFIG, &err,
                    wrong_texts[i].error);
        check_true(!json.root && !json.text);
    }
}

static void what_json_allows_is_taken(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "true",
        "null",
        "\"\"",
        "[]",
        "{}",
        " [ ] ",
        "[1,2]",
        "{\"\":{\"\":[]}}",
        "[0.5,-1e5,1E+5,1e-5,123456789012345678901234567890,1e-999]",
        "[" S63 "]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\uDE00\"",
        "\"\xf0\x9f\x98\x80\x7f\"",
        "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":1}]}",
        "\xef\xbb\xbf{}",
        "// c\r\n[] /* d */ // e",
        "[1/**/,/***/2]//",
        "\"// not a comment /* neither */\"",
        "{\"A\":1,\"a\":2}",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct mlb_json json;
        struct mlb_error err = {0};
        check_ok(parse(&json, texts[i], &err), &err);
        check_true(json.root && strlen(json.text) == strlen(texts[i]));
        mlb_json_close(&json);
    }
}

static void strings_and_numbers_arrive_whole(void **state)
{
    (void)state;
    struct mlb_json json;
    struct mlb_error err = {0};
    const char *text = "";
    double real = 0;
    check_ok(parse(&json, "{\"s\":\"a//b\\u00e9\\ud83d\\ude00\",\"x\":-1.5e-3/*c*/}", &err), &err);
    check_true(mlb_json_get_text(json.root, "s", &text));
    check_text(text, "a//b\xc3\xa9\xf0\x9f\x98\x80");
    check_true(mlb_json_get_real(json.root, "x", &real));
    check_close(real, -1.5e-3, 0);
    mlb_json_close(&json);
}

static void a_nul_byte_is_named_with_its_line(void **state)
{
    (void)state;
    struct mlb_json json = {0};
    struct mlb_error err = {0};
    check_fails(mlb_json_parse(&json, "s", "[1,\n\0]", 6, &err), MLB_E_CONFIG, &err,
                "s:2: a NUL byte");
    check_fails(mlb_json_parse(&json, "s", "[]\0", 3, &err), MLB_E_CONFIG, &err, "s:1: a NUL byte");
}

static char *repeated(const char *part, size_t times)
{
    size_t length = strlen(part);
    char *text = malloc(times * length + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * length, part, length);
    text[times * length] = '\0';
    return text;
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    for (size_t depth = 64; depth <= 65; depth++) {
        struct mlb_json json;
        struct mlb_error err = {0};
        char *open = repeated("[", depth), *close = repeated("]", depth);
        struct mlb_text text = {0};
        mlb_text_addf(&text, "%s%s", open, close);
        if (depth == 64)
            check_ok(parse(&json, text.data, &err), &err);
        else
            check_fails(parse(&json, text.data, &err), MLB_E_CONFIG, &err,
                        "s.jsonc:1: lists and objects nested deeper than 64");
        mlb_json_close(&json);
        mlb_text_free(&text);
        free(open);
        free(close);
    }
}

/* 10 MB of each: an answer in a second or two, even with sanitizers; quadratic time would be hours.
 */
static void large_nonsense_is_answered_quickly(void **state)
{
    (void)state;
    static const char *const parts[] = {"[",    "{\"a\":",  "[]", "\"", "/*",  "//",
                                        "/**/", "1",        "\n", "\\", "[],", "{\"a\"",
                                        "-",    "\xc2\xa0", "a",  "#",  "\"\\"};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        struct mlb_json json;
        struct mlb_error err = {0};
        char *text = repeated(parts[i], 10000000 / strlen(parts[i]));
        double begin = mlb_clock_s();
        check_fails(parse(&json, text, &err), MLB_E_CONFIG, &err, "s.jsonc:");
        check_true(strlen(err.text) < 200);
        check_true(mlb_clock_s() - begin < 5);
        free(text);
    }
}

static void many_keys_are_compared_quickly(void **state)
{
    (void)state;
    struct mlb_text text = {0};
    for (int i = 0; i < 100000; i++)
        mlb_text_addf(&text, "%s\"key %d\":%d", i ? ",\n" : "{", i, i);
    mlb_text_add(&text, ",\n\"key 777\":0}");
    struct mlb_json json;
    struct mlb_error err = {0};
    double begin = mlb_clock_s();
    check_fails(parse(&json, text.data, &err), MLB_E_CONFIG, &err,
                "s.jsonc:100001: key \"key 777\" stands twice in one object, before at line 778");
    check_true(mlb_clock_s() - begin < 5);
    mlb_text_free(&text);
}

static const cJSON *item_of(const struct mlb_json *json, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(json->root, key);
}

static void lines_are_those_of_keys_and_of_items_in_lists(void **state)
{
    (void)state;
    struct mlb_json json;
    struct mlb_error err = {0};
    const char *text = "// first\n"          /* 1 */
                       "{ /* a\n"            /* 2 */
                       " b */ \"one\": 1,\n" /* 3 */
                       "\"list\"\n"          /* 4 */
                       ":\n"                 /* 5 */
                       "[ \"a]\\\"\\\\\",\n" /* 6 */
                       "[], {},\n"           /* 7 */
                       "{\"deep\": // }\n"   /* 8 */
                       "null}],\n"           /* 9 */
                       "\"last\": true}";    /* 10 */
    check_ok(parse(&json, text, &err), &err);
    const cJSON *list = item_of(&json, "list");
    check_u64(mlb_json_line(&json, json.root), 2);
    check_u64(mlb_json_line(&json, item_of(&json, "one")), 3);
    check_u64(mlb_json_line(&json, list), 4);
    check_u64(mlb_json_line(&json, cJSON_GetArrayItem(list, 0)), 6);
    check_u64(mlb_json_line(&json, cJSON_GetArrayItem(list, 1)), 7);
    check_u64(mlb_json_line(&json, cJSON_GetArrayItem(list, 2)), 7);
    check_u64(mlb_json_line(&json, cJSON_GetArrayItem(list, 3)), 8);
    check_u64(mlb_json_line(&json, cJSON_GetArrayItem(list, 3)->child), 8);
    check_u64(mlb_json_line(&json, item_of(&json, "last")), 10);
    check_i64(mlb_json_fail(&json, item_of(&json, "last"), &err, "no %s", "good"), MLB_E_CONFIG);
    check_text(err.text, "s.jsonc:10: no good");
    mlb_json_close(&json);
}

static void what_is_not_of_the_document_has_no_line(void **state)
{
    (void)state;
    struct mlb_json json;
    struct mlb_error err = {0};
    cJSON *other = cJSON_CreateNull();
    check_ok(parse(&json, "{\"a\":[1]}", &err), &err);
    check_u64(mlb_json_line(&json, other), 0);
    check_u64(mlb_json_line(&json, NULL), 0);
    mlb_json_fail(&json, NULL, &err, "as a whole");
    check_text(err.text, "s.jsonc: as a whole");
    cJSON_AddItemToObject(json.root, "added", other); /* the tree now has more than the text */
    check_u64(mlb_json_line(&json, other), 0);
    cJSON_DeleteItemFromObject(json.root, "a"); /* and less */
    mlb_json_line(&json, json.root->child);
    mlb_json_close(&json);
    mlb_json_close(&json);
    check_u64(mlb_json_line(&json, NULL), 0);
}

static void look_ups_take_only_their_type(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        bool text, real, u64, boolean;
    } rows[] = {
        {"text", true, false, false, false},     {"real", false, true, false, false},
        {"whole", false, true, true, false},     {"negative", false, true, false, false},
        {"huge", false, true, false, false},     {"digits", true, false, true, false},
        {"overflow", true, false, false, false}, {"padded", true, false, false, false},
        {"true", false, false, false, true},     {"null", false, false, false, false},
        {"list", false, false, false, false},    {"absent", false, false, false, false},
        {"TRUE", false, false, false, false},    {"empty", true, false, false, false},
    };
    struct mlb_json json;
    struct mlb_error err = {0};
    check_ok(parse(&json,
                   "{\"text\":\"a\",\"real\":1.5,\"whole\":9007199254740992,\"negative\":-1,"
                   "\"huge\":9007199254740994,\"digits\":\"18446744073709551615\","
                   "\"overflow\":\"18446744073709551616\",\"padded\":\"007\",\"true\":true,"
                   "\"null\":null,\"list\":[],\"empty\":\"\"}",
                   &err),
             &err);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *text;
        double real;
        uint64_t whole;
        bool boolean;
        check_true(mlb_json_get_text(json.root, rows[i].key, &text) == rows[i].text);
        check_true(mlb_json_get_real(json.root, rows[i].key, &real) == rows[i].real);
        check_true(mlb_json_get_u64(json.root, rows[i].key, &whole) == rows[i].u64);
        check_true(mlb_json_get_bool(json.root, rows[i].key, &boolean) == rows[i].boolean);
    }
    uint64_t whole;
    check_true(!mlb_json_get_u64(NULL, "a", &whole));
    check_true(mlb_json_get_u64(json.root, "digits", &whole) && whole == UINT64_MAX);
    mlb_json_close(&json);
}

static void whole_numbers_survive_a_file(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0,
                                       1,
                                       4294967296,
                                       999999999999999,
                                       1000000000000000,
                                       9007199254740991, /* cJSON prints this one as ...990 */
                                       9007199254740993,
                                       UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct mlb_json json;
        struct mlb_error err = {0};
        uint64_t again;
        cJSON *object = cJSON_CreateObject();
        check_true(mlb_json_add_u64(object, "n", numbers[i]) != NULL);
        char *text = cJSON_PrintUnformatted(object);
        check_ok(parse(&json, text, &err), &err);
        check_true(mlb_json_get_u64(json.root, "n", &again));
        check_u64(again, numbers[i]);
        mlb_json_close(&json);
        cJSON_free(text);
        cJSON_Delete(object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_say_where_and_what),
        cmocka_unit_test(what_json_allows_is_taken),
        cmocka_unit_test(strings_and_numbers_arrive_whole),
        cmocka_unit_test(a_nul_byte_is_named_with_its_line),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(large_nonsense_is_answered_quickly),
        cmocka_unit_test(many_keys_are_compared_quickly),
        cmocka_unit_test(lines_are_those_of_keys_and_of_items_in_lists),
        cmocka_unit_test(what_is_not_of_the_document_has_no_line),
        cmocka_unit_test(look_ups_take_only_their_type),
        cmocka_unit_test(whole_numbers_survive_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
