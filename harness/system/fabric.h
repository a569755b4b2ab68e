/* SPDX-License-Identifier: Apache-2.0 */
/* The network of a machine as the kernel's files tell it: which ports there are, of what kind, at
 * what rate and state, how their PCIe links are, and what speaks for GPUDirect RDMA. Nothing is
 * opened or sent. What is not known is absent: "", 0, or -1 where the comment says so.
 *
 * `root` stands before every path, for recorded machines; "" is this one. */
#ifndef MLB_SYSTEM_FABRIC_H
#define MLB_SYSTEM_FABRIC_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/base/text.h"

enum mlb_nic_kind {
    MLB_NIC_EFA,
    MLB_NIC_IB,
    MLB_NIC_ROCE,
    MLB_NIC_TCPX,  /* Ethernet of Google's A3 High, whose plugin is there */
    MLB_NIC_TCPXO, /* the same of A3 Mega */
    MLB_NIC_GIB,   /* RoCE of Google's A3 Ultra and later, whose plugin is there */
    MLB_NIC_ETHERNET,
    MLB_NIC_VIRTUAL, /* no device behind it: veth, software RDMA */
    MLB_NIC_KINDS
};
extern const char *const mlb_nic_kind_names[]; /* "efa" ... "virtual"; NULL-terminated */

enum mlb_nic_state { MLB_NIC_UNKNOWN, MLB_NIC_UP, MLB_NIC_DOWN };

/* What a PCIe link runs at, and what the lesser of its two ends could. NCCL reads only the latter,
 * so a link that was trained down is invisible to it (src/graph/xml.cc of 2.28.9). */
struct mlb_pcie {
    double now_gt_per_s, most_gt_per_s; /* a lane; 0 = unknown */
    int now_lanes, most_lanes;          /* 0 = unknown */
};

struct mlb_nic { /* one port */
    enum mlb_nic_kind kind;
    enum mlb_nic_state state;
    int port;        /* of a device of /sys/class/infiniband, from 1; 0 = a network device */
    char device[32]; /* "mlx5_0", "rdmap79s0", "eth0" */
    char name[40];   /* the same, with ":2" for further ports of a device */
    char driver[24]; /* "mlx5_core", "efa", "gve" */
    char pci_id[16]; /* "0000:1b:00.0"; "" = not on PCI */
    char part[12];   /* vendor and product: "15b3:1021" */
    char said[40];   /* the kernel's own word for the state: "DOWN, Polling" */
    int numa;        /* -1 = unknown */
    double line_bytes_per_s; /* one direction; 0 = unknown */
    struct mlb_pcie pcie;
};

struct mlb_fabric_gpu {
    char pci_id[16];
    int numa; /* -1 = unknown */
    struct mlb_pcie pcie;
    int nvlinks, nvlinks_up; /* 0, 0 = it has none, or nobody could tell */
};

/* Evidence that a NIC may reach GPU memory. It says what could be; what NCCL did is in a row. */
struct mlb_gpudirect {
    char module[24];  /* "nvidia_peermem", "nv_peer_mem", "efa_nv_peermem"; "" = none is loaded */
    char version[32]; /* of it; may be "" */
    bool dmabuf;      /* possible: the NVIDIA driver's open modules, Linux 5.12, an RDMA device */
};

#define MLB_FABRIC_NICS    64
#define MLB_FABRIC_GPUS    16
#define MLB_FABRIC_PLUGINS 8

struct mlb_fabric {
    struct mlb_nic nics[MLB_FABRIC_NICS]; /* RDMA devices first, each kind by name */
    size_t nic_count, nics_left_out;
    struct mlb_fabric_gpu gpus[MLB_FABRIC_GPUS]; /* NVIDIA's, by PCI id */
    size_t gpu_count;
    int nvswitches; /* on this machine's PCI */
    struct mlb_gpudirect gpudirect;
    bool gib, tcpx, tcpxo; /* the plugin's folder, library or device node is there */
    /* NCCL's network plugins where its loader would look: names of files. */
    char plugins[MLB_FABRIC_PLUGINS][48];
    size_t plugin_count;
};

void mlb_fabric_read(const char *root, struct mlb_fabric *fabric);

/* Asks NVML (the file `library`, NULL: where it usually is) for the NVLinks of fabric->gpus;
 * without it they stay unknown. Apart from the above, since it starts a library. */
void mlb_fabric_read_nvlinks(const char *library, struct mlb_fabric *fabric);

/* Parts of the above; only fabric.c calls them. The last one needs the list of NICs. */
void mlb_fabric_read_plugins(const char *root, struct mlb_fabric *fabric);
void mlb_fabric_read_pci(const char *root, struct mlb_fabric *fabric); /* GPUs, NVSwitches */
void mlb_fabric_read_gpudirect(const char *root, struct mlb_fabric *fabric);
/* What `path` ("/sys/class/net/eth0/device") tells of driver, PCI id, NUMA node and PCIe link. */
void mlb_fabric_read_device(const char *root, const char *path, struct mlb_nic *nic);

bool mlb_nic_is_rdma(enum mlb_nic_kind kind); /* efa, ib, roce, gib */
/* "module", "dmabuf" or "none": the strongest evidence for GPUDirect RDMA. */
const char *mlb_gpudirect_word(const struct mlb_gpudirect *gpudirect);

/* For `mlbench info` and the record. json: the caller deletes; NULL when out of memory. */
void mlb_fabric_print(const struct mlb_fabric *fabric, struct mlb_text *text);
cJSON *mlb_fabric_to_json(const struct mlb_fabric *fabric);

/* ------------------------------------------------------------------------------- what is wrong */

struct mlb_finding {
    bool warn;     /* else it is a note */
    char code[16]; /* "port", "link", "pcie", "gpudirect", "setting", ... */
    char text[192];
};

/* A list that remembers what found no room. */
struct mlb_findings {
    struct mlb_finding *items; /* `capacity` long, the caller's */
    size_t count, capacity, left_out;
};
void mlb_find(struct mlb_findings *findings, bool warn, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Within one machine: RDMA ports that are down or slower while most of their twins are up, PCIe
 * links that were trained down, NVLinks that are down on one GPU. Pure. */
void mlb_fabric_judge(const struct mlb_fabric *fabric, struct mlb_findings *findings);

/* What is compared between machines: small enough to be gathered from every rank. */
struct mlb_brief_port {
    char name[24];
    unsigned char kind, state;
    double line_bytes_per_s;
};
struct mlb_fabric_brief {
    struct mlb_brief_port ports[MLB_FABRIC_NICS];
    size_t port_count;
    char gpudirect[8]; /* mlb_gpudirect_word */
    int gpus;
};
void mlb_fabric_brief(const struct mlb_fabric *fabric, struct mlb_fabric_brief *brief);
/* The same ports at the same rates in the same state, and the same evidence for GPUDirect. */
bool mlb_fabric_alike(const struct mlb_fabric_brief *a, const struct mlb_fabric_brief *b);
/* In what `mine` is worse or other than `usual`, which most machines have. Pure. */
void mlb_fabric_differ(const struct mlb_fabric_brief *mine, const struct mlb_fabric_brief *usual,
                       struct mlb_findings *findings);

#endif
