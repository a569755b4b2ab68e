/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of made-up system files that a test reads as "/". */
#ifndef MLB_TESTS_SYSTEM_FILES_H
#define MLB_TESTS_SYSTEM_FILES_H

#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

struct files {
    char root[64];
};

static inline struct files make_files(void)
{
    struct files files = {"/tmp/mlbench-test-XXXXXX"};
    check_true(mkdtemp(files.root) != NULL);
    return files;
}

/* Makes the folders above it too. */
static inline void put_file(const struct files *files, const char *path, const char *text)
{
    char full[1024];
    snprintf(full, sizeof full, "%s%s", files->root, path);
    for (char *slash = full + strlen(files->root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *file = fopen(full, "wb");
    check_true(file != NULL);
    check_true(fputs(text, file) >= 0);
    check_i64(fclose(file), 0);
}

static inline void remove_files(const struct files *files)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", files->root);
    check_i64(system(command), 0);
}

#endif
