/* SPDX-License-Identifier: Apache-2.0 */
/* What the provider files share. Each place that knows something fills a struct mlb_provider of its
 * own, with its evidence; provider.c puts them together. */
#ifndef MLB_SYSTEM_PROVIDER_PARTS_H
#define MLB_SYSTEM_PROVIDER_PARTS_H

#include "harness/system/provider.h"

/* The job's variables and files. */
void mlb_provider_of_job(const char *root, struct mlb_provider *found);

/* The firmware's tables; false where there are none, as in many containers. */
bool mlb_provider_of_dmi(const char *root, struct mlb_provider *found);

/* ---------------------------------------------------------------------- metadata services */

enum mlb_service {
    MLB_SERVICE_AWS,
    MLB_SERVICE_GCP,
    MLB_SERVICE_AZURE,
    MLB_SERVICE_OCI,
    MLB_SERVICES
};

enum { MLB_SERVICE_ADDRESS = 96, MLB_SERVICE_WHY = 256 };

/* Where a service is asked. */
struct mlb_service_place {
    bool ask;
    bool pointed;                   /* by the user, the job or the firmware; else all are tried */
    char base[MLB_SERVICE_ADDRESS]; /* "http://169.254.169.254" */
    const char *by;                 /* the variable that says so; "" */
};

const char *mlb_service_name(enum mlb_service service); /* "aws": as struct mlb_provider's name */

/* The places as the variables say, nothing asked yet: an address that a variable sets (and, with
 * it, a service that a variable turns off, whose base is then ""). */
void mlb_service_places(struct mlb_service_place places[MLB_SERVICES], const struct mlb_log *log);

/* "http://127.0.0.1:8080/", "[fd00:ec2::254]", "localhost:80" -> "http://HOST[:PORT]". Only this
 * machine and what is one step away from it (loop-back and link-local addresses): a record must not
 * be told by somebody else what it is of. False otherwise. */
bool mlb_service_base(const char *text, char base[MLB_SERVICE_ADDRESS]);

/* Ask those that are marked, all at once, until `until_s` of mlb_clock_s. `why`: the one that is
 * pointed to told nothing, "token: Timeout was reached"; "" where it did or none is. */
void mlb_metadata_ask(const struct mlb_service_place places[MLB_SERVICES], double until_s,
                      const struct mlb_log *log, struct mlb_provider *found,
                      char why[MLB_SERVICE_WHY]);

#endif
