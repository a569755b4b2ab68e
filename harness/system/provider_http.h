/* SPDX-License-Identifier: Apache-2.0 */
/* A few small requests at once to a service of this machine: plain HTTP, no proxy, no redirects. */
#ifndef MLB_SYSTEM_PROVIDER_HTTP_H
#define MLB_SYSTEM_PROVIDER_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/status.h"
#include "harness/base/text.h"

#define MLB_HTTP_LIMIT 65536 /* bytes of an answer; more is no answer */

struct mlb_http_request {
    bool put; /* with nothing in it; else GET */
    char url[256];
    char header[512]; /* one line; "" for none */
};

/* Owned by the asker: mlb_text_free(&body). */
struct mlb_http_answer {
    int code; /* 0: none came, see why */
    char why[96];
    bool google;     /* "Metadata-Flavor: Google" was among its headers */
    bool says_retry; /* "Retry-After: 1" was */
    double retry_s;
    struct mlb_text body;
};

/* Until all have been answered, or a second for each, or `until_s` of mlb_clock_s. The answers come
 * zeroed. MLB_E_UNSUPPORTED: no libcurl here, or this build knows none. */
enum mlb_status mlb_http_exchange(const struct mlb_http_request *requests,
                                  struct mlb_http_answer *answers, size_t count, double until_s,
                                  struct mlb_error *err);

/* Pure: a line of an answer's head. */
void mlb_http_header(const char *line, size_t length, struct mlb_http_answer *answer);

#endif
