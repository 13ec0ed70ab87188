/* profile.c: see profile.h. Rows lie in a table found by hashing (name, layer, direction). */
#include "ops/core/profile.h"

#include "base/clock.h"
#include "base/memory.h"

#include <string.h>
#include <time.h>

enum { SLOTS = 2 * LM_PROFILE_ROWS };

typedef struct profile {
  lm_profile_row row[LM_PROFILE_ROWS];
  int slot[SLOTS]; /* row + 1; 0: empty */
  char *layer[LM_PROFILE_LAYERS];
  int n_rows, n_layers, layer_now;
  int64_t lost;
  lm_profile_span *innermost;
} profile;

static profile *kept;                 /* the last one, for its rows */
static _Thread_local profile *active; /* the one that runs in this thread */

static void let_go(profile *p) {
  if (!p) return;
  for (int i = 1; i < p->n_layers; i++) lm_free(p->layer[i]);
  lm_free(p);
}

lm_status lm_profile_start(lm_err *e) {
  if (active) return lm_fail(e, LM_ERR_STATE, "a profile is running already");
  profile *p = lm_alloc_zero(sizeof *p, "profile", e);
  if (!p) return LM_ERR_MEMORY;
  p->n_layers = 1; /* 0 is none */
  let_go(kept);
  kept = active = p;
  return LM_OK;
}

void lm_profile_stop(void) { active = NULL; }

bool lm_profile_running(void) { return active != NULL; }

int lm_profile_layer(const char *name) {
  profile *p = active;
  if (!p) return 0;
  const int before = p->layer_now;
  p->layer_now = 0;
  for (int i = 1; name && i < p->n_layers && !p->layer_now; i++)
    if (strcmp(p->layer[i], name) == 0) p->layer_now = i;
  if (name && !p->layer_now && p->n_layers < LM_PROFILE_LAYERS) {
    lm_err ignored = {0};
    char *copy = lm_strdup(name, &ignored); /* a name that finds no room is none */
    if (copy) {
      p->layer[p->n_layers] = copy;
      p->layer_now = p->n_layers++;
    }
  }
  return before;
}

void lm_profile_layer_set(int layer) {
  if (active) active->layer_now = layer;
}

int lm_profile_layer_now(void) { return active ? active->layer_now : 0; }

const char *lm_profile_layer_name(int layer) {
  return kept && layer > 0 && layer < kept->n_layers ? kept->layer[layer] : "";
}

/* The row of a call, made where there is none yet; NULL: there is no room. */
static lm_profile_row *row_of(profile *p, const lm_profile_span *s) {
  uint64_t hash = ((uint64_t)(uintptr_t)s->name >> 3) * 0x9E3779B97F4A7C15u;
  hash = (hash ^ (uint64_t)(2 * s->layer + s->backward)) * 0xD1B54A32D192ED03u;
  for (size_t i = (size_t)(hash >> 32) % SLOTS;; i = (i + 1) % SLOTS) {
    if (!p->slot[i]) {
      if (p->n_rows == LM_PROFILE_ROWS) return NULL;
      p->row[p->n_rows] = (lm_profile_row){.name = s->name, .layer = s->layer, .backward = s->backward};
      p->slot[i] = ++p->n_rows;
    }
    lm_profile_row *row = &p->row[p->slot[i] - 1];
    if (row->name == s->name && row->layer == s->layer && row->backward == s->backward) return row;
  }
}

static void enter(lm_profile_span *span, const char *name, int layer, bool backward) {
  *span =
      (lm_profile_span){.outer = active->innermost, .name = name, .layer = layer, .on = true, .backward = backward};
  active->innermost = span;
  span->start_bytes = lm_memory_now().asked;
  span->start = lm_clock();
}

void lm_profile_enter(lm_profile_span *span, const char *name) {
  span->on = active != NULL;
  if (!span->on) return;
  const lm_profile_span *outer = active->innermost;
  if (outer && outer->backward)
    enter(span, name, outer->layer, true);
  else
    enter(span, name, active->layer_now, false);
}

void lm_profile_enter_backward(lm_profile_span *span, const char *name, int layer) {
  span->on = active != NULL;
  if (span->on) enter(span, name, layer, true);
}

void lm_profile_leave(lm_profile_span *span) {
  if (!span->on || !active) return;
  const double seconds = lm_clock() - span->start;
  const int64_t bytes = lm_memory_now().asked - span->start_bytes;
  profile *p = active;
  p->innermost = span->outer;
  if (span->outer) {
    span->outer->inside_seconds += seconds;
    span->outer->inside_bytes += bytes;
  }
  lm_profile_row *row = row_of(p, span);
  if (!row) {
    p->lost++;
    return;
  }
  row->calls++;
  row->seconds += seconds - span->inside_seconds;
  row->bytes += bytes - span->inside_bytes;
}

const lm_profile_row *lm_profile_rows(int *n, int64_t *lost) {
  *n = kept ? kept->n_rows : 0;
  *lost = kept ? kept->lost : 0;
  return kept ? kept->row : NULL;
}
