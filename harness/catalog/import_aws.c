/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/catalog/import_aws.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "harness/base/text.h"

#define HOURS_PER_YEAR 8760.0

const char *const mlb_aws_attribute_keys[MLB_AWS_ATTRIBUTES] = {
    "instanceType",   "regionCode",     "tenancy",      "operatingSystem",
    "capacitystatus", "preInstalledSw", "marketoption", "component"};

static bool is_one(const char *text, const char *a, const char *b)
{
    return strcasecmp(text, a) == 0 || strcasecmp(text, b) == 0;
}

/* The reason why a product is not a plain machine; MLB_FINDINGS when it is. */
static enum mlb_finding_code why_not(const struct mlb_aws_product *product)
{
    if (strncasecmp(product->of[MLB_AWS_INSTANCE], "ml.", 3) == 0)
        return strcasecmp(product->of[MLB_AWS_COMPONENT], "Training") == 0 ? MLB_FINDINGS
                                                                           : MLB_OTHER_SOFTWARE;
    if (strcasecmp(product->of[MLB_AWS_TENANCY], "Shared") != 0)
        return MLB_OTHER_TENANCY;
    if (!is_one(product->of[MLB_AWS_CAPACITY], "Used", ""))
        return MLB_OTHER_TENANCY;
    if (strcasecmp(product->of[MLB_AWS_SYSTEM], "Linux") != 0 ||
        !is_one(product->of[MLB_AWS_SOFTWARE], "NA", ""))
        return MLB_OTHER_SOFTWARE;
    return is_one(product->of[MLB_AWS_MARKET], "OnDemand", "") ? MLB_FINDINGS : MLB_OTHER_TERMS;
}

const struct mlb_instance *mlb_aws_wanted(struct mlb_import *import,
                                          const struct mlb_aws_product *product,
                                          const char **service, size_t line)
{
    const char *name = product->of[MLB_AWS_INSTANCE];
    const struct mlb_instance *instance = mlb_import_wanted(import, "aws", name, line);
    if (!instance)
        return NULL;
    enum mlb_finding_code reason = why_not(product);
    *service = strncasecmp(name, "ml.", 3) == 0 ? "sagemaker" : "";
    if (reason == MLB_FINDINGS)
        return instance;
    if ((*service)[0])
        mlb_import_find(import, reason, line, "aws %s %s: %s", name, product->of[MLB_AWS_REGION],
                        product->of[MLB_AWS_COMPONENT]);
    else
        mlb_import_find(import, reason, line, "aws %s %s: %s, %s, %s, %s", name,
                        product->of[MLB_AWS_REGION], product->of[MLB_AWS_TENANCY],
                        product->of[MLB_AWS_SYSTEM], product->of[MLB_AWS_SOFTWARE],
                        product->of[MLB_AWS_CAPACITY]);
    return NULL;
}

static struct mlb_offer offer_of(const struct mlb_aws_term *term)
{
    bool three = strcmp(term->lease, "3yr") == 0;
    return (struct mlb_offer){.provider = "aws",
                              .service = term->service,
                              .instance = term->instance,
                              .region = term->region,
                              .purchase = !term->reserved ? MLB_ON_DEMAND
                                          : three         ? MLB_RESERVED_3Y
                                                          : MLB_RESERVED_1Y,
                              .line = term->line};
}

/* Parts are added up: one that is missing or negative makes the sum look cheap, and of two of a
 * kind there is no telling. */
static bool is_part(struct mlb_import *import, const struct mlb_aws_term *term,
                    struct mlb_offer *offer, bool hourly, const char *amount)
{
    char name[200];
    bool known = hourly ? term->hourly_known : term->upfront_known;
    double before = hourly ? term->hourly : term->upfront;
    mlb_import_name(offer, name);
    if (!amount[0])
        mlb_import_find(import, MLB_NOT_A_NUMBER, term->line, "%s: no amount", name);
    if (!mlb_import_amount(import, offer, amount))
        return false;
    if (offer->usd_per_hour < 0.0)
        mlb_import_find(import, MLB_NEGATIVE, term->line, "%s: %.10g", name, offer->usd_per_hour);
    else if (known && offer->usd_per_hour != before)
        mlb_import_find(import, MLB_CONFLICT, term->line, "%s: %.10g and %.10g in one term", name,
                        before, offer->usd_per_hour);
    else
        return true;
    return false;
}

bool mlb_aws_add_price(struct mlb_import *import, struct mlb_aws_term *term, const char *unit,
                       const char *currency, const char *amount)
{
    struct mlb_offer offer = offer_of(term);
    char name[200];
    bool hourly = strcasecmp(unit, "Hrs") == 0 || strcasecmp(unit, "Hours") == 0;
    if (strcmp(currency, "USD") != 0) {
        mlb_import_find(import, MLB_OTHER_CURRENCY, term->line, "%s: %s",
                        mlb_import_name(&offer, name), currency);
        return false;
    }
    if (!hourly && !(term->reserved && strcasecmp(unit, "Quantity") == 0)) {
        mlb_import_find(import, MLB_OTHER_UNIT, term->line, "%s: %s", mlb_import_name(&offer, name),
                        unit);
        return false;
    }
    if (!is_part(import, term, &offer, hourly, amount)) {
        term->broken = true;
        return false;
    }
    *(hourly ? &term->hourly_known : &term->upfront_known) = true;
    *(hourly ? &term->hourly : &term->upfront) = offer.usd_per_hour;
    return true;
}

/* A part that is missing would make a commitment look cheap. */
static bool is_whole(const struct mlb_aws_term *term)
{
    bool none = strcasecmp(term->option, "No Upfront") == 0;
    bool all = strcasecmp(term->option, "All Upfront") == 0;
    return !term->reserved ? term->hourly_known
                           : (term->hourly_known || all) && (term->upfront_known || none);
}

void mlb_aws_take(struct mlb_import *import, const struct mlb_aws_term *term)
{
    struct mlb_offer offer = offer_of(term);
    char note[80], name[200];
    double years = strcmp(term->lease, "3yr") == 0   ? 3.0
                   : strcmp(term->lease, "1yr") == 0 ? 1.0
                                                     : 0.0;
    if (term->broken || (!term->hourly_known && !term->upfront_known))
        return; /* said already */
    if (term->reserved && years == 0.0) {
        mlb_import_find(import, MLB_OTHER_TERMS, term->line, "%s: lease of '%s'",
                        mlb_import_name(&offer, name), term->lease);
        return;
    }
    if (!is_whole(term)) {
        mlb_import_find(import, MLB_SHORT_LINE, term->line, "%s, %s: half of its price",
                        mlb_import_name(&offer, name), term->option);
        return;
    }
    offer.usd_per_hour = term->hourly;
    if (term->reserved) {
        offer.usd_per_hour += term->upfront / (years * HOURS_PER_YEAR);
        mlb_format(note, sizeof note, "%s, %s", term->class, term->option);
        offer.note = note;
    }
    mlb_import_take(import, &offer);
}

void mlb_aws_region_of_zone(const char *zone, char region[static 48])
{
    size_t length = 0;
    while (zone[length] && !isdigit((unsigned char)zone[length]))
        length++;
    while (isdigit((unsigned char)zone[length]))
        length++;
    mlb_format(region, 48, "%.*s", (int)length, zone);
}
