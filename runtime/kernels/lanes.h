/* lanes.h: sums of a row, and the maximum and minimum of two numbers, for kernel files.
 *
 * A row of up to LM_ROW_CHUNK elements is added in LM_LANES lanes (element i in lane i mod LM_LANES), joined by
 * lanes_sum(); longer rows are sums of such chunks joined by a binary tree, neighbours first. The order depends on n
 * alone, and is that of the sum op. */
#ifndef LM_KERNELS_LANES_H
#define LM_KERNELS_LANES_H

#include "kernels/template.h"

enum { LM_ROW_CHUNK = 4096, LM_LANE_VECS = LM_LANES / VEC };

/* Equal numbers have equal bits, but for the zeros: a maximum is -0 where both are, a minimum where either is. */
static inline real both_bits(real u, real v) {
  real_uint p, q;
  memcpy(&p, &u, sizeof p);
  memcpy(&q, &v, sizeof q);
  p &= q;
  memcpy(&u, &p, sizeof u);
  return u;
}
static inline real either_bits(real u, real v) {
  real_uint p, q;
  memcpy(&p, &u, sizeof p);
  memcpy(&q, &v, sizeof q);
  p |= q;
  memcpy(&u, &p, sizeof u);
  return u;
}

/* NaN where either is NaN; +0 is above -0. */
static inline real m_max(real u, real v) { return u > v ? u : v > u ? v : u == v ? both_bits(u, v) : u + v; }
static inline real m_min(real u, real v) { return u < v ? u : v < u ? v : u == v ? either_bits(u, v) : u + v; }

/* What comes behind whole groups of LM_LANES, 0 <= n < LM_LANES elements: how many of them vector l has. */
static inline int lanes_left(int64_t n, int l) {
  const int64_t left = n - l * VEC;
  return left <= 0 ? 0 : left < VEC ? (int)left : VEC;
}

/* A chunk: n <= LM_ROW_CHUNK. A lane starts from +0 and so never is -0: adding the +0 of an element that does not
 * exist changes nothing. */
static inline real lanes_row_sum(int64_t n, const real *x) {
  vec acc[LM_LANE_VECS];
  real lane[LM_LANES];
  for (int l = 0; l < LM_LANE_VECS; l++) acc[l] = vec_all(0);
  int64_t i = 0;
  for (; i + LM_LANES <= n; i += LM_LANES)
    for (int l = 0; l < LM_LANE_VECS; l++) acc[l] += vec_load(x + i + l * VEC);
  if (i < n)
    for (int l = 0; l < LM_LANE_VECS; l++) acc[l] += vec_load_range(x + i + l * VEC, 0, lanes_left(n - i, l));
  memcpy(lane, acc, sizeof lane);
  return lanes_sum(lane);
}
static inline real lanes_row_dot(int64_t n, const real *x, const real *y) {
  vec acc[LM_LANE_VECS];
  real lane[LM_LANES];
  for (int l = 0; l < LM_LANE_VECS; l++) acc[l] = vec_all(0);
  int64_t i = 0;
  for (; i + LM_LANES <= n; i += LM_LANES)
    for (int l = 0; l < LM_LANE_VECS; l++)
      acc[l] = vec_fma(vec_load(x + i + l * VEC), vec_load(y + i + l * VEC), acc[l]);
  if (i < n)
    for (int l = 0; l < LM_LANE_VECS; l++) {
      const int left = lanes_left(n - i, l);
      acc[l] = vec_fma(vec_load_range(x + i + l * VEC, 0, left), vec_load_range(y + i + l * VEC, 0, left), acc[l]);
    }
  memcpy(lane, acc, sizeof lane);
  return lanes_sum(lane);
}

/* Joins a stream of partial sums by the binary tree: level[k] holds the sum of 2^k of them where bit k of count is
 * set. Leftovers are joined from the smallest up. */
typedef struct lm_tree {
  uint64_t count;
  real level[64];
} lm_tree;

static inline void tree_add(lm_tree *t, real sum) {
  int k = 0;
  for (; t->count >> k & 1; k++) sum = t->level[k] + sum;
  t->level[k] = sum;
  t->count++;
}
static inline real tree_sum(const lm_tree *t) {
  real sum = 0;
  bool some = false;
  for (int k = 0; k < 64 && t->count >> k; k++) {
    if ((t->count >> k & 1) == 0) continue;
    sum = some ? t->level[k] + sum : t->level[k];
    some = true;
  }
  return sum;
}

/* Rows of any length. */
static inline real row_sum(int64_t n, const real *x) {
  if (n <= LM_ROW_CHUNK) return lanes_row_sum(n, x);
  lm_tree t = {.count = 0};
  for (int64_t i = 0; i < n; i += LM_ROW_CHUNK)
    tree_add(&t, lanes_row_sum(n - i < LM_ROW_CHUNK ? n - i : LM_ROW_CHUNK, x + i));
  return tree_sum(&t);
}
static inline real row_dot(int64_t n, const real *x, const real *y) {
  if (n <= LM_ROW_CHUNK) return lanes_row_dot(n, x, y);
  lm_tree t = {.count = 0};
  for (int64_t i = 0; i < n; i += LM_ROW_CHUNK)
    tree_add(&t, lanes_row_dot(n - i < LM_ROW_CHUNK ? n - i : LM_ROW_CHUNK, x + i, y + i));
  return tree_sum(&t);
}

#endif
