/* SPDX-License-Identifier: Apache-2.0 */
/* What software there is for the network: NCCL's plugins, and what GPUDirect RDMA needs. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/system/fabric.h"
#include "harness/system/procfs.h"

static bool there(const char *root, const char *path)
{
    char full[PATH_MAX];
    return mlb_format(full, sizeof full, "%s%s", root, path) && access(full, F_OK) == 0;
}

static bool any_there(const char *root, const char *const *paths)
{
    for (; *paths; paths++)
        if (there(root, *paths))
            return true;
    return false;
}

/* ------------------------------------------------------------------------------------- plugins */

/* Folders that the vendors' installers use and, last, those of the system's loader. */
static const char *const usual_folders[] = {"/opt/amazon/ofi-nccl/lib",
                                            "/opt/amazon/ofi-nccl/lib/x86_64-linux-gnu",
                                            "/opt/amazon/ofi-nccl/lib64",
                                            "/opt/aws-ofi-nccl/lib",
                                            "/usr/local/gib/lib64",
                                            "/usr/local/tcpx/lib64",
                                            "/usr/local/tcpxo/lib64",
                                            "/usr/local/nvidia/lib64",
                                            "/opt/hpcx/nccl_rdma_sharp_plugin/lib",
                                            "/usr/local/lib",
                                            "/usr/lib64",
                                            "/usr/lib/x86_64-linux-gnu",
                                            "/usr/lib/aarch64-linux-gnu",
                                            NULL};

static void add_plugin(struct mlb_fabric *fabric, const char *name)
{
    for (size_t i = 0; i < fabric->plugin_count; i++)
        if (strcmp(fabric->plugins[i], name) == 0)
            return;
    if (fabric->plugin_count < MLB_FABRIC_PLUGINS)
        mlb_format(fabric->plugins[fabric->plugin_count++], sizeof fabric->plugins[0], "%s", name);
}

/* libnccl-net.so, libnccl-net-NAME.so: the names that NCCL tries. */
static int is_plugin(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return strncmp(entry->d_name, "libnccl-net", 11) == 0 && length > 14 &&
           strcmp(entry->d_name + length - 3, ".so") == 0;
}

static void look_in(const char *root, const char *folder, size_t length, struct mlb_fabric *fabric)
{
    char full[PATH_MAX];
    struct dirent **entries = NULL;
    mlb_format(full, sizeof full, "%s%.*s", root, (int)length, folder);
    int count = length > 0 ? scandir(full, &entries, is_plugin, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        add_plugin(fabric, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

void mlb_fabric_read_plugins(const char *root, struct mlb_fabric *fabric)
{
    static const char *const gib[] = {"/usr/local/gib", "/var/lib/gib", NULL};
    static const char *const tcpx[] = {"/usr/local/tcpx", "/var/lib/tcpx", NULL};
    static const char *const tcpxo[] = {"/usr/local/tcpxo", "/var/lib/tcpxo", "/usr/local/fastrak",
                                        "/dev/dmabuf_import_helper", NULL};
    const char *path = getenv("LD_LIBRARY_PATH");
    for (; path && *path; path += strcspn(path, ":"), path += *path == ':')
        look_in(root, path, strcspn(path, ":"), fabric);
    for (size_t i = 0; usual_folders[i]; i++)
        look_in(root, usual_folders[i], strlen(usual_folders[i]), fabric);
    fabric->gib = any_there(root, gib);
    fabric->tcpx = any_there(root, tcpx);
    fabric->tcpxo = any_there(root, tcpxo);
}

/* ----------------------------------------------------------------------------------- GPUDirect */

/* The modules that hand GPU memory to RDMA devices, by the file that says their version: those that
 * NCCL asks for (src/transport/net_ib.cc of 2.28.9) and the one of Amazon's EFA driver. */
static const struct {
    const char *file, *name;
} modules[] = {
    {"/sys/module/nvidia_peermem/version", "nvidia_peermem"},
    {"/sys/kernel/mm/memory_peers/nv_mem/version", "nv_peer_mem"},
    {"/sys/kernel/mm/memory_peers/nv_mem_nc/version", "nv_peer_mem"},
    {"/sys/module/nv_peer_mem/version", "nv_peer_mem"},
    {"/sys/module/efa_nv_peermem", "efa_nv_peermem"},
};

static bool kernel_has_dmabuf(const char *root)
{
    char release[64];
    int major = 0, minor = 0;
    mlb_procfs_read(root, "/proc/sys/kernel/osrelease", release, sizeof release);
    return sscanf(release, "%d.%d", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 12));
}

static bool moves_gpu_memory(const struct mlb_fabric *fabric)
{
    for (size_t i = 0; i < fabric->nic_count; i++) {
        enum mlb_nic_kind kind = fabric->nics[i].kind;
        if (mlb_nic_is_rdma(kind) || kind == MLB_NIC_TCPX || kind == MLB_NIC_TCPXO)
            return true;
    }
    return false;
}

/* DMA-BUF needs the driver's open kernel modules, Linux 5.12 and CUDA 11.7 (NVIDIA GPU Operator,
 * "GPUDirect RDMA and GPUDirect Storage"); whether device and NIC do it only NCCL finds out. */
void mlb_fabric_read_gpudirect(const char *root, struct mlb_fabric *fabric)
{
    struct mlb_gpudirect *gpudirect = &fabric->gpudirect;
    char driver[256];
    for (size_t i = 0; i < sizeof modules / sizeof modules[0] && !gpudirect->module[0]; i++) {
        if (!there(root, modules[i].file))
            continue;
        mlb_format(gpudirect->module, sizeof gpudirect->module, "%s", modules[i].name);
        mlb_procfs_read(root, modules[i].file, gpudirect->version, sizeof gpudirect->version);
    }
    mlb_procfs_read(root, "/proc/driver/nvidia/version", driver, sizeof driver);
    gpudirect->dmabuf =
        strstr(driver, "Open Kernel Module") && kernel_has_dmabuf(root) && moves_gpu_memory(fabric);
}

const char *mlb_gpudirect_word(const struct mlb_gpudirect *gpudirect)
{
    return gpudirect->module[0] ? "module" : gpudirect->dmabuf ? "dmabuf" : "none";
}
