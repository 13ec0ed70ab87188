/* backward.c: reverse mode.
 *
 * The records that the root depends on are collected and visited from the newest to the oldest, so that when a
 * record's turn comes every gradient that flows to its outputs has arrived. Gradients that meet are added in that
 * order, which is the order of recording and of nothing else: same script, same sums.
 * Unless kept, a record drops what it saved as soon as it has been used. */
#include "autodiff/autodiff.h"

#include "base/memory.h"
#include "ops.h"

#include <stdlib.h>
#include <string.h>

typedef struct pass {
  lm_record **order; /* newest first */
  int64_t n, room;
  uint64_t mark;
  bool keep, create;
  int n_wrt; /* 0 with wrt NULL: leaves collect into their grad */
  lm_tensor *const *wrt;
  lm_tensor **result;
} pass;

static uint64_t next_mark = 1;

static lm_status push(pass *p, lm_record *r, lm_err *e) {
  if (r->mark == p->mark) return LM_OK;
  if (p->n == p->room) {
    int64_t room = p->room ? p->room * 2 : 64;
    lm_record **grown = lm_realloc(p->order, (size_t)room * sizeof *grown, "backward", e);
    if (!grown) return LM_ERR_MEMORY;
    p->order = grown;
    p->room = room;
  }
  r->mark = p->mark;
  p->order[p->n++] = lm_record_retain(r);
  return LM_OK;
}

static int newest_first(const void *a, const void *b) {
  const lm_record *x = *(lm_record *const *)a, *y = *(lm_record *const *)b;
  return (x->serial < y->serial) - (x->serial > y->serial);
}

/* Breadth first over the records; the list is its own queue. */
static lm_status collect(pass *p, lm_record *root, lm_err *e) {
  lm_status status = push(p, root, e);
  for (int64_t i = 0; i < p->n && status == LM_OK; i++) {
    lm_record *r = p->order[i];
    if (r->spent)
      return lm_fail(e, LM_ERR_STATE,
                     "backward: this graph has been used by backward already (call backward with keep = true the "
                     "first time to use it twice)");
    for (int k = 0; k < r->n_in && status == LM_OK; k++)
      if (r->source[k]) status = push(p, r->source[k], e);
  }
  if (status == LM_OK) qsort(p->order, (size_t)p->n, sizeof p->order[0], newest_first);
  return status;
}

/* *sum becomes *sum + g; g is consumed. */
static lm_status add_to(lm_tensor **sum, lm_tensor *g, lm_err *e) {
  if (!*sum) {
    *sum = g;
    return LM_OK;
  }
  lm_tensor *total = NULL;
  lm_status status = lm_apply2(&lm_op_add, *sum, g, &total, e);
  lm_tensor_release(g);
  if (status) return status;
  lm_tensor_release(*sum);
  *sum = total;
  return LM_OK;
}

/* *own becomes g with memory of its own, so that it can be written without changing another gradient; g is consumed.
 * Where the pass is recorded, g x 1, which has g's bits and depends on g. */
static lm_status settle(const pass *p, lm_tensor *g, lm_tensor **own, lm_err *e) {
  if (g->refs == 1 && g->storage->refs == 1 && lm_tensor_contiguous(g)) {
    *own = g;
    return LM_OK;
  }
  lm_status status;
  if (p->create) {
    lm_tensor *one = NULL;
    status = lm_tensor_scalar(&one, g->dtype, 1, e);
    if (status == LM_OK) status = lm_apply2(&lm_op_mul, g, one, own, e);
    lm_tensor_release(one);
  } else {
    status = lm_tensor_convert(own, g, g->dtype, e);
  }
  lm_tensor_release(g);
  return status;
}

/* A gradient arrives at a leaf; g is consumed. A tensor that is asked for twice gets it twice. */
static lm_status arrive(pass *p, lm_tensor *leaf, lm_tensor *g, lm_err *e) {
  if (!p->wrt) return leaf->grad ? add_to(&leaf->grad, g, e) : settle(p, g, &leaf->grad, e);
  lm_status status = LM_OK;
  for (int i = 0; i < p->n_wrt && status == LM_OK; i++)
    if (p->wrt[i] == leaf) status = add_to(&p->result[i], lm_tensor_retain(g), e);
  lm_tensor_release(g);
  return status;
}

static lm_status check_saved(const lm_record *r, lm_err *e) {
  const char *name = r->op ? r->op->name : "custom function";
  for (int i = 0; i < r->n_in; i++) {
    char text[32];
    if (r->input[i] && r->op && r->input[i]->storage->version != r->input_version[i])
      return lm_fail(e, LM_ERR_STATE,
                     "backward of %s: its input %s was changed in place after the call (clone it before changing it)",
                     name, lm_input_name(r->op, i, text));
  }
  for (int i = 0; i < r->n_out; i++)
    if (r->output[i] && r->output[i]->storage->version != r->output_version[i])
      return lm_fail(e, LM_ERR_STATE,
                     "backward of %s: its result was changed in place after the call (clone it before changing it)",
                     name);
  return LM_OK;
}

/* Where the pass is recorded, a saved output must again depend on its inputs. */
static lm_status reattach(pass *p, lm_record *r, lm_call *c, lm_err *e) {
  for (int i = 0; i < r->n_out; i++) {
    const lm_tensor *saved = r->output[i];
    if (!saved) continue;
    lm_status status = lm_tensor_view(&c->out[i], saved, saved->ndim, saved->shape, saved->stride, saved->offset, e);
    if (status) return status;
    if (p->create && lm_dtype_is_float(saved->dtype)) {
      c->out[i]->requires_grad = true;
      c->out[i]->record = lm_record_retain(r);
      c->out[i]->record_output = i;
    }
  }
  return LM_OK;
}

static lm_status call_backward(pass *p, lm_record *r, lm_tensor **grad_in, lm_err *e) {
  if (r->custom) return r->custom(r, r->pending, grad_in, e);
  lm_status status = check_saved(r, e);
  if (status) return status;
  lm_call c = {
      .op = r->op, .n_in = r->n_in, .n_out = r->n_out, .in = r->input, .in_meta = r->in_meta, .p = r->values};
  memcpy(c.out_meta, r->out_meta, sizeof c.out_meta);
  memcpy(c.saved, r->saved, sizeof c.saved);
  for (int i = 0; i < r->n_in && i < LM_MAX_INPUTS; i++) c.needs[i] = r->source[i] || r->leaf[i];
  status = reattach(p, r, &c, e);
  if (status == LM_OK && p->create && !r->op->twice)
    status = lm_fail(e, LM_ERR_STATE, "backward: '%s' has no second derivative", r->op->name);
  if (status == LM_OK) status = r->op->backward(&c, r->pending, grad_in, e);
  for (int i = 0; i < r->n_out; i++) lm_tensor_release(c.out[i]);
  return status;
}

/* Results asked for at intermediate tensors: what has flowed to that output is complete now. */
static void deliver(pass *p, lm_record *r) {
  for (int i = 0; i < p->n_wrt; i++) {
    const lm_tensor *t = p->wrt[i];
    if (t->record == r && r->pending[t->record_output]) p->result[i] = lm_tensor_retain(r->pending[t->record_output]);
  }
}

static lm_status visit(pass *p, lm_record *r, lm_err *e) {
  deliver(p, r);
  bool any = false;
  for (int i = 0; i < r->n_out; i++) any = any || r->pending[i];
  lm_status status = LM_OK;
  if (any) {
    lm_tensor *few[LM_MAX_INPUTS] = {NULL}, **grad_in = few;
    if (r->n_in > LM_MAX_INPUTS) {
      grad_in = lm_alloc_zero((size_t)r->n_in * sizeof *grad_in, "backward", e);
      if (!grad_in) return LM_ERR_MEMORY;
    }
    status = call_backward(p, r, grad_in, e);
    for (int i = 0; i < r->n_in; i++) {
      lm_tensor *g = grad_in[i];
      if (!g) continue;
      if (status)
        lm_tensor_release(g);
      else if (r->source[i])
        status = add_to(&r->source[i]->pending[r->source_output[i]], g, e);
      else if (r->leaf[i])
        status = arrive(p, r->leaf[i], g, e);
      else
        lm_tensor_release(g);
    }
    if (grad_in != few) lm_free(grad_in);
  }
  for (int i = 0; i < r->n_out; i++) {
    lm_tensor_release(r->pending[i]);
    r->pending[i] = NULL;
  }
  if (status == LM_OK && !p->keep) lm_record_spend(r);
  return status;
}

static void finish(pass *p) {
  for (int64_t i = 0; i < p->n; i++) {
    lm_record *r = p->order[i];
    for (int k = 0; k < LM_MAX_OUT; k++) {
      lm_tensor_release(r->pending[k]);
      r->pending[k] = NULL;
    }
    lm_record_release(r);
  }
  lm_free(p->order);
}

static lm_status check_root(const lm_tensor *root, const lm_tensor *seed, lm_err *e) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  if (!root->requires_grad)
    return lm_fail(e, LM_ERR_STATE,
                   "backward: this tensor depends on nothing that requires a gradient (mark a leaf with "
                   ":requires_grad(true), and do not compute under no_grad)");
  if (!seed && lm_tensor_count(root) != 1)
    return lm_fail(e, LM_ERR_SHAPE,
                   "backward: a tensor %s needs a gradient to start from; only one element can do without",
                   lm_shape_text(root->ndim, root->shape, a));
  if (seed && (!lm_tensor_same_shape(root, seed) || root->dtype != seed->dtype))
    return lm_fail(e, LM_ERR_SHAPE, "backward: the given gradient is %s %s but the tensor is %s %s",
                   lm_shape_text(seed->ndim, seed->shape, b), lm_dtype_name(seed->dtype),
                   lm_shape_text(root->ndim, root->shape, a), lm_dtype_name(root->dtype));
  return LM_OK;
}

static lm_status run(pass *p, lm_tensor *root, lm_tensor *seed, lm_err *e) {
  lm_tensor *start = seed;
  lm_status status = check_root(root, seed, e);
  if (status) return status;
  if (seed)
    lm_tensor_retain(seed);
  else if ((status = lm_tensor_full(&start, root->dtype, root->ndim, root->shape, 1, e)))
    return status;
  if (!root->record) return arrive(p, root, start, e);
  p->mark = next_mark++;
  bool old = lm_grad_set(p->create);
  status = collect(p, root->record, e);
  if (status == LM_OK)
    root->record->pending[root->record_output] = start;
  else
    lm_tensor_release(start);
  for (int64_t i = 0; i < p->n && status == LM_OK; i++) status = visit(p, p->order[i], e);
  finish(p);
  lm_grad_set(old);
  return status;
}

lm_status lm_backward(lm_tensor *root, lm_tensor *seed, bool keep, bool create, lm_err *e) {
  pass p = {.keep = keep || create, .create = create};
  return run(&p, root, seed, e);
}

lm_status lm_gradients(lm_tensor *root, lm_tensor *seed, int n, lm_tensor *const *wrt, lm_tensor **out, bool keep,
                       bool create, lm_err *e) {
  memset(out, 0, (size_t)n * sizeof *out);
  pass p = {.keep = keep || create, .create = create, .n_wrt = n, .wrt = wrt, .result = out};
  lm_status status = run(&p, root, seed, e);
  for (int i = 0; status && i < n; i++) {
    lm_tensor_release(out[i]);
    out[i] = NULL;
  }
  return status;
}
