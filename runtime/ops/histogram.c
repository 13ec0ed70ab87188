/* histogram.c: how many elements fall between edges. */
#include "ops/core/binary.h"
#include "ops/core/order.h"
#include "ops/core/shape.h"

#include <math.h>

/* Parameters: bins, low, high, density. */
static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = LM_OK;
  const bool weighted = c->in[1] != NULL, given = c->in[2] != NULL, density = c->p[3].i != 0;
  const lm_dtype real = lm_dtype_is_float(c->in_meta[0].dtype) ? c->in_meta[0].dtype : LM_F64;
  if (weighted) status = lm_need_float(c, 1, e);
  if (status == LM_OK && weighted && !lm_tensor_same_shape(c->in[0], c->in[1]))
    status = lm_fail(e, LM_ERR_SHAPE, "histogram: weights must have the shape of x");
  if (status == LM_OK && given) status = lm_need_ndim(c, 2, 1, 1, e);
  if (status == LM_OK && given && c->in_meta[2].shape[0] < 2)
    status = lm_fail(e, LM_ERR_SHAPE, "histogram: edges must be at least 2, not %d", (int)c->in_meta[2].shape[0]);
  if (status == LM_OK && c->p[1].given != c->p[2].given)
    status = lm_fail(e, LM_ERR_ARGUMENT, "histogram: 'low' and 'high' must both be given, or neither");
  if (status == LM_OK && c->p[1].given && !(c->p[1].r <= c->p[2].r && isfinite(c->p[1].r) && isfinite(c->p[2].r)))
    status =
        lm_fail(e, LM_ERR_ARGUMENT, "histogram: 'low' is %g and 'high' is %g; low must be finite and not above high",
                c->p[1].r, c->p[2].r);
  const int64_t bins = given ? c->in_meta[2].shape[0] - 1 : c->p[0].i;
  c->out_meta[0] = (lm_meta){.dtype = density    ? real
                                      : weighted ? c->in_meta[1].dtype
                                                 : LM_I64,
                             .ndim = 1,
                             .shape = {bins}};
  c->out_meta[1] = (lm_meta){.dtype = real, .ndim = 1, .shape = {bins + 1}};
  return status;
}

/* The range: as given, else that of the elements; widened by a half on each side where it is empty. */
static lm_status range_of(const lm_call *c, const double *x, int64_t n, double *low, double *high, lm_err *e) {
  *low = c->p[1].given ? c->p[1].r : n > 0 ? x[0] : 0;
  *high = c->p[1].given ? c->p[2].r : n > 0 ? x[0] : 1;
  for (int64_t i = 0; i < n && !c->p[1].given; i++) {
    if (!isfinite(x[i]))
      return lm_fail(e, LM_ERR_NUMERIC,
                     "histogram: element %lld is %g, so x has no finite range; give 'low' and 'high'",
                     (long long)i + 1, isnan(x[i]) ? (double)NAN : x[i]);
    *low = fmin(*low, x[i]);
    *high = fmax(*high, x[i]);
  }
  if (*low == *high) {
    *low -= 0.5;
    *high += 0.5;
  }
  return LM_OK;
}

static lm_status edges_of(lm_call *c, const double *x, int64_t n, lm_err *e) {
  double low, high;
  lm_tensor *edges = c->out[1];
  const int64_t bins = edges->shape[0] - 1;
  if (!c->in[2]) {
    lm_status status = range_of(c, x, n, &low, &high, e);
    for (int64_t i = 0; i <= bins && status == LM_OK; i++) {
      const double at = low + (double)i * ((high - low) / (double)bins);
      lm_tensor_set(edges, i, i == bins ? high : at);
    }
    return status;
  }
  lm_status status = lm_tensor_copy_into(edges, c->in[2], e);
  for (int64_t i = 1; i <= bins && status == LM_OK; i++)
    if (!(lm_tensor_get(edges, i - 1) <= lm_tensor_get(edges, i)))
      status = lm_fail(e, LM_ERR_ARGUMENT, "histogram: edges must ascend, but edge %lld is %g and edge %lld is %g",
                       (long long)i, lm_tensor_get(edges, i - 1), (long long)i + 1, lm_tensor_get(edges, i));
  return status;
}

/* Bin i holds edge i <= x < edge i + 1; the last one its upper edge, too. Sums go in the order of the elements. */
static lm_status fill(lm_call *c, const lm_tensor *x, const lm_tensor *edges, const lm_tensor *weights, lm_err *e) {
  const int64_t bins = edges->shape[0] - 1, n = lm_tensor_count(x);
  const double *at = lm_tensor_data(x), *edge = lm_tensor_data(edges), *w = weights ? lm_tensor_data(weights) : NULL;
  lm_tensor *sums = NULL;
  double total = 0;
  lm_status status = lm_tensor_zeros(&sums, LM_F64, 1, &bins, e);
  if (status) return status;
  double *sum = lm_tensor_data(sums);
  for (int64_t i = 0; i < n; i++) {
    if (!(at[i] >= edge[0] && at[i] <= edge[bins])) continue;
    int64_t bin = lm_order_find(LM_F64, edge, bins + 1, &at[i], true) - 1;
    bin = bin == bins ? lm_order_find(LM_F64, edge, bins + 1, &at[i], false) - 1 : bin;
    sum[bin < 0 ? 0 : bin] += w ? w[i] : 1;
  }
  for (int64_t i = 0; i < bins; i++) total += sum[i];
  for (int64_t i = 0; i < bins && c->p[3].i; i++) sum[i] = sum[i] / (edge[i + 1] - edge[i]) / total;
  status = lm_tensor_copy_into(c->out[0], sums, e);
  lm_tensor_release(sums);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *x = NULL, *weights = NULL, *edges = NULL;
  lm_status status = lm_tensor_convert(&x, c->in[0], LM_F64, e);
  if (status == LM_OK) status = edges_of(c, lm_tensor_data(x), lm_tensor_count(x), e);
  if (status == LM_OK && c->in[1]) status = lm_tensor_convert(&weights, c->in[1], LM_F64, e);
  if (status == LM_OK) status = lm_tensor_convert(&edges, c->out[1], LM_F64, e);
  if (status == LM_OK) status = fill(c, x, edges, weights, e);
  lm_tensor_release(x);
  lm_tensor_release(weights);
  lm_tensor_release(edges);
  return status;
}

static const lm_param params[] = {
    {.name = "bins", .kind = LM_P_INT, .doc = "how many bins", .initial = "10", .low = 1, .high = 1e9},
    {.name = "low",
     .kind = LM_P_REAL,
     .doc = "the lower end of the range; absent: the least element",
     .initial = "nil"},
    {.name = "high",
     .kind = LM_P_REAL,
     .doc = "the upper end of the range; absent: the largest element",
     .initial = "nil"},
    {.name = "density",
     .kind = LM_P_BOOL,
     .doc = "divide by the total and the widths, so that the integral is 1",
     .initial = "false"},
    {0}};

static const lm_case cases[] = {{"2x9", "bins=4"}, {"9; 9", "bins=3 low=-1 high=1"}, {"9; -; 4:index<1", ""}, {0}};

const lm_op lm_op_histogram = {
    .name = "histogram",
    .doc =
        "How many elements fall into each of some bins of equal width, and the bins' edges:\n"
        "local counts, edges = x:histogram { bins = 20, low = 0, high = 1 }. A bin holds its lower edge and not its\n"
        "upper one; the last holds both. Elements outside, and NaN, are left out. weights (of the shape of x) are "
        "added\n"
        "up instead of counted; edges, a list, takes the place of bins, low and high: ops.histogram(x, nil, edges).\n"
        "Counts are int64 (the dtype of the weights; with density that of the edges); sums are kept in float64.",
    .example = "latencies = tensor { 41, 44, 52, 58, 59 }\n"
               "counts, edges = latencies:histogram { bins = 2, low = 40, high = 60 }\n"
               "counts, edges   --> [2 3] [40. 50. 60.]",
    .inputs = "x weights? edges?",
    .group = "order",
    .params = params,
    .infer = infer,
    .forward = forward,
    .n_out = 2,
    .no_backward = "counts are piecewise constant in x",
    .cases = cases,
};
