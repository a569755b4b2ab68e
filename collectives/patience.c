/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/patience.h"

#include <sched.h>
#include <time.h>

#include "harness/base/clock.h"

#define SPIN_TURNS  200  /* a turn is some 100 ns */
#define YIELD_TURNS 1000 /* then some 200 us of giving the core away */
#define NAP_NS      20000
#define NAP_MAX_NS  1000000
#define CLOCK_TURNS 64 /* the clock is read every so many turns while spinning */
#define EASE_TURNS  20000

static bool count(struct mlb_patience *patience, double limit_s)
{
    int64_t now = mlb_clock_ns();
    if (patience->last_ns == 0)
        patience->last_ns = now;
    double step_s = 1e-9 * (double)(now - patience->last_ns);
    patience->last_ns = now;
    patience->waited_s += step_s < 1.0 ? step_s : 1.0;
    return patience->waited_s < limit_s;
}

static void nap(uint32_t naps)
{
    int64_t ns = naps < 8 ? (int64_t)NAP_NS << naps : NAP_MAX_NS;
    nanosleep(&(struct timespec){.tv_nsec = ns < NAP_MAX_NS ? ns : NAP_MAX_NS}, NULL);
}

bool mlb_patience_wait(struct mlb_patience *patience, double limit_s)
{
    uint32_t turn = patience->turns++;
    uint32_t spin = patience->crowded ? 0 : SPIN_TURNS;
    uint32_t yield = patience->crowded ? SPIN_TURNS : YIELD_TURNS;
    if (turn < spin)
        return turn % CLOCK_TURNS != 0 || count(patience, limit_s);
    if (turn < yield)
        sched_yield();
    else
        nap(turn - yield);
    return count(patience, limit_s);
}

bool mlb_patience_spin(struct mlb_patience *patience, double limit_s)
{
    uint32_t turn = patience->turns++;
    if (patience->crowded || turn > SPIN_TURNS)
        sched_yield();
    if (turn > EASE_TURNS)
        nap(0);
    return turn % CLOCK_TURNS != 0 || count(patience, limit_s);
}
