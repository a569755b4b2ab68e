/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_provider [SEED [COUNT]]: answers of metadata services, addresses and headers after a few
 * random changes. What is believed is made of the few characters that a name may have, ends, and
 * comes with nothing else; what is refused leaves nothing behind. Text number i depends on SEED and
 * i alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/system/provider_answers.h"
#include "harness/system/provider_http.h"
#include "harness/system/provider_parts.h"

enum { TEXT = 512 };

static const char *const texts[] = {
    "p5.48xlarge",
    "us-west-2-lax-1a",
    "capacity-block",
    "projects/123456789/machineTypes/a3-highgpu-8g",
    "projects/123456789/zones/us-central1-a",
    "{\"location\":\"eastus\",\"vmSize\":\"Standard_ND96isr_H100_v5\",\"zone\":\"1\","
    "\"priority\":\"Spot\"}",
    "BM.GPU.H100.8",
    "phx-ad-1",
    "{\"current_host\":\"algo-1\",\"current_instance_type\":\"ml.p5.48xlarge\"}",
    "http://[fd00:ec2::254]:80/",
    "http://169.254.169.254",
    "Metadata-Flavor: Google\r\n",
    "Retry-After: 1\r\n",
    "",
};

static const char *const pieces[] = {
    "/machineTypes/", "/zones/",     "projects/", "-1",   ".",   "\"", "{", "}", "\\u0000",
    "\r\n",           "\xff",        "\x1b[",     "%s%n", "ml.", "[",  "]", ":", "@",
    "127.0.0.1",      "99999999999",
};

static mlb_answer_reader *const readers[] = {
    mlb_answer_aws_type,   mlb_answer_aws_zone, mlb_answer_aws_life,  mlb_answer_gcp_type,
    mlb_answer_gcp_zone,   mlb_answer_gcp_spot, mlb_answer_azure,     mlb_answer_oci_shape,
    mlb_answer_oci_region, mlb_answer_oci_zone, mlb_answer_sagemaker,
};

struct dice {
    uint64_t seed, drawn;
};

static size_t below(struct dice *dice, size_t bound)
{
    return (size_t)(mlb_rng_bits(dice->seed, dice->drawn++) % bound);
}

static void change(struct dice *dice, char text[static TEXT])
{
    size_t length = strlen(text), at = below(dice, length + 1);
    const char *piece = pieces[below(dice, sizeof pieces / sizeof *pieces)];
    switch (below(dice, 4)) {
    case 0:
        text[at] = 0;
        break;
    case 1:
        if (at < length)
            text[at] = (char)(1 + below(dice, 255));
        break;
    case 2:
        memmove(text + at, text + at + (at < length), length - at + (at == length));
        break;
    default:
        if (length + strlen(piece) < TEXT) {
            memmove(text + at + strlen(piece), text + at, length - at + 1);
            memcpy(text + at, piece, strlen(piece));
        }
        break;
    }
}

static void demand(bool condition, const char *what, const char *text)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_provider: not true: %s: %s\n", what, text);
    abort();
}

static void demand_name(const char *name, size_t size, const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._:/+-";
    demand(memchr(name, 0, size) != NULL, "a name ends", text);
    demand(strspn(name, allowed) == strlen(name), "a name is of these characters", text);
}

static void read_answer(mlb_answer_reader *read, const char *text)
{
    static const struct mlb_provider nothing;
    struct mlb_provider found = {0};
    if (!read(text, &found)) {
        demand(memcmp(&found, &nothing, sizeof found) == 0, "nothing is left behind", text);
        return;
    }
    demand(memcmp(&found, &nothing, sizeof found) != 0, "something is known", text);
    demand_name(found.instance, sizeof found.instance, text);
    demand_name(found.region, sizeof found.region, text);
    demand_name(found.zone, sizeof found.zone, text);
    demand(strspn(found.purchase, "abcdefghijklmnopqrstuvwxyz_") == strlen(found.purchase),
           "a purchase is one of ours", text);
    demand(!found.name[0] && !found.service[0] && !found.evidence[0], "no more than that", text);
}

static void look(const char *text)
{
    char base[MLB_SERVICE_ADDRESS];
    struct mlb_http_answer answer = {0};
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
        read_answer(readers[i], text);
    if (mlb_service_base(text, base)) {
        demand(strncmp(base, "http://", 7) == 0, "an address is HTTP's", text);
        demand(!strpbrk(base + 7, "@/?# \r\n"), "an address is a host and a port", text);
    }
    mlb_http_header(text, strlen(text), &answer);
    demand(answer.code == 0 && !answer.body.data, "a header is no answer", text);
    demand(!answer.says_retry || answer.retry_s >= 0.0, "nobody waits into the past", text);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
    for (uint64_t i = 0; i < count; i++) {
        struct dice dice = {seed * 0x9e3779b97f4a7c15u + i, 0};
        char text[TEXT];
        snprintf(text, sizeof text, "%s", texts[below(&dice, sizeof texts / sizeof *texts)]);
        for (size_t changes = below(&dice, 5); changes > 0; changes--)
            change(&dice, text);
        look(text);
    }
    printf("%llu texts\n", (unsigned long long)count);
    return 0;
}
