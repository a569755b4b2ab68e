/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a machine's network, by itself and beside other machines. Pure. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/system/fabric.h"

void mlb_find(struct mlb_findings *findings, bool warn, const char *code, const char *format, ...)
{
    if (findings->count == findings->capacity) {
        findings->left_out++;
        return;
    }
    struct mlb_finding *finding = &findings->items[findings->count++];
    va_list list;
    finding->warn = warn;
    mlb_format(finding->code, sizeof finding->code, "%s", code);
    va_start(list, format);
    vsnprintf(finding->text, sizeof finding->text, format, list);
    va_end(list);
}

/* ---------------------------------------------------------------------------------- one machine */

/* Twins carry the same traffic: the ports of one number of devices of one make. Ethernet ports are
 * no twins: that one of two has no cable is how most machines stand. */
static bool are_twins(const struct mlb_nic *a, const struct mlb_nic *b)
{
    return mlb_nic_is_rdma(a->kind) && a->kind == b->kind && a->port == b->port &&
           strcmp(a->part, b->part) == 0;
}

/* How many twins are up, and the rate that the fastest of them has. */
static size_t twins_up(const struct mlb_fabric *fabric, const struct mlb_nic *nic,
                       double *line_bytes_per_s, size_t *down)
{
    size_t up = 0;
    *line_bytes_per_s = 0.0;
    *down = 0;
    for (size_t i = 0; i < fabric->nic_count; i++) {
        const struct mlb_nic *twin = &fabric->nics[i];
        if (!are_twins(twin, nic))
            continue;
        up += twin->state == MLB_NIC_UP;
        *down += twin->state == MLB_NIC_DOWN;
        if (twin->state == MLB_NIC_UP && twin->line_bytes_per_s > *line_bytes_per_s)
            *line_bytes_per_s = twin->line_bytes_per_s;
    }
    return up;
}

static void judge_port(const struct mlb_fabric *fabric, const struct mlb_nic *nic,
                       struct mlb_findings *findings)
{
    char is[MLB_UNIT_TEXT], usual[MLB_UNIT_TEXT];
    double fastest;
    size_t down, up = twins_up(fabric, nic, &fastest, &down);
    if (nic->state == MLB_NIC_DOWN && up > down)
        mlb_find(findings, true, "port", "%s port %s is down (%s), %zu like it are up",
                 mlb_nic_kind_names[nic->kind], nic->name, nic->said, up);
    else if (nic->state == MLB_NIC_UP && nic->line_bytes_per_s > 0.0 &&
             nic->line_bytes_per_s < 0.99 * fastest)
        mlb_find(findings, true, "link", "%s port %s runs at %s, others like it at %s",
                 mlb_nic_kind_names[nic->kind], nic->name,
                 mlb_print_rate(is, nic->line_bytes_per_s, "B/s"),
                 mlb_print_rate(usual, fastest, "B/s"));
}

static void judge_lanes(const char *what, const char *pci_id, const struct mlb_pcie *pcie,
                        struct mlb_findings *findings)
{
    if (pcie->now_lanes > 0 && pcie->now_lanes < pcie->most_lanes)
        mlb_find(findings, true, "pcie",
                 "%s (%s) has %d of %d PCIe lanes; NCCL does not see that: reseat it, or ask the "
                 "provider for another machine",
                 what, pci_id, pcie->now_lanes, pcie->most_lanes);
}

/* A GPU at rest may lower the speed of its link by itself, a NIC does not. */
static void judge_speed(const struct mlb_nic *nic, struct mlb_findings *findings)
{
    const struct mlb_pcie *pcie = &nic->pcie;
    if (pcie->now_gt_per_s > 0.0 && pcie->now_gt_per_s < 0.99 * pcie->most_gt_per_s)
        mlb_find(
            findings, true, "pcie",
            "%s (%s) has a PCIe link of %.3g GT/s that could have %.3g; NCCL does not see that",
            nic->name, nic->pci_id, pcie->now_gt_per_s, pcie->most_gt_per_s);
}

/* Two ports of one device share its link, which is told once. */
static bool told(const struct mlb_fabric *fabric, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(fabric->nics[i].pci_id, fabric->nics[index].pci_id) == 0)
            return true;
    return false;
}

static bool rdma_on_node(const struct mlb_fabric *fabric, int numa)
{
    for (size_t i = 0; i < fabric->nic_count; i++)
        if (mlb_nic_is_rdma(fabric->nics[i].kind) && fabric->nics[i].state != MLB_NIC_DOWN &&
            (numa < 0 || fabric->nics[i].numa == numa))
            return true;
    return false;
}

/* Links that are down on all GPUs alike belong to a machine that was built so. */
static void judge_nvlinks(const struct mlb_fabric *fabric, struct mlb_findings *findings)
{
    int most = 0;
    for (size_t i = 0; i < fabric->gpu_count; i++)
        if (fabric->gpus[i].nvlinks_up > most)
            most = fabric->gpus[i].nvlinks_up;
    for (size_t i = 0; i < fabric->gpu_count; i++) {
        const struct mlb_fabric_gpu *gpu = &fabric->gpus[i];
        if (gpu->nvlinks > 0 && gpu->nvlinks_up < most)
            mlb_find(findings, true, "nvlink", "a GPU (%s) has %d NVLinks up, others have %d",
                     gpu->pci_id, gpu->nvlinks_up, most);
    }
}

/* GPUs whose NUMA node has no RDMA port while another node has. */
static void judge_pairs(const struct mlb_fabric *fabric, struct mlb_findings *findings)
{
    size_t far = 0;
    const struct mlb_fabric_gpu *first = NULL;
    for (size_t i = 0; i < fabric->gpu_count; i++) {
        const struct mlb_fabric_gpu *gpu = &fabric->gpus[i];
        if (gpu->numa < 0 || rdma_on_node(fabric, gpu->numa))
            continue;
        first = first ? first : gpu;
        far++;
    }
    if (far > 0 && rdma_on_node(fabric, -1))
        mlb_find(findings, false, "pairing",
                 "%zu of %zu GPUs (first %s, NUMA node %d) have no RDMA port that is up on their "
                 "NUMA node: what they send crosses the machine",
                 far, fabric->gpu_count, first->pci_id, first->numa);
}

void mlb_fabric_judge(const struct mlb_fabric *fabric, struct mlb_findings *findings)
{
    for (size_t i = 0; i < fabric->nic_count; i++) {
        const struct mlb_nic *nic = &fabric->nics[i];
        judge_port(fabric, nic, findings);
        if (!nic->pci_id[0] || told(fabric, i))
            continue;
        judge_lanes(nic->name, nic->pci_id, &nic->pcie, findings);
        judge_speed(nic, findings);
    }
    for (size_t i = 0; i < fabric->gpu_count; i++)
        judge_lanes("a GPU", fabric->gpus[i].pci_id, &fabric->gpus[i].pcie, findings);
    judge_nvlinks(fabric, findings);
    judge_pairs(fabric, findings);
}

/* ------------------------------------------------------------------------------ several machines
 */

void mlb_fabric_brief(const struct mlb_fabric *fabric, struct mlb_fabric_brief *brief)
{
    memset(brief, 0, sizeof *brief);
    for (size_t i = 0; i < fabric->nic_count; i++) {
        const struct mlb_nic *nic = &fabric->nics[i];
        struct mlb_brief_port *port = &brief->ports[brief->port_count++];
        mlb_format(port->name, sizeof port->name, "%s", nic->name);
        port->kind = (unsigned char)nic->kind;
        port->state = (unsigned char)nic->state;
        port->line_bytes_per_s = nic->line_bytes_per_s;
    }
    brief->gpus = (int)fabric->gpu_count;
    mlb_format(brief->gpudirect, sizeof brief->gpudirect, "%s",
               mlb_gpudirect_word(&fabric->gpudirect));
}

static size_t count_kind(const struct mlb_fabric_brief *brief, unsigned char kind)
{
    size_t count = 0;
    for (size_t i = 0; i < brief->port_count; i++)
        count += brief->ports[i].kind == kind;
    return count;
}

static const struct mlb_brief_port *same_port(const struct mlb_fabric_brief *brief,
                                              const struct mlb_brief_port *port)
{
    for (size_t i = 0; i < brief->port_count; i++)
        if (strcmp(brief->ports[i].name, port->name) == 0 && brief->ports[i].kind == port->kind)
            return &brief->ports[i];
    return NULL;
}

static void differ_in_number(const struct mlb_fabric_brief *mine,
                             const struct mlb_fabric_brief *usual, struct mlb_findings *findings)
{
    for (unsigned char kind = 0; kind < MLB_NIC_VIRTUAL; kind++) {
        size_t has = count_kind(mine, kind), should = count_kind(usual, kind);
        if (has != should)
            mlb_find(findings, true, "fabric", "%zu %s port%s, where others have %zu", has,
                     mlb_nic_kind_names[kind], has == 1 ? "" : "s", should);
    }
}

static void differ_in_port(const struct mlb_brief_port *mine, const struct mlb_brief_port *usual,
                           struct mlb_findings *findings)
{
    char is[MLB_UNIT_TEXT], should[MLB_UNIT_TEXT];
    const char *kind = mlb_nic_kind_names[mine->kind];
    if (mine->state == MLB_NIC_DOWN && usual->state == MLB_NIC_UP)
        mlb_find(findings, true, "port", "%s port %s is down, on others it is up", kind,
                 mine->name);
    else if (mine->line_bytes_per_s > 0.0 && mine->state == MLB_NIC_UP &&
             mine->line_bytes_per_s < 0.99 * usual->line_bytes_per_s)
        mlb_find(findings, true, "link", "%s port %s runs at %s, on others at %s", kind, mine->name,
                 mlb_print_rate(is, mine->line_bytes_per_s, "B/s"),
                 mlb_print_rate(should, usual->line_bytes_per_s, "B/s"));
}

bool mlb_fabric_alike(const struct mlb_fabric_brief *a, const struct mlb_fabric_brief *b)
{
    if (a->port_count != b->port_count || a->gpus != b->gpus ||
        strcmp(a->gpudirect, b->gpudirect) != 0)
        return false;
    for (unsigned char kind = 0; kind < MLB_NIC_KINDS; kind++)
        if (count_kind(a, kind) != count_kind(b, kind))
            return false;
    for (size_t i = 0; i < a->port_count; i++) {
        const struct mlb_brief_port *port = &a->ports[i], *twin = same_port(b, port);
        if (twin &&
            (twin->state != port->state || twin->line_bytes_per_s != port->line_bytes_per_s))
            return false;
    }
    return true;
}

static const char *evidence(const char *word)
{
    return strcmp(word, "module") == 0   ? "a peer-memory module is loaded"
           : strcmp(word, "dmabuf") == 0 ? "DMA-BUF is possible"
                                         : "there is no evidence";
}

void mlb_fabric_differ(const struct mlb_fabric_brief *mine, const struct mlb_fabric_brief *usual,
                       struct mlb_findings *findings)
{
    differ_in_number(mine, usual, findings);
    for (size_t i = 0; i < mine->port_count; i++) {
        const struct mlb_brief_port *port = &mine->ports[i], *twin = same_port(usual, port);
        if (twin)
            differ_in_port(port, twin, findings);
    }
    if (strcmp(mine->gpudirect, usual->gpudirect) != 0)
        mlb_find(findings, true, "gpudirect", "for GPUDirect RDMA %s, where on others %s",
                 evidence(mine->gpudirect), evidence(usual->gpudirect));
    if (mine->gpus != usual->gpus)
        mlb_find(findings, true, "fabric", "%d GPUs on PCI, where others have %d", mine->gpus,
                 usual->gpus);
}
