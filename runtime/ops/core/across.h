/* across.h: products of a few rows with a B that lies across, its k's side by side, as in x W^T and A B^T.
 *
 * The register tile wants the columns of B side by side, so such a B would be transposed while it is packed, which
 * takes a fourth of the time where A has few rows. Instead C^T = B^T A^T is computed: the rows of B^T lie along k and
 * are read in place (a_step of kernels/gemm.h), and it is the small A that is packed, whole, by each thread for
 * itself. C^T is computed a strip of rows at a time into memory that stays in the second-level cache, and turned back
 * from there. No chain is cut, and none changes. */
#ifndef LM_OPS_CORE_ACROSS_H
#define LM_OPS_CORE_ACROSS_H

#include "ops/core/gemm.h"

/* Whether a product is done so; the shape and the strides decide. */
bool lm_gemm_is_across(const lm_gemm_job *job);

/* Does it. Fails as lm_gemm. */
lm_status lm_gemm_across(const lm_gemm_job *job, lm_err *e);

#endif
