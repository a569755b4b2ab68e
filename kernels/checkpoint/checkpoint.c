/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/checkpoint/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/device/proc.h"

#define WORD    sizeof(uint64_t)
#define STAMPED (MLB_CHECKPOINT_BLOCK / WORD) /* every so many words one tells the writes */

/* Bytes of a step: all ranks' files, which are one checkpoint; its time is the slowest rank's. */
static const struct {
    const char *name, *formula;
} ops[] = {[MLB_CHECKPOINT_WRITE] = {"write", "checkpoint.write.ranks.n"},
           [MLB_CHECKPOINT_READ] = {"read", "checkpoint.read.ranks.n"}};
static const char *const op_names[] = {"write", "read", NULL};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool on_gpu(const struct mlb_ctx *ctx)
{
    return strcmp(ctx->device->info.kind, "cpu") != 0;
}

/* ------------------------------------------------------------------------------------------ data
 */

/* Word `index` of a state that was written `writes` times: random bits, which no file system
 * compresses, and no two writes have a block in common, so that none is stored by reference. */
static uint64_t word_of(const struct mlb_checkpoint *state, size_t index)
{
    uint64_t stamp = index % STAMPED == 0 ? state->writes : 0;
    return mlb_rng_bits(state->seed, index) + stamp;
}

static void fill(const struct mlb_checkpoint *state, unsigned char *to, int threads)
{
    uint64_t *words = (uint64_t *)(void *)to;
    size_t count = state->bytes / WORD;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < count; i++)
        words[i] = word_of(state, i);
}

/* The blocks become those of the next write. `from` is the number of writes that they show. */
static void stamp(struct mlb_checkpoint *state, uint64_t from)
{
    uint64_t *words = (uint64_t *)(void *)state->host;
    state->writes++;
    for (size_t i = 0; i < state->bytes / WORD; i += STAMPED)
        words[i] += state->writes - from;
}

/* ----------------------------------------------------------------------------------------- check
 */

static enum mlb_status check_memory(const struct mlb_checkpoint_params *p,
                                    const struct mlb_ctx *ctx, struct mlb_error *err)
{
    char each[MLB_UNIT_TEXT], left[MLB_UNIT_TEXT];
    uint64_t host = mlb_proc_memory_available("") / (uint64_t)ctx->comm->local_size;
    bool device = on_gpu(ctx) && ctx->memory_bytes < p->bytes;
    if (!device && (host == 0 || p->bytes + MLB_CHECKPOINT_CHUNK <= host))
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "needs %s of %s memory, %s are free for this rank",
                    mlb_print_bytes(each, p->bytes), device ? "device" : "host",
                    mlb_print_bytes(left, device ? ctx->memory_bytes : host));
}

/* The old checkpoint stays until the new one is whole: both have to fit, those of all ranks that
 * share the store. */
static enum mlb_status check_room(const struct mlb_checkpoint_params *p, const struct mlb_ctx *ctx,
                                  struct mlb_error *err)
{
    char each[MLB_UNIT_TEXT], left[MLB_UNIT_TEXT];
    struct mlb_place place;
    if (mlb_place_look("", ctx->checkpoint_folder, &place, err) != MLB_OK)
        return err->status;
    int ranks = place.shared ? ctx->comm->size : ctx->comm->local_size;
    if (p->bytes <= place.free_bytes / 2 / (uint64_t)ranks)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED,
                    "needs room for 2 checkpoints of %d x %s in the checkpoint folder (%s), %s "
                    "are free",
                    ranks, mlb_print_bytes(each, p->bytes), place.file_system,
                    mlb_print_bytes(left, place.free_bytes));
}

static enum mlb_status check(const void *params, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    if (!ctx->checkpoint_folder || !ctx->checkpoint_folder[0])
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "needs --checkpoint-folder, where the job would keep its checkpoints");
    if (check_memory(params, ctx, err) != MLB_OK)
        return err->status;
    return check_room(params, ctx, err);
}

/* ----------------------------------------------------------------------------------------- steps
 */

static enum mlb_status write_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_checkpoint *state = memory;
    uint64_t shown = state->device ? 0 : state->writes;
    if (state->device &&
        mlb_copy(ctx->device, state->host, state->device, state->bytes, MLB_TO_HOST, err) != MLB_OK)
        return err->status;
    stamp(state, shown);
    return mlb_checkpoint_file_write(&state->file, state->host, state->bytes, err);
}

static enum mlb_status read_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_checkpoint *state = memory;
    enum mlb_status status =
        mlb_checkpoint_file_read(&state->file, state->host, true, state->bytes, NULL, NULL, err);
    if (status == MLB_OK && state->device)
        status =
            mlb_copy(ctx->device, state->device, state->host, state->bytes, MLB_TO_DEVICE, err);
    return status;
}

static enum mlb_status step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct mlb_checkpoint *state = memory;
    return state->op == MLB_CHECKPOINT_WRITE ? write_step(memory, ctx, err)
                                             : read_step(memory, ctx, err);
}

/* ----------------------------------------------------------------------------------------- setup
 */

static enum mlb_status set_up_memory(struct mlb_checkpoint *state, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    if (on_gpu(ctx) &&
        mlb_alloc(ctx->device, state->bytes, "checkpoint.state", &state->device, err) != MLB_OK)
        return err->status;
    state->host = aligned_alloc(MLB_CHECKPOINT_BLOCK, state->bytes);
    state->window = aligned_alloc(MLB_CHECKPOINT_BLOCK, MLB_CHECKPOINT_CHUNK);
    if (!state->host || !state->window)
        return mlb_fail(err, MLB_E_NOMEM, "checkpoint: %zu bytes of host memory: out of memory",
                        state->bytes);
    fill(state, state->host, ctx->threads);
    return state->device
               ? mlb_copy(ctx->device, state->device, state->host, state->bytes, MLB_TO_DEVICE, err)
               : MLB_OK;
}

static enum mlb_status set_up(struct mlb_checkpoint *state,
                              const struct mlb_checkpoint_params *params, const struct mlb_ctx *ctx,
                              bool direct, struct mlb_error *err)
{
    state->op = (enum mlb_checkpoint_op)params->op;
    state->bytes = (size_t)params->bytes;
    state->seed = mlb_rng_bits(ctx->seed, (uint64_t)ctx->comm->rank);
    state->resident = -1.0;
    if (mlb_place_look("", ctx->checkpoint_folder, &state->place, err) != MLB_OK ||
        mlb_checkpoint_file_open(&state->file, ctx->checkpoint_folder, ctx->comm->rank, direct,
                                 err) != MLB_OK)
        return err->status;
    if (ctx->comm->local_rank == 0)
        mlb_checkpoint_sweep(&state->file);
    if (set_up_memory(state, ctx, err) != MLB_OK)
        return err->status;
    if (state->op == MLB_CHECKPOINT_READ &&
        mlb_checkpoint_file_write(&state->file, state->host, state->bytes, err) != MLB_OK)
        return err->status;
    if (state->op == MLB_CHECKPOINT_READ && !direct)
        state->resident = mlb_checkpoint_file_resident(&state->file, state->bytes);
    return MLB_OK;
}

static enum mlb_status set_up_flushed(void *state, const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    return set_up(state, params, ctx, false, err);
}

static enum mlb_status set_up_direct(void *state, const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    return set_up(state, params, ctx, true, err);
}

static void teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_checkpoint *state = memory;
    mlb_checkpoint_file_close(&state->file);
    if (state->device)
        mlb_free(ctx->device, state->device);
    free(state->host);
    free(state->window);
}

/* ----------------------------------------------------------------------------------- verification
 */

struct look {
    const struct mlb_checkpoint *state;
    struct mlb_verification *verification;
};

/* Words of the file from byte `at` on. */
static void compare(void *user, const unsigned char *chunk, size_t at, size_t length)
{
    const struct look *look = user;
    struct mlb_verification *to = look->verification;
    for (size_t i = 0; i < length / WORD; i++) {
        uint64_t is, should = word_of(look->state, at / WORD + i);
        memcpy(&is, chunk + i * WORD, WORD);
        if (is == should) {
            to->checked++;
            continue;
        }
        size_t byte = 0;
        while (((is ^ should) >> (8 * byte) & 0xff) == 0)
            byte++;
        mlb_verify_element(to, (double)(is >> (8 * byte) & 0xff),
                           (double)(should >> (8 * byte) & 0xff), 0.0, "byte %zu of the checkpoint",
                           at + i * WORD + byte);
    }
}

static enum mlb_status compare_device(struct look *look, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    const struct mlb_checkpoint *state = look->state;
    enum mlb_status status = MLB_OK;
    for (size_t at = 0; at < state->bytes && status == MLB_OK; at += MLB_CHECKPOINT_CHUNK) {
        size_t length = least(MLB_CHECKPOINT_CHUNK, state->bytes - at);
        status = mlb_copy(ctx->device, state->window, (const char *)state->device + at, length,
                          MLB_TO_HOST, err);
        if (status == MLB_OK)
            compare(look, state->window, at, length);
    }
    return status;
}

/* What was written, from the store; what was read, where it was read to. */
static enum mlb_status compare_all(struct look *look, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    const struct mlb_checkpoint *state = look->state;
    if (state->op == MLB_CHECKPOINT_WRITE)
        return mlb_checkpoint_file_read(&state->file, state->window, false, state->bytes, compare,
                                        look, err);
    if (state->device)
        return compare_device(look, ctx, err);
    compare(look, state->host, 0, state->bytes);
    return MLB_OK;
}

/* A step is waited for no longer than the job's deadline, and the whole job ends when one takes
 * longer: said here, where there is more time. */
static enum mlb_status check_time(double took_s, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    char took[MLB_UNIT_TEXT], limit[MLB_UNIT_TEXT];
    if (took_s < 0.8 * ctx->comm->deadline_s)
        return MLB_OK;
    return mlb_fail(
        err, MLB_E_UNSUPPORTED,
        "one checkpoint took %s, a step may take %s: fewer bytes, or a longer --timeout",
        mlb_print_seconds(took, took_s), mlb_print_seconds(limit, ctx->comm->deadline_s));
}

static enum mlb_status verify(const struct mlb_variant *variant, void *memory, const void *params,
                              const struct mlb_ctx *ctx, struct mlb_verification *verification,
                              struct mlb_error *err)
{
    struct mlb_checkpoint *state = memory;
    struct look look = {state, verification};
    (void)params;
    verification->method = "every byte, read back from the store, against what was to be written";
    if (state->op == MLB_CHECKPOINT_READ)
        memset(state->host, 0, state->bytes);
    double began_s = mlb_clock_s();
    if (variant->step(state, ctx, err) != MLB_OK ||
        check_time(mlb_clock_s() - began_s, ctx, err) != MLB_OK)
        return err->status;
    return compare_all(&look, ctx, err);
}

/* ---------------------------------------------------------------------------------------- the row
 */

#define AT(field) offsetof(struct mlb_checkpoint_params, field)

static const struct mlb_option params_table[] = {
    {"op", 0, MLB_CHOICE, AT(op), 0, 0, "write", op_names, "OP",
     "write: new file, fsync, rename; read: back, past the page cache", 0},
    {"bytes", 0, MLB_BYTES, AT(bytes), 4096, 1e13, "1GiB", NULL, "SIZE",
     "of each rank's file: whole blocks of 4 KiB", 0},
    {0}};

static enum mlb_status resolve(void *params, struct mlb_error *err)
{
    const struct mlb_checkpoint_params *p = params;
    if (p->bytes % MLB_CHECKPOINT_BLOCK != 0)
        return mlb_fail(err, MLB_E_CONFIG, "bytes = %" PRIu64 ": not whole blocks of 4 KiB",
                        p->bytes);
    return MLB_OK;
}

static void label(const void *params, char *to, size_t size)
{
    const struct mlb_checkpoint_params *p = params;
    char bytes[MLB_UNIT_TEXT];
    mlb_format(to, size, "%s %s", op_names[p->op], mlb_print_bytes(bytes, p->bytes));
}

/* The file system is in the name: what reached a tmpfs or a disk of the machine is lost with it. */
static void label_here(const void *params, const struct mlb_ctx *ctx, char *to, size_t size)
{
    const struct mlb_checkpoint_params *p = params;
    struct mlb_error ignored = {0};
    struct mlb_place place;
    char bytes[MLB_UNIT_TEXT];
    mlb_place_look("", ctx->checkpoint_folder, &place, &ignored);
    mlb_format(to, size, "%s %d x %s%s%s", op_names[p->op], ctx->comm->size,
               mlb_print_bytes(bytes, p->bytes), place.file_system[0] ? ", " : "",
               place.file_system);
}

static void work(const void *params, const struct mlb_ctx *ctx, struct mlb_work *to)
{
    const struct mlb_checkpoint_params *p = params;
    *to = (struct mlb_work){.formula = ops[p->op].formula,
                            .bytes = (double)ctx->comm->size * (double)p->bytes,
                            .link = true,
                            .ranks = ctx->comm->size,
                            .nodes = ctx->comm->nodes};
}

static void details(const void *memory, const void *params, struct mlb_details *details)
{
    const struct mlb_checkpoint *state = memory;
    (void)params;
    mlb_detail_text(details, "file_system", "%s", state->place.file_system);
    mlb_detail_text(details, "storage", "%s", state->place.storage);
    mlb_detail_text(details, "storage_model", "%s", state->place.storage_model);
    mlb_detail_number(details, "cached_fraction", state->resident < 0.0 ? NAN : state->resident);
}

static const struct mlb_variant variants[] = {{.name = "fsync",
                                               .device = "cuda",
                                               .check = check,
                                               .setup = set_up_flushed,
                                               .step = step,
                                               .details = details,
                                               .teardown = teardown},
                                              {.name = "direct",
                                               .device = "cuda",
                                               .check = check,
                                               .setup = set_up_direct,
                                               .step = step,
                                               .details = details,
                                               .teardown = teardown},
                                              {.name = "fsync",
                                               .device = "cpu",
                                               .check = check,
                                               .setup = set_up_flushed,
                                               .step = step,
                                               .details = details,
                                               .teardown = teardown},
                                              {.name = "direct",
                                               .device = "cpu",
                                               .check = check,
                                               .setup = set_up_direct,
                                               .step = step,
                                               .details = details,
                                               .teardown = teardown},
                                              {0}};

const struct mlb_workload mlb_checkpoint = {
    .name = "checkpoint",
    .summary = "writing the job's state to a store, each rank a file, and reading it back",
    .params = params_table,
    .params_bytes = sizeof(struct mlb_checkpoint_params),
    .state_bytes = sizeof(struct mlb_checkpoint),
    .together = true,
    .as_launched = true,
    .resolve = resolve,
    .label = label,
    .label_here = label_here,
    .work = work,
    .verify = verify,
    .variants = variants,
};
