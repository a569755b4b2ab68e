/* SPDX-License-Identifier: Apache-2.0 */
/* Who meets whom: every pair of n members once, in rounds in which as many as possible are busy.
 *
 * The circle method (T. P. Kirkman, 1847): of m = n members (n + 1 with odd n, where the last one
 * is nobody) one stands still and the others turn around it, m - 1 rounds in all. An odd n has n
 * rounds, in each of which one member rests. So a matrix of n (n-1)/2 pairs takes n - 1 rounds of
 * one exchange, not n (n-1)/2 exchanges: 63 for 64 machines, not 2016. Pure; nothing is stored. */
#ifndef MLB_MEASURE_TOURNAMENT_H
#define MLB_MEASURE_TOURNAMENT_H

int mlb_tournament_rounds(int members); /* 0 below two */
/* Of `member` in `round`; `member` itself when it rests. */
int mlb_tournament_opponent(int members, int round, int member);

/* A pairing in one round that cuts the members in two halves, all of the cut busy at once: member i
 * of the lower half with i + n/2, after `order` ([members], a permutation; NULL = as they are).
 * With odd n the last one of the order rests. */
int mlb_bisection_opponent(int members, const int *order, int member);

#endif
