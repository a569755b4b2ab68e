/* SPDX-License-Identifier: Apache-2.0 */
/* Copies beside the threads, delivered as late as the ISA allows: cp.async when its thread waits,
 * TMA loads when nobody can go on (or at random), TMA stores when their thread waits. Until then
 * the destination is NaN, and what a store reads must not change. */
#include <deque>
#include <map>
#include <vector>

#include "tests/emulate/emulate.hpp"

namespace emulate
{
namespace
{

struct Copy {
    uint32_t to;
    const void *from;
    uint32_t bytes;
};

struct Store {
    void *to; /* of a bulk copy; NULL: a box of the tensor */
    CUtensorMap map;
    uint32_t from;
    Box box;
    StoreKind kind;
    std::vector<unsigned char> held; /* the bytes at the time of the instruction */
};

/* Groups of one thread: those that were committed, oldest first, and the open one. */
template <typename T> struct Groups {
    std::deque<std::vector<T>> committed;
    std::vector<T> open;
};

struct Barrier {
    uint32_t count, pending;
    int64_t bytes; /* announced and not yet come; below zero: came before they were announced */
    uint32_t phase;
};

struct State {
    std::map<unsigned, Groups<Copy>> copies; /* by thread */
    std::map<unsigned, Groups<Store>> stores;
    std::map<uint32_t, Barrier> barriers; /* by address */
};

std::map<unsigned, State> states; /* of the cluster that runs, by the block's rank */

State &its_block()
{
    return states[block().rank];
}

/* --------------------------------------------------------------------------------- tensors */

size_t element_bytes(const mlb_tensor &tensor)
{
    return tensor.dtype == MLB_F32 ? 4 : 2;
}

size_t box_bytes(const mlb_tensor &tensor)
{
    size_t bytes = element_bytes(tensor);
    for (unsigned i = 0; i < tensor.rank; i++)
        bytes *= tensor.box[i];
    return bytes;
}

/* Calls visit(shared address, place in global memory or NULL when outside) for each element. */
template <typename Visit>
void each_element(const mlb_tensor &tensor, const Box &box, uint32_t address, Visit visit)
{
    size_t size = element_bytes(tensor), elements = box_bytes(tensor) / size;
    for (size_t i = 0; i < elements; i++) {
        auto *place = static_cast<unsigned char *>(tensor.base);
        bool inside = true;
        size_t rest = i;
        for (unsigned d = 0; d < tensor.rank; d++) {
            int64_t at = box.at[d] + static_cast<int64_t>(rest % tensor.box[d]);
            rest /= tensor.box[d];
            inside = inside && at >= 0 && static_cast<uint64_t>(at) < tensor.extent[d];
            place += at * static_cast<int64_t>(d == 0 ? size : tensor.stride[d]);
        }
        uint32_t to = address + static_cast<uint32_t>(i * size);
        visit(tensor.swizzled ? hardware_swizzle(to) : to, inside ? place : nullptr);
    }
}

void check_box(const CUtensorMap *map, const Box &box, uint32_t address, const char *what)
{
    if (box.rank != map->tensor.rank)
        fail("%s: %u coordinates for a tensor of rank %u", what, box.rank, map->tensor.rank);
    shared_bytes(address, box_bytes(map->tensor), 128, what);
}

/* -------------------------------------------------------------------------------- mbarrier */

Barrier &barrier_at(unsigned rank, uint32_t address, const char *what)
{
    State &state = states[rank];
    shared_bytes(rank, address, 8, 8, what);
    auto found = state.barriers.find(address);
    if (found == state.barriers.end())
        fail("%s: no mbarrier was initialised at shared address %u", what, address);
    return found->second;
}

void end_phase(Barrier &barrier)
{
    if (barrier.pending > 0 || barrier.bytes != 0)
        return;
    barrier.pending = barrier.count;
    barrier.phase++;
}

struct Load : Delivery {
    unsigned rank; /* of the block that it comes to */
    CUtensorMap map;
    Box box;
    uint32_t to, barrier;
    void deliver() override
    {
        size_t size = element_bytes(map.tensor);
        each_element(map.tensor, box, to, [this, size](uint32_t address, unsigned char *place) {
            unsigned char *element = shared_bytes(rank, address, size, size, "tma_load");
            if (place)
                memcpy(element, place, size);
            else
                memset(element, 0, size);
        });
        Barrier &at = barrier_at(rank, barrier, "tma_load");
        at.bytes -= static_cast<int64_t>(box_bytes(map.tensor));
        end_phase(at);
    }
};

struct BulkLoad : Delivery {
    unsigned rank;
    uint32_t to, bytes, barrier;
    const void *from;
    void deliver() override
    {
        memcpy(shared_bytes(rank, to, bytes, 16, "bulk_load"), from, bytes);
        Barrier &at = barrier_at(rank, barrier, "bulk_load");
        at.bytes -= static_cast<int64_t>(bytes);
        end_phase(at);
    }
};

void check_bulk(const void *global, uint32_t bytes, const char *what)
{
    if (reinterpret_cast<uintptr_t>(global) % 16 != 0 || bytes % 16 != 0 || bytes == 0)
        fail("%s: %u bytes at global address %p: both must be multiples of 16", what, bytes,
             global);
}

void perform(const Copy &copy)
{
    unsigned char *to = shared_bytes(copy.to, 16, 16, "cp.async");
    memset(to, 0, 16);
    memcpy(to, copy.from, copy.bytes);
}

void perform(const Store &store)
{
    const mlb_tensor &tensor = store.map.tensor;
    const unsigned char *now = shared_bytes(store.from, store.held.size(), 16, "tma_store");
    if (memcmp(now, store.held.data(), store.held.size()) != 0)
        fail("tma_store: shared memory changed before the store had read it");
    if (store.to) {
        memcpy(store.to, now, store.held.size());
        return;
    }
    size_t size = element_bytes(tensor);
    each_element(tensor, store.box, store.from, [&](uint32_t address, unsigned char *place) {
        if (!place)
            return;
        const unsigned char *from = shared_bytes(address, size, size, "tma_store");
        if (store.kind == StoreKind::SET)
            memcpy(place, from, size);
        else
            *reinterpret_cast<float *>(place) += *reinterpret_cast<const float *>(from);
    });
}

template <typename T> void wait_groups(Groups<T> &groups, size_t left)
{
    while (groups.committed.size() > left) {
        for (const T &one : groups.committed.front())
            perform(one);
        groups.committed.pop_front();
    }
}

template <typename T> void commit_group(Groups<T> &groups)
{
    groups.committed.push_back(std::move(groups.open));
    groups.open.clear();
}

} // namespace

/* -----------------------------------------------------------------------------------------
 * cp.async
 */

void copy_async(uint32_t to, const void *from, uint32_t bytes)
{
    unsigned char *poisoned = shared_bytes(to, 16, 16, "cp.async");
    if (reinterpret_cast<uintptr_t>(from) % 16 != 0)
        fail("cp.async: global address %p is not a multiple of 16", from);
    if (bytes > 16)
        fail("cp.async: %u bytes of 16", bytes);
    memset(poisoned, 0xff, 16);
    its_block().copies[self().number].open.push_back({to, from, bytes});
}

void copy_async_commit()
{
    commit_group(its_block().copies[self().number]);
}

void copy_async_wait(unsigned groups)
{
    wait_groups(its_block().copies[self().number], groups);
}

/* -----------------------------------------------------------------------------------------
 * mbarrier
 */

void mbarrier_init(uint32_t barrier, uint32_t count)
{
    shared_bytes(barrier, 8, 8, "mbarrier_init");
    its_block().barriers[barrier] = {count, count, 0, 0};
}

void mbarrier_arrive(unsigned rank, uint32_t barrier, uint32_t expected_bytes)
{
    Barrier &at = barrier_at(rank, barrier, "mbarrier_arrive");
    if (at.pending == 0)
        fail("mbarrier_arrive: more arrivals than the %u of the phase", at.count);
    at.bytes += expected_bytes;
    at.pending--;
    end_phase(at);
}

void mbarrier_wait(uint32_t barrier, uint32_t parity)
{
    const Barrier &at = barrier_at(block().rank, barrier, "mbarrier_wait");
    auto passed = [&at, parity] { return (at.phase & 1u) != parity; };
    if (!passed())
        wait_until("mbarrier_wait", passed);
}

/* ----------------------------------------------------------------------------------------------
 * TMA
 */

CUtensorMap tensor_map(const struct mlb_tensor &tensor)
{
    bool good = reinterpret_cast<uintptr_t>(tensor.base) % 16 == 0 && tensor.rank >= 2 &&
                tensor.rank <= MLB_TENSOR_RANK;
    for (unsigned i = 0; i < tensor.rank && good; i++)
        good = tensor.extent[i] > 0 && tensor.box[i] > 0 && tensor.box[i] <= 256 &&
               (i == 0 || tensor.stride[i] % 16 == 0) &&
               /* as the driver API's manual asks, whether or not drivers check it */
               (i < 2 || (tensor.stride[i - 1] && tensor.stride[i] % tensor.stride[i - 1] == 0));
    size_t width = tensor.box[0] * element_bytes(tensor);
    if (!good || width % 16 != 0 || (tensor.swizzled && width > 128))
        throw Failure("tensor map: an extent, stride or box that TMA does not take");
    return {tensor};
}

/* To every block whose bit is in `ranks`, at the same place and with the same barrier there. */
void tma_load(uint32_t to, const CUtensorMap *map, uint32_t barrier, const Box &box, unsigned ranks)
{
    check_box(map, box, to, "tma_load");
    for (unsigned rank = 0; ranks >> rank; rank++) {
        if (!(ranks >> rank & 1))
            continue;
        size_t bytes = box_bytes(map->tensor);
        barrier_at(rank, barrier, "tma_load");
        memset(shared_bytes(rank, to, bytes, 128, "tma_load"), 0xff, bytes);
        Load *load = new Load;
        load->rank = rank;
        load->map = *map;
        load->box = box;
        load->to = to;
        load->barrier = barrier;
        deliver_later(load);
    }
}

void tma_store(const CUtensorMap *map, uint32_t from, const Box &box, StoreKind kind)
{
    check_box(map, box, from, "tma_store");
    size_t bytes = box_bytes(map->tensor);
    const unsigned char *now = shared_bytes(from, bytes, 128, "tma_store");
    its_block().stores[self().number].open.push_back(
        {nullptr, *map, from, box, kind, {now, now + bytes}});
}

void bulk_load(uint32_t to, const void *from, uint32_t bytes, uint32_t barrier)
{
    check_bulk(from, bytes, "bulk_load");
    barrier_at(block().rank, barrier, "bulk_load");
    memset(shared_bytes(to, bytes, 16, "bulk_load"), 0xff, bytes);
    BulkLoad *load = new BulkLoad;
    load->rank = block().rank;
    load->to = to;
    load->bytes = bytes;
    load->barrier = barrier;
    load->from = from;
    deliver_later(load);
}

void bulk_store(void *to, uint32_t from, uint32_t bytes)
{
    check_bulk(to, bytes, "bulk_store");
    const unsigned char *now = shared_bytes(from, bytes, 16, "bulk_store");
    its_block().stores[self().number].open.push_back(
        {to, {}, from, {}, StoreKind::SET, {now, now + bytes}});
}

void bulk_commit()
{
    commit_group(its_block().stores[self().number]);
}

void bulk_wait(unsigned groups)
{
    wait_groups(its_block().stores[self().number], groups);
}

/* ---------------------------------------------------------------------------------- the end */

template <typename T> static bool left_over(const Groups<T> &groups)
{
    size_t count = groups.open.size();
    for (const auto &group : groups.committed)
        count += group.size();
    return count > 0;
}

void check_thread_end()
{
    if (left_over(its_block().copies[self().number]))
        fail("the thread ends before its cp.async are waited for");
    if (left_over(its_block().stores[self().number]))
        fail("the thread ends before its TMA stores are waited for");
    if (products_left())
        fail("the thread ends before its wgmma are waited for");
}

void check_cluster_end()
{
    states.clear();
    forget_products();
}

} // namespace emulate
