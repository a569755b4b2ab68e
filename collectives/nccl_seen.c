/* SPDX-License-Identifier: Apache-2.0 */
/* How the last un-timed call was done: what the profiler and the log of each rank tell, joined over
 * the ranks of the job, and how a row says it. And what NCCL knows of a call that is never done. */
#include <string.h>
#include <strings.h>

#include "collectives/nccl_channel.h"
#include "harness/base/text.h"

static struct mlb_nccl_channel *channel_of(struct mlb_channel *channel)
{
    return (struct mlb_nccl_channel *)channel;
}

void mlb_nccl_observe(struct mlb_channel *channel)
{
    struct mlb_nccl_channel *mine = channel_of(channel);
    mine->seen = (struct mlb_nccl_seen){0};
    mine->observing = true;
    mlb_nccl_profiler_begin();
}

/* ----------------------------------------------------------------------------- joining the ranks
 */

/* The largest over ranks of each. For "is it so on some rank": how many ranks are after it and with
 * it, so that the largest is the lowest rank's. */
enum joined {
    SEND_STAGED,
    RECV_STAGED,
    SEND_GDR,
    RECV_GDR,
    NETWORK_KNOWN,
    UNPROFILED,
    UNLOGGED,
    NETWORK_OPS,
    MOST_SENT,
    NO_NVLS,
    NVLS,
    JOINED
};

static int rank_of(const struct mlb_comm *comm, double after)
{
    return after > 0.0 ? comm->size - (int)after : -1;
}

/* A rank without a channel has no evidence to give, and hides none. */
static void own_facts(const struct mlb_nccl_job *job, const struct mlb_nccl_profile *profile,
                      bool takes_part, double facts[static JOINED])
{
    const struct mlb_nccl_log_facts *logged = &job->logged;
    memset(facts, 0, JOINED * sizeof *facts);
    facts[SEND_STAGED] = logged->send_staged > 0;
    facts[RECV_STAGED] = logged->recv_staged > 0;
    facts[SEND_GDR] = logged->send_gdr > 0;
    facts[RECV_GDR] = logged->recv_gdr > 0;
    facts[NETWORK_KNOWN] = logged->network[0] != 0;
    facts[UNLOGGED] = takes_part && logged->lines == 0;
    facts[NO_NVLS] = logged->nvls_known && !logged->nvls;
    facts[NVLS] = logged->nvls_known && logged->nvls;
    facts[UNPROFILED] = takes_part && !profile->loaded;
    facts[NETWORK_OPS] = takes_part && profile->network_ops > 0;
}

static void take_facts(const struct mlb_comm *comm, const double facts[static JOINED],
                       struct mlb_nccl_seen *seen)
{
    seen->staged_send = rank_of(comm, facts[SEND_STAGED]);
    seen->staged_recv = rank_of(comm, facts[RECV_STAGED]);
    seen->gdr_send = facts[SEND_GDR] > 0.0;
    seen->gdr_recv = facts[RECV_GDR] > 0.0;
    seen->profiled = facts[UNPROFILED] == 0.0;
    seen->logged = facts[UNLOGGED] == 0.0;
    seen->crossed = facts[NETWORK_OPS] > 0.0;
    seen->sent_most_bytes = facts[MOST_SENT];
    seen->nvls_known = facts[NVLS] > 0.0 || facts[NO_NVLS] > 0.0;
    seen->nvls = seen->nvls_known && facts[NO_NVLS] == 0.0;
}

/* Sockets are what NCCL falls back to: they come first, where a reader looks. */
static void say_mixed(const char *name, int rank, const char *other, int other_rank, char *to,
                      size_t size)
{
    bool other_first = strcasecmp(other, "Socket") == 0;
    mlb_format(to, size, "%.15s on rank %d, %.15s on rank %d", other_first ? other : name,
               other_first ? other_rank : rank, other_first ? name : other,
               other_first ? rank : other_rank);
}

/* The network that the lowest rank that knows one chose, and the lowest rank that chose another. */
static enum mlb_status join_network(struct mlb_comm *comm, const char *mine, int teller, char *to,
                                    size_t size, struct mlb_error *err)
{
    char name[32] = "", other[32] = "";
    if (teller < 0)
        return MLB_OK;
    mlb_format(name, sizeof name, "%s", mine);
    if (comm->ops->broadcast(comm, name, sizeof name, teller, err) != MLB_OK)
        return err->status;
    double differs = mine[0] && strcmp(mine, name) != 0 ? comm->size - comm->rank : 0.0;
    if (comm->ops->all_max(comm, &differs, 1, err) != MLB_OK)
        return err->status;
    int rank = rank_of(comm, differs);
    mlb_format(to, size, "%s", name);
    if (rank < 0)
        return MLB_OK;
    mlb_format(other, sizeof other, "%s", mine);
    if (comm->ops->broadcast(comm, other, sizeof other, rank, err) != MLB_OK)
        return err->status;
    say_mixed(name, teller, other, rank, to, size);
    return MLB_OK;
}

static enum mlb_status join(struct mlb_nccl_job *job, const struct mlb_nccl_profile *profile,
                            bool takes_part, struct mlb_comm *comm, struct mlb_nccl_seen *seen,
                            struct mlb_error *err)
{
    double facts[JOINED], sent = takes_part ? (double)profile->sent_bytes : 0.0;
    own_facts(job, profile, takes_part, facts);
    for (int i = 0; i < JOINED; i++)
        facts[i] *= comm->size - comm->rank;
    facts[MOST_SENT] = sent;
    if (comm->ops->all_max(comm, facts, JOINED, err) != MLB_OK ||
        comm->ops->all_sum(comm, &sent, 1, err) != MLB_OK)
        return err->status;
    take_facts(comm, facts, seen);
    seen->sent_bytes = sent;
    return join_network(comm, job->logged.network, rank_of(comm, facts[NETWORK_KNOWN]),
                        seen->network, sizeof seen->network, err);
}

enum mlb_status mlb_nccl_observed(struct mlb_channel *all, struct mlb_channel *mine,
                                  struct mlb_error *err)
{
    struct mlb_nccl_job *job = channel_of(all)->job;
    struct mlb_nccl_profile profile = {0};
    struct mlb_nccl_seen ignored = {0};
    /* All devices are done when all ranks are here, and with them the proxies. */
    enum mlb_status status = all->comm->ops->barrier(all->comm, err);
    if (mine)
        mlb_nccl_profiler_end(&profile);
    mlb_nccl_log_read(job->log, &job->logged);
    struct mlb_nccl_seen *seen = mine ? &channel_of(mine)->seen : &ignored;
    if (mine) {
        channel_of(mine)->observing = false;
        seen->profile = profile;
    }
    return status == MLB_OK ? join(job, &profile, mine != NULL, all->comm, seen, err) : status;
}

/* ------------------------------------------------------------------------------------ in the row
 */

/* One rank without it, and the job waits for that one. */
static void say_gdr(struct mlb_details *details, const char *name, const char *rank_name, bool on,
                    int staged)
{
    if (on || staged >= 0)
        mlb_detail_text(details, name, "%s", staged < 0 ? "on" : "off");
    if (staged >= 0)
        mlb_detail_number(details, rank_name, staged);
}

/* A call that crossed no network has none, whatever others crossed before. Without the profiler a
 * call is not told from those before it: then what was connected so far has to do. */
static void say_network(const struct mlb_nccl_seen *seen, struct mlb_details *details)
{
    bool connected =
        seen->gdr_send || seen->gdr_recv || seen->staged_send >= 0 || seen->staged_recv >= 0;
    bool crossed = seen->profiled ? seen->crossed : seen->logged && connected;
    if (!seen->profiled && !seen->logged)
        return;
    mlb_detail_text(details, "network_source", "%s",
                    seen->profiled && seen->logged ? "profiler and log"
                    : seen->profiled               ? "profiler"
                                                   : "log");
    if (!crossed)
        mlb_detail_text(details, "network", "none");
    if (!crossed || !seen->logged)
        return;
    mlb_detail_text(details, "network", "%s", seen->network);
    say_gdr(details, "gdr_send", "gdr_send_off_rank", seen->gdr_send, seen->staged_send);
    say_gdr(details, "gdr_recv", "gdr_recv_off_rank", seen->gdr_recv, seen->staged_recv);
}

static void say_profile(const struct mlb_nccl_profile *profile, struct mlb_details *details)
{
    if (!profile->loaded || !profile->algorithm[0])
        return;
    mlb_detail_text(details, "algorithm", "%s", profile->algorithm);
    mlb_detail_text(details, "protocol", "%s", profile->protocol);
    if (profile->channels > 0)
        mlb_detail_number(details, "channels", profile->channels);
    if (profile->warps > 0)
        mlb_detail_number(details, "warps", profile->warps);
}

void mlb_nccl_details(const struct mlb_channel *base, struct mlb_details *details)
{
    const struct mlb_nccl_channel *channel = (const struct mlb_nccl_channel *)base;
    const struct mlb_nccl_seen *seen = &channel->seen;
    say_profile(&seen->profile, details);
    say_network(seen, details);
    if (seen->crossed && seen->profile.bytes_known) {
        mlb_detail_number(details, "network_sent_bytes", seen->sent_bytes);
        mlb_detail_number(details, "network_rank_most_bytes", seen->sent_most_bytes);
    }
    if (seen->nvls_known)
        mlb_detail_text(details, "nvls", "%s", seen->nvls ? "available" : "not available");
    if (seen->predicted_ns > 0.0)
        mlb_detail_number(details, "nccl_predicted_ns", seen->predicted_ns);
    if (channel->grouped)
        mlb_detail_text(details, "calls", "ncclSend and ncclRecv in a group");
    if (!channel->direct || channel->late)
        mlb_detail_text(details, "launch_mode", "non-blocking");
}

/* ---------------------------------------------------------------------------- a call without an
 * end
 */

/* An error that NCCL has come upon in the background; success when there is none. */
static int background_error(const struct mlb_nccl *nccl, struct mlb_nccl_comm *comm)
{
    int state = MLB_NCCL_SUCCESS;
    if (!comm || nccl->call.comm_get_async_error(comm, &state) != MLB_NCCL_SUCCESS)
        return MLB_NCCL_SUCCESS;
    return state == MLB_NCCL_IN_PROGRESS ? MLB_NCCL_SUCCESS : state;
}

/* The first that is found: they share their network's thread. */
void mlb_nccl_explain(struct mlb_channel *all, struct mlb_error *err)
{
    struct mlb_nccl_job *job = channel_of(all)->job;
    struct mlb_error ignored = {0}, found = {0}, given = *err;
    int code = MLB_NCCL_SUCCESS;
    if (!mlb_nccl_enter(job, &ignored))
        return;
    for (const struct mlb_nccl_channel *at = job->channels; at && !code; at = at->next) {
        code = background_error(&job->nccl, at->direct);
        if (!code)
            code = background_error(&job->nccl, at->polled);
    }
    mlb_nccl_leave(job);
    if (!code)
        return;
    mlb_nccl_fail(&job->nccl, NULL, code, &found, "in the background");
    mlb_fail(err, given.status, "%.350s; %.400s", given.text, found.text);
}
