/* SPDX-License-Identifier: Apache-2.0 */
/* Our side of attention_peer.py: runs the workload's variant `fused` when asked to. It reads lines
 *
 *   open THREADS KEY=VALUE...   a case with the parameters of the workload; answers its label
 *   run COUNT                   so many steps; answers their times in seconds
 *
 * until the end of its input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/option.h"
#include "kernels/attention/attention.h"

struct ours {
    const struct mlb_variant *variant;
    struct mlb_attention_params params;
    struct mlb_attention_state state;
    struct mlb_comm comm;
    struct mlb_ctx ctx;
    struct mlb_error err;
};

static void expect(const struct ours *ours, enum mlb_status status)
{
    if (status == MLB_OK)
        return;
    fprintf(stderr, "attention_peer: %s\n", ours->err.text);
    exit(2);
}

static void close_case(struct ours *ours)
{
    if (!ours->ctx.device)
        return;
    ours->variant->teardown(&ours->state, &ours->ctx);
    mlb_backend_cpu.close(ours->ctx.device);
    *ours = (struct ours){0};
}

static void set_parameter(struct ours *ours, char *word)
{
    char *value = strchr(word, '=');
    if (value)
        *value++ = '\0';
    const struct mlb_option *option = mlb_option_find(mlb_attention.params, word);
    if (!value || !option) {
        fprintf(stderr, "attention_peer: no parameter '%s'\n", word);
        exit(2);
    }
    expect(ours, mlb_option_set(option, &ours->params, value, &ours->err));
}

static void open_case(struct ours *ours, char *words)
{
    char *rest = NULL, *word = strtok_r(words, " \n", &rest), label[128];
    int threads = word ? atoi(word) : 1;
    *ours = (struct ours){.comm = {.size = 1, .deadline_s = 60.0}};
    ours->ctx = (struct mlb_ctx){
        .data = MLB_DATA_NORMAL, .seed = 1, .threads = threads, .memory_bytes = (uint64_t)8 << 30};
    ours->ctx.comm = &ours->comm;
    expect(ours, mlb_option_defaults(mlb_attention.params, &ours->params, &ours->err));
    while ((word = strtok_r(NULL, " \n", &rest)) != NULL)
        set_parameter(ours, word);
    expect(ours, mlb_attention.resolve(&ours->params, &ours->err));
    expect(ours, mlb_backend_cpu.open(0, threads, &ours->ctx.device, &ours->err));
    for (ours->variant = mlb_attention.variants; strcmp(ours->variant->name, "fused") != 0;)
        ours->variant++;
    expect(ours, ours->variant->check(&ours->params, &ours->ctx, &ours->err));
    expect(ours, ours->variant->setup(&ours->state, &ours->params, &ours->ctx, &ours->err));
    mlb_attention.label(&ours->params, label, sizeof label);
    printf("%s\n", label);
}

static void run_steps(struct ours *ours, long count)
{
    for (long i = 0; i < count; i++) {
        double began_s = mlb_clock_s();
        expect(ours, ours->variant->step(&ours->state, &ours->ctx, &ours->err));
        expect(ours, mlb_sync(ours->ctx.device, 60.0, &ours->err));
        printf("%.9f ", mlb_clock_s() - began_s);
    }
    printf("\n");
}

int main(void)
{
    struct ours ours = {0};
    char line[512];
    while (fgets(line, sizeof line, stdin)) {
        if (strncmp(line, "open ", 5) == 0) {
            close_case(&ours);
            open_case(&ours, line + 5);
        } else if (strncmp(line, "run ", 4) == 0 && ours.ctx.device) {
            run_steps(&ours, atol(line + 4));
        }
        fflush(stdout);
    }
    close_case(&ours);
    return 0;
}
