/* SPDX-License-Identifier: Apache-2.0 */
/* The networks of the job's machines: read on each, gathered, put beside one another. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/app/fabric_notes.h"
#include "harness/app/session.h"
#include "harness/base/text.h"
#include "harness/system/settings.h"

enum { LINES = 8192 /* bytes of all settings of a rank as lines */ };

/* One rank speaks for its machine; settings may be any rank's own. */
static void speak(const struct mlb_session *session, const struct mlb_settings *settings,
                  struct mlb_fabric_voice *voice)
{
    const struct mlb_comm *comm = session->comm;
    struct mlb_findings findings = {voice->findings, 0, MLB_VOICE_FINDINGS, 0};
    struct mlb_findings advice = {voice->advice, 0, MLB_VOICE_ADVICE, 0};
    memset(voice, 0, sizeof *voice);
    voice->node = comm->node;
    voice->settings = mlb_settings_hash(settings);
    voice->speaks = comm->local_rank == 0;
    if (!voice->speaks)
        return;
    mlb_format(voice->host, sizeof voice->host, "%s", comm->host);
    mlb_fabric_brief(&session->fabric, &voice->brief);
    mlb_fabric_judge(&session->fabric, &findings);
    voice->finding_count = findings.count;
    mlb_settings_judge("", settings, &session->fabric, &advice);
    voice->advice_count = advice.count;
    voice->left_out = findings.left_out + advice.left_out;
}

/* The rank that has other settings sends its lines, in which values are hashes; rank 0 names those
 * that differ. Collective. */
static enum mlb_status compare_settings(struct mlb_session *session,
                                        const struct mlb_settings *settings, size_t first,
                                        size_t others, struct mlb_result *result,
                                        struct mlb_error *err)
{
    struct mlb_comm *comm = session->comm;
    char mine[LINES], theirs[LINES], names[128];
    int rank = (int)first;
    if (comm->ops->broadcast(comm, &rank, sizeof rank, 0, err) != MLB_OK)
        return err->status;
    if (rank == 0)
        return MLB_OK;
    mlb_settings_write(settings, mine, sizeof mine);
    memcpy(theirs, mine, sizeof theirs);
    if (comm->ops->broadcast(comm, theirs, sizeof theirs, rank, err) != MLB_OK)
        return err->status;
    mlb_settings_differ(theirs, mine, names, sizeof names);
    if (comm->rank == 0)
        mlb_result_note(result, MLB_HEALTH_WARN, "setting",
                        "set otherwise on rank %d%s than on rank 0: %s", rank,
                        others == 1 ? "" : " and others", names);
    return MLB_OK;
}

/* Rank 0. A record without a network's description is still a record. */
static void describe(const struct mlb_session *session, const struct mlb_settings *settings,
                     const struct mlb_fabric_voice *voices, struct mlb_result *result)
{
    cJSON *json = mlb_fabric_to_json(&session->fabric);
    cJSON *set = settings->count ? mlb_settings_to_json(settings) : NULL;
    cJSON *machines = mlb_fabric_machines(voices, (size_t)session->comm->size);
    if (json && set && set->child)
        cJSON_AddItemToObject(json, "settings", set);
    else
        cJSON_Delete(set);
    if (json && machines)
        cJSON_AddItemToObject(json, "machines", machines);
    else
        cJSON_Delete(machines);
    result->fabric = json;
    mlb_fabric_note(voices, (size_t)session->comm->size, result, &session->log);
}

enum mlb_status mlb_session_fabric(struct mlb_session *session, struct mlb_result *result,
                                   struct mlb_error *err)
{
    struct mlb_comm *comm = session->comm;
    struct mlb_settings settings;
    struct mlb_fabric_voice mine, *voices = NULL;
    size_t others = 0, first = 0;
    enum mlb_status status = MLB_OK;
    if (comm->local_rank == 0) {
        mlb_fabric_read("", &session->fabric);
        mlb_fabric_read_nvlinks(NULL, &session->fabric);
    }
    mlb_settings_read("", environ, &settings);
    speak(session, &settings, &mine);
    if (comm->rank == 0) {
        session->ports = mlb_ports_open("", &session->fabric);
        voices = calloc((size_t)comm->size, sizeof *voices);
        if (!session->ports || !voices)
            status = mlb_fail(err, MLB_E_NOMEM, "networks of %d ranks: out of memory", comm->size);
    }
    status = mlb_session_agree(session, status, err);
    if (status == MLB_OK)
        status = comm->ops->gather(comm, &mine, sizeof mine, voices, 0, err);
    if (status == MLB_OK && comm->rank == 0) {
        describe(session, &settings, voices, result);
        first = mlb_fabric_other_settings(voices, (size_t)comm->size, &others);
    }
    free(voices);
    return status == MLB_OK ? compare_settings(session, &settings, first, others, result, err)
                            : status;
}
