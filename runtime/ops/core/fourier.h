/* fourier.h: the discrete Fourier transform of any length along one axis, and the ops over it.
 *
 * A complex tensor is a real one whose last axis has size 2 (real, imaginary); axes are counted without that axis.
 * Lengths whose prime factors are at most LM_FFT_LARGEST_RADIX are done in passes of 4, 2, 3, 5 and the primes; any
 * other as a convolution with a chirp (Bluestein 1970) of the next fitting power of two. Twiddles are the runtime's
 * own sines and cosines in double precision. The order of operations is a function of the length alone: how many
 * signals are done side by side, and by which thread, changes no bit. */
#ifndef LM_OPS_CORE_FOURIER_H
#define LM_OPS_CORE_FOURIER_H

#include "ops/core/op.h"

/* lm_op.kernel of these ops: what they are, added up. */
enum {
  LM_FFT_INVERSE = 1,
  LM_FFT_REAL = 2, /* the real side is real: rfft, irfft */
  LM_FFT_TWO = 4,  /* two axes by default */
  LM_FFT_MANY = 8  /* a list of axes: fft2, fftn and so on */
};

/* Sentences of their docs. */
#define LM_FFT_COMPLEX_TENSOR                                                                                        \
  "a complex tensor has a last axis of 2, the real\n"                                                                \
  "and the imaginary part, which is not counted among the axes.\n"
#define LM_FFT_ANY_LENGTH "Any length; a shorter n cuts the signal, a longer one adds zeros."
#define LM_FFT_EXACT                                                                                                 \
  "Exact: passes of 4, 2, 3, 5 and other primes up to 61, else Bluestein's algorithm, with the runtime's own "       \
  "twiddles."

/* Parameters: length (or lengths), axis (or axes), norm. */
#define LM_FFT_NORM                                                                                                  \
  {                                                                                                                  \
    .name = "norm", .kind = LM_P_CHOICE,                                                                             \
    .doc = "which way divides by the length n: the inverse (backward), the forward one, or both by sqrt(n) (ortho)", \
    .initial = "'backward'", .choices = "backward ortho forward"                                                     \
  }
#define LM_FFT_ONE_AXIS                                                                                              \
  {.name = "n",                                                                                                      \
   .kind = LM_P_INT,                                                                                                 \
   .doc = "the length of the transform: the signal is cut, or zeros are added; absent: as long as it is",            \
   .initial = "nil",                                                                                                 \
   .low = 1,                                                                                                         \
   .high = 1e15},                                                                                                    \
      {.name = "dim", .kind = LM_P_DIM, .doc = "the axis, the complex one not counted", .initial = "-1"},            \
      LM_FFT_NORM
#define LM_FFT_AXES(which)                                                                                           \
  {.name = "s",                                                                                                      \
   .kind = LM_P_SHAPE,                                                                                               \
   .doc = "the length along each of the axes: the signal is cut, or zeros are added; absent: as long as it is",      \
   .initial = "nil"},                                                                                                \
      {.name = "dim", .kind = LM_P_DIMS, .doc = "the axes, the complex one not counted", .initial = which},          \
      LM_FFT_NORM

lm_status lm_fft_infer(lm_call *c, lm_err *e);
lm_status lm_fft_forward(lm_call *c, lm_err *e);
lm_status lm_fft_backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e);

/* ---- one axis ------------------------------------------------------------------------------------------------- */

/* A transform along one axis of contiguous memory: outer x n x inner signals. The complex side is interleaved; of a
 * real signal's transform it holds the first n / 2 + 1 elements. in and out may be the same where both are complex.
 */
typedef struct lm_fft_job {
  lm_dtype dtype; /* LM_F32 or LM_F64 */
  bool inverse, real;
  int64_t outer, n, inner;
  double scale;
  const void *in;
  void *out;
} lm_fft_job;

lm_status lm_fft_axis(const lm_fft_job *job, lm_err *e);

#endif
