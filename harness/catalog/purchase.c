/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/catalog/catalog.h"

const char *const mlb_purchase_names[] = {"on_demand",   "spot",           "reserved_1y",
                                          "reserved_3y", "capacity_block", NULL};
