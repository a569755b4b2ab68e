/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/system/procfs.h"

enum { CONF_FILE = 16384, SHOWN = 160 /* bytes of a record's value */ };

/* ------------------------------------------------------------------------------------- reading */

static struct mlb_setting_found *find(const struct mlb_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->items[i].name, name) == 0)
            return (struct mlb_setting_found *)&settings->items[i];
    return NULL;
}

const char *mlb_settings_get(const struct mlb_settings *settings, const char *name)
{
    const struct mlb_setting_found *found = find(settings, name);
    return found ? found->value : NULL;
}

/* "NAME=value" of `length` bytes; what is set already stays. */
static void take(struct mlb_settings *settings, const char *line, size_t length)
{
    const char *equals = memchr(line, '=', length);
    struct mlb_setting_found found;
    if (!equals || settings->count == MLB_NET_SETTINGS)
        return;
    int value = (int)(length - (size_t)(equals + 1 - line));
    if (!mlb_format(found.name, sizeof found.name, "%.*s", (int)(equals - line), line))
        return;
    found.show = mlb_setting_show(found.name);
    if (found.show == MLB_SETTING_OTHERS || find(settings, found.name))
        return;
    mlb_format(found.value, sizeof found.value, "%.*s", value, equals + 1);
    settings->items[settings->count++] = found;
}

/* Lines "NAME=value"; '#' begins a comment (src/misc/param.cc of NCCL 2.28.9). */
static void take_file(struct mlb_settings *settings, const char *root, const char *path)
{
    char text[CONF_FILE];
    if (!mlb_procfs_read(root, path, text, sizeof text))
        return;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *begin = line + strspn(line, " \t");
        size_t length = strcspn(begin, "#\n");
        while (length > 0 && isspace((unsigned char)begin[length - 1]))
            length--;
        if (strncmp(begin, "NCCL_", 5) == 0)
            take(settings, begin, length);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mlb_setting_found *)a)->name,
                  ((const struct mlb_setting_found *)b)->name);
}

static const char *variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

void mlb_settings_read(const char *root, char *const *environment, struct mlb_settings *settings)
{
    char path[512] = "";
    settings->count = 0;
    for (size_t i = 0; environment[i]; i++)
        take(settings, environment[i], strlen(environment[i]));
    const char *file = variable(environment, "NCCL_CONF_FILE"),
               *home = variable(environment, "HOME");
    if (file)
        mlb_format(path, sizeof path, "%s", file);
    else if (home)
        mlb_format(path, sizeof path, "%s/.nccl.conf", home);
    if (path[0])
        take_file(settings, root, path);
    take_file(settings, root, "/etc/nccl.conf");
    qsort(settings->items, settings->count, sizeof settings->items[0], by_name);
}

/* --------------------------------------------------------------------------------------- showing
 */

static void show(const struct mlb_setting_found *found, char *to, size_t size)
{
    const char *slash = found->show == MLB_SETTING_TAIL ? strrchr(found->value, '/') : NULL;
    if (found->show == MLB_SETTING_SET)
        mlb_format(to, size, "set");
    else
        mlb_format(to, size, "%s", slash ? slash + 1 : found->value);
    for (; *to; to++)
        if (iscntrl((unsigned char)*to))
            *to = ' ';
}

cJSON *mlb_settings_to_json(const struct mlb_settings *settings)
{
    cJSON *json = cJSON_CreateObject();
    bool good = json != NULL;
    for (size_t i = 0; good && i < settings->count; i++) {
        char value[SHOWN];
        show(&settings->items[i], value, sizeof value);
        good = settings->items[i].show == MLB_SETTING_UNKNOWN ||
               cJSON_AddStringToObject(json, settings->items[i].name, value);
    }
    if (good)
        return json;
    cJSON_Delete(json);
    return NULL;
}

/* ------------------------------------------------------------------------------------- comparing
 */

/* Names of hosts and of files of one process differ by design, as may the device of each rank. */
static bool compared(const struct mlb_setting_found *found)
{
    static const char *const own[] = {"NCCL_DEBUG_FILE", "NCCL_TOPO_DUMP_FILE",
                                      "NCCL_GRAPH_DUMP_FILE", "UCX_NET_DEVICES"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(found->name, own[i]) == 0)
            return false;
    return found->show != MLB_SETTING_SET;
}

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211); /* between one text and the next */
}

uint64_t mlb_settings_hash(const struct mlb_settings *settings)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < settings->count; i++)
        if (compared(&settings->items[i]))
            hash = hash_text(hash_text(hash, settings->items[i].name), settings->items[i].value);
    return hash;
}

void mlb_settings_write(const struct mlb_settings *settings, char *to, size_t size)
{
    size_t at = 0;
    to[0] = '\0';
    for (size_t i = 0; i < settings->count; i++) {
        char line[sizeof settings->items[0].name + 24];
        uint64_t hash = hash_text(UINT64_C(14695981039346656037), settings->items[i].value);
        mlb_format(line, sizeof line, "%s=%016llx\n", settings->items[i].name,
                   (unsigned long long)hash);
        size_t length = strlen(line);
        if (!compared(&settings->items[i]) || at + length >= size)
            continue;
        memcpy(to + at, line, length + 1);
        at += length;
    }
}

static void add_name(char *names, size_t size, const char *name, size_t length)
{
    size_t at = strlen(names);
    mlb_format(names + at, size - at, "%s%.*s", at ? ", " : "", (int)length, name);
}

/* The line of `written` that begins with this; NULL when none does. */
static const char *find_line(const char *written, const char *line, size_t length)
{
    for (; *written; written += strcspn(written, "\n"), written += *written == '\n')
        if (strncmp(written, line, length) == 0)
            return written;
    return NULL;
}

/* Names of `mine` that the other has not, or has with another value. */
void mlb_settings_differ(const char *mine, const char *theirs, char *names, size_t size)
{
    names[0] = '\0';
    for (const char *at = mine; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (!find_line(theirs, at, strcspn(at, "\n")))
            add_name(names, size, at, strcspn(at, "="));
    for (const char *at = theirs; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (!find_line(mine, at, strcspn(at, "=") + 1))
            add_name(names, size, at, strcspn(at, "="));
}
