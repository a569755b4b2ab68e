/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm/cublaslt.h"

#include <dlfcn.h>

#include "harness/base/text.h"

#define TEXT_OF(number)  #number
#define EXPANDED(number) TEXT_OF(number)
#define MAJOR            EXPANDED(CUBLAS_VER_MAJOR)

static const struct mlb_symbol symbols[] = {
#define SYMBOL(member, function)                                                                   \
    {#function, offsetof(struct mlb_cublaslt_functions, member), false},
    MLB_CUBLASLT_LIST(SYMBOL)
#undef SYMBOL
        {NULL, 0, false}};

/* Only the major version of the header: its structs and enums are those of this library. */
static const char *const sonames[] = {"libcublasLt.so." MAJOR, NULL};

static const struct mlb_library library = {
    .name = "cuBLASLt",
    .sonames = sonames,
    .symbols = symbols,
    .advice = "it is part of the CUDA Toolkit " MAJOR " (package libcublas)",
};

enum mlb_status mlb_cublaslt_open(struct mlb_cublaslt *lt, struct mlb_error *err)
{
    enum mlb_status status = mlb_dynlib_open(&lt->library, &library, NULL, &lt->call, err);
    if (status != MLB_OK)
        return status;
    /* Loading its half gigabyte takes long, and a library that holds CUDA state is never unloaded
     * safely: mark it as staying. */
    void *mark = dlopen(lt->library.path, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    if (mark)
        dlclose(mark);
    return MLB_OK;
}

void mlb_cublaslt_close(struct mlb_cublaslt *lt)
{
    mlb_dynlib_close(&lt->library);
}

static enum mlb_status status_of(cublasStatus_t code)
{
    switch (code) {
    case CUBLAS_STATUS_SUCCESS:
        return MLB_OK;
    case CUBLAS_STATUS_ALLOC_FAILED:
        return MLB_E_NOMEM;
    case CUBLAS_STATUS_NOT_SUPPORTED:
    case CUBLAS_STATUS_ARCH_MISMATCH:
        return MLB_E_UNSUPPORTED;
    default:
        return MLB_E_DEVICE;
    }
}

enum mlb_status mlb_cublaslt_check(const struct mlb_cublaslt *lt, cublasStatus_t code,
                                   const char *what, struct mlb_error *err)
{
    enum mlb_status status = status_of(code);
    if (status == MLB_OK)
        return MLB_OK;
    return mlb_fail(err, status, "cuBLASLt: %s: %s", what, lt->call.status_name(code));
}

void mlb_cublaslt_version(const struct mlb_cublaslt *lt, char *to, size_t size)
{
    size_t version = lt->call.version(); /* CUBLAS_VERSION: 130100 is 13.1.0 */
    mlb_format(to, size, "cuBLASLt %zu.%zu.%zu", version / 10000, version / 100 % 100,
               version % 100);
}
