/* pool.c: windows over planes. Maxima of windows that lie 1 or 2 apart are done a vector of outputs at a time, those
 * of 2 x 2 side by side by loops of their own; the others, and windows over the margin, element by element. All give
 * the same bits. See pool.h. */
#include "kernels/pool.h"

#include "kernels/shuffle.h"

/* ---- windows of 2 x 2, side by side -------------------------------------------------------------------------- */

static bool is_2x2(const lm_pool_shape *s) {
  bool small = s->h * s->w < (int64_t)1 << 30; /* positions are counted in integers as wide as a real */
  return small && s->kh == 2 && s->kw == 2 && s->sh == 2 && s->sw == 2 && s->ph == 0 && s->pw == 0;
}

typedef int64_t vec_position __attribute__((vector_size(VEC * 8), aligned(8), may_alias));

/* Of 2 * n elements, the first VEC and the rest of the next VEC. */
static inline int first_part(int n) { return 2 * n < VEC ? 2 * n : VEC; }
static inline int second_part(int n) { return 2 * n < VEC ? 0 : 2 * n - VEC; }

static inline vec choose(vec_int take, vec a, vec b) { return (vec)(((vec_int)a & take) | ((vec_int)b & ~take)); }

/* Greater, or the first NaN. */
static inline vec_int wins(vec candidate, vec best) {
  return ~(vec_int)(candidate <= best) & (vec_int)(best == best);
}

static inline void store_positions(int64_t *position, vec_int where, int n) {
  vec_position wide = __builtin_convertvector(where, vec_position);
  if (n == VEC)
    *(vec_position *)position = wide;
  else
    for (int i = 0; i < n; i++) position[i] = wide[i];
}

/* n <= VEC outputs from columns [0, 2n) of two rows. `at` holds the positions of their first elements. */
static inline void max_2x2_vector(real *y, int64_t *position, const real *x, int64_t w, vec_int at, int n) {
  vec top0 = vec_load_some(x, first_part(n)), top1 = vec_load_some(x + first_part(n), second_part(n));
  vec low0 = vec_load_some(x + w, first_part(n)), low1 = vec_load_some(x + w + first_part(n), second_part(n));
  vec candidate[4] = {EVENS(top0, top1), ODDS(top0, top1), EVENS(low0, low1), ODDS(low0, low1)};
  const real_int offset[4] = {0, 1, (real_int)w, (real_int)w + 1};
  vec best = candidate[0];
  vec_int where = at;
  for (int i = 1; i < 4; i++) {
    vec_int take = wins(candidate[i], best);
    best = choose(take, candidate[i], best);
    where = ((at + offset[i]) & take) | (where & ~take);
  }
  vec_store_some(y, best, n);
  if (position) store_positions(position, where, n);
}

static void max_2x2(real *y, int64_t *position, const real *x, int64_t planes, const lm_pool_shape *s) {
  vec_int step;
  for (int i = 0; i < VEC; i++) step[i] = 2 * i + 1;
  for (int64_t plane = 0; plane < planes; plane++, x += s->h * s->w)
    for (int64_t row = 0; row < s->oh; row++) {
      for (int64_t j = 0; j < s->ow; j += VEC) {
        int n = (int)(s->ow - j < VEC ? s->ow - j : VEC);
        int64_t at = 2 * row * s->w + 2 * j;
        max_2x2_vector(y + j, position ? position + j : position, x + at, s->w, step + (real_int)at, n);
      }
      y += s->ow;
      if (position) position += s->ow;
    }
}

/* ---- any windows --------------------------------------------------------------------------------------------- */

typedef struct span {
  int64_t begin, end;
} span;

/* The part of window `index` along one axis that lies inside [0, size). */
static inline span inside(int64_t index, int64_t stride, int64_t pad, int64_t kernel, int64_t size) {
  int64_t from = index * stride - pad;
  return (span){from < 0 ? 0 : from, from + kernel < size ? from + kernel : size};
}

/* One output. */
static inline real max_one(const real *x, int64_t w, span rows, span columns, int64_t *position) {
  int64_t where = rows.begin * w + columns.begin;
  real best = x[where];
  for (int64_t i = rows.begin; i < rows.end; i++)
    for (int64_t j = columns.begin; j < columns.end; j++) {
      const real v = x[i * w + j];
      if (!(v <= best) && best == best) best = v, where = i * w + j;
    }
  *position = where + 1;
  return best;
}

/* Elements 0, stride, 2 stride ... of p, n of them; nothing behind the last is read. */
static inline __attribute__((always_inline)) vec every(int stride, const real *p, int n) {
  if (stride == 1) return vec_load_range(p, 0, n);
  const int last = 2 * n - 1;
  return EVENS(vec_load_range(p, 0, last < VEC ? last : VEC),
               vec_load_range(p + VEC, 0, last < VEC ? 0 : last - VEC));
}

/* n <= VEC outputs whose windows lie inside the plane's columns; the first begins at column `left`. */
static inline __attribute__((always_inline)) void max_vector(int stride, real *y, int64_t *position, const real *x,
                                                             int64_t w, span rows, int64_t left, int64_t kw, int n) {
  vec_int step, where;
  for (int i = 0; i < VEC; i++) step[i] = stride * i + 1;
  vec best = every(stride, x + rows.begin * w + left, n);
  where = step + (real_int)(rows.begin * w + left);
  for (int64_t i = rows.begin; i < rows.end; i++)
    for (int64_t j = i == rows.begin; j < kw; j++) {
      const int64_t at = i * w + left + j;
      const vec candidate = every(stride, x + at, n);
      const vec_int take = wins(candidate, best);
      best = choose(take, candidate, best);
      where = ((step + (real_int)at) & take) | (where & ~take);
    }
  vec_store_some(y, best, n);
  if (position) store_positions(position, where, n);
}

/* Outputs [from, to) of a row, one by one. */
static void max_ones(real *y, int64_t *position, const real *x, span rows, int64_t from, int64_t to,
                     const lm_pool_shape *s) {
  int64_t unused;
  for (int64_t j = from; j < to; j++)
    y[j] = max_one(x, s->w, rows, inside(j, s->sw, s->pw, s->kw, s->w), position ? position + j : &unused);
}

static void max_any(real *y, int64_t *position, const real *x, int64_t planes, const lm_pool_shape *s) {
  const bool steps = s->h * s->w < (int64_t)1 << 30 && (s->sw == 1 || s->sw == 2);
  int64_t first = (s->pw + s->sw - 1) / s->sw, last = s->w < s->kw ? 0 : (s->w - s->kw + s->pw) / s->sw + 1;
  if (last > s->ow) last = s->ow;
  if (!steps || last < first) first = last = 0; /* [first, last) is done in vectors */
  for (int64_t plane = 0; plane < planes; plane++, x += s->h * s->w)
    for (int64_t row = 0; row < s->oh; row++) {
      const span rows = inside(row, s->sh, s->ph, s->kh, s->h);
      max_ones(y, position, x, rows, 0, first, s);
      for (int64_t j = first; j < last; j += VEC) {
        const int n = (int)(last - j < VEC ? last - j : VEC);
        int64_t *const at = position ? position + j : NULL;
        if (s->sw == 1)
          max_vector(1, y + j, at, x, s->w, rows, j - s->pw, s->kw, n);
        else
          max_vector(2, y + j, at, x, s->w, rows, 2 * j - s->pw, s->kw, n);
      }
      max_ones(y, position, x, rows, last, s->ow, s);
      y += s->ow;
      if (position) position += s->ow;
    }
}

static void max(void *y, int64_t *position, const void *x, int64_t planes, const lm_pool_shape *s) {
  (is_2x2(s) ? max_2x2 : max_any)(y, position, x, planes, s);
}

static bool scatter(void *out, const void *gradient, const int64_t *position, int64_t planes, int64_t size,
                    int64_t n) {
  real *dx = out;
  const real *dy = gradient;
  bool good = true;
  memset(dx, 0, sizeof(real) * (size_t)(planes * size));
  for (int64_t plane = 0; plane < planes; plane++, dx += size, dy += n, position += n)
    for (int64_t i = 0; i < n; i++) {
      if ((uint64_t)position[i] - 1 < (uint64_t)size)
        dx[position[i] - 1] += dy[i];
      else
        good = false;
    }
  return good;
}

static bool take(void *out, const void *source, const int64_t *position, int64_t planes, int64_t size, int64_t n) {
  real *y = out;
  const real *x = source;
  bool good = true;
  for (int64_t plane = 0; plane < planes; plane++, x += size, y += n, position += n)
    for (int64_t i = 0; i < n; i++) {
      bool inside_plane = (uint64_t)position[i] - 1 < (uint64_t)size;
      y[i] = inside_plane ? x[position[i] - 1] : 0;
      good = good && inside_plane;
    }
  return good;
}

static inline real window_size(const lm_pool_shape *s, span rows, span columns) {
  return s->count_pad ? (real)(s->kh * s->kw) : (real)((rows.end - rows.begin) * (columns.end - columns.begin));
}

static void avg(void *out, const void *source, int64_t planes, const lm_pool_shape *s) {
  real *y = out;
  const real *x = source;
  for (int64_t plane = 0; plane < planes; plane++, x += s->h * s->w)
    for (int64_t row = 0; row < s->oh; row++) {
      span rows = inside(row, s->sh, s->ph, s->kh, s->h);
      for (int64_t column = 0; column < s->ow; column++) {
        span columns = inside(column, s->sw, s->pw, s->kw, s->w);
        real sum = 0;
        for (int64_t i = rows.begin; i < rows.end; i++)
          for (int64_t j = columns.begin; j < columns.end; j++) sum += x[i * s->w + j];
        *y++ = sum / window_size(s, rows, columns);
      }
    }
}

static void avg_back(void *out, const void *gradient, int64_t planes, const lm_pool_shape *s) {
  real *dx = out;
  const real *dy = gradient;
  memset(dx, 0, sizeof(real) * (size_t)(planes * s->h * s->w));
  for (int64_t plane = 0; plane < planes; plane++, dx += s->h * s->w)
    for (int64_t row = 0; row < s->oh; row++) {
      span rows = inside(row, s->sh, s->ph, s->kh, s->h);
      for (int64_t column = 0; column < s->ow; column++) {
        span columns = inside(column, s->sw, s->pw, s->kw, s->w);
        real share = *dy++ / window_size(s, rows, columns);
        for (int64_t i = rows.begin; i < rows.end; i++)
          for (int64_t j = columns.begin; j < columns.end; j++) dx[i * s->w + j] += share;
      }
    }
}

const lm_kernel_pool KERNEL(pool) = {.max = max, .scatter = scatter, .take = take, .avg = avg, .avg_back = avg_back};
