/* SPDX-License-Identifier: Apache-2.0 */
/* The constants and prototypes of kernels/attention/cudnn.h against cuDNN's own header. */
#include "kernels/attention/cudnn.h"

#include <stdio.h>

#if __has_include(<cudnn.h>) && __has_include(<cuda_runtime_api.h>)
#include <cudnn.h>

#define SAME(name, value) _Static_assert((int)CUDNN_##name == (value), #name);
MLB_CUDNN_CONSTANTS(SAME)

/* Enumerations are passed as ints and descriptors as pointers. */
_Static_assert(sizeof(cudnnStatus_t) == sizeof(int), "status");
_Static_assert(sizeof(cudnnBackendAttributeName_t) == sizeof(int), "attribute name");
_Static_assert(sizeof(cudnnBackendAttributeType_t) == sizeof(int), "attribute type");
_Static_assert(sizeof(cudnnBackendDescriptorType_t) == sizeof(int), "descriptor type");
_Static_assert(sizeof(cudnnDataType_t) == sizeof(int), "data type");
_Static_assert(sizeof(cudnnBackendDescriptor_t) == sizeof(void *), "descriptor");
_Static_assert(sizeof(cudnnHandle_t) == sizeof(void *), "handle");

int main(void)
{
    printf("compiled against cuDNN %d.%d.%d's header\n", CUDNN_MAJOR, CUDNN_MINOR,
           CUDNN_PATCHLEVEL);
    return 0;
}
#else
int main(void)
{
    printf("skipped: cudnn.h is not installed beside the CUDA Toolkit's headers\n");
    return 77;
}
#endif
