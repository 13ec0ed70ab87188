/* source.h: a run of bytes that a reader takes from the front: a file, a piece of a file, compressed data.
 *
 * `left` bounds what can still come, so a reader checks a size that a header claims before it allocates anything: a
 * file of 100 bytes cannot ask for a gigabyte. It is exact for plain files and for members of an archive. For
 * compressed data of unknown length it is 1032 times the compressed size, the most that deflate can expand. */
#ifndef LM_IO_SOURCE_H
#define LM_IO_SOURCE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { LM_MOST_EXPANSION = 1032 };

typedef struct lm_mapping lm_mapping; /* a file in memory, shared by the tensors that show parts of it */

typedef struct lm_source {
  const char *name; /* what messages begin with: the path, or path and member; borrowed */
  int64_t left;
  lm_status (*read)(struct lm_source *s, void *to, int64_t n, lm_err *e); /* exactly n bytes, n <= left */
  void *state;
  lm_mapping *mapping;     /* of a file that lm_source_map opened; NULL otherwise */
  const unsigned char *at; /* of bytes in memory: the next one */
} lm_source;

/* Exactly n bytes, or LM_ERR_FORMAT: "NAME: truncated: WHAT needs N bytes, M are left". Polls for Ctrl-C. */
lm_status lm_source_read(lm_source *s, void *to, int64_t n, const char *what, lm_err *e);

/* n bytes in memory, which must outlive the source. Nothing to close. */
void lm_source_bytes(lm_source *s, const char *name, const void *bytes, int64_t n);

/* Passes over the next n bytes; errors as for lm_source_read. */
lm_status lm_source_skip(lm_source *s, int64_t n, const char *what, lm_err *e);

/* A plain file. Close in any case after a successful open. */
lm_status lm_source_open(lm_source *s, const char *path, lm_err *e);
void lm_source_close(lm_source *s);

/* The same with the file mapped into memory: lm_elements_read then gives tensors whose elements stay in the file
 * until they are touched. They may be written to; the file keeps what it holds. A file that another program shortens
 * while it is mapped takes its end away from them, so only files that stay as they are should be mapped. */
lm_status lm_source_map(lm_source *s, const char *path, lm_err *e);

/* The next bytes of a mapped file, where they lie, and their holder; NULL for other sources. */
void *lm_source_here(const lm_source *s);
lm_mapping *lm_mapping_retain(lm_mapping *m);
void lm_mapping_release(lm_mapping *m); /* NULL is allowed */

/* Whole pages of a mapped file between these bytes leave memory, and with them what was written to them. */
void lm_mapping_forget(const void *from, int64_t bytes);

/* A file that may be compressed by gzip, which its first bytes tell. lm_source_end_gz says whether the file ended
 * where the reader did, and undamaged. */
lm_status lm_source_open_gz(lm_source *s, const char *path, lm_err *e);
lm_status lm_source_end_gz(lm_source *s, lm_err *e);
void lm_source_close_gz(lm_source *s);

#endif
