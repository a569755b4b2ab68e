/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/nccl_log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/text.h"

/* What is written there on the channels' connections, the network and NVLS; nothing for each call.
 */
#define SUBSYSTEMS "INIT,NET,GRAPH"
#define CHUNK      16384 /* bytes read at once; a longer line is passed over */

struct mlb_nccl_log {
    int fd;
    off_t taken; /* bytes up to the end of the last whole line that was read */
    bool named;
    char path[256];
};

/* --------------------------------------------------------------------------------------- a line */

static const char *after(const char *text, const char *part)
{
    const char *found = strstr(text, part);
    return found ? found + strlen(part) : NULL;
}

/* NCCL 2.18 to 2.28, src/transport/net.cc and coll_net.cc:
 *     Channel 00/0 : 0[0] -> 1[1] [send] via NET/IB/0/GDRDMA
 *     Channel 00/0 : 0[0] -> 1[1] [receive] via NET/Socket/0
 *     CollNet 00/1 : 0 [send] via COLLNET/SHARP/0/GDRDMA
 * Behind the device may stand the rank whose network card is used, and "/Shared". A network's name
 * may have blanks. */
static void take_channel(struct mlb_nccl_log_facts *facts, const char *text)
{
    const char *send = after(text, "[send] via "), *recv = after(text, "[receive] via ");
    const char *way = send ? send : recv;
    const char *name = way ? after(way, "NET/") : NULL;
    /* "NET/" or "COLLNET/", at once. */
    if (!name || (name - way != 4 && name - way != 8) || !strchr(name, '/'))
        return;
    bool gdr = strstr(name, "/GDRDMA") != NULL;
    unsigned *counts[2][2] = {{&facts->recv_staged, &facts->recv_gdr},
                              {&facts->send_staged, &facts->send_gdr}};
    ++*counts[send != NULL][gdr];
}

static void take_network(struct mlb_nccl_log_facts *facts, const char *name)
{
    size_t length = strcspn(name, "\r\n");
    if (length > 0)
        mlb_format(facts->network, sizeof facts->network, "%.*s",
                   (int)(length < sizeof facts->network ? length : sizeof facts->network), name);
}

void mlb_nccl_log_line(struct mlb_nccl_log_facts *facts, const char *line)
{
    const char *text = after(line, "NCCL INFO ");
    const char *name = NULL, *nvls = NULL;
    if (!text)
        return;
    facts->lines++;
    if (strncmp(text, "Channel ", 8) == 0 || strncmp(text, "CollNet ", 8) == 0)
        take_channel(facts, text);
    else if ((name = after(text, "Using network ")) && name - text == 14)
        take_network(facts, name);
    else if ((nvls = after(text, "NVLS multicast support is "))) {
        facts->nvls_known = true;
        facts->nvls = strncmp(nvls, "available", 9) == 0;
    }
}

/* ------------------------------------------------------------------------------------- the file */

static bool users_own(void)
{
    return getenv("NCCL_DEBUG") || getenv("NCCL_DEBUG_FILE") || getenv("NCCL_DEBUG_SUBSYS");
}

static bool make_file(struct mlb_nccl_log *log)
{
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder || strchr(folder, '%')) /* NCCL reads %h and %p in the name */
        folder = "/tmp";
    if (!mlb_format(log->path, sizeof log->path, "%s/mlbench-nccl-XXXXXX", folder))
        return false;
    log->fd = mkostemp(log->path, O_CLOEXEC);
    log->named = log->fd >= 0;
    return log->named;
}

struct mlb_nccl_log *mlb_nccl_log_open(void)
{
    struct mlb_nccl_log *log = users_own() ? NULL : calloc(1, sizeof *log);
    if (!log || !make_file(log)) {
        free(log);
        return NULL;
    }
    setenv("NCCL_DEBUG", "INFO", 1);
    setenv("NCCL_DEBUG_SUBSYS", SUBSYSTEMS, 1);
    setenv("NCCL_DEBUG_FILE", log->path, 1);
    return log;
}

void mlb_nccl_log_hide(struct mlb_nccl_log *log)
{
    if (!log || !log->named)
        return;
    unlink(log->path);
    log->named = false;
    /* NCCL has read them; what this process starts is not to write there. */
    unsetenv("NCCL_DEBUG");
    unsetenv("NCCL_DEBUG_SUBSYS");
    unsetenv("NCCL_DEBUG_FILE");
}

/* Whole lines of buffer[0..length), each ended with a zero; returns the bytes that they took. */
static size_t take_lines(struct mlb_nccl_log_facts *facts, char *buffer, size_t length)
{
    size_t begin = 0;
    for (size_t i = 0; i < length; i++) {
        if (buffer[i] != '\n')
            continue;
        buffer[i] = 0;
        mlb_nccl_log_line(facts, buffer + begin);
        begin = i + 1;
    }
    return begin > 0 || length < CHUNK ? begin : length;
}

void mlb_nccl_log_read(struct mlb_nccl_log *log, struct mlb_nccl_log_facts *facts)
{
    char buffer[CHUNK];
    size_t took = 1;
    while (log && took > 0) {
        ssize_t got = pread(log->fd, buffer, sizeof buffer, log->taken);
        took = got > 0 ? take_lines(facts, buffer, (size_t)got) : 0;
        log->taken += (off_t)took;
    }
}

void mlb_nccl_log_close(struct mlb_nccl_log *log)
{
    if (!log)
        return;
    mlb_nccl_log_hide(log);
    close(log->fd);
    free(log);
}
