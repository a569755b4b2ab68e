/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/details.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/text.h"

static struct mlb_detail *add(struct mlb_details *details, const char *name)
{
    if (details->count == MLB_DETAILS)
        return NULL;
    struct mlb_detail *detail = &details->items[details->count++];
    *detail = (struct mlb_detail){0};
    mlb_format(detail->name, sizeof detail->name, "%s", name);
    return detail;
}

void mlb_detail_number(struct mlb_details *details, const char *name, double value)
{
    struct mlb_detail *detail = isfinite(value) ? add(details, name) : NULL;
    if (!detail)
        return;
    detail->is_number = true;
    detail->number = value;
}

void mlb_detail_text(struct mlb_details *details, const char *name, const char *format, ...)
{
    char text[sizeof details->items[0].text];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    struct mlb_detail *detail = text[0] ? add(details, name) : NULL;
    if (detail)
        mlb_format(detail->text, sizeof detail->text, "%s", text);
}

const struct mlb_detail *mlb_detail_find(const struct mlb_details *details, const char *name)
{
    for (size_t i = 0; i < details->count; i++)
        if (strcmp(details->items[i].name, name) == 0)
            return &details->items[i];
    return NULL;
}
