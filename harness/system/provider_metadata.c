/* SPDX-License-Identifier: Apache-2.0 */
/* The talk with a metadata service: what is asked, in which order, and what is believed. */
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/system/provider_answers.h"
#include "harness/system/provider_http.h"
#include "harness/system/provider_parts.h"

/* Of a service that is too busy and does not say for how long: Azure takes five questions a second
 * (learn.microsoft.com, Azure Instance Metadata Service, rate limiting). */
#define PAUSE_S 0.25

enum { QUESTIONS = 3, ERRANDS = 32, TOKEN = 256 };

struct question {
    const char *path;
    mlb_answer_reader *read;
};

/* One leaf each, so that nothing comes that is not wanted. Azure's leaves would be four of the five
 * questions that it takes in a second: of it the document is asked, in the last version before it
 * began to hold the user's own data
 * (priority came with 2020-12-01, userData with 2021-01-01: azure-compute-docs,
 * instance-metadata-service.md). */
struct service {
    const char *token;          /* PUT there first; NULL */
    const char *folder, *older; /* older: asked where the first is not known; NULL */
    const char *header, *older_header;
    bool signs; /* answers carry Metadata-Flavor: Google, and without it are somebody else's */
    struct question questions[QUESTIONS];
};

static const struct service services[MLB_SERVICES] = {
    [MLB_SERVICE_AWS] =
        {
            .token = "/latest/api/token",
            .folder = "/latest/meta-data/",
            .header = "X-aws-ec2-metadata-token-ttl-seconds: 60",
            .questions = {{"instance-type", mlb_answer_aws_type},
                          {"placement/availability-zone", mlb_answer_aws_zone},
                          {"instance-life-cycle", mlb_answer_aws_life}},
        },
    [MLB_SERVICE_GCP] =
        {
            .folder = "/computeMetadata/v1/instance/",
            .header = "Metadata-Flavor: Google",
            .signs = true,
            .questions = {{"machine-type", mlb_answer_gcp_type},
                          {"zone", mlb_answer_gcp_zone},
                          {"scheduling/preemptible", mlb_answer_gcp_spot}},
        },
    [MLB_SERVICE_AZURE] =
        {
            .folder = "/metadata/instance/",
            .header = "Metadata: true",
            .questions = {{"compute?api-version=2020-12-01", mlb_answer_azure}},
        },
    [MLB_SERVICE_OCI] =
        {
            .folder = "/opc/v2/instance/",
            .older = "/opc/v1/instance/",
            .header = "Authorization: Bearer Oracle",
            .older_header = "",
            .questions = {{"shape", mlb_answer_oci_shape},
                          {"canonicalRegionName", mlb_answer_oci_region},
                          {"ociAdName", mlb_answer_oci_zone}},
        },
};

/* One request that is still to be made. */
struct errand {
    enum mlb_service service;
    const struct question *question; /* NULL: the token */
    bool older, again;
    double not_before_s;
};

struct talk {
    const struct mlb_service_place *places;
    const struct mlb_log *log;
    double until_s;
    char token[TOKEN];
    struct errand errands[ERRANDS];
    size_t count;
    struct mlb_provider found[MLB_SERVICES];
    char why[MLB_SERVICE_WHY]; /* the first question that a service pointed to did not answer */
};

static void add_errand(struct talk *talk, struct errand errand)
{
    if (talk->count < ERRANDS)
        talk->errands[talk->count++] = errand;
}

static void add_questions(struct talk *talk, enum mlb_service service)
{
    for (size_t i = 0; i < QUESTIONS && services[service].questions[i].path; i++)
        add_errand(
            talk, (struct errand){.service = service, .question = &services[service].questions[i]});
}

static void begin(struct talk *talk)
{
    for (enum mlb_service service = 0; service < MLB_SERVICES; service++) {
        if (!talk->places[service].ask)
            continue;
        if (services[service].token)
            add_errand(talk, (struct errand){.service = service});
        else
            add_questions(talk, service);
    }
}

static void make_request(const struct talk *talk, const struct errand *errand,
                         struct mlb_http_request *request)
{
    const struct service *service = &services[errand->service];
    const char *base = talk->places[errand->service].base;
    request->put = !errand->question;
    if (!errand->question) {
        mlb_format(request->url, sizeof request->url, "%s%s", base, service->token);
        mlb_format(request->header, sizeof request->header, "%s", service->header);
        return;
    }
    mlb_format(request->url, sizeof request->url, "%s%s%s", base,
               errand->older ? service->older : service->folder, errand->question->path);
    if (service->token && talk->token[0])
        mlb_format(request->header, sizeof request->header, "X-aws-ec2-metadata-token: %s",
                   talk->token);
    else if (!service->token)
        mlb_format(request->header, sizeof request->header, "%s",
                   errand->older ? service->older_header : service->header);
}

/* A token is opaque; what could not stand in a header is none. */
static bool take_token(struct talk *talk, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return length > 0 && mlb_format(talk->token, sizeof talk->token, "%s", text);
}

/* Once more, when the service says that it is busy and the time is there. */
static bool try_again(struct talk *talk, const struct errand *errand,
                      const struct mlb_http_answer *answer)
{
    double at_s = mlb_clock_s() + (answer->says_retry ? answer->retry_s : PAUSE_S);
    if (answer->code != 429 || errand->again || at_s >= talk->until_s)
        return false;
    struct errand next = *errand;
    next.again = true;
    next.not_before_s = at_s;
    add_errand(talk, next);
    return true;
}

/* Version 1 of AWS needs no token. Only where something else says that this is AWS: clouds of other
 * makers answer these paths too, without tokens. */
static bool ask_without_token(struct talk *talk, const struct errand *errand, int code)
{
    if (errand->question || !talk->places[errand->service].pointed ||
        (code != 403 && code != 404 && code != 405))
        return false;
    add_questions(talk, errand->service);
    return true;
}

static bool ask_older(struct talk *talk, const struct errand *errand, int code)
{
    if (code != 404 || errand->older || !services[errand->service].older)
        return false;
    struct errand next = {.service = errand->service, .question = errand->question, .older = true};
    add_errand(talk, next);
    return true;
}

static bool take(struct talk *talk, const struct errand *errand,
                 const struct mlb_http_answer *answer)
{
    const char *text = mlb_text_get(&answer->body);
    if (answer->code != 200 || (services[errand->service].signs && !answer->google))
        return false;
    if (errand->question)
        return errand->question->read(text, &talk->found[errand->service]);
    if (!take_token(talk, text))
        return false;
    add_questions(talk, errand->service);
    return true;
}

static void fail(struct talk *talk, const struct errand *errand, const char *path,
                 const char *reason, int code)
{
    char text[MLB_SERVICE_WHY];
    mlb_format(text, sizeof text, code ? "%s: %s (code %d)" : "%s: %s", path, reason, code);
    mlb_log(talk->log, MLB_LOG_DEBUG, "provider: %s %s", mlb_service_name(errand->service), text);
    if (talk->places[errand->service].pointed && !talk->why[0])
        mlb_format(talk->why, sizeof talk->why, "%s", text);
}

static void hear(struct talk *talk, const struct errand *errand,
                 const struct mlb_http_answer *answer)
{
    const char *name = mlb_service_name(errand->service);
    const char *path = errand->question ? errand->question->path : "token";
    if (answer->code == 0)
        fail(talk, errand, path, answer->why, 0);
    else if (take(talk, errand, answer))
        mlb_log(talk->log, MLB_LOG_DEBUG, "provider: %s %s: answered", name, path);
    else if (try_again(talk, errand, answer) || ask_older(talk, errand, answer->code) ||
             ask_without_token(talk, errand, answer->code))
        mlb_log(talk->log, MLB_LOG_DEBUG, "provider: %s %s: code %d, asked once more", name, path,
                answer->code);
    else if (answer->code == 200)
        fail(talk, errand, path, "not believed: not what this service answers", answer->code);
    else
        fail(talk, errand, path, "no answer", answer->code);
}

static void wait_for(const struct errand *errands, size_t count)
{
    double at_s = 0.0, now_s = mlb_clock_s();
    for (size_t i = 0; i < count; i++)
        at_s = errands[i].not_before_s > at_s ? errands[i].not_before_s : at_s;
    if (at_s > now_s)
        mlb_sleep_s(at_s - now_s);
}

/* All that are waiting, together; what follows from the answers is left waiting. */
static enum mlb_status go_round(struct talk *talk, struct mlb_error *err)
{
    struct errand errands[ERRANDS];
    struct mlb_http_request requests[ERRANDS] = {0};
    struct mlb_http_answer answers[ERRANDS] = {0};
    size_t count = talk->count;
    memcpy(errands, talk->errands, sizeof errands);
    talk->count = 0;
    wait_for(errands, count);
    for (size_t i = 0; i < count; i++)
        make_request(talk, &errands[i], &requests[i]);
    enum mlb_status status = mlb_http_exchange(requests, answers, count, talk->until_s, err);
    for (size_t i = 0; i < count; i++) {
        if (status == MLB_OK)
            hear(talk, &errands[i], &answers[i]);
        mlb_text_free(&answers[i].body);
    }
    return status;
}

/* A service that nothing pointed to must name an instance. Where two do, one of them is made up and
 * nobody knows which. */
static void choose(struct talk *talk, struct mlb_provider *found)
{
    int chosen = -1;
    for (int i = 0; i < MLB_SERVICES; i++) {
        const struct mlb_provider *one = &talk->found[i];
        if (!one->instance[0] && !(talk->places[i].pointed && (one->zone[0] || one->region[0])))
            continue;
        if (chosen >= 0) {
            mlb_log(talk->log, MLB_LOG_WARN,
                    "provider: services of %s and %s both answer: neither is believed",
                    mlb_service_name((enum mlb_service)chosen),
                    mlb_service_name((enum mlb_service)i));
            return;
        }
        chosen = i;
    }
    if (chosen < 0)
        return;
    char what[96];
    const char *by = talk->places[chosen].by;
    *found = talk->found[chosen];
    mlb_format(found->name, sizeof found->name, "%s", mlb_service_name((enum mlb_service)chosen));
    mlb_format(what, sizeof what, "metadata%s%s", by[0] ? " at " : "", by);
    mlb_provider_evidence(found, what);
}

static bool is_pointed(const struct mlb_service_place places[MLB_SERVICES])
{
    for (size_t i = 0; i < MLB_SERVICES; i++)
        if (places[i].pointed)
            return true;
    return false;
}

void mlb_metadata_ask(const struct mlb_service_place places[MLB_SERVICES], double until_s,
                      const struct mlb_log *log, struct mlb_provider *found,
                      char why[MLB_SERVICE_WHY])
{
    struct talk talk = {.places = places, .log = log, .until_s = until_s};
    struct mlb_error err = {0};
    memset(found, 0, sizeof *found);
    why[0] = '\0';
    begin(&talk);
    while (talk.count > 0 && mlb_clock_s() < until_s)
        if (go_round(&talk, &err) != MLB_OK) {
            mlb_log(log, MLB_LOG_DEBUG, "provider: nobody is asked: %s", err.text);
            if (is_pointed(places))
                mlb_format(why, MLB_SERVICE_WHY, "%s", err.text);
            return;
        }
    choose(&talk, found);
    if (!found->name[0])
        mlb_format(why, MLB_SERVICE_WHY, "%s", talk.why);
}
