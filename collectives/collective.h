/* SPDX-License-Identifier: Apache-2.0 */
/* One collective on its buffers: what collective.c times and exchange.c verifies. For the files of
 * this folder only. */
#ifndef MLB_COLLECTIVES_COLLECTIVE_H
#define MLB_COLLECTIVES_COLLECTIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/measure/comm.h"
#include "harness/measure/workload.h"

struct mlb_exchange;

/* What a rank's recv holds afterwards, r being its rank and x(q) what rank q sent. */
enum mlb_collective_result {
    MLB_RESULT_SUM,       /* the sum of all x */
    MLB_RESULT_SUM_PART,  /* the sum's block r */
    MLB_RESULT_ALL,       /* x(0), x(1), ... */
    MLB_RESULT_ALL_PARTS, /* block r of x(0), of x(1), ... */
    MLB_RESULT_ROOT,      /* x(root) */
    MLB_RESULT_ROOT_PART, /* block r of x(root) */
    MLB_RESULT_LEFT,      /* x(r - 1) */
};

/* Where send and recv lie when they are in place. */
enum mlb_collective_place {
    MLB_PLACE_NEVER,
    MLB_PLACE_SAME,
    MLB_PLACE_SEND_IN_RECV, /* send is block r of recv */
    MLB_PLACE_RECV_IN_SEND, /* recv is block r of send */
};

/* A row of the table in collective.c. */
struct mlb_collective_kind {
    const char *name;
    const char *formula;
    double (*factor)(double ranks); /* busbw = algbw x this */
    enum mlb_status (*step)(const struct mlb_exchange *exchange, struct mlb_error *err);
    bool send_all, recv_all; /* the buffer has a block for each rank, else one */
    bool from_root, on_root; /* only the root has something to send; gets a result */
    enum mlb_collective_result result;
    enum mlb_collective_place in_place;
};

struct mlb_exchange {
    const struct mlb_collective_kind *kind;
    struct mlb_channel *channel; /* of this rank's group; NULL when it is in none */
    struct mlb_channel *part;    /* the same when it was made for this case; owned */
    void *memory, *spare;        /* owned; what send and recv point into */
    void *send, *recv;
    size_t count; /* elements of one rank's block */
    enum mlb_dtype dtype;
};

/* One call on exact inputs, every element of the result looked at; leaves the data for timing.
 * Collective over ctx->comm, on the ranks without a group too. */
enum mlb_status mlb_exchange_verify(struct mlb_exchange *exchange, const struct mlb_ctx *ctx,
                                    struct mlb_verification *verification, struct mlb_error *err);

/* *bytes = all parameters of a transformer block of mlb_models[model] in elements of so many bytes.
 * MLB_E_CONFIG when they are not known, or when *bytes is set to something else already; `unset`:
 * what it is when it is not. collective_model.c */
enum mlb_status mlb_collective_take_model(int model, size_t element, const char *unset,
                                          uint64_t *bytes, struct mlb_error *err);

#endif
