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
#define HYPERPOD_FILE  "/opt/ml/config/resource_config.json" /* root alone may read it */

/* A launcher is known by a variable or a file of its own. The first row that fits names what
 * started the job, so the managed services stand before what they are built on; the first of them
 * with a provider names that: SkyPilot, dstack and Slurm start jobs on RunPod's machines too.
 * Sources: aws/sagemaker-training-toolkit, awslabs/awsome-distributed-training (HyperPod), Azure
 * Machine Learning and Vertex AI "environment variables" pages, AWS Batch, SkyPilot, dstack and
 * RunPod documentation, Kubernetes and Slurm manuals. */
struct launcher {
    const char *runtime, *provider, *service;
    const char *variable, *file; /* either may be NULL; both = either */
    const char *holds;           /* of a variable that others use too, what it says here; NULL */
};

static const struct launcher launchers[] = {
    {"sagemaker", "aws", "sagemaker", "TRAINING_JOB_ARN", SAGEMAKER_FILE, NULL},
    {"sagemaker", "aws", "sagemaker", "SM_CURRENT_HOST", NULL, NULL},
    {"", "aws", "sagemaker", NULL, HYPERPOD_FILE, NULL}, /* under Slurm, whose row names that */
    {"azureml", "azure", "azureml", "AZUREML_RUN_ID", NULL, NULL},
    {"azureml", "azure", "azureml", "AZ_BATCHAI_MPI_MASTER_NODE", NULL, NULL},
    {"vertex", "gcp", "vertex", "CLUSTER_SPEC", NULL, "\"environment\""},
    {"vertex", "gcp", "vertex", "CLOUD_ML_JOB_ID", NULL, NULL},
    {"batch", "aws", "batch", "AWS_BATCH_JOB_ID", NULL, NULL},
    {"skypilot", "", "", "SKYPILOT_TASK_ID", NULL, NULL},
    {"dstack", "", "", "DSTACK_RUN_NAME", NULL, NULL},
    {"runpod", "runpod", "", "RUNPOD_POD_ID", NULL, NULL},
    {"slurm", "", "", "SLURM_JOB_ID", NULL, NULL},
    {"kubernetes", "", "", "KUBERNETES_SERVICE_HOST", NULL, NULL},
    {"kubernetes", "", "", "K_MPI_JOB_ROLE", NULL, NULL},
};

static bool has_file(const char *root, const char *path)
{
    char full[512];
    return path && mlb_format(full, sizeof full, "%s%s", root, path) && access(full, F_OK) == 0;
}

static bool fits(const struct launcher *launcher, const char *root)
{
    const char *value = launcher->variable ? getenv(launcher->variable) : NULL;
    if (value && value[0] && (!launcher->holds || strstr(value, launcher->holds)))
        return true;
    return has_file(root, launcher->file);
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

static void take(const struct launcher *launcher, struct mlb_provider *found)
{
    const char *variable = launcher->variable;
    if (!found->runtime[0])
        mlb_format(found->runtime, sizeof found->runtime, "%s", launcher->runtime);
    if (found->name[0] || !launcher->provider[0])
        return;
    mlb_format(found->name, sizeof found->name, "%s", launcher->provider);
    mlb_format(found->service, sizeof found->service, "%s", launcher->service);
    mlb_provider_evidence(found, variable && getenv(variable) ? variable : "job's files");
}

void mlb_provider_of_job(const char *root, struct mlb_provider *found)
{
    memset(found, 0, sizeof *found);
    for (size_t i = 0; i < sizeof launchers / sizeof launchers[0]; i++)
        if (fits(&launchers[i], root))
            take(&launchers[i], found);
    if (strcmp(found->service, "sagemaker") == 0)
        read_sagemaker(root, found);
    if (strcmp(found->name, "runpod") == 0)
        read_runpod(found);
}
