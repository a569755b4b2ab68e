/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/checkpoint/place.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/base/text.h"
#include "harness/device/proc.h"

/* Numbers of statfs(2) and of the file systems' own sources. */
static const struct {
    uint32_t magic;
    const char *name;
    bool in_memory, shared;
} file_systems[] = {
    {0xEF53, "ext4", false, false},      {0x58465342, "xfs", false, false},
    {0x9123683E, "btrfs", false, false}, {0xF2F52010, "f2fs", false, false},
    {0x2FC12FC1, "zfs", false, false},   {0x794C7630, "overlay", false, false},
    {0x01021994, "tmpfs", true, false},  {0x858458F6, "ramfs", true, false},
    {0x6969, "nfs", false, true},        {0x0BD00BD0, "lustre", false, true},
    {0x47504653, "gpfs", false, true},   {0x19830326, "beegfs", false, true},
    {0x00C36400, "ceph", false, true},   {0xFF534D42, "cifs", false, true},
    {0xFE534D42, "smb2", false, true},   {0x65735546, "fuse", false, true},
    {0x01021997, "9p", false, true},     {0x6A656A63, "virtiofs", false, true},
    {0x5346414F, "afs", false, true},    {0x61756673, "aufs", false, false},
};

static void name_file_system(uint32_t magic, struct mlb_place *place)
{
    for (size_t i = 0; i < sizeof file_systems / sizeof *file_systems; i++)
        if (file_systems[i].magic == magic) {
            mlb_format(place->file_system, sizeof place->file_system, "%s", file_systems[i].name);
            place->in_memory = file_systems[i].in_memory;
            place->shared = file_systems[i].shared;
            return;
        }
    mlb_format(place->file_system, sizeof place->file_system, "0x%x", (unsigned)magic);
    place->shared = true; /* nobody knows: the stricter count of what has to be free */
}

/* Kinds by the beginning of the disk's name; of an sd the queue tells whether it turns. */
static const struct {
    const char *prefix, *kind;
} disk_kinds[] = {{"nvme", "nvme"}, {"vd", "virtio"}, {"xvd", "xen"},
                  {"dm-", "dm"},    {"md", "md"},     {"loop", "loop"}};

static void name_disk(const char *disk, bool turns_known, bool turns, struct mlb_place *place)
{
    const char *kind = !turns_known ? "" : turns ? "disk" : "ssd";
    for (size_t i = 0; i < sizeof disk_kinds / sizeof *disk_kinds; i++)
        if (strncmp(disk, disk_kinds[i].prefix, strlen(disk_kinds[i].prefix)) == 0)
            kind = disk_kinds[i].kind;
    mlb_format(place->storage, sizeof place->storage, "%s", kind);
}

/* Folder of the whole disk: a partition's is within it. */
static bool disk_folder(const char *root, unsigned major, unsigned minor, char *to)
{
    char path[PATH_MAX], partition[PATH_MAX];
    if (!mlb_format(path, sizeof path, "%s/sys/dev/block/%u:%u", root, major, minor) ||
        !realpath(path, to) || !mlb_format(partition, sizeof partition, "%s/partition", to))
        return false;
    char *end = strrchr(to, '/');
    if (access(partition, F_OK) == 0 && end)
        *end = '\0';
    return true;
}

void mlb_place_disk(const char *root, unsigned major, unsigned minor, struct mlb_place *place)
{
    char folder[PATH_MAX], model[sizeof place->storage_model] = "";
    double turns = 0.0;
    if (!disk_folder(root, major, minor, folder))
        return;
    bool known = mlb_proc_number(folder, "/queue/rotational", &turns);
    name_disk(strrchr(folder, '/') + 1, known, turns > 0.0, place);
    mlb_proc_line(folder, "/device/model", model, sizeof model);
    size_t length = strlen(model);
    while (length > 0 && model[length - 1] == ' ')
        model[--length] = '\0';
    mlb_format(place->storage_model, sizeof place->storage_model, "%s", model);
}

enum mlb_status mlb_place_look(const char *root, const char *folder, struct mlb_place *place,
                               struct mlb_error *err)
{
    struct statfs system;
    struct stat there;
    *place = (struct mlb_place){0};
    if (stat(folder, &there) != 0 || statfs(folder, &system) != 0)
        return mlb_fail(err, MLB_E_IO, "the checkpoint folder: %s", strerror(errno));
    if (!S_ISDIR(there.st_mode))
        return mlb_fail(err, MLB_E_IO, "the checkpoint folder: %s", strerror(ENOTDIR));
    if (access(folder, W_OK | X_OK) != 0)
        return mlb_fail(err, MLB_E_IO, "the checkpoint folder cannot be written: %s",
                        strerror(errno));
    name_file_system((uint32_t)system.f_type, place);
    place->free_bytes = (uint64_t)system.f_bavail * (uint64_t)system.f_bsize;
    if (!place->in_memory && !place->shared)
        mlb_place_disk(root, major(there.st_dev), minor(there.st_dev), place);
    return MLB_OK;
}
