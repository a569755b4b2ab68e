/* SPDX-License-Identifier: Apache-2.0 */
/* A family of attention kernels that runs on the CPU device by emulation. */
#ifndef MLB_TESTS_KERNELS_EMULATED_ATTENTION_H
#define MLB_TESTS_KERNELS_EMULATED_ATTENTION_H

#include "kernels/attention/attention_own.h"

/* The seed of the context chooses the order in which threads take turns, too. */
extern const struct mlb_attention_family emulated_attention;

#endif
