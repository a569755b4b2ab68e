/* SPDX-License-Identifier: Apache-2.0 */
/* What this build is. Defined in version.c, which CMake makes at build time. */
#ifndef MLB_BASE_VERSION_H
#define MLB_BASE_VERSION_H

struct mlb_build {
    const char *version;            /* "0.1.0" */
    const char *git;                /* "1a2b3c4", with "+" when the tree had changes; "" unknown */
    const char *compiler;           /* "GNU 12.2.0" */
    const char *build_type;         /* "Release" */
    const char *sanitizers;         /* "address,undefined"; "" */
    const char *cuda;               /* toolkit version "13.0.88"; "" = built without */
    const char *cuda_architectures; /* "80-real 90a-real 100-real 100-virtual"; "" */
    const char *mpi, *onednn, *hwloc, *cjson; /* versions built with */
};

extern const struct mlb_build mlb_build;

#endif
