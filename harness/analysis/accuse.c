/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/accuse.h"

#include <inttypes.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/base/units.h"

/* ------------------------------------------------------------------------------------------- who
 */

static int rank_at(const struct mlb_result *result, int machine, int local)
{
    for (int rank = 0; rank < result->place_count; rank++)
        if (result->places[rank].machine == machine && result->places[rank].local == local)
            return rank;
    return -1;
}

/* Ranks of a machine in ranges: "4-5", "0,3,6". */
static void add_ranks(struct mlb_text *to, const struct mlb_result *result, int machine)
{
    const char *before = "";
    for (int rank = 0; rank < result->place_count; rank++) {
        int last = rank;
        if (result->places[rank].machine != machine)
            continue;
        while (last + 1 < result->place_count && result->places[last + 1].machine == machine)
            last++;
        mlb_text_addf(to, "%s%d", before, rank);
        if (last > rank)
            mlb_text_addf(to, "-%d", last);
        before = ",";
        rank = last;
    }
}

static void add_machine(struct mlb_text *to, const struct mlb_result *result, int machine)
{
    mlb_text_addf(to, "machine %d", machine);
    if (!result->places)
        return;
    mlb_text_add(to, rank_at(result, machine, 1) < 0 ? " (rank " : " (ranks ");
    add_ranks(to, result, machine);
    mlb_text_add(to, ")");
}

static void add_rank(struct mlb_text *to, const struct mlb_result *result,
                     const struct mlb_sick *sick)
{
    int rank = rank_at(result, sick->machine, sick->local);
    if (rank >= 0)
        mlb_text_addf(to, "rank %d (", rank);
    mlb_text_addf(to, sick->kind == MLB_SICK_RAIL ? "rail %d of machine %d" : "%d of machine %d",
                  sick->local, sick->machine);
    if (rank < 0)
        return;
    const struct mlb_rank_place *place = &result->places[rank];
    if (place->pci_id[0] || place->uuid[0])
        mlb_text_addf(to, ", GPU %s%s%s", place->pci_id,
                      place->pci_id[0] && place->uuid[0] ? " " : "", place->uuid);
    if (place->nic[0] && sick->kind == MLB_SICK_RAIL)
        mlb_text_addf(to, ", near %s", place->nic);
    mlb_text_add(to, ")");
}

void mlb_accuse_who(const struct mlb_result *result, const struct mlb_sick *sick, char *to,
                    size_t size)
{
    struct mlb_text text = {0};
    switch (sick->kind) {
    case MLB_SICK_MACHINE:
        add_machine(&text, result, sick->machine);
        break;
    case MLB_SICK_LINK:
        mlb_text_add(&text, "the way between ");
        add_machine(&text, result, sick->machine);
        mlb_text_add(&text, " and ");
        add_machine(&text, result, sick->other);
        break;
    case MLB_SICK_PATH:
        mlb_text_addf(&text, "rail %d, between rank %d and rank %d", sick->local,
                      rank_at(result, sick->machine, sick->local),
                      rank_at(result, sick->other, sick->local));
        break;
    case MLB_SICK_RAIL:
    case MLB_SICK_DEVICE:
        add_rank(&text, result, sick);
        break;
    }
    mlb_format(to, size, "%s", mlb_text_get(&text));
    mlb_text_free(&text);
}

/* ------------------------------------------------------------------------------------------ what
 */

/* " (sends 50 %, receives 99 %)"; of a link "to the second" and "back". */
static void add_directions(struct mlb_text *to, const struct mlb_sick *sick)
{
    char sends[MLB_UNIT_TEXT], receives[MLB_UNIT_TEXT];
    bool link = sick->kind == MLB_SICK_LINK || sick->kind == MLB_SICK_PATH;
    if (!sick->sends.known || !sick->receives.known)
        return;
    mlb_print_percent(sends, sick->sends.value);
    mlb_print_percent(receives, sick->receives.value);
    if (link)
        mlb_text_addf(to, " (%s to the second, %s back)", sends, receives);
    else
        mlb_text_addf(to, " (sends %s, receives %s)", sends, receives);
}

static void add_gain(struct mlb_text *to, const struct mlb_result *result,
                     const struct mlb_sick *sick)
{
    size_t named = 0;
    for (size_t i = 0; i < result->links->sick_count; i++)
        named += result->links->sick[i].confirmed && result->links->sick[i].gain > 0.0;
    if (!(sick->gain > 0.0))
        return;
    const char *without = named > 1                     ? "all that are named"
                          : sick->kind == MLB_SICK_LINK ? "one of the two"
                          : sick->kind == MLB_SICK_RAIL ? "that machine"
                                                        : "it";
    mlb_text_addf(to, "; without %s the slowest pair is %.2gx as fast", without, sick->gain);
}

static void note_confirmed(struct mlb_result *result, const struct mlb_sick *sick, const char *who)
{
    static const char *const codes[] = {"slow_machine", "slow_rail", "slow_link", "slow_device",
                                        "slow_path"};
    char share[MLB_UNIT_TEXT];
    struct mlb_text text = {0};
    mlb_text_addf(&text, "%s: %s of the rate of its twins%s", who,
                  mlb_print_percent(share, sick->share),
                  sick->kind == MLB_SICK_DEVICE ? " in its machine" : "");
    add_directions(&text, sick);
    mlb_text_add(&text, ", tried again by itself");
    add_gain(&text, result, sick);
    mlb_result_note(result, MLB_HEALTH_SICK, codes[sick->kind], "%s", mlb_text_get(&text));
    mlb_text_free(&text);
}

static void note_suspect(struct mlb_result *result, const struct mlb_sick *sick)
{
    char who[224];
    mlb_accuse_who(result, sick, who, sizeof who);
    if (sick->confirmed)
        note_confirmed(result, sick, who);
    else
        mlb_result_note(result, MLB_HEALTH_NOTE, "link_cleared",
                        "%.160s: slow once, as fast as its twins when tried again", who);
}

void mlb_accuse(struct mlb_result *result)
{
    const struct mlb_links *links = result->links;
    if (!links)
        return;
    if (links->wrong)
        mlb_result_note(result, MLB_HEALTH_SICK, MLB_HEALTH_LINK_DATA,
                        "what rank %d sent arrived wrong at rank %d (%" PRIu64 " of %" PRIu64
                        " elements that were compared, over all ranks)",
                        links->wrong_from, links->wrong_to, links->wrong, links->checked);
    for (size_t i = 0; i < links->sick_count; i++)
        note_suspect(result, &links->sick[i]);
    if (links->untried)
        mlb_result_note(
            result, MLB_HEALTH_WARN, "links_untried",
            "%d %slooked slow; there was nobody to try them again with, no room for more, "
            "or what they gave was too unsteady",
            links->untried, links->sick_count ? "more " : "");
    if (links->machines == 2)
        mlb_result_note(
            result, MLB_HEALTH_NOTE, "few_machines",
            "two machines have one link: whether it is slow as a whole, no twin can tell");
}
