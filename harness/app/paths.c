/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/paths.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/text.h"

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

enum mlb_status mlb_configs_folder(char *to, struct mlb_error *err)
{
    static const char *const places[] = {"configs", "../share/mlbench/configs", NULL};
    char self[MLB_PATH];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return mlb_fail(err, MLB_E_IO, "/proc/self/exe: %s", strerror(errno));
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; places[i]; i++)
        if (mlb_format(to, MLB_PATH, "%s/%s", self, places[i]) && is_folder(to))
            return MLB_OK;
    return mlb_fail(err, MLB_E_IO,
                    "no configs folder: looked for %s/configs and %s/../share/mlbench/configs; "
                    "start the program from where it was built or installed",
                    self, self);
}

enum mlb_status mlb_check_store(const char *folder, struct mlb_error *err)
{
    struct stat info;
    if (!folder[0])
        return MLB_OK;
    bool there = stat(folder, &info) == 0;
    if (there && S_ISDIR(info.st_mode) && access(folder, W_OK | X_OK) == 0)
        return MLB_OK;
    return mlb_fail(err, MLB_E_USAGE,
                    "--checkpoint-folder: %s; give a folder of the job's store that is there on "
                    "every machine and can be written to",
                    strerror(there && !S_ISDIR(info.st_mode) ? ENOTDIR : errno));
}

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static void add_name(void *user, const char *name, const char *path)
{
    (void)path;
    struct mlb_text *names = user;
    mlb_text_addf(names, "%s%s", names->length ? ", " : "", name);
}

static int is_config(const struct dirent *entry)
{
    return ends_with(entry->d_name, ".jsonc");
}

/* Each file of a folder of configs, with its name and its path. */
static enum mlb_status each_config(const char *kind,
                                   void (*each)(void *user, const char *name, const char *path),
                                   void *user, struct mlb_error *err)
{
    char configs[MLB_PATH], folder[MLB_PATH + 32];
    struct dirent **entries;
    if (mlb_configs_folder(configs, err) != MLB_OK)
        return err->status;
    mlb_format(folder, sizeof folder, "%s/%ss", configs, kind);
    int count = scandir(folder, &entries, is_config, alphasort);
    if (count < 0)
        return mlb_fail(err, MLB_E_IO, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[MLB_PATH], name[256];
        if (mlb_format(path, sizeof path, "%s/%s", folder, entries[i]->d_name)) {
            mlb_format(name, sizeof name, "%.*s", (int)(strlen(entries[i]->d_name) - 6),
                       entries[i]->d_name);
            each(user, name, path);
        }
        free(entries[i]);
    }
    free(entries);
    return MLB_OK;
}

/* configs/KINDs/NAME.jsonc, which has to be there. */
static enum mlb_status find_config(const char *kind, const char *name, char *to,
                                   struct mlb_error *err)
{
    char configs[MLB_PATH];
    if (mlb_configs_folder(configs, err) != MLB_OK)
        return err->status;
    if (!mlb_format(to, MLB_PATH, "%s/%ss/%s.jsonc", configs, kind, name))
        return mlb_fail(err, MLB_E_USAGE, "%s: a name over %d characters", kind, MLB_PATH - 1);
    if (access(to, F_OK) == 0)
        return MLB_OK;
    struct mlb_text names = {0};
    struct mlb_error ignored = {0};
    each_config(kind, add_name, &names, &ignored);
    mlb_fail(err, MLB_E_USAGE, "unknown %s '%s'; there are: %s; a file is given by its path", kind,
             name, mlb_text_get(&names));
    mlb_text_free(&names);
    return err->status;
}

static enum mlb_status take_path(const char *kind, const char *path, char *to,
                                 struct mlb_error *err)
{
    if (!mlb_format(to, MLB_PATH, "%s", path))
        return mlb_fail(err, MLB_E_USAGE, "%s: a path over %d characters", kind, MLB_PATH - 1);
    return MLB_OK;
}

static bool is_path(const char *name)
{
    return strchr(name, '/') || ends_with(name, ".json") || ends_with(name, ".jsonc");
}

enum mlb_status mlb_suite_path(const char *name, char *to, struct mlb_error *err)
{
    return is_path(name) ? take_path("suite", name, to, err) : find_config("suite", name, to, err);
}

enum mlb_status mlb_decision_path(const char *name, char *to, struct mlb_error *err)
{
    bool here = is_path(name) || access(name, F_OK) == 0;
    return here ? take_path("decision", name, to, err) : find_config("decision", name, to, err);
}

enum mlb_status mlb_suites_each(void (*each)(void *user, const char *name, const char *path),
                                void *user, struct mlb_error *err)
{
    return each_config("suite", each, user, err);
}

void mlb_slug(const char *name, char *to, size_t size)
{
    size_t at = 0;
    for (; *name && at + 1 < size; name++) {
        if (strncasecmp(name, "(r)", 3) == 0)
            name += 2; /* its closing bracket becomes the dash */
        else if (strncasecmp(name, "(tm)", 4) == 0)
            name += 3;
        if (isalnum((unsigned char)*name))
            to[at++] = (char)tolower((unsigned char)*name);
        else if (at > 0 && to[at - 1] != '-')
            to[at++] = '-';
    }
    while (at > 0 && to[at - 1] == '-')
        at--;
    to[at] = '\0';
}
