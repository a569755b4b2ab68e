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

struct Thread : ThreadView {
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

struct Machine : BlockView {
    void (*body)(const void *) = nullptr;
    const void *kernel = nullptr;
    std::vector<Thread> threads;
    Thread *running = nullptr;
    ucontext_t scheduler;
    void *scheduler_fake_stack = nullptr;
    const void *scheduler_stack = nullptr;
    size_t scheduler_stack_bytes = 0;
    std::unique_ptr<Guarded> shared;
    unsigned char *shared_begin = nullptr;
    std::map<uint64_t, Meeting> warps; /* by warp and mask */
    std::map<unsigned, Meeting> warpgroups;
    std::map<int, NamedBarrier> barriers;
    std::map<uint64_t, int> votes; /* by round of barrier 0 */
    std::vector<std::unique_ptr<Delivery>> later;
    std::mt19937 random;
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

/* One turn for each thread that can run; false when none could. */
bool take_turns(const std::vector<Thread *> &order)
{
    bool moved = false;
    for (Thread *thread : order) {
        if (!can_run(*thread))
            continue;
        moved = true;
        thread->waits_for = nullptr;
        to_thread(*thread);
        if (!machine->failure.empty())
            throw Failure(machine->failure);
        if (machine->launch.order > 1 && !machine->later.empty() && machine->random() % 8 == 0)
            deliver_one();
    }
    return moved;
}

void run_block()
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

void place_thread(Thread &thread, unsigned number, unsigned char *stack)
{
    const dim3 &size = machine->launch.block;
    unpoison(stack, STACK_BYTES);
    thread = Thread();
    thread.index = dim3(number % size.x, number / size.x % size.y, number / size.x / size.y);
    thread.number = number;
    thread.stack = stack;
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = stack;
    thread.context.uc_stack.ss_size = STACK_BYTES;
    thread.context.uc_link = nullptr;
    makecontext(&thread.context, thread_main, 0);
}

void start_block(Pages &stacks)
{
    for (unsigned i = 0; i < machine->thread_count(); i++)
        place_thread(machine->threads[i], i,
                     stacks.begin() + i * (STACK_BYTES + GUARD_BYTES) + GUARD_BYTES);
    machine->warps.clear();
    machine->warpgroups.clear();
    machine->barriers.clear();
    machine->votes.clear();
    memset(machine->shared_begin, 0xff, machine->launch.shared_bytes); /* NaN in every float type */
}

void make_shared()
{
    machine->shared.reset(new Guarded(machine->launch.shared_bytes, 1024));
    machine->shared_begin = machine->shared->begin();
}

void run_grid()
{
    const dim3 grid = machine->launch.grid;
    Pages stacks(machine->thread_count() * (STACK_BYTES + GUARD_BYTES));
    for (unsigned i = 0; i < machine->thread_count(); i++)
        stacks.forbid(i * (STACK_BYTES + GUARD_BYTES), GUARD_BYTES);
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                machine->index = dim3(x, y, z);
                start_block(stacks);
                run_block();
                check_block_end();
            }
}

} // namespace

const ThreadView &self()
{
    return *machine->running;
}

const BlockView &block()
{
    return *machine;
}

void fail(const char *format, ...)
{
    char what[512], where[96];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    const dim3 &at = machine->index;
    snprintf(where, sizeof where, "block (%u,%u,%u) thread %u: ", at.x, at.y, at.z,
             machine->running ? machine->running->number : 0);
    throw Failure(std::string(where) + what);
}

void run(const Launch &launch, void (*body)(const void *), const void *kernel)
{
    Machine here;
    here.launch = launch;
    here.body = body;
    here.kernel = kernel;
    here.random.seed(launch.order);
    here.threads.resize(here.thread_count());
    machine = &here;
    make_shared();
    try {
        run_grid();
    } catch (...) {
        machine->later.clear();
        check_block_end();
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
    return machine->warps[(uint64_t)(self().number / 32) << 32 | mask];
}

Meeting &warpgroup_meeting()
{
    return machine->warpgroups[self().number / 128];
}

unsigned lanes_in(unsigned mask, const char *what)
{
    unsigned warp = self().number / 32;
    unsigned there = std::min(32u, machine->thread_count() - warp * 32);
    unsigned present = there == 32 ? 0xffffffffu : (1u << there) - 1;
    if (!(mask >> self().lane() & 1))
        fail("%s: the mask %08x leaves out the lane itself", what, mask);
    return static_cast<unsigned>(__builtin_popcount(mask & present));
}

static NamedBarrier &arrive(int id, unsigned threads, const char *what)
{
    NamedBarrier &barrier = machine->barriers[id];
    if (id < 0 || id > 15 || threads == 0 || threads > machine->thread_count())
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
    uint64_t round = machine->barriers[id].rounds;
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
    int &vote = machine->votes[machine->barriers[0].rounds];
    vote |= value != 0;
    barrier_sync(0, machine->thread_count(), "__syncthreads_or");
    return vote;
}

/* -------------------------------------------------------------------------------- shared memory */

unsigned char *dynamic_shared()
{
    return machine->shared_begin;
}

uint32_t shared_address(const void *pointer)
{
    std::ptrdiff_t offset = static_cast<const unsigned char *>(pointer) - machine->shared_begin;
    if (offset < 0 || static_cast<size_t>(offset) > machine->launch.shared_bytes)
        fail("shared_address: the pointer is not into the block's dynamic shared memory");
    return SHARED_BASE + static_cast<uint32_t>(offset);
}

unsigned char *shared_bytes(uint32_t address, size_t bytes, size_t align, const char *what)
{
    size_t offset = address - SHARED_BASE;
    if (address < SHARED_BASE || offset + bytes > machine->launch.shared_bytes)
        fail("%s: shared bytes %zu to %zu of %zu", what, offset, offset + bytes,
             machine->launch.shared_bytes);
    if (address % align != 0)
        fail("%s: shared address %u is not a multiple of %zu", what, address, align);
    return machine->shared_begin + offset;
}

void deliver_later(Delivery *delivery)
{
    machine->later.emplace_back(delivery);
}

} // namespace emulate
