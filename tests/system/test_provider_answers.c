/* SPDX-License-Identifier: Apache-2.0 */
/* What services answer, in the forms that their documentation gives, and what else may come. */
#include <string.h>

#include "harness/system/provider_answers.h"
#include "harness/system/provider_http.h"
#include "harness/system/provider_parts.h"
#include "tests/check.h"

struct row {
    mlb_answer_reader *read;
    const char *text;
    const char *instance, *region, *zone, *purchase; /* all NULL: refused */
};

#define TYPE(read, text, instance)                                                                 \
    {                                                                                              \
        read, text, instance, "", "", ""                                                           \
    }
#define ZONE(read, text, region, zone)                                                             \
    {                                                                                              \
        read, text, "", region, zone, ""                                                           \
    }
#define PAID(read, text, purchase)                                                                 \
    {                                                                                              \
        read, text, "", "", "", purchase                                                           \
    }
#define BAD(read, text)                                                                            \
    {                                                                                              \
        read, text, NULL, NULL, NULL, NULL                                                         \
    }

/* Of Azure's document what else it holds goes nowhere. */
#define AZURE_REST                                                                                 \
    "\"subscriptionId\":\"8d10da13-8125-4ba9-a717-bf7490507b3d\",\"name\":\"node7\","              \
    "\"tags\":\"owner:somebody\",\"publicKeys\":[{\"keyData\":\"ssh-rsa AAAA\"}],"
#define AZURE(rest) "{" AZURE_REST "\"vmSize\":\"Standard_ND96isr_H100_v5\"," rest "}"

/* clang-format off */
static const struct row rows[] = {
    TYPE(mlb_answer_aws_type, "p5.48xlarge", "p5.48xlarge"),
    TYPE(mlb_answer_aws_type, "p6-b200.48xlarge\n", "p6-b200.48xlarge"),
    TYPE(mlb_answer_aws_type, "g4dn.metal", "g4dn.metal"),
    BAD(mlb_answer_aws_type, ""),
    BAD(mlb_answer_aws_type, "p5"),
    BAD(mlb_answer_aws_type, "p5."),
    BAD(mlb_answer_aws_type, "p5.48xlarge p4d.24xlarge"),
    BAD(mlb_answer_aws_type, "HVM domU"),
    BAD(mlb_answer_aws_type, "<html><body>login</body></html>"),
    BAD(mlb_answer_aws_type, "p5.48xlarge\x1b[2J"),
    BAD(mlb_answer_aws_type, "p5.48xlarge\xc3\xa9"),
    BAD(mlb_answer_aws_type, "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ZONE(mlb_answer_aws_zone, "us-east-1a", "us-east-1", "us-east-1a"),
    ZONE(mlb_answer_aws_zone, "us-gov-west-1b", "us-gov-west-1", "us-gov-west-1b"),
    ZONE(mlb_answer_aws_zone, "us-west-2-lax-1a", "us-west-2", "us-west-2-lax-1a"),
    ZONE(mlb_answer_aws_zone, "us-east-1-wl1-bos-wlz-1", "us-east-1", "us-east-1-wl1-bos-wlz-1"),
    BAD(mlb_answer_aws_zone, "us-east-1"),
    BAD(mlb_answer_aws_zone, "1a"),
    BAD(mlb_answer_aws_zone, "nova"),
    PAID(mlb_answer_aws_life, "spot", "spot"),
    PAID(mlb_answer_aws_life, "on-demand", "on_demand"),
    PAID(mlb_answer_aws_life, "capacity-block", "capacity_block"),
    BAD(mlb_answer_aws_life, "scheduled"),
    TYPE(mlb_answer_gcp_type, "projects/123456789/machineTypes/a3-highgpu-8g", "a3-highgpu-8g"),
    BAD(mlb_answer_gcp_type, "a3-highgpu-8g"),
    BAD(mlb_answer_gcp_type, "projects/123456789/machineTypes/"),
    BAD(mlb_answer_gcp_type, "projects/123456789/zones/us-central1-a"),
    ZONE(mlb_answer_gcp_zone, "projects/1/zones/us-central1-a", "us-central1", "us-central1-a"),
    BAD(mlb_answer_gcp_zone, "projects/1/zones/"),
    BAD(mlb_answer_gcp_zone, "projects/1/zones/moon"),
    PAID(mlb_answer_gcp_spot, "TRUE", "spot"),
    PAID(mlb_answer_gcp_spot, "FALSE", "on_demand"),
    BAD(mlb_answer_gcp_spot, "maybe"),
    {mlb_answer_azure, AZURE("\"location\":\"westeurope\",\"zone\":\"2\",\"priority\":\"Spot\""),
     "Standard_ND96isr_H100_v5", "westeurope", "westeurope-2", "spot"},
    {mlb_answer_azure, AZURE("\"location\":\"eastus\",\"zone\":\"\",\"priority\":\"Regular\""),
     "Standard_ND96isr_H100_v5", "eastus", "", "on_demand"},
    {mlb_answer_azure, AZURE("\"location\":\"eastus\",\"zone\":\"1\",\"priority\":\"\""),
     "Standard_ND96isr_H100_v5", "eastus", "eastus-1", ""},
    TYPE(mlb_answer_azure, "{\"vmSize\":\"Standard_NC40ads_H100_v5\"}", "Standard_NC40ads_H100_v5"),
    TYPE(mlb_answer_azure, "{\"vmSize\":\"Basic_A0\",\"location\":\"x y\"}", "Basic_A0"),
    BAD(mlb_answer_azure, "{\"vmSize\":\"\"}"),
    BAD(mlb_answer_azure, "{\"vmSize\":96}"),
    BAD(mlb_answer_azure, "{\"location\":\"eastus\"}"),
    BAD(mlb_answer_azure, "{\"vmSize\":\"Standard_ND96"),
    BAD(mlb_answer_azure, "[]"),
    BAD(mlb_answer_azure, "{\"error\":\"Bad request. Required metadata header not specified\"}"),
    TYPE(mlb_answer_oci_shape, "BM.GPU.H100.8", "BM.GPU.H100.8"),
    TYPE(mlb_answer_oci_shape, "VM.GPU.A10.2", "VM.GPU.A10.2"),
    BAD(mlb_answer_oci_shape, "p5.48xlarge"),
    {mlb_answer_oci_region, "us-ashburn-1", "", "us-ashburn-1", "", ""},
    BAD(mlb_answer_oci_region, "Ashburn, Virginia"),
    {mlb_answer_oci_zone, "PHX-AD-1", "", "", "phx-ad-1", ""},
    BAD(mlb_answer_oci_zone, "EMIr:PHX-AD-1"),
    TYPE(mlb_answer_sagemaker, "{\"current_host\":\"algo-1\",\"hosts\":[\"algo-1\"],"
         "\"current_instance_type\":\"ml.p5.48xlarge\"}", "ml.p5.48xlarge"),
    BAD(mlb_answer_sagemaker, "{\"current_host\":\"algo-1\",\"hosts\":[\"algo-1\"]}"),
    BAD(mlb_answer_sagemaker, "{\"current_instance_type\":\"p5.48xlarge\"}"),
};
/* clang-format on */

static void answers_become_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct mlb_provider found = {0};
        static const struct mlb_provider nothing;
        print_message("  %s\n", row->text);
        check_true(row->read(row->text, &found) == (row->instance != NULL));
        if (!row->instance) {
            check_i64(memcmp(&found, &nothing, sizeof found), 0);
            continue;
        }
        check_text(found.instance, row->instance);
        check_text(found.region, row->region);
        check_text(found.zone, row->zone);
        check_text(found.purchase, row->purchase);
        check_text(found.name, "");
    }
}

/* ----------------------------------------------------------------------------------- addresses */

static void only_near_addresses_are_asked(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
        {"HTTP://127.1.2.3", "http://127.1.2.3"},
        {"localhost:80", "http://localhost:80"},
        {"169.254.169.254", "http://169.254.169.254"},
        {"http://[fd00:ec2::254]/", "http://[fd00:ec2::254]"},
        {"[::1]:9", "http://[::1]:9"},
        {"[fe80::a9fe:a9fe]", "http://[fe80::a9fe:a9fe]"},
        {"metadata.google.internal", "http://169.254.169.254"},
    };
    static const char *const bad[] = {
        "https://127.0.0.1",
        "http://10.0.0.1",
        "http://example.com",
        "127.0.0.1.example.com",
        "127.0.0.1@10.0.0.1",
        "http://user@127.0.0.1",
        "127.0.0.1:80:80",
        "127.0.0.1:65536",
        "127.0.0.1/path",
        "127.0.0.1?x",
        "[::1",
        "[fe80::%eth0]",
        "[::ffff:10.0.0.1]",
        "169.254.169.254.1",
        "127.0.0.256",
        "127.0.1",
        "localhost.example.com",
        "",
        "http://",
        "file:///etc/passwd",
        "127.0.0.1:",
        "metadata.google.internal.example.com",
    };
    char base[MLB_SERVICE_ADDRESS];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        check_true(mlb_service_base(good[i][0], base));
        check_text(base, good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("  %s\n", bad[i]);
        check_true(!mlb_service_base(bad[i], base));
    }
}

/* ------------------------------------------------------------------------------------- headers */

static struct mlb_http_answer head_of(const char *line)
{
    struct mlb_http_answer answer = {0};
    mlb_http_header(line, strlen(line), &answer);
    return answer;
}

static void headers_that_matter(void **state)
{
    (void)state;
    check_true(head_of("Metadata-Flavor: Google\r\n").google);
    check_true(head_of("metadata-flavor:Google\r\n").google);
    check_true(!head_of("Metadata-Flavor: Googles\r\n").google);
    check_true(!head_of("X-Metadata-Flavor: Google\r\n").google);
    check_true(!head_of("Server: Google\r\n").google);
    struct mlb_http_answer busy = head_of("Retry-After: 1\r\n");
    check_true(busy.says_retry);
    check_close(busy.retry_s, 1.0, 0.0);
    busy = head_of("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n");
    check_true(busy.says_retry && busy.retry_s > 1e6);
    check_true(!head_of("Retry-After:\r\n").says_retry);
    check_true(!head_of("HTTP/1.1 429 Too Many\r\n").says_retry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_become_names),
        cmocka_unit_test(only_near_addresses_are_asked),
        cmocka_unit_test(headers_that_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
