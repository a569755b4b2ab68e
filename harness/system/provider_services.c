/* SPDX-License-Identifier: Apache-2.0 */
/* Where the metadata services are, and the variables that say otherwise. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/text.h"
#include "harness/system/provider_parts.h"

#define LINK_LOCAL "http://169.254.169.254" /* of all four */

/* The first two are of AWS's and Google's own tools. */
static const struct {
    const char *name, *address, *off;
} services[MLB_SERVICES] = {
    [MLB_SERVICE_AWS] = {"aws", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_DISABLED"},
    [MLB_SERVICE_GCP] = {"gcp", "GCE_METADATA_HOST", NULL},
    [MLB_SERVICE_AZURE] = {"azure", "MLBENCH_AZURE_METADATA", NULL},
    [MLB_SERVICE_OCI] = {"oci", "MLBENCH_OCI_METADATA", NULL},
};

const char *mlb_service_name(enum mlb_service service)
{
    return services[service].name;
}

static bool is_number(const char *text, size_t length, unsigned most)
{
    unsigned value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || value > most)
            return false;
        value = 10 * value + (unsigned)(text[i] - '0');
    }
    return length > 0 && value <= most;
}

/* Four numbers, of which the first, or the first two, say that it is near. */
static bool is_near_v4(const char *host, size_t length)
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        size_t digits = strspn(host + at, "0123456789");
        if (!is_number(host + at, digits, 255) || (part < 3 && host[at + digits] != '.'))
            return false;
        at += digits + (part < 3);
    }
    return at == length && (strncmp(host, "127.", 4) == 0 || strncmp(host, "169.254.", 8) == 0);
}

/* Loop-back, link-local, and the address of AWS's service. */
static bool is_near_v6(const char *host, size_t length)
{
    static const char *const whole[] = {"[::1]", "[fd00:ec2::254]", NULL};
    for (const char *const *known = whole; *known; known++)
        if (strlen(*known) == length && strncasecmp(host, *known, length) == 0)
            return true;
    return length > 8 && strncasecmp(host, "[fe80::", 7) == 0 && host[length - 1] == ']' &&
           strspn(host + 7, "0123456789abcdefABCDEF:") == length - 8;
}

bool mlb_service_base(const char *text, char base[MLB_SERVICE_ADDRESS])
{
    const char *host = strncasecmp(text, "http://", 7) == 0 ? text + 7 : text;
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    if (length > strlen(host))
        return false;
    const char *port = host + length;
    size_t digits = port[0] == ':' ? strspn(port + 1, "0123456789") : 0;
    const char *end = digits ? port + 1 + digits : port;
    if (digits && !is_number(port + 1, digits, 65535))
        return false;
    if (strcmp(end, "") != 0 && strcmp(end, "/") != 0)
        return false;
    if (length == 24 && strncasecmp(host, "metadata.google.internal", length) == 0)
        return mlb_format(base, MLB_SERVICE_ADDRESS, LINK_LOCAL);
    bool near = (length == 9 && strncasecmp(host, "localhost", length) == 0) ||
                is_near_v4(host, length) || is_near_v6(host, length);
    return near && mlb_format(base, MLB_SERVICE_ADDRESS, "http://%.*s", (int)(end - host), host);
}

static bool is_off(const char *variable)
{
    const char *value = variable ? getenv(variable) : NULL;
    return value && strcasecmp(value, "true") == 0;
}

void mlb_service_places(struct mlb_service_place places[MLB_SERVICES], const struct mlb_log *log)
{
    for (size_t i = 0; i < MLB_SERVICES; i++) {
        const char *address = getenv(services[i].address);
        struct mlb_service_place *place = &places[i];
        *place = (struct mlb_service_place){.base = LINK_LOCAL, .by = ""};
        if (is_off(services[i].off)) {
            place->base[0] = '\0';
            mlb_log(log, MLB_LOG_DEBUG, "provider: %s is not asked: %s", services[i].name,
                    services[i].off);
        } else if (address && address[0]) {
            place->by = services[i].address;
            if (mlb_service_base(address, place->base))
                continue;
            place->base[0] = '\0';
            mlb_log(log, MLB_LOG_WARN,
                    "provider: %s is not asked: %s must be http://HOST:PORT of this machine or of "
                    "its link (127.x, 169.254.x, [::1], [fe80::...], [fd00:ec2::254])",
                    services[i].name, services[i].address);
        }
    }
}
