/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/multiple.h"

#include <math.h>
#include <stdlib.h>

struct member {
    double p;
    size_t index;
};

static int by_p(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    return (x->p > y->p) - (x->p < y->p);
}

bool mlb_holm(const double *p, size_t count, double *adjusted)
{
    struct member *family = malloc((count ? count : 1) * sizeof *family);
    size_t members = 0;
    if (!family)
        return false;
    for (size_t i = 0; i < count; i++) {
        adjusted[i] = p[i];
        if (!isnan(p[i]))
            family[members++] = (struct member){p[i], i};
    }
    qsort(family, members, sizeof *family, by_p);
    double least = 0.0;
    for (size_t i = 0; i < members; i++) {
        least = fmax(least, fmin(1.0, (double)(members - i) * family[i].p));
        adjusted[family[i].index] = least;
    }
    free(family);
    return true;
}
