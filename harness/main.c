/* SPDX-License-Identifier: Apache-2.0 */
/* argv to the commands, an error to one line on stderr, a status to the exit code. */
#include <stdio.h>

#include "harness/app/commands.h"
#include "harness/base/text.h"

int main(int argc, char **argv)
{
    struct mlb_error err = {0};
    enum mlb_status status = mlb_app_main(argc, argv, &err);
    mlb_text_harmless(err.text); /* it quotes files and words of the command line */
    if (status != MLB_OK && err.text[0])
        fprintf(stderr, "mlbench: %s\n", err.text);
    return mlb_status_exit_code(status);
}
