/* fuzz_tree.c: trees as another process sends them (io/tree_code.h): the answers of lamina-hdf5. What is decoded is
 * encoded again, and that decodes too. */
#include "fuzz.h"

#include "base/memory.h"
#include "io/tree_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lm_source s;
  lm_tree tree, again;
  lm_err e = {0};
  lm_bytes bytes = {0};
  lm_source_bytes(&s, "fuzz", data, (int64_t)size);
  lm_status status = lm_tree_decode(&tree, &s, &e);
  fuzz_told(status, &e, "fuzz");
  if (status != LM_OK) return 0;
  if (lm_tree_encode(&tree, lm_put_bytes, &bytes, &e) == LM_OK) {
    lm_source_bytes(&s, "fuzz", bytes.data, (int64_t)bytes.n);
    if (lm_tree_decode(&again, &s, &e) != LM_OK || s.left != 0) abort();
    lm_tree_free(&again);
  }
  lm_free(bytes.data);
  lm_tree_free(&tree);
  return 0;
}
