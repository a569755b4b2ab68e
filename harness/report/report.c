/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/printers.h"

#include <string.h>

const struct mlb_printer mlb_printers[] = {{"text", mlb_print_text},
                                           {"json", mlb_print_json},
                                           {"csv", mlb_print_csv},
                                           {"markdown", mlb_print_markdown},
                                           {NULL, NULL}};

const char *const mlb_printer_names[] = {"text", "json", "csv", "markdown", NULL};

const struct mlb_printer *mlb_printer_find(const char *name)
{
    for (const struct mlb_printer *printer = mlb_printers; printer->name; printer++)
        if (strcmp(printer->name, name) == 0)
            return printer;
    return NULL;
}

enum mlb_status mlb_print_end(const struct mlb_text *to, struct mlb_error *err)
{
    return to->failed ? mlb_fail(err, MLB_E_NOMEM, "out of memory for the report") : MLB_OK;
}
