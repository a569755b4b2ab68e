/* SPDX-License-Identifier: Apache-2.0 */
/* Places of ranks and their links, to and from JSON. */
#include <math.h>
#include <stdlib.h>

#include "harness/measure/result.h"
#include "harness/measure/result_fields.h"
#include "harness/measure/result_reader.h"

#define MOST_CELLS ((uint64_t)1 << 26) /* of a matrix that is read: 1,024 machines of 64 ranks */

#define RAILS_THERE "rails_a_to_b_bytes_per_s"
#define RAILS_BACK  "rails_b_to_a_bytes_per_s"

/* A cell of a matrix, as the record has it. */
struct cell {
    int machine, a, b;
    double there, back; /* bytes/s from a to b, and from b to a */
};

#define FIELD(owner, key, type, when, member, choices)                                             \
    {                                                                                              \
        key, MLB_FIELD_##type, MLB_##when, offsetof(struct owner, member),                         \
            sizeof(((struct owner *)0)->member), choices                                           \
    }
#define PLACE(key, type, when, member) FIELD(mlb_rank_place, key, type, when, member, NULL)
#define LINKS(key, type, when, member) FIELD(mlb_links, key, type, when, member, NULL)
#define SICK(key, type, when, member)  FIELD(mlb_sick, key, type, when, member, NULL)
#define CELL(key, type, member)        FIELD(cell, key, type, ALWAYS, member, NULL)
#define END                                                                                        \
    {                                                                                              \
        NULL, MLB_FIELD_TEXT, MLB_ALWAYS, 0, 0, NULL                                               \
    }

/* clang-format off */
static const struct mlb_field place_fields[] = {
    PLACE("machine", WHOLE, ALWAYS, machine),
    PLACE("local", WHOLE, ALWAYS, local),
    PLACE("pci_id", TEXT, WHEN_KNOWN, pci_id),
    PLACE("uuid", TEXT, WHEN_KNOWN, uuid),
    PLACE("nic", TEXT, WHEN_KNOWN, nic),
    END};

static const struct mlb_field links_fields[] = {
    LINKS("device", TEXT, ALWAYS, device),
    LINKS("library", TEXT, WHEN_KNOWN, library),
    LINKS("message_bytes", WHOLE, ALWAYS, message_bytes),
    LINKS("tries", WHOLE, ALWAYS, tries),
    LINKS("wall_s", REAL, ALWAYS, wall_s),
    LINKS("machines", WHOLE, ALWAYS, machines),
    LINKS("rails", WHOLE, ALWAYS, rails),
    LINKS("locals", WHOLE, ALWAYS, locals),
    LINKS("checked", WHOLE, ALWAYS, checked),
    LINKS("untried", WHOLE, WHEN_KNOWN, untried),
    LINKS("rails_together_bytes_per_s", MAYBE, ALWAYS, rails_together),
    LINKS("bisection_bytes_per_s", MAYBE, ALWAYS, bisection),
    LINKS("bisection_random_bytes_per_s", MAYBE, ALWAYS, bisection_random),
    END};

static const struct mlb_field wrong_fields[] = {
    LINKS("elements", WHOLE, ALWAYS, wrong),
    LINKS("from_rank", WHOLE, ALWAYS, wrong_from),
    LINKS("to_rank", WHOLE, ALWAYS, wrong_to),
    END};

static const struct mlb_field pair_fields[] = {
    CELL("a", WHOLE, a), CELL("b", WHOLE, b),
    CELL("a_to_b_bytes_per_s", REAL, there), CELL("b_to_a_bytes_per_s", REAL, back),
    END};

static const struct mlb_field inside_fields[] = {
    CELL("machine", WHOLE, machine),
    CELL("a", WHOLE, a), CELL("b", WHOLE, b),
    CELL("a_to_b_bytes_per_s", REAL, there), CELL("b_to_a_bytes_per_s", REAL, back),
    END};

static const struct mlb_field sick_fields[] = {
    FIELD(mlb_sick, "kind", CHOICE, ALWAYS, kind, mlb_sick_kind_names),
    SICK("confirmed", BOOL, ALWAYS, confirmed),
    SICK("machine", WHOLE, ALWAYS, machine),
    SICK("share", REAL, ALWAYS, share),
    SICK("sends_share", MAYBE, ALWAYS, sends),
    SICK("receives_share", MAYBE, ALWAYS, receives),
    SICK("gain", REAL, WHEN_KNOWN, gain),
    END};
/* clang-format on */

static const struct mlb_field no_fields[] = {END};
static const struct mlb_field other_fields[] = {SICK("other_machine", WHOLE, ALWAYS, other), END};
static const struct mlb_field local_fields[] = {SICK("local", WHOLE, ALWAYS, local), END};
static const struct mlb_field path_fields[] = {SICK("other_machine", WHOLE, ALWAYS, other),
                                               SICK("local", WHOLE, ALWAYS, local), END};

/* What a verdict of a kind has beside the rest. */
static const struct mlb_field *fields_of_kind(enum mlb_sick_kind kind)
{
    static const struct mlb_field *const fields[] = {
        [MLB_SICK_MACHINE] = no_fields, [MLB_SICK_RAIL] = local_fields,
        [MLB_SICK_LINK] = other_fields, [MLB_SICK_DEVICE] = local_fields,
        [MLB_SICK_PATH] = path_fields,
    };
    return fields[kind];
}

/* --------------------------------------------------------------------------------------- writing
 */

/* One more object in an array; NULL when out of memory. */
static cJSON *add_object(cJSON *array, const struct mlb_field *fields, const void *owner)
{
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
        return NULL;
    }
    return mlb_fields_to_json(item, fields, owner) ? item : NULL;
}

static bool add_places(cJSON *json, const struct mlb_result *result)
{
    if (!result->places)
        return true;
    cJSON *array = cJSON_AddArrayToObject(json, "places");
    for (int i = 0; array && i < result->place_count; i++)
        if (!add_object(array, place_fields, &result->places[i]))
            return false;
    return array != NULL;
}

/* Rails that both machines have stand first; unequal machines have fewer than links->rails. */
static bool add_rails(cJSON *pair, const char *key, const double *rails, int count)
{
    size_t known = 0;
    while (known < (size_t)count && !isnan(rails[known]))
        known++;
    return known == 0 || mlb_reals_to_json(pair, key, rails, known);
}

static bool add_pairs(cJSON *json, const struct mlb_links *links)
{
    cJSON *array = cJSON_AddArrayToObject(json, "pairs");
    for (int a = 0; array && a < links->machines; a++) {
        for (int b = a + 1; b < links->machines; b++) {
            struct cell cell = {0, a, b, *mlb_links_pair(links, a, b),
                                *mlb_links_pair(links, b, a)};
            if (isnan(cell.there) || isnan(cell.back))
                continue;
            cJSON *pair = add_object(array, pair_fields, &cell);
            if (!pair ||
                !add_rails(pair, RAILS_THERE, mlb_links_rail(links, a, b, 0), links->rails) ||
                !add_rails(pair, RAILS_BACK, mlb_links_rail(links, b, a, 0), links->rails))
                return false;
        }
    }
    return array != NULL;
}

static bool add_inside(cJSON *json, const struct mlb_links *links)
{
    cJSON *array = cJSON_AddArrayToObject(json, "inside");
    int n = links->locals;
    for (int i = 0; array && i < links->machines * n * n; i++) {
        const double *rates = mlb_links_inside(links, i / (n * n));
        int a = i / n % n, b = i % n;
        struct cell cell = {i / (n * n), a, b, rates[a * n + b], rates[b * n + a]};
        if (a < b && !isnan(cell.there) && !isnan(cell.back) &&
            !add_object(array, inside_fields, &cell))
            return false;
    }
    return array != NULL;
}

static bool add_sick(cJSON *json, const struct mlb_links *links)
{
    cJSON *array = cJSON_AddArrayToObject(json, "suspects");
    for (size_t i = 0; array && i < links->sick_count; i++) {
        const struct mlb_sick *sick = &links->sick[i];
        cJSON *item = add_object(array, sick_fields, sick);
        if (!item || !mlb_fields_to_json(item, fields_of_kind(sick->kind), sick))
            return false;
    }
    return array != NULL;
}

static bool add_wrong(cJSON *json, const struct mlb_links *links)
{
    cJSON *group = links->wrong ? cJSON_AddObjectToObject(json, "wrong") : NULL;
    return links->wrong == 0 || (group && mlb_fields_to_json(group, wrong_fields, links));
}

static bool add_rail_alone(cJSON *json, const struct mlb_links *links)
{
    return !mlb_links_rails_alone(links).known ||
           mlb_reals_to_json(json, "rail_alone_bytes_per_s", links->rail_alone,
                             (size_t)links->rails);
}

bool mlb_result_add_links(cJSON *json, const struct mlb_result *result)
{
    const struct mlb_links *links = result->links;
    if (!add_places(json, result))
        return false;
    if (!links)
        return true;
    cJSON *group = cJSON_AddObjectToObject(json, "links");
    return group && mlb_fields_to_json(group, links_fields, links) && add_wrong(group, links) &&
           add_rail_alone(group, links) && add_pairs(group, links) && add_inside(group, links) &&
           add_sick(group, links);
}

/* --------------------------------------------------------------------------------------- reading
 */

typedef void read_element(struct mlb_reader *reader, const cJSON *item, void *user);

static void read_array(struct mlb_reader *reader, const cJSON *object, const char *key,
                       read_element *element, void *user)
{
    const cJSON *array = mlb_read_item(reader, object, key, true), *item;
    size_t index = 0;
    if (!array)
        return;
    if (!cJSON_IsArray(array)) {
        mlb_read_wrong_type(reader, key, array, "an array");
        return;
    }
    cJSON_ArrayForEach(item, array)
    {
        size_t length = mlb_read_enter_index(reader, key, index++);
        if (!cJSON_IsObject(item))
            mlb_read_wrong_type(reader, "", item, "an object");
        else
            element(reader, item, user);
        if (reader->status != MLB_OK)
            return;
        mlb_read_leave(reader, length);
    }
}

static void read_place(struct mlb_reader *reader, const cJSON *item, void *user)
{
    struct mlb_result *result = user;
    mlb_read_fields(reader, item, place_fields, &result->places[result->place_count++]);
}

static void read_places(struct mlb_reader *reader, const cJSON *json, struct mlb_result *result)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, "places");
    if (!array)
        return;
    result->places = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof *result->places);
    if (result->places)
        read_array(reader, json, "places", read_place, result);
    else
        mlb_read_fail(reader, "places", "out of memory");
}

static bool check_end(struct mlb_reader *reader, const char *key, int value, int count)
{
    return value < count || mlb_read_fail(reader, key, "is %d, should be below %d", value, count);
}

static void read_rails(struct mlb_reader *reader, const cJSON *item, const char *key, double *rails,
                       int most)
{
    double *rates = NULL;
    size_t count = 0;
    if (reader->status != MLB_OK || !cJSON_GetObjectItemCaseSensitive(item, key))
        return;
    mlb_read_times(reader, item, key, &rates, &count);
    if (count > (size_t)most)
        mlb_read_fail(reader, key, "are more than %d", most);
    for (size_t i = 0; i < count && reader->status == MLB_OK; i++)
        rails[i] = rates[i];
    free(rates);
}

static void read_pair(struct mlb_reader *reader, const cJSON *item, void *user)
{
    struct mlb_links *links = user;
    struct cell cell = {0};
    mlb_read_fields(reader, item, pair_fields, &cell);
    if (reader->status != MLB_OK || !check_end(reader, "a", cell.a, links->machines) ||
        !check_end(reader, "b", cell.b, links->machines))
        return;
    *mlb_links_pair(links, cell.a, cell.b) = cell.there;
    *mlb_links_pair(links, cell.b, cell.a) = cell.back;
    read_rails(reader, item, RAILS_THERE, mlb_links_rail(links, cell.a, cell.b, 0), links->rails);
    read_rails(reader, item, RAILS_BACK, mlb_links_rail(links, cell.b, cell.a, 0), links->rails);
}

static void read_cell_inside(struct mlb_reader *reader, const cJSON *item, void *user)
{
    struct mlb_links *links = user;
    struct cell cell = {0};
    mlb_read_fields(reader, item, inside_fields, &cell);
    if (reader->status != MLB_OK || !check_end(reader, "machine", cell.machine, links->machines) ||
        !check_end(reader, "a", cell.a, links->locals) ||
        !check_end(reader, "b", cell.b, links->locals))
        return;
    double *rates = mlb_links_inside(links, cell.machine);
    rates[cell.a * links->locals + cell.b] = cell.there;
    rates[cell.b * links->locals + cell.a] = cell.back;
}

static void read_one_sick(struct mlb_reader *reader, const cJSON *item, void *user)
{
    struct mlb_links *links = user;
    struct mlb_sick *sick = &links->sick[links->sick_count++];
    mlb_read_fields(reader, item, sick_fields, sick);
    mlb_read_fields(reader, item, fields_of_kind(sick->kind), sick);
    if (reader->status == MLB_OK && check_end(reader, "machine", sick->machine, links->machines) &&
        check_end(reader, "other_machine", sick->other, links->machines))
        check_end(reader, "local", sick->local, links->locals);
}

static void read_arrays(struct mlb_reader *reader, const cJSON *group, struct mlb_links *links)
{
    const cJSON *suspects = cJSON_GetObjectItemCaseSensitive(group, "suspects");
    const cJSON *alone = cJSON_GetObjectItemCaseSensitive(group, "rail_alone_bytes_per_s");
    double *rates = NULL;
    size_t count = 0;
    links->sick = calloc((size_t)cJSON_GetArraySize(suspects) + 1, sizeof *links->sick);
    if (!links->sick)
        mlb_read_fail(reader, "suspects", "out of memory");
    if (alone)
        mlb_read_times(reader, group, "rail_alone_bytes_per_s", &rates, &count);
    if (alone && reader->status == MLB_OK && count != (size_t)links->rails)
        mlb_read_fail(reader, "rail_alone_bytes_per_s", "are not %d", links->rails);
    for (size_t i = 0; i < count && reader->status == MLB_OK; i++)
        links->rail_alone[i] = rates[i];
    free(rates);
    read_array(reader, group, "pairs", read_pair, links);
    read_array(reader, group, "inside", read_cell_inside, links);
    read_array(reader, group, "suspects", read_one_sick, links);
}

/* The arrays are as large as the numbers in front say. */
static struct mlb_links *new_links(struct mlb_reader *reader, const struct mlb_links *head)
{
    uint64_t n = (uint64_t)head->machines, locals = (uint64_t)head->locals;
    uint64_t rails = (uint64_t)head->rails + 1;
    if (n > 65536 || locals > 65536 || rails > 65536 || n * n * rails > MOST_CELLS ||
        locals * locals > MOST_CELLS || n * locals * locals > MOST_CELLS) {
        mlb_read_fail(reader, "machines", "are too many, or their ranks are");
        return NULL;
    }
    struct mlb_links *links = mlb_links_new(head->machines, head->rails, head->locals);
    if (!links)
        mlb_read_fail(reader, "machines", "out of memory");
    return links;
}

void mlb_result_read_links(struct mlb_reader *reader, const cJSON *json, struct mlb_result *result)
{
    struct mlb_links head = {0};
    read_places(reader, json, result);
    const cJSON *group = mlb_read_object(reader, json, "links", false);
    if (!group)
        return;
    size_t length = mlb_read_enter(reader, "links");
    mlb_read_fields(reader, group, links_fields, &head);
    mlb_read_group(reader, group, "wrong", false, wrong_fields, &head);
    struct mlb_links *links = reader->status == MLB_OK ? new_links(reader, &head) : NULL;
    result->links = links;
    if (links) {
        head.pair = links->pair;
        head.rail = links->rail;
        head.local = links->local;
        head.rail_alone = links->rail_alone;
        *links = head;
        read_arrays(reader, group, links);
    }
    mlb_read_leave(reader, length);
}
