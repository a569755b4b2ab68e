/* SPDX-License-Identifier: Apache-2.0 */
/* provider_ask ROOT [NAME]: whose machine it is that has the files under ROOT, by the variables
 * that are set; for tests that serve answers of their own. */
#include <stdio.h>

#include "harness/system/provider.h"

int main(int argc, char **argv)
{
    const struct mlb_log log = {MLB_LOG_DEBUG, 2, -1};
    const struct mlb_provider_query query = {
        .root = argc > 1 ? argv[1] : "", .name = argc > 2 ? argv[2] : "", .log = &log};
    struct mlb_provider_search *search;
    struct mlb_provider provider;
    struct mlb_error err = {0};
    char text[512];
    if (mlb_provider_begin(&query, &search, &err) != MLB_OK) {
        fprintf(stderr, "%s\n", err.text);
        return mlb_status_exit_code(err.status);
    }
    mlb_provider_end(search, &provider);
    mlb_provider_text(&provider, text, sizeof text);
    printf("%s\n%s\n", text, provider.evidence);
    return 0;
}
