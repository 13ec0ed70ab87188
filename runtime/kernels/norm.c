/* norm.c: the loops of norm.h. Each element is one expression; sums are those of lanes.h. */
#include "kernels/norm.h"

#include "kernels/lanes.h"

/* The statistic of line `line`, and the first of its units. */
static inline int64_t stat_of(const lm_norm_shape *s, int64_t line) { return s->batch ? line % s->groups : line; }
static inline int64_t unit_of(const lm_norm_shape *s, int64_t line) { return line % s->groups * s->channels; }

static inline real number(const real *p, int64_t i, real otherwise) { return p ? p[i] : otherwise; }

/* ---- forward ------------------------------------------------------------------------------------------------- */

static void apply_row(int64_t n, const real *x, real mean, real scale, real bias, real *y) {
  _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) y[i] = FMA(x[i] - mean, scale, bias);
}

/* Units side by side, one element of each; the statistics too where they step. */
static void apply_units(int64_t n, const real *x, const real *mean, const real *rstd, int64_t step,
                        const real *weight, const real *bias, real *y) {
  for (int64_t i = 0; i < n; i++) {
    const real scale = rstd[i * step] * (weight ? weight[i] : 1);
    y[i] = FMA(x[i] - mean[i * step], scale, bias ? bias[i] : 0);
  }
}

static void apply(const lm_norm_shape *s, const void *xv, const void *meanv, const void *rstdv, const void *weightv,
                  const void *biasv, void *yv, int64_t begin, int64_t end) {
  const real *mean = meanv, *rstd = rstdv, *weight = weightv, *bias = biasv;
  const bool by_item = lm_norm_by_item(s);
  const int64_t line_size = by_item ? s->groups : s->channels * s->inner;
  for (int64_t line = begin; line < end; line++) {
    const real *x = (const real *)xv + line * line_size;
    real *y = (real *)yv + line * line_size;
    const int64_t stat = stat_of(s, line), unit = unit_of(s, line);
    if (by_item)
      apply_units(s->groups, x, mean, rstd, 1, weight, bias, y);
    else if (s->inner == 1)
      apply_units(s->channels, x, mean + stat, rstd + stat, 0, weight ? weight + unit : 0, bias ? bias + unit : 0, y);
    else
      for (int64_t c = 0; c < s->channels; c++)
        apply_row(s->inner, x + c * s->inner, mean[stat], rstd[stat] * number(weight, unit + c, 1),
                  number(bias, unit + c, 0), y + c * s->inner);
  }
}

/* ---- sums of the gradient -------------------------------------------------------------------------------------- */

/* The sum of dy (x - mean) over a chunk, in lanes. */
static real chunk_dot(int64_t n, const real *x, const real *dy, real mean) {
  real lane[LM_LANES] = {0};
  int64_t i = 0;
  for (; i + LM_LANES <= n; i += LM_LANES)
    for (int l = 0; l < LM_LANES; l++) lane[l] = FMA(dy[i + l], x[i + l] - mean, lane[l]);
  for (int l = 0; i < n; i++, l++) lane[l] = FMA(dy[i], x[i] - mean, lane[l]);
  return lanes_sum(lane);
}

static real shifted_dot(int64_t n, const real *x, const real *dy, real mean) {
  if (n <= LM_ROW_CHUNK) return chunk_dot(n, x, dy, mean);
  lm_tree t = {.count = 0};
  for (int64_t i = 0; i < n; i += LM_ROW_CHUNK)
    tree_add(&t, chunk_dot(n - i < LM_ROW_CHUNK ? n - i : LM_ROW_CHUNK, x + i, dy + i, mean));
  return tree_sum(&t);
}

static void sums_units(int64_t n, const real *x, const real *dy, const real *mean, int64_t step, real *p1, real *p2) {
  for (int64_t i = 0; i < n; i++) {
    p1[i] = dy[i];
    p2[i] = dy[i] * (x[i] - mean[i * step]);
  }
}

static void sums(const lm_norm_shape *s, const void *xv, const void *dyv, const void *meanv, void *p1v, void *p2v,
                 int64_t begin, int64_t end) {
  const real *mean = meanv;
  const bool by_item = lm_norm_by_item(s);
  const int64_t units = by_item ? s->groups : s->channels;
  for (int64_t line = begin; line < end; line++) {
    const int64_t at = line * units * s->inner, stat = stat_of(s, line);
    const real *x = (const real *)xv + at, *dy = (const real *)dyv + at;
    real *p1 = (real *)p1v + line * units, *p2 = (real *)p2v + line * units;
    if (s->inner == 1)
      sums_units(units, x, dy, by_item ? mean : mean + stat, by_item, p1, p2);
    else
      for (int64_t c = 0; c < units; c++) {
        p1[c] = row_sum(s->inner, dy + c * s->inner);
        p2[c] = shifted_dot(s->inner, x + c * s->inner, dy + c * s->inner, mean[stat]);
      }
  }
}

static void weigh(const lm_norm_shape *s, const void *pv, const void *weightv, void *outv, int64_t begin,
                  int64_t end) {
  const real *weight = weightv;
  for (int64_t line = begin; line < end; line++) {
    const real *p = (const real *)pv + line * s->channels;
    ((real *)outv)[line] = weight ? row_dot(s->channels, p, weight + unit_of(s, line)) : row_sum(s->channels, p);
  }
}

static void rescale(const lm_norm_shape *s, void *pv, const void *rstdv, int64_t begin, int64_t end) {
  for (int64_t line = begin; line < end; line++) {
    real *p = (real *)pv + line * s->channels;
    const real r = ((const real *)rstdv)[stat_of(s, line)];
    for (int64_t c = 0; c < s->channels; c++) p[c] *= r;
  }
}

/* ---- backward -------------------------------------------------------------------------------------------------- */

static void slopes(int64_t n, double count, const void *s1v, const void *s2v, const void *rstdv, const void *gmv,
                   const void *gvv, void *av, void *cv) {
  const real *s1 = s1v, *s2 = s2v, *rstd = rstdv, *gm = gmv, *gv = gvv, m = (real)count;
  real *a = av, *c = cv;
  for (int64_t i = 0; i < n; i++) {
    const real r = rstd[i], cube = r * r * r;
    a[i] = FMA(-cube, s2[i] / m, gv ? 2 * gv[i] / m : 0);
    c[i] = FMA(-r, s1[i] / m, gm ? gm[i] / m : 0);
  }
}

static void grad_row(int64_t n, const real *x, const real *dy, real mean, real scale, real a, real c, real *dx) {
  _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) dx[i] = FMA(scale, dy[i], FMA(x[i] - mean, a, c));
}

static void grad_units(int64_t n, const real *x, const real *dy, const real *mean, const real *rstd, int64_t step,
                       const real *weight, const real *a, const real *c, real *dx) {
  for (int64_t i = 0; i < n; i++) {
    const int64_t k = i * step;
    const real scale = rstd[k] * (weight ? weight[i] : 1);
    dx[i] = FMA(scale, dy[i], FMA(x[i] - mean[k], a ? a[k] : 0, c ? c[k] : 0));
  }
}

static void grad(const lm_norm_shape *s, const void *xv, const void *dyv, const void *meanv, const void *rstdv,
                 const void *weightv, const void *av, const void *cv, void *dxv, int64_t begin, int64_t end) {
  const real *mean = meanv, *rstd = rstdv, *weight = weightv, *a = av, *c = cv;
  const bool by_item = lm_norm_by_item(s);
  const int64_t units = by_item ? s->groups : s->channels, line_size = units * s->inner;
  for (int64_t line = begin; line < end; line++) {
    const int64_t at = line * line_size, k = by_item ? 0 : stat_of(s, line), unit = by_item ? 0 : unit_of(s, line);
    const real *x = (const real *)xv + at, *dy = (const real *)dyv + at;
    real *dx = (real *)dxv + at;
    if (s->inner == 1)
      grad_units(units, x, dy, mean + k, rstd + k, by_item, weight ? weight + unit : 0, a ? a + k : 0, c ? c + k : 0,
                 dx);
    else
      for (int64_t u = 0; u < units; u++)
        grad_row(s->inner, x + u * s->inner, dy + u * s->inner, mean[k], rstd[k] * number(weight, unit + u, 1),
                 number(a, k, 0), number(c, k, 0), dx + u * s->inner);
  }
}

const lm_kernel_norm KERNEL(norm) = {
    .apply = apply, .sums = sums, .weigh = weigh, .rescale = rescale, .slopes = slopes, .grad = grad};
