/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/selection.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/date.h"
#include "harness/base/text.h"

/* ----------------------------------------------------------------------------------- selectors */

enum { SELECTORS = 16, PATTERN = 128 }; /* most of one side; bytes of what may follow the '=' */

enum criterion { PROVIDER, INSTANCE, REGION, PURCHASE, GPU, SUITE, NODES, SINCE, CRITERIA };
static const char *const names[] = {"provider", "instance", "region", "purchase", "gpu",
                                    "suite",    "nodes",    "since",  NULL};

struct selector {
    enum criterion criterion;
    char pattern[PATTERN];
};

struct value {
    char text[160];
};

/* What a record has of it, in small letters; "" = not known. */
static struct value value_of(const struct mlb_digest *digest, enum criterion criterion)
{
    struct value value;
    const struct mlb_provider *provider = &digest->provider;
    const char *const texts[CRITERIA] = {
        [PROVIDER] = provider->name,   [INSTANCE] = provider->instance,
        [REGION] = provider->region,   [PURCHASE] = provider->purchase,
        [GPU] = digest->device,        [SUITE] = digest->suite,
        [SINCE] = digest->started_utc,
    };
    if (criterion == NODES)
        mlb_format(value.text, sizeof value.text, "%d", digest->nodes);
    else
        mlb_text_lower(value.text, sizeof value.text, texts[criterion]);
    return value;
}

static bool fits(const struct selector *selector, const struct mlb_digest *digest)
{
    struct value value = value_of(digest, selector->criterion);
    if (selector->criterion == SINCE) /* ISO 8601: the order of days is that of their letters */
        return strcmp(value.text, selector->pattern) >= 0;
    return mlb_glob_match(selector->pattern, value.text);
}

struct selectors {
    struct selector all[SELECTORS];
    size_t count;
};

/* Values of one criterion are alternatives; each criterion that is named has to fit. */
static bool wants(const struct mlb_digest *head, const void *of)
{
    const struct selectors *selectors = of;
    bool named[CRITERIA] = {false}, fitting[CRITERIA] = {false};
    for (size_t i = 0; i < selectors->count; i++) {
        enum criterion criterion = selectors->all[i].criterion;
        named[criterion] = true;
        fitting[criterion] |= fits(&selectors->all[i], head);
    }
    return memcmp(named, fitting, sizeof named) == 0;
}

/* Letters before a '=', and no file of that name: a selector, whether or not there is such a one.
 */
static bool is_selector(const char *word)
{
    struct stat file;
    size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-");
    return length > 0 && word[length] == '=' && stat(word, &file) != 0;
}

static enum mlb_status unknown_selector(const char *word, const char *name, struct mlb_error *err)
{
    struct mlb_text known = {0};
    for (size_t i = 0; i < CRITERIA; i++)
        mlb_text_addf(&known, "%s%s", i ? ", " : "", names[i]);
    const char *near = mlb_nearest(name, names);
    mlb_fail(err, MLB_E_USAGE, "%s: nothing is selected by '%s'%s%s%s (known: %s)", word, name,
             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
             mlb_text_get(&known));
    mlb_text_free(&known);
    return MLB_E_USAGE;
}

static enum mlb_status add_selector(struct selectors *selectors, const char *word,
                                    struct mlb_error *err)
{
    struct selector *selector = &selectors->all[selectors->count];
    const char *value = strchr(word, '=') + 1;
    char name[64], text[PATTERN - 2];
    int64_t day;
    if (selectors->count == SELECTORS)
        return mlb_fail(err, MLB_E_USAGE, "%s: one selector too many, at most %d are allowed", word,
                        SELECTORS);
    mlb_format(name, sizeof name, "%.*s", (int)(value - word) - 1, word);
    enum criterion criterion = PROVIDER;
    while (criterion < CRITERIA && strcmp(names[criterion], name) != 0)
        criterion++;
    if (criterion == CRITERIA)
        return unknown_selector(word, name, err);
    if (strlen(value) >= sizeof text)
        return mlb_fail(err, MLB_E_USAGE, "%.40s...: more than %zu letters to select by", word,
                        sizeof text - 1);
    if (criterion == SINCE && !mlb_date_parse(value, &day))
        return mlb_fail(err, MLB_E_USAGE, "%s: '%s' is no day; a day is written 2026-11-01", word,
                        value);
    mlb_text_lower(text, sizeof text, value);
    selector->criterion = criterion;
    /* "H200" means "NVIDIA H200" too. */
    mlb_format(selector->pattern, PATTERN, criterion == GPU ? "*%s*" : "%s", text);
    selectors->count++;
    return MLB_OK;
}

/* --------------------------------------------------------------------------------------- files */

struct list {
    struct mlb_digest_file *files; /* owned, their paths too */
    size_t count, room;
    const char *first; /* of the files and folders that were asked for; NULL: none */
};

static void free_list(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free((char *)list->files[i].path);
    free(list->files);
}

static enum mlb_status no_memory(struct mlb_error *err, const char *path)
{
    return mlb_fail(err, MLB_E_NOMEM, "%s: out of memory for the names of records", path);
}

/* Takes `path`, malloc'ed; NULL: there was no memory for it. */
static bool add_file(struct list *list, char *path, bool from_folder)
{
    if (path && list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct mlb_digest_file *files = realloc(list->files, room * sizeof *files);
        if (!files) {
            free(path);
            return false;
        }
        list->files = files;
        list->room = room;
    }
    if (path)
        list->files[list->count++] = (struct mlb_digest_file){path, from_folder};
    return path != NULL;
}

static int is_json(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot != entry->d_name && strcmp(dot, ".json") == 0 && entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* the same order in every locale */
}

static char *join(const char *folder, const char *name)
{
    struct mlb_text path = {0};
    size_t length = strlen(folder);
    mlb_text_addf(&path, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
    if (path.failed)
        mlb_text_free(&path);
    return path.data;
}

static enum mlb_status add_folder(struct list *list, const char *folder, struct mlb_error *err)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_json, by_bytes);
    bool memory = true;
    if (count < 0)
        return mlb_fail(err, MLB_E_IO, "%s: cannot read: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char *path = join(folder, entries[i]->d_name);
        struct stat file;
        /* A sub-folder, or a pipe, which may never be written to. */
        bool no_file = path && stat(path, &file) == 0 && !S_ISREG(file.st_mode);
        if (no_file)
            free(path);
        else
            memory = add_file(list, path, true) && memory;
        free(entries[i]);
    }
    free(entries);
    return memory ? MLB_OK : no_memory(err, folder);
}

/* `hint` says what else may have been meant by a path that is not there. */
static enum mlb_status add_path(struct list *list, const char *path, const char *hint,
                                struct mlb_error *err)
{
    struct stat file;
    if (!list->first)
        list->first = path;
    if (stat(path, &file) != 0)
        return mlb_fail(err, MLB_E_IO, "%s: cannot read: %s; %s", path, strerror(errno), hint);
    if (S_ISDIR(file.st_mode))
        return add_folder(list, path, err);
    return add_file(list, strdup(path), false) ? MLB_OK : no_memory(err, path);
}

static enum mlb_status add_word(struct list *list, const char *word, struct mlb_error *err)
{
    char hint[160];
    mlb_format(hint, sizeof hint, "records of a provider are selected by provider=%.40s", word);
    return add_path(
        list, word,
        strpbrk(word, "/.") ? "a file, a folder or a selector such as provider=aws" : hint, err);
}

/* ------------------------------------------------------------------------------------- choosing */

static enum mlb_status read_words(const char *const *words, size_t count, const char *records,
                                  struct selectors *selectors, struct list *list,
                                  struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    bool paths = false;
    for (size_t i = 0; i < count && !status; i++) {
        bool selector = is_selector(words[i]);
        paths |= !selector;
        status = selector ? add_selector(selectors, words[i], err) : add_word(list, words[i], err);
    }
    return status || paths ? status
                           : add_path(list, records, "--records names where they are", err);
}

static int compare_values(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    return strcmp(x->text, y->text);
}

/* "aws, gcp": what the records have of it, each once. */
static void list_values(struct mlb_text *text, const struct mlb_digests *digests,
                        enum criterion criterion)
{
    enum { SHOWN = 12 };
    struct value *values = calloc(digests->count + 1, sizeof *values);
    size_t shown = 0;
    for (size_t i = 0; values && i < digests->count; i++)
        values[i] = value_of(&digests->items[i], criterion);
    if (values)
        qsort(values, digests->count, sizeof *values, compare_values);
    for (size_t i = 0; values && i < digests->count && shown <= SHOWN; i++) {
        if (!values[i].text[0] || (i > 0 && compare_values(&values[i], &values[i - 1]) == 0))
            continue;
        const char *comma = shown > 0 ? ", " : "";
        mlb_text_addf(text, "%s%s", comma, shown == SHOWN ? "..." : values[i].text);
        shown++;
    }
    if (shown == 0)
        mlb_text_add(text, "none known");
    free(values);
}

/* Reads all that was to select from, to say what there is. */
static enum mlb_status nothing_left(const struct list *list, const struct mlb_selection *selection,
                                    struct mlb_error *err)
{
    struct mlb_digests all = {0};
    struct mlb_digest_counts counts;
    struct mlb_error ignored;
    struct mlb_text text = {0};
    mlb_digests_add_files(&all, list->files, list->count, NULL, &counts, &ignored);
    mlb_text_add(&text, "providers: ");
    list_values(&text, &all, PROVIDER);
    mlb_text_add(&text, "; instances: ");
    list_values(&text, &all, INSTANCE);
    mlb_fail(err, MLB_E_CONFIG, "none of %zu records fits what was selected (%s)",
             selection->unselected, mlb_text_get(&text));
    mlb_text_free(&text);
    mlb_digests_free(&all);
    return MLB_E_CONFIG;
}

static enum mlb_status check_any(const struct list *list, const struct mlb_selection *selection,
                                 struct mlb_error *err)
{
    if (selection->digests.count > 0)
        return MLB_OK;
    if (selection->unselected > 0)
        return nothing_left(list, selection, err);
    return mlb_fail(err, MLB_E_CONFIG, "no record of mlbench in %s; mlbench run makes one",
                    list->first);
}

/* ----------------------------------------------------------------------------------- duplicates */

static int compare_runs(const void *a, const void *b)
{
    const struct mlb_digest *const *x = a, *const *y = b;
    int order = strcmp((*x)->run_id, (*y)->run_id);
    return order ? order : strcmp((*x)->path, (*y)->path);
}

static enum mlb_status twice(const struct mlb_digest *a, const struct mlb_digest *b,
                             struct mlb_error *err)
{
    if (strcmp(a->path, b->path) == 0)
        return mlb_fail(err, MLB_E_CONFIG, "%s: chosen twice; a run counts once", a->path);
    return mlb_fail(err, MLB_E_CONFIG, "%s: the same run as %s (run_id %s); a run counts once",
                    b->path, a->path, a->run_id);
}

static enum mlb_status check_runs(const struct mlb_digest **runs, size_t count,
                                  struct mlb_error *err)
{
    qsort(runs, count, sizeof *runs, compare_runs);
    for (size_t i = 1; i < count; i++)
        if (runs[i]->run_id[0] && strcmp(runs[i]->run_id, runs[i - 1]->run_id) == 0)
            return twice(runs[i - 1], runs[i], err);
    return MLB_OK;
}

static enum mlb_status check_twice(const struct mlb_digests *a, const struct mlb_digests *b,
                                   struct mlb_error *err)
{
    size_t count = 0, more = b ? b->count : 0;
    const struct mlb_digest **runs = calloc(a->count + more + 1, sizeof *runs);
    if (!runs)
        return mlb_fail(err, MLB_E_NOMEM, "out of memory for %zu records", a->count + more);
    for (size_t i = 0; i < a->count; i++)
        runs[count++] = &a->items[i];
    for (size_t i = 0; i < more; i++)
        runs[count++] = &b->items[i];
    enum mlb_status status = check_runs(runs, count, err);
    free(runs);
    return status;
}

enum mlb_status mlb_selection_disjoint(const struct mlb_selection *a, const struct mlb_selection *b,
                                       struct mlb_error *err)
{
    return check_twice(&a->digests, &b->digests, err);
}

/* ----------------------------------------------------------------------------------- selection */

static void count_notes(struct mlb_selection *selection, const struct mlb_log *log)
{
    for (size_t i = 0; i < selection->digests.count; i++) {
        selection->incomplete += !selection->digests.items[i].complete;
        selection->sick += selection->digests.items[i].sick > 0;
    }
    if (selection->passed_over > 0)
        mlb_log(log, MLB_LOG_INFO, "JSON files passed over, since they are no records: %zu",
                selection->passed_over);
    if (selection->unselected > 0)
        mlb_log(log, MLB_LOG_INFO, "records selected: %zu, left out: %zu", selection->digests.count,
                selection->unselected);
    if (selection->incomplete > 0)
        mlb_log(log, MLB_LOG_WARN, "records of runs that ended early: %zu of %zu",
                selection->incomplete, selection->digests.count);
    if (selection->sick > 0)
        mlb_log(log, MLB_LOG_WARN, "records of machines that their own run found sick: %zu of %zu",
                selection->sick, selection->digests.count);
}

enum mlb_status mlb_selection_read(struct mlb_selection *selection, const char *const *words,
                                   size_t count, const char *records, const struct mlb_log *log,
                                   struct mlb_error *err)
{
    struct selectors selectors = {.count = 0};
    struct list list = {0};
    struct mlb_digest_counts counts = {0};
    const struct mlb_digest_choice choice = {wants, &selectors};
    *selection = (struct mlb_selection){0};
    enum mlb_status status = read_words(words, count, records, &selectors, &list, err);
    if (!status)
        status = mlb_digests_add_files(&selection->digests, list.files, list.count,
                                       selectors.count > 0 ? &choice : NULL, &counts, err);
    selection->passed_over = counts.passed_over;
    selection->unselected = counts.unwanted;
    if (!status)
        status = check_any(&list, selection, err);
    if (!status)
        status = check_twice(&selection->digests, NULL, err);
    free_list(&list);
    if (status)
        mlb_selection_free(selection);
    else
        count_notes(selection, log);
    return status;
}

void mlb_selection_free(struct mlb_selection *selection)
{
    if (!selection)
        return;
    mlb_digests_free(&selection->digests);
    *selection = (struct mlb_selection){0};
}
