/* rows.h: ops over the rows along one axis: softmax, sort, cumsum and the like. */
#ifndef LM_OPS_CORE_ROWS_H
#define LM_OPS_CORE_ROWS_H

#include "kernels/kernels.h"
#include "ops/core/op.h"

typedef void (*lm_rows_fn)(int64_t n, const void *x, void *out, int64_t begin, int64_t end);

/* A floating input; the first parameter is the axis; the result has the input's shape. */
lm_status lm_rows_infer(lm_call *c, lm_err *e);

/* Runs `rows` over every row along that axis. */
lm_status lm_rows_forward(lm_call *c, lm_rows_fn rows, lm_err *e);

/* One row of each input and output, contiguous; n is the length of the first input's. `work` is memory of this thread
 * alone. */
typedef void (*lm_rows_each_fn)(const void *what, int64_t n, const void *const *in, void *const *out, void *work);

/* A job over rows: how long a row takes, about, in additions (for the cut among threads), how many bytes of `work`
 * each thread needs, and what is passed on. */
typedef struct lm_rows_job {
  lm_rows_each_fn run;
  const void *what;
  int64_t cost, work;
} lm_rows_job;

/* Runs the job over the rows along `axis` of all inputs and outputs, which agree in all other axes; the axis may have
 * another length in each (an output's may be 1). Rows are divided among threads. */
enum { LM_ROWS_TENSORS = 3 };
lm_status lm_rows_each(const lm_rows_job *job, int axis, int n_in, lm_tensor *const *in, int n_out,
                       lm_tensor *const *out, lm_err *e);

#endif
