/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/fabric.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/system/procfs.h"

const char *const mlb_nic_kind_names[] = {"efa", "ib",       "roce",    "tcpx", "tcpxo",
                                          "gib", "ethernet", "virtual", NULL};

#define IB_ROOT  "/sys/class/infiniband"
#define NET_ROOT "/sys/class/net"

enum { PATH = 512, TYPE_INFINIBAND = 32 /* ARPHRD_INFINIBAND */ };

bool mlb_nic_is_rdma(enum mlb_nic_kind kind)
{
    return kind == MLB_NIC_EFA || kind == MLB_NIC_IB || kind == MLB_NIC_ROCE || kind == MLB_NIC_GIB;
}

/* ------------------------------------------------------------------------------------- folders */

static bool there(const char *root, const char *path)
{
    char full[PATH];
    return mlb_format(full, sizeof full, "%s%s", root, path) && access(full, F_OK) == 0;
}

/* Calls `take` for each entry of a folder, in the order that people count in: mlx5_2, mlx5_10. */
static void each_entry(const char *root, const char *folder,
                       void (*take)(const char *root, const char *name, struct mlb_fabric *fabric),
                       struct mlb_fabric *fabric)
{
    char full[PATH];
    struct dirent **entries = NULL;
    mlb_format(full, sizeof full, "%s%s", root, folder);
    int count = scandir(full, &entries, NULL, versionsort);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            take(root, entries[i]->d_name, fabric);
        free(entries[i]);
    }
    free(entries);
}

static struct mlb_nic *add_nic(struct mlb_fabric *fabric)
{
    if (fabric->nic_count == MLB_FABRIC_NICS) {
        fabric->nics_left_out++;
        return NULL;
    }
    struct mlb_nic *nic = &fabric->nics[fabric->nic_count++];
    *nic = (struct mlb_nic){.numa = -1};
    return nic;
}

/* --------------------------------------------------------------------------------- RDMA devices */

/* "4: ACTIVE" -> "ACTIVE" */
static const char *after_colon(const char *text)
{
    const char *colon = strchr(text, ':');
    return colon ? colon + 1 + strspn(colon + 1, " ") : text;
}

/* A port without a subnet manager stays in INIT: its link is up and nothing gets through. */
static void read_port_state(const char *root, const char *folder, struct mlb_nic *nic)
{
    char path[PATH], state[32], physical[32];
    mlb_format(path, sizeof path, "%s/state", folder);
    if (!mlb_procfs_read(root, path, state, sizeof state))
        return;
    mlb_format(path, sizeof path, "%s/phys_state", folder);
    mlb_procfs_read(root, path, physical, sizeof physical);
    nic->state = strcmp(after_colon(state), "ACTIVE") == 0 ? MLB_NIC_UP : MLB_NIC_DOWN;
    mlb_format(nic->said, sizeof nic->said, "%.16s%s%.20s", after_colon(state),
               physical[0] ? ", " : "", after_colon(physical));
}

/* "400 Gb/sec (4X NDR)" */
static void read_port_rate(const char *root, const char *folder, struct mlb_nic *nic)
{
    char path[PATH], rate[48];
    double gbit_per_s = 0.0;
    mlb_format(path, sizeof path, "%s/rate", folder);
    if (mlb_procfs_read(root, path, rate, sizeof rate) &&
        sscanf(rate, "%lf Gb/sec", &gbit_per_s) == 1 && gbit_per_s > 0.0)
        nic->line_bytes_per_s = gbit_per_s * 1e9 / 8.0;
}

/* EFA's link layer is "Unspecified"; its ports are told by their driver or by Amazon's PCI vendor
 * id. */
static enum mlb_nic_kind kind_of_port(const char *root, const char *folder,
                                      const struct mlb_nic *nic, const struct mlb_fabric *fabric)
{
    char path[PATH], layer[32];
    if (strcmp(nic->driver, "efa") == 0 || strncmp(nic->part, "1d0f:", 5) == 0)
        return MLB_NIC_EFA;
    if (!nic->driver[0] && !nic->pci_id[0])
        return MLB_NIC_VIRTUAL;
    mlb_format(path, sizeof path, "%s/link_layer", folder);
    mlb_procfs_read(root, path, layer, sizeof layer);
    if (strcmp(layer, "InfiniBand") == 0)
        return MLB_NIC_IB;
    return fabric->gib ? MLB_NIC_GIB : MLB_NIC_ROCE;
}

static void add_port(const char *root, const char *device, int port, struct mlb_fabric *fabric)
{
    char folder[PATH];
    struct mlb_nic *nic = add_nic(fabric);
    if (!nic)
        return;
    nic->port = port;
    mlb_format(nic->device, sizeof nic->device, "%s", device);
    mlb_format(nic->name, sizeof nic->name, port > 1 ? "%s:%d" : "%s", device, port);
    mlb_format(folder, sizeof folder, IB_ROOT "/%s/device", device);
    mlb_fabric_read_device(root, folder, nic);
    mlb_format(folder, sizeof folder, IB_ROOT "/%s/ports/%d", device, port);
    nic->kind = kind_of_port(root, folder, nic, fabric);
    read_port_state(root, folder, nic);
    read_port_rate(root, folder, nic);
}

static void take_rdma(const char *root, const char *device, struct mlb_fabric *fabric)
{
    char folder[PATH];
    for (int port = 1; port <= 8; port++) {
        mlb_format(folder, sizeof folder, IB_ROOT "/%s/ports/%d", device, port);
        if (there(root, folder))
            add_port(root, device, port, fabric);
    }
}

/* ------------------------------------------------------------------------------ network devices */

static bool read_net(const char *root, const char *name, const char *file, char *to, size_t size)
{
    char path[PATH];
    mlb_format(path, sizeof path, NET_ROOT "/%s/%s", name, file);
    return mlb_procfs_read(root, path, to, size);
}

static bool has_net(const char *root, const char *name, const char *file)
{
    char path[PATH];
    mlb_format(path, sizeof path, NET_ROOT "/%s/%s", name, file);
    return there(root, path);
}

/* Drivers of virtual machines may leave "unknown" and tell only whether there is a carrier. */
static void read_net_state(const char *root, struct mlb_nic *nic)
{
    char carrier[8];
    if (!read_net(root, nic->device, "operstate", nic->said, sizeof nic->said))
        return;
    bool carries = read_net(root, nic->device, "carrier", carrier, sizeof carrier) &&
                   strcmp(carrier, "1") == 0;
    if (strcmp(nic->said, "up") == 0 || (strcmp(nic->said, "unknown") == 0 && carries))
        nic->state = MLB_NIC_UP;
    else if (strcmp(nic->said, "unknown") != 0)
        nic->state = MLB_NIC_DOWN;
}

/* The speed of a veth is a figure without a meaning: 10 Gbit/s, always. */
static void read_net_speed(const char *root, struct mlb_nic *nic)
{
    char speed[16];
    if (nic->kind == MLB_NIC_VIRTUAL || !read_net(root, nic->device, "speed", speed, sizeof speed))
        return;
    double mbit_per_s = strtod(speed, NULL); /* -1 = unknown */
    if (mbit_per_s > 0.0)
        nic->line_bytes_per_s = mbit_per_s * 1e6 / 8.0;
}

static void add_net(const char *root, const char *name, enum mlb_nic_kind kind,
                    struct mlb_fabric *fabric)
{
    char folder[PATH];
    struct mlb_nic *nic = add_nic(fabric);
    if (!nic)
        return;
    nic->kind = kind;
    mlb_format(nic->device, sizeof nic->device, "%s", name);
    mlb_format(nic->name, sizeof nic->name, "%s", name);
    mlb_format(folder, sizeof folder, NET_ROOT "/%s/device", name);
    mlb_fabric_read_device(root, folder, nic);
    read_net_state(root, nic);
    read_net_speed(root, nic);
}

/* Behind Azure's hv_netvsc stands a virtual function whose bytes the former counts as well; a
 * bond's members are counted, the bond is not. */
static bool counted_by_master(const char *root, const char *name)
{
    return has_net(root, name, "master") && has_net(root, name, "master/device");
}

/* IP over InfiniBand runs through a port that is listed already. */
static bool is_ipoib(const char *root, const char *name)
{
    char type[16];
    return read_net(root, name, "type", type, sizeof type) && atoi(type) == TYPE_INFINIBAND;
}

static void take_net(const char *root, const char *name, struct mlb_fabric *fabric)
{
    if (has_net(root, name, "device") && !counted_by_master(root, name) && !is_ipoib(root, name))
        add_net(root, name, MLB_NIC_ETHERNET, fabric);
}

/* In a container or a network namespace the way out is a veth. Bridges and tunnels only pass on. */
static void take_virtual(const char *root, const char *name, struct mlb_fabric *fabric)
{
    static const char *const passing[] = {"lo",  "docker", "br-", "virbr",
                                          "ifb", "dummy",  "tun", "tap"};
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (strncmp(name, passing[i], strlen(passing[i])) == 0)
            return;
    if (!has_net(root, name, "device") && !has_net(root, name, "bridge") && !is_ipoib(root, name))
        add_net(root, name, MLB_NIC_VIRTUAL, fabric);
}

/* ------------------------------------------------------------------------------- Google's plugins
 */

/* Is `name` in a list like "eth1,eth2"? */
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (; list && *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == length && strncmp(list, name, length) == 0)
            return true;
    return false;
}

/* On A3 High and A3 Mega GPUs use every gVNIC but the first, which is the host's; the variables
 * that the plugins want tell them by name. */
static void mark_tcpx(struct mlb_fabric *fabric)
{
    const char *names =
        getenv(fabric->tcpxo ? "NCCL_FASTRAK_IFNAME" : "NCCL_GPUDIRECTTCPX_SOCKET_IFNAME");
    bool first = true;
    for (size_t i = 0; (fabric->tcpx || fabric->tcpxo) && i < fabric->nic_count; i++) {
        struct mlb_nic *nic = &fabric->nics[i];
        if (nic->kind != MLB_NIC_ETHERNET || strcmp(nic->driver, "gve") != 0)
            continue;
        if (names ? listed(names, nic->device) : !first)
            nic->kind = fabric->tcpxo ? MLB_NIC_TCPXO : MLB_NIC_TCPX;
        first = false;
    }
}

void mlb_fabric_read(const char *root, struct mlb_fabric *fabric)
{
    memset(fabric, 0, sizeof *fabric);
    mlb_fabric_read_plugins(root, fabric);
    each_entry(root, IB_ROOT, take_rdma, fabric);
    each_entry(root, NET_ROOT, take_net, fabric);
    if (fabric->nic_count == 0)
        each_entry(root, NET_ROOT, take_virtual, fabric);
    mark_tcpx(fabric);
    mlb_fabric_read_pci(root, fabric);
    mlb_fabric_read_gpudirect(root, fabric);
}
