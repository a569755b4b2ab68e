/* SPDX-License-Identifier: Apache-2.0 */
/* What control groups grant, over made-up /proc and /sys/fs/cgroup of both versions. */
#include "harness/system/cgroup.h"
#include "tests/system/files.h"

#define GIB     (UINT64_C(1) << 30)
#define V1      "4:memory:/job/step\n2:cpu,cpuacct:/job\n0::/init\n"
#define V2      "0::/job/step\n"
#define M1      "/sys/fs/cgroup/memory"
#define M2      "/sys/fs/cgroup"
#define NONE_V1 "9223372036854771712\n" /* how version 1 says "no limit" */

struct file {
    const char *path, *text;
};

struct row {
    const char *what;
    struct file files[8];
    uint64_t limit, available;
    double quota;
};

static const struct row rows[] = {
    {"no cgroups at all", {{NULL, NULL}}, UINT64_MAX, UINT64_MAX, 0},
    {"version 2 without limits",
     {{"/proc/self/cgroup", V2},
      {M2 "/job/step/memory.max", "max\n"},
      {M2 "/job/step/cpu.max", "max 100000\n"}},
     UINT64_MAX,
     UINT64_MAX,
     0},
    {"version 2, page cache that can go",
     {{"/proc/self/cgroup", V2},
      {M2 "/job/step/memory.max", "8589934592\n"},
      {M2 "/job/step/memory.current", "6442450944\n"},
      {M2 "/job/step/memory.stat", "anon 1\nfile 2\ninactive_file 2147483648\n"},
      {M2 "/job/step/cpu.max", "450000 100000\n"}},
     8 * GIB,
     4 * GIB,
     4.5},
    {"version 2, the parent is tighter",
     {{"/proc/self/cgroup", V2},
      {M2 "/job/step/memory.max", "8589934592\n"},
      {M2 "/job/memory.max", "4294967296\n"},
      {M2 "/job/memory.current", "1073741824\n"},
      {M2 "/job/step/cpu.max", "max 100000\n"},
      {M2 "/job/cpu.max", "200000 100000\n"}},
     4 * GIB,
     3 * GIB,
     2},
    {"version 2 in a container: its own root",
     {{"/proc/self/cgroup", "0::/\n"},
      {M2 "/memory.max", "2147483648\n"},
      {M2 "/memory.current", "1073741824\n"},
      {M2 "/cpu.max", "150000 100000\n"}},
     2 * GIB,
     GIB,
     1.5},
    {"version 1",
     {{"/proc/self/cgroup", V1},
      {M1 "/job/step/memory.limit_in_bytes", "8589934592\n"},
      {M1 "/job/step/memory.usage_in_bytes", "5368709120\n"},
      {M1 "/job/step/memory.stat", "inactive_file 1\ntotal_inactive_file 1073741824\n"},
      {M1 "/memory.limit_in_bytes", NONE_V1},
      {"/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "300000\n"},
      {"/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n"}},
     8 * GIB,
     4 * GIB,
     3},
    {"version 1 without limits",
     {{"/proc/self/cgroup", V1},
      {M1 "/job/step/memory.limit_in_bytes", NONE_V1},
      {"/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n"},
      {"/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n"}},
     UINT64_MAX,
     UINT64_MAX,
     0},
    {"version 1 in a container that is told its path on the host",
     {{"/proc/self/cgroup", "4:memory:/docker/0123\n2:cpu:/docker/0123\n"},
      {M1 "/memory.limit_in_bytes", "1073741824\n"},
      {M1 "/memory.usage_in_bytes", "2147483648\n"}}, /* above the limit: nothing is left */
     GIB,
     0,
     0},
    {"nonsense is no limit",
     {{"/proc/self/cgroup", "garbage\n0:\n:::\n0::/job\n"},
      {M2 "/job/memory.max", "12 monkeys\n"},
      {M2 "/job/cpu.max", "100000 0\n"}},
     UINT64_MAX,
     UINT64_MAX,
     0},
    {"a number that does not fit is no limit",
     {{"/proc/self/cgroup", "0::/job\n"}, {M2 "/job/memory.max", "99999999999999999999999\n"}},
     UINT64_MAX,
     UINT64_MAX,
     0},
};

static void reads_what_is_granted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct files files = make_files();
        print_message("  %s\n", rows[i].what);
        for (const struct file *file = rows[i].files; file->path; file++)
            put_file(&files, file->path, file->text);
        check_u64(mlb_cgroup_memory_limit(files.root), rows[i].limit);
        check_u64(mlb_cgroup_memory_available(files.root), rows[i].available);
        check_close(mlb_cgroup_cpu_quota(files.root), rows[i].quota, 0);
        remove_files(&files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_what_is_granted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
