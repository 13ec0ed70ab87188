/* file.h: reading and writing whole files, and the list of what was read.
 *
 * A file appears under its name complete or not at all: it is written under another name in the same folder, forced
 * to the disk and then renamed. Messages begin with the path. */
#ifndef LM_IO_FILE_H
#define LM_IO_FILE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* The whole file in a new block, which the caller gives back with lm_free; a 0 that *size does not count follows the
 * last byte. Pipes and devices are read to their end. A file of more than `most` bytes is refused (0: any size). */
lm_status lm_file_read(char **out, int64_t *size, const char *path, int64_t most, lm_err *e);

/* Writes n bytes as the whole file. A symbolic link is followed, a device or pipe is written to as it is; an
 * existing file keeps its access rights. On failure nothing is left behind and an old file is as it was. */
lm_status lm_file_write_atomic(const char *path, const void *bytes, size_t n, lm_err *e);

/* The same in pieces: open, put any number of times, then either commit or drop. Both free the writer. */
typedef struct lm_writer lm_writer;
lm_status lm_writer_open(lm_writer **out, const char *path, lm_err *e);
lm_status lm_writer_put(lm_writer *w, const void *bytes, size_t n, lm_err *e);
int64_t lm_writer_position(const lm_writer *w); /* bytes put so far */
int lm_writer_descriptor(const lm_writer *w);   /* of the file, for who writes it some other way; -1 for a device */
lm_status lm_writer_commit(lm_writer *w, lm_err *e);
void lm_writer_drop(lm_writer *w); /* NULL is allowed */

/* Where bytes go: a writer, a compressor, a checksum. `to` is the receiver's own. */
typedef lm_status (*lm_put)(void *to, const void *bytes, size_t n, lm_err *e);
lm_status lm_put_writer(void *writer, const void *bytes, size_t n, lm_err *e); /* an lm_put to an lm_writer */

/* Bytes that grow; start from {0}. An lm_put with a pointer to one as `to`. The block is freed with lm_free. */
typedef struct lm_bytes {
  char *data;
  size_t n, capacity;
} lm_bytes;
lm_status lm_put_bytes(void *bytes, const void *more, size_t n, lm_err *e);

/* Every reader notes its path here; each path is listed once, in the order of first reading. LM_ERR_MEMORY where
 * there is no room to remember it: what was read is part of a result. The text is valid until lm_files_forget. NULL
 * after the last. Thread-safe. */
lm_status lm_files_note(const char *path, lm_err *e);
const char *lm_files_noted(int64_t index);
void lm_files_forget(void);

#endif
