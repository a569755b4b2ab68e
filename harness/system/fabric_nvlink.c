/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/nvml.h"
#include "harness/system/fabric.h"

void mlb_fabric_read_nvlinks(const char *library, struct mlb_fabric *fabric)
{
    for (size_t i = 0; i < fabric->gpu_count; i++) {
        struct mlb_fabric_gpu *gpu = &fabric->gpus[i];
        struct mlb_nvml nvml = {0};
        struct mlb_error ignored = {0};
        if (mlb_nvml_open(&nvml, library, gpu->pci_id, &ignored) == MLB_OK)
            mlb_nvml_nvlinks(&nvml, &gpu->nvlinks, &gpu->nvlinks_up);
        mlb_nvml_close(&nvml);
    }
}
