/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/text.h"
#include "harness/device/proc.h"
#include "tests/check.h"

static struct mlb_cpus set_of(const char *list)
{
    struct mlb_cpus cpus = {{0}};
    check_true(mlb_cpus_add_list(&cpus, list));
    return cpus;
}

static void test_cpu_lists(void **state)
{
    static const struct {
        const char *list;
        bool good;
        unsigned count, member;
    } rows[] = {
        {"0", true, 1, 0},         {"0-3", true, 4, 3},   {"0-3,8,10-11", true, 7, 8},
        {"96-191", true, 96, 100}, {"5\n", true, 1, 5},   {"8191", true, 1, 8191},
        {"", false, 0, 0},         {"a", false, 0, 0},    {"3-1", false, 0, 0},
        {"1-", false, 0, 0},       {"8192", false, 0, 0}, {"0-99999999", false, 0, 0},
        {"1,,2", false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_cpus cpus = {{0}};
        bool good = mlb_cpus_add_list(&cpus, rows[i].list);
        if (good != rows[i].good)
            print_error("list \"%s\"\n", rows[i].list);
        check_true(good == rows[i].good);
        if (good) {
            check_u64(mlb_cpus_count(&cpus), rows[i].count);
            check_true(mlb_cpus_has(&cpus, rows[i].member));
        }
    }
    struct mlb_cpus cpus = set_of("0-8191");
    check_true(!mlb_cpus_has(&cpus, 8192) && !mlb_cpus_has(&cpus, UINT32_MAX));
}

static void test_allowed_cpus_are_some(void **state)
{
    struct mlb_cpus cpus;
    (void)state;
    mlb_cpus_allowed(&cpus);
    check_true(mlb_cpus_count(&cpus) >= 1);
    check_true(mlb_cpus_count(&cpus) <= (unsigned)sysconf(_SC_NPROCESSORS_CONF));
}

static const char STAT[] = "cpu  1000 0 0 9000 0 0 0 500 40 0\n"
                           "cpu0 100 1 10 800 5 2 3 50 40 0\n"
                           "cpu1 200 2 20 700 6 4 5 60 0 0\n"
                           "cpu12 7 7 7 7 7 7 7 7 7 7\n"
                           "intr 12345 0 0 0 0\n"
                           "ctxt 99\n";

static void test_ticks_of_the_ranks_cores_only(void **state)
{
    static const struct {
        const char *cpus;
        bool known;
        uint64_t total, steal, idle; /* idle: waiting for a disk too */
    } rows[] = {
        {"0", true, 971, 50, 805}, /* the guest column is part of user */
        {"1", true, 997, 60, 706},         {"0-1", true, 1968, 110, 1511},
        {"0-1,12", true, 2024, 117, 1525}, {"2-11", false, 0, 0, 0},
    };
    struct mlb_proc_ticks ticks;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_cpus cpus = set_of(rows[i].cpus);
        check_true(mlb_proc_ticks(STAT, &cpus, &ticks) == rows[i].known);
        check_u64(ticks.total, rows[i].total);
        check_u64(ticks.steal, rows[i].steal);
        check_u64(ticks.idle, rows[i].idle);
    }
    struct mlb_cpus cpus = set_of("0");
    check_true(!mlb_proc_ticks("", &cpus, &ticks));
    check_true(!mlb_proc_ticks("cpu0 1 2 3\n", &cpus, &ticks)); /* no steal: Linux before 2.6.11 */
}

static const char CPUINFO[] = "processor\t: 0\n"
                              "vendor_id\t: GenuineIntel\n"
                              "model name\t: Intel(R) Xeon(R) Platinum 8480C\n"
                              "cpu MHz\t\t: 2000.000\n"
                              "flags\t\t: fpu\n"
                              "\n"
                              "processor\t: 1\n"
                              "model name\t: Another\n"
                              "cpu MHz\t\t: 3800.500\n";

static void test_cpuinfo(void **state)
{
    struct mlb_cpus both = set_of("0-1"), second = set_of("1"), none = set_of("7");
    char text[64];
    double hz = 0;
    (void)state;
    check_true(mlb_proc_field(CPUINFO, "model name", text, sizeof text));
    check_text(text, "Intel(R) Xeon(R) Platinum 8480C");
    check_true(!mlb_proc_field(CPUINFO, "model", text, sizeof text));
    check_true(!mlb_proc_field("", "model name", text, sizeof text));
    check_true(mlb_proc_cpuinfo_hz(CPUINFO, &both, &hz));
    check_close(hz, 2900.25e6, 1e-12);
    check_true(mlb_proc_cpuinfo_hz(CPUINFO, &second, &hz));
    check_close(hz, 3800.5e6, 1e-12);
    check_true(!mlb_proc_cpuinfo_hz(CPUINFO, &none, &hz));
    check_true(!mlb_proc_cpuinfo_hz("processor : 0\nBogoMIPS : 2\n", &both, &hz)); /* Arm */
}

static void test_cpu_quota(void **state)
{
    double cpus = -1;
    (void)state;
    check_true(mlb_proc_cpu_quota("200000 100000", &cpus));
    check_close(cpus, 2, 0);
    check_true(mlb_proc_cpu_quota("150000 100000\n", &cpus));
    check_close(cpus, 1.5, 0);
    check_true(!mlb_proc_cpu_quota("max 100000", &cpus));
    check_true(!mlb_proc_cpu_quota("", &cpus));
    check_true(!mlb_proc_cpu_quota("1000 0", &cpus));
}

/* ---------------------------------------------------------------- a recorded machine as files */

static void put(const char *root, const char *path, const char *text)
{
    char full[512];
    check_true(mlb_format(full, sizeof full, "%s%s", root, path));
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    check_true(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void put_cpu(const char *root, unsigned cpu, const char *siblings, const char *l3_users)
{
    static const struct {
        const char *name, *text;
    } caches[] = {{"index0/level", "1"}, {"index0/size", "48K"}, {"index1/level", "2"},
                  {"index1/size", "2M"}, {"index2/level", "3"},  {"index2/size", "107520K"}};
    char path[256];
    for (size_t i = 0; i < sizeof caches / sizeof *caches; i++) {
        mlb_format(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cache/%s", cpu,
                   caches[i].name);
        put(root, path, caches[i].text);
    }
    mlb_format(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cache/index2/shared_cpu_list",
               cpu);
    put(root, path, l3_users);
    mlb_format(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
               cpu);
    put(root, path, siblings);
    mlb_format(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cpufreq/cpuinfo_max_freq", cpu);
    put(root, path, "3800000\n");
}

/* Two packages of two cores with two hardware threads each. */
static int make_machine(void **state)
{
    static char root[] = "/tmp/mlbench-proc-XXXXXX";
    *state = mkdtemp(root);
    for (unsigned cpu = 0; cpu < 8; cpu++) {
        char siblings[16];
        mlb_format(siblings, sizeof siblings, "%u,%u\n", cpu % 4, cpu % 4 + 4);
        put_cpu(root, cpu, siblings, cpu % 4 < 2 ? "0-1,4-5\n" : "2-3,6-7\n");
    }
    put(root, "/proc/cpuinfo", CPUINFO);
    put(root, "/proc/meminfo", "MemTotal:       64000000 kB\nMemAvailable:   48000000 kB\n");
    return *state ? 0 : -1;
}

static int remove_machine(void **state)
{
    char command[128];
    mlb_format(command, sizeof command, "rm -rf %s", (char *)*state);
    return system(command);
}

static void test_facts_of_a_machine(void **state)
{
    static const struct {
        const char *cpus;
        unsigned cores;
        uint64_t cache_kib;
    } rows[] = {
        {"0-7", 4, 2 * 107520}, {"0-3", 4, 2 * 107520}, {"0-1,4-5", 2, 107520},
        {"6", 1, 107520},       {"2,6", 1, 107520},     {"0,2", 2, 2 * 107520},
    };
    struct mlb_cpu_facts facts;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_cpus cpus = set_of(rows[i].cpus);
        mlb_proc_cpu_facts(*state, &cpus, &facts);
        check_u64(facts.cores, rows[i].cores);
        check_u64(facts.last_cache_bytes, rows[i].cache_kib << 10);
        check_text(facts.model, "Intel(R) Xeon(R) Platinum 8480C");
        check_close(facts.clock_hz, 3.8e9, 0);
        check_close(facts.quota, 0, 0);
    }
}

static void test_facts_of_nothing(void **state)
{
    struct mlb_cpus cpus = set_of("0-2");
    struct mlb_cpu_facts facts;
    (void)state;
    mlb_proc_cpu_facts("/nonexistent", &cpus, &facts);
    check_text(facts.model, "");
    check_u64(facts.cores, 3);
    check_u64(facts.last_cache_bytes, 0);
    check_close(facts.clock_hz, 0, 0);
    check_u64(mlb_proc_memory_available("/nonexistent"), 0);
    check_true(mlb_proc_read("/nonexistent", "/proc/stat") == NULL);
}

static void test_memory_and_the_limits_of_a_container(void **state)
{
    const uint64_t gib = UINT64_C(1) << 30;
    struct mlb_cpus cpus = set_of("0-7");
    struct mlb_cpu_facts facts;
    check_u64(mlb_proc_memory_available(*state), UINT64_C(48000000) * 1024);
    put(*state, "/sys/fs/cgroup/memory.max", "max\n");
    put(*state, "/sys/fs/cgroup/memory.current", "2147483648\n");
    check_u64(mlb_proc_memory_available(*state), UINT64_C(48000000) * 1024);
    put(*state, "/sys/fs/cgroup/memory.max", "8589934592\n");
    check_u64(mlb_proc_memory_available(*state), 6 * gib);
    /* Page cache counts as used, but gives way. */
    put(*state, "/sys/fs/cgroup/memory.stat",
        "anon 1\ninactive_file 536870912\nactive_file 536870912\nslab 5\n");
    check_u64(mlb_proc_memory_available(*state), 7 * gib);
    put(*state, "/sys/fs/cgroup/cpu.max", "350000 100000\n");
    mlb_proc_cpu_facts(*state, &cpus, &facts);
    check_close(facts.quota, 3.5, 0);
}

static void test_arm_cores_have_names(void **state)
{
    struct mlb_cpus cpus = set_of("0");
    struct mlb_cpu_facts facts;
    put(*state, "/proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd4f\n");
    mlb_proc_cpu_facts(*state, &cpus, &facts);
    check_text(facts.model, "Arm Neoverse V2");
    put(*state, "/proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x99\nCPU part\t: 0x001\n");
    mlb_proc_cpu_facts(*state, &cpus, &facts);
    check_text(facts.model, "Arm core 0x99 part 0x001");
}

static void test_a_large_file_is_read_whole(void **state)
{
    enum { LINES = 20000 };
    char *large = malloc(LINES * 8 + 1);
    for (size_t i = 0; i < LINES; i++)
        snprintf(large + 8 * i, 9, "%07zu\n", i);
    put(*state, "/proc/large", large);
    char *read = mlb_proc_read(*state, "/proc/large");
    check_true(read && strcmp(read, large) == 0);
    free(read);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpu_lists),
        cmocka_unit_test(test_allowed_cpus_are_some),
        cmocka_unit_test(test_ticks_of_the_ranks_cores_only),
        cmocka_unit_test(test_cpuinfo),
        cmocka_unit_test(test_cpu_quota),
        cmocka_unit_test(test_facts_of_a_machine),
        cmocka_unit_test(test_facts_of_nothing),
        cmocka_unit_test(test_memory_and_the_limits_of_a_container),
        cmocka_unit_test(test_arm_cores_have_names),
        cmocka_unit_test(test_a_large_file_is_read_whole),
    };
    return cmocka_run_group_tests(tests, make_machine, remove_machine);
}
