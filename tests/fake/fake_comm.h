/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks for tests of the harness: this process is rank 0, the others do the same as it in every
 * exchange. */
#ifndef MLB_TESTS_FAKE_COMM_H
#define MLB_TESTS_FAKE_COMM_H

#include "harness/measure/comm.h"

struct fake_comm {
    struct mlb_comm comm; /* first */
    size_t watches, unwatches, broadcasts, line_ups;
    enum mlb_status broken; /* not MLB_OK: every exchange fails with it */
};

/* `size` ranks; free of resources. */
void fake_comm_init(struct fake_comm *fake, int size);

#endif
