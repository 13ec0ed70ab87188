/* lzf.c: the LZF filter (32000), which h5py adds to HDF5: reading alone.
 *
 * LZF (Marc Lehmann's LibLZF) is a run of literals (a byte n below 32: n + 1 bytes follow as they are) and
 * references (three bits of length, or 7 and a byte more; 13 bits of distance). The filter's third parameter is the
 * size of an uncompressed chunk. */
#include "worker.h"

#include <stdlib.h>
#include <string.h>

enum { LZF = 32000 };

/* n bytes into `room`; how many came, or 0 where they are no LZF or need more room. */
static size_t expand(const uint8_t *p, size_t n, uint8_t *out, size_t room) {
  const uint8_t *end = p + n;
  size_t at = 0;
  while (p < end) {
    size_t control = *p++;
    if (control < 32) {
      size_t run = control + 1;
      if (run > (size_t)(end - p) || run > room - at) return 0;
      memcpy(out + at, p, run);
      p += run;
      at += run;
      continue;
    }
    size_t length = control >> 5, distance = (control & 31) << 8;
    if (length == 7) {
      if (p == end) return 0;
      length += *p++;
    }
    if (p == end) return 0;
    distance += *p++ + (size_t)1;
    length += 2;
    if (distance > at || length > room - at) return 0;
    for (size_t i = 0; i < length; i++, at++) out[at] = out[at - distance]; /* may overlap: it repeats */
  }
  return at;
}

static size_t filter(unsigned flags, size_t count, const unsigned values[], size_t bytes, size_t *size,
                     void **buffer) {
  if (!(flags & H5Z_FLAG_REVERSE) || count < 3) return 0;
  size_t room = values[2];
  void *out = room ? malloc(room) : NULL;
  size_t n = out ? expand(*buffer, bytes, out, room) : 0;
  if (!n) {
    free(out);
    return 0;
  }
  free(*buffer);
  *buffer = out;
  *size = room;
  return n;
}

bool lzf_register(void) {
  const H5Z_class2_t lzf = {.version = H5Z_CLASS_T_VERS,
                            .id = LZF,
                            .encoder_present = 0,
                            .decoder_present = 1,
                            .name = "lzf",
                            .filter = filter};
  return H5Zregister(&lzf) >= 0;
}
