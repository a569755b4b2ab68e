/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/surcharge.h"

#include <stddef.h>
#include <string.h>

/* 63.29 / 55.04 and 25.25 / 21.96 are 1.150 both; 33.52 / 27.45 of p4de is 1.22. */
static const struct {
    const char *provider, *service;
    double ratio;
    const char *source;
} ratios[] = {{"aws", "sagemaker", 1.15,
               "ml.p5.48xlarge 63.29 against 55.04 $/h, ml.p4d.24xlarge 25.25 against 21.96 $/h, "
               "us-east-1"}};

struct mlb_surcharge mlb_surcharge(const char *provider, const char *service,
                                   double service_usd_per_hour, double plain_usd_per_hour)
{
    if (service_usd_per_hour > 0.0 && plain_usd_per_hour > 0.0)
        return (struct mlb_surcharge){
            .known = true, .listed = true, .ratio = service_usd_per_hour / plain_usd_per_hour};
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++)
        if (strcmp(ratios[i].provider, provider) == 0 && strcmp(ratios[i].service, service) == 0)
            return (struct mlb_surcharge){
                .known = true, .ratio = ratios[i].ratio, .source = ratios[i].source};
    return (struct mlb_surcharge){0};
}

const char *mlb_surcharge_service(const char *provider)
{
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++)
        if (strcmp(ratios[i].provider, provider) == 0)
            return ratios[i].service;
    return NULL;
}
