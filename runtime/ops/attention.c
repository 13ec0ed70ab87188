/* attention.c: every query's mean of the values, weighted by how well the keys match it. */
#include "ops/core/attention.h"
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/shape.h"

#include <math.h>
#include <string.h>

enum { Q, K, V, MASK };                             /* inputs */
enum { HEADS, CAUSAL, SCALE, DROPOUT, PARAMS = 7 }; /* the four of dropout last */

static bool has(const lm_call *c, int i) { return i < c->n_in && c->in[i]; }

/* How many of queries, keys and values lie side by side in input 0 and in input 1. */
static int64_t packed(const lm_call *c, int i) { return i == Q && !has(c, K) ? 3 : i == K && !has(c, V) ? 2 : 1; }

/* ---- shapes ---------------------------------------------------------------------------------------------------- */

static lm_status infer_features(const lm_call *c, int i, lm_err *e) {
  static const char *const what[] = {"", "", " (keys and values side by side, as there is no v)",
                                     " (queries, keys and values side by side, as there is no k)"};
  static const char *const name[] = {"q", "k", "v"};
  const int64_t features = c->in_meta[i].shape[2], parts = packed(c, i) * c->p[HEADS].i;
  if (features > 0 && features % parts == 0) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE,
                 "attention: %s has %lld features%s, which heads = %lld needs to be a multiple of %lld", name[i],
                 (long long)features, what[packed(c, i)], (long long)c->p[HEADS].i, (long long)parts);
}

static lm_status infer_mask(const lm_call *c, int64_t queries, int64_t keys, lm_err *e) {
  char text[LM_SHAPE_TEXT], wanted[LM_SHAPE_TEXT];
  const lm_meta *m = &c->in_meta[MASK];
  const int64_t want[4] = {c->in_meta[Q].shape[0], c->p[HEADS].i, queries, keys};
  lm_status status = lm_need_dtype(c, MASK, LM_BOOL, e);
  if (status) return status;
  bool fits = m->ndim <= 4;
  for (int i = 1; fits && i <= m->ndim; i++)
    fits = m->shape[m->ndim - i] == 1 || m->shape[m->ndim - i] == want[4 - i];
  if (fits) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE,
                 "attention: mask is %s, which does not broadcast to %s (batch x heads x queries x keys)",
                 lm_shape_text(m->ndim, m->shape, text), lm_shape_text(4, want, wanted));
}

static lm_status infer_same(const lm_call *c, int a, int b, int axis, const char *what, lm_err *e) {
  static const char *const name[] = {"q", "k", "v"};
  const int64_t x = c->in_meta[a].shape[axis], y = c->in_meta[b].shape[axis];
  if (x == y) return LM_OK;
  return lm_fail(e, LM_ERR_SHAPE, "attention: %s has %lld %s and %s %lld; they must be equal", name[a], (long long)x,
                 what, name[b], (long long)y);
}

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = lm_need_float(c, Q, e);
  if (status == LM_OK && has(c, V) && !has(c, K))
    status = lm_fail(e, LM_ERR_ARGUMENT, "attention: v is given but k is not");
  for (int i = Q; i <= V && status == LM_OK; i++) {
    if (!has(c, i) && i > Q) continue;
    status = lm_need_ndim(c, i, 3, 3, e);
    if (status == LM_OK && i > Q) status = lm_need_same_dtype(c, Q, i, e);
    if (status == LM_OK && i > Q) status = infer_same(c, Q, i, 0, "items", e);
    if (status == LM_OK) status = infer_features(c, i, e);
  }
  if (status == LM_OK && has(c, V)) status = infer_same(c, K, V, 1, "keys", e);
  if (status) return status;
  const lm_meta *q = &c->in_meta[Q], *k = has(c, K) ? &c->in_meta[K] : q;
  const int64_t width = q->shape[2] / packed(c, Q);
  if (has(c, K) && k->shape[2] / packed(c, K) != width)
    return lm_fail(e, LM_ERR_SHAPE, "attention: queries have %lld features and keys %lld; they must be equal",
                   (long long)width, (long long)(k->shape[2] / packed(c, K)));
  if (has(c, MASK)) status = infer_mask(c, q->shape[1], k->shape[1], e);
  const int64_t out[3] = {q->shape[0], q->shape[1], has(c, V) ? c->in_meta[V].shape[2] : width};
  lm_infer_shape(c, 3, out);
  return status;
}

/* ---- one pass -------------------------------------------------------------------------------------------------- */

/* Part `which` of the `parts` that lie side by side in t, by heads. */
static lm_heads heads_of(const lm_tensor *t, int64_t which, int64_t parts, int64_t heads) {
  const int64_t features = t->shape[2] / parts;
  const int64_t at = which * features * t->stride[2] * (int64_t)lm_dtype_size(t->dtype);
  return (lm_heads){.data = (char *)lm_tensor_data(t) + at,
                    .item = t->stride[0],
                    .head = features / heads * t->stride[2],
                    .row = t->stride[1],
                    .column = t->stride[2]};
}

/* Queries, keys and values where they lie in up to three tensors. */
static void place_operands(const lm_call *c, lm_tensor *const *t, lm_heads *q, lm_heads *k, lm_heads *v) {
  const int64_t heads = c->p[HEADS].i;
  const int64_t in_q = packed(c, Q), in_k = has(c, K) ? packed(c, K) : 1;
  if (t[Q]) *q = heads_of(t[Q], 0, in_q, heads);
  if (!has(c, K)) {
    *k = heads_of(t[Q], 1, 3, heads);
    *v = heads_of(t[Q], 2, 3, heads);
    return;
  }
  if (t[K]) *k = heads_of(t[K], 0, in_k, heads);
  if (has(c, V) && t[V]) *v = heads_of(t[V], 0, 1, heads);
  if (!has(c, V) && t[K]) *v = heads_of(t[K], 1, 2, heads);
}

static lm_attention pass_of(const lm_call *c) {
  const lm_meta *q = &c->in_meta[Q], *k = has(c, K) ? &c->in_meta[K] : q;
  lm_attention a = {.dtype = q->dtype,
                    .batch = q->shape[0],
                    .heads = c->p[HEADS].i,
                    .queries = q->shape[1],
                    .keys = k->shape[1],
                    .causal = c->p[CAUSAL].i,
                    .drops = c->p[DROPOUT].r > 0,
                    .drop = lm_drop_of(&c->p[DROPOUT])};
  a.width = q->shape[2] / packed(c, Q) / a.heads;
  a.value_width = c->out_meta[0].shape[2] / a.heads;
  a.scale = c->p[SCALE].given ? c->p[SCALE].r : 1 / sqrt((double)a.width);
  place_operands(c, c->in, &a.q, &a.k, &a.v);
  if (has(c, MASK)) {
    const lm_tensor *m = c->in[MASK];
    a.seen = lm_tensor_data(m);
    for (int i = 0; i < m->ndim; i++) a.seen_stride[4 - m->ndim + i] = m->shape[i] == 1 ? 0 : m->stride[i];
  }
  return a;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_attention a = pass_of(c);
  a.out = heads_of(c->out[0], 0, 1, a.heads);
  if (lm_tensor_count(c->out[0]) == 0) return LM_OK;
  if (a.keys > 0) return lm_attention_forward(&a, e);
  memset(lm_tensor_data(c->out[0]), 0, (size_t)lm_tensor_bytes(c->out[0]));
  return LM_OK;
}

/* Gradients of all three; one that nobody asked for is let go again. */
static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_attention a = pass_of(c);
  const bool whole = lm_attention_writes_all(&a);
  lm_status status = LM_OK;
  for (int i = Q; i <= V && status == LM_OK; i++) {
    const lm_meta *m = &c->in_meta[i];
    if (has(c, i)) status = (whole ? lm_tensor_new : lm_tensor_zeros)(&grad_in[i], m->dtype, m->ndim, m->shape, e);
  }
  if (status) return status;
  place_operands(c, grad_in, &a.dq, &a.dk, &a.dv);
  a.out = heads_of(grad_out[0], 0, 1, a.heads);
  if (lm_tensor_count(grad_out[0]) > 0 && a.keys > 0) status = lm_attention_backward(&a, e);
  for (int i = Q; i <= V; i++)
    if (has(c, i) && !c->needs[i]) {
      lm_tensor_release(grad_in[i]);
      grad_in[i] = NULL;
    }
  return status;
}

/* ---- in other ops ---------------------------------------------------------------------------------------------- */

/* Part `which` of t as (batch, heads, rows, features of a head). */
static lm_tensor *split(lm_chain *h, lm_tensor *t, int64_t which, int64_t parts, int64_t heads) {
  if (h->status || !t) return NULL;
  const int64_t features = t->shape[2] / parts;
  const int64_t shape[4] = {t->shape[0], t->shape[1], heads, features / heads}, order[4] = {0, 2, 1, 3};
  lm_tensor *own = parts == 1 ? t : lm_do_slice(h, t, 2, which * features, features);
  return lm_do_permute(h, lm_do_reshape(h, own, 4, shape), order);
}

static lm_tensor *masked(lm_chain *h, lm_tensor *x, lm_tensor *hidden, double value) {
  return hidden ? lm_do3(h, &lm_op_masked_fill, x, hidden, lm_number_like(h, x, value)) : x;
}

/* bool, true where a query may not see a key; NULL: it sees all. */
static lm_tensor *hidden_of(lm_chain *h, const lm_call *c, int64_t queries, int64_t keys) {
  lm_tensor *hidden = has(c, MASK) ? lm_do1(h, &lm_op_logical_not, c->in[MASK]) : NULL;
  if (!c->p[CAUSAL].i) return hidden;
  const lm_value above = lm_int(1);
  lm_tensor *later = lm_do_full(h, LM_F32, 2, (int64_t[]){queries, keys}, 1);
  later = lm_do_cast(h, lm_do_with(h, &lm_op_triu, later, &above), LM_BOOL);
  return hidden ? lm_do2(h, &lm_op_logical_or, hidden, later) : later;
}

/* The weights (batch, heads, queries, keys), before dropout. */
static lm_tensor *weights_of(lm_chain *h, const lm_call *c, const lm_attention *a) {
  lm_tensor *q = split(h, c->in[Q], 0, packed(c, Q), a->heads);
  lm_tensor *k = has(c, K) ? split(h, c->in[K], 0, packed(c, K), a->heads) : split(h, c->in[Q], 1, 3, a->heads);
  lm_tensor *scores = lm_do2(h, &lm_op_matmul, q, lm_do1(h, &lm_op_transpose, k));
  lm_tensor *hidden = hidden_of(h, c, a->queries, a->keys);
  scores = masked(h, lm_do_number(h, &lm_op_mul, scores, a->scale), hidden, -INFINITY);
  return masked(h, lm_do1(h, &lm_op_softmax, scores), hidden, 0);
}

static lm_status unfold(lm_call *c, lm_tensor **out, lm_err *e) {
  const lm_attention a = pass_of(c);
  const int64_t order[4] = {0, 2, 1, 3}, *shape = c->out_meta[0].shape;
  lm_chain h = lm_chain_start(e);
  lm_tensor *weights = weights_of(&h, c, &a);
  if (a.drops) weights = lm_do_with(&h, &lm_op_dropout, weights, &c->p[DROPOUT]);
  lm_tensor *v = has(c, V)   ? split(&h, c->in[V], 0, 1, a.heads)
                 : has(c, K) ? split(&h, c->in[K], 1, 2, a.heads)
                             : split(&h, c->in[Q], 2, 3, a.heads);
  lm_tensor *y = lm_do_permute(&h, lm_do2(&h, &lm_op_matmul, weights, v), order);
  lm_give(&h, lm_do_reshape(&h, y, 3, shape), NULL, &out[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {
    {.name = "heads",
     .kind = LM_P_INT,
     .doc = "how many heads share the features, which they take side by side",
     .initial = "1",
     .low = 1,
     .high = 1 << 20},
    {.name = "causal", .kind = LM_P_BOOL, .doc = "query i sees keys 1 to i only", .initial = "false"},
    {.name = "scale",
     .kind = LM_P_REAL,
     .doc = "a factor on the scores; 1 / sqrt(features of a head) if absent",
     .initial = "nil"},
    LM_DROP_PARAMS("dropout", "0"),
    {0}};

static const lm_case cases[] = {{"2x3x12", "heads=2"},
                                {"2x3x4; 2x5x4; 2x5x6", "heads=2"},
                                {"2x3x4; 2x5x8", "heads=2 causal=true"},
                                {"2x4x6; -; -; 2x1x1x4:bool", "heads=1 causal=true scale=0.7"},
                                {"1x3x4; 1x4x4; 1x4x2; 3x4:bool", "heads=2 dropout=0.3 seed=4 step=2"},
                                {"1x131x6", "heads=2 causal=true"},
                                {0}};

const lm_op lm_op_attention = {
    .name = "attention",
    .doc =
        "softmax(scale Q K') V for each head (Vaswani et al. 2017): the values' mean by how well keys match a "
        "query.\n"
        "q is (batch, queries, features), k (batch, keys, features), v (batch, keys, value features); the result\n"
        "(batch, queries, value features). Heads take their features side by side. Without v, k holds keys and\n"
        "values side by side; without k and v, q holds queries, keys and values: what one linear op gives. mask\n"
        "(bool, broadcast to batch x heads x queries x keys) is true where a query may see a key: padding is\n"
        "mask:reshape { batch, 1, 1, keys }. A query that may see nothing gives 0. dropout drops weights, as the op\n"
        "dropout does. No matrix of queries x keys is kept: backward computes the weights once more.",
    .example = "q, k, v = randn { 1, 5, 4 }, randn { 1, 7, 4 }, randn { 1, 7, 6 }\n"
               "ops.attention(q, k, v, { heads = 2 }).shape   --> { 1, 5, 6 }",
    .inputs = "q k? v? mask?",
    .group = "attention",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .unfold = unfold,
    .save_in = 1 | 2 | 4 | 8,
    .twice = true,
    .cases = cases,
};
