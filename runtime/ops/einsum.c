/* einsum.c: Einstein's summation. */
#include "ops.h"
#include "ops/core/contract.h"

#include <ctype.h>
#include <string.h>

enum { LETTERS = 52 }; /* names from here on are the axes of "...", counted from the last */

typedef struct equation {
  lm_labels in[LM_CONTRACT_MOST], out;
  int rest[LM_CONTRACT_MOST]; /* axes that "..." stands for in each tensor, -1 where it does not occur */
  int most;                   /* of them all */
} equation;

static int name_of(char letter) { return letter >= 'a' ? letter - 'a' : letter - 'A' + 26; }
static char letter_of(int name) { return (char)(name < 26 ? 'a' + name : 'A' + name - 26); }

static lm_status add(const lm_call *c, lm_labels *l, int name, int operand, lm_err *e) {
  if (l->n == LM_MAX_DIMS)
    return lm_fail(e, LM_ERR_SHAPE, "einsum: '%s' gives %s more than %d axes", lm_value_text(&c->p[0]),
                   operand < 0 ? "the result" : "a tensor", LM_MAX_DIMS);
  l->at[l->n++] = (int8_t)name;
  return LM_OK;
}

/* The names of one tensor or, where operand is -1, of the result, from text up to `end`. */
static lm_status names(const lm_call *c, equation *q, const char *text, const char *end, int operand, lm_err *e) {
  const char *whole = lm_value_text(&c->p[0]);
  lm_labels *l = operand < 0 ? &q->out : &q->in[operand];
  lm_status status = LM_OK;
  int letters = 0, rest = -1;
  for (const char *at = text; at < end; at++) letters += isalpha((unsigned char)*at) != 0;
  for (const char *at = text; at < end && status == LM_OK; at++) {
    if (*at == ' ') continue;
    if (*at == '.') {
      if (end - at < 3 || strncmp(at, "...", 3) != 0 || rest >= 0)
        return lm_fail(e, LM_ERR_ARGUMENT, "einsum: '%s': dots come as '...', once for each tensor", whole);
      rest = operand < 0 ? q->most : c->in_meta[operand].ndim - letters;
      for (int i = rest; i > 0 && status == LM_OK; i--) status = add(c, l, LETTERS + i - 1, operand, e);
      at += 2;
    } else if (isalpha((unsigned char)*at)) {
      status = add(c, l, name_of(*at), operand, e);
    } else {
      return lm_fail(e, LM_ERR_ARGUMENT, "einsum: '%c' in '%s'; axes are named by letters, as in 'ij,jk->ik'", *at,
                     whole);
    }
  }
  if (status || operand < 0) return status;
  q->rest[operand] = rest;
  if (rest > q->most) q->most = rest;
  const int ndim = c->in_meta[operand].ndim;
  if (rest < 0 ? letters != ndim : letters > ndim)
    return lm_fail(e, LM_ERR_SHAPE, "einsum: '%s' names %d axes of tensor %d, which has %d", whole, letters,
                   operand + 1, ndim);
  return LM_OK;
}

/* The left side: one list of names for each tensor. */
static lm_status left_side(const lm_call *c, equation *q, const char *text, const char *end, lm_err *e) {
  int operand = 0;
  for (const char *at = text;; operand++) {
    const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
    if (operand < c->n_in) {
      lm_status status = names(c, q, at, stop, operand, e);
      if (status) return status;
    }
    if (!comma) break;
    at = comma + 1;
  }
  if (operand + 1 == c->n_in) return LM_OK;
  return lm_fail(e, LM_ERR_ARGUMENT, "einsum: '%s' is for %d tensor%s, but %d %s given", lm_value_text(&c->p[0]),
                 operand + 1, operand ? "s" : "", c->n_in, c->n_in == 1 ? "is" : "are");
}

/* Without "->": the axes of the dots, then the letters that occur once, in the order of their codes. */
static lm_status implied(const lm_call *c, equation *q, lm_err *e) {
  int times[LETTERS] = {0};
  lm_status status = LM_OK;
  for (int i = 0; i < c->n_in; i++)
    for (int k = 0; k < q->in[i].n; k++)
      if (q->in[i].at[k] < LETTERS) times[q->in[i].at[k]]++;
  for (int i = q->most; i > 0 && status == LM_OK; i--) status = add(c, &q->out, LETTERS + i - 1, -1, e);
  for (char letter = 'A'; letter <= 'z' && status == LM_OK; letter++)
    if (isalpha((unsigned char)letter) && times[name_of(letter)] == 1)
      status = add(c, &q->out, name_of(letter), -1, e);
  return status;
}

static lm_status check_out(const lm_call *c, const equation *q, lm_err *e) {
  const char *whole = lm_value_text(&c->p[0]);
  uint64_t there = 0, seen = 0;
  for (int i = 0; i < c->n_in; i++)
    for (int k = 0; k < q->in[i].n; k++) there |= UINT64_C(1) << q->in[i].at[k];
  for (int k = 0; k < q->out.n; k++) {
    const int name = q->out.at[k];
    if (name < LETTERS && !(there >> name & 1))
      return lm_fail(e, LM_ERR_ARGUMENT, "einsum: '%s': no tensor has the axis '%c' of the result", whole,
                     letter_of(name));
    if (seen >> name & 1)
      return lm_fail(e, LM_ERR_ARGUMENT, "einsum: '%s': the result has the axis '%c' twice", whole, letter_of(name));
    seen |= UINT64_C(1) << name;
  }
  if (q->most > 0 && !(seen >> LETTERS & 1))
    return lm_fail(e, LM_ERR_ARGUMENT, "einsum: '%s': the result lacks the '...' of the tensors", whole);
  return LM_OK;
}

static lm_status check_sizes(const lm_call *c, const equation *q, lm_err *e) {
  int64_t size[LM_LABELS];
  for (int i = 0; i < LM_LABELS; i++) size[i] = 1;
  for (int i = 0; i < c->n_in; i++)
    for (int k = 0; k < q->in[i].n; k++) {
      const int name = q->in[i].at[k];
      const int64_t n = c->in_meta[i].shape[k];
      if (n != 1 && size[name] != 1 && size[name] != n)
        return lm_fail(e, LM_ERR_SHAPE,
                       "einsum: '%s': axis %d of tensor %d has size %lld where another '%.*s' has %lld",
                       lm_value_text(&c->p[0]), k + 1, i + 1, (long long)n, name < LETTERS ? 1 : 3,
                       name < LETTERS ? (char[]){letter_of(name), 0} : "...", (long long)size[name]);
      if (n != 1) size[name] = n;
    }
  return LM_OK;
}

static lm_status parse(const lm_call *c, equation *q, lm_err *e) {
  const char *text = lm_value_text(&c->p[0]), *end = text + strlen(text), *arrow = strstr(text, "->");
  *q = (equation){.most = 0};
  if (c->n_in > LM_CONTRACT_MOST)
    return lm_fail(e, LM_ERR_ARGUMENT, "einsum: at most %d tensors at once, not %d", LM_CONTRACT_MOST, c->n_in);
  lm_status status = left_side(c, q, text, arrow ? arrow : end, e);
  if (status == LM_OK) status = arrow ? names(c, q, arrow + 2, end, -1, e) : implied(c, q, e);
  if (status == LM_OK) status = check_out(c, q, e);
  return status ? status : check_sizes(c, q, e);
}

static lm_status infer(lm_call *c, lm_err *e) {
  equation q;
  return parse(c, &q, e);
}

static lm_status forward(lm_call *c, lm_err *e) {
  equation q;
  lm_status status = parse(c, &q, e);
  if (status) return status;
  lm_chain h = lm_chain_start(e);
  return lm_compound_end(&h, c, lm_contract(&h, c->n_in, c->in, q.in, &q.out));
}

static const lm_param params[] = {
    {.name = "equation", .kind = LM_P_TEXT, .doc = "the names of the axes: 'ij,jk->ik'"}, {0}};

static const lm_case cases[] = {{"2x3; 3x4", "equation=ij,jk->ik"},
                                {"2x3; 3x4; 4x2", "equation=ij,jk,kl"},
                                {"2x3x4; 2x4x5", "equation=bij,bjk->bik"},
                                {"2x3x4; 4x5", "equation=...j,jk->...k"},
                                {"3x3", "equation=ii"},
                                {"3x2x3", "equation=iji->ij"},
                                {"4; 3", "equation=i,j->ji"},
                                {"2x3; 2x3", "equation=ij,ij->i"},
                                {"2x3; 1x3", "equation=ij,ij->"},
                                {"2x3x4", "equation=abc->ca"},
                                {"3; 3; 3x2", "equation=i,i,ij->j"},
                                {0}};

const lm_op lm_op_einsum = {
    .name = "einsum",
    .doc = "Sums of products over named axes: ops.einsum('ij,jk->ik', a, b) is a matrix product,\n"
           "ops.einsum('bij,bkj->bik', q, k) a batch of them, 'ii->i' a diagonal, 'ij->ji' a transpose. A letter "
           "that the\n"
           "result lacks is summed over; '...' are axes without a name, which broadcast; without '->' the result has "
           "the\n"
           "letters that occur once, in alphabetical order (capitals first), as in NumPy. Up to 16 tensors, joined "
           "two at a\n"
           "time as matrix products, the smallest results first: the order is a function of the shapes.",
    .example = "q, k = randn { 5, 2, 3 }, randn { 5, 4, 3 }\n"
               "ops.einsum(\"bij,bkj->bik\", q, k).shape   --> { 5, 2, 4 }",
    .inputs = "tensors...",
    .group = "products",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
