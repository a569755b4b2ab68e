/* SPDX-License-Identifier: Apache-2.0 */
/* Peaks of known devices, from configs/devices.json: each figure with its source. A device that is
 * not listed has no peak, and no percentage is printed for it. */
#ifndef MLB_ANALYSIS_PEAK_H
#define MLB_ANALYSIS_PEAK_H

#include <stdbool.h>

#include "harness/base/json.h"
#include "harness/base/status.h"
#include "harness/measure/result.h"

struct mlb_peaks {
    struct mlb_json document; /* zeroed = no table: nothing has a peak */
};

enum mlb_status mlb_peaks_open(struct mlb_peaks *peaks, const char *path, struct mlb_error *err);
void mlb_peaks_close(struct mlb_peaks *peaks);

struct mlb_peak {
    bool known;
    double value;       /* FLOP/s or bytes/s of ONE device */
    const char *source; /* lives as long as `peaks` */
};
/* The peak of such work with elements of `dtype` ("" = no matter); collectives have none here. */
struct mlb_peak mlb_peak_of_work(const struct mlb_peaks *peaks,
                                 const struct mlb_device_info *device, const struct mlb_work *work,
                                 const char *dtype);
/* The peak that the headline rate of `row` is a part of, on `device`; collectives have none here.
 */
struct mlb_peak mlb_peak_of_row(const struct mlb_peaks *peaks, const struct mlb_device_info *device,
                                const struct mlb_row *row);

#endif
