/* SPDX-License-Identifier: Apache-2.0 */
/* The sample that verification checks: which rows, their inputs made again, their outputs fetched.
 */
#ifndef MLB_KERNELS_ATTENTION_SAMPLE_H
#define MLB_KERNELS_ATTENTION_SAMPLE_H

#include "kernels/attention/attention_truth.h"

#define MLB_ATTENTION_BLOCK 256u               /* queries at a time that are given to columns */
#define MLB_ATTENTION_PICKS 64u                /* rows at a time that are computed */
#define MLB_ATTENTION_CHUNK ((size_t)16 << 20) /* bytes at a time that are poisoned or scanned */

/* A row that is being checked. */
struct mlb_attention_pick {
    struct mlb_attention_query query;
    struct mlb_attention_line o, lse, dq;
};

struct mlb_attention_place {
    enum mlb_attention_tensor tensor;
    uint64_t b, head, row;
};

/* Rows of a tensor on the host; element (row - first, head, c) stands at row * row_stride + head *
 * head_stride + c. */
struct mlb_attention_rows {
    unsigned char *data;
    uint64_t row_stride, head_stride;
};

struct mlb_attention_sample {
    const struct mlb_attention_params *params;
    const struct mlb_attention_state *state;
    const struct mlb_ctx *ctx;
    struct mlb_verification *verification;
    enum mlb_data data;
    uint64_t row_band, head_band;
    bool found_bad; /* `bad` is not finite: then only its row is computed */
    struct mlb_attention_place bad;

    struct mlb_attention_keys keys;
    uint64_t *heads, *lines; /* what is picked: batch * heads + head; rows of one head */
    size_t head_count;
    struct mlb_attention_pick *picks;    /* MLB_ATTENTION_PICKS */
    struct mlb_attention_query *queries; /* MLB_ATTENTION_BLOCK */
    struct mlb_attention_rows o, lse;    /* MLB_ATTENTION_BLOCK rows of all heads */
    unsigned char *chunk;                /* MLB_ATTENTION_CHUNK bytes */
};

/* Chooses the bands within the budget and names the method; allocates. close accepts a sample whose
 * opening failed. params, state, ctx and verification are set before. */
enum mlb_status mlb_attention_open_sample(struct mlb_attention_sample *sample,
                                          struct mlb_error *err);
void mlb_attention_close_sample(struct mlb_attention_sample *sample);

/* Ascending query heads into sample->heads. */
void mlb_attention_pick_heads(struct mlb_attention_sample *sample);
/* Ascending rows of one head into sample->lines; returns how many. */
size_t mlb_attention_pick_lines(struct mlb_attention_sample *sample, uint64_t extent, uint64_t head,
                                uint64_t salt);

/* A row of an input, as the device holds it. */
void mlb_attention_make_line(const struct mlb_attention_sample *sample,
                             const struct mlb_attention_place *at, double *to);
/* All rows of a head; returns the largest Euclidean norm. */
double mlb_attention_make_head(const struct mlb_attention_sample *sample,
                               enum mlb_attention_tensor tensor, uint64_t b, uint64_t head,
                               float *to);
enum mlb_status mlb_attention_fetch_line(const struct mlb_attention_sample *sample,
                                         const struct mlb_attention_place *at, double *to,
                                         struct mlb_error *err);
/* `count` rows from `first` on of all heads of one batch. */
enum mlb_status mlb_attention_fetch_rows(const struct mlb_attention_sample *sample,
                                         enum mlb_attention_tensor tensor, uint64_t b,
                                         uint64_t first, uint64_t count,
                                         struct mlb_attention_rows *rows, struct mlb_error *err);
/* Fetch a row and compare it. */
enum mlb_status mlb_attention_check_line(struct mlb_attention_sample *sample,
                                         struct mlb_attention_place at,
                                         const struct mlb_attention_line *line,
                                         struct mlb_error *err);

#endif
