/* SPDX-License-Identifier: Apache-2.0 */
/* ldmatrix, mma and wgmma, with the layouts of the PTX ISA. Sums of products in double, rounded to
 * f32 once an instruction: a tensor core rounds otherwise, in the last bits. */
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "tests/emulate/emulate.hpp"

namespace emulate
{

float value_of(ptx::bf16 element)
{
    return mlb_bf16_to_f32(element.bits);
}
float value_of(ptx::f16 element)
{
    return mlb_f16_to_f32(element.bits);
}
void round_to(ptx::bf16 *element, float value)
{
    element->bits = mlb_bf16_from_f32(value);
}
void round_to(ptx::f16 *element, float value)
{
    element->bits = mlb_f16_from_f32(value);
}

namespace
{

constexpr unsigned K = 16; /* of one instruction, for elements of 16 bits */

float half_of(uint32_t both, unsigned which, Decode decode)
{
    return decode(static_cast<uint16_t>(both >> (16 * which)));
}

/* ------------------------------------------------------------------------------------ ldmatrix */

struct MatrixPart {
    uint32_t address;
    uint32_t *registers;
};

uint16_t element_of(const Meeting &meeting, unsigned matrix, unsigned row, unsigned column)
{
    uint32_t address = static_cast<MatrixPart *>(meeting.parts[matrix * 8 + row])->address;
    uint16_t element;
    memcpy(&element, shared_bytes(address, 16, 16, "ldmatrix") + 2 * column, 2);
    return element;
}

void load_matrices(const Meeting &meeting, unsigned matrices, bool transposed)
{
    for (unsigned lane = 0; lane < 32; lane++)
        for (unsigned m = 0; m < matrices; m++) {
            unsigned row = lane / 4, column = 2 * (lane % 4);
            uint32_t low = transposed ? element_of(meeting, m, column, row)
                                      : element_of(meeting, m, row, column);
            uint32_t high = transposed ? element_of(meeting, m, column + 1, row)
                                       : element_of(meeting, m, row, column + 1);
            static_cast<MatrixPart *>(meeting.parts[lane])->registers[m] = high << 16 | low;
        }
}

/* ----------------------------------------------------------------------------------- mma */

struct MmaPart {
    float *c;
    const uint32_t *a;
    uint32_t b[2];
};

/* A (16,16) of a warp from the four registers of each lane; the same for mma and wgmma. */
float a_element(const uint32_t *registers[32], unsigned row, unsigned k, Decode decode)
{
    unsigned lane = row % 8 * 4 + k % 8 / 2, index = row / 8 + 2 * (k / 8);
    return half_of(registers[lane][index], k % 2, decode);
}

float b_element(const Meeting &meeting, unsigned k, unsigned column, Decode decode)
{
    auto *part = static_cast<MmaPart *>(meeting.parts[column * 4 + k % 8 / 2]);
    return half_of(part->b[k / 8], k % 2, decode);
}

void multiply(const Meeting &meeting, Decode decode)
{
    const uint32_t *a[32];
    double whole_a[16][K], b[K][8];
    for (unsigned lane = 0; lane < 32; lane++)
        a[lane] = static_cast<MmaPart *>(meeting.parts[lane])->a;
    for (unsigned k = 0; k < K; k++) {
        for (unsigned row = 0; row < 16; row++)
            whole_a[row][k] = a_element(a, row, k, decode);
        for (unsigned column = 0; column < 8; column++)
            b[k][column] = b_element(meeting, k, column, decode);
    }
    for (unsigned row = 0; row < 16; row++)
        for (unsigned column = 0; column < 8; column++) {
            auto *part = static_cast<MmaPart *>(meeting.parts[row % 8 * 4 + column / 2]);
            float *c = &part->c[row / 8 * 2 + column % 2];
            double sum = *c;
            for (unsigned k = 0; k < K; k++)
                sum += whole_a[row][k] * b[k][column];
            *c = static_cast<float>(sum);
        }
}

/* --------------------------------------------------------------------------------- wgmma */

/* Registers of d of one thread, while products on them are under way. */
struct Accumulator {
    float *registers;
    std::vector<float> values;
    unsigned users = 0; /* products that are under way */
};

struct Pending {
    Product product;
    std::vector<std::shared_ptr<Accumulator>> d; /* of 128 threads */
    std::vector<uint32_t> a_registers;           /* [128][4] */
    std::vector<float> a, b;                     /* (64,16), (16,N) as they lay at the start */
};

struct Warpgroup {
    std::deque<std::vector<Pending>> committed;
    std::vector<Pending> open;
    std::map<float *, std::shared_ptr<Accumulator>> accumulators;
    bool fenced = false;
};

std::map<unsigned, Warpgroup> warpgroups; /* of the cluster that runs */

/* This thread's in `warpgroups`; a block has eight at most. */
unsigned key()
{
    return block().rank * 8 + self().number / 128;
}

Warpgroup &mine()
{
    return warpgroups[key()];
}

/* Element (mn, k) of the operand that a descriptor names. */
float described(uint64_t descriptor, bool mn_major, unsigned mn, unsigned k, Decode decode)
{
    uint32_t start = (descriptor & 0x3fff) << 4, leading = (descriptor >> 16 & 0x3fff) << 4;
    uint32_t stride = (descriptor >> 32 & 0x3fff) << 4, address;
    if (descriptor >> 62 != 1 || (descriptor >> 49 & 7) != 0)
        fail("wgmma: only descriptors of the 128-byte swizzle with base offset 0 are emulated");
    if (mn_major)
        address = start + mn % 64 * 2 + mn / 64 * leading + k % 8 * 128 + k / 8 * stride;
    else
        address = start + mn % 8 * 128 + mn / 8 * stride + k * 2;
    uint16_t bits;
    memcpy(&bits, shared_bytes(hardware_swizzle(address), 2, 2, "wgmma"), 2);
    return decode(bits);
}

std::vector<float> read_a(const Product &p)
{
    std::vector<float> all(64 * K);
    for (unsigned row = 0; row < 64; row++)
        for (unsigned k = 0; k < K; k++)
            all[row * K + k] = described(p.a, p.a_mn, row, k, p.decode);
    return all;
}

std::vector<float> read_b(const Product &p)
{
    unsigned columns = 2 * p.count;
    std::vector<float> all(columns * K);
    for (unsigned column = 0; column < columns; column++)
        for (unsigned k = 0; k < K; k++)
            all[k * columns + column] = described(p.b, p.b_mn, column, k, p.decode);
    return all;
}

std::vector<float> a_of_registers(const std::vector<uint32_t> &all, Decode decode)
{
    std::vector<float> a(64 * K);
    for (unsigned row = 0; row < 64; row++) {
        const uint32_t *lanes[32];
        for (unsigned lane = 0; lane < 32; lane++)
            lanes[lane] = &all[(row / 16 * 32 + lane) * 4];
        for (unsigned k = 0; k < K; k++)
            a[row * K + k] = a_element(lanes, row % 16, k, decode);
    }
    return a;
}

void read_operands(Pending &pending)
{
    const Product &p = pending.product;
    pending.a = p.a_registers ? a_of_registers(pending.a_registers, p.decode) : read_a(p);
    pending.b = read_b(p);
}

std::shared_ptr<Accumulator> take_accumulator(Warpgroup &group, float *registers, unsigned count)
{
    std::shared_ptr<Accumulator> &held = group.accumulators[registers];
    if (!held) {
        held = std::make_shared<Accumulator>();
        held->registers = registers;
        held->values.assign(registers, registers + count);
        memset(registers, 0xff, count * sizeof *registers);
    }
    held->users++;
    return held;
}

void give_back(Warpgroup &group, Accumulator &held)
{
    if (--held.users > 0)
        return;
    memcpy(held.registers, held.values.data(), held.values.size() * sizeof(float));
    group.accumulators.erase(held.registers);
}

bool same_bits(const std::vector<float> &x, const std::vector<float> &y)
{
    return memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
}

void start(Warpgroup &group, const Meeting &meeting)
{
    Pending pending;
    pending.product = *static_cast<const Product *>(meeting.parts[0]);
    for (unsigned i = 0; i < 128; i++) {
        const Product &part = *static_cast<const Product *>(meeting.parts[i]);
        const Product &first = pending.product;
        if (part.a != first.a || part.b != first.b || part.count != first.count ||
            part.add != first.add)
            fail("wgmma: threads of the warpgroup name different operands");
        pending.d.push_back(take_accumulator(group, part.d, part.count));
        if (part.a_registers)
            pending.a_registers.insert(pending.a_registers.end(), part.a_registers,
                                       part.a_registers + 4);
    }
    read_operands(pending);
    group.open.push_back(std::move(pending));
}

/* One row of d. Sums go along columns, so that a compiler can take several at a time. */
void add_row(Pending &pending, unsigned row, const std::vector<float> &a,
             const std::vector<float> &b)
{
    unsigned columns = 2 * pending.product.count;
    double sums[256];
    float *d[256];
    for (unsigned column = 0; column < columns; column++) {
        unsigned thread = row / 16 * 32 + row % 8 * 4 + column % 8 / 2;
        d[column] = &pending.d[thread]->values[column / 8 * 4 + row % 16 / 8 * 2 + column % 2];
        sums[column] = pending.product.add ? *d[column] : 0.0;
    }
    for (unsigned k = 0; k < K; k++) {
        double from_a = a[row * K + k];
        for (unsigned column = 0; column < columns; column++)
            sums[column] += from_a * static_cast<double>(b[k * columns + column]);
    }
    for (unsigned column = 0; column < columns; column++)
        *d[column] = static_cast<float>(sums[column]);
}

void finish(Warpgroup &group, Pending &pending)
{
    std::vector<float> a = std::move(pending.a), b = std::move(pending.b);
    read_operands(pending);
    if (!same_bits(a, pending.a) || !same_bits(b, pending.b))
        fail("wgmma: shared memory of an operand changed while the product was under way");
    for (unsigned row = 0; row < 64; row++)
        add_row(pending, row, a, b);
    for (const auto &held : pending.d)
        give_back(group, *held);
}

} // namespace

void ldmatrix(uint32_t *registers, unsigned matrices, bool transposed, uint32_t address)
{
    MatrixPart part = {address, registers};
    warp_meet(0xffffffffu, transposed ? "ldmatrix.trans" : "ldmatrix", &part,
              [=](Meeting &all) { load_matrices(all, matrices, transposed); });
}

void mma(float *c, const uint32_t *a, uint32_t b0, uint32_t b1, Decode decode)
{
    MmaPart part = {c, a, {b0, b1}};
    warp_meet(0xffffffffu, "mma", &part, [decode](Meeting &all) { multiply(all, decode); });
}

void wgmma(const Product &product)
{
    Product part = product;
    Warpgroup &group = mine();
    warpgroup_meet("wgmma", &part, [&group](Meeting &all) {
        if (!group.fenced)
            fail("wgmma without wgmma_fence since the last wgmma_wait");
        start(group, all);
    });
}

void wgmma_fence()
{
    Warpgroup &group = mine();
    warpgroup_meet("wgmma_fence", nullptr, [&group](Meeting &) { group.fenced = true; });
}

void wgmma_commit()
{
    Warpgroup &group = mine();
    warpgroup_meet("wgmma_commit", nullptr, [&group](Meeting &) {
        group.committed.push_back(std::move(group.open));
        group.open.clear();
    });
}

void wgmma_wait(unsigned groups)
{
    Warpgroup &group = mine();
    warpgroup_meet("wgmma_wait", nullptr, [&group, groups](Meeting &) {
        group.fenced = false;
        while (group.committed.size() > groups) {
            for (Pending &pending : group.committed.front())
                finish(group, pending);
            group.committed.pop_front();
        }
    });
}

bool products_left()
{
    auto found = warpgroups.find(key());
    return found != warpgroups.end() &&
           !(found->second.open.empty() && found->second.committed.empty());
}

void forget_products()
{
    warpgroups.clear();
}

} // namespace emulate
