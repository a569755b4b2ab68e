/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include <unistd.h>

#include "harness/analysis/peak.h"

static void open_table(struct mlb_peaks *peaks)
{
    struct mlb_error err = {0};
    check_ok(mlb_peaks_open(peaks, MLB_TEST_SOURCE_DIR "/configs/devices.json", &err), &err);
}

static struct mlb_device_info gpu(const char *name, uint32_t units)
{
    struct mlb_device_info info = {.kind = "cuda", .units = units};
    snprintf(info.name, sizeof info.name, "%s", name);
    return info;
}

static struct mlb_row gemm_row(const char *dtype, bool operations)
{
    struct mlb_row row = {.device = "cuda", .work = {.flop = 1e12, .operations = operations}};
    row.param_count = 2;
    row.params[0] = (struct mlb_param){"m", "8192"};
    row.params[1] = (struct mlb_param){.name = "dtype"};
    snprintf(row.params[1].value, sizeof row.params[1].value, "%s", dtype);
    return row;
}

static struct mlb_row memory_row(void)
{
    return (struct mlb_row){.device = "cuda", .work = {.bytes = 1e9}};
}

/* Names as devices give them. 0: no peak, because the figures of that part are not verified or the
 * name is of a part of a GPU. */
static void test_real_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t units; /* 0: unknown */
        double bf16, bytes;
    } table[] = {
        {"NVIDIA A100-SXM4-40GB", 108, 312e12, 1555e9},
        {"A100-SXM4-40GB", 108, 312e12, 1555e9},
        {"NVIDIA A100-SXM4-80GB", 108, 312e12, 2039e9},
        {"NVIDIA A100-PCIE-40GB", 108, 312e12, 1555e9},
        {"NVIDIA A100 80GB PCIe", 108, 312e12, 1935e9},
        {"NVIDIA H100 80GB HBM3", 132, 989e12, 3350e9},
        {"NVIDIA H100 80GB HBM3", 0, 989e12, 3350e9},
        {"NVIDIA H100 PCIe", 114, 756e12, 2000e9},
        {"NVIDIA H200", 132, 989e12, 4800e9},
        {"NVIDIA B200", 148, 2250e12, 7700e9},
        {"NVIDIA GB200", 152, 2500e12, 8000e9},
        {"NVIDIA GB200", 148, 2500e12, 8000e9},
        {"NVIDIA H100 NVL", 132, 0, 0},
        {"NVIDIA H200 NVL", 132, 0, 0},
        {"NVIDIA GH200 480GB", 132, 0, 0},
        {"NVIDIA GH200 120GB", 132, 0, 0},
        {"NVIDIA H100 64GB HBM3", 132, 0, 0},
        {"NVIDIA H800", 132, 0, 0},
        {"NVIDIA H800 PCIe", 114, 0, 0},
        {"NVIDIA H20", 78, 0, 0},
        {"NVIDIA H20-3e", 78, 0, 0},
        {"NVIDIA A800-SXM4-80GB", 108, 0, 0},
        {"NVIDIA A100-SXM-64GB", 124, 0, 0},
        {"NVIDIA A100X", 108, 0, 0},
        {"NVIDIA A100-SXM4-80GB MIG 3g.40gb", 42, 0, 0},
        {"NVIDIA H100 80GB HBM3 MIG 1g.10gb", 16, 0, 0},
        {"NVIDIA H100 80GB HBM3", 114, 0, 0}, /* fewer SMs than the part has */
        {"GRID A100-40C", 108, 0, 0},
        {"NVIDIA B300", 148, 0, 0},
        {"NVIDIA B300 SXM6 AC", 148, 0, 0},
        {"NVIDIA GB300", 152, 0, 0},
        {"NVIDIA B100", 148, 0, 0},
        {"NVIDIA L40S", 142, 0, 0},
        {"NVIDIA A10G", 80, 0, 0},
        {"Tesla V100-SXM2-16GB", 80, 0, 0},
        {"Tesla T4", 40, 0, 0},
        {"NVIDIA GeForce RTX 4090", 128, 0, 0},
        {"nvidia h200", 132, 0, 0},
        {"NVIDIA H200 ", 132, 0, 0},
        {"H200", 132, 0, 0},
        {"", 132, 0, 0},
    };
    struct mlb_peaks peaks = {0};
    open_table(&peaks);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_device_info info = gpu(table[i].name, table[i].units);
        struct mlb_row gemm = gemm_row("bf16", false), memory = memory_row();
        struct mlb_peak flop = mlb_peak_of_row(&peaks, &info, &gemm);
        struct mlb_peak bytes = mlb_peak_of_row(&peaks, &info, &memory);
        if (flop.known != (table[i].bf16 > 0) || bytes.known != (table[i].bytes > 0))
            print_error("%s with %u units\n", table[i].name, table[i].units);
        check_true(flop.known == (table[i].bf16 > 0));
        check_true(bytes.known == (table[i].bytes > 0));
        check_close(flop.value, table[i].bf16, 0);
        check_close(bytes.value, table[i].bytes, 0);
        if (flop.known)
            check_contains(flop.source, "datasheet");
    }
    mlb_peaks_close(&peaks);
}

static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *device, *dtype;
        bool operations;
        double peak; /* 0: unknown */
    } table[] = {
        {"NVIDIA H100 80GB HBM3", "f64", false, 67e12},
        {"NVIDIA H100 80GB HBM3", "f32", false, 67e12},
        {"NVIDIA H100 80GB HBM3", "tf32", false, 494.5e12},
        {"NVIDIA H100 80GB HBM3", "bf16", false, 989e12},
        {"NVIDIA H100 80GB HBM3", "f16", false, 989e12},
        {"NVIDIA H100 80GB HBM3", "s8", true, 1979e12},
        {"NVIDIA H100 80GB HBM3", "s8", false, 0},
        {"NVIDIA H100 80GB HBM3", "bf16", true, 0},
        {"NVIDIA H100 80GB HBM3", "fp8", false, 0},
        {"NVIDIA H100 80GB HBM3", "", false, 0},
        {"NVIDIA A100-SXM4-80GB", "f32", false, 19.5e12},
        {"NVIDIA A100-SXM4-80GB", "tf32", false, 156e12},
        {"NVIDIA B200", "f64", false, 37e12},
        {"NVIDIA GB200", "s8", true, 5000e12},
    };
    struct mlb_peaks peaks = {0};
    open_table(&peaks);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_device_info info = gpu(table[i].device, 0);
        struct mlb_row row = gemm_row(table[i].dtype, table[i].operations);
        struct mlb_peak peak = mlb_peak_of_row(&peaks, &info, &row);
        check_true(peak.known == (table[i].peak > 0));
        check_close(peak.value, table[i].peak, 0);
        check_true(peak.known == (peak.source != NULL));
    }
    mlb_peaks_close(&peaks);
}

static void test_rows_without_a_peak(void **state)
{
    (void)state;
    struct mlb_peaks peaks = {0}, none = {0};
    struct mlb_device_info info = gpu("NVIDIA H200", 132), cpu = {.kind = "cpu"};
    struct mlb_row memory = memory_row(), collective = memory_row(), on_cpu = memory_row();
    struct mlb_row idle = {.device = "cuda"};
    open_table(&peaks);
    collective.work.bus_factor = 1.75;
    snprintf(on_cpu.device, sizeof on_cpu.device, "cpu");
    snprintf(cpu.name, sizeof cpu.name, "NVIDIA H200");
    check_true(mlb_peak_of_row(&peaks, &info, &memory).known);
    check_true(!mlb_peak_of_row(&peaks, &info, &collective).known);
    check_true(!mlb_peak_of_row(&peaks, &info, &on_cpu).known);
    check_true(!mlb_peak_of_row(&peaks, &cpu, &memory).known);
    check_true(!mlb_peak_of_row(&peaks, &info, &idle).known);
    check_true(!mlb_peak_of_row(&none, &info, &memory).known);
    check_true(!mlb_peak_of_row(NULL, &info, &memory).known);
    mlb_peaks_close(&peaks);
    mlb_peaks_close(&none);
}

/* ------------------------------------------------------------------------------------ strict
 * loading */

static void open_text(const char *text, enum mlb_status *status, struct mlb_error *err)
{
    char path[] = "/tmp/mlb_test_peak_XXXXXX";
    int fd = mkstemp(path);
    check_true(fd >= 0);
    check_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    struct mlb_peaks peaks = {0};
    *status = mlb_peaks_open(&peaks, path, err);
    mlb_peaks_close(&peaks);
    unlink(path);
}

#define DEVICE(rest) "{\"devices\": [\n{\"names\": [\"X\"], \"source\": \"s\", " rest "}]}"

static void test_strict_loading(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part; /* NULL: good */
    } table[] = {
        {"{\"devices\": []}", NULL},
        {DEVICE("\"bytes_per_s\": 1e12"), NULL},
        {"[]", "must be an object"},
        {"{}", "'devices' must be a list"},
        {"{\"devices\": {}}", "'devices' must be a list"},
        {"{\"devices\": [],\n\"gpus\": []}", ":2: unknown key 'gpus'"},
        {"{\"devices\": [\n3]}", ":2: a device must be an object"},
        {"{\"devices\": [{\"names\": [\"X\"],\n\"bytes_per_s\": 1}]}", "needs 'source'"},
        {"{\"devices\": [{\"names\": [\"X\"], \"source\": \"\",\n\"bytes_per_s\": 1}]}",
         "needs 'source'"},
        {"{\"devices\": [{\"source\": \"s\", \"bytes_per_s\": 1}]}", "needs 'names'"},
        {"{\"devices\": [{\"names\": [],\"source\": \"s\", \"bytes_per_s\": 1}]}", "needs 'names'"},
        {"{\"devices\": [{\"names\": [\"X\",\n\"\"],\"source\": \"s\", \"bytes_per_s\": 1}]}",
         ":2: a name must be a text"},
        {"{\"devices\": [{\"names\": [\"X\"],\"source\": \"s\", \"bytes_per_s\": 1},\n"
         "{\"names\": [\"Y\",\n\"X\"],\"source\": \"s\", \"bytes_per_s\": 1}]}",
         ":3: 'X' is the name of a device above"},
        {DEVICE("\"units\": 1"), "needs 'flop_per_s', 'op_per_s' or 'bytes_per_s'"},
        {DEVICE("\n\"bytes_per_s\": 0"), ":3: 'bytes_per_s' must be a number above 0"},
        {DEVICE("\n\"bytes_per_s\": -1"), ":3: 'bytes_per_s' must be a number above 0"},
        {DEVICE("\n\"bytes_per_s\": \"1e12\""), ":3: 'bytes_per_s' must be a number above 0"},
        {DEVICE("\"bytes_per_s\": 1, \"units\": 0"), ":2: 'units' must be a number above 0"},
        {DEVICE("\n\"bytes_pers\": 1"),
         ":3: unknown key 'bytes_pers'; did you mean 'bytes_per_s'?"},
        {DEVICE("\"flop_per_s\": 1e12"), "'flop_per_s' must be an object"},
        {DEVICE("\"flop_per_s\": {\n\"bf17\": 1}"), ":3: unknown key 'bf17'"},
        {DEVICE("\"flop_per_s\": {\n\"bf16\": 0}"), ":3: 'bf16' must be a number above 0"},
        {DEVICE("\"flop_per_s\": {\n\"s8\": 1}"), ":3: 's8' belongs into 'op_per_s'"},
        {DEVICE("\"op_per_s\": {\n\"f32\": 1}"), ":3: 'f32' belongs into 'flop_per_s'"},
        {"{\"devices\": [", ":1: "},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_error err = {0};
        enum mlb_status status = MLB_OK;
        open_text(table[i].text, &status, &err);
        if (table[i].part)
            check_fails(status, MLB_E_CONFIG, &err, table[i].part);
        else
            check_ok(status, &err);
    }
}

static void test_missing_file(void **state)
{
    (void)state;
    struct mlb_peaks peaks = {0};
    struct mlb_error err = {0};
    check_fails(mlb_peaks_open(&peaks, "/nowhere/devices.json", &err), MLB_E_IO, &err,
                "/nowhere/devices.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_names),          cmocka_unit_test(test_types),
        cmocka_unit_test(test_rows_without_a_peak), cmocka_unit_test(test_strict_loading),
        cmocka_unit_test(test_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
