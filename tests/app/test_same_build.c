/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include <string.h>

#include "harness/app/same_build.h"
#include "tests/fake/fake_comm.h"

#define LIKE                                                                                       \
    {                                                                                              \
        "node1", "mlbench 0.1.0 (1a2b3c4)", "aa11bb22cc", "Open MPI 4.1.4", "-s quick"             \
    }

static void check_unlike(struct mlb_ticket second, const char *part, const char *other)
{
    const struct mlb_ticket tickets[] = {LIKE, LIKE, second};
    struct mlb_error err = {0};
    check_fails(mlb_tickets_check(tickets, 3, &err), MLB_E_CONFIG, &err, part);
    check_contains(err.text, "rank 2 on node7 is not like rank 0 on node1: ");
    check_contains(err.text, other);
}

static void test_check(void **state)
{
    (void)state;
    const struct mlb_ticket like[] = {LIKE, LIKE};
    struct mlb_error err = {0};
    check_ok(mlb_tickets_check(like, 2, &err), &err);
    check_unlike(
        (struct mlb_ticket){"node7", "mlbench 0.2.0 (1a2b3c4)", "dd", "Open MPI 4.1.4", "-s quick"},
        "mlbench 0.2.0 (1a2b3c4), build dd", "not mlbench 0.1.0 (1a2b3c4), build aa11bb22;");
    check_unlike((struct mlb_ticket){"node7", "mlbench 0.1.0 (1a2b3c4)", "aa11bb23cc",
                                     "Open MPI 4.1.4", "-s quick"},
                 "build aa11bb23", "build aa11bb22");
    check_unlike((struct mlb_ticket){"node7", "mlbench 0.1.0 (1a2b3c4)", "aa11bb22cc",
                                     "Open MPI 5.0.1", "-s quick"},
                 "it has Open MPI 5.0.1", "not Open MPI 4.1.4");
    check_unlike((struct mlb_ticket){"node7", "mlbench 0.1.0 (1a2b3c4)", "aa11bb22cc",
                                     "Open MPI 4.1.4", "-s full"},
                 "started with '-s full'", "not '-s quick'");
}

/* Of the program that runs: this test. */
static void test_make(void **state)
{
    (void)state;
    struct fake_comm fake;
    struct mlb_options options = {0};
    struct mlb_ticket ticket;
    struct mlb_error err = {0};
    fake_comm_init(&fake, 3);
    check_ok(mlb_option_defaults(mlb_options, &options, &err), &err);
    strcpy(options.budget, "90s");
    mlb_ticket_make(&fake.comm, &options, &ticket);
    check_contains(ticket.program, "mlbench ");
    check_contains(ticket.words, "--budget 90s");
    check_i64(strspn(ticket.build, "0123456789abcdef"), strlen(ticket.build));
    check_ok(mlb_same_build(&fake.comm, &options, &err), &err);
    fake.broken = MLB_E_TIMEOUT;
    check_fails(mlb_same_build(&fake.comm, &options, &err), MLB_E_TIMEOUT, &err, "rank 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check), cmocka_unit_test(test_make)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
