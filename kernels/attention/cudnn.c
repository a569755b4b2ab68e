/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/cudnn.h"

#include <string.h>

#include "harness/base/text.h"

#define OLDEST 80900u
#define TRACE  16384u /* bytes: a few engines' worth of cuDNN's last error */

static const struct mlb_symbol symbols[] = {
#define SYMBOL(member, function, optional, result, arguments)                                      \
    {#function, offsetof(struct mlb_cudnn_functions, member), optional},
    MLB_CUDNN_FUNCTIONS(SYMBOL)
#undef SYMBOL
        {NULL, 0, false}};

static const char *const sonames[] = {"libcudnn.so.9", "libcudnn.so.8", NULL};

static const struct mlb_library library = {
    .name = "cuDNN",
    .sonames = sonames,
    .symbols = symbols,
    .advice = "install cudnn9 from NVIDIA's repository, or put the folder of PyTorch's copy "
              "(nvidia/cudnn/lib) on LD_LIBRARY_PATH",
};

/* Version 9 counts 10000 x major + 100 x minor + patch, version 8 counted 1000 x major. */
static uint32_t version_of(size_t number)
{
    uint32_t n = (uint32_t)number;
    return n < 10000 ? n / 1000 * 10000 + n % 1000 : n;
}

void mlb_cudnn_version(const struct mlb_cudnn *cudnn, char *to, size_t size)
{
    mlb_format(to, size, "cuDNN %u.%u.%u", cudnn->version / 10000, cudnn->version / 100 % 100,
               cudnn->version % 100);
}

enum mlb_status mlb_cudnn_open(struct mlb_cudnn *cudnn, struct mlb_error *err)
{
    char found[32];
    if (mlb_dynlib_open(&cudnn->library, &library, NULL, &cudnn->call, err) != MLB_OK)
        return err ? err->status : MLB_E_UNSUPPORTED;
    cudnn->version = version_of(cudnn->call.version());
    mlb_cudnn_version(cudnn, found, sizeof found);
    if (cudnn->version >= OLDEST)
        return MLB_OK;
    mlb_cudnn_close(cudnn);
    return mlb_fail(err, MLB_E_UNSUPPORTED, "%s is too old for attention graphs: 8.9 or newer",
                    found);
}

void mlb_cudnn_close(struct mlb_cudnn *cudnn)
{
    mlb_dynlib_close(&cudnn->library);
}

/* Version 9 counts by thousands: 1 no start, 2 bad parameter, 3 not supported, 4 internal, 5
 * execution; version 8 had single numbers. What a release cannot run it refuses as a bad parameter
 * or as not supported, whichever of its checks comes first. */
static enum mlb_status status_of(int code)
{
    switch (code) {
    case 0:
        return MLB_OK;
    case 2:    /* 8: allocation failed */
    case 4003: /* of host memory */
    case 4004: /* of device memory */
        return MLB_E_NOMEM;
    case 4001: /* its run-time compiler failed: no plan */
    case 1:    /* 8: not initialized, bad parameter, invalid value, architecture, not supported */
    case 3:
    case 5:
    case 6:
    case 9:
        return MLB_E_UNSUPPORTED;
    default:
        return code >= 1000 && code < 4000 ? MLB_E_UNSUPPORTED : MLB_E_DEVICE;
    }
}

/* Of what cuDNN tells, a trace for each engine that it tried, the line that is about this case: not
 * that an engine is for another graph or another architecture. */
static void find_reason(char *trace, char *to, size_t size)
{
    bool found = false;
    for (char *rest = NULL, *line = strtok_r(trace, "\n", &rest); line && !found;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *reason = strstr(line, "Reason: ");
        if (!reason || !strstr(line, " at: "))
            continue;
        found = !strstr(line, "GRAPH_PATTERN") && !strstr(line, "ARCH_MISMATCH");
        if (found || !to[0])
            mlb_format(to, size, ": %s", reason + strlen("Reason: "));
    }
}

enum mlb_status mlb_cudnn_check(const struct mlb_cudnn *cudnn, int code, const char *what,
                                struct mlb_error *err)
{
    enum mlb_status status = status_of(code);
    char trace[TRACE] = "", reason[256] = "";
    if (status == MLB_OK)
        return MLB_OK;
    if (cudnn->call.last_error)
        cudnn->call.last_error(trace, sizeof trace);
    find_reason(trace, reason, sizeof reason);
    return mlb_fail(err, status, "cuDNN: %s: %s%s", what, cudnn->call.status_text(code), reason);
}
