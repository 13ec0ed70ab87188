/* pad.c: axes made longer, or shorter, at their ends. */
#include "base/memory.h"
#include "ops.h"
#include "ops/core/compose.h"

enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR };

typedef struct padding {
  int64_t before[LM_MAX_DIMS], after[LM_MAX_DIMS]; /* for every axis */
} padding;

/* Parameters: before, after, dims, mode, value. */
static lm_status padding_of(const lm_call *c, padding *p, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  const lm_value *before = &c->p[0], *after = c->p[1].given ? &c->p[1] : &c->p[0], *dims = &c->p[2];
  const int n = dims->given ? dims->n : x->ndim;
  *p = (padding){{0}, {0}};
  const lm_value *lists[2] = {before, after};
  for (int k = 0; k < 2; k++)
    if (lists[k]->n != 1 && lists[k]->n != n)
      return lm_fail(e, LM_ERR_ARGUMENT, "pad: '%s' has %d numbers for %d axes; give one, or one for each axis",
                     k ? "after" : "before", lists[k]->n, n);
  for (int i = 0; i < n; i++) {
    int axis;
    lm_status status = lm_axis(c, dims->given ? dims->v[i] : i, x->ndim, &axis, e);
    if (status) return status;
    p->before[axis] = before->v[before->n == 1 ? 0 : i];
    p->after[axis] = after->v[after->n == 1 ? 0 : i];
  }
  return LM_OK;
}

static lm_status infer(lm_call *c, lm_err *e) {
  padding p;
  char text[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0];
  lm_status status = padding_of(c, &p, e);
  for (int i = 0; i < x->ndim && status == LM_OK; i++) {
    int64_t size;
    if (__builtin_add_overflow(x->shape[i], p.before[i], &size) || __builtin_add_overflow(size, p.after[i], &size) ||
        size < 0 || p.before[i] < -x->shape[i] || p.after[i] < -x->shape[i])
      return lm_fail(e, LM_ERR_SHAPE, "pad: %lld before and %lld after axis %d do not fit %s", (long long)p.before[i],
                     (long long)p.after[i], i + 1, lm_shape_text(x->ndim, x->shape, text));
    if (c->p[3].i != CONSTANT && x->shape[i] == 0 && size > 0)
      return lm_fail(e, LM_ERR_SHAPE, "pad: axis %d of %s has no element to repeat (mode 'constant' needs none)",
                     i + 1, lm_shape_text(x->ndim, x->shape, text));
  }
  return status;
}

/* Cropped where negative, then joined with blocks of the value. */
static lm_tensor *constant(lm_chain *h, lm_tensor *t, int axis, int64_t before, int64_t after, double value) {
  int64_t shape[LM_MAX_DIMS];
  if (h->status || !t) return NULL;
  const int64_t start = before < 0 ? -before : 0, end = after < 0 ? -after : 0;
  if (start || end) t = lm_do_slice(h, t, axis, start, t->shape[axis] - start - end);
  lm_tensor *parts[3];
  int n = 0;
  for (int i = 0; t && i < t->ndim; i++) shape[i] = t->shape[i];
  shape[axis] = before;
  if (t && before > 0) parts[n++] = lm_do_full(h, t->dtype, t->ndim, shape, value);
  parts[n++] = t;
  shape[axis] = after;
  if (t && after > 0) parts[n++] = lm_do_full(h, t->dtype, t->ndim, shape, value);
  return n == 1 ? t : lm_do_concat(h, n, parts, axis);
}

/* Which element stands at position i, counted from the first element of n: i itself inside, its image outside. */
static int64_t image(int64_t i, int64_t n, int mode) {
  if (mode == REPLICATE) return i < 0 ? 0 : i >= n ? n - 1 : i;
  const int64_t period = mode == CIRCULAR ? n : n > 1 ? 2 * (n - 1) : 1;
  const int64_t m = i % period < 0 ? i % period + period : i % period;
  return m < n ? m : period - m;
}

static lm_tensor *mirrored(lm_chain *h, lm_tensor *t, int axis, int64_t before, int64_t after, int mode) {
  if (h->status || !t) return NULL;
  const int64_t n = t->shape[axis], size = n + before + after;
  int64_t *at = lm_alloc_array((size_t)size + 1, sizeof *at, "positions of a padded axis", h->e);
  if (!at) {
    h->status = LM_ERR_MEMORY;
    return NULL;
  }
  for (int64_t i = 0; i < size; i++) at[i] = image(i - before, n, mode);
  lm_tensor *index = lm_do_positions(h, size, at);
  lm_free(at);
  return lm_do_pick(h, t, axis, index);
}

static lm_status forward(lm_call *c, lm_err *e) {
  padding p;
  lm_status status = padding_of(c, &p, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  lm_tensor *t = lm_do_reshape(&h, c->in[0], c->in_meta[0].ndim, c->in_meta[0].shape);
  for (int i = 0; i < c->in_meta[0].ndim; i++) {
    if (p.before[i] == 0 && p.after[i] == 0) continue;
    t = c->p[3].i == CONSTANT ? constant(&h, t, i, p.before[i], p.after[i], c->p[4].r)
                              : mirrored(&h, t, i, p.before[i], p.after[i], (int)c->p[3].i);
  }
  return lm_compound_end(&h, c, t);
}

static const lm_param params[] = {
    {.name = "before", .kind = LM_P_SHAPE, .doc = "elements added at the start of each axis; negative: cut off"},
    {.name = "after",
     .kind = LM_P_SHAPE,
     .doc = "elements added at the end of each axis; absent: as many as before",
     .initial = "nil"},
    {.name = "dims",
     .kind = LM_P_DIMS,
     .doc = "the axes that these numbers are for; all when absent",
     .initial = "nil"},
    {.name = "mode",
     .kind = LM_P_CHOICE,
     .doc = "what is added: one value; the axis mirrored at its ends, which are not repeated; its ends repeated; the "
            "axis "
            "from its other end",
     .initial = "'constant'",
     .choices = "constant reflect replicate circular"},
    {.name = "value", .kind = LM_P_REAL, .doc = "what 'constant' adds", .initial = "0"},
    {0}};

static const lm_case cases[] = {{"2x3", "before=1"},
                                {"2x1x3x4", "before=1,2 after=0,1 dims=3,4 value=2"},
                                {"2x4", "before=3 dims=2 mode=reflect"},
                                {"2x4", "before=2,1 mode=replicate"},
                                {"3x4", "before=-1,5 mode=circular"},
                                {"3x4", "before=-1,2 after=1,-3"},
                                {0}};

const lm_op lm_op_pad = {
    .name = "pad",
    .doc = "Axes made longer at their ends: x:pad(2, { dims = { 3, 4 } }) puts two zeros around images n,c,h,w,\n"
           "x:pad({ 1, 0 }, { after = { 0, 3 }, mode = 'reflect' }) treats each axis and end by itself. A single "
           "number\n"
           "stands for all the axes; a negative one cuts off. 'reflect' goes to and fro as often as it takes, as "
           "NumPy's.",
    .example = "tensor({ 1, 2, 3 }):pad(2, { mode = \"reflect\" })   --> [3. 2. 1. 2. 3. 2. 1.]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
