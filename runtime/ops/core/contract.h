/* contract.h: sums of products over named axes: what einsum, tensordot, inner, outer and kron are made of. */
#ifndef LM_OPS_CORE_CONTRACT_H
#define LM_OPS_CORE_CONTRACT_H

#include "ops/core/compose.h"

/* The names of a tensor's axes, numbers below LM_LABELS. */
enum { LM_LABELS = 62 };
typedef struct lm_labels {
  int n;
  int8_t at[LM_MAX_DIMS];
} lm_labels;

/* out[o...] = the sum, over every name that `out` lacks, of the product of all n tensors at their names. Axes of one
 * name have one size, or 1, which stretches; a name twice in one tensor is its diagonal; each name of `out` stands
 * there once and in some tensor. Tensors are joined two at a time, each time the two whose product is smallest
 * against what they hold, by matrix products where axes are summed; so the order is a function of the names and the
 * shapes. Integers (bools are taken as int64) and floats, in the promoted dtype. Differentiable as often as one
 * likes. */
enum { LM_CONTRACT_MOST = 16 };
lm_tensor *lm_contract(lm_chain *h, int n, lm_tensor *const *t, const lm_labels *in, const lm_labels *out);

#endif
