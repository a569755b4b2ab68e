/* SPDX-License-Identifier: Apache-2.0 */
/* A driver that does nothing, for planning cuDNN graphs without a GPU: it has every function that
 * the toolkit's libcuda.so has (fake_libcuda_rest.c, made from that by fake_libcuda.cmake), so that
 * cuDNN loads it; each returns success, but for these. */
#include <stddef.h>

enum { SUCCESS = 0, NO_DEVICE = 100, NOT_FOUND = 500 };

int cuInit(unsigned flags);
int cuDriverGetVersion(int *version);
int cuDeviceGetCount(int *count);
int cuGetErrorName(int error, const char **text);
int cuGetErrorString(int error, const char **text);
int cuGetProcAddress(const char *symbol, void **function, int version, unsigned long long flags);
int cuGetProcAddress_v2(const char *symbol, void **function, int version, unsigned long long flags,
                        int *result);
int cuLibraryLoadData(void **library, const void *code);
int cuLibraryGetKernel(void **kernel, void *library, const char *name);
int cuLibraryGetModule(void **module, void *library);
int cuKernelGetFunction(void **function, void *kernel);

/* What handles point to. */
static char something;

static int give(void **handle)
{
    *handle = &something;
    return SUCCESS;
}

int cuInit(unsigned flags)
{
    (void)flags;
    return NO_DEVICE;
}

int cuDriverGetVersion(int *version)
{
    *version = 13000;
    return SUCCESS;
}

int cuDeviceGetCount(int *count)
{
    *count = 0;
    return SUCCESS;
}

int cuGetErrorName(int error, const char **text)
{
    (void)error;
    *text = "FAKE";
    return SUCCESS;
}

int cuGetErrorString(int error, const char **text)
{
    return cuGetErrorName(error, text);
}

int cuGetProcAddress(const char *symbol, void **function, int version, unsigned long long flags)
{
    (void)symbol;
    (void)version;
    (void)flags;
    *function = NULL;
    return NOT_FOUND;
}

int cuGetProcAddress_v2(const char *symbol, void **function, int version, unsigned long long flags,
                        int *result)
{
    (void)result;
    return cuGetProcAddress(symbol, function, version, flags);
}

int cuLibraryLoadData(void **library, const void *code)
{
    (void)code;
    return give(library);
}

int cuLibraryGetKernel(void **kernel, void *library, const char *name)
{
    (void)library;
    (void)name;
    return give(kernel);
}

int cuLibraryGetModule(void **module, void *library)
{
    (void)library;
    return give(module);
}

int cuKernelGetFunction(void **function, void *kernel)
{
    (void)kernel;
    return give(function);
}
