/* SPDX-License-Identifier: Apache-2.0 */
/* The one structure that every printer, judge and test reads, and its JSON form.
 *
 * JSON keys are the field names below, grouped as the comments say; results/schema.json is the
 * contract. Unknown is absent, never 0 or -1. Times are UTC. No user, host name, environment block
 * or credential is ever in a record. */
#ifndef MLB_MEASURE_RESULT_H
#define MLB_MEASURE_RESULT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/device/device.h"
#include "harness/device/telemetry.h"
#include "harness/measure/links.h"
#include "harness/measure/stats.h"
#include "harness/measure/verify.h"
#include "harness/measure/workload.h"
#include "harness/system/provider.h"

#define MLB_RESULT_SCHEMA 1 /* "schema" of a record; older is read, newer is refused */

enum mlb_row_status { MLB_ROW_MEASURED, MLB_ROW_SKIPPED, MLB_ROW_UNTRUSTED, MLB_ROW_FAILED };
extern const char *const mlb_row_status_names[]; /* "measured" ... NULL-terminated */

enum mlb_stop { MLB_STOP_PRECISION, MLB_STOP_TIME, MLB_STOP_SAMPLES, MLB_STOP_BUDGET };
extern const char *const mlb_stop_names[]; /* "precision", "time_limit", "sample_limit", "budget" */

/* How one time per iteration comes from the ranks: collectives take the slowest (they end
 * together); independent work takes the harmonic mean, so that work / time is the mean rate of a
 * rank. */
enum mlb_across { MLB_ACROSS_MAX, MLB_ACROSS_HARMONIC_MEAN };
extern const char *const mlb_across_names[]; /* "max", "harmonic_mean" */

struct mlb_param {
    char name[32];
    char value[64];
};

/* What --sustain adds to a row: none of it is in the row's own time. */
struct mlb_sustain {
    double duration_s; /* of timed load */
    /* From rest: the samples of the first second. */
    struct mlb_summary burst;
    struct mlb_telemetry_window burst_window;
    /* Under lasting load: medians of blocks of half a second, in the order taken; their summary and
     * window are those of the second half. */
    double *block_ns; /* owned */
    size_t block_count;
    struct mlb_summary sustained;
    struct mlb_telemetry_window window;
    double drift_per_min; /* Theil-Sen slope over all blocks, of the median, per minute */
    struct mlb_maybe clock_first_hz, clock_last_hz;
};

/* What one physical port of rank 0's machine moved while the samples were taken. The figures are
 * the port's own: headers of the network are in them, and so are others' bytes. */
struct mlb_row_port {
    char name[32];           /* "mlx5_0", "rdmap79s0", "eth0" */
    char kind[16];           /* mlb_fabric_kind_names: "efa", "ib", "ethernet", ... */
    double line_bytes_per_s; /* of one direction; 0 = unknown */
    uint64_t sent_bytes, received_bytes;
};

#define MLB_ROW_PORTS 64 /* a machine of 32 EFA ports has some of Ethernet beside them */

#define MLB_PARAMS     16
#define MLB_ROW_ID     256
#define MLB_ROW_REASON 320

struct mlb_row {
    /* "gemm[cpu,onednn,dtype=bf16,...]": the comparability key of the case */
    char id[MLB_ROW_ID];
    char workload[32], label[96];
    /* Library: "oneDNN 2.6.3", with version; may be "". */
    char device[16], variant[32], library[64];
    struct mlb_param params[MLB_PARAMS]; /* params: { name: value } */
    size_t param_count;

    enum mlb_row_status status;
    char reason[MLB_ROW_REASON]; /* "" only when measured */
    char started_utc[32];
    double wall_s; /* the whole case, setup and verification included */

    /* work: { formula, flop, operations, bytes, bus_factor } of one step on one rank */
    struct mlb_work work;
    char formula[48]; /* owns what work.formula points to after reading */

    /* samples: { across_ranks, steps_per_sample, warmup_discarded, stop_reason, time_ns: [...] } */
    enum mlb_across across;
    uint64_t steps_per_sample;
    uint64_t warmup_discarded;
    bool warm; /* became steady before the warm-up limit */
    enum mlb_stop stop;
    char launch[8];              /* "stream", "graph"; "" where the device knows no graphs */
    char no_graph[96];           /* why no graph was tried */
    struct mlb_maybe graph_gain; /* how much faster it was than the stream, relative */
    double *time_ns;             /* owned, sample_count long, in the order taken; per STEP */
    size_t sample_count;         /* 0 = nothing was timed */

    struct mlb_summary summary; /* time: of time_ns at 95 % */
    /* percentiles_ns: { p95, p99 } of a collective's single calls. Not known where a sample is the
     * mean of several steps, or there are too few. */
    struct mlb_maybe p95_ns, p99_ns;
    double target; /* the relative half width that was asked for */

    double *rank_median_ns; /* per_rank: { median_ns: [...] }; owned; rank_count long */
    size_t rank_count;

    bool verified;                        /* `verification` is there */
    struct mlb_verification verification; /* worst over ranks; checked and wrong are sums */
    char verification_method[128];        /* owns verification.method after reading */

    struct mlb_details details; /* details: { name: number or text } */

    bool has_telemetry;
    struct mlb_telemetry_window telemetry; /* rank 0's; verdict: the first one not clean */

    /* Rows of collectives: the ports that moved anything, and during how many steps. Absent where
     * nothing was counted. */
    struct mlb_row_port *ports; /* owned; port_count long */
    size_t port_count;
    uint64_t ports_steps;

    bool has_sustain;
    struct mlb_sustain sustain;

    /* shares: { of_datasheet, of_bound, of_published } of the row's rate; analysis/shares.h */
    struct mlb_maybe of_datasheet, of_bound, of_published;
};

enum mlb_health_level { MLB_HEALTH_NOTE, MLB_HEALTH_WARN, MLB_HEALTH_SICK };
struct mlb_health {
    enum mlb_health_level level; /* "note", "warn", "sick": sick means exit code 4 */
    char code[32];               /* "binding", "steal", "slow_rank", "throttled", ... */
    char text[256];
};

#define MLB_HEALTH_MAX 64

struct mlb_fact { /* one entry of the environment's allow-list */
    char name[48];
    char value[160];
};
#define MLB_FACTS_MAX 64

struct mlb_result {
    int schema;
    char program[32], version[32], git[48]; /* "mlbench", "0.1.0", "1a2b3c4" ("" unknown) */
    char run_id[40];                        /* 128 random bits in hex */
    char started_utc[32], ended_utc[32];
    bool complete;                  /* every case of the plan has a row */
    char suite[64], suite_hash[20]; /* hash of the plan: same = same cases with same parameters */
    char host_kind[64];             /* "8x-nvidia-h200", "cpu-2c-xeon": part of the file's name */
    /* Of the command line, those that decide what is measured: --resume. */
    char options[512];
    uint64_t seed;
    char data[16]; /* data kind of all inputs */
    int ranks, nodes;
    int ranks_per_node;
    bool solo, oversubscribed;
    struct mlb_device_info device; /* rank 0's best device */
    int device_count;              /* of that kind, over the job */
    struct mlb_provider provider;  /* of rank 0's machine */
    double price_per_hour;         /* USD for the whole job; 0 = unknown */
    char price_source[160];
    double budget_s; /* 0 = none */
    double wall_s;

    struct mlb_fact facts[MLB_FACTS_MAX]; /* environment: { name: value } */
    size_t fact_count;
    struct mlb_health health[MLB_HEALTH_MAX]; /* health: [ { level, code, text } ] */
    size_t health_count;
    cJSON *topology; /* owned; as `mlbench info --format json` prints it; NULL = absent */
    cJSON *fabric;   /* the same of the network: harness/system/fabric.h */

    struct mlb_rank_place *places; /* places: of each rank; owned; NULL = absent */
    int place_count;
    struct mlb_links *links; /* links: of a survey; owned; NULL = absent */

    struct mlb_row *rows; /* owned */
    size_t row_count, row_capacity;
};

void mlb_row_free(struct mlb_row *row); /* what the row owns */
/* The summary and the percentiles, from time_ns and how it was taken. */
void mlb_row_summarise(struct mlb_row *row);
void mlb_result_free(struct mlb_result *result); /* what the result owns; leaves it zeroed */

/* Moves `row` into the result (row is zeroed). */
enum mlb_status mlb_result_add(struct mlb_result *result, struct mlb_row *row,
                               struct mlb_error *err);
/* The same, but a row with the same id gives way: that case was measured again. */
enum mlb_status mlb_result_put(struct mlb_result *result, struct mlb_row *row,
                               struct mlb_error *err);
const struct mlb_row *mlb_result_find(const struct mlb_result *result, const char *id);
/* The value of a row's parameter; "" when it has none of that name. */
const char *mlb_row_param(const struct mlb_row *row, const char *name);
/* The same workload on the same device by the same variant, and all parameters but `but` the same.
 */
bool mlb_row_same_but(const struct mlb_row *a, const struct mlb_row *b, const char *but);
void mlb_result_note(struct mlb_result *result, enum mlb_health_level level, const char *code,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
void mlb_result_fact(struct mlb_result *result, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Rates of work, from the median and (swapped) the interval of the time. */
enum mlb_rate_kind { MLB_RATE_FLOP, MLB_RATE_BYTES, MLB_RATE_BUS, MLB_RATE_KINDS };
struct mlb_rate {
    bool known;
    double value, low, high; /* per second; low = high = value when there is no interval */
    const char *unit;        /* "FLOP/s", "OP/s", "B/s" */
};
struct mlb_rate mlb_work_rate(const struct mlb_work *work, const struct mlb_summary *time,
                              enum mlb_rate_kind kind);
/* The same of a row that was measured; without its verification, for which see below. */
struct mlb_rate mlb_row_rate(const struct mlb_row *row, enum mlb_rate_kind kind);

/* Work of one step that a rate of this kind counts; 0 = none. And the unit of the rate. */
double mlb_work_amount(const struct mlb_work *work, enum mlb_rate_kind kind);
const char *mlb_work_unit(const struct mlb_work *work, enum mlb_rate_kind kind);

/* What a row is known by: FLOP/s, or bytes/s when it does none. */
enum mlb_rate_kind mlb_work_rate_kind(const struct mlb_work *work);
enum mlb_rate_kind mlb_row_rate_kind(const struct mlb_row *row);
/* Was its result checked, and right? Only then is a rate of it a result. */
bool mlb_row_verified(const struct mlb_row *row);
/* Rates of a phase of --sustain, by its own time. */
struct mlb_rate mlb_phase_rate(const struct mlb_row *row, const struct mlb_summary *time,
                               enum mlb_rate_kind kind);

/* What a unit of work took from the plug: of the device, not of the machine. Unknown when several
 * ranks share it, and for what goes over a link. */
struct mlb_energy {
    bool known;
    bool estimated;  /* mean power x median time, from a window too short for the energy counter */
    double j;        /* per unit */
    const char *per; /* "flop", "op", "byte" */
};
struct mlb_energy mlb_work_energy(const struct mlb_work *work, const struct mlb_summary *time,
                                  const struct mlb_telemetry_window *window);

/* Did the time change over the samples by more than a hundredth, and by more than their spread
 * explains? */
bool mlb_summary_drifts(const struct mlb_summary *time);

/* JSON. to: caller deletes, NULL when out of memory. from: the row/result owns copies. */
cJSON *mlb_row_to_json(const struct mlb_row *row);
enum mlb_status mlb_row_from_json(const cJSON *json, struct mlb_row *row, struct mlb_error *err);
cJSON *mlb_result_head_to_json(const struct mlb_result *result); /* all but the rows */
cJSON *mlb_result_to_json(const struct mlb_result *result);
/* "provider", where anything is known of it; false when out of memory. */
bool mlb_result_add_provider(cJSON *json, const struct mlb_provider *provider);
/* Its places and links, where it has them; false when out of memory. */
bool mlb_result_add_links(cJSON *json, const struct mlb_result *result);
enum mlb_status mlb_result_from_json(const cJSON *json, struct mlb_result *result,
                                     struct mlb_error *err);
/* Read a finished record or a journal (by its content). */
enum mlb_status mlb_result_load(const char *path, struct mlb_result *result, struct mlb_error *err);
/* Atomic. */
enum mlb_status mlb_result_save(const struct mlb_result *result, const char *path,
                                struct mlb_error *err);

#endif
