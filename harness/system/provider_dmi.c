/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware's tables, as far as everybody may read them. Strings of the providers: aws-ofi-nccl
 * (nccl_ofi_system.cpp, ax_check_ec2_instance.m4), google-cloud-go (compute/metadata), cloud-init
 * (ds-identify and the data sources of Azure and Oracle). */
#include <string.h>

#include "harness/base/text.h"
#include "harness/system/procfs.h"
#include "harness/system/provider_answers.h"
#include "harness/system/provider_parts.h"

#define DMI "/sys/class/dmi/id"

enum how { IS, ENDS };

struct mark {
    const char *file;
    enum how how;
    const char *text, *provider;
};

static const struct mark marks[] = {
    {"sys_vendor", IS, "Amazon EC2", "aws"},
    {"bios_version", ENDS, "amazon", "aws"}, /* before Nitro: "4.11.amazon" */
    {"product_name", IS, "Google Compute Engine", "gcp"},
    {"product_name", IS, "Google", "gcp"},
    {"chassis_asset_tag", IS, "7783-7084-3265-9085-8269-3286-77", "azure"},
    {"chassis_asset_tag", IS, "OracleCloud.com", "oci"},
};

static bool fits(const struct mark *mark, const char *value)
{
    size_t length = strlen(value), wanted = strlen(mark->text);
    if (mark->how == IS)
        return strcmp(value, mark->text) == 0;
    return length >= wanted && strcmp(value + length - wanted, mark->text) == 0;
}

static bool read_dmi(const char *root, const char *file, char *to, size_t size)
{
    char path[64];
    mlb_format(path, sizeof path, DMI "/%s", file);
    return mlb_procfs_read(root, path, to, size) && to[0] != '\0';
}

/* Nitro machines, virtual or of metal, carry their type as the product's name. */
static void read_aws_type(const char *root, struct mlb_provider *found)
{
    char product[128];
    if (read_dmi(root, "product_name", product, sizeof product) &&
        mlb_answer_aws_type(product, found))
        mlb_provider_evidence(found, "DMI product_name");
}

bool mlb_provider_of_dmi(const char *root, struct mlb_provider *found)
{
    char value[128], what[64];
    memset(found, 0, sizeof *found);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && !found->name[0]; i++) {
        if (!read_dmi(root, marks[i].file, value, sizeof value) || !fits(&marks[i], value))
            continue;
        mlb_format(found->name, sizeof found->name, "%s", marks[i].provider);
        mlb_format(what, sizeof what, "DMI %s", marks[i].file);
        mlb_provider_evidence(found, what);
    }
    if (strcmp(found->name, "aws") == 0)
        read_aws_type(root, found);
    return found->name[0] || read_dmi(root, "sys_vendor", value, sizeof value) ||
           read_dmi(root, "product_name", value, sizeof value);
}
