/* patches.h: windows of images as columns (im2col) and back, for unfold and fold. */
#ifndef LM_OPS_CORE_PATCHES_H
#define LM_OPS_CORE_PATCHES_H

#include "ops/core/op.h"

typedef struct lm_patches {
  int64_t n, c, h, w, kh, kw, sh, sw, ph, pw, dh, dw, oh, ow;
} lm_patches;

/* The first four parameters of unfold and fold. */
#define LM_PATCH_PARAMS                                                                                              \
  LM_PAIR_PARAM("kernel", "the size of a window: rows, columns", NULL, 1, 1048576),                                  \
      LM_PAIR_PARAM("stride", "pixels between windows: rows, columns", "1", 1, 1048576),                             \
      LM_PAIR_PARAM("pad", "zeros added on each side: rows, columns", "0", 0, 1048576),                              \
      LM_PAIR_PARAM("dilation", "pixels between neighbours in a window: rows, columns", "1", 1, 1048576)

/* The geometry for images n,c,h,w by c->p[0..3]; a window larger than the padded image is a shape error. */
lm_status lm_patches_of(const lm_call *c, int64_t n, int64_t channels, int64_t h, int64_t w, lm_patches *s,
                        lm_err *e);

/* (n, c, h, w) to (n, c kh kw, oh ow), and the sum of columns back, in ascending (kh, kw). Row-major, LM_F32 or
 * LM_F64. */
lm_status lm_patches_unfold(lm_dtype dtype, const lm_patches *s, const void *x, void *out, lm_err *e);
lm_status lm_patches_fold(lm_dtype dtype, const lm_patches *s, const void *x, void *out, lm_err *e);

#endif
