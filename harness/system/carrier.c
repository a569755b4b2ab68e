/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/carrier.h"

#include <dirent.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/system/procfs.h"

enum state { UNUSED, DEAD, ALIVE };

typedef void visit_link(const char *name, enum state state, void *user);
typedef void visit_entry(const char *root, const char *folder, const char *entry, visit_link *visit,
                         void *user);

static void each_entry(const char *root, const char *folder, visit_entry *entry, visit_link *visit,
                       void *user)
{
    char path[256];
    mlb_format(path, sizeof path, "%s%s", root, folder);
    DIR *open = opendir(path);
    if (!open)
        return;
    for (const struct dirent *found; (found = readdir(open)) != NULL;)
        if (found->d_name[0] != '.')
            entry(root, folder, found->d_name, visit, user);
    closedir(open);
}

/* Linux, Documentation/ABI/testing/sysfs-class-net: `flags` as in net/if.h; `carrier` is 0 or 1
 * while the interface is switched on. */
static void read_interface(const char *root, const char *folder, const char *name,
                           visit_link *visit, void *user)
{
    char path[256], text[32];
    const char *skipped[] = {"bridge", "brport"};
    for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++) {
        mlb_format(path, sizeof path, "%s%s/%s/%s", root, folder, name, skipped[i]);
        if (access(path, F_OK) == 0)
            return;
    }
    mlb_format(path, sizeof path, "%s/%s/flags", folder, name);
    if (!mlb_procfs_read(root, path, text, sizeof text))
        return;
    unsigned long flags = strtoul(text, NULL, 16);
    if (flags & IFF_LOOPBACK)
        return;
    mlb_format(path, sizeof path, "%s/%s/carrier", folder, name);
    bool carrier = mlb_procfs_read(root, path, text, sizeof text) && text[0] == '1';
    visit(name, !(flags & IFF_UP) ? UNUSED : carrier ? ALIVE : DEAD, user);
}

/* Linux, Documentation/ABI/stable/sysfs-class-infiniband: `state` is "4: ACTIVE" when it works. */
static void read_port(const char *root, const char *folder, const char *port, visit_link *visit,
                      void *user)
{
    char path[256], text[32], name[64];
    mlb_format(path, sizeof path, "%s/%s/state", folder, port);
    if (!mlb_procfs_read(root, path, text, sizeof text))
        return;
    const char *device = folder + strlen("/sys/class/infiniband/");
    mlb_format(name, sizeof name, "%.*s/%s", (int)strcspn(device, "/"), device, port);
    visit(name, strtol(text, NULL, 10) == 4 ? ALIVE : DEAD, user);
}

static void read_adapter(const char *root, const char *folder, const char *name, visit_link *visit,
                         void *user)
{
    char ports[256];
    mlb_format(ports, sizeof ports, "%s/%s/ports", folder, name);
    each_entry(root, ports, read_port, visit, user);
}

static void each_link(const char *root, visit_link *visit, void *user)
{
    each_entry(root, "/sys/class/net", read_interface, visit, user);
    each_entry(root, "/sys/class/infiniband", read_adapter, visit, user);
}

/* ------------------------------------------------------------------------------------- the three
 */

static void keep_alive(const char *name, enum state state, void *user)
{
    struct mlb_carriers *up = user;
    if (state == ALIVE && up->count < MLB_CARRIERS)
        mlb_format(up->names[up->count++], sizeof up->names[0], "%s", name);
}

void mlb_carriers_read(const char *root, struct mlb_carriers *up)
{
    up->count = 0;
    each_link(root, keep_alive, up);
}

static bool has(const struct mlb_carriers *carriers, const char *name)
{
    for (size_t i = 0; i < carriers->count; i++)
        if (strcmp(carriers->names[i], name) == 0)
            return true;
    return false;
}

static void add_name(struct mlb_text *to, size_t begin, const char *name)
{
    mlb_text_addf(to, "%s%s", to->length > begin ? ", " : "", name);
}

void mlb_carriers_lost(const char *root, const struct mlb_carriers *before, struct mlb_text *to)
{
    struct mlb_carriers now;
    size_t begin = to->length;
    mlb_carriers_read(root, &now);
    for (size_t i = 0; i < before->count; i++)
        if (!has(&now, before->names[i]))
            add_name(to, begin, before->names[i]);
}

static void add_dead(const char *name, enum state state, void *user)
{
    if (state == DEAD)
        add_name(user, 0, name);
}

void mlb_carriers_dead(const char *root, struct mlb_text *to)
{
    struct mlb_text dead = {0};
    each_link(root, add_dead, &dead);
    mlb_text_add(to, mlb_text_get(&dead));
    mlb_text_free(&dead);
}
