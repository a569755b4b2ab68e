/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/dynlib.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "harness/base/text.h"

/* Where the toolkit's installers put libraries without telling the loader, and where container
 * engines mount the driver's. Those of Python's wheels are found where the build found them
 * (cmake/wheels.cmake, the program's run path) or on LD_LIBRARY_PATH. */
static const char *const folders[] = {
    "/usr/local/cuda/lib64",
    "/usr/local/cuda/lib",
    "/usr/local/cuda/targets/x86_64-linux/lib",
    "/usr/local/cuda/targets/sbsa-linux/lib",
    "/usr/local/nvidia/lib64",
    "/usr/local/nvidia/lib",
    NULL,
};

/* Data and function pointers have the same form wherever dlsym exists (POSIX.1-2008). */
static void set_function(void *functions, size_t offset, void *symbol)
{
    memcpy((char *)functions + offset, &symbol, sizeof symbol);
}

static void clear(const struct mlb_library *library, void *functions)
{
    for (const struct mlb_symbol *symbol = library->symbols; symbol->name; symbol++)
        set_function(functions, symbol->offset, NULL);
}

/* Keeps the loader's complaint when it says more than that this file is not there. What was loaded
 * stays: CUDA's libraries are hundreds of megabytes, opened for each case, and some do not survive
 * being unloaded. */
static void *try_open(const char *file, char *complaint, size_t size)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const char *text = handle ? NULL : dlerror();
    if (text && (strncmp(text, file, strlen(file)) != 0 || !strstr(text, "cannot open shared")))
        mlb_format(complaint, size, "%s", text);
    return handle;
}

static void *find(const struct mlb_library *library, char *complaint, size_t size)
{
    void *handle = NULL;
    for (const char *const *name = library->sonames; *name && !handle; name++)
        handle = try_open(*name, complaint, size);
    for (const char *const *folder = folders; *folder && !handle; folder++) {
        for (const char *const *name = library->sonames; *name && !handle; name++) {
            char file[MLB_DYNLIB_PATH];
            mlb_format(file, sizeof file, "%s/%s", *folder, *name);
            handle = try_open(file, complaint, size);
        }
    }
    return handle;
}

static enum mlb_status fail_absent(const struct mlb_library *library, const char *path,
                                   const char *complaint, struct mlb_error *err)
{
    struct mlb_text names = {0};
    if (path)
        mlb_text_add(&names, path);
    for (const char *const *name = library->sonames; *name && !path; name++)
        mlb_text_addf(&names, "%s%s", name == library->sonames ? "" : " or ", *name);
    enum mlb_status status;
    if (complaint[0])
        status = mlb_fail(err, MLB_E_UNSUPPORTED, "%s: %s cannot be opened: %s", library->name,
                          mlb_text_get(&names), complaint);
    else
        status = mlb_fail(err, MLB_E_UNSUPPORTED, "%s: %s is not there: %s", library->name,
                          mlb_text_get(&names), library->advice);
    mlb_text_free(&names);
    return status;
}

static void find_path(struct mlb_dynlib *dynlib)
{
    struct link_map *map = NULL;
    dynlib->path[0] = '\0';
    if (dlinfo(dynlib->handle, RTLD_DI_LINKMAP, &map) == 0 && map)
        mlb_format(dynlib->path, sizeof dynlib->path, "%s", map->l_name);
}

enum mlb_status mlb_dynlib_open(struct mlb_dynlib *dynlib, const struct mlb_library *library,
                                const char *path, void *functions, struct mlb_error *err)
{
    char complaint[256] = "";
    memset(dynlib, 0, sizeof *dynlib);
    clear(library, functions);
    dynlib->handle = path ? try_open(path, complaint, sizeof complaint)
                          : find(library, complaint, sizeof complaint);
    if (!dynlib->handle)
        return fail_absent(library, path, complaint, err);
    find_path(dynlib);
    for (const struct mlb_symbol *symbol = library->symbols; symbol->name; symbol++) {
        void *found = dlsym(dynlib->handle, symbol->name);
        set_function(functions, symbol->offset, found);
        if (found || symbol->optional)
            continue;
        enum mlb_status status =
            mlb_fail(err, MLB_E_UNSUPPORTED, "%s: %s has no %s, it is too old: %s", library->name,
                     dynlib->path, symbol->name, library->advice);
        mlb_dynlib_close(dynlib);
        clear(library, functions);
        return status;
    }
    return MLB_OK;
}

void mlb_dynlib_close(struct mlb_dynlib *dynlib)
{
    if (dynlib->handle)
        dlclose(dynlib->handle);
    memset(dynlib, 0, sizeof *dynlib);
}
