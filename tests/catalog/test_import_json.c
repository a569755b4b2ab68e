/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/catalog/import_rig.h"

/* Double quotes stand as single ones in these texts. */
static char *quoted(const char *text)
{
    char *copy = strdup(text);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    return copy;
}

static void check_json(const char *name, const char *text, const char *prices, const char *findings)
{
    char *copy = quoted(text);
    check_import(name, copy, prices, findings);
    free(copy);
}

#define PLAIN                                                                                      \
    "'tenancy':'Shared','operatingSystem':'Linux','capacitystatus':'Used',"                        \
    "'preInstalledSw':'NA','marketoption':'OnDemand'"

static void aws_offers_are_joined_by_sku(void **state)
{
    (void)state;
    check_json(
        "index.json",
        "{'formatVersion':'v1.0','disclaimer':'d','offerCode':'AmazonEC2','version':'1',\n"
        "'publicationDate':'2025-06-11T20:31:05Z',\n'products':{\n"
        "'B2':{'sku':'B2','productFamily':'Compute Instance','attributes':{'instanceType':"
        "'p5.48xlarge','regionCode':'us-east-1'," PLAIN "}},\n"
        "'A1':{'sku':'A1','attributes':{'instanceType':'p4d.24xlarge','regionCode':'us-west-2'"
        "," PLAIN "}},\n"
        "'C3':{'sku':'C3','attributes':{'instanceType':'p5.48xlarge','regionCode':'us-east-1',"
        "'tenancy':'Host','operatingSystem':'Linux'}},\n"
        "'D4':{'sku':'D4','attributes':{'instanceType':'m5.large'}},\n"
        "'E5':{'sku':'E5','productFamily':'Storage','attributes':{'volumeType':'x'}}},\n"
        "'terms':{'OnDemand':{\n"
        "'A1':{'A1.J':{'offerTermCode':'J','sku':'A1','priceDimensions':{'A1.J.6':{'unit':'Hrs',"
        "'pricePerUnit':{'USD':'21.9576420000'}}},'termAttributes':{}}},\n"
        "'B2':{'B2.J':{'priceDimensions':{'x':{'pricePerUnit':{'USD':'55.04'},'unit':'Hrs'}}}},\n"
        "'D4':{'D4.J':{'priceDimensions':{'x':{'pricePerUnit':{'USD':'0.096'},'unit':'Hrs'}}}},\n"
        "'Z9':{}},\n"
        "'Reserved':{'B2':{\n"
        "'B2.N':{'termAttributes':{'LeaseContractLength':'1yr','OfferingClass':'standard',"
        "'PurchaseOption':'No Upfront'},'priceDimensions':{'x':{'unit':'Hrs','pricePerUnit':{"
        "'USD':'36'}}}},\n"
        "'B2.P':{'priceDimensions':{'x':{'unit':'Quantity','pricePerUnit':{'USD':'525600'}},"
        "'y':{'unit':'Hrs','pricePerUnit':{'USD':'5'}}},'termAttributes':{'LeaseContractLength':"
        "'3yr','OfferingClass':'convertible','PurchaseOption':'Partial Upfront'}}}},\n"
        "'FlatRate':{'B2':{'x':[1,2]}}}}\n",
        "aws p4d.24xlarge us-west-2 on_demand 21.95764 2025-06-11\n"
        "aws p5.48xlarge us-east-1 on_demand 55.04 2025-06-11\n"
        "aws p5.48xlarge us-east-1 reserved_1y 36 2025-06-11 (standard, No Upfront)\n"
        "aws p5.48xlarge us-east-1 reserved_3y 25 2025-06-11 (convertible, Partial Upfront)\n",
        "other_instance 1 index.json: aws m5.large\n"
        "other_tenancy 1 index.json: aws p5.48xlarge us-east-1: Host, Linux, , \n");
}

static void sagemaker_is_a_service_of_its_own(void **state)
{
    (void)state;
    check_json("sm.json",
               "{'formatVersion':'v1.0','offerCode':'AmazonSageMaker','publicationDate':'2025-06-01"
               "T00:00:00Z','products':{\n"
               "'A':{'sku':'A','productFamily':'ML Instance','attributes':{'component':'Training',"
               "'instanceName':'ml.p5.48xlarge','regionCode':'us-east-1'}},\n"
               "'B':{'sku':'B','attributes':{'component':'Hosting','instanceName':'ml.p5.48xlarge'"
               ",'regionCode':'us-east-1'}}},\n"
               "'terms':{'OnDemand':{'A':{'A.J':{'priceDimensions':{'x':{'unit':'Hrs',"
               "'pricePerUnit':{'USD':'63.296'}}}}},'B':{'B.J':{'priceDimensions':{'x':{'unit':"
               "'Hrs','pricePerUnit':{'USD':'60'}}}}}}}}",
               "aws/sagemaker p5.48xlarge us-east-1 on_demand 63.296 2025-06-01\n",
               "other_software 1 sm.json: aws ml.p5.48xlarge us-east-1: Hosting\n");
}

static void get_products_has_texts_of_json(void **state)
{
    (void)state;
    static const char product[] =
        "{\"product\":{\"productFamily\":\"Compute Instance\",\"attributes\":{\"instanceType\":"
        "\"p5.48xlarge\",\"regionCode\":\"us-east-2\",\"tenancy\":\"Shared\",\"operatingSystem\":"
        "\"Linux\",\"capacitystatus\":\"Used\",\"preInstalledSw\":\"NA\"},\"sku\":\"A\"},"
        "\"serviceCode\":\"AmazonEC2\",\"terms\":{\"OnDemand\":{\"A.J\":{\"priceDimensions\":{"
        "\"x\":{\"unit\":\"Hrs\",\"pricePerUnit\":{\"USD\":\"%s\"}}}}}},\"version\":\"1\","
        "\"publicationDate\":\"2025-06-11T20:31:05Z\"}";
    char one[1024];
    struct mlb_text text = {0};
    snprintf(one, sizeof one, product, "55.04");
    mlb_text_add(&text, "{\"PriceList\": [\n\"");
    for (const char *at = one; *at; at++)
        mlb_text_addf(&text, *at == '"' ? "\\%c" : "%c", *at);
    snprintf(one, sizeof one, product, "N/A");
    mlb_text_addf(&text, "\",\n%s\n], \"FormatVersion\": \"aws_v1\"}", one);
    check_import("answer.json", text.data, "aws p5.48xlarge us-east-2 on_demand 55.04 2025-06-11\n",
                 "not_a_number 1 answer.json:3: aws p5.48xlarge us-east-2 on_demand: 'N/A'\n");
    mlb_text_free(&text);
    static const char wrong[] = "{\"PriceList\": [\n\n\"{\\\"product\\\": {\"]}";
    check_refused("answer.json", wrong, sizeof wrong - 1, MLB_E_CONFIG,
                  "answer.json:3 (a product):1: cut off");
}

#define SPOT(zone, type, usd, time)                                                                \
    "{'AvailabilityZone':'" zone "','InstanceType':'" type                                         \
    "','ProductDescription':'Linux/UNIX','SpotPrice':'" usd "','Timestamp':'" time "'}"

/* 20 for two days, then 14 for one, up to the last change anywhere: 18 in the mean. */
static void spot_history_is_averaged_over_time(void **state)
{
    (void)state;
    check_json(
        "spot.json",
        "{'SpotPriceHistory':[\n" SPOT("us-east-1a", "p5.48xlarge", "14.0",
                                       "2025-06-12T00:00:00+00:00") ",\n" //
        SPOT("us-east-1a", "p5.48xlarge", "20.0",
             "2025-06-10T00:00:00.000Z") ",\n"                                        //
        SPOT("us-east-1b", "p5.48xlarge", "47.2", "2025-05-01T00:00:00Z") ",\n"       //
        SPOT("us-west-2-lax-1a", "p4d.24xlarge", "7.5", "2025-06-13T00:00:00Z") ",\n" //
        SPOT("us-east-1a", "p5.48xlarge", "15.0",
             "yesterday") ",\n" //
                          "{'AvailabilityZone':'us-east-1a','InstanceType':'p5.48xlarge','"
                          "ProductDescription'"
                          ":'Windows','SpotPrice':'66','Timestamp':'2025-06-12T00:00:00Z'},\n" //
        SPOT("us-east-1a", "m5.large", "0.03", "2025-06-20T00:00:00Z") "],\n'NextToken':''}",
        "aws p4d.24xlarge us-west-2/us-west-2-lax-1a spot 7.5 2025-06-13\n"
        "aws p5.48xlarge us-east-1/us-east-1a spot 18 2025-06-13 (mean over 3.0 days, 14 to "
        "20)\n"
        "aws p5.48xlarge us-east-1/us-east-1b spot 47.2 2025-06-13\n",
        "no_date 1 spot.json:6: aws p5.48xlarge us-east-1a: 'yesterday'\n"
        "other_instance 1 spot.json: aws m5.large\n"
        "other_software 1 spot.json:7: aws p5.48xlarge us-east-1a: Windows\n");
}

/* A number where AWS has a text, and a page that is not the last. */
static void spot_prices_that_are_not_there_are_counted(void **state)
{
    (void)state;
    check_json("spot.json",
               "{'SpotPriceHistory':[" SPOT("us-east-1a", "p5.48xlarge", "",
                                            "2025-06-12T00:00:00Z") "],\n'NextToken':'x'}",
               "",
               "not_a_number 1 spot.json:1: aws p5.48xlarge us-east-1a: no SpotPrice\n"
               "more_pages 1 spot.json:2: NextToken\n");
}

static void a_capacity_block_is_spread_over_its_hours(void **state)
{
    (void)state;
    check_json(
        "blocks.json",
        "{'CapacityBlockOfferings':[\n"
        "{'CapacityBlockOfferingId':'cb-1','InstanceType':'p5.48xlarge','AvailabilityZone':"
        "'us-east-1a','InstanceCount':2,'StartDate':'2025-07-10T11:30:00+00:00','EndDate':"
        "'2025-07-11T11:30:00+00:00','CapacityBlockDurationHours':24,'UpfrontFee':'1993.44',"
        "'CurrencyCode':'USD'},\n"
        "{'InstanceType':'p5.48xlarge','AvailabilityZone':'us-east-1a','InstanceCount':1,"
        "'StartDate':'2025-07-20T11:30:00Z','CapacityBlockDurationHours':48,'UpfrontFee':"
        "'1920.00','CurrencyCode':'USD'},\n"
        "{'InstanceType':'p5.48xlarge','AvailabilityZone':'us-east-1b','InstanceCount':1,"
        "'CapacityBlockDurationHours':0,'UpfrontFee':'1920.00','CurrencyCode':'USD'},\n"
        "{'InstanceType':'p5.48xlarge','AvailabilityZone':'cn-north-1b','InstanceCount':1,"
        "'CapacityBlockDurationHours':24,'UpfrontFee':'1920.00','CurrencyCode':'CNY'}]}",
        "aws p5.48xlarge us-east-1/us-east-1a capacity_block 40 2025-07-01 (48 hours from "
        "2025-07-20, 1 at once)\n",
        "currency 1 blocks.json:5: aws p5.48xlarge cn-north-1b capacity_block: 'CNY'\n"
        "unit 1 blocks.json:4: aws p5.48xlarge us-east-1b capacity_block: 1 instances for 0 hours\n"
        "dearer 1 blocks.json:2: aws p5.48xlarge us-east-1a capacity_block: 41.53 as of "
        "2025-07-01, and 40 as of 2025-07-01\n");
}

#define ITEM(region, price, product, meter, rest)                                                  \
    "{'currencyCode':'USD','retailPrice':" price ",'unitPrice':" price ",'armRegionName':'" region \
    "','effectiveStartDate':'2025-03-01T00:00:00Z','meterName':'" meter                            \
    "','productName':'" product                                                                    \
    "','armSkuName':'Standard_ND96isr_H100_v5','unitOfMeasure':'1 Hour'," rest "},\n"
#define SERIES "Virtual Machines NDsrH100v5 Series"
#define USE    "'type':'Consumption'"

static void azure_meters_are_told_apart(void **state)
{
    (void)state;
    check_json(
        "page.json",
        "{'BillingCurrency':'USD','CustomerEntityId':'Default','Items':[\n" //
        ITEM("eastus", "98.32", SERIES, "ND96isr H100 v5",
             "'savingsPlan':[{'unitPrice':50.0,'retailPrice':51.5,'term':'3 Years'},{'unitPrice':"
             "60.0,'retailPrice':64.0,'term':'1 Year'}]," USE) //
        ITEM("eastus", "551179.2", SERIES, "ND96isr H100 v5",
             "'type':'Reservation','reservationTerm':'1 Year'") //
        ITEM("eastus", "1134244.8", SERIES, "ND96isr H100 v5",
             "'type':'Reservation','reservationTerm':'3 Years'")                             //
        ITEM("eastus", "39.0", SERIES, "ND96isr H100 v5 Spot", USE)                          //
        ITEM("eastus2", "19.664", SERIES, "ND96isr H100 v5 Low Priority", USE)               //
        ITEM("eastus", "102.7", SERIES " Windows", "ND96isr H100 v5", USE)                   //
        ITEM("eastus", "98.32", SERIES, "ND96isr H100 v5", "'type':'DevTestConsumption'")    //
        ITEM("eastus", "98.32", SERIES " Dedicated Host", "ND96isr H100 v5", USE)            //
        ITEM("eastus", "9", SERIES, "x", "'type':'Reservation','reservationTerm':'5 Years'") //
        "{'currencyCode':'EUR','retailPrice':88,'armRegionName':'westeurope','productName':'" SERIES
        "','armSkuName':'Standard_ND96isr_H100_v5','unitOfMeasure':'1 Hour'," USE "},\n"
        "{'currencyCode':'USD','retailPrice':1,'armSkuName':'Standard_D2s_v5'},\n"
        "{'currencyCode':'USD','retailPrice':1,'armSkuName':'','productName':'Bandwidth'}],\n"
        "'NextPageLink':'https://next','Count':12}",
        "azure Standard_ND96isr_H100_v5 eastus on_demand 98.32 2025-07-01\n"
        "azure Standard_ND96isr_H100_v5 eastus spot 39 2025-07-01\n"
        "azure Standard_ND96isr_H100_v5 eastus2 spot 19.664 2025-07-01 (low priority)\n"
        "azure Standard_ND96isr_H100_v5 eastus reserved_1y 62.92 2025-07-01 (reservation)\n"
        "azure Standard_ND96isr_H100_v5 eastus reserved_3y 43.16 2025-07-01 (reservation)\n",
        "currency 1 page.json:11: azure Standard_ND96isr_H100_v5 westeurope: EUR per 1 Hour, "
        "Consumption , " SERIES "\n"
        "other_instance 1 page.json:12: azure Standard_D2s_v5\n"
        "other_software 1 page.json:7: azure Standard_ND96isr_H100_v5 eastus: USD per 1 Hour, "
        "Consumption , " SERIES " Windows\n"
        "other_tenancy 1 page.json:9: azure Standard_ND96isr_H100_v5 eastus: USD per 1 Hour, "
        "Consumption , " SERIES " Dedicated Host\n"
        "other_terms 2 page.json:8: azure Standard_ND96isr_H100_v5 eastus: USD per 1 Hour, "
        "DevTestConsumption , " SERIES "\n"
        "dearer 2 page.json:2: azure Standard_ND96isr_H100_v5 eastus reserved_1y: 64 as of "
        "2025-07-01, and 62.92 as of 2025-07-01\n"
        "more_pages 1 page.json:14: NextPageLink\n");
}

static void azure_spot_is_also_known_by_its_sku(void **state)
{
    (void)state;
    check_json(
        "page.json",
        "{'BillingCurrency':'USD','Items':[\n" ITEM("eastus", "39.0", SERIES, "ND96isr H100 v5",
                                                    USE ",'skuName':'ND96isr H100 v5 Spot'") "{}]}",
        "azure Standard_ND96isr_H100_v5 eastus spot 39 2025-07-01\n", "");
}

static void of_two_azure_prices_the_later_one_holds(void **state)
{
    (void)state;
    check_json(
        "page.json",
        "{'Items':[{'currencyCode':'USD','retailPrice':98.32,'armRegionName':'eastus',"
        "'effectiveStartDate':'2025-06-01T00:00:00Z','armSkuName':'Standard_ND96isr_H100_v5'"
        ",'unitOfMeasure':'1 Hour'," USE "},\n"
        "{'currencyCode':'USD','retailPrice':110.5,'armRegionName':'eastus',"
        "'effectiveStartDate':'2024-01-01T00:00:00Z','armSkuName':'Standard_ND96isr_H100_v5'"
        ",'unitOfMeasure':'1 Hour'," USE "},\n"
        "{'currencyCode':'USD','retailPrice':88.0,'armRegionName':'eastus',"
        "'effectiveStartDate':'2099-01-01T00:00:00Z','armSkuName':'Standard_ND96isr_H100_v5'"
        ",'unitOfMeasure':'1 Hour'," USE "}],'NextPageLink':null,'Count':3}",
        "azure Standard_ND96isr_H100_v5 eastus on_demand 98.32 2025-07-01\n",
        "not_yet 1 page.json:3: azure Standard_ND96isr_H100_v5 eastus on_demand: 88\n"
        "superseded 1 page.json:2: azure Standard_ND96isr_H100_v5 eastus on_demand: 110.5 as "
        "of 2025-07-01, and 98.32 as of 2025-07-01\n");
}

static void vantage_has_all_regions_in_an_instance(void **state)
{
    (void)state;
    check_json(
        "instances.json",
        "[{'instance_type':'m5.large','pricing':{}},\n"
        "{'pricing':{'us-east-1':{'linux':{'ondemand':'55.04','spot_avg':'20.5','spot_min':'14.2',"
        "'spot_max':'47.2','reserved':{'yrTerm1Standard.noUpfront':'36.1',"
        "'yrTerm1Standard.allUpfront':'34.6','yrTerm3Convertible.noUpfront':'28.2'}},'mswin':{"
        "'ondemand':'63'}},'eu-west-1':{'linux':{'ondemand':'N/A','spot_avg':'N/A','reserved':"
        "{}}}},'instance_type':'p5.48xlarge','GPU':8}]",
        "aws p5.48xlarge us-east-1 on_demand 55.04 2025-07-01\n"
        "aws p5.48xlarge us-east-1 spot 20.5 2025-07-01 (mean of the zones, 14.2 to 47.2)\n"
        "aws p5.48xlarge us-east-1 reserved_1y 34.6 2025-07-01 (Standard.allUpfront)\n"
        "aws p5.48xlarge us-east-1 reserved_3y 28.2 2025-07-01 (Convertible.noUpfront)\n",
        "other_instance 1 instances.json:1: aws m5.large\n"
        "dearer 1 instances.json:2: aws p5.48xlarge us-east-1 reserved_1y: 36.1 as of 2025-07-01, "
        "and 34.6 as of 2025-07-01\n");
}

static void lambda_counts_in_cents(void **state)
{
    (void)state;
    check_json("types.json",
               "{'data':{'gpu_8x_h100_sxm5':{'instance_type':{'name':'gpu_8x_h100_sxm5',"
               "'price_cents_per_hour':2392,'specs':{'vcpus':208}},"
               "'regions_with_capacity_available':[]},\n"
               "'gpu_1x_a10':{'instance_type':{'name':'gpu_1x_a10','price_cents_per_hour':75}}}}",
               "lambda gpu_8x_h100_sxm5 all on_demand 23.92 2025-07-01\n",
               "other_instance 1 types.json:2: lambda gpu_1x_a10\n");
    check_json("types.json",
               "{'data':{'a':{'instance_type':{'name':'gpu_8x_h100_sxm5',"
               "'price_cents_per_hour':'2392'}}}}",
               "",
               "not_a_number 1 types.json:1: lambda gpu_8x_h100_sxm5: no price_cents_per_hour\n");
}

static void what_has_no_prices_says_so(void **state)
{
    (void)state;
    static const char text[] = "{\"ranges\":[],\"instance_types\":{},\"spot_advisor\":{}}";
    check_refused("advisor.json", text, sizeof text - 1, MLB_E_CONFIG, "has no prices");
}

/* Wherever a download stops, it is said, and nothing is taken for the whole. */
static void a_cut_document_is_refused_at_every_byte(void **state)
{
    (void)state;
    char *text = quoted("{'SpotPriceHistory':[\n" SPOT("us-east-1a", "p5.48xlarge", "14.0",
                                                       "2025-06-12T00:00:00Z") "]}");
    struct import_rig rig;
    import_begin(&rig);
    for (size_t length = 20; length < strlen(text); length++) {
        check_fails(import_bytes(&rig, "spot.json", text, length), MLB_E_CONFIG, &rig.rig.err,
                    "spot.json:");
        import_again(&rig);
    }
    check_ok(import_text(&rig, "spot.json", text), &rig.rig.err);
    import_end(&rig);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aws_offers_are_joined_by_sku),
        cmocka_unit_test(sagemaker_is_a_service_of_its_own),
        cmocka_unit_test(get_products_has_texts_of_json),
        cmocka_unit_test(spot_history_is_averaged_over_time),
        cmocka_unit_test(spot_prices_that_are_not_there_are_counted),
        cmocka_unit_test(a_capacity_block_is_spread_over_its_hours),
        cmocka_unit_test(azure_meters_are_told_apart),
        cmocka_unit_test(azure_spot_is_also_known_by_its_sku),
        cmocka_unit_test(of_two_azure_prices_the_later_one_holds),
        cmocka_unit_test(vantage_has_all_regions_in_an_instance),
        cmocka_unit_test(lambda_counts_in_cents),
        cmocka_unit_test(what_has_no_prices_says_so),
        cmocka_unit_test(a_cut_document_is_refused_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
