/* SPDX-License-Identifier: Apache-2.0 */
/* A folder with a catalog in it, made by a test. */
#ifndef MLB_TESTS_CATALOG_RIG_H
#define MLB_TESTS_CATALOG_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/date.h"
#include "harness/base/text.h"
#include "harness/catalog/catalog.h"
#include "tests/check.h"

struct rig {
    char folder[64];
    struct mlb_catalog *catalog;
    struct mlb_error err;
};

static inline void rig_write(const struct rig *rig, const char *file, const char *text)
{
    char path[128];
    mlb_format(path, sizeof path, "%s/%s", rig->folder, file);
    FILE *stream = fopen(path, "w");
    check_true(stream != NULL);
    check_true(fputs(text, stream) >= 0);
    check_i64(fclose(stream), 0);
}

static inline void rig_make(struct rig *rig, const char *instances, const char *prices)
{
    char text[16384];
    *rig = (struct rig){0};
    mlb_format(rig->folder, sizeof rig->folder, "/tmp/mlbench-catalog-XXXXXX");
    check_true(mkdtemp(rig->folder) != NULL);
    mlb_format(text, sizeof text, "{\"schema\": 1, \"instances\": [\n%s\n]}\n", instances);
    rig_write(rig, "instances.json", text);
    mlb_format(text, sizeof text, "{\"schema\": 1, \"prices\": [\n%s\n]}\n", prices);
    rig_write(rig, "prices.json", text);
}

static inline enum mlb_status rig_open(struct rig *rig, const char *more)
{
    mlb_catalog_close(rig->catalog);
    rig->catalog = NULL;
    rig->err = (struct mlb_error){0};
    return mlb_catalog_open(&rig->catalog, rig->folder, more, &rig->err);
}

static inline void rig_free(struct rig *rig)
{
    static const char *const files[] = {"instances.json", "prices.json", "more.json", "other.json"};
    mlb_catalog_close(rig->catalog);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        mlb_format(path, sizeof path, "%s/%s", rig->folder, files[i]);
        unlink(path);
    }
    check_i64(rmdir(rig->folder), 0);
}

#define RIG_P5                                                                                     \
    "{\"provider\": \"aws\", \"name\": \"p5.48xlarge\", \"gpu\": \"H100\", \"gpus\": 8, "          \
    "\"gpu_memory\": \"80GiB\", \"device_names\": [\"NVIDIA H100 80GB HBM3\"], "                   \
    "\"network\": \"efa\", \"nics\": 32, \"gpu_network_bytes_per_s\": 400e9, "                     \
    "\"gpudirect\": \"rdma\", \"source\": \"s\", \"as_of\": \"2026-07\"}"
#define RIG_ND                                                                                     \
    "{\"provider\": \"azure\", \"name\": \"Standard_ND96isr_H100_v5\", \"gpu\": \"H100\", "        \
    "\"gpus\": 8, \"source\": \"s\", \"as_of\": \"2026-07\"}"

#endif
