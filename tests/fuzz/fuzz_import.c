/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_import [SEED [COUNT [FIRST]]]: good price files of every format after a few random changes.
 * A file is refused with one line, or taken: then every price is one that the reader of price files
 * takes. Input number i depends on SEED and i alone. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/base/date.h"
#include "harness/base/utf8.h"
#include "harness/catalog/price_file.h"
#include "harness/catalog/price_import.h"
#include "tests/fuzz/mutate.h"

enum { CHECK_FILE = 64 };

#define demand(condition, err) demand_at((condition), #condition, __LINE__, err)

static void demand_at(bool condition, const char *text, int line, const struct mlb_error *err)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_import.c:%d: not true: %s (error: \"%s\")\n", line, text, err->text);
    abort();
}

static const char *const documents[] = {
    "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region,AvailabilityZone\r\n"
    "p5.48xlarge,H100,8,55.04,14.2461,us-east-1,use1-az1\r\n"
    "p5.48xlarge,H100,8,55.04,,us-east-1,use1-az2\np4d.24xlarge,A100,8,\"21.96\",7,us-east-1,a\n",
    "instance_name,location,price,spot,flags\np5.48xlarge,us-east-1,55.04,False,\n"
    "p5.48xlarge,us-east-1,20.1,True,\np5.48xlarge,us-east-2,30,False,dws-calendar-mode\n",
    "\"FormatVersion\",\"v1.0\"\n\"Publication Date\",\"2025-06-11T20:31:05Z\"\n"
    "SKU,OfferTermCode,TermType,Unit,PricePerUnit,Currency,LeaseContractLength,PurchaseOption,"
    "OfferingClass,Instance Type,Region Code,Tenancy,Operating System\n"
    "A,J,OnDemand,Hrs,55.04,USD,,,,p5.48xlarge,us-east-1,Shared,Linux\n"
    "A,P,Reserved,Quantity,100000,USD,1yr,Partial Upfront,standard,p5.48xlarge,us-east-1,Shared,"
    "Linux\nA,P,Reserved,Hrs,15,USD,1yr,Partial Upfront,standard,p5.48xlarge,us-east-1,Shared,"
    "Linux\n",
    "{\"formatVersion\":\"v1.0\",\"offerCode\":\"AmazonEC2\",\"publicationDate\":\"2025-06-11\","
    "\"products\":{\"B\":{\"sku\":\"B\",\"attributes\":{\"instanceType\":\"p5.48xlarge\","
    "\"regionCode\":\"us-east-1\",\"tenancy\":\"Shared\",\"operatingSystem\":\"Linux\"}}},"
    "\"terms\":{\"OnDemand\":{\"B\":{\"B.J\":{\"priceDimensions\":{\"x\":{\"unit\":\"Hrs\","
    "\"pricePerUnit\":{\"USD\":\"55.04\"}}}}}},\"Reserved\":{\"B\":{\"B.N\":{\"termAttributes\":{"
    "\"LeaseContractLength\":\"3yr\",\"PurchaseOption\":\"No Upfront\"},\"priceDimensions\":{"
    "\"x\":{\"unit\":\"Hrs\",\"pricePerUnit\":{\"USD\":\"25\"}}}}}}}}",
    "{\"PriceList\":[\"{\\\"product\\\":{\\\"attributes\\\":{\\\"instanceType\\\":"
    "\\\"p5.48xlarge\\\",\\\"regionCode\\\":\\\"us-east-1\\\",\\\"tenancy\\\":\\\"Shared\\\","
    "\\\"operatingSystem\\\":\\\"Linux\\\"},\\\"sku\\\":\\\"A\\\"},\\\"terms\\\":{\\\"OnDemand\\\":"
    "{\\\"A.J\\\":{\\\"priceDimensions\\\":{\\\"x\\\":{\\\"unit\\\":\\\"Hrs\\\","
    "\\\"pricePerUnit\\\":{\\\"USD\\\":\\\"55.04\\\"}}}}}}}\"]}",
    "{\"SpotPriceHistory\":[{\"AvailabilityZone\":\"us-east-1a\",\"InstanceType\":\"p5.48xlarge\","
    "\"ProductDescription\":\"Linux/UNIX\",\"SpotPrice\":\"14.2\",\"Timestamp\":"
    "\"2025-06-12T00:00:00Z\"},{\"AvailabilityZone\":\"us-east-1a\",\"InstanceType\":"
    "\"p5.48xlarge\",\"ProductDescription\":\"Linux/UNIX\",\"SpotPrice\":\"20\",\"Timestamp\":"
    "\"2025-06-10T09:00:00Z\"}]}",
    "{\"CapacityBlockOfferings\":[{\"InstanceType\":\"p5.48xlarge\",\"AvailabilityZone\":"
    "\"us-east-1a\",\"InstanceCount\":2,\"StartDate\":\"2025-07-10T11:30:00Z\","
    "\"CapacityBlockDurationHours\":24,\"UpfrontFee\":\"1993.44\",\"CurrencyCode\":\"USD\"}]}",
    "{\"Items\":[{\"currencyCode\":\"USD\",\"retailPrice\":98.32,\"armRegionName\":\"eastus\","
    "\"armSkuName\":\"Standard_ND96isr_H100_v5\",\"unitOfMeasure\":\"1 Hour\",\"type\":"
    "\"Consumption\",\"savingsPlan\":[{\"retailPrice\":60,\"term\":\"1 Year\"}]},{\"currencyCode\":"
    "\"USD\",\"retailPrice\":551179.2,\"armRegionName\":\"eastus\",\"armSkuName\":"
    "\"Standard_ND96isr_H100_v5\",\"unitOfMeasure\":\"1 Hour\",\"type\":\"Reservation\","
    "\"reservationTerm\":\"1 Year\"}],\"NextPageLink\":null}",
    "[{\"instance_type\":\"p5.48xlarge\",\"pricing\":{\"us-east-1\":{\"linux\":{\"ondemand\":"
    "\"55.04\",\"spot_avg\":\"20.5\",\"reserved\":{\"yrTerm1Standard.noUpfront\":\"36.1\"}}}}}]",
    "{\"data\":{\"x\":{\"instance_type\":{\"name\":\"gpu_8x_h100_sxm5\",\"price_cents_per_hour\":"
    "2392}}}}",
    NULL,
};

static const char *const tokens[] = {
    ",",   "\"",   "\n",   "\r\n",  "{",      "}",          "[",     "]",   ":",    "0",
    "-",   "1e99", "NaN",  "N/A",   "$",      "\xff",       "\\u00", "\\",  "null", "true",
    "USD", "EUR",  "spot", "Hours", "\"a\":", "2099-01-01", "\t",    "Hrs", "",     NULL,
};

static const struct fuzz_words words = {documents, tokens};

/* ---------------------------------------------------------------------------------- what is held
 */

static bool is_text(const char *text)
{
    return mlb_utf8_invalid(text, strlen(text)) == NULL;
}

static void check_price(const struct mlb_price *price, const struct mlb_catalog *catalog,
                        int64_t today, const struct mlb_error *err)
{
    demand(mlb_catalog_instance(catalog, price->provider, price->instance) != NULL, err);
    demand(isfinite(price->usd_per_hour) && price->usd_per_hour > 0.0, err);
    demand(price->region[0] && is_text(price->region) && is_text(price->zone), err);
    demand(price->source[0] && is_text(price->source) && is_text(price->note), err);
    demand(price->day <= today && price->as_of[0], err);
}

static void check_findings(const struct mlb_import *import, const struct mlb_error *err)
{
    const struct mlb_finding *findings;
    size_t count = mlb_import_findings(import, &findings);
    for (size_t i = 0; i < count; i++) {
        demand(is_text(findings[i].first) && !strpbrk(findings[i].first, "\r\n"), err);
        demand((findings[i].count > 0) == (findings[i].first[0] != '\0'), err);
    }
}

/* Written and read again by the strict reader. */
static void check_file(int out, const struct mlb_catalog *catalog, const struct mlb_price *prices,
                       size_t count, struct mlb_error *err)
{
    char path[64];
    struct mlb_catalog *file;
    const struct mlb_price *again;
    snprintf(path, sizeof path, "/tmp/mlbench-fuzz-%d-%d.json", (int)getpid(), out);
    demand(mlb_price_file_write(path, prices, count, err) == MLB_OK, err);
    demand(mlb_price_file_open(&file, catalog, path, err) == MLB_OK, err);
    demand(mlb_catalog_prices(file, &again) == count, err);
    mlb_catalog_close(file);
    unlink(path);
}

static void check_taken(struct mlb_import *import, const struct mlb_import_options *options,
                        bool with_file, struct mlb_error *err)
{
    const struct mlb_price *prices;
    demand(mlb_import_finish(import, err) == MLB_OK, err);
    size_t count = mlb_import_prices(import, &prices);
    for (size_t i = 0; i < count; i++)
        check_price(&prices[i], options->catalog, options->today, err);
    check_findings(import, err);
    if (with_file && count > 0)
        check_file(0, options->catalog, prices, count, err);
}

static bool feed(const struct mlb_import_options *options, const struct fuzz_input *input, int fd,
                 bool with_file)
{
    char path[64];
    struct mlb_error error = {0}, *err = &error;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    demand(ftruncate(fd, 0) == 0, err);
    demand(pwrite(fd, input->bytes, input->size, 0) == (ssize_t)input->size, err);
    struct mlb_import *import = mlb_import_new(options, err);
    demand(import != NULL, err);
    bool taken = mlb_import_read(import, path, err) == MLB_OK;
    if (taken)
        check_taken(import, options, with_file, err);
    else
        demand(err->status == MLB_E_CONFIG && err->text[0] && !strchr(err->text, '\n'), err);
    mlb_import_free(import);
    return taken;
}

int main(int argc, char **argv)
{
    uint64_t seed = fuzz_argument(argc, argv, 1, 1), count = fuzz_argument(argc, argv, 2, 20000);
    uint64_t first = fuzz_argument(argc, argv, 3, 0), taken = 0;
    struct mlb_error error = {0}, *err = &error;
    struct mlb_catalog *catalog;
    demand(mlb_catalog_open(&catalog, "configs/catalog", NULL, err) == MLB_OK, err);
    struct mlb_import_options options = {
        .catalog = catalog, .provider = "aws", .as_of = "2025-07-01", .today = mlb_date_today()};
    int fd = memfd_create("fuzz_import", MFD_CLOEXEC);
    demand(fd >= 0, err);
    for (uint64_t i = first; i < first + count; i++) {
        struct fuzz_input input;
        fuzz_make(&input, &words, FUZZ_INPUT, seed, i);
        taken += feed(&options, &input, fd, i % CHECK_FILE == 0);
    }
    close(fd);
    mlb_catalog_close(catalog);
    printf("%llu files, %llu taken\n", (unsigned long long)count, (unsigned long long)taken);
    /* A loop that is always refused, or never, tests nothing. */
    return count < 1000 || (taken > count / 10 && taken < count - count / 10) ? 0 : 1;
}
