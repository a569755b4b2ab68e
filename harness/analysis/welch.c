/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/welch.h"

#include <math.h>

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* Keeps Lentz's fraction from dividing by zero. */
static double not_zero(double x)
{
    const double tiny = 1e-300;
    return fabs(x) < tiny ? tiny : x;
}

/* Continued fraction of the incomplete beta function, DLMF 8.17.22, by Lentz's method; converges in
 * O(sqrt(max(a, b))) steps for x < (a+1)/(a+b+2). */
static double beta_fraction(double x, double a, double b)
{
    double c = 1.0, d = 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0)), h = d;
    for (int m = 1; m <= 1000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0));
        d = 1.0 / not_zero(1.0 + even * d);
        c = not_zero(1.0 + even / c);
        h *= d * c;
        d = 1.0 / not_zero(1.0 + odd * d);
        c = not_zero(1.0 + odd / c);
        h *= d * c;
        if (fabs(d * c - 1.0) < 1e-15)
            break;
    }
    return h;
}

/* Regularised incomplete beta I_x(a, b); the fraction of the other tail where it converges. */
static double beta_share(double x, double a, double b)
{
    if (!(x > 0.0) || x >= 1.0)
        return x >= 1.0 ? 1.0 : 0.0;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1.0) / (a + b + 2.0))
        return front * beta_fraction(x, a, b) / a;
    return 1.0 - front * beta_fraction(1.0 - x, b, a) / b;
}

/* I_x(df/2, 1/2), x = df / (df + t^2): Abramowitz & Stegun 26.7.1. */
double mlb_student_two_sided(double t, double df)
{
    return beta_share(df / (df + t * t), df / 2.0, 0.5);
}

/* The second pass takes away what rounding left in the first: values may share many digits. */
static double mean_of(const double *values, size_t n)
{
    double mean = 0.0, rest = 0.0;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        rest += values[i] - mean;
    return mean + rest / (double)n;
}

/* Variance of the mean, s^2 / n. */
static double variance_of_mean(const double *values, size_t n, double mean)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return sum / (double)(n - 1) / (double)n;
}

double mlb_welch_p(const double *x, size_t n, const double *y, size_t m)
{
    if (n < 2 || m < 2)
        return NAN;
    double mean_x = mean_of(x, n), mean_y = mean_of(y, m);
    double a = variance_of_mean(x, n, mean_x), b = variance_of_mean(y, m, mean_y);
    if (!(a + b > 0.0))
        return mean_x == mean_y ? 1.0 : 0.0;
    /* Satterthwaite 1946 */
    double df = (a + b) * (a + b) / (a * a / (double)(n - 1) + b * b / (double)(m - 1));
    return mlb_student_two_sided((mean_x - mean_y) / sqrt(a + b), df);
}
