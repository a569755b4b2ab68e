/* SPDX-License-Identifier: Apache-2.0 */
/* Names that the libraries know. NCCL passes over a name that it does not know without a word, so
 * the table is what tells a slip of the pen from a setting. Those of NCCL are all that its library
 * of 2.28.9 reads, and two of later ones. */
#include <string.h>

#include "harness/base/text.h"
#include "harness/system/settings.h"

static const char *const shown[] = {"NCCL_ALGO",
                                    "NCCL_ALLOC_P2P_NET_LL_BUFFERS",
                                    "NCCL_BUFFSIZE",
                                    "NCCL_CGA_CLUSTER_SIZE",
                                    "NCCL_CHECK_POINTERS",
                                    "NCCL_CHUNK_SIZE",
                                    "NCCL_COLLNET_ENABLE",
                                    "NCCL_COLLNET_NODE_THRESHOLD",
                                    "NCCL_COMM_BLOCKING",
                                    "NCCL_COMM_SHRINK_SHARE_RESOURCES",
                                    "NCCL_COMM_SPLIT_SHARE_RESOURCES",
                                    "NCCL_CONNECT_ROUND_MAX_PEERS",
                                    "NCCL_CREATE_THREAD_CONTEXT",
                                    "NCCL_CROSS_NIC",
                                    "NCCL_CTA_POLICY",
                                    "NCCL_CUMEM_ENABLE",
                                    "NCCL_CUMEM_HOST_ENABLE",
                                    "NCCL_DEBUG",
                                    "NCCL_DEBUG_SUBSYS",
                                    "NCCL_DEBUG_TIMESTAMP_FORMAT",
                                    "NCCL_DEBUG_TIMESTAMP_LEVELS",
                                    "NCCL_DMABUF_ENABLE",
                                    "NCCL_GDRCOPY_ENABLE",
                                    "NCCL_GDRCOPY_FIFO_ENABLE",
                                    "NCCL_GDRCOPY_FLUSH_ENABLE",
                                    "NCCL_GDRCOPY_SYNC_ENABLE",
                                    "NCCL_GDR_FLUSH_DISABLE",
                                    "NCCL_GIN_COUNTER_POOL_SIZE",
                                    "NCCL_GIN_ENABLE",
                                    "NCCL_GIN_ERROR_QUERY_SEC",
                                    "NCCL_GIN_GDAKI_NIC_HANDLER",
                                    "NCCL_GIN_GDAKI_QP_DEPTH",
                                    "NCCL_GIN_NCONTEXTS",
                                    "NCCL_GIN_PROXY_QUEUE_SIZE",
                                    "NCCL_GIN_SIGNAL_POOL_SIZE",
                                    "NCCL_GIN_TYPE",
                                    "NCCL_GRAPH_DUMP_FILE_RANK",
                                    "NCCL_GRAPH_HELPER_DISABLE",
                                    "NCCL_GRAPH_MIXING_SUPPORT",
                                    "NCCL_GRAPH_REGISTER",
                                    "NCCL_GROUP_CUDA_STREAM",
                                    "NCCL_IB_ADAPTIVE_ROUTING",
                                    "NCCL_IB_ADDR_FAMILY",
                                    "NCCL_IB_AR_THRESHOLD",
                                    "NCCL_IB_DATA_DIRECT",
                                    "NCCL_IB_DISABLE",
                                    "NCCL_IB_ECE_ENABLE",
                                    "NCCL_IB_FIFO_TC",
                                    "NCCL_IB_GID_INDEX",
                                    "NCCL_IB_HCA",
                                    "NCCL_IB_MERGE_NICS",
                                    "NCCL_IB_MERGE_VFS",
                                    "NCCL_IB_MQP_RETRY_ALL",
                                    "NCCL_IB_MQP_RETRY_CNT",
                                    "NCCL_IB_MQP_RETRY_SLEEP_MSEC",
                                    "NCCL_IB_PCI_RELAXED_ORDERING",
                                    "NCCL_IB_PKEY",
                                    "NCCL_IB_QPS_PER_CONNECTION",
                                    "NCCL_IB_RETRY_CNT",
                                    "NCCL_IB_RETURN_ASYNC_EVENTS",
                                    "NCCL_IB_ROCE_VERSION_NUM",
                                    "NCCL_IB_ROUTABLE_FLID_GID_INDEX",
                                    "NCCL_IB_SL",
                                    "NCCL_IB_SPLIT_DATA_ON_QPS",
                                    "NCCL_IB_SUBNET_AWARE_ROUTING",
                                    "NCCL_IB_TC",
                                    "NCCL_IB_TIMEOUT",
                                    "NCCL_IB_USE_INLINE",
                                    "NCCL_IB_WARN_RAIL_LOCAL",
                                    "NCCL_IGNORE_CPU_AFFINITY",
                                    "NCCL_IGNORE_DISABLED_P2P",
                                    "NCCL_L1_SHARED_MEMORY_CARVEOUT",
                                    "NCCL_LAUNCH_MODE",
                                    "NCCL_LAUNCH_ORDER_IMPLICIT",
                                    "NCCL_LAUNCH_RACE_FATAL",
                                    "NCCL_LEGACY_CUDA_REGISTER",
                                    "NCCL_LL128_BUFFSIZE",
                                    "NCCL_LL128_C2C",
                                    "NCCL_LL128_NTHREADS",
                                    "NCCL_LL_BUFFSIZE",
                                    "NCCL_LOCAL_REGISTER",
                                    "NCCL_MAX_CTAS",
                                    "NCCL_MAX_NCHANNELS",
                                    "NCCL_MAX_NRINGS",
                                    "NCCL_MAX_P2P_NCHANNELS",
                                    "NCCL_MEM_SYNC_DOMAIN",
                                    "NCCL_MIN_CTAS",
                                    "NCCL_MIN_NCHANNELS",
                                    "NCCL_MIN_NRINGS",
                                    "NCCL_MIN_P2P_NCHANNELS",
                                    "NCCL_MNNVL_CLIQUE_ID",
                                    "NCCL_MNNVL_ENABLE",
                                    "NCCL_MNNVL_RAIL_PER_HOST",
                                    "NCCL_MNNVL_SCATTER_NETS_ENABLE",
                                    "NCCL_MULTI_RANK_GPU_ENABLE",
                                    "NCCL_NCHANNELS_PER_NET_PEER",
                                    "NCCL_NET",
                                    "NCCL_NETDEVS_POLICY",
                                    "NCCL_NET_DISABLE_INTRA",
                                    "NCCL_NET_FORCE_FLUSH",
                                    "NCCL_NET_FORCE_MERGE",
                                    "NCCL_NET_GDR_C2C",
                                    "NCCL_NET_GDR_LEVEL",
                                    "NCCL_NET_GDR_READ",
                                    "NCCL_NET_MERGE_LEVEL",
                                    "NCCL_NET_OPTIONAL_RECV_COMPLETION",
                                    "NCCL_NET_OVERHEAD",
                                    "NCCL_NET_SHARED_BUFFERS",
                                    "NCCL_NET_SHARED_COMMS",
                                    "NCCL_NSOCKS_PERTHREAD",
                                    "NCCL_NTHREADS",
                                    "NCCL_NVB_DISABLE",
                                    "NCCL_NVB_PRECONNECT",
                                    "NCCL_NVLINK_UTIL_CENTRIC_SCHED_ENABLE",
                                    "NCCL_NVLSTREE_MAX_CHUNKSIZE",
                                    "NCCL_NVLS_CHUNKSIZE",
                                    "NCCL_NVLS_ENABLE",
                                    "NCCL_NVLS_NCHANNELS",
                                    "NCCL_NVTX_DISABLE",
                                    "NCCL_OOB_NET_ENABLE",
                                    "NCCL_OOB_NET_IFNAME",
                                    "NCCL_P2P_DIRECT_DISABLE",
                                    "NCCL_P2P_DISABLE",
                                    "NCCL_P2P_LEVEL",
                                    "NCCL_P2P_LL_THRESHOLD",
                                    "NCCL_P2P_NET_CHUNKSIZE",
                                    "NCCL_P2P_NVL_CHUNKSIZE",
                                    "NCCL_P2P_PCI_CHUNKSIZE",
                                    "NCCL_P2P_PXN_LEVEL",
                                    "NCCL_P2P_READ_ENABLE",
                                    "NCCL_P2P_SCHEDULE_GROUP_SIZE",
                                    "NCCL_P2P_USE_CUDA_MEMCPY",
                                    "NCCL_PAT_ENABLE",
                                    "NCCL_PROGRESS_APPENDOP_FREQ",
                                    "NCCL_PROTO",
                                    "NCCL_PROXY_APPEND_BATCH_SIZE",
                                    "NCCL_PROXY_CPUSET",
                                    "NCCL_PROXY_DUMP_SIGNAL",
                                    "NCCL_PXN_C2C",
                                    "NCCL_PXN_DISABLE",
                                    "NCCL_RAS_ENABLE",
                                    "NCCL_RAS_TIMEOUT_FACTOR",
                                    "NCCL_REPORT_CONNECT_PROGRESS",
                                    "NCCL_RUNTIME_CONNECT",
                                    "NCCL_SET_CPU_STACK_SIZE",
                                    "NCCL_SET_STACK_SIZE",
                                    "NCCL_SET_THREAD_NAME",
                                    "NCCL_SHM_DISABLE",
                                    "NCCL_SHM_MEMCPY_MODE",
                                    "NCCL_SHM_USE_CUDA_MEMCPY",
                                    "NCCL_SINGLE_PROC_MEM_REG_ENABLE",
                                    "NCCL_SOCKET_FAMILY",
                                    "NCCL_SOCKET_IFNAME",
                                    "NCCL_SOCKET_INLINE",
                                    "NCCL_SOCKET_MIN_TASKSIZE",
                                    "NCCL_SOCKET_NTHREADS",
                                    "NCCL_SOCKET_RCVBUF",
                                    "NCCL_SOCKET_RETRY_CNT",
                                    "NCCL_SOCKET_RETRY_SLEEP_MSEC",
                                    "NCCL_SOCKET_SNDBUF",
                                    "NCCL_SYM_CTAS",
                                    "NCCL_SYM_KERNEL",
                                    "NCCL_THREAD_THRESHOLDS",
                                    "NCCL_TOPO_DUMP_FILE_RANK",
                                    "NCCL_UID_STAGGER_RATE",
                                    "NCCL_UID_STAGGER_THRESHOLD",
                                    "NCCL_UNPACK_DOUBLE_NCHANNELS",
                                    "NCCL_WARN_ENABLE_DEBUG_INFO",
                                    "NCCL_WIN_ENABLE",
                                    "NCCL_WIN_STRIDE",
                                    "NCCL_WORK_ARGS_BYTES",
                                    "NCCL_WORK_FIFO_BYTES",
                                    NULL};

/* Of libfabric, UCX and Open MPI only those that recipes for GPU clusters set; and what Google's
 * for A3 High sets for an NCCL of its own. */
static const char *const shown_others[] = {"NCCL_DYNAMIC_CHUNK_SIZE",
                                           "FI_EFA_ENABLE_SHM_TRANSFER",
                                           "FI_EFA_FORK_SAFE",
                                           "FI_EFA_USE_DEVICE_RDMA",
                                           "FI_EFA_USE_HUGE_PAGE",
                                           "FI_EFA_TX_SIZE",
                                           "FI_EFA_RX_SIZE",
                                           "FI_HMEM_CUDA_USE_GDRCOPY",
                                           "FI_LOG_LEVEL",
                                           "FI_MR_CACHE_MONITOR",
                                           "FI_PROVIDER",
                                           "RDMAV_FORK_SAFE",
                                           "RDMAV_HUGEPAGES_SAFE",
                                           "UCX_IB_GID_INDEX",
                                           "UCX_IB_PCI_RELAXED_ORDERING",
                                           "UCX_IB_SL",
                                           "UCX_IB_TRAFFIC_CLASS",
                                           "UCX_MAX_RNDV_RAILS",
                                           "UCX_NET_DEVICES",
                                           "UCX_RNDV_SCHEME",
                                           "UCX_RNDV_THRESH",
                                           "UCX_TLS",
                                           "OMPI_MCA_btl",
                                           "OMPI_MCA_btl_openib_allow_ib",
                                           "OMPI_MCA_btl_tcp_if_exclude",
                                           "OMPI_MCA_btl_tcp_if_include",
                                           "OMPI_MCA_btl_tcp_links",
                                           "OMPI_MCA_coll",
                                           "OMPI_MCA_coll_hcoll_enable",
                                           "OMPI_MCA_coll_tuned_use_dynamic_rules",
                                           "OMPI_MCA_mtl",
                                           "OMPI_MCA_oob_tcp_if_include",
                                           "OMPI_MCA_osc",
                                           "OMPI_MCA_pml",
                                           "OMPI_MCA_btl_vader_single_copy_mechanism",
                                           "OMPI_MCA_smsc",
                                           NULL};

static const char *const tails[] = {"NCCL_CONF_FILE",
                                    "NCCL_DEBUG_FILE",
                                    "NCCL_ENV_PLUGIN",
                                    "NCCL_GRAPH_DUMP_FILE",
                                    "NCCL_GRAPH_FILE",
                                    "NCCL_NET_PLUGIN",
                                    "NCCL_PROFILER_PLUGIN",
                                    "NCCL_TOPO_DUMP_FILE",
                                    "NCCL_TOPO_FILE",
                                    "NCCL_TUNER_CONFIG_FILE",
                                    "NCCL_TUNER_CONFIG_PATH",
                                    "NCCL_TUNER_PLUGIN",
                                    NULL};

static const char *const set_only[] = {"NCCL_COMM_ID",    "NCCL_HOSTID",   "NCCL_IB_ADDR_RANGE",
                                       "NCCL_MNNVL_UUID", "NCCL_RAS_ADDR", NULL};

/* Of package builds and images. */
static const char *const others[] = {"NCCL_DIR",          "NCCL_HOME",      "NCCL_INCLUDE_DIR",
                                     "NCCL_INCLUDE_DIRS", "NCCL_LIBRARIES", "NCCL_LIBRARY",
                                     "NCCL_LIB_DIR",      "NCCL_PATH",      "NCCL_ROOT",
                                     "NCCL_ROOT_DIR",     "NCCL_VERSION",   NULL};

/* Whole families: of plugins, whose names are theirs to choose, and of other programs. */
static const struct {
    const char *prefix;
    enum mlb_setting_show show;
} families[] = {
    {"NCCL_FASTRAK_", MLB_SETTING_TAIL}, {"NCCL_GPUDIRECTTCPX_", MLB_SETTING_TAIL},
    {"NCCL_SHIMNET_", MLB_SETTING_TAIL}, {"NCCL_INSPECTOR_", MLB_SETTING_TAIL},
    {"OFI_NCCL_", MLB_SETTING_TAIL},     {"NCCL_TESTS_", MLB_SETTING_OTHERS},
    {"FI_", MLB_SETTING_OTHERS},         {"UCX_", MLB_SETTING_OTHERS},
    {"OMPI_MCA_", MLB_SETTING_OTHERS},
};

static const struct {
    const char *const *names;
    enum mlb_setting_show show;
} tables[] = {
    {shown, MLB_SETTING_VALUE},  {shown_others, MLB_SETTING_VALUE}, {tails, MLB_SETTING_TAIL},
    {set_only, MLB_SETTING_SET}, {others, MLB_SETTING_OTHERS},
};
enum { TABLES = sizeof tables / sizeof tables[0] };

static bool has(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

enum mlb_setting_show mlb_setting_show(const char *name)
{
    for (size_t i = 0; i < TABLES; i++)
        if (has(tables[i].names, name))
            return tables[i].show;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (strncmp(name, families[i].prefix, strlen(families[i].prefix)) == 0)
            return families[i].show;
    return strncmp(name, "NCCL_", 5) == 0 ? MLB_SETTING_UNKNOWN : MLB_SETTING_OTHERS;
}

const char *mlb_setting_nearest(const char *name)
{
    const char *nearest = NULL;
    size_t least = MLB_NOT_NEAR;
    for (size_t i = 0; i < TABLES; i++) {
        const char *near = mlb_nearest(name, tables[i].names);
        size_t distance = near ? mlb_nearness(name, near) : MLB_NOT_NEAR;
        if (distance < least) {
            least = distance;
            nearest = near;
        }
    }
    return nearest;
}
