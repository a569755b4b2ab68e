/* SPDX-License-Identifier: Apache-2.0 */
/* Machines for tests: made up by hwloc, written down in machines/, or recorded. */
#ifndef MLB_TESTS_SYSTEM_MACHINE_H
#define MLB_TESTS_SYSTEM_MACHINE_H

#include "harness/system/topology.h"
#include "tests/check.h"

/* Two packages of two NUMA nodes of eight cores with two threads. */
#define TWO_PACKAGES "pack:2 [numa(memory=68719476736)] l3:1(size=33554432) core:8 pu:2"
#define FOUR_NODES   "pack:2 die:2 [numa(memory=68719476736)] l3:1(size=33554432) core:8 pu:2"

/* hwloc's variables choose the machine; whatever the caller's environment had is gone. */
static inline struct mlb_topology *open_machine(const char *variable, const char *value)
{
    struct mlb_topology *topology = NULL;
    struct mlb_error err = {0};
    unsetenv("HWLOC_SYNTHETIC");
    unsetenv("HWLOC_XMLFILE");
    unsetenv("HWLOC_FSROOT");
    unsetenv("HWLOC_COMPONENTS");
    unsetenv("HWLOC_THISSYSTEM");
    if (variable)
        setenv(variable, value, 1);
    if (variable && strcmp(variable, "HWLOC_FSROOT") == 0)
        setenv("HWLOC_COMPONENTS", "linux,stop", 1); /* nothing of this machine */
    check_ok(mlb_topology_open(&topology, &err), &err);
    return topology;
}

static inline struct mlb_topology *open_synthetic(const char *description)
{
    return open_machine("HWLOC_SYNTHETIC", description);
}

static inline struct mlb_topology *open_written(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/system/machines/%s.xml", MLB_TEST_SOURCE_DIR, name);
    return open_machine("HWLOC_XMLFILE", path);
}

/* "" when there is none. */
static inline const char *shared_topology(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/../shared/data/topology/%s", MLB_TEST_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        path[0] = '\0';
    else
        fclose(file);
    return path;
}

#endif
