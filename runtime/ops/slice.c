/* slice.c: a range of positions along one axis, as a view. */
#include "ops.h"
#include "ops/core/shape.h"

typedef struct range {
  int axis;
  int64_t start, step, count; /* start from 0 */
} range;

/* A position in the user's terms: 1 is the first, -1 the last. */
static long long as_written(int64_t i) { return i < 0 ? i : i + 1; }

/* start and stop are inclusive; negative ones count from the end. */
static lm_status range_of(const lm_call *c, range *r, lm_err *e) {
  const lm_meta *x = &c->in_meta[0];
  lm_status status = lm_axis(c, c->p[0].i, x->ndim, &r->axis, e);
  if (status) return status;
  int64_t n = x->shape[r->axis];
  int64_t start = c->p[1].i < 0 ? c->p[1].i + n : c->p[1].i;
  int64_t stop = c->p[2].i < 0 ? c->p[2].i + n : c->p[2].i;
  if (start < 0 || start > n || stop < -1 || stop >= n)
    return lm_fail(e, LM_ERR_ARGUMENT, "slice: %lld to %lld is outside axis %d, which has positions 1 to %lld",
                   as_written(c->p[1].i), as_written(c->p[2].i), r->axis + 1, (long long)n);
  r->start = start;
  r->count = stop >= start ? (stop - start) / c->p[3].i + 1 : 0;
  r->step = r->count > 1 ? c->p[3].i : 1; /* a step beyond the end is not taken, and must not be multiplied */
  return LM_OK;
}

static lm_status infer(lm_call *c, lm_err *e) {
  range r;
  lm_status status = range_of(c, &r, e);
  if (status) return status;
  lm_infer_shape(c, c->in_meta[0].ndim, c->in_meta[0].shape);
  c->out_meta[0].shape[r.axis] = r.count;
  return LM_OK;
}

static lm_status forward(lm_call *c, lm_err *e) {
  range r;
  int64_t stride[LM_MAX_DIMS];
  const lm_tensor *x = c->in[0];
  lm_status status = range_of(c, &r, e);
  if (status) return status;
  for (int i = 0; i < x->ndim; i++) stride[i] = x->stride[i] * (i == r.axis ? r.step : 1);
  int64_t offset = x->offset + (r.count > 0 ? r.start * x->stride[r.axis] : 0);
  return lm_view_of(c, x->ndim, c->out_meta[0].shape, stride, offset, e);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  range r;
  lm_status status = range_of(c, &r, e);
  if (status) return status;
  lm_value values[] = {lm_int(r.axis), lm_int(r.start), lm_int(c->in_meta[0].shape[r.axis]), lm_int(r.step)};
  return lm_apply(&lm_op_unslice, 1, grad_out, values, &grad_in[0], e);
}

static const lm_param params[] = {
    {.name = "dim", .kind = LM_P_DIM, .doc = "the axis"},
    {.name = "start", .kind = LM_P_INDEX, .doc = "the first position", .initial = "1"},
    {.name = "stop", .kind = LM_P_INDEX, .doc = "the last position, included", .initial = "-1"},
    {.name = "step", .kind = LM_P_INT, .doc = "take every step-th", .initial = "1", .low = 1, .high = 1e15},
    {0}};

static const lm_case cases[] = {
    {"4x5", "dim=2 start=2 stop=4"}, {"6x3", "dim=1 start=2 step=2"}, {"3x4", "dim=1 start=-1"}, {0}};

const lm_op lm_op_slice = {
    .name = "slice",
    .doc = "The positions start, start + step, ... up to stop (included) along one axis. A view.\n"
           "Negative positions count from the end: x:slice(1, -2) is the last two rows. x[{ {2, 5}, {} }] writes the "
           "same\n"
           "shorter. Positions outside the axis are an error.",
    .example = "frames = arange(1, 9)\n"
               "frames:slice(1, 2, -2, 3)   --> [2 5 8]",
    .inputs = "x",
    .group = "shape",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .view = true,
    .twice = true,
    .cases = cases,
};
