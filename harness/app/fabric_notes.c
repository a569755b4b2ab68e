/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/fabric_notes.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"

enum { NOTES_MOST = 16, LIST = 200, PLACE = 64 };

/* ------------------------------------------------------------------------------------ machines */

static size_t machine_count(const struct mlb_fabric_voice *voices, size_t ranks)
{
    int last = 0;
    for (size_t i = 0; i < ranks; i++)
        last = voices[i].node > last ? voices[i].node : last;
    return (size_t)last + 1;
}

/* The rank that speaks for a machine; NULL when none does. */
static const struct mlb_fabric_voice *speaker(const struct mlb_fabric_voice *voices, size_t ranks,
                                              size_t machine)
{
    for (size_t i = 0; i < ranks; i++)
        if ((size_t)voices[i].node == machine && voices[i].speaks)
            return &voices[i];
    return NULL;
}

/* Adds "3-5" to a list "0,2"; what finds no room is left out at a comma. */
static void add_range(char *list, size_t size, size_t first, size_t last)
{
    char range[48];
    size_t at = strlen(list);
    mlb_format(range, sizeof range, first == last ? "%s%zu" : "%s%zu-%zu", at ? "," : "", first,
               last);
    if (at + strlen(range) < size)
        memcpy(list + at, range, strlen(range) + 1);
}

/* The numbers i below `count` with of[i] == value, as a list. */
static void list_of(const size_t *of, size_t count, size_t value, char *list, size_t size)
{
    list[0] = '\0';
    for (size_t i = 0, end; i < count; i = end + 1) {
        for (end = i; end < count && of[end] == value;)
            end++;
        if (end > i)
            add_range(list, size, i, end - 1);
    }
}

/* "machine 2 (ranks 8-15)"; "" when there is only one. */
static void place_of(const struct mlb_fabric_voice *voices, size_t ranks, size_t machine,
                     char *place, size_t size)
{
    char list[40];
    size_t *nodes = calloc(ranks, sizeof *nodes);
    place[0] = '\0';
    if (!nodes || machine_count(voices, ranks) == 1)
        goto done;
    for (size_t i = 0; i < ranks; i++)
        nodes[i] = (size_t)voices[i].node;
    list_of(nodes, ranks, machine, list, sizeof list);
    mlb_format(place, size, "machine %zu (rank%s %s)", machine, strpbrk(list, "-,") ? "s" : "",
               list);
done:
    free(nodes);
}

/* ---------------------------------------------------------------------------------- alike or not
 */

/* A machine's group is the lowest machine whose network is like its own. */
struct groups {
    size_t machines;
    size_t *of;   /* [machines] */
    size_t usual; /* the group of most machines */
};

static size_t members(const struct groups *groups, size_t group)
{
    size_t count = 0;
    for (size_t i = 0; i < groups->machines; i++)
        count += groups->of[i] == group;
    return count;
}

/* False when out of memory; groups->of is the caller's to free. */
static bool group_machines(const struct mlb_fabric_voice *voices, size_t ranks,
                           struct groups *groups)
{
    groups->machines = machine_count(voices, ranks);
    groups->of = calloc(groups->machines, sizeof *groups->of);
    groups->usual = 0;
    if (!groups->of)
        return false;
    for (size_t i = 0; i < groups->machines; i++) {
        const struct mlb_fabric_voice *mine = speaker(voices, ranks, i);
        groups->of[i] = i;
        for (size_t k = 0; k < i && groups->of[i] == i; k++) {
            const struct mlb_fabric_voice *other = speaker(voices, ranks, k);
            if (groups->of[k] == k && mine && other &&
                mlb_fabric_alike(&mine->brief, &other->brief))
                groups->of[i] = k;
        }
    }
    for (size_t i = 1; i < groups->machines; i++)
        if (members(groups, i) > members(groups, groups->usual))
            groups->usual = i;
    return true;
}

/* --------------------------------------------------------------------------------------- notes */

/* A port that is down among its twins is down beside other machines too: once is enough. */
static bool has_code(const struct mlb_fabric_voice *voice, const char *code)
{
    for (size_t i = 0; i < voice->finding_count; i++)
        if (strcmp(voice->findings[i].code, code) == 0)
            return true;
    return false;
}

struct notes {
    const struct mlb_fabric_voice *voices;
    size_t ranks, told, left_out;
    struct mlb_result *result;
    const struct mlb_log *log;
};

static void tell(struct notes *notes, const char *place, const struct mlb_finding *finding)
{
    if (notes->told == NOTES_MOST) {
        notes->left_out++;
        return;
    }
    notes->told++;
    mlb_result_note(notes->result, finding->warn ? MLB_HEALTH_WARN : MLB_HEALTH_NOTE, finding->code,
                    "%s%s%s", place, place[0] ? ": " : "", finding->text);
}

static bool advises(const struct mlb_fabric_voice *voice, const char *text)
{
    for (size_t i = 0; i < voice->advice_count; i++)
        if (strcmp(voice->advice[i].text, text) == 0)
            return true;
    return false;
}

static bool all_advise(const struct notes *notes, const char *text)
{
    for (size_t i = 0; i < notes->ranks; i++)
        if (notes->voices[i].speaks && !advises(&notes->voices[i], text))
            return false;
    return true;
}

/* What holds for every machine is told once, for none of them. */
static void tell_advice(struct notes *notes, size_t machine, const struct mlb_fabric_voice *voice,
                        const char *place)
{
    for (size_t i = 0; i < voice->advice_count; i++) {
        bool all = all_advise(notes, voice->advice[i].text);
        if (!all || machine == 0)
            tell(notes, all ? "" : place, &voice->advice[i]);
    }
}

static void tell_machine(struct notes *notes, size_t machine, const struct mlb_fabric_brief *usual)
{
    struct mlb_finding items[MLB_VOICE_FINDINGS];
    struct mlb_findings differ = {items, 0, MLB_VOICE_FINDINGS, 0};
    const struct mlb_fabric_voice *voice = speaker(notes->voices, notes->ranks, machine);
    char place[PLACE];
    size_t before = notes->told;
    if (!voice)
        return;
    place_of(notes->voices, notes->ranks, machine, place, sizeof place);
    for (size_t i = 0; i < voice->finding_count; i++)
        tell(notes, place, &voice->findings[i]);
    if (usual)
        mlb_fabric_differ(&voice->brief, usual, &differ);
    for (size_t i = 0; i < differ.count; i++)
        if (!has_code(voice, items[i].code))
            tell(notes, place, &items[i]);
    tell_advice(notes, machine, voice, place);
    notes->left_out += voice->left_out + differ.left_out;
    if (notes->told > before && place[0])
        mlb_log(notes->log, MLB_LOG_WARN, "%s, of which there are notes, is host %s", place,
                voice->host);
}

void mlb_fabric_note(const struct mlb_fabric_voice *voices, size_t ranks, struct mlb_result *result,
                     const struct mlb_log *log)
{
    struct groups groups;
    struct notes notes = {voices, ranks, 0, 0, result, log};
    if (!group_machines(voices, ranks, &groups))
        return;
    const struct mlb_fabric_voice *usual = speaker(voices, ranks, groups.usual);
    for (size_t i = 0; i < groups.machines; i++)
        tell_machine(&notes, i, usual && groups.of[i] != groups.usual ? &usual->brief : NULL);
    if (notes.left_out)
        mlb_result_note(result, MLB_HEALTH_WARN, "fabric", "%zu more findings about networks",
                        notes.left_out);
    free(groups.of);
}

size_t mlb_fabric_other_settings(const struct mlb_fabric_voice *voices, size_t ranks,
                                 size_t *others)
{
    size_t first = 0;
    *others = 0;
    for (size_t i = 1; i < ranks; i++) {
        if (voices[i].settings == voices[0].settings)
            continue;
        first = first ? first : i;
        (*others)++;
    }
    return first;
}

/* ---------------------------------------------------------------------------------------- JSON */

static bool add_kind(cJSON *list, const struct mlb_fabric_brief *brief, unsigned char kind)
{
    size_t ports = 0, up = 0;
    double line_bytes_per_s = 0.0;
    bool known = true;
    for (size_t i = 0; i < brief->port_count; i++) {
        const struct mlb_brief_port *port = &brief->ports[i];
        if (port->kind != kind)
            continue;
        ports++;
        if (port->state != MLB_NIC_UP)
            continue;
        up++;
        line_bytes_per_s += port->line_bytes_per_s;
        known = known && port->line_bytes_per_s > 0.0;
    }
    if (ports == 0)
        return true;
    cJSON *json = cJSON_CreateObject();
    if (!json || !cJSON_AddItemToArray(list, json)) {
        cJSON_Delete(json);
        return false;
    }
    return cJSON_AddStringToObject(json, "kind", mlb_nic_kind_names[kind]) &&
           cJSON_AddNumberToObject(json, "ports", (double)ports) &&
           cJSON_AddNumberToObject(json, "up", (double)up) &&
           (!known || up == 0 ||
            cJSON_AddNumberToObject(json, "line_bytes_per_s", line_bytes_per_s));
}

static bool add_group(cJSON *list, const struct groups *groups, size_t group,
                      const struct mlb_fabric_voice *voice)
{
    char machines[LIST];
    cJSON *json = cJSON_CreateObject();
    if (!json || !cJSON_AddItemToArray(list, json)) {
        cJSON_Delete(json);
        return false;
    }
    list_of(groups->of, groups->machines, group, machines, sizeof machines);
    cJSON *ports = cJSON_AddStringToObject(json, "machines", machines)
                       ? cJSON_AddArrayToObject(json, "ports")
                       : NULL;
    bool good = ports != NULL;
    for (unsigned char kind = 0; good && kind < MLB_NIC_KINDS; kind++)
        good = add_kind(ports, &voice->brief, kind);
    return good && cJSON_AddStringToObject(json, "gpudirect_rdma", voice->brief.gpudirect);
}

cJSON *mlb_fabric_machines(const struct mlb_fabric_voice *voices, size_t ranks)
{
    struct groups groups;
    bool good = group_machines(voices, ranks, &groups);
    cJSON *list = good ? cJSON_CreateArray() : NULL;
    good = list != NULL;
    for (size_t i = 0; good && i < groups.machines; i++) {
        size_t group = i == 0 ? groups.usual : i <= groups.usual ? i - 1 : i; /* the usual first */
        const struct mlb_fabric_voice *voice = speaker(voices, ranks, group);
        if (voice && groups.of[group] == group)
            good = add_group(list, &groups, group, voice);
    }
    free(groups.of);
    if (good)
        return list;
    cJSON_Delete(list);
    return NULL;
}
