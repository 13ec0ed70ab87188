/* norm.c: the loops of norm.h. Each element is one expression; sums are those of lanes.h. */
#include "kernels/norm.h"

#include "kernels/lanes.h"
#include "kernels/math.h"

enum { ITEMS = 256 }; /* added one after another before the tree */

/* The statistic of line `line`, and the first of its units. */
static inline int64_t stat_of(const lm_norm_shape *s, int64_t line) { return s->batch ? line % s->groups : line; }
static inline int64_t unit_of(const lm_norm_shape *s, int64_t line) { return line % s->groups * s->channels; }

static inline real number(const real *p, int64_t i, real otherwise) { return p ? p[i] : otherwise; }
static inline const real *from(const void *p, int64_t i) { return p ? (const real *)p + i : NULL; }

/* g where the rectified v is not 0: where v is above 0, or NaN. */
static inline real gate(real g, real v) { return v <= 0 ? (real)0 : g; }

/* ---- statistics ------------------------------------------------------------------------------------------------ */

/* The sums of x - m and of its squares. */
static void chunk_moments(int64_t n, const real *x, real m, real *first, real *second) {
  vec a[LM_LANE_VECS], b[LM_LANE_VECS];
  const vec shift = vec_all(m);
  real lane[LM_LANES], square[LM_LANES];
  for (int l = 0; l < LM_LANE_VECS; l++) a[l] = b[l] = vec_all(0);
  int64_t i = 0;
  for (; i + LM_LANES <= n; i += LM_LANES)
    for (int l = 0; l < LM_LANE_VECS; l++) {
      const vec d = vec_load(x + i + l * VEC) - shift;
      a[l] += d;
      b[l] = vec_fma(d, d, b[l]);
    }
  if (i < n)
    for (int l = 0; l < LM_LANE_VECS; l++) {
      const int left = lanes_left(n - i, l);
      const vec d = vec_keep(vec_load_range(x + i + l * VEC, 0, left) - shift, left);
      a[l] += d;
      b[l] = vec_fma(d, d, b[l]);
    }
  memcpy(lane, a, sizeof lane);
  memcpy(square, b, sizeof square);
  *first = lanes_sum(lane);
  *second = lanes_sum(square);
}

static void row_moments(int64_t n, const real *x, real m, real *first, real *second) {
  if (n <= LM_ROW_CHUNK) {
    chunk_moments(n, x, m, first, second);
    return;
  }
  lm_tree one = {.count = 0}, two = {.count = 0};
  for (int64_t i = 0; i < n; i += LM_ROW_CHUNK) {
    real a, b;
    chunk_moments(n - i < LM_ROW_CHUNK ? n - i : LM_ROW_CHUNK, x + i, m, &a, &b);
    tree_add(&one, a);
    tree_add(&two, b);
  }
  *first = tree_sum(&one);
  *second = tree_sum(&two);
}

static void moments(const lm_norm_args *k, int64_t begin, int64_t end) {
  const int64_t inner = k->s.inner;
  real *sum = k->p1, *squares = k->p2, *rest = k->p3;
  for (int64_t line = begin; line < end; line++) {
    const real *x = from(k->x, line * inner);
    sum[line] = row_sum(inner, x);
    row_moments(inner, x, sum[line] / (real)inner, &rest[line], &squares[line]);
  }
}

/* out[g] = the sum over items of p (n, groups), for up to LM_LANES groups side by side. */
static void join_lanes(const lm_norm_shape *s, const real *p, int width, real *out) {
  lm_tree tree[LM_LANES];
  for (int l = 0; l < width; l++) tree[l].count = 0;
  for (int64_t first = 0; first < s->n; first += ITEMS) {
    const int64_t last = first + ITEMS < s->n ? first + ITEMS : s->n;
    real lane[LM_LANES] = {0};
    for (int64_t i = first; i < last; i++)
      for (int l = 0; l < width; l++) lane[l] += p[i * s->groups + l];
    for (int l = 0; l < width; l++) tree_add(&tree[l], lane[l]);
  }
  for (int l = 0; l < width; l++) out[l] = tree_sum(&tree[l]);
}

static void join(const lm_norm_shape *s, const void *p, void *out, int64_t begin, int64_t end) {
  for (int64_t g = begin; g < end; g += LM_LANES)
    join_lanes(s, (const real *)p + g, (int)(end - g < LM_LANES ? end - g : LM_LANES), (real *)out + g);
}

static void join_moments(const lm_norm_args *k, int64_t begin, int64_t end) {
  const lm_norm_shape *s = &k->s;
  const real inner = (real)s->inner, count = (real)lm_norm_count(s), *sum = k->p1, *rest = k->p3;
  real *mean = k->mean, *variance = k->variance, *squares = k->p2;
  join(s, k->p1, mean, begin, end);
  for (int64_t g = begin; g < end; g++) mean[g] /= count;
  for (int64_t i = 0; i < s->n; i++)
    for (int64_t g = begin; g < end; g++) {
      const int64_t at = i * s->groups + g;
      const real d = sum[at] / inner - mean[g];
      squares[at] = FMA(d, FMA(inner, d, 2 * rest[at]), squares[at]);
    }
  join(s, k->p2, variance, begin, end);
  for (int64_t g = begin; g < end; g++) variance[g] = variance[g] < 0 ? (real)0 : variance[g] / count;
}

static void statistics(const lm_norm_args *k, int64_t begin, int64_t end) {
  const int64_t count = lm_norm_count(&k->s);
  real *mean = k->mean, *variance = k->variance, rest, squares;
  for (int64_t line = begin; line < end; line++) {
    const real *x = from(k->x, line * count);
    mean[line] = row_sum(count, x) / (real)count;
    row_moments(count, x, mean[line], &rest, &squares);
    variance[line] = squares / (real)count;
  }
}

static void roots(const lm_norm_args *k, int64_t begin, int64_t end) {
  const real *variance = k->variance, eps = (real)k->eps;
  real *rstd = k->rstd;
  for (int64_t i = begin; i < end; i++) rstd[i] = m_rsqrt(variance[i] + eps);
}

/* ---- forward ------------------------------------------------------------------------------------------------- */

static inline void apply_row(int64_t n, const real *x, real mean, real scale, real bias, bool relu, real *y) {
  if (relu) {
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {
      const real v = FMA(x[i] - mean, scale, bias);
      y[i] = gate(v, v);
    }
  } else {
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) y[i] = FMA(x[i] - mean, scale, bias);
  }
}

/* Units side by side, one element of each; the statistics too where they step (by 1; else 0). */
static inline __attribute__((always_inline)) void units_applied(int64_t n, const real *x, const real *mean,
                                                                const real *rstd, int step, const real *weight,
                                                                const real *bias, bool relu, real *y) {
  const real m = mean[0], r = rstd[0];
  _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {
    const real scale = (step ? rstd[i] : r) * (weight ? weight[i] : 1);
    const real v = FMA(x[i] - (step ? mean[i] : m), scale, bias ? bias[i] : 0);
    y[i] = relu ? gate(v, v) : v;
  }
}

/* The common form by itself: the compiler then vectorises it. */
static void apply_units(int64_t n, const real *x, const real *mean, const real *rstd, bool step, const real *weight,
                        const real *bias, bool relu, real *y) {
  if (!step && weight && bias && !relu)
    units_applied(n, x, mean, rstd, 0, weight, bias, false, y);
  else
    units_applied(n, x, mean, rstd, step, weight, bias, relu, y);
}

static void apply(const lm_norm_args *k, int64_t begin, int64_t end) {
  const lm_norm_shape *s = &k->s;
  const real *mean = k->mean, *rstd = k->rstd;
  const bool by_item = lm_norm_by_item(s);
  const int64_t units = by_item ? s->groups : s->channels, line_size = units * s->inner;
  for (int64_t line = begin; line < end; line++) {
    const real *x = from(k->x, line * line_size);
    real *y = (real *)k->out + line * line_size;
    const int64_t stat = by_item ? 0 : stat_of(s, line), unit = by_item ? 0 : unit_of(s, line);
    const real *weight = from(k->weight, unit), *bias = from(k->bias, unit);
    if (s->inner == 1)
      apply_units(units, x, mean + stat, rstd + stat, by_item, weight, bias, k->relu, y);
    else
      for (int64_t u = 0; u < units; u++)
        apply_row(s->inner, x + u * s->inner, mean[stat], rstd[stat] * number(weight, u, 1), number(bias, u, 0),
                  k->relu, y + u * s->inner);
  }
}

/* ---- sums of the gradient -------------------------------------------------------------------------------------- */

/* What a row of the gradient sees: y = fma(x - mean, scale, bias). */
typedef struct row {
  real mean, scale, bias;
  bool relu;
} row;

static inline vec vec_gate(vec g, vec v) {
  const vec_int drop = v <= (vec){0};
  return (vec)((vec_int)g & ~drop);
}

/* The sums of dy and of dy (x - mean) over a chunk, in lanes. */
static inline void chunk_sums_of(int64_t n, const real *x, const real *dy, row r, bool relu, real *first,
                                 real *second) {
  vec a[LM_LANE_VECS], b[LM_LANE_VECS];
  const vec mean = vec_all(r.mean), scale = vec_all(r.scale), bias = vec_all(r.bias);
  real lane[LM_LANES], product[LM_LANES];
  for (int l = 0; l < LM_LANE_VECS; l++) a[l] = b[l] = vec_all(0);
  int64_t i = 0;
  for (; i + LM_LANES <= n; i += LM_LANES)
    for (int l = 0; l < LM_LANE_VECS; l++) {
      const vec d = vec_load(x + i + l * VEC) - mean;
      vec g = vec_load(dy + i + l * VEC);
      if (relu) g = vec_gate(g, vec_fma(d, scale, bias));
      a[l] += g;
      b[l] = vec_fma(g, d, b[l]);
    }
  if (i < n)
    for (int l = 0; l < LM_LANE_VECS; l++) {
      const int left = lanes_left(n - i, l);
      const vec d = vec_keep(vec_load_range(x + i + l * VEC, 0, left) - mean, left);
      vec g = vec_load_range(dy + i + l * VEC, 0, left);
      if (relu) g = vec_gate(g, vec_fma(d, scale, bias));
      a[l] += g;
      b[l] = vec_fma(g, d, b[l]);
    }
  memcpy(lane, a, sizeof lane);
  memcpy(product, b, sizeof product);
  *first = lanes_sum(lane);
  *second = lanes_sum(product);
}

static void chunk_sums(int64_t n, const real *x, const real *dy, row r, real *first, real *second) {
  if (r.relu)
    chunk_sums_of(n, x, dy, r, true, first, second);
  else
    chunk_sums_of(n, x, dy, r, false, first, second);
}

static void row_sums(int64_t n, const real *x, const real *dy, row r, real *first, real *second) {
  if (n <= LM_ROW_CHUNK) {
    chunk_sums(n, x, dy, r, first, second);
    return;
  }
  lm_tree one = {.count = 0}, two = {.count = 0};
  for (int64_t i = 0; i < n; i += LM_ROW_CHUNK) {
    real a, b;
    chunk_sums(n - i < LM_ROW_CHUNK ? n - i : LM_ROW_CHUNK, x + i, dy + i, r, &a, &b);
    tree_add(&one, a);
    tree_add(&two, b);
  }
  *first = tree_sum(&one);
  *second = tree_sum(&two);
}

/* The gradient of one element of a unit, behind the rectifier. */
static inline real behind(bool relu, real dy, real d, real rstd, const real *weight, const real *bias, int64_t i) {
  return relu ? gate(dy, FMA(d, rstd * number(weight, i, 1), number(bias, i, 0))) : dy;
}

static void sums_units(const lm_norm_args *k, int64_t n, const real *x, const real *dy, int64_t stat, bool step,
                       int64_t unit, real *p1, real *p2) {
  const real *mean = from(k->mean, stat), *rstd = from(k->rstd, stat);
  const real *weight = from(k->weight, unit), *bias = from(k->bias, unit);
  if (!step && !k->relu) {
    const real m = mean[0];
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {
      p1[i] = dy[i];
      p2[i] = dy[i] * (x[i] - m);
    }
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    const int64_t j = step ? i : 0;
    const real d = x[i] - mean[j];
    p1[i] = behind(k->relu, dy[i], d, rstd[j], weight, bias, i);
    p2[i] = p1[i] * d;
  }
}

static void sums(const lm_norm_args *k, int64_t begin, int64_t end) {
  const lm_norm_shape *s = &k->s;
  const real *mean = k->mean, *rstd = k->rstd;
  const bool by_item = lm_norm_by_item(s);
  const int64_t units = by_item ? s->groups : s->channels;
  for (int64_t line = begin; line < end; line++) {
    const int64_t at = line * units * s->inner, stat = by_item ? 0 : stat_of(s, line);
    const int64_t unit = by_item ? 0 : unit_of(s, line);
    const real *x = from(k->x, at), *dy = from(k->dy, at);
    real *p1 = (real *)k->p1 + line * units, *p2 = (real *)k->p2 + line * units;
    if (s->inner == 1) {
      sums_units(k, units, x, dy, stat, by_item, unit, p1, p2);
      continue;
    }
    for (int64_t u = 0; u < units; u++) {
      const row r = {mean[stat], rstd[stat] * number(k->weight, unit + u, 1), number(k->bias, unit + u, 0), k->relu};
      row_sums(s->inner, x + u * s->inner, dy + u * s->inner, r, &p1[u], &p2[u]);
    }
  }
}

static void join_sums(const lm_norm_args *k, int64_t begin, int64_t end) {
  join(&k->s, k->p1, k->unit1, begin, end);
  join(&k->s, k->p2, k->unit2, begin, end);
}

static real weighted(int64_t n, const real *p, const real *weight) {
  return weight ? row_dot(n, p, weight) : row_sum(n, p);
}

static void weigh(const lm_norm_args *k, int64_t begin, int64_t end) {
  const lm_norm_shape *s = &k->s;
  real *s1 = k->s1, *s2 = k->s2, *rstd = k->rstd;
  for (int64_t line = begin; line < end; line++) {
    const real *weight = from(k->weight, unit_of(s, line));
    real *p1 = (real *)(s->batch ? k->unit1 : k->p1) + line * s->channels;
    real *p2 = (real *)(s->batch ? k->unit2 : k->p2) + line * s->channels;
    s1[line] = weighted(s->channels, p1, weight);
    s2[line] = weighted(s->channels, p2, weight);
    for (int64_t c = 0; c < s->channels; c++) p2[c] *= rstd[line];
  }
}

/* ---- backward -------------------------------------------------------------------------------------------------- */

static void slopes(const lm_norm_args *k, double count, int64_t begin, int64_t end) {
  const real *s1 = k->s1, *s2 = k->s2, *rstd = k->rstd, *gm = k->gm, *gv = k->gv, m = (real)count;
  real *a = k->a, *c = k->c;
  for (int64_t i = begin; i < end; i++) {
    const real r = rstd[i], cube = r * r * r;
    a[i] = FMA(-cube, s2[i] / m, gv ? 2 * gv[i] / m : 0);
    c[i] = FMA(-r, s1[i] / m, gm ? gm[i] / m : 0);
  }
}

static inline void grad_row(int64_t n, const real *x, const real *dy, row r, real a, real c, real *dx) {
  if (r.relu) {
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {
      const real d = x[i] - r.mean, v = FMA(d, r.scale, r.bias), g = dy[i];
      dx[i] = FMA(r.scale, gate(g, v), FMA(d, a, c));
    }
  } else {
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) dx[i] = FMA(r.scale, dy[i], FMA(x[i] - r.mean, a, c));
  }
}

static void grad_units(const lm_norm_args *k, int64_t n, const real *x, const real *dy, int64_t stat, bool step,
                       int64_t unit, real *dx) {
  const real *mean = from(k->mean, stat), *rstd = from(k->rstd, stat), *a = from(k->a, stat), *c = from(k->c, stat);
  const real *weight = from(k->weight, unit), *bias = from(k->bias, unit);
  if (!step && !k->relu && weight) {
    const real m = mean[0], r = rstd[0], slope = number(a, 0, 0), rest = number(c, 0, 0);
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) dx[i] =
        FMA(r * weight[i], dy[i], FMA(x[i] - m, slope, rest));
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    const int64_t j = step ? i : 0;
    const real d = x[i] - mean[j], g = behind(k->relu, dy[i], d, rstd[j], weight, bias, i);
    dx[i] = FMA(rstd[j] * number(weight, i, 1), g, FMA(d, number(a, j, 0), number(c, j, 0)));
  }
}

static void grad(const lm_norm_args *k, int64_t begin, int64_t end) {
  const lm_norm_shape *s = &k->s;
  const real *mean = k->mean, *rstd = k->rstd;
  const bool by_item = lm_norm_by_item(s);
  const int64_t units = by_item ? s->groups : s->channels, line_size = units * s->inner;
  for (int64_t line = begin; line < end; line++) {
    const int64_t at = line * line_size, i = by_item ? 0 : stat_of(s, line), unit = by_item ? 0 : unit_of(s, line);
    const real *x = from(k->x, at), *dy = from(k->dy, at);
    real *dx = (real *)k->out + at;
    if (s->inner == 1) {
      grad_units(k, units, x, dy, i, by_item, unit, dx);
      continue;
    }
    for (int64_t u = 0; u < units; u++) {
      const row r = {mean[i], rstd[i] * number(k->weight, unit + u, 1), number(k->bias, unit + u, 0), k->relu};
      grad_row(s->inner, x + u * s->inner, dy + u * s->inner, r, number(k->a, i, 0), number(k->c, i, 0),
               dx + u * s->inner);
    }
  }
}

const lm_kernel_norm KERNEL(norm) = {.moments = moments,
                                     .join_moments = join_moments,
                                     .statistics = statistics,
                                     .roots = roots,
                                     .apply = apply,
                                     .sums = sums,
                                     .join_sums = join_sums,
                                     .weigh = weigh,
                                     .slopes = slopes,
                                     .grad = grad};
