/* custom.c: records of what is no op: functions whose gradient is written elsewhere, and stretches of a computation
 * that are forgotten and computed again when backward comes (gradient checkpointing; Chen, Xu, Zhang & Guestrin 2016,
 * arXiv:1604.06174). */
#include "autodiff/autodiff.h"
#include "base/memory.h"

static void release_all(int n, lm_tensor **t) {
  for (int i = 0; i < n; i++) lm_tensor_release(t[i]);
}

/* The outputs as views of their own tied to r: all of them, or none. */
static lm_status tie(lm_record *r, int n, lm_tensor **out, lm_err *e) {
  lm_tensor *view[LM_MAX_OUT] = {NULL};
  for (int i = 0; i < n; i++) {
    const lm_tensor *t = out[i];
    if (lm_tensor_view(&view[i], t, t->ndim, t->shape, t->stride, t->offset, e)) {
      release_all(i, view);
      return LM_ERR_MEMORY;
    }
  }
  r->n_out = n;
  for (int i = 0; i < n; i++) {
    r->out_meta[i] = lm_tensor_meta(view[i]);
    if (lm_dtype_is_float(view[i]->dtype)) lm_record_attach(view[i], r, i);
    lm_tensor_release(out[i]);
    out[i] = view[i];
  }
  return LM_OK;
}

lm_status lm_custom(lm_record **record, int n_in, lm_tensor *const *in, int n_out, lm_tensor **out, lm_err *e) {
  *record = NULL;
  lm_record *r = lm_record_new(n_in, e);
  if (!r) return LM_ERR_MEMORY;
  lm_status status = LM_OK;
  for (int i = 0; i < n_in && status == LM_OK; i++) status = lm_record_link(r, i, in[i], e);
  if (status == LM_OK) status = tie(r, n_out, out, e);
  if (status)
    lm_record_release(r);
  else
    *record = r;
  return status;
}

/* ---- folding -----------------------------------------------------------------------------------------------------
 */

/* Pointers, borrowed. */
typedef struct set {
  void **at;
  int n, room;
} set;

static lm_status append(set *s, void *p, lm_err *e) {
  if (s->n == s->room) {
    int room = s->room ? s->room * 2 : 64;
    void **grown = lm_realloc(s->at, (size_t)room * sizeof *grown, "checkpointed", e);
    if (!grown) return LM_ERR_MEMORY;
    s->at = grown;
    s->room = room;
  }
  s->at[s->n++] = p;
  return LM_OK;
}

/* Without repetition. */
static lm_status insert(set *s, void *p, lm_err *e) {
  for (int i = s->n - 1; i >= 0; i--)
    if (s->at[i] == p) return LM_OK;
  return append(s, p, e);
}

/* What the stretch rests on: records older than it, and leaves; `inside` are its own records. */
typedef struct border {
  uint64_t since, mark;
  set inside, records, leaves;
} border;

static lm_status note(border *b, lm_record *r, lm_err *e) {
  if (r->serial < b->since) return insert(&b->records, r, e);
  if (r->mark == b->mark) return LM_OK;
  r->mark = b->mark;
  return append(&b->inside, r, e);
}

static lm_status trace(border *b, int n_out, lm_tensor *const *out, lm_err *e) {
  lm_status status = LM_OK;
  for (int i = 0; i < n_out && status == LM_OK; i++) {
    if (out[i]->record)
      status = note(b, out[i]->record, e);
    else if (out[i]->requires_grad)
      status = insert(&b->leaves, out[i], e);
  }
  for (int i = 0; i < b->inside.n && status == LM_OK; i++) {
    const lm_record *r = b->inside.at[i];
    for (int k = 0; k < r->n_in && status == LM_OK; k++) {
      if (r->source[k])
        status = note(b, r->source[k], e);
      else if (r->leaf[k] && r->leaf[k]->twin)
        status = insert(&b->leaves, r->leaf[k]->twin, e);
    }
  }
  return status;
}

lm_status lm_fold(lm_record **record, uint64_t since, int n_out, lm_tensor **out, lm_err *e) {
  border b = {.since = since, .mark = lm_record_mark()};
  lm_record *r = NULL;
  *record = NULL;
  lm_status status = trace(&b, n_out, out, e);
  int n = b.records.n + b.leaves.n;
  if (status == LM_OK && n > 0) {
    r = lm_record_new(n, e);
    if (!r) status = LM_ERR_MEMORY;
  }
  for (int i = 0; r && i < b.records.n; i++) r->source[i] = lm_record_retain(b.records.at[i]);
  for (int i = 0; r && i < b.leaves.n && status == LM_OK; i++)
    status = lm_record_link(r, b.records.n + i, b.leaves.at[i], e);
  if (r && status == LM_OK) status = tie(r, n_out, out, e);
  if (r) r->since = since;
  if (status == LM_OK)
    *record = r;
  else if (r)
    lm_record_release(r);
  lm_free(b.inside.at);
  lm_free(b.records.at);
  lm_free(b.leaves.at);
  return status;
}
