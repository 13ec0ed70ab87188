/* contract.c: each tensor is first cut down to names that are still needed, then pairs become matrix products. */
#include "ops/core/contract.h"

#include "ops.h"

typedef struct operand {
  lm_tensor *t;
  lm_labels names;
} operand;

typedef struct contraction {
  lm_chain *h;
  int n;
  operand x[LM_CONTRACT_MOST];
  uint64_t out;            /* the names of the result */
  int64_t size[LM_LABELS]; /* of each name */
} contraction;

static uint64_t bit(int name) { return UINT64_C(1) << name; }
static uint64_t set_of(const lm_labels *l) {
  uint64_t set = 0;
  for (int i = 0; i < l->n; i++) set |= bit(l->at[i]);
  return set;
}
static void drop(lm_labels *l, int i) {
  for (l->n--; i < l->n; i++) l->at[i] = l->at[i + 1];
}

/* ---- one tensor ---------------------------------------------------------------------------------------------- */

/* A name that stands twice becomes a diagonal, as the last axis. */
static void take_diagonals(lm_chain *h, operand *x) {
  for (int i = 0; i < x->names.n; i++)
    for (int k = i + 1; k < x->names.n; k++) {
      if (x->names.at[i] != x->names.at[k]) continue;
      const int8_t name = x->names.at[i];
      const lm_value values[] = {lm_int(0), lm_int(i), lm_int(k)};
      x->t = lm_do_with(h, &lm_op_diagonal, x->t, values);
      drop(&x->names, k);
      drop(&x->names, i);
      x->names.at[x->names.n++] = name;
      k = x->names.n;
      i = -1; /* from the start: the axes have moved */
    }
}

/* Axes of 1 that other tensors stretch go away. */
static void drop_stretched(contraction *c, operand *x) {
  for (int i = x->names.n - 1; i >= 0 && x->t; i--) {
    if (x->t->shape[i] != 1 || c->size[x->names.at[i]] == 1) continue;
    x->t = lm_do_squeeze(c->h, x->t, i);
    drop(&x->names, i);
  }
}

/* Axes that nobody else needs are summed. */
static void sum_alone(contraction *c, int which) {
  operand *x = &c->x[which];
  uint64_t needed = c->out;
  for (int i = 0; i < c->n; i++) needed |= i == which ? 0 : set_of(&c->x[i].names);
  for (int i = x->names.n - 1; i >= 0 && x->t; i--) {
    if (needed & bit(x->names.at[i])) continue;
    x->t = lm_do_sum(c->h, x->t, i, false);
    drop(&x->names, i);
  }
}

/* ---- two tensors --------------------------------------------------------------------------------------------- */

/* The names of a pair in groups: in both and kept, in both and summed, in the first only, in the second only. */
typedef struct groups {
  lm_labels both, summed, first, second;
} groups;

static void add(lm_labels *l, int name) {
  if (l->n < LM_MAX_DIMS) l->at[l->n] = (int8_t)name;
  l->n++; /* too many are refused where they would meet in one tensor */
}

static groups groups_of(const contraction *c, int a, int b) {
  groups g = {{0}};
  uint64_t needed = c->out;
  const uint64_t in_a = set_of(&c->x[a].names), in_b = set_of(&c->x[b].names);
  for (int i = 0; i < c->n; i++) needed |= i == a || i == b ? 0 : set_of(&c->x[i].names);
  for (int i = 0; i < c->x[a].names.n; i++) {
    const int name = c->x[a].names.at[i];
    add(!(in_b & bit(name)) ? &g.first : needed & bit(name) ? &g.both : &g.summed, name);
  }
  for (int i = 0; i < c->x[b].names.n; i++)
    if (!(in_a & bit(c->x[b].names.at[i]))) add(&g.second, c->x[b].names.at[i]);
  return g;
}

static int64_t count_of(const contraction *c, const lm_labels *l) {
  int64_t n = 1;
  for (int i = 0; i < l->n && i < LM_MAX_DIMS; i++) n *= c->size[l->at[i]];
  return n;
}

/* x with the groups p, q, r of its names as three axes. */
static lm_tensor *grouped(const contraction *c, const operand *x, const lm_labels *p, const lm_labels *q,
                          const lm_labels *r) {
  const lm_labels *const list[3] = {p, q, r};
  int64_t order[LM_MAX_DIMS], shape[3];
  int n = 0;
  for (int k = 0; k < 3; k++) {
    shape[k] = count_of(c, list[k]);
    for (int i = 0; i < list[k]->n; i++)
      for (int axis = 0; axis < x->names.n; axis++)
        if (x->names.at[axis] == list[k]->at[i]) order[n++] = axis;
  }
  return lm_do_reshape(c->h, lm_do_permute(c->h, x->t, order), 3, shape);
}

/* (batch, m, k) by (batch, k, n) */
static lm_tensor *product(const contraction *c, const groups *g, const operand *a, const operand *b) {
  lm_chain *h = c->h;
  lm_tensor *x = grouped(c, a, &g->both, &g->first, &g->summed), *y = grouped(c, b, &g->both, &g->summed, &g->second);
  if (h->status || !x || !y) return NULL;
  const int64_t batch = x->shape[0], m = x->shape[1], k = x->shape[2], n = y->shape[2];
  if (g->summed.n == 0)
    return lm_do2(h, &lm_op_mul, lm_do_reshape(h, x, 3, (int64_t[]){batch, m, 1}),
                  lm_do_reshape(h, y, 3, (int64_t[]){batch, 1, n}));
  if (m == 1 && n == 1) { /* dot products: nothing for a matrix product to share */
    x = lm_do_reshape(h, x, 2, (int64_t[]){batch, k});
    return lm_do_sum(h, lm_do2(h, &lm_op_mul, x, lm_do_reshape(h, y, 2, (int64_t[]){batch, k})), 1, false);
  }
  if (!lm_dtype_is_float(x->dtype)) {
    x = lm_do_reshape(h, x, 4, (int64_t[]){batch, m, k, 1});
    return lm_do_sum(h, lm_do2(h, &lm_op_mul, x, lm_do_reshape(h, y, 4, (int64_t[]){batch, 1, k, n})), 2, false);
  }
  if (g->both.n > 0) return lm_do2(h, &lm_op_matmul, x, y);
  x = lm_do_reshape(h, x, 2, (int64_t[]){m, k});
  return lm_do2(h, &lm_op_matmul, x, lm_do_reshape(h, y, 2, (int64_t[]){k, n}));
}

/* Operand a becomes the product of a and b; b goes away. */
static void join(contraction *c, int a, int b) {
  lm_chain *h = c->h;
  const groups g = groups_of(c, a, b);
  const lm_labels *const list[3] = {&g.both, &g.first, &g.second};
  int64_t shape[LM_MAX_DIMS];
  operand made = {NULL, {0}};
  if (g.both.n + g.first.n + g.second.n > LM_MAX_DIMS) {
    h->status = lm_fail(h->e, LM_ERR_SHAPE, "a product on the way would have %d axes; a tensor has at most %d",
                        g.both.n + g.first.n + g.second.n, LM_MAX_DIMS);
    return;
  }
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < list[k]->n; i++) {
      shape[made.names.n] = c->size[list[k]->at[i]];
      made.names.at[made.names.n++] = list[k]->at[i];
    }
  made.t = lm_do_reshape(h, product(c, &g, &c->x[a], &c->x[b]), made.names.n, shape);
  c->x[a] = made;
  for (c->n--; b < c->n; b++) c->x[b] = c->x[b + 1];
}

/* The elements of the product of a pair less those that the two hold. */
static double cost(const contraction *c, int a, int b) {
  const groups g = groups_of(c, a, b);
  const lm_labels *const list[3] = {&g.both, &g.first, &g.second};
  double made = 1;
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < list[k]->n && i < LM_MAX_DIMS; i++) made *= (double)c->size[list[k]->at[i]];
  return made - (double)count_of(c, &c->x[a].names) - (double)count_of(c, &c->x[b].names);
}

static void join_best(contraction *c) {
  int a = 0, b = 1;
  double least = cost(c, 0, 1);
  for (int i = 0; i < c->n; i++)
    for (int k = i + 1; k < c->n; k++)
      if (cost(c, i, k) < least) {
        least = cost(c, i, k);
        a = i;
        b = k;
      }
  join(c, a, b);
}

/* ---- all ----------------------------------------------------------------------------------------------------- */

static lm_tensor *in_order(contraction *c, const lm_labels *out) {
  int64_t order[LM_MAX_DIMS];
  for (int i = 0; i < out->n; i++)
    for (int k = 0; k < c->x[0].names.n; k++)
      if (c->x[0].names.at[k] == out->at[i]) order[i] = k;
  return lm_do_permute(c->h, c->x[0].t, order);
}

lm_tensor *lm_contract(lm_chain *h, int n, lm_tensor *const *t, const lm_labels *in, const lm_labels *out) {
  contraction c = {.h = h, .n = n, .out = set_of(out)};
  lm_dtype dtype = n == 1 ? LM_BOOL : LM_U8;
  for (int i = 0; i < n; i++)
    if (h->status || !t[i]) return NULL;
  for (int i = 0; i < n; i++) dtype = lm_dtype_promote(dtype, t[i]->dtype == LM_BOOL ? LM_I64 : t[i]->dtype);
  for (int i = 0; i < LM_LABELS; i++) c.size[i] = 1;
  for (int i = 0; i < n; i++) {
    c.x[i] = (operand){lm_do_cast(h, t[i], dtype), in[i]};
    for (int k = 0; k < in[i].n; k++)
      if (t[i]->shape[k] != 1) c.size[in[i].at[k]] = t[i]->shape[k];
    take_diagonals(h, &c.x[i]);
  }
  for (int i = 0; i < n; i++) drop_stretched(&c, &c.x[i]);
  for (int i = 0; i < n; i++) sum_alone(&c, i);
  while (c.n > 1 && h->status == LM_OK) join_best(&c);
  return h->status ? NULL : in_order(&c, out);
}
