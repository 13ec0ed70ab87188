/* turned.h: C^T = B^T A^T instead of C = A B: vectors run over the rows of C then, and no chain changes. */
#ifndef LM_OPS_CORE_TURNED_H
#define LM_OPS_CORE_TURNED_H

#include "ops/core/gemm.h"

/* The same product the other way round; its c is still the other's. */
lm_gemm_job lm_gemm_turn(const lm_gemm_job *job);

/* Whether few columns, of many chains, are better done as rows: A's columns lie side by side then, and are read as
 * vectors instead of element by element. */
bool lm_gemm_is_better_turned(const lm_gemm_job *job);

/* Computes the turned product, and turns it back at the end. Fails as lm_gemm. */
lm_status lm_gemm_turned(const lm_gemm_job *job, lm_err *e);

#endif
