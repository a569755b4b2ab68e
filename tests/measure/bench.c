/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/base/text.h"
#include "tests/measure/bench.h"

void bench_begin(struct bench *b, const char *workload, const double *step_ns, size_t count)
{
    memset(b, 0, sizeof *b);
    fake_device_reset();
    fake_comm_init(&b->comm, 1);
    b->script =
        (struct fake_script){.step_ns = step_ns, .count = count, .advance = fake_device_advance};
    fake_script = &b->script;
    check_ok(mlb_backend_fake.open(0, 0, &b->run.ctx.device, &b->err), &b->err);
    b->run.ctx.comm = &b->comm.comm;
    b->run.ctx.threads = 1;
    b->run.deadline_s = 1;
    check_ok(mlb_plan_add(&b->plan, mlb_workload_find(workload), &b->item, &b->err), &b->err);
    b->item->measure.max_warmup_s = 0.02;
    b->item->measure.sample_time_s = 0;
    mlb_format(b->item->device, sizeof b->item->device, "fake");
}

enum mlb_status bench_measure(struct bench *b)
{
    return mlb_run_case(&b->run, b->item, &b->row, &b->err);
}

void bench_end(struct bench *b)
{
    check_u64(b->script.setups, b->script.teardowns);
    check_u64(b->comm.watches, b->comm.unwatches);
    mlb_row_free(&b->row);
    mlb_plan_free(&b->plan);
    mlb_backend_fake.close(b->run.ctx.device);
    check_u64(fake_device.live_blocks, 0);
    check_u64(fake_device.live_graphs, 0);
}

struct fake_params *bench_params(struct bench *b)
{
    return b->item->params;
}
