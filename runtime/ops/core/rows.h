/* rows.h: ops over the rows along one axis, each row's result as long as the row: softmax and log_softmax. */
#ifndef LM_OPS_CORE_ROWS_H
#define LM_OPS_CORE_ROWS_H

#include "kernels/kernels.h"
#include "ops/core/op.h"

typedef void (*lm_rows_fn)(int64_t n, const void *x, void *out, int64_t begin, int64_t end);

/* A floating input; the first parameter is the axis; the result has the input's shape. */
lm_status lm_rows_infer(lm_call *c, lm_err *e);

/* Runs `rows` over every row along that axis. */
lm_status lm_rows_forward(lm_call *c, lm_rows_fn rows, lm_err *e);

#endif
