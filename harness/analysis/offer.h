/* SPDX-License-Identifier: Apache-2.0 */
/* From records and a catalog: what was measured, and in which ways it can be bought. */
#ifndef MLB_ANALYSIS_OFFER_H
#define MLB_ANALYSIS_OFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/catalog/catalog.h"
#include "harness/measure/digest.h"

/* Launches of one thing: provider, service, instance, number of machines, device and ranks. */
struct mlb_measured {
    /* Of a record that does not tell, "unknown" and the kind of host ("8x-nvidia-h200"). */
    const char *provider, *service, *instance;
    const char *region;                 /* "" = not known, or several */
    const char *device_kind, *device;   /* "cuda", "NVIDIA H200" */
    const struct mlb_instance *listed;  /* in the catalog; NULL = it is not */
    char name[128];                     /* "aws p5.48xlarge", "gcp/vertex a3-highgpu-8g x2" */
    int nodes, ranks;                   /* of the job that was measured */
    int gpus;                           /* of one machine; 0 = it computes on the CPU */
    bool inferred;                      /* the instance is a guess from the hardware */
    const struct mlb_digest **launches; /* owned */
    size_t launch_count, sick;          /* of these, with a health note of that level */
};

/* One way of buying it. */
struct mlb_offer {
    const struct mlb_measured *measured;
    enum mlb_purchase purchase;
    struct mlb_price_range price; /* of ONE machine */
    bool told;                    /* no catalog's: the run was told so by --price-per-hour */
    bool plain;                   /* the plain machine's: none is listed for its service */
    bool elsewhere;               /* of all regions, since the record's is unknown or not listed */
    /* Part of a paid hour that serves the job, against one on demand: of spot what interruptions
     * leave, of a commitment its use. 0 = not counted. */
    double useful;
    bool stuck; /* spot that is interrupted so often that nothing is left */
};

struct mlb_offers {
    struct mlb_measured *measured; /* in the order of the records */
    size_t measured_count;
    struct mlb_offer *items; /* by `measured`, then by way of buying */
    size_t count;
    /* Records left out: ranks took turns or shared a device, other data than "normal", or a CPU
     * computed where other records are of GPUs. */
    size_t solo, oversubscribed, unlike_data, on_cpu;
};

struct mlb_offer_choice {
    const char *region;       /* "" = the record's */
    bool ways[MLB_PURCHASES]; /* of buying */
    int64_t today;            /* days since 1970: how old prices are */
};

/* `offers` points into `digests` and `catalog`. What has no price in any of the ways is measured
 * and has no offer. */
enum mlb_status mlb_offers_build(struct mlb_offers *offers, const struct mlb_digests *digests,
                                 const struct mlb_catalog *catalog,
                                 const struct mlb_offer_choice *choice, struct mlb_error *err);
void mlb_offers_free(struct mlb_offers *offers); /* zeroed is fine; leaves it zeroed */

bool mlb_measured_has_offer(const struct mlb_offers *offers, const struct mlb_measured *measured);
/* Machines for a job of so many GPUs; those that were measured when `gpus` is 0 or it has none. */
double mlb_offer_machines(const struct mlb_offer *offer, uint64_t gpus);
/* USD an hour of one machine that serves the job: its price over the part that does. */
double mlb_offer_net_price(const struct mlb_offer *offer);
/* By which a price per hour of a machine becomes one of a GPU; 1 when it computes on the CPU. */
double mlb_offer_per_gpu(const struct mlb_offer *offer);

#endif
