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

struct port {
    const char *name, *kind;
    double line_bytes_per_s;
};

static bool read_port(const cJSON *json, struct port *port)
{
    const char *state = "";
    *port = (struct port){.name = "", .kind = ""};
    mlb_json_get_text(json, "name", &port->name);
    mlb_json_get_text(json, "kind", &port->kind);
    mlb_json_get_text(json, "state", &state);
    mlb_json_get_real(json, "line_bytes_per_s", &port->line_bytes_per_s);
    return strcmp(state, "down") != 0;
}

/* Of the fabric; without one, of the row (may be NULL). */
static size_t list_ports(const struct mlb_result *result, const struct mlb_row *row,
                         struct port ports[MLB_ROW_PORTS])
{
    size_t count = 0;
    const cJSON *nics = cJSON_GetObjectItemCaseSensitive(result->fabric, "nics");
    for (const cJSON *nic = nics ? nics->child : NULL; nic; nic = nic->next)
        count += count < MLB_ROW_PORTS && read_port(nic, &ports[count]);
    for (size_t i = 0; !result->fabric && row && i < row->port_count; i++)
        ports[count++] =
            (struct port){row->ports[i].name, row->ports[i].kind, row->ports[i].line_bytes_per_s};
    return count;
}

/* Which ports count: of this kind, at nine tenths of this rate at least. */
struct choice {
    const char *kind; /* NULL = none */
    int rank;
    double line_bytes_per_s;
};

/* The best kind; of several as good the one with the most to carry (storage may have a network of
 * its own), and its fastest port. */
static struct choice choose(const struct port *ports, size_t count)
{
    struct choice best = {0};
    double best_sum = 0.0;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct choice choice = {.rank = kinds[k].rank};
        double sum = 0.0;
        for (size_t i = 0; i < count; i++) {
            if (strcmp(ports[i].kind, kinds[k].kind) != 0)
                continue;
            choice.kind = kinds[k].kind;
            choice.line_bytes_per_s = fmax(choice.line_bytes_per_s, ports[i].line_bytes_per_s);
            sum += ports[i].line_bytes_per_s;
        }
        bool better = choice.rank > best.rank || (choice.rank == best.rank && sum > best_sum);
        if (!choice.kind || !better)
            continue;
        best = choice;
        best_sum = sum;
    }
    return best;
}

static bool is_chosen(const struct choice *choice, const char *kind, double line_bytes_per_s)
{
    return choice->kind && strcmp(kind, choice->kind) == 0 &&
           line_bytes_per_s >= 0.9 * choice->line_bytes_per_s;
}

/* Drivers that don't ask the card say this of all: 200 and 400 Gb/s ones too (Linux,
 * drivers/infiniband/hw/efa/efa_verbs.c, efa_query_port before max_link_speed_gbps). */
#define EFA_USUAL_BYTES_PER_S 12.5e9

static bool is_certain(const struct choice *choice)
{
    bool usual = strcmp(choice->kind ? choice->kind : "", "efa") == 0 &&
                 fabs(choice->line_bytes_per_s / EFA_USUAL_BYTES_PER_S - 1.0) < 1e-3;
    return choice->rank == RDMA && !usual;
}

struct mlb_nics mlb_nics_of(const struct mlb_result *result, const struct mlb_row *row)
{
    struct port ports[MLB_ROW_PORTS];
    size_t count = list_ports(result, row, ports);
    struct choice choice = choose(ports, count);
    struct mlb_nics nics = {.rdma = choice.rank == RDMA, .certain = is_certain(&choice)};
    for (size_t i = 0; i < count; i++) {
        if (!is_chosen(&choice, ports[i].kind, ports[i].line_bytes_per_s))
            continue;
        nics.ports++;
        nics.line_bytes_per_s += choice.rank == VIRTUAL ? 0.0 : ports[i].line_bytes_per_s;
    }
    return nics;
}

/* ---------------------------------------------------------------------------------------- counted
 */

static double more_of(double sent, double received)
{
    return sent > received ? sent : received;
}

struct mlb_nic_bytes mlb_nics_counted(const struct mlb_result *result, const struct mlb_row *row)
{
    struct port ports[MLB_ROW_PORTS];
    struct choice choice = choose(ports, list_ports(result, row, ports));
    int lowest = choice.rank == VIRTUAL ? VIRTUAL : ETHERNET;
    double sent[2] = {0.0}, received[2] = {0.0}, steps = (double)row->ports_steps;
    for (size_t i = 0; i < row->port_count; i++) {
        const struct mlb_row_port *port = &row->ports[i];
        bool counts[2] = {is_chosen(&choice, port->kind, port->line_bytes_per_s),
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

static double bytes_of_port(const struct mlb_row *row, const char *name)
{
    for (size_t i = 0; i < row->port_count; i++)
        if (strcmp(row->ports[i].name, name) == 0)
            return more_of((double)row->ports[i].sent_bytes, (double)row->ports[i].received_bytes);
    return 0.0;
}

size_t mlb_nics_shares(const struct mlb_result *result, const struct mlb_row *row,
                       struct mlb_nic_share shares[MLB_ROW_PORTS])
{
    struct port ports[MLB_ROW_PORTS];
    size_t count = list_ports(result, row, ports), shown = 0;
    struct choice choice = choose(ports, count);
    for (size_t i = 0; i < count && row->ports_steps > 0; i++)
        if (is_chosen(&choice, ports[i].kind, ports[i].line_bytes_per_s))
            shares[shown++] = (struct mlb_nic_share){
                ports[i].name, bytes_of_port(row, ports[i].name) / (double)row->ports_steps};
    return shown;
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
