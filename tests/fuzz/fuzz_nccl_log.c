/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_nccl_log [SEED [COUNT]]: lines of NCCL's log after a few random changes. Whatever a line
 * holds, the texts end, a line counts at most once, and at most one channel is seen in it. Line
 * number i depends on SEED and i alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectives/nccl_log.h"
#include "harness/base/rng.h"

enum { LINE = 512 };

static const char *const lines[] = {
    "node7:4242:4311 [3] NCCL INFO Using network AWS Libfabric",
    "node7:4242:4311 [3] NCCL INFO Channel 00/0 : 0[0] -> 1[1] [send] via NET/IB/0(4)/GDRDMA",
    "node7:4242:4311 [3] NCCL INFO Channel 15/1 : 9[1] -> 1[1] [receive] via NET/Socket/0/Shared",
    "node7:4242:4311 [3] NCCL INFO CollNet 00/1 : 0 [send] via COLLNET/SHARP/0/GDRDMA",
    "node7:4242:4311 [3] NCCL INFO NVLS multicast support is not available on dev 3",
    "",
};

static const char *const pieces[] = {
    "NCCL INFO ", "Using network ", "Channel ", "CollNet ", "[send] via ", "[receive] via ",
    "NET/",       "/GDRDMA",        "/",        "COLLNET/", "available",   "\r",
    "\xff",       "%s%n",
};

struct dice {
    uint64_t seed, drawn;
};

static size_t below(struct dice *dice, size_t bound)
{
    return (size_t)(mlb_rng_bits(dice->seed, dice->drawn++) % bound);
}

static void change(struct dice *dice, char line[static LINE])
{
    size_t length = strlen(line), at = below(dice, length + 1);
    const char *piece = pieces[below(dice, sizeof pieces / sizeof *pieces)];
    switch (below(dice, 4)) {
    case 0:
        line[at] = 0;
        break;
    case 1:
        if (at < length)
            line[at] = (char)(1 + below(dice, 255));
        break;
    case 2:
        memmove(line + at, line + at + (at < length), length - at + (at == length));
        break;
    default:
        if (length + strlen(piece) < LINE) {
            memmove(line + at + strlen(piece), line + at, length - at + 1);
            memcpy(line + at, piece, strlen(piece));
        }
        break;
    }
}

static void demand(bool condition, const char *what, const char *line)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_nccl_log: not true: %s: %s\n", what, line);
    abort();
}

static void look(const char *line)
{
    struct mlb_nccl_log_facts facts = {0};
    memset(facts.network, 'n', sizeof facts.network - 1);
    mlb_nccl_log_line(&facts, line);
    unsigned channels = facts.send_gdr + facts.send_staged + facts.recv_gdr + facts.recv_staged;
    demand(memchr(facts.network, 0, sizeof facts.network) != NULL, "the name ends", line);
    demand(facts.network[0] != 0, "a network has a name", line);
    demand(facts.lines <= 1 && channels <= facts.lines, "one line, one channel", line);
    demand(facts.nvls_known || !facts.nvls, "known before it is so", line);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
    for (uint64_t i = 0; i < count; i++) {
        struct dice dice = {seed * 0x9e3779b97f4a7c15u + i, 0};
        char line[LINE];
        snprintf(line, sizeof line, "%s", lines[below(&dice, sizeof lines / sizeof *lines)]);
        for (size_t changes = below(&dice, 6); changes > 0; changes--)
            change(&dice, line);
        look(line);
    }
    printf("%llu lines\n", (unsigned long long)count);
    return 0;
}
