/* symmetric.h: products of matrices with their own transposes, of which one triangle is computed and mirrored.
 *
 * Elements (i, j) and (j, i) of A A^T are one chain, since a fused multiply-add does not care which factor comes
 * first: half of the work gives the bits of the whole. lm_gemm does it by itself, so that every Gram matrix,
 * covariance and correlation profits. Its parts are strips of rows, each from the diagonal on:
 *
 *    strip 1   \------
 *    strip 2    \-----
 *    strip 3     \----
 *
 * the longest first, so that threads that take one after the other end together. Of a panel of columns that the
 * diagonal crosses only the panels of rows above it are computed.
 */
#ifndef LM_OPS_CORE_SYMMETRIC_H
#define LM_OPS_CORE_SYMMETRIC_H

#include "ops/core/gemm.h"

/* Whether every B is its A's transpose, over the same memory, with nothing after the product, and large enough. */
bool lm_gemm_is_symmetric(const lm_gemm_job *job);

/* Into how many strips the rows are cut, where `fit` rows are packed at a time. */
int64_t lm_gemm_strips(const lm_gemm_job *job, int64_t fit);

/* Copies what is right of the diagonal of each C to below it. Fails only with LM_ERR_INTERRUPT. */
lm_status lm_gemm_mirror(const lm_gemm_job *job, lm_err *e);

#endif
