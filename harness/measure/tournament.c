/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/tournament.h"

#include <stddef.h>
#include <stdint.h>

int mlb_tournament_rounds(int members)
{
    if (members < 2)
        return 0;
    return members % 2 == 0 ? members - 1 : members;
}

/* With m even and m - 1 others on the circle, those of round r add up to r (mod m-1). The one that
 * would meet itself, 2 i = r, meets the member in the middle: i = r m/2, since 2 x m/2 = 1. */
int mlb_tournament_opponent(int members, int round, int member)
{
    int even = members + members % 2, circle = even - 1, middle = even - 1, opponent;
    if (members < 2)
        return member;
    if (member == middle)
        opponent = (int)((int64_t)round * (even / 2) % circle);
    else
        opponent = (round - member + circle) % circle;
    if (opponent == member)
        opponent = middle;
    return opponent < members ? opponent : member;
}

int mlb_bisection_opponent(int members, const int *order, int member)
{
    int half = members / 2, place = member;
    for (int i = 0; order && i < members; i++)
        if (order[i] == member)
            place = i;
    if (place >= 2 * half)
        return member;
    int other = place < half ? place + half : place - half;
    return order ? order[other] : other;
}
