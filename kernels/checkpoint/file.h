/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is replaced as checkpoints are: written under another name, brought to the disk,
 * renamed, and its folder brought to the disk. Errors name no path: it may hold a user's name, and
 * they land in the record. */
#ifndef MLB_KERNELS_CHECKPOINT_FILE_H
#define MLB_KERNELS_CHECKPOINT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/status.h"

#define MLB_CHECKPOINT_BLOCK ((size_t)4096)     /* O_DIRECT: sizes, places, addresses */
#define MLB_CHECKPOINT_CHUNK ((size_t)16 << 20) /* of one call: enough for a disk's queue */

/* Zeroed: not open. */
struct mlb_checkpoint_file {
    bool open, direct;
    int folder; /* descriptor */
    char name[80], part[96];
};

/* Makes an empty file with a name of its own in `folder`. With `direct` the page cache is passed
 * by: MLB_E_UNSUPPORTED where the file system does not take it. */
enum mlb_status mlb_checkpoint_file_open(struct mlb_checkpoint_file *file, const char *folder,
                                         int rank, bool direct, struct mlb_error *err);
/* `bytes` are whole blocks, `data` on a block's boundary. When it fails, the half that was written
 * is gone and the file before it stays. */
enum mlb_status mlb_checkpoint_file_write(const struct mlb_checkpoint_file *file, const void *data,
                                          size_t bytes, struct mlb_error *err);
/* From the store and not from memory, as far as the system drops its cache for it: calls `take`
 * (may be NULL) with each chunk. `to` gets all of it (`whole`) or is used again for each chunk. */
enum mlb_status mlb_checkpoint_file_read(const struct mlb_checkpoint_file *file, void *to,
                                         bool whole, size_t bytes,
                                         void (*take)(void *user, const unsigned char *chunk,
                                                      size_t at, size_t length),
                                         void *user, struct mlb_error *err);
/* Part of the file in the page cache once it was dropped; < 0 when the system does not tell. */
double mlb_checkpoint_file_resident(const struct mlb_checkpoint_file *file, size_t bytes);
void mlb_checkpoint_file_close(struct mlb_checkpoint_file *file); /* and removes it */

/* Removes from the file's folder what runs left that were killed: files of this workload that
 * nobody has written to in the hour before `file` was opened. */
void mlb_checkpoint_sweep(const struct mlb_checkpoint_file *file);

#endif
