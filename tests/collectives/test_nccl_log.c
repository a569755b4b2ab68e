/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of NCCL's log, as its sources of 2.18 to 2.28 print them, and the private file. */
#include "collectives/nccl_log.h"

#include <unistd.h>

#include "tests/check.h"

#define INFO "node7:4242:4311 [3] NCCL INFO "

static const struct {
    const char *line;
    struct mlb_nccl_log_facts facts;
} lines[] = {
    {INFO "Using network IB", {.lines = 1, .network = "IB"}},
    {INFO "Using network AWS Libfabric", {.lines = 1, .network = "AWS Libfabric"}},
    {"[2026-01-02 03:04:05] " INFO "Using network Socket\r", {.lines = 1, .network = "Socket"}},
    {INFO "Using non-device net plugin version 0", {.lines = 1}},
    {INFO "Using network ", {.lines = 1}},
    {INFO "Using network of-a-name-that-is-longer-than-anybody-would-choose",
     {.lines = 1, .network = "of-a-name-that-is-longer-than-a"}},
    {INFO "Channel 00/0 : 0[0] -> 1[1] [send] via NET/IB/0/GDRDMA", {.lines = 1, .send_gdr = 1}},
    {INFO "Channel 01/1 : 8[0] -> 1[1] [receive] via NET/IB/0/GDRDMA", {.lines = 1, .recv_gdr = 1}},
    {INFO "Channel 00/0 : 0[0] -> 1[1] [send] via NET/IB/0(4)/GDRDMA/Shared",
     {.lines = 1, .send_gdr = 1}},
    {INFO "Channel 00/0 : 0[0] -> 1[1] [send] via NET/IB/0/GDRDMA(PCI)",
     {.lines = 1, .send_gdr = 1}},
    {INFO "Channel 00/0 : 0[0] -> 1[1] [receive] via NET/AWS Libfabric/5/Shared",
     {.lines = 1, .recv_staged = 1}},
    {INFO "Channel 00/0 : 0[0] -> 1[1] [send] via NET/Socket/0", {.lines = 1, .send_staged = 1}},
    {INFO "CollNet 00/1 : 0 [send] via COLLNET/SHARP/0/GDRDMA", {.lines = 1, .send_gdr = 1}},
    {INFO "CollNet 00/1 : 0 [receive] via COLLNET/SHARP/0", {.lines = 1, .recv_staged = 1}},
    {INFO "Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM/read", {.lines = 1}},
    {INFO "Channel 00 : 0[0] -> 1[1] via SHM/direct/direct", {.lines = 1}},
    {INFO "Channel 00/0 : 0[0] -> 1[1] [send] via NET/", {.lines = 1}},
    {INFO "NVLS multicast support is available on dev 3 (NVLS_NCHANNELS 16)",
     {.lines = 1, .nvls_known = true, .nvls = true}},
    {INFO "NVLS multicast support is not available on dev 3 (NVLS_NCHANNELS 0)",
     {.lines = 1, .nvls_known = true}},
    {INFO "NET/IB : GPU Direct RDMA Enabled for HCA 0 'mlx5_0'", {.lines = 1}},
    {INFO "Connected all rings, use ring PXN 0 GDR 1", {.lines = 1}},
    {"node7:4242:4311 [3] NCCL WARN Using network IB", {0}},
    {"NCCL INFO", {0}},
    {"", {0}},
};

static void every_line_tells_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const struct mlb_nccl_log_facts *should = &lines[i].facts;
        struct mlb_nccl_log_facts is = {0};
        mlb_nccl_log_line(&is, lines[i].line);
        print_message("%s\n", lines[i].line);
        check_u64(is.lines, should->lines);
        check_text(is.network, should->network);
        check_u64(is.send_gdr, should->send_gdr);
        check_u64(is.send_staged, should->send_staged);
        check_u64(is.recv_gdr, should->recv_gdr);
        check_u64(is.recv_staged, should->recv_staged);
        check_i64(is.nvls_known, should->nvls_known);
        check_i64(is.nvls, should->nvls);
    }
}

/* As NCCL does: opened by its name, then written on while the name is gone. */
static void the_file_is_read_as_it_grows(void **state)
{
    (void)state;
    struct mlb_nccl_log_facts facts = {0};
    unsetenv("NCCL_DEBUG");
    struct mlb_nccl_log *log = mlb_nccl_log_open();
    check_true(log != NULL);
    check_text(getenv("NCCL_DEBUG"), "INFO");
    FILE *file = fopen(getenv("NCCL_DEBUG_FILE"), "w");
    check_true(file != NULL);
    char path[256];
    snprintf(path, sizeof path, "%s", getenv("NCCL_DEBUG_FILE"));
    mlb_nccl_log_hide(log);
    check_true(access(path, F_OK) != 0);
    check_true(!getenv("NCCL_DEBUG"));

    mlb_nccl_log_read(log, &facts);
    check_u64(facts.lines, 0);
    fputs(INFO "Using network IB\n" INFO "Channel 00/0 : 0[0] -> 1[1] [send] via NE", file);
    fflush(file);
    mlb_nccl_log_read(log, &facts);
    mlb_nccl_log_read(log, &facts);
    check_u64(facts.lines, 1);
    check_u64(facts.send_gdr, 0);
    fputs("T/IB/0/GDRDMA\n", file);
    for (int i = 0; i < 40000; i++) /* a line that is too long to be looked for anything */
        fputc('x', file);
    fputs("\n" INFO "NVLS multicast support is available on dev 0 (NVLS_NCHANNELS 16)\n", file);
    fclose(file);
    mlb_nccl_log_read(log, &facts);
    check_u64(facts.lines, 3);
    check_u64(facts.send_gdr, 1);
    check_true(facts.nvls);
    mlb_nccl_log_close(log);
}

static void the_users_log_is_left_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"NCCL_DEBUG", "NCCL_DEBUG_FILE", "NCCL_DEBUG_SUBSYS"};
    for (size_t i = 0; i < 3; i++) {
        struct mlb_nccl_log_facts facts = {0};
        setenv(names[i], "WARN", 1);
        struct mlb_nccl_log *log = mlb_nccl_log_open();
        check_true(log == NULL);
        mlb_nccl_log_hide(log);
        mlb_nccl_log_read(log, &facts);
        mlb_nccl_log_close(log);
        check_text(getenv(names[i]), "WARN");
        unsetenv(names[i]);
    }
    setenv("TMPDIR", "/nowhere/at/all", 1);
    check_true(mlb_nccl_log_open() == NULL);
    check_true(!getenv("NCCL_DEBUG"));
    unsetenv("TMPDIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_tells_what_it_says),
        cmocka_unit_test(the_file_is_read_as_it_grows),
        cmocka_unit_test(the_users_log_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
