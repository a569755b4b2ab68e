/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/nics.h"

#include <math.h>
#include <string.h>

#include "harness/base/json.h"

/* ----------------------------------------------------------------------------------------- NICs */

/* Best first: where one kind is there, a job uses no lower one. */
enum { VIRTUAL = 1, ETHERNET, OVER_ETHERNET, RDMA };
static const struct {
    const char *kind;
    int rank;
} kinds[] = {{"efa", RDMA},           {"ib", RDMA},
             {"roce", RDMA},          {"gib", RDMA},
             {"tcpx", OVER_ETHERNET}, {"tcpxo", OVER_ETHERNET},
             {"ethernet", ETHERNET},  {"virtual", VIRTUAL}};

static int rank_of(const char *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].rank;
    return 0;
}

/* Which ports count: of this rank, at this rate at least. */
struct limit {
    int rank;
    double line_bytes_per_s;
};

static bool is_fast(const struct limit *limit, const char *kind, double line_bytes_per_s)
{
    return limit->rank > 0 && rank_of(kind) == limit->rank &&
           line_bytes_per_s >= 0.5 * limit->line_bytes_per_s;
}

static void raise_limit(struct limit *limit, const char *kind, double line_bytes_per_s)
{
    int rank = rank_of(kind);
    if (rank > limit->rank)
        *limit = (struct limit){rank, line_bytes_per_s};
    else if (rank == limit->rank)
        limit->line_bytes_per_s = fmax(limit->line_bytes_per_s, line_bytes_per_s);
}

static void add_port(struct mlb_nics *nics, const struct limit *limit, const char *kind,
                     double line_bytes_per_s)
{
    if (!is_fast(limit, kind, line_bytes_per_s))
        return;
    nics->ports++;
    nics->certain = limit->rank == RDMA;
    nics->line_bytes_per_s += limit->rank == VIRTUAL ? 0.0 : line_bytes_per_s;
}

static const cJSON *ports_of(const struct mlb_result *result)
{
    const cJSON *ports = cJSON_GetObjectItemCaseSensitive(result->fabric, "nics");
    return ports && ports->child ? ports->child : NULL;
}

/* Kind and rate of a port of the fabric; "" for one that is down. */
static const char *read_port(const cJSON *port, double *line_bytes_per_s)
{
    const char *kind = "", *state = "";
    *line_bytes_per_s = 0.0;
    mlb_json_get_text(port, "kind", &kind);
    mlb_json_get_text(port, "state", &state);
    mlb_json_get_real(port, "line_bytes_per_s", line_bytes_per_s);
    return strcmp(state, "down") == 0 ? "" : kind;
}

static struct limit limit_of(const struct mlb_result *result, const struct mlb_row *row)
{
    struct limit limit = {0};
    double rate;
    for (const cJSON *port = ports_of(result); port; port = port->next) {
        const char *kind = read_port(port, &rate);
        raise_limit(&limit, kind, rate);
    }
    for (size_t i = 0; !result->fabric && row && i < row->port_count; i++)
        raise_limit(&limit, row->ports[i].kind, row->ports[i].line_bytes_per_s);
    return limit;
}

struct mlb_nics mlb_nics_of(const struct mlb_result *result, const struct mlb_row *row)
{
    struct limit limit = limit_of(result, row);
    struct mlb_nics nics = {0};
    double rate;
    for (const cJSON *port = ports_of(result); port; port = port->next) {
        const char *kind = read_port(port, &rate);
        add_port(&nics, &limit, kind, rate);
    }
    for (size_t i = 0; !result->fabric && row && i < row->port_count; i++)
        add_port(&nics, &limit, row->ports[i].kind, row->ports[i].line_bytes_per_s);
    return nics;
}

static double more_of(double sent, double received)
{
    return sent > received ? sent : received;
}

struct mlb_nic_bytes mlb_nics_counted(const struct mlb_result *result, const struct mlb_row *row)
{
    struct limit limit = limit_of(result, row);
    int lowest = limit.rank == VIRTUAL ? VIRTUAL : ETHERNET;
    double sent[2] = {0.0}, received[2] = {0.0}, steps = (double)row->ports_steps;
    for (size_t i = 0; i < row->port_count; i++) {
        const struct mlb_row_port *port = &row->ports[i];
        bool counts[2] = {is_fast(&limit, port->kind, port->line_bytes_per_s),
                          rank_of(port->kind) >= lowest};
        for (int j = 0; j < 2; j++) {
            sent[j] += counts[j] ? (double)port->sent_bytes : 0.0;
            received[j] += counts[j] ? (double)port->received_bytes : 0.0;
        }
    }
    if (row->port_count == 0 || steps == 0.0)
        return (struct mlb_nic_bytes){0};
    return (struct mlb_nic_bytes){true, more_of(sent[0], received[0]) / steps,
                                  more_of(sent[1], received[1]) / steps};
}

/* --------------------------------------------------------------------------------------- NVLink */

/* Links of a GPU x 25 GB/s one way (NVLink 3 and 4), x 50 GB/s (NVLink 5): 12, 18 and 18. From
 * NVIDIA's datasheets of A100 (600 GB/s both ways together), H100 and H200 (900) and HGX B200
 * (1800). Names are compared whole: PCIe cards and their bridges are other things, and the NVLink
 * of GB200 reaches beyond a machine. */
static const struct {
    const char *name;
    double bytes_per_s;
} nvlinks[] = {{"NVIDIA A100-SXM4-40GB", 300e9},
               {"A100-SXM4-40GB", 300e9},
               {"NVIDIA A100-SXM4-80GB", 300e9},
               {"A100-SXM4-80GB", 300e9},
               {"NVIDIA H100 80GB HBM3", 450e9},
               {"NVIDIA H200", 450e9},
               {"NVIDIA B200", 900e9}};

double mlb_nvlink_bytes_per_s(const struct mlb_device_info *device)
{
    for (size_t i = 0; i < sizeof nvlinks / sizeof *nvlinks; i++)
        if (strcmp(nvlinks[i].name, device->name) == 0)
            return nvlinks[i].bytes_per_s;
    return 0.0;
}
