/* SPDX-License-Identifier: Apache-2.0 */
/* A NCCL channel whose library is fake_nccl.c, for tests of one process. LD_LIBRARY_PATH leads to
 * it; with MLB_TEST_OLD_NCCL=1 to one without the symbols of NCCL 2.22 and 2.28. */
#ifndef MLB_TESTS_NCCL_PLACE_H
#define MLB_TESTS_NCCL_PLACE_H

#include "collectives/channels.h"

struct nccl_place {
    struct mlb_comm *comm;
    struct mlb_comm crowd;
    struct mlb_device device;
    struct mlb_channel *channel;
    struct mlb_error err;
};

bool nccl_is_old(void);

/* A clean environment but for FAKE_NCCL; no calls noted. */
void nccl_place_prepare(const char *behaviour);
/* A job of one rank. */
enum mlb_status nccl_place_open(struct nccl_place *place, const char *behaviour);
enum mlb_status nccl_place_open_prepared(struct nccl_place *place);
/* Rank 2 of 4, whose others always agree and know nothing of their own; rank 3 tells what this one
 * does. */
enum mlb_status nccl_place_open_crowd(struct nccl_place *place, const char *behaviour);
void nccl_place_close(struct nccl_place *place);

/* Calls of the library since the last time that they were taken. */
const char *nccl_calls(void);
/* A sum of two elements through the channel, checked. */
enum mlb_status nccl_sum(struct nccl_place *place, enum mlb_dtype dtype);

#endif
