/* SPDX-License-Identifier: Apache-2.0 */
/* An import over files made by a test, beside a small catalog; what came of it as text. */
#ifndef MLB_TESTS_CATALOG_IMPORT_RIG_H
#define MLB_TESTS_CATALOG_IMPORT_RIG_H

#include <sys/time.h>

#include "harness/catalog/price_import.h"
#include "tests/catalog/rig.h"

struct import_rig {
    struct rig rig;
    struct mlb_import_options options;
    struct mlb_import *import;
    char text[8192], path[192];
};

static inline void import_begin(struct import_rig *rig)
{
    static const struct {
        const char *provider, *name;
        int gpus;
    } rows[] = {
        {"aws", "p5.48xlarge", 8},         {"aws", "p4d.24xlarge", 8},
        {"gcp", "a3-highgpu-8g", 8},       {"gcp", "a4-highgpu-8g", 8},
        {"gcp", "tpu-v5p-8", 4},           {"azure", "Standard_ND96isr_H100_v5", 8},
        {"lambda", "gpu_8x_h100_sxm5", 8},
    };
    *rig = (struct import_rig){0};
    struct mlb_text text = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        mlb_text_addf(&text,
                      "%s{\"provider\": \"%s\", \"name\": \"%s\", \"gpu\": \"X\", "
                      "\"gpus\": %d, \"source\": \"s\", \"as_of\": \"2025-01\"}",
                      i ? ",\n" : "", rows[i].provider, rows[i].name, rows[i].gpus);
    rig_make(&rig->rig, text.data, "");
    mlb_text_free(&text);
    check_ok(rig_open(&rig->rig, ""), &rig->rig.err);
    rig->options = (struct mlb_import_options){
        .catalog = rig->rig.catalog, .provider = "", .as_of = "", .today = mlb_date_today()};
    rig->import = mlb_import_new(&rig->options, &rig->rig.err);
    check_true(rig->import != NULL);
}

/* Begin again over the same catalog, with options that the test has changed. */
static inline void import_again(struct import_rig *rig)
{
    mlb_import_free(rig->import);
    rig->rig.err = (struct mlb_error){0};
    rig->import = mlb_import_new(&rig->options, &rig->rig.err);
}

/* A file named `name` with these bytes, dated 2025-07-01; read and removed. */
static inline enum mlb_status import_bytes(struct import_rig *rig, const char *name,
                                           const char *text, size_t length)
{
    const struct timeval dated[2] = {{1751328000, 0}, {1751328000, 0}};
    mlb_format(rig->path, sizeof rig->path, "%s/%s", rig->rig.folder, name);
    FILE *file = fopen(rig->path, "w");
    check_true(file && fwrite(text, 1, length, file) == length && fclose(file) == 0);
    check_i64(utimes(rig->path, dated), 0);
    rig->rig.err = (struct mlb_error){0};
    enum mlb_status status = mlb_import_read(rig->import, rig->path, &rig->rig.err);
    unlink(rig->path);
    return status;
}

static inline enum mlb_status import_text(struct import_rig *rig, const char *name,
                                          const char *text)
{
    return import_bytes(rig, name, text, strlen(text));
}

/* After the end: one price a line, "provider/service instance region/zone purchase USD as_of
 * (note)". */
static inline const char *import_prices(struct import_rig *rig)
{
    const struct mlb_price *prices;
    check_ok(mlb_import_finish(rig->import, &rig->rig.err), &rig->rig.err);
    size_t count = mlb_import_prices(rig->import, &prices), length = 0;
    rig->text[0] = '\0';
    for (size_t i = 0; i < count && length < sizeof rig->text; i++) {
        const struct mlb_price *p = &prices[i];
        length += (size_t)snprintf(
            rig->text + length, sizeof rig->text - length, "%s%s%s %s %s%s%s %s %.7g %s%s%s%s\n",
            p->provider, p->service[0] ? "/" : "", p->service, p->instance, p->region,
            p->zone[0] ? "/" : "", p->zone, mlb_purchase_names[p->purchase], p->usd_per_hour,
            p->as_of, p->note[0] ? " (" : "", p->note, p->note[0] ? ")" : "");
    }
    return rig->text;
}

/* "code count first" a line, of those that happened. */
static inline const char *import_findings(struct import_rig *rig)
{
    const struct mlb_finding *findings;
    size_t count = mlb_import_findings(rig->import, &findings), length = 0;
    size_t folder = strlen(rig->rig.folder) + 1; /* of a path that the test does not know */
    rig->text[0] = '\0';
    for (size_t i = 0; i < count && length < sizeof rig->text; i++)
        if (findings[i].count > 0)
            length +=
                (size_t)snprintf(rig->text + length, sizeof rig->text - length, "%s %zu %s\n",
                                 findings[i].kind->code, findings[i].count,
                                 findings[i].first + (findings[i].first[0] == '/' ? folder : 0));
    return rig->text;
}

static inline void import_end(struct import_rig *rig)
{
    mlb_import_free(rig->import);
    rig_free(&rig->rig);
}

/* One file alone: its prices and what was found in it. */
static inline void check_import(const char *name, const char *text, const char *prices,
                                const char *findings)
{
    struct import_rig rig;
    import_begin(&rig);
    check_ok(import_text(&rig, name, text), &rig.rig.err);
    check_text(import_prices(&rig), prices);
    check_text(import_findings(&rig), findings);
    import_end(&rig);
}

/* One file that is refused as a whole. */
static inline void check_refused(const char *name, const char *text, size_t length,
                                 enum mlb_status status, const char *part)
{
    struct import_rig rig;
    import_begin(&rig);
    check_fails(import_bytes(&rig, name, text, length), status, &rig.rig.err, part);
    import_end(&rig);
}

#endif
