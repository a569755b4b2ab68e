/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/measure/journal.h"
#include "tests/measure/records.h"

struct fixture {
    char folder[128];
    char path[192];
    struct mlb_result head;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *folder = getenv("TMPDIR");
    mlb_format(fixture->folder, sizeof fixture->folder, "%s/mlb_journal_XXXXXX",
               folder ? folder : "/tmp");
    if (!mkdtemp(fixture->folder))
        return -1;
    mlb_format(fixture->path, sizeof fixture->path, "%s/run.journal", fixture->folder);
    record_empty(&fixture->head);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->path);
    rmdir(fixture->folder);
    mlb_result_free(&fixture->head);
    free(fixture);
    return 0;
}

static size_t file_size(const char *path)
{
    struct stat status;
    check_true(stat(path, &status) == 0);
    return (size_t)status.st_size;
}

static enum mlb_status append(struct mlb_journal *journal, uint64_t seed, struct mlb_error *err)
{
    struct mlb_row row;
    record_random_row(&row, seed);
    enum mlb_status status = mlb_journal_append(journal, &row, err);
    mlb_row_free(&row);
    return status;
}

/* A closed journal with rows of seeds 0..rows-1. */
static void make_journal(const struct fixture *fixture, uint64_t rows)
{
    struct mlb_journal *journal;
    struct mlb_error err = {0};
    unlink(fixture->path);
    check_ok(mlb_journal_create(fixture->path, &fixture->head, &journal, &err), &err);
    for (uint64_t i = 0; i < rows; i++)
        check_ok(append(journal, i, &err), &err);
    mlb_journal_close(journal, false);
}

static void check_row(const struct mlb_row *row, uint64_t seed)
{
    struct mlb_row expected;
    record_random_row(&expected, seed);
    check_text(row->id, expected.id);
    check_u64(row->sample_count, expected.sample_count);
    check_true(row->sample_count == 0 || memcmp(row->time_ns, expected.time_ns,
                                                row->sample_count * sizeof *row->time_ns) == 0);
    mlb_row_free(&expected);
}

/* The journal holds exactly the rows of seeds 0..rows-1. */
static void check_journal(const struct fixture *fixture, uint64_t rows)
{
    struct mlb_result result;
    struct mlb_error err = {0};
    check_ok(mlb_journal_read(fixture->path, &result, &err), &err);
    check_text(result.run_id, fixture->head.run_id);
    check_u64(result.row_count, rows);
    for (uint64_t i = 0; i < rows; i++)
        check_row(&result.rows[i], i);
    mlb_result_free(&result);
}

static void replace_file(const struct fixture *fixture, const char *text, size_t length)
{
    int fd = open(fixture->path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    check_true(fd >= 0 && write(fd, text, length) == (ssize_t)length);
    close(fd);
}

static char *take_file(const struct fixture *fixture, size_t *length)
{
    char *text;
    struct mlb_error err = {0};
    check_ok(mlb_file_read(fixture->path, 1 << 24, &text, length, &err), &err);
    return text;
}

static size_t line_start(const char *text, size_t line)
{
    const char *at = text;
    for (size_t i = 1; i < line; i++)
        at = strchr(at, '\n') + 1;
    return (size_t)(at - text);
}

static void rows_come_back(void **state)
{
    struct fixture *fixture = *state;
    make_journal(fixture, 20);
    check_journal(fixture, 20);
    make_journal(fixture, 0);
    check_journal(fixture, 0);
}

static void done_removes_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct mlb_journal *journal;
    struct mlb_error err = {0};
    check_ok(mlb_journal_create(fixture->path, &fixture->head, &journal, &err), &err);
    check_text(mlb_journal_path(journal), fixture->path);
    mlb_journal_close(journal, true);
    check_true(access(fixture->path, F_OK) != 0);
    mlb_journal_close(NULL, true);
}

static void a_journal_is_never_overwritten(void **state)
{
    struct fixture *fixture = *state;
    struct mlb_journal *journal;
    struct mlb_error err = {0};
    make_journal(fixture, 3);
    check_fails(mlb_journal_create(fixture->path, &fixture->head, &journal, &err), MLB_E_IO, &err,
                "run.journal: file exists");
    check_true(journal == NULL);
    check_journal(fixture, 3);
}

static void resume_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct mlb_journal *journal;
    struct mlb_result result;
    struct mlb_error err = {0};
    make_journal(fixture, 3);
    check_ok(mlb_journal_resume(fixture->path, &result, &journal, &err), &err);
    check_u64(result.row_count, 3);
    check_ok(append(journal, 3, &err), &err);
    mlb_journal_close(journal, false);
    mlb_result_free(&result);
    check_journal(fixture, 4);
}

static void the_later_row_of_a_case_counts(void **state)
{
    struct fixture *fixture = *state;
    struct mlb_journal *journal;
    struct mlb_result result;
    struct mlb_error err = {0};
    make_journal(fixture, 3);
    check_ok(mlb_journal_resume(fixture->path, &result, &journal, &err), &err);
    mlb_format(result.rows[1].library, sizeof result.rows[1].library, "measured again");
    check_ok(mlb_journal_append(journal, &result.rows[1], &err), &err);
    mlb_journal_close(journal, false);
    mlb_result_free(&result);
    check_ok(mlb_journal_read(fixture->path, &result, &err), &err);
    check_u64(result.row_count, 3);
    check_text(result.rows[1].library, "measured again");
    mlb_result_free(&result);
}

/* Cut at any byte of the last line: the rows before it are there, and it can be written again. */
static void a_torn_last_line_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    make_journal(fixture, 3);
    size_t length;
    char *text = take_file(fixture, &length);
    size_t last = line_start(text, 4);
    for (size_t cut = last; cut < length; cut += 1 + (length - last) / 97) {
        struct mlb_journal *journal;
        struct mlb_result result;
        struct mlb_error err = {0};
        replace_file(fixture, text, cut);
        check_journal(fixture, 2);
        check_ok(mlb_journal_resume(fixture->path, &result, &journal, &err), &err);
        check_u64(result.row_count, 2);
        check_u64(file_size(fixture->path), last);
        check_ok(append(journal, 2, &err), &err);
        mlb_journal_close(journal, false);
        mlb_result_free(&result);
        check_journal(fixture, 3);
    }
    free(text);
}

/* A crash of the machine may leave zeros where the last line's blocks should be. */
static void a_last_line_of_zeros_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    make_journal(fixture, 3);
    size_t length;
    char *text = take_file(fixture, &length);
    size_t last = line_start(text, 4);
    memset(text + last, 0, length - last);
    replace_file(fixture, text, length);
    check_journal(fixture, 2);
    free(text);
}

static void a_damaged_line_in_the_middle_is_named(void **state)
{
    struct fixture *fixture = *state;
    make_journal(fixture, 5);
    size_t length;
    char *text = take_file(fixture, &length);
    for (size_t line = 2; line <= 5; line++) {
        struct mlb_journal *journal;
        struct mlb_result result;
        struct mlb_error err = {0};
        char place[32];
        size_t at = line_start(text, line) + 40;
        char kept = text[at];
        text[at] ^= 1;
        replace_file(fixture, text, length);
        text[at] = kept;
        snprintf(place, sizeof place, "run.journal:%zu: ", line);
        check_fails(mlb_journal_read(fixture->path, &result, &err), MLB_E_CONFIG, &err, place);
        check_contains(err.text, "checksum");
        check_fails(mlb_journal_resume(fixture->path, &result, &journal, &err), MLB_E_CONFIG, &err,
                    place);
        check_true(journal == NULL && result.rows == NULL);
        check_u64(file_size(fixture->path), length); /* nothing was cut off */
    }
    free(text);
}

static void foreign_files(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } table[] = {
        {"", ":1: the journal's head was cut short"},
        {"{\"schema\":1,\"program\":\"mlb", ":1: the journal's head was cut short"},
        {"hello\n", ":1: not a journal of mlbench"},
        {"hello", ":1: not a journal of mlbench"},
        {"[1,2]\n", ":1: not a journal of mlbench"},
        {"{\"level\":\"info\",\"text\":\"a log of something else\"}\n{}\n",
         ":1: not a journal of mlbench"},
        {"{\"schema\":1,\"rows\":[]}\n", ":1: not a journal of mlbench"},
        {"{\"schema\":2}\n", "written by a newer mlbench (schema 2; this one reads up to 1)"},
        {"{\"schema\":1}\n", ":1: program: is missing"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct mlb_journal *journal;
        struct mlb_result result;
        struct mlb_error err = {0};
        replace_file(fixture, table[i].text, strlen(table[i].text));
        check_fails(mlb_journal_read(fixture->path, &result, &err), MLB_E_CONFIG, &err,
                    table[i].says);
        check_contains(err.text, "run.journal");
        check_fails(mlb_journal_resume(fixture->path, &result, &journal, &err), MLB_E_CONFIG, &err,
                    table[i].says);
        check_u64(file_size(fixture->path), strlen(table[i].text)); /* left as it was */
    }
}

static void missing_places(void **state)
{
    struct fixture *fixture = *state;
    struct mlb_journal *journal;
    struct mlb_result result;
    struct mlb_error err = {0};
    check_fails(mlb_journal_create("/nowhere/at/all.journal", &fixture->head, &journal, &err),
                MLB_E_IO, &err, "/nowhere/at/all.journal: no such file or directory");
    check_fails(mlb_journal_resume("/nowhere/at/all.journal", &result, &journal, &err), MLB_E_IO,
                &err, "/nowhere/at/all.journal: no such file or directory");
    check_fails(mlb_journal_read("/nowhere/at/all.journal", &result, &err), MLB_E_IO, &err,
                "/nowhere/at/all.journal");
    char *path = malloc(3000);
    memset(path, 'x', 2999);
    path[2999] = '\0';
    check_fails(mlb_journal_create(path, &fixture->head, &journal, &err), MLB_E_IO, &err,
                "longer than 1023 bytes");
    free(path);
}

static void only_one_writes(void **state)
{
    struct fixture *fixture = *state;
    struct mlb_journal *journal, *other;
    struct mlb_result result;
    struct mlb_error err = {0};
    check_ok(mlb_journal_create(fixture->path, &fixture->head, &journal, &err), &err);
    check_ok(append(journal, 0, &err), &err);
    check_fails(mlb_journal_resume(fixture->path, &result, &other, &err), MLB_E_IO, &err,
                "another mlbench is writing it");
    check_true(other == NULL);
    check_journal(fixture, 1); /* reading is free */
    mlb_journal_close(journal, false);
    check_ok(mlb_journal_resume(fixture->path, &result, &journal, &err), &err);
    mlb_journal_close(journal, false);
    mlb_result_free(&result);
}

/* Appends until the disk is full, checks that nothing is lost, makes room, and goes on. */
static void fill_the_disk(struct fixture *fixture, const char *cause,
                          void (*make_room)(struct fixture *fixture))
{
    struct mlb_journal *journal;
    struct mlb_error err = {0};
    uint64_t rows = 0;
    check_ok(mlb_journal_create(fixture->path, &fixture->head, &journal, &err), &err);
    while (rows < 100000 && append(journal, rows, &err) == MLB_OK)
        rows++;
    check_true(rows > 0 && rows < 100000);
    check_fails(err.status, MLB_E_IO, &err, cause);
    check_contains(err.text, fixture->path);
    check_journal(fixture, rows);
    size_t length;
    char *text = take_file(fixture, &length);
    check_true(text[length - 1] == '\n'); /* the half line was cut off */
    free(text);

    make_room(fixture);
    check_ok(append(journal, rows, &err), &err);
    mlb_journal_close(journal, false);
    check_journal(fixture, rows + 1);
}

static void lift_limit(struct fixture *fixture)
{
    (void)fixture;
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* A file-size limit fails like a full disk: half of the line is written, the rest is refused. */
static void a_full_disk_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit limit;
    check_true(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t bytes = 20000; bytes < 20400; bytes += 37) {
        limit.rlim_cur = bytes;
        check_true(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        fill_the_disk(fixture, "file too large", lift_limit);
        unlink(fixture->path);
    }
    signal(SIGXFSZ, SIG_DFL);
}

static void remove_ballast(struct fixture *fixture)
{
    char path[256];
    mlb_format(path, sizeof path, "%s/ballast", fixture->folder);
    unlink(path);
}

static bool mount_tiny(const struct fixture *fixture)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", fixture->folder, "tmpfs", 0, "size=128k") != 0)
        return false;
    char path[256], block[16384] = {1};
    mlb_format(path, sizeof path, "%s/ballast", fixture->folder);
    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    bool written = fd >= 0 && write(fd, block, sizeof block) == (ssize_t)sizeof block;
    close(fd);
    return written;
}

/* The same on a real full file system, where the test may mount one. In a child of its own, so that
 * the mount vanishes with it. */
static void a_full_tmpfs_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    pid_t child = fork();
    if (child == 0) {
        if (!mount_tiny(fixture))
            _exit(77);
        fill_the_disk(fixture, "no space left on device", remove_ballast);
        _exit(0);
    }
    int status;
    check_true(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("skipped: mounting a tmpfs is not allowed here\n");
        skip();
    }
    check_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A head that does not fit leaves no file behind. */
static void a_head_that_does_not_fit(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit limit;
    struct mlb_journal *journal;
    struct mlb_error err = {0};
    check_true(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    signal(SIGXFSZ, SIG_IGN);
    limit.rlim_cur = 100;
    check_true(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    enum mlb_status status = mlb_journal_create(fixture->path, &fixture->head, &journal, &err);
    lift_limit(fixture);
    signal(SIGXFSZ, SIG_DFL);
    check_fails(status, MLB_E_IO, &err, "run.journal: file too large");
    check_true(journal == NULL && access(fixture->path, F_OK) != 0);
}

static void append_for_ever(const struct fixture *fixture, int told)
{
    struct mlb_journal *journal;
    struct mlb_error err = {0};
    if (mlb_journal_create(fixture->path, &fixture->head, &journal, &err) != MLB_OK)
        _exit(1);
    if (write(told, "x", 1) != 1)
        _exit(1);
    for (uint64_t i = 0; append(journal, i, &err) == MLB_OK; i++)
        ;
    _exit(1);
}

static void a_kill_loses_at_most_the_row_in_flight(void **state)
{
    struct fixture *fixture = *state;
    for (int round = 0; round < 12; round++) {
        int pipes[2];
        char byte;
        check_true(pipe(pipes) == 0);
        unlink(fixture->path);
        pid_t child = fork();
        if (child == 0)
            append_for_ever(fixture, pipes[1]);
        check_true(child > 0 && read(pipes[0], &byte, 1) == 1);
        mlb_sleep_s(0.002 + 0.0037 * round);
        kill(child, SIGKILL);
        check_true(waitpid(child, NULL, 0) == child);
        close(pipes[0]);
        close(pipes[1]);

        struct mlb_journal *journal;
        struct mlb_result result;
        struct mlb_error err = {0};
        check_ok(mlb_journal_resume(fixture->path, &result, &journal, &err), &err);
        uint64_t rows = result.row_count;
        mlb_result_free(&result);
        check_ok(append(journal, rows, &err), &err);
        mlb_journal_close(journal, false);
        check_journal(fixture, rows + 1);
    }
}

#define JOURNAL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(rows_come_back),
        JOURNAL_TEST(done_removes_the_file),
        JOURNAL_TEST(a_journal_is_never_overwritten),
        JOURNAL_TEST(resume_goes_on),
        JOURNAL_TEST(the_later_row_of_a_case_counts),
        JOURNAL_TEST(a_torn_last_line_is_dropped),
        JOURNAL_TEST(a_last_line_of_zeros_is_dropped),
        JOURNAL_TEST(a_damaged_line_in_the_middle_is_named),
        JOURNAL_TEST(foreign_files),
        JOURNAL_TEST(missing_places),
        JOURNAL_TEST(only_one_writes),
        JOURNAL_TEST(a_full_disk_loses_nothing),
        JOURNAL_TEST(a_full_tmpfs_loses_nothing),
        JOURNAL_TEST(a_head_that_does_not_fit),
        JOURNAL_TEST(a_kill_loses_at_most_the_row_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
