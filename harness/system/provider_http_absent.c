/* SPDX-License-Identifier: Apache-2.0 */
/* A build without libcurl's headers: no metadata service is asked. */
#include "harness/system/provider_http.h"

enum mlb_status mlb_http_exchange(const struct mlb_http_request *requests,
                                  struct mlb_http_answer *answers, size_t count, double until_s,
                                  struct mlb_error *err)
{
    (void)requests;
    (void)answers;
    (void)count;
    (void)until_s;
    return mlb_fail(err, MLB_E_UNSUPPORTED,
                    "libcurl: not in this build: install libcurl4-openssl-dev (libcurl-devel) and "
                    "build again");
}
