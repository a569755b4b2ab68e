/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/require.h"

#include <string.h>
#include <strings.h>

#include "harness/analysis/wire_row.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

/* ---------------------------------------------------------------------------------------- words */

/* What data can go by, as bits. */
enum by {
    BY_EFA = 1,
    BY_IB = 2,
    BY_ROCE = 4,
    BY_TCPX = 8,
    BY_TCPXO = 16,
    BY_GIB = 32,
    BY_SOCKET = 64,
    BY_VERBS = BY_IB | BY_ROCE, /* which of the two the ports tell */
    BY_UNKNOWN = 0
};

const char *const mlb_require_nets[] = {"efa", "ib",     "roce",     "tcpx", "tcpxo",
                                        "gib", "socket", "any-rdma", NULL};

/* Of each word above. gIB is RoCE by Google's plugin. */
static const unsigned accepted[] = {
    BY_EFA,   BY_IB,  BY_ROCE | BY_GIB, BY_TCPX,
    BY_TCPXO, BY_GIB, BY_SOCKET,        BY_EFA | BY_IB | BY_ROCE | BY_GIB};

static int index_of(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

static enum mlb_status refuse(const char *word, const char *why, struct mlb_error *err)
{
    return mlb_fail(err, MLB_E_USAGE,
                    "--require: '%s' %s; allowed: net=efa|ib|roce|tcpx|tcpxo|gib|socket|any-rdma, "
                    "gdr=on|off, one of each, with a comma between",
                    word, why);
}

static enum mlb_status take_word(const char *word, struct mlb_require *require,
                                 struct mlb_error *err)
{
    static const char *const switches[] = {"", "on", "off", NULL}; /* by enum mlb_require_gdr */
    bool net = strncmp(word, "net=", 4) == 0, gdr = strncmp(word, "gdr=", 4) == 0;
    if (!net && !gdr)
        return refuse(word, "is not known", err);
    if (net ? require->net[0] != '\0' : require->gdr != MLB_GDR_ANY)
        return refuse(word, "is there twice", err);
    int value = index_of(net ? mlb_require_nets : switches, word + 4);
    if (value < 0 || !word[4])
        return refuse(word, "is not known", err);
    if (net)
        mlb_format(require->net, sizeof require->net, "%s", word + 4);
    else
        require->gdr = (enum mlb_require_gdr)value;
    return MLB_OK;
}

enum mlb_status mlb_require_parse(const char *text, struct mlb_require *require,
                                  struct mlb_error *err)
{
    char word[64];
    memset(require, 0, sizeof *require);
    while (*text) {
        size_t length = strcspn(text, ",");
        mlb_format(word, sizeof word, "%.*s", (int)length, text);
        bool last = text[length] == '\0';
        if (take_word(word, require, err) != MLB_OK)
            return err->status;
        if (!last && text[length + 1] == '\0')
            return refuse("", "is not known", err);
        text += length + !last;
    }
    return MLB_OK;
}

/* -------------------------------------------------------------------------------------- evidence
 */

/* Names of NCCL's networks, an open set; compared without case, as NCCL does, and by their
 * beginning: "IBext_v8", "GPUDirectTCPX_v7". */
static const struct {
    const char *begins;
    enum by by;
} networks[] = {
    {"IB", BY_VERBS},          {"UCX", BY_VERBS},     {"Libfabric", BY_EFA},
    {"AWS Libfabric", BY_EFA}, {"gIB", BY_GIB},       {"GPUDirectTCPX", BY_TCPX},
    {"FasTrak", BY_TCPXO},     {"Socket", BY_SOCKET}, {"FastSocket", BY_SOCKET},
};

/* Kinds of ports; what the kernel's network devices count went through sockets. */
static const struct {
    const char *kind;
    enum by by;
} kinds[] = {
    {"efa", BY_EFA},   {"ib", BY_IB},       {"roce", BY_ROCE},       {"gib", BY_GIB},
    {"tcpx", BY_TCPX}, {"tcpxo", BY_TCPXO}, {"ethernet", BY_SOCKET}, {"virtual", BY_SOCKET},
};

static unsigned by_kind(const char *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].by;
    return BY_UNKNOWN;
}

static unsigned by_network(const char *network)
{
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        if (strncasecmp(network, networks[i].begins, strlen(networks[i].begins)) == 0)
            return networks[i].by;
    return BY_UNKNOWN;
}

static const cJSON *machines_of(const struct mlb_result *result)
{
    return cJSON_GetObjectItemCaseSensitive(result->fabric, "machines");
}

/* The kinds of which a group of machines has a port that is up. */
static unsigned ports_up(const cJSON *machines)
{
    unsigned up = 0;
    const cJSON *port;
    cJSON_ArrayForEach(port, cJSON_GetObjectItemCaseSensitive(machines, "ports"))
    {
        const char *kind = "";
        double count = 0.0;
        if (mlb_json_get_text(port, "kind", &kind) && mlb_json_get_real(port, "up", &count) &&
            count > 0.0)
            up |= by_kind(kind);
    }
    return up;
}

static unsigned all_ports_up(const struct mlb_result *result)
{
    unsigned up = 0;
    const cJSON *machines;
    cJSON_ArrayForEach(machines, machines_of(result))
    {
        up |= ports_up(machines);
    }
    return up;
}

/* Of a message this short, what other programs send meanwhile may be the most. */
#define BYTES_ENOUGH 1048576.0
/* Of the least that any algorithm sends: else the data went where no counter looks. */
#define SEEN_ENOUGH 0.5

struct counted {
    unsigned way; /* that most of the bytes went; BY_UNKNOWN = none were counted */
    double bytes, share;
};

/* Among these ways; MPI's over Google's NICs are sockets too. */
static struct counted by_ports(const struct mlb_row *row, unsigned among)
{
    static const unsigned sockets = BY_SOCKET | BY_TCPX | BY_TCPXO;
    static const unsigned ways[] = {BY_EFA, BY_IB, BY_ROCE, BY_GIB, sockets};
    struct counted most = {0};
    double all = 0.0;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        double bytes = 0.0;
        for (size_t k = 0; k < row->port_count; k++)
            if (by_kind(row->ports[k].kind) & ways[i] & among)
                bytes += (double)row->ports[k].sent_bytes + (double)row->ports[k].received_bytes;
        all += bytes;
        if (bytes > most.bytes)
            most =
                (struct counted){.way = ways[i] == sockets ? BY_SOCKET : ways[i], .bytes = bytes};
    }
    most.share = all > 0.0 ? most.bytes / all : 0.0;
    return most;
}

/* Were these the collective's own bytes? */
static bool saw_enough(const struct mlb_result *result, const struct mlb_row *row,
                       const struct counted *counted)
{
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    double least = mlb_wire_least_network(&group, true) * mlb_wire_groups(result, row) *
                   row->work.bytes * (double)row->ports_steps;
    return row->work.bytes >= BYTES_ENOUGH && counted->share >= 0.5 &&
           counted->bytes >= SEEN_ENOUGH * least;
}

static bool crossed(const struct mlb_row *row)
{
    return row->work.bus_factor > 0.0 && row->work.nodes > 1;
}

static bool any_crossed(const struct mlb_result *result, const char *device)
{
    for (size_t i = 0; i < result->row_count; i++)
        if (crossed(&result->rows[i]) && strcmp(result->rows[i].device, device) == 0)
            return true;
    return false;
}

/* Of a job with GPUs their collectives alone, if any crossed: MPI's are measured beside them, over
 * whatever network the launcher was given. */
static bool counts(const struct mlb_result *result, const struct mlb_row *row)
{
    return crossed(row) && (strcmp(row->device, result->device.kind) == 0 ||
                            !any_crossed(result, result->device.kind));
}

static const char *detail_text(const struct mlb_row *row, const char *name)
{
    const struct mlb_detail *detail = mlb_detail_find(&row->details, name);
    return detail && !detail->is_number ? detail->text : NULL;
}

/* "IB" is InfiniBand or RoCE, and RoCE too where Google's plugin was passed over; with ports of
 * both, the one that counted, or either. "Libfabric" is EFA where there is such a port. */
static unsigned settle(const struct mlb_result *result, const struct mlb_row *row, unsigned by)
{
    unsigned up = all_ports_up(result);
    if (up & BY_GIB)
        up |= BY_ROCE;
    if (by == BY_EFA)
        return up & BY_EFA;
    if (by != BY_VERBS)
        return by;
    unsigned counted = (up & BY_VERBS) == BY_VERBS ? by_ports(row, BY_VERBS).way : BY_UNKNOWN;
    return counted ? counted : up & BY_VERBS;
}

/* ------------------------------------------------------------------------------------------- net
 */

/* What the rows say: the first that contradicts fails, others are counted. */
struct seen {
    size_t rows, telling;
};

enum answer { IT_DID, IT_DID_NOT, NOTHING_TELLS };

/* It was one of `by`. */
static enum answer answer_of(unsigned by, unsigned wanted)
{
    bool may = (by & wanted) != 0, may_not = (by & ~wanted) != 0;
    return may == may_not ? NOTHING_TELLS : may ? IT_DID : IT_DID_NOT;
}

/* Ranks may differ: "Socket on rank 2, IB on rank 0". "none" is a call that crossed no network. */
static enum answer ask_nccl(const struct mlb_result *result, const struct mlb_row *row,
                            const char *network, unsigned wanted)
{
    enum answer answer = answer_of(settle(result, row, by_network(network)), wanted), other;
    const char *second = strstr(network, ", ");
    if (!second)
        return answer;
    other = answer_of(settle(result, row, by_network(second + 2)), wanted);
    return answer == IT_DID_NOT || other == IT_DID ? answer : other;
}

static enum mlb_status judge_row(const struct mlb_result *result, const struct mlb_row *row,
                                 const char *word, unsigned wanted, struct seen *seen,
                                 struct mlb_error *err)
{
    char percent[MLB_UNIT_TEXT];
    const char *network = detail_text(row, "network");
    struct counted counted = by_ports(row, ~0u);
    enum answer answer = network ? ask_nccl(result, row, network, wanted)
                         : saw_enough(result, row, &counted) ? answer_of(counted.way, wanted)
                                                             : NOTHING_TELLS;
    seen->telling += answer == IT_DID;
    if (answer != IT_DID_NOT)
        return MLB_OK;
    if (network)
        return mlb_fail(err, MLB_E_UNHEALTHY, "required net=%s, but %s %s went by NCCL's %s", word,
                        row->workload, row->label, network);
    return mlb_fail(err, MLB_E_UNHEALTHY,
                    "required net=%s, but %s of the bytes that ports counted in %s %s went through "
                    "%s ports",
                    word, mlb_print_percent(percent, counted.share), row->workload, row->label,
                    counted.way & BY_SOCKET ? "ethernet or virtual" : "other RDMA");
}

/* Ports that can carry it. Google's plugins, by which such a port is told, may lie where nobody
 * looked: then it passes for what it is without them. */
static unsigned carriers(unsigned wanted)
{
    unsigned by = wanted;
    by |= wanted & (BY_TCPX | BY_TCPXO) ? BY_SOCKET : 0;
    by |= wanted & BY_GIB ? BY_ROCE : 0;
    return by;
}

static enum mlb_status judge_machines(const struct mlb_result *result, const char *word,
                                      unsigned wanted, struct mlb_error *err)
{
    const cJSON *machines;
    if (wanted & BY_SOCKET)
        return MLB_OK;
    cJSON_ArrayForEach(machines, machines_of(result))
    {
        const char *which = "";
        if (ports_up(machines) & carriers(wanted))
            continue;
        mlb_json_get_text(machines, "machines", &which);
        return mlb_fail(err, MLB_E_UNHEALTHY,
                        "required net=%s, but no such port is up on machine%s %s", word,
                        strpbrk(which, ",-") ? "s" : "", which);
    }
    return MLB_OK;
}

static enum mlb_status judge_net(const struct mlb_result *result, const char *word,
                                 struct mlb_error *err)
{
    unsigned wanted = accepted[index_of(mlb_require_nets, word)];
    struct seen seen = {0};
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        if (!counts(result, row))
            continue;
        seen.rows++;
        if (judge_row(result, row, word, wanted, &seen, err) != MLB_OK)
            return err->status;
    }
    if (judge_machines(result, word, wanted, err) != MLB_OK)
        return err->status;
    if (seen.telling > 0)
        return MLB_OK;
    if (seen.rows == 0)
        return mlb_fail(err, MLB_E_NO_VERDICT,
                        "no evidence that net=%s: no collective crossed machines", word);
    return mlb_fail(err, MLB_E_NO_VERDICT,
                    "no evidence that net=%s: of %zu rows that crossed machines none tells which "
                    "network it used",
                    word, seen.rows);
}

/* ------------------------------------------------------------------------------------------- gdr
 */

/* The module that is missing on one machine turns it off in one direction only (nccl#897). */
static enum mlb_status judge_modules(const struct mlb_result *result, struct mlb_error *err)
{
    const cJSON *machines, *without = NULL;
    size_t with = 0;
    cJSON_ArrayForEach(machines, machines_of(result))
    {
        const char *evidence = "none";
        mlb_json_get_text(machines, "gpudirect_rdma", &evidence);
        bool none = strcmp(evidence, "none") == 0;
        with += !none;
        without = none ? machines : without;
    }
    const char *which = "";
    if (!without || with == 0)
        return MLB_OK;
    mlb_json_get_text(without, "machines", &which);
    return mlb_fail(err, MLB_E_UNHEALTHY,
                    "required gdr=on, but machine%s %s has no evidence of GPUDirect RDMA (no peer-"
                    "memory module, no DMA-BUF), as others have",
                    strpbrk(which, ",-") ? "s" : "", which);
}

static enum mlb_status judge_gdr_row(const struct mlb_row *row, const char *word, struct seen *seen,
                                     struct mlb_error *err)
{
    const char *send = detail_text(row, "gdr_send"), *receive = detail_text(row, "gdr_recv");
    const char *other = strcmp(word, "on") == 0 ? "off" : "on";
    bool sends = send && strcasecmp(send, other) == 0;
    bool receives = receive && strcasecmp(receive, other) == 0;
    const struct mlb_detail *rank =
        mlb_detail_find(&row->details, sends ? "gdr_send_off_rank" : "gdr_recv_off_rank");
    char where[32] = "";
    if (rank && rank->is_number)
        mlb_format(where, sizeof where, " (rank %.0f)", rank->number);
    if (sends || receives)
        return mlb_fail(err, MLB_E_UNHEALTHY,
                        "required gdr=%s, but %s %s had GPUDirect RDMA %s when it %s%s", word,
                        row->workload, row->label, other,
                        sends && receives ? "sent and received"
                        : sends           ? "sent"
                                          : "received",
                        where);
    seen->telling +=
        send && receive && strcasecmp(send, word) == 0 && strcasecmp(receive, word) == 0;
    return MLB_OK;
}

static enum mlb_status judge_gdr(const struct mlb_result *result, enum mlb_require_gdr gdr,
                                 struct mlb_error *err)
{
    const char *word = gdr == MLB_GDR_ON ? "on" : "off";
    struct seen seen = {0};
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        if (!counts(result, row))
            continue;
        seen.rows++;
        if (judge_gdr_row(row, word, &seen, err) != MLB_OK)
            return err->status;
    }
    if (gdr == MLB_GDR_ON && judge_modules(result, err) != MLB_OK)
        return err->status;
    if (seen.telling > 0)
        return MLB_OK;
    return mlb_fail(err, MLB_E_NO_VERDICT, "no evidence that gdr=%s: %s", word,
                    seen.rows ? "no row that crossed machines tells it for both directions"
                              : "no collective crossed machines");
}

static bool is_asked(const struct mlb_require *require)
{
    return require->net[0] || require->gdr != MLB_GDR_ANY;
}

enum mlb_status mlb_require_judge(const struct mlb_result *result,
                                  const struct mlb_require *require, struct mlb_error *err)
{
    struct mlb_error why = {0};
    enum mlb_status net = MLB_OK, gdr = MLB_OK;
    if (!is_asked(require))
        return MLB_OK;
    if (result->nodes == 1)
        return mlb_fail(err, MLB_E_NO_VERDICT,
                        "no evidence for --require: one machine, nothing crossed a network");
    if (require->net[0])
        net = judge_net(result, require->net, err);
    if (net != MLB_E_UNHEALTHY && require->gdr != MLB_GDR_ANY)
        gdr = judge_gdr(result, require->gdr, &why);
    if (gdr == MLB_OK || (gdr == MLB_E_NO_VERDICT && net != MLB_OK))
        return net;
    return mlb_fail(err, gdr, "%s", why.text);
}

void mlb_require_note(struct mlb_result *result, const struct mlb_require *require)
{
    struct mlb_error why = {0};
    if (!is_asked(require))
        return;
    enum mlb_status status = mlb_require_judge(result, require, &why);
    if (status == MLB_OK)
        mlb_result_note(result, MLB_HEALTH_NOTE, "require", "as required:%s%s%s%s",
                        require->net[0] ? " net=" : "", require->net,
                        require->gdr == MLB_GDR_ON ? " gdr=on" : "",
                        require->gdr == MLB_GDR_OFF ? " gdr=off" : "");
    else
        mlb_result_note(result, status == MLB_E_UNHEALTHY ? MLB_HEALTH_SICK : MLB_HEALTH_WARN,
                        "require", "%s", why.text);
}
