/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/provider.h"

#include <stddef.h>

const char *const mlb_provider_method_names[] = {"unknown",  "user",     "job", "dmi",
                                                 "metadata", "inferred", NULL};
