/* fuzz_png.c: PNG pictures, as they are and as colour with alpha. */
#include "fuzz.h"

#include "io/png.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lm_tensor *t;
  lm_err e = {0};
  for (int channels = 0; channels <= 4; channels += 4) {
    fuzz_told(lm_png_decode(&t, "case.png", data, (int64_t)size, channels, &e), &e, "case.png");
    lm_tensor_release(t);
  }
  return 0;
}
