/* sparse.c: coordinate descent for the L1 penalty on a Gram matrix (Friedman, Hastie & Tibshirani 2010), and for the
 * bases of a dictionary (Mairal, Bach, Ponce & Sapiro 2010, algorithm 2). See sparse.h.
 *
 * With q = b - G a, coordinate j's minimum is a_j = shrink(q_j + G_jj a_j, penalty) / G_jj, and q follows by one row
 * of G. Sweeps visit the coordinates that are not 0; those at 0 whose |q_j| is beyond the penalty join them once the
 * others have settled. The penalty comes down to its value from the largest |q_j| by FALL a sweep: few join too early
 * and have to leave again. */
#include "kernels/sparse.h"

#include "kernels/lanes.h"
#include "kernels/template.h"

_Static_assert(LM_LASSO_STEP % VEC == 0, "rows are whole vectors");

#define FALL ((real)0.65)

/* Bit work, and no branches: signs are what no processor can predict. */
#if defined(LM_REAL_IS_F32)
static inline real size_of(real x) { return __builtin_fabsf(x); }
static inline real with_sign(real size, real sign) { return __builtin_copysignf(size, sign); }
static inline real root(real x) { return sqrtf(x); }
#else
static inline real size_of(real x) { return __builtin_fabs(x); }
static inline real with_sign(real size, real sign) { return __builtin_copysign(size, sign); }
static inline real root(real x) { return sqrt(x); }
#endif

/* One patch under way. */
typedef struct patch {
  const lm_lasso *how;
  real *a, *q;
  int32_t *list; /* the coordinates that are swept */
  int64_t count;
  real penalty, limit;
} patch;

/* q = q - by row */
static inline void follow(int64_t n, real by, const real *restrict row, real *restrict q) {
  const vec minus = vec_all(-by);
  for (int64_t i = 0; i < n; i += LM_LASSO_STEP)
    for (int l = 0; l < LM_LASSO_STEP; l += VEC)
      vec_store(q + i + l, vec_fma(minus, vec_load(row + i + l), vec_load(q + i + l)));
}

/* One sweep; the largest change that a step made to its own q. Those that end at 0 leave the list. */
static real sweep(patch *p) {
  const int64_t n = p->how->n, count = p->count;
  const real *gram = p->how->gram, *diagonal = p->how->diagonal, *inverse = p->how->inverse, penalty = p->penalty;
  real *restrict a = p->a, *restrict q = p->q, moved = 0;
  int32_t *restrict list = p->list;
  int64_t kept = 0;
  for (int64_t i = 0; i < count; i++) {
    const int32_t j = list[i];
    const real pull = FMA(diagonal[j], a[j], q[j]), over = size_of(pull) - penalty;
    const real to = over > 0 ? with_sign(over, pull) * inverse[j] : 0;
    const real by = to - a[j], change = size_of(by) * diagonal[j];
    list[kept] = j;
    kept += to != 0;
    moved = change > moved ? change : moved;
    a[j] = to;
    if (by != 0) follow(n, by, gram + j * n, q);
  }
  p->count = kept;
  return moved;
}

/* Puts the coordinates at 0 with |q_j| above `level` onto the list; how many they are. */
static int64_t join(patch *p, real level) {
  const int64_t before = p->count;
  for (int64_t i = 0; i < p->how->n; i += LM_LASSO_STEP) {
    const real *a = p->a + i, *q = p->q + i;
    int some = 0;
    for (int l = 0; l < LM_LASSO_STEP; l++) some |= (size_of(q[l]) > level) & (a[l] == 0);
    if (!some) continue;
    for (int l = 0; l < LM_LASSO_STEP; l++)
      if ((size_of(q[l]) > level) & (a[l] == 0)) p->list[p->count++] = (int32_t)(i + l);
  }
  return p->count - before;
}

/* The largest size; NaN where an element is not finite. */
static real largest(int64_t n, const real *x) {
  real top[LM_LASSO_STEP] = {0}, all = 0;
  int odd = 0;
  for (int64_t i = 0; i < n; i += LM_LASSO_STEP)
    for (int l = 0; l < LM_LASSO_STEP; l++) {
      const real size = size_of(x[i + l]);
      odd |= !(size < (real)INFINITY);
      top[l] = size > top[l] ? size : top[l];
    }
  for (int l = 0; l < LM_LASSO_STEP; l++) all = top[l] > all ? top[l] : all;
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
    follow(how->n, p.a[j], (const real *)how->gram + j * how->n, p.q);
    list[p.count++] = (int32_t)j;
  }
  p.penalty = FALL * largest(how->n, p.q);
  if (!(p.penalty > aim + p.limit)) p.penalty = aim;
  join(&p, p.penalty);
  for (int64_t k = 0; k < how->most; k++) {
    const real moved = sweep(&p);
    if (p.penalty > aim) {
      p.penalty *= FALL;
      if (!(p.penalty > aim + p.limit)) p.penalty = aim;
      join(&p, p.penalty);
    } else if (moved <= p.limit && join(&p, aim + p.limit) == 0) {
      return true;
    }
  }
  return false;
}

static void descend(int64_t count, int64_t n, void *pd, const void *pb, void *prest, const void *pg, int64_t stride,
                    double least) {
  const real *g = pg, *b = pb;
  for (int64_t p = 0; p < count * n; p++) ((real *)prest)[p] = b[p] - ((real *)prest)[p];
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
