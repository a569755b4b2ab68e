/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/checkpoint/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/text.h"
#include "harness/base/units.h"

#define PREFIX       "mlbench-checkpoint-"
#define LEFT_AFTER_S 3600

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum mlb_status cannot(struct mlb_error *err, const char *what, int code)
{
    return mlb_fail(err, MLB_E_IO, "%s: %s", what, strerror(code));
}

/* ------------------------------------------------------------------------------------------ open
 */

/* Reserves a name that no other rank or job has. */
static enum mlb_status make_name(struct mlb_checkpoint_file *file, int rank, struct mlb_error *err)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        mlb_format(file->name, sizeof file->name, PREFIX "%ld-%d-%d", (long)getpid(), rank,
                   attempt);
        mlb_format(file->part, sizeof file->part, "%s.part", file->name);
        int fd = openat(file->folder, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0) {
            close(fd);
            return MLB_OK;
        }
        if (errno != EEXIST)
            break;
    }
    return cannot(err, "no file can be made in the checkpoint folder", errno);
}

static enum mlb_status try_direct(const struct mlb_checkpoint_file *file, struct mlb_error *err)
{
    int fd = openat(file->folder, file->name, O_WRONLY | O_DIRECT | O_CLOEXEC);
    if (fd < 0)
        return mlb_fail(err, errno == EINVAL ? MLB_E_UNSUPPORTED : MLB_E_IO,
                        "the checkpoint folder's file system does not take O_DIRECT: %s",
                        strerror(errno));
    close(fd);
    return MLB_OK;
}

enum mlb_status mlb_checkpoint_file_open(struct mlb_checkpoint_file *file, const char *folder,
                                         int rank, bool direct, struct mlb_error *err)
{
    *file = (struct mlb_checkpoint_file){.direct = direct};
    file->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->folder < 0)
        return cannot(err, "the checkpoint folder cannot be opened", errno);
    if (make_name(file, rank, err) != MLB_OK) {
        close(file->folder);
        return err->status;
    }
    file->open = true;
    return direct ? try_direct(file, err) : MLB_OK;
}

void mlb_checkpoint_file_close(struct mlb_checkpoint_file *file)
{
    if (!file->open)
        return;
    unlinkat(file->folder, file->part, 0);
    unlinkat(file->folder, file->name, 0);
    close(file->folder);
    file->open = false;
}

static bool is_left(int folder, const char *name, time_t now)
{
    struct stat there;
    return strncmp(name, PREFIX, strlen(PREFIX)) == 0 &&
           fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(there.st_mode) &&
           now - there.st_mtime > LEFT_AFTER_S;
}

/* What time it is says the file that was just made: a file server's clock may be another one. */
void mlb_checkpoint_sweep(const struct mlb_checkpoint_file *file)
{
    struct stat own;
    const struct dirent *entry;
    int folder = openat(file->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    if (!entries || fstatat(folder, file->name, &own, 0) != 0)
        own.st_mtime = 0;
    while (entries && (entry = readdir(entries)))
        if (is_left(folder, entry->d_name, own.st_mtime))
            unlinkat(folder, entry->d_name, 0);
    if (entries)
        closedir(entries);
    else if (folder >= 0)
        close(folder);
}

/* ----------------------------------------------------------------------------------------- write
 */

static enum mlb_status write_chunks(int fd, const unsigned char *data, size_t bytes,
                                    struct mlb_error *err)
{
    char done[MLB_UNIT_TEXT], all[MLB_UNIT_TEXT];
    for (size_t at = 0; at < bytes;) {
        ssize_t count = pwrite(fd, data + at, least(MLB_CHECKPOINT_CHUNK, bytes - at), (off_t)at);
        if (count > 0)
            at += (size_t)count;
        else if (count == 0 || errno != EINTR)
            return mlb_fail(err, MLB_E_IO, "writing the checkpoint: %s after %s of %s",
                            strerror(count == 0 ? EIO : errno), mlb_print_bytes(done, at),
                            mlb_print_bytes(all, bytes));
    }
    return MLB_OK;
}

/* File systems without fsync (some of FUSE's) answer EINVAL: nothing more can be asked. */
static enum mlb_status flush(int fd, const char *what, struct mlb_error *err)
{
    if (fsync(fd) == 0 || errno == EINVAL)
        return MLB_OK;
    return cannot(err, what, errno);
}

static enum mlb_status write_part(const struct mlb_checkpoint_file *file, const void *data,
                                  size_t bytes, struct mlb_error *err)
{
    int how = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (file->direct ? O_DIRECT : 0);
    int fd = openat(file->folder, file->part, how, 0600);
    if (fd < 0)
        return cannot(err, "no file can be made in the checkpoint folder", errno);
    enum mlb_status status = write_chunks(fd, data, bytes, err);
    if (status == MLB_OK)
        status = flush(fd, "bringing the checkpoint to the disk", err);
    if (close(fd) != 0 && status == MLB_OK && errno != EINTR) /* NFS tells a full disk here */
        status = cannot(err, "closing the checkpoint", errno);
    return status;
}

enum mlb_status mlb_checkpoint_file_write(const struct mlb_checkpoint_file *file, const void *data,
                                          size_t bytes, struct mlb_error *err)
{
    enum mlb_status status = write_part(file, data, bytes, err);
    if (status == MLB_OK && renameat(file->folder, file->part, file->folder, file->name) != 0)
        status = cannot(err, "renaming the checkpoint", errno);
    if (status == MLB_OK)
        return flush(file->folder, "bringing the checkpoint's name to the disk", err);
    unlinkat(file->folder, file->part, 0);
    return status;
}

/* ------------------------------------------------------------------------------------------ read
 */

static int open_to_read(const struct mlb_checkpoint_file *file)
{
    int fd = openat(file->folder, file->name, O_RDONLY | O_CLOEXEC | (file->direct ? O_DIRECT : 0));
    if (fd >= 0 && !file->direct)
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    return fd;
}

/* Fills to[0..length-1] from place `at` of the file. */
static enum mlb_status read_chunk(int fd, unsigned char *to, size_t at, size_t length,
                                  struct mlb_error *err)
{
    for (size_t done = 0; done < length;) {
        ssize_t count = pread(fd, to + done, length - done, (off_t)(at + done));
        if (count > 0)
            done += (size_t)count;
        else if (count == 0)
            return mlb_fail(err, MLB_E_IO, "reading the checkpoint: it ends after %zu bytes",
                            at + done);
        else if (errno != EINTR)
            return cannot(err, "reading the checkpoint", errno);
    }
    return MLB_OK;
}

enum mlb_status mlb_checkpoint_file_read(const struct mlb_checkpoint_file *file, void *to,
                                         bool whole, size_t bytes,
                                         void (*take)(void *user, const unsigned char *chunk,
                                                      size_t at, size_t length),
                                         void *user, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    int fd = open_to_read(file);
    if (fd < 0)
        return cannot(err, "opening the checkpoint", errno);
    for (size_t at = 0; at < bytes && status == MLB_OK; at += MLB_CHECKPOINT_CHUNK) {
        size_t length = least(MLB_CHECKPOINT_CHUNK, bytes - at);
        unsigned char *chunk = (unsigned char *)to + (whole ? at : 0);
        status = read_chunk(fd, chunk, at, length, err);
        if (status == MLB_OK && take)
            take(user, chunk, at, length);
    }
    close(fd);
    return status;
}

double mlb_checkpoint_file_resident(const struct mlb_checkpoint_file *file, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (bytes + page - 1) / page, held = 0;
    unsigned char *in = calloc(pages, 1);
    int fd = open_to_read(file);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    bool told = in && map != MAP_FAILED && mincore(map, bytes, in) == 0;
    for (size_t i = 0; told && i < pages; i++)
        held += in[i] & 1u;
    if (map != MAP_FAILED)
        munmap(map, bytes);
    if (fd >= 0)
        close(fd);
    free(in);
    return told ? (double)held / (double)pages : -1.0;
}
