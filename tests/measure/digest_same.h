/* SPDX-License-Identifier: Apache-2.0 */
/* A digest beside the record that was read whole. */
#ifndef MLB_TESTS_MEASURE_DIGEST_SAME_H
#define MLB_TESTS_MEASURE_DIGEST_SAME_H

#include "harness/measure/digest.h"

/* NULL when every member of the digest is that of the record, to the bit; else which one is not. */
const char *digest_differs(const struct mlb_digest *digest, const struct mlb_result *result);

#endif
