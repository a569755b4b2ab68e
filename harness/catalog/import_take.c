/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/date.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/base/utf8.h"
#include "harness/catalog/import_inner.h"
#include "harness/catalog/store.h"

void mlb_import_find(struct mlb_import *import, enum mlb_finding_code code, size_t line,
                     const char *format, ...)
{
    struct mlb_finding *finding = &import->findings[code];
    if (finding->count++ > 0)
        return;
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (line)
        mlb_format(finding->first, sizeof finding->first, "%s:%zu: %s", import->file->path, line,
                   what);
    else
        mlb_format(finding->first, sizeof finding->first, "%s: %s", import->file->path, what);
    mlb_import_clean(finding->first);
}

void mlb_import_clean(char *text)
{
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    size_t length = strlen(text);
    for (const char *bad = text; (bad = mlb_utf8_invalid(bad, length - (size_t)(bad - text)));)
        text[bad - text] = '?';
}

const char *mlb_import_name(const struct mlb_offer *offer, char to[static 200])
{
    const char *service = offer->service ? offer->service : "";
    const char *place = offer->zone && offer->zone[0] ? offer->zone : offer->region;
    mlb_format(to, 200, "%s%s%s %s %s %s", offer->provider, service[0] ? "/" : "", service,
               offer->instance, place, mlb_purchase_names[offer->purchase]);
    return to;
}

const struct mlb_instance *mlb_import_wanted(struct mlb_import *import, const char *provider,
                                             const char *name, size_t line)
{
    const struct mlb_instance *instance =
        mlb_catalog_instance(import->options.catalog, provider, name);
    if (!instance)
        mlb_import_find(import, MLB_OTHER_INSTANCE, line, "%s %s", provider, name);
    return instance;
}

bool mlb_import_amount(struct mlb_import *import, struct mlb_offer *offer, const char *text)
{
    char name[200];
    text += strspn(text, " \t");
    if (!*text)
        return false;
    if (mlb_parse_real(text + (*text == '$'), &offer->usd_per_hour))
        return true;
    mlb_import_find(import, MLB_NOT_A_NUMBER, offer->line, "%s: '%.40s'",
                    mlb_import_name(offer, name), text);
    return false;
}

#define PLACE_LIMIT 63 /* bytes; the longest of a provider has some 20 */

/* What a terminal prints as it is. */
static bool is_text(const char *text)
{
    for (const char *at = text; at && *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    return !text || !mlb_utf8_invalid(text, strlen(text));
}

static bool is_place(const char *text)
{
    return is_text(text) && (!text || strlen(text) <= PLACE_LIMIT);
}

/* The kind of refusal, or MLB_FINDINGS for a price that can be true. */
static enum mlb_finding_code judge(const struct mlb_offer *offer,
                                   const struct mlb_instance *instance)
{
    double least, most;
    if (!isfinite(offer->usd_per_hour))
        return MLB_NOT_A_NUMBER;
    if (offer->usd_per_hour == 0.0)
        return MLB_ZERO;
    if (offer->usd_per_hour < 0.0)
        return MLB_NEGATIVE;
    if (!mlb_catalog_is_possible(instance, offer->usd_per_hour, &least, &most))
        return MLB_ABSURD;
    if (!offer->region || !offer->region[0])
        return MLB_NO_REGION;
    return is_place(offer->region) && is_place(offer->zone) && is_text(offer->note) ? MLB_FINDINGS
                                                                                    : MLB_NOT_TEXT;
}

struct mlb_taken *mlb_import_append(struct mlb_import *import)
{
    import->full = import->full || import->count >= import->options.most;
    if (import->full)
        return NULL;
    if (import->count == import->room) {
        size_t room = import->room ? 2 * import->room : 64;
        struct mlb_taken *taken = realloc(import->taken, room * sizeof *taken);
        if (!taken) {
            import->failed = true;
            return NULL;
        }
        import->taken = taken;
        import->room = room;
    }
    struct mlb_taken *taken = &import->taken[import->count++];
    *taken = (struct mlb_taken){.order = import->count};
    return taken;
}

/* Copies `text` to `*at`, which moves behind it. */
static const char *put(char **at, const char *text)
{
    char *copy = *at;
    size_t size = strlen(text) + 1;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

/* The texts of an offer in one block. Provider and instance are spelt as the catalog does. */
static bool copy_texts(struct mlb_taken *taken, const struct mlb_offer *offer,
                       const struct mlb_instance *instance)
{
    const char *service = offer->service ? offer->service : "";
    /* A zone lies in one region. */
    const char *zone = offer->zone && strcmp(offer->region, "all") != 0 ? offer->zone : "";
    const char *as_of = offer->as_of ? offer->as_of : "";
    char *at = taken->block =
        malloc(strlen(service) + strlen(offer->region) + strlen(zone) + strlen(as_of) + 4);
    taken->note = offer->note && offer->note[0] ? strdup(offer->note) : NULL;
    if (!at || (offer->note && offer->note[0] && !taken->note))
        return false;
    taken->price = (struct mlb_price){.provider = instance->provider,
                                      .instance = instance->name,
                                      .service = put(&at, service),
                                      .region = put(&at, offer->region),
                                      .zone = put(&at, zone),
                                      .as_of = put(&at, as_of),
                                      .purchase = offer->purchase,
                                      .usd_per_hour = offer->usd_per_hour};
    return true;
}

void mlb_import_take(struct mlb_import *import, const struct mlb_offer *offer)
{
    const struct mlb_instance *instance =
        mlb_import_wanted(import, offer->provider, offer->instance, offer->line);
    if (!instance)
        return;
    char name[200];
    enum mlb_finding_code refused = judge(offer, instance);
    if (refused != MLB_FINDINGS) {
        mlb_import_find(import, refused, offer->line, "%s: %.10g", mlb_import_name(offer, name),
                        offer->usd_per_hour);
        return;
    }
    if (offer->since / MLB_SECONDS_PER_DAY > import->options.today) {
        mlb_import_find(import, MLB_NOT_YET, offer->line, "%s: %.10g", mlb_import_name(offer, name),
                        offer->usd_per_hour);
        return;
    }
    struct mlb_taken *taken = mlb_import_append(import);
    if (!taken)
        return;
    import->failed = import->failed || !copy_texts(taken, offer, instance);
    taken->file = import->file;
    taken->line = offer->line;
    taken->since = offer->since;
    taken->history = offer->history;
    if (offer->history && offer->since > import->file->last_instant)
        import->file->last_instant = offer->since;
    import->file->taken++;
}

void mlb_import_dated(struct mlb_import *import, const char *text, const char *how)
{
    int64_t day;
    if (!mlb_date_parse(text, &day))
        return;
    mlb_date_print(import->file->as_of, day);
    import->file->as_of_is = how;
}

bool mlb_import_instant(const char *text, int64_t *seconds)
{
    int64_t day;
    int hour = 0, minute = 0, second = 0;
    if (!mlb_date_parse(text, &day))
        return false;
    if (strlen(text) > 10 && sscanf(text + 10, "T%2d:%2d:%2d", &hour, &minute, &second) != 3)
        return false;
    *seconds = MLB_SECONDS_PER_DAY * day + 3600 * hour + 60 * minute + second;
    return true;
}

/* ------------------------------------------------------------------------------- whose prices */

/* Catalogs of prices that have a name of their own for a provider. */
static const struct {
    const char *theirs, *ours;
} aliases[] = {{"lambdalabs", "lambda"}, {"lambda_cloud", "lambda"}, {"amazon", "aws"}};

static const char *known_provider(const struct mlb_import *import, const char *word, size_t length)
{
    const struct mlb_instance *instances;
    size_t count = mlb_catalog_instances(import->options.catalog, &instances);
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strlen(aliases[i].theirs) == length &&
            strncasecmp(aliases[i].theirs, word, length) == 0)
            return known_provider(import, aliases[i].ours, strlen(aliases[i].ours));
    for (size_t i = 0; i < count; i++)
        if (strlen(instances[i].provider) == length &&
            strncasecmp(instances[i].provider, word, length) == 0)
            return instances[i].provider;
    return NULL;
}

/* "catalogs/v8/aws/vms.csv", "aws.csv", "vms-aws.csv": the words of the name from the last one
 * back, then those of the folder that it is in. */
static const char *provider_of_path(const struct mlb_import *import, const char *path)
{
    const char *end = path + strlen(path), *provider = NULL;
    for (int slashes = 0; end > path && slashes < 2 && !provider;) {
        const char *begin = end;
        while (begin > path && !strchr("/-_.", begin[-1]))
            begin--;
        provider = known_provider(import, begin, (size_t)(end - begin));
        slashes += begin > path && begin[-1] == '/';
        end = begin > path ? begin - 1 : path;
    }
    return provider;
}

enum mlb_status mlb_import_provider(struct mlb_import *import, const char *path,
                                    const char **provider, struct mlb_error *err)
{
    const char *word = import->options.provider;
    *provider =
        word[0] ? known_provider(import, word, strlen(word)) : provider_of_path(import, path);
    if (*provider)
        return MLB_OK;
    if (word[0])
        return mlb_fail(err, MLB_E_USAGE,
                        "provider=%s: the catalog has no instance of this provider ('mlbench "
                        "prices list' shows whose it has)",
                        word);
    return mlb_fail(err, MLB_E_USAGE,
                    "%s: whose prices are these? The file does not say, and its name and folder "
                    "hold no provider of the catalog: add provider=NAME",
                    path);
}
