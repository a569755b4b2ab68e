/* SPDX-License-Identifier: Apache-2.0 */
/* The job's price from the catalog. */
#include <string.h>

#include "harness/app/machine_price.h"
#include "harness/app/prices.h"
#include "harness/app/session.h"
#include "harness/base/date.h"
#include "harness/base/text.h"

/* Machines that differ have no common price, unless it is in no more than the zone. */
static bool are_mixed(const struct mlb_result *result, const struct mlb_provider *provider)
{
    if (provider->instance[0] && provider->region[0] && provider->purchase[0])
        return false;
    for (int i = 0; i < (int)result->health_count; i++)
        if (strcmp(result->health[i].code, "mixed") == 0)
            return true;
    return false;
}

/* On rank 0, whose price option is the job's. A catalog that cannot be read spoils no run. */
static void look_up(const struct mlb_session *session, const struct mlb_provider *provider,
                    const struct mlb_result *result, struct mlb_machine_price *price)
{
    struct mlb_catalog *catalog = NULL;
    struct mlb_error err = {0};
    if (session->options->price_per_hour > 0.0)
        return;
    if (are_mixed(result, provider))
        mlb_format(price->why, sizeof price->why, "none, since the machines of this job differ");
    else if (!provider->name[0] || !provider->instance[0])
        return;
    else if (mlb_prices_open(&catalog, session->options, &err) == MLB_OK)
        mlb_price_of_machine(catalog, provider, mlb_date_today(), price);
    else
        mlb_format(price->why, sizeof price->why, "%.190s", err.text);
    mlb_catalog_close(catalog);
}

enum mlb_status mlb_session_price(struct mlb_session *session, const struct mlb_provider *provider,
                                  struct mlb_result *result, struct mlb_error *err)
{
    struct mlb_comm *comm = session->comm;
    struct mlb_machine_price price = {0};
    if (comm->rank == 0)
        look_up(session, provider, result, &price);
    if (comm->ops->broadcast(comm, &price, sizeof price, 0, err) != MLB_OK)
        return err->status;
    if (price.why[0] && comm->rank == 0)
        mlb_result_note(result, MLB_HEALTH_NOTE, "price", "%s", price.why);
    if (!(price.usd_per_hour > 0.0))
        return MLB_OK;
    result->price_per_hour = price.usd_per_hour * comm->nodes;
    mlb_format(result->price_source, sizeof result->price_source, "%s%s", price.source,
               comm->nodes > 1 ? ", times its nodes" : "");
    return MLB_OK;
}
