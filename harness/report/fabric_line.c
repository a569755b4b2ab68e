/* SPDX-License-Identifier: Apache-2.0 */
/* The line about the network of a job that has more than one machine. */
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/report/row.h"

static void add_ports(const cJSON *ports, struct mlb_text *to)
{
    const char *kind = "", *before = to->length ? "; " : "";
    double count = 0.0, up = 0.0, line_bytes_per_s = 0.0;
    char rate[MLB_UNIT_TEXT];
    if (!mlb_json_get_text(ports, "kind", &kind) || !mlb_json_get_real(ports, "ports", &count) ||
        !mlb_json_get_real(ports, "up", &up))
        return;
    mlb_text_addf(to, "%s%.0f of %.0f %s port%s up", before, up, count, kind,
                  count == 1.0 ? "" : "s");
    if (mlb_json_get_real(ports, "line_bytes_per_s", &line_bytes_per_s))
        mlb_text_addf(to, ", %s", mlb_print_rate(rate, line_bytes_per_s, "B/s"));
}

/* The machines that are not like most; the first group is the largest. */
static void add_others(const cJSON *groups, struct mlb_text *to)
{
    const char *before = "; other on machine ", *machines = "";
    for (const cJSON *group = groups->child->next; group; group = group->next) {
        if (!mlb_json_get_text(group, "machines", &machines))
            continue;
        mlb_text_addf(to, "%s%s", before, machines);
        before = ", ";
    }
}

bool mlb_report_network_text(const struct mlb_result *result, char *to, size_t size)
{
    const cJSON *groups = cJSON_GetObjectItemCaseSensitive(result->fabric, "machines"), *ports;
    const char *evidence = "none";
    struct mlb_text text = {0};
    if (result->nodes < 2 || !groups || !groups->child)
        return false;
    cJSON_ArrayForEach(ports, cJSON_GetObjectItemCaseSensitive(groups->child, "ports"))
    {
        add_ports(ports, &text);
    }
    mlb_json_get_text(groups->child, "gpudirect_rdma", &evidence);
    if (strcmp(evidence, "none") != 0)
        mlb_text_addf(&text, "; GPUDirect RDMA by %s",
                      strcmp(evidence, "module") == 0 ? "a module" : "DMA-BUF");
    add_others(groups, &text);
    mlb_format(to, size, "%s", mlb_text_get(&text));
    mlb_text_free(&text);
    return to[0] != '\0';
}
