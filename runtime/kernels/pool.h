/* pool.h: windows over planes of h x w.
 *
 * Maximum: the first of equal values wins (rows, then columns); a NaN wins over everything, the first NaN over later
 * ones; padding never wins. Average: the window is summed in rows, then columns, and divided by its size, or by the
 * number of its elements inside the plane where `count_pad` is false. */
#ifndef LM_KERNELS_POOL_H
#define LM_KERNELS_POOL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lm_pool_shape {
  int64_t h, w, oh, ow; /* one plane before and after */
  int64_t kh, kw, sh, sw, ph, pw;
  bool count_pad;
} lm_pool_shape;

typedef struct lm_kernel_pool {
  /* y[planes, oh, ow] and, unless NULL, position[planes, oh, ow]: where in the plane the maximum was, counting
   * from 1. */
  void (*max)(void *y, int64_t *position, const void *x, int64_t planes, const lm_pool_shape *s);
  /* dx[planes, size] = 0, then dx[position] += dy for n outputs a plane, ascending. False: a position outside 1..size
   * (it is passed over). */
  bool (*scatter)(void *dx, const void *dy, const int64_t *position, int64_t planes, int64_t size, int64_t n);
  /* y[o] = x[position[o]]. False: a position outside 1..size (y is then 0). */
  bool (*take)(void *y, const void *x, const int64_t *position, int64_t planes, int64_t size, int64_t n);
  void (*avg)(void *y, const void *x, int64_t planes, const lm_pool_shape *s);
  /* dx[i] = the sum of dy[o] / size(o) over the windows that hold i, in ascending order of o. */
  void (*avg_back)(void *dx, const void *dy, int64_t planes, const lm_pool_shape *s);
} lm_kernel_pool;

#endif
