/* SPDX-License-Identifier: Apache-2.0 */
/* Found before the real bulk.cuh when a test compiles a kernel for the CPU. */
#include "tests/emulate/emulate.hpp"
