/* fuzz_idx.c: IDX files, plain and compressed, read and mapped. */
#include "fuzz.h"

#include "io/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lm_tensor *t;
  lm_err e = {0};
  const char *path = fuzz_file(data, size);
  for (int map = 0; map < 2; map++) {
    fuzz_told(map ? lm_idx_map(&t, path, &e) : lm_idx_read(&t, path, &e), &e, path);
    lm_tensor_release(t);
  }
  return 0;
}
