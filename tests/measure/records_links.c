/* SPDX-License-Identifier: Apache-2.0 */
/* A survey of links in a record: three machines of two GPUs, one of which sends slowly. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "tests/measure/records.h"

enum { MACHINES = 3, GPUS = 2 };

static void add_places(struct mlb_result *result)
{
    result->place_count = MACHINES * GPUS;
    result->places = calloc(MACHINES * GPUS, sizeof *result->places);
    if (!result->places)
        abort();
    for (int rank = 0; rank < MACHINES * GPUS; rank++) {
        struct mlb_rank_place *place = &result->places[rank];
        place->machine = rank / GPUS;
        place->local = rank % GPUS;
        mlb_format(place->pci_id, sizeof place->pci_id, "0000:%d0:00.0", 1 + place->local);
        mlb_format(place->uuid, sizeof place->uuid, "GPU-%08d-0000-0000-0000-000000000000", rank);
        mlb_format(place->nic, sizeof place->nic, "mlx5_%d", place->local);
    }
}

/* From the second machine on, what machine 1 sends goes at half the rate. */
static double rate(int from, int to)
{
    return (from == 1 ? 0.5 : 1.0) * (97.1e9 + 0.1e9 * (double)(from + 2 * to));
}

static void add_rates(struct mlb_links *links)
{
    for (int a = 0; a < MACHINES; a++) {
        for (int b = 0; b < MACHINES; b++) {
            if (a == b)
                continue;
            *mlb_links_pair(links, a, b) = rate(a, b);
            for (int i = 0; i < GPUS; i++)
                *mlb_links_rail(links, a, b, i) = rate(a, b) * (0.51 - 0.01 * i);
        }
        mlb_links_inside(links, a)[1] = 370e9 + 1e9 * a;
        mlb_links_inside(links, a)[2] = 371e9 + 1e9 * a;
    }
    for (int i = 0; i < GPUS; i++)
        links->rail_alone[i] = 48.9e9 + 0.2e9 * i;
    links->rails_together = (struct mlb_maybe){true, 97.3e9};
}

void record_links(struct mlb_result *result)
{
    record_empty(result);
    mlb_format(result->host_kind, sizeof result->host_kind, "6x-nvidia-h200");
    mlb_format(result->suite, sizeof result->suite, "links");
    result->complete = true;
    result->ranks = MACHINES * GPUS;
    result->nodes = MACHINES;
    result->ranks_per_node = GPUS;
    add_places(result);
    struct mlb_links *links = mlb_links_new(MACHINES, GPUS, GPUS);
    if (!links || !(links->sick = calloc(2, sizeof *links->sick)))
        abort();
    result->links = links;
    mlb_format(links->device, sizeof links->device, "cuda");
    mlb_format(links->library, sizeof links->library, "NCCL 2.28.9");
    links->message_bytes = 64 << 20;
    links->tries = 3;
    links->wall_s = 2.31;
    links->checked = 73728;
    add_rates(links);
    links->sick_count = 2;
    links->sick[0] = (struct mlb_sick){.kind = MLB_SICK_MACHINE,
                                       .confirmed = true,
                                       .machine = 1,
                                       .share = 0.498,
                                       .sends = {true, 0.498},
                                       .receives = {true, 0.997},
                                       .gain = 2.01};
    links->sick[1] =
        (struct mlb_sick){.kind = MLB_SICK_LINK, .machine = 0, .other = 2, .share = 0.97};
}

/* ---------------------------------------------------------------------------------- comparing */

static bool same_maybe(struct mlb_maybe a, struct mlb_maybe b)
{
    return a.known == b.known && (!a.known || a.value == b.value);
}

/* The same bits, NaN included. */
static bool same_reals(const double *a, const double *b, size_t count)
{
    return memcmp(a, b, count * sizeof *a) == 0;
}

static bool same_sick(const struct mlb_sick *a, const struct mlb_sick *b)
{
    return a->kind == b->kind && a->confirmed == b->confirmed && a->machine == b->machine &&
           a->other == b->other && a->local == b->local && a->share == b->share &&
           same_maybe(a->sends, b->sends) && same_maybe(a->receives, b->receives) &&
           a->gain == b->gain;
}

static bool same_head(const struct mlb_links *a, const struct mlb_links *b)
{
    return strcmp(a->device, b->device) == 0 && strcmp(a->library, b->library) == 0 &&
           a->message_bytes == b->message_bytes && a->tries == b->tries && a->wall_s == b->wall_s &&
           a->machines == b->machines && a->rails == b->rails && a->locals == b->locals &&
           same_maybe(a->rails_together, b->rails_together) &&
           same_maybe(a->bisection, b->bisection) &&
           same_maybe(a->bisection_random, b->bisection_random) && a->checked == b->checked &&
           a->wrong == b->wrong && a->wrong_from == b->wrong_from && a->wrong_to == b->wrong_to &&
           a->untried == b->untried && a->sick_count == b->sick_count;
}

static bool same_links(const struct mlb_links *a, const struct mlb_links *b)
{
    if (!a || !b || !same_head(a, b))
        return a == b;
    size_t n = (size_t)a->machines, rails = (size_t)a->rails, locals = (size_t)a->locals;
    for (size_t i = 0; i < a->sick_count; i++)
        if (!same_sick(&a->sick[i], &b->sick[i]))
            return false;
    return same_reals(a->pair, b->pair, n * n) && same_reals(a->rail, b->rail, n * n * rails) &&
           same_reals(a->local, b->local, n * locals * locals) &&
           same_reals(a->rail_alone, b->rail_alone, rails);
}

bool record_take_links(struct mlb_result *a, struct mlb_result *b)
{
    bool same = a->place_count == b->place_count && same_links(a->links, b->links);
    size_t bytes = (size_t)a->place_count * sizeof *a->places;
    same = same && (bytes == 0 || memcmp(a->places, b->places, bytes) == 0);
    struct mlb_result *results[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        free(results[i]->places);
        mlb_links_free(results[i]->links);
        results[i]->places = NULL;
        results[i]->links = NULL;
    }
    return same;
}
