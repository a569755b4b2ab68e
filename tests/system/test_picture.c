/* SPDX-License-Identifier: Apache-2.0 */
/* The printed picture, beside the ones in golden/. MLBENCH_UPDATE_GOLDEN=1 writes them anew. */
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "tests/system/machine.h"

struct picture {
    const char *golden;
    const char *synthetic; /* NULL: machines/GOLDEN.xml */
};

static const struct picture pictures[] = {
    {"two-packages", TWO_PACKAGES},
    {"four-nodes", FOUR_NODES},
    {"small-guest", "pack:1 [numa(memory=8589934592)] l3:1(size=33554432) core:2 pu:1"},
    {"node-over-packages", "numa:1(memory=8589934592) pack:2 l3:1(size=16777216) core:4 pu:1"},
    {"cache-over-nodes",
     "pack:1 l3:1(size=33554432) group:2 [numa(memory=8589934592)] l2:4 core:1 pu:1"},
    {"nothing-told", "numa:1(memory=8589934592) pu:4"},
    {"guest-8gpu-33nic", NULL},
    {"guest-unknown-node", NULL},
    {"metal-16gpu-10nic", NULL},
};

static void check_width(const char *text)
{
    char line[1024];
    while (*text) {
        size_t length = strcspn(text, "\n");
        check_true(length < sizeof line);
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        if (mlb_text_columns(line) > 100)
            print_error("%zu columns: %s\n", mlb_text_columns(line), line);
        check_true(mlb_text_columns(line) <= 100);
        check_true(length == 0 || line[length - 1] != ' ');
        text += length + (text[length] == '\n');
    }
}

static void compare(const char *name, const char *text)
{
    char path[1024];
    struct mlb_error err = {0};
    snprintf(path, sizeof path, "%s/tests/system/golden/%s.txt", MLB_TEST_SOURCE_DIR, name);
    if (getenv("MLBENCH_UPDATE_GOLDEN")) {
        check_ok(mlb_file_write_atomic(path, text, strlen(text), &err), &err);
        return;
    }
    char *golden = NULL;
    size_t length = 0;
    check_ok(mlb_file_read(path, 1 << 20, &golden, &length, &err), &err);
    check_text(text, golden);
    free(golden);
}

static void draws_machines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++) {
        const struct picture *picture = &pictures[i];
        struct mlb_text text = {0};
        struct mlb_topology *topology =
            picture->synthetic ? open_synthetic(picture->synthetic) : open_written(picture->golden);
        mlb_topology_print(topology, &text);
        check_true(!text.failed);
        check_width(mlb_text_get(&text));
        compare(picture->golden, mlb_text_get(&text));
        mlb_text_free(&text);
        mlb_topology_close(topology);
    }
}

static void draws_this_machine(void **state)
{
    (void)state;
    struct mlb_text text = {0};
    struct mlb_topology *topology = open_machine(NULL, NULL);
    mlb_topology_print(topology, &text);
    check_width(mlb_text_get(&text));
    check_contains(mlb_text_get(&text), "NUMA node 0");
    check_true(strstr(mlb_text_get(&text), "replayed") == NULL);
    mlb_text_free(&text);
    mlb_topology_close(topology);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_machines),
        cmocka_unit_test(draws_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
