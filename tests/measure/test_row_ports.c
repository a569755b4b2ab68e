/* SPDX-License-Identifier: Apache-2.0 */
/* What ports count while samples are taken comes into the row, with the steps that it is of. */
#include "tests/check.h"

#include "harness/measure/row_ports.h"
#include "tests/measure/bench.h"
#include "tests/system/made_machine.h"

#define TX "/sys/class/net/veth1/statistics/tx_bytes"
#define RX "/sys/class/net/veth1/statistics/rx_bytes"

enum { STEP_BYTES = 4096 };

struct wire {
    struct files files;
    uint64_t sent;
};

static struct wire *wire; /* of the test that runs: the workload's hook has no place for it */

static void put_counter(const char *path, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64 "\n", value);
    put_file(&wire->files, path, text);
}

/* A step takes its time and moves its bytes. */
static void advance(struct mlb_device *device, double ns)
{
    fake_device_advance(device, ns);
    wire->sent += STEP_BYTES;
    put_counter(TX, wire->sent);
}

static const double steady[] = {2e6};
static struct mlb_channel channel; /* nobody calls it */

static void measure(const char *workload, const struct mlb_fabric *fabric, struct bench *b)
{
    bench_begin(b, workload, steady, 1);
    fake_comm_init(&b->comm, 2);
    b->script.advance = advance;
    b->run.ctx.channel = &channel;
    b->run.ports = mlb_ports_open(wire->files.root, fabric);
    check_true(b->run.ports != NULL);
    b->item->measure.max_time_s = 0.1;
    check_ok(bench_measure(b), &b->err);
    check_i64(b->row.status, MLB_ROW_MEASURED);
    mlb_ports_close(b->run.ports);
}

/* Warm-up and verification move bytes too, which are not of the steps that are told. */
static void a_collective_tells_bytes_of_its_steps(void **state)
{
    (void)state;
    struct wire here = {.files = make_files()};
    struct mlb_fabric fabric;
    struct bench b;
    wire = &here;
    make_container(&here.files);
    put_counter(RX, 17);
    mlb_fabric_read(here.files.root, &fabric);
    measure("gather", &fabric, &b);
    check_u64(b.row.port_count, 1);
    check_text(b.row.ports[0].name, "veth1");
    check_text(b.row.ports[0].kind, "virtual");
    check_true(b.row.ports_steps >= b.row.sample_count);
    check_u64(b.row.ports[0].sent_bytes, b.row.ports_steps * STEP_BYTES);
    check_u64(b.row.ports[0].received_bytes, 0);
    check_true(b.row.ports[0].sent_bytes < here.sent);
    bench_end(&b);
    remove_files(&here.files);
}

static void others_do_not_count(void **state)
{
    (void)state;
    struct wire here = {.files = make_files()};
    struct mlb_fabric fabric;
    struct bench b;
    wire = &here;
    make_container(&here.files);
    mlb_fabric_read(here.files.root, &fabric);
    measure("alpha", &fabric, &b);
    check_u64(b.row.port_count, 0);
    check_u64(b.row.ports_steps, 0);
    bench_end(&b);
    remove_files(&here.files);
}

static void nothing_moved_leaves_the_row_without(void **state)
{
    (void)state;
    static const struct mlb_nic nic = {.name = "eth0", .kind = MLB_NIC_ETHERNET};
    struct mlb_row row = {0};
    struct mlb_error err = {0};
    struct mlb_moved moved = {.count = 0};
    check_ok(mlb_row_take_ports(&row, &moved, 5, &err), &err);
    check_true(row.ports == NULL && row.ports_steps == 0);
    moved.count = 1;
    moved.ports[0] = (struct mlb_port_bytes){&nic, 10, 20};
    check_ok(mlb_row_take_ports(&row, &moved, 0, &err), &err); /* of no step */
    check_true(row.ports == NULL);
    check_ok(mlb_row_take_ports(&row, &moved, 5, &err), &err);
    check_u64(row.ports[0].received_bytes, 20);
    mlb_row_free(&row);
    check_true(row.ports == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_collective_tells_bytes_of_its_steps),
        cmocka_unit_test(others_do_not_count),
        cmocka_unit_test(nothing_moved_leaves_the_row_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
