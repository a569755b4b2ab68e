/* SPDX-License-Identifier: Apache-2.0 */
/* Products of a warpgroup (128 threads) on sm_90a: d (64,N) = a (64,16) b (16,N) [+ d] in f32, bf16
 * or f16 operands in shared memory, or a in registers. Nothing is declared elsewhere: see
 * README.md.
 *
 * With w = the warp of the four, g = lane / 4 and t = lane % 4:
 *
 *   d (64,N)   d[4 j + 0, 1]   (16 w + g, 8 j + 2 t and the next)
 *              d[4 j + 2, 3]   (16 w + g + 8, the same)
 *   a (64,16)  as A of mma.m16n8k16, rows 16 w to 16 w + 15
 *
 * They run beside the threads: between wgmma and the wgmma_wait that covers it, neither d nor the
 * registers of a may be touched. */
#ifndef MLB_KERNELS_TENSORCORE_WGMMA_CUH
#define MLB_KERNELS_TENSORCORE_WGMMA_CUH

#include "kernels/tensorcore/hopper.cuh"

#if MLB_HOPPER
namespace ptx
{

/* Before the first wgmma, and again after registers of d or a were touched. */
__device__ __forceinline__ void wgmma_fence()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

__device__ __forceinline__ void wgmma_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/* Until at most `GROUPS` of the committed groups, the latest, are under way. */
template <int GROUPS> __device__ __forceinline__ void wgmma_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(GROUPS) : "memory");
}

/* Keeps the compiler from moving uses of d across this point. */
template <int COUNT> __device__ __forceinline__ void wgmma_hold(float (&d)[COUNT])
{
#pragma unroll
    for (int i = 0; i < COUNT; i++)
        asm volatile("" : "+f"(d[i])::"memory");
}

/* `value`, which is never negative, is computed before what follows this point. ptxas moves a
 * wgmma_wait up past arithmetic that it does not hinder, and then nothing runs beside the product:
 * a store that depends on the value holds it back. None takes place. `shared`: any address of the
 * block's. */
__device__ __forceinline__ void compute_first(float value, uint32_t shared)
{
    asm volatile("{\n.reg .pred p;\nsetp.lt.f32 p, %0, 0f00000000;\n"
                 "@p st.volatile.shared.f32 [%1], %0;\n}" ::"f"(value),
                 "r"(shared)
                 : "memory");
}

/* Specialised for the numbers of registers of d below: N / 2 of N = 64, 80, 96, 128, 192, 256. */
template <typename T, int COUNT, major A, major B> struct wgmma_of;

/* Operand texts "%0" to "%127", and the same as constraints. */
#define MLB_D32                                                                                    \
    "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,"   \
    "%25,%26,%27,%28,%29,%30,%31"
#define MLB_D40 MLB_D32 ",%32,%33,%34,%35,%36,%37,%38,%39"
#define MLB_D48 MLB_D40 ",%40,%41,%42,%43,%44,%45,%46,%47"
#define MLB_D64 MLB_D48 ",%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define MLB_D96                                                                                    \
    MLB_D64 ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,"    \
            "%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95"
#define MLB_D128                                                                                   \
    MLB_D96 ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,"   \
            "%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"

#define MLB_R8(i)                                                                                  \
    "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]),    \
        "+f"(d[i + 6]), "+f"(d[i + 7])
#define MLB_R32  MLB_R8(0), MLB_R8(8), MLB_R8(16), MLB_R8(24)
#define MLB_R40  MLB_R32, MLB_R8(32)
#define MLB_R48  MLB_R40, MLB_R8(40)
#define MLB_R64  MLB_R48, MLB_R8(48), MLB_R8(56)
#define MLB_R96  MLB_R64, MLB_R8(64), MLB_R8(72), MLB_R8(80), MLB_R8(88)
#define MLB_R128 MLB_R96, MLB_R8(96), MLB_R8(104), MLB_R8(112), MLB_R8(120)

/* I0... are the numbers of the operands after d: descriptor of a, of b, whether to add; or four
 * registers of a, descriptor of b, whether to add. */
#define MLB_WGMMA(TYPE, NAME, N, COUNT, I0, I1, I2, I3, I4, I5, I6, I7)                            \
    template <major A, major B> struct wgmma_of<TYPE, COUNT, A, B> {                               \
        static __device__ __forceinline__ void run(float (&d)[COUNT], uint64_t a, uint64_t b,      \
                                                   int add)                                        \
        {                                                                                          \
            asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #I2 ", 0;\n"                         \
                         "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." NAME "." NAME           \
                         " {" MLB_D##COUNT "}, %" #I0 ", %" #I1 ", p, 1, 1, %" #I3 ", %" #I4       \
                                           ";\n}"                                                  \
                         : MLB_R##COUNT                                                            \
                         : "l"(a), "l"(b), "r"(add), "n"((int)A), "n"((int)B));                    \
        }                                                                                          \
        static __device__ __forceinline__ void run(float (&d)[COUNT], const uint32_t (&a)[4],      \
                                                   uint64_t b, int add)                            \
        {                                                                                          \
            asm volatile(                                                                          \
                "{\n.reg .pred p;\nsetp.ne.b32 p, %" #I5 ", 0;\n"                                  \
                "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." NAME "." NAME " {" MLB_D##COUNT  \
                "}, {%" #I0 ",%" #I1 ",%" #I2 ",%" #I3 "}, %" #I4 ", p, 1, 1, %" #I6 ";\n}"        \
                : MLB_R##COUNT                                                                     \
                : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add), "n"((int)B));      \
        }                                                                                          \
    };

#define MLB_WGMMA_ALL(TYPE, NAME)                                                                  \
    MLB_WGMMA(TYPE, NAME, 64, 32, 32, 33, 34, 35, 36, 37, 38, 39)                                  \
    MLB_WGMMA(TYPE, NAME, 80, 40, 40, 41, 42, 43, 44, 45, 46, 47)                                  \
    MLB_WGMMA(TYPE, NAME, 96, 48, 48, 49, 50, 51, 52, 53, 54, 55)                                  \
    MLB_WGMMA(TYPE, NAME, 128, 64, 64, 65, 66, 67, 68, 69, 70, 71)                                 \
    MLB_WGMMA(TYPE, NAME, 192, 96, 96, 97, 98, 99, 100, 101, 102, 103)                             \
    MLB_WGMMA(TYPE, NAME, 256, 128, 128, 129, 130, 131, 132, 133, 134, 135)

MLB_WGMMA_ALL(bf16, "bf16")
MLB_WGMMA_ALL(f16, "f16")

#undef MLB_WGMMA_ALL
#undef MLB_WGMMA

/* N = 2 COUNT. `a` and `b` are descriptors of layout.cuh; add = 0: d is overwritten. */
template <typename T, major A = K_MAJOR, major B = K_MAJOR, int COUNT>
__device__ __forceinline__ void wgmma(float (&d)[COUNT], uint64_t a, uint64_t b, int add)
{
    wgmma_of<T, COUNT, A, B>::run(d, a, b, add);
}

/* a in registers: four of two elements each. */
template <typename T, major B = K_MAJOR, int COUNT>
__device__ __forceinline__ void wgmma(float (&d)[COUNT], const uint32_t (&a)[4], uint64_t b,
                                      int add)
{
    wgmma_of<T, COUNT, K_MAJOR, B>::run(d, a, b, add);
}

} // namespace ptx
#endif

#endif
