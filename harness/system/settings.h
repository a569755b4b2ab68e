/* SPDX-License-Identifier: Apache-2.0 */
/* Variables that decide how NCCL, libfabric, UCX and Open MPI use the network: which are set, which
 * of them a record may show, and which of them do nothing or do harm here. */
#ifndef MLB_SYSTEM_SETTINGS_H
#define MLB_SYSTEM_SETTINGS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/system/fabric.h"

/* ------------------------------------------------------------------------------ names (a table) */

enum mlb_setting_show {
    MLB_SETTING_UNKNOWN, /* a name that its library does not know */
    MLB_SETTING_VALUE,   /* a number, a word, names of devices: shown as it is */
    MLB_SETTING_TAIL,    /* a file: the last part of its path is shown */
    MLB_SETTING_SET,     /* an address, a name of a host: shown is that it is set */
    MLB_SETTING_OTHERS   /* of a build, of another program: none of our business */
};
enum mlb_setting_show mlb_setting_show(const char *name);
/* The known name that is nearest to one that is not; NULL when none is. */
const char *mlb_setting_nearest(const char *name);

/* --------------------------------------------------------------------------------- what is set */

#define MLB_NET_SETTINGS 128

struct mlb_setting_found {
    char name[64];
    char value[256]; /* as it is: only what mlb_settings_to_json makes of it leaves the program */
    enum mlb_setting_show show;
};

struct mlb_settings {
    struct mlb_setting_found items[MLB_NET_SETTINGS]; /* in the order of their names */
    size_t count;
};

/* From the environment ("NAME=value", NULL-terminated), then from what NCCL reads beside it and
 * what does not override it: NCCL_CONF_FILE or ~/.nccl.conf, and /etc/nccl.conf (below `root`). */
void mlb_settings_read(const char *root, char *const *environment, struct mlb_settings *settings);
const char *mlb_settings_get(const struct mlb_settings *settings, const char *name); /* or NULL */
/* The known ones as { NAME: what may be shown }; NULL when out of memory. */
cJSON *mlb_settings_to_json(const struct mlb_settings *settings);

/* Of all names and values that every rank of a job should have alike: what names a host or a file
 * of a process is left out. */
uint64_t mlb_settings_hash(const struct mlb_settings *settings);
/* One line a setting that is compared: its name and a hash of its value, so that values stay where
 * they are; what does not fit is left out. */
void mlb_settings_write(const struct mlb_settings *settings, char *to, size_t size);
/* The names, "A, B", whose lines two such texts have not in common. */
void mlb_settings_differ(const char *mine, const char *theirs, char *names, size_t size);

/* --------------------------------------------------------------------------------------- advice */

/* Settings that are no longer read or never were, name what is not there, or turn off what is
 * there. `root`: for the list of network devices and their addresses. */
void mlb_settings_judge(const char *root, const struct mlb_settings *settings,
                        const struct mlb_fabric *fabric, struct mlb_findings *findings);

#endif
