/* SPDX-License-Identifier: Apache-2.0 */
/* write_records FOLDER: writes each constructed record, by the program's own writer, for the
 * schema's check. */
#include <stdio.h>

#include "harness/base/text.h"
#include "tests/measure/records.h"

static enum mlb_status write_one(const char *folder, const struct record_maker *maker,
                                 struct mlb_error *err)
{
    char path[1024];
    struct mlb_result result = {0};
    maker->make(&result);
    mlb_format(path, sizeof path, "%s/%s.json", folder, maker->name);
    enum mlb_status status = mlb_result_save(&result, path, err);
    mlb_result_free(&result);
    return status;
}

int main(int argc, char **argv)
{
    struct mlb_error err = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: write_records FOLDER\n");
        return 2;
    }
    for (const struct record_maker *maker = record_makers; maker->name; maker++) {
        if (write_one(argv[1], maker, &err) != MLB_OK) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    }
    return 0;
}
