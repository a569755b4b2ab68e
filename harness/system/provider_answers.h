/* SPDX-License-Identifier: Apache-2.0 */
/* Pure: what a service or a job's file answered, made into names. Nothing is believed that does not
 * have the form it should have; then false, and `found` is as it was. */
#ifndef MLB_SYSTEM_PROVIDER_ANSWERS_H
#define MLB_SYSTEM_PROVIDER_ANSWERS_H

#include "harness/system/provider.h"

/* One word of letters, digits and . _ : / + - that fits; blanks around it are dropped. */
bool mlb_answer_word(const char *text, char *to, size_t size);

typedef bool mlb_answer_reader(const char *text, struct mlb_provider *found);

mlb_answer_reader mlb_answer_aws_type;  /* "p5.48xlarge" */
mlb_answer_reader mlb_answer_aws_zone;  /* "us-east-1a", "us-west-2-lax-1a": zone and region */
mlb_answer_reader mlb_answer_aws_life;  /* "spot", "on-demand", "capacity-block" */
mlb_answer_reader mlb_answer_gcp_type;  /* "projects/1/machineTypes/a3-highgpu-8g" */
mlb_answer_reader mlb_answer_gcp_zone;  /* "projects/1/zones/us-central1-a": zone and region */
mlb_answer_reader mlb_answer_gcp_spot;  /* "TRUE", "FALSE" */
mlb_answer_reader mlb_answer_azure;     /* the document of "compute" */
mlb_answer_reader mlb_answer_oci_shape; /* "BM.GPU.H100.8" */
mlb_answer_reader mlb_answer_oci_region;
mlb_answer_reader mlb_answer_oci_zone;
mlb_answer_reader mlb_answer_sagemaker; /* resourceconfig.json */

#endif
