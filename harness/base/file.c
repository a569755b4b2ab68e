/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: read at once, written so that a reader sees all or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

ssize_t mlb_file_read_some(int fd, char *to, size_t size)
{
    ssize_t count;
    do
        count = read(fd, to, size);
    while (count < 0 && errno == EINTR);
    return count;
}

/* Doubles `*text`, which has `*room` bytes. */
static bool grow(char **text, size_t *room)
{
    char *larger = realloc(*text, 2 * *room);
    if (!larger)
        return false;
    *text = larger;
    *room *= 2;
    return true;
}

/* Until the end, whatever fstat says: pipes and /proc have no size. */
static enum mlb_status read_all(int fd, const char *path, size_t limit, struct mlb_text *text,
                                struct mlb_error *err)
{
    char unit[MLB_UNIT_TEXT];
    for (;;) {
        if (text->length + 1 >= text->capacity && !grow(&text->data, &text->capacity))
            return mlb_fail(err, MLB_E_NOMEM, "%s: cannot read: out of memory after %s", path,
                            mlb_print_bytes(unit, text->length));
        ssize_t count =
            mlb_file_read_some(fd, text->data + text->length, text->capacity - text->length - 1);
        if (count < 0)
            return mlb_fail(err, MLB_E_IO, "%s: cannot read: %s", path, strerror(errno));
        if (count == 0)
            return MLB_OK;
        text->length += (size_t)count;
        if (text->length > limit)
            return mlb_fail(err, MLB_E_IO, "%s: cannot read: larger than %s", path,
                            mlb_print_bytes(unit, limit));
    }
}

enum mlb_status mlb_file_read(const char *path, size_t limit, char **text, size_t *length,
                              struct mlb_error *err)
{
    struct mlb_text content = {.data = malloc(4096), .capacity = 4096};
    if (!content.data)
        return mlb_fail(err, MLB_E_NOMEM, "%s: cannot read: out of memory", path);
    enum mlb_status status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        status = mlb_fail(err, MLB_E_IO, "%s: cannot read: %s", path, strerror(errno));
    else
        status = read_all(fd, path, limit, &content, err);
    if (fd >= 0)
        close(fd);
    if (status) {
        free(content.data);
        return status;
    }
    content.data[content.length] = '\0';
    *text = content.data;
    *length = content.length;
    return MLB_OK;
}

/* A file on its way: written under `temporary`, then renamed to `target` in `folder`. */
struct writing {
    const char *path; /* as the user named it */
    char target[PATH_MAX];
    char folder[PATH_MAX];
    char temporary[PATH_MAX];
    mode_t mode; /* of what stood there; 0 = a new file */
    struct mlb_error *err;
};

static enum mlb_status cannot(struct writing *w, const char *what, int code)
{
    return mlb_fail(w->err, MLB_E_IO, "%s: cannot write: %s%s%s", w->path, what, *what ? ": " : "",
                    strerror(code));
}

static bool write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, text, length);
        if (count < 0 && errno != EINTR)
            return false;
        if (count > 0) {
            text += count;
            length -= (size_t)count;
        }
    }
    return true;
}

/* File systems without fsync (some of FUSE's, pipes) answer EINVAL: nothing more can be asked. */
static bool flush(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;
}

static void folder_of(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        mlb_format(folder, size, ".");
    else
        mlb_format(folder, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* Says which folder is missing or closed, the likely reasons why no file can be made in it. */
static enum mlb_status cannot_create(struct writing *w, int code)
{
    struct stat folder;
    if (stat(w->folder, &folder) != 0)
        return mlb_fail(w->err, MLB_E_IO, "%s: cannot write: folder %s: %s", w->path, w->folder,
                        strerror(errno));
    if (!S_ISDIR(folder.st_mode))
        return mlb_fail(w->err, MLB_E_IO, "%s: cannot write: %s is not a folder", w->path,
                        w->folder);
    return mlb_fail(w->err, MLB_E_IO, "%s: cannot write: no new file can be made in folder %s: %s",
                    w->path, w->folder, strerror(code));
}

/* Another process, or one of another machine with the same id, may be writing the same file. */
static int create_temporary(struct writing *w)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        if (!mlb_format(w->temporary, sizeof w->temporary, "%s.%ld-%d.tmp", w->target,
                        (long)getpid(), attempt)) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static enum mlb_status write_temporary(struct writing *w, const char *text, size_t length)
{
    int fd = create_temporary(w);
    if (fd < 0)
        return cannot_create(w, errno);
    const char *failed = NULL;
    if (!write_all(fd, text, length))
        failed = "writing";
    else if (w->mode && fchmod(fd, w->mode) != 0)
        failed = "setting permissions";
    else if (!flush(fd))
        failed = "flushing to the disk";
    int code = errno;
    if (close(fd) != 0 && !failed && errno != EINTR) { /* NFS tells here that the disk is full */
        failed = "closing";
        code = errno;
    }
    if (!failed)
        return MLB_OK;
    unlink(w->temporary);
    return cannot(w, failed, code);
}

/* The rename is on the disk once its folder is; a folder that cannot be opened is left to the
 * system. */
static enum mlb_status flush_folder(struct writing *w)
{
    int fd = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return MLB_OK;
    bool flushed = flush(fd);
    int code = errno;
    close(fd);
    if (flushed)
        return MLB_OK;
    return mlb_fail(w->err, MLB_E_IO,
                    "%s: written, but its folder cannot be flushed to the disk: %s", w->path,
                    strerror(code));
}

/* A device or a pipe: renaming a file over /dev/null would break the machine. */
static enum mlb_status write_through(struct writing *w, const char *text, size_t length)
{
    int fd = open(w->target, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return cannot(w, "", errno);
    bool written = write_all(fd, text, length);
    int code = errno;
    close(fd);
    return written ? MLB_OK : cannot(w, "", code);
}

/* Where the bytes go: a symbolic link stays and its target is replaced. */
static enum mlb_status find_target(struct writing *w, bool *replaceable)
{
    struct stat there;
    *replaceable = true;
    if (stat(w->path, &there) == 0) {
        if (S_ISDIR(there.st_mode))
            return cannot(w, "", EISDIR);
        *replaceable = S_ISREG(there.st_mode);
        w->mode = there.st_mode & 07777;
    }
    if (!*replaceable || !w->mode || !realpath(w->path, w->target)) {
        if (!mlb_format(w->target, sizeof w->target, "%s", w->path))
            return cannot(w, "", ENAMETOOLONG);
    }
    folder_of(w->target, w->folder, sizeof w->folder);
    return MLB_OK;
}

enum mlb_status mlb_file_write_atomic(const char *path, const char *text, size_t length,
                                      struct mlb_error *err)
{
    struct writing w = {.path = path, .err = err};
    bool replaceable;
    enum mlb_status status = find_target(&w, &replaceable);
    if (status)
        return status;
    if (!replaceable)
        return write_through(&w, text, length);
    status = write_temporary(&w, text, length);
    if (status)
        return status;
    if (rename(w.temporary, w.target) != 0) {
        int code = errno;
        unlink(w.temporary);
        return cannot(&w, "renaming", code);
    }
    return flush_folder(&w);
}
