/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/nccl_library.h"

#include <stdarg.h>
#include <stdio.h>

#include "collectives/patience.h"
#include "harness/base/text.h"

static const char *const sonames[] = {"libnccl.so.2", NULL};

#define AT(member) offsetof(struct mlb_nccl_functions, member)

static const struct mlb_symbol symbols[] = {
    {"ncclGetVersion", AT(get_version), false},
    {"ncclGetUniqueId", AT(get_unique_id), false},
    {"ncclCommInitRankConfig", AT(comm_init_rank_config), false},
    {"ncclCommSplit", AT(comm_split), false},
    {"ncclCommFinalize", AT(comm_finalize), false},
    {"ncclCommDestroy", AT(comm_destroy), false},
    {"ncclCommAbort", AT(comm_abort), false},
    {"ncclCommGetAsyncError", AT(comm_get_async_error), false},
    {"ncclGetErrorString", AT(get_error_string), false},
    {"ncclGetLastError", AT(get_last_error), false},
    {"ncclGroupStart", AT(group_start), false},
    {"ncclGroupEnd", AT(group_end), false},
    {"ncclGroupSimulateEnd", AT(group_simulate_end), true},
    {"ncclAllReduce", AT(all_reduce), false},
    {"ncclReduceScatter", AT(reduce_scatter), false},
    {"ncclReduce", AT(reduce), false},
    {"ncclAllGather", AT(all_gather), false},
    {"ncclBroadcast", AT(broadcast), false},
    {"ncclAlltoAll", AT(alltoall), true},
    {"ncclGather", AT(gather), true},
    {"ncclScatter", AT(scatter), true},
    {"ncclSend", AT(send), false},
    {"ncclRecv", AT(recv), false},
    {0},
};

static const struct mlb_library library = {
    .name = "NCCL",
    .sonames = sonames,
    .symbols = symbols,
    .advice = "install libnccl2 (NVIDIA's package repository) or pip's nvidia-nccl and put its "
              "folder into LD_LIBRARY_PATH",
};

/* ------------------------------------------------------------------------------------- versions */

enum { VERSION = 32 };

/* "NCCL 2.28.9" */
static void version_text(int version, char to[static VERSION])
{
    mlb_format(to, VERSION, "NCCL %d.%d.%d", version / 10000, version / 100 % 100, version % 100);
}

enum mlb_status mlb_nccl_load(struct mlb_nccl *nccl, struct mlb_error *err)
{
    enum mlb_status status = mlb_dynlib_open(&nccl->dynlib, &library, NULL, &nccl->call, err);
    if (status != MLB_OK)
        return status;
    int got = nccl->call.get_version(&nccl->version);
    if (got == MLB_NCCL_SUCCESS && nccl->version >= MLB_NCCL_OLDEST)
        return MLB_OK;
    char text[VERSION];
    version_text(nccl->version, text);
    return mlb_fail(err, MLB_E_UNSUPPORTED, "%s (%s) is too old: 2.18 or newer is needed", text,
                    nccl->dynlib.path);
}

void mlb_nccl_installed(char *to, size_t size)
{
    struct mlb_nccl nccl = {0};
    struct mlb_error ignored = {0};
    char text[VERSION] = "";
    if (mlb_dynlib_open(&nccl.dynlib, &library, NULL, &nccl.call, &ignored) == MLB_OK &&
        nccl.call.get_version(&nccl.version) == MLB_NCCL_SUCCESS)
        version_text(nccl.version, text);
    mlb_format(to, size, "%s", text);
    mlb_dynlib_close(&nccl.dynlib);
}

enum mlb_status mlb_nccl_agree_on_version(const struct mlb_nccl *nccl, struct mlb_comm *comm,
                                          struct mlb_error *err)
{
    double range[2] = {nccl->version, -(double)nccl->version}; /* newest and -oldest */
    if (comm->ops->all_max(comm, range, 2, err) != MLB_OK)
        return err->status;
    int newest = (int)range[0], oldest = (int)-range[1];
    if (newest == oldest)
        return MLB_OK;
    /* The lowest rank of each: the one with the most ranks after it. */
    double after = comm->size - comm->rank;
    double lowest[2] = {nccl->version == newest ? after : 0.0,
                        nccl->version == oldest ? after : 0.0};
    if (comm->ops->all_max(comm, lowest, 2, err) != MLB_OK)
        return err->status;
    char names[2][VERSION];
    version_text(newest, names[0]);
    version_text(oldest, names[1]);
    return mlb_fail(err, MLB_E_CONFIG,
                    "ranks have different versions of NCCL, which do not understand each other: %s "
                    "on rank %d, %s on rank %d; give all machines the same libnccl.so.2",
                    names[0], comm->size - (int)lowest[0], names[1], comm->size - (int)lowest[1]);
}

/* ------------------------------------------------------------------------------------- outcomes */

enum mlb_status mlb_nccl_fail(const struct mlb_nccl *nccl, struct mlb_nccl_comm *comm, int code,
                              struct mlb_error *err, const char *what, ...)
{
    char place[160];
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(place, sizeof place, what, arguments);
    va_end(arguments);
    const char *last = nccl->call.get_last_error(comm);
    return mlb_fail(err, MLB_E_COMM, "nccl: %s: %s%s%.400s", place,
                    nccl->call.get_error_string(code), last && *last ? ": " : "", last ? last : "");
}

enum mlb_status mlb_nccl_settle(const struct mlb_nccl *nccl, struct mlb_nccl_comm *comm, int code,
                                double deadline_s, const char *what, struct mlb_error *err)
{
    struct mlb_patience patience = {0};
    while (code == MLB_NCCL_IN_PROGRESS) {
        int asked = nccl->call.comm_get_async_error(comm, &code);
        if (asked != MLB_NCCL_SUCCESS)
            return mlb_nccl_fail(nccl, comm, asked, err, "%s", what);
        if (code == MLB_NCCL_IN_PROGRESS && !mlb_patience_wait(&patience, deadline_s))
            return mlb_fail(err, MLB_E_TIMEOUT,
                            "nccl: %s was not done within %.3g s: a rank did not come, or its "
                            "network does not reach the others (NCCL_DEBUG=INFO tells more)",
                            what, deadline_s);
    }
    return code == MLB_NCCL_SUCCESS ? MLB_OK : mlb_nccl_fail(nccl, comm, code, err, "%s", what);
}
