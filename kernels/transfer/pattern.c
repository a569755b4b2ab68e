/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/transfer/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "harness/device/fill.h"

#define CHUNK  ((size_t)32 << 10) /* made at a time, by one thread, on its stack */
#define WINDOW ((size_t)16 << 20) /* of a device's memory on the host at a time */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Element `first + i` of the pattern, xor `flip`. */
static void make(const struct mlb_pattern *pattern, unsigned char *to, size_t bytes, size_t first,
                 unsigned char flip)
{
    mlb_fill_host(to, bytes, MLB_S8, pattern->data, pattern->seed, first);
    for (size_t i = 0; flip && i < bytes; i++)
        to[i] ^= flip;
}

static void make_all(const struct mlb_pattern *pattern, unsigned char *to, size_t bytes,
                     size_t first, unsigned char flip)
{
#pragma omp parallel for num_threads(pattern->threads) schedule(static)
    for (size_t at = 0; at < bytes; at += CHUNK)
        make(pattern, to + at, least(CHUNK, bytes - at), first + at, flip);
}

void mlb_pattern_put_host(const struct mlb_pattern *pattern, void *memory, size_t bytes)
{
    make_all(pattern, memory, bytes, 0, 0);
}

enum mlb_status mlb_pattern_put(const struct mlb_pattern *pattern, struct mlb_device *device,
                                void *memory, size_t bytes, struct mlb_error *err)
{
    return device->backend->fill(device, memory, bytes, MLB_S8, pattern->data, pattern->seed, 0,
                                 err);
}

void mlb_pattern_spoil_host(const struct mlb_pattern *pattern, void *memory, size_t bytes)
{
    make_all(pattern, memory, bytes, 0, 0xff);
}

static enum mlb_status make_window(unsigned char **window, size_t bytes, struct mlb_error *err)
{
    *window = malloc(least(WINDOW, bytes));
    return *window ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "verification: out of host memory");
}

enum mlb_status mlb_pattern_spoil(const struct mlb_pattern *pattern, struct mlb_device *device,
                                  void *memory, size_t bytes, struct mlb_error *err)
{
    unsigned char *window;
    enum mlb_status status = make_window(&window, bytes, err);
    for (size_t at = 0; at < bytes && status == MLB_OK; at += WINDOW) {
        size_t length = least(WINDOW, bytes - at);
        make_all(pattern, window, length, at, 0xff);
        status = mlb_copy(device, (char *)memory + at, window, length, MLB_TO_DEVICE, err);
    }
    free(window);
    return status;
}

/* Wrong bytes of a chunk; `*where` is the first one's place in it. */
static size_t compare(const struct mlb_pattern *pattern, const unsigned char *is, size_t bytes,
                      size_t first, size_t *where)
{
    unsigned char should[CHUNK];
    size_t wrong = 0;
    make(pattern, should, bytes, first, 0);
    if (memcmp(is, should, bytes) == 0)
        return 0;
    for (size_t i = bytes; i-- > 0;)
        if (is[i] != should[i]) {
            wrong++;
            *where = i;
        }
    return wrong;
}

/* memory[0..bytes-1] is the pattern from `first` on. */
static void check_stretch(const struct mlb_pattern *pattern, const unsigned char *memory,
                          size_t bytes, size_t first, const char *what,
                          struct mlb_verification *verification)
{
    size_t wrong = 0, where = SIZE_MAX;
#pragma omp parallel for num_threads(pattern->threads) schedule(static) reduction(+ : wrong)       \
    reduction(min : where)
    for (size_t at = 0; at < bytes; at += CHUNK) {
        size_t place = 0;
        size_t found = compare(pattern, memory + at, least(CHUNK, bytes - at), first + at, &place);
        wrong += found;
        if (found > 0)
            where = least(where, at + place);
    }
    size_t told = 0;
    if (wrong > 0) {
        unsigned char should;
        make(pattern, &should, 1, first + where, 0);
        mlb_verify_element(verification, memory[where], should, 0.0, "byte %zu of %s",
                           first + where, what);
        told = 1;
    }
    verification->checked += bytes - told;
    verification->wrong += wrong - told;
}

void mlb_pattern_check_host(const struct mlb_pattern *pattern, const void *memory, size_t bytes,
                            const char *what, struct mlb_verification *verification)
{
    check_stretch(pattern, memory, bytes, 0, what, verification);
}

enum mlb_status mlb_pattern_check(const struct mlb_pattern *pattern, struct mlb_device *device,
                                  const void *memory, size_t bytes, const char *what,
                                  struct mlb_verification *verification, struct mlb_error *err)
{
    unsigned char *window;
    enum mlb_status status = make_window(&window, bytes, err);
    for (size_t at = 0; at < bytes && status == MLB_OK; at += WINDOW) {
        size_t length = least(WINDOW, bytes - at);
        status = mlb_copy(device, window, (const char *)memory + at, length, MLB_TO_HOST, err);
        if (status == MLB_OK)
            check_stretch(pattern, window, length, at, what, verification);
    }
    free(window);
    return status;
}
