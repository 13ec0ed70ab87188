/* walk.c: broadcasting as strides. Axes that follow one another in every input are merged, so that runs are long; a
 * run that is longer than the grain is cut, so that one long row is shared among threads too. */
#include "ops/core/walk.h"

#include "base/parallel.h"

typedef struct walk {
  lm_walk_run run;
  const void *what;
  int n_in, ndim;
  int64_t shape[LM_MAX_DIMS], stride[LM_WALK_INPUTS][LM_MAX_DIMS];
  const char *data[LM_WALK_INPUTS];
  int64_t size[LM_WALK_INPUTS], out_size;
  char *out;
  int64_t segment, segments; /* elements in a part of a run; parts in a run */
} walk;

/* The stride of axis i of the result in an input: 0 where the input is absent there or stretched. */
static int64_t stride_in(const lm_tensor *t, const lm_tensor *out, int i) {
  const int axis = i - (out->ndim - t->ndim);
  return axis < 0 || t->shape[axis] == 1 ? 0 : t->stride[axis];
}

static void collapse(walk *w, const lm_tensor *out, lm_tensor *const *in) {
  for (int i = 0; i < out->ndim; i++) {
    const int64_t n = out->shape[i];
    bool joins = w->ndim > 0;
    if (n == 1) continue;
    for (int k = 0; k < w->n_in && joins; k++) joins = w->stride[k][w->ndim - 1] == stride_in(in[k], out, i) * n;
    if (!joins) w->shape[w->ndim++] = 1;
    w->shape[w->ndim - 1] *= n;
    for (int k = 0; k < w->n_in; k++) w->stride[k][w->ndim - 1] = stride_in(in[k], out, i);
  }
  if (w->ndim == 0) w->shape[w->ndim++] = 1;
}

/* Parts [begin, end): part p is segment p % segments of run p / segments. */
static void parts(void *context, int worker, int64_t begin, int64_t end) {
  const walk *w = context;
  const int last = w->ndim - 1;
  int64_t index[LM_MAX_DIMS] = {0}, offset[LM_WALK_INPUTS] = {0}, step[LM_WALK_INPUTS] = {0},
          row = begin / w->segments;
  (void)worker;
  for (int i = last - 1; i >= 0; i--) {
    index[i] = row % w->shape[i];
    row /= w->shape[i];
    for (int k = 0; k < w->n_in; k++) offset[k] += index[i] * w->stride[k][i];
  }
  for (int k = 0; k < w->n_in; k++) step[k] = w->stride[k][last];
  for (int64_t p = begin; p < end; p++) {
    const int64_t segment = p % w->segments, first = segment * w->segment, left = w->shape[last] - first;
    const int64_t place = p / w->segments * w->shape[last] + first;
    const void *in[LM_WALK_INPUTS];
    for (int k = 0; k < w->n_in; k++) in[k] = w->data[k] + (offset[k] + first * step[k]) * w->size[k];
    w->run(w->what, left < w->segment ? left : w->segment, in, step, w->out + place * w->out_size);
    if (segment + 1 < w->segments) continue;
    for (int i = last - 1; i >= 0; i--) {
      const bool wraps = ++index[i] == w->shape[i];
      for (int k = 0; k < w->n_in; k++) offset[k] += w->stride[k][i] * (wraps ? 1 - w->shape[i] : 1);
      if (!wraps) break;
      index[i] = 0;
    }
  }
}

lm_status lm_walk(lm_tensor *out, int n_in, lm_tensor *const *in, int64_t grain, lm_walk_run run, const void *what,
                  lm_err *e) {
  const int64_t n = lm_tensor_count(out);
  if (n == 0) return LM_OK;
  walk w = {.run = run, .what = what, .n_in = n_in, .out = lm_tensor_data(out)};
  w.out_size = (int64_t)lm_dtype_size(out->dtype);
  for (int k = 0; k < n_in; k++) {
    w.data[k] = lm_tensor_data(in[k]);
    w.size[k] = (int64_t)lm_dtype_size(in[k]->dtype);
  }
  collapse(&w, out, in);
  const int64_t inner = w.shape[w.ndim - 1];
  w.segment = inner < grain ? inner : grain;
  w.segments = (inner - 1) / w.segment + 1;
  return lm_parallel(n / inner * w.segments, grain / w.segment, parts, &w, e);
}
