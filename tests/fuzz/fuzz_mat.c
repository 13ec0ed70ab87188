/* fuzz_mat.c: MATLAB files of version 4 and 5, read and listed. */
#include "fuzz.h"

#include "io/mat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lm_tree tree;
  lm_err e = {0};
  const char *path = fuzz_file(data, size);
  for (int list = 0; list < 2; list++) {
    fuzz_told(lm_mat_read(&tree, path, NULL, list, &e), &e, path);
    lm_tree_free(&tree);
  }
  return 0;
}
