/* patches.c: a plane (one channel of one image) at a time; planes are divided among threads. */
#include "ops/core/patches.h"

#include "base/parallel.h"

#include <string.h>

static int64_t windows(int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  const int64_t room = size + 2 * pad - (kernel - 1) * dilation - 1;
  return room < 0 ? 0 : room / stride + 1;
}

lm_status lm_patches_of(const lm_call *c, int64_t n, int64_t channels, int64_t h, int64_t w, lm_patches *s,
                        lm_err *e) {
  const lm_value *p = c->p;
  *s = (lm_patches){.n = n,
                    .c = channels,
                    .h = h,
                    .w = w,
                    .kh = p[0].v[0],
                    .kw = p[0].v[1],
                    .sh = p[1].v[0],
                    .sw = p[1].v[1],
                    .ph = p[2].v[0],
                    .pw = p[2].v[1],
                    .dh = p[3].v[0],
                    .dw = p[3].v[1]};
  s->oh = windows(h, s->kh, s->sh, s->ph, s->dh);
  s->ow = windows(w, s->kw, s->sw, s->pw, s->dw);
  if (s->oh > 0 && s->ow > 0) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE,
                 "%s: a window of %lldx%lld with dilation %lldx%lld is larger than images of %lldx%lld with padding "
                 "%lldx%lld",
                 c->op->name, (long long)s->kh, (long long)s->kw, (long long)s->dh, (long long)s->dw, (long long)h,
                 (long long)w, (long long)s->ph, (long long)s->pw);
}

typedef struct job {
  const lm_patches *s;
  const void *x;
  void *out;
} job;

/* The columns of a row of windows whose pixel (column - 1) * sw + at lies inside: [*first, *stop). */
static void inside(int64_t at, int64_t w, int64_t sw, int64_t ow, int64_t *first, int64_t *stop) {
  *first = at < 0 ? (-at + sw - 1) / sw : 0;
  *stop = at >= w ? 0 : (w - 1 - at) / sw + 1;
  if (*stop > ow) *stop = ow;
  if (*first > *stop) *first = *stop;
}

#define PLANES(T)                                                                                                    \
  static void unfold_##T(void *context, int worker, int64_t begin, int64_t end) {                                    \
    const job *j = context;                                                                                          \
    const lm_patches *s = j->s;                                                                                      \
    (void)worker;                                                                                                    \
    for (int64_t plane = begin; plane < end; plane++) {                                                              \
      const T *x = (const T *)j->x + plane * s->h * s->w;                                                            \
      T *out = (T *)j->out + plane * s->kh * s->kw * s->oh * s->ow;                                                  \
      for (int64_t kh = 0; kh < s->kh; kh++)                                                                         \
        for (int64_t kw = 0; kw < s->kw; kw++)                                                                       \
          for (int64_t oh = 0; oh < s->oh; oh++, out += s->ow) {                                                     \
            const int64_t row = oh * s->sh + kh * s->dh - s->ph, at = kw * s->dw - s->pw;                            \
            int64_t first, stop;                                                                                     \
            inside(at, s->w, s->sw, s->ow, &first, &stop);                                                           \
            if (row < 0 || row >= s->h) first = stop = 0;                                                            \
            for (int64_t i = 0; i < first; i++) out[i] = 0;                                                          \
            for (int64_t i = first; i < stop; i++) out[i] = x[row * s->w + i * s->sw + at];                          \
            for (int64_t i = stop; i < s->ow; i++) out[i] = 0;                                                       \
          }                                                                                                          \
    }                                                                                                                \
  }                                                                                                                  \
  static void fold_##T(void *context, int worker, int64_t begin, int64_t end) {                                      \
    const job *j = context;                                                                                          \
    const lm_patches *s = j->s;                                                                                      \
    (void)worker;                                                                                                    \
    for (int64_t plane = begin; plane < end; plane++) {                                                              \
      const T *x = (const T *)j->x + plane * s->kh * s->kw * s->oh * s->ow;                                          \
      T *out = (T *)j->out + plane * s->h * s->w;                                                                    \
      memset(out, 0, (size_t)(s->h * s->w) * sizeof(T));                                                             \
      for (int64_t kh = 0; kh < s->kh; kh++)                                                                         \
        for (int64_t kw = 0; kw < s->kw; kw++)                                                                       \
          for (int64_t oh = 0; oh < s->oh; oh++, x += s->ow) {                                                       \
            const int64_t row = oh * s->sh + kh * s->dh - s->ph, at = kw * s->dw - s->pw;                            \
            int64_t first, stop;                                                                                     \
            inside(at, s->w, s->sw, s->ow, &first, &stop);                                                           \
            if (row < 0 || row >= s->h) continue;                                                                    \
            for (int64_t i = first; i < stop; i++) out[row * s->w + i * s->sw + at] += x[i];                         \
          }                                                                                                          \
    }                                                                                                                \
  }
PLANES(float)
PLANES(double)

static lm_status run(lm_task task, const lm_patches *s, const void *x, void *out, lm_err *e) {
  job j = {s, x, out};
  return lm_parallel(s->n * s->c, (1 << 15) / (s->kh * s->kw * s->oh * s->ow + 1) + 1, task, &j, e);
}

lm_status lm_patches_unfold(lm_dtype dtype, const lm_patches *s, const void *x, void *out, lm_err *e) {
  return run(dtype == LM_F32 ? unfold_float : unfold_double, s, x, out, e);
}
lm_status lm_patches_fold(lm_dtype dtype, const lm_patches *s, const void *x, void *out, lm_err *e) {
  return run(dtype == LM_F32 ? fold_float : fold_double, s, x, out, e);
}
