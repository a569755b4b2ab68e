/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include <unistd.h>

#include "harness/analysis/expectation.h"

static void open_table(struct mlb_expectations *table)
{
    struct mlb_error err = {0};
    check_ok(mlb_expectations_open(table, MLB_TEST_SOURCE_DIR "/configs/expectations.json", &err),
             &err);
}

#define MIB 1048576.0
#define GIB 1073741824.0

/* Against the table that is shipped. 0 = nothing is expected. */
static void look_up(void **state)
{
    (void)state;
    static const struct {
        struct mlb_expectation_case of;
        double best, floor;
    } table[] = {
        {{"all_reduce", "NVIDIA H200", 8, 1, 16 * GIB, 0}, 482.3e9, 431e9},
        {{"all_reduce", "NVIDIA H200", 8, 1, 16 * GIB, 123e9}, 482.3e9, 431e9}, /* one machine */
        {{"all_reduce", "NVIDIA H200", 8, 1, 8 * GIB, 0}, 480e9, 0},
        {{"all_reduce", "NVIDIA H200", 8, 1, 32 * GIB, 0}, 0, 0},
        {{"all_reduce", "NVIDIA H200", 8, 1, 0.5 * MIB, 0}, 0, 0},
        {{"all_reduce", "NVIDIA H200", 6, 1, 8 * GIB, 0}, 435.6e9, 0},
        {{"all_reduce", "NVIDIA H200", 3, 1, 8 * GIB, 0}, 0, 0},
        {{"all_reduce", "NVIDIA H200 NVL", 8, 1, 16 * GIB, 0}, 0, 0},
        {{"all_gather", "NVIDIA H200", 8, 1, 16 * GIB, 0}, 361.4e9, 0}, /* a ring, no NVLS */
        {{"reduce_scatter", "NVIDIA H200", 8, 1, 16 * GIB, 0}, 362.9e9, 0},
        {{"alltoall", "NVIDIA H200", 8, 1, 16 * GIB, 0}, 0, 0},
        {{"all_reduce", "NVIDIA H200", 32, 4, 4 * GIB, 400e9}, 364.9e9, 0},
        {{"all_reduce", "NVIDIA H200", 32, 4, 4 * GIB, 390e9}, 364.9e9, 0},
        {{"all_reduce", "NVIDIA H200", 32, 4, 4 * GIB, 200e9}, 0, 0},
        {{"all_reduce", "NVIDIA H200", 32, 4, 4 * GIB, 0}, 0, 0}, /* NICs are not known */
        {{"all_reduce", "NVIDIA H200", 16, 4, 4 * GIB, 400e9}, 0, 0},
        {{"all_reduce", "NVIDIA H100 80GB HBM3", 16, 2, 16 * GIB, 400e9}, 487.1e9, 0},
        {{"all_reduce", "NVIDIA H100 80GB HBM3", 16, 2, 1e9, 400e9}, 437e9, 0},
        {{"all_reduce", "NVIDIA H100 80GB HBM3", 16, 2, 2 * GIB, 200e9}, 317.8e9, 0},
        {{"all_reduce", "NVIDIA H100 80GB HBM3", 8, 1, 16 * GIB, 0}, 479.9e9, 460e9},
        {{"all_reduce", "NVIDIA H100 80GB HBM3", 8, 1, MIB, 0}, 67.0e9, 0},
        {{"all_gather", "NVIDIA B200", 16, 2, 16 * GIB, 400e9}, 377.4e9, 0},
        {{"all_reduce", "NVIDIA B200", 8, 1, 16 * GIB, 0}, 845.7e9, 0},
        {{"all_reduce", "NVIDIA A100-SXM4-80GB", 16, 2, 2 * GIB, 50e9}, 78.3e9, 0},
        {{"all_reduce", "NVIDIA A100-SXM4-80GB", 16, 2, 512 * MIB, 50e9}, 0, 0}, /* too far apart */
    };
    struct mlb_expectations expectations = {0};
    open_table(&expectations);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_expectation best = mlb_expectation_best(&expectations, &table[i].of);
        struct mlb_expectation floor = mlb_expectation_floor(&expectations, &table[i].of);
        check_close(best.bus_bytes_per_s, table[i].best, 0);
        check_close(floor.bus_bytes_per_s, table[i].floor, 0);
        check_true(best.known == (table[i].best > 0.0) && !best.between);
        check_true(!best.known || (best.source[0] && best.system[0]));
    }
    mlb_expectations_close(&expectations);
}

/* 16 MiB 64.4, 128 MiB 197.9 GB/s: at their geometric mean the geometric mean. */
static void between_two_sizes(void **state)
{
    (void)state;
    struct mlb_expectations expectations = {0}, none = {0};
    struct mlb_expectation_case of = {"all_reduce", "NVIDIA B200", 32, 4, sqrt(16.0 * 128.0) * MIB,
                                      400e9};
    open_table(&expectations);
    struct mlb_expectation best = mlb_expectation_best(&expectations, &of);
    check_true(best.known && best.between);
    check_close(best.bus_bytes_per_s, sqrt(64.4e9 * 197.9e9), 1e-12);
    of.bytes = 16e6; /* stands for 16 MiB */
    check_true(!mlb_expectation_best(&expectations, &of).between);
    check_true(!mlb_expectation_best(&none, &of).known);
    check_true(!mlb_expectation_floor(NULL, &of).known);
    mlb_expectations_close(&expectations);
}

static void open_text(const char *text, enum mlb_status *status, struct mlb_error *err)
{
    char path[] = "/tmp/mlb_test_expectation_XXXXXX";
    struct mlb_expectations expectations = {0};
    int fd = mkstemp(path);
    check_true(fd >= 0);
    check_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    *status = mlb_expectations_open(&expectations, path, err);
    mlb_expectations_close(&expectations);
    unlink(path);
}

#define TABLE(series) "{\"gpus\": {\"G\": [\"g\"]}, \"published\": [\n" series "]}"
#define SERIES(rest)  TABLE("{\"system\": \"s\", \"gpu\": \"G\", \"gpus_per_node\": 8,\n" rest "}")
#define HEAD          "\"collective\": \"all_reduce\", \"kind\": \"measured\", "
#define PROVED        "\"source\": \"s\", \"date\": \"d\", "
#define FIGURES       "\"bus_bytes_per_s\": {\"1GiB\": 1e9}"

static void strict_loading(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part; /* NULL: good */
    } table[] = {
        {"{\"gpus\": {}, \"published\": []}", NULL},
        {SERIES("\"nodes\": 1, " HEAD PROVED FIGURES), NULL},
        {SERIES("\"nodes\": 2, \"nic_bytes_per_s\": 5e10, " HEAD PROVED FIGURES), NULL},
        {"[]", "must be an object with 'gpus'"},
        {"{\"published\": []}", "'gpus' must be an object"},
        {"{\"gpus\": {\"G\": []}, \"published\": []}", "'G' must be a list"},
        {"{\"gpus\": {\"G\": [1]}, \"published\": []}", "'G' must be a list"},
        {"{\"gpus\": {}}", "'published' must be a list"},
        {"{\"gpus\": {}, \"publisht\": []}", "did you mean 'published'?"},
        {TABLE("3"), ":2: a series must be an object"},
        {SERIES("\"nodes\": 1, " HEAD "\"date\": \"d\", " FIGURES), "needs 'source'"},
        {SERIES("\"nodes\": 1, " HEAD "\"date\": \"d\", \"source\": \"\", " FIGURES),
         "needs 'source'"},
        {SERIES("\"nodes\": 1, " HEAD "\"source\": \"s\", " FIGURES), "needs 'date'"},
        {SERIES("\"nodes\": 1, " HEAD PROVED "\"library\": 3, " FIGURES), "needs 'library'"},
        {SERIES("\"nodes\": 2, " HEAD PROVED FIGURES), "needs 'nic_bytes_per_s'"},
        {SERIES("\"nodes\": 2, \"nic_bytes_per_s\": 0, " HEAD PROVED FIGURES),
         ":3: 'nic_bytes_per_s' must be a number above 0"},
        {SERIES(HEAD PROVED FIGURES), "'nodes' must be a whole number"},
        {SERIES("\"nodes\": 1.5, " HEAD PROVED FIGURES), ":3: 'nodes' must be a whole number"},
        {SERIES(
             "\"nodes\": 1, \"kind\": \"guess\", \"collective\": \"all_reduce\", " PROVED FIGURES),
         ":3: 'kind' must be one of measured, floor"},
        {SERIES("\"nodes\": 1, \"kind\": \"floor\", \"collective\": \"gemm\", " PROVED FIGURES),
         "'collective' must be one of"},
        {SERIES("\"nodes\": 1, \"nodez\": 1, " HEAD PROVED FIGURES), "did you mean 'nodes'?"},
        {SERIES("\"nodes\": 1, " HEAD PROVED "\"bus_bytes_per_s\": 3"), "needs 'bus_bytes_per_s'"},
        {SERIES("\"nodes\": 1, " HEAD PROVED "\"bus_bytes_per_s\": {}"), "needs 'bus_bytes_per_s'"},
        {SERIES("\"nodes\": 1, " HEAD PROVED "\"bus_bytes_per_s\": {\"big\": 1}"),
         "'big' must be a size"},
        {SERIES("\"nodes\": 1, " HEAD PROVED "\"bus_bytes_per_s\": {\"2MiB\": 1, \"1MiB\": 1}"),
         "'1MiB' must be a size"},
        {SERIES("\"nodes\": 1, " HEAD PROVED "\"bus_bytes_per_s\": {\"1MiB\": -1}"),
         "'1MiB' must be a number above 0"},
        {TABLE("{\"system\": \"s\", \"gpu\": \"X\", \"gpus_per_node\": 8, \"nodes\": 1, " HEAD
                   PROVED FIGURES "}"),
         "'gpu' must be one of the keys of 'gpus'"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_error err = {0};
        enum mlb_status status = MLB_OK;
        open_text(table[i].text, &status, &err);
        if (table[i].part)
            check_fails(status, MLB_E_CONFIG, &err, table[i].part);
        else
            check_ok(status, &err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_up),
        cmocka_unit_test(between_two_sizes),
        cmocka_unit_test(strict_loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
