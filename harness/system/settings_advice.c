/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that do nothing here, or harm. Pure but for the list of network devices. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/text.h"
#include "harness/system/procfs.h"
#include "harness/system/settings.h"

struct advice {
    const char *root;
    const struct mlb_settings *settings;
    const struct mlb_fabric *fabric;
    struct mlb_findings *findings;
};

static const char *get(const struct advice *advice, const char *name)
{
    return mlb_settings_get(advice->settings, name);
}

static bool is_on(const struct advice *advice, const char *name)
{
    const char *value = get(advice, name);
    return value && strcmp(value, "0") != 0 && value[0] != '\0';
}

static size_t ports_up(const struct mlb_fabric *fabric, bool (*counts)(enum mlb_nic_kind kind))
{
    size_t up = 0;
    for (size_t i = 0; i < fabric->nic_count; i++)
        up += counts(fabric->nics[i].kind) && fabric->nics[i].state == MLB_NIC_UP;
    return up;
}

static bool is_efa(enum mlb_nic_kind kind)
{
    return kind == MLB_NIC_EFA;
}

/* What NCCL's own InfiniBand transport can use. */
static bool is_verbs(enum mlb_nic_kind kind)
{
    return kind == MLB_NIC_IB || kind == MLB_NIC_ROCE;
}

/* --------------------------------------------------------------------------------------- names */

/* Read by earlier releases; no string of them is in the library of 2.28.9. */
static const struct {
    const char *name, *now;
} gone[] = {
    {"NCCL_IB_CUDA_SUPPORT", "NCCL_NET_GDR_LEVEL"},
    {"NCCL_LL_THRESHOLD", "NCCL_PROTO"},
    {"NCCL_TREE_THRESHOLD", "NCCL_ALGO"},
    {"NCCL_RINGS", "NCCL_GRAPH_FILE"},
};

static const char *gone_for(const char *name)
{
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        if (strcmp(gone[i].name, name) == 0)
            return gone[i].now;
    return NULL;
}

static void judge_names(const struct advice *advice)
{
    for (size_t i = 0; i < advice->settings->count; i++) {
        const struct mlb_setting_found *found = &advice->settings->items[i];
        const char *now = gone_for(found->name), *near = NULL;
        if (found->show != MLB_SETTING_UNKNOWN)
            continue;
        near = now ? NULL : mlb_setting_nearest(found->name);
        if (now)
            mlb_find(advice->findings, true, "setting", "NCCL no longer reads %s: use %s",
                     found->name, now);
        else
            mlb_find(advice->findings, near != NULL, "setting",
                     "NCCL 2.28.9 knows no %s and passes over it%s%s%s", found->name,
                     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
}

/* ------------------------------------------------------------------------------------- EFA recipes
 */

/* With libfabric 1.18 and aws-ofi-nccl 1.7 nothing has to be set, and the plugin itself chooses
 * sizes by instance type (doc/efa-env-var.md, src/platform-aws.cpp of aws-ofi-nccl). */
static void judge_efa(const struct advice *advice)
{
    static const char *const recipes[] = {"FI_PROVIDER",           "FI_EFA_USE_DEVICE_RDMA",
                                          "RDMAV_FORK_SAFE",       "RDMAV_HUGEPAGES_SAFE",
                                          "NCCL_MIN_NCHANNELS",    "NCCL_BUFFSIZE",
                                          "NCCL_NSOCKS_PERTHREAD", "NCCL_SOCKET_NTHREADS"};
    char names[160] = "";
    const char *protocol = get(advice, "NCCL_PROTO");
    if (ports_up(advice->fabric, is_efa) == 0)
        return;
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        size_t at = strlen(names);
        if (get(advice, recipes[i]))
            mlb_format(names + at, sizeof names - at, "%s%s", at ? ", " : "", recipes[i]);
    }
    size_t at = strlen(names);
    if (protocol && strcasecmp(protocol, "simple") == 0)
        mlb_format(names + at, sizeof names - at, "%sNCCL_PROTO=%s", at ? ", " : "", protocol);
    if (names[0])
        mlb_find(advice->findings, true, "setting",
                 "EFA needs no settings since aws-ofi-nccl 1.7; of an old recipe: %.120s", names);
}

/* ------------------------------------------------------------------------- names of devices */

/* One word of NCCL_SOCKET_IFNAME or NCCL_IB_HCA: a prefix, or with '=' before the list a whole name
 * (docs of NCCL, env.rst). "mlx5_0:1" names a port. */
static bool names_device(const char *word, size_t length, bool exact, const char *device)
{
    const char *colon = memchr(word, ':', length);
    size_t name = colon ? (size_t)(colon - word) : length;
    return strncmp(word, device, name) == 0 && (!exact || device[name] == '\0');
}

static enum mlb_nic_state net_state(const char *root, const char *device)
{
    char path[320], text[24];
    mlb_format(path, sizeof path, "/sys/class/net/%s/operstate", device);
    if (!mlb_procfs_read(root, path, text, sizeof text) || strcmp(text, "unknown") == 0)
        return MLB_NIC_UNKNOWN;
    return strcmp(text, "up") == 0 ? MLB_NIC_UP : MLB_NIC_DOWN;
}

struct match {
    size_t devices, down;
};

static struct match match_net(const struct advice *advice, const char *word, size_t length,
                              bool exact)
{
    char folder[320];
    struct match match = {0};
    struct dirent *entry;
    mlb_format(folder, sizeof folder, "%s/sys/class/net", advice->root);
    DIR *open = opendir(folder);
    while (open && (entry = readdir(open)) != NULL) {
        if (entry->d_name[0] == '.' || !names_device(word, length, exact, entry->d_name))
            continue;
        match.devices++;
        match.down += net_state(advice->root, entry->d_name) == MLB_NIC_DOWN;
    }
    if (open)
        closedir(open);
    return match;
}

static struct match match_hca(const struct advice *advice, const char *word, size_t length,
                              bool exact)
{
    struct match match = {0};
    for (size_t i = 0; i < advice->fabric->nic_count; i++) {
        const struct mlb_nic *nic = &advice->fabric->nics[i];
        if (nic->port == 0 || !names_device(word, length, exact, nic->device))
            continue;
        match.devices++;
        match.down += nic->state == MLB_NIC_DOWN;
    }
    return match;
}

typedef struct match matcher(const struct advice *advice, const char *word, size_t length,
                             bool exact);

/* A list that excludes ('^') may name what is not there. */
static void judge_list(const struct advice *advice, const char *name, matcher *matches)
{
    const char *list = get(advice, name);
    if (!list || list[0] == '^' || !list[0])
        return;
    bool exact = list[0] == '=';
    for (list += exact; *list; list += strcspn(list, ","), list += *list == ',') {
        size_t length = strcspn(list, ",");
        struct match match = matches(advice, list, length, exact);
        if (length > 0 && match.devices == 0)
            mlb_find(advice->findings, true, "setting", "%s names %.*s: there is no such device",
                     name, (int)length, list);
        else if (length > 0 && match.down == match.devices)
            mlb_find(advice->findings, true, "setting", "%s names %.*s, which is down", name,
                     (int)length, list);
    }
}

/* ----------------------------------------------------------------------------- address families */

static bool any_ipv6(const char *root)
{
    char text[8192];
    mlb_procfs_read(root, "/proc/net/if_inet6", text, sizeof text);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char device[32] = "";
        if (sscanf(line, "%*s %*s %*s %*s %*s %31s", device) == 1 && strcmp(device, "lo") != 0)
            return true;
    }
    return false;
}

/* A route is a line after the heading: a machine with an IPv4 address has one. */
static bool any_ipv4(const char *root)
{
    char text[1024];
    mlb_procfs_read(root, "/proc/net/route", text, sizeof text);
    const char *end = strchr(text, '\n');
    return end && end[1] != '\0';
}

static void judge_family(const struct advice *advice)
{
    const char *family = get(advice, "NCCL_SOCKET_FAMILY");
    if (!family)
        return;
    if (strcmp(family, "AF_INET6") == 0 && !any_ipv6(advice->root))
        mlb_find(advice->findings, true, "setting",
                 "NCCL_SOCKET_FAMILY=AF_INET6, but no network device has an IPv6 address");
    else if (strcmp(family, "AF_INET") == 0 && !any_ipv4(advice->root))
        mlb_find(advice->findings, true, "setting",
                 "NCCL_SOCKET_FAMILY=AF_INET, but no network device has an IPv4 route");
    else if (strcmp(family, "AF_INET") != 0 && strcmp(family, "AF_INET6") != 0)
        mlb_find(advice->findings, true, "setting",
                 "NCCL_SOCKET_FAMILY=%.40s: NCCL knows AF_INET and AF_INET6 and ignores others",
                 family);
}

/* ------------------------------------------------------------------------- what is turned off */

static void judge_switches(const struct advice *advice)
{
    const struct mlb_fabric *fabric = advice->fabric;
    const char *net = get(advice, "NCCL_NET"), *level = get(advice, "NCCL_NET_GDR_LEVEL");
    size_t verbs = ports_up(fabric, is_verbs), rdma = ports_up(fabric, mlb_nic_is_rdma);
    if (is_on(advice, "NCCL_IB_DISABLE") && verbs > 0)
        mlb_find(advice->findings, true, "setting",
                 "NCCL_IB_DISABLE is set, though %zu InfiniBand or RoCE ports are up", verbs);
    if (net && strcasecmp(net, "Socket") == 0 && rdma > 0)
        mlb_find(advice->findings, true, "setting", "NCCL_NET=%.40s, though %zu RDMA ports are up",
                 net, rdma);
    if (is_on(advice, "NCCL_P2P_DISABLE") && fabric->gpu_count > 1)
        mlb_find(advice->findings, true, "setting",
                 "NCCL_P2P_DISABLE is set: %zu GPUs do without NVLink and PCIe peer copies",
                 fabric->gpu_count);
    if (level && (strcasecmp(level, "LOC") == 0 || strcmp(level, "0") == 0) && rdma > 0 &&
        fabric->gpu_count > 0)
        mlb_find(advice->findings, true, "setting",
                 "NCCL_NET_GDR_LEVEL=%.40s: GPUDirect RDMA is turned off", level);
}

void mlb_settings_judge(const char *root, const struct mlb_settings *settings,
                        const struct mlb_fabric *fabric, struct mlb_findings *findings)
{
    struct advice advice = {root, settings, fabric, findings};
    judge_names(&advice);
    judge_efa(&advice);
    judge_list(&advice, "NCCL_SOCKET_IFNAME", match_net);
    judge_list(&advice, "NCCL_IB_HCA", match_hca);
    judge_family(&advice);
    judge_switches(&advice);
}
