/* fuzz_npz.c: NumPy's .npz archives. */
#include "fuzz.h"

#include "io/npz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lm_arrays arrays;
  lm_err e = {0};
  const char *path = fuzz_file(data, size);
  fuzz_told(lm_npz_read(&arrays, path, &e), &e, path);
  lm_arrays_free(&arrays);
  return 0;
}
