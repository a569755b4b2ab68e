/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of PCI devices: their links, and which of them are GPUs and NVSwitches. */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/system/fabric.h"
#include "harness/system/procfs.h"

#define PCI_ROOT "/sys/bus/pci/devices"

/* ---------------------------------------------------------------------------------- PCIe links */

/* "32.0 GT/s PCIe"; "Unknown" in many virtual machines. */
static double read_speed(const char *folder, const char *file)
{
    char text[48], path[32];
    double gt_per_s = 0.0;
    mlb_format(path, sizeof path, "/%s", file);
    mlb_procfs_read(folder, path, text, sizeof text);
    return sscanf(text, "%lf GT/s", &gt_per_s) == 1 && gt_per_s > 0.0 ? gt_per_s : 0.0;
}

/* 0 and 255 are what devices without a link of their own say. */
static int read_lanes(const char *folder, const char *file)
{
    char path[32];
    uint64_t lanes = 0;
    mlb_format(path, sizeof path, "/%s", file);
    return mlb_procfs_read_u64(folder, path, &lanes) && lanes <= 32 ? (int)lanes : 0;
}

/* A Gen5 card in a Gen4 slot is not trained down: the slot is the bridge above the device. */
static void read_pcie(const char *folder, struct mlb_pcie *pcie)
{
    char bridge[PATH_MAX];
    mlb_format(bridge, sizeof bridge, "%.*s", (int)(strrchr(folder, '/') - folder), folder);
    double slot_gt_per_s = read_speed(bridge, "max_link_speed");
    int slot_lanes = read_lanes(bridge, "max_link_width");
    pcie->now_gt_per_s = read_speed(folder, "current_link_speed");
    pcie->most_gt_per_s = read_speed(folder, "max_link_speed");
    pcie->now_lanes = read_lanes(folder, "current_link_width");
    pcie->most_lanes = read_lanes(folder, "max_link_width");
    if (slot_gt_per_s > 0.0 && slot_gt_per_s < pcie->most_gt_per_s)
        pcie->most_gt_per_s = slot_gt_per_s;
    if (slot_lanes > 0 && slot_lanes < pcie->most_lanes)
        pcie->most_lanes = slot_lanes;
}

/* ------------------------------------------------------------------------------------- devices */

/* "0000:1b:00.0" */
static bool is_pci_id(const char *name)
{
    static const char shape[] = "hhhh:hh:hh.h";
    for (size_t i = 0; shape[i]; i++)
        if (shape[i] == 'h' ? !isxdigit((unsigned char)name[i]) : name[i] != shape[i])
            return false;
    return name[sizeof shape - 1] == '\0';
}

static int read_numa(const char *folder)
{
    char text[16];
    return mlb_procfs_read(folder, "/numa_node", text, sizeof text) && isdigit((unsigned char)*text)
               ? atoi(text)
               : -1;
}

/* "0x15b3" -> "15b3" */
static void read_id(const char *folder, const char *file, char *to, size_t size)
{
    char text[16];
    mlb_procfs_read(folder, file, text, sizeof text);
    mlb_format(to, size, "%s", strncmp(text, "0x", 2) == 0 ? text + 2 : text);
}

/* Of a virtio device the PCI function is the folder above. Cuts `folder` down to it; false when the
 * device is not on PCI. */
static bool to_pci(char *folder)
{
    for (char *slash; (slash = strrchr(folder, '/')) != NULL; *slash = '\0')
        if (is_pci_id(slash + 1))
            return true;
    return false;
}

static void read_driver(const char *folder, char *to, size_t size)
{
    char path[PATH_MAX], driver[PATH_MAX];
    mlb_format(path, sizeof path, "%.4000s/driver", folder);
    const char *name = realpath(path, driver) ? strrchr(driver, '/') + 1 : "";
    mlb_format(to, size, "%s", name);
}

void mlb_fabric_read_device(const char *root, const char *path, struct mlb_nic *nic)
{
    char link[PATH_MAX], folder[PATH_MAX], vendor[8], product[8];
    mlb_format(link, sizeof link, "%s%s", root, path);
    if (!realpath(link, folder))
        return;
    read_driver(folder, nic->driver, sizeof nic->driver);
    if (!to_pci(folder))
        return;
    mlb_format(nic->pci_id, sizeof nic->pci_id, "%s", strrchr(folder, '/') + 1);
    read_id(folder, "/vendor", vendor, sizeof vendor);
    read_id(folder, "/device", product, sizeof product);
    if (vendor[0] && product[0])
        mlb_format(nic->part, sizeof nic->part, "%s:%s", vendor, product);
    nic->numa = read_numa(folder);
    read_pcie(folder, &nic->pcie);
}

/* ---------------------------------------------------------------------------- GPUs, NVSwitches */

/* PCI class codes: 0x0302 and 0x0300 are 3D and VGA controllers, 0x0680 another bridge, which is
 * what an NVSwitch says it is. */
static void take_nvidia(const char *folder, const char *id, struct mlb_fabric *fabric)
{
    char class[16];
    read_id(folder, "/class", class, sizeof class);
    bool gpu = strncmp(class, "0302", 4) == 0 || strncmp(class, "0300", 4) == 0;
    fabric->nvswitches += strncmp(class, "0680", 4) == 0;
    if (!gpu || fabric->gpu_count == MLB_FABRIC_GPUS)
        return;
    struct mlb_fabric_gpu *found = &fabric->gpus[fabric->gpu_count++];
    mlb_format(found->pci_id, sizeof found->pci_id, "%s", id);
    found->numa = read_numa(folder);
    read_pcie(folder, &found->pcie);
}

void mlb_fabric_read_pci(const char *root, struct mlb_fabric *fabric)
{
    char path[PATH_MAX], folder[PATH_MAX], vendor[8];
    struct dirent **entries = NULL;
    mlb_format(path, sizeof path, "%s" PCI_ROOT, root);
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *id = entries[i]->d_name;
        mlb_format(path, sizeof path, "%s" PCI_ROOT "/%s", root, id);
        if (is_pci_id(id) && realpath(path, folder)) {
            read_id(folder, "/vendor", vendor, sizeof vendor);
            if (strcmp(vendor, "10de") == 0)
                take_nvidia(folder, id, fabric);
        }
        free(entries[i]);
    }
    free(entries);
}
