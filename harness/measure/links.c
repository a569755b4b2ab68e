/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/links.h"

#include <math.h>
#include <stdlib.h>

const char *const mlb_sick_kind_names[] = {"machine", "rail", "link", "device", "path", NULL};

static double *new_matrix(size_t count)
{
    double *matrix = calloc(count ? count : 1, sizeof *matrix);
    for (size_t i = 0; matrix && i < count; i++)
        matrix[i] = NAN;
    return matrix;
}

struct mlb_links *mlb_links_new(int machines, int rails, int locals)
{
    struct mlb_links *links = calloc(1, sizeof *links);
    size_t n = (size_t)machines, inside = (size_t)locals;
    if (!links)
        return NULL;
    links->machines = machines;
    links->rails = rails;
    links->locals = locals;
    links->pair = new_matrix(n * n);
    links->rail = new_matrix(n * n * (size_t)rails);
    links->local = new_matrix(n * inside * inside);
    links->rail_alone = new_matrix((size_t)rails);
    if (links->pair && links->rail && links->local && links->rail_alone)
        return links;
    mlb_links_free(links);
    return NULL;
}

void mlb_links_free(struct mlb_links *links)
{
    if (!links)
        return;
    free(links->pair);
    free(links->rail);
    free(links->local);
    free(links->rail_alone);
    free(links->sick);
    free(links);
}

struct mlb_maybe mlb_links_rails_alone(const struct mlb_links *links)
{
    struct mlb_maybe sum = {.known = links->rails > 1};
    for (int i = 0; i < links->rails; i++)
        sum.value += links->rail_alone[i];
    sum.known = sum.known && isfinite(sum.value);
    return sum;
}
