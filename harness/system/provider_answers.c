/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/provider_answers.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/text.h"

enum { WORD = 64 };

/* ASCII alone, whatever the locale. */
static bool may_stand(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._:/+-", c));
}

bool mlb_answer_word(const char *text, char *to, size_t size)
{
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    size_t length = strcspn(text, blanks);
    if (length == 0 || length >= size || text[length + strspn(text + length, blanks)] != '\0')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!may_stand(text[i]))
            return false;
    mlb_format(to, size, "%.*s", (int)length, text);
    return true;
}

/* A word of these characters alone, beginning with a letter. */
static bool word_of(const char *text, const char *allowed, char *to, size_t size)
{
    char word[WORD];
    if (!mlb_answer_word(text, word, sizeof word) || strspn(word, allowed) != strlen(word) ||
        !isalpha((unsigned char)word[0]))
        return false;
    return mlb_format(to, size, "%s", word);
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* "projects/1234/zones/us-central1-a" -> "us-central1-a" after "/zones/"; the number before it is
 * the account's and goes no further. */
static bool after(const char *text, const char *folder, const char *allowed, char *to, size_t size)
{
    char path[160];
    if (!mlb_answer_word(text, path, sizeof path) || strncmp(path, "projects/", 9) != 0)
        return false;
    const char *at = strstr(path, folder);
    return at && word_of(at + strlen(folder), allowed, to, size);
}

static bool set_purchase(struct mlb_provider *found, const char *purchase)
{
    return mlb_format(found->purchase, sizeof found->purchase, "%s", purchase);
}

struct pair {
    const char *answer, *purchase;
};

/* A commitment (reserved, savings plan, committed use) is on the bill and not on the machine, which
 * says "on demand" then. */
static bool purchase_of(const char *text, const struct pair *pairs, struct mlb_provider *found)
{
    char word[WORD];
    if (!mlb_answer_word(text, word, sizeof word))
        return false;
    for (; pairs->answer; pairs++)
        if (strcmp(word, pairs->answer) == 0)
            return set_purchase(found, pairs->purchase);
    return false;
}

/* ----------------------------------------------------------------------------------------- AWS */

bool mlb_answer_aws_type(const char *text, struct mlb_provider *found)
{
    char word[WORD];
    if (!word_of(text, LOWER DIGITS ".-", word, sizeof word))
        return false;
    const char *dot = strchr(word, '.');
    if (!dot || dot[1] == '\0' || strchr(dot + 1, '.'))
        return false;
    return mlb_format(found->instance, sizeof found->instance, "%s", word);
}

/* The region ends with the first number: us-east-1a, us-gov-west-1b, us-west-2-lax-1a (a local
 * zone), us-east-1-wl1-bos-wlz-1 (a wavelength zone). */
bool mlb_answer_aws_zone(const char *text, struct mlb_provider *found)
{
    char word[sizeof found->zone];
    if (!word_of(text, LOWER DIGITS "-", word, sizeof word))
        return false;
    size_t name = strcspn(word, DIGITS), region = name + strspn(word + name, DIGITS);
    if (region == name || word[name - 1] != '-' || word[region] == '\0')
        return false;
    mlb_format(found->zone, sizeof found->zone, "%s", word);
    return mlb_format(found->region, sizeof found->region, "%.*s", (int)region, word);
}

bool mlb_answer_aws_life(const char *text, struct mlb_provider *found)
{
    static const struct pair pairs[] = {{"spot", "spot"},
                                        {"on-demand", "on_demand"},
                                        {"capacity-block", "capacity_block"},
                                        {NULL, NULL}};
    return purchase_of(text, pairs, found);
}

bool mlb_answer_sagemaker(const char *text, struct mlb_provider *found)
{
    cJSON *json = cJSON_Parse(text);
    const char *type = NULL;
    char word[WORD];
    bool good = mlb_json_get_text(json, "current_instance_type", &type) &&
                word_of(type, LOWER DIGITS ".-", word, sizeof word) &&
                strncmp(word, "ml.", 3) == 0 &&
                mlb_format(found->instance, sizeof found->instance, "%s", word);
    cJSON_Delete(json);
    return good;
}

/* ----------------------------------------------------------------------------------------- GCP */

bool mlb_answer_gcp_type(const char *text, struct mlb_provider *found)
{
    return after(text, "/machineTypes/", LOWER DIGITS "-", found->instance, sizeof found->instance);
}

bool mlb_answer_gcp_zone(const char *text, struct mlb_provider *found)
{
    char word[sizeof found->zone];
    if (!after(text, "/zones/", LOWER DIGITS "-", word, sizeof word))
        return false;
    const char *last = strrchr(word, '-');
    if (!last || last == word)
        return false;
    mlb_format(found->zone, sizeof found->zone, "%s", word);
    return mlb_format(found->region, sizeof found->region, "%.*s", (int)(last - word), word);
}

bool mlb_answer_gcp_spot(const char *text, struct mlb_provider *found)
{
    static const struct pair pairs[] = {{"TRUE", "spot"}, {"FALSE", "on_demand"}, {NULL, NULL}};
    return purchase_of(text, pairs, found);
}

/* --------------------------------------------------------------------------------------- Azure */

static void azure_place(const cJSON *json, struct mlb_provider *found)
{
    const char *location = NULL, *zone = NULL;
    char number[8];
    if (!mlb_json_get_text(json, "location", &location) ||
        !word_of(location, LOWER DIGITS, found->region, sizeof found->region))
        return;
    if (mlb_json_get_text(json, "zone", &zone) && mlb_answer_word(zone, number, sizeof number) &&
        strspn(number, DIGITS) == strlen(number))
        mlb_format(found->zone, sizeof found->zone, "%s-%s", found->region, number);
}

bool mlb_answer_azure(const char *text, struct mlb_provider *found)
{
    static const struct pair pairs[] = {
        {"Spot", "spot"}, {"Low", "spot"}, {"Regular", "on_demand"}, {NULL, NULL}};
    cJSON *json = cJSON_Parse(text);
    const char *size = NULL, *priority = NULL;
    char word[WORD];
    bool good = mlb_json_get_text(json, "vmSize", &size) &&
                word_of(size, LOWER UPPER DIGITS "_-", word, sizeof word) &&
                strchr(word, '_') != NULL &&
                mlb_format(found->instance, sizeof found->instance, "%s", word);
    if (good)
        azure_place(json, found);
    if (good && mlb_json_get_text(json, "priority", &priority))
        purchase_of(priority, pairs, found);
    cJSON_Delete(json);
    return good;
}

/* ----------------------------------------------------------------------------------------- OCI */

bool mlb_answer_oci_shape(const char *text, struct mlb_provider *found)
{
    char word[WORD];
    if (!word_of(text, LOWER UPPER DIGITS "._-", word, sizeof word) ||
        (strncmp(word, "VM.", 3) != 0 && strncmp(word, "BM.", 3) != 0))
        return false;
    return mlb_format(found->instance, sizeof found->instance, "%s", word);
}

bool mlb_answer_oci_region(const char *text, struct mlb_provider *found)
{
    return word_of(text, LOWER DIGITS "-", found->region, sizeof found->region);
}

/* ociAdName, "phx-ad-1": availabilityDomain has letters of the tenancy's own in front. */
bool mlb_answer_oci_zone(const char *text, struct mlb_provider *found)
{
    char word[sizeof found->zone];
    if (!word_of(text, LOWER UPPER DIGITS "-", word, sizeof word))
        return false;
    for (char *c = word; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return mlb_format(found->zone, sizeof found->zone, "%s", word);
}
