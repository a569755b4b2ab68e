/* SPDX-License-Identifier: Apache-2.0 */
/* The NCCL channel's handling of a library that is slow, stuck, too old, failing or not there. The
 * library is fake_nccl.c; LD_LIBRARY_PATH leads to it. */
#include "collectives/channels.h"

#include "tests/check.h"

static void *stream(struct mlb_device *device)
{
    (void)device;
    return (void *)0x51;
}

static const struct mlb_backend backend = {.kind = "cuda", .stream = stream};

struct place {
    struct mlb_comm *comm;
    struct mlb_device device;
    struct mlb_channel *channel;
    struct mlb_error err;
};

/* A behaviour after "poll " is that of a communicator that does not block. */
static enum mlb_status open_place(struct place *place, const char *behaviour)
{
    bool polled = strncmp(behaviour, "poll ", 5) == 0;
    behaviour += polled ? 5 : 0;
    setenv("NCCL_COMM_BLOCKING", polled ? "0" : "1", 1);
    *place = (struct place){.device = {.backend = &backend}};
    setenv("FAKE_NCCL", behaviour, 1);
    setenv("FAKE_NCCL_CALLS", "", 1);
    check_ok(mlb_comm_open(0.3, 0, &place->comm, &place->err), &place->err);
    return mlb_channel_nccl.open(place->comm, &place->device, &place->channel, &place->err);
}

static void close_place(struct place *place)
{
    mlb_channel_nccl.close(place->channel);
    mlb_comm_close(place->comm);
}

static enum mlb_status sum(struct place *place, enum mlb_dtype dtype)
{
    float send[2] = {1, 2}, recv[2] = {0};
    enum mlb_status status =
        mlb_channel_nccl.all_reduce(place->channel, send, recv, 2, dtype, &place->err);
    if (status == MLB_OK)
        check_close(recv[1], 2.0, 0);
    return status;
}

static void a_good_life_ends_with_destroy(void **state)
{
    (void)state;
    static const char *const behaviours[] = {"", "poll "};
    for (size_t i = 0; i < 2; i++) {
        struct place place;
        check_ok(open_place(&place, behaviours[i]), &place.err);
        check_ok(sum(&place, MLB_F32), &place.err);
        check_ok(sum(&place, MLB_F32), &place.err);
        close_place(&place);
        check_text(getenv("FAKE_NCCL_CALLS"), "init sum sum finalize destroy ");
    }
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
        {"poll lost", MLB_E_COMM, "start of the communicator: remote process exited",
         "init abort "},
        {"poll stuck", MLB_E_TIMEOUT, "start of the communicator was not done within",
         "init abort "},
        {"old", MLB_E_UNSUPPORTED, "NCCL 2.16.5", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct place place;
        check_fails(open_place(&place, cases[i].behaviour), cases[i].status, &place.err,
                    cases[i].says);
        check_true(place.channel == NULL);
        check_text(getenv("FAKE_NCCL_CALLS"), cases[i].calls);
        close_place(&place);
    }
}

static void a_failed_sum_ends_with_abort(void **state)
{
    (void)state;
    struct place place;
    check_ok(open_place(&place, ""), &place.err);
    setenv("FAKE_NCCL", "no_sum", 1);
    check_fails(sum(&place, MLB_F32), MLB_E_COMM, &place.err,
                "nccl: ncclAllReduce of 2 x f32: invalid usage");
    close_place(&place);
    check_text(getenv("FAKE_NCCL_CALLS"), "init abort ");
}

/* An error that NCCL finds in the background is seen at the latest when the channel closes. */
static void a_lost_or_stuck_peer_ends_with_abort(void **state)
{
    (void)state;
    struct place place;
    check_ok(open_place(&place, ""), &place.err);
    setenv("FAKE_NCCL", "lost", 1);
    close_place(&place);
    check_text(getenv("FAKE_NCCL_CALLS"), "init abort ");
    check_ok(open_place(&place, "poll stuck_end"), &place.err);
    close_place(&place);
    check_text(getenv("FAKE_NCCL_CALLS"), "init finalize abort ");
}

static void types_without_a_sum_are_refused(void **state)
{
    (void)state;
    struct place place;
    check_ok(open_place(&place, ""), &place.err);
    check_fails(sum(&place, MLB_S8), MLB_E_UNSUPPORTED, &place.err, "no sum of s8");
    close_place(&place);
    check_text(getenv("FAKE_NCCL_CALLS"), "init finalize destroy ");
}

static void the_version_is_told(void **state)
{
    (void)state;
    char text[64] = "?";
    setenv("FAKE_NCCL", "", 1);
    mlb_channel_nccl.version(text, sizeof text);
    check_text(text, "NCCL 2.28.9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_life_ends_with_destroy),
        cmocka_unit_test(a_failed_start_is_told_and_aborted),
        cmocka_unit_test(a_failed_sum_ends_with_abort),
        cmocka_unit_test(a_lost_or_stuck_peer_ends_with_abort),
        cmocka_unit_test(types_without_a_sum_are_refused),
        cmocka_unit_test(the_version_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
