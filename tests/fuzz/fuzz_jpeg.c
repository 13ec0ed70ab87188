/* fuzz_jpeg.c: JPEG pictures, as they are stored and turned upright. */
#include "fuzz.h"

#include "io/jpeg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lm_tensor *t;
  lm_err e = {0};
  for (int upright = 0; upright < 2; upright++) {
    fuzz_told(lm_jpeg_decode(&t, "case.jpg", data, (int64_t)size, upright ? 1 : 0, upright, &e), &e, "case.jpg");
    lm_tensor_release(t);
  }
  return 0;
}
