/* SPDX-License-Identifier: Apache-2.0 */
/* The record itself. */
#include "harness/report/printers.h"

enum mlb_status mlb_print_json(const struct mlb_report *report, struct mlb_text *to,
                               struct mlb_error *err)
{
    cJSON *json = mlb_result_to_json(report->result);
    char *printed = json ? cJSON_Print(json) : NULL;
    enum mlb_status status = MLB_OK;
    if (printed) {
        mlb_text_add(to, printed);
        mlb_text_add(to, "\n");
        status = mlb_print_end(to, err);
    } else {
        status =
            mlb_fail(err, MLB_E_NOMEM,
                     "the record cannot be printed: out of memory, or a time that is not finite");
    }
    cJSON_free(printed);
    cJSON_Delete(json);
    return status;
}
