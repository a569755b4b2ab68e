/* SPDX-License-Identifier: Apache-2.0 */
/* Network files of machines that are not here, written from a table into a folder. Shapes are those
 * of the kernel's sysfs; numbers of ports and their rates are those of the instance types. */
#ifndef MLB_TESTS_SYSTEM_MADE_MACHINE_H
#define MLB_TESTS_SYSTEM_MADE_MACHINE_H

#include "tests/system/files.h"

struct made_link { /* of PCIe */
    const char *now_speed, *most_speed, *slot_speed;
    int now_lanes, most_lanes, slot_lanes;
};

/* A device on PCI; RDMA with a link layer, a network device without. */
struct made_nic {
    const char *name, *driver, *vendor, *product;
    const char *layer; /* of an RDMA device: "InfiniBand", "Ethernet", "Unspecified" */
    const char *rate;  /* of an RDMA device: "400 Gb/sec (4X NDR)"; else "100000" */
    int bus, numa;
    bool down;
    struct made_link link;
};

#define GEN5_X16                                                                                   \
    {                                                                                              \
        "32.0 GT/s PCIe", "32.0 GT/s PCIe", "32.0 GT/s PCIe", 16, 16, 16                           \
    }

static inline void put_link(const struct files *files, const char *path, const char *to)
{
    char full[1024], target[1024];
    snprintf(full, sizeof full, "%s%s", files->root, path);
    unlink(full);              /* what was put before */
    put_file(files, path, ""); /* the folders above */
    snprintf(target, sizeof target, "%s%s", files->root, to);
    check_i64(unlink(full), 0);
    check_i64(symlink(target, full), 0);
}

static inline void put_below(const struct files *files, const char *folder, const char *file,
                             const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    put_file(files, path, text);
}

static inline void put_number(const struct files *files, const char *folder, const char *file,
                              uint64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64 "\n", number);
    put_below(files, folder, file, text);
}

/* The device's folder below a bridge, which is its slot. */
static inline void put_pci(const struct files *files, int bus, int numa, const char *vendor,
                           const char *product, const char *class, const struct made_link *link,
                           char *folder, size_t size)
{
    char slot[128], id[32], path[256], text[32];
    snprintf(slot, sizeof slot, "/sys/devices/pci0000:00/0000:00:%02x.0", bus);
    snprintf(id, sizeof id, "0000:%02x:00.0", bus);
    snprintf(folder, size, "%s/%s", slot, id);
    snprintf(text, sizeof text, "0x%s\n", vendor);
    put_below(files, folder, "vendor", text);
    snprintf(text, sizeof text, "0x%s\n", product);
    put_below(files, folder, "device", text);
    snprintf(text, sizeof text, "0x%s\n", class);
    put_below(files, folder, "class", text);
    snprintf(text, sizeof text, "%d\n", numa);
    put_below(files, folder, "numa_node", text);
    if (link->now_speed) {
        put_below(files, folder, "current_link_speed", link->now_speed);
        put_below(files, folder, "max_link_speed", link->most_speed);
        put_below(files, slot, "max_link_speed", link->slot_speed);
        put_number(files, folder, "current_link_width", (uint64_t)link->now_lanes);
        put_number(files, folder, "max_link_width", (uint64_t)link->most_lanes);
        put_number(files, slot, "max_link_width", (uint64_t)link->slot_lanes);
    }
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s", id);
    put_link(files, path, folder);
}

static inline void put_rdma(const struct files *files, const struct made_nic *nic,
                            const char *device)
{
    char folder[128], port[160];
    snprintf(folder, sizeof folder, "/sys/class/infiniband/%s", nic->name);
    snprintf(port, sizeof port, "%s/ports/1", folder);
    put_below(files, port, "link_layer", nic->layer);
    put_below(files, port, "state", nic->down ? "1: DOWN\n" : "4: ACTIVE\n");
    put_below(files, port, "phys_state", nic->down ? "2: Polling\n" : "5: LinkUp\n");
    put_below(files, port, "rate", nic->rate);
    snprintf(port, sizeof port, "%s/device", folder);
    put_link(files, port, device);
}

/* "device" is NULL for what has none. */
static inline void put_net(const struct files *files, const char *name, const char *device,
                           const char *speed, bool down)
{
    char folder[128], path[160];
    snprintf(folder, sizeof folder, "/sys/class/net/%s", name);
    put_below(files, folder, "type", "1\n");
    put_below(files, folder, "operstate", down ? "down\n" : "up\n");
    put_below(files, folder, "speed", speed);
    put_below(files, folder, "statistics/tx_bytes", "0\n");
    put_below(files, folder, "statistics/rx_bytes", "0\n");
    snprintf(path, sizeof path, "%s/device", folder);
    if (device)
        put_link(files, path, device);
}

static inline void put_nic(const struct files *files, const struct made_nic *nic)
{
    char device[256], driver[128], path[300];
    put_pci(files, nic->bus, nic->numa, nic->vendor, nic->product, "020000", &nic->link, device,
            sizeof device);
    snprintf(driver, sizeof driver, "/sys/bus/pci/drivers/%s", nic->driver);
    put_below(files, driver, "bind", "");
    snprintf(path, sizeof path, "%s/driver", device);
    put_link(files, path, driver);
    if (nic->layer)
        put_rdma(files, nic, device);
    else
        put_net(files, nic->name, device, nic->rate, nic->down);
}

/* `count` like `like`, with %d in the name, on buses from its own on, half of them on node 1. */
static inline void put_nics(const struct files *files, const struct made_nic *like, int count)
{
    for (int i = 0; i < count; i++) {
        char name[32];
        struct made_nic nic = *like;
        snprintf(name, sizeof name, "%s%d", like->name, i);
        nic.name = name;
        nic.bus += i;
        nic.numa = i < count / 2 ? 0 : 1;
        put_nic(files, &nic);
    }
}

static inline void put_gpus(const struct files *files, int count, int bus)
{
    static const struct made_link link = GEN5_X16;
    char folder[256];
    for (int i = 0; i < count; i++)
        put_pci(files, bus + i, i < count / 2 ? 0 : 1, "10de", "2330", "030200", &link, folder,
                sizeof folder);
}

/* -------------------------------------------------------------------------------------- machines
 */

static const struct made_nic made_hca = {.name = "mlx5_",
                                         .driver = "mlx5_core",
                                         .vendor = "15b3",
                                         .product = "1021",
                                         .layer = "InfiniBand\n",
                                         .rate = "400 Gb/sec (4X NDR)\n",
                                         .bus = 0x10,
                                         .link = GEN5_X16};
static const struct made_nic made_ethernet = {
    .name = "eth0",
    .driver = "ixgbe",
    .vendor = "8086",
    .product = "1563",
    .rate = "10000\n",
    .bus = 0x04,
    .link = {"8.0 GT/s PCIe", "8.0 GT/s PCIe", "8.0 GT/s PCIe", 4, 4, 4}};

/* HGX: eight GPUs, eight ports of 400 Gb/s InfiniBand, one of Ethernet, four NVSwitches. */
static inline void make_hgx(const struct files *files)
{
    static const struct made_link link = {
        "16.0 GT/s PCIe", "16.0 GT/s PCIe", "16.0 GT/s PCIe", 2, 2, 2};
    char folder[256];
    put_nics(files, &made_hca, 8);
    put_nic(files, &made_ethernet);
    put_gpus(files, 8, 0x80);
    for (int i = 0; i < 4; i++)
        put_pci(files, 0xa0 + i, 0, "10de", "22a3", "068000", &link, folder, sizeof folder);
    put_net(files, "lo", NULL, "", false);
    put_net(files, "docker0", NULL, "", true);
    put_file(files, "/sys/module/nvidia_peermem/version", "580.95.05\n");
}

/* p5: 32 EFA of 100 Gb/s, one Ethernet port of ENA, eight GPUs, the open driver. */
static inline void make_p5(const struct files *files)
{
    struct made_nic efa = {.name = "rdmap",
                           .driver = "efa",
                           .vendor = "1d0f",
                           .product = "efa1",
                           .layer = "Unspecified\n",
                           .rate = "100 Gb/sec (4X EDR)\n",
                           .bus = 0x10};
    struct made_nic ena = {.name = "ens32",
                           .driver = "ena",
                           .vendor = "1d0f",
                           .product = "ec20",
                           .rate = "-1\n",
                           .bus = 0x05};
    put_nics(files, &efa, 32);
    put_nic(files, &ena);
    put_gpus(files, 8, 0x80);
    put_file(files, "/sys/module/efa_nv_peermem/refcnt", "0\n");
    put_file(files, "/proc/sys/kernel/osrelease", "6.8.0-1021-aws\n");
    put_file(files, "/proc/driver/nvidia/version",
             "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n");
    put_file(files, "/opt/amazon/ofi-nccl/lib/libnccl-net-ofi.so", "");
}

/* ND H100 v5: virtual functions that say nothing of their PCIe link, eth0 of the hypervisor and the
 * virtual function behind it. */
static inline void make_nd_h100(const struct files *files)
{
    struct made_nic hca = made_hca;
    struct made_nic function = made_ethernet;
    hca.name = "mlx5_ib";
    hca.product = "101e";
    hca.link = (struct made_link){"Unknown", "Unknown", "Unknown", 0, 0, 0};
    function.name = "enP1s1";
    function.driver = "mlx5_core";
    put_nics(files, &hca, 8);
    put_nic(files, &function);
    put_file(files, "/sys/devices/LNXSYSTM:00/VMBUS:00/f8615163/device_id", "{f8615163}\n");
    put_file(files, "/sys/bus/vmbus/drivers/hv_netvsc/bind", "");
    put_link(files, "/sys/devices/LNXSYSTM:00/VMBUS:00/f8615163/driver",
             "/sys/bus/vmbus/drivers/hv_netvsc");
    put_net(files, "eth0", "/sys/devices/LNXSYSTM:00/VMBUS:00/f8615163", "100000\n", false);
    put_link(files, "/sys/class/net/enP1s1/master", "/sys/class/net/eth0");
    put_net(files, "ib0", "/sys/devices/LNXSYSTM:00/VMBUS:00/f8615163", "400000\n", false);
    put_file(files, "/sys/class/net/ib0/type", "32\n");
    put_gpus(files, 8, 0x80);
    put_file(files, "/sys/module/nvidia_peermem/version", "535.161.08\n");
}

/* A3 Mega: one gVNIC of the host, eight of the GPUs, Google's plugin. */
static inline void make_a3_mega(const struct files *files)
{
    struct made_nic gve = {.name = "eth",
                           .driver = "gve",
                           .vendor = "1ae0",
                           .product = "0042",
                           .rate = "200000\n",
                           .bus = 0x10};
    put_nics(files, &gve, 9);
    put_gpus(files, 8, 0x80);
    put_file(files, "/dev/dmabuf_import_helper", "");
    put_file(files, "/usr/local/nvidia/lib64/libnccl-net.so", "");
}

/* A3 Ultra: RoCE with Google's gIB. */
static inline void make_a3_ultra(const struct files *files)
{
    struct made_nic nic = made_hca;
    nic.layer = "Ethernet\n";
    put_nics(files, &nic, 8);
    put_gpus(files, 8, 0x80);
    put_file(files, "/usr/local/gib/lib64/libnccl-net_internal.so", "");
}

/* A virtual machine as this project is built on: virtio, on PCI through a device of its own. */
static inline void make_virtio(const struct files *files)
{
    char folder[256], path[300];
    static const struct made_link none = {0};
    put_pci(files, 0x03, -1, "1af4", "1041", "020000", &none, folder, sizeof folder);
    put_file(files, "/sys/bus/virtio/drivers/virtio_net/bind", "");
    snprintf(path, sizeof path, "%s/virtio2", folder);
    put_below(files, path, "features", "");
    put_net(files, "eth0", path, "-1\n", false);
    snprintf(path, sizeof path, "%s/virtio2/driver", folder);
    put_link(files, path, "/sys/bus/virtio/drivers/virtio_net");
    put_net(files, "ifb0", NULL, "", true);
    put_net(files, "lo", NULL, "", false);
}

/* A container, a network namespace: one end of a veth, loopback, nothing with a device. */
static inline void make_container(const struct files *files)
{
    put_net(files, "veth1", NULL, "10000\n", false);
    put_net(files, "lo", NULL, "", false);
}

#endif
