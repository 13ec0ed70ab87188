/* optim.c: all parameters in one parallel pass; the loops are kernels/optim.c. */
#include "optim/optim.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops/core/profile.h"

#include <math.h>

/* A parameter with a gradient: its pieces are [from, from + pieces) of the whole. */
typedef struct part {
  const lm_optim_slot *slot;
  lm_tensor *grad; /* contiguous; a reference */
  const lm_kernel_optim *kernel;
  int64_t count, from;
  int index;
} part;

/* Which states a rule works with. */
typedef struct needs {
  bool first, second;
} needs;

typedef struct plan {
  part *parts;
  int n;
  int64_t pieces;
  const lm_optim_rule *rule;
  needs needs;
  lm_update update;
  double *sums;   /* norm: one per piece */
  uint8_t *clean; /* nonfinite: one per piece */
} plan;

static lm_status check_like(const char *what, const lm_tensor *param, const lm_tensor *t, lm_err *e) {
  char want[LM_SHAPE_TEXT], got[LM_SHAPE_TEXT];
  if (!t) return lm_fail(e, LM_ERR_ARGUMENT, "optimizer: %s is missing", what);
  if (t->dtype != param->dtype)
    return lm_fail(e, LM_ERR_DTYPE, "optimizer: %s has dtype %s, its parameter %s", what, lm_dtype_name(t->dtype),
                   lm_dtype_name(param->dtype));
  if (!lm_tensor_same_shape(param, t))
    return lm_fail(e, LM_ERR_SHAPE, "optimizer: %s has shape %s, its parameter %s", what,
                   lm_shape_text(t->ndim, t->shape, got), lm_shape_text(param->ndim, param->shape, want));
  return LM_OK;
}

static lm_status check_state(const char *what, const lm_tensor *param, const lm_tensor *t, lm_err *e) {
  lm_status s = check_like(what, param, t, e);
  if (s == LM_OK && !lm_tensor_contiguous(t))
    s = lm_fail(e, LM_ERR_ARGUMENT, "optimizer: %s is a view that is not contiguous", what);
  return s;
}

static void plan_free(plan *p) {
  for (int i = 0; i < p->n; i++) lm_tensor_release(p->parts[i].grad);
  lm_free(p->parts);
  lm_free(p->sums);
  lm_free(p->clean);
}

static lm_status plan_make(plan *p, int n, const lm_optim_slot *slots, lm_err *e) {
  *p = (plan){0};
  p->parts = lm_alloc_array((size_t)n, sizeof *p->parts, "optimizer", e);
  if (!p->parts) return LM_ERR_MEMORY;
  for (int i = 0; i < n; i++) {
    lm_tensor *param = slots[i].param, *grad = param->grad;
    if (!grad) continue;
    lm_status s = LM_OK;
    if (!lm_dtype_is_float(param->dtype))
      s = lm_fail(e, LM_ERR_DTYPE, "optimizer: a parameter has dtype %s, expected float32 or float64",
                  lm_dtype_name(param->dtype));
    if (s == LM_OK) s = check_state("a parameter", param, param, e);
    if (s == LM_OK) s = check_like("a gradient", param, grad, e);
    part *q = &p->parts[p->n];
    *q = (part){.slot = &slots[i], .count = lm_tensor_count(param), .from = p->pieces, .index = i};
    if (s == LM_OK) s = lm_tensor_compact(&q->grad, grad, e);
    if (s != LM_OK) {
      plan_free(p);
      return s;
    }
    q->kernel = lm_kernels_of(param->dtype)->optim;
    p->pieces += (q->count + LM_OPTIM_PIECE - 1) / LM_OPTIM_PIECE;
    p->n++;
  }
  return LM_OK;
}

/* Piece `piece` of the whole: the part it lies in (the search starts at *at, pieces come in order) and its range. */
static const part *locate(const plan *p, int64_t piece, int *at, int64_t *begin, int64_t *n) {
  while (*at + 1 < p->n && p->parts[*at + 1].from <= piece) ++*at;
  const part *q = &p->parts[*at];
  *begin = (piece - q->from) * LM_OPTIM_PIECE;
  *n = q->count - *begin < LM_OPTIM_PIECE ? q->count - *begin : LM_OPTIM_PIECE;
  return q;
}

static char *address(const lm_tensor *t, int64_t element) {
  return (char *)lm_tensor_data(t) + element * (int64_t)lm_dtype_size(t->dtype);
}

static void update_pieces(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  const plan *p = context;
  int at = 0;
  for (int64_t piece = begin; piece < end; piece++) {
    int64_t from, n;
    const part *q = locate(p, piece, &at, &from, &n);
    const lm_optim_slot *s = q->slot;
    void *w = address(s->param, from), *g = address(q->grad, from);
    void *first = p->needs.first ? address(s->first, from) : NULL;
    void *second = p->needs.second ? address(s->second, from) : NULL;
    if (p->rule->kind == LM_OPTIM_SGD)
      q->kernel->sgd(n, w, g, first, &p->update);
    else if (p->rule->kind == LM_OPTIM_RMSPROP)
      q->kernel->rmsprop(n, w, g, first, second, &p->update);
    else if (p->rule->kind == LM_OPTIM_ADAGRAD)
      q->kernel->adagrad(n, w, g, second, &p->update);
    else
      q->kernel->adam(n, w, g, first, second, &p->update);
  }
}

static void square_pieces(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  plan *p = context;
  int at = 0;
  for (int64_t piece = begin; piece < end; piece++) {
    int64_t from, n;
    const part *q = locate(p, piece, &at, &from, &n);
    p->sums[piece] = q->kernel->squares(n, address(q->grad, from));
  }
}

static void finite_pieces(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  plan *p = context;
  int at = 0;
  for (int64_t piece = begin; piece < end; piece++) {
    int64_t from, n;
    const part *q = locate(p, piece, &at, &from, &n);
    p->clean[piece] = q->kernel->finite(n, address(q->grad, from));
  }
}

/* x^n by squaring: multiplications only, so the same on every machine. */
static double power(double x, int64_t n) {
  double y = 1;
  for (; n > 0; n >>= 1, x *= x)
    if (n & 1) y *= x;
  return y;
}

static bool is_adam(const lm_optim_rule *r) { return r->kind == LM_OPTIM_ADAM || r->kind == LM_OPTIM_ADAMW; }

static needs needs_of(const lm_optim_rule *r) {
  bool momentum = (r->kind == LM_OPTIM_SGD || r->kind == LM_OPTIM_RMSPROP) && r->momentum != 0;
  return (needs){.first = is_adam(r) || momentum, .second = r->kind != LM_OPTIM_SGD};
}

static lm_status check_rule(const lm_optim_rule *r, lm_err *e) {
  bool adam = is_adam(r);
  if (!(r->rate >= 0 && isfinite(r->rate)))
    return lm_fail(e, LM_ERR_ARGUMENT, "optimizer: rate is %g, expected a finite number, 0 or more", r->rate);
  if (!(r->decay >= 0 && isfinite(r->decay)))
    return lm_fail(e, LM_ERR_ARGUMENT, "optimizer: decay is %g, expected a finite number, 0 or more", r->decay);
  if (!isfinite(r->scale)) return lm_fail(e, LM_ERR_NUMERIC, "optimizer: the gradient's scale is %g", r->scale);
  if (!adam && !(r->momentum >= 0 && r->momentum < 1))
    return lm_fail(e, LM_ERR_ARGUMENT, "optimizer: momentum is %g, expected 0 <= momentum < 1", r->momentum);
  if (!(r->limit >= 0)) return lm_fail(e, LM_ERR_ARGUMENT, "optimizer: limit is %g, expected 0 or more", r->limit);
  if (r->kind == LM_OPTIM_RMSPROP && !(r->beta2 >= 0 && r->beta2 < 1))
    return lm_fail(e, LM_ERR_ARGUMENT, "optimizer: beta2 is %g, expected 0 <= beta2 < 1", r->beta2);
  if (adam && !(r->beta1 >= 0 && r->beta1 < 1 && r->beta2 >= 0 && r->beta2 < 1))
    return lm_fail(e, LM_ERR_ARGUMENT, "optimizer: beta1 and beta2 are %g and %g, expected 0 <= beta < 1", r->beta1,
                   r->beta2);
  if (r->kind != LM_OPTIM_SGD && !(r->epsilon > 0 && isfinite(r->epsilon)))
    return lm_fail(e, LM_ERR_ARGUMENT, "optimizer: epsilon is %g, expected a number above 0", r->epsilon);
  if (adam && r->step < 1)
    return lm_fail(e, LM_ERR_ARGUMENT, "optimizer: step is %lld, expected 1 or more", (long long)r->step);
  return LM_OK;
}

static lm_update update_of(const lm_optim_rule *r) {
  lm_update u = {.rate = r->rate,
                 .scale = r->scale,
                 .limit = r->limit > 0 ? r->limit : INFINITY,
                 .decay = r->decay,
                 .momentum = r->momentum,
                 .shrink = 1,
                 .beta1 = r->beta1,
                 .beta2 = r->beta2,
                 .epsilon = r->epsilon,
                 .nesterov = r->nesterov};
  if (!is_adam(r)) return u;
  if (r->kind == LM_OPTIM_ADAMW) {
    u.shrink = 1 - r->rate * r->decay;
    u.decay = 0;
  }
  u.rate = r->rate / (1 - power(r->beta1, r->step));
  u.root_scale = 1 / sqrt(1 - power(r->beta2, r->step));
  return u;
}

static lm_status run_step(const lm_optim_rule *rule, int n, const lm_optim_slot *slots, lm_err *e) {
  lm_status s = check_rule(rule, e);
  if (s != LM_OK) return s;
  plan p;
  if ((s = plan_make(&p, n, slots, e)) != LM_OK) return s;
  p.needs = needs_of(rule);
  for (int i = 0; i < p.n && s == LM_OK; i++) {
    const lm_optim_slot *slot = p.parts[i].slot;
    if (p.needs.first) s = check_state("a first-moment state", slot->param, slot->first, e);
    if (s == LM_OK && p.needs.second) s = check_state("a second-moment state", slot->param, slot->second, e);
  }
  if (s == LM_OK) {
    p.rule = rule;
    p.update = update_of(rule);
    lm_parallel_whole(p.pieces, 1, update_pieces, &p);
    for (int i = 0; i < p.n; i++) {
      const lm_optim_slot *slot = p.parts[i].slot;
      lm_tensor_touch(slot->param);
      if (p.needs.first) lm_tensor_touch(slot->first);
      if (p.needs.second) lm_tensor_touch(slot->second);
      if (lm_tensor_is_close(slot->param->grad)) slot->param->close = slot->param->storage->close = true;
    }
  }
  plan_free(&p);
  return s;
}

lm_status lm_optim_step(const lm_optim_rule *rule, int n, const lm_optim_slot *slots, lm_err *e) {
  lm_profile_span span;
  lm_profile_enter(&span, "optimizer");
  lm_status status = run_step(rule, n, slots, e);
  lm_profile_leave(&span);
  return status;
}

lm_status lm_optim_norm(int n, const lm_optim_slot *slots, double *norm, lm_err *e) {
  plan p;
  *norm = 0;
  lm_status s = plan_make(&p, n, slots, e);
  if (s != LM_OK) return s;
  p.sums = lm_alloc_array((size_t)p.pieces, sizeof *p.sums, "gradient norm", e);
  if (!p.sums) {
    plan_free(&p);
    return LM_ERR_MEMORY;
  }
  s = lm_parallel(p.pieces, 4, square_pieces, &p, e);
  if (s == LM_OK && p.pieces > 0) {
    /* neighbours first, then neighbours of those */
    for (int64_t gap = 1; gap < p.pieces; gap *= 2)
      for (int64_t i = 0; i + gap < p.pieces; i += 2 * gap) p.sums[i] += p.sums[i + gap];
    *norm = sqrt(p.sums[0]);
  }
  plan_free(&p);
  return s;
}

lm_status lm_optim_nonfinite(int n, const lm_optim_slot *slots, int *bad, lm_err *e) {
  plan p;
  *bad = -1;
  lm_status s = plan_make(&p, n, slots, e);
  if (s != LM_OK) return s;
  p.clean = lm_alloc_array((size_t)p.pieces, sizeof *p.clean, "gradient check", e);
  if (!p.clean) {
    plan_free(&p);
    return LM_ERR_MEMORY;
  }
  s = lm_parallel(p.pieces, 4, finite_pieces, &p, e);
  int at = 0;
  for (int64_t piece = 0; s == LM_OK && piece < p.pieces && *bad < 0; piece++) {
    int64_t from, count;
    const part *q = locate(&p, piece, &at, &from, &count);
    if (!p.clean[piece]) *bad = q->index;
  }
  plan_free(&p);
  return s;
}
