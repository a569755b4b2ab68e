/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/text.h"
#include "tests/check.h"

/* The calls below replace those of file.c (linked with --wrap). errno that the next one fails with;
 * 0 = it works. `short_writes`: at most so many bytes a write. */
static struct {
    int write_error, fsync_error, close_error, rename_error;
    size_t short_writes;
    bool interrupted;
    int folder_fsync_error;
} faults;

ssize_t __real_write(int fd, const void *from, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t size);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

static int fail_with(int code)
{
    errno = code;
    return -1;
}

ssize_t __wrap_write(int fd, const void *from, size_t size)
{
    if (faults.write_error)
        return fail_with(faults.write_error);
    if (faults.interrupted) {
        faults.interrupted = false;
        return fail_with(EINTR);
    }
    if (faults.short_writes && size > faults.short_writes)
        size = faults.short_writes;
    return __real_write(fd, from, size);
}

int __wrap_fsync(int fd)
{
    struct stat what;
    bool folder = fstat(fd, &what) == 0 && S_ISDIR(what.st_mode);
    int code = folder ? faults.folder_fsync_error : faults.fsync_error;
    return code ? fail_with(code) : __real_fsync(fd);
}

int __wrap_close(int fd)
{
    int result = __real_close(fd);
    return faults.close_error ? fail_with(faults.close_error) : result;
}

int __wrap_rename(const char *from, const char *to)
{
    return faults.rename_error ? fail_with(faults.rename_error) : __real_rename(from, to);
}

static char folder[] = "/tmp/mlbench-test-file-XXXXXX";

static const char *in_folder(const char *name, char *to)
{
    mlb_format(to, 256, "%s/%s", folder, name);
    return to;
}

/* Removes what is in the folder, and says how many entries that were. */
static int empty_folder(void)
{
    int count = 0;
    DIR *all = opendir(folder);
    for (struct dirent *entry = readdir(all); entry; entry = readdir(all)) {
        char path[256];
        if (entry->d_name[0] == '.')
            continue;
        count++;
        if (unlink(in_folder(entry->d_name, path)) != 0)
            rmdir(path);
    }
    closedir(all);
    return count;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int begin(void **state)
{
    (void)state;
    memset(&faults, 0, sizeof faults);
    return 0;
}

static int end(void **state)
{
    (void)state;
    memset(&faults, 0, sizeof faults);
    empty_folder();
    return 0;
}

static void check_content(const char *path, const char *expected)
{
    struct mlb_error err = {0};
    char *text = NULL;
    size_t length = 0;
    check_ok(mlb_file_read(path, 1 << 20, &text, &length, &err), &err);
    check_text(text, expected);
    check_u64(length, strlen(expected));
    free(text);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    char path[256];
    in_folder("a.json", path);
    check_ok(mlb_file_write_atomic(path, "first", 5, &err), &err);
    check_content(path, "first");
    check_ok(mlb_file_write_atomic(path, "", 0, &err), &err);
    check_content(path, "");
    check_i64(empty_folder(), 1);
}

static void short_and_interrupted_writes_go_on(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    char path[256];
    faults.short_writes = 3;
    faults.interrupted = true;
    check_ok(mlb_file_write_atomic(in_folder("a", path), "0123456789", 10, &err), &err);
    check_content(path, "0123456789");
}

static void a_failure_leaves_what_was_there_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *step;
        int *fault, code;
        const char *error;
    } rows[] = {
        {"write", &faults.write_error, ENOSPC, "a: cannot write: writing: No space left on device"},
        {"write", &faults.write_error, EDQUOT, "a: cannot write: writing: Disk quota exceeded"},
        {"fsync", &faults.fsync_error, EIO, "cannot write: flushing to the disk: Input/output"},
        {"fsync", &faults.fsync_error, ENOSPC, "cannot write: flushing to the disk: No space left"},
        {"close", &faults.close_error, ENOSPC, "cannot write: closing: No space left on device"},
        {"rename", &faults.rename_error, EXDEV, "cannot write: renaming: Invalid cross-device"},
    };
    char path[256];
    in_folder("a", path);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_error err = {0};
        check_ok(mlb_file_write_atomic(path, "before", 6, &err), &err);
        *rows[i].fault = rows[i].code;
        enum mlb_status status = mlb_file_write_atomic(path, "after", 5, &err);
        *rows[i].fault = 0;
        check_fails(status, MLB_E_IO, &err, rows[i].error);
        check_content(path, "before");
        check_i64(empty_folder(), 1);
    }
}

static void a_file_system_without_fsync_will_do(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    char path[256];
    faults.fsync_error = faults.folder_fsync_error = EINVAL;
    check_ok(mlb_file_write_atomic(in_folder("a", path), "x", 1, &err), &err);
    faults.folder_fsync_error = EIO;
    check_fails(mlb_file_write_atomic(path, "y", 1, &err), MLB_E_IO, &err,
                "a: written, but its folder cannot be flushed to the disk: Input/output error");
    check_content(path, "y");
}

static void a_missing_folder_is_named(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    char path[256], expected[600];
    in_folder("no/such/a.json", path);
    mlb_format(expected, sizeof expected,
               "%s: cannot write: folder %s/no/such: No such file or directory", path, folder);
    check_fails(mlb_file_write_atomic(path, "x", 1, &err), MLB_E_IO, &err, expected);
    check_i64(empty_folder(), 0);
}

static void a_file_or_a_folder_in_the_way_is_named(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    char path[256];
    check_fails(mlb_file_write_atomic(folder, "x", 1, &err), MLB_E_IO, &err, "Is a directory");
    check_ok(mlb_file_write_atomic(in_folder("a", path), "x", 1, &err), &err);
    check_fails(mlb_file_write_atomic(in_folder("a/b", path), "x", 1, &err), MLB_E_IO, &err,
                "cannot write");
}

/* As a user who may not write there; root may everywhere, so a child gives its rights up. */
static void a_closed_folder_is_named(void **state)
{
    (void)state;
    char path[256];
    in_folder("a", path);
    check_true(chmod(folder, 0555) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct mlb_error err = {0};
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(2);
        enum mlb_status status = mlb_file_write_atomic(path, "x", 1, &err);
        bool right = status == MLB_E_IO && strstr(err.text, "no new file can be made in folder") &&
                     strstr(err.text, "Permission denied");
        if (!right)
            print_error("%s\n", err.text);
        _exit(right ? 0 : 1);
    }
    int result = -1;
    waitpid(child, &result, 0);
    chmod(folder, 0755);
    check_i64(result, 0);
}

static void permissions_are_kept(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct stat there;
    char path[256];
    mode_t before = umask(027);
    check_ok(mlb_file_write_atomic(in_folder("a", path), "x", 1, &err), &err);
    umask(before);
    check_true(stat(path, &there) == 0);
    check_u64(there.st_mode & 07777, 0640);
    check_true(chmod(path, 0604) == 0);
    check_ok(mlb_file_write_atomic(path, "y", 1, &err), &err);
    check_true(stat(path, &there) == 0);
    check_u64(there.st_mode & 07777, 0604);
}

static void a_link_stays_and_its_target_changes(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct stat there;
    char target[256], link[256];
    check_ok(mlb_file_write_atomic(in_folder("target", target), "x", 1, &err), &err);
    check_true(symlink("target", in_folder("link", link)) == 0);
    check_ok(mlb_file_write_atomic(link, "y", 1, &err), &err);
    check_true(lstat(link, &there) == 0 && S_ISLNK(there.st_mode));
    check_content(target, "y");
    check_i64(empty_folder(), 2);
}

static void a_device_is_written_into_and_stays_one(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct stat there;
    check_ok(mlb_file_write_atomic("/dev/null", "x", 1, &err), &err);
    check_true(stat("/dev/null", &there) == 0 && S_ISCHR(there.st_mode));
    if (access("/dev/full", W_OK) == 0)
        check_fails(mlb_file_write_atomic("/dev/full", "x", 1, &err), MLB_E_IO, &err,
                    "/dev/full: cannot write: No space left on device");
}

/* A temporary that a killed run left behind, with the process id that this one has. */
static void a_left_over_temporary_is_no_obstacle(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    char path[256], left[512];
    in_folder("a", path);
    mlb_format(left, sizeof left, "%s.%ld-0.tmp", path, (long)getpid());
    check_ok(mlb_file_write_atomic(left, "old", 3, &err), &err);
    check_ok(mlb_file_write_atomic(path, "new", 3, &err), &err);
    check_content(path, "new");
    check_content(left, "old");
}

static void reading_has_a_limit(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    char path[256], *text = NULL, big[20000];
    size_t length = 77;
    memset(big, 'x', sizeof big);
    check_ok(mlb_file_write_atomic(in_folder("a", path), big, sizeof big, &err), &err);
    check_ok(mlb_file_read(path, sizeof big, &text, &length, &err), &err);
    check_true(length == sizeof big && memcmp(text, big, length) == 0 && text[length] == '\0');
    free(text);
    text = NULL;
    check_fails(mlb_file_read(path, sizeof big - 1, &text, &length, &err), MLB_E_IO, &err,
                "cannot read: larger than 19.5 KiB");
    check_true(!text);
    check_fails(mlb_file_read("/dev/zero", 1 << 20, &text, &length, &err), MLB_E_IO, &err,
                "/dev/zero: cannot read: larger than 1 MiB");
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_json json = {0};
    char *text;
    size_t length;
    check_fails(mlb_file_read("/no/such", 10, &text, &length, &err), MLB_E_IO, &err,
                "/no/such: cannot read: No such file or directory");
    check_fails(mlb_file_read(folder, 10, &text, &length, &err), MLB_E_IO, &err,
                "cannot read: Is a directory");
    check_fails(mlb_json_open(&json, "/no/such", 10, &err), MLB_E_IO, &err,
                "/no/such: cannot read: No such file or directory");
    mlb_json_close(&json);
}

static void a_json_file_is_opened_under_its_path(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_json json = {0};
    char path[256], expected[300];
    in_folder("s.jsonc", path);
    check_ok(mlb_file_write_atomic(path, "{\n\"a\":}", 7, &err), &err);
    mlb_format(expected, sizeof expected, "%s:2: expected a value", path);
    check_fails(mlb_json_open(&json, path, 1 << 20, &err), MLB_E_CONFIG, &err, expected);
    check_ok(mlb_file_write_atomic(path, "{\n\"a\":1}", 8, &err), &err);
    check_ok(mlb_json_open(&json, path, 1 << 20, &err), &err);
    check_text(json.path, path);
    check_u64(mlb_json_line(&json, json.root->child), 2);
    mlb_json_close(&json);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(what_was_written_is_read),
        FILE_TEST(short_and_interrupted_writes_go_on),
        FILE_TEST(a_failure_leaves_what_was_there_and_nothing_else),
        FILE_TEST(a_file_system_without_fsync_will_do),
        FILE_TEST(a_missing_folder_is_named),
        FILE_TEST(a_file_or_a_folder_in_the_way_is_named),
        FILE_TEST(a_closed_folder_is_named),
        FILE_TEST(permissions_are_kept),
        FILE_TEST(a_link_stays_and_its_target_changes),
        FILE_TEST(a_device_is_written_into_and_stays_one),
        FILE_TEST(a_left_over_temporary_is_no_obstacle),
        FILE_TEST(reading_has_a_limit),
        FILE_TEST(what_cannot_be_read_is_named),
        FILE_TEST(a_json_file_is_opened_under_its_path),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
