/* record.c: what a recorded call keeps, and how a graph of records is let go.
 *
 * Invariant: a record refers to the records of its inputs, never to its own outputs (saved outputs are detached
 * views) nor to a leaf (whose gradient may refer to records) but to its twin, so there are no cycles and counting
 * references is enough. Freeing walks a list, not the stack. */
#include "base/memory.h"
#include "ops/core/op.h"
#include "ops/core/profile.h"

#include <string.h>

static _Thread_local bool grad_on = true;
static uint64_t next_serial = 1;

uint64_t lm_record_serial(void) { return next_serial; }
void lm_record_serial_set(uint64_t serial) { next_serial = serial; }

uint64_t lm_record_mark(void) {
  static uint64_t next_mark = 1;
  return next_mark++;
}

bool lm_grad_enabled(void) { return grad_on; }

bool lm_grad_set(bool on) {
  bool old = grad_on;
  grad_on = on;
  return old;
}

lm_record *lm_record_retain(lm_record *r) {
  if (r) r->refs++;
  return r;
}

/* One block holds the record and its arrays of n_in entries. */
lm_record *lm_record_new(int n_in, lm_err *e) {
  size_t n = (size_t)n_in;
  size_t entry = 3 * sizeof(void *) + sizeof(uint64_t) + sizeof(lm_meta) + sizeof(int);
  lm_record *r = lm_alloc_zero(sizeof *r + n * entry, "record of a call", e);
  if (!r) return NULL;
  char *at = (char *)(r + 1);
  r->in_meta = (lm_meta *)at;
  at += n * sizeof(lm_meta);
  r->input = (lm_tensor **)at;
  at += n * sizeof(void *);
  r->source = (lm_record **)at;
  at += n * sizeof(void *);
  r->leaf = (lm_tensor **)at;
  at += n * sizeof(void *);
  r->input_version = (uint64_t *)at;
  at += n * sizeof(uint64_t);
  r->source_output = (int *)at;
  r->head.release = lm_record_release;
  r->refs = 1;
  r->n_in = n_in;
  r->serial = next_serial++;
  r->layer = lm_profile_layer_now();
  return r;
}

lm_tensor *lm_leaf_of(lm_tensor *t) { return t->is_twin ? t->twin : t; }

lm_status lm_record_hold(lm_tensor **out, lm_tensor *t, lm_err *e) {
  *out = NULL;
  if (t->is_twin || t->record || !t->requires_grad) {
    *out = lm_tensor_retain(t);
    return LM_OK;
  }
  if (!t->twin) {
    lm_tensor *twin;
    if (lm_tensor_view(&twin, t, t->ndim, t->shape, t->stride, t->offset, e)) return LM_ERR_MEMORY;
    twin->is_twin = twin->requires_grad = true;
    twin->twin = t;
    t->twin = twin;
  }
  *out = lm_tensor_retain(t->twin);
  return LM_OK;
}

lm_status lm_record_link(lm_record *r, int i, lm_tensor *input, lm_err *e) {
  if (!input) return LM_OK;
  r->in_meta[i] = lm_tensor_meta(input);
  if (!input->requires_grad) return LM_OK;
  if (!input->record) return lm_record_hold(&r->leaf[i], input, e);
  r->source[i] = lm_record_retain(input->record);
  r->source_output[i] = input->record_output;
  return LM_OK;
}

void lm_record_attach(lm_tensor *t, lm_record *r, int output) {
  t->requires_grad = true;
  t->record = lm_record_retain(r);
  t->record_output = output;
}

static void drop(lm_tensor **t) {
  lm_tensor *old = *t;
  *t = NULL;
  lm_tensor_release(old);
}

void lm_record_spend(lm_record *r) {
  r->spent = true;
  for (int i = 0; i < r->n_in; i++) {
    drop(&r->input[i]);
    drop(&r->leaf[i]);
    lm_record *source = r->source[i];
    r->source[i] = NULL;
    if (source) lm_record_release(source);
  }
  for (int i = 0; i < LM_MAX_OUT; i++) drop(&r->output[i]);
  for (int i = 0; i < LM_MAX_SAVED; i++) drop(&r->saved[i]);
  void (*let_go)(lm_record *) = r->custom_free;
  r->custom_free = NULL;
  if (let_go) let_go(r);
}

void lm_record_release(lm_record *r) {
  static _Thread_local lm_record *doomed = NULL;
  static _Thread_local bool draining = false;
  if (--r->refs > 0) return;
  r->next = doomed;
  doomed = r;
  if (draining) return;
  draining = true;
  while (doomed) {
    lm_record *dead = doomed;
    doomed = dead->next;
    lm_record_spend(dead); /* may put more records on the list */
    for (int i = 0; i < LM_MAX_OUT; i++) drop(&dead->pending[i]);
    lm_free(dead);
  }
  draining = false;
}

/* A saved output shares the memory of the real one but not its record. */
static lm_status save_output(lm_record *r, int i, const lm_tensor *out, lm_err *e) {
  lm_status status = lm_tensor_view(&r->output[i], out, out->ndim, out->shape, out->stride, out->offset, e);
  if (status == LM_OK) r->output_version[i] = out->storage->version;
  return status;
}

/* Where input i came from, and the input itself where backward needs it. */
static lm_status save_input(lm_record *r, int i, const lm_call *c, lm_err *e) {
  lm_status status = lm_record_link(r, i, c->in[i], e);
  bool keep = i < 32 ? (c->op->save_in >> i & 1) : c->op->save_in == ~0u;
  if (status || !keep || !c->in[i]) return status;
  r->input_version[i] = c->in[i]->storage->version;
  return lm_record_hold(&r->input[i], c->in[i], e);
}

lm_status lm_record_call(lm_call *c, lm_err *e) {
  lm_record *r = lm_record_new(c->n_in, e);
  if (!r) return LM_ERR_MEMORY;
  r->op = c->op;
  r->n_out = c->n_out;
  memcpy(r->out_meta, c->out_meta, sizeof r->out_meta);
  memcpy(r->values, c->p, (size_t)lm_op_param_count(c->op) * sizeof r->values[0]);
  lm_status status = LM_OK;
  for (int i = 0; i < c->n_in && status == LM_OK; i++) status = save_input(r, i, c, e);
  for (int i = 0; i < c->n_out && status == LM_OK; i++)
    if ((c->op->save_out & ~c->unsaved) >> i & 1) status = save_output(r, i, c->out[i], e);
  if (status) {
    lm_record_release(r);
    return status;
  }
  for (int i = 0; i < LM_MAX_SAVED; i++) {
    r->saved[i] = c->saved[i];
    c->saved[i] = NULL;
  }
  for (int i = 0; i < c->n_out; i++) {
    r->out_meta[i] = lm_tensor_meta(c->out[i]);
    if (lm_dtype_is_float(c->out[i]->dtype)) lm_record_attach(c->out[i], r, i);
  }
  lm_record_release(r);
  return LM_OK;
}
