/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/watchdog.h"

#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "tests/check.h"

/* --------------------------------------------------------------------- who is named, from a board
 */

struct slot {
    uint64_t moves;
    bool watched, waits, gone;
    const char *what;
};

static const struct {
    const char *what;
    struct slot slots[3];
    int nodes;
    const char *names[2]; /* parts of the line; "" = no more */
    const char *not_named;
} pictures[] = {
    {"one fell behind",
     {{7, true, false, false, "step"},
      {6, true, false, false, "step"},
      {7, true, false, false, "step"}},
     1,
     {"rank 11 (pid", "on here has not moved for 9 s in 'step', its process runs"},
     "rank 10"},
    {"one is elsewhere, which weighs more",
     {{7, true, false, false, "step"},
      {6, true, false, false, "step"},
      {7, false, false, false, "setup"}},
     1,
     {"rank 12 (pid", "after 'setup'"},
     "rank 11"},
    {"one is gone, which weighs most",
     {{7, true, false, true, "step"},
      {6, true, false, false, "step"},
      {7, false, false, false, "setup"}},
     1,
     {"rank 10 (pid", "its process is gone"},
     "rank 11"},
    {"those who wait for it are innocent",
     {{0, false, true, false, "barrier"},
      {0, true, false, false, "gemm"},
      {0, false, true, false, "barrier"}},
     1,
     {"rank 11 (pid", "in 'gemm'"},
     "rank 12"},
    {"all in step: all are named, and the other machines are looked at",
     {{7, true, false, false, "step"},
      {7, true, false, false, "step"},
      {7, true, false, false, "step"}},
     2,
     {"rank 10 (pid", "all ranks on here are in step, so look at the other machines"},
     "rank 13"},
};

static void names_who_stands_behind(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof pictures / sizeof *pictures; p++) {
        struct mlb_error err = {0};
        struct mlb_board board = {0};
        char name[MLB_BOARD_NAME], line[MLB_WATCHDOG_LINE];
        check_ok(mlb_board_create(&board, 3, name, &err), &err);
        mlb_board_unlink(name);
        for (int i = 0; i < 3; i++) {
            const struct slot *slot = &pictures[p].slots[i];
            mlb_board_join(&board, i, 10 + i);
            atomic_store(&board.mine->moves, slot->moves);
            atomic_store(&board.mine->waits, slot->waits);
            atomic_store(&board.mine->watch_end_ns, slot->watched ? mlb_clock_ns() : 0);
            atomic_store(&board.mine->moved_ns, mlb_clock_ns() - 9000000000);
            mlb_board_set_what(board.mine, slot->what);
            if (slot->gone)
                atomic_store(&board.mine->pid, 0);
        }
        const struct mlb_watchdog_how how = {
            .board = &board, .nodes = pictures[p].nodes, .host = "here"};
        mlb_watchdog_describe(&how, line);
        check_contains(line, pictures[p].names[0]);
        check_contains(line, pictures[p].names[1]);
        check_true(!strstr(line, pictures[p].not_named));
        mlb_board_close(&board);
    }
}

static void add_cable(const void *causes, struct mlb_text *line)
{
    mlb_text_addf(line, "; %s is down", (const char *)causes);
}

/* All ranks of a machine are in step, and the machine knows why nobody answers. */
static void names_the_cause(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_board board = {0};
    char line[MLB_WATCHDOG_LINE];
    check_ok(mlb_board_open_private(&board, 3, &err), &err);
    atomic_store(&board.mine->watch_end_ns, mlb_clock_ns());
    const struct mlb_watchdog_how how = {
        .board = &board, .nodes = 2, .host = "here", .add_cause = add_cable, .causes = "eth0"};
    mlb_watchdog_describe(&how, line);
    check_contains(line, "rank 3 (pid");
    check_contains(line, "; eth0 is down");
    check_true(!strstr(line, "other machines"));
    mlb_board_close(&board);
}

/* ------------------------------------------------------------------------ a process and its end */

enum { CHILD_FD = 60 }; /* where a child talks */

static int run_child(void (*child)(struct mlb_watchdog *watchdog), char *said, size_t size)
{
    int ends[2];
    check_i64(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct mlb_error err = {0};
        struct mlb_board board = {0};
        struct mlb_watchdog *watchdog = NULL;
        close(ends[0]);
        dup2(ends[1], CHILD_FD);
        if (mlb_board_open_private(&board, 3, &err) != MLB_OK)
            _exit(99);
        const struct mlb_watchdog_how how = {
            .board = &board, .log = {MLB_LOG_ERROR, CHILD_FD, -1}, .nodes = 1, .host = "here"};
        if (mlb_watchdog_open(&how, &watchdog, &err) != MLB_OK)
            _exit(98);
        child(watchdog);
        mlb_watchdog_close(watchdog);
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got = 1; got > 0; length += got > 0 ? (size_t)got : 0)
        got = read(ends[0], said + length, size - 1 - length);
    said[length] = 0;
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void hang(struct mlb_watchdog *watchdog)
{
    mlb_watchdog_progress(watchdog);
    mlb_watchdog_watch(watchdog, "gemm bf16", 0.2);
    mlb_sleep_s(30);
}

static void hang_outside_of_a_nested_stretch(struct mlb_watchdog *watchdog)
{
    mlb_watchdog_watch(watchdog, "the whole case", 0.5);
    mlb_watchdog_watch(watchdog, "one step", 20.0);
    mlb_watchdog_unwatch(watchdog);
    mlb_sleep_s(30);
}

static void give_up(void *user)
{
    (void)user;
    const struct mlb_log log = {MLB_LOG_ERROR, CHILD_FD, -1};
    mlb_log(&log, MLB_LOG_ERROR, "given up");
}

/* What the watchdog ends this rank's waits with lets the stretch end, which is not done all the
 * same: the main thread stays in it. */
static void hang_until_given_up(struct mlb_watchdog *watchdog)
{
    mlb_watchdog_at_deadline(watchdog, give_up, NULL);
    mlb_watchdog_watch(watchdog, "all_reduce", 0.2);
    mlb_sleep_s(1.5);
    mlb_watchdog_unwatch(watchdog);
    _exit(96);
}

static void sleep_for_ever(void *user)
{
    (void)user;
    mlb_sleep_s(60);
}

static void hang_in_giving_up(struct mlb_watchdog *watchdog)
{
    mlb_watchdog_at_deadline(watchdog, sleep_for_ever, NULL);
    mlb_watchdog_watch(watchdog, "all_reduce", 0.2);
    mlb_sleep_s(60);
}

static void take_it_back(struct mlb_watchdog *watchdog)
{
    mlb_watchdog_at_deadline(watchdog, sleep_for_ever, NULL);
    mlb_watchdog_at_deadline(watchdog, NULL, NULL);
    mlb_watchdog_watch(watchdog, "all_reduce", 0.2);
    mlb_sleep_s(60);
}

static void end_in_time(struct mlb_watchdog *watchdog)
{
    for (int i = 0; i < 4; i++) {
        mlb_watchdog_watch(watchdog, "a short stretch", 0.6);
        mlb_sleep_s(0.3);
        mlb_watchdog_unwatch(watchdog);
    }
    mlb_sleep_s(1.0); /* not watched */
}

static void end_a_little_late(struct mlb_watchdog *watchdog)
{
    mlb_watchdog_watch(watchdog, "a stretch that ends late", 0.2);
    mlb_sleep_s(0.45);
    mlb_watchdog_unwatch(watchdog);
    mlb_sleep_s(0.8);
}

static void a_hang_ends_the_process(void **state)
{
    (void)state;
    char said[2048];
    double begin = mlb_clock_s();
    check_i64(run_child(hang, said, sizeof said), 3);
    check_contains(said, "mlbench: a deadline passed, the job ends: rank 3 (pid ");
    check_contains(said, "on here has not moved for");
    check_contains(said, "in 'gemm bf16', its process runs\n");
    check_true(mlb_clock_s() - begin < 10.0);
}

static void after_the_inner_stretch_the_outer_one_counts(void **state)
{
    (void)state;
    char said[2048];
    check_i64(run_child(hang_outside_of_a_nested_stretch, said, sizeof said), 3);
    check_contains(said, "in 'the whole case'");
}

static void a_rank_gives_up_what_it_waits_for(void **state)
{
    (void)state;
    char said[2048];
    double begin = mlb_clock_s();
    check_i64(run_child(hang_until_given_up, said, sizeof said), 3);
    check_contains(said, "in 'all_reduce', its process runs\nmlbench: given up\n");
    check_i64(run_child(take_it_back, said, sizeof said), 3);
    check_true(mlb_clock_s() - begin < 6.0);
    begin = mlb_clock_s();
    check_i64(run_child(hang_in_giving_up, said, sizeof said), 3);
    double took_s = mlb_clock_s() - begin;
    check_true(took_s > 5.0 && took_s < 12.0);
}

static void what_ends_is_let_go(void **state)
{
    (void)state;
    char said[2048];
    check_i64(run_child(end_in_time, said, sizeof said), 0);
    check_text(said, "");
    check_i64(run_child(end_a_little_late, said, sizeof said), 0);
    check_text(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_who_stands_behind),
        cmocka_unit_test(names_the_cause),
        cmocka_unit_test(a_hang_ends_the_process),
        cmocka_unit_test(after_the_inner_stretch_the_outer_one_counts),
        cmocka_unit_test(a_rank_gives_up_what_it_waits_for),
        cmocka_unit_test(what_ends_is_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
