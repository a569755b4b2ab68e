/* SPDX-License-Identifier: Apache-2.0 */
/* What is fed with any bytes at all. A target ends the process (abort) when a promise is broken. */
#ifndef MLB_TESTS_FUZZ_TARGETS_H
#define MLB_TESTS_FUZZ_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes as a JSON document; true when it was taken, false when it was refused. */
bool fuzz_json(const uint8_t *data, size_t size);

#endif
