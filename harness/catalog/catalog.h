/* SPDX-License-Identifier: Apache-2.0 */
/* What can be rented, and what it costs: configs/catalog and files that `mlbench prices import`
 * wrote.
 *
 * A price without amount, currency, date, region and source is refused. Money is in US dollars;
 * another currency is refused by the reader, since a rate of exchange is nobody's but the user's.
 */
#ifndef MLB_CATALOG_CATALOG_H
#define MLB_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"

#define MLB_PRICE_STALE_DAYS 90 /* older prices are flagged wherever they are used */

enum mlb_purchase {
    MLB_ON_DEMAND,
    MLB_SPOT,        /* interruptible: spot, preemptible, low priority */
    MLB_RESERVED_1Y, /* a commitment of a year, whatever it is called: RI, CUD, savings plan */
    MLB_RESERVED_3Y,
    MLB_CAPACITY_BLOCK, /* prepaid for days or weeks: AWS Capacity Blocks, GCP DWS calendar */
    MLB_PURCHASES
};
extern const char *const mlb_purchase_names[]; /* "on_demand", "spot", "reserved_1y", ... NULL */

/* Texts are owned by the catalog and never NULL; 0 = unknown. */
struct mlb_instance {
    const char *provider, *name; /* "aws", "p5.48xlarge": the key */
    const char *gpu;             /* "H100"; of no GPU the accelerator: "Trainium1", "TPU v5e" */
    const char *const
        *device_names; /* as the driver says: "NVIDIA H100 80GB HBM3"; NULL-terminated */
    int gpus;
    double gpu_memory_bytes;
    const char *form;   /* "SXM5", "PCIe", ... */
    const char *nvlink; /* "NVLink4 18x/GPU" */
    const char *cpu;    /* "2x AMD EPYC 7R13" */
    int vcpus;
    double memory_bytes;
    const char *network; /* kind as the record's fabric says: "efa", "ib", "roce", "tcpx", "tcpxo",
                          * "gib", "ethernet"; "" unknown */
    int nics;            /* ports of that kind */
    /* Line rates of a whole machine, one direction: of the cards for the GPUs, and of the host's.
     */
    double gpu_network_bytes_per_s, host_network_bytes_per_s;
    const char *gpudirect; /* "rdma", "tcpx", "tcpxo", "none", "" unknown */
    bool price_only;       /* not measured by mlbench: no CUDA there */
    const char *source, *as_of;
};

struct mlb_price {
    const char *provider, *service,
        *instance;             /* service "" = the plain machine, else "sagemaker" */
    const char *region, *zone; /* "all" where one price holds everywhere; zone "" */
    enum mlb_purchase purchase;
    double usd_per_hour; /* of one instance, what is prepaid spread over the term */
    const char *as_of;   /* "2026-08-11" */
    int64_t day;         /* the same as days since 1970 */
    const char *source, *note;
};

struct mlb_catalog; /* owned by its opener */

/* `folder`/instances.json and `folder`/prices.json; `more` are price files read after these,
 * separated by commas, NULL or "" for none. Of two prices for the same thing (provider, service,
 * instance, region, zone, purchase) the newer one counts, of one day that of the later file; of a
 * later file one for all regions also counts before older ones for single regions. */
enum mlb_status mlb_catalog_open(struct mlb_catalog **catalog, const char *folder, const char *more,
                                 struct mlb_error *err);
void mlb_catalog_close(struct mlb_catalog *catalog); /* NULL is fine */

size_t mlb_catalog_instances(const struct mlb_catalog *catalog, const struct mlb_instance **first);
size_t mlb_catalog_prices(const struct mlb_catalog *catalog, const struct mlb_price **first);
/* Names compare without case, and without Azure's "Standard_" and SageMaker's "ml." in front. */
const struct mlb_instance *mlb_catalog_instance(const struct mlb_catalog *catalog,
                                                const char *provider, const char *name);

/* Prices of the user's own, with commas between:
 * "aws/p5.48xlarge=55.04,aws/p5.48xlarge:spot=14.20", "aws/ml.p5.48xlarge=63.29" of SageMaker. They
 * count before all others, everywhere, and are dated today. Ranges that were asked for before are
 * no longer valid. */
enum mlb_status mlb_catalog_override(struct mlb_catalog *catalog, const char *text,
                                     struct mlb_error *err);

/* What an instance costs under one way of buying. Of several regions and zones the lowest, the
 * median and the highest: where it is rented decides. `region`, `zone` "" = any; a region that the
 * catalog has no price for finds none. */
struct mlb_price_range {
    bool known;
    double low, median, high;         /* USD an hour for one instance */
    size_t count;                     /* prices that it is made of */
    const struct mlb_price *cheapest; /* where `low` is */
    const struct mlb_price *oldest;   /* its age is the range's */
    bool stale;                       /* that is older than MLB_PRICE_STALE_DAYS at `today` */
    bool user;                        /* the user's own price */
    bool above_on_demand;             /* a spot price at or above on demand in the same region */
};
struct mlb_price_range mlb_catalog_price(const struct mlb_catalog *catalog, const char *provider,
                                         const char *service, const char *instance,
                                         const char *region, const char *zone,
                                         enum mlb_purchase purchase, int64_t today);

#endif
