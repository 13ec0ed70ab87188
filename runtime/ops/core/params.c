/* params.c: the parameters of ops: their defaults, their ranges, and values made in C. */
#include "ops/core/op.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int lm_op_param_count(const lm_op *op) {
  int n = 0;
  while (op->params && op->params[n].kind != LM_P_END) n++;
  return n;
}

int lm_op_param_index(const lm_op *op, const char *name) {
  for (int i = 0; i < lm_op_param_count(op); i++)
    if (strcmp(op->params[i].name, name) == 0) return i;
  return -1;
}

/* The place of a word of n characters in a space-separated list, or -1. */
static int choice_index(const char *choices, const char *word, size_t n) {
  int index = 0;
  for (const char *at = choices; *at; index++) {
    size_t length = strcspn(at, " ");
    if (length == n && strncmp(at, word, n) == 0) return index;
    at += length;
    at += strspn(at, " ");
  }
  return -1;
}

/* Defaults are written as a user would: axes and positions count from 1. */
static int64_t from_one(lm_param_kind kind, int64_t x) {
  bool counted = kind == LM_P_DIM || kind == LM_P_DIMS || kind == LM_P_INDEX;
  return counted && x > 0 ? x - 1 : x;
}

lm_value lm_value_parse(const lm_param *p, const char *text) {
  lm_value value = {.given = true};
  char *end;
  size_t n = strlen(text);
  if (n >= 2 && (text[0] == '\'' || text[0] == '"')) {
    text++;
    n -= 2;
  }
  switch (p->kind) {
  case LM_P_TEXT:
    return lm_text_value(text, n);
  case LM_P_REAL:
    value.r = strtod(text, &end);
    break;
  case LM_P_BOOL:
    value.i = strcmp(text, "true") == 0;
    break;
  case LM_P_CHOICE:
    value.i = choice_index(p->choices, text, n);
    break;
  case LM_P_DTYPE: {
    char name[16];
    lm_dtype dtype = LM_F32;
    snprintf(name, sizeof name, "%.*s", (int)n, text);
    lm_dtype_parse(name, &dtype);
    value.i = dtype;
    break;
  }
  case LM_P_INTS:
  case LM_P_DIMS:
  case LM_P_SHAPE:
    for (const char *at = text; *at && value.n < LM_MAX_DIMS; at = *end ? end + 1 : end)
      value.v[value.n++] = from_one(p->kind, strtoll(at, &end, 10));
    while (p->kind == LM_P_INTS && value.n > 0 && value.n < p->count) {
      value.v[value.n] = value.v[value.n - 1];
      value.n++;
    }
    break;
  default:
    value.i = from_one(p->kind, strtoll(text, &end, 10));
  }
  return value;
}

void lm_op_defaults(const lm_op *op, lm_value *values) {
  for (int i = 0; i < lm_op_param_count(op); i++) {
    const lm_param *p = &op->params[i];
    values[i] = (lm_value){0};
    if (!p->initial || strcmp(p->initial, "nil") == 0) continue;
    values[i] = lm_value_parse(p, p->initial);
    values[i].given = false;
  }
}

static lm_status check_number(const lm_op *op, const lm_param *p, double x, lm_err *e) {
  if ((p->low == 0 && p->high == 0) || (x >= p->low && x <= p->high)) return LM_OK;
  if (isinf(p->high))
    return lm_fail(e, LM_ERR_ARGUMENT, "%s: '%s' is %.15g but must be at least %.15g", op->name, p->name, x, p->low);
  return lm_fail(e, LM_ERR_ARGUMENT, "%s: '%s' is %.15g but must be from %.15g to %.15g", op->name, p->name, x,
                 p->low, p->high);
}

lm_status lm_op_check_value(const lm_op *op, const lm_param *param, const lm_value *value, lm_err *e) {
  switch (param->kind) {
  case LM_P_INT:
    return check_number(op, param, (double)value->i, e);
  case LM_P_REAL:
    return check_number(op, param, value->r, e);
  case LM_P_INTS:
    if (value->n != param->count)
      return lm_fail(e, LM_ERR_ARGUMENT, "%s: '%s' takes %d integers, not %d", op->name, param->name, param->count,
                     value->n);
    for (int i = 0; i < value->n; i++) {
      lm_status status = check_number(op, param, (double)value->v[i], e);
      if (status) return status;
    }
    return LM_OK;
  case LM_P_CHOICE:
    if (value->i < 0)
      return lm_fail(e, LM_ERR_ARGUMENT, "%s: '%s' must be one of: %s", op->name, param->name, param->choices);
    return LM_OK;
  case LM_P_TEXT:
    if (!value->given)
      return lm_fail(e, LM_ERR_ARGUMENT, "%s: '%s' is a text of more than %d characters", op->name, param->name,
                     LM_VALUE_TEXT);
    return LM_OK;
  default:
    return LM_OK;
  }
}

lm_value lm_int(int64_t i) { return (lm_value){.given = true, .i = i}; }

lm_value lm_list(int n, const int64_t *v) {
  lm_value value = {.given = true, .n = n};
  memcpy(value.v, v, (size_t)n * sizeof v[0]);
  return value;
}

lm_value lm_real(double r) { return (lm_value){.given = true, .r = r}; }

lm_value lm_text_value(const char *text, size_t n) {
  lm_value value = {0};
  if (n > LM_VALUE_TEXT) return value;
  value.given = true;
  value.n = (int)n;
  memcpy(value.v, text, n);
  return value;
}

const char *lm_value_text(const lm_value *value) { return (const char *)value->v; }
