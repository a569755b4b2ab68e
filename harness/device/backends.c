/* SPDX-License-Identifier: Apache-2.0 */
/* In a file of its own so that a test can link another table instead (tests/fake). */
#include "harness/device/device.h"

const struct mlb_backend *const mlb_backends[] = {&mlb_backend_cuda, &mlb_backend_cpu, NULL};
