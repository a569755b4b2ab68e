/* SPDX-License-Identifier: Apache-2.0 */
/* Which instances of the catalog a machine's hardware fits, where nothing says what it is. A guess:
 * the same GPUs, CPUs and cards are rented under several names. */
#ifndef MLB_ANALYSIS_FINGERPRINT_H
#define MLB_ANALYSIS_FINGERPRINT_H

#include <stdbool.h>

#include "harness/catalog/catalog.h"
#include "harness/system/fabric.h"
#include "harness/system/provider.h"

/* What is known of one machine's hardware. */
struct mlb_fingerprint {
    const char *gpu; /* as the driver says: "NVIDIA H100 80GB HBM3" */
    int gpus;
    const char *cpu; /* "AMD EPYC 7R13 Processor"; "" unknown */
    const struct mlb_fabric *fabric;
    int present; /* GPUs that the buses show: what a job is given of eight says nothing of them */
};

/* Could a machine with this hardware be that instance? Only what both sides know can speak against
 * it: GPUs, the CPU's model, kind and number of network ports, what only one provider has. */
bool mlb_fingerprint_fits(const struct mlb_fingerprint *print, const struct mlb_instance *instance);

/* Fills what `provider` lacks. No instance: the only one that fits, of its provider where that is
 * known, marked as inferred; or all of them as candidates. An instance without a provider: the one
 * provider that has an instance of this name. */
void mlb_fingerprint_fill(const struct mlb_fingerprint *print, const struct mlb_catalog *catalog,
                          struct mlb_provider *provider);

/* Is there anything that the catalog could add? Not to a machine that has more GPUs than are
 * seen. */
bool mlb_fingerprint_helps(const struct mlb_fingerprint *print,
                           const struct mlb_provider *provider);

#endif
