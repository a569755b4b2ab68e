/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench info: the machine as the benchmark sees it. Opens no MPI; asks devices for what they are.
 */
#include <stdio.h>
#include <string.h>

#include "harness/app/commands.h"
#include "harness/app/guess.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/base/version.h"
#include "harness/device/device.h"
#include "harness/measure/comm.h"
#include "harness/measure/result.h"
#include "harness/report/report.h"
#include "harness/system/environment.h"
#include "harness/system/fabric.h"
#include "harness/system/provider.h"
#include "harness/system/topology.h"

static void print_device(const struct mlb_device_info *info, struct mlb_text *text)
{
    char memory[MLB_UNIT_TEXT], cache[MLB_UNIT_TEXT];
    mlb_text_addf(text, "  %s:%d  %s  %u %s%s  %s memory  %s last cache", info->kind, info->index,
                  info->name, info->units, strcmp(info->kind, "cpu") == 0 ? "core" : "SM",
                  info->units == 1 ? "" : "s", mlb_print_bytes(memory, info->memory_bytes),
                  mlb_print_bytes(cache, info->last_cache_bytes));
    if (info->pci_id[0])
        mlb_text_addf(text, "  %s", info->pci_id);
    mlb_text_add(text, "\n");
}

static void device_json(const struct mlb_device_info *info, cJSON *list)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "kind", info->kind);
    cJSON_AddNumberToObject(object, "index", info->index);
    cJSON_AddStringToObject(object, "name", info->name);
    cJSON_AddNumberToObject(object, "units", info->units);
    cJSON_AddNumberToObject(object, "memory_bytes", (double)info->memory_bytes);
    cJSON_AddNumberToObject(object, "last_cache_bytes", (double)info->last_cache_bytes);
    if (info->pci_id[0])
        cJSON_AddStringToObject(object, "pci_id", info->pci_id);
    if (info->uuid[0])
        cJSON_AddStringToObject(object, "uuid", info->uuid);
    cJSON_AddItemToArray(list, object);
}

static void ask_device(const struct mlb_backend *backend, int index, struct mlb_text *text,
                       cJSON *list)
{
    struct mlb_device *device = NULL;
    struct mlb_error why = {0};
    if (backend->open(index, 0, &device, &why) != MLB_OK) {
        mlb_text_addf(text, "  %s:%d  cannot be opened: %s\n", backend->kind, index, why.text);
        return;
    }
    print_device(&device->info, text);
    device_json(&device->info, list);
    backend->close(device);
}

static void ask_devices(struct mlb_text *text, cJSON *list)
{
    for (size_t i = 0; mlb_backends[i]; i++) {
        int count = 0;
        char why[320] = "";
        struct mlb_error err = {0};
        if (mlb_backends[i]->count(&count, why, sizeof why, &err) != MLB_OK)
            mlb_format(why, sizeof why, "%s", err.text);
        if (count == 0)
            mlb_text_addf(text, "  %s: none: %s\n", mlb_backends[i]->kind, why);
        for (int index = 0; index < count; index++)
            ask_device(mlb_backends[i], index, text, list);
    }
}

static void print_channels(struct mlb_text *text, cJSON *libraries)
{
    for (size_t i = 0; mlb_channels[i]; i++) {
        char version[96] = "";
        mlb_channels[i]->version(version, sizeof version);
        mlb_text_addf(text, "  collectives on %s: %s: %s\n", mlb_channels[i]->device_kind,
                      mlb_channels[i]->name, version[0] ? version : "not there");
        if (version[0])
            cJSON_AddStringToObject(libraries, mlb_channels[i]->name, version);
    }
}

struct fact_sink {
    struct mlb_text *text;
    cJSON *object;
};

static void print_fact(void *user, const char *name, const char *value)
{
    struct fact_sink *sink = user;
    mlb_text_addf(sink->text, "  %-22s %s\n", name, value);
    cJSON_AddStringToObject(sink->object, name, value);
}

static void print_fabric(struct mlb_fabric *fabric, struct mlb_text *text, cJSON *json)
{
    mlb_fabric_read("", fabric);
    mlb_fabric_read_nvlinks(NULL, fabric);
    mlb_text_add(text, "\nnetwork\n");
    mlb_fabric_print(fabric, text);
    cJSON_AddItemToObject(json, "fabric", mlb_fabric_to_json(fabric));
}

/* The GPUs of the list of devices: the first one's name, and how many there are. */
static void find_gpus(const cJSON *devices, struct mlb_fingerprint *print)
{
    const cJSON *device;
    cJSON_ArrayForEach(device, devices)
    {
        const char *kind = "cpu";
        if (!mlb_json_get_text(device, "kind", &kind) || strcmp(kind, "cpu") == 0)
            continue;
        if (print->gpus++ == 0)
            mlb_json_get_text(device, "name", &print->gpu);
    }
}

static bool print_provider(const struct mlb_provider *provider, struct mlb_text *text, cJSON *json)
{
    char line[512];
    if (!mlb_provider_text(provider, line, sizeof line))
        mlb_format(line, sizeof line, "unknown; --provider and --instance say it");
    mlb_text_addf(text, "\nprovider\n  %s\n", line);
    if (provider->evidence[0])
        mlb_text_addf(text, "  evidence: %s\n", provider->evidence);
    return mlb_result_add_provider(json, provider);
}

/* All that can be read while the provider's service is asked; then what it said. */
static enum mlb_status describe(const struct mlb_topology *topology, const struct mlb_log *log,
                                struct mlb_provider_search *search, struct mlb_text *text,
                                cJSON *json, struct mlb_error *err)
{
    struct mlb_topology_counts counts;
    struct mlb_fabric fabric;
    struct mlb_provider provider;
    mlb_topology_print(topology, text);
    cJSON_AddItemToObject(json, "topology", mlb_topology_to_json(topology));
    print_fabric(&fabric, text, json);
    mlb_text_add(text, "\ndevices\n");
    cJSON *devices = cJSON_AddArrayToObject(json, "devices");
    ask_devices(text, devices);
    mlb_topology_counts(topology, &counts);
    struct mlb_fingerprint print = {
        .gpu = "", .cpu = counts.cpu_model, .fabric = &fabric, .present = counts.gpus};
    find_gpus(devices, &print);
    mlb_provider_end(search, &provider);
    mlb_guess_instance(&print, log, &provider);
    if (!print_provider(&provider, text, json))
        return mlb_fail(err, MLB_E_NOMEM, "info: out of memory");
    mlb_text_add(text, "\nlibraries\n");
    print_channels(text, cJSON_AddObjectToObject(json, "libraries"));
    mlb_text_add(text, "\nenvironment (what a record holds of it)\n");
    struct fact_sink sink = {text, cJSON_AddObjectToObject(json, "environment")};
    mlb_environment_facts(print_fact, &sink);
    return MLB_OK;
}

static enum mlb_status gather(const struct mlb_options *options, struct mlb_text *text, cJSON *json,
                              struct mlb_error *err)
{
    const struct mlb_log log = {options->verbose ? MLB_LOG_DEBUG : MLB_LOG_WARN, 2, -1};
    const struct mlb_provider_query query = {
        .root = "", .name = options->provider, .instance = options->instance, .log = &log};
    struct mlb_provider_search *search = NULL;
    struct mlb_topology *topology = NULL;
    if (mlb_provider_begin(&query, &search, err) != MLB_OK)
        return err->status;
    if (mlb_topology_open(&topology, err) != MLB_OK) {
        mlb_provider_end(search, NULL);
        return err->status;
    }
    enum mlb_status status = describe(topology, &log, search, text, json, err);
    mlb_topology_close(topology);
    return status;
}

enum mlb_status mlb_cmd_info(const struct mlb_options *options, struct mlb_error *err)
{
    struct mlb_text text = {0};
    cJSON *json = cJSON_CreateObject();
    const char *format = mlb_printer_names[options->format];
    char *printed = NULL;
    enum mlb_status status = gather(options, &text, json, err);
    if (status == MLB_OK && strcmp(format, "json") == 0) {
        printed = cJSON_Print(json);
        status =
            printed ? mlb_print(printed, err) : mlb_fail(err, MLB_E_NOMEM, "info: out of memory");
        if (status == MLB_OK)
            status = mlb_print("\n", err);
    } else if (status == MLB_OK && strcmp(format, "text") == 0) {
        status = mlb_print(mlb_text_get(&text), err);
    } else if (status == MLB_OK) {
        status = mlb_fail(err, MLB_E_USAGE, "info: --format %s: text and json are known", format);
    }
    cJSON_free(printed);
    cJSON_Delete(json);
    mlb_text_free(&text);
    return status;
}
