/* zip.h: ZIP archives (PKWARE APPNOTE 6.3), as far as .npz needs them: members stored or deflated, sizes of 32 or 64
 * bits, one disk, no encryption. The checksum of every member that is read to its end is compared. */
#ifndef LM_IO_ZIP_H
#define LM_IO_ZIP_H

#include "io/file.h"
#include "io/source.h"

#include <stdint.h>

/* One file of an archive, as its central directory describes it. */
typedef struct lm_zip_member {
  char *name;
  int method; /* 0 stored, 8 deflated */
  uint32_t crc;
  unsigned mode;                /* file type and rights as Unix has them; 0 where the archive was not made there */
  int64_t packed, size, offset; /* offset of the local header */
} lm_zip_member;

typedef struct lm_zip lm_zip;

/* Opens an archive and reads its directory; every number in it is checked against the size of the file. */
lm_status lm_zip_open(lm_zip **out, const char *path, lm_err *e);
void lm_zip_close(lm_zip *z); /* NULL is allowed */
int64_t lm_zip_count(const lm_zip *z);
const lm_zip_member *lm_zip_at(const lm_zip *z, int64_t index);

/* Whether the header before a member's bytes says what the directory says: its name, how it is compressed, and, where
 * no data descriptor follows the bytes, its sizes and checksum. */
lm_status lm_zip_check(const lm_zip *z, int64_t index, lm_err *e);

/* The bytes of one member as a source named "PATH:MEMBER", its `left` exact, after lm_zip_check. Only one may be open
 * at a time. lm_zip_leave compares the checksum when the member was read whole and status is LM_OK; it returns the
 * first failure and always frees. */
lm_status lm_zip_enter(lm_source *s, lm_zip *z, int64_t index, lm_err *e);
lm_status lm_zip_leave(lm_source *s, lm_status status, lm_err *e);

/* What an archive from elsewhere may do: bytes and files in all. */
typedef struct lm_zip_limits {
  int64_t bytes, files;
} lm_zip_limits;

/* Unpacks every member into `folder`, which must be there and hold nothing. Refused before anything is written: names
 * that lead out of the folder (absolute, "..", with a backslash or a control character), that stand twice, that are
 * not UTF-8; links and devices; members that lm_zip_check refuses; members that overlap in the archive (one of a
 * bomb's ways to be small); more files or bytes than the limits. A checksum that is wrong ends it; what was written
 * until then stays. */
lm_status lm_zip_unpack(const char *path, const char *folder, const lm_zip_limits *limits, lm_err *e);

/* Writing: the members in the order given, dated 1980-01-01, so that equal contents give equal bytes. */
typedef struct lm_zip_writer lm_zip_writer;
lm_status lm_zip_create(lm_zip_writer **out, const char *path, lm_err *e);
lm_status lm_zip_add(lm_zip_writer *z, const char *name, const void *bytes, int64_t n, int compress, lm_err *e);
lm_status lm_zip_commit(lm_zip_writer *z, lm_err *e); /* frees */
void lm_zip_drop(lm_zip_writer *z);                   /* NULL is allowed */

#endif
