/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/fabric_notes.h"

#include "harness/base/text.h"
#include "tests/check.h"

enum { MACHINES = 4, LOCAL = 2, RANKS = MACHINES * LOCAL, PORTS = 3 };

/* Four machines of two ranks and three InfiniBand ports each, all well. */
static struct mlb_fabric_voice *healthy(void)
{
    struct mlb_fabric_voice *voices = calloc(RANKS, sizeof *voices);
    check_true(voices != NULL);
    for (size_t i = 0; i < RANKS; i++) {
        struct mlb_fabric_voice *voice = &voices[i];
        voice->node = (int)(i / LOCAL);
        voice->speaks = i % LOCAL == 0;
        voice->settings = 7;
        if (!voice->speaks)
            continue;
        mlb_format(voice->host, sizeof voice->host, "secret-host-%zu", i / LOCAL);
        voice->brief.port_count = PORTS;
        for (size_t k = 0; k < PORTS; k++) {
            struct mlb_brief_port *port = &voice->brief.ports[k];
            mlb_format(port->name, sizeof port->name, "mlx5_%zu", k);
            port->kind = MLB_NIC_IB;
            port->state = MLB_NIC_UP;
            port->line_bytes_per_s = 50e9;
        }
        mlb_format(voice->brief.gpudirect, sizeof voice->brief.gpudirect, "module");
    }
    return voices;
}

static void check_machines(const struct mlb_fabric_voice *voices, size_t ranks,
                           const char *expected)
{
    cJSON *json = mlb_fabric_machines(voices, ranks);
    char *printed = cJSON_PrintUnformatted(json);
    check_text(printed, expected);
    cJSON_free(printed);
    cJSON_Delete(json);
}

static void like_machines_say_nothing(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_fabric_voice *voices = healthy();
    size_t others;
    mlb_fabric_note(voices, RANKS, &result, NULL);
    check_u64(result.health_count, 0);
    check_u64(mlb_fabric_other_settings(voices, RANKS, &others), 0);
    check_u64(others, 0);
    check_machines(voices, RANKS,
                   "[{\"machines\":\"0-3\",\"ports\":[{\"kind\":\"ib\",\"ports\":3,\"up\":3,"
                   "\"line_bytes_per_s\":150000000000}],\"gpudirect_rdma\":\"module\"}]");
    free(voices);
}

/* The odd one is odd, be it machine 0. */
static void the_odd_machine_is_named(void **state)
{
    (void)state;
    for (size_t odd = 0; odd < MACHINES; odd++) {
        struct mlb_result result = {0};
        struct mlb_fabric_voice *voices = healthy(), *voice = &voices[odd * LOCAL];
        char text[128];
        voice->brief.ports[1].state = MLB_NIC_DOWN;
        mlb_format(voice->brief.gpudirect, sizeof voice->brief.gpudirect, "none");
        mlb_fabric_note(voices, RANKS, &result, NULL);
        check_u64(result.health_count, 2);
        mlb_format(text, sizeof text,
                   "machine %zu (ranks %zu-%zu): ib port mlx5_1 is down, on others it is up", odd,
                   odd * LOCAL, odd * LOCAL + 1);
        check_text(result.health[0].text, text);
        check_text(result.health[0].code, "port");
        check_i64(result.health[0].level, MLB_HEALTH_WARN);
        check_contains(result.health[1].text, "for GPUDirect RDMA there is no evidence");
        for (size_t i = 0; i < result.health_count; i++)
            check_true(strstr(result.health[i].text, "secret") == NULL);
        free(voices);
        mlb_result_free(&result);
    }
}

static void the_usual_machines_come_first(void **state)
{
    (void)state;
    struct mlb_fabric_voice *voices = healthy();
    voices[0].brief.ports[2].state = MLB_NIC_DOWN;
    check_machines(voices, RANKS,
                   "[{\"machines\":\"1-3\",\"ports\":[{\"kind\":\"ib\",\"ports\":3,\"up\":3,"
                   "\"line_bytes_per_s\":150000000000}],\"gpudirect_rdma\":\"module\"},"
                   "{\"machines\":\"0\",\"ports\":[{\"kind\":\"ib\",\"ports\":3,\"up\":2,"
                   "\"line_bytes_per_s\":100000000000}],\"gpudirect_rdma\":\"module\"}]");
    free(voices);
}

/* Of two groups of one size, machine 0's is what the others are held against. */
static void half_and_half_is_told_of_the_second(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_fabric_voice *voices = healthy();
    voices[1 * LOCAL].brief.port_count--;
    voices[3 * LOCAL].brief.port_count--;
    mlb_fabric_note(voices, RANKS, &result, NULL);
    check_u64(result.health_count, 2);
    check_text(result.health[0].text, "machine 1 (ranks 2-3): 2 ib ports, where others have 3");
    check_text(result.health[1].text, "machine 3 (ranks 6-7): 2 ib ports, where others have 3");
    free(voices);
    mlb_result_free(&result);
}

/* What a machine found by itself is not told again beside the others. */
static void one_thing_is_told_once(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_fabric_voice *voices = healthy(), *voice = &voices[2 * LOCAL];
    struct mlb_findings findings = {voice->findings, 0, MLB_VOICE_FINDINGS, 0};
    voice->brief.ports[1].state = MLB_NIC_DOWN;
    mlb_find(&findings, true, "port", "ib port mlx5_1 is down (DOWN), 2 like it are up");
    voice->finding_count = findings.count;
    mlb_fabric_note(voices, RANKS, &result, NULL);
    check_u64(result.health_count, 1);
    check_text(result.health[0].text,
               "machine 2 (ranks 4-5): ib port mlx5_1 is down (DOWN), 2 like it are up");
    free(voices);
    mlb_result_free(&result);
}

/* What found no room in a machine's list is told to be more. */
static void what_is_left_out_is_counted(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_fabric_voice *voices = healthy();
    voices[1 * LOCAL].left_out = 2;
    voices[2 * LOCAL].left_out = 1;
    mlb_fabric_note(voices, RANKS, &result, NULL);
    check_u64(result.health_count, 1);
    check_text(result.health[0].text, "3 more findings about networks");
    free(voices);
    mlb_result_free(&result);
}

static void advise(struct mlb_fabric_voice *voice, const char *text)
{
    struct mlb_findings advice = {voice->advice, voice->advice_count, MLB_VOICE_ADVICE, 0};
    mlb_find(&advice, true, "setting", "%s", text);
    voice->advice_count = advice.count;
}

/* A variable that all have, and one that names what only machine 2 lacks. */
static void advice_is_told_once_or_with_its_place(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_fabric_voice *voices = healthy();
    for (size_t i = 0; i < RANKS; i += LOCAL)
        advise(&voices[i], "NCCL knows no NCCL_FOO");
    advise(&voices[2 * LOCAL], "NCCL_SOCKET_IFNAME names eth1: there is no such device");
    mlb_fabric_note(voices, RANKS, &result, NULL);
    check_u64(result.health_count, 2);
    check_text(result.health[0].text, "NCCL knows no NCCL_FOO");
    check_text(result.health[1].text,
               "machine 2 (ranks 4-5): NCCL_SOCKET_IFNAME names eth1: there is no such device");
    free(voices);
    mlb_result_free(&result);
}

static void a_job_on_one_machine_names_none(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_fabric_voice *voices = healthy();
    struct mlb_findings findings = {voices->findings, 0, MLB_VOICE_FINDINGS, 0};
    mlb_find(&findings, false, "pairing", "a note");
    voices->finding_count = 1;
    mlb_fabric_note(voices, LOCAL, &result, NULL);
    check_u64(result.health_count, 1);
    check_text(result.health[0].text, "a note");
    check_i64(result.health[0].level, MLB_HEALTH_NOTE);
    free(voices);
    mlb_result_free(&result);
}

static void many_findings_are_counted(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_fabric_voice *voices = calloc(100, sizeof *voices);
    check_true(voices != NULL);
    for (size_t i = 0; i < 100; i++) {
        struct mlb_findings findings = {voices[i].findings, 0, MLB_VOICE_FINDINGS, 0};
        voices[i].node = (int)i;
        voices[i].speaks = true;
        mlb_find(&findings, true, "pcie", "half of its lanes");
        voices[i].finding_count = 1;
    }
    mlb_fabric_note(voices, 100, &result, NULL);
    check_u64(result.health_count, 17);
    check_contains(result.health[16].text, "84 more");
    free(voices);
    mlb_result_free(&result);
}

static void ranks_with_other_settings_are_counted(void **state)
{
    (void)state;
    struct mlb_fabric_voice *voices = healthy();
    size_t others;
    voices[5].settings = voices[6].settings = 8;
    check_u64(mlb_fabric_other_settings(voices, RANKS, &others), 5);
    check_u64(others, 2);
    free(voices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_machines_say_nothing),
        cmocka_unit_test(the_odd_machine_is_named),
        cmocka_unit_test(the_usual_machines_come_first),
        cmocka_unit_test(half_and_half_is_told_of_the_second),
        cmocka_unit_test(one_thing_is_told_once),
        cmocka_unit_test(what_is_left_out_is_counted),
        cmocka_unit_test(advice_is_told_once_or_with_its_place),
        cmocka_unit_test(a_job_on_one_machine_names_none),
        cmocka_unit_test(many_findings_are_counted),
        cmocka_unit_test(ranks_with_other_settings_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
