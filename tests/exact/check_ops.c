/* check_ops.c: the digests of every op's results and gradients, and of the statistics that are no ops (fits, RDMs,
 * resamples): check_ops [THREADS]. A line for each, then one for all; two builds, instruction sets or numbers of
 * threads agree when they print the same. Ops come with their own cases (see lm_case); elementwise ones also run on
 * odd lengths, and the large ones below on shapes that fill no vector, tile, panel or block. */
#include "autodiff/autodiff.h"
#include "base/cpu.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "linalg/linalg.h"
#include "stats/fit.h"
#include "stats/gabor.h"
#include "stats/rdm.h"
#include "stats/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct extra {
  const char *op;
  lm_case shapes;
} extra;

static const extra extras[] = {
    {"matmul", {"67x301; 301x45", ""}},
    {"matmul", {"3x17x259; 3x259x1", ""}},
    {"matmul", {"1x2053; 2053x33", ""}},
    {"linear", {"37x515; 61x515; 61", ""}},
    {"conv2d", {"3x5x31x29; 7x5x5x3; 7", "stride=2,1 pad=2,1"}},
    {"conv2d", {"2x29x23x17; 27x29x3x3; 27", "pad=1,1 activation=relu"}},
    {"conv2d", {"2x26x13x11; 25x26x5x5; 25", "pad=2,2"}},
    {"conv2d", {"5x33x9x14; 18x33x3x3", "pad=1,1"}},
    {"conv2d", {"2x12x13x11; 12x1x3x3", "pad=1,1 groups=12"}},
    {"conv2d", {"1x3x61x57; 13x3x11x11", "stride=4,4 pad=2,2"}},
    {"conv2d", {"3x70x7x7; 35x70x1x1", ""}},
    {"max_pool2d", {"2x5x23x31", "kernel=3,3 stride=2,2"}},
    {"avg_pool2d", {"2x5x23x31", "kernel=3,2 stride=2,1"}},
    {"sum", {"7x1031x5", "dim=2"}},
    {"sum", {"9013", ""}},
    {"mean", {"13x4099", "dim=2"}},
    {"var", {"13x1037", "dim=2"}},
    {"softmax", {"29x1003", "dim=2"}},
    {"log_softmax", {"1003x29", "dim=1"}},
    {"logsumexp", {"3x5x777", "dim=3"}},
    {"prod", {"5x67:unit", "dim=2"}},
    {"cross_entropy", {"53x103; 53:index<103", ""}},
    {"mse", {"7x331; 7x331", ""}},
    {"rnn", {"7x29x11; 61x11; 61x61; 61; 61; 29x61", ""}},
    {"rnn", {"5x17x3; 35x3; 35x35; 35", "nonlinearity=relu reverse=true"}},
    {"lstm", {"5x19x7; 148x7; 148x37; 148; 148; 19x37; 19x37", ""}},
    {"gru", {"5x19x7; 111x7; 111x37; 111; 111; 19x37", ""}},
    {"gru", {"2x3x5; 1206x5; 1206x402; 1206; 1206", ""}},
    {"solve", {"131x131; 131x5", ""}},
    {"inverse", {"2x67x67", ""}},
    {"qr", {"131x70", ""}},
    {"lstsq", {"97x41; 97x3", ""}},
    {"svd", {"83x45", "method=exact"}},
    {"svd", {"2x37x71", "method=exact"}},
    {"svdvals", {"131x130", "method=exact"}},
    {"eigh", {"75x75", "method=exact"}},
    {"fft", {"3x1024x2", ""}},
    {"fft", {"5x131x2", "dim=1"}},
    {"fft2", {"67x96x2", ""}},
    {"rfft", {"5x4099", ""}},
    {"fft_conv", {"3x211; 1x37", "dim=2"}},
    {0},
};

static void fail(const char *op, const char *what, const lm_err *e) {
  fprintf(stderr, "check_ops: %s: %s: %s\n", op, what, e->message);
  exit(1);
}

static void add_tensor(lm_sha256 *h, const char *op, const lm_tensor *t) {
  char hex[65];
  lm_err e;
  if (!t) return lm_sha256_add(h, "none", 4);
  if (lm_tensor_is_close(t)) return lm_sha256_add(h, "close", 5);
  if (lm_tensor_digest(t, hex, &e)) fail(op, "digest", &e);
  lm_sha256_add(h, hex, 64);
}

/* Results, and the gradients of their sum weighted by draws. */
static void run_case(lm_sha256 *h, const lm_op *op, const lm_case *k, lm_dtype dtype) {
  lm_tensor *in[LM_MAX_INPUTS] = {0}, *out[LM_MAX_OUT] = {0};
  lm_value values[LM_MAX_PARAMS];
  int n_in;
  lm_err e;
  if (lm_case_make(op, k, dtype, in, &n_in, values, &e)) fail(op->name, k->inputs, &e);
  bool flows = (op->backward || op->compound) && !op->no_backward;
  for (int i = 0; i < n_in; i++)
    if (in[i] && flows && in[i]->dtype == dtype) in[i]->requires_grad = true;
  if (lm_apply(op, n_in, in, values, out, &e)) fail(op->name, k->inputs, &e);
  int n_out = op->n_out ? op->n_out : 1;
  for (int i = 0; i < n_out; i++) add_tensor(h, op->name, out[i]);
  if (flows && out[0] && out[0]->requires_grad) {
    lm_tensor *seed;
    lm_key key = {.seed = 7, .purpose = lm_purpose("check_ops")};
    if (lm_tensor_normal(&seed, out[0]->dtype, out[0]->ndim, out[0]->shape, key, 0, 1, &e) ||
        lm_backward(out[0], seed, false, false, &e))
      fail(op->name, k->inputs, &e);
    lm_tensor_release(seed);
    for (int i = 0; i < n_in; i++)
      if (in[i] && in[i]->requires_grad) add_tensor(h, op->name, in[i]->grad);
  }
  for (int i = 0; i < n_out; i++) lm_tensor_release(out[i]);
  for (int i = 0; i < n_in; i++) lm_tensor_release(in[i]);
}

/* "7x131; 7x131" for an elementwise op of two inputs, with the domain that its first case gives the first. */
static void run_lengths(lm_sha256 *h, const lm_op *op, lm_dtype dtype) {
  char inputs[256] = "";
  const char *domain = strchr(op->cases[0].inputs, ':');
  int n = 1;
  for (const char *c = op->inputs; *c; c++) n += *c == ' ';
  if (strcmp(op->group, "elementwise") != 0 || n > 2 || strstr(op->inputs, "..") || strstr(op->inputs, "?")) return;
  for (int i = 0; i < n; i++) {
    size_t used = strlen(inputs);
    int length = domain ? (int)strcspn(domain, "; ") : 0;
    snprintf(inputs + used, sizeof inputs - used, "%s7x131%.*s", i ? "; " : "", length, domain ? domain : "");
  }
  lm_case k = {inputs, op->cases[0].params};
  run_case(h, op, &k, dtype);
}

/* Products and quotients around the smallest normal number. */
static void run_subnormals(lm_sha256 *h, const lm_op *op, lm_dtype dtype) {
  const int64_t shape[] = {521};
  const double scale = dtype == LM_F32 ? 0x1p-70 : 0x1p-530;
  lm_tensor *in[2], *out[LM_MAX_OUT] = {0};
  lm_err e;
  if (strcmp(op->group, "elementwise") != 0 || strcmp(op->inputs, "a b") != 0) return;
  for (int i = 0; i < 2; i++) {
    lm_key key = {.seed = (uint64_t)i, .purpose = lm_purpose("check_ops subnormals")};
    if (lm_tensor_normal(&in[i], dtype, 1, shape, key, 0, scale, &e)) fail(op->name, "subnormals", &e);
  }
  if (lm_apply(op, 2, in, NULL, out, &e) == LM_OK) add_tensor(h, op->name, out[0]);
  for (int i = 0; i < 2; i++) lm_tensor_release(in[i]);
  lm_tensor_release(out[0]);
}

static void run_op(lm_sha256 *all, const lm_op *op) {
  static const lm_dtype dtypes[] = {LM_F32, LM_F64};
  lm_sha256 h;
  char hex[LM_SHA256_HEX];
  lm_sha256_start(&h);
  for (int d = 0; d < 2; d++) {
    for (const lm_case *k = op->cases; k->inputs; k++) run_case(&h, op, k, dtypes[d]);
    run_lengths(&h, op, dtypes[d]);
    run_subnormals(&h, op, dtypes[d]);
    for (const extra *x = extras; x->op; x++)
      if (strcmp(x->op, op->name) == 0) run_case(&h, op, &x->shapes, dtypes[d]);
  }
  lm_sha256_hex(&h, hex);
  printf("%-24s %s\n", op->name, hex);
  lm_sha256_add(all, hex, 64);
}

/* ---- statistics that are no ops ----------------------------------------------------------------------------------
 */

static lm_tensor *drawn(const char *name, int ndim, const int64_t *shape, uint64_t seed) {
  lm_tensor *t;
  lm_err e;
  lm_key key = {.seed = seed, .purpose = lm_purpose("check_ops statistics")};
  if (lm_tensor_normal(&t, LM_F64, ndim, shape, key, 0, 1, &e)) fail(name, "inputs", &e);
  return t;
}

/* Ends a statistic's row: its results, which are released. */
static void add_all(lm_sha256 *all, const char *name, lm_status status, const lm_err *e, int n, lm_tensor **results) {
  lm_sha256 h;
  char hex[LM_SHA256_HEX];
  if (status != LM_OK) fail(name, "run", e);
  lm_sha256_start(&h);
  for (int i = 0; i < n; i++) {
    add_tensor(&h, name, results[i]);
    lm_tensor_release(results[i]);
  }
  lm_sha256_hex(&h, hex);
  printf("%-24s %s\n", name, hex);
  lm_sha256_add(all, hex, 64);
}

static void run_fits(lm_sha256 *all) {
  static const int64_t shapes[2][3] = {{157, 43, 29}, {71, 131, 5}};
  static const double alphas[3] = {0.3, 0.05, 0.01};
  const lm_elastic how = {0.7, 1e-9, 2000, false};
  for (int s = 0; s < 2; s++) {
    const int64_t *k = shapes[s], wide[2] = {k[0], k[1]}, narrow[2] = {k[0], k[2]};
    lm_tensor *x = drawn("fits", 2, wide, 1), *y = drawn("fits", 2, narrow, 2), *w;
    int64_t unsettled;
    lm_pls fit;
    lm_err e;
    lm_status status = lm_pls_fit(&fit, x, y, 12, 1e-6, 500, NULL, &e);
    add_all(all, "pls", status, &e, 4, (lm_tensor *[]){fit.weights, fit.rotations, fit.loadings, fit.targets});
    status = lm_pls_nipals(&fit, x, y, 5, 1e-6, 500, NULL, &e);
    add_all(all, "pls (nipals)", status, &e, 4,
            (lm_tensor *[]){fit.weights, fit.rotations, fit.loadings, fit.targets});
    status = lm_elastic_net(&w, &unsettled, x, y, 3, alphas, &how, &e);
    add_all(all, "elastic_net", status, &e, 1, &w);
    status = lm_nnls(&w, &unsettled, x, y, &e);
    add_all(all, "nnls", status, &e, 1, &w);
    lm_tensor_release(x);
    lm_tensor_release(y);
  }
  static const int64_t fields[3] = {5, 11, 9};
  lm_tensor *z = drawn("fits", 3, fields, 3), *results[2];
  lm_err e;
  lm_status status = lm_gabor_fit(&results[0], &results[1], z, 3, &e);
  add_all(all, "gabor", status, &e, 2, results);
  lm_tensor_release(z);
}

static void run_rdms(lm_sha256 *all) {
  enum { STIMULI = 37, RESAMPLES = 6 };
  const int64_t few[2] = {3, STIMULI * (STIMULI - 1) / 2}, many[2] = {5, few[1]}, times[2] = {RESAMPLES, STIMULI};
  const int64_t whom[2] = {RESAMPLES, 5};
  lm_tensor *a = drawn("rdms", 2, few, 3), *b = drawn("rdms", 2, many, 4), *stimuli, *subjects, *out[3];
  lm_err e;
  lm_key key = {.seed = 5, .purpose = lm_purpose("check_ops statistics")};
  if (lm_tensor_zeros(&stimuli, LM_I64, 2, times, &e) || lm_tensor_zeros(&subjects, LM_I64, 2, whom, &e))
    fail("rdms", "inputs", &e);
  for (int64_t i = 0; i < RESAMPLES * STIMULI; i++)
    ((int64_t *)lm_tensor_data(stimuli))[i] = lm_draw_below(key, (uint64_t)i, 4);
  for (int64_t i = 0; i < RESAMPLES * 5; i++)
    ((int64_t *)lm_tensor_data(subjects))[i] = 1 + lm_draw_below(key, (uint64_t)i, 2);
  for (int m = 0; m < LM_RDM_MEASURES; m++) {
    char name[64];
    snprintf(name, sizeof name, "rdm (%s)", lm_rdm_measure_names[m]);
    lm_status status = lm_rdm_compare(&out[0], a, b, m, &e);
    if (status == LM_OK) status = lm_rdm_ceiling(&out[1], b, m, &e);
    if (status == LM_OK) status = lm_rdm_bootstrap(&out[2], a, b, stimuli, subjects, m, &e);
    add_all(all, name, status, &e, 3, out);
  }
  const int64_t shape[2] = {203, 3001}, pairs[2] = {1, 203 * 202 / 2};
  lm_tensor *x = drawn("rdms", 2, shape, 6);
  for (int single = 0; single < 2; single++) {
    lm_tensor *rows = NULL;
    if (lm_tensor_zeros(&out[0], LM_F64, 2, pairs, &e) || lm_tensor_convert(&rows, x, single ? LM_F32 : LM_F64, &e))
      fail("rdms", "inputs", &e);
    lm_status status = lm_rdm_cosine(out[0], 0, &out[1], rows, true, &e);
    add_all(all, single ? "rdm (correlation, float32)" : "rdm (correlation, float64)", status, &e, 2, out);
    lm_tensor_release(rows);
  }
  for (int i = 0; i < 5; i++) lm_tensor_release((lm_tensor *[]){a, b, stimuli, subjects, x}[i]);
}

static void run_solvers(lm_sha256 *all) {
  const int64_t tall[2] = {171, 90}, square[2] = {171, 171}, few[2] = {171, 7};
  lm_tensor *x = drawn("solvers", 2, tall, 8), *b = drawn("solvers", 2, few, 9), *a, *out[6] = {0};
  lm_err e;
  bool good;
  if (lm_tensor_zeros(&a, LM_F64, 2, square, &e)) fail("solvers", "inputs", &e);
  for (int64_t i = 0; i < 171; i++)
    for (int64_t j = 0; j < 171; j++) {
      double sum = 0;
      for (int64_t k = 0; k < 90; k++) sum += lm_tensor_get(x, i * 90 + k) * lm_tensor_get(x, j * 90 + k);
      lm_tensor_set(a, i * 171 + j, sum);
    }
  lm_status status = lm_tridiagonalise(&out[0], &out[1], &out[2], a, &e);
  if (status == LM_OK) status = lm_tridiagonal_solve(&out[3], out[1], out[2], 0.5, b, &e);
  if (status == LM_OK) status = lm_eigh_largest(&out[4], &out[5], &good, a, 40, &e);
  add_all(all, "tridiagonal", status, &e, 6, out);
  for (int i = 0; i < 3; i++) lm_tensor_release((lm_tensor *[]){x, b, a}[i]);
}

static void run_responses(lm_sha256 *all) {
  const int64_t shape[3] = {61, 17, 9};
  const double quantiles[2] = {0.025, 0.5};
  lm_tensor *x = drawn("responses", 3, shape, 6), *valid, *out[5];
  lm_err e;
  lm_key key = {.seed = 7, .purpose = lm_purpose("check_ops statistics")};
  if (lm_tensor_full(&valid, LM_BOOL, 3, shape, 1, &e)) fail("responses", "inputs", &e);
  for (int64_t i = 0; i < lm_tensor_count(valid); i += 11) ((uint8_t *)lm_tensor_data(valid))[i] = 0;
  lm_status status = lm_split_half(&out[0], x, valid, 6, key, &e);
  if (status == LM_OK) status = lm_masked_mean(&out[1], &out[2], x, valid, &e);
  if (status == LM_OK) status = lm_quantile(&out[3], x, 2, quantiles, &e);
  if (status == LM_OK) status = lm_pearson(&out[4], out[1], out[1], &e);
  add_all(all, "responses", status, &e, 5, out);
  lm_tensor_release(x);
  lm_tensor_release(valid);
}

int main(int argc, char **argv) {
  lm_sha256 all;
  char hex[LM_SHA256_HEX];
  int count = 0;
  int threads = argc > 1 ? atoi(argv[1]) : lm_threads();
  if (threads < 1) return fputs("usage: check_ops [THREADS]\n", stderr), 2;
  lm_threads_set(threads);
  lm_cpu_float_state();
  lm_sha256_start(&all);
  for (; lm_ops[count]; count++) run_op(&all, lm_ops[count]);
  run_fits(&all);
  run_solvers(&all);
  run_rdms(&all);
  run_responses(&all);
  lm_sha256_hex(&all, hex);
  fprintf(stderr, "%d ops, %s kernels, %d threads\n", count, lm_isa_name(lm_cpu_isa()), threads);
  printf("digest: %s\n", hex);
  return 0;
}
