/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/report/row.h"

#define IB                                                                                         \
    "{\"machines\":\"0-2\",\"ports\":[{\"kind\":\"ib\",\"ports\":8,\"up\":8,"                      \
    "\"line_bytes_per_s\":4e11},{\"kind\":\"ethernet\",\"ports\":1,\"up\":1}],"                    \
    "\"gpudirect_rdma\":\"module\"}"

static void the_line_tells_what_most_machines_have(void **state)
{
    static const struct {
        const char *machines; /* NULL: a record without */
        int nodes;
        const char *text; /* NULL: no line */
    } table[] = {
        {"[" IB "]", 3,
         "8 of 8 ib ports up, 400 GB/s; 1 of 1 ethernet port up; GPUDirect RDMA by a module"},
        {"[" IB ",{\"machines\":\"3\"},{\"machines\":\"4,7\"}]", 8,
         "8 of 8 ib ports up, 400 GB/s; 1 of 1 ethernet port up; GPUDirect RDMA by a module; "
         "other on machine 3, 4,7"},
        {"[{\"machines\":\"0-1\",\"ports\":[{\"kind\":\"virtual\",\"ports\":2,\"up\":1}],"
         "\"gpudirect_rdma\":\"none\"}]",
         2, "1 of 2 virtual ports up"},
        {"[" IB "]", 1, NULL},
        {"[]", 2, NULL},
        {"[7]", 2, NULL},
        {NULL, 2, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct mlb_result result = {.nodes = table[i].nodes};
        char text[256] = "";
        result.fabric = table[i].machines ? cJSON_CreateObject() : NULL;
        if (result.fabric)
            cJSON_AddItemToObject(result.fabric, "machines", cJSON_Parse(table[i].machines));
        check_true(mlb_report_network_text(&result, text, sizeof text) == (table[i].text != NULL));
        if (table[i].text)
            check_text(text, table[i].text);
        mlb_result_free(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_line_tells_what_most_machines_have)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
