/* SPDX-License-Identifier: Apache-2.0 */
/* "provider" of a record: absent where nothing is known, whole again when read, refused otherwise.
 */
#include <string.h>

#include "harness/measure/result.h"
#include "tests/check.h"
#include "tests/measure/records.h"

static cJSON *head_with(const struct mlb_provider *provider)
{
    struct mlb_result result = {0};
    record_gpu(&result);
    result.provider = *provider;
    cJSON *json = mlb_result_head_to_json(&result);
    check_true(json != NULL);
    mlb_result_free(&result);
    return json;
}

static void unknown_is_absent(void **state)
{
    (void)state;
    const struct mlb_provider nothing = {0}, runtime = {.runtime = "slurm"};
    cJSON *json = head_with(&nothing);
    check_true(!cJSON_HasObjectItem(json, "provider"));
    cJSON_Delete(json);
    json = head_with(&runtime);
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(json, "provider"));
    check_text(text, "{\"runtime\":\"slurm\",\"method\":\"unknown\"}");
    cJSON_free(text);
    cJSON_Delete(json);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct mlb_provider provider;
    memset(&provider, 0, sizeof provider);
    strcpy(provider.name, "aws");
    strcpy(provider.candidates, "aws p5.48xlarge, oci BM.GPU.H100.8");
    provider.method = MLB_PROVIDER_INFERRED;
    struct mlb_result result;
    struct mlb_error err = {0};
    cJSON *json = head_with(&provider);
    check_ok(mlb_result_from_json(json, &result, &err), &err);
    check_i64(memcmp(&result.provider, &provider, sizeof provider), 0);
    mlb_result_free(&result);
    cJSON_Delete(json);
}

static void other_things_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[]", "provider: is an array, should be an object"},
        {"{}", "provider.method: is missing"},
        {"{\"method\": \"guess\"}", "provider.method: 'guess' is not known; known: unknown, user"},
        {"{\"method\": \"dmi\", \"instance\": 7}", "provider.instance: is a number"},
        {"{\"method\": \"dmi\", \"name\": \"a-name-of-24-characters-\"}",
         "provider.name: is 24 bytes long, at most 23 are allowed"},
    };
    const struct mlb_provider nothing = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_result result;
        struct mlb_error err = {0};
        cJSON *json = head_with(&nothing);
        cJSON_AddItemToObject(json, "provider", cJSON_Parse(rows[i].text));
        check_fails(mlb_result_from_json(json, &result, &err), MLB_E_CONFIG, &err, rows[i].says);
        cJSON_Delete(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_is_absent),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(other_things_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
