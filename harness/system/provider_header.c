/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/system/provider_http.h"

/* The value behind "name:" when the line is that header, without blanks around it. */
static bool value_of(const char *line, const char *name, char *to, size_t size)
{
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0 || line[length] != ':')
        return false;
    const char *value = line + length + 1;
    value += strspn(value, " \t");
    return mlb_format(to, size, "%.*s", (int)strcspn(value, " \t\r\n"), value);
}

/* Retry-After may be a date too (RFC 9110, 10.2.3): what is as far away as a date can tell is
 * further than we wait. */
void mlb_http_header(const char *line, size_t length, struct mlb_http_answer *answer)
{
    char text[128], value[32];
    if (length >= sizeof text)
        return;
    memcpy(text, line, length);
    text[length] = '\0';
    if (value_of(text, "Metadata-Flavor", value, sizeof value))
        answer->google = strcmp(value, "Google") == 0;
    if (!value_of(text, "Retry-After", value, sizeof value) || !value[0])
        return;
    bool whole = strspn(value, "0123456789") == strlen(value);
    answer->says_retry = true;
    answer->retry_s = whole ? strtod(value, NULL) : 1e9;
}
