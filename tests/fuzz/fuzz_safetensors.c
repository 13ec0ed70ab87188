/* fuzz_safetensors.c: safetensors files, read and mapped. */
#include "fuzz.h"

#include "io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lm_arrays arrays;
  lm_notes notes;
  lm_err e = {0};
  const char *path = fuzz_file(data, size);
  for (int map = 0; map < 2; map++) {
    fuzz_told(map ? lm_safetensors_map(&arrays, &notes, path, &e) : lm_safetensors_read(&arrays, &notes, path, &e),
              &e, path);
    lm_arrays_free(&arrays);
    lm_notes_free(&notes);
  }
  return 0;
}
