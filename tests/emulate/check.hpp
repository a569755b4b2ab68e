/* SPDX-License-Identifier: Apache-2.0 */
/* tests/check.h for tests of emulated kernels, and what a launch failed with. */
#ifndef MLB_TESTS_EMULATE_CHECK_HPP
#define MLB_TESTS_EMULATE_CHECK_HPP

#include <math.h>
#include <stdlib.h>

#include "tests/emulate/emulate.hpp"
#include "tests/emulate/pages.hpp"

extern "C" {
#include "tests/check.h"
}

namespace emulate
{

/* "" when nothing is thrown. */
template <typename Launching> std::string failure_of(Launching launching)
{
    try {
        launching();
    } catch (const Failure &failure) {
        return failure.what();
    }
    return "";
}

} // namespace emulate

#define check_runs(launching) check_text(emulate::failure_of([&] { launching; }).c_str(), "")
#define check_stops(launching, part)                                                               \
    check_contains(emulate::failure_of([&] { launching; }).c_str(), part)

#endif
