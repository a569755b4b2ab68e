/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/provider.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/system/provider_answers.h"
#include "harness/system/provider_parts.h"

const char *const mlb_provider_method_names[] = {"unknown",  "user",     "job", "dmi",
                                                 "metadata", "inferred", NULL};

struct mlb_provider_search {
    const struct mlb_log *log;
    struct mlb_provider known;    /* without a network */
    struct mlb_provider answered; /* by a service; the thread's until it has ended, as is `why` */
    char why[MLB_SERVICE_WHY];    /* the one that was pointed to said nothing; "" */
    struct mlb_service_place places[MLB_SERVICES];
    double until_s;
    bool asks, threaded;
    pthread_t thread;
};

void mlb_provider_evidence(struct mlb_provider *provider, const char *what)
{
    size_t length = strlen(provider->evidence);
    mlb_format(provider->evidence + length, sizeof provider->evidence - length, "%s%s",
               length ? "; " : "", what);
}

/* ----------------------------------------------------------------------------- putting together */

static bool fill(char *known, size_t size, const char *found)
{
    if (known[0] || !found[0])
        return false;
    return mlb_format(known, size, "%s", found);
}

/* "nd96isr_h100_v5" is Standard_ND96isr_H100_v5, and SageMaker's ml.p5.48xlarge is a p5.48xlarge.
 */
static bool same_name(const char *a, const char *b)
{
    size_t length = strlen(a), other = strlen(b), common = length < other ? length : other;
    return strcasecmp(a + length - common, b + other - common) == 0;
}

/* Both are known and not the same: the first stays, and whoever reads should know. */
static bool denies(const struct mlb_provider *known, const char *was,
                   const struct mlb_provider *found, const char *is, const struct mlb_log *log)
{
    if (!was[0] || !is[0] || same_name(was, is))
        return false;
    mlb_log(log, MLB_LOG_WARN, "provider: %s (%s), although %s says %s", was, known->evidence,
            found->evidence, is);
    return true;
}

/* What is known stays. A place that tells of another provider tells of another machine: the one
 * below the container, say. */
static void merge(struct mlb_provider *known, const struct mlb_provider *found,
                  enum mlb_provider_method method, const struct mlb_log *log)
{
    if (denies(known, known->name, found, found->name, log))
        return;
    denies(known, known->instance, found, found->instance, log);
    bool there = !denies(known, known->region, found, found->region, log);
    bool named = fill(known->name, sizeof known->name, found->name);
    bool typed = fill(known->instance, sizeof known->instance, found->instance);
    bool placed = fill(known->region, sizeof known->region, found->region);
    placed |= there && fill(known->zone, sizeof known->zone, found->zone);
    placed |= fill(known->purchase, sizeof known->purchase, found->purchase);
    fill(known->service, sizeof known->service, found->service);
    fill(known->runtime, sizeof known->runtime, found->runtime);
    if (typed || (named && !known->instance[0]))
        known->method = method;
    if ((named || typed || placed) && found->evidence[0])
        mlb_provider_evidence(known, found->evidence);
}

/* ------------------------------------------------------------------------------ the user's word */

static enum mlb_status take_word(const char *option, const char *variable, const char *given,
                                 char *to, size_t size, struct mlb_provider *found,
                                 struct mlb_error *err)
{
    const char *set = getenv(variable), *text = given && given[0] ? given : set;
    const char *from = text == set ? variable : option;
    if (!text || !text[0])
        return MLB_OK;
    if (!mlb_answer_word(text, to, size))
        return mlb_fail(err, MLB_E_USAGE,
                        "%s '%.80s': a name of at most %zu letters, digits and . _ : / + - is "
                        "wanted",
                        from, text, size - 1);
    mlb_provider_evidence(found, from);
    return MLB_OK;
}

static enum mlb_status of_user(const struct mlb_provider_query *query, struct mlb_provider *found,
                               struct mlb_error *err)
{
    memset(found, 0, sizeof *found);
    if (take_word("--provider", "MLBENCH_PROVIDER", query->name, found->name, sizeof found->name,
                  found, err) != MLB_OK ||
        take_word("--instance", "MLBENCH_INSTANCE_TYPE", query->instance, found->instance,
                  sizeof found->instance, found, err) != MLB_OK ||
        take_word("", "MLBENCH_REGION", "", found->region, sizeof found->region, found, err) !=
            MLB_OK)
        return err->status;
    for (char *c = found->name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (strncmp(found->instance, "ml.", 3) == 0) /* SageMaker's own names of AWS's instances */
        mlb_format(found->service, sizeof found->service, "sagemaker");
    return MLB_OK;
}

/* ----------------------------------------------------------------------------------- the search */

static bool is_asking_off(void)
{
    const char *value = getenv("MLBENCH_METADATA");
    return value && strcasecmp(value, "off") == 0;
}

/* The one service of the provider; all of them where there is no firmware to tell. Not inside a job
 * of SageMaker, whose machines are not the account's: its own files tell. */
static bool mark_places(struct mlb_provider_search *search, bool firmware)
{
    const struct mlb_provider *known = &search->known;
    bool any = false;
    if (is_asking_off() || strcmp(known->runtime, "sagemaker") == 0)
        return false;
    mlb_service_places(search->places, search->log);
    for (enum mlb_service service = 0; service < MLB_SERVICES; service++) {
        struct mlb_service_place *place = &search->places[service];
        place->pointed = strcmp(mlb_service_name(service), known->name) == 0;
        place->ask = place->base[0] && (place->pointed || (!known->name[0] && !firmware));
        any = any || place->ask;
    }
    return any;
}

static void *ask(void *user)
{
    struct mlb_provider_search *search = user;
    mlb_metadata_ask(search->places, search->until_s, search->log, &search->answered, search->why);
    return NULL;
}

enum mlb_status mlb_provider_begin(const struct mlb_provider_query *query,
                                   struct mlb_provider_search **search, struct mlb_error *err)
{
    struct mlb_provider found;
    struct mlb_provider_search *made = calloc(1, sizeof *made);
    *search = NULL;
    if (!made)
        return mlb_fail(err, MLB_E_NOMEM, "provider: out of memory");
    made->log = query->log;
    if (of_user(query, &found, err) != MLB_OK) {
        free(made);
        return err->status;
    }
    merge(&made->known, &found, MLB_PROVIDER_USER, query->log);
    mlb_provider_of_job(query->root, &found);
    merge(&made->known, &found, MLB_PROVIDER_JOB, query->log);
    bool firmware = mlb_provider_of_dmi(query->root, &found);
    merge(&made->known, &found, MLB_PROVIDER_DMI, query->log);
    made->until_s = mlb_clock_s() + MLB_PROVIDER_BUDGET_S;
    made->asks = mark_places(made, firmware);
    made->threaded = made->asks && pthread_create(&made->thread, NULL, ask, made) == 0;
    *search = made;
    return MLB_OK;
}

/* A price hangs on it, so it is said where something lacks. */
static void say_silence(const struct mlb_provider_search *search)
{
    const struct mlb_provider *known = &search->known;
    if (search->why[0] && (!known->instance[0] || !known->region[0]))
        mlb_log(search->log, MLB_LOG_WARN,
                "provider: the metadata service of %s told nothing (%s): %s", known->name,
                search->why,
                known->instance[0] ? "MLBENCH_REGION says where this is"
                                   : "--instance and MLBENCH_REGION say what it would have");
}

void mlb_provider_end(struct mlb_provider_search *search, struct mlb_provider *found)
{
    if (!search)
        return;
    if (search->threaded)
        pthread_join(search->thread, NULL);
    else if (search->asks && found)
        ask(search);
    if (search->asks)
        merge(&search->known, &search->answered, MLB_PROVIDER_METADATA, search->log);
    if (found) {
        say_silence(search);
        *found = search->known;
    }
    free(search);
}

/* --------------------------------------------------------------------------------------- as text
 */

bool mlb_provider_known(const struct mlb_provider *provider)
{
    return provider->name[0] || provider->instance[0] || provider->runtime[0] ||
           provider->candidates[0];
}

static void add_text(char *to, size_t size, const char *before, const char *what,
                     const char *behind)
{
    size_t length = strlen(to);
    if (what[0])
        mlb_format(to + length, size - length, "%s%s%s", before, what, behind);
}

static const char *how_known(enum mlb_provider_method method)
{
    static const char *const texts[] = {
        [MLB_PROVIDER_USER] = ", as you say",
        [MLB_PROVIDER_JOB] = ", by the job's environment",
        [MLB_PROVIDER_DMI] = ", by the firmware",
        [MLB_PROVIDER_METADATA] = ", by metadata",
        [MLB_PROVIDER_INFERRED] = ", INFERRED from the hardware",
    };
    return method == MLB_PROVIDER_UNKNOWN ? "" : texts[method];
}

bool mlb_provider_text(const struct mlb_provider *provider, char *to, size_t size)
{
    const char *what = provider->instance[0]     ? provider->instance
                       : provider->candidates[0] ? ""
                                                 : "instance unknown";
    to[0] = '\0';
    if (!provider->name[0] && !provider->instance[0] && !provider->candidates[0]) {
        add_text(to, size, "provider unknown, under ", provider->runtime, "");
        return to[0] != '\0';
    }
    add_text(to, size, "", provider->name, "");
    add_text(to, size, to[0] ? " " : "", provider->service, "");
    add_text(to, size, to[0] ? " " : "", what, "");
    add_text(to, size, to[0] ? ", one of " : "one of ", provider->candidates, "");
    add_text(to, size, " ", provider->zone[0] ? provider->zone : provider->region, "");
    add_text(to, size, " (", provider->purchase, ")");
    add_text(to, size, "",
             how_known(provider->candidates[0] ? MLB_PROVIDER_INFERRED : provider->method), "");
    if (strcmp(provider->runtime, provider->service) != 0 &&
        strcmp(provider->runtime, provider->name) != 0)
        add_text(to, size, ", under ", provider->runtime, "");
    return true;
}
