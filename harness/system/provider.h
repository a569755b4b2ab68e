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
#include <stddef.h>

#include "harness/base/log.h"
#include "harness/base/status.h"

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

/* What a search starts from. Texts and log are the caller's and outlive the search. */
struct mlb_provider_query {
    const char *root;            /* before every path of a file: "" = this machine */
    const char *name, *instance; /* the command line's --provider and --instance; "" */
    const struct mlb_log *log;   /* what was asked and what answered; NULL = nobody listens */
};

/* Reads variables and files, in well under a millisecond, and starts asking the service that they
 * point to, in a thread of its own: MLB_PROVIDER_BUDGET_S at most. A machine's first rank alone
 * does this: services allow few questions a second. Errors: MLB_E_USAGE for a word of the user's
 * that is no name; MLB_E_NOMEM. *search is NULL then. */
#define MLB_PROVIDER_BUDGET_S 2.0
struct mlb_provider_search;
enum mlb_status mlb_provider_begin(const struct mlb_provider_query *query,
                                   struct mlb_provider_search **search, struct mlb_error *err);
/* Waits for the answers and frees the search; `found` NULL = nobody wants them. NULL is fine. */
void mlb_provider_end(struct mlb_provider_search *search, struct mlb_provider *found);

/* Adds "; what" to the evidence. */
void mlb_provider_evidence(struct mlb_provider *provider, const char *what);

/* Is there anything that a record can say? */
bool mlb_provider_known(const struct mlb_provider *provider);

/* "aws p5.48xlarge us-east-1a (spot), by metadata"; false when nothing is known. */
bool mlb_provider_text(const struct mlb_provider *provider, char *to, size_t size);

#endif
