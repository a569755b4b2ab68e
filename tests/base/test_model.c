/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/base/model.h"

/* All blocks, the embeddings and the output's weights, and the last norm are the whole model: as
 * many parameters as Hugging Face counts in the published weights. */
static void blocks_add_up_to_the_model(void **state)
{
    static const struct {
        const char *name;
        uint64_t layers, vocab, total;
    } rows[] = {{"llama3-8b", 32, 128256, 8030261248},
                {"llama3-70b", 80, 128256, 70553706496},
                {"llama3-405b", 126, 128256, 405853388800},
                {"mixtral-8x7b", 32, 32000, 46702792704}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct mlb_model *model = &mlb_models[i + 1];
        check_text(mlb_model_names[i + 1], rows[i].name);
        uint64_t outside = 2 * rows[i].vocab * model->hidden + model->hidden;
        check_u64(rows[i].layers * mlb_model_block_params(model) + outside, rows[i].total);
    }
}

static void unknown_is_none(void **state)
{
    (void)state;
    check_u64(mlb_model_block_params(&mlb_models[0]), 0);
    check_text(mlb_model_names[5], "deepseek-v3"); /* latent attention */
    check_u64(mlb_model_block_params(&mlb_models[5]), 0);
    check_true(mlb_model_names[6] == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_add_up_to_the_model),
                                       cmocka_unit_test(unknown_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
