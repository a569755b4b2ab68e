/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/catalog/import_rig.h"

#define SKYPILOT                                                                                   \
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,"       \
    "Region,AvailabilityZone,Arch\n"
#define INFO "\"{'Gpus': [{'Name': 'H100', 'Count': 8}]}\""

static void skypilot_has_one_line_a_zone(void **state)
{
    (void)state;
    check_import("aws.csv",
                 SKYPILOT
                 "p5.48xlarge,H100,8,192.0,2048.0," INFO
                 ",55.04,14.2461,us-east-1,use1-az1,x86_64\n"
                 "p5.48xlarge,H100,8,192.0,2048.0," INFO ",55.04,47.2,us-east-1,use1-az2,x86_64\n"
                 "p5.48xlarge,H100,8,192.0,2048.0," INFO ",55.0400001,,us-east-2,use2-az1,x86_64\n"
                 "a1.2xlarge,,,8.0,16.0,,0.2568,0.256800,ap-south-1,aps1-az2,arm64\n",
                 "aws p5.48xlarge us-east-1 on_demand 55.04 2025-07-01\n"
                 "aws p5.48xlarge us-east-2 on_demand 55.04 2025-07-01\n"
                 "aws p5.48xlarge us-east-1/use1-az1 spot 14.2461 2025-07-01\n"
                 "aws p5.48xlarge us-east-1/use1-az2 spot 47.2 2025-07-01\n",
                 "other_instance 1 aws.csv:5: aws a1.2xlarge\n"
                 "duplicate 1 aws.csv:3: aws p5.48xlarge us-east-1 on_demand: 55.04 as of "
                 "2025-07-01, and 55.04 as of 2025-07-01\n");
}

/* A byte-order mark, CR LF mixed with LF, columns in another order, no zone. */
static void columns_are_found_by_name(void **state)
{
    (void)state;
    check_import("vms-azure.csv",
                 "\xef\xbb\xbfPrice,Region,SpotPrice,InstanceType,AcceleratorName,AcceleratorCount"
                 "\r\n\"98.32\",eastus,,standard_nd96isr_h100_v5,H100,12\r\n"
                 "90,westus,40,Standard_ND96isr_H100_v5,H100,12\n",
                 "azure Standard_ND96isr_H100_v5 eastus on_demand 98.32 2025-07-01\n"
                 "azure Standard_ND96isr_H100_v5 westus on_demand 90 2025-07-01\n"
                 "azure Standard_ND96isr_H100_v5 westus spot 40 2025-07-01\n",
                 "accelerators 2 vms-azure.csv:2: azure Standard_ND96isr_H100_v5: 12, and the "
                 "catalog has 8\n");
}

static void gcp_hosts_and_gpus_are_summed(void **state)
{
    (void)state;
    check_import(
        "gcp-vms.csv",
        "InstanceType,vCPUs,MemoryGiB,AcceleratorName,AcceleratorCount,GpuInfo,Region,"
        "AvailabilityZone,Price,SpotPrice\n"
        "a3-highgpu-8g,208.0,1872.0,,,,us-east4,us-east4-a,9.46,2.16\n"
        "a3-highgpu-8g,208.0,1872.0,,,,us-west1,us-west1-b,9.46,2.16\n"
        "a4-highgpu-8g,224.0,3968.0,,,,us-east4,us-east4-a,0.0,\n"
        ",,,H100,8,x,us-east4,us-east4-a,78.37,17.88\n"
        ",,,H100,4,x,us-west1,us-west1-b,39.2,8.9\n"
        ",,,B200,8,x,us-east4,us-east4-a,90.216,\n"
        ",,,tpu-v5p-8,1,tpu-v5p-8,us-east1,us-east1-d,16.8,8.4\n"
        ",,,tpu-v5p-7552,1,x,us-east1,us-east1-d,15859.2,3155.6\n"
        "a3-highgpu-8g,208.0,1872.0,,,,us-west4,us-west4-a,-9.46,\n"
        ",,,H100,8,x,us-west4,us-west4-a,78.37,\n",
        "gcp a3-highgpu-8g us-east4 on_demand 87.83 2025-07-01 (host and GPUs, without local SSD)\n"
        "gcp a3-highgpu-8g us-east4/us-east4-a spot 20.04 2025-07-01 (host and GPUs, without local "
        "SSD)\n"
        "gcp a4-highgpu-8g us-east4 on_demand 90.216 2025-07-01 (GPUs alone: the file has the host "
        "at 0)\n"
        "gcp tpu-v5p-8 us-east1 on_demand 16.8 2025-07-01\n"
        "gcp tpu-v5p-8 us-east1/us-east1-d spot 8.4 2025-07-01\n",
        "negative 1 gcp-vms.csv:10: gcp a3-highgpu-8g us-west4 on_demand: -9.46\n"
        "no_partner 1 gcp-vms.csv:3: gcp a3-highgpu-8g us-west1-b\n"
        "other_instance 1 gcp-vms.csv:9: gcp tpu-v5p-7552\n"
        "free_host 1 gcp-vms.csv:4: gcp a4-highgpu-8g us-east4 on_demand\n");
}

static void gpuhunt_has_spot_as_a_line(void **state)
{
    (void)state;
    check_import("gcp.csv",
                 "instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,"
                 "disk_size,gpu_vendor,flags,cpu_arch,provider_data\n"
                 "a3-highgpu-8g,us-east4-a,88.5,208,1872,8,H100,80,False,,nvidia,,x86,\"{\"\"a\"\""
                 ": 1}\"\n"
                 "a3-highgpu-8g,us-east4-a,20.5,208,1872,8,H100,80,True,,nvidia,,x86,{}\n"
                 "a3-highgpu-8g,us-east4-b,38.32,208,1872,8,H100,80,False,,nvidia,"
                 "gcp-dws-calendar-mode,x86,{}\n"
                 "a3-highgpu-8g,us-east4-c,20.5,208,1872,8,H100,80,yes,,nvidia,,x86,{}\n",
                 "gcp a3-highgpu-8g us-east4 on_demand 88.5 2025-07-01\n"
                 "gcp a3-highgpu-8g us-east4/us-east4-a spot 20.5 2025-07-01\n"
                 "gcp a3-highgpu-8g us-east4 capacity_block 38.32 2025-07-01 (Dynamic Workload "
                 "Scheduler, calendar mode)\n",
                 "other_terms 1 gcp.csv:5: gcp a3-highgpu-8g: spot is 'yes'\n");
    check_import("lambdalabs.csv",
                 "instance_name,location,price,spot\n"
                 "gpu_8x_h100_sxm5,us-south-1,23.92,False\n",
                 "lambda gpu_8x_h100_sxm5 us-south-1 on_demand 23.92 2025-07-01\n", "");
    check_import("lambda.csv",
                 SKYPILOT "gpu_8x_h100_sxm5,H100,8,208,1800,,23.92,20,all,all-1,x86_64\n",
                 "lambda gpu_8x_h100_sxm5 all on_demand 23.92 2025-07-01\n"
                 "lambda gpu_8x_h100_sxm5 all spot 20 2025-07-01\n",
                 "");
}

#define AWS_PREAMBLE                                                                               \
    "\"FormatVersion\",\"v1.0\"\n\"Disclaimer\",\"a, \"\"b\"\"\"\n"                                \
    "\"Publication Date\",\"2025-06-11T20:31:05Z\"\n\"Version\",\"20250611203105\"\n"              \
    "\"OfferCode\",\"AmazonEC2\"\n"
#define AWS_HEADER                                                                                 \
    "\"SKU\",\"OfferTermCode\",\"TermType\",\"Unit\",\"PricePerUnit\",\"Currency\","               \
    "\"LeaseContractLength\",\"PurchaseOption\",\"OfferingClass\",\"Instance Type\","              \
    "\"Region Code\",\"Tenancy\",\"Operating System\",\"CapacityStatus\",\"Pre Installed S/W\","   \
    "\"MarketOption\"\n"
#define AWS_PLAIN                                                                                  \
    "\"p5.48xlarge\",\"us-east-1\",\"Shared\",\"Linux\",\"Used\",\"NA\",\"OnDemand\"\n"

static void aws_offers_are_of_plain_machines(void **state)
{
    (void)state;
    check_import(
        "index.csv",
        AWS_PREAMBLE AWS_HEADER
        "\"A\",\"J\",\"OnDemand\",\"Hrs\",\"55.0400000000\",\"USD\",\"\",\"\",\"\"," AWS_PLAIN
        "\"B\",\"J\",\"OnDemand\",\"Hrs\",\"63.9\",\"USD\",,,,p5.48xlarge,us-east-1,Dedicated,"
        "Linux,Used,NA,OnDemand\n"
        "\"C\",\"J\",\"OnDemand\",\"Hrs\",\"63.9\",\"USD\",,,,p5.48xlarge,us-east-1,Shared,"
        "Windows,Used,NA,OnDemand\n"
        "\"D\",\"J\",\"OnDemand\",\"Hrs\",\"0\",\"USD\",,,,p5.48xlarge,us-east-1,Shared,Linux,"
        "AllocatedCapacityReservation,NA,OnDemand\n"
        "\"E\",\"J\",\"OnDemand\",\"Hrs\",\"63.9\",\"USD\",,,,p5.48xlarge,us-east-1,Shared,Linux,"
        "Used,SQL Std,OnDemand\n"
        "\"F\",\"J\",\"OnDemand\",\"Hrs\",\"400\",\"CNY\",,,,p5.48xlarge,cn-north-1,Shared,Linux,"
        "Used,NA,OnDemand\n"
        "\"G\",\"J\",\"OnDemand\",\"GB-Mo\",\"0.08\",\"USD\",,,,,us-east-1,,,,,\n",
        "aws p5.48xlarge us-east-1 on_demand 55.04 2025-06-11\n",
        "currency 1 index.csv:12: aws p5.48xlarge cn-north-1 on_demand: CNY\n"
        "other_software 2 index.csv:9: aws p5.48xlarge us-east-1: Shared, Windows, NA, Used\n"
        "other_tenancy 2 index.csv:8: aws p5.48xlarge us-east-1: Dedicated, Linux, NA, Used\n");
}

/* Hourly and upfront parts lie apart; the cheapest way to commit counts, and a half is no price. */
static void aws_reservations_are_spread_over_their_term(void **state)
{
    (void)state;
    check_import(
        "index.csv",
        AWS_PREAMBLE AWS_HEADER
        "A,N1,Reserved,Hrs,35.0,USD,1yr,No Upfront,standard," AWS_PLAIN
        "A,P1,Reserved,Quantity,131400,USD,1yr,Partial Upfront,standard," AWS_PLAIN
        "A,A1,Reserved,Quantity,280320,USD,1yr,All Upfront,standard," AWS_PLAIN
        "A,P1,Reserved,Hrs,15.0,USD,1yr,Partial Upfront,standard," AWS_PLAIN
        "A,A1,Reserved,Hrs,0.0000000000,USD,1yr,All Upfront,standard," AWS_PLAIN
        "A,A3,Reserved,Quantity,525600,USD,3yr,All Upfront,convertible," AWS_PLAIN
        "A,P3,Reserved,Quantity,1000,USD,3yr,Partial Upfront,standard," AWS_PLAIN
        "A,X5,Reserved,Hrs,9,USD,5yr,No Upfront,standard," AWS_PLAIN
        "A,M1,Reserved,Hrs,25,USD,1yr,Partial Upfront,standard," AWS_PLAIN
        "A,M1,Reserved,Quantity,-87600,USD,1yr,Partial Upfront,standard," AWS_PLAIN
        "A,D1,Reserved,Hrs,20,USD,1yr,No Upfront,standard," AWS_PLAIN
        "A,D1,Reserved,Hrs,2,USD,1yr,No Upfront,standard," AWS_PLAIN,
        "aws p5.48xlarge us-east-1 reserved_1y 30 2025-06-11 (standard, Partial Upfront)\n"
        "aws p5.48xlarge us-east-1 reserved_3y 20 2025-06-11 (convertible, All Upfront)\n",
        "negative 1 index.csv:16: aws p5.48xlarge us-east-1 reserved_1y: -87600\n"
        "short_line 1 index.csv:13: aws p5.48xlarge us-east-1 reserved_3y, Partial Upfront: half "
        "of "
        "its price\n"
        "conflict 1 index.csv:18: aws p5.48xlarge us-east-1 reserved_1y: 20 and 2 in one term\n"
        "other_terms 1 index.csv:14: aws p5.48xlarge us-east-1 reserved_1y: lease of '5yr'\n"
        "dearer 2 index.csv:7: aws p5.48xlarge us-east-1 reserved_1y: 35 as of 2025-06-11, and 30 "
        "as of 2025-06-11\n");
}

/* Columns that only EC2 has are missing, and the machine has another column. */
static void aws_sagemaker_is_a_service(void **state)
{
    (void)state;
    check_import("sm.csv",
                 AWS_PREAMBLE "SKU,OfferTermCode,TermType,Unit,PricePerUnit,Currency,Region Code,"
                              "Component,Instance Name\n"
                              "A,J,OnDemand,Hrs,63.296,USD,us-east-1,Training,ml.p5.48xlarge\n"
                              "B,J,OnDemand,Hrs,60,USD,us-east-1,Hosting,ml.p5.48xlarge\n",
                 "aws/sagemaker p5.48xlarge us-east-1 on_demand 63.296 2025-06-11\n",
                 "other_software 1 sm.csv:8: aws ml.p5.48xlarge us-east-1: Hosting\n");
}

static void headers_that_miss_a_column_are_named(void **state)
{
    (void)state;
    static const char text[] = "InstanceType,AcceleratorName,SpotPrice,Region\np5.48xlarge,,,\n";
    check_refused("aws.csv", text, sizeof text - 1, MLB_E_CONFIG,
                  "aws.csv:1: no column 'Price'; there are: InstanceType, AcceleratorName, "
                  "SpotPrice, Region");
    check_refused("index.csv", AWS_PREAMBLE, sizeof AWS_PREAMBLE - 1, MLB_E_CONFIG,
                  "no line that begins with SKU");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skypilot_has_one_line_a_zone),
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(gcp_hosts_and_gpus_are_summed),
        cmocka_unit_test(gpuhunt_has_spot_as_a_line),
        cmocka_unit_test(aws_offers_are_of_plain_machines),
        cmocka_unit_test(aws_reservations_are_spread_over_their_term),
        cmocka_unit_test(aws_sagemaker_is_a_service),
        cmocka_unit_test(headers_that_miss_a_column_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
