/* SPDX-License-Identifier: Apache-2.0 */
/* Machines that say nothing of themselves, against the catalog as it is shipped. */
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/fingerprint.h"
#include "harness/base/text.h"
#include "tests/check.h"

#define FOLDER MLB_TEST_SOURCE_DIR "/configs/catalog"
#define H100   "NVIDIA H100 80GB HBM3"
#define H200   "NVIDIA H200"

struct ports {
    enum mlb_nic_kind kind;
    int count;
    const char *device; /* "mlx5_%d" */
};

struct row {
    const char *what, *gpu;
    int gpus;
    const char *cpu;
    struct ports ports[2];
    const char *provider, *instance; /* known before */
    const char *says;                /* name, instance, method */
    const char *candidates;
};

static const struct row rows[] = {
    {"32 EFA cards and an EPYC",
     H100,
     8,
     "AMD EPYC 7R13 Processor",
     {{MLB_NIC_EFA, 32, "efa_%d"}},
     "",
     "",
     "aws p5.48xlarge inferred",
     ""},
    {"16 EFA cards beside H200s",
     H200,
     8,
     "Intel(R) Xeon(R) Platinum 8488C",
     {{MLB_NIC_EFA, 16, "efa_%d"}, {MLB_NIC_ETHERNET, 1, "eth%d"}},
     "",
     "",
     "aws p5en.48xlarge inferred",
     ""},
    {"32 EFA cards beside H200s",
     H200,
     8,
     "",
     {{MLB_NIC_EFA, 32, "efa_%d"}},
     "",
     "",
     "aws p5e.48xlarge inferred",
     ""},
    {"Azure's names",
     H100,
     8,
     "Intel(R) Xeon(R) Platinum 8480C",
     {{MLB_NIC_IB, 8, "mlx5_ib%d"}},
     "",
     "",
     "azure Standard_ND96isr_H100_v5 inferred",
     ""},
    {"Google's plugin and four cards",
     H100,
     8,
     "",
     {{MLB_NIC_TCPX, 4, "eth%d"}},
     "",
     "",
     "gcp a3-highgpu-8g inferred",
     ""},
    {"A100s of 40 GB, Intel and four EFA cards",
     "NVIDIA A100-SXM4-40GB",
     8,
     "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz",
     {{MLB_NIC_EFA, 4, "efa_%d"}},
     "",
     "",
     "aws p4d.24xlarge inferred",
     ""},
    {"the provider is known",
     H200,
     8,
     "",
     {{MLB_NIC_ETHERNET, 1, "eth%d"}},
     "azure",
     "",
     "azure Standard_ND96isr_H200_v5 inferred",
     ""},
    {"no such machine", H100, 5, "", {{MLB_NIC_ETHERNET, 1, "eth%d"}}, "", "", "  unknown", ""},
    {"no GPU",
     "",
     0,
     "AMD EPYC 7R13 Processor",
     {{MLB_NIC_ETHERNET, 1, "eth%d"}},
     "",
     "",
     "  unknown",
     ""},
    {"an instance without a provider",
     "",
     0,
     "",
     {{MLB_NIC_ETHERNET, 1, "eth%d"}},
     "",
     "nd96isr_h100_v5",
     "azure nd96isr_h100_v5 user",
     ""},
    {"an instance of SageMaker",
     "",
     0,
     "",
     {{MLB_NIC_ETHERNET, 1, "eth%d"}},
     "",
     "ml.p5.48xlarge",
     "aws ml.p5.48xlarge user",
     ""},
    {"an instance that nobody has",
     "",
     0,
     "",
     {{MLB_NIC_ETHERNET, 1, "eth%d"}},
     "",
     "z9.big",
     " z9.big user",
     ""},
    {"what is known stays",
     H100,
     8,
     "",
     {{MLB_NIC_EFA, 32, "efa_%d"}},
     "gcp",
     "a3-megagpu-8g",
     "gcp a3-megagpu-8g user",
     ""},
};

static void make_fabric(const struct row *row, struct mlb_fabric *fabric)
{
    memset(fabric, 0, sizeof *fabric);
    for (size_t i = 0; i < 2; i++)
        for (int k = 0; k < row->ports[i].count; k++) {
            struct mlb_nic *nic = &fabric->nics[fabric->nic_count++];
            const char *stem = row->ports[i].device;
            nic->kind = row->ports[i].kind;
            mlb_format(nic->device, sizeof nic->device, "%.*s%d", (int)strcspn(stem, "%"), stem, k);
        }
}

static struct mlb_provider fill(const struct mlb_catalog *catalog, const struct row *row)
{
    static struct mlb_fabric fabric; /* large */
    struct mlb_provider provider = {0};
    make_fabric(row, &fabric);
    const struct mlb_fingerprint print = {row->gpu, row->gpus, row->cpu, &fabric, 0};
    mlb_format(provider.name, sizeof provider.name, "%s", row->provider);
    mlb_format(provider.instance, sizeof provider.instance, "%s", row->instance);
    if (row->instance[0])
        provider.method = MLB_PROVIDER_USER;
    mlb_fingerprint_fill(&print, catalog, &provider);
    return provider;
}

static void machines_are_guessed(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char says[160];
        print_message("  %s\n", rows[i].what);
        struct mlb_provider provider = fill(*state, &rows[i]);
        mlb_format(says, sizeof says, "%s %s %s", provider.name, provider.instance,
                   mlb_provider_method_names[provider.method]);
        check_text(says, rows[i].says);
        check_text(provider.candidates, rows[i].candidates);
    }
}

/* One GPU may be all of a machine, or what a job was given of eight. */
static void what_a_job_was_given_tells_nothing(void **state)
{
    static const struct mlb_fabric none;
    struct mlb_fingerprint print = {.gpu = H100, .gpus = 1, .cpu = "", .fabric = &none};
    struct mlb_provider provider = {.name = "aws", .method = MLB_PROVIDER_USER};
    print.present = 8;
    mlb_fingerprint_fill(&print, *state, &provider);
    check_text(provider.instance, "");
    check_text(provider.candidates, "");
    print.present = 1;
    mlb_fingerprint_fill(&print, *state, &provider);
    check_text(provider.instance, "p5.4xlarge");
}

static size_t fitting(const struct mlb_catalog *catalog, const struct row *row)
{
    static const struct mlb_fabric none;
    const struct mlb_fingerprint print = {row->gpu, row->gpus, row->cpu, &none, 0};
    const struct mlb_instance *instances;
    size_t count = mlb_catalog_instances(catalog, &instances), fits = 0;
    for (size_t i = 0; i < count; i++)
        fits += mlb_fingerprint_fits(&print, &instances[i]);
    return fits;
}

/* Of "aws a, oci b, 3 more": 3. */
static size_t others(const struct mlb_provider *provider)
{
    const char *last = strrchr(provider->candidates, ',');
    return last && strstr(last, " more") ? strtoul(last + 1, NULL, 10) : 0;
}

static size_t listed(const struct mlb_provider *provider)
{
    size_t names = 1;
    for (const char *c = provider->candidates; *c; c++)
        names += *c == ',';
    return names - (others(provider) > 0);
}

/* A neo-cloud's container shows GPUs and little else. */
static void several_that_fit_are_candidates(void **state)
{
    static const struct row row = {
        .gpu = H100, .gpus = 8, .cpu = "", .provider = "", .instance = ""};
    struct mlb_provider provider = fill(*state, &row);
    char text[512];
    check_text(provider.name, "");
    check_text(provider.instance, "");
    check_i64(provider.method, MLB_PROVIDER_INFERRED);
    check_contains(provider.candidates, "aws p5.48xlarge, ");
    check_true(strlen(provider.candidates) < sizeof provider.candidates);
    check_u64(listed(&provider) + others(&provider), fitting(*state, &row));
    check_true(others(&provider) > 0);
    check_text(provider.evidence, "hardware");
    check_true(mlb_provider_text(&provider, text, sizeof text));
    check_contains(text, "one of aws p5.48xlarge, ");
    check_contains(text, ", INFERRED from the hardware");
}

static int open_catalog(void **state)
{
    struct mlb_error err = {0};
    struct mlb_catalog *catalog = NULL;
    check_ok(mlb_catalog_open(&catalog, FOLDER, NULL, &err), &err);
    *state = catalog;
    return 0;
}

static int close_catalog(void **state)
{
    mlb_catalog_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_are_guessed),
        cmocka_unit_test(what_a_job_was_given_tells_nothing),
        cmocka_unit_test(several_that_fit_are_candidates),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
