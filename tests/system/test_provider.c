/* SPDX-License-Identifier: Apache-2.0 */
/* Whose machine it is, by word, job and firmware, without a network: made-up files and variables.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/system/provider.h"
#include "tests/system/files.h"

#define DMI      "/sys/class/dmi/id/"
#define ML       "/opt/ml/input/config/resourceconfig.json"
#define HYPERPOD "/opt/ml/config/resource_config.json"
#define AZURE    "7783-7084-3265-9085-8269-3286-77"

struct pair {
    const char *name, *text;
};

struct row {
    const char *what;
    struct pair files[4], variables[4];
    const char *option_name, *option_instance;
    const char *says;     /* as text; "" = nothing is known */
    const char *evidence; /* whole */
};

static const struct row rows[] = {
    {.what = "nothing", .says = "", .evidence = ""},
    {.what = "Nitro",
     .files = {{DMI "sys_vendor", "Amazon EC2\n"}, {DMI "product_name", "p5.48xlarge\n"}},
     .says = "aws p5.48xlarge, by the firmware",
     .evidence = "DMI sys_vendor; DMI product_name"},
    {.what = "before Nitro",
     .files = {{DMI "sys_vendor", "Xen\n"},
               {DMI "bios_version", "4.11.amazon\n"},
               {DMI "product_name", "HVM domU\n"}},
     .says = "aws instance unknown, by the firmware",
     .evidence = "DMI bios_version"},
    {.what = "Google",
     .files = {{DMI "sys_vendor", "Google\n"}, {DMI "product_name", "Google Compute Engine\n"}},
     .says = "gcp instance unknown, by the firmware",
     .evidence = "DMI product_name"},
    {.what = "Azure",
     .files = {{DMI "sys_vendor", "Microsoft Corporation\n"},
               {DMI "product_name", "Virtual Machine\n"},
               {DMI "chassis_asset_tag", AZURE "\n"}},
     .says = "azure instance unknown, by the firmware",
     .evidence = "DMI chassis_asset_tag"},
    {.what = "Hyper-V of somebody",
     .files = {{DMI "sys_vendor", "Microsoft Corporation\n"},
               {DMI "product_name", "Virtual Machine\n"},
               {DMI "chassis_asset_tag", "0000\n"}},
     .says = "",
     .evidence = ""},
    {.what = "Oracle",
     .files = {{DMI "sys_vendor", "QEMU\n"}, {DMI "chassis_asset_tag", "OracleCloud.com\n"}},
     .says = "oci instance unknown, by the firmware",
     .evidence = "DMI chassis_asset_tag"},
    {.what = "a maker's name in a container",
     .files = {{DMI "sys_vendor", "Supermicro\n"}},
     .says = "",
     .evidence = ""},
    {.what = "SageMaker",
     .files = {{ML, "{\"current_host\":\"algo-1\",\"current_instance_type\":\"ml.p5.48xlarge\"}"},
               {DMI "sys_vendor", "Amazon EC2\n"},
               {DMI "product_name", "p5.48xlarge\n"}},
     .variables = {{"AWS_REGION", "us-west-2"}},
     .says = "aws sagemaker ml.p5.48xlarge us-west-2, by the job's environment",
     .evidence = "job's files; resourceconfig.json"},
    {.what = "SageMaker with an older file",
     .files = {{ML, "{\"current_host\":\"algo-1\",\"hosts\":[\"algo-1\"]}"}},
     .variables = {{"TRAINING_JOB_ARN", "arn:aws:sagemaker:us-east-1:123456789012:training-job/x"}},
     .says = "aws sagemaker instance unknown, by the job's environment",
     .evidence = "TRAINING_JOB_ARN"},
    {.what = "HyperPod, whose file root alone may read",
     .files = {{HYPERPOD, ""},
               {DMI "sys_vendor", "Amazon EC2\n"},
               {DMI "product_name", "p5.48xlarge\n"}},
     .variables = {{"SLURM_JOB_ID", "7"}},
     .says = "aws sagemaker p5.48xlarge, by the firmware, under slurm",
     .evidence = "job's files; DMI sys_vendor; DMI product_name"},
    {.what = "Azure ML on Slurm's own variables",
     .variables = {{"AZUREML_RUN_ID", "secret-run"}, {"SLURM_JOB_ID", "7"}},
     .says = "azure azureml instance unknown, by the job's environment",
     .evidence = "AZUREML_RUN_ID"},
    {.what = "Vertex",
     .variables = {{"CLUSTER_SPEC", "{\"cluster\":{},\"environment\":\"cloud\"}"}},
     .says = "gcp vertex instance unknown, by the job's environment",
     .evidence = "CLUSTER_SPEC"},
    {.what = "Batch on Nitro",
     .files = {{DMI "sys_vendor", "Amazon EC2\n"}, {DMI "product_name", "p4d.24xlarge\n"}},
     .variables = {{"AWS_BATCH_JOB_ID", "0123"}},
     .says = "aws batch p4d.24xlarge, by the firmware",
     .evidence = "AWS_BATCH_JOB_ID; DMI sys_vendor; DMI product_name"},
    {.what = "RunPod on somebody's machine",
     .files = {{DMI "sys_vendor", "Supermicro\n"}},
     .variables = {{"RUNPOD_POD_ID", "abc"}, {"RUNPOD_DC_ID", "US-TX-3"}},
     .says = "runpod instance unknown US-TX-3, by the job's environment",
     .evidence = "RUNPOD_POD_ID"},
    {.what = "RunPod under SkyPilot and Kubernetes",
     .variables = {{"SKYPILOT_TASK_ID", "sky-1"},
                   {"RUNPOD_POD_ID", "abc"},
                   {"RUNPOD_DC_ID", "US-TX-3"},
                   {"KUBERNETES_SERVICE_HOST", "10.0.0.1"}},
     .says = "runpod instance unknown US-TX-3, by the job's environment, under skypilot",
     .evidence = "RUNPOD_POD_ID"},
    {.what = "a variable of Vertex's name that is another's",
     .files = {{DMI "sys_vendor", "Amazon EC2\n"}, {DMI "product_name", "p5.48xlarge\n"}},
     .variables = {{"CLUSTER_SPEC", "nodes=4"}},
     .says = "aws p5.48xlarge, by the firmware",
     .evidence = "DMI sys_vendor; DMI product_name"},
    {.what = "Slurm alone",
     .variables = {{"SLURM_JOB_ID", "7"}},
     .says = "provider unknown, under slurm",
     .evidence = ""},
    {.what = "a pod that was told",
     .variables = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                   {"MLBENCH_PROVIDER", "CoreWeave"},
                   {"MLBENCH_INSTANCE_TYPE", "gd-8xh100ib-i128"},
                   {"MLBENCH_REGION", "US-EAST-04"}},
     .says = "coreweave gd-8xh100ib-i128 US-EAST-04, as you say, under kubernetes",
     .evidence = "MLBENCH_PROVIDER; MLBENCH_INSTANCE_TYPE; MLBENCH_REGION"},
    {.what = "the option before the variable",
     .variables = {{"MLBENCH_PROVIDER", "gcp"}},
     .option_name = "aws",
     .option_instance = "p5.48xlarge",
     .says = "aws p5.48xlarge, as you say",
     .evidence = "--provider; --instance"},
    {.what = "an instance by SageMaker's name",
     .option_name = "aws",
     .option_instance = "ml.p5.48xlarge",
     .says = "aws sagemaker ml.p5.48xlarge, as you say",
     .evidence = "--provider; --instance"},
    {.what = "the word before the firmware, which says something else",
     .files = {{DMI "sys_vendor", "Amazon EC2\n"}, {DMI "product_name", "p5.48xlarge\n"}},
     .option_name = "lambda",
     .says = "lambda instance unknown, as you say",
     .evidence = "--provider"},
    {.what = "the word for the provider, the firmware for the rest",
     .files = {{DMI "sys_vendor", "Amazon EC2\n"}, {DMI "product_name", "p5.48xlarge\n"}},
     .option_name = "aws",
     .says = "aws p5.48xlarge, by the firmware",
     .evidence = "--provider; DMI sys_vendor; DMI product_name"},
};

/* All that this part of the program reads, so that no test depends on where it runs. */
static void clear_variables(void)
{
    static const char *const names[] = {"TRAINING_JOB_ARN",
                                        "SM_CURRENT_HOST",
                                        "AZUREML_RUN_ID",
                                        "AZ_BATCHAI_MPI_MASTER_NODE",
                                        "CLUSTER_SPEC",
                                        "CLOUD_ML_JOB_ID",
                                        "AWS_REGION",
                                        "AWS_BATCH_JOB_ID",
                                        "SKYPILOT_TASK_ID",
                                        "DSTACK_RUN_NAME",
                                        "RUNPOD_POD_ID",
                                        "RUNPOD_DC_ID",
                                        "SLURM_JOB_ID",
                                        "K_MPI_JOB_ROLE",
                                        "KUBERNETES_SERVICE_HOST",
                                        "MLBENCH_PROVIDER",
                                        "MLBENCH_INSTANCE_TYPE",
                                        "MLBENCH_REGION"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    setenv("MLBENCH_METADATA", "off", 1);
}

static void check_row(const struct row *row)
{
    struct files files = make_files();
    struct mlb_provider_search *search;
    struct mlb_provider provider;
    struct mlb_error err = {0};
    char text[512];
    clear_variables();
    for (size_t i = 0; i < 4 && row->files[i].name; i++)
        put_file(&files, row->files[i].name, row->files[i].text);
    for (size_t i = 0; i < 4 && row->variables[i].name; i++)
        setenv(row->variables[i].name, row->variables[i].text, 1);
    const struct mlb_provider_query query = {
        .root = files.root, .name = row->option_name, .instance = row->option_instance};
    check_ok(mlb_provider_begin(&query, &search, &err), &err);
    mlb_provider_end(search, &provider);
    remove_files(&files);
    check_true(mlb_provider_text(&provider, text, sizeof text) == (row->says[0] != '\0'));
    check_text(text, row->says);
    check_text(provider.evidence, row->evidence);
    check_true(mlb_provider_known(&provider) == (row->says[0] != '\0'));
}

static void machines_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].what);
        check_row(&rows[i]);
    }
}

static void words_that_are_no_names(void **state)
{
    (void)state;
    struct mlb_provider_search *search;
    struct mlb_error err = {0};
    clear_variables();
    const struct mlb_provider_query spaced = {.root = "", .name = "A W S"};
    check_fails(mlb_provider_begin(&spaced, &search, &err), MLB_E_USAGE, &err,
                "--provider 'A W S': a name of at most 23 letters");
    check_true(search == NULL);
    setenv("MLBENCH_INSTANCE_TYPE", "p5;rm", 1);
    const struct mlb_provider_query none = {.root = "", .name = ""};
    check_fails(mlb_provider_begin(&none, &search, &err), MLB_E_USAGE, &err,
                "MLBENCH_INSTANCE_TYPE 'p5;rm'");
    unsetenv("MLBENCH_INSTANCE_TYPE");
    mlb_provider_end(NULL, NULL);
}

static void candidates_are_no_fact(void **state)
{
    (void)state;
    char text[512];
    struct mlb_provider provider = {.candidates = "aws p5.48xlarge, oci BM.GPU.H100.8",
                                    .method = MLB_PROVIDER_INFERRED};
    check_true(mlb_provider_text(&provider, text, sizeof text));
    check_text(text, "one of aws p5.48xlarge, oci BM.GPU.H100.8, INFERRED from the hardware");
    provider = (struct mlb_provider){
        .name = "aws", .candidates = "aws a1.b, aws c1.d", .method = MLB_PROVIDER_DMI};
    mlb_provider_text(&provider, text, sizeof text);
    check_text(text, "aws, one of aws a1.b, aws c1.d, INFERRED from the hardware");
    provider = (struct mlb_provider){.name = "aws",
                                     .instance = "p5.48xlarge",
                                     .zone = "us-east-1a",
                                     .region = "us-east-1",
                                     .purchase = "spot",
                                     .runtime = "slurm",
                                     .method = MLB_PROVIDER_METADATA};
    mlb_provider_text(&provider, text, sizeof text);
    check_text(text, "aws p5.48xlarge us-east-1a (spot), by metadata, under slurm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_are_known),
        cmocka_unit_test(words_that_are_no_names),
        cmocka_unit_test(candidates_are_no_fact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
