/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/board.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"

/* A watchdog beats four times a second; on a machine crowded with ranks it may come late. */
#define SILENT_AFTER_NS 3000000000

static size_t bytes_for(int slots)
{
    return sizeof(struct mlb_board_memory) + (size_t)slots * sizeof(struct mlb_board_slot);
}

static enum mlb_status map_board(struct mlb_board *board, int slots, int fd, int flags,
                                 struct mlb_error *err)
{
    size_t bytes = bytes_for(slots);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (memory == MAP_FAILED)
        return mlb_fail(err, MLB_E_NOMEM, "shared memory: map %zu bytes for %d ranks: %s", bytes,
                        slots, strerror(errno));
    *board = (struct mlb_board){.memory = memory, .bytes = bytes, .size = slots};
    return MLB_OK;
}

enum mlb_status mlb_board_open_private(struct mlb_board *board, int rank, struct mlb_error *err)
{
    enum mlb_status status = map_board(board, 1, -1, MAP_PRIVATE | MAP_ANONYMOUS, err);
    if (status == MLB_OK)
        mlb_board_join(board, 0, rank);
    return status;
}

enum mlb_status mlb_board_create(struct mlb_board *board, int local_size, char *name,
                                 struct mlb_error *err)
{
    mlb_format(name, MLB_BOARD_NAME, "/mlbench-%ld-%llx", (long)getpid(),
               (unsigned long long)mlb_clock_ns());
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd < 0)
        return mlb_fail(err, MLB_E_COMM, "shared memory: create %s: %s", name, strerror(errno));
    enum mlb_status status = MLB_OK;
    /* posix_fallocate, not ftruncate: a full /dev/shm is an error here and not a SIGBUS later. */
    int cause = posix_fallocate(fd, 0, (off_t)bytes_for(local_size));
    if (cause)
        status = mlb_fail(err, MLB_E_COMM, "shared memory: %zu bytes in /dev/shm: %s",
                          bytes_for(local_size), strerror(cause));
    if (status == MLB_OK)
        status = map_board(board, local_size, fd, MAP_SHARED, err);
    close(fd);
    if (status != MLB_OK)
        shm_unlink(name);
    return status;
}

enum mlb_status mlb_board_attach(struct mlb_board *board, int local_size, const char *name,
                                 struct mlb_error *err)
{
    int fd = shm_open(name, O_RDWR, 0600);
    if (fd < 0)
        return mlb_fail(err, MLB_E_COMM, "shared memory: open %s: %s", name, strerror(errno));
    enum mlb_status status = map_board(board, local_size, fd, MAP_SHARED, err);
    close(fd);
    return status;
}

void mlb_board_unlink(const char *name)
{
    shm_unlink(name);
}

void mlb_board_join(struct mlb_board *board, int local_rank, int rank)
{
    board->mine = &board->memory->slots[local_rank];
    int64_t now = mlb_clock_ns();
    atomic_store(&board->mine->rank, rank);
    atomic_store(&board->mine->beat_ns, now);
    atomic_store(&board->mine->moved_ns, now);
    mlb_board_set_what(board->mine, "the start");
    atomic_store(&board->mine->pid, (int32_t)getpid());
}

void mlb_board_close(struct mlb_board *board)
{
    if (board->memory)
        munmap(board->memory, board->bytes);
    *board = (struct mlb_board){0};
}

/* Word by word, so that a reader in another process never sees a torn word; a text mixed of two is
 * possible for an instant and harmless in a message. */
void mlb_board_set_what(struct mlb_board_slot *slot, const char *what)
{
    uint64_t words[MLB_BOARD_WORDS] = {0};
    memcpy(words, what, strnlen(what, MLB_BOARD_WHAT - 1));
    for (int i = 0; i < MLB_BOARD_WORDS; i++)
        atomic_store_explicit(&slot->what[i], words[i], memory_order_relaxed);
}

void mlb_board_get_what(const struct mlb_board_slot *slot, char to[static MLB_BOARD_WHAT])
{
    uint64_t words[MLB_BOARD_WORDS];
    for (int i = 0; i < MLB_BOARD_WORDS; i++)
        words[i] = atomic_load_explicit(&slot->what[i], memory_order_relaxed);
    memcpy(to, words, MLB_BOARD_WHAT);
    to[MLB_BOARD_WHAT - 1] = 0;
}

/* State letter of /proc/PID/stat (proc(5)): it follows the last ')' of the command's name. */
static char process_state(int pid)
{
    char path[32], line[512];
    mlb_format(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = 0;
    const char *after = strrchr(line, ')');
    return after && after[1] == ' ' ? after[2] : 0;
}

enum mlb_board_life mlb_board_life(const struct mlb_board_slot *slot)
{
    int pid = atomic_load(&slot->pid);
    if (pid <= 0)
        return MLB_LIFE_GONE;
    /* A fresh beat is the better witness: pids mean nothing between containers. */
    char state = process_state(pid);
    bool fresh = mlb_clock_ns() - atomic_load(&slot->beat_ns) < SILENT_AFTER_NS;
    if (fresh && state != 'T' && state != 't' && state != 'Z')
        return MLB_LIFE_RUNS;
    if (state == 'T' || state == 't')
        return MLB_LIFE_STOPPED;
    if (state == 'Z' || (kill(pid, 0) != 0 && errno == ESRCH))
        return MLB_LIFE_GONE;
    return MLB_LIFE_SILENT;
}

const char *mlb_board_life_text(enum mlb_board_life life)
{
    static const char *const texts[] = {
        [MLB_LIFE_RUNS] = "its process runs",
        [MLB_LIFE_SILENT] = "its process is there but gives no sign of life",
        [MLB_LIFE_STOPPED] = "its process is stopped",
        [MLB_LIFE_GONE] = "its process is gone",
    };
    return texts[life];
}

const struct mlb_board_slot *mlb_board_find(const struct mlb_board *board, int rank)
{
    for (int i = 0; board->memory && i < board->size; i++) {
        const struct mlb_board_slot *slot = &board->memory->slots[i];
        if (atomic_load(&slot->pid) > 0 && atomic_load(&slot->rank) == rank)
            return slot;
    }
    return NULL;
}
