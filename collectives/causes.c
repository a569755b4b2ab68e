/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/causes.h"

void mlb_causes_open(struct mlb_causes *causes, const char *host)
{
    causes->host = host;
    atomic_init(&causes->started, false);
    mlb_carriers_read("", &causes->up);
}

static void add_start(const struct mlb_causes *causes, struct mlb_text *line)
{
    struct mlb_text dead = {0};
    mlb_carriers_dead("", &dead);
    if (dead.length > 0)
        mlb_text_addf(line, "; without a signal on %s: %s", causes->host, mlb_text_get(&dead));
    mlb_text_add(line,
                 "; between machines: does one not answer, is there a firewall, is an interface "
                 "down or not on all (mpirun --mca btl_tcp_if_include NIC), IPv4 here and "
                 "IPv6 there?");
    mlb_text_free(&dead);
}

bool mlb_causes_known(const struct mlb_causes *causes)
{
    struct mlb_text lost = {0};
    mlb_carriers_lost("", &causes->up, &lost);
    bool known = lost.length > 0;
    mlb_text_free(&lost);
    return known;
}

void mlb_causes_add(const void *user, struct mlb_text *line)
{
    const struct mlb_causes *causes = user;
    struct mlb_text lost = {0};
    mlb_carriers_lost("", &causes->up, &lost);
    if (lost.length > 0)
        mlb_text_addf(line, "; %s of %s was up at the start and is down now", mlb_text_get(&lost),
                      causes->host);
    mlb_text_free(&lost);
    if (!causes->started)
        add_start(causes, line);
}
