/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that printers are held to: tests/report/golden; MLBENCH_UPDATE_GOLDEN=1 writes them anew:
 * look at the difference before it is committed. */
#ifndef MLB_TESTS_REPORT_GOLDEN_H
#define MLB_TESTS_REPORT_GOLDEN_H

#include "tests/check.h"

#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/base/version.h"

#define GOLDEN MLB_TEST_SOURCE_DIR "/tests/report/golden/"

static inline void compare_with_golden(const char *name, const char *text)
{
    char path[512], *expected;
    size_t length;
    struct mlb_error err = {0};
    snprintf(path, sizeof path, GOLDEN "%s", name);
    if (getenv("MLBENCH_UPDATE_GOLDEN")) {
        check_ok(mlb_file_write_atomic(path, text, strlen(text), &err), &err);
        return;
    }
    check_ok(mlb_file_read(path, 1 << 20, &expected, &length, &err), &err);
    if (strcmp(text, expected) != 0)
        print_error("%s differs; MLBENCH_UPDATE_GOLDEN=1 writes it anew\n", path);
    check_text(text, expected);
    free(expected);
}

static inline size_t widest_line(const char *text)
{
    size_t widest = 0;
    while (*text) {
        char line[4096];
        size_t length = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        size_t columns = mlb_text_columns(line);
        widest = columns > widest ? columns : widest;
        text += length + (text[length] == '\n');
    }
    return widest;
}

/* The version that is built must not change the golden text. */
static inline void hide_version(char *text)
{
    char version[80];
    snprintf(version, sizeof version, "\"version\":\t\"%s\"", mlb_build.version);
    char *at = strstr(text, version);
    if (!at)
        return;
    size_t keep = strlen("\"version\":\t\"");
    memmove(at + keep, at + strlen(version) - 1, strlen(at + strlen(version) - 1) + 1);
}

#endif
