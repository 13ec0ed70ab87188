/* fft_plan.h: what the transforms of one length share: passes, twiddles, chirps. Plans are kept from call to call. */
#ifndef LM_OPS_CORE_FFT_PLAN_H
#define LM_OPS_CORE_FFT_PLAN_H

#include "kernels/kernels.h"

#include "base/err.h"

#include <stdbool.h>

enum { LM_FFT_PASSES = 64 };

typedef struct lm_fft_plan {
  int64_t n; /* of the signal */
  lm_dtype dtype;
  bool real; /* whether it is for real signals */
  const lm_kernel_fft *kernel;
  size_t size;    /* of an element */
  int64_t length; /* of the complex transform: n, or n / 2 for a real signal of even length */
  bool chirp;     /* whether that has a prime factor above LM_FFT_LARGEST_RADIX */
  int64_t turns;  /* the length that the passes are for: `length`, or that of the convolution with the chirp */
  int count, radix[LM_FFT_PASSES];
  int64_t first[LM_FFT_PASSES]; /* where the twiddles of each pass begin in wr and wi (kernels/fft.h) */
  void *wr, *wi;
  void *cr, *ci; /* exp(-i pi k k / length) */
  void *br, *bi; /* the transform of the chirp's inverse, over the convolution's length, which it is divided by */
  void *rr, *ri; /* exp(-2 pi i k / n), k <= n / 2, for a real signal of even length */

  int users; /* of a kept plan: the calls that hold it */
  bool kept;
  uint64_t used; /* when it was last asked for */
  size_t bytes;
} lm_fft_plan;

/* The plan of a length, to be given back with lm_fft_plan_put. Thread-safe. Fails with LM_ERR_MEMORY only. */
lm_status lm_fft_plan_get(const lm_fft_plan **out, int64_t n, lm_dtype dtype, bool real, lm_err *e);
void lm_fft_plan_put(const lm_fft_plan *plan); /* NULL is allowed */

/* Four arrays of parts of `lanes` signals side by side; the result of a step is in re and im. */
typedef struct lm_fft_arrays {
  char *re, *im, *other_re, *other_im;
} lm_fft_arrays;

/* The transform of `length` elements, unscaled. */
void lm_fft_plan_run(const lm_fft_plan *plan, bool inverse, int64_t lanes, lm_fft_arrays *a);

#endif
