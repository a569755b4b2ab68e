/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/guess.h"

#include "harness/app/paths.h"
#include "harness/base/text.h"

void mlb_guess_instance(const struct mlb_fingerprint *print, const struct mlb_log *log,
                        struct mlb_provider *provider)
{
    char configs[MLB_PATH], folder[MLB_PATH + 16];
    struct mlb_catalog *catalog = NULL;
    struct mlb_error err = {0};
    if (!mlb_fingerprint_helps(print, provider))
        return;
    enum mlb_status status = mlb_configs_folder(configs, &err);
    mlb_format(folder, sizeof folder, "%s/catalog", configs);
    if (status == MLB_OK)
        status = mlb_catalog_open(&catalog, folder, NULL, &err);
    if (status == MLB_OK)
        mlb_fingerprint_fill(print, catalog, provider);
    else
        mlb_log(log, MLB_LOG_WARN, "provider: the catalog cannot help: %s", err.text);
    mlb_catalog_close(catalog);
}
