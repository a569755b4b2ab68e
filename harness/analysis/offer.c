/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/offer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"

#define UNKNOWN "unknown"

/* ---------------------------------------------------------------------------- what was measured */

static const char *provider_of(const struct mlb_digest *digest)
{
    return digest->provider.name[0] ? digest->provider.name : UNKNOWN;
}

static const char *instance_of(const struct mlb_digest *digest)
{
    return digest->provider.instance[0] ? digest->provider.instance : digest->host_kind;
}

static bool is_launch_of(const struct mlb_measured *measured, const struct mlb_digest *digest)
{
    return measured->nodes == digest->nodes && measured->ranks == digest->ranks &&
           strcmp(measured->provider, provider_of(digest)) == 0 &&
           strcmp(measured->service, digest->provider.service) == 0 &&
           strcmp(measured->instance, instance_of(digest)) == 0 &&
           strcmp(measured->device_kind, digest->device_kind) == 0 &&
           strcmp(measured->device, digest->device) == 0;
}

/* GPUs of one machine: as the catalog says, else those that the job had. */
static int gpus_of(const struct mlb_measured *measured, const struct mlb_digest *digest)
{
    if (strcmp(measured->device_kind, "cpu") == 0)
        return 0;
    if (measured->listed && measured->listed->gpus > 0)
        return measured->listed->gpus;
    int seen = digest->nodes > 0 ? digest->device_count / digest->nodes : digest->device_count;
    return seen > digest->ranks_per_node ? seen : digest->ranks_per_node;
}

/* What stands before every name of Azure and of SageMaker tells nothing. */
static const char *without_prefix(const char *instance)
{
    static const char *const prefixes[] = {"Standard_", "ml."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(instance, prefixes[i], strlen(prefixes[i])) == 0)
            return instance + strlen(prefixes[i]);
    return instance;
}

static void name_it(struct mlb_measured *measured)
{
    char machines[24] = "", ranks[48] = "";
    if (measured->nodes > 1)
        mlb_format(machines, sizeof machines, " x%d", measured->nodes);
    if (measured->gpus > 0 && measured->ranks < measured->gpus * measured->nodes)
        mlb_format(ranks, sizeof ranks, " (%d of %d GPUs)", measured->ranks,
                   measured->gpus * measured->nodes);
    mlb_format(measured->name, sizeof measured->name, "%s%s%s %s%s%s", measured->provider,
               measured->service[0] ? "/" : "", measured->service,
               without_prefix(measured->instance), machines, ranks);
}

static struct mlb_measured *find(struct mlb_offers *offers, const struct mlb_digest *digest)
{
    for (size_t i = 0; i < offers->measured_count; i++)
        if (is_launch_of(&offers->measured[i], digest))
            return &offers->measured[i];
    return NULL;
}

/* A place for the launches of all records is the most that one can have. */
static struct mlb_measured *begin(struct mlb_offers *offers, const struct mlb_digest *digest,
                                  size_t room, const struct mlb_catalog *catalog)
{
    struct mlb_measured *measured = &offers->measured[offers->measured_count];
    *measured = (struct mlb_measured){
        .provider = provider_of(digest),
        .service = digest->provider.service,
        .instance = instance_of(digest),
        .region = digest->provider.region,
        .device_kind = digest->device_kind,
        .device = digest->device,
        .nodes = digest->nodes,
        .ranks = digest->ranks,
        .inferred = digest->provider.method == MLB_PROVIDER_INFERRED,
        .launches = calloc(room, sizeof *measured->launches),
    };
    if (!measured->launches)
        return NULL;
    offers->measured_count++;
    if (catalog)
        measured->listed = mlb_catalog_instance(catalog, measured->provider, measured->instance);
    measured->gpus = gpus_of(measured, digest);
    name_it(measured);
    return measured;
}

static enum mlb_status add_launch(struct mlb_offers *offers, const struct mlb_digest *digest,
                                  size_t room, const struct mlb_catalog *catalog,
                                  struct mlb_error *err)
{
    struct mlb_measured *measured = find(offers, digest);
    if (!measured)
        measured = begin(offers, digest, room, catalog);
    if (!measured)
        return mlb_fail(err, MLB_E_NOMEM, "offers: out of memory");
    if (strcmp(measured->region, digest->provider.region) != 0)
        measured->region = "";
    measured->sick += digest->sick > 0;
    measured->launches[measured->launch_count++] = digest;
    return MLB_OK;
}

static bool is_on_cpu(const struct mlb_digest *digest)
{
    return strcmp(digest->device_kind, "cpu") == 0;
}

/* Of what is no measurement of the machine as a job would use it, where that is counted; NULL: it
 * is one. `gpus`: others computed on GPUs, and no case of a CPU's is one of theirs. */
static size_t *why_left_out(struct mlb_offers *offers, const struct mlb_digest *digest, bool gpus)
{
    bool unlike = digest->data[0] && strcmp(digest->data, "normal") != 0;
    return digest->solo && digest->ranks > 1 ? &offers->solo
           : digest->oversubscribed          ? &offers->oversubscribed
           : unlike                          ? &offers->unlike_data
           : gpus && is_on_cpu(digest)       ? &offers->on_cpu
                                             : NULL;
}

static bool any_gpus(struct mlb_offers *offers, const struct mlb_digests *digests)
{
    for (size_t i = 0; i < digests->count; i++)
        if (!is_on_cpu(&digests->items[i]) && !why_left_out(offers, &digests->items[i], false))
            return true;
    return false;
}

/* -------------------------------------------------------------------------- what it is sold for */

/* The newest record that was told a price counts. */
static double told_price(const struct mlb_measured *measured, enum mlb_purchase way)
{
    double price = 0.0;
    const char *when = "";
    for (size_t i = 0; i < measured->launch_count; i++) {
        const struct mlb_digest *launch = measured->launches[i];
        const char *bought = launch->provider.purchase;
        bool same = strcmp(bought[0] ? bought : mlb_purchase_names[MLB_ON_DEMAND],
                           mlb_purchase_names[way]) == 0;
        if (!same || !(launch->price_per_hour > 0.0) || strcmp(launch->started_utc, when) < 0)
            continue;
        when = launch->started_utc;
        price = launch->price_per_hour / (launch->nodes > 0 ? launch->nodes : 1);
    }
    return price;
}

/* Of the service, else of the plain machine: most services bill that. */
static bool ask(struct mlb_offer *offer, const struct mlb_catalog *catalog, const char *region,
                int64_t today)
{
    const struct mlb_measured *of = offer->measured;
    offer->price = mlb_catalog_price(catalog, of->provider, of->service, of->instance, region, "",
                                     offer->purchase, today);
    offer->plain = !offer->price.known && of->service[0];
    if (offer->plain)
        offer->price = mlb_catalog_price(catalog, of->provider, "", of->instance, region, "",
                                         offer->purchase, today);
    offer->elsewhere =
        !region[0] && !offer->price.user && offer->price.known &&
        (offer->price.count > 1 || strcmp(offer->price.cheapest->region, "all") != 0);
    return offer->price.known;
}

/* In the region that was asked for and no other; in the record's, else in any. */
static bool price_it(struct mlb_offer *offer, const struct mlb_catalog *catalog,
                     const struct mlb_offer_choice *choice)
{
    const struct mlb_measured *measured = offer->measured;
    const char *region = choice->region[0] ? choice->region : measured->region;
    if (catalog && (ask(offer, catalog, region, choice->today) ||
                    (!choice->region[0] && ask(offer, catalog, "", choice->today))))
        return true;
    double told = told_price(measured, offer->purchase);
    offer->told = told > 0.0;
    offer->plain = offer->elsewhere = false;
    offer->price = (struct mlb_price_range){
        .known = offer->told, .low = told, .median = told, .high = told, .count = 1};
    return offer->told;
}

static void add_ways(struct mlb_offers *offers, const struct mlb_measured *measured,
                     const struct mlb_catalog *catalog, const struct mlb_offer_choice *choice)
{
    for (int way = 0; way < MLB_PURCHASES; way++) {
        struct mlb_offer offer = {.measured = measured, .purchase = (enum mlb_purchase)way};
        if (choice->ways[way] && price_it(&offer, catalog, choice))
            offers->items[offers->count++] = offer;
    }
}

enum mlb_status mlb_offers_build(struct mlb_offers *offers, const struct mlb_digests *digests,
                                 const struct mlb_catalog *catalog,
                                 const struct mlb_offer_choice *choice, struct mlb_error *err)
{
    *offers = (struct mlb_offers){.measured = calloc(digests->count + 1, sizeof *offers->measured)};
    if (!offers->measured)
        return mlb_fail(err, MLB_E_NOMEM, "offers: out of memory");
    bool gpus = any_gpus(offers, digests);
    for (size_t i = 0; i < digests->count; i++) {
        size_t *left_out = why_left_out(offers, &digests->items[i], gpus);
        if (left_out)
            (*left_out)++;
        else if (add_launch(offers, &digests->items[i], digests->count - i, catalog, err) != MLB_OK)
            return err->status;
    }
    offers->items = calloc(offers->measured_count * MLB_PURCHASES + 1, sizeof *offers->items);
    if (!offers->items)
        return mlb_fail(err, MLB_E_NOMEM, "offers: out of memory");
    for (size_t i = 0; i < offers->measured_count; i++)
        add_ways(offers, &offers->measured[i], catalog, choice);
    return MLB_OK;
}

void mlb_offers_free(struct mlb_offers *offers)
{
    for (size_t i = 0; i < offers->measured_count; i++)
        free(offers->measured[i].launches);
    free(offers->measured);
    free(offers->items);
    *offers = (struct mlb_offers){0};
}

bool mlb_measured_has_offer(const struct mlb_offers *offers, const struct mlb_measured *measured)
{
    for (size_t i = 0; i < offers->count; i++)
        if (offers->items[i].measured == measured)
            return true;
    return false;
}

double mlb_offer_machines(const struct mlb_offer *offer, uint64_t gpus)
{
    int each = offer->measured->gpus;
    return gpus == 0 || each <= 0 ? (double)offer->measured->nodes : ceil((double)gpus / each);
}

double mlb_offer_net_price(const struct mlb_offer *offer)
{
    return offer->useful > 0.0 ? offer->price.median / offer->useful : offer->price.median;
}

double mlb_offer_per_gpu(const struct mlb_offer *offer)
{
    return offer->measured->gpus > 0 ? 1.0 / offer->measured->gpus : 1.0;
}
