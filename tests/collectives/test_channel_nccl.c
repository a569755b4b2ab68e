/* SPDX-License-Identifier: Apache-2.0 */
/* The NCCL channel with a library that is slow, stuck, old, failing or not there, and what it asks
 * that library for. The library is fake_nccl.c; LD_LIBRARY_PATH leads to it, and with
 * MLB_TEST_OLD_NCCL=1 to one without the symbols of NCCL 2.22 and 2.28. */
#include "tests/check.h"
#include "tests/collectives/nccl_place.h"

/* ------------------------------------------------------------------------------ life and troubles
 */

static void a_good_life_ends_with_destroy(void **state)
{
    (void)state;
    struct nccl_place place;
    check_ok(nccl_place_open(&place, ""), &place.err);
    check_i64(place.channel->rank, 0);
    check_i64(place.channel->size, 1);
    check_text(nccl_calls(), "init split0+ ");
    check_ok(nccl_sum(&place, MLB_F32), &place.err);
    check_ok(nccl_sum(&place, MLB_F32), &place.err);
    check_text(nccl_calls(), "sum+ sum+ ");
    nccl_place_close(&place);
    check_text(nccl_calls(), "finalize+ finalize destroy+ destroy ");
}

/* The user says that nothing blocks: one communicator does it all, and the row says so. */
static void without_a_twin_calls_are_polled(void **state)
{
    (void)state;
    struct nccl_place place;
    struct mlb_details details = {0};
    nccl_place_prepare("");
    setenv("NCCL_COMM_BLOCKING", "0", 1);
    check_ok(nccl_place_open_prepared(&place), &place.err);
    check_ok(nccl_sum(&place, MLB_F32), &place.err);
    check_text(nccl_calls(), "init sum ");
    mlb_channel_nccl.details(place.channel, &details);
    check_text(mlb_detail_find(&details, "launch_mode")->text, "non-blocking");
    nccl_place_close(&place);
    check_text(nccl_calls(), "finalize destroy ");
}

static void a_failed_start_is_told_and_aborted(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        enum mlb_status status;
        const char *says, *calls;
    } cases[] = {
        {"no_id", MLB_E_COMM, "make an id for 1 ranks: invalid usage", ""},
        {"no_init", MLB_E_COMM, "start of the communicator: invalid usage: Duplicate GPU", "init "},
        {"lost", MLB_E_COMM, "start of the communicator: remote process exited", "init abort "},
        {"stuck", MLB_E_TIMEOUT, "start of the communicator was not done within", "init abort "},
        {"no_twin lost", MLB_E_COMM, "remote process exited", "init abort "},
        {"stuck_split", MLB_E_TIMEOUT, "split of a communicator was not done within",
         "init split0+ abort "},
        {"too_old", MLB_E_UNSUPPORTED, "NCCL 2.16.5", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nccl_place place;
        check_fails(nccl_place_open(&place, cases[i].behaviour), cases[i].status, &place.err,
                    cases[i].says);
        check_true(place.channel == NULL);
        check_text(nccl_calls(), cases[i].calls);
        nccl_place_close(&place);
    }
}

static void a_failed_call_ends_with_abort(void **state)
{
    (void)state;
    struct nccl_place place;
    check_ok(nccl_place_open(&place, ""), &place.err);
    setenv("FAKE_NCCL", "no_call", 1);
    check_fails(nccl_sum(&place, MLB_F32), MLB_E_COMM, &place.err,
                "nccl: ncclAllReduce of 2 x f32: invalid usage");
    nccl_place_close(&place);
    check_text(nccl_calls(), "init split0+ abort+ abort ");
}

/* An error that NCCL finds in the background is seen at the latest when the channel closes, and
 * what is still enqueued then will never be done. */
static void a_lost_or_stuck_peer_ends_with_abort(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour, *calls;
    } cases[] = {
        {"lost", "abort+ abort "},
        {"hung", "abort+ abort "},
        {"stuck_end", "finalize+ finalize abort+ abort "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nccl_place place;
        check_ok(nccl_place_open(&place, ""), &place.err);
        nccl_calls();
        setenv("FAKE_NCCL", cases[i].behaviour, 1);
        nccl_place_close(&place);
        check_text(nccl_calls(), cases[i].calls);
    }
}

/* A kernel that waits for a lost peer never ends by itself; NCCL may know why. */
static void what_nccl_has_noticed_is_told_with_a_deadline(void **state)
{
    (void)state;
    struct nccl_place place;
    struct mlb_error err = {0};
    check_ok(nccl_place_open(&place, ""), &place.err);
    mlb_fail(&err, MLB_E_TIMEOUT, "device 0 still works after 60 s");
    mlb_channel_explain(place.channel, &err);
    check_text(err.text, "device 0 still works after 60 s");
    setenv("FAKE_NCCL", "lost", 1);
    mlb_channel_explain(place.channel, &err);
    check_fails(err.status, MLB_E_TIMEOUT, &err,
                "device 0 still works after 60 s; nccl: in the background: remote process exited");
    mlb_fail(&err, MLB_E_NOMEM, "no memory");
    mlb_channel_explain(place.channel, &err);
    check_text(err.text, "no memory");
    mlb_channel_explain(NULL, &err);
    nccl_place_close(&place);
}

static void types_without_a_sum_are_refused_but_moved(void **state)
{
    (void)state;
    struct nccl_place place;
    char send[4] = "abc", recv[4] = "";
    check_ok(nccl_place_open(&place, ""), &place.err);
    check_fails(nccl_sum(&place, MLB_S8), MLB_E_UNSUPPORTED, &place.err, "no sum of s8");
    check_ok(mlb_channel_nccl.all_gather(place.channel, send, recv, 4, MLB_E4M3, &place.err),
             &place.err);
    check_text(recv, "abc");
    nccl_place_close(&place);
}

static void the_version_is_told(void **state)
{
    (void)state;
    char text[64] = "?";
    setenv("FAKE_NCCL", "", 1);
    mlb_channel_nccl.version(text, sizeof text);
    check_text(text, "NCCL 2.28.9");
}

/* -------------------------------------------------------------------------------- the collectives
 */

enum { BLOCK = 3, RANKS = 4 };

static double at(const float *buffer, int block)
{
    return (double)buffer[block * BLOCK];
}

/* What rank 2 of 4 asks for. Its own block is block 2 of whole buffers. */
static void every_collective_is_asked_for(void **state)
{
    (void)state;
    const struct mlb_channel_ops *ops = &mlb_channel_nccl;
    struct nccl_place place;
    check_ok(nccl_place_open_crowd(&place, ""), &place.err);
    struct mlb_channel *channel = place.channel;
    struct mlb_error *err = &place.err;
    float send[RANKS * BLOCK], recv[RANKS * BLOCK] = {0};
    for (int i = 0; i < RANKS * BLOCK; i++)
        send[i] = (float)(1 + i / BLOCK);
    check_text(nccl_calls(), "init split0+ ");

    check_ok(ops->reduce_scatter(channel, send, recv, BLOCK, MLB_F32, err), err);
    check_close(at(recv, 0), 3.0, 0);
    check_ok(ops->all_gather(channel, send, recv, BLOCK, MLB_F32, err), err);
    check_close(at(recv, 2), 1.0, 0);
    check_ok(ops->broadcast(channel, send, recv, BLOCK, MLB_F32, 2, err), err);
    check_close(at(recv, 0), 1.0, 0);
    check_ok(ops->reduce(channel, send, recv, BLOCK, MLB_F32, 0, err), err);
    check_text(nccl_calls(), "sum-part+ all+ from+ sum-to+ ");

    memset(recv, 0, sizeof recv);
    check_ok(ops->alltoall(channel, send, recv, BLOCK, MLB_F32, err), err);
    check_close(at(recv, 2), 3.0, 0);
    check_text(nccl_calls(), nccl_is_old() ? "s0+ r0+ s1+ r1+ s2+ r2+ s3+ r3+ end+ " : "a2a+ ");

    check_ok(ops->gather(channel, send, recv, BLOCK, MLB_F32, 2, err), err);
    check_close(at(recv, 2), 1.0, 0);
    check_text(nccl_calls(), nccl_is_old() ? "s2+ r0+ r1+ r2+ r3+ end+ " : "gather+ ");
    check_ok(ops->gather(channel, send, NULL, BLOCK, MLB_F32, 0, err), err);
    check_text(nccl_calls(), nccl_is_old() ? "s0+ end+ " : "gather+ ");

    check_ok(ops->scatter(channel, send, recv, BLOCK, MLB_F32, 2, err), err);
    check_close(at(recv, 0), 3.0, 0);
    check_text(nccl_calls(), nccl_is_old() ? "r2+ s0+ s1+ s2+ s3+ end+ " : "scatter+ ");
    check_ok(ops->scatter(channel, NULL, recv, BLOCK, MLB_F32, 1, err), err);
    check_text(nccl_calls(), nccl_is_old() ? "r1+ end+ " : "scatter+ ");

    check_ok(ops->sendrecv(channel, send, 3, recv, 1, BLOCK, MLB_F32, err), err);
    check_text(nccl_calls(), "s3+ r1+ end+ ");
    check_ok(ops->sendrecv(channel, send, -1, recv, 1, BLOCK, MLB_F32, err), err);
    check_ok(ops->sendrecv(channel, send, -1, recv, -1, BLOCK, MLB_F32, err), err);
    check_text(nccl_calls(), "r1+ end+ ");
    nccl_place_close(&place);
}

static void in_place_a_roots_own_block_stays(void **state)
{
    (void)state;
    const struct mlb_channel_ops *ops = &mlb_channel_nccl;
    struct nccl_place place;
    float whole[RANKS * BLOCK] = {0}, *mine = whole + 2 * BLOCK;
    mine[0] = 7.0f;
    check_ok(nccl_place_open_crowd(&place, ""), &place.err);
    nccl_calls();
    check_ok(ops->gather(place.channel, mine, whole, BLOCK, MLB_F32, 2, &place.err), &place.err);
    check_text(nccl_calls(), nccl_is_old() ? "r0+ r1+ r3+ end+ " : "gather+ ");
    check_ok(ops->scatter(place.channel, whole, mine, BLOCK, MLB_F32, 2, &place.err), &place.err);
    check_text(nccl_calls(), nccl_is_old() ? "s0+ s1+ s3+ end+ " : "scatter+ ");
    check_close((double)mine[0], 7.0, 0);
    nccl_place_close(&place);
}

static void a_part_is_a_channel_of_its_own(void **state)
{
    (void)state;
    struct nccl_place place;
    struct mlb_channel *part = NULL;
    check_ok(nccl_place_open_crowd(&place, ""), &place.err);
    nccl_calls();
    check_ok(mlb_channel_nccl.split(place.channel, 1, &part, &place.err), &place.err);
    check_i64(part->rank, 0);
    check_i64(part->size, 2);
    check_text(nccl_calls(), "init split0+ "); /* a start of its own, no split of the whole */
    float send[1] = {1}, recv[2] = {0};
    check_ok(part->ops->all_gather(part, send, recv, 1, MLB_F32, &place.err), &place.err);
    check_close((double)recv[0], 1.0, 0);
    nccl_calls();
    mlb_channel_nccl.close(part);
    check_text(nccl_calls(), "finalize+ finalize destroy+ destroy ");
    check_ok(mlb_channel_nccl.split(place.channel, -1, &part, &place.err), &place.err);
    check_true(part == NULL);
    check_text(nccl_calls(), "");
    setenv("FAKE_NCCL", "no_init", 1);
    check_fails(mlb_channel_nccl.split(place.channel, 1, &part, &place.err), MLB_E_COMM, &place.err,
                "start of the communicator: invalid usage");
    check_text(nccl_calls(), "init ");
    check_fails(nccl_sum(&place, MLB_F32), MLB_E_COMM, &place.err, "a call before has failed");
    nccl_place_close(&place);
    check_text(nccl_calls(), "abort+ abort ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_life_ends_with_destroy),
        cmocka_unit_test(without_a_twin_calls_are_polled),
        cmocka_unit_test(a_failed_start_is_told_and_aborted),
        cmocka_unit_test(a_failed_call_ends_with_abort),
        cmocka_unit_test(a_lost_or_stuck_peer_ends_with_abort),
        cmocka_unit_test(what_nccl_has_noticed_is_told_with_a_deadline),
        cmocka_unit_test(types_without_a_sum_are_refused_but_moved),
        cmocka_unit_test(the_version_is_told),
        cmocka_unit_test(every_collective_is_asked_for),
        cmocka_unit_test(in_place_a_roots_own_block_stays),
        cmocka_unit_test(a_part_is_a_channel_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
