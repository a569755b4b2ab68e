/* SPDX-License-Identifier: Apache-2.0 */
/* The board: shared memory of one machine on which each of its ranks writes where it stands. The
 * watchdogs read it to tell who is behind; line_up() meets on it.
 *
 * Only lock-free atomics: a rank that is killed or stopped in the middle leaves nothing locked. */
#ifndef MLB_COLLECTIVES_BOARD_H
#define MLB_COLLECTIVES_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"

#define MLB_BOARD_WORDS 8
#define MLB_BOARD_WHAT  (MLB_BOARD_WORDS * 8) /* bytes of a slot's text, its zero included */

/* Times are mlb_clock_ns(), which all ranks of a machine share. A slot is written by its rank only.
 */
struct mlb_board_slot {
    _Alignas(256) _Atomic int32_t pid; /* 0 = not there yet */
    _Atomic int32_t rank;              /* of the job */
    _Atomic int64_t beat_ns;           /* the rank's watchdog thread ran */
    _Atomic uint64_t moves;            /* signs of progress so far */
    _Atomic int64_t moved_ns;          /* the last one, or the begin or end of a watch */
    _Atomic int64_t watch_end_ns;      /* deadline of the watched stretch; 0 = not watched */
    _Atomic int32_t waits;             /* 1 in a control operation, which has its own deadline */
    _Atomic uint64_t what[MLB_BOARD_WORDS]; /* what the rank is doing, as text */
    _Alignas(
        64) _Atomic uint64_t arrivals; /* line_up operations entered; read by all while spinning */
};

struct mlb_board_memory {
    _Alignas(256) _Atomic uint64_t released; /* line_up operations whose ranks may go ... */
    _Atomic int64_t start_ns;                /* ... at this time */
    _Alignas(
        64) _Atomic int32_t reporter; /* 1 + local rank of the watchdog that speaks; 0 = none */
    struct mlb_board_slot slots[];
};

struct mlb_board {
    struct mlb_board_memory *memory;
    struct mlb_board_slot *mine;
    size_t bytes; /* of the mapping */
    int size;     /* slots */
};

/* A board for this process alone. */
enum mlb_status mlb_board_open_private(struct mlb_board *board, int rank, struct mlb_error *err);

/* A board shared by the processes of one machine, in three steps, because the name has to be told
 * and all must have it open before it goes: create on one (fills `name`), attach on all others, and
 * unlink on the creator once all are attached. Nothing is left behind after unlink, however the
 * processes end. */
#define MLB_BOARD_NAME 64
enum mlb_status mlb_board_create(struct mlb_board *board, int local_size, char *name,
                                 struct mlb_error *err);
enum mlb_status mlb_board_attach(struct mlb_board *board, int local_size, const char *name,
                                 struct mlb_error *err);
void mlb_board_unlink(const char *name);
void mlb_board_join(struct mlb_board *board, int local_rank, int rank); /* take the slot */
void mlb_board_close(struct mlb_board *board);                          /* zeroed is fine */

void mlb_board_set_what(struct mlb_board_slot *slot, const char *what);
void mlb_board_get_what(const struct mlb_board_slot *slot, char to[static MLB_BOARD_WHAT]);

/* Does the process of the slot still run? */
enum mlb_board_life { MLB_LIFE_RUNS, MLB_LIFE_SILENT, MLB_LIFE_STOPPED, MLB_LIFE_GONE };
enum mlb_board_life mlb_board_life(const struct mlb_board_slot *slot);
const char *mlb_board_life_text(enum mlb_board_life life); /* "its process is stopped" */

/* The slot of a rank of the job; NULL when it is on another machine. */
const struct mlb_board_slot *mlb_board_find(const struct mlb_board *board, int rank);

#endif
