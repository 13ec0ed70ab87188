/* sparse.c: coordinate descent for the L1 penalty on a Gram matrix (Friedman, Hastie & Tibshirani 2010), and for the
 * bases of a dictionary (Mairal, Bach, Ponce & Sapiro 2010, algorithm 2). See sparse.h.
 *
 * With q = b - G a, coordinate j's minimum is a_j = shrink(q_j + G_jj a_j, penalty) / G_jj, and q follows by one row of
 * G. Sweeps visit the coordinates that are not 0; those at 0 whose |q_j| is beyond the penalty join them once the
 * others have settled. The penalty comes down to its value from the largest |q_j| by STEP a sweep: few join too early
 * and have to leave again. */
#include "kernels/sparse.h"

#include "kernels/lanes.h"
#include "kernels/template.h"

#define STEP ((real)0.65)

static inline real size_of(real x) { return x < 0 ? -x : x; }

/* One patch under way. */
typedef struct patch {
  const lm_lasso *how;
  real *a, *q;
  int32_t *list; /* the coordinates that are swept */
  int64_t count;
  real penalty, limit;
} patch;

/* q = q - by G_j */
static inline void follow(const patch *p, int64_t j, real by) {
  const real *row = (const real *)p->how->gram + j * p->how->n;
  const vec minus = vec_all(-by);
  for (int64_t i = 0; i < p->how->n; i += VEC)
    vec_store(p->q + i, vec_fma(minus, vec_load(row + i), vec_load(p->q + i)));
}

/* One sweep; the largest change that a step made to its own q. Those that end at 0 leave the list. */
static real sweep(patch *p) {
  const real *diagonal = p->how->diagonal, *inverse = p->how->inverse, penalty = p->penalty;
  real moved = 0;
  int64_t kept = 0;
  for (int64_t i = 0; i < p->count; i++) {
    const int32_t j = p->list[i];
    const real pull = FMA(diagonal[j], p->a[j], p->q[j]), over = size_of(pull) - penalty;
    real to = 0;
    if (over > 0) to = (pull < 0 ? -over : over) * inverse[j];
    const real by = to - p->a[j], change = size_of(by) * diagonal[j];
    p->list[kept] = j;
    kept += to != 0;
    if (by == 0) continue;
    p->a[j] = to;
    follow(p, j, by);
    moved = change > moved ? change : moved;
  }
  p->count = kept;
  return moved;
}

/* Puts the coordinates at 0 with |q_j| above `level` onto the list; how many they are. */
static int64_t join(patch *p, real level) {
  const int64_t before = p->count;
  for (int64_t i = 0; i < p->how->n; i += LM_LANES) {
    const real *a = p->a + i, *q = p->q + i;
    int some = 0;
    for (int l = 0; l < LM_LANES; l++) some |= (size_of(q[l]) > level) & (a[l] == 0);
    if (!some) continue;
    for (int l = 0; l < LM_LANES; l++)
      if ((size_of(q[l]) > level) & (a[l] == 0)) p->list[p->count++] = (int32_t)(i + l);
  }
  return p->count - before;
}

/* The largest size; NaN where an element is not finite. */
static real largest(int64_t n, const real *x) {
  real top[LM_LANES] = {0}, all = 0;
  int odd = 0;
  for (int64_t i = 0; i < n; i += LM_LANES)
    for (int l = 0; l < LM_LANES; l++) {
      const real size = size_of(x[i + l]);
      odd |= !(size < (real)INFINITY);
      top[l] = size > top[l] ? size : top[l];
    }
  for (int l = 0; l < LM_LANES; l++) all = top[l] > all ? top[l] : all;
  return odd ? (real)NAN : all;
}

static bool lasso(const lm_lasso *how, void *pa, void *pq, int32_t *list) {
  const real aim = (real)how->penalty, top = largest(how->n, pq);
  patch p = {.how = how, .a = pa, .q = pq, .list = list, .limit = (real)how->tolerance * top};
  if (!(top < (real)INFINITY)) {
    for (int64_t j = 0; j < how->n; j++) p.a[j] = top;
    return true;
  }
  for (int64_t j = 0; j < how->n; j++) {
    if (p.a[j] == 0) continue;
    follow(&p, j, p.a[j]);
    list[p.count++] = (int32_t)j;
  }
  p.penalty = STEP * largest(how->n, p.q);
  if (!(p.penalty > aim + p.limit)) p.penalty = aim;
  join(&p, p.penalty);
  for (int64_t k = 0; k < how->most; k++) {
    const real moved = sweep(&p);
    if (p.penalty > aim) {
      p.penalty *= STEP;
      if (!(p.penalty > aim + p.limit)) p.penalty = aim;
      join(&p, p.penalty);
    } else if (moved <= p.limit && join(&p, aim + p.limit) == 0) {
      return true;
    }
  }
  return false;
}

static inline real root(real x) {
#if defined(LM_REAL_IS_F32)
  return sqrtf(x);
#else
  return sqrt(x);
#endif
}

static void descend(int64_t count, int64_t n, void *pd, void *prest, const void *pg, int64_t stride, double least) {
  const real *g = pg;
  for (int64_t i = 0; i < count; i++) {
    real *restrict d = (real *)pd + i * n, *restrict rest = (real *)prest + i * n;
    const real own = g[i * stride + i];
    if (!(own > (real)least)) continue;
    for (int64_t p = 0; p < n; p++) rest[p] = rest[p] / own + d[p];
    const real length = root(row_dot(n, rest, rest)), scale = length > 1 ? 1 / length : 1;
    for (int64_t p = 0; p < n; p++) {
      const real to = scale * rest[p];
      rest[p] = d[p] - to;
      d[p] = to;
    }
    for (int64_t k = i + 1; k < count; k++) {
      real *restrict later = (real *)prest + k * n;
      const real factor = g[k * stride + i];
      for (int64_t p = 0; p < n; p++) later[p] = FMA(factor, rest[p], later[p]);
    }
  }
}

extern const lm_kernel_sparse KERNEL(sparse);
const lm_kernel_sparse KERNEL(sparse) = {.lasso = lasso, .descend = descend};
