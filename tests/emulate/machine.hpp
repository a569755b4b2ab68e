/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of emulated threads. The threads of a block are fibers of one operating-system thread: a
 * fiber runs until it must wait for others, so a switch happens at synchronising instructions only.
 * Blocks run one after the other, but for those of a cluster. */
#ifndef MLB_TESTS_EMULATE_MACHINE_HPP
#define MLB_TESTS_EMULATE_MACHINE_HPP

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};
using uint3 = dim3;

namespace emulate
{

/* What a launch throws: "block (0,1,0) thread 37: cp.async: ..." */
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Launch {
    dim3 grid, block;
    size_t shared_bytes = 0; /* dynamic */
    /* Order in which threads that can run do: 0 up, 1 down, others shuffled by this seed, and then
     * what is asynchronous is delivered at random times too instead of as late as possible. */
    unsigned order = 0;
    unsigned cluster = 1; /* blocks of a cluster, along x */
};

struct ThreadView {
    dim3 index;
    unsigned number; /* in the block */
    unsigned lane() const
    {
        return number % 32;
    }
};

struct BlockView {
    Launch launch;
    dim3 index;
    unsigned rank = 0; /* in its cluster */
    unsigned thread_count() const
    {
        return launch.block.x * launch.block.y * launch.block.z;
    }
};

const ThreadView &self();
const BlockView &block();

/* Ends the launch with a Failure that names the running thread. */
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs kernel() once for each thread of each block. */
void run(const Launch &launch, void (*body)(const void *), const void *kernel);

/* launch({grid, block, bytes}, kernel, arguments...) is kernel<<<grid, block, bytes>>>(...). */
template <typename Kernel, typename... Arguments>
void launch(const Launch &how, Kernel kernel, Arguments... arguments)
{
    auto call = [&] { kernel(arguments...); };
    run(
        how, [](const void *it) { (*static_cast<const decltype(call) *>(it))(); }, &call);
}

/* ------------------------------------------------------------------------------------- waiting */

/* Lets others run until done(argument). `what` is told when nobody can go on. */
void wait_until(const char *what, bool (*done)(const void *), const void *argument);

template <typename Done> void wait_until(const char *what, Done done)
{
    wait_until(
        what, [](const void *it) { return (*static_cast<const Done *>(it))(); }, &done);
}

/* A place where the lanes of a warp or the threads of a warpgroup come together for one
 * instruction. The last to come does the work for all, through the pointers the others left. */
struct Meeting {
    const char *what = nullptr;
    unsigned arrived = 0;
    uint64_t rounds = 0;
    void *parts[128] = {}; /* by lane, or by thread of the warpgroup; NULL: not there */
};

void meet(Meeting &meeting, unsigned place, unsigned count, const char *what, void *part,
          void (*work)(const void *, Meeting &), const void *argument);

Meeting &warp_meeting(unsigned mask);
Meeting &warpgroup_meeting();
unsigned lanes_in(unsigned mask, const char *what);

template <typename Work> void warp_meet(unsigned mask, const char *what, void *part, Work work)
{
    meet(
        warp_meeting(mask), self().lane(), lanes_in(mask, what), what, part,
        [](const void *it, Meeting &all) { (*static_cast<const Work *>(it))(all); }, &work);
}

template <typename Work> void warpgroup_meet(const char *what, void *part, Work work)
{
    meet(
        warpgroup_meeting(), self().number % 128, 128, what, part,
        [](const void *it, Meeting &all) { (*static_cast<const Work *>(it))(all); }, &work);
}

void barrier_sync(int id, unsigned threads, const char *what);
void barrier_arrive(int id, unsigned threads);
int barrier_or(int value); /* __syncthreads_or */
void cluster_sync();

/* --------------------------------------------------------------------------- shared memory */

/* Addresses of the shared window are those of instructions: SHARED_BASE is the first dynamic byte.
 */
constexpr uint32_t SHARED_BASE = 1024;
unsigned char *dynamic_shared();
uint32_t shared_address(const void *pointer);
/* The bytes at an address of the block of this rank; fails when they are not all in its dynamic
 * memory, the address is not a multiple of `align`, or the block has ended. */
unsigned char *shared_bytes(unsigned rank, uint32_t address, size_t bytes, size_t align,
                            const char *what);
inline unsigned char *shared_bytes(uint32_t address, size_t bytes, size_t align, const char *what)
{
    return shared_bytes(block().rank, address, bytes, align, what);
}
/* Where the hardware's 128-byte swizzle puts a byte; on its own, not by layout.cuh. */
inline uint32_t hardware_swizzle(uint32_t address)
{
    uint32_t chunk = address / 16 % 8, row = address / 128 % 8;
    return address - chunk * 16 + (chunk ^ row) * 16;
}

/* --------------------------------------------------------------------------------- asynchronous */

/* Something that happens later: when nobody can go on, or (in shuffled orders) at any switch. */
struct Delivery {
    virtual ~Delivery() = default;
    virtual void deliver() = 0;
};
void deliver_later(Delivery *delivery); /* takes it over */

/* Defined in async.cpp. At a thread's end: fails when it leaves copies behind that it did not wait
 * for. At a cluster's end: forgets its barriers. */
void check_thread_end();
void check_cluster_end();

} // namespace emulate

#endif
