/* SPDX-License-Identifier: Apache-2.0 */
/* --require: did the collectives use the network that they should have? A silent fall-back to
 * sockets, or to copies through host memory, becomes an exit code. Pure.
 *
 * Evidence, in this order: what NCCL says it used ("network", "gdr_send", "gdr_recv" of a row's
 * details); without NCCL, the kind of port that moved most of the bytes, where the messages are
 * long enough to tell them from others'; and the ports of all machines. Only rows that crossed
 * machines count, and of those the GPUs', where there are some. No evidence is an answer of its
 * own. */
#ifndef MLB_ANALYSIS_REQUIRE_H
#define MLB_ANALYSIS_REQUIRE_H

#include "harness/base/status.h"
#include "harness/measure/result.h"

enum mlb_require_gdr { MLB_GDR_ANY, MLB_GDR_ON, MLB_GDR_OFF };

struct mlb_require {
    char net[16]; /* a word of mlb_require_nets; "" = not asked for */
    enum mlb_require_gdr gdr;
};

extern const char *const mlb_require_nets[]; /* "efa" ... "any-rdma"; NULL-terminated */

/* "net=efa,gdr=on"; "" asks for nothing. MLB_E_USAGE, with what is allowed, for all else. */
enum mlb_status mlb_require_parse(const char *text, struct mlb_require *require,
                                  struct mlb_error *err);

/* MLB_OK: it was so. MLB_E_UNHEALTHY: it was not, and why. MLB_E_NO_VERDICT: nothing tells. */
enum mlb_status mlb_require_judge(const struct mlb_result *result,
                                  const struct mlb_require *require, struct mlb_error *err);
/* The same as a note of the record, "require": sick, a warning where nothing tells, or that it was
 * so. Nothing where nothing is asked for. */
void mlb_require_note(struct mlb_result *result, const struct mlb_require *require);

#endif
