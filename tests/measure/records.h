/* SPDX-License-Identifier: Apache-2.0 */
/* Constructed results that tests of the record, the journal and the printers share. */
#ifndef MLB_TESTS_MEASURE_RECORDS_H
#define MLB_TESTS_MEASURE_RECORDS_H

#include <stdint.h>

#include "harness/measure/result.h"

struct record_maker {
    const char *name;
    void (*make)(struct mlb_result *result); /* fills a zeroed result; mlb_result_free frees it */
};

/* A priced GPU job, one on several machines, a CPU job with every status, a bare one, a survey
 * of links; ends with a NULL name. */
extern const struct record_maker record_makers[];

void record_gpu(struct mlb_result *result);   /* 8 ranks, price, telemetry, collectives, topology */
void record_nodes(struct mlb_result *result); /* 2 x 8 GPUs: collectives by scope, ports, fabric */
void record_cpu(struct mlb_result *result);   /* 2 ranks, every status, health notes, no price */
void record_empty(struct mlb_result *result); /* nothing but what must be there */
void record_links(struct mlb_result *result); /* no rows, a survey of links */

/* Every member set to something, from `seed`: any double, texts with quotes, blanks and UTF-8. */
void record_random(struct mlb_result *result, uint64_t seed);
void record_random_row(struct mlb_row *row, uint64_t seed);

/* Are their places and links the same? Takes them away from both. */
bool record_take_links(struct mlb_result *a, struct mlb_result *b);

/* `n` samples around `median_ns` (same every time), their summary, 1 % asked for. */
void record_time(struct mlb_row *row, size_t n, double median_ns, double spread);

#endif
