/* pool.c: pooling over the planes of images. */
#include "ops/core/pool.h"

#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops/core/conv.h"
#include "ops/core/shape.h"

#include <stdatomic.h>

enum { GRAIN = 1 << 15 }; /* elements: about 20 microseconds */

int64_t lm_pool_planes(const lm_meta *m) {
  int64_t planes = 1;
  for (int i = 0; i < m->ndim - 2; i++) planes *= m->shape[i];
  return planes;
}

void lm_pool_infer(lm_call *c, int64_t h, int64_t w) {
  int64_t shape[LM_MAX_DIMS];
  const lm_meta *x = &c->in_meta[0];
  for (int i = 0; i < x->ndim; i++) shape[i] = x->shape[i];
  shape[x->ndim - 2] = h;
  shape[x->ndim - 1] = w;
  lm_infer_shape(c, x->ndim, shape);
}

lm_status lm_pool_args(const lm_call *c, int64_t h, int64_t w, lm_pool_shape *s, lm_err *e) {
  const lm_value *kernel = &c->p[0], *stride = c->p[1].given ? &c->p[1] : kernel, *pad = &c->p[2];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 3, 4, e);
  if (status) return status;
  *s = (lm_pool_shape){.h = h,
                       .w = w,
                       .kh = kernel->v[0],
                       .kw = kernel->v[1],
                       .sh = stride->v[0],
                       .sw = stride->v[1],
                       .ph = pad->v[0],
                       .pw = pad->v[1],
                       .count_pad = true};
  if (2 * s->ph > s->kh || 2 * s->pw > s->kw)
    return lm_fail(e, LM_ERR_ARGUMENT, "%s: padding %lldx%lld is more than half the window %lldx%lld", c->op->name,
                   (long long)s->ph, (long long)s->pw, (long long)s->kh, (long long)s->kw);
  if (h < 1 || w < 1)
    return lm_fail(e, LM_ERR_SHAPE, "%s: the planes are %lldx%lld; there is nothing to pool", c->op->name,
                   (long long)h, (long long)w);
  s->oh = lm_conv_size(h, s->kh, s->sh, s->ph, 1);
  s->ow = lm_conv_size(w, s->kw, s->sw, s->pw, 1);
  if (s->oh < 1 || s->ow < 1)
    return lm_fail(e, LM_ERR_SHAPE,
                   "%s: the window %lldx%lld is larger than the plane %lldx%lld with padding %lldx%lld", c->op->name,
                   (long long)s->kh, (long long)s->kw, (long long)h, (long long)w, (long long)s->ph,
                   (long long)s->pw);
  return LM_OK;
}

typedef struct job {
  const lm_kernel_pool *kernel;
  const lm_pool_shape *s;
  char *out;
  const char *in;
  int64_t *position;
  int64_t out_step, in_step, position_step; /* of a plane: bytes, bytes, elements */
  int64_t size, n;                          /* of a plane: elements that positions count, positions */
  enum { MAX, AVG, AVG_BACK, SCATTER, TAKE } what;
  atomic_bool bad;
} job;

static void task(void *context, int worker, int64_t begin, int64_t end) {
  job *j = context;
  char *out = j->out + begin * j->out_step;
  const char *in = j->in + begin * j->in_step;
  int64_t *position = j->position ? j->position + begin * j->position_step : NULL, planes = end - begin;
  bool good = true;
  (void)worker;
  switch (j->what) {
  case MAX:
    j->kernel->max(out, position, in, planes, j->s);
    break;
  case AVG:
    j->kernel->avg(out, in, planes, j->s);
    break;
  case AVG_BACK:
    j->kernel->avg_back(out, in, planes, j->s);
    break;
  case SCATTER:
    good = j->kernel->scatter(out, in, position, planes, j->size, j->n);
    break;
  case TAKE:
    good = j->kernel->take(out, in, position, planes, j->size, j->n);
    break;
  }
  if (!good) atomic_store(&j->bad, true);
}

static int64_t plane_of(const lm_tensor *t) { return t->shape[t->ndim - 2] * t->shape[t->ndim - 1]; }

static lm_status run(job *j, lm_tensor *out, const lm_tensor *in, const lm_tensor *position, lm_err *e) {
  const lm_meta m = lm_tensor_meta(out);
  const int64_t size = (int64_t)lm_dtype_size(out->dtype), planes = lm_pool_planes(&m);
  j->kernel = lm_kernels_of(out->dtype)->pool;
  j->out = lm_tensor_data(out);
  j->in = lm_tensor_data(in);
  j->out_step = plane_of(out) * size;
  j->in_step = plane_of(in) * size;
  if (position) {
    j->position = lm_tensor_data(position);
    j->position_step = plane_of(position);
  }
  int64_t work = plane_of(in) + plane_of(out);
  if (j->s) work += j->s->oh * j->s->ow * j->s->kh * j->s->kw;
  return lm_parallel(planes, GRAIN / (work + 1) + 1, task, j, e);
}

lm_status lm_pool_max(lm_tensor *y, lm_tensor *position, const lm_tensor *x, const lm_pool_shape *s, lm_err *e) {
  job j = {.s = s, .what = MAX};
  return run(&j, y, x, position, e);
}

lm_status lm_pool_avg(lm_tensor *y, const lm_tensor *x, const lm_pool_shape *s, lm_err *e) {
  job j = {.s = s, .what = AVG};
  return run(&j, y, x, NULL, e);
}

lm_status lm_pool_avg_back(lm_tensor *dx, const lm_tensor *dy, const lm_pool_shape *s, lm_err *e) {
  job j = {.s = s, .what = AVG_BACK};
  return run(&j, dx, dy, NULL, e);
}

lm_status lm_pool_move(const lm_call *c, bool back, lm_tensor *out, const lm_tensor *in, const lm_tensor *position,
                       lm_err *e) {
  job j = {.what = back ? SCATTER : TAKE, .size = plane_of(back ? out : in), .n = plane_of(position)};
  lm_status status = run(&j, out, in, position, e);
  if (status == LM_OK && atomic_load(&j.bad))
    status = lm_fail(e, LM_ERR_ARGUMENT, "%s: a position lies outside its plane of %lld elements (1 to %lld)",
                     c->op->name, (long long)j.size, (long long)j.size);
  return status;
}
