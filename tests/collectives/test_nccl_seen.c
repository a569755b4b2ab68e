/* SPDX-License-Identifier: Apache-2.0 */
/* What a row over NCCL says about how it was done, with the log lines and profiler events of
 * fake_nccl_evidence.c. */
#include "tests/check.h"
#include "tests/collectives/nccl_place.h"

enum { BLOCK = 3, RANKS = 4 };

static const char *detail(const struct mlb_details *details, const char *name)
{
    const struct mlb_detail *found = mlb_detail_find(details, name);
    return found ? found->text : "";
}

static double number(const struct mlb_details *details, const char *name)
{
    const struct mlb_detail *found = mlb_detail_find(details, name);
    return found ? found->number : -1.0;
}

static void observe_a_sum(struct nccl_place *place, struct mlb_details *details)
{
    *details = (struct mlb_details){0};
    mlb_channel_nccl.observe(place->channel);
    check_ok(nccl_sum(place, MLB_F32), &place->err);
    check_ok(mlb_channel_nccl.observed(place->channel, place->channel, &place->err), &place->err);
    mlb_channel_nccl.details(place->channel, details);
}

static void an_observed_call_is_untimed_and_told(void **state)
{
    (void)state;
    static const char *const versions[] = {"5", "4", "3", "2"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct nccl_place place;
        struct mlb_details details;
        nccl_place_prepare("socket");
        setenv("FAKE_NCCL_PLUGIN", versions[i], 1);
        check_ok(nccl_place_open_prepared(&place), &place.err);
        nccl_calls();
        observe_a_sum(&place, &details);
        check_text(nccl_calls(), nccl_is_old() ? "sum shown " : "sum shown sum+ simulated ");
        check_text(detail(&details, "algorithm"), "ring");
        check_text(detail(&details, "protocol"), "ll128");
        check_close(number(&details, "channels"), 24.0, 0);
        check_close(number(&details, "warps"), 17.0, 0);
        check_close(number(&details, "nccl_predicted_ns"), nccl_is_old() ? -1.0 : 12500.0, 0);
        check_text(detail(&details, "network"), "Socket");
        check_text(detail(&details, "network_source"), "profiler and log");
        check_text(detail(&details, "gdr_send"), "off");
        check_close(number(&details, "gdr_send_off_rank"), 0.0, 0);
        check_text(detail(&details, "gdr_recv"), "");
        check_text(detail(&details, "nvls"), "not available");
        bool bytes = atoi(versions[i]) >= 4;
        check_close(number(&details, "network_sent_bytes"), bytes ? 5096.0 : -1.0, 0);
        /* Timed calls are not shown to the plugin. */
        check_ok(nccl_sum(&place, MLB_F32), &place.err);
        check_text(nccl_calls(), "sum+ ");
        nccl_place_close(&place);
    }
}

static void what_no_source_tells_is_absent(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour, *plugin, *level; /* FAKE_NCCL, NCCL_PROFILER_PLUGIN, NCCL_DEBUG */
        const char *network, *source, *algorithm, *gdr_send;
    } cases[] = {
        {"ib", NULL, NULL, "IB", "profiler and log", "ring", "on"},
        {"", NULL, NULL, "none", "profiler and log", "ring", ""},
        {"ib", "none", NULL, "IB", "log", "", "on"},
        {"", "none", NULL, "none", "log", "", ""},
        {"ib", NULL, "WARN", "", "profiler", "ring", ""},
        {"", NULL, "WARN", "none", "profiler", "ring", ""},
        {"ib", "none", "WARN", "", "", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nccl_place place;
        struct mlb_details details;
        nccl_place_prepare(cases[i].behaviour);
        if (cases[i].plugin)
            setenv("NCCL_PROFILER_PLUGIN", cases[i].plugin, 1);
        if (cases[i].level)
            setenv("NCCL_DEBUG", cases[i].level, 1);
        check_ok(nccl_place_open_prepared(&place), &place.err);
        observe_a_sum(&place, &details);
        check_text(detail(&details, "network"), cases[i].network);
        check_text(detail(&details, "network_source"), cases[i].source);
        check_text(detail(&details, "algorithm"), cases[i].algorithm);
        check_text(detail(&details, "gdr_send"), cases[i].gdr_send);
        nccl_place_close(&place);
        check_text(cases[i].level ? cases[i].level : "", getenv("NCCL_DEBUG") ?: "");
    }
}

/* Sends and receives have no algorithm of NCCL's, and its model has no time for them. */
static void an_observed_exchange_has_no_model(void **state)
{
    (void)state;
    struct nccl_place place;
    struct mlb_details details = {0};
    float send[BLOCK * RANKS] = {0}, recv[BLOCK * RANKS];
    check_ok(nccl_place_open_crowd(&place, ""), &place.err);
    mlb_channel_nccl.observe(place.channel);
    check_ok(mlb_channel_nccl.alltoall(place.channel, send, recv, BLOCK, MLB_F32, &place.err),
             &place.err);
    check_ok(mlb_channel_nccl.observed(place.channel, place.channel, &place.err), &place.err);
    mlb_channel_nccl.details(place.channel, &details);
    check_text(detail(&details, "algorithm"), "p2p");
    check_close(number(&details, "channels"), 2.0, 0);
    check_close(number(&details, "nccl_predicted_ns"), -1.0, 0);
    check_text(detail(&details, "calls"), nccl_is_old() ? "ncclSend and ncclRecv in a group" : "");
    nccl_place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_observed_call_is_untimed_and_told),
        cmocka_unit_test(what_no_source_tells_is_absent),
        cmocka_unit_test(an_observed_exchange_has_no_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
