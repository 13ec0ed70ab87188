/* complex.h: complex numbers in real tensors: the last axis has size 2, the real and the imaginary part. */
#ifndef LM_OPS_CORE_COMPLEX_H
#define LM_OPS_CORE_COMPLEX_H

#include "ops/core/compose.h"

/* infer of an op on complex tensors: every input is one. The shape of the result is that of the ops that it calls. */
lm_status lm_complex_infer(lm_call *c, lm_err *e);

/* The parts of x; and x from parts. */
lm_tensor *lm_do_real(lm_chain *h, lm_tensor *x);
lm_tensor *lm_do_imag(lm_chain *h, lm_tensor *x);
lm_tensor *lm_do_complex(lm_chain *h, lm_tensor *re, lm_tensor *im);

#endif
