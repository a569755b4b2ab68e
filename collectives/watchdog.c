/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"

#define NS_PER_S     1000000000
#define BEAT_NS      (NS_PER_S / 4)
#define LET_GO_NS    (NS_PER_S / 2)          /* a stretch that ends this late is still let go */
#define OTHER_NS     (2 * (int64_t)NS_PER_S) /* head start of the machine that is behind */
#define SLEPT_NS     (5 * (int64_t)NS_PER_S) /* a beat later than this: the process was stopped */
#define STOP_ALL_NS  NS_PER_S                /* until the other ranks have begun with theirs */
#define STOP_S       5                       /* for what ends this rank's waits ... */
#define END_JOB_S    5                       /* ... and for what ends the job */
#define WATCH_DEPTH  8
#define EXIT_TIMEOUT 3 /* of MLB_E_TIMEOUT */
#define NAMED_RANKS  4 /* in one line; the others are counted */

struct stretch {
    const char *what;
    int64_t end_ns; /* without the time that was forgiven before */
};

struct task {
    void (*run)(void *user);
    void *user;
};

struct mlb_watchdog {
    struct mlb_watchdog_how how;
    pthread_t thread;
    pthread_mutex_t mutex; /* of `stop` and `at_deadline` */
    pthread_cond_t wake;
    bool stop;
    struct task at_deadline;     /* run = NULL: nobody waits within a library, or it was done */
    atomic_bool given_up;        /* at_deadline has begun */
    _Atomic int64_t forgiven_ns; /* time that this process was stopped */
    struct stretch stretches[WATCH_DEPTH]; /* main thread only; the innermost is on the board */
    int depth;
};

/* ------------------------------------------------------------------------- who stands behind */

/* From innocent to guilty; those of the worst kind found are named. */
enum behind { WAITS, IN_STEP, SLOWER, ELSEWHERE, NOT_RUNNING };

static enum behind judge(const struct mlb_board_slot *slot, uint64_t most_moves)
{
    enum mlb_board_life life = mlb_board_life(slot);
    if (life == MLB_LIFE_GONE || life == MLB_LIFE_STOPPED)
        return NOT_RUNNING;
    if (atomic_load(&slot->waits))
        return WAITS;
    if (atomic_load(&slot->watch_end_ns) == 0)
        return ELSEWHERE;
    return atomic_load(&slot->moves) < most_moves ? SLOWER : IN_STEP;
}

static enum behind judge_all(const struct mlb_board *board, uint64_t *most_moves)
{
    *most_moves = 0;
    for (int i = 0; i < board->size; i++) {
        uint64_t moves = atomic_load(&board->memory->slots[i].moves);
        *most_moves = moves > *most_moves ? moves : *most_moves;
    }
    enum behind worst = WAITS;
    for (int i = 0; i < board->size; i++) {
        enum behind now = judge(&board->memory->slots[i], *most_moves);
        worst = now > worst ? now : worst;
    }
    return worst;
}

static void name_rank(const struct mlb_board_slot *slot, const char *host, struct mlb_text *line)
{
    char what[MLB_BOARD_WHAT];
    mlb_board_get_what(slot, what);
    bool inside = atomic_load(&slot->waits) || atomic_load(&slot->watch_end_ns);
    mlb_text_addf(line, "rank %d (pid %d) on %s has not moved for %.0f s %s '%s', %s",
                  (int)atomic_load(&slot->rank), (int)atomic_load(&slot->pid), host,
                  (double)(mlb_clock_ns() - atomic_load(&slot->moved_ns)) / NS_PER_S,
                  inside ? "in" : "after", what, mlb_board_life_text(mlb_board_life(slot)));
}

static void add_cause(const struct mlb_watchdog_how *how, struct mlb_text *line)
{
    if (how->add_cause)
        how->add_cause(how->causes, line);
}

static bool has_cause(const struct mlb_watchdog_how *how)
{
    struct mlb_text line = {0};
    add_cause(how, &line);
    bool found = line.length > 0;
    mlb_text_free(&line);
    return found;
}

void mlb_watchdog_describe(const struct mlb_watchdog_how *how, char to[static MLB_WATCHDOG_LINE])
{
    const struct mlb_board *board = how->board;
    struct mlb_text line = {0};
    uint64_t most_moves;
    enum behind worst = judge_all(board, &most_moves);
    int named = 0, more = 0;
    for (int i = 0; i < board->size; i++) {
        const struct mlb_board_slot *slot = &board->memory->slots[i];
        if (judge(slot, most_moves) != worst)
            continue;
        if (named == NAMED_RANKS) {
            more++;
            continue;
        }
        mlb_text_add(&line, named++ ? "; " : "");
        name_rank(slot, how->host, &line);
    }
    if (more)
        mlb_text_addf(&line, "; and %d more", more);
    size_t length = line.length;
    add_cause(how, &line);
    if (worst <= IN_STEP && how->nodes > 1 && line.length == length)
        mlb_text_addf(&line, "; all ranks on %s are in step, so look at the other machines",
                      how->host);
    mlb_format(to, MLB_WATCHDOG_LINE, "%s", mlb_text_get(&line));
    mlb_text_free(&line);
}

/* ------------------------------------------------------------------------------ ending the job */

static void *run_task(void *argument)
{
    struct task *task = argument;
    task->run(task->user);
    return NULL;
}

/* What may hang itself gets a thread of its own and a limit. True when it was done in time. The
 * task is left behind otherwise: its thread may still read it. */
static bool run_for(struct task task, int seconds)
{
    struct task *own = malloc(sizeof *own);
    pthread_t thread;
    if (!own)
        return false;
    *own = task;
    if (pthread_create(&thread, NULL, run_task, own) != 0) {
        free(own);
        return false;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    if (pthread_timedjoin_np(thread, NULL, &until) != 0)
        return false;
    free(own);
    return true;
}

static void run_end_job(void *user)
{
    const struct mlb_watchdog_how *how = user;
    how->end_job(how->user, EXIT_TIMEOUT);
}

/* The launcher's abort needs the MPI library, which may be the very thing that hangs. */
static void end_job(struct mlb_watchdog *watchdog)
{
    if (watchdog->how.end_job)
        run_for((struct task){run_end_job, &watchdog->how}, END_JOB_S);
    _exit(EXIT_TIMEOUT);
}

/* Once. False when there is nothing to stop. */
static bool stop_waits(struct mlb_watchdog *watchdog)
{
    pthread_mutex_lock(&watchdog->mutex);
    struct task task = watchdog->at_deadline;
    watchdog->at_deadline.run = NULL;
    atomic_store(&watchdog->given_up, task.run != NULL);
    pthread_mutex_unlock(&watchdog->mutex);
    if (!task.run)
        return false;
    run_for(task, STOP_S);
    return true;
}

static bool expired(const struct mlb_board_slot *slot, int64_t now)
{
    int64_t end = atomic_load(&slot->watch_end_ns);
    return end != 0 && now > end;
}

/* The lowest rank of this machine whose watch has expired and that can still speak. */
static bool is_mine_to_say(const struct mlb_watchdog *watchdog)
{
    const struct mlb_board *board = watchdog->how.board;
    int64_t now = mlb_clock_ns();
    for (int i = 0; i < board->size; i++) {
        const struct mlb_board_slot *slot = &board->memory->slots[i];
        if (slot == board->mine)
            return expired(slot, now);
        if (expired(slot, now) && mlb_board_life(slot) == MLB_LIFE_RUNS)
            return false;
    }
    return false;
}

static void wait_ns(int64_t ns)
{
    mlb_sleep_s((double)ns / NS_PER_S);
}

/* Not for long: a stretch that ends now is let go, and where all ranks of this machine are in step,
 * another one's watchdog is to speak first. */
static bool stays_expired(struct mlb_watchdog *watchdog)
{
    struct mlb_board *board = watchdog->how.board;
    uint64_t most_moves;
    wait_ns(LET_GO_NS);
    if (!expired(board->mine, mlb_clock_ns()))
        return false;
    bool innocent = judge_all(board, &most_moves) <= IN_STEP && !has_cause(&watchdog->how);
    if (watchdog->how.nodes > 1 && innocent)
        wait_ns(OTHER_NS);
    return expired(board->mine, mlb_clock_ns());
}

/* False when another rank of this machine does. */
static bool speak(struct mlb_watchdog *watchdog)
{
    struct mlb_board *board = watchdog->how.board;
    int32_t nobody = 0;
    int32_t me = 1 + (int32_t)(board->mine - board->memory->slots);
    if (!is_mine_to_say(watchdog) ||
        !atomic_compare_exchange_strong(&board->memory->reporter, &nobody, me))
        return false;
    char line[MLB_WATCHDOG_LINE];
    mlb_watchdog_describe(&watchdog->how, line);
    mlb_log(&watchdog->how.log, MLB_LOG_ERROR, "a deadline passed, the job ends: %s", line);
    return true;
}

static bool has_waits_to_stop(struct mlb_watchdog *watchdog)
{
    pthread_mutex_lock(&watchdog->mutex);
    bool has = watchdog->at_deadline.run != NULL;
    pthread_mutex_unlock(&watchdog->mutex);
    return has;
}

static void speak_and_end(struct mlb_watchdog *watchdog)
{
    if (!stays_expired(watchdog))
        return;
    bool mine = speak(watchdog);
    bool stopped = stop_waits(watchdog);
    if (mine && stopped)
        wait_ns(STOP_ALL_NS);
    if (mine)
        end_job(watchdog);
}

/* ---------------------------------------------------------------------------------- the thread */

/* False when the watchdog is to stop. */
static bool sleep_a_beat(struct mlb_watchdog *watchdog)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += BEAT_NS;
    if (until.tv_nsec >= NS_PER_S) {
        until.tv_nsec -= NS_PER_S;
        until.tv_sec++;
    }
    pthread_mutex_lock(&watchdog->mutex);
    int rc = 0;
    while (!watchdog->stop && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&watchdog->wake, &watchdog->mutex, &until);
    bool go_on = !watchdog->stop;
    pthread_mutex_unlock(&watchdog->mutex);
    return go_on;
}

static void forgive(struct mlb_watchdog *watchdog, int64_t slept_ns)
{
    struct mlb_board_slot *mine = watchdog->how.board->mine;
    atomic_fetch_add(&watchdog->forgiven_ns, slept_ns);
    int64_t end = atomic_load(&mine->watch_end_ns);
    /* Only if the main thread has not ended the watch meanwhile. */
    if (end != 0)
        atomic_compare_exchange_strong(&mine->watch_end_ns, &end, end + slept_ns);
}

static void *watch_thread(void *argument)
{
    struct mlb_watchdog *watchdog = argument;
    struct mlb_board_slot *mine = watchdog->how.board->mine;
    int64_t last = mlb_clock_ns();
    while (sleep_a_beat(watchdog)) {
        int64_t now = mlb_clock_ns();
        if (now - last > SLEPT_NS)
            forgive(watchdog, now - last);
        last = now;
        atomic_store(&mine->beat_ns, now);
        if (expired(mine, now) && (is_mine_to_say(watchdog) || has_waits_to_stop(watchdog))) {
            speak_and_end(watchdog);
            last = mlb_clock_ns();
        }
    }
    return NULL;
}

enum mlb_status mlb_watchdog_open(const struct mlb_watchdog_how *how,
                                  struct mlb_watchdog **watchdog, struct mlb_error *err)
{
    struct mlb_watchdog *made = calloc(1, sizeof *made);
    *watchdog = NULL;
    if (!made)
        return mlb_fail(err, MLB_E_NOMEM, "watchdog: out of memory");
    made->how = *how;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&made->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    int rc = pthread_create(&made->thread, NULL, watch_thread, made);
    if (rc != 0) {
        free(made);
        return mlb_fail(err, MLB_E_NOMEM, "watchdog: cannot start a thread: %s", strerror(rc));
    }
    *watchdog = made;
    return MLB_OK;
}

void mlb_watchdog_close(struct mlb_watchdog *watchdog)
{
    if (!watchdog)
        return;
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->stop = true;
    pthread_cond_signal(&watchdog->wake);
    pthread_mutex_unlock(&watchdog->mutex);
    pthread_join(watchdog->thread, NULL);
    pthread_cond_destroy(&watchdog->wake);
    pthread_mutex_destroy(&watchdog->mutex);
    free(watchdog);
}

/* ------------------------------------------------------------------------ the rank's main thread
 */

static void show(struct mlb_watchdog *watchdog, const struct stretch *stretch)
{
    struct mlb_board_slot *mine = watchdog->how.board->mine;
    mlb_board_set_what(mine, stretch->what);
    atomic_store(&mine->moved_ns, mlb_clock_ns());
    atomic_store(&mine->watch_end_ns, stretch->end_ns + atomic_load(&watchdog->forgiven_ns));
}

void mlb_watchdog_watch(struct mlb_watchdog *watchdog, const char *what, double deadline_s)
{
    int64_t end = mlb_clock_ns() + (int64_t)(deadline_s * NS_PER_S);
    struct stretch stretch = {what, end - atomic_load(&watchdog->forgiven_ns)};
    if (watchdog->depth < WATCH_DEPTH)
        watchdog->stretches[watchdog->depth] = stretch;
    watchdog->depth++;
    show(watchdog, &stretch);
}

/* Until the process is ended. */
static void stay_if_given_up(struct mlb_watchdog *watchdog)
{
    while (atomic_load(&watchdog->given_up))
        mlb_sleep_s(1.0);
}

void mlb_watchdog_unwatch(struct mlb_watchdog *watchdog)
{
    struct mlb_board_slot *mine = watchdog->how.board->mine;
    stay_if_given_up(watchdog);
    if (watchdog->depth > 0)
        watchdog->depth--;
    if (watchdog->depth > 0 && watchdog->depth <= WATCH_DEPTH) {
        show(watchdog, &watchdog->stretches[watchdog->depth - 1]);
        return;
    }
    atomic_store(&mine->watch_end_ns, 0);
    atomic_store(&mine->moved_ns, mlb_clock_ns());
}

void mlb_watchdog_progress(struct mlb_watchdog *watchdog)
{
    struct mlb_board_slot *mine = watchdog->how.board->mine;
    uint64_t moves = atomic_load_explicit(&mine->moves, memory_order_relaxed);
    atomic_store_explicit(&mine->moves, moves + 1, memory_order_relaxed);
    atomic_store_explicit(&mine->moved_ns, mlb_clock_ns(), memory_order_relaxed);
}

void mlb_watchdog_at_deadline(struct mlb_watchdog *watchdog, void (*stop)(void *user), void *user)
{
    stay_if_given_up(watchdog); /* what `stop` works on stays */
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->at_deadline = (struct task){stop, user};
    pthread_mutex_unlock(&watchdog->mutex);
}
