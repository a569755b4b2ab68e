/* SPDX-License-Identifier: Apache-2.0 */
/* Whose machine this is: provider, instance, region, and how we know.
 *
 * Asked in this order, and what is known stays: the user's word; the job's environment (SageMaker,
 * AzureML, Vertex AI, AWS Batch, SkyPilot, dstack, RunPod, Kubernetes, Slurm); the firmware's
 * tables (DMI); the one metadata service that these point to. Names only: no account, no instance
 * id, no host name. */
#ifndef MLB_SYSTEM_PROVIDER_H
#define MLB_SYSTEM_PROVIDER_H

#include <stdbool.h>

/* How it is known, the strongest first. MLB_PROVIDER_INFERRED is a guess from the hardware. */
enum mlb_provider_method {
    MLB_PROVIDER_UNKNOWN,
    MLB_PROVIDER_USER,     /* --provider, --instance, MLBENCH_PROVIDER, MLBENCH_INSTANCE_TYPE */
    MLB_PROVIDER_JOB,      /* variables and files of a managed job */
    MLB_PROVIDER_DMI,      /* /sys/class/dmi/id */
    MLB_PROVIDER_METADATA, /* the provider's own service */
    MLB_PROVIDER_INFERRED  /* GPUs, CPU and network cards fit an instance of the catalog */
};
extern const char *const mlb_provider_method_names[]; /* "unknown", "user", ... NULL-terminated */

/* What is not known is "". Record: provider: { name, service, instance, region, zone, purchase,
 * runtime, method, evidence, candidates }. */
struct mlb_provider {
    char name[24];     /* "aws", "gcp", "azure", "oci", "lambda", ...: of configs/catalog */
    char service[24];  /* "sagemaker", "azureml", "vertex", "batch"; "" = the plain machine */
    char instance[64]; /* "p5.48xlarge", "a3-highgpu-8g", "Standard_ND96isr_H100_v5", ... */
    char region[40];   /* "us-east-1" */
    char zone[40];     /* "us-east-1a" */
    char purchase[24]; /* "on_demand", "spot", "capacity_block", ... as mlb_purchase_names */
    char runtime[24];  /* what started the job: "slurm", "kubernetes", "sagemaker", ... */
    enum mlb_provider_method method; /* of the instance, or of the name where there is none */
    char evidence[160];              /* "DMI product_name; metadata instance-type" */
    char candidates[160]; /* inferred and several fit: "aws p5.48xlarge, oci BM.GPU.H100.8" */
};

#endif
