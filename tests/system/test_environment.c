/* SPDX-License-Identifier: Apache-2.0 */
/* The allow-list: what gets into a record, and above all what does not. */
#include <sched.h>
#include <unistd.h>

#include "harness/system/environment.h"
#include "harness/system/procfs.h"
#include "tests/system/files.h"

/* The header's list: nothing else may ever be added. */
static const char *const allowed[] = {"kernel",
                                      "os",
                                      "cpu_model",
                                      "cpu_flags",
                                      "hypervisor",
                                      "memory_bytes",
                                      "transparent_hugepages",
                                      "cpu_governor",
                                      "container",
                                      "dmi_vendor",
                                      "dmi_product",
                                      "compiler",
                                      "build_type",
                                      "cuda_build",
                                      "cuda_architectures",
                                      "hwloc",
                                      "nvidia_driver",
                                      "env.OMP_NUM_THREADS",
                                      "env.OMP_PROC_BIND",
                                      "env.OMP_WAIT_POLICY",
                                      "env.DNNL_MAX_CPU_ISA",
                                      "env.ONEDNN_MAX_CPU_ISA",
                                      "env.NVIDIA_TF32_OVERRIDE",
                                      "env.CUDA_VISIBLE_DEVICES",
                                      "env.CUDA_LAUNCH_BLOCKING",
                                      "env.CUDA_DEVICE_MAX_CONNECTIONS",
                                      "env.NCCL_ALGO",
                                      "env.NCCL_PROTO",
                                      "env.NCCL_NET",
                                      "env.NCCL_IB_HCA",
                                      "env.NCCL_IB_DISABLE",
                                      "env.NCCL_P2P_DISABLE",
                                      "env.NCCL_SHM_DISABLE",
                                      "env.NCCL_NVLS_ENABLE",
                                      "env.NCCL_SOCKET_IFNAME",
                                      "env.OMPI_MCA_btl",
                                      "env.OMPI_MCA_pml",
                                      NULL};

struct seen {
    char name[64], value[256];
};

struct facts {
    struct seen list[64];
    size_t count;
};

static void collect(void *user, const char *name, const char *value)
{
    struct facts *facts = user;
    check_true(facts->count < 64);
    struct seen *seen = &facts->list[facts->count++];
    snprintf(seen->name, sizeof seen->name, "%s", name);
    snprintf(seen->value, sizeof seen->value, "%s", value);
}

/* "" when it was not told. */
static const char *value_of(const struct facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->count; i++)
        if (strcmp(facts->list[i].name, name) == 0)
            return facts->list[i].value;
    return "";
}

static void clear_variables(void)
{
    for (const char *const *name = allowed; *name; name++)
        if (strncmp(*name, "env.", 4) == 0)
            unsetenv(*name + 4);
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("APPTAINER_NAME");
    unsetenv("SINGULARITY_NAME");
}

static const char cpuinfo_amd[] =
    "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9R14\n"
    "flags\t\t: fpu sse avx2 avx512f avx512_bf16 avx512_vnni hypervisor avx512f_not\n\n"
    "processor\t: 1\nmodel name\t: another\n";
static const char cpuinfo_arm[] =
    "processor\t: 0\nBogoMIPS\t: 2000.00\nFeatures\t: fp asimd\n"
    "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd4f\n";

static void put_machine(const struct files *files)
{
    put_file(files, "/etc/os-release", "NAME=\"Ubuntu\"\nPRETTY_NAME=\"Ubuntu 24.04.2 LTS\"\n");
    put_file(files, "/proc/cpuinfo", cpuinfo_amd);
    put_file(files, "/proc/meminfo",
             "MemTotal:       16777216 kB\nMemFree: 1 kB\nMemAvailable:    8388608 kB\n");
    put_file(files, "/proc/self/cgroup", "0::/\n");
    put_file(files, "/sys/fs/cgroup/memory.max", "4294967296\n");
    put_file(files, "/sys/fs/cgroup/memory.current", "1073741824\n");
    put_file(files, "/sys/devices/system/clocksource/clocksource0/available_clocksource",
             "tsc kvm-clock acpi_pm\n");
    put_file(files, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    put_file(files, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    put_file(files, "/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
    put_file(files, "/sys/class/dmi/id/product_name", "p5en.48xlarge\n");
    put_file(files, "/.dockerenv", "");
    put_file(files, "/proc/driver/nvidia/version",
             "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  "
             "(builder@buildhost-7)  Thu\nGCC version:  gcc version 12.3.0\n");
}

static void reads_a_recorded_machine(void **state)
{
    (void)state;
    static const struct seen expected[] = {
        {"os", "Ubuntu 24.04.2 LTS"},
        {"cpu_model", "AMD EPYC 9R14"},
        {"cpu_flags", "avx2 avx512f avx512_bf16 avx512_vnni"},
        {"hypervisor", "kvm"},
        {"memory_bytes", "4294967296"},
        {"transparent_hugepages", "madvise"},
        {"cpu_governor", "performance"},
        {"container", "docker"},
        {"dmi_vendor", "Amazon EC2"},
        {"dmi_product", "p5en.48xlarge"},
        {"nvidia_driver", "570.86.15"},
    };
    struct files files = make_files();
    struct facts facts = {0};
    clear_variables();
    put_machine(&files);
    mlb_environment_facts_of(files.root, collect, &facts);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        check_text(value_of(&facts, expected[i].name), expected[i].value);
    check_true(value_of(&facts, "kernel")[0] != '\0' && value_of(&facts, "compiler")[0] != '\0');
    check_true(value_of(&facts, "hwloc")[0] == '2');
    check_u64(mlb_environment_memory_available_of(files.root), UINT64_C(3) << 30);
    remove_files(&files);
}

/* One file changed at a time: which value the fact has then; "" = it is not told. */
struct change {
    const char *path, *text, *fact, *value;
};

static const struct change changes[] = {
    {"/proc/cpuinfo", cpuinfo_arm, "cpu_model", "implementer 0x41 part 0xd4f"},
    {"/proc/cpuinfo", cpuinfo_arm, "cpu_flags", ""},
    {"/proc/cpuinfo", cpuinfo_arm, "hypervisor", ""},
    {"/proc/cpuinfo", "", "cpu_model", ""},
    {"/sys/hypervisor/type", "xen\n", "hypervisor", "xen"},
    {"/sys/devices/system/clocksource/clocksource0/available_clocksource",
     "hyperv_clocksource_tsc_page acpi_pm\n", "hypervisor", "hyperv"},
    {"/sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc\n", "hypervisor",
     "unnamed"},
    {"/sys/module/nvidia/version", "580.95.05\n", "nvidia_driver", "580.95.05"},
    {"/proc/driver/nvidia/version", "no version in here\n", "nvidia_driver", ""},
    {"/sys/fs/cgroup/memory.max", "max\n", "memory_bytes", "17179869184"},
    {"/proc/meminfo", "", "memory_bytes", ""},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "never", "transparent_hugepages", ""},
    {"/sys/class/dmi/id/product_name", "two\nlines\x1b[31m\n", "dmi_product", "two lines [31m"},
    {"/etc/os-release", "PRETTY_NAME=Fedora\r\n", "os", "Fedora"},
};

static void leaves_out_what_is_not_told(void **state)
{
    (void)state;
    clear_variables();
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct files files = make_files();
        struct facts facts = {0};
        put_machine(&files);
        put_file(&files, changes[i].path, changes[i].text);
        mlb_environment_facts_of(files.root, collect, &facts);
        if (strcmp(value_of(&facts, changes[i].fact), changes[i].value) != 0)
            print_error("%s:\n", changes[i].path);
        check_text(value_of(&facts, changes[i].fact), changes[i].value);
        remove_files(&files);
    }
}

static void an_empty_machine_is_no_error(void **state)
{
    (void)state;
    struct files files = make_files();
    struct facts facts = {0};
    clear_variables();
    mlb_environment_facts_of(files.root, collect, &facts);
    check_text(value_of(&facts, "os"), "");
    check_true(value_of(&facts, "kernel")[0] != '\0');
    check_u64(mlb_environment_memory_available_of(files.root), 0);
    remove_files(&files);
}

static void tells_containers(void **state)
{
    (void)state;
    struct files files = make_files();
    struct facts none = {0}, apptainer = {0}, kubernetes = {0};
    clear_variables();
    mlb_environment_facts_of(files.root, collect, &none);
    check_text(value_of(&none, "container"), "");
    setenv("APPTAINER_NAME", "someones.sif", 1);
    mlb_environment_facts_of(files.root, collect, &apptainer);
    check_text(value_of(&apptainer, "container"), "apptainer");
    setenv("KUBERNETES_SERVICE_HOST", "10.1.2.3", 1);
    mlb_environment_facts_of(files.root, collect, &kubernetes);
    check_text(value_of(&kubernetes, "container"), "kubernetes");
    clear_variables();
    remove_files(&files);
}

static void tells_the_variables_that_are_set(void **state)
{
    (void)state;
    struct facts facts = {0}, without = {0};
    clear_variables();
    mlb_environment_facts(collect, &without);
    check_text(value_of(&without, "env.NCCL_ALGO"), "");
    setenv("NCCL_ALGO", "Ring", 1);
    setenv("OMP_NUM_THREADS", "", 1); /* set, but empty: also that changes results */
    mlb_environment_facts(collect, &facts);
    check_text(value_of(&facts, "env.NCCL_ALGO"), "Ring");
    check_u64(facts.count, without.count + 2);
    clear_variables();
}

static bool is_allowed(const char *name)
{
    for (const char *const *at = allowed; *at; at++)
        if (strcmp(*at, name) == 0)
            return true;
    return false;
}

/* A host name of our own, where the system lets us: the test's real one may be a common word. */
static void take_host_name(char *name, size_t size)
{
    snprintf(name, size, "host-5d21c7");
    if (unshare(CLONE_NEWUTS) == 0 && sethostname(name, strlen(name)) == 0)
        return;
    if (gethostname(name, size) != 0 || strlen(name) < 8)
        name[0] = '\0';
}

static void no_secret_and_no_name_comes_out(void **state)
{
    (void)state;
    static const char *const secrets[][2] = {
        {"AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"},
        {"HF_TOKEN", "hf_9s8d7f6g"},
        {"USER", "user-83c1f0"},
        {"LOGNAME", "user-83c1f0"},
        {"HOME", "/home/user-83c1f0"},
        {"HOSTNAME", "host-5d21c7"},
        {"SLURM_JOB_USER", "user-83c1f0"},
        {"KUBERNETES_SERVICE_HOST", "203.0.113.77"},
        {"APPTAINER_NAME", "private-image.sif"},
        {"NCCL_ALGO_SECRET", "hf_9s8d7f6g"},
        {"MLBENCH_TOKEN", "token-0f0f0f"},
        {"OMPI_MCA_orte_hnp_uri", "203.0.113.77"},
    };
    char host[64];
    struct facts facts = {0};
    take_host_name(host, sizeof host);
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        setenv(secrets[i][0], secrets[i][1], 1);
    mlb_environment_facts(collect, &facts);
    check_true(facts.count > 0);
    for (size_t i = 0; i < facts.count; i++) {
        const struct seen *seen = &facts.list[i];
        check_true(is_allowed(seen->name));
        for (size_t j = 0; j < sizeof secrets / sizeof secrets[0]; j++)
            check_true(strstr(seen->value, secrets[j][1]) == NULL);
        check_true(host[0] == '\0' || strstr(seen->value, host) == NULL);
        check_true(strstr(seen->value, "builder@") == NULL);
    }
}

static void reads_memory_of_this_machine(void **state)
{
    (void)state;
    uint64_t bytes = mlb_environment_memory_available();
    check_true(bytes > UINT64_C(16) << 20);
    check_true(bytes <= (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
}

static void finds_words_and_values(void **state)
{
    (void)state;
    char to[8];
    check_true(mlb_procfs_has_word("a avx2 b", "avx2") && mlb_procfs_has_word("avx2", "avx2"));
    check_true(!mlb_procfs_has_word("avx2_x xavx2 avx", "avx2"));
    check_true(mlb_procfs_value("key=1\nkey2=2", "key2", '=', to, sizeof to));
    check_text(to, "2");
    check_true(!mlb_procfs_value("akey=1\n", "key", '=', to, sizeof to));
    check_true(mlb_procfs_value("k : 123456789", "k", ':', to, sizeof to)); /* cut, terminated */
    check_text(to, "1234567");
    check_true(!mlb_procfs_bracketed("a ]b[ c", to, sizeof to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_recorded_machine),
        cmocka_unit_test(leaves_out_what_is_not_told),
        cmocka_unit_test(an_empty_machine_is_no_error),
        cmocka_unit_test(tells_containers),
        cmocka_unit_test(tells_the_variables_that_are_set),
        cmocka_unit_test(no_secret_and_no_name_comes_out),
        cmocka_unit_test(reads_memory_of_this_machine),
        cmocka_unit_test(finds_words_and_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
