/* SPDX-License-Identifier: Apache-2.0 */
/* digest_peer write FOLDER PROVIDER COUNT ROWS SAMPLES [SLOWER]   makes records to read
 * digest_peer read FOLDER...                                      digests all of them
 * digest_peer peer FOLDER                                         the same one by one, each beside
 *                                                                 cJSON's tree of it
 * Without arguments: 100 records of 200 rows in a folder of its own, then all of that.
 *
 * Times are of files in the page cache: it is read once before. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/measure/digest.h"
#include "tests/measure/records_many.h"

struct folder {
    struct mlb_digest_file *files;
    size_t count;
    double bytes;
};

static void stop(const char *what)
{
    fprintf(stderr, "digest_peer: %s\n", what);
    exit(3);
}

static int is_json(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static void list(struct folder *to, const char *name)
{
    struct dirent **entries;
    int count = scandir(name, &entries, is_json, alphasort);
    to->files =
        realloc(to->files, (to->count + (size_t)(count < 0 ? 0 : count) + 1) * sizeof *to->files);
    if (count < 0 || !to->files)
        stop(name);
    for (int i = 0; i < count; i++) {
        char path[4096];
        struct stat file;
        mlb_format(path, sizeof path, "%s/%s", name, entries[i]->d_name);
        free(entries[i]);
        to->bytes += stat(path, &file) == 0 ? (double)file.st_size : 0.0;
        to->files[to->count++] = (struct mlb_digest_file){strdup(path), false};
    }
    free(entries);
}

static void free_folder(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        free((char *)folder->files[i].path);
    free(folder->files);
}

static void write_fleet(const char *folder, const struct fleet *fleet, size_t count)
{
    mkdir(folder, 0777);
    for (size_t i = 0; i < count; i++) {
        struct mlb_result result = {0};
        struct mlb_error err = {0};
        char path[4096];
        record_of_fleet(&result, fleet, i);
        mlb_format(path, sizeof path, "%s/%s-%04zu.json", folder, fleet->provider, i);
        if (mlb_result_save(&result, path, &err))
            stop(err.text);
        mlb_result_free(&result);
    }
}

static double peak_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024.0;
}

static double seconds_since(int64_t begin_ns)
{
    return (double)(mlb_clock_ns() - begin_ns) * 1e-9;
}

static double read_digests(const struct folder *folder, size_t *rows)
{
    struct mlb_digests digests = {0};
    struct mlb_digest_counts counts;
    struct mlb_error err = {0};
    int64_t begin = mlb_clock_ns();
    if (mlb_digests_add_files(&digests, folder->files, folder->count, NULL, &counts, &err))
        stop(err.text);
    double seconds = seconds_since(begin);
    *rows = 0;
    for (size_t i = 0; i < digests.count; i++)
        *rows += digests.items[i].row_count;
    mlb_digests_free(&digests);
    return seconds;
}

static void read_folder(const struct folder *folder)
{
    size_t rows;
    read_digests(folder, &rows);
    for (int i = 0; i < 3; i++) {
        double seconds = read_digests(folder, &rows);
        printf("%zu records, %zu rows, %.0f MB: %.3f s, %.0f MB/s, peak memory %.0f MB\n",
               folder->count, rows, folder->bytes * 1e-6, seconds, folder->bytes / seconds * 1e-6,
               peak_mb());
    }
}

/* The tree alone, without the checks of mlb_json_open. */
static void read_tree(const char *path)
{
    struct mlb_error err = {0};
    char *text;
    size_t length;
    if (mlb_file_read(path, SIZE_MAX / 2, &text, &length, &err))
        stop(err.text);
    cJSON *tree = cJSON_ParseWithLength(text, length);
    if (!tree)
        stop(path);
    cJSON_Delete(tree);
    free(text);
}

static void read_beside_tree(const struct folder *folder)
{
    double ours = 0.0, whole = 0.0, tree = 0.0;
    for (size_t i = 0; i < folder->count; i++) {
        struct mlb_digests digests = {0};
        struct mlb_result result;
        struct mlb_error err = {0};
        int64_t begin = mlb_clock_ns();
        if (mlb_digests_add(&digests, folder->files[i].path, &err))
            stop(err.text);
        mlb_digests_free(&digests);
        ours += seconds_since(begin);
        begin = mlb_clock_ns();
        read_tree(folder->files[i].path);
        tree += seconds_since(begin);
        begin = mlb_clock_ns();
        if (mlb_result_load(folder->files[i].path, &result, &err))
            stop(err.text);
        mlb_result_free(&result);
        whole += seconds_since(begin);
    }
    printf(
        "on one thread: digest %.0f MB/s; cJSON's tree %.0f MB/s, %.1f times as long; record read "
        "whole %.0f MB/s, %.1f times as long\n",
        folder->bytes / ours * 1e-6, folder->bytes / tree * 1e-6, tree / ours,
        folder->bytes / whole * 1e-6, whole / ours);
}

static void run_all(void)
{
    const struct fleet fleet = {200, 30, 0.005, 0.0, "aws"};
    struct folder folder = {0};
    char name[] = "/tmp/mlb_digest_peer_XXXXXX";
    if (!mkdtemp(name))
        stop(name);
    write_fleet(name, &fleet, 100);
    list(&folder, name);
    read_folder(&folder);
    read_beside_tree(&folder);
    for (size_t i = 0; i < folder.count; i++)
        unlink(folder.files[i].path);
    rmdir(name);
    free_folder(&folder);
}

int main(int argc, char **argv)
{
    struct folder folder = {0};
    const char *what = argc > 2 ? argv[1] : "";
    if (strcmp(what, "write") == 0 && argc >= 7) {
        struct fleet fleet = {strtoul(argv[5], NULL, 10), strtoul(argv[6], NULL, 10), 0.005,
                              argc > 7 ? strtod(argv[7], NULL) : 0.0, argv[3]};
        write_fleet(argv[2], &fleet, strtoul(argv[4], NULL, 10));
        return 0;
    }
    if (argc == 1) {
        run_all();
        return 0;
    }
    for (int i = 2; i < argc; i++)
        list(&folder, argv[i]);
    if (strcmp(what, "read") == 0)
        read_folder(&folder);
    else if (strcmp(what, "peer") == 0)
        read_beside_tree(&folder);
    else
        stop("write, read or peer");
    free_folder(&folder);
    return 0;
}
