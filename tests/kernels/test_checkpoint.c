/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints on whatever /tmp is on: right files, and stores that lie, fill up and cut off. The
 * calls that write are replaced by ones that fail or lie when told to. */
#include "tests/kernels/case_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/text.h"
#include "kernels/checkpoint/checkpoint.h"
#include "tests/fake/fake_device.h"

#define MIB ((uint64_t)1 << 20)

/* --------------------------------------------------------------------------------- a lying store
 */

/* What the wrapped calls have no argument for. */
static struct {
    int full_after; /* writes that pass before the disk is full; 0 = it never is */
    bool flips;     /* a byte of each write arrives as another */
    bool shortens;  /* a write takes half of what it is given */
    int writes, flushes;
} store;

ssize_t __real_pwrite(int fd, const void *data, size_t bytes, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t bytes, off_t at);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

ssize_t __wrap_pwrite(int fd, const void *data, size_t bytes, off_t at)
{
    if (store.full_after && store.writes >= store.full_after) {
        errno = ENOSPC;
        return -1;
    }
    store.writes++;
    if (store.shortens && bytes > MLB_CHECKPOINT_BLOCK)
        bytes = bytes / 2 / MLB_CHECKPOINT_BLOCK * MLB_CHECKPOINT_BLOCK;
    ssize_t count = __real_pwrite(fd, data, bytes, at);
    unsigned char other = (unsigned char)~((const unsigned char *)data)[5];
    if (store.flips && __real_pwrite(fd, &other, 1, at + 5) != 1)
        return -1;
    return count;
}

int __wrap_fsync(int fd)
{
    store.flushes++;
    return __real_fsync(fd);
}

/* -------------------------------------------------------------------------------------------- rig
 */

struct rig {
    struct case_rig base;
    char folder[64];
    struct mlb_checkpoint state;
    const struct mlb_variant *variant;
    struct mlb_checkpoint_params params;
};

static const struct mlb_variant *variant_of(const char *device, const char *name)
{
    const struct mlb_variant *v = mlb_checkpoint.variants;
    while (strcmp(v->device, device) != 0 || strcmp(v->name, name) != 0)
        v++;
    return v;
}

static void open_rig(struct rig *rig, const struct mlb_backend *backend, const char *name,
                     enum mlb_checkpoint_op op, uint64_t bytes)
{
    memset(rig, 0, sizeof *rig);
    memset(&store, 0, sizeof store);
    open_case_rig(&rig->base, backend, MLB_DATA_NORMAL);
    mlb_format(rig->folder, sizeof rig->folder, "/tmp/mlbench-checkpoint-test-XXXXXX");
    check_true(mkdtemp(rig->folder) != NULL);
    rig->base.ctx.checkpoint_folder = rig->folder;
    rig->base.ctx.memory_bytes = 64 * MIB;
    rig->variant = variant_of(backend == &mlb_backend_cpu ? "cpu" : "cuda", name);
    rig->params = (struct mlb_checkpoint_params){op, bytes};
}

static int files_in(const char *folder)
{
    DIR *entries = opendir(folder);
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(entries));)
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

/* Nothing of it is left behind. */
static void close_rig(struct rig *rig)
{
    rig->variant->teardown(&rig->state, &rig->base.ctx);
    check_i64(files_in(rig->folder), 0);
    check_i64(rmdir(rig->folder), 0);
    close_case_rig(&rig->base);
}

static void set_up(struct rig *rig)
{
    struct mlb_error *err = &rig->base.err;
    check_ok(rig->variant->check(&rig->params, &rig->base.ctx, err), err);
    check_ok(rig->variant->setup(&rig->state, &rig->params, &rig->base.ctx, err), err);
}

static struct mlb_verification finish(struct rig *rig)
{
    struct mlb_details details = {0};
    return finish_case(&rig->base, &mlb_checkpoint, rig->variant, &rig->state, &rig->params,
                       &details);
}

/* ------------------------------------------------------------------------------------------ right
 */

/* Every operation and way, on a CPU and on a device with memory of its own, at sizes that are no
 * whole chunks. */
static void test_right(void **state)
{
    static const struct mlb_backend *const backends[] = {&mlb_backend_cpu, &mlb_backend_fake};
    static const char *const names[] = {"fsync", "direct"};
    static const uint64_t sizes[] = {4096, 17 * MIB + 4096};
    (void)state;
    fake_device_reset();
    for (size_t i = 0; i < 16; i++) {
        struct rig rig;
        open_rig(&rig, backends[i & 1], names[i >> 1 & 1], (enum mlb_checkpoint_op)(i >> 2 & 1),
                 sizes[i >> 3 & 1]);
        set_up(&rig);
        struct mlb_verification found = finish(&rig);
        check_true(mlb_verification_passed(&found));
        check_u64(found.checked, rig.params.bytes / 8);
        check_i64(files_in(rig.folder), 1);
        /* The file and its folder, at each write: one verified and three timed ones, or the one
         * that is read. */
        check_i64(store.flushes, rig.params.op == MLB_CHECKPOINT_WRITE ? 8 : 2);
        close_rig(&rig);
    }
}

static void test_short_writes_are_gone_on_with(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig, &mlb_backend_cpu, "fsync", MLB_CHECKPOINT_WRITE, MIB);
    set_up(&rig);
    store.shortens = true;
    struct mlb_verification found = finish(&rig);
    check_true(mlb_verification_passed(&found));
    check_true(store.writes > 4);
    close_rig(&rig);
}

/* No two writes leave a block that is the same. */
static void test_each_write_is_another(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig, &mlb_backend_cpu, "fsync", MLB_CHECKPOINT_WRITE, 4 * MLB_CHECKPOINT_BLOCK);
    set_up(&rig);
    unsigned char before[4 * MLB_CHECKPOINT_BLOCK];
    memcpy(before, rig.state.host, sizeof before);
    check_ok(rig.variant->step(&rig.state, &rig.base.ctx, &rig.base.err), &rig.base.err);
    for (size_t at = 0; at < sizeof before; at += MLB_CHECKPOINT_BLOCK)
        check_true(memcmp(before + at, rig.state.host + at, MLB_CHECKPOINT_BLOCK) != 0);
    close_rig(&rig);
}

/* ------------------------------------------------------------------------------------------ wrong
 */

static void test_a_store_that_lies(void **state)
{
    struct rig rig;
    (void)state;
    for (int op = MLB_CHECKPOINT_WRITE; op <= MLB_CHECKPOINT_READ; op++) {
        open_rig(&rig, &mlb_backend_cpu, "fsync", (enum mlb_checkpoint_op)op, 20 * MIB);
        store.flips = true;
        set_up(&rig);
        struct mlb_verification found = finish(&rig);
        check_u64(found.wrong, 2); /* one a chunk */
        check_contains(found.first_wrong, "byte 5 of the checkpoint");
        close_rig(&rig);
    }
}

static void test_a_full_disk(void **state)
{
    struct rig rig;
    struct mlb_error *err = &rig.base.err;
    (void)state;
    open_rig(&rig, &mlb_backend_cpu, "fsync", MLB_CHECKPOINT_WRITE, 40 * MIB);
    set_up(&rig);
    store.full_after = 2;
    check_fails(rig.variant->step(&rig.state, &rig.base.ctx, err), MLB_E_IO, err,
                "writing the checkpoint: No space left on device after 32 MiB of 40 MiB");
    check_true(!strstr(err->text, rig.folder));
    check_i64(files_in(rig.folder), 1); /* the one before; the half is gone */
    close_rig(&rig);
}

static void test_a_file_that_was_cut(void **state)
{
    struct rig rig;
    struct mlb_error *err = &rig.base.err;
    char path[192];
    (void)state;
    open_rig(&rig, &mlb_backend_cpu, "fsync", MLB_CHECKPOINT_READ, MIB);
    set_up(&rig);
    mlb_format(path, sizeof path, "%s/%s", rig.folder, rig.state.file.name);
    check_i64(truncate(path, 5000), 0);
    check_fails(rig.variant->step(&rig.state, &rig.base.ctx, err), MLB_E_IO, err,
                "it ends after 5000 bytes");
    close_rig(&rig);
}

/* ---------------------------------------------------------------------------------------- refused
 */

static void test_refusals(void **state)
{
    struct rig rig;
    struct mlb_error *err = &rig.base.err;
    (void)state;
    open_rig(&rig, &mlb_backend_cpu, "fsync", MLB_CHECKPOINT_WRITE, 4096);
    rig.params.bytes = 4097;
    check_fails(mlb_checkpoint.resolve(&rig.params, err), MLB_E_CONFIG, err, "blocks of 4 KiB");
    rig.params.bytes = (uint64_t)1 << 52;
    check_fails(rig.variant->check(&rig.params, &rig.base.ctx, err), MLB_E_UNSUPPORTED, err,
                "of host memory");
    rig.params.bytes = 4096;
    rig.base.ctx.checkpoint_folder = "";
    check_fails(rig.variant->check(&rig.params, &rig.base.ctx, err), MLB_E_UNSUPPORTED, err,
                "needs --checkpoint-folder");
    rig.base.ctx.checkpoint_folder = "/tmp/mlbench-no-such-folder";
    check_fails(rig.variant->check(&rig.params, &rig.base.ctx, err), MLB_E_IO, err,
                "No such file or directory");
    check_true(!strstr(err->text, "/tmp"));
    rig.base.ctx.checkpoint_folder = "/proc/self/status";
    check_fails(rig.variant->check(&rig.params, &rig.base.ctx, err), MLB_E_IO, err,
                "Not a directory");
    close_rig(&rig);
}

/* More ranks than the store has room for. */
static void test_no_room(void **state)
{
    struct rig rig;
    struct mlb_error *err = &rig.base.err;
    struct mlb_place place;
    (void)state;
    open_rig(&rig, &mlb_backend_cpu, "fsync", MLB_CHECKPOINT_WRITE, MIB);
    check_ok(mlb_place_look("", rig.folder, &place, err), err);
    rig.base.comm.size = rig.base.comm.local_size = (int)(place.free_bytes / MIB / 2 + 1000);
    rig.params.bytes = MIB;
    enum mlb_status status = rig.variant->check(&rig.params, &rig.base.ctx, err);
    check_i64(status, MLB_E_UNSUPPORTED); /* of memory or of the store: both are shared */
    rig.base.comm.local_size = 1;
    if (place.shared)
        check_fails(rig.variant->check(&rig.params, &rig.base.ctx, err), MLB_E_UNSUPPORTED, err,
                    "needs room for 2 checkpoints of");
    else
        check_ok(rig.variant->check(&rig.params, &rig.base.ctx, err), err);
    close_rig(&rig);
}

/* A step that takes longer than the job waits would end the whole job. */
static void test_too_slow(void **state)
{
    struct rig rig;
    struct mlb_verification found = {0};
    struct mlb_error *err = &rig.base.err;
    (void)state;
    open_rig(&rig, &mlb_backend_cpu, "fsync", MLB_CHECKPOINT_WRITE, MIB);
    set_up(&rig);
    rig.base.comm.deadline_s = 1e-6;
    check_fails(
        mlb_checkpoint.verify(rig.variant, &rig.state, &rig.params, &rig.base.ctx, &found, err),
        MLB_E_UNSUPPORTED, err, "fewer bytes, or a longer --timeout");
    close_rig(&rig);
}

/* ------------------------------------------------------------------------------------- leftovers
 */

static void put_file(const char *folder, const char *name, time_t age_s)
{
    char path[128];
    mlb_format(path, sizeof path, "%s/%s", folder, name);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    const struct timespec times[2] = {{.tv_sec = time(NULL) - age_s},
                                      {.tv_sec = time(NULL) - age_s}};
    check_i64(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void drop_file(const char *folder, const char *name)
{
    char path[128];
    mlb_format(path, sizeof path, "%s/%s", folder, name);
    check_i64(unlink(path), 0);
}

static void test_sweep(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig, &mlb_backend_cpu, "fsync", MLB_CHECKPOINT_WRITE, 4096);
    put_file(rig.folder, "mlbench-checkpoint-1-0-0", 4000);
    put_file(rig.folder, "mlbench-checkpoint-1-0-0.part", 4000);
    put_file(rig.folder, "mlbench-checkpoint-2-0-0", 60); /* another job's, still at work */
    put_file(rig.folder, "model.ckpt", 100000);           /* the user's */
    set_up(&rig);
    check_i64(files_in(rig.folder), 3); /* those two and our own */
    drop_file(rig.folder, "mlbench-checkpoint-2-0-0");
    drop_file(rig.folder, "model.ckpt");
    close_rig(&rig);
}

/* ------------------------------------------------------------------------------------------ place
 */

static void put_text(const char *root, const char *name, const char *text)
{
    char path[192];
    mlb_format(path, sizeof path, "%s/%s", root, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    check_i64(write(fd, text, strlen(text)), (int64_t)strlen(text));
    close(fd);
}

static void make_folders(const char *root, const char *const *names)
{
    char path[192];
    for (; *names; names++) {
        mlb_format(path, sizeof path, "%s/%s", root, *names);
        check_i64(mkdir(path, 0700), 0);
    }
}

/* A partition of a disk, as /sys has it; and a disk that turns. */
static void test_disks(void **state)
{
    static const char *const folders[] = {"sys",
                                          "sys/dev",
                                          "sys/dev/block",
                                          "nvme1n1",
                                          "nvme1n1/queue",
                                          "nvme1n1/device",
                                          "nvme1n1/nvme1n1p1",
                                          "sdb",
                                          "sdb/queue",
                                          NULL};
    char root[] = "/tmp/mlbench-checkpoint-test-XXXXXX", path[128], command[64];
    struct mlb_place place = {0};
    (void)state;
    check_true(mkdtemp(root) != NULL);
    make_folders(root, folders);
    put_text(root, "nvme1n1/queue/rotational", "0\n");
    put_text(root, "nvme1n1/device/model", "Amazon Elastic Block Store              \n");
    put_text(root, "nvme1n1/nvme1n1p1/partition", "1\n");
    put_text(root, "sdb/queue/rotational", "1\n");
    mlb_format(path, sizeof path, "%s/sys/dev/block/259:3", root);
    check_i64(symlink("../../../nvme1n1/nvme1n1p1", path), 0);
    mlb_format(path, sizeof path, "%s/sys/dev/block/8:16", root);
    check_i64(symlink("../../../sdb", path), 0);
    mlb_place_disk(root, 259, 3, &place);
    check_text(place.storage, "nvme");
    check_text(place.storage_model, "Amazon Elastic Block Store");
    place = (struct mlb_place){0};
    mlb_place_disk(root, 8, 16, &place);
    check_text(place.storage, "disk");
    check_text(place.storage_model, "");
    place = (struct mlb_place){0};
    mlb_place_disk(root, 0, 45, &place); /* overlay: no disk of its own */
    check_text(place.storage, "");
    mlb_format(command, sizeof command, "rm -r %s", root);
    check_i64(system(command), 0);
}

/* ------------------------------------------------------------------------------------------ words
 */

static void test_words(void **state)
{
    struct mlb_checkpoint_params params = {MLB_CHECKPOINT_READ, 64 * MIB};
    struct mlb_comm comm = {.size = 4, .nodes = 2};
    const struct mlb_ctx ctx = {.comm = &comm, .checkpoint_folder = "/proc"};
    struct mlb_work work;
    char label[96];
    (void)state;
    mlb_checkpoint.label(&params, label, sizeof label);
    check_text(label, "read 64 MiB");
    mlb_checkpoint.label_here(&params, &ctx, label, sizeof label);
    check_text(label, "read 4 x 64 MiB, 0x9fa0"); /* proc */
    mlb_checkpoint.work(&params, &ctx, &work);
    check_text(work.formula, "checkpoint.read.ranks.n");
    check_close(work.bytes, 4.0 * 64.0 * 1048576.0, 0);
    check_i64(work.ranks, 4);
    check_i64(work.nodes, 2);
    check_true(work.link && work.flop == 0.0 && work.bus_factor == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_short_writes_are_gone_on_with),
        cmocka_unit_test(test_each_write_is_another),
        cmocka_unit_test(test_a_store_that_lies),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_a_file_that_was_cut),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_too_slow),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_disks),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
