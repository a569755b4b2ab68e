/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/emulate/machine.hpp"

#include <ucontext.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "tests/emulate/pages.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulate
{
namespace
{

constexpr size_t STACK_BYTES = 256 << 10;
constexpr unsigned ROUNDS_BEHIND = 16;

struct Block;

struct Thread : ThreadView {
    Block *block = nullptr;
    ucontext_t context;
    unsigned char *stack = nullptr;
    void *fake_stack = nullptr; /* AddressSanitizer's */
    bool ended = false;
    const char *waits_for = nullptr; /* NULL: it can run */
    bool (*done)(const void *) = nullptr;
    const void *argument = nullptr;
};

struct NamedBarrier {
    unsigned arrived = 0, threads = 0;
    uint64_t rounds = 0;
};

struct Block : BlockView {
    std::unique_ptr<Guarded> shared;
    std::map<uint64_t, Meeting> warps; /* by warp and mask */
    std::map<unsigned, Meeting> warpgroups;
    std::map<int, NamedBarrier> barriers;
    std::map<uint64_t, int> votes; /* by round of barrier 0 */
    unsigned running = 0;          /* threads that have not ended */
};

/* A launch; blocks and threads are those of the cluster that runs. */
struct Machine {
    Launch launch;
    void (*body)(const void *) = nullptr;
    const void *kernel = nullptr;
    std::vector<Block> blocks;
    std::vector<Thread> threads;
    Thread *running = nullptr;
    NamedBarrier cluster;
    ucontext_t scheduler;
    void *scheduler_fake_stack = nullptr;
    const void *scheduler_stack = nullptr;
    size_t scheduler_stack_bytes = 0;
    std::vector<std::unique_ptr<Delivery>> later;
    std::mt19937 random;
    unsigned rounds = 0;
    uint64_t behind = 0; /* chooses who stays behind */
    std::string failure;
};

Machine *machine; /* of the launch that is under way; a kernel finds its block by it */

/* ------------------------------------------------------------------------------------ switching */

void to_scheduler(Thread &thread)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(thread.ended ? nullptr : &thread.fake_stack,
                                   machine->scheduler_stack, machine->scheduler_stack_bytes);
#endif
    swapcontext(&thread.context, &machine->scheduler);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(thread.fake_stack, nullptr, nullptr);
#endif
}

void to_thread(Thread &thread)
{
    machine->running = &thread;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&machine->scheduler_fake_stack, thread.stack, STACK_BYTES);
#endif
    swapcontext(&machine->scheduler, &thread.context);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(machine->scheduler_fake_stack, nullptr, nullptr);
#endif
    machine->running = nullptr;
}

void thread_main()
{
    Thread &thread = *machine->running;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &machine->scheduler_stack,
                                    &machine->scheduler_stack_bytes);
#endif
    try {
        machine->body(machine->kernel);
        check_thread_end();
    } catch (const std::exception &error) {
        machine->failure = error.what();
    }
    thread.ended = true;
    thread.block->running--;
    to_scheduler(thread);
}

bool can_run(const Thread &thread)
{
    return !thread.ended && (!thread.waits_for || thread.done(thread.argument));
}

/* ----------------------------------------------------------------------------------- scheduling */

void deliver_one()
{
    std::vector<std::unique_ptr<Delivery>> &later = machine->later;
    size_t which = machine->launch.order < 2 ? 0 : machine->random() % later.size();
    std::unique_ptr<Delivery> chosen = std::move(later[which]);
    later.erase(later.begin() + static_cast<std::ptrdiff_t>(which));
    chosen->deliver();
}

[[noreturn]] void deadlock()
{
    std::map<std::string, unsigned> waits;
    std::string text = "deadlock:";
    unsigned first = ~0u;
    for (const Thread &thread : machine->threads) {
        if (thread.ended)
            waits["the end"]++;
        else
            waits[thread.waits_for]++;
        if (!thread.ended)
            first = std::min(first, thread.number);
    }
    for (const auto &wait : waits)
        text += " " + std::to_string(wait.second) + " thread(s) at " + wait.first + ",";
    machine->running = &machine->threads[first];
    fail("%s the first of them this one", text.c_str());
}

void arrange(std::vector<Thread *> &order)
{
    if (machine->launch.order == 1)
        std::reverse(order.begin(), order.end());
    else if (machine->launch.order > 1)
        std::shuffle(order.begin(), order.end(), machine->random);
}

/* In shuffled orders some stay behind for some rounds: a block of the cluster, or a quarter of the
 * warps. */
bool stays_behind(const Thread &thread)
{
    uint64_t chance = machine->behind;
    if (machine->launch.order < 2)
        return false;
    if (machine->blocks.size() > 1 && chance % 2 == 0)
        return thread.block->rank == chance / 2 % machine->blocks.size();
    uint64_t warp = 64 * thread.block->rank + thread.number / 32;
    return ((chance + warp) * 0x9e3779b97f4a7c15u >> 40) % 4 == 0;
}

/* One turn for each thread that can run; false when none could. */
bool take_turns(const std::vector<Thread *> &order)
{
    bool moved = false;
    if (machine->rounds++ % ROUNDS_BEHIND == 0)
        machine->behind = machine->random();
    for (Thread *thread : order) {
        if (!can_run(*thread))
            continue;
        moved = true;
        if (stays_behind(*thread))
            continue;
        thread->waits_for = nullptr;
        to_thread(*thread);
        if (!machine->failure.empty())
            throw Failure(machine->failure);
        if (machine->launch.order > 1 && !machine->later.empty() && machine->random() % 8 == 0)
            deliver_one();
    }
    return moved;
}

void run_cluster()
{
    std::vector<Thread *> order;
    for (Thread &thread : machine->threads)
        order.push_back(&thread);
    if (machine->launch.order == 1)
        arrange(order);
    for (;;) {
        if (machine->launch.order > 1)
            arrange(order);
        if (take_turns(order))
            continue;
        bool all = std::all_of(order.begin(), order.end(), [](Thread *t) { return t->ended; });
        if (all && machine->later.empty())
            break;
        if (all)
            fail("the block ends while a TMA load is under way");
        if (machine->later.empty())
            deadlock();
        deliver_one();
    }
}

void place_thread(Thread &thread, Block &block, unsigned number, unsigned char *stack)
{
    const dim3 &size = machine->launch.block;
    unpoison(stack, STACK_BYTES);
    thread = Thread();
    thread.block = &block;
    thread.index = dim3(number % size.x, number / size.x % size.y, number / size.x / size.y);
    thread.number = number;
    thread.stack = stack;
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = stack;
    thread.context.uc_stack.ss_size = STACK_BYTES;
    thread.context.uc_link = nullptr;
    makecontext(&thread.context, thread_main, 0);
}

/* The block of this rank in the cluster that begins with block `first`. */
void start_block(Block &block, dim3 first, unsigned rank, unsigned char *stacks)
{
    unsigned count = machine->blocks[0].thread_count();
    block.index = dim3(first.x + rank, first.y, first.z);
    block.rank = rank;
    block.running = count;
    block.warps.clear();
    block.warpgroups.clear();
    block.barriers.clear();
    block.votes.clear();
    memset(block.shared->begin(), 0xff, machine->launch.shared_bytes); /* NaN in every float type */
    for (unsigned i = 0; i < count; i++)
        place_thread(machine->threads[rank * count + i], block, i,
                     stacks + (rank * count + i) * (STACK_BYTES + GUARD_BYTES) + GUARD_BYTES);
}

void run_grid()
{
    const Launch &launch = machine->launch;
    Pages stacks(machine->threads.size() * (STACK_BYTES + GUARD_BYTES));
    for (size_t i = 0; i < machine->threads.size(); i++)
        stacks.forbid(i * (STACK_BYTES + GUARD_BYTES), GUARD_BYTES);
    size_t clusters = size_t(launch.grid.x) * launch.grid.y * launch.grid.z / launch.cluster;
    for (size_t i = 0; i < clusters; i++) {
        unsigned first = unsigned(i * launch.cluster), row = first / launch.grid.x;
        for (unsigned rank = 0; rank < launch.cluster; rank++)
            start_block(machine->blocks[rank],
                        dim3(first % launch.grid.x, row % launch.grid.y, row / launch.grid.y), rank,
                        stacks.begin());
        run_cluster();
        check_cluster_end();
    }
}

} // namespace

const ThreadView &self()
{
    return *machine->running;
}

const BlockView &block()
{
    return *machine->running->block;
}

void fail(const char *format, ...)
{
    char what[512], where[96];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    const Thread &thread = machine->running ? *machine->running : machine->threads[0];
    const dim3 &at = thread.block->index;
    snprintf(where, sizeof where, "block (%u,%u,%u) thread %u: ", at.x, at.y, at.z, thread.number);
    throw Failure(std::string(where) + what);
}

void run(const Launch &launch, void (*body)(const void *), const void *kernel)
{
    Machine here;
    here.launch = launch;
    here.body = body;
    here.kernel = kernel;
    here.random.seed(launch.order);
    if (launch.cluster == 0 || launch.grid.x % launch.cluster != 0)
        throw Failure("the grid is not a multiple of the cluster");
    here.blocks.resize(launch.cluster);
    for (Block &block : here.blocks) {
        block.launch = launch;
        block.shared.reset(new Guarded(launch.shared_bytes, 1024));
    }
    here.threads.resize(launch.cluster * here.blocks[0].thread_count());
    machine = &here;
    try {
        run_grid();
    } catch (...) {
        check_cluster_end();
        machine = nullptr;
        throw;
    }
    machine = nullptr;
}

/* -------------------------------------------------------------------------------- waiting */

void wait_until(const char *what, bool (*done)(const void *), const void *argument)
{
    Thread &thread = *machine->running;
    thread.done = done;
    thread.argument = argument;
    thread.waits_for = what;
    to_scheduler(thread);
}

void meet(Meeting &meeting, unsigned place, unsigned count, const char *what, void *part,
          void (*work)(const void *, Meeting &), const void *argument)
{
    static char nobody;
    if (meeting.arrived == 0)
        meeting.what = what;
    else if (strcmp(meeting.what, what) != 0)
        fail("%s, while others of its warp are at %s", what, meeting.what);
    meeting.parts[place] = part ? part : &nobody;
    if (++meeting.arrived < count) {
        uint64_t round = meeting.rounds;
        wait_until(what, [&meeting, round] { return meeting.rounds != round; });
        return;
    }
    work(argument, meeting);
    memset(meeting.parts, 0, sizeof meeting.parts);
    meeting.arrived = 0;
    meeting.rounds++;
}

Meeting &warp_meeting(unsigned mask)
{
    return machine->running->block->warps[(uint64_t)(self().number / 32) << 32 | mask];
}

Meeting &warpgroup_meeting()
{
    return machine->running->block->warpgroups[self().number / 128];
}

unsigned lanes_in(unsigned mask, const char *what)
{
    unsigned warp = self().number / 32;
    unsigned there = std::min(32u, block().thread_count() - warp * 32);
    unsigned present = there == 32 ? 0xffffffffu : (1u << there) - 1;
    if (!(mask >> self().lane() & 1))
        fail("%s: the mask %08x leaves out the lane itself", what, mask);
    return static_cast<unsigned>(__builtin_popcount(mask & present));
}

static NamedBarrier &arrive(int id, unsigned threads, const char *what)
{
    NamedBarrier &barrier = machine->running->block->barriers[id];
    if (id < 0 || id > 15 || threads == 0 || threads > block().thread_count())
        fail("%s: barrier %d of %u threads; 0 to 15, at most the block's threads", what, id,
             threads);
    if (barrier.arrived > 0 && barrier.threads != threads)
        fail("%s: barrier %d of %u threads, while others say %u", what, id, threads,
             barrier.threads);
    barrier.threads = threads;
    if (++barrier.arrived == threads) {
        barrier.arrived = 0;
        barrier.rounds++;
    }
    return barrier;
}

void barrier_sync(int id, unsigned threads, const char *what)
{
    uint64_t round = machine->running->block->barriers[id].rounds;
    NamedBarrier &barrier = arrive(id, threads, what);
    if (barrier.rounds == round)
        wait_until(what, [&barrier, round] { return barrier.rounds != round; });
}

void barrier_arrive(int id, unsigned threads)
{
    arrive(id, threads, "barrier.arrive");
}

int barrier_or(int value)
{
    Block &block = *machine->running->block;
    int &vote = block.votes[block.barriers[0].rounds];
    vote |= value != 0;
    barrier_sync(0, block.thread_count(), "__syncthreads_or");
    return vote;
}

void cluster_sync()
{
    NamedBarrier &barrier = machine->cluster;
    uint64_t round = barrier.rounds;
    if (++barrier.arrived < machine->threads.size()) {
        wait_until("cluster_sync", [&barrier, round] { return barrier.rounds != round; });
        return;
    }
    barrier.arrived = 0;
    barrier.rounds++;
}

/* -------------------------------------------------------------------------------- shared memory */

unsigned char *dynamic_shared()
{
    return machine->running->block->shared->begin();
}

uint32_t shared_address(const void *pointer)
{
    std::ptrdiff_t offset = static_cast<const unsigned char *>(pointer) - dynamic_shared();
    if (offset < 0 || static_cast<size_t>(offset) > machine->launch.shared_bytes)
        fail("shared_address: the pointer is not into the block's dynamic shared memory");
    return SHARED_BASE + static_cast<uint32_t>(offset);
}

unsigned char *shared_bytes(unsigned rank, uint32_t address, size_t bytes, size_t align,
                            const char *what)
{
    size_t offset = address - SHARED_BASE;
    if (rank >= machine->blocks.size() || machine->blocks[rank].running == 0)
        fail("%s: the block of rank %u is not there any more", what, rank);
    if (address < SHARED_BASE || offset + bytes > machine->launch.shared_bytes)
        fail("%s: shared bytes %zu to %zu of %zu", what, offset, offset + bytes,
             machine->launch.shared_bytes);
    if (address % align != 0)
        fail("%s: shared address %u is not a multiple of %zu", what, address, align);
    return machine->blocks[rank].shared->begin() + offset;
}

void deliver_later(Delivery *delivery)
{
    machine->later.emplace_back(delivery);
}

} // namespace emulate
