/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/record_name.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"

static enum mlb_status make_folder(const char *path, struct mlb_error *err)
{
    struct stat info;
    if (mkdir(path, 0777) == 0)
        return MLB_OK;
    int reason = errno;
    bool there = reason == EEXIST && stat(path, &info) == 0;
    if (there && S_ISDIR(info.st_mode))
        return MLB_OK;
    return mlb_fail(
        err, MLB_E_IO, "--output %s: %s%s", path,
        there ? "is not a folder" : "cannot make the folder: ", there ? "" : strerror(reason));
}

enum mlb_status mlb_record_name(const char *folder, const struct mlb_result *result,
                                char record[static MLB_PATH], char journal[static MLB_PATH],
                                struct mlb_error *err)
{
    char utc[MLB_UTC_TEXT], again[16] = "";
    if (make_folder(folder, err) != MLB_OK)
        return err->status;
    mlb_utc_now_file(utc);
    for (int i = 2;; i++) { /* a run of the same second may have taken the name */
        char name[MLB_PATH];
        bool fits = mlb_format(name, sizeof name, "%s/%s-%s-%s%s", folder, utc, result->host_kind,
                               result->suite, again) &&
                    mlb_format(record, MLB_PATH, "%s.json", name) &&
                    mlb_format(journal, MLB_PATH, "%s.journal", name);
        if (!fits)
            return mlb_fail(err, MLB_E_USAGE, "--output: a path over %d characters", MLB_PATH - 1);
        if (access(record, F_OK) != 0 && access(journal, F_OK) != 0)
            return MLB_OK;
        mlb_format(again, sizeof again, "-%d", i);
    }
}
