/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries opened at run time: the program starts where they are not, and says in one line what is
 * missing and how to get it. A library is a const row of names plus a const table of symbols. */
#ifndef MLB_DEVICE_DYNLIB_H
#define MLB_DEVICE_DYNLIB_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/status.h"

struct mlb_symbol {
    const char *name;
    size_t offset; /* of the function pointer in the owner's struct */
    bool optional; /* absent in older versions: the pointer stays NULL then */
};

struct mlb_library {
    const char *name;                 /* "cuBLASLt", for messages */
    const char *const *sonames;       /* newest first; NULL-terminated */
    const struct mlb_symbol *symbols; /* ends with a NULL name */
    const char *advice;               /* "install libcublas (CUDA Toolkit)": how to get it */
};

#define MLB_DYNLIB_PATH 512

/* An open library. Zero-initialise; mlb_dynlib_close accepts that. */
struct mlb_dynlib {
    void *handle;
    char path[MLB_DYNLIB_PATH]; /* the file that was really opened, as the loader tells */
};

/* Open the first of the sonames that the loader finds (LD_LIBRARY_PATH, then its cache), then in
 * the CUDA Toolkit's usual folders; or, with `path`, that file alone. Fills `functions` (all
 * pointers; zeroed first as far as the table reaches). MLB_E_UNSUPPORTED otherwise, with nothing
 * open and all pointers NULL. */
enum mlb_status mlb_dynlib_open(struct mlb_dynlib *dynlib, const struct mlb_library *library,
                                const char *path, void *functions, struct mlb_error *err);
void mlb_dynlib_close(struct mlb_dynlib *dynlib);

#endif
