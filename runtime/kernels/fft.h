/* fft.h: the passes of the Fourier transform, over several signals side by side.
 *
 * Real and imaginary parts lie in arrays of their own, `lanes` signals interleaved: element i of signal l is at
 * [i * lanes + l]. A pass is one step of Stockham's self-sorting transform (decimation in frequency): no bit
 * reversal, and loops that run over neighbours. Products are plain (a multiplication, then an addition), so every
 * instruction set is as fast as it can be and all give the same bits. The inverse is the same with the two arrays
 * exchanged. */
#ifndef LM_KERNELS_FFT_H
#define LM_KERNELS_FFT_H

#include <stdint.h>

enum { LM_FFT_LARGEST_RADIX = 61 };

typedef struct lm_kernel_fft {
  /* One pass of radix r over n = r * m * step elements; inner = step * lanes. For p < m, q < inner and k < r,
   *   y[q + inner (r p + k)] = w^(p k step) sum over j of x[q + inner (p + m j)] w^(j k n / r)
   * with w = exp(-2 pi i / n). (wr, wi) holds w^(p k step) at (k - 1) m + p for 0 < k < r, then the r numbers
   * w^(j n / r). r is 2, 3, 4, 5, or another odd number up to LM_FFT_LARGEST_RADIX. */
  void (*pass)(int r, int64_t m, int64_t inner, const void *wr, const void *wi, const void *xr, const void *xi,
               void *yr, void *yi);

  /* y = x t, element i of every signal times t[i]. y may be x. */
  void (*multiply)(int64_t n, int64_t lanes, const void *tr, const void *ti, const void *xr, const void *xi, void *yr,
                   void *yi);

  /* From the transform z of the n / 2 pairs (even, odd) of a real signal of n to the first n / 2 + 1 elements of its
   * own; (wr, wi) holds exp(-2 pi i k / n), k <= n / 2. y is not z. */
  void (*after_real)(int64_t n, int64_t lanes, const void *wr, const void *wi, const void *zr, const void *zi,
                     void *yr, void *yi);

  /* The way back: from n / 2 + 1 elements of a real signal's transform to n / 2 whose inverse transform holds the
   * pairs. The imaginary parts of the two ends are not read. */
  void (*before_real)(int64_t n, int64_t lanes, const void *wr, const void *wi, const void *xr, const void *xi,
                      void *zr, void *zi);

  /* Memory to arrays and back: element i of signal l has its real part at x[i * step + l * lane] and its imaginary
   * one `odd` further; odd 0: there is none (read as 0, not written). join multiplies by scale. */
  void (*split)(int64_t n, int64_t lanes, const void *x, int64_t step, int64_t lane, int64_t odd, void *re, void *im);
  void (*join)(int64_t n, int64_t lanes, const void *re, const void *im, double scale, void *x, int64_t step,
               int64_t lane, int64_t odd);
} lm_kernel_fft;

#endif
