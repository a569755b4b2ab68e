/* SPDX-License-Identifier: Apache-2.0 */
/* Why ranks may not hear of one another, as far as this machine can tell: for messages. */
#ifndef MLB_COLLECTIVES_CAUSES_H
#define MLB_COLLECTIVES_CAUSES_H

#include <stdatomic.h>
#include <stdbool.h>

#include "harness/base/text.h"
#include "harness/system/carrier.h"

struct mlb_causes {
    const char *host;       /* this machine's name; must outlive it */
    struct mlb_carriers up; /* when the job began */
    _Atomic bool started;   /* ranks have met: until then there is more to suspect */
};

void mlb_causes_open(struct mlb_causes *causes, const char *host);

/* A link of this machine was lost: it need not wait for another one to speak first. */
bool mlb_causes_known(const struct mlb_causes *causes);

/* Adds "; eth0 of node3 was up at the start and is down now", and before the ranks have met what
 * keeps them from it. Adds nothing where nothing is known. `causes`: struct mlb_causes. */
void mlb_causes_add(const void *causes, struct mlb_text *line);

#endif
