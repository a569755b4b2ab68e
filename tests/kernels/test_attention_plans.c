/* SPDX-License-Identifier: Apache-2.0 */
/* Does cuDNN accept the attention graphs and compile kernels for them? Asked without a GPU, of
 * described devices; libcuda.so.1 is fake_libcuda.c. What is run where is a table, from which every
 * case that a suite asks for follows. It proves that a graph is understood, not that it computes
 * right or fast. */
#include "kernels/attention/attention_graph.h"
#include "kernels/attention/cudnn_plan.h"

#include "tests/kernels/attention_rig.h"

#define SKIP 77

/* The keys are those that CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION reads. */
#define DEVICE(capability, sms, shared, l2, memory, name)                                          \
    "{\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],"                   \
    "\"regsPerBlock\":65536,\"multiProcessorCount\":" #sms ",\"warpSize\":32,"                     \
    "\"maxSharedMemoryPerBlock\":49152,\"maxSharedMemoryPerBlockOptin\":" #shared ","              \
    "\"reservedSharedMemoryPerBlock\":1024,\"maxRegistersPerSM\":65536,\"maxCtasPerSM\":32,"       \
    "\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":2048,\"pciDeviceId\":0,\"isTccDriver\":0,"    \
    "\"supportCoopLaunch\":1,\"totalGlobalMem\":" #memory ",\"smClockRateKHz\":1500000,"           \
    "\"memClockRateKHz\":2000000,\"l2CacheSize\":" #l2 ",\"cudaDeviceId\":0,"                      \
    "\"deviceVer\":" #capability ",\"driverVer\":13000,\"deviceName\":\"" name "\"}"

enum { A100 = 1, H100 = 2, B200 = 4, ALL = A100 | H100 | B200 };

static const struct {
    int bit;
    const char *name, *json;
} devices[] = {
    {A100, "A100", DEVICE(800, 108, 166912, 41943040, 85899345920, "NVIDIA A100-SXM4-80GB")},
    {H100, "H100", DEVICE(900, 132, 232448, 52428800, 85899345920, "NVIDIA H100 80GB HBM3")},
    {B200, "B200", DEVICE(1000, 148, 232448, 132644864, 191503138816, "NVIDIA B200")},
};
#define DEVICES (sizeof devices / sizeof devices[0])

/* Where a plan is to be found; where `on` has no bit the graph must be refused, with a reason. */
struct row {
    int on;
    const char *texts;
};

static const struct row rows[] = {
    /* forward: every width, type and kind of heads */
    {ALL, "tokens=16k seq=2000 heads=32 head_dim=64 causal=true"},
    {ALL, "model=llama3-70b seq=8192 causal=true"},
    {ALL, "dtype=f16 tokens=16k seq=500 heads=16 head_dim=128"},
    {ALL, "heads=8 seq=4096 head_dim=256"},
    {ALL, "model=deepseek-v3 seq=8192 causal=true"},
    {ALL, "model=llama3-8b seq=131072 causal=true"},
    /* backward */
    {ALL, "pass=bwd tokens=16k seq=2000 heads=32 head_dim=64 causal=true"},
    {ALL, "pass=bwd model=llama3-70b seq=8192 causal=true"},
    {ALL, "pass=bwd dtype=f16 tokens=16k seq=500 heads=16 head_dim=128"},
    {H100 | B200, "pass=bwd model=deepseek-v3 seq=8192 causal=true"},
    {H100, "pass=bwd heads=8 seq=4096 head_dim=256"},
    /* 8-bit floats */
    {H100 | B200, "dtype=e4m3 model=llama3-70b seq=8192 causal=true"},
    {H100 | B200, "dtype=e4m3 tokens=16k seq=2000 heads=32 head_dim=64"},
    {H100 | B200, "dtype=e4m3 pass=bwd model=llama3-70b seq=8192 causal=true"},
    {B200, "dtype=e4m3 pass=bwd tokens=16k seq=2000 heads=32 head_dim=64"},
};
#define ROWS (sizeof rows / sizeof rows[0])

static void *describe_device(const struct mlb_cudnn *api, const char *json)
{
    void *device = NULL;
    check_i64(api->call.make(MLB_CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &device), 0);
    check_i64(api->call.set(device, MLB_CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                            MLB_CUDNN_TYPE_CHAR, (int64_t)strlen(json), json),
              0);
    check_i64(api->call.finalize(device), 0);
    return device;
}

/* One line of the table. */
static void print_outcome(const char *device, const struct mlb_attention_params *params,
                          const struct mlb_cudnn_plans *plans, const struct mlb_error *err)
{
    char label[96];
    mlb_attention.label(params, label, sizeof label);
    print_message("%s  %-44s", device, label);
    for (size_t i = 0; i < plans->count; i++)
        print_message(" engine %d, workspace %llu MiB;", (int)plans->list[i].engine,
                      (unsigned long long)(plans->list[i].workspace_bytes >> 20));
    print_message("%s\n", plans->count ? "" : err->text);
}

static void check_row(const struct mlb_cudnn *api, size_t d, void *device, const struct row *row)
{
    struct mlb_attention_params params = attention_params(row->texts);
    struct mlb_cudnn_graph graph = {.api = api};
    struct mlb_cudnn_plans plans = {0};
    struct mlb_cudnn_target target = {.device = device};
    struct mlb_error err = {0};
    bool expected = (row->on & devices[d].bit) != 0;
    if (params.pass == MLB_ATTENTION_FWD)
        mlb_attention_graph_forward(&graph, &params);
    else
        mlb_attention_graph_backward(&graph, &params);
    enum mlb_status status = mlb_cudnn_close_graph(&graph, NULL, &err);
    if (status == MLB_OK)
        status = mlb_cudnn_find_plans(&plans, &graph, &target, 1, UINT64_MAX, &err);
    print_outcome(devices[d].name, &params, &plans, &err);
    if (expected)
        check_ok(status, &err);
    else
        check_fails(status, MLB_E_UNSUPPORTED, &err, "cuDNN: ");
    mlb_cudnn_free_plans(&plans);
    mlb_cudnn_free_graph(&graph);
}

static void test_graphs_are_planned(void **state)
{
    const struct mlb_cudnn *api = *state;
    for (size_t d = 0; d < DEVICES; d++) {
        void *device = describe_device(api, devices[d].json);
        for (size_t r = 0; r < ROWS; r++)
            check_row(api, d, device, &rows[r]);
        api->call.unmake(device);
    }
}

int main(void)
{
    struct mlb_cudnn api = {0};
    struct mlb_error err = {0};
    if (mlb_cudnn_open(&api, &err) != MLB_OK || api.version < 90800) {
        printf("skipped: %s\n", err.text[0] ? err.text : "cuDNN before 9.8 plans on a GPU only");
        return SKIP;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(test_graphs_are_planned, &api)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
