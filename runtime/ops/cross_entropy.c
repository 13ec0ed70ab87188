/* cross_entropy.c: softmax and the negative log-likelihood of the right class, in one op.
 *
 * loss[i] = -(1 - s) logp[i][label] - s / C sum_j logp[i][j], logp = log_softmax(logits), s the label smoothing; the
 * gradient of a row is g (softmax - target), target = (1 - s) at the label plus s / C everywhere. */
#include "base/parallel.h"
#include "kernels/kernels.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/loss.h"

#include <string.h>

enum { GRAIN = 1 << 13 };

static lm_status infer(lm_call *c, lm_err *e) {
  char text[LM_SHAPE_TEXT];
  const lm_meta *x = &c->in_meta[0], *labels = &c->in_meta[1];
  lm_status status = lm_need_float(c, 0, e);
  if (status == LM_OK) status = lm_need_ndim(c, 0, 1, 2, e);
  if (status == LM_OK) status = lm_need_dtype(c, 1, LM_I64, e);
  if (status) return status;
  const bool fits = labels->ndim == x->ndim - 1 && (x->ndim == 1 || labels->shape[0] == x->shape[0]);
  if (!fits)
    return lm_fail(e, LM_ERR_SHAPE, "cross_entropy: labels is %s but logits has %lld item%s: one label for each",
                   lm_shape_text(labels->ndim, labels->shape, text), (long long)(x->ndim == 2 ? x->shape[0] : 1),
                   x->ndim == 2 && x->shape[0] != 1 ? "s" : "");
  if (x->shape[x->ndim - 1] == 0)
    return lm_fail(e, LM_ERR_SHAPE, "cross_entropy: logits is %s: there is no class",
                   lm_shape_text(x->ndim, x->shape, text));
  lm_meta *m = &c->out_meta[0];
  m->dtype = x->dtype;
  m->ndim = c->p[1].i == LM_JOIN_NONE ? labels->ndim : 0;
  if (m->ndim > 0) m->shape[0] = labels->shape[0];
  return LM_OK;
}

/* *out: the labels counted from 0, contiguous; an error names the first that is no class. */
static lm_status classes_of(lm_tensor *labels, int64_t classes, lm_tensor **out, lm_err *e) {
  lm_status status = lm_tensor_convert(out, labels, LM_I64, e);
  if (status) return status;
  int64_t *label = lm_tensor_data(*out);
  for (int64_t i = 0; i < lm_tensor_count(*out); i++) {
    if (label[i] < 1 || label[i] > classes) {
      status = lm_fail(e, LM_ERR_ARGUMENT,
                       "cross_entropy: the label of item %lld is %lld, but logits has classes 1 to %lld",
                       (long long)i + 1, (long long)label[i], (long long)classes);
      lm_tensor_release(*out);
      *out = NULL;
      return status;
    }
    label[i] -= 1;
  }
  return LM_OK;
}

typedef struct job {
  const lm_kernel_reduce *k;
  int64_t n, step; /* classes; stride of g */
  double smoothing;
  const int64_t *label;
  const void *in, *g;
  void *logp, *out;
} job;

static void forward_rows(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  j->k->cross_entropy(j->n, j->in, j->label, j->smoothing, j->logp, j->out, begin, end);
}
static void backward_rows(void *context, int worker, int64_t begin, int64_t end) {
  const job *j = context;
  (void)worker;
  j->k->cross_entropy_grad(j->n, j->in, j->label, j->smoothing, j->g, j->step, j->out, begin, end);
}

static lm_status run_forward(lm_call *c, const lm_tensor *x, const lm_tensor *label, lm_tensor *logp, lm_tensor *each,
                             lm_err *e) {
  const int64_t rows = lm_tensor_count(each), n = x->shape[x->ndim - 1];
  job j = {.k = lm_kernels_of(x->dtype)->reduce,
           .n = n,
           .smoothing = c->p[0].r,
           .label = lm_tensor_data(label),
           .in = lm_tensor_data(x),
           .logp = lm_tensor_data(logp),
           .out = lm_tensor_data(each)};
  lm_status status = lm_parallel(rows, GRAIN / n + 1, forward_rows, &j, e);
  lm_tensor *joined = NULL;
  if (status == LM_OK) status = lm_loss_join(each, (lm_joining)c->p[1].i, &joined, e);
  if (status == LM_OK) memcpy(lm_tensor_data(c->out[0]), lm_tensor_data(joined), (size_t)lm_tensor_bytes(joined));
  lm_tensor_release(joined);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_tensor *x = NULL, *label = NULL, *logp = NULL, *each = NULL;
  const lm_meta *m = &c->in_meta[0];
  lm_status status = classes_of(c->in[1], m->shape[m->ndim - 1], &label, e);
  if (status == LM_OK) status = lm_tensor_compact(&x, c->in[0], e);
  if (status == LM_OK) status = lm_tensor_new(&logp, m->dtype, m->ndim, m->shape, e);
  if (status == LM_OK) status = lm_tensor_new(&each, m->dtype, label->ndim, label->shape, e);
  if (status == LM_OK) status = run_forward(c, x, label, logp, each, e);
  if (status == LM_OK && c->grad) {
    c->saved[0] = lm_tensor_retain(logp);
    c->saved[1] = lm_tensor_retain(label);
  }
  lm_tensor_release(x);
  lm_tensor_release(label);
  lm_tensor_release(logp);
  lm_tensor_release(each);
  return status;
}

/* The gradient of each item's loss: that of the joined loss, divided by their number for the mean. */
static lm_tensor *each_gradient(const lm_call *c, lm_chain *h, lm_tensor *g) {
  const int64_t items = c->in_meta[1].ndim == 1 ? c->in_meta[1].shape[0] : 1;
  return c->p[1].i == LM_JOIN_MEAN ? lm_do_number(h, &lm_op_div, g, (double)items) : g;
}

static lm_status fused(const lm_call *c, const lm_tensor *g, lm_tensor **out, lm_err *e) {
  const lm_tensor *logp = c->saved[0];
  const int64_t n = logp->shape[logp->ndim - 1];
  lm_status status = lm_tensor_new(out, logp->dtype, logp->ndim, logp->shape, e);
  if (status) return status;
  job j = {.k = lm_kernels_of(logp->dtype)->reduce,
           .n = n,
           .smoothing = c->p[0].r,
           .label = lm_tensor_data(c->saved[1]),
           .in = lm_tensor_data(logp),
           .out = lm_tensor_data(*out),
           .g = lm_tensor_data(g),
           .step = g->ndim == 0 ? 0 : g->stride[0]};
  return lm_parallel(lm_tensor_count(logp) / n, GRAIN / n + 1, backward_rows, &j, e);
}

/* The same in ops, where the gradient is to be differentiated again. */
static void in_ops(const lm_call *c, lm_chain *h, lm_tensor *g, lm_tensor **out) {
  const lm_meta *m = &c->in_meta[0];
  const int64_t n = m->shape[m->ndim - 1], *label = lm_tensor_data(c->saved[1]);
  const double s = c->p[0].r;
  lm_tensor *target = NULL, *rows = g;
  lm_status status =
      h->status ? h->status : lm_tensor_full(&target, m->dtype, m->ndim, m->shape, s / (double)n, h->e);
  target = lm_hold(h, status, target);
  for (int64_t i = 0; target && i < lm_tensor_count(target) / n; i++)
    lm_tensor_set(target, i * n + label[i], 1 - s + s / (double)n);
  if (g && g->ndim == 1) {
    const lm_value dim = lm_int(1);
    rows = lm_do_with(h, &lm_op_unsqueeze, g, &dim);
  }
  lm_tensor *away = lm_do2(h, &lm_op_sub, lm_do1(h, &lm_op_softmax, c->in[0]), target);
  lm_give(h, lm_do2(h, &lm_op_mul, away, rows), NULL, out);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  if (c->needs[0]) {
    lm_tensor *g = each_gradient(c, &h, grad_out[0]);
    if (lm_grad_enabled())
      in_ops(c, &h, g, &grad_in[0]);
    else if (g)
      h.status = fused(c, g, &grad_in[0], e);
  }
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "label_smoothing",
                                   .kind = LM_P_REAL,
                                   .doc = "the part of the target that is spread over all classes",
                                   .initial = "0",
                                   .low = 0,
                                   .high = 1},
                                  LM_LOSS_REDUCTION,
                                  {0}};

static const lm_case cases[] = {{"4x3; 4:index<3", ""},
                                {"3x5; 3:index<5", "label_smoothing=0.1 reduction=sum"},
                                {"3x5; 3:index<5", "label_smoothing=0.2 reduction=none"},
                                {"1x2; 1:index<2", ""},
                                {0}};

const lm_op lm_op_cross_entropy = {
    .name = "cross_entropy",
    .doc =
        "-log softmax(logits)[label], one for each item, and their mean.\n"
        "logits: items x classes, float32 or float64; labels: one int64 class from 1 for each item (or a row of\n"
        "logits and a single label). label_smoothing s replaces the target by (1 - s) target + s / classes (Szegedy\n"
        "et al., CVPR 2016). reduction 'none' gives one loss per item. A label outside 1 to classes is an error "
        "that\n"
        "names the item, and nothing is computed.",
    .example = "scores = tensor { { 0, 0 }, { 0, 0 } }\n"
               "classes = tensor({ 1, 2 }, { dtype = \"int64\" })\n"
               "scores:cross_entropy(classes)   --> 0.6931472",
    .inputs = "logits labels",
    .group = "loss",
    .params = params,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .cases = cases,
};
