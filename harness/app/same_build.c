/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/same_build.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/base/version.h"

static size_t aligned(size_t bytes, size_t to)
{
    return (bytes + to - 1) / to * to;
}

/* Notes are a header, a name and a description, each padded to the segment's alignment (System V
 * gABI, "Note Section"); GNU ld's manual, --build-id, for this one. */
static bool find_build_id(const char *at, size_t bytes, size_t alignment, struct mlb_ticket *ticket)
{
    while (bytes >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, at, sizeof note);
        size_t name = sizeof note, text = aligned(name + note.n_namesz, alignment);
        size_t next = aligned(text + note.n_descsz, alignment);
        if (next > bytes)
            return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && !memcmp(at + name, "GNU", 4)) {
            for (size_t i = 0; i < note.n_descsz && 2 * i + 2 < sizeof ticket->build; i++)
                snprintf(ticket->build + 2 * i, 3, "%02x", (unsigned char)at[text + i]);
            return true;
        }
        at += next;
        bytes -= next;
    }
    return false;
}

/* The first object is the program itself, its libraries follow: any value but 0 ends the walk. */
static int read_notes(struct dl_phdr_info *program, size_t size, void *ticket)
{
    (void)size;
    for (int i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
        const char *at = (const char *)(program->dlpi_addr + segment->p_vaddr);
        if (segment->p_type == PT_NOTE &&
            find_build_id(at, segment->p_memsz, segment->p_align == 8 ? 8 : 4, ticket))
            break;
    }
    return 1;
}

static void print_words(const struct mlb_options *options, char *to, size_t size)
{
    struct mlb_text words = {0};
    mlb_options_print_plan(options, &words);
    if (options->budget[0])
        mlb_text_addf(&words, " --budget %s", options->budget);
    if (options->resume[0])
        mlb_text_add(&words, " --resume");
    mlb_format(to, size, "%s", mlb_text_get(&words));
    mlb_text_free(&words);
}

void mlb_ticket_make(const struct mlb_comm *comm, const struct mlb_options *options,
                     struct mlb_ticket *ticket)
{
    memset(ticket, 0, sizeof *ticket);
    mlb_format(ticket->host, sizeof ticket->host, "%s", comm->host);
    mlb_format(ticket->program, sizeof ticket->program, "mlbench %s (%s)", mlb_build.version,
               mlb_build.git);
    mlb_format(ticket->mpi, sizeof ticket->mpi, "%s", comm->library);
    dl_iterate_phdr(read_notes, ticket);
    print_words(options, ticket->words, sizeof ticket->words);
}

/* ------------------------------------------------------------------------------------ the check */

static bool same(const struct mlb_ticket *a, const struct mlb_ticket *b)
{
    return strcmp(a->program, b->program) == 0 && strcmp(a->build, b->build) == 0 &&
           strcmp(a->mpi, b->mpi) == 0 && strcmp(a->words, b->words) == 0;
}

static enum mlb_status fail_unlike(const struct mlb_ticket *first, const struct mlb_ticket *other,
                                   size_t rank, struct mlb_error *err)
{
    char place[192];
    mlb_format(place, sizeof place, "rank %zu on %s is not like rank 0 on %s", rank, other->host,
               first->host);
    if (strcmp(first->program, other->program) != 0 || strcmp(first->build, other->build) != 0)
        return mlb_fail(err, MLB_E_CONFIG,
                        "%s: it runs %s, build %.8s, not %s, build %.8s; install one build on all "
                        "machines",
                        place, other->program, other->build, first->program, first->build);
    if (strcmp(first->mpi, other->mpi) != 0)
        return mlb_fail(err, MLB_E_CONFIG, "%s: it has %s, not %s; install one MPI on all machines",
                        place, other->mpi, first->mpi);
    return mlb_fail(err, MLB_E_CONFIG, "%s: it was started with '%s', not '%s'", place,
                    other->words, first->words);
}

enum mlb_status mlb_tickets_check(const struct mlb_ticket *tickets, size_t count,
                                  struct mlb_error *err)
{
    for (size_t rank = 1; rank < count; rank++)
        if (!same(&tickets[0], &tickets[rank]))
            return fail_unlike(&tickets[0], &tickets[rank], rank, err);
    return MLB_OK;
}

enum mlb_status mlb_same_build(struct mlb_comm *comm, const struct mlb_options *options,
                               struct mlb_error *err)
{
    size_t ranks = comm->rank == 0 ? (size_t)comm->size : 1;
    struct mlb_ticket mine, *all = calloc(ranks, sizeof *all);
    mlb_ticket_make(comm, options, &mine);
    enum mlb_status status =
        all ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "tickets of %zu ranks: out of memory", ranks);
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = comm->ops->gather(comm, &mine, sizeof mine, all, 0, err);
    if (status == MLB_OK && comm->rank == 0)
        status = mlb_tickets_check(all, (size_t)comm->size, err);
    free(all);
    return status;
}
