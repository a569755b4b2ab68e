/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/ports.h"

#include <stdlib.h>
#include <string.h>

#include "harness/system/procfs.h"

enum { PATH = 256, FILES = 4 };

/* Where a kind of port counts. Bytes are unit x (file 0, or the sum of the others where that is
 * more): EFA tells all of a port, and its sends and RDMA apart (drivers/infiniband/hw/efa/
 * efa_verbs.c); which of them the first includes has changed. InfiniBand counts words of four
 * bytes (Documentation/ABI/stable/sysfs-class-infiniband). */
struct source {
    uint64_t unit;
    const char *sent[FILES], *received[FILES]; /* below the folder of the port */
};

static const struct source efa = {
    1,
    {"hw_counters/tx_bytes", "hw_counters/send_bytes", "hw_counters/rdma_write_bytes",
     "hw_counters/rdma_read_resp_bytes"},
    {"hw_counters/rx_bytes", "hw_counters/recv_bytes", "hw_counters/rdma_read_bytes",
     "hw_counters/rdma_write_recv_bytes"}};
static const struct source verbs = {4, {"counters/port_xmit_data"}, {"counters/port_rcv_data"}};
static const struct source net = {1, {"statistics/tx_bytes"}, {"statistics/rx_bytes"}};

struct counter {
    bool known[FILES];
    uint64_t value[FILES];
};

struct port {
    const struct mlb_nic *nic;
    const struct source *source;
    char folder[PATH];
    struct counter sent, received; /* at the beginning */
};

struct mlb_ports {
    char root[PATH];
    size_t count;
    struct port items[MLB_FABRIC_NICS];
};

static void set_port(struct port *port, const struct mlb_nic *nic)
{
    port->nic = nic;
    port->source = nic->port == 0 ? &net : nic->kind == MLB_NIC_EFA ? &efa : &verbs;
    if (nic->port == 0)
        mlb_format(port->folder, sizeof port->folder, "/sys/class/net/%s", nic->device);
    else
        mlb_format(port->folder, sizeof port->folder, "/sys/class/infiniband/%s/ports/%d",
                   nic->device, nic->port);
}

struct mlb_ports *mlb_ports_open(const char *root, const struct mlb_fabric *fabric)
{
    struct mlb_ports *ports = calloc(1, sizeof *ports);
    if (!ports)
        return NULL;
    mlb_format(ports->root, sizeof ports->root, "%s", root);
    for (size_t i = 0; i < fabric->nic_count; i++)
        set_port(&ports->items[ports->count++], &fabric->nics[i]);
    return ports;
}

void mlb_ports_close(struct mlb_ports *ports)
{
    free(ports);
}

static void read_counter(const struct mlb_ports *ports, const struct port *port,
                         const char *const *files, struct counter *counter)
{
    char path[2 * PATH];
    for (size_t i = 0; i < FILES; i++) {
        counter->known[i] = false;
        if (!files[i])
            continue;
        mlb_format(path, sizeof path, "%s/%s", port->folder, files[i]);
        counter->known[i] = mlb_procfs_read_u64(ports->root, path, &counter->value[i]);
    }
}

void mlb_ports_begin(struct mlb_ports *ports)
{
    for (size_t i = 0; ports && i < ports->count; i++) {
        struct port *port = &ports->items[i];
        read_counter(ports, port, port->source->sent, &port->sent);
        read_counter(ports, port, port->source->received, &port->received);
    }
}

/* Counters of 32 bits wrap, or stick at their end as InfiniBand's old ones do. One that went back
 * from its lower half was set back: nobody knows from when on it counts. */
static bool grown(uint64_t before, uint64_t now, uint64_t *by)
{
    if (now == UINT32_MAX)
        return false;
    *by = now - before;
    if (now >= before)
        return true;
    *by = (uint32_t)*by;
    return before <= UINT32_MAX && before > UINT32_MAX / 2;
}

/* False when the port cannot tell. */
static bool moved_since(const struct counter *before, const struct counter *now, uint64_t unit,
                        uint64_t *bytes)
{
    uint64_t all = 0, sum = 0, part = 0;
    if (!before->known[0] || !now->known[0] || !grown(before->value[0], now->value[0], &all))
        return false;
    for (size_t i = 1; i < FILES; i++)
        if (before->known[i] && now->known[i] && grown(before->value[i], now->value[i], &part))
            sum += part;
    *bytes = unit * (sum > all ? sum : all);
    return true;
}

void mlb_ports_end(struct mlb_ports *ports, struct mlb_moved *moved)
{
    moved->count = 0;
    for (size_t i = 0; ports && i < ports->count; i++) {
        const struct port *port = &ports->items[i];
        const struct source *source = port->source;
        struct counter sent, received;
        struct mlb_port_bytes *bytes = &moved->ports[moved->count];
        read_counter(ports, port, source->sent, &sent);
        read_counter(ports, port, source->received, &received);
        bytes->nic = port->nic;
        if (moved_since(&port->sent, &sent, source->unit, &bytes->sent) &&
            moved_since(&port->received, &received, source->unit, &bytes->received) &&
            bytes->sent + bytes->received > 0)
            moved->count++;
    }
}
