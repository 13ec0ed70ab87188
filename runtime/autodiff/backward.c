/* backward.c: reverse mode.
 *
 * The records that the roots depend on are collected and visited from the newest to the oldest, so that when a
 * record's turn comes every gradient that flows to its outputs has arrived. Gradients that meet are added in that
 * order, which is the order of recording and of nothing else: same script, same sums. What one pass brings to a leaf
 * is summed first and then added to the gradient that the leaf has.
 *
 * The leaves change at the end or not at all: what arrives waits in the grad of their twins, and a pass that fails or
 * is interrupted leaves every gradient as it was. Unless kept, a record drops what it saved as soon as it has been
 * used. */
#include "autodiff/autodiff.h"

#include "base/memory.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/profile.h"

#include <stdlib.h>
#include <string.h>

/* Records, newest first once sorted. */
typedef struct list {
  lm_record **at;
  int64_t n, room;
} list;

/* A leaf that a gradient has reached: its twin, in whose grad it waits, and what the leaf's gradient will be. */
typedef struct landing {
  lm_tensor *twin, *total;
} landing;

typedef struct pass {
  list order;
  uint64_t mark;
  bool keep, create;
  landing *landed;
  int64_t n_landed, room_landed;
  int n_wrt; /* 0 with wrt NULL: leaves collect into their grad */
  lm_tensor *const *wrt;
  lm_tensor **result;
} pass;

static _Thread_local bool collecting; /* lm_backward runs */

static lm_status visit(pass *p, lm_record *r, lm_err *e);

/* Room for one more of `size` bytes each. */
static lm_status grow(void **block, int64_t n, int64_t *room, size_t size, lm_err *e) {
  if (n < *room) return LM_OK;
  int64_t more = *room ? *room * 2 : 64;
  void *grown = lm_realloc(*block, (size_t)more * size, "backward", e);
  if (!grown) return LM_ERR_MEMORY;
  *block = grown;
  *room = more;
  return LM_OK;
}

/* ---- which records, in which order ------------------------------------------------------------------------------
 */

static lm_status push(pass *p, list *l, lm_record *r, lm_err *e) {
  if (r->mark == p->mark) return LM_OK;
  if (r->busy)
    return lm_fail(e, LM_ERR_STATE,
                   "backward: a pass over this graph is still running (the backward of a custom function can only "
                   "differentiate what it computes itself)");
  if (r->spent)
    return lm_fail(e, LM_ERR_STATE,
                   "backward: this graph has been used by backward already (call backward with keep = true the first "
                   "time to use it twice; compute the result anew after a pass that failed or was interrupted)");
  if (grow((void **)&l->at, l->n, &l->room, sizeof *l->at, e)) return LM_ERR_MEMORY;
  r->mark = p->mark;
  r->busy = true;
  l->at[l->n++] = lm_record_retain(r);
  return LM_OK;
}

static int newest_first(const void *a, const void *b) {
  const lm_record *x = *(lm_record *const *)a, *y = *(lm_record *const *)b;
  return (x->serial < y->serial) - (x->serial > y->serial);
}

/* Whether a leaf's gradient, or what flows to an output of a record, is asked for. */
static bool asked_leaf(const pass *p, lm_tensor *leaf) {
  bool asked = !p->wrt;
  for (int i = 0; i < p->n_wrt && !asked; i++) asked = lm_leaf_of(p->wrt[i]) == lm_leaf_of(leaf);
  return asked;
}

static bool asked_record(const pass *p, const lm_record *r) {
  bool asked = !p->wrt;
  for (int i = 0; i < p->n_wrt && !asked; i++) asked = p->wrt[i]->record == r;
  return asked;
}

/* Whether a gradient is of any use at input i. */
static bool needed(const pass *p, const lm_record *r, int i) {
  return (r->source[i] && r->source[i]->wanted) || (r->leaf[i] && asked_leaf(p, r->leaf[i]));
}

/* Adds what the roots' records depend on and is not in the pass yet. Breadth first; the list is its own queue. */
static lm_status collect(pass *p, list *l, int n, lm_tensor *const *roots, lm_err *e) {
  lm_status status = LM_OK;
  for (int i = 0; i < n && status == LM_OK; i++)
    if (roots[i] && roots[i]->record) status = push(p, l, roots[i]->record, e);
  for (int64_t i = 0; i < l->n && status == LM_OK; i++) {
    const lm_record *r = l->at[i];
    for (int k = 0; k < r->n_in && status == LM_OK; k++)
      if (r->source[k]) status = push(p, l, r->source[k], e);
    for (int k = 0; r->unfold && k < r->n_out && status == LM_OK; k++)
      if (r->output[k] && r->output[k]->record) status = push(p, l, r->output[k]->record, e);
  }
  if (status) return status;
  if (l->n > 1) qsort(l->at, (size_t)l->n, sizeof *l->at, newest_first);
  for (int64_t i = l->n; i-- > 0;) { /* oldest first: a record is wanted where one of its inputs is */
    lm_record *r = l->at[i];
    r->wanted = asked_record(p, r);
    for (int k = 0; k < r->n_in && !r->wanted; k++) r->wanted = needed(p, r, k);
  }
  return LM_OK;
}

static void let_go(list *l) {
  for (int64_t i = 0; i < l->n; i++) {
    lm_record *r = l->at[i];
    r->busy = false;
    for (int k = 0; k < LM_MAX_OUT; k++) {
      lm_tensor_release(r->pending[k]);
      r->pending[k] = NULL;
    }
    lm_record_release(r);
  }
  lm_free(l->at);
}

/* ---- sums --------------------------------------------------------------------------------------------------------
 */

/* Whether nobody else sees the memory of a gradient, so that it can be written. */
static bool is_own(const lm_tensor *g) { return g->refs == 1 && g->storage->refs == 1 && lm_tensor_contiguous(g); }

/* The sum in the memory of one of the two, where it has no other owner and the pass is not recorded. */
static bool can_add_over(const lm_tensor *to, const lm_tensor *g) {
  return !lm_grad_enabled() && is_own(to) && lm_dtype_is_float(to->dtype) && to->dtype == g->dtype &&
         lm_tensor_same_shape(to, g);
}

/* *sum becomes *sum + g; g is consumed. */
static lm_status add_to(lm_tensor **sum, lm_tensor *g, lm_err *e) {
  if (!*sum) {
    *sum = g;
    return LM_OK;
  }
  if (can_add_over(*sum, g) || can_add_over(g, *sum)) {
    lm_tensor *to = can_add_over(*sum, g) ? *sum : g, *other = to == g ? *sum : g;
    lm_status added = lm_add_over(to, *sum, g, e);
    *sum = to;
    lm_tensor_release(other);
    return added;
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
  if (is_own(g)) {
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

/* Puts a gradient to those asked for by tensor (p->wrt); one that is asked for twice gets it twice. */
static lm_status hand_over(pass *p, const lm_tensor *leaf, lm_tensor *g, lm_err *e) {
  lm_status status = LM_OK;
  for (int i = 0; i < p->n_wrt && status == LM_OK; i++)
    if (lm_leaf_of(p->wrt[i]) == leaf) status = add_to(&p->result[i], lm_tensor_retain(g), e);
  return status;
}

/* A gradient arrives at a leaf, given as itself or as its twin; g is consumed. One that is gone needs none. */
static lm_status arrive(pass *p, lm_tensor *at, lm_tensor *g, lm_err *e) {
  lm_tensor *leaf = lm_leaf_of(at), *twin = NULL;
  lm_status status = LM_OK;
  if (leaf && p->wrt) status = hand_over(p, leaf, g, e);
  if (leaf && !p->wrt) status = lm_record_hold(&twin, leaf, e);
  if (twin && !twin->grad) {
    status = grow((void **)&p->landed, p->n_landed, &p->room_landed, sizeof *p->landed, e);
    if (status == LM_OK) p->landed[p->n_landed++] = (landing){.twin = lm_tensor_retain(twin)};
  }
  if (twin && status == LM_OK)
    status = add_to(&twin->grad, g, e);
  else
    lm_tensor_release(g);
  lm_tensor_release(twin);
  return status;
}

/* The gradients that the leaves will have, and then, where nothing can fail any more, their change. */
static lm_status land(pass *p, lm_err *e) {
  lm_status status = LM_OK;
  for (int64_t i = 0; i < p->n_landed && status == LM_OK; i++) {
    landing *l = &p->landed[i];
    lm_tensor *leaf = l->twin->twin, *g = l->twin->grad;
    if (!leaf) continue;
    l->twin->grad = NULL;
    if (leaf->grad) {
      status = lm_apply2(&lm_op_add, leaf->grad, g, &l->total, e);
      lm_tensor_release(g);
    } else {
      status = settle(p, g, &l->total, e);
    }
  }
  for (int64_t i = 0; i < p->n_landed && status == LM_OK; i++) {
    landing *l = &p->landed[i];
    lm_tensor *leaf = l->twin->twin;
    if (!leaf) continue;
    lm_tensor *old = leaf->grad;
    leaf->grad = l->total;
    l->total = NULL;
    lm_tensor_release(old);
  }
  return status;
}

static void forget_landed(pass *p) {
  for (int64_t i = 0; i < p->n_landed; i++) {
    landing *l = &p->landed[i];
    lm_tensor_release(l->twin->grad);
    l->twin->grad = NULL;
    lm_tensor_release(l->total);
    lm_tensor_release(l->twin);
  }
  lm_free(p->landed);
}

/* ---- one record --------------------------------------------------------------------------------------------------
 */

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
    if (p->create && lm_dtype_is_float(saved->dtype)) lm_record_attach(c->out[i], r, i);
  }
  return LM_OK;
}

static lm_call call_of(const lm_record *r) {
  lm_call c = {
      .op = r->op, .n_in = r->n_in, .n_out = r->n_out, .in = r->input, .in_meta = r->in_meta, .p = r->values};
  memcpy(c.out_meta, r->out_meta, sizeof c.out_meta);
  return c;
}

static lm_status call_backward(pass *p, lm_record *r, lm_tensor **grad_in, lm_err *e) {
  if (r->custom) return r->custom(r, r->pending, grad_in, e);
  lm_status status = check_saved(r, e);
  if (status) return status;
  lm_call c = call_of(r);
  memcpy(c.saved, r->saved, sizeof c.saved);
  for (int i = 0; i < r->n_in && i < LM_MAX_INPUTS; i++) c.needs[i] = needed(p, r, i);
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

/* Sends the gradients of r's inputs on to where the inputs came from; grad_in is consumed. */
static lm_status pass_on(pass *p, lm_record *r, lm_status status, lm_tensor **grad_in, lm_err *e) {
  for (int i = 0; i < r->n_in; i++) {
    lm_tensor *g = grad_in[i];
    if (!g) continue;
    if (status || !needed(p, r, i))
      lm_tensor_release(g);
    else if (r->source[i])
      status = add_to(&r->source[i]->pending[r->source_output[i]], g, e);
    else
      status = arrive(p, r->leaf[i], g, e);
  }
  return status;
}

static lm_status through_backward(pass *p, lm_record *r, lm_err *e) {
  lm_tensor *few[LM_MAX_INPUTS] = {NULL}, **grad_in = few;
  if (r->n_in > LM_MAX_INPUTS) {
    grad_in = lm_alloc_zero((size_t)r->n_in * sizeof *grad_in, "backward", e);
    if (!grad_in) return LM_ERR_MEMORY;
  }
  lm_status status = call_backward(p, r, grad_in, e);
  status = pass_on(p, r, status, grad_in, e);
  if (grad_in != few) lm_free(grad_in);
  return status;
}

/* The outputs are computed once more, and the pass goes through the records of that. They get the serials that they
 * had the first time, so they stand between what is newer than r and what is older, and every sum of this pass, and
 * of a pass over this one, has the order that it would have had. */
static lm_status unfold(pass *p, lm_record *r, lm_tensor **out, list *inner, lm_err *e) {
  bool old = lm_grad_set(true);
  uint64_t serial = lm_record_serial();
  lm_record_serial_set(r->since);
  lm_status status = r->unfold(r, out, e);
  bool same = lm_record_serial() <= r->serial;
  lm_record_serial_set(serial);
  lm_grad_set(old);
  if (status == LM_OK) status = collect(p, inner, r->n_out, out, e);
  if (status == LM_OK && (!same || (inner->n > 0 && inner->at[inner->n - 1]->serial < r->since)))
    status = lm_fail(e, LM_ERR_STATE, "checkpointed: the function used something else when it was run again");
  for (int i = 0; i < r->n_out && p->create && status == LM_OK; i++)
    status = lm_record_hold(&r->output[i], out[i], e);
  return status;
}

/* What flows to r's outputs goes to out, which are the same computed once more, and through their records `inner`.
 * Lets both go. */
static lm_status go_through(pass *p, lm_record *r, lm_status status, lm_tensor **out, list *inner, lm_err *e) {
  for (int i = 0; i < r->n_out && status == LM_OK; i++) {
    lm_tensor *g = r->pending[i];
    if (!g || !out[i]->requires_grad) continue;
    r->pending[i] = NULL;
    if (out[i]->record)
      status = add_to(&out[i]->record->pending[out[i]->record_output], g, e);
    else
      status = arrive(p, out[i], g, e);
  }
  for (int i = 0; i < LM_MAX_OUT; i++) lm_tensor_release(out[i]);
  for (int64_t i = 0; i < inner->n && status == LM_OK; i++) status = visit(p, inner->at[i], e);
  let_go(inner);
  return status;
}

/* Outputs that an earlier pass has left have their records in this pass's order already (see collect). */
static lm_status through_unfolded(pass *p, lm_record *r, lm_err *e) {
  lm_tensor *out[LM_MAX_OUT] = {NULL};
  list inner = {0};
  lm_status status = LM_OK;
  if (!r->output[0]) status = unfold(p, r, out, &inner, e);
  for (int i = 0; i < r->n_out && r->output[0]; i++)
    if (!out[i]) out[i] = lm_tensor_retain(r->output[i]);
  return go_through(p, r, status, out, &inner, e);
}

/* An op whose backward is not written in ops, in a pass that is recorded. Its new records are the newest of all, and
 * nothing but them reads what they save, so that they may be visited at once. */
static lm_status through_ops(pass *p, lm_record *r, lm_err *e) {
  lm_tensor *out[LM_MAX_OUT] = {NULL};
  list inner = {0};
  lm_call c = call_of(r);
  lm_status status = check_saved(r, e);
  if (status == LM_OK) status = r->op->unfold(&c, out, e);
  if (status == LM_OK) status = collect(p, &inner, r->n_out, out, e);
  return go_through(p, r, status, out, &inner, e);
}

static lm_status visit(pass *p, lm_record *r, lm_err *e) {
  deliver(p, r);
  bool any = false;
  for (int i = 0; i < r->n_out; i++) any = any || r->pending[i];
  lm_status status = LM_OK;
  if (any && r->wanted) {
    lm_profile_span span;
    lm_profile_enter_backward(&span, r->op ? r->op->name : "custom", r->layer);
    const bool in_ops = p->create && r->op && r->op->unfold;
    status = r->unfold ? through_unfolded(p, r, e) : in_ops ? through_ops(p, r, e) : through_backward(p, r, e);
    lm_profile_leave(&span);
  }
  for (int i = 0; i < r->n_out; i++) {
    lm_tensor_release(r->pending[i]);
    r->pending[i] = NULL;
  }
  if (status == LM_OK && !p->keep) lm_record_spend(r);
  return status;
}

/* ---- a pass ------------------------------------------------------------------------------------------------------
 */

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

/* The gradient that flows to a root: the one given, else 1. */
static lm_status start_at(pass *p, lm_tensor *root, lm_tensor *seed, lm_err *e) {
  lm_tensor *start = lm_tensor_retain(seed);
  lm_status status = LM_OK;
  if (!start) status = lm_tensor_full(&start, root->dtype, root->ndim, root->shape, 1, e);
  if (status) return status;
  if (!root->record) return arrive(p, root, start, e);
  return add_to(&root->record->pending[root->record_output], start, e);
}

static lm_status run(pass *p, int n, lm_tensor *const *roots, lm_tensor *const *seeds, lm_err *e) {
  lm_status status = LM_OK;
  for (int i = 0; i < n && status == LM_OK; i++) status = check_root(roots[i], seeds ? seeds[i] : NULL, e);
  if (status) return status;
  p->mark = lm_record_mark();
  bool old = lm_grad_set(p->create);
  status = collect(p, &p->order, n, roots, e);
  for (int i = 0; i < n && status == LM_OK; i++) status = start_at(p, roots[i], seeds ? seeds[i] : NULL, e);
  for (int64_t i = 0; i < p->order.n && status == LM_OK; i++) status = visit(p, p->order.at[i], e);
  if (status == LM_OK) status = land(p, e);
  let_go(&p->order);
  forget_landed(p);
  lm_grad_set(old);
  return status;
}

lm_status lm_backward(lm_tensor *root, lm_tensor *seed, bool keep, bool create, lm_err *e) {
  pass p = {.keep = keep || create, .create = create};
  if (collecting)
    return lm_fail(e, LM_ERR_STATE,
                   "backward: another backward is still running (inside a custom function, grad gives gradients "
                   "without adding them to leaves)");
  collecting = true;
  lm_profile_span span; /* what the records do not take: their order, and the sums of gradients at leaves */
  lm_profile_enter_backward(&span, "backward", 0);
  lm_status status = run(&p, 1, &root, &seed, e);
  lm_profile_leave(&span);
  collecting = false;
  return status;
}

lm_status lm_gradients_of(int n_roots, lm_tensor *const *roots, lm_tensor *const *seeds, int n, lm_tensor *const *wrt,
                          lm_tensor **out, bool keep, bool create, lm_err *e) {
  memset(out, 0, (size_t)n * sizeof *out);
  pass p = {.keep = keep || create, .create = create, .n_wrt = n, .wrt = wrt, .result = out};
  lm_status status = run(&p, n_roots, roots, seeds, e);
  for (int i = 0; status && i < n; i++) {
    lm_tensor_release(out[i]);
    out[i] = NULL;
  }
  return status;
}

lm_status lm_gradients(lm_tensor *root, lm_tensor *seed, int n, lm_tensor *const *wrt, lm_tensor **out, bool keep,
                       bool create, lm_err *e) {
  return lm_gradients_of(1, &root, &seed, n, wrt, out, keep, create, e);
}
