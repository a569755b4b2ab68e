/* SPDX-License-Identifier: Apache-2.0 */
/* Control plane over MPI: every operation is a star around one rank. All others come to the centre
 * with a message; when all have come the centre answers, with the result or with who is missing.
 *
 * A star, not a tree: the centre then knows by itself who did not come, and a few thousand small
 * messages are a matter of milliseconds. A centre that has to wait gives a sign every second, so
 * that those who came before it know a late centre from a missing one. All MPI calls are
 * non-blocking and polled, so every wait has a deadline and sleeps. Ranks call the operations in
 * the same order, so a message needs no number: MPI keeps the order between two ranks. */
#include "collectives/comm_mpi.h"

#include <stdlib.h>
#include <string.h>

#include "collectives/patience.h"
#include "harness/base/text.h"

#define NAMED_RANKS  4 /* missing ranks that a message names; the others are counted */
#define ANSWER_TEXT  504
#define SIGN         (-1) /* status of an answer that is none yet: the centre waits too */
#define FIRST_SIGN_S 0.25
#define SIGN_S       1.0
#define SILENCE_S    1.0 /* beyond the deadline, for a sign or an answer to arrive */

enum tag { TAG_COME = 1, TAG_ANSWER, TAG_TELL };

/* What the centre sends back, in front of the result. */
struct answer {
    int64_t status;
    char text[ANSWER_TEXT];
};

/* One operation under way. */
struct star {
    struct mlb_mpi *mpi;
    const char *name; /* "gather", for messages */
    int centre;
};

/* ------------------------------------------------------------------------------- begin and end */

/* Marks the rank as waiting for others, for the watchdogs. Fails when an earlier wait failed. */
static enum mlb_status begin(const struct star *star, struct mlb_error *err)
{
    struct mlb_mpi *mpi = star->mpi;
    if (mpi->broken.status != MLB_OK) {
        if (err)
            *err = mpi->broken;
        return mpi->broken.status;
    }
    struct mlb_board_slot *mine = mpi->board.mine;
    if (atomic_load(&mine->watch_end_ns) == 0)
        mlb_board_set_what(mine, star->name);
    atomic_store(&mine->waits, 1);
    return MLB_OK;
}

static enum mlb_status end(const struct star *star, enum mlb_status status, struct mlb_error *err)
{
    atomic_store(&star->mpi->board.mine->waits, 0);
    if (status == MLB_OK || star->mpi->broken.status != MLB_OK)
        return status;
    mlb_mpi_add_causes(star->mpi, err);
    return mlb_mpi_break(star->mpi, err);
}

static enum mlb_status grow_scratch(struct mlb_mpi *mpi, size_t bytes, struct mlb_error *err)
{
    if (bytes <= mpi->scratch_bytes)
        return MLB_OK;
    char *larger = realloc(mpi->scratch, bytes);
    if (!larger)
        return mlb_fail(err, MLB_E_NOMEM, "control plane: %zu bytes for %d ranks: out of memory",
                        bytes, mpi->comm.size);
    mpi->scratch = larger;
    mpi->scratch_bytes = bytes;
    return MLB_OK;
}

static enum mlb_status check_length(const struct star *star, size_t bytes, struct mlb_error *err)
{
    if (bytes <= 1 << 30)
        return MLB_OK;
    return mlb_fail(err, MLB_E_INTERNAL, "%s: %zu bytes are too many for the control plane",
                    star->name, bytes);
}

/* ------------------------------------------------------------------------------------- messages */

/* "rank 3 on node7 did not come to 'gather' within 30 s" for the ranks whose request is pending. */
static enum mlb_status fail_missing(const struct star *star, double waited_s, struct mlb_error *err)
{
    struct mlb_text names = {0};
    int missing = 0;
    for (int rank = 0; rank < star->mpi->comm.size; rank++) {
        if (star->mpi->requests[rank] == MPI_REQUEST_NULL || ++missing > NAMED_RANKS)
            continue;
        mlb_text_add(&names, missing > 1 ? ", " : "");
        mlb_mpi_name_rank(star->mpi, rank, &names);
    }
    if (missing > NAMED_RANKS)
        mlb_text_addf(&names, " and %d more", missing - NAMED_RANKS);
    mlb_fail(err, MLB_E_TIMEOUT, "%s did not come to '%s' within %.3g s", mlb_text_get(&names),
             star->name, waited_s);
    mlb_text_free(&names);
    return MLB_E_TIMEOUT;
}

static enum mlb_status fail_centre(const struct star *star, double waited_s, struct mlb_error *err)
{
    struct mlb_text name = {0};
    mlb_mpi_name_rank(star->mpi, star->centre, &name);
    mlb_fail(err, MLB_E_TIMEOUT, "%s did not come to '%s' within %.3g s%s", mlb_text_get(&name),
             star->name, waited_s,
             star->mpi->comm.nodes > 1 ? "; another machine may keep it waiting" : "");
    mlb_text_free(&name);
    return MLB_E_TIMEOUT;
}

/* ---------------------------------------------------------------------------------------- waits */

/* Nobody waits for signs to arrive: those who come late take them then. */
static void give_sign(const struct star *star)
{
    static const int64_t sign = SIGN;
    const struct mlb_mpi *mpi = star->mpi;
    for (int rank = 0; rank < mpi->comm.size; rank++) {
        MPI_Request request;
        if (rank != mpi->comm.rank && MPI_Isend(&sign, (int)sizeof sign, MPI_BYTE, rank, TAG_ANSWER,
                                                mpi->control, &request) == MPI_SUCCESS)
            MPI_Request_free(&request);
    }
}

/* The centre's wait for all requests of mpi->requests. */
static enum mlb_status wait_all(const struct star *star, bool signs, struct mlb_error *err)
{
    struct mlb_mpi *mpi = star->mpi;
    struct mlb_patience patience = {.crowded = mpi->crowded};
    double next_sign_s = FIRST_SIGN_S;
    int done = 0;
    for (;;) {
        int code =
            MPI_Testsome(mpi->comm.size, mpi->requests, &done, mpi->finished, MPI_STATUSES_IGNORE);
        if (code != MPI_SUCCESS)
            return mlb_mpi_status(code, err, "wait for ranks in '%s'", star->name);
        if (done == MPI_UNDEFINED)
            return MLB_OK; /* nothing is pending any more */
        if (done > 0)
            patience.turns = 0;
        else if (!mlb_patience_wait(&patience, mpi->comm.deadline_s))
            return fail_missing(star, mpi->comm.deadline_s, err);
        if (signs && patience.waited_s > next_sign_s) {
            give_sign(star);
            next_sign_s += SIGN_S;
        }
    }
}

/* Another rank's wait for one message of the centre. */
static enum mlb_status wait_centre(const struct star *star, MPI_Request *request,
                                   struct mlb_error *err)
{
    double deadline_s = star->mpi->comm.deadline_s;
    struct mlb_patience patience = {.crowded = star->mpi->crowded};
    int done = 0;
    for (;;) {
        int code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS)
            return mlb_mpi_status(code, err, "wait for rank %d in '%s'", star->centre, star->name);
        if (done)
            return MLB_OK;
        if (!mlb_patience_wait(&patience, deadline_s + SILENCE_S))
            return fail_centre(star, deadline_s, err);
    }
}

/* --------------------------------------------------------------------------- the two halves */

static enum mlb_status receive_all(const struct star *star, char *all, size_t bytes,
                                   struct mlb_error *err)
{
    struct mlb_mpi *mpi = star->mpi;
    for (int rank = 0; rank < mpi->comm.size; rank++) {
        mpi->requests[rank] = MPI_REQUEST_NULL;
        if (rank == mpi->comm.rank)
            continue;
        int code = MPI_Irecv(all ? all + (size_t)rank * bytes : NULL, (int)bytes, MPI_BYTE, rank,
                             TAG_COME, mpi->control, &mpi->requests[rank]);
        if (code != MPI_SUCCESS)
            return mlb_mpi_status(code, err, "receive from rank %d in '%s'", rank, star->name);
    }
    return wait_all(star, true, err);
}

static enum mlb_status send_all(const struct star *star, const void *data, size_t bytes,
                                enum tag tag, struct mlb_error *err)
{
    struct mlb_mpi *mpi = star->mpi;
    for (int rank = 0; rank < mpi->comm.size; rank++) {
        mpi->requests[rank] = MPI_REQUEST_NULL;
        if (rank == mpi->comm.rank)
            continue;
        int code =
            MPI_Isend(data, (int)bytes, MPI_BYTE, rank, tag, mpi->control, &mpi->requests[rank]);
        if (code != MPI_SUCCESS)
            return mlb_mpi_status(code, err, "send to rank %d in '%s'", rank, star->name);
    }
    return MLB_OK;
}

/* The bad news goes to all; those who are missing will not take it, so nobody is waited for. */
static void tell_failure(const struct star *star, const struct mlb_error *what)
{
    static const size_t most = sizeof(struct answer);
    struct mlb_error ignored = {0};
    if (grow_scratch(star->mpi, most, &ignored) != MLB_OK)
        return;
    struct answer *answer = (struct answer *)(void *)star->mpi->scratch;
    *answer = (struct answer){.status = what->status};
    mlb_format(answer->text, sizeof answer->text, "%s", what->text);
    send_all(star, answer, sizeof *answer, TAG_ANSWER, &ignored);
    struct mlb_patience patience = {0};
    int done = 0;
    while (done != MPI_UNDEFINED && mlb_patience_wait(&patience, 0.2))
        if (MPI_Testsome(star->mpi->comm.size, star->mpi->requests, &done, star->mpi->finished,
                         MPI_STATUSES_IGNORE) != MPI_SUCCESS)
            return;
}

/* The centre's side of a whole operation but for the reduction between its halves. */
static enum mlb_status collect(const struct star *star, const void *mine, size_t bytes, char *all,
                               struct mlb_error *err)
{
    if (bytes > 0)
        memcpy(all + (size_t)star->centre * bytes, mine, bytes);
    enum mlb_status status = receive_all(star, all, bytes, err);
    if (status != MLB_OK)
        tell_failure(star, err);
    return status;
}

/* `packet` begins with room for the answer; the result follows. */
static enum mlb_status answer_all(const struct star *star, char *packet, size_t result_bytes,
                                  struct mlb_error *err)
{
    *(struct answer *)(void *)packet = (struct answer){.status = MLB_OK};
    enum mlb_status status =
        send_all(star, packet, sizeof(struct answer) + result_bytes, TAG_ANSWER, err);
    return status == MLB_OK ? wait_all(star, false, err) : status;
}

/* What the centre sends, signs skipped, into `packet`; `coming` has been posted. */
static enum mlb_status take_answer(const struct star *star, char *packet, int bytes,
                                   MPI_Request *coming, struct mlb_error *err)
{
    const struct answer *answer = (const struct answer *)(const void *)packet;
    enum mlb_status status = wait_centre(star, coming, err);
    while (status == MLB_OK && answer->status == SIGN) {
        int code = MPI_Irecv(packet, bytes, MPI_BYTE, star->centre, TAG_ANSWER, star->mpi->control,
                             coming);
        status = code == MPI_SUCCESS ? wait_centre(star, coming, err)
                                     : mlb_mpi_status(code, err, "receive %d bytes", bytes);
    }
    if (status != MLB_OK || answer->status == MLB_OK)
        return status;
    return mlb_fail(err, (enum mlb_status)answer->status, "%.*s", ANSWER_TEXT, answer->text);
}

/* The side of the others: bring `mine`, take the result into `packet`. The receive is posted first:
 * a failure may be answered before `mine` is taken. */
static enum mlb_status visit(const struct star *star, const void *mine, size_t bytes, char *packet,
                             size_t result_bytes, struct mlb_error *err)
{
    struct mlb_mpi *mpi = star->mpi;
    MPI_Request going, coming;
    int packet_bytes = (int)(sizeof(struct answer) + result_bytes);
    int code =
        MPI_Irecv(packet, packet_bytes, MPI_BYTE, star->centre, TAG_ANSWER, mpi->control, &coming);
    if (code == MPI_SUCCESS)
        code = MPI_Isend(mine, (int)bytes, MPI_BYTE, star->centre, TAG_COME, mpi->control, &going);
    if (code != MPI_SUCCESS)
        return mlb_mpi_status(code, err, "exchange %zu bytes with rank %d in '%s'", bytes,
                              star->centre, star->name);
    enum mlb_status status = take_answer(star, packet, packet_bytes, &coming, err);
    return status == MLB_OK ? wait_centre(star, &going, err) : status;
}

/* ----------------------------------------------------------------------------------- operations */

/* values[i] = fold over ranks, in rank order, so that every run and every rank has the same bits.
 */
static void fold(double *into, const double *all, size_t count, int ranks, bool sum)
{
    for (size_t i = 0; i < count; i++) {
        double value = all[i];
        for (int rank = 1; rank < ranks; rank++) {
            double next = all[(size_t)rank * count + i];
            value = sum ? value + next : next > value ? next : value;
        }
        into[i] = value;
    }
}

static enum mlb_status reduce(struct mlb_comm *comm, const char *name, double *values, size_t count,
                              bool sum, struct mlb_error *err)
{
    struct mlb_mpi *mpi = mlb_mpi_of(comm);
    const struct star star = {mpi, name, 0};
    size_t bytes = count * sizeof(double);
    size_t packet_bytes = sizeof(struct answer) + bytes;
    enum mlb_status status = begin(&star, err);
    if (status != MLB_OK)
        return status;
    bool centre = comm->rank == 0;
    status = check_length(&star, bytes, err);
    if (status == MLB_OK)
        status = grow_scratch(mpi, packet_bytes + (centre ? bytes * (size_t)comm->size : 0), err);
    if (status != MLB_OK)
        return end(&star, status, err);
    double *result = (double *)(void *)(mpi->scratch + sizeof(struct answer));
    if (centre) {
        char *all = mpi->scratch + packet_bytes;
        status = collect(&star, values, bytes, all, err);
        if (status != MLB_OK)
            return end(&star, status, err);
        fold(result, (const double *)(const void *)all, count, comm->size, sum);
        status = answer_all(&star, mpi->scratch, bytes, err);
    } else {
        status = visit(&star, values, bytes, mpi->scratch, bytes, err);
    }
    if (status == MLB_OK && bytes > 0)
        memcpy(values, result, bytes);
    return end(&star, status, err);
}

enum mlb_status mlb_control_barrier(struct mlb_comm *comm, struct mlb_error *err)
{
    return reduce(comm, "barrier", NULL, 0, false, err);
}

enum mlb_status mlb_control_all_max(struct mlb_comm *comm, double *values, size_t count,
                                    struct mlb_error *err)
{
    return reduce(comm, "all_max", values, count, false, err);
}

enum mlb_status mlb_control_all_sum(struct mlb_comm *comm, double *values, size_t count,
                                    struct mlb_error *err)
{
    return reduce(comm, "all_sum", values, count, true, err);
}

enum mlb_status mlb_control_gather(struct mlb_comm *comm, const void *mine, size_t bytes, void *all,
                                   int root, struct mlb_error *err)
{
    struct mlb_mpi *mpi = mlb_mpi_of(comm);
    const struct star star = {mpi, "gather", root};
    enum mlb_status status = begin(&star, err);
    if (status != MLB_OK)
        return status;
    status = check_length(&star, bytes, err);
    if (status == MLB_OK)
        status = grow_scratch(mpi, sizeof(struct answer), err);
    if (status == MLB_OK && comm->rank != root)
        status = visit(&star, mine, bytes, mpi->scratch, 0, err);
    else if (status == MLB_OK) {
        status = collect(&star, mine, bytes, all, err);
        if (status == MLB_OK)
            status = answer_all(&star, mpi->scratch, 0, err);
    }
    return end(&star, status, err);
}

enum mlb_status mlb_control_broadcast(struct mlb_comm *comm, void *data, size_t bytes, int root,
                                      struct mlb_error *err)
{
    struct mlb_mpi *mpi = mlb_mpi_of(comm);
    const struct star star = {mpi, "broadcast", root};
    enum mlb_status status = begin(&star, err);
    if (status != MLB_OK)
        return status;
    status = check_length(&star, bytes, err);
    if (status == MLB_OK && comm->rank == root) {
        status = send_all(&star, data, bytes, TAG_TELL, err);
        if (status == MLB_OK)
            status = wait_all(&star, false, err);
    } else if (status == MLB_OK) {
        MPI_Request request;
        int code = MPI_Irecv(data, (int)bytes, MPI_BYTE, root, TAG_TELL, mpi->control, &request);
        status = code == MPI_SUCCESS ? wait_centre(&star, &request, err)
                                     : mlb_mpi_status(code, err, "receive %zu bytes", bytes);
    }
    return end(&star, status, err);
}
