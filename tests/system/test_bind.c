/* SPDX-License-Identifier: Apache-2.0 */
/* Binding for real, each time in a child process, on the machine that the test runs on. */
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/machine.h"

/* What a child found out. */
struct outcome {
    enum mlb_status status;
    struct mlb_binding binding;
    struct mlb_error err;
    int cpus_after;
    int first_after;
};

struct wish {
    const char *variable, *value; /* of a replayed machine; NULL: this one */
    int rank, size;
    int narrow_to; /* CPU that the "launcher" binds to first; -1: none */
};

static void look(struct outcome *outcome)
{
    cpu_set_t set;
    outcome->first_after = -1;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    outcome->cpus_after = CPU_COUNT(&set);
    for (size_t cpu = CPU_SETSIZE; cpu-- > 0;)
        if (CPU_ISSET(cpu, &set))
            outcome->first_after = (int)cpu;
}

static void bind_as_wished(const struct wish *wish, struct outcome *outcome)
{
    struct mlb_topology *topology = open_machine(wish->variable, wish->value);
    cpu_set_t set;
    if (wish->narrow_to >= 0) {
        CPU_ZERO(&set);
        CPU_SET((size_t)wish->narrow_to, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    outcome->status =
        mlb_topology_bind(topology, wish->rank, wish->size, NULL, &outcome->binding, &outcome->err);
    look(outcome);
    mlb_topology_close(topology);
}

/* The child's outcome comes through a pipe: this process stays unbound. */
static struct outcome bind_in_child(const struct wish *wish)
{
    struct outcome outcome;
    memset(&outcome, 0, sizeof outcome);
    int ends[2], state = 0;
    check_i64(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        bind_as_wished(wish, &outcome);
        _exit(write(ends[1], &outcome, sizeof outcome) == sizeof outcome ? 0 : 1);
    }
    check_i64(read(ends[0], &outcome, sizeof outcome), sizeof outcome);
    check_i64(waitpid(child, &state, 0), child);
    check_i64(state, 0);
    close(ends[0]);
    close(ends[1]);
    check_ok(outcome.status, &outcome.err);
    return outcome;
}

/* Only where the test itself may use every CPU that its cgroup allows, and has two cores or more.
 */
static void need_free_cores(void)
{
    struct wish wish = {.size = 1, .narrow_to = -1};
    struct outcome outcome = bind_in_child(&wish);
    if (outcome.binding.by != MLB_BOUND_BY_MLBENCH || outcome.binding.machine_cores < 2) {
        print_message("needs two cores and an unbound process: %s\n", outcome.binding.warning);
        skip();
    }
}

static void binds_to_its_share(void **state)
{
    (void)state;
    need_free_cores();
    struct wish wish = {.size = 2, .narrow_to = -1};
    int firsts[2];
    for (wish.rank = 0; wish.rank < 2; wish.rank++) {
        struct outcome outcome = bind_in_child(&wish);
        check_i64(outcome.binding.by, MLB_BOUND_BY_MLBENCH);
        check_i64(outcome.binding.cores, outcome.binding.machine_cores / 2);
        check_i64(outcome.cpus_after, outcome.binding.pus);
        firsts[wish.rank] = outcome.first_after;
    }
    check_true(firsts[0] < firsts[1]);
}

static void keeps_what_the_launcher_bound(void **state)
{
    (void)state;
    need_free_cores();
    struct outcome here = {0};
    look(&here);
    struct wish wish = {.size = 1, .narrow_to = here.first_after};
    struct outcome outcome = bind_in_child(&wish);
    check_i64(outcome.binding.by, MLB_BOUND_BY_LAUNCHER);
    check_i64(outcome.binding.cores, 1);
    check_i64(outcome.cpus_after, 1);
    check_i64(outcome.first_after, here.first_after);
    check_contains(outcome.binding.warning, "mpirun --bind-to none");
}

static void binds_nothing_on_a_replayed_machine(void **state)
{
    (void)state;
    struct outcome here = {0};
    look(&here);
    struct wish wish = {"HWLOC_SYNTHETIC", TWO_PACKAGES, 1, 2, -1};
    struct outcome outcome = bind_in_child(&wish);
    check_i64(outcome.binding.by, MLB_NOT_BOUND);
    check_i64(outcome.cpus_after, here.cpus_after);
    check_i64(outcome.binding.pus, here.cpus_after); /* this process, not the replayed machine */
    check_contains(outcome.binding.warning, "replayed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binds_to_its_share),
        cmocka_unit_test(keeps_what_the_launcher_bound),
        cmocka_unit_test(binds_nothing_on_a_replayed_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
