/* gz.h: the bytes of a file that may be compressed by gzip, from the front.
 *
 * A file that begins with gzip's two bytes is unpacked, members one behind the other, each held to its checksum and
 * length; what follows the last member without being one is passed over, as gzip does. Any other file is read as it
 * is. ISA-L unpacks where the build has it, in half of zlib's time; else zlib does. */
#ifndef LM_IO_GZ_H
#define LM_IO_GZ_H

#include "base/err.h"

#include <stdint.h>

typedef struct lm_gz lm_gz;

/* Takes over an open file at its first byte; `name`, which errors begin with, is borrowed. Failure: LM_ERR_MEMORY,
 * and the file stays the caller's. */
lm_status lm_gz_open(lm_gz **out, int fd, const char *name, lm_err *e);

/* Up to n bytes; *got is less only at the end of a file that is whole. Failures: LM_ERR_IO, LM_ERR_FORMAT. */
lm_status lm_gz_read(lm_gz *g, void *to, int64_t n, int64_t *got, lm_err *e);

/* Closes the file. NULL is allowed. */
void lm_gz_close(lm_gz *g);

#endif
