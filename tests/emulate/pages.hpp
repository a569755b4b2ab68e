/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that ends where a page begins which nobody may touch: running over its end is a
 * segmentation fault in every build. */
#ifndef MLB_TESTS_EMULATE_PAGES_HPP
#define MLB_TESTS_EMULATE_PAGES_HPP

#include <sys/mman.h>

#include <cstddef>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace emulate
{

constexpr size_t GUARD_BYTES = 4096;

inline size_t rounded(size_t bytes, size_t to)
{
    return (bytes + to - 1) / to * to;
}

inline void unpoison(void *at, size_t bytes)
{
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(at, bytes);
#endif
    (void)at;
    (void)bytes;
}

class Pages
{
  public:
    explicit Pages(size_t bytes) : bytes_(bytes)
    {
        void *at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED)
            throw std::bad_alloc();
        begin_ = static_cast<unsigned char *>(at);
    }
    ~Pages()
    {
        unpoison(begin_, bytes_);
        munmap(begin_, bytes_);
    }
    Pages(const Pages &) = delete;
    Pages &operator=(const Pages &) = delete;
    unsigned char *begin() const
    {
        return begin_;
    }
    void forbid(size_t offset, size_t bytes)
    {
        if (mprotect(begin_ + offset, bytes, PROT_NONE) != 0)
            throw std::bad_alloc();
    }

  private:
    unsigned char *begin_;
    size_t bytes_;
};

/* `bytes` that begin at a multiple of `align`, with less than `align` between their end and the
 * forbidden page. */
class Guarded
{
  public:
    Guarded(size_t bytes, size_t align)
        : whole_(rounded(bytes, GUARD_BYTES)), pages_(whole_ + GUARD_BYTES),
          begin_(pages_.begin() + whole_ - rounded(bytes, align))
    {
        pages_.forbid(whole_, GUARD_BYTES);
    }
    unsigned char *begin() const
    {
        return begin_;
    }

  private:
    size_t whole_;
    Pages pages_;
    unsigned char *begin_;
};

/* An array in global memory. */
template <typename T> class Array
{
  public:
    explicit Array(size_t count) : count_(count), memory_(count * sizeof(T), 16)
    {
    }
    T *data() const
    {
        return reinterpret_cast<T *>(memory_.begin());
    }
    size_t size() const
    {
        return count_;
    }
    T &operator[](size_t i) const
    {
        return data()[i];
    }

  private:
    size_t count_;
    Guarded memory_;
};

} // namespace emulate

#endif
