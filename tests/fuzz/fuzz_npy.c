/* fuzz_npy.c: NumPy's .npy files, read and mapped. */
#include "fuzz.h"

#include "io/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lm_array array;
  lm_err e = {0};
  const char *path = fuzz_file(data, size);
  for (int map = 0; map < 2; map++) {
    fuzz_told(map ? lm_npy_map(&array, path, &e) : lm_npy_read(&array, path, &e), &e, path);
    lm_array_free(&array);
  }
  return 0;
}
