/* text.c: how a tensor looks when it is printed, in the layout of NumPy.
 *
 * Every number of one tensor gets the same width, with room for as many decimals as the one that needs most to be
 * read back (at most 8); very large or small ones go over to exponents together, a little later than in NumPy: where
 * 8 decimals still show every number, none is needed. More than 1000 elements show three at each end of an axis. A
 * line with shape and dtype follows. The numbers 8, 1000, 3 and the width of a line are settings. */
#include "base/memory.h"
#include "tensor/tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER = 64 };

static lm_text_settings settings = {.decimals = 8, .edge = 3, .width = 100, .threshold = 1000};

lm_text_settings *lm_text_now(void) { return &settings; }

typedef struct text {
  char *bytes;
  size_t used, room;
  bool failed;
  lm_err *e;
} text;

static void put(text *out, const char *s) {
  size_t n = strlen(s);
  if (out->failed) return;
  if (out->used + n + 1 > out->room) {
    size_t room = (out->used + n + 1) * 2;
    char *grown = lm_realloc(out->bytes, room, "printed tensor", out->e);
    if (!grown) {
      out->failed = true;
      return;
    }
    out->bytes = grown;
    out->room = room;
  }
  memcpy(out->bytes + out->used, s, n + 1);
  out->used += n;
}

/* How the numbers of one tensor are written. */
typedef struct style {
  const lm_tensor *t;
  bool exponent, long_exponent; /* long: three digits, where one number needs them */
  int decimals, width;
  bool shorten;
} style;

static double element(const lm_tensor *t, const int64_t *index) {
  int64_t linear = 0;
  for (int i = 0; i < t->ndim; i++) linear = linear * t->shape[i] + index[i];
  return lm_tensor_get(t, linear);
}

/* Whether position i of an axis of n is shown. */
static bool shown(const style *s, int64_t i, int64_t n) {
  return !s->shorten || i < settings.edge || i >= n - settings.edge;
}

static bool same_number(const style *s, const char *digits, double x) {
  return s->t->dtype == LM_F32 ? strtof(digits, NULL) == (float)x : strtod(digits, NULL) == x;
}

/* The fewest decimals (fixed or with an exponent) that read back as x, or show as much of it as the setting does. */
static int decimals_for(const style *s, double x) {
  char digits[400];
  for (int d = 0; d < settings.decimals; d++) {
    snprintf(digits, sizeof digits, s->exponent ? "%.*e" : "%.*f", d, x);
    if (same_number(s, digits, x)) return d;
  }
  int d = settings.decimals;
  snprintf(digits, sizeof digits, s->exponent ? "%.*e" : "%.*f", d, x);
  const char *last = s->exponent ? strchr(digits, 'e') - 1 : digits + strlen(digits) - 1;
  while (d > 0 && *last == '0') {
    d--;
    last--;
  }
  return d;
}

static int number(const style *s, int64_t linear, double x, char out[NUMBER]) {
  if (s->t->dtype == LM_BOOL) return snprintf(out, NUMBER, x != 0 ? "true" : "false");
  if (s->t->dtype == LM_I64 || s->t->dtype == LM_U8) {
    if (s->t->dtype == LM_I64 && s->t->ndim >= 0 && fabs(x) >= 0x1p53) { /* exact where double is not */
      lm_tensor one = *s->t;
      int64_t at = 0, rest = linear;
      for (int i = one.ndim - 1; i >= 0; i--) {
        at += rest % one.shape[i] * one.stride[i];
        rest /= one.shape[i];
      }
      return snprintf(out, NUMBER, "%lld", (long long)((const int64_t *)lm_tensor_data(&one))[at]);
    }
    return snprintf(out, NUMBER, "%lld", (long long)x);
  }
  if (x != x) return snprintf(out, NUMBER, "nan");
  if (isinf(x)) return snprintf(out, NUMBER, x > 0 ? "inf" : "-inf");
  int own = s->exponent ? s->decimals : decimals_for(s, x);
  int n = snprintf(out, NUMBER, s->exponent ? "%.*e" : "%.*f", own, x);
  char *e = s->exponent ? strchr(out, 'e') : NULL;
  if (e && s->long_exponent && strlen(e) == 4) { /* e+07 beside e+300 is e+007 */
    memmove(e + 3, e + 2, strlen(e + 2) + 1);
    e[2] = '0';
    n++;
  }
  /* NumPy writes 1. and 1.e-10, and 0.5 beside 0.25 as "0.5 ": each with the decimals that it needs. */
  const int point = own == 0, more = s->decimals - own + point;
  char *end = e ? e : out + n;
  memmove(end + more, end, strlen(end) + 1);
  memset(end, ' ', (size_t)more);
  if (point) *end = '.';
  return n + more;
}

/* Calls visit for every element that is shown. */
static void each_shown(const style *s, int axis, int64_t *index, void (*visit)(void *, double, int64_t),
                       void *context) {
  const lm_tensor *t = s->t;
  if (axis == t->ndim) {
    int64_t linear = 0;
    for (int i = 0; i < t->ndim; i++) linear = linear * t->shape[i] + index[i];
    visit(context, element(t, index), linear);
    return;
  }
  for (int64_t i = 0; i < t->shape[axis]; i++) {
    if (!shown(s, i, t->shape[axis])) {
      i = t->shape[axis] - settings.edge - 1;
      continue;
    }
    index[axis] = i;
    each_shown(s, axis + 1, index, visit, context);
  }
}

static void widen(void *context, double x, int64_t linear) {
  style *s = context;
  char digits[NUMBER];
  int n = number(s, linear, x, digits);
  if (n > s->width) s->width = n;
}

typedef struct range {
  style *s;
  double least, most; /* of the non-zero magnitudes */
} range;

static void extend(void *context, double x, int64_t linear) {
  range *r = context;
  (void)linear;
  double a = fabs(x);
  if (!isfinite(x) || a == 0) return;
  if (a < r->least) r->least = a;
  if (a > r->most) r->most = a;
}

static void count_decimals(void *context, double x, int64_t linear) {
  style *s = context;
  (void)linear;
  if (!isfinite(x)) return;
  int d = decimals_for(s, x);
  if (d > s->decimals) s->decimals = d;
}

static void choose_style(style *s) {
  int64_t index[LM_MAX_DIMS] = {0};
  if (lm_dtype_is_float(s->t->dtype)) {
    range r = {s, INFINITY, 0};
    each_shown(s, 0, index, extend, &r);
    s->exponent = r.most >= 1e8 || r.least < 1e-4 || (r.most > 0 && r.most / r.least > 1e3 && r.least < 1e-3);
    s->long_exponent = r.most >= 1e100 || r.least < 1e-99;
    each_shown(s, 0, index, count_decimals, s);
  }
  each_shown(s, 0, index, widen, s);
}

static void spaces(text *out, int n) {
  for (int i = 0; i < n; i++) put(out, " ");
}

static void write_axis(text *out, const style *s, int axis, int64_t *index);

/* The innermost axis: numbers side by side, broken at settings.width columns. */
static void write_row(text *out, const style *s, int64_t *index) {
  const lm_tensor *t = s->t;
  int axis = t->ndim - 1, column = t->ndim;
  put(out, "[");
  for (int64_t i = 0; i < t->shape[axis]; i++) {
    bool gap = !shown(s, i, t->shape[axis]), first = column == t->ndim;
    int width = gap ? 3 : s->width;
    if (!first && column + 1 + width > settings.width - t->ndim) {
      while (!out->failed && out->used > 0 && out->bytes[out->used - 1] == ' ') out->used--;
      put(out, "\n");
      spaces(out, t->ndim);
      column = t->ndim;
    } else if (!first) {
      put(out, " ");
      column++;
    }
    if (gap) {
      put(out, "...");
      column += 3;
      i = t->shape[axis] - settings.edge - 1;
      continue;
    }
    char digits[NUMBER];
    index[axis] = i;
    int64_t linear = 0;
    for (int k = 0; k < t->ndim; k++) linear = linear * t->shape[k] + index[k];
    int n = number(s, linear, element(t, index), digits);
    spaces(out, s->width - n);
    put(out, digits);
    column += s->width;
  }
  put(out, "]");
}

static void write_axis(text *out, const style *s, int axis, int64_t *index) {
  const lm_tensor *t = s->t;
  if (axis == t->ndim - 1) {
    write_row(out, s, index);
    return;
  }
  put(out, "[");
  for (int64_t i = 0; i < t->shape[axis]; i++) {
    if (i > 0) {
      for (int k = axis; k < t->ndim - 1; k++) put(out, "\n");
      spaces(out, axis + 1);
    }
    if (!shown(s, i, t->shape[axis])) {
      put(out, "...");
      i = t->shape[axis] - settings.edge - 1;
      continue;
    }
    index[axis] = i;
    write_axis(out, s, axis + 1, index);
  }
  put(out, "]");
}

lm_status lm_tensor_text(char **out, const lm_tensor *t, lm_err *e) {
  char shape[LM_SHAPE_TEXT], digits[NUMBER];
  int64_t index[LM_MAX_DIMS] = {0};
  style s = {.t = t, .shorten = lm_tensor_count(t) > settings.threshold};
  text body = {.e = e};
  if (lm_tensor_count(t) > 0) {
    choose_style(&s);
    if (t->ndim == 0) {
      number(&s, 0, lm_tensor_get(t, 0), digits);
      put(&body, digits);
    } else {
      write_axis(&body, &s, 0, index);
    }
  } else {
    put(&body, "[]");
  }
  put(&body, t->ndim == 0 ? "  " : "\n");
  put(&body, lm_shape_text(t->ndim, t->shape, shape));
  put(&body, " ");
  put(&body, lm_dtype_name(t->dtype));
  if (lm_tensor_is_close(t)) put(&body, ", close");
  if (body.failed) {
    lm_free(body.bytes);
    *out = NULL;
    return LM_ERR_MEMORY;
  }
  *out = body.bytes;
  return LM_OK;
}
