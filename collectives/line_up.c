/* SPDX-License-Identifier: Apache-2.0 */
/* line_up: all ranks leave within microseconds of each other. On one machine they meet on the
 * board, where the release is one store that all spin on; machines meet by a barrier of their
 * leaders. */
#include "collectives/comm_mpi.h"

#include "collectives/patience.h"
#include "harness/base/clock.h"
#include "harness/base/text.h"

#define OTHERS_SPEAK_S 2.0 /* head start of a machine that can name the missing rank */
#define AHEAD_NS       200 /* for the release to be seen by all: some cache line transfers */
#define AHEAD_RANK_NS  20
#define PROGRESS_TURNS                                                                             \
    256 /* spins between two looks into MPI, which may have messages to push on */

/* Not come, or come and then stopped before it could let the others go. */
static bool is_missing(const struct mlb_mpi *mpi, const struct mlb_board_slot *slot)
{
    enum mlb_board_life life = mlb_board_life(slot);
    return atomic_load(&slot->arrivals) < mpi->line_ups || life == MLB_LIFE_STOPPED ||
           life == MLB_LIFE_GONE;
}

static enum mlb_status fail_missing(struct mlb_mpi *mpi, struct mlb_error *err)
{
    struct mlb_text names = {0};
    for (int i = 0; mpi->shared_board && i < mpi->board.size; i++) {
        const struct mlb_board_slot *slot = &mpi->board.memory->slots[i];
        if (!is_missing(mpi, slot))
            continue;
        mlb_text_add(&names, names.length ? ", " : "");
        mlb_mpi_name_rank(mpi, (int)atomic_load(&slot->rank), &names);
    }
    if (names.length == 0) {
        if (!mlb_causes_known(&mpi->causes))
            mlb_sleep_s(OTHERS_SPEAK_S);
        mlb_text_add(&names, "a rank on another machine");
    }
    mlb_fail(err, MLB_E_TIMEOUT, "%s did not come to 'line_up' within %.3g s", mlb_text_get(&names),
             mpi->comm.deadline_s);
    mlb_text_free(&names);
    return MLB_E_TIMEOUT;
}

/* One turn of waiting; false when the deadline has passed. */
static bool turn(struct mlb_mpi *mpi, struct mlb_patience *patience)
{
    int flag;
    if (patience->turns % PROGRESS_TURNS == PROGRESS_TURNS - 1)
        MPI_Iprobe(MPI_ANY_SOURCE, 0, mpi->control, &flag, MPI_STATUS_IGNORE);
    return mlb_patience_spin(patience, mpi->comm.deadline_s);
}

static enum mlb_status leaders_meet(struct mlb_mpi *mpi, MPI_Comm group, struct mlb_error *err)
{
    struct mlb_patience patience = {.crowded = mpi->crowded};
    MPI_Request request;
    int done = 0;
    int code = MPI_Ibarrier(group, &request);
    while (code == MPI_SUCCESS && !done) {
        code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (code == MPI_SUCCESS && !done && !mlb_patience_spin(&patience, mpi->comm.deadline_s))
            return fail_missing(mpi, err);
    }
    return code == MPI_SUCCESS ? MLB_OK : mlb_mpi_status(code, err, "barrier in 'line_up'");
}

static enum mlb_status lead(struct mlb_mpi *mpi, struct mlb_error *err)
{
    struct mlb_patience patience = {.crowded = mpi->crowded};
    struct mlb_board_memory *memory = mpi->board.memory;
    for (int i = 0; i < mpi->board.size; i++)
        while (atomic_load_explicit(&memory->slots[i].arrivals, memory_order_acquire) <
               mpi->line_ups)
            if (!turn(mpi, &patience))
                return fail_missing(mpi, err);
    if (mpi->comm.nodes > 1) {
        enum mlb_status status = leaders_meet(mpi, mpi->leaders, err);
        if (status != MLB_OK)
            return status;
    }
    int64_t ahead_ns = mpi->crowded ? 0 : AHEAD_NS + AHEAD_RANK_NS * (int64_t)mpi->board.size;
    atomic_store_explicit(&memory->start_ns, mlb_clock_ns() + ahead_ns, memory_order_relaxed);
    atomic_store_explicit(&memory->released, mpi->line_ups, memory_order_release);
    return MLB_OK;
}

static enum mlb_status meet(struct mlb_mpi *mpi, struct mlb_error *err)
{
    struct mlb_patience patience = {.crowded = mpi->crowded};
    mpi->line_ups++;
    if (!mpi->shared_board)
        return leaders_meet(mpi, mpi->control, err);
    atomic_store_explicit(&mpi->board.mine->arrivals, mpi->line_ups, memory_order_release);
    if (mpi->comm.local_rank == 0)
        return lead(mpi, err);
    while (atomic_load_explicit(&mpi->board.memory->released, memory_order_acquire) < mpi->line_ups)
        if (!turn(mpi, &patience))
            return fail_missing(mpi, err);
    return MLB_OK;
}

enum mlb_status mlb_line_up(struct mlb_comm *comm, struct mlb_error *err)
{
    struct mlb_mpi *mpi = mlb_mpi_of(comm);
    if (mpi->broken.status != MLB_OK) {
        if (err)
            *err = mpi->broken;
        return mpi->broken.status;
    }
    atomic_store(&mpi->board.mine->waits, 1);
    /* Twice: those who had to wait long for the first meeting were asleep when it ended. */
    enum mlb_status status = meet(mpi, err);
    if (status == MLB_OK)
        status = meet(mpi, err);
    atomic_store(&mpi->board.mine->waits, 0);
    if (status != MLB_OK) {
        mlb_mpi_add_causes(mpi, err);
        return mlb_mpi_break(mpi, err);
    }
    if (mpi->shared_board) {
        int64_t start_ns = atomic_load_explicit(&mpi->board.memory->start_ns, memory_order_relaxed);
        while (mlb_clock_ns() < start_ns)
            ;
    }
    return MLB_OK;
}
