/* SPDX-License-Identifier: Apache-2.0 */
/* What a job is told by what started it. Variables' values go no further but for names of places
 * and instances: job names, ARNs and addresses are the user's. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/text.h"
#include "harness/system/procfs.h"
#include "harness/system/provider_answers.h"
#include "harness/system/provider_parts.h"

#define SAGEMAKER_FILE "/opt/ml/input/config/resourceconfig.json"

/* A launcher is known by a variable or a file of its own; the first row that fits counts, so the
 * managed services stand before what they are built on. Sources: aws/sagemaker-training-toolkit,
 * Azure Machine Learning and Vertex AI "environment variables" pages, AWS Batch, SkyPilot, dstack
 * and RunPod documentation, Kubernetes and Slurm manuals. */
struct launcher {
    const char *runtime, *provider, *service;
    const char *variable, *file; /* either may be NULL; both = either */
};

static const struct launcher launchers[] = {
    {"sagemaker", "aws", "sagemaker", "TRAINING_JOB_ARN", SAGEMAKER_FILE},
    {"sagemaker", "aws", "sagemaker", "SM_CURRENT_HOST", NULL},
    {"azureml", "azure", "azureml", "AZUREML_RUN_ID", NULL},
    {"azureml", "azure", "azureml", "AZ_BATCHAI_MPI_MASTER_NODE", NULL},
    {"vertex", "gcp", "vertex", "CLUSTER_SPEC", NULL},
    {"vertex", "gcp", "vertex", "CLOUD_ML_JOB_ID", NULL},
    {"batch", "aws", "batch", "AWS_BATCH_JOB_ID", NULL},
    {"skypilot", "", "", "SKYPILOT_TASK_ID", NULL},
    {"dstack", "", "", "DSTACK_RUN_NAME", NULL},
    {"runpod", "runpod", "", "RUNPOD_POD_ID", NULL},
    {"slurm", "", "", "SLURM_JOB_ID", NULL},
    {"kubernetes", "", "", "KUBERNETES_SERVICE_HOST", NULL},
    {"kubernetes", "", "", "K_MPI_JOB_ROLE", NULL},
};

static bool has_file(const char *root, const char *path)
{
    char full[512];
    return path && mlb_format(full, sizeof full, "%s%s", root, path) && access(full, R_OK) == 0;
}

static bool fits(const struct launcher *launcher, const char *root)
{
    const char *value = launcher->variable ? getenv(launcher->variable) : NULL;
    return (value && value[0]) || has_file(root, launcher->file);
}

static void read_sagemaker(const char *root, struct mlb_provider *found)
{
    char text[4096];
    if (mlb_procfs_read(root, SAGEMAKER_FILE, text, sizeof text) &&
        mlb_answer_sagemaker(text, found))
        mlb_provider_evidence(found, "resourceconfig.json");
    const char *region = getenv("AWS_REGION");
    if (region && !mlb_answer_word(region, found->region, sizeof found->region))
        found->region[0] = '\0';
}

static void read_runpod(struct mlb_provider *found)
{
    const char *place = getenv("RUNPOD_DC_ID");
    if (place && !mlb_answer_word(place, found->region, sizeof found->region))
        found->region[0] = '\0';
}

void mlb_provider_of_job(const char *root, struct mlb_provider *found)
{
    memset(found, 0, sizeof *found);
    for (size_t i = 0; i < sizeof launchers / sizeof launchers[0]; i++) {
        const struct launcher *launcher = &launchers[i];
        if (!fits(launcher, root))
            continue;
        mlb_format(found->runtime, sizeof found->runtime, "%s", launcher->runtime);
        mlb_format(found->name, sizeof found->name, "%s", launcher->provider);
        mlb_format(found->service, sizeof found->service, "%s", launcher->service);
        if (found->name[0])
            mlb_provider_evidence(found, launcher->variable && getenv(launcher->variable)
                                             ? launcher->variable
                                             : "job's files");
        break;
    }
    if (strcmp(found->service, "sagemaker") == 0)
        read_sagemaker(root, found);
    if (strcmp(found->name, "runpod") == 0)
        read_runpod(found);
}
