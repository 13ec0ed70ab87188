/* reduce.c: the loops of reduce.h. Every accumulator is one of LM_LANES lanes of a chunk, or one column of it, so the
 * order of operations is the same for every width of vector. */
#include "kernels/reduce.h"

#include "kernels/lanes.h"
#include "kernels/math.h"

static inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- one chunk of contiguous elements: inner == 1 ----------------------------------------------------------------
 */

#define START_SUM             ((real)0)
#define START_PROD            ((real)1)
#define START_MAX             (-(real)INFINITY)
#define START_MIN             ((real)INFINITY)
#define JOIN_SUM(a, v, s)     ((a) + (v))
#define JOIN_PROD(a, v, s)    ((a) * (v))
#define JOIN_MAX(a, v, s)     m_max(a, v)
#define JOIN_MIN(a, v, s)     m_min(a, v)
#define JOIN_SQUARES(a, v, s) FMA((v) - (s), (v) - (s), a)
#define JOIN_EXPS(a, v, s)    ((a) + exp_less(v, s))

/* exp(v - s), and 1 where the two are equal, infinities included. */
static inline real exp_less(real v, real s) {
  const real e = m_exp(v - s);
  return v == s ? (real)1 : e;
}

/* Joins the lanes with the same tree as lanes_sum. */
#define LANES(name, start, join, join_lanes)                                                                         \
  static real chunk_##name(int64_t n, const real *x, real shift) {                                                   \
    real lane[LM_LANES];                                                                                             \
    (void)shift;                                                                                                     \
    for (int l = 0; l < LM_LANES; l++) lane[l] = (start);                                                            \
    int64_t i = 0;                                                                                                   \
    for (; i + LM_LANES <= n; i += LM_LANES)                                                                         \
      for (int l = 0; l < LM_LANES; l++) lane[l] = join(lane[l], x[i + l], shift);                                   \
    for (int l = 0; i < n; i++, l++) lane[l] = join(lane[l], x[i], shift);                                           \
    for (int half = LM_LANES / 2; half > 0; half /= 2)                                                               \
      for (int l = 0; l < half; l++) lane[l] = join_lanes(lane[l], lane[l + half], shift);                           \
    return lane[0];                                                                                                  \
  }
static real chunk_sum(int64_t n, const real *x, real shift) {
  (void)shift;
  return lanes_row_sum(n, x);
}
LANES(prod, START_PROD, JOIN_PROD, JOIN_PROD)
LANES(max, START_MAX, JOIN_MAX, JOIN_MAX)
LANES(min, START_MIN, JOIN_MIN, JOIN_MIN)
LANES(squares, START_SUM, JOIN_SQUARES, JOIN_SUM)
LANES(exps, START_SUM, JOIN_EXPS, JOIN_SUM)

/* ---- one chunk of columns: inner > 1 -----------------------------------------------------------------------------
 */

#define COLUMNS(name, start, join)                                                                                   \
  static void columns_##name(int64_t n, int64_t inner, int64_t width, const real *x, const real *shift, real *out) { \
    (void)shift;                                                                                                     \
    for (int64_t j = 0; j < width; j++) out[j] = (start);                                                            \
    for (int64_t k = 0; k < n; k++) {                                                                                \
      const real *row = x + k * inner;                                                                               \
      _Pragma("GCC ivdep") for (int64_t j = 0; j < width; j++) out[j] = join(out[j], row[j], shift[j]);              \
    }                                                                                                                \
  }
COLUMNS(sum, START_SUM, JOIN_SUM)
COLUMNS(prod, START_PROD, JOIN_PROD)
COLUMNS(max, START_MAX, JOIN_MAX)
COLUMNS(min, START_MIN, JOIN_MIN)
COLUMNS(squares, START_SUM, JOIN_SQUARES)
COLUMNS(exps, START_SUM, JOIN_EXPS)

/* ---- cells and trees ---------------------------------------------------------------------------------------------
 */

typedef real (*chunk_fn)(int64_t n, const real *x, real shift);
typedef void (*columns_fn)(int64_t n, int64_t inner, int64_t width, const real *x, const real *shift, real *out);

static void run_cells(const lm_reduce_view *v, int64_t begin, int64_t end, chunk_fn chunk, columns_fn columns) {
  const real *x = v->x, *shift = v->shift;
  real *partial = v->partial;
  for (int64_t cell = begin; cell < end; cell++) {
    const int64_t block = cell % v->blocks, c = cell / v->blocks % v->chunks, o = cell / v->blocks / v->chunks;
    const int64_t first = c * v->chunk, n = min_of(v->chunk, v->n - first), column = block * LM_REDUCE_COLUMNS;
    const real *from = x + (o * v->n + first) * v->inner + column, *s = shift ? shift + o * v->inner + column : NULL;
    real *to = partial + (o * v->chunks + c) * v->inner + column;
    if (v->inner == 1)
      *to = chunk(n, from, s ? *s : (real)0);
    else
      columns(n, v->inner, min_of(LM_REDUCE_COLUMNS, v->inner - column), from, s, to);
  }
}

typedef void (*join_fn)(int64_t n, real *to, const real *from);

static void run_join(const lm_reduce_view *v, int64_t begin, int64_t end, void *outv, join_fn join) {
  real *partial = v->partial, *out = outv;
  for (int64_t o = begin; o < end; o++) {
    real *p = partial + o * v->chunks * v->inner;
    for (int64_t step = 1; step < v->chunks; step *= 2)
      for (int64_t c = 0; c + step < v->chunks; c += 2 * step)
        join(v->inner, p + c * v->inner, p + (c + step) * v->inner);
    memcpy(out + o * v->inner, p, (size_t)v->inner * sizeof(real));
  }
}

#define REDUCTION(name, join_partials)                                                                               \
  static void cells_##name(const lm_reduce_view *v, int64_t begin, int64_t end) {                                    \
    run_cells(v, begin, end, chunk_##name, columns_##name);                                                          \
  }                                                                                                                  \
  static void merge_##name(int64_t n, real *to, const real *from) {                                                  \
    for (int64_t j = 0; j < n; j++) to[j] = join_partials(to[j], from[j], (real)0);                                  \
  }                                                                                                                  \
  static void join_##name(const lm_reduce_view *v, int64_t begin, int64_t end, void *out) {                          \
    run_join(v, begin, end, out, merge_##name);                                                                      \
  }
REDUCTION(sum, JOIN_SUM)
REDUCTION(prod, JOIN_PROD)
REDUCTION(max, JOIN_MAX)
REDUCTION(min, JOIN_MIN)
REDUCTION(squares, JOIN_SUM)
REDUCTION(exps, JOIN_SUM)

/* ---- the place of the best ---------------------------------------------------------------------------------------
 */

static inline bool is_best(real v, real best) { return (v == best) | ((best != best) & (v != v)); }

static void find(const lm_reduce_view *v, const void *bestv, int64_t begin, int64_t end, int64_t *out) {
  const real *best = bestv;
  for (int64_t o = begin; o < end; o++) {
    const real *x = (const real *)v->x + o * v->n * v->inner, *b = best + o * v->inner;
    int64_t *to = out + o * v->inner;
    if (v->inner == 1) {
      int64_t k = 0;
      while (k + 1 < v->n && !is_best(x[k], *b)) k++;
      *to = k;
    } else {
      for (int64_t j = 0; j < v->inner; j++) to[j] = 0;
      for (int64_t k = v->n - 1; k >= 0; k--)
        for (int64_t j = 0; j < v->inner; j++) to[j] = is_best(x[k * v->inner + j], b[j]) ? k : to[j];
    }
  }
}

/* ---- rows: softmax and the losses made of it ---------------------------------------------------------------------
 */

/* The maximum of a row: exact, so any order will do. */
static real row_max(int64_t n, const real *x) { return chunk_max(n, x, 0); }

/* e[i] = exp(x[i] - top) and their sum. */
static real row_exps(int64_t n, const real *x, real top, real *e) {
  _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) e[i] = m_exp(x[i] - top);
  return row_sum(n, e);
}

static void softmax(int64_t n, const void *xv, void *outv, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; r++) {
    const real *x = (const real *)xv + r * n;
    real *out = (real *)outv + r * n;
    const real total = row_exps(n, x, row_max(n, x), out);
    for (int64_t i = 0; i < n; i++) out[i] /= total;
  }
}

/* out = (x - top) - log(sum exp(x - top)); out serves as the place for the exponentials. */
static void log_softmax_row(int64_t n, const real *x, real *out) {
  const real top = row_max(n, x), log_total = m_log(row_exps(n, x, top, out));
  _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) out[i] = (x[i] - top) - log_total;
}

static void log_softmax(int64_t n, const void *xv, void *outv, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; r++) log_softmax_row(n, (const real *)xv + r * n, (real *)outv + r * n);
}

static void cross_entropy(int64_t n, const void *logits, const int64_t *labels, double smoothing, void *logpv,
                          void *lossv, int64_t begin, int64_t end) {
  const real s = (real)smoothing, rest = 1 - s;
  for (int64_t r = begin; r < end; r++) {
    real *logp = (real *)logpv + r * n, *loss = (real *)lossv + r;
    log_softmax_row(n, (const real *)logits + r * n, logp);
    const real hit = logp[labels[r]];
    *loss = s == 0 ? -hit : -FMA(rest, hit, s * (row_sum(n, logp) / (real)n));
  }
}

static void cross_entropy_grad(int64_t n, const void *logpv, const int64_t *labels, double smoothing, const void *gv,
                               int64_t sg, void *outv, int64_t begin, int64_t end) {
  const real s = (real)smoothing, base = s / (real)n, peak = (1 - s) + base;
  for (int64_t r = begin; r < end; r++) {
    const real *logp = (const real *)logpv + r * n, g = ((const real *)gv)[r * sg];
    real *out = (real *)outv + r * n;
    for (int64_t i = 0; i < n; i++) out[i] = g * (m_exp(logp[i]) - (i == labels[r] ? peak : base));
  }
}

const lm_kernel_reduce KERNEL(reduce) = {
    .cells = {[LM_R_SUM] = cells_sum,
              [LM_R_PROD] = cells_prod,
              [LM_R_MAX] = cells_max,
              [LM_R_MIN] = cells_min,
              [LM_R_SQUARES] = cells_squares,
              [LM_R_EXPS] = cells_exps},
    .join = {[LM_R_SUM] = join_sum,
             [LM_R_PROD] = join_prod,
             [LM_R_MAX] = join_max,
             [LM_R_MIN] = join_min,
             [LM_R_SQUARES] = join_squares,
             [LM_R_EXPS] = join_exps},
    .find = find,
    .softmax = softmax,
    .log_softmax = log_softmax,
    .cross_entropy = cross_entropy,
    .cross_entropy_grad = cross_entropy_grad,
};
