/* attention.h: what a call of attention is about, and its two passes over raw memory (attention.c).
 *
 * For each item and head, with Q (T x d), K (S x d), V (S x e): weights P = softmax(scale Q K^T) over the keys that a
 * query may see, out = P V. With dropout, P's elements are dropped between the two.
 *
 * Order of operations. A score is one chain of fused multiply-adds over d, ascending, then times `scale`; a row of
 * weights is that of the op softmax; an output is one chain over the keys, ascending. So the result is, bit for bit,
 * that of matmul, mul, softmax and matmul. Backward, the scores are computed once more instead of being kept: each of
 * the gradients dV = P^T dO, dP = dO V^T, dQ = dS K, dK = dS^T Q is a chain, ascending. Queries are taken LM_QUERIES
 * at a time, so that no matrix of T x S is ever in memory; chains over queries are carried from block to block, and
 * under `causal` keys behind the block are left out, whose terms are zero. An item's head is one task backward, a
 * block of its queries one forward: no chain is cut. */
#ifndef LM_OPS_CORE_ATTENTION_H
#define LM_OPS_CORE_ATTENTION_H

#include "ops/core/draws.h"

enum { LM_QUERIES = 128 };

/* One of the operands of every item and head: element (row, column) of head h of item b is at
 * data + b * item + h * head + row * row + column * column, in elements. */
typedef struct lm_heads {
  char *data;
  int64_t item, head, row, column;
} lm_heads;

typedef struct lm_attention {
  lm_dtype dtype;
  int64_t batch, heads, queries, keys, width, value_width;
  bool causal;
  double scale;
  bool drops;
  lm_drop drop;
  lm_heads q, k, v, out;  /* out: the output, or its gradient */
  lm_heads dq, dk, dv;    /* backward; hold zeros unless lm_attention_writes_all; rows of features side by side */
  const uint8_t *seen;    /* NULL, or whether a query may see a key */
  int64_t seen_stride[4]; /* of item, head, query, key */
} lm_attention;

/* Whether backward writes every element of dq, dk and dv, whatever they hold: the first block of queries sees every
 * key. */
static inline bool lm_attention_writes_all(const lm_attention *a) {
  return !a->causal && a->queries > 0 && a->keys > 0 && a->width > 0 && a->value_width > 0;
}

lm_status lm_attention_forward(const lm_attention *a, lm_err *e);
lm_status lm_attention_backward(const lm_attention *a, lm_err *e);

#endif
