/* SPDX-License-Identifier: Apache-2.0 */
/* The log lines and the profiler calls of the library in NCCL's place. The structs are written down
 * here once more, member by member as NCCL 2.28.9 and its forerunners have them
 * (src/include/plugin/profiler/), so that a wrong one in the plugin is seen. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "tests/collectives/fake_nccl.h"

typedef struct {
    uint64_t type;
    void *parentObj;
    int rank;
    union {
        struct {
            uint64_t seqNumber;
            const char *func;
            void const *sendBuff;
            void *recvBuff;
            size_t count;
            int root;
            const char *datatype;
            uint8_t nChannels;
            uint8_t nWarps;
            const char *algo;
            const char *proto;
            void *parentGroup;
        } coll;
        struct {
            const char *func;
            void *buff;
            const char *datatype;
            size_t count;
            int peer;
            uint8_t nChannels;
            void *parentGroup;
        } p2p;
        struct {
            pid_t pid;
            uint8_t channelId;
            int peer;
            int nSteps;
            int chunkSize;
            int isSend;
        } proxyOp;
    } of;
} descr_v5;

typedef struct {
    uint8_t type;
    void *parentObj;
    int rank;
    union {
        struct {
            uint64_t seqNumber;
            const char *func;
            void const *sendBuff;
            void *recvBuff;
            size_t count;
            int root;
            const char *datatype;
            uint8_t nChannels;
            uint8_t nWarps;
            const char *algo;
            const char *proto;
        } coll;
    } of;
} descr_v4;

typedef struct {
    uint8_t type;
    void *parentObj;
    int rank;
    struct {
        const char *name;
        uint64_t commHash;
        uint64_t seqNumber;
        const char *func;
        void const *sendBuff;
        void *recvBuff;
        size_t count;
        int root;
        const char *datatype;
        uint8_t nMaxChannels;
        uint8_t nWarps;
        const char *algo;
        const char *proto;
    } coll;
} descr_v3;

typedef struct {
    uint8_t type;
    void *parentObj;
    int rank;
    struct {
        const char *name;
        uint64_t commHash;
        uint64_t seqNumber;
        const char *func;
        void const *sendBuff;
        void *recvBuff;
        size_t count;
        int root;
        const char *datatype;
        size_t trafficBytes;
        uint8_t nMaxChannels;
        uint8_t nWarps;
        const char *algo;
        const char *proto;
    } coll;
} descr_v2;

typedef union {
    struct {
        size_t transSize;
    } proxyStep;
} state_args;

typedef struct {
    const char *name;
    union {
        int (*v5)(void **context, uint64_t commId, int *eActivationMask, const char *commName,
                  int nNodes, int nranks, int rank, void *logfn);
        int (*v4)(void **context, int *eActivationMask, const char *commName, uint64_t commHash,
                  int nNodes, int nranks, int rank, void *logfn);
        int (*v3)(void **context, int *eActivationMask);
    } init;
    int (*startEvent)(void *context, void **eHandle, void *eDescr);
    int (*stopEvent)(void *eHandle);
    int (*recordEventState)(void *eHandle, int eState, state_args *eStateArgs);
    int (*finalize)(void *context);
} profiler;

enum { GROUP = 1, COLL = 2, P2P = 4, PROXY_OP = 8, PROXY_STEP = 16, GROUP_API = 256 };

static int mask; /* NCCL's own word */
static int version;
static const profiler *plugin;
static void *context;
static FILE *log_file;

/* ---------------------------------------------------------------------------------------- the log
 */

static void say(const struct mlb_nccl_comm *comm, const char *text)
{
    fprintf(log_file, "host:77:%d [%d] NCCL INFO %s\n", 77 + comm->rank, comm->rank, text);
}

static void write_log(const struct mlb_nccl_comm *comm)
{
    const char *level = getenv("NCCL_DEBUG"), *file = getenv("NCCL_DEBUG_FILE");
    const char *one_rank = getenv("FAKE_NCCL_STAGED_RANK");
    bool staged = one_rank && atoi(one_rank) == comm->rank;
    if (!level || strcmp(level, "INFO") != 0 || !file || !(log_file = fopen(file, "w")))
        return;
    say(comm, "NCCL version 2.28.9+cuda13.0");
    say(comm, "NVLS multicast support is not available on dev 0 (NVLS_NCHANNELS 0)");
    if (fake_behaves("ib")) {
        say(comm, "Using network IB");
        say(comm, "Channel 00/0 : 0[0] -> 1[1] [send] via NET/IB/0/GDRDMA");
        say(comm, staged ? "Channel 00/0 : 1[1] -> 0[0] [receive] via NET/IB/0"
                         : "Channel 00/0 : 1[1] -> 0[0] [receive] via NET/IB/0/GDRDMA");
    } else if (fake_behaves("socket")) {
        say(comm, "Using network Socket");
        say(comm, "Channel 00/0 : 0[0] -> 1[1] [send] via NET/Socket/0");
    }
    fclose(log_file);
}

/* ------------------------------------------------------------------------------------- the plugin
 */

static void load_plugin(const struct mlb_nccl_comm *comm)
{
    char symbol[32];
    const char *name = getenv("NCCL_PROFILER_PLUGIN"), *known = getenv("FAKE_NCCL_PLUGIN");
    mask = 0;
    plugin = NULL;
    if (!name || strcmp(name, "STATIC_PLUGIN") != 0)
        return;
    version = known ? atoi(known) : 5;
    snprintf(symbol, sizeof symbol, "ncclProfiler_v%d", version);
    plugin = dlsym(dlopen(NULL, RTLD_NOW), symbol);
    if (!plugin)
        fake_note("no-plugin");
    else if (version == 5)
        plugin->init.v5(&context, 0x1234, &mask, NULL, 1, comm->ranks, comm->rank, NULL);
    else if (version == 4)
        plugin->init.v4(&context, &mask, NULL, 0x1234, 1, comm->ranks, comm->rank, NULL);
    else
        plugin->init.v3(&context, &mask);
}

void fake_start_evidence(const struct mlb_nccl_comm *comm)
{
    write_log(comm);
    load_plugin(comm);
}

void fake_end_evidence(void)
{
    if (plugin)
        plugin->finalize(context);
}

static void show_coll(const char *function, const char *algorithm, size_t count, void *parent)
{
    void *handle = NULL;
    descr_v5 d5 = {.type = COLL, .parentObj = parent};
    descr_v4 d4 = {.type = COLL, .parentObj = parent};
    descr_v3 d3 = {.type = COLL, .parentObj = parent};
    descr_v2 d2 = {.type = COLL, .parentObj = parent};
    void *descriptors[] = {&d2, &d3, &d4, &d5};
#define FILL(d, channels)                                                                          \
    d.func = function, d.count = count, d.datatype = "ncclFloat32", d.channels = 24,               \
    d.nWarps = 17, d.algo = algorithm, d.proto = "LL128"
    FILL(d5.of.coll, nChannels);
    FILL(d4.of.coll, nChannels);
    FILL(d3.coll, nMaxChannels);
    FILL(d2.coll, nMaxChannels);
#undef FILL
    plugin->startEvent(context, &handle, descriptors[version - 2]);
    if (handle)
        plugin->stopEvent(handle);
}

static void show_transfer(int is_send, int state, size_t bytes)
{
    void *op = NULL, *step = NULL;
    descr_v5 descr = {.type = PROXY_OP};
    state_args args = {.proxyStep = {bytes}};
    descr.of.proxyOp.isSend = is_send;
    plugin->startEvent((void *)1, &op, &descr);
    if (!op)
        return;
    descr = (descr_v5){.type = PROXY_STEP, .parentObj = op};
    plugin->startEvent((void *)1, &step, &descr);
    plugin->recordEventState(step, state, &args);
    plugin->recordEventState(step, 8, NULL);
    plugin->stopEvent(step);
    plugin->stopEvent(op);
}

void fake_show_kernel(const char *function, const char *algorithm, size_t count)
{
    void *group = NULL;
    descr_v5 descr = {.type = GROUP_API};
    if (!plugin || !mask)
        return;
    fake_note("shown");
    plugin->startEvent(context, &group, &descr);
    if (!group)
        return;
    if (algorithm) {
        show_coll(function, algorithm, count, group);
    } else {
        descr = (descr_v5){.type = P2P, .parentObj = group};
        descr.of.p2p.nChannels = 2;
        plugin->startEvent(context, &group, &descr);
    }
    plugin->recordEventState(group, 24, NULL);
    if (fake_behaves("ib") || fake_behaves("socket")) {
        show_transfer(1, 9, 4096);
        show_transfer(1, 9, 1000);
        show_transfer(0, 11, 2048);
    }
    plugin->stopEvent(group);
}
