/* SPDX-License-Identifier: Apache-2.0 */
/* Single rows of attention's results in doubles, each element with the error that right arithmetic
 * may leave in it. */
#ifndef MLB_KERNELS_ATTENTION_TRUTH_H
#define MLB_KERNELS_ATTENTION_TRUTH_H

#include "kernels/attention/attention.h"

/* One key head's keys and values, exactly as the device holds them. */
struct mlb_attention_keys {
    float *k, *v;        /* [seq_kv][head_dim], [seq_kv][head_dim_v] */
    double k_max, v_max; /* largest Euclidean norm of a row */
};

/* One query. What stands below the line is for the backward pass, whose inputs O and LSE are: they
 * are taken as the device holds them, and verified apart. */
struct mlb_attention_query {
    uint64_t row;
    double q[MLB_ATTENTION_WIDTH_MAX];
    /* -- */
    double d_o[MLB_ATTENTION_WIDTH_MAX];
    double lse, delta, o_norm; /* delta = dO . O */
};

/* Sums over terms weight x vector, and what bounds their errors. */
struct mlb_attention_sums {
    double value[MLB_ATTENTION_WIDTH_MAX];
    double squares[MLB_ATTENTION_WIDTH_MAX];        /* of the products */
    double vector_squares[MLB_ATTENTION_WIDTH_MAX]; /* of the vectors */
    double p_value[MLB_ATTENTION_WIDTH_MAX];        /* with P in the place of the weight */
    double p_squares[MLB_ATTENTION_WIDTH_MAX];
    double weight_squares, terms;
    double spread;    /* largest |score| that the norms allow */
    double dp_spread; /* |dO| (|V| + |O|): dP and delta are no larger; 0 when weights are P */
};

/* A row of dK and the same of dV while queries are being added. */
struct mlb_attention_column {
    uint64_t row;
    double k[MLB_ATTENTION_WIDTH_MAX], v[MLB_ATTENTION_WIDTH_MAX];
    struct mlb_attention_sums dk, dv;
};

struct mlb_attention_line {
    double truth[MLB_ATTENTION_WIDTH_MAX], tolerance[MLB_ATTENTION_WIDTH_MAX];
};

/* `query`'s rows of O and LSE. */
void mlb_attention_truth_o(const struct mlb_attention_params *params,
                           const struct mlb_attention_keys *keys,
                           const struct mlb_attention_query *query, struct mlb_attention_line *o,
                           struct mlb_attention_line *lse);
void mlb_attention_truth_dq(const struct mlb_attention_params *params,
                            const struct mlb_attention_keys *keys,
                            const struct mlb_attention_query *query, struct mlb_attention_line *dq);
/* Adds what one query gives to a column that it sees. */
void mlb_attention_column_add(const struct mlb_attention_params *params,
                              struct mlb_attention_column *column,
                              const struct mlb_attention_query *query);
void mlb_attention_truth_dkv(const struct mlb_attention_params *params,
                             const struct mlb_attention_column *column,
                             struct mlb_attention_line *dk, struct mlb_attention_line *dv);

#endif
