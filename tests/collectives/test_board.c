/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/board.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "tests/check.h"

static void two_processes_see_one_board(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_board board = {0};
    char name[MLB_BOARD_NAME], what[MLB_BOARD_WHAT];
    check_ok(mlb_board_create(&board, 2, name, &err), &err);
    mlb_board_join(&board, 0, 10);
    pid_t child = fork();
    if (child == 0) {
        struct mlb_board same = {0};
        if (mlb_board_attach(&same, 2, name, &err) != MLB_OK)
            _exit(1);
        mlb_board_join(&same, 1, 11);
        mlb_board_set_what(same.mine, "all_reduce 64 MiB");
        mlb_board_close(&same);
        _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    check_i64(status, 0);
    mlb_board_unlink(name);
    check_true(shm_open(name, O_RDWR, 0) < 0); /* nothing is left behind */
    const struct mlb_board_slot *other = mlb_board_find(&board, 11);
    check_true(other == &board.memory->slots[1]);
    check_true(mlb_board_find(&board, 12) == NULL);
    mlb_board_get_what(other, what);
    check_text(what, "all_reduce 64 MiB");
    mlb_board_close(&board);
    mlb_board_close(&board);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_board board = {0};
    char what[MLB_BOARD_WHAT], text[200];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    check_ok(mlb_board_open_private(&board, 0, &err), &err);
    mlb_board_set_what(board.mine, text);
    mlb_board_get_what(board.mine, what);
    check_u64(strlen(what), MLB_BOARD_WHAT - 1);
    mlb_board_set_what(board.mine, "short");
    mlb_board_get_what(board.mine, what);
    check_text(what, "short");
    mlb_board_close(&board);
}

static void wait_for_stop(pid_t child)
{
    int status;
    waitpid(child, &status, WUNTRACED);
    check_true(WIFSTOPPED(status));
}

static void tells_stopped_from_gone(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_board board = {0};
    check_ok(mlb_board_open_private(&board, 0, &err), &err);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    atomic_store(&board.mine->pid, child);
    check_i64(mlb_board_life(board.mine), MLB_LIFE_RUNS);
    kill(child, SIGSTOP);
    wait_for_stop(child);
    check_i64(mlb_board_life(board.mine), MLB_LIFE_STOPPED);
    kill(child, SIGCONT);
    atomic_store(&board.mine->beat_ns, mlb_clock_ns() - 60000000000);
    while (mlb_board_life(board.mine) == MLB_LIFE_STOPPED)
        mlb_sleep_s(0.001);
    check_i64(mlb_board_life(board.mine), MLB_LIFE_SILENT);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    check_i64(mlb_board_life(board.mine), MLB_LIFE_GONE);
    mlb_board_close(&board);
}

static void a_missing_segment_is_an_error(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_board board = {0};
    check_fails(mlb_board_attach(&board, 2, "/mlbench-not-there", &err), MLB_E_COMM, &err,
                "/mlbench-not-there");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_processes_see_one_board),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(tells_stopped_from_gone),
        cmocka_unit_test(a_missing_segment_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
