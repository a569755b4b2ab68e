/* SPDX-License-Identifier: Apache-2.0 */
/* Prices of the user's own, from the command line. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/date.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/catalog/store.h"

#define FORM "write PROVIDER/INSTANCE[:PURCHASE]=USD, as in aws/p5.48xlarge:spot=14.20"

/* Cuts ":spot" off `thing`; false when what stands behind the last colon is no way of buying. */
static bool take_purchase(char *thing, enum mlb_purchase *purchase)
{
    char *colon = strrchr(thing, ':');
    *purchase = MLB_ON_DEMAND;
    if (!colon)
        return true;
    for (int i = 0; mlb_purchase_names[i]; i++) {
        if (strcmp(colon + 1, mlb_purchase_names[i]) == 0) {
            *purchase = (enum mlb_purchase)i;
            *colon = '\0';
            return true;
        }
    }
    return false;
}

static enum mlb_status no_purchase(const char *text, struct mlb_error *err)
{
    struct mlb_text names = {0};
    for (size_t i = 0; mlb_purchase_names[i]; i++)
        mlb_text_addf(&names, "%s%s", i ? ", " : "", mlb_purchase_names[i]);
    mlb_fail(err, MLB_E_USAGE, "price '%s': the way of buying is one of %s", text,
             mlb_text_get(&names));
    mlb_text_free(&names);
    return err->status;
}

/* own->text becomes "provider\0instance". */
static enum mlb_status read_own(struct mlb_own_price *own, const char *text, struct mlb_error *err)
{
    struct mlb_price *price = &own->price;
    if (!mlb_format(own->text, sizeof own->text, "%s", text))
        return mlb_fail(err, MLB_E_USAGE, "price '%.60s...': over %zu characters", text,
                        sizeof own->text - 1);
    char *slash = strchr(own->text, '/'), *equals = strrchr(own->text, '=');
    if (!slash || !equals || equals < slash || slash == own->text || slash + 1 == equals)
        return mlb_fail(err, MLB_E_USAGE, "price '%s': " FORM, text);
    *slash = *equals = '\0';
    if (!take_purchase(slash + 1, &price->purchase))
        return no_purchase(text, err);
    if (!mlb_parse_real(equals + 1, &price->usd_per_hour) || !(price->usd_per_hour > 0.0))
        return mlb_fail(err, MLB_E_USAGE, "price '%s': the amount must be a number above 0; " FORM,
                        text);
    price->provider = own->text;
    price->instance = slash + 1;
    price->service = strncasecmp(price->instance, "ml.", 3) == 0 ? "sagemaker" : "";
    return MLB_OK;
}

static enum mlb_status check_own(const struct mlb_catalog *catalog, const struct mlb_price *price,
                                 const char *text, struct mlb_error *err)
{
    double least, most;
    if (mlb_catalog_is_possible(mlb_catalog_instance(catalog, price->provider, price->instance),
                                price->usd_per_hour, &least, &most))
        return MLB_OK;
    return mlb_fail(err, MLB_E_USAGE,
                    "price '%s': that cannot be: %.6g to %.6g USD an hour is what such a machine "
                    "costs",
                    text, least, most);
}

static void point_into_text(struct mlb_own_price *own, const char *today)
{
    struct mlb_price *price = &own->price;
    price->provider = own->text;
    price->instance = own->text + strlen(own->text) + 1;
    price->region = "all";
    price->zone = price->note = "";
    price->as_of = today;
    price->source = "your own price";
}

static enum mlb_status add_own(struct mlb_catalog *catalog, const char *text, struct mlb_error *err)
{
    struct mlb_own_price own = {0};
    if (read_own(&own, text, err) != MLB_OK || check_own(catalog, &own.price, text, err) != MLB_OK)
        return err->status;
    struct mlb_own_price *grown =
        realloc(catalog->own, (catalog->own_count + 1) * sizeof *catalog->own);
    if (!grown)
        return mlb_fail(err, MLB_E_NOMEM, "price '%s': out of memory", text);
    catalog->own = grown;
    own.price.day = mlb_date_today();
    mlb_date_print(catalog->today, own.price.day);
    grown[catalog->own_count++] = own;
    for (size_t i = 0; i < catalog->own_count; i++)
        point_into_text(&grown[i], catalog->today);
    return MLB_OK;
}

enum mlb_status mlb_catalog_override(struct mlb_catalog *catalog, const char *text,
                                     struct mlb_error *err)
{
    char one[256];
    do {
        size_t length = strcspn(text, ",");
        mlb_format(one, sizeof one, "%.*s", (int)(length < sizeof one ? length : sizeof one - 1),
                   text);
        if (add_own(catalog, one, err) != MLB_OK)
            return err->status;
        text += length;
    } while (*text++ == ',');
    return MLB_OK;
}
