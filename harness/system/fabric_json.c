/* SPDX-License-Identifier: Apache-2.0 */
/* The network as text for `mlbench info`, and as JSON for the record. Keys are listed in this
 * folder's README. */
#include "harness/base/json.h"
#include "harness/base/units.h"
#include "harness/system/fabric.h"

static const char *const state_names[] = {"", "up", "down"};

/* ---------------------------------------------------------------------------------------- text */

/* A generation doubles the rate of a lane: 2.5, 5, 8, 16, 32, 64 GT/s are 1 to 6. */
static int generation(double gt_per_s)
{
    int number = gt_per_s < 4.0 ? 1 : gt_per_s < 6.0 ? 2 : 3;
    for (double rate = 8.0; number >= 3 && rate * 1.5 < gt_per_s; rate *= 2.0)
        number++;
    return number;
}

static void print_pcie(const struct mlb_pcie *pcie, struct mlb_text *text)
{
    if (!(pcie->now_gt_per_s > 0.0) || !pcie->now_lanes)
        return;
    mlb_text_addf(text, "  PCIe %d x%d", generation(pcie->now_gt_per_s), pcie->now_lanes);
    if (pcie->most_lanes > 0 && pcie->most_gt_per_s > 0.0 &&
        (pcie->now_lanes < pcie->most_lanes || pcie->now_gt_per_s < pcie->most_gt_per_s))
        mlb_text_addf(text, " (of %d x%d)", generation(pcie->most_gt_per_s), pcie->most_lanes);
}

static void print_nic(const struct mlb_nic *nic, struct mlb_text *text)
{
    char rate[MLB_UNIT_TEXT];
    size_t start = text->length;
    mlb_text_addf(text, "  %-12s %-9s %-9s", nic->name, mlb_nic_kind_names[nic->kind],
                  nic->line_bytes_per_s > 0.0 ? mlb_print_rate(rate, nic->line_bytes_per_s, "B/s")
                                              : "");
    mlb_text_addf(text, "  %s", state_names[nic->state]);
    if (nic->state == MLB_NIC_DOWN && nic->said[0])
        mlb_text_addf(text, " (%s)", nic->said);
    if (nic->pci_id[0])
        mlb_text_addf(text, "  %s", nic->pci_id);
    if (nic->numa >= 0)
        mlb_text_addf(text, "  node %d", nic->numa);
    print_pcie(&nic->pcie, text);
    while (text->length > start && text->data[text->length - 1] == ' ')
        text->data[--text->length] = '\0';
    mlb_text_add(text, "\n");
}

static void print_gpudirect(const struct mlb_fabric *fabric, struct mlb_text *text)
{
    const struct mlb_gpudirect *gpudirect = &fabric->gpudirect;
    if (fabric->gpu_count == 0 && !gpudirect->module[0])
        return;
    mlb_text_add(text, "  GPUDirect RDMA: ");
    if (gpudirect->module[0])
        mlb_text_addf(text, "module %s%s%s%s", gpudirect->module, gpudirect->version[0] ? " " : "",
                      gpudirect->version, gpudirect->dmabuf ? ", " : "");
    mlb_text_add(text, gpudirect->dmabuf      ? "DMA-BUF possible"
                       : gpudirect->module[0] ? ""
                                              : "no evidence");
    mlb_text_add(text, "\n");
}

/* "18 of 18", or of the GPUs with the fewest and the most. */
static void print_nvlinks(const struct mlb_fabric *fabric, struct mlb_text *text)
{
    int links = 0, least = 0, most = 0;
    for (size_t i = 0; i < fabric->gpu_count; i++) {
        const struct mlb_fabric_gpu *gpu = &fabric->gpus[i];
        links = gpu->nvlinks > links ? gpu->nvlinks : links;
        most = gpu->nvlinks_up > most ? gpu->nvlinks_up : most;
        least = i == 0 || gpu->nvlinks_up < least ? gpu->nvlinks_up : least;
    }
    if (links == 0)
        return;
    mlb_text_add(text, "  NVLinks up on a GPU: ");
    if (least < most)
        mlb_text_addf(text, "%d to ", least);
    mlb_text_addf(text, "%d of %d\n", most, links);
}

static void print_plugins(const struct mlb_fabric *fabric, struct mlb_text *text)
{
    if (fabric->plugin_count == 0 && fabric->gpu_count == 0)
        return;
    mlb_text_add(text, "  NCCL network plugins:");
    for (size_t i = 0; i < fabric->plugin_count; i++)
        mlb_text_addf(text, "%s %s", i > 0 ? "," : "", fabric->plugins[i]);
    mlb_text_add(text, fabric->plugin_count ? "\n" : " none found\n");
}

void mlb_fabric_print(const struct mlb_fabric *fabric, struct mlb_text *text)
{
    if (fabric->nic_count == 0)
        mlb_text_add(text, "  no port: /sys/class/infiniband and /sys/class/net have none\n");
    for (size_t i = 0; i < fabric->nic_count; i++)
        print_nic(&fabric->nics[i], text);
    if (fabric->nics_left_out)
        mlb_text_addf(text, "  and %zu more\n", fabric->nics_left_out);
    if (fabric->nvswitches)
        mlb_text_addf(text, "  NVSwitches: %d\n", fabric->nvswitches);
    print_nvlinks(fabric, text);
    print_gpudirect(fabric, text);
    print_plugins(fabric, text);
}

/* ---------------------------------------------------------------------------------------- JSON */

/* Each add_ returns false when out of memory. */

static bool add_text(cJSON *object, const char *key, const char *value)
{
    return value[0] == '\0' || cJSON_AddStringToObject(object, key, value);
}

static bool add_positive(cJSON *object, const char *key, double value)
{
    return !(value > 0.0) || cJSON_AddNumberToObject(object, key, value);
}

static bool add_numa(cJSON *object, int numa)
{
    return numa < 0 || cJSON_AddNumberToObject(object, "numa", numa);
}

static bool add_pcie(cJSON *object, const struct mlb_pcie *pcie)
{
    if (!(pcie->now_gt_per_s > 0.0) && pcie->now_lanes == 0)
        return true;
    cJSON *json = cJSON_AddObjectToObject(object, "pcie");
    return json && add_positive(json, "gt_per_s", pcie->now_gt_per_s) &&
           add_positive(json, "lanes", pcie->now_lanes) &&
           add_positive(json, "most_gt_per_s", pcie->most_gt_per_s) &&
           add_positive(json, "most_lanes", pcie->most_lanes);
}

static bool add_nic(cJSON *list, const struct mlb_nic *nic)
{
    cJSON *json = mlb_json_append(list, cJSON_CreateObject());
    return json && add_text(json, "name", nic->name) &&
           add_text(json, "kind", mlb_nic_kind_names[nic->kind]) &&
           add_text(json, "driver", nic->driver) && add_text(json, "pci_id", nic->pci_id) &&
           add_text(json, "part", nic->part) && add_text(json, "state", state_names[nic->state]) &&
           add_text(json, "said", nic->said) &&
           add_positive(json, "line_bytes_per_s", nic->line_bytes_per_s) &&
           add_numa(json, nic->numa) && add_pcie(json, &nic->pcie);
}

static bool add_nics(cJSON *json, const struct mlb_fabric *fabric)
{
    cJSON *list = cJSON_AddArrayToObject(json, "nics");
    bool good = list != NULL;
    for (size_t i = 0; good && i < fabric->nic_count; i++)
        good = add_nic(list, &fabric->nics[i]);
    return good && add_positive(json, "nics_left_out", (double)fabric->nics_left_out);
}

static bool add_gpus(cJSON *json, const struct mlb_fabric *fabric)
{
    cJSON *list = fabric->gpu_count ? cJSON_AddArrayToObject(json, "gpus") : NULL;
    bool good = list || fabric->gpu_count == 0;
    for (size_t i = 0; good && i < fabric->gpu_count; i++) {
        const struct mlb_fabric_gpu *gpu = &fabric->gpus[i];
        cJSON *element = mlb_json_append(list, cJSON_CreateObject());
        good =
            element && add_text(element, "pci_id", gpu->pci_id) && add_numa(element, gpu->numa) &&
            add_pcie(element, &gpu->pcie) && add_positive(element, "nvlinks", gpu->nvlinks) &&
            (gpu->nvlinks == 0 || cJSON_AddNumberToObject(element, "nvlinks_up", gpu->nvlinks_up));
    }
    return good && add_positive(json, "nvswitches", fabric->nvswitches);
}

static bool add_gpudirect(cJSON *json, const struct mlb_gpudirect *gpudirect)
{
    cJSON *group = cJSON_AddObjectToObject(json, "gpudirect_rdma");
    return group && add_text(group, "evidence", mlb_gpudirect_word(gpudirect)) &&
           add_text(group, "module", gpudirect->module) &&
           add_text(group, "version", gpudirect->version) &&
           (!gpudirect->dmabuf || cJSON_AddTrueToObject(group, "dmabuf_possible"));
}

static bool add_plugins(cJSON *json, const struct mlb_fabric *fabric)
{
    cJSON *list = fabric->plugin_count ? cJSON_AddArrayToObject(json, "plugins") : NULL;
    bool good = list || fabric->plugin_count == 0;
    for (size_t i = 0; good && i < fabric->plugin_count; i++)
        good = cJSON_AddItemToArray(list, cJSON_CreateString(fabric->plugins[i]));
    return good;
}

cJSON *mlb_fabric_to_json(const struct mlb_fabric *fabric)
{
    cJSON *json = cJSON_CreateObject();
    if (json && add_nics(json, fabric) && add_gpus(json, fabric) &&
        add_gpudirect(json, &fabric->gpudirect) && add_plugins(json, fabric))
        return json;
    cJSON_Delete(json);
    return NULL;
}
