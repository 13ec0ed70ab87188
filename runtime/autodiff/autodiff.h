/* autodiff.h: reverse mode over the records that ops leave behind. */
#ifndef LM_AUTODIFF_AUTODIFF_H
#define LM_AUTODIFF_AUTODIFF_H

#include "ops/core/op.h"

/* Adds d(sum of root * seed)/d(leaf) to the grad of every leaf that root depends on. seed NULL: root must have one
 * element and 1 is meant. Records are visited in the reverse of their recording, so sums have one order; what the
 * pass brings to a leaf is summed first and then added to the grad that it has. A pass that fails or is interrupted
 * leaves every grad as it was. Unless `keep`, each record drops what it saved as soon as it is used; a second
 * backward is then LM_ERR_STATE. `create` records the pass itself (second derivatives) and keeps. Not inside another.
 */
lm_status lm_backward(lm_tensor *root, lm_tensor *seed, bool keep, bool create, lm_err *e);

/* The gradients of root with respect to `n` given tensors (leaves or intermediate results), without touching any
 * grad field; out[i] is a new reference, NULL where root does not depend on it. Only the records that lie between
 * are computed. */
lm_status lm_gradients(lm_tensor *root, lm_tensor *seed, int n, lm_tensor *const *wrt, lm_tensor **out, bool keep,
                       bool create, lm_err *e);

/* The same for the sum over several roots; seeds NULL: as if all were NULL. */
lm_status lm_gradients_of(int n_roots, lm_tensor *const *roots, lm_tensor *const *seeds, int n, lm_tensor *const *wrt,
                          lm_tensor **out, bool keep, bool create, lm_err *e);

/* ---- gradients written elsewhere ---------------------------------------------------------------------------------
 */

/* A record for a function that is no op: in[0..n_in) are its inputs, and out[0..n_out) (at most LM_MAX_OUT) become
 * views of what they are, tied to the record where they are floating. The caller then fills custom or unfold,
 * custom_free and custom_data (op.h), and lets go of its reference. Fails before anything is changed. */
lm_status lm_custom(lm_record **record, int n_in, lm_tensor *const *in, int n_out, lm_tensor **out, lm_err *e);

/* A record that stands for the records made since lm_record_serial() was `since`: the outputs lose those, so what
 * they saved is freed, and an `unfold` makes them again in backward. *record is NULL where no output depends on
 * anything that requires a gradient; the outputs are then as they were. */
lm_status lm_fold(lm_record **record, uint64_t since, int n_out, lm_tensor **out, lm_err *e);

/* The largest difference between an op case's gradients and central differences, in float64, relative to
 * max(1, |gradient|). Fails with the op, case, input and element where the two part by more than `tolerance`.
 * `order` 2 checks the gradient of a random projection of the gradient. */
lm_status lm_gradcheck(const lm_op *op, const lm_case *k, int order, double tolerance, double *worst, lm_err *e);

/* Makes the inputs and values of a case (see lm_case). in[] receives new references. */
lm_status lm_case_make(const lm_op *op, const lm_case *k, lm_dtype dtype, lm_tensor **in, int *n_in, lm_value *values,
                       lm_err *e);

#endif
