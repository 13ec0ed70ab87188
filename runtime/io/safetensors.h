/* safetensors.h: the safetensors format of Hugging Face: a 64-bit length, a JSON header of at most 100 MB and the
 * elements, little-endian, without gaps or overlaps. */
#ifndef LM_IO_SAFETENSORS_H
#define LM_IO_SAFETENSORS_H

#include "io/arrays.h"

/* One entry of the header's "__metadata__". */
typedef struct lm_note {
  char *key, *value;
} lm_note;

typedef struct lm_notes {
  lm_note *items;
  int64_t count;
} lm_notes;

void lm_notes_free(lm_notes *notes);

/* Every tensor in the order of its bytes, and the metadata in the order of the file. F16, BF16 and 8-bit floats
 * become float32, small and unsigned integers int64 (see elements.h); complex numbers are refused. */
lm_status lm_safetensors_read(lm_arrays *out, lm_notes *notes, const char *path, lm_err *e);

/* The same, of a file that is mapped into memory (see lm_source_map): what needs no conversion costs nothing until it
 * is touched. */
lm_status lm_safetensors_map(lm_arrays *out, lm_notes *notes, const char *path, lm_err *e);

/* Writes tensors (no texts) with the widest elements first and by name within one width, which keeps them aligned.
 * Equal tensors and metadata give equal bytes. Names must differ, be UTF-8 and not "__metadata__". */
lm_status lm_safetensors_write(const char *path, const lm_arrays *arrays, const lm_notes *notes, lm_err *e);

#endif
