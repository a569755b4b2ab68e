/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/measure/records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"

struct dice {
    uint64_t seed, index;
};

static uint64_t roll(struct dice *dice, uint64_t bound)
{
    return mlb_rng_bits(dice->seed, dice->index++) % bound;
}

/* Any finite double: a random sign, exponent and fraction. */
static double any_real(struct dice *dice)
{
    double value;
    do {
        uint64_t bits = mlb_rng_bits(dice->seed, dice->index++);
        memcpy(&value, &bits, sizeof value);
    } while (!isfinite(value));
    return value;
}

static double known_real(struct dice *dice)
{
    double value = any_real(dice);
    return value == 0.0 ? 1.0 : value;
}

static uint64_t any_whole(struct dice *dice)
{
    uint64_t value = mlb_rng_bits(dice->seed, dice->index++) >> roll(dice, 64);
    return value ? value : 1;
}

static int any_int(struct dice *dice)
{
    return 1 + (int)roll(dice, 0x7fffffff);
}

static void any_text(struct dice *dice, char *to, size_t size)
{
    static const char *const parts[] = {
        "a",    "Z", "0", " ", "\"", "\\",   "/",        "\n",           "\t",
        "\x01", ",", "{", "]", "%",  "\x7f", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    size_t length = 1 + roll(dice, size - 1), at = 0;
    for (;;) {
        const char *part = parts[roll(dice, sizeof parts / sizeof parts[0])];
        if (at + strlen(part) > length)
            break;
        memcpy(to + at, part, strlen(part));
        at += strlen(part);
    }
    if (at == 0)
        to[at++] = 'x';
    to[at] = '\0';
}

#define ANY_TEXT(dice, array) any_text((dice), (array), sizeof(array))

static struct mlb_maybe maybe(struct dice *dice)
{
    struct mlb_maybe value = {.known = roll(dice, 2)};
    if (value.known)
        value.value = any_real(dice);
    return value;
}

static void random_telemetry(struct dice *dice, struct mlb_telemetry_window *window)
{
    ANY_TEXT(dice, window->source);
    ANY_TEXT(dice, window->verdict);
    ANY_TEXT(dice, window->clock_source);
    ANY_TEXT(dice, window->throttle);
    window->duration_s = any_real(dice);
    window->steps = any_whole(dice);
    struct mlb_maybe *figures[] = {&window->clock_min_hz,
                                   &window->clock_median_hz,
                                   &window->clock_first_hz,
                                   &window->clock_last_hz,
                                   &window->clock_kernel_hz,
                                   &window->clock_ranks_mean_hz,
                                   &window->memory_clock_median_hz,
                                   &window->power_mean_w,
                                   &window->energy_j,
                                   &window->power_limit_w,
                                   &window->power_default_w,
                                   &window->memory_temperature_max_c,
                                   &window->throttled_board_fraction,
                                   &window->throttled_reliability_fraction,
                                   &window->other_processes,
                                   &window->others_sm_fraction,
                                   &window->remapped_rows,
                                   &window->temperature_max_c,
                                   &window->throttled_power_fraction,
                                   &window->throttled_thermal_fraction,
                                   &window->steal_fraction,
                                   &window->others_fraction,
                                   &window->involuntary_switches,
                                   &window->ecc_uncorrected};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        struct mlb_maybe value = maybe(dice);
        figures[i]->known = value.known;
        figures[i]->value = value.value;
    }
}

static double *random_times(struct dice *dice, size_t n)
{
    double *values = malloc(n * sizeof *values);
    if (!values)
        abort();
    for (size_t i = 0; i < n; i++)
        values[i] = fabs(any_real(dice));
    return values;
}

static void random_summary(struct dice *dice, struct mlb_summary *time, size_t n)
{
    time->n = n;
    double *figures[] = {&time->median, &time->min,  &time->max,  &time->q1,
                         &time->q3,     &time->lag1, &time->drift};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        *figures[i] = any_real(dice);
    time->interval.known = roll(dice, 2);
    if (time->interval.known) {
        time->interval.low = any_real(dice);
        time->interval.high = any_real(dice);
        time->interval.coverage = any_real(dice);
    }
}

static void random_sustain(struct dice *dice, struct mlb_row *row)
{
    struct mlb_sustain *sustain = &row->sustain;
    row->has_sustain = true;
    sustain->duration_s = any_real(dice);
    sustain->drift_per_min = any_real(dice);
    sustain->clock_first_hz = maybe(dice);
    sustain->clock_last_hz = maybe(dice);
    sustain->block_count = 1 + roll(dice, 30);
    sustain->block_ns = random_times(dice, sustain->block_count);
    random_summary(dice, &sustain->burst, 1 + roll(dice, 100));
    random_summary(dice, &sustain->sustained, sustain->block_count);
    if (!row->has_telemetry)
        return;
    random_telemetry(dice, &sustain->burst_window);
    random_telemetry(dice, &sustain->window);
}

static void random_samples(struct dice *dice, struct mlb_row *row)
{
    row->sample_count = 1 + roll(dice, 30);
    row->time_ns = random_times(dice, row->sample_count);
    row->rank_count = 1 + roll(dice, 8);
    row->rank_median_ns = random_times(dice, row->rank_count);
    row->across = (enum mlb_across)roll(dice, 2);
    row->stop = (enum mlb_stop)roll(dice, 4);
    row->steps_per_sample = any_whole(dice);
    row->warmup_discarded = any_whole(dice);
    row->warm = roll(dice, 2);
    row->target = any_real(dice);
    ANY_TEXT(dice, row->launch);
    ANY_TEXT(dice, row->no_graph);
    row->graph_gain = maybe(dice);
    random_summary(dice, &row->summary, row->sample_count);
}

static void random_verification(struct dice *dice, struct mlb_row *row)
{
    struct mlb_verification *verification = &row->verification;
    row->verified = true;
    verification->checked = any_whole(dice);
    verification->wrong = row->status == MLB_ROW_MEASURED ? 0 : any_whole(dice);
    verification->worst_ratio = any_real(dice);
    verification->worst_error = any_real(dice);
    verification->worst_tolerance = any_real(dice);
    ANY_TEXT(dice, verification->first_wrong);
    ANY_TEXT(dice, row->verification_method);
    verification->method = row->verification_method;
}

static void random_ports(struct dice *dice, struct mlb_row *row)
{
    row->port_count = 1 + roll(dice, MLB_ROW_PORTS);
    row->ports = calloc(row->port_count, sizeof *row->ports);
    if (!row->ports)
        abort();
    row->ports_steps = any_whole(dice);
    for (size_t i = 0; i < row->port_count; i++) {
        struct mlb_row_port *port = &row->ports[i];
        ANY_TEXT(dice, port->name);
        ANY_TEXT(dice, port->kind);
        port->line_bytes_per_s = known_real(dice);
        port->sent_bytes = any_whole(dice);
        port->received_bytes = any_whole(dice);
    }
}

void record_random_row(struct mlb_row *row, uint64_t seed)
{
    struct dice dice = {.seed = seed};
    memset(row, 0, sizeof *row);
    char *texts[] = {row->workload, row->device, row->variant};
    size_t sizes[] = {sizeof row->workload, sizeof row->device, sizeof row->variant};
    for (size_t i = 0; i < 3; i++)
        any_text(&dice, texts[i], sizes[i]);
    any_text(&dice, row->id, sizeof row->id - 24);
    snprintf(row->id + strlen(row->id), 24, "%llu", (unsigned long long)seed);
    ANY_TEXT(&dice, row->label);
    ANY_TEXT(&dice, row->library);
    ANY_TEXT(&dice, row->started_utc);
    row->wall_s = any_real(&dice);
    row->param_count = roll(&dice, MLB_PARAMS + 1);
    for (size_t i = 0; i < row->param_count; i++) {
        snprintf(row->params[i].name, sizeof row->params[i].name, "p%zu", i);
        ANY_TEXT(&dice, row->params[i].value);
    }
    row->status = (enum mlb_row_status)roll(&dice, 4);
    if (row->status != MLB_ROW_MEASURED)
        ANY_TEXT(&dice, row->reason);
    ANY_TEXT(&dice, row->formula);
    row->work.formula = row->formula;
    row->work.flop = known_real(&dice);
    row->work.operations = roll(&dice, 2);
    row->work.bytes = known_real(&dice);
    row->work.bus_factor = known_real(&dice);
    row->work.link = roll(&dice, 2);
    if (row->status == MLB_ROW_MEASURED || roll(&dice, 2))
        random_samples(&dice, row);
    row->p95_ns = row->sample_count ? maybe(&dice) : row->p95_ns;
    row->p99_ns = row->sample_count ? maybe(&dice) : row->p99_ns;
    if (row->status == MLB_ROW_MEASURED || roll(&dice, 2))
        random_verification(&dice, row);
    for (size_t i = roll(&dice, MLB_DETAILS + 1); i > 0; i--) {
        char name[16], text[sizeof row->details.items[0].text];
        snprintf(name, sizeof name, "d%zu", i);
        ANY_TEXT(&dice, text);
        if (roll(&dice, 2))
            mlb_detail_number(&row->details, name, any_real(&dice));
        else
            mlb_detail_text(&row->details, name, "%s", text);
    }
    row->has_telemetry = roll(&dice, 2);
    if (row->has_telemetry)
        random_telemetry(&dice, &row->telemetry);
    if (roll(&dice, 2))
        random_ports(&dice, row);
    if (roll(&dice, 2))
        random_sustain(&dice, row);
    row->of_datasheet = maybe(&dice);
    row->of_bound = maybe(&dice);
    row->of_published = maybe(&dice);
}

static void random_head(struct dice *dice, struct mlb_result *result)
{
    ANY_TEXT(dice, result->program);
    ANY_TEXT(dice, result->version);
    ANY_TEXT(dice, result->git);
    ANY_TEXT(dice, result->run_id);
    ANY_TEXT(dice, result->started_utc);
    ANY_TEXT(dice, result->ended_utc);
    ANY_TEXT(dice, result->options);
    ANY_TEXT(dice, result->suite);
    ANY_TEXT(dice, result->suite_hash);
    ANY_TEXT(dice, result->host_kind);
    ANY_TEXT(dice, result->data);
    ANY_TEXT(dice, result->price_source);
    result->schema = MLB_RESULT_SCHEMA;
    result->complete = roll(dice, 2);
    result->seed = any_whole(dice);
    result->ranks = any_int(dice);
    result->nodes = any_int(dice);
    result->ranks_per_node = any_int(dice);
    result->solo = roll(dice, 2);
    result->oversubscribed = roll(dice, 2);
    result->device_count = any_int(dice);
    result->price_per_hour = known_real(dice);
    result->budget_s = known_real(dice);
    result->wall_s = any_real(dice);
}

static void random_provider(struct dice *dice, struct mlb_provider *provider)
{
    if (roll(dice, 4) == 0)
        return;
    ANY_TEXT(dice, provider->name);
    ANY_TEXT(dice, provider->service);
    ANY_TEXT(dice, provider->instance);
    ANY_TEXT(dice, provider->region);
    ANY_TEXT(dice, provider->zone);
    ANY_TEXT(dice, provider->purchase);
    ANY_TEXT(dice, provider->runtime);
    ANY_TEXT(dice, provider->evidence);
    ANY_TEXT(dice, provider->candidates);
    provider->method = (enum mlb_provider_method)roll(dice, MLB_PROVIDER_INFERRED + 1);
}

static void random_device(struct dice *dice, struct mlb_device_info *device)
{
    ANY_TEXT(dice, device->kind);
    ANY_TEXT(dice, device->name);
    ANY_TEXT(dice, device->pci_id);
    ANY_TEXT(dice, device->uuid);
    device->index = any_int(dice);
    device->memory_bytes = any_whole(dice);
    device->last_cache_bytes = any_whole(dice);
    device->units = (uint32_t)any_int(dice);
    device->capability = (uint32_t)any_int(dice);
    device->clock_hz = known_real(dice);
    device->memory_bytes_per_s = known_real(dice);
}

static void random_places(struct dice *dice, struct mlb_result *result)
{
    result->place_count = 1 + (int)roll(dice, 9);
    result->places = calloc((size_t)result->place_count, sizeof *result->places);
    if (!result->places)
        abort();
    for (int i = 0; i < result->place_count; i++) {
        struct mlb_rank_place *place = &result->places[i];
        place->machine = any_int(dice);
        place->local = any_int(dice);
        ANY_TEXT(dice, place->pci_id);
        ANY_TEXT(dice, place->uuid);
        ANY_TEXT(dice, place->nic);
    }
}

static double rate(struct dice *dice)
{
    return fabs(any_real(dice));
}

/* What was measured in one direction was measured in the other; of rails the first ones. */
static void random_rates(struct dice *dice, struct mlb_links *links)
{
    for (int a = 0; a < links->machines; a++) {
        for (int b = a + 1; b < links->machines; b++) {
            uint64_t rails = roll(dice, (uint64_t)links->rails + 1);
            if (roll(dice, 4) == 0)
                continue;
            *mlb_links_pair(links, a, b) = rate(dice);
            *mlb_links_pair(links, b, a) = rate(dice);
            for (uint64_t i = 0; i < rails; i++) {
                *mlb_links_rail(links, a, b, (int)i) = rate(dice);
                *mlb_links_rail(links, b, a, (int)i) = rate(dice);
            }
        }
    }
    for (int i = 0; i < links->machines && links->locals > 1; i++) {
        mlb_links_inside(links, i)[1] = rate(dice);
        mlb_links_inside(links, i)[links->locals] = rate(dice);
    }
    for (int i = 0; i < links->rails && links->rails > 1; i++)
        links->rail_alone[i] = (double)roll(dice, 1000000) / 7.0;
}

static void random_sick(struct dice *dice, struct mlb_links *links)
{
    links->sick_count = roll(dice, 5);
    links->sick = calloc(links->sick_count + 1, sizeof *links->sick);
    if (!links->sick)
        abort();
    for (size_t i = 0; i < links->sick_count; i++) {
        struct mlb_sick *sick = &links->sick[i];
        sick->kind = (enum mlb_sick_kind)roll(dice, 5);
        sick->confirmed = roll(dice, 2);
        sick->machine = (int)roll(dice, (uint64_t)links->machines);
        if (sick->kind == MLB_SICK_LINK || sick->kind == MLB_SICK_PATH)
            sick->other = (int)roll(dice, (uint64_t)links->machines);
        if (sick->kind != MLB_SICK_LINK && sick->kind != MLB_SICK_MACHINE)
            sick->local = (int)roll(dice, (uint64_t)links->locals);
        sick->share = any_real(dice);
        sick->sends = maybe(dice);
        sick->receives = maybe(dice);
        sick->gain = any_real(dice);
    }
}

static void random_links(struct dice *dice, struct mlb_result *result)
{
    struct mlb_links *links =
        mlb_links_new(1 + (int)roll(dice, 5), (int)roll(dice, 4), 1 + (int)roll(dice, 4));
    if (!links)
        abort();
    result->links = links;
    ANY_TEXT(dice, links->device);
    ANY_TEXT(dice, links->library);
    links->message_bytes = any_whole(dice);
    links->tries = any_int(dice);
    links->wall_s = any_real(dice);
    links->rails_together = maybe(dice);
    links->bisection = maybe(dice);
    links->bisection_random = maybe(dice);
    links->checked = any_whole(dice);
    links->untried = any_int(dice);
    if (roll(dice, 2)) {
        links->wrong = any_whole(dice);
        links->wrong_from = any_int(dice);
        links->wrong_to = any_int(dice);
    }
    random_rates(dice, links);
    random_sick(dice, links);
}

void record_random(struct mlb_result *result, uint64_t seed)
{
    struct dice dice = {.seed = seed};
    memset(result, 0, sizeof *result);
    random_head(&dice, result);
    random_device(&dice, &result->device);
    random_provider(&dice, &result->provider);
    result->fact_count = roll(&dice, MLB_FACTS_MAX + 1);
    for (size_t i = 0; i < result->fact_count; i++) {
        snprintf(result->facts[i].name, sizeof result->facts[i].name, "fact.%zu", i);
        ANY_TEXT(&dice, result->facts[i].value);
    }
    result->health_count = roll(&dice, MLB_HEALTH_MAX + 1);
    for (size_t i = 0; i < result->health_count; i++) {
        result->health[i].level = (enum mlb_health_level)roll(&dice, 3);
        ANY_TEXT(&dice, result->health[i].code);
        ANY_TEXT(&dice, result->health[i].text);
    }
    if (roll(&dice, 2))
        random_places(&dice, result);
    if (roll(&dice, 2))
        random_links(&dice, result);
    for (uint64_t i = roll(&dice, 20); i > 0; i--) {
        struct mlb_row row;
        record_random_row(&row, seed * 100 + i);
        if (mlb_result_add(result, &row, NULL) != MLB_OK)
            abort();
    }
}
